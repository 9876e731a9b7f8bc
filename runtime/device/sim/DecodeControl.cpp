// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Control flow, barriers, fences; and the table of opcodes.
#include "Decoder.h"
#include "Handlers.h"

using namespace trine::sim;

const std::unordered_map<std::string, Decoder::Method> &Decoder::methods() {
  static const std::unordered_map<std::string, Method> table = {
      {"add", &Decoder::arithmetic},
      {"sub", &Decoder::arithmetic},
      {"addc", &Decoder::arithmetic},
      {"subc", &Decoder::arithmetic},
      {"mul", &Decoder::multiply},
      {"mad", &Decoder::multiplyAdd},
      {"fma", &Decoder::multiplyAdd},
      {"madc", &Decoder::multiplyAdd},
      {"mul24", &Decoder::multiply24},
      {"mad24", &Decoder::multiply24},
      {"sad", &Decoder::sumOfDifferences},
      {"div", &Decoder::divideOrRemainder},
      {"rem", &Decoder::divideOrRemainder},
      {"neg", &Decoder::negateOrAbsolute},
      {"abs", &Decoder::negateOrAbsolute},
      {"min", &Decoder::minimumOrMaximum},
      {"max", &Decoder::minimumOrMaximum},
      {"ex2", &Decoder::approximation},
      {"lg2", &Decoder::approximation},
      {"sin", &Decoder::approximation},
      {"cos", &Decoder::approximation},
      {"tanh", &Decoder::approximation},
      {"rsqrt", &Decoder::approximation},
      {"sqrt", &Decoder::squareRootOrReciprocal},
      {"rcp", &Decoder::squareRootOrReciprocal},
      {"copysign", &Decoder::copySign},
      {"testp", &Decoder::testProperty},
      {"popc", &Decoder::countBits},
      {"clz", &Decoder::countBits},
      {"brev", &Decoder::countBits},
      {"bfind", &Decoder::countBits},
      {"bfe", &Decoder::bitField},
      {"bfi", &Decoder::bitField},
      {"dp4a", &Decoder::dotProduct},
      {"dp2a", &Decoder::dotProduct},
      {"bmsk", &Decoder::bitMask},
      {"szext", &Decoder::bitMask},
      {"and", &Decoder::logic},
      {"or", &Decoder::logic},
      {"xor", &Decoder::logic},
      {"not", &Decoder::logic},
      {"cnot", &Decoder::logic},
      {"shl", &Decoder::shift},
      {"shr", &Decoder::shift},
      {"shf", &Decoder::funnelShift},
      {"lop3", &Decoder::lop3},
      {"prmt", &Decoder::permute},
      {"setp", &Decoder::setPredicate},
      {"set", &Decoder::set},
      {"selp", &Decoder::selectByPredicate},
      {"slct", &Decoder::selectByCompare},
      {"mov", &Decoder::move},
      {"cvt", &Decoder::convert},
      {"cvta", &Decoder::convertAddress},
      {"isspacep", &Decoder::isSpace},
      {"ld", &Decoder::load},
      {"ldu", &Decoder::load},
      {"st", &Decoder::store},
      {"atom", &Decoder::atomic},
      {"red", &Decoder::atomic},
      {"prefetch", &Decoder::prefetch},
      {"prefetchu", &Decoder::prefetch},
      {"discard", &Decoder::prefetch},
      {"applypriority", &Decoder::prefetch},
      {"createpolicy", &Decoder::policy},
      {"mapa", &Decoder::mapAddress},
      {"getctarank", &Decoder::mapAddress},
      {"shfl", &Decoder::shuffle},
      {"vote", &Decoder::vote},
      {"match", &Decoder::match},
      {"redux", &Decoder::reduceAcross},
      {"activemask", &Decoder::activeMask},
      {"elect", &Decoder::elect},
      {"bra", &Decoder::branch},
      {"brx", &Decoder::branchIndexed},
      {"call", &Decoder::call},
      {"ret", &Decoder::returnOrExit},
      {"exit", &Decoder::returnOrExit},
      {"trap", &Decoder::trap},
      {"brkpt", &Decoder::nanosleep},
      {"pmevent", &Decoder::nanosleep},
      {"nanosleep", &Decoder::nanosleep},
      {"bar", &Decoder::barrier},
      {"barrier", &Decoder::barrier},
      {"membar", &Decoder::fence},
      {"fence", &Decoder::fence},
      {"griddepcontrol", &Decoder::gridDependency},
      {"setmaxnreg", &Decoder::setMaximumRegisters},
      {"cp", &Decoder::copyAsync},
      {"mbarrier", &Decoder::mbarrier},
      {"ldmatrix", &Decoder::matrixLoadStore},
      {"stmatrix", &Decoder::matrixLoadStore},
      {"movmatrix", &Decoder::moveMatrix},
      {"mma", &Decoder::matrixMultiply},
      {"wgmma", &Decoder::warpgroup},
      {"tensormap", &Decoder::tensorMapReplace}};
  return table;
}

