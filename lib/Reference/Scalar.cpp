// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

std::optional<ElementType> reference::scalarTypeOf(Type type) {
  if (isa<ShapedType>(type))
    return std::nullopt;
  return elementTypeOf(type);
}

unsigned reference::widthOf(ElementType type) {
  return type == ElementType::Bool ? 1 : bitsInFile(type);
}

template <typename T>
static T load(const char *bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
static void store(char *bytes, int64_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

Scalar reference::loadScalar(ElementType type, const char *bytes, int64_t i) {
  switch (type) {
  case ElementType::F64:
    return scalarOf(load<double>(bytes, i));
  case ElementType::F32:
    return scalarOf(static_cast<double>(load<float>(bytes, i)));
  case ElementType::F16:
    return scalarOf(halfToDouble(load<uint16_t>(bytes, i)));
  case ElementType::BF16:
    return scalarOf(bfloat16ToDouble(load<uint16_t>(bytes, i)));
  case ElementType::I8:
  case ElementType::U8:
    return scalarOf(int64_t(load<int8_t>(bytes, i)));
  case ElementType::I16:
  case ElementType::U16:
    return scalarOf(int64_t(load<int16_t>(bytes, i)));
  case ElementType::I32:
  case ElementType::U32:
    return scalarOf(int64_t(load<int32_t>(bytes, i)));
  case ElementType::I64:
  case ElementType::U64:
    return scalarOf(load<int64_t>(bytes, i));
  case ElementType::Bool:
    return scalarOf(load<uint8_t>(bytes, i) ? int64_t(-1) : int64_t(0));
  case ElementType::I4:
  case ElementType::U4:
    return scalarOf(wrapTo(4, load<int8_t>(bytes, i)));
  case ElementType::I2:
  case ElementType::U2:
    return scalarOf(wrapTo(2, load<int8_t>(bytes, i)));
  case ElementType::F8E4M3FN:
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2:
  case ElementType::F8E5M2FNUZ:
  case ElementType::F8E8M0FNU:
  case ElementType::F4E2M1FN:
    return scalarOf(smallFloatToDouble(type, load<uint8_t>(bytes, i)));
  }
  return scalarOf(int64_t(0));
}

void reference::storeScalar(ElementType type, char *bytes, int64_t i,
                            Scalar value) {
  switch (type) {
  case ElementType::F64:
    return store<double>(bytes, i, value.real);
  case ElementType::F32:
    return store<float>(bytes, i, static_cast<float>(value.real));
  case ElementType::F16:
    return store<uint16_t>(bytes, i, roundToHalf(value.real));
  case ElementType::BF16:
    return store<uint16_t>(bytes, i, roundToBFloat16(value.real));
  case ElementType::I8:
  case ElementType::U8:
    return store<int8_t>(bytes, i, static_cast<int8_t>(value.integer));
  case ElementType::I16:
  case ElementType::U16:
    return store<int16_t>(bytes, i, static_cast<int16_t>(value.integer));
  case ElementType::I32:
  case ElementType::U32:
    return store<int32_t>(bytes, i, static_cast<int32_t>(value.integer));
  case ElementType::I64:
  case ElementType::U64:
    return store<int64_t>(bytes, i, value.integer);
  case ElementType::Bool:
    return store<uint8_t>(bytes, i, value.integer & 1);
  case ElementType::I4:
  case ElementType::I2:
    return store<int8_t>(
        bytes, i, static_cast<int8_t>(wrapTo(widthOf(type), value.integer)));
  case ElementType::U4:
    return store<uint8_t>(bytes, i, value.integer & 0xf);
  case ElementType::U2:
    return store<uint8_t>(bytes, i, value.integer & 0x3);
  case ElementType::F8E4M3FN:
  case ElementType::F8E4M3FNUZ:
  case ElementType::F8E5M2:
  case ElementType::F8E5M2FNUZ:
  case ElementType::F8E8M0FNU:
  case ElementType::F4E2M1FN:
    return store<uint8_t>(bytes, i, roundToSmallFloat(type, value.real));
  }
}

static const ScalarTable &scalarTable() {
  static const ScalarTable table = [] {
    ScalarTable functions;
    addScalarArithmetic(functions);
    addScalarMath(functions);
    return functions;
  }();
  return table;
}

bool reference::isScalarOperation(llvm::StringRef name) {
  return scalarTable().contains(name);
}

std::vector<llvm::StringRef> reference::scalarOperations() {
  std::vector<llvm::StringRef> names;
  for (const auto &entry : scalarTable())
    names.push_back(entry.getKey());
  return names;
}

std::optional<ScalarInstruction> reference::scalarInstruction(Operation *op,
                                                              bool keepSingle) {
  auto function = scalarTable().find(op->getName().getStringRef());
  if (function == scalarTable().end() || op->getNumOperands() == 0 ||
      op->getNumOperands() > maximumScalarOperands ||
      op->getNumResults() == 0 || op->getNumResults() > maximumScalarResults)
    return std::nullopt;
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (!elementTypeOf(type) ||
          (isa<ShapedType>(type) && !isa<RankedTensorType>(type)))
        return std::nullopt;
  ScalarInstruction instruction;
  instruction.function = function->second;
  instruction.operand = *elementTypeOf(op->getOperand(0).getType());
  instruction.result = *elementTypeOf(op->getResult(0).getType());
  if (!isFloat(instruction.operand))
    instruction.width = widthOf(instruction.operand);
  if (isFloat(instruction.result) &&
      !(keepSingle && instruction.result == ElementType::F32))
    instruction.rounding = instruction.result;
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    instruction.predicate = static_cast<int64_t>(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    instruction.predicate = static_cast<int64_t>(compare.getPredicate());
  return instruction;
}
