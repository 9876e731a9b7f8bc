// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element types: what schemas allow, and what they say about results. The table
// is generated from the schemas.
#include "ShapeInference.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

namespace {
struct ElementTypeParameter {
  StringRef name;
  /// Index of the type variable; -1 for any type.
  int variable;
};
struct ElementTypeRow {
  StringRef mnemonic;
  SmallVector<uint32_t, 3> masks;
  SmallVector<ElementTypeParameter, 4> operands, results;
};
} // namespace

static const ElementTypeRow elementTypeRows[] = {
#include "ONNXElementTypes.inc"
};

static const ElementTypeRow *findRow(Operation *op) {
  static const llvm::StringMap<const ElementTypeRow *> rows = [] {
    llvm::StringMap<const ElementTypeRow *> rows;
    for (const ElementTypeRow &row : elementTypeRows)
      rows[row.mnemonic] = &row;
    return rows;
  }();
  return rows.lookup(op->getName().getStringRef());
}

/// The bit of an element type in the table's masks; 0 for types that no schema
/// has.
static uint32_t getBit(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    switch (integer.getWidth()) {
    case 1:
      return 1u << 0;
    case 2:
      return integer.isUnsigned() ? 1u << 22 : 1u << 21;
    case 4:
      return integer.isUnsigned() ? 1u << 14 : 1u << 13;
    case 8:
      return integer.isUnsigned() ? 1u << 5 : 1u << 1;
    case 16:
      return integer.isUnsigned() ? 1u << 6 : 1u << 2;
    case 32:
      return integer.isUnsigned() ? 1u << 7 : 1u << 3;
    case 64:
      return integer.isUnsigned() ? 1u << 8 : 1u << 4;
    default:
      return 0;
    }
  }
  return llvm::TypeSwitch<Type, uint32_t>(type)
      .Case<Float16Type>([](Type) { return 1u << 9; })
      .Case<BFloat16Type>([](Type) { return 1u << 10; })
      .Case<Float32Type>([](Type) { return 1u << 11; })
      .Case<Float64Type>([](Type) { return 1u << 12; })
      .Case<Float8E4M3FNType>([](Type) { return 1u << 15; })
      .Case<Float8E4M3FNUZType>([](Type) { return 1u << 16; })
      .Case<Float8E5M2Type>([](Type) { return 1u << 17; })
      .Case<Float8E5M2FNUZType>([](Type) { return 1u << 18; })
      .Case<Float8E8M0FNUType>([](Type) { return 1u << 19; })
      .Case<Float4E2M1FNType>([](Type) { return 1u << 20; })
      .Default([](Type) { return 0u; });
}

/// The type of a mask with one bit; null for others.
static Type getOnlyType(MLIRContext *context, uint32_t mask) {
  // In the order of the bits, as TensorProto.DataType codes.
  static const int codes[] = {9,  3,  5,  6,  7,  2,  4,  12, 13, 10, 16, 1,
                              11, 22, 21, 17, 18, 19, 20, 24, 23, 26, 25};
  if (mask == 0 || (mask & (mask - 1)) != 0)
    return {};
  return getElementTypeOfCode(context, codes[llvm::countr_zero(mask)]);
}

Type mlir::trine::onnx::getElementTypeOfCode(MLIRContext *context,
                                             int64_t code) {
  auto integer = [&](unsigned width, bool isUnsigned = false) {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (code) {
  case 1:
    return Float32Type::get(context);
  case 2:
    return integer(8, true);
  case 3:
    return integer(8);
  case 4:
    return integer(16, true);
  case 5:
    return integer(16);
  case 6:
    return integer(32);
  case 7:
    return integer(64);
  case 9:
    return integer(1);
  case 10:
    return Float16Type::get(context);
  case 11:
    return Float64Type::get(context);
  case 12:
    return integer(32, true);
  case 13:
    return integer(64, true);
  case 16:
    return BFloat16Type::get(context);
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 21:
    return integer(4, true);
  case 22:
    return integer(4);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 25:
    return integer(2, true);
  case 26:
    return integer(2);
  default:
    return {};
  }
}

/// The parameter of an operand; the last one stands for all that follow.
static const ElementTypeParameter *findOperand(const ElementTypeRow &row,
                                               unsigned operand) {
  if (row.operands.empty())
    return nullptr;
  return &row.operands[std::min<size_t>(operand, row.operands.size() - 1)];
}

std::string mlir::trine::onnx::describeOperand(Operation *op,
                                               unsigned operand) {
  const ElementTypeRow *row = findRow(op);
  const ElementTypeParameter *parameter =
      row ? findOperand(*row, operand) : nullptr;
  if (!parameter)
    return "operand " + std::to_string(operand);
  bool isVariadic = op->getNumOperands() > row->operands.size() &&
                    operand + 1 >= row->operands.size();
  return ("'" + parameter->name + "'").str() +
         (isVariadic ? " " + std::to_string(operand + 1 - row->operands.size())
                     : "");
}

LogicalResult
mlir::trine::onnx::inferElementTypes(Operation *op,
                                     SmallVectorImpl<Type> &results) {
  results.assign(op->getNumResults(), Type());
  const ElementTypeRow *row = findRow(op);
  if (!row)
    return success();
  struct Variable {
    Type type;
    unsigned operand = 0;
  };
  SmallVector<Variable, 3> variables(row->masks.size());
  bool isValid = true;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    auto type = dyn_cast<TensorType>(operand.getType());
    const ElementTypeParameter *parameter = findOperand(*row, index);
    if (!type || !parameter || parameter->variable < 0)
      continue;
    Type elementType = type.getElementType();
    Variable &variable = variables[parameter->variable];
    if (!(getBit(elementType) & row->masks[parameter->variable])) {
      op->emitOpError() << describeOperand(op, index)
                        << " must not have element type " << elementType;
      isValid = false;
    } else if (variable.type && variable.type != elementType) {
      op->emitOpError() << describeOperand(op, variable.operand) << " and "
                        << describeOperand(op, index)
                        << " must have one element type, got " << variable.type
                        << " and " << elementType;
      isValid = false;
    } else if (!variable.type) {
      variable = {elementType, static_cast<unsigned>(index)};
    }
  }
  for (auto [index, type] : llvm::enumerate(results)) {
    if (row->results.empty())
      break;
    int variable =
        row->results[std::min<size_t>(index, row->results.size() - 1)].variable;
    if (variable >= 0)
      type = variables[variable].type
                 ? variables[variable].type
                 : getOnlyType(op->getContext(), row->masks[variable]);
  }
  return success(isValid);
}