void Decoder::branch() {
  take("uni");
  made.control = Control::Branch;
  if (operandCount(1, 1))
    label(statement->operands[0], made.target);
}

void Decoder::branchIndexed() {
  // brx.idx{.uni} a, table
  take("uni");
  if (!take("idx") || !operandCount(2, 2))
    return fail("'brx' expects '.idx' and two operands");
  made.control = Control::BranchIndexed;
  made.a = source(0, Type::U32, CheckItem::Use);
  const Operand &name = statement->operands[1];
  const Symbol *symbol = name.kind == Operand::Kind::Name
                             ? syntax.find(statement->scope, name.name)
                             : nullptr;
  if (!symbol || symbol->kind != Symbol::Kind::Table)
    return fail("'brx.idx' expects a table declared by '.branchtargets'");
  std::vector<uint32_t> targets;
  for (const std::string &each : syntax.tables[symbol->index]) {
    const Symbol *target = syntax.find(statement->scope, each);
    if (!target || target->kind != Symbol::Kind::Label)
      return fail("label '" + each + "' is not declared");
    targets.push_back(target->index);
  }
  made.target = uint32_t(out.tables.size());
  out.tables.push_back(std::move(targets));
}

void Decoder::call() {
  // call{.uni} (results), f, (arguments){, prototype}: results and arguments
  // may be absent.
  take("uni");
  const std::vector<Operand> &operands = statement->operands;
  size_t at = 0;
  CallSite site;
  auto slots = [&](const Operand &list, std::vector<ParameterSlot> &into) {
    for (const Operand &each : list.elements) {
      if (each.kind != Operand::Kind::Variable || each.isModule ||
          syntax.variables[each.index].space != Space::Param ||
          (isEntry && each.index < syntax.parameters))
        return fail("'call' takes '.param' variables of the function alone");
      into.push_back(frameSlots[each.index]);
    }
  };
  if (at < operands.size() && operands[at].kind == Operand::Kind::List)
    slots(operands[at++], site.results);
  if (failed())
    return;
  if (at >= operands.size())
    return fail("'call' expects a function");
  const Operand &callee = operands[at++];
  if (at < operands.size() && operands[at].kind == Operand::Kind::List)
    slots(operands[at++], site.arguments);
  if (failed())
    return;
  made.target = uint32_t(out.calls.size());
  if (callee.kind == Operand::Kind::Register) {
    made.control = Control::CallIndirect;
    made.a = sourceOf(callee, Type::U64, CheckItem::Use);
    out.calls.push_back(std::move(site));
    return;
  }
  if (callee.kind != Operand::Kind::Name)
    return fail("'call' expects a function's name or a register");
  const FunctionSyntax *found = nullptr;
  for (const FunctionSyntax &candidate : layout.syntax.functions)
    if (candidate.name == callee.name)
      found = &candidate;
  if (!found)
    return fail("function '" + callee.name + "' is not declared");
  if (!found->hasBody) {
    static const char *const builtins[] = {"vprintf", "__assertfail", "malloc",
                                           "free"};
    for (unsigned i = 0; i < 2; ++i)
      if (callee.name == builtins[i]) {
        made.control = Control::CallBuiltin;
        made.operation = uint8_t(i);
        size_t expected = i == 0 ? 2 : 5;
        if (site.arguments.size() != expected)
          return fail("'" + callee.name + "' expects " +
                      std::to_string(expected) + " arguments");
        for (const ParameterSlot &slot : site.arguments)
          if (slot.bytes > 8)
            return fail("'" + callee.name +
                        "' expects arguments of at most 8 bytes");
        out.calls.push_back(std::move(site));
        return;
      }
    return fail("function '" + callee.name +
                "' has no body, and is not built in");
  }
  if (found->isEntry || found->parameters != site.arguments.size() ||
      found->results != site.results.size())
    return fail("'" + callee.name + "' expects " +
                std::to_string(found->parameters) + " arguments and gives " +
                std::to_string(found->results) + " results");
  for (uint32_t i = 0; i < found->parameters + found->results; ++i) {
    const ParameterSlot &slot = i < found->results
                                    ? site.results[i]
                                    : site.arguments[i - found->results];
    if (slot.bytes != found->variables[i].bytes)
      return fail("a parameter of '" + callee.name + "' has " +
                  std::to_string(found->variables[i].bytes) + " bytes, got " +
                  std::to_string(slot.bytes));
  }
  site.function = layout.functionIndex(callee.name);
  made.control = Control::Call;
  out.calls.push_back(std::move(site));
}

