// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Logic, shifts, comparisons, selections, moves and conversions.
#include "Decoder.h"
#include "Handlers.h"

using namespace trine::sim;

void Decoder::logic() {
  static const std::unordered_map<std::string, IntegerOp> ops = {
      {"and", IntegerOp::And},
      {"or", IntegerOp::Or},
      {"xor", IntegerOp::Xor},
      {"not", IntegerOp::Not},
      {"cnot", IntegerOp::Cnot}};
  IntegerOp op = ops.at(statement->opcode);
  bool isUnary = op == IntegerOp::Not || op == IntegerOp::Cnot;
  Type type = takeType();
  if (!operandCount(isUnary ? 2 : 3, isUnary ? 2 : 3))
    return;
  made.type = type;
  made.operation = uint8_t(op);
  if (type == Type::Pred) {
    made.a = predicateSource(statement->operands[1]);
    if (!isUnary)
      made.b = predicateSource(statement->operands[2]);
    made.d = predicateDestination(statement->operands[0]);
    return handler(op == IntegerOp::Cnot ? nullptr : handlers::predicateLogic);
  }
  if (isFloat(type) || type == Type::None)
    return fail("'" + statement->opcode +
                "' expects '.pred' or an untyped size");
  made.a = source(1, type);
  if (!isUnary)
    made.b = source(2, type);
  made.d = destination(0, type);
  handler(laneTable().integer(op, type));
}

void Decoder::shift() {
  bool left = statement->opcode == "shl";
  Type type = takeType();
  if (type == Type::None || isFloat(type) || !operandCount(3, 3))
    return fail("'" + statement->opcode + "' expects an integer type");
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, Type::U32);
  made.d = destination(0, type);
  handler(laneTable().integer(left ? IntegerOp::Shl : IntegerOp::Shr, type));
}

void Decoder::funnelShift() {
  bool left = take("l"), right = take("r");
  bool clamp = take("clamp"), wrap = take("wrap");
  Type type = takeType();
  if (left == right || clamp == wrap || type != Type::B32 ||
      !operandCount(4, 4))
    return fail("'shf' expects '.l' or '.r', '.clamp' or '.wrap', and '.b32'");
  if (clamp)
    made.flags |= FlagClamp;
  made.operation = uint8_t(left ? IntegerOp::ShfLeft : IntegerOp::ShfRight);
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, Type::U32);
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp(made.operation), type));
}

void Decoder::lop3() {
  Type type = takeType();
  int64_t table = 0;
  if (type != Type::B32 || !operandCount(5, 5) || !immediate(4, table, 0, 255))
    return fail("'lop3' expects '.b32', three operands and a table");
  made.extra = uint32_t(table);
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, type);
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp::Lop3, type));
}

void Decoder::permute() {
  static const char *const modes[] = {"f4e", "b4e", "rc8",
                                      "ecl", "ecr", "rc16"};
  Type type = takeType();
  if (type != Type::B32 || !operandCount(4, 4))
    return fail("'prmt' expects '.b32' and three operands");
  for (uint32_t i = 0; i < 6; ++i)
    if (take(modes[i]))
      made.extra = i + 1;
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, type);
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp::Prmt, type));
}

namespace {
bool compareNamed(std::string_view name, bool isUnsigned, CompareOp &into) {
  static const std::pair<const char *, CompareOp> ops[] = {
      {"eq", CompareOp::Eq},   {"ne", CompareOp::Ne},   {"lt", CompareOp::Lt},
      {"le", CompareOp::Le},   {"gt", CompareOp::Gt},   {"ge", CompareOp::Ge},
      {"equ", CompareOp::Equ}, {"neu", CompareOp::Neu}, {"ltu", CompareOp::Ltu},
      {"leu", CompareOp::Leu}, {"gtu", CompareOp::Gtu}, {"geu", CompareOp::Geu},
      {"num", CompareOp::Num}, {"nan", CompareOp::Nan}};
  for (auto &[text, op] : ops)
    if (name == text) {
      into = op;
      return true;
    }
  // Unsigned spellings of integer comparisons.
  static const std::pair<const char *, CompareOp> unsignedOps[] = {
      {"lo", CompareOp::Lt},
      {"ls", CompareOp::Le},
      {"hi", CompareOp::Gt},
      {"hs", CompareOp::Ge}};
  for (auto &[text, op] : unsignedOps)
    if (isUnsigned && name == text) {
      into = op;
      return true;
    }
  return false;
}
} // namespace

