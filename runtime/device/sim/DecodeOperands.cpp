// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operands of all families: registers, constants, addresses, labels.
#include "Decoder.h"
#include <algorithm>
#include <cstring>

using namespace trine::sim;

namespace {
constexpr uint64_t maximumSharedBytes =
    (1u << sharedOffsetBits) - sharedReserved;
} // namespace

const Operand *Decoder::operand(size_t index) {
  if (index < statement->operands.size())
    return &statement->operands[index];
  fail("'" + statement->opcode + "' expects more than " +
       std::to_string(statement->operands.size()) + " operands");
  return nullptr;
}

bool Decoder::operandCount(size_t least, size_t most) {
  size_t count = statement->operands.size();
  if (count >= least && count <= most)
    return true;
  fail("'" + statement->opcode + "' expects " + std::to_string(least) +
       (most > least ? " to " + std::to_string(most) : "") + " operands, got " +
       std::to_string(count));
  return false;
}

void Decoder::touch(CheckItem::Role role, uint32_t reg, bool isAsync) {
  CheckItem item;
  item.role = role;
  item.reg = reg;
  item.isAsync = isAsync;
  out.checks.push_back(item);
}

Reference Decoder::constant(unsigned bytes, uint64_t value) {
  unsigned width = bytes < 2 ? 2 : bytes;
  if (width < 8)
    value &= (1ull << (8 * width)) - 1;
  auto inserted = constants.emplace(std::make_pair(width, value),
                                    uint32_t(out.constants.size()));
  if (inserted.second) {
    size_t begin = out.constants.size();
    out.constants.resize(begin + size_t(width < 16 ? width : 16) * 32);
    for (unsigned l = 0; l < 32; ++l)
      std::memcpy(&out.constants[begin + size_t(l) * width], &value,
                  std::min(width, 8u));
  }
  return inserted.first->second | uint32_t(Base::Constants) << 30;
}

uint64_t Decoder::floatBits(const Operand &operand, Type type, bool &known) {
  known = true;
  double value;
  if (operand.kind == Operand::Kind::Float32)
    value = double(floatFromBits(uint32_t(operand.value)));
  else
    value = doubleFromBits(operand.value);
  switch (type) {
  case Type::F32:
  case Type::TF32:
    return operand.kind == Operand::Kind::Float32 ? operand.value
                                                  : bitsFromFloat(float(value));
  case Type::F64:
    return operand.kind == Operand::Kind::Float64 ? operand.value
                                                  : bitsFromDouble(value);
  case Type::F16:
    return encodeFloat(FloatFormat::F16, value);
  case Type::BF16:
    return encodeFloat(FloatFormat::BF16, value);
  case Type::B32:
  case Type::U32:
  case Type::S32:
    known = operand.kind == Operand::Kind::Float32;
    return operand.value;
  case Type::B64:
  case Type::U64:
  case Type::S64:
    known = operand.kind == Operand::Kind::Float64;
    return operand.value;
  default:
    known = false;
    return 0;
  }
}

uint32_t Decoder::sharedAddress(const Operand &operand) {
  const Variable &variable = operand.isModule
                                 ? layout.syntax.variables[operand.index]
                                 : syntax.variables[operand.index];
  std::string key = (operand.isModule ? "" : std::to_string(functionNumber)) +
                    ":" +
                    (operand.isModule ? std::to_string(operand.index)
                                      : std::to_string(operand.index) + "#");
  if (variable.isExtern || (variable.bytes == 0)) {
    layout.usesDynamic = true;
    layout.dynamicAlignment =
        std::max(layout.dynamicAlignment, variable.alignment);
    return layout.kernel
        .dynamicSharedOffset; // from the second of two passes on, the real one
  }
  auto found = layout.sharedOffsets.find(key);
  if (found != layout.sharedOffsets.end())
    return found->second;
  uint64_t begin = alignTo(sharedReserved + uint64_t(layout.sharedBytes),
                           std::max(variable.alignment, 1u));
  if (begin + variable.bytes > sharedReserved + maximumSharedBytes) {
    fail("shared variables take more than " +
         std::to_string(maximumSharedBytes) + " bytes");
    return 0;
  }
  layout.sharedBytes = uint32_t(begin + variable.bytes - sharedReserved);
  layout.sharedOffsets[key] = uint32_t(begin);
  layout.kernel.sharedVariables.push_back(
      {variable.name, uint32_t(begin), uint32_t(begin + variable.bytes)});
  return uint32_t(begin);
}