void Decoder::returnOrExit() {
  take("uni");
  made.control =
      statement->opcode == "exit" || isEntry ? Control::Exit : Control::Return;
  operandCount(0, 0);
}

void Decoder::trap() {
  made.control = Control::Trap;
  operandCount(0, 0);
}

void Decoder::nanosleep() {
  if (statement->opcode == "nanosleep") {
    Type type = takeType();
    if (type != Type::U32 || !operandCount(1, 1))
      return fail("'nanosleep' expects '.u32'");
    made.a = source(0, Type::U32);
    return handler(handlers::yield);
  }
  take("mask");
  if (statement->opcode == "pmevent" && !operandCount(1, 1))
    return;
  handler(handlers::nothing);
}

void Decoder::barrier() {
  if (take("cluster"))
    return barrierCluster();
  bool isBar = statement->opcode == "bar";
  if (isBar && take("warp")) {
    // bar.warp.sync membermask
    if (!take("sync") || !operandCount(1, 1))
      return fail("'bar.warp' expects '.sync' and a mask");
    made.control = Control::WarpSync;
    made.e = source(0, Type::B32, CheckItem::Use);
    return;
  }
  take("cta");
  made.control = Control::Barrier;
  if (take("aligned") || isBar)
    made.flags |= FlagAligned;
  size_t at = 0;
  if (take("sync")) {
    made.operation = uint8_t(BarrierMode::Sync);
    if (!operandCount(1, 2))
      return;
  } else if (take("arrive")) {
    made.operation = uint8_t(BarrierMode::Arrive);
    if (!operandCount(2, 2))
      return;
  } else if (take("red")) {
    // bar.red.popc.u32 d, a{, b}, {!}c; bar.red.op.pred p, a{, b}, {!}c
    bool popc = take("popc"), conjunction = take("and"),
         disjunction = take("or");
    Type type = takeType();
    if (popc + conjunction + disjunction != 1 ||
        type != (popc ? Type::U32 : Type::Pred) || !operandCount(3, 4))
      return fail("'bar.red' expects '.popc.u32', '.and.pred' or '.or.pred', "
                  "and three or four operands");
    made.operation = uint8_t(popc          ? BarrierMode::RedPopc
                             : conjunction ? BarrierMode::RedAnd
                                           : BarrierMode::RedOr);
    made.c = predicateSource(statement->operands.back(), CheckItem::Use);
    made.d = destination(0, type);
    at = 1;
  } else {
    return fail("'" + statement->opcode +
                "' expects '.sync', '.arrive' or '.red'");
  }
  made.a = source(at, Type::U32, CheckItem::Use);
  size_t countAt = at + 1;
  bool hasCount = at == 0 ? statement->operands.size() == 2
                          : statement->operands.size() == 4;
  if (hasCount)
    made.b = source(countAt, Type::U32, CheckItem::Use);
  made.extra = hasCount;
}

