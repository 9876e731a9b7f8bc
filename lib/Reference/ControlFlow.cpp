// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// If, Loop and Scan.
#include "Recurrence.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static FailureOr<bool> readCondition(OperatorCall &call, const Tensor &tensor) {
  if (tensor.getElementType() != ElementType::Bool ||
      tensor.getNumElements() != 1)
    return call.fail("condition must be one bool, got " +
                     nameOf(tensor.getElementType()) + " of shape " +
                     describeShape(tensor.getShape()));
  return tensor.integer(0) != 0;
}

static LogicalResult ifOp(OperatorCall &call) {
  auto op = cast<onnx::IfOp>(call.op);
  FailureOr<bool> condition = readCondition(call, call.operand(0));
  if (failed(condition))
    return failure();
  FailureOr<std::vector<Tensor>> results =
      call.runRegion(*condition ? op.getThenBranch() : op.getElseBranch(), {});
  if (failed(results))
    return failure();
  if (results->size() != call.numResults())
    return call.fail("branch must give " + llvm::Twine(call.numResults()) +
                     " values, got " + llvm::Twine(results->size()));
  for (auto [i, result] : llvm::enumerate(*results))
    call.setResult(i, result);
  return success();
}

/// The per-iteration values of one scan output, stacked on a new first axis,
/// which is `axis` of the op's result.
static FailureOr<Tensor> stack(OperatorCall &call,
                               llvm::ArrayRef<Tensor> slices, unsigned result,
                               int64_t axis = 0) {
  llvm::SmallVector<int64_t> shape = {static_cast<int64_t>(slices.size())};
  ElementType type = call.resultType(result, ElementType::F32);
  if (slices.empty()) {
    // Nothing ran, so only the type can tell the shape of a slice; unknown
    // sizes count as 0.
    if (auto ranked =
            dyn_cast<RankedTensorType>(call.op->getResult(result).getType()))
      for (int64_t d = 0; d < ranked.getRank(); ++d)
        if (d != (axis < 0 ? axis + ranked.getRank() : axis))
          shape.push_back(ranked.isDynamicDim(d) ? 0 : ranked.getDimSize(d));
    return call.allocate(type, shape);
  }
  llvm::append_range(shape, slices[0].getShape());
  FailureOr<Tensor> stacked = call.allocate(slices[0].getElementType(), shape);
  if (failed(stacked))
    return failure();
  int64_t at = 0;
  for (const Tensor &slice : slices) {
    if (slice.getShape() != slices[0].getShape() ||
        failed(call.requireSameType(slices[0], slice, "scan output")))
      return call.fail("scan output must keep its shape " +
                       describeShape(slices[0].getShape()) + ", got " +
                       describeShape(slice.getShape()));
    for (int64_t i = 0, e = slice.getNumElements(); i < e; ++i)
      stacked->copyElement(at++, slice, i);
  }
  return stacked;
}

static LogicalResult loop(OperatorCall &call) {
  auto op = cast<onnx::LoopOp>(call.op);
  int64_t limit = std::numeric_limits<int64_t>::max();
  if (const Tensor *count = call.optional(0)) {
    if (count->getNumElements() != 1)
      return call.fail("'M' must be a scalar, got shape " +
                       describeShape(count->getShape()));
    limit = count->integer(0);
  }
  bool running = true;
  if (const Tensor *condition = call.optional(1)) {
    FailureOr<bool> value = readCondition(call, *condition);
    if (failed(value))
      return failure();
    running = *value;
  }
  unsigned carried = call.numOperands() - 2;
  if (call.numOperands() < 2 || call.numResults() < carried)
    return call.fail("must give at least its " + llvm::Twine(carried) +
                     " carried values, got " + llvm::Twine(call.numResults()));
  std::vector<Tensor> state;
  for (unsigned i = 0; i < carried; ++i)
    state.push_back(call.operand(2 + i));
  std::vector<std::vector<Tensor>> scans(call.numResults() - carried);
  for (int64_t iteration = 0; running && iteration < limit; ++iteration) {
    if (iteration >= call.options.maximumIterations)
      return call.fail("runs for more than " +
                       llvm::Twine(call.options.maximumIterations) +
                       " iterations");
    std::vector<Tensor> arguments = {
        Tensor::fromIntegers(ElementType::I64, {}, {iteration}),
        Tensor::fromIntegers(ElementType::Bool, {}, {1})};
    arguments.insert(arguments.end(), state.begin(), state.end());
    FailureOr<std::vector<Tensor>> results =
        call.runRegion(op.getBody(), arguments);
    if (failed(results))
      return failure();
    if (results->size() != 1 + call.numResults())
      return call.fail("body must give " + llvm::Twine(1 + call.numResults()) +
                       " values, got " + llvm::Twine(results->size()));
    FailureOr<bool> value = readCondition(call, results->front());
    if (failed(value))
      return failure();
    running = *value;
    for (unsigned i = 0; i < carried; ++i)
      state[i] = (*results)[1 + i];
    for (size_t i = 0; i < scans.size(); ++i)
      scans[i].push_back((*results)[1 + carried + i]);
  }
  for (unsigned i = 0; i < carried; ++i)
    call.setResult(i, state[i]);
  for (size_t i = 0; i < scans.size(); ++i) {
    FailureOr<Tensor> stacked = stack(call, scans[i], carried + i);
    if (failed(stacked))
      return failure();
    call.setResult(carried + i, *stacked);
  }
  return success();
}