void Decoder::setPredicate() {
  // setp.CmpOp{.BoolOp}{.ftz}.type p{|q}, a, b{, {!}c}
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType();
  CompareOp op = CompareOp::Eq;
  bool known = false;
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i] && !known &&
        compareNamed(statement->modifiers[i], !isFloat(type) && !isSigned(type),
                     op))
      known = taken[i] = true;
  if (!known || type == Type::None)
    return fail("'setp' expects a comparison and a type");
  made.boolean = uint8_t(take("and")   ? BooleanOp::And
                         : take("or")  ? BooleanOp::Or
                         : take("xor") ? BooleanOp::Xor
                                       : BooleanOp::None);
  if (!operandCount(made.boolean ? 4 : 3, made.boolean ? 4 : 3))
    return;
  made.a = source(1, type);
  made.b = source(2, type);
  if (made.boolean)
    made.c = predicateSource(statement->operands[3]);
  const Operand *first, *second;
  pairOrSingle(statement->operands[0], first, second);
  made.d = predicateDestination(*first);
  made.e = second ? predicateDestination(*second) : 0;
  made.operation = uint8_t(op);
  made.fromType = type;
  if (type == Type::F32)
    return handler(laneTable().compareF32(op, made.has(FlagFtz)));
  if (isFloat(type) && type != Type::F64)
    return handler(compareFloatHandler());
  handler(laneTable().compare(op, type));
}

void Decoder::set() {
  // set.CmpOp{.BoolOp}{.ftz}.dtype.stype d, a, b{, {!}c}
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type result = takeType(), type = takeType();
  CompareOp op = CompareOp::Eq;
  bool known = false;
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i] && !known &&
        compareNamed(statement->modifiers[i], !isFloat(type) && !isSigned(type),
                     op))
      known = taken[i] = true;
  if (!known || type == Type::None || result == Type::Pred ||
      bytesOf(result) < 2)
    return fail("'set' expects a comparison, a result type and a type");
  made.boolean = uint8_t(take("and")   ? BooleanOp::And
                         : take("or")  ? BooleanOp::Or
                         : take("xor") ? BooleanOp::Xor
                                       : BooleanOp::None);
  if (!operandCount(made.boolean ? 4 : 3, made.boolean ? 4 : 3))
    return;
  made.type = result;
  made.fromType = type;
  made.operation = uint8_t(op);
  made.a = source(1, type);
  made.b = source(2, type);
  if (made.boolean)
    made.c = predicateSource(statement->operands[3]);
  made.d = destination(0, result);
  handler(compareFloatHandler());
}

void Decoder::selectByPredicate() {
  Type type = takeType();
  if (bytesOf(type) < 2 || bytesOf(type) > 8 || !operandCount(4, 4))
    return fail("'selp' expects a type of 16 to 64 bits");
  size_t first = out.checks.size();
  made.a = source(1, type);
  for (size_t i = first; i < out.checks.size(); ++i)
    out.checks[i].choice = 1;
  first = out.checks.size();
  made.b = source(2, type);
  for (size_t i = first; i < out.checks.size(); ++i)
    out.checks[i].choice = 2;
  made.c = predicateSource(statement->operands[3], CheckItem::Use);
  made.d = destination(0, type);
  handler(laneTable().select(bytesOf(type)));
}

void Decoder::selectByCompare() {
  // slct{.ftz}.dtype.ctype d, a, b, c: c >= 0 ? a : b.
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType(), condition = takeType();
  if (bytesOf(type) < 2 || bytesOf(type) > 8 ||
      (condition != Type::S32 && condition != Type::F32) || !operandCount(4, 4))
    return fail("'slct' expects a type and '.s32' or '.f32'");
  made.type = type;
  made.fromType = condition;
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, condition);
  made.d = destination(0, type);
  handler(handlers::selectByCompare);
}

