// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all families share: modifiers, and the order of work for a function, a
// kernel and a module.
#include "Decoder.h"
#include <algorithm>
#include <cstring>

using namespace trine::sim;

namespace {
constexpr uint64_t maximumRegisterBytes = 64ull << 20;
constexpr uint64_t maximumFrameBytes = 16ull << 20;
} // namespace

uint32_t KernelLayout::functionIndex(const std::string &name) {
  for (size_t i = 0; i < functionNames.size(); ++i)
    if (functionNames[i] == name)
      return uint32_t(i);
  functionNames.push_back(name);
  return uint32_t(functionNames.size() - 1);
}

Decoder::Decoder(KernelLayout &layout, const FunctionSyntax &syntax,
                 Function &out, uint32_t functionNumber)
    : layout(layout), syntax(syntax), out(out), functionNumber(functionNumber),
      isEntry(syntax.isEntry) {}

void Decoder::run() {
  out.name = syntax.name;
  uint64_t registers = sinkBytes;
  for (const Register &reg : syntax.registers) {
    registerOffset.push_back(uint32_t(registers));
    out.registerNames.push_back(reg.name);
    unsigned bytes =
        reg.type == Type::Pred ? 4 : registerBytesOf(reg.type) * 32;
    registers += alignTo(bytes, reg.type == Type::Pred ? 4 : 64);
    if (reg.type == Type::Pred)
      registers = alignTo(registers, 64);
  }
  if (registers > maximumRegisterBytes)
    return layout.sink.error(syntax.line,
                             "'" + syntax.name + "' has too many registers");
  out.registerOffsets = registerOffset;
  out.registerBytes = uint32_t(registers);

  // .local variables, and .param variables other than a kernel's own
  // parameters, lie in the frame.
  uint64_t frame = 0;
  frameSlots.assign(syntax.variables.size(), {});
  for (size_t i = 0; i < syntax.variables.size(); ++i) {
    const Variable &variable = syntax.variables[i];
    bool isKernelParameter = isEntry && i < syntax.results + syntax.parameters;
    if (isKernelParameter ||
        (variable.space != Space::Local && variable.space != Space::Param))
      continue;
    frame = alignTo(frame, std::max(variable.alignment, 1u));
    frameSlots[i] = {uint32_t(frame), uint32_t(variable.bytes)};
    frame += variable.bytes;
    if (frame > maximumFrameBytes)
      return layout.sink.error(
          variable.line, "'" + syntax.name + "' has too many local variables");
  }
  out.localBytes = uint32_t(alignTo(frame, 16));
  if (!isEntry) {
    out.results.assign(frameSlots.begin(), frameSlots.begin() + syntax.results);
    out.parameters.assign(frameSlots.begin() + syntax.results,
                          frameSlots.begin() + syntax.results +
                              syntax.parameters);
  }

  constant(4, 0); // operand references that a form does not use point here
  out.code.reserve(syntax.statements.size() + 1);
  for (const Statement &each : syntax.statements) {
    statement = &each;
    taken.assign(each.modifiers.size(), false);
    made = Instruction();
    made.a = made.b = made.c = constant(8, 0);
    made.checkBegin = uint32_t(out.checks.size());
    isFailed = false;
    if (each.guard >= 0) {
      made.guard = registerOffset[size_t(each.guard)];
      made.guardNegated = each.guardNegated;
      touch(CheckItem::Use, uint32_t(each.guard));
    }
    auto found = methods().find(each.opcode);
    if (found == methods().end()) {
      fail("instruction '" + each.opcode + "' is not known");
    } else {
      (this->*found->second)();
      if (!failed())
        for (size_t i = 0; i < taken.size(); ++i)
          if (!taken[i]) {
            fail("modifier '." + each.modifiers[i] +
                 "' is not known in this form of '" + each.opcode + "'");
            break;
          }
      if (!failed() && !made.handler && made.control == Control::Plain)
        fail("this form of '" + each.opcode + "' is not known");
    }
    made.checkCount =
        uint16_t(std::min<size_t>(out.checks.size() - made.checkBegin, 0xffff));
    out.code.push_back(made);
    out.lines.push_back({each.line, each.sourceFile, each.sourceLine});
    if (layout.sink.full())
      return;
  }
  // Running off the end is a return.
  Instruction last;
  last.control = Control::Return;
  out.code.push_back(last);
  out.lines.push_back({syntax.line, 0, 0});
}

void Decoder::fail(std::string message) {
  if (!isFailed)
    layout.sink.error(statement->line, std::move(message));
  isFailed = true;
}

bool Decoder::take(std::string_view modifier) {
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i] && statement->modifiers[i] == modifier) {
      taken[i] = true;
      return true;
    }
  return false;
}

Type Decoder::takeType() {
  for (size_t i = 0; i < taken.size(); ++i) {
    if (taken[i])
      continue;
    Type type = typeNamed(statement->modifiers[i]);
    if (type == Type::None)
      continue;
    taken[i] = true;
    return type;
  }
  return Type::None;
}

bool Decoder::takeRounding() {
  static const std::pair<const char *, Rounding> roundings[] = {
      {"rn", Rounding::NearestEven},
      {"rz", Rounding::TowardZero},
      {"rm", Rounding::Down},
      {"rp", Rounding::Up}};
  for (auto &[name, rounding] : roundings)
    if (take(name)) {
      made.rounding = rounding;
      return true;
    }
  return false;
}

void Decoder::takeCacheHints() {
  for (const char *hint :
       {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
        "L1::evict_last", "L1::no_allocate", "L2::evict_normal",
        "L2::evict_first", "L2::evict_last", "L2::64B", "L2::128B", "L2::256B",
        "ca", "cg", "cs", "lu", "cv", "wb", "wt"})
    take(hint);
}

Space Decoder::takeSpace(Space otherwise) {
  static const std::pair<const char *, Space> spaces[] = {
      {"global", Space::Global},
      {"const", Space::Const},
      {"shared", Space::Shared},
      {"shared::cta", Space::Shared},
      {"shared::cluster", Space::Shared},
      {"local", Space::Local},
      {"param", Space::Param},
      {"param::entry", Space::Param},
      {"param::func", Space::Param}};
  for (auto &[name, space] : spaces)
    if (take(name))
      return space;
  return otherwise;
}

uint32_t Decoder::beginList() { return uint32_t(out.lists.size()); }
void Decoder::addToList(Reference reference) { out.lists.push_back(reference); }

void Decoder::handler(Handler found) {
  if (!found)
    fail("this form of '" + statement->opcode + "' is not known");
  made.handler = found;
}