Reference Decoder::source(size_t index, Type type, CheckItem::Role role) {
  const Operand *found = operand(index);
  return found ? sourceOf(*found, type, role) : 0;
}

bool Decoder::fits(const Register &reg, Type type, bool wider) {
  unsigned have = registerBytesOf(reg.type), bytes = registerBytesOf(type);
  if (reg.type != Type::Pred && (wider ? have >= bytes : have == bytes))
    return true;
  fail("register '" + reg.name + "' of type '." +
       std::string(nameOf(reg.type)) + "' does not fit '." +
       std::string(nameOf(type)) + "'");
  return false;
}

Reference Decoder::sourceOf(const Operand &operand, Type type,
                            CheckItem::Role role, bool wider,
                            unsigned *actualBytes) {
  unsigned bytes = registerBytesOf(type);
  if (actualBytes)
    *actualBytes = bytes;
  if (type == Type::Pred)
    return predicateSource(operand, role);
  if (operand.negated) {
    fail("'!' is for predicates alone");
    return 0;
  }
  switch (operand.kind) {
  case Operand::Kind::Register: {
    const Register &reg = syntax.registers[operand.index];
    unsigned have = registerBytesOf(reg.type);
    if (!fits(reg, type, wider))
      return 0;
    if (operand.offset != 0) {
      fail("a register plus a number is an address, and belongs in brackets");
      return 0;
    }
    if (actualBytes)
      *actualBytes = have;
    touch(role, operand.index);
    return registerOffset[operand.index];
  }
  case Operand::Kind::Integer:
    if (isFloat(type) && type != Type::F16x2 && type != Type::BF16x2 &&
        type != Type::TF32 && bytes > 2) {
      // `0` alone is written for floats by some front ends.
      double value = double(int64_t(operand.value));
      return constant(bytes, type == Type::F64 ? bitsFromDouble(value)
                                               : bitsFromFloat(float(value)));
    }
    return constant(bytes, operand.value);
  case Operand::Kind::Float32:
  case Operand::Kind::Float64: {
    bool known = false;
    uint64_t bits = floatBits(operand, type, known);
    if (!known)
      fail("a floating-point constant does not fit '." +
           std::string(nameOf(type)) + "'");
    return constant(bytes, bits);
  }
  case Operand::Kind::Variable: {
    if (bytes < 4) {
      fail("an address needs 32 or 64 bits");
      return 0;
    }
    const Variable &variable = operand.isModule
                                   ? layout.syntax.variables[operand.index]
                                   : syntax.variables[operand.index];
    switch (variable.space) {
    case Space::Shared:
      return constant(bytes, uint64_t(sharedAddress(operand)) +
                                 uint64_t(operand.offset));
    case Space::Global:
    case Space::Const:
      return constant(bytes,
                      uint64_t(reinterpret_cast<uintptr_t>(
                          layout.contents.variables[operand.index].address)) +
                          uint64_t(operand.offset));
    case Space::Param:
      if (isEntry && operand.index < syntax.parameters)
        return constant(
            bytes,
            uint64_t(layout.kernel.info.parameters[operand.index].offset) +
                uint64_t(operand.offset));
      [[fallthrough]];
    default:
      fail("the address of '" + variable.name +
           "' can be taken by 'mov' alone");
      return 0;
    }
  }
  case Operand::Kind::Special: {
    static const std::unordered_map<std::string, Special> table = {
        {"%tid.x", Special::TidX},
        {"%tid.y", Special::TidY},
        {"%tid.z", Special::TidZ},
        {"%ntid.x", Special::NtidX},
        {"%ntid.y", Special::NtidY},
        {"%ntid.z", Special::NtidZ},
        {"%ctaid.x", Special::CtaidX},
        {"%ctaid.y", Special::CtaidY},
        {"%ctaid.z", Special::CtaidZ},
        {"%nctaid.x", Special::NctaidX},
        {"%nctaid.y", Special::NctaidY},
        {"%nctaid.z", Special::NctaidZ},
        {"%laneid", Special::Laneid},
        {"%warpid", Special::Warpid},
        {"%nwarpid", Special::Nwarpid},
        {"%smid", Special::Smid},
        {"%nsmid", Special::Nsmid},
        {"%gridid", Special::Gridid},
        {"%clusterid.x", Special::ClusteridX},
        {"%clusterid.y", Special::ClusteridY},
        {"%clusterid.z", Special::ClusteridZ},
        {"%nclusterid.x", Special::NclusteridX},
        {"%nclusterid.y", Special::NclusteridY},
        {"%nclusterid.z", Special::NclusteridZ},
        {"%cluster_ctaid.x", Special::ClusterCtaidX},
        {"%cluster_ctaid.y", Special::ClusterCtaidY},
        {"%cluster_ctaid.z", Special::ClusterCtaidZ},
        {"%cluster_nctaid.x", Special::ClusterNctaidX},
        {"%cluster_nctaid.y", Special::ClusterNctaidY},
        {"%cluster_nctaid.z", Special::ClusterNctaidZ},
        {"%cluster_ctarank", Special::ClusterCtarank},
        {"%cluster_nctarank", Special::ClusterNctarank},
        {"%lanemask_eq", Special::LanemaskEq},
        {"%lanemask_le", Special::LanemaskLe},
        {"%lanemask_lt", Special::LanemaskLt},
        {"%lanemask_ge", Special::LanemaskGe},
        {"%lanemask_gt", Special::LanemaskGt},
        {"%dynamic_smem_size", Special::DynamicSharedSize},
        {"%total_smem_size", Special::TotalSharedSize},
        {"%aggr_smem_size", Special::TotalSharedSize},
        {"WARP_SZ", Special::WarpSize}};
    auto found = table.find(operand.name);
    if (found == table.end()) {
      fail("special register '" + operand.name +
           "' can be read by 'mov' alone");
      return 0;
    }
    if (actualBytes && wider)
      *actualBytes = 4;
    else if (bytes != 4) {
      fail("special register '" + operand.name + "' has 32 bits");
      return 0;
    }
    return uint32_t(found->second) * 128 | uint32_t(Base::Specials) << 30;
  }
  default:
    fail("expected a register or a constant as operand of '" +
         statement->opcode + "'");
    return 0;
  }
}

