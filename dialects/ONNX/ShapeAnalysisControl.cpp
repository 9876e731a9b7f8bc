// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// If and Loop: the shapes that branches and iterations have in common.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// Loops nested deeper than this take sizes that change as unknown at once,
/// without looking for those that do not.
constexpr unsigned maximumPreciseLoops = 3;

/// The operands of a region's onnx.Yield; fails with a message where there is
/// none.
static FailureOr<SmallVector<Value>> getYielded(Operation *op, Region &region) {
  if (!region.hasOneBlock() || region.front().empty() ||
      !isa<YieldOp>(region.front().back()))
    return LogicalResult(
        op->emitOpError()
        << "must have regions of one block that ends with 'onnx.Yield'");
  Operation &terminator = region.front().back();
  for (auto [index, type] : llvm::enumerate(terminator.getOperandTypes()))
    if (!isa<TensorType>(type))
      return LogicalResult(op->emitOpError()
                           << "regions must yield tensors, got " << type
                           << " as value " << index);
  return llvm::to_vector(terminator.getOperands());
}

LogicalResult ShapeAnalysis::Implementation::visitIf(Inference &inference) {
  auto op = cast<IfOp>(inference.op);
  if (nesting >= maximumNesting)
    return inference.error()
           << "must not be nested deeper than " << maximumNesting;
  if (failed(inference.requireOneElement(0)))
    return failure();
  FailureOr<SmallVector<Value>> thenValues = getYielded(op, op.getThenBranch()),
                                elseValues = getYielded(op, op.getElseBranch());
  if (failed(thenValues) || failed(elseValues))
    return failure();
  for (auto &values : {*thenValues, *elseValues})
    if (values.size() != op->getNumResults())
      return inference.error() << "branches must yield " << op->getNumResults()
                               << " values, got " << values.size();
  ++nesting;
  llvm::scope_exit restore([&] { --nesting; });
  // A condition that is known decides. The other branch need not even fit: a
  // squeeze of a size that is not 1 is legal where it is not reached.
  Expression condition = inference.scalar(0);
  bool isDecided = condition && condition.isConstant();
  Region *dead = !isDecided                ? nullptr
                 : condition.isConstant(0) ? &op.getThenBranch()
                                           : &op.getElseBranch();
  LogicalResult branches = success();
  for (Region *region : {&op.getThenBranch(), &op.getElseBranch()}) {
    if (region == dead) {
      ScopedDiagnosticHandler silence(op->getContext(),
                                      [](Diagnostic &) { return success(); });
      (void)visitRegion(*region);
    } else if (failed(visitRegion(*region))) {
      branches = failure();
    }
  }
  if (failed(branches))
    return failure();
  if (isDecided)
    (condition.isConstant(0) ? thenValues : elseValues) =
        condition.isConstant(0) ? elseValues : thenValues;
  for (auto [index, result] : llvm::enumerate(op->getResults())) {
    Value first = (*thenValues)[index], second = (*elseValues)[index];
    if (!find(first) || !find(second)) {
      values.erase(result);
      result.setType(UnrankedTensorType::get(
          cast<TensorType>(result.getType()).getElementType()));
      continue;
    }
    ArrayRef<Expression> left = find(first)->shape, right = find(second)->shape;
    Type elementType = cast<TensorType>(first.getType()).getElementType();
    if (elementType != cast<TensorType>(second.getType()).getElementType())
      return inference.error()
             << "branches must yield one element type for result " << index
             << ", got " << elementType << " and "
             << cast<TensorType>(second.getType()).getElementType();
    if (left.size() != right.size())
      return inference.error()
             << "branches must yield one rank for result " << index << ", got "
             << left.size() << " and " << right.size();
    Dims dims;
    for (auto [dimension, sizes] :
         llvm::enumerate(llvm::zip_equal(left, right))) {
      auto [a, b] = sizes;
      if (a == b && !isDefinedInside(a, op)) {
        dims.push_back(a);
        continue;
      }
      Expression x = getUpperBound(a), y = getUpperBound(b);
      dims.push_back(
          freshSize(result, dimension, x && y ? max(x, y) : Expression()));
    }
    setShape(result, elementType, dims);
    inference.setElementType(index, elementType);
    auto isOutside = [&](Expression e) { return e && !isDefinedInside(e, op); };
    IntegerRange range =
        Inference::join(find(first)->range, find(second)->range);
    inference.setRange(index,
                       {isOutside(range.lower) ? range.lower : Expression(),
                        isOutside(range.upper) ? range.upper : Expression()});
    ValueInformation a = *find(first), b = *find(second);
    if (!a.hasContents || !b.hasContents ||
        a.contents.size() != b.contents.size())
      continue;
    Elements elements;
    for (auto [x, y] : llvm::zip_equal(a.contents, b.contents))
      elements.push_back(x == y && isOutside(x) ? x : Expression());
    inference.setContents(index, elements);
  }
  return success();
}