/// Place `step` of an axis, which the slice is without.
static FailureOr<Tensor> sliceAt(OperatorCall &call, const Tensor &tensor,
                                 int64_t axis, int64_t step) {
  llvm::SmallVector<int64_t> shape(tensor.getShape());
  int64_t outer = productOf(shape, 0, axis), size = shape[axis],
          inner = productOf(shape, axis + 1, shape.size());
  shape.erase(shape.begin() + axis);
  FailureOr<Tensor> slice = call.allocate(tensor.getElementType(), shape);
  if (failed(slice))
    return failure();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i)
      slice->copyElement(o * inner + i, tensor, (o * size + step) * inner + i);
  return slice;
}

/// A tensor whose first axis becomes axis `axis`.
static FailureOr<Tensor> moveFirstAxis(OperatorCall &call, const Tensor &tensor,
                                       int64_t axis) {
  llvm::SmallVector<int64_t> shape(tensor.getShape()),
      strides = stridesOf(shape);
  std::rotate(shape.begin(), shape.begin() + 1, shape.begin() + axis + 1);
  std::rotate(strides.begin(), strides.begin() + 1, strides.begin() + axis + 1);
  FailureOr<Tensor> moved = call.allocate(tensor.getElementType(), shape);
  if (failed(moved))
    return failure();
  forEachPosition(shape, {strides},
                  [&](int64_t index, llvm::ArrayRef<int64_t> offsets) {
                    moved->copyElement(index, tensor, offsets[0]);
                  });
  return moved;
}

static LogicalResult scan(OperatorCall &call) {
  auto op = cast<onnx::ScanOp>(call.op);
  int64_t inputs = op.getNumScanInputs(), operands = call.numOperands();
  int64_t states = operands - inputs,
          outputs = static_cast<int64_t>(call.numResults()) - states;
  if (inputs < 1 || states < 0 || outputs < 0)
    return call.fail("must give at least its " + llvm::Twine(states) +
                     " states, got " + llvm::Twine(call.numResults()));
  auto at = [](std::optional<llvm::ArrayRef<int64_t>> list, int64_t i) {
    return list && i < static_cast<int64_t>(list->size()) ? (*list)[i] : 0;
  };
  llvm::SmallVector<int64_t> axes;
  int64_t length = 0;
  for (int64_t i = 0; i < inputs; ++i) {
    const Tensor &tensor = call.operand(states + i);
    FailureOr<int64_t> axis =
        call.normalizeAxis(at(op.getScanInputAxes(), i), tensor.getRank());
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
    int64_t size = tensor.getDim(*axis);
    if (i == 0)
      length = size;
    else if (size != length)
      return call.fail("scanned axes must have one size, got " +
                       llvm::Twine(length) + " and " + llvm::Twine(size));
  }
  std::vector<Tensor> state;
  for (int64_t i = 0; i < states; ++i)
    state.push_back(call.operand(i));
  std::vector<std::vector<Tensor>> scans(outputs);
  if (length > call.options.maximumIterations)
    return call.fail("runs for more than " +
                     llvm::Twine(call.options.maximumIterations) +
                     " iterations");
  for (int64_t step = 0; step < length; ++step) {
    std::vector<Tensor> arguments = state;
    for (int64_t i = 0; i < inputs; ++i) {
      bool isReversed = at(op.getScanInputDirections(), i) != 0;
      FailureOr<Tensor> slice = sliceAt(call, call.operand(states + i), axes[i],
                                        isReversed ? length - 1 - step : step);
      if (failed(slice))
        return failure();
      arguments.push_back(*slice);
    }
    FailureOr<std::vector<Tensor>> results =
        call.runRegion(op.getBody(), arguments);
    if (failed(results))
      return failure();
    if (results->size() != call.numResults())
      return call.fail("body must give " + llvm::Twine(call.numResults()) +
                       " values, got " + llvm::Twine(results->size()));
    for (int64_t i = 0; i < states; ++i)
      state[i] = (*results)[i];
    for (int64_t i = 0; i < outputs; ++i)
      scans[i].push_back((*results)[states + i]);
  }
  for (int64_t i = 0; i < states; ++i)
    call.setResult(i, state[i]);
  for (int64_t i = 0; i < outputs; ++i) {
    if (at(op.getScanOutputDirections(), i) != 0)
      std::reverse(scans[i].begin(), scans[i].end());
    int64_t outputAxis = at(op.getScanOutputAxes(), i);
    FailureOr<Tensor> stacked = stack(call, scans[i], states + i, outputAxis);
    if (failed(stacked))
      return failure();
    FailureOr<int64_t> axis =
        call.normalizeAxis(outputAxis, stacked->getRank());
    if (failed(axis))
      return failure();
    FailureOr<Tensor> moved = moveFirstAxis(call, *stacked, *axis);
    if (failed(moved))
      return failure();
    call.setResult(states + i, *moved);
  }
  return success();
}

void reference::addControlFlowRules(OperatorTable &table) {
  table["onnx.If"] = ifOp;
  table["onnx.Loop"] = loop;
  table["onnx.Scan"] = scan;
  table["onnx.LinearAttention"] = linearAttention;
  table["onnx.CausalConvWithState"] = causalConvWithState;
  table["onnx.ReverseSequence"] = reverseSequence;
}
