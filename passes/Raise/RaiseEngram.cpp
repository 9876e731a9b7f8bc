// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RaiseEngram.h"

#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::trine;

RankedTensorType engram::typeOf(ArrayRef<SymbolicExpression> sizes,
                                Type elementType) {
  SmallVector<int64_t> shape;
  for (SymbolicExpression size : sizes)
    shape.push_back(size.getConstant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, elementType);
}

bool engram::isNone(Value value) {
  return !value || isa<NoneType>(value.getType());
}

std::optional<engram::AxisSlice> engram::matchSlice(Raising &raising,
                                                    Value value) {
  auto slice = producer<onnx::SliceOp>(value);
  if (!slice || isNone(slice.getAxes()))
    return std::nullopt;
  auto axes = constantIntegers(slice.getAxes());
  if (!axes || axes->size() != 1)
    return std::nullopt;
  if (!isNone(slice.getSteps()) && constantInteger(slice.getSteps()) != 1)
    return std::nullopt;
  Value input = slice.getData();
  auto starts = raising.getShapes().getContents(slice.getStarts());
  if (!starts || starts->size() != 1 || raising.rank(input) == 0)
    return std::nullopt;
  AxisSlice result;
  result.input = input;
  result.axis = raising.normalAxis((*axes)[0], input);
  if (result.axis < 0 || result.axis >= raising.rank(input))
    return std::nullopt;
  result.begin = (*starts)[0];
  if (auto number = result.begin.getConstant(); number && *number < 0)
    result.begin = raising.dims(input)[result.axis] + *number;
  return result;
}

std::optional<SmallVector<int64_t>> engram::reducedAxes(Raising &raising,
                                                        Operation *op) {
  Value input = op->getOperand(0);
  SmallVector<int64_t> axes;
  if (op->getNumOperands() < 2 || isNone(op->getOperand(1))) {
    auto noop = op->getAttrOfType<IntegerAttr>("noop_with_empty_axes");
    if (noop && noop.getInt() != 0)
      return std::nullopt;
    llvm::append_range(axes, llvm::seq<int64_t>(0, raising.rank(input)));
    return axes;
  }
  auto given = constantIntegers(op->getOperand(1));
  if (!given)
    return std::nullopt;
  for (int64_t axis : *given)
    axes.push_back(raising.normalAxis(axis, input));
  return axes;
}

Value engram::matchReciprocalRoot(Value value) {
  if (auto reciprocal = producer<onnx::ReciprocalOp>(value)) {
    auto root = producer<onnx::SqrtOp>(reciprocal->getOperand(0));
    return root ? root->getOperand(0) : Value();
  }
  if (auto division = producer<onnx::DivOp>(value)) {
    auto root = producer<onnx::SqrtOp>(division->getOperand(1));
    return root && isConstantNumber(division->getOperand(0), 1)
               ? root->getOperand(0)
               : Value();
  }
  return {};
}

std::optional<engram::MeanSquare> engram::matchMeanSquare(Raising &raising,
                                                          Value value) {
  MeanSquare result;
  if (auto add = producer<onnx::AddOp>(value)) {
    auto parts = splitNumber(add);
    if (!parts)
      return std::nullopt;
    result.epsilon = parts->number;
    result.nodes.push_back(add);
    value = parts->other;
  }
  auto mean = producer<onnx::ReduceMeanOp>(value);
  if (!mean)
    return std::nullopt;
  auto axes = reducedAxes(raising, mean);
  Value squares = mean->getOperand(0);
  if (!axes || axes->size() != 1 || (*axes)[0] + 1 != raising.rank(squares))
    return std::nullopt;
  result.nodes.push_back(mean);
  if (auto product = producer<onnx::MulOp>(squares)) {
    if (product->getOperand(0) != product->getOperand(1))
      return std::nullopt;
    result.input = product->getOperand(0);
  } else if (auto power = producer<onnx::PowOp>(squares)) {
    if (!isConstantNumber(power->getOperand(1), 2))
      return std::nullopt;
    result.input = power->getOperand(0);
  } else {
    return std::nullopt;
  }
  result.nodes.push_back(squares.getDefiningOp());
  return result;
}