LogicalResult ShapeAnalysis::Implementation::visitLoop(Inference &inference) {
  auto op = cast<LoopOp>(inference.op);
  if (nesting >= maximumNesting)
    return inference.error()
           << "must not be nested deeper than " << maximumNesting;
  for (unsigned operand : {0, 1})
    if (inference.isPresent(operand) &&
        failed(inference.requireOneElement(operand)))
      return failure();
  Region &body = op.getBody();
  FailureOr<SmallVector<Value>> yielded = getYielded(op, body);
  if (failed(yielded))
    return failure();
  size_t carried = op->getNumOperands() - 2;
  Block &block = body.front();
  if (block.getNumArguments() != carried + 2)
    return inference.error() << "'body' must have " << carried + 2
                             << " arguments, got " << block.getNumArguments();
  if (op->getNumResults() < carried ||
      yielded->size() != op->getNumResults() + 1)
    return inference.error()
           << "'body' must yield the condition and " << op->getNumResults()
           << " values, at least " << carried << ", got " << yielded->size()
           << " values";
  MLIRContext *mlirContext = op->getContext();
  setShape(block.getArgument(0), IntegerType::get(mlirContext, 64), {});
  setShape(block.getArgument(1), IntegerType::get(mlirContext, 1), {});
  // The iteration number counts from 0 to the trip count.
  Expression tripCount =
      inference.isPresent(0) ? inference.scalar(0) : Expression();
  values[block.getArgument(0)].range = {
      context.getConstant(0), tripCount ? tripCount - 1 : Expression()};
  ++nesting;
  ++loopNesting;
  llvm::scope_exit restore([&] {
    --nesting;
    --loopNesting;
  });
  // Sizes of carried values as they enter the body: those that an iteration
  // changes become symbols of the body, and the body is visited again, until
  // nothing changes any more.
  SmallVector<Dims> entry;
  for (size_t i = 0; i < carried; ++i)
    entry.emplace_back(find(op->getOperand(i + 2))->shape);
  bool isPrecise = loopNesting <= maximumPreciseLoops;
  for (unsigned round = 0;; ++round) {
    for (size_t i = 0; i < carried; ++i) {
      Value argument = block.getArgument(i + 2);
      if (!isPrecise || round >= 2)
        for (auto [dimension, size] : llvm::enumerate(entry[i]))
          size = freshSize(argument, dimension, {});
      setShape(
          argument,
          cast<TensorType>(op->getOperand(i + 2).getType()).getElementType(),
          entry[i]);
    }
    if (failed(visitRegion(body)))
      return failure();
    bool changed = false;
    for (size_t i = 0; i < carried; ++i) {
      ValueInformation *next = find((*yielded)[i + 1]);
      if (!next) { // What it hangs on has been reported.
        forgetResults(op);
        return success();
      }
      if (next->shape.size() != entry[i].size())
        return inference.error()
               << "'body' must keep the rank of 'v_initial' " << i << ", "
               << entry[i].size() << ", got " << next->shape.size();
      Type before =
          cast<TensorType>(op->getOperand(i + 2).getType()).getElementType();
      Type after =
          cast<TensorType>((*yielded)[i + 1].getType()).getElementType();
      if (before != after)
        return inference.error()
               << "'body' must keep the element type of 'v_initial' " << i
               << ", " << before << ", got " << after;
      for (auto [dimension, sizes] :
           llvm::enumerate(llvm::zip_equal(entry[i], next->shape))) {
        auto &[old, now] = sizes;
        if (old == now ||
            freshSizes.lookup({block.getArgument(i + 2),
                               static_cast<unsigned>(dimension)}) == old)
          continue;
        old = freshSize(block.getArgument(i + 2), dimension, {});
        changed = true;
      }
    }
    if (!changed)
      break;
  }
  // Nothing but the trip count ends a loop whose condition is always true.
  auto isTrue = [&](Value condition) {
    ValueInformation *information = find(condition);
    return information && information->hasContents &&
           information->contents.size() == 1 && information->contents[0] &&
           information->contents[0].isConstant(1);
  };
  bool passesCondition = yielded->front() == block.getArgument(1);
  bool startsTrue = !inference.isPresent(1) || isTrue(op->getOperand(1));
  bool isCounted =
      tripCount && startsTrue && (passesCondition || isTrue(yielded->front()));
  for (auto [index, result] : llvm::enumerate(op->getResults())) {
    Value value = (*yielded)[index + 1];
    ValueInformation *last = find(value);
    if (!last) {
      forgetResults(op);
      return success();
    }
    Dims dims;
    bool isScan = index >= carried;
    if (isScan)
      dims.push_back(isCounted ? max(tripCount, context.getConstant(0))
                               : freshSize(result, 0, tripCount));
    ArrayRef<Expression> sizes =
        isScan ? last->shape : ArrayRef<Expression>(entry[index]);
    for (Expression size : sizes)
      dims.push_back(isDefinedInside(size, op)
                         ? freshSize(result, dims.size(), getUpperBound(size))
                         : size);
    Type elementType = cast<TensorType>(value.getType()).getElementType();
    inference.setElementType(index, elementType);
    setShape(result, elementType, dims);
  }
  return success();
}
