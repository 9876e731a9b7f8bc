// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that read or change a shape and leave the elements in their order,
// and those that create tensors.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "llvm/ADT/SmallSet.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult shapeOf(OperatorCall &call) {
  auto op = cast<onnx::ShapeOp>(call.op);
  const Tensor &data = call.operand(0);
  int64_t rank = data.getRank();
  auto clamped = [&](int64_t i) {
    return std::min(std::max<int64_t>(i < 0 ? i + rank : i, 0), rank);
  };
  int64_t start = clamped(op.getStart()),
          end = op.getEnd() ? clamped(*op.getEnd()) : rank;
  llvm::SmallVector<int64_t> dims;
  for (int64_t i = start; i < end; ++i)
    dims.push_back(data.getDim(i));
  return call.done(Tensor::fromIntegers(
      ElementType::I64, {static_cast<int64_t>(dims.size())}, dims));
}

static LogicalResult sizeOf(OperatorCall &call) {
  return call.done(Tensor::fromIntegers(ElementType::I64, {},
                                        {call.operand(0).getNumElements()}));
}

static LogicalResult reshape(OperatorCall &call) {
  const Tensor &data = call.operand(0);
  FailureOr<llvm::SmallVector<int64_t>> wanted = call.integerList(1, "shape");
  if (failed(wanted))
    return failure();
  bool allowZero = cast<onnx::ReshapeOp>(call.op).getAllowzero();
  llvm::SmallVector<int64_t> shape;
  int64_t inferred = -1;
  for (auto [i, dim] : llvm::enumerate(*wanted)) {
    if (dim == -1) {
      if (inferred >= 0)
        return call.fail("'shape' must have at most one -1, got " +
                         describeShape(*wanted));
      inferred = i;
      shape.push_back(1);
    } else if (dim == 0 && !allowZero) {
      if (static_cast<int64_t>(i) >= data.getRank())
        return call.fail("'shape' copies dimension " + llvm::Twine(i) +
                         " of an operand of rank " +
                         llvm::Twine(data.getRank()));
      shape.push_back(data.getDim(i));
    } else {
      shape.push_back(dim);
    }
  }
  std::optional<int64_t> known = countElements(shape);
  if (!known)
    return call.fail(
        "'shape' must have no negative dimension but one -1, got " +
        describeShape(*wanted));
  if (inferred >= 0) {
    // With no elements on either side any size would fit; 0 keeps the shape a
    // function of the operand's.
    if (*known != 0 && data.getNumElements() % *known == 0)
      shape[inferred] = data.getNumElements() / *known;
    else if (*known == 0 && data.getNumElements() == 0)
      shape[inferred] = 0;
  }
  if (countElements(shape) != data.getNumElements())
    return call.fail("cannot give " + describeShape(data.getShape()) +
                     " the shape " + describeShape(*wanted));
  return call.done(data.reshaped(shape));
}

static LogicalResult flatten(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  int64_t axis = cast<onnx::FlattenOp>(call.op).getAxis(),
          rank = input.getRank();
  if (axis < -rank || axis > rank)
    return call.fail("'axis' must be in [" + llvm::Twine(-rank) + ", " +
                     llvm::Twine(rank) + "], got " + llvm::Twine(axis));
  axis = axis < 0 ? axis + rank : axis;
  return call.done(input.reshaped({productOf(input.getShape(), 0, axis),
                                   productOf(input.getShape(), axis, rank)}));
}

/// The axes operand brought into [0, rank), each at most once.
static FailureOr<llvm::SmallSet<int64_t, 4>> axisSet(OperatorCall &call,
                                                     int64_t rank) {
  FailureOr<llvm::SmallVector<int64_t>> axes = call.integerList(1, "axes");
  if (failed(axes))
    return failure();
  llvm::SmallSet<int64_t, 4> set;
  for (int64_t axis : *axes) {
    FailureOr<int64_t> normal = call.normalizeAxis(axis, rank, "axes");
    if (failed(normal))
      return failure();
    if (!set.insert(*normal).second)
      return call.fail("'axes' must name an axis once, got axis " +
                       llvm::Twine(*normal) + " twice");
  }
  return set;
}

static LogicalResult squeeze(OperatorCall &call) {
  const Tensor &data = call.operand(0);
  FailureOr<llvm::SmallSet<int64_t, 4>> axes = llvm::SmallSet<int64_t, 4>();
  if (call.optional(1))
    axes = axisSet(call, data.getRank());
  if (failed(axes))
    return failure();
  llvm::SmallVector<int64_t> shape;
  for (auto [i, dim] : llvm::enumerate(data.getShape())) {
    bool drop = call.optional(1) ? axes->contains(i) : dim == 1;
    if (drop && dim != 1)
      return call.fail("dimension " + llvm::Twine(i) +
                       " must be 1 to be squeezed, got " + llvm::Twine(dim));
    if (!drop)
      shape.push_back(dim);
  }
  return call.done(data.reshaped(shape));
}