Value engram::skipReshapes(Value value) {
  while (auto reshape = producer<onnx::ReshapeOp>(value))
    value = reshape->getOperand(0);
  return value;
}

/// The elements of `constant` between `begin` and `end` of the rows that come
/// before `axis`, appended one after the other.
static Value concatConstants(Raising &raising, Operation *before,
                             ArrayRef<DenseElementsAttr> parts, int64_t axis) {
  ShapedType first = parts[0].getType();
  SmallVector<int64_t> shape(first.getShape());
  shape[axis] = 0;
  int64_t outer = 1, bytes = 0;
  for (int64_t i = 0; i < axis; ++i)
    outer *= shape[i];
  for (DenseElementsAttr part : parts) {
    shape[axis] += part.getType().getDimSize(axis);
    bytes += part.getType().getNumElements();
  }
  if (outer == 0 || bytes == 0)
    return {};
  SmallVector<Attribute> elements;
  for (int64_t row = 0; row < outer; ++row)
    for (DenseElementsAttr part : parts) {
      int64_t size = part.getNumElements() / outer;
      auto values = part.getValues<Attribute>();
      for (int64_t i = 0; i < size; ++i)
        elements.push_back(values[row * size + i]);
    }
  auto type = RankedTensorType::get(shape, first.getElementType());
  Builder builder(raising.getContext());
  return raising.create(
      before, "Constant", {},
      builder.getNamedAttr("value", DenseElementsAttr::get(type, elements)));
}

Value engram::concat(Raising &raising, Operation *before, ArrayRef<Value> parts,
                     int64_t axis) {
  if (parts.size() == 1)
    return parts[0];
  SmallVector<DenseElementsAttr> constants;
  for (Value part : parts) {
    auto constant = producer<onnx::ConstantOp>(part);
    auto value = constant ? dyn_cast<DenseElementsAttr>(constant.getValue())
                          : DenseElementsAttr();
    if (value && value.getType().getRank() > axis)
      constants.push_back(value);
  }
  if (constants.size() == parts.size())
    if (Value joined = concatConstants(raising, before, constants, axis))
      return joined;
  return raising.concat(before, parts, axis);
}

Value engram::filled(Raising &raising, Operation *before,
                     ArrayRef<int64_t> sizes, Type elementType, double number) {
  Builder builder(raising.getContext());
  auto type = RankedTensorType::get(sizes, elementType);
  auto value = DenseElementsAttr::get(
      type, Attribute(builder.getFloatAttr(elementType, number)));
  return raising.create(before, "Constant", {},
                        builder.getNamedAttr("value", value));
}

Value engram::reshapeTokens(Raising &raising, Operation *before, Value value,
                            ArrayRef<int64_t> sizes) {
  // Zeros copy batch and sequence.
  SmallVector<int64_t> target = {0, 0};
  target.append(sizes.begin(), sizes.end());
  return raising.create(before, "Reshape",
                        {value, raising.integers(before, target)});
}

static bool hoist(Value value, Operation *before, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 4)
    return false;
  if (!isa<onnx::InitializerOp, onnx::ConstantOp, onnx::ReshapeOp,
           onnx::TransposeOp, onnx::SliceOp, onnx::ConcatOp, onnx::NoneOp>(op))
    return false;
  for (Value operand : op->getOperands())
    if (!hoist(operand, before, depth + 1))
      return false;
  if (op->getBlock() == before->getBlock() && !op->isBeforeInBlock(before))
    op->moveBefore(before);
  return true;
}

bool engram::hoistWeight(Value value, Operation *before) {
  return hoist(value, before, 0);
}

std::string engram::describe(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", number);
  return text;
}