void Decoder::move() {
  Type type = takeType();
  if (type == Type::None || !operandCount(2, 2))
    return fail("'mov' expects a type");
  made.type = type;
  const Operand &to = statement->operands[0], &from = statement->operands[1];
  if (type == Type::Pred) {
    made.operation = uint8_t(IntegerOp::Or);
    made.a = made.b = predicateSource(from);
    made.d = predicateDestination(to);
    return handler(handlers::predicateLogic);
  }
  unsigned bytes = bytesOf(type);
  if (bytes < 2)
    return fail("'mov' expects a type of at least 16 bits");
  if (from.kind == Operand::Kind::Vector || to.kind == Operand::Kind::Vector) {
    // Packing and unpacking: the first element is the least significant.
    bool packs = from.kind == Operand::Kind::Vector;
    const Operand &vector = packs ? from : to;
    size_t count = vector.elements.size();
    if (count < 2 || bytes % count != 0 ||
        (to.kind == Operand::Kind::Vector && packs))
      return fail(
          "the elements of a vector in 'mov' must divide the type's size");
    unsigned each = unsigned(bytes / count);
    Type element = each == 1   ? Type::B8
                   : each == 2 ? Type::B16
                   : each == 4 ? Type::B32
                               : Type::B64;
    std::vector<Reference> references;
    if (packs)
      for (const Operand &part : vector.elements)
        references.push_back(sourceOf(part, element, CheckItem::Source));
    else
      made.a = sourceOf(from, type, CheckItem::Source);
    if (!packs)
      for (const Operand &part : vector.elements)
        references.push_back(destinationOf(part, element));
    else
      made.d = destinationOf(to, type);
    made.list = beginList();
    made.count = uint16_t(count);
    made.bytes = uint8_t(each);
    made.registerBytes = uint8_t(bytes);
    for (Reference reference : references)
      addToList(reference);
    return handler(packs ? handlers::pack : handlers::unpack);
  }
  if (from.kind == Operand::Kind::Special &&
      from.name.compare(0, 6, "%clock") == 0) {
    made.extra = from.name == "%clock_hi" ? 32 : 0;
    made.d = destination(0, type);
    made.bytes = uint8_t(bytes);
    return handler(handlers::readClock);
  }
  if (from.kind == Operand::Kind::Special &&
      from.name.compare(0, 12, "%globaltimer") == 0) {
    made.extra = from.name == "%globaltimer_hi" ? 32 : 0;
    made.d = destination(0, type);
    made.bytes = uint8_t(bytes);
    return handler(handlers::readTimer);
  }
  if (from.kind == Operand::Kind::Special &&
      from.name == "%is_explicit_cluster") {
    made.operation = uint8_t(IntegerOp::Or);
    made.a = made.b =
        constant(4, layout.kernel.info.requiredCluster[0] ? ~0u : 0);
    made.d = destination(0, Type::Pred);
    return handler(handlers::predicateLogic);
  }
  if (from.kind == Operand::Kind::Name) {
    // A function's address, for indirect calls.
    for (size_t f = 0; f < layout.syntax.functions.size(); ++f)
      if (layout.syntax.functions[f].name == from.name) {
        if (bytes != 8)
          return fail("a function's address has 64 bits");
        if (layout.syntax.functions[f].hasBody &&
            !layout.syntax.functions[f].isEntry)
          layout.functionIndex(from.name);
        made.a = constant(8, 0x4000000000000000ull | f);
        made.d = destination(0, type);
        return handler(laneTable().move(8));
      }
    return fail("'" + from.name + "' is not declared");
  }
  if (from.kind == Operand::Kind::Variable && !from.isModule) {
    const Variable &variable = syntax.variables[from.index];
    bool isKernelParameter = isEntry && from.index < syntax.parameters;
    if (variable.space == Space::Local ||
        (variable.space == Space::Param && !isKernelParameter)) {
      if (bytes != 4 && bytes != 8)
        return fail("an address has 32 or 64 bits");
      made.offset = int64_t(frameSlots[from.index].offset) + from.offset;
      made.bytes = uint8_t(bytes);
      made.d = destination(0, type);
      return handler(handlers::frameAddress);
    }
  }
  if (bytes == 16) {
    made.a = source(1, type);
    made.d = destination(0, type);
    return handler(handlers::move128);
  }
  made.a = source(1, type);
  made.d = destination(0, type);
  handler(laneTable().move(bytes));
}