Reference Decoder::destination(size_t index, Type type) {
  const Operand *found = operand(index);
  return found ? destinationOf(*found, type) : 0;
}

Reference Decoder::destinationOf(const Operand &operand, Type type, bool wider,
                                 unsigned *actualBytes, bool isAsync) {
  unsigned bytes = registerBytesOf(type);
  if (actualBytes)
    *actualBytes = bytes;
  if (operand.kind == Operand::Kind::Sink)
    return 0;
  if (type == Type::Pred)
    return predicateDestination(operand);
  if (operand.kind != Operand::Kind::Register || operand.negated ||
      operand.offset) {
    fail("expected a register as result of '" + statement->opcode + "'");
    return 0;
  }
  const Register &reg = syntax.registers[operand.index];
  unsigned have = registerBytesOf(reg.type);
  if (!fits(reg, type, wider))
    return 0;
  if (actualBytes)
    *actualBytes = have;
  touch(CheckItem::Destination, operand.index, isAsync);
  return registerOffset[operand.index];
}

Reference Decoder::predicateSource(const Operand &operand,
                                   CheckItem::Role role) {
  if (operand.kind == Operand::Kind::Integer)
    return constant(4,
                    (operand.value != 0) != operand.negated ? 0xffffffff : 0);
  if (operand.kind != Operand::Kind::Register ||
      syntax.registers[operand.index].type != Type::Pred) {
    fail("expected a predicate as operand of '" + statement->opcode + "'");
    return 0;
  }
  touch(role, operand.index);
  return registerOffset[operand.index] | (operand.negated ? negationBit : 0);
}