static LogicalResult unsqueeze(OperatorCall &call) {
  const Tensor &data = call.operand(0);
  int64_t rank = data.getRank() + call.operand(1).getNumElements();
  FailureOr<llvm::SmallSet<int64_t, 4>> axes = axisSet(call, rank);
  if (failed(axes))
    return failure();
  llvm::SmallVector<int64_t> shape;
  for (int64_t i = 0, next = 0; i < rank; ++i)
    shape.push_back(axes->contains(i) ? 1 : data.getDim(next++));
  return call.done(data.reshaped(shape));
}

/// The value of an attribute of one element; float 0 when there is none.
static FailureOr<Tensor> fillValue(OperatorCall &call,
                                   std::optional<ElementsAttr> attribute) {
  if (!attribute)
    return Tensor::fromReals(ElementType::F32, {}, {0.0});
  std::optional<ElementType> type = elementTypeOf(attribute->getShapedType());
  auto dense = dyn_cast<DenseElementsAttr>(*attribute);
  if (!type || !dense || dense.getNumElements() != 1)
    return call.fail("'value' must have one element of a supported type");
  if (!isFloat(*type))
    return Tensor::fromIntegers(
        *type, {},
        {*type == ElementType::Bool
             ? (*dense.getValues<llvm::APInt>().begin()).getBoolValue()
             : (*dense.getValues<llvm::APInt>().begin()).getSExtValue()});
  llvm::APFloat value = *dense.getValues<llvm::APFloat>().begin();
  bool lost;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return Tensor::fromReals(*type, {}, {value.convertToDouble()});
}

static LogicalResult constantOfShape(OperatorCall &call) {
  FailureOr<llvm::SmallVector<int64_t>> shape = call.integerList(0, "input");
  FailureOr<Tensor> value =
      fillValue(call, cast<onnx::ConstantOfShapeOp>(call.op).getValue());
  if (failed(shape) || failed(value))
    return failure();
  FailureOr<Tensor> result = call.allocate(value->getElementType(), *shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i)
    result->copyElement(i, *value, 0);
  return call.done(*result);
}

static LogicalResult range(OperatorCall &call) {
  ElementType type = call.operand(0).getElementType();
  for (unsigned i : {0u, 1u, 2u}) {
    if (call.operand(i).getNumElements() != 1)
      return call.fail("operand " + llvm::Twine(i) +
                       " must be a scalar, got shape " +
                       describeShape(call.operand(i).getShape()));
    if (failed(call.requireSameType(call.operand(0), call.operand(i),
                                    i == 1 ? "limit" : "delta")))
      return failure();
  }
  if (call.operand(2).real(0) == 0)
    return call.fail("'delta' must not be 0");
  double count = 0;
  if (isFloat(type)) {
    count = std::ceil((call.operand(1).real(0) - call.operand(0).real(0)) /
                      call.operand(2).real(0));
  } else {
    __int128 start = call.operand(0).integer(0),
             limit = call.operand(1).integer(0),
             delta = call.operand(2).integer(0);
    __int128 span = delta > 0 ? limit - start : start - limit,
             step = delta > 0 ? delta : -delta;
    count = span > 0 ? static_cast<double>((span + step - 1) / step) : 0;
  }
  if (!(count < 0x1p40))
    return call.fail("would give more than 2^40 elements");
  FailureOr<Tensor> result =
      call.allocate(type, {std::max<int64_t>(static_cast<int64_t>(count), 0)});
  if (failed(result))
    return failure();
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i) {
    if (isFloat(type))
      result->setReal(i, call.operand(0).real(0) +
                             static_cast<double>(i) * call.operand(2).real(0));
    else
      result->setInteger(
          i, static_cast<int64_t>(
                 static_cast<uint64_t>(call.operand(0).integer(0)) +
                 static_cast<uint64_t>(i) *
                     static_cast<uint64_t>(call.operand(2).integer(0))));
  }
  return call.done(*result);
}

static LogicalResult eyeLike(OperatorCall &call) {
  auto op = cast<onnx::EyeLikeOp>(call.op);
  const Tensor &input = call.operand(0);
  if (input.getRank() != 2)
    return call.fail("'input' must have rank 2, got shape " +
                     describeShape(input.getShape()));
  std::optional<ElementType> type = input.getElementType();
  if (op.getDtype())
    type = elementTypeFromONNX(*op.getDtype());
  if (!type)
    return call.fail("'dtype' must be a supported data type, got " +
                     llvm::Twine(*op.getDtype()));
  FailureOr<Tensor> result = call.allocate(*type, input.getShape());
  if (failed(result))
    return failure();
  int64_t rows = input.getDim(0), columns = input.getDim(1), k = op.getK();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      if (column - row == k)
        result->setInteger(row * columns + column, 1);
  return call.done(*result);
}

void reference::addShapeRules(OperatorTable &table) {
  table["onnx.ConstantOfShape"] = constantOfShape;
  table["onnx.EyeLike"] = eyeLike;
  table["onnx.Flatten"] = flatten;
  table["onnx.Range"] = range;
  table["onnx.Reshape"] = reshape;
  table["onnx.Shape"] = shapeOf;
  table["onnx.Size"] = sizeOf;
  table["onnx.Squeeze"] = squeeze;
  table["onnx.Unsqueeze"] = unsqueeze;
}