void Decoder::barrierCluster() {
  // barrier.cluster.arrive{.release|.relaxed}{.aligned};
  // barrier.cluster.wait{.acquire}{.aligned}
  made.control = Control::ClusterBarrier;
  layout.kernel.usesCluster = true;
  if (take("aligned"))
    made.flags |= FlagAligned;
  if (take("arrive")) {
    made.operation = 0;
    if (!take("relaxed")) {
      take("release");
      made.flags |= FlagRelease;
    }
  } else if (take("wait")) {
    made.operation = 1;
    take("acquire");
    made.flags |= FlagAcquire;
  } else {
    return fail("'barrier.cluster' expects '.arrive' or '.wait'");
  }
  operandCount(0, 0);
}

void Decoder::fence() {
  made.extra = uint32_t(FenceKind::Thread);
  made.flags |= FlagAcquire | FlagRelease;
  if (statement->opcode == "membar") {
    if (!take("cta") && !take("gl") && !take("sys") && !take("proxy"))
      return fail("'membar' expects '.cta', '.gl' or '.sys'");
  } else if (take("proxy")) {
    made.flags &= ~uint32_t(FlagAcquire | FlagRelease);
    if (take("async") || take("async.global")) {
      made.extra = uint32_t(FenceKind::ProxyAsync);
      takeSpace(Space::Generic);
    } else if (take("tensormap::generic")) {
      made.extra = uint32_t(FenceKind::ProxyTensormap);
      take("acquire");
      take("release");
      for (const char *scope : {"cta", "cluster", "gpu", "sys"})
        take(scope);
      for (size_t i = 0; i < statement->operands.size(); ++i)
        if (statement->operands[i].kind == Operand::Kind::Address)
          address(statement->operands[i], Space::Generic, made.a);
      return handler(handlers::fence);
    } else if (take("alias")) {
      made.extra = uint32_t(FenceKind::Other);
    } else {
      return fail(
          "'fence.proxy' expects '.async', '.alias' or '.tensormap::generic'");
    }
  } else if (take("mbarrier_init")) {
    made.extra = uint32_t(FenceKind::MbarrierInit);
    made.flags &= ~uint32_t(FlagAcquire | FlagRelease);
    take("release");
    take("cluster");
  } else {
    bool known = take("sc") || take("acq_rel");
    if (!known && take("acquire"))
      made.flags &= ~uint32_t(FlagRelease), known = true;
    if (!known && take("release"))
      made.flags &= ~uint32_t(FlagAcquire), known = true;
    take("sync_restrict::shared::cta");
    take("sync_restrict::shared::cluster");
    bool scoped = false;
    for (const char *scope : {"cta", "cluster", "gpu", "sys"})
      scoped |= take(scope);
    if (!known && !scoped)
      return fail("'fence' expects semantics and a scope");
  }
  if (operandCount(0, 0))
    handler(handlers::fence);
}

void Decoder::gridDependency() {
  if (!take("wait") && !take("launch_dependents"))
    return fail("'griddepcontrol' expects '.wait' or '.launch_dependents'");
  if (operandCount(0, 0))
    handler(handlers::nothing);
}

void Decoder::setMaximumRegisters() {
  // setmaxnreg.{inc,dec}.sync.aligned.u32 n
  bool increase = take("inc"), decrease = take("dec");
  take("sync");
  take("aligned");
  Type type = takeType();
  int64_t count = 0;
  if (increase == decrease || type != Type::U32 || !operandCount(1, 1) ||
      !immediate(0, count, 24, 256))
    return fail("'setmaxnreg' expects '.inc' or '.dec', '.sync.aligned.u32' "
                "and a constant in [24, 256]");
  if (count % 8)
    return fail("'setmaxnreg' expects a multiple of 8, got " +
                std::to_string(count));
  made.control = Control::SetMaxRegisters;
  made.flags |= FlagAligned;
  made.operation = increase;
  made.extra = uint32_t(count);
}
