// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the tensor dialect that make tensors, read and write elements, or
// change shapes.
#include "Execution.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// The row-major number of the element whose indices are the operands from
/// `first` on.
static FailureOr<int64_t> elementAt(const Invocation &call,
                                    llvm::ArrayRef<int64_t> shape,
                                    unsigned first) {
  int64_t at = 0;
  for (auto [d, size] : llvm::enumerate(shape)) {
    int64_t index = call.integer(first + d);
    if (index < 0 || index >= size)
      return call.fail("index " + llvm::Twine(d) + " must be in [0, " +
                       llvm::Twine(size) + "), got " + llvm::Twine(index));
    at = at * size + index;
  }
  return at;
}

static LogicalResult extract(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &tensor = call.tensor(0);
  FailureOr<int64_t> at = elementAt(call, tensor.getShape(), 1);
  if (failed(at))
    return failure();
  execution.scalars[step.results[0].number] =
      loadScalar(tensor.getElementType(), tensor.getBytes().data(), *at);
  return success();
}

static LogicalResult insert(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  FailureOr<int64_t> at = elementAt(call, call.tensor(1).getShape(), 2);
  if (failed(at))
    return failure();
  Tensor tensor = call.take(1);
  storeScalar(tensor.getElementType(), tensor.getMutableBytes().data(), *at,
              call.scalar(0));
  return call.done(std::move(tensor));
}

/// A tensor that nothing was written to: NaN, or -1, so that a read of it
/// shows.
static LogicalResult empty(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::EmptyOp>(step.op);
  FailureOr<Tensor> tensor = call.allocate(
      call.typeOf(op.getResult()), call.mixed(op.getType().getShape(), 0));
  if (failed(tensor))
    return failure();
  llvm::MutableArrayRef<char> bytes = tensor->getMutableBytes();
  std::fill(bytes.begin(), bytes.end(),
            tensor->getElementType() == ElementType::Bool ? 1 : '\xff');
  return call.done(std::move(*tensor));
}

static LogicalResult fromElements(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::FromElementsOp>(step.op);
  FailureOr<Tensor> tensor =
      call.allocate(call.typeOf(op.getResult()), op.getType().getShape());
  if (failed(tensor))
    return failure();
  for (unsigned i = 0; i < step.operands.size(); ++i)
    storeScalar(tensor->getElementType(), tensor->getMutableBytes().data(), i,
                call.scalar(i));
  return call.done(std::move(*tensor));
}

static LogicalResult splat(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::SplatOp>(step.op);
  FailureOr<Tensor> tensor = call.allocate(
      call.typeOf(op.getResult()), call.mixed(op.getType().getShape(), 1));
  if (failed(tensor))
    return failure();
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
    storeScalar(tensor->getElementType(), tensor->getMutableBytes().data(), i,
                call.scalar(0));
  return call.done(std::move(*tensor));
}

/// Runs a region of one yielded scalar at a position of a tensor.
static LogicalResult computeElement(Execution &execution,
                                    const BlockProgram &program,
                                    llvm::ArrayRef<int64_t> position,
                                    Tensor &tensor, int64_t at) {
  for (auto [place, index] : llvm::zip(program.arguments, position))
    execution.scalars[place.number] = scalarOf(index);
  if (failed(execution.run(program)))
    return failure();
  storeScalar(tensor.getElementType(), tensor.getMutableBytes().data(), at,
              execution.scalars[program.yields[0].number]);
  return success();
}

/// The position of row-major element `at`.
static llvm::SmallVector<int64_t> positionOf(llvm::ArrayRef<int64_t> shape,
                                             int64_t at) {
  llvm::SmallVector<int64_t> position(shape.size());
  for (size_t d = shape.size(); d-- > 0; at /= shape[d])
    position[d] = at % shape[d];
  return position;
}

static LogicalResult generate(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::GenerateOp>(step.op);
  FailureOr<Tensor> tensor = call.allocate(
      call.typeOf(op.getResult()), call.mixed(op.getType().getShape(), 0));
  if (failed(tensor))
    return failure();
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
    if (failed(computeElement(execution, *step.regions[0],
                              positionOf(tensor->getShape(), i), *tensor, i)))
      return failure();
  return call.done(std::move(*tensor));
}

static LogicalResult pad(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::PadOp>(step.op);
  const Tensor &source = call.tensor(0);
  llvm::SmallVector<int64_t> low = call.mixed(op.getStaticLow(), 1),
                             high = call.mixed(op.getStaticHigh(),
                                               1 + op.getLow().size()),
                             shape(source.getShape());
  for (auto [size, before, after] : llvm::zip(shape, low, high))
    if (before < 0 || after < 0 ||
        __builtin_add_overflow(size, before, &size) ||
        __builtin_add_overflow(size, after, &size))
      return call.fail("padding must be in [0, 2^48], got " +
                       llvm::Twine(before) + " and " + llvm::Twine(after));
  FailureOr<Tensor> tensor = call.allocate(source.getElementType(), shape);
  if (failed(tensor))
    return failure();
  llvm::SmallVector<int64_t> strides = stridesOf(source.getShape());
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i) {
    llvm::SmallVector<int64_t> position = positionOf(shape, i);
    int64_t at = 0;
    bool isInside = true;
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t index = position[d] - low[d];
      isInside &= index >= 0 && index < source.getDim(d);
      at += index * strides[d];
    }
    if (isInside)
      tensor->copyElement(i, source, at);
    else if (failed(computeElement(execution, *step.regions[0], position,
                                   *tensor, i)))
      return failure();
  }
  return call.done(std::move(*tensor));
}