Reference Decoder::predicateDestination(const Operand &operand) {
  if (operand.kind == Operand::Kind::Sink)
    return 0;
  if (operand.kind != Operand::Kind::Register || operand.negated ||
      syntax.registers[operand.index].type != Type::Pred) {
    fail("expected a predicate as result of '" + statement->opcode + "'");
    return 0;
  }
  touch(CheckItem::Destination, operand.index);
  return registerOffset[operand.index];
}

bool Decoder::immediate(size_t index, int64_t &value, int64_t least,
                        int64_t most) {
  const Operand *found = operand(index);
  if (!found)
    return false;
  if (found->kind != Operand::Kind::Integer || int64_t(found->value) < least ||
      int64_t(found->value) > most) {
    fail("operand " + std::to_string(index) + " of '" + statement->opcode +
         "' must be a constant in [" + std::to_string(least) + ", " +
         std::to_string(most) + "]");
    return false;
  }
  value = int64_t(found->value);
  return true;
}

bool Decoder::address(const Operand &operand, Space space, Reference &into,
                      bool sized) {
  made.space = space;
  if (operand.kind != Operand::Kind::Address || operand.elements.empty()) {
    fail("expected an address in brackets as operand of '" + statement->opcode +
         "'");
    return false;
  }
  made.offset = operand.offset;
  const Operand &base = operand.elements.front();
  switch (base.kind) {
  case Operand::Kind::Register: {
    const Register &reg = syntax.registers[base.index];
    unsigned bytes = registerBytesOf(reg.type);
    if (bytes != 4 && bytes != 8) {
      fail("register '" + reg.name +
           "' is no address: it has neither 32 nor 64 bits");
      return false;
    }
    if (bytes == 8)
      made.flags |= FlagWideAddress;
    touch(CheckItem::Use, base.index);
    into = registerOffset[base.index];
    return true;
  }
  case Operand::Kind::Integer:
    made.flags |= FlagWideAddress;
    into = constant(8, base.value);
    return true;
  case Operand::Kind::Variable: {
    const Variable &variable = base.isModule
                                   ? layout.syntax.variables[base.index]
                                   : syntax.variables[base.index];
    made.flags |= FlagWideAddress;
    if (space != Space::Generic && variable.space != space) {
      fail("'" + variable.name + "' does not lie in the space of this '" +
           statement->opcode + "'");
      return false;
    }
    bool isKernelParameter = variable.space == Space::Param && isEntry &&
                             !base.isModule && base.index < syntax.parameters;
    if ((variable.space == Space::Local || variable.space == Space::Param) &&
        !isKernelParameter) {
      made.space = Space::Local;
      made.flags |= FlagFrame;
      made.offset += frameSlots[base.index].offset;
      into = constant(8, 0);
      return true;
    }
    made.space = variable.space;
    into = sourceOf(base, Type::U64, CheckItem::Use);
    return !failed();
  }
  default:
    fail("expected a register or a variable in the brackets of '" +
         statement->opcode + "'");
    return false;
  }
}

bool Decoder::label(const Operand &operand, uint32_t &target) {
  if (operand.kind == Operand::Kind::Name) {
    const Symbol *symbol = syntax.find(statement->scope, operand.name);
    if (symbol && symbol->kind == Symbol::Kind::Label) {
      target = symbol->index;
      return true;
    }
    fail("label '" + operand.name + "' is not declared");
    return false;
  }
  fail("expected a label as operand of '" + statement->opcode + "'");
  return false;
}

bool Decoder::pairOrSingle(const Operand &operand, const Operand *&first,
                           const Operand *&second) {
  first = &operand;
  second = nullptr;
  if (operand.kind == Operand::Kind::Pair) {
    first = &operand.elements[0];
    second = &operand.elements[1];
  }
  return true;
}
