// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// If, Loop and Scan: the shapes that branches and iterations have in common.
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

/// What a value is a copy of.
static Value skipIdentities(Value value) {
  while (auto identity = value.getDefiningOp<IdentityOp>())
    value = identity.getInput();
  return value;
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

/// Visits the body of a loop with `arguments` for the carried values, which
/// start as `initial` and go on as `next`; they are operands named `name`.
/// Gives their sizes as they enter the body: those that an iteration changes
/// become symbols of the body, and the body is visited again, until nothing
/// changes any more. With `keepsShapes` sizes from outside that look different
/// are taken to be equal instead. No sizes where an error inside has been
/// reported, which makes the results unknown.
static FailureOr<std::optional<SmallVector<Dims>>>
settle(ShapeAnalysis::Implementation &analysis, Inference &inference,
       Region &body, ValueRange initial, ValueRange arguments, ValueRange next,
       StringRef name, bool keepsShapes) {
  SmallVector<Dims> entry;
  for (Value value : initial)
    entry.emplace_back(analysis.find(value)->shape);
  bool isPrecise = analysis.loopNesting <= maximumPreciseLoops;
  auto elementType = [](Value value) {
    return cast<TensorType>(value.getType()).getElementType();
  };
  for (unsigned round = 0;; ++round) {
    for (size_t i = 0; i < initial.size(); ++i) {
      if (!isPrecise || round >= 2)
        for (auto [dimension, size] : llvm::enumerate(entry[i]))
          size = analysis.freshSize(arguments[i], dimension, {});
      analysis.setShape(arguments[i], elementType(initial[i]), entry[i]);
    }
    if (failed(analysis.visitRegion(body)))
      return failure();
    bool changed = false;
    for (size_t i = 0; i < initial.size(); ++i) {
      ValueInformation *after = analysis.find(next[i]);
      if (!after)
        return std::optional<SmallVector<Dims>>();
      if (after->shape.size() != entry[i].size())
        return LogicalResult(inference.error()
                             << "'body' must keep the rank of '" << name << "' "
                             << i << ", " << entry[i].size() << ", got "
                             << after->shape.size());
      if (elementType(initial[i]) != elementType(next[i]))
        return LogicalResult(inference.error()
                             << "'body' must keep the element type of '" << name
                             << "' " << i << ", " << elementType(initial[i])
                             << ", got " << elementType(next[i]));
      for (auto [dimension, sizes] :
           llvm::enumerate(llvm::zip_equal(entry[i], after->shape))) {
        auto &[old, now] = sizes;
        if (old == now ||
            analysis.freshSizes.lookup(
                {arguments[i], static_cast<unsigned>(dimension)}) == old)
          continue;
        // Sizes that differ always are told when they are needed.
        if (keepsShapes && !analysis.isDefinedInside(old, inference.op) &&
            !analysis.isDefinedInside(now, inference.op) &&
            !(old - now).isConstant()) {
          (void)inference.unify(old, now, "a state");
          continue;
        }
        old = analysis.freshSize(arguments[i], dimension, {});
        changed = true;
      }
    }
    if (!changed)
      return std::optional(std::move(entry));
  }
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
  FailureOr<std::optional<SmallVector<Dims>>> settled = settle(
      *this, inference, body, op->getOperands().drop_front(2),
      block.getArguments().drop_front(2), ArrayRef(*yielded).slice(1, carried),
      "v_initial", /*keepsShapes=*/false);
  if (failed(settled))
    return failure();
  if (!*settled) {
    forgetResults(op);
    return success();
  }
  ArrayRef<Dims> entry = **settled;
  // Nothing but the trip count ends a loop whose condition is always true.
  auto isTrue = [&](Value condition) {
    ValueInformation *information = find(condition);
    return information && information->hasContents &&
           information->contents.size() == 1 && information->contents[0] &&
           information->contents[0].isConstant(1);
  };
  bool passesCondition =
      skipIdentities(yielded->front()) == block.getArgument(1);
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

LogicalResult ShapeAnalysis::Implementation::visitScan(Inference &inference) {
  auto op = cast<ScanOp>(inference.op);
  if (nesting >= maximumNesting)
    return inference.error()
           << "must not be nested deeper than " << maximumNesting;
  int64_t operands = op->getNumOperands(), results = op->getNumResults();
  int64_t inputs = static_cast<int64_t>(op.getNumScanInputs());
  if (inputs < 1 || inputs > operands)
    return inference.error() << "'num_scan_inputs' must be in [1, " << operands
                             << "], got " << inputs;
  int64_t states = operands - inputs, outputs = results - states;
  Region &body = op.getBody();
  FailureOr<SmallVector<Value>> yielded = getYielded(op, body);
  if (failed(yielded))
    return failure();
  Block &block = body.front();
  if (static_cast<int64_t>(block.getNumArguments()) != operands)
    return inference.error() << "'body' must have " << operands
                             << " arguments, got " << block.getNumArguments();
  if (outputs < 0 || static_cast<int64_t>(yielded->size()) != results)
    return inference.error()
           << "'body' must yield " << results << " values, at least " << states
           << ", got " << yielded->size() << " values";
  auto read = [&](std::optional<ArrayRef<int64_t>> attribute, StringRef name,
                  int64_t count) -> FailureOr<SmallVector<int64_t>> {
    SmallVector<int64_t> list(count, 0);
    if (attribute && static_cast<int64_t>(attribute->size()) != count)
      return LogicalResult(inference.error()
                           << "'" << name << "' must have " << count
                           << " elements, got " << attribute->size());
    if (attribute)
      list.assign(attribute->begin(), attribute->end());
    return list;
  };
  for (auto [attribute, name, count] :
       {std::tuple(op.getScanInputDirections(), "scan_input_directions",
                   inputs),
        std::tuple(op.getScanOutputDirections(), "scan_output_directions",
                   outputs)}) {
    FailureOr<SmallVector<int64_t>> directions = read(attribute, name, count);
    if (failed(directions))
      return failure();
    for (int64_t direction : *directions)
      if (direction != 0 && direction != 1)
        return inference.error() << "'" << name << "' must have elements 0 or "
                                 << "1, got " << direction;
  }
  FailureOr<SmallVector<int64_t>> inputAxes =
      read(op.getScanInputAxes(), "scan_input_axes", inputs);
  FailureOr<SmallVector<int64_t>> outputAxes =
      read(op.getScanOutputAxes(), "scan_output_axes", outputs);
  if (failed(inputAxes) || failed(outputAxes))
    return failure();
  Expression length;
  for (int64_t i = 0; i < inputs; ++i) {
    unsigned operand = states + i;
    Dims dims(inference.shape(operand));
    FailureOr<int64_t> axis = inference.normaliseAxis(
        (*inputAxes)[i], dims.size(), "scan_input_axes");
    if (failed(axis))
      return failure();
    FailureOr<Expression> common =
        length ? inference.unify(length, dims[*axis], "the scanned axes")
               : FailureOr<Expression>(dims[*axis]);
    if (failed(common))
      return failure();
    length = *common;
    dims.erase(dims.begin() + *axis);
    Value argument = block.getArgument(operand);
    setShape(argument, inference.elementType(operand), dims);
    values[argument].range = inference.range(operand);
  }
  ++nesting;
  ++loopNesting;
  llvm::scope_exit restore([&] {
    --nesting;
    --loopNesting;
  });
  FailureOr<std::optional<SmallVector<Dims>>> settled =
      settle(*this, inference, body, op->getOperands().take_front(states),
             block.getArguments().take_front(states),
             ArrayRef(*yielded).take_front(states),
             "initial_state_and_scan_inputs", /*keepsShapes=*/true);
  if (failed(settled))
    return failure();
  if (!*settled) {
    forgetResults(op);
    return success();
  }
  ArrayRef<Dims> entry = **settled;
  for (auto [index, result] : llvm::enumerate(op->getResults())) {
    Value value = (*yielded)[index];
    ValueInformation *last = find(value);
    if (!last) {
      forgetResults(op);
      return success();
    }
    bool isState = static_cast<int64_t>(index) < states;
    ArrayRef<Expression> sizes =
        isState ? ArrayRef<Expression>(entry[index]) : last->shape;
    int64_t axis = -1;
    if (!isState) {
      FailureOr<int64_t> found = inference.normaliseAxis(
          (*outputAxes)[index - states], sizes.size() + 1, "scan_output_axes");
      if (failed(found))
        return failure();
      axis = *found;
    }
    Dims dims;
    for (Expression size : sizes) {
      if (static_cast<int64_t>(dims.size()) == axis)
        dims.push_back(length);
      dims.push_back(isDefinedInside(size, op)
                         ? freshSize(result, dims.size(), getUpperBound(size))
                         : size);
    }
    if (static_cast<int64_t>(dims.size()) == axis)
      dims.push_back(length);
    Type elementType = cast<TensorType>(value.getType()).getElementType();
    inference.setElementType(index, elementType);
    setShape(result, elementType, dims);
  }
  return success();
}