static LogicalResult dim(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &tensor = call.tensor(0);
  int64_t index = call.integer(1);
  if (index < 0 || index >= tensor.getRank())
    return call.fail("'index' must be in [0, " + llvm::Twine(tensor.getRank()) +
                     "), got " + llvm::Twine(index));
  return call.done(tensor.getDim(index));
}

static LogicalResult rank(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  return call.done(call.tensor(0).getRank());
}

/// Only the type changes; a size that it refuses is found afterwards.
static LogicalResult castType(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  return call.done(call.take(0));
}

static LogicalResult bitcast(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &tensor = call.tensor(0);
  return call.done(Tensor::borrow(call.typeOf(step.op->getResult(0)),
                                  tensor.getShape(), tensor.getBytes().data(),
                                  std::make_shared<Tensor>(tensor)));
}

static LogicalResult reshapeTo(const Invocation &call,
                               llvm::ArrayRef<int64_t> shape) {
  if (countElements(shape) != call.tensor(0).getNumElements())
    return call.fail("cannot bring shape " +
                     describeShape(call.tensor(0).getShape()) + " into " +
                     describeShape(shape));
  return call.done(call.take(0).reshaped(shape));
}

static LogicalResult collapseShape(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::CollapseShapeOp>(step.op);
  llvm::SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices())
    shape.push_back(
        productOf(call.tensor(0).getShape(), group.front(), group.back() + 1));
  return reshapeTo(call, shape);
}

static LogicalResult expandShape(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<tensor::ExpandShapeOp>(step.op);
  llvm::SmallVector<int64_t> shape = call.mixed(op.getStaticOutputShape(), 1);
  for (auto [d, group] : llvm::enumerate(op.getReassociationIndices())) {
    llvm::ArrayRef<int64_t> sizes =
        llvm::ArrayRef(shape).slice(group.front(), group.size());
    if (countElements(sizes) != call.tensor(0).getDim(d))
      return call.fail("cannot expand dimension " + llvm::Twine(d) +
                       " of size " + llvm::Twine(call.tensor(0).getDim(d)) +
                       " to " + describeShape(sizes));
  }
  return reshapeTo(call, shape);
}

static LogicalResult reshape(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  return reshapeTo(call, call.tensor(1).integers());
}

/// What an affine map makes of its operands: index arithmetic that upstream
/// rewrites of tensor ops leave.
static FailureOr<llvm::SmallVector<int64_t>> applyMap(const Invocation &call,
                                                      AffineMap map) {
  llvm::SmallVector<Attribute> operands;
  Builder builder(map.getContext());
  for (unsigned i = 0; i < map.getNumInputs(); ++i)
    operands.push_back(builder.getIndexAttr(call.integer(i)));
  llvm::SmallVector<Attribute> results;
  bool isUndefined = false;
  if (failed(map.constantFold(operands, results, &isUndefined)) || isUndefined)
    return call.fail("has no value: a division by zero or less");
  llvm::SmallVector<int64_t> values;
  for (Attribute result : results)
    values.push_back(cast<IntegerAttr>(result).getInt());
  return values;
}

template <typename Op>
static LogicalResult affineIndex(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  FailureOr<llvm::SmallVector<int64_t>> values =
      applyMap(call, cast<Op>(step.op).getMap());
  if (failed(values))
    return failure();
  return call.done(std::is_same_v<Op, affine::AffineMaxOp>
                       ? *llvm::max_element(*values)
                       : *llvm::min_element(*values));
}

void reference::addTensorActions(ActionTable &table) {
  table["affine.apply"] = affineIndex<affine::AffineApplyOp>;
  table["affine.max"] = affineIndex<affine::AffineMaxOp>;
  table["affine.min"] = affineIndex<affine::AffineMinOp>;
  table["tensor.bitcast"] = bitcast;
  table["tensor.cast"] = castType;
  table["tensor.collapse_shape"] = collapseShape;
  table["tensor.dim"] = dim;
  table["tensor.empty"] = empty;
  table["tensor.expand_shape"] = expandShape;
  table["tensor.extract"] = extract;
  table["tensor.from_elements"] = fromElements;
  table["tensor.generate"] = generate;
  table["tensor.insert"] = insert;
  table["tensor.pad"] = pad;
  table["tensor.rank"] = rank;
  table["tensor.reshape"] = reshape;
  table["tensor.splat"] = splat;
}