void Decoder::convert() {
  // cvt{.irnd|.frnd}{.ftz}{.sat}{.relu}{.satfinite}.dtype.atype d, a{, b}
  static const std::pair<const char *, Rounding> integral[] = {
      {"rni", Rounding::NearestEven},
      {"rzi", Rounding::TowardZero},
      {"rmi", Rounding::Down},
      {"rpi", Rounding::Up}};
  bool isIntegral = false, isRounded = false;
  for (auto &[name, rounding] : integral)
    if (take(name)) {
      made.rounding = rounding;
      isIntegral = true;
    }
  if (take("rna")) {
    made.rounding = Rounding::NearestAway;
    isRounded = true;
  } else if (!isIntegral) {
    isRounded = takeRounding();
  }
  (void)isRounded;
  if (take("ftz"))
    made.flags |= FlagFtz;
  if (take("sat"))
    made.flags |= FlagSaturate;
  if (take("satfinite"))
    made.flags |= FlagSatFinite;
  if (take("relu"))
    made.flags |= FlagRelu;
  if (take("pack")) {
    // cvt.pack.sat.type.s32{.b32} d, a, b{, c}
    static const std::pair<const char *, std::pair<Type, uint32_t>> narrow[] = {
        {"u4", {Type::U8, 4}},
        {"s4", {Type::S8, 4}},
        {"u2", {Type::U8, 2}},
        {"s2", {Type::S8, 2}}};
    made.type = Type::None;
    for (auto &[name, type] : narrow)
      if (made.type == Type::None && take(name)) {
        made.type = type.first;
        made.extra = type.second;
      }
    if (made.type == Type::None)
      made.type = takeType();
    bool isNarrow = bytesOf(made.type) == 1;
    if ((!isNarrow && bytesOf(made.type) != 2) || isFloat(made.type) ||
        !made.has(FlagSaturate) || takeType() != Type::S32 ||
        (isNarrow && takeType() != Type::B32))
      return fail("'cvt.pack' expects '.sat', a narrow integer type, '.s32', "
                  "and '.b32' for types below 16 bits");
    if (!operandCount(isNarrow ? 4 : 3, isNarrow ? 4 : 3))
      return;
    made.a = source(1, Type::S32);
    made.b = source(2, Type::S32);
    if (isNarrow)
      made.c = source(3, Type::B32);
    made.d = destination(0, Type::B32);
    return handler(handlers::convertPack);
  }
  Type to = takeType(), from = takeType();
  if (to == Type::None || from == Type::None || !operandCount(2, 3))
    return fail("'cvt' expects a result type and a source type");
  made.type = to;
  made.fromType = from;
  made.operation = isIntegral ? 1 : 0;
  auto isPair = [](Type type) {
    return type == Type::F16x2 || type == Type::BF16x2 ||
           type == Type::E4M3x2 || type == Type::E5M2x2;
  };
  if (statement->operands.size() == 3 && (!isPair(to) || from != Type::F32))
    return fail(
        "'cvt' of two operands expects a packed result of '.f32' operands");
  if (statement->operands.size() == 2 && isPair(to) != isPair(from))
    return fail("'cvt' between a packed and a single type is not known");
  unsigned fromBytes = 0, toBytes = 0;
  made.a = sourceOf(statement->operands[1], from, CheckItem::Source, true,
                    &fromBytes);
  if (statement->operands.size() == 3) {
    made.b = sourceOf(statement->operands[2], from, CheckItem::Source, true);
    made.count = 2;
  }
  made.d = destinationOf(statement->operands[0], to, true, &toBytes);
  made.bytes = uint8_t(fromBytes);
  made.registerBytes = uint8_t(toBytes);
  if (from == Type::Pred || to == Type::Pred)
    return fail("'cvt' does not take predicates");
  if (isFloat(from) || isFloat(to))
    return handler(convertHandler(made));
  handler(laneTable().convertInteger);
}

void Decoder::convertAddress() {
  // cvta{.to}.space.size d, a
  bool isTo = take("to");
  Space space = takeSpace(Space::Generic);
  Type type = takeType();
  if (space == Space::Generic || (type != Type::U64 && type != Type::U32) ||
      !operandCount(2, 2))
    return fail("'cvta' expects a space and '.u64'");
  made.space = space;
  made.registerBytes = made.bytes = uint8_t(bytesOf(type));
  if (isTo)
    made.flags |= FlagClamp;
  const Operand &from = statement->operands[1];
  if (from.kind == Operand::Kind::Variable && !from.isModule &&
      (syntax.variables[from.index].space == Space::Local ||
       (syntax.variables[from.index].space == Space::Param &&
        !(isEntry && from.index < syntax.parameters)))) {
    made.flags |= FlagFrame;
    made.offset = int64_t(frameSlots[from.index].offset) + from.offset;
  } else {
    made.a = source(1, type);
  }
  made.d = destination(0, type);
  handler(handlers::convertAddress);
}

void Decoder::isSpace() {
  Space space = takeSpace(Space::Generic);
  if (space == Space::Generic || !operandCount(2, 2))
    return fail("'isspacep' expects a space");
  made.space = space;
  made.a = source(1, Type::U64);
  made.d = destination(0, Type::Pred);
  handler(handlers::isSpace);
}
