// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the scf dialect.
#include "Execution.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// The number of iterations of a loop from `lower` in steps below `upper`, all
/// of a signed type, or unsigned of that many bits; nothing when the step is
/// not positive.
static std::optional<uint64_t> countIterations(int64_t lower, int64_t upper,
                                               int64_t step,
                                               unsigned unsignedWidth = 0) {
  if (unsignedWidth == 0 ? step <= 0 : step == 0)
    return std::nullopt;
  uint64_t low = static_cast<uint64_t>(lower),
           high = static_cast<uint64_t>(upper),
           stride = static_cast<uint64_t>(step);
  if (unsignedWidth != 0)
    for (uint64_t *value : {&low, &high, &stride})
      *value &= ~uint64_t(0) >> (64 - unsignedWidth);
  if (unsignedWidth == 0 ? upper <= lower : high <= low)
    return 0;
  return (high - low - 1) / stride + 1;
}

static LogicalResult tooManyIterations(const Invocation &call) {
  return call.fail("runs for more than " +
                   llvm::Twine(call.execution.options.maximumIterations) +
                   " iterations");
}

static LogicalResult forOp(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<scf::ForOp>(step.op);
  const BlockProgram &body = *step.regions[0];
  int64_t lower = call.integer(0), stride = call.integer(2);
  unsigned width = widthOf(*scalarTypeOf(op.getLowerBound().getType()));
  std::optional<uint64_t> count = countIterations(
      lower, call.integer(1), stride, op.getUnsignedCmp() ? width : 0);
  if (!count)
    return call.fail("'step' must be positive, got " + llvm::Twine(stride));
  if (*count > static_cast<uint64_t>(execution.options.maximumIterations))
    return tooManyIterations(call);
  llvm::ArrayRef<Place> carried = llvm::ArrayRef(body.arguments).drop_front();
  assign(execution, llvm::ArrayRef(step.operands).drop_front(3), carried);
  for (uint64_t i = 0; i < *count; ++i) {
    execution.scalars[body.arguments[0].number] = scalarOf(
        wrapTo(width, static_cast<int64_t>(static_cast<uint64_t>(lower) +
                                           i * static_cast<uint64_t>(stride))));
    if (failed(execution.run(body)))
      return failure();
    assign(execution, body.yields, carried);
  }
  llvm::SmallVector<Place> last(carried);
  for (Place &place : last)
    place.last = true;
  assign(execution, last, step.results);
  return success();
}

/// Runs a region whose values become the results of the op.
static LogicalResult runOnce(Execution &execution, const Step &step,
                             const BlockProgram *region) {
  if (!region)
    return success();
  if (failed(execution.run(*region)))
    return failure();
  assign(execution, region->yields, step.results);
  return success();
}

static LogicalResult ifOp(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  return runOnce(execution, step, step.regions[call.integer(0) ? 0 : 1]);
}

static LogicalResult executeRegion(Execution &execution, const Step &step) {
  return runOnce(execution, step, step.regions[0]);
}

static LogicalResult indexSwitch(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  // The default region is the first.
  size_t region = 0;
  for (auto [i, value] :
       llvm::enumerate(cast<scf::IndexSwitchOp>(step.op).getCases()))
    if (region == 0 && value == call.integer(0))
      region = i + 1;
  return runOnce(execution, step, step.regions[region]);
}

static LogicalResult whileOp(Execution &execution, const Step &step) {
  const BlockProgram &before = *step.regions[0], &after = *step.regions[1];
  assign(execution, step.operands, before.arguments);
  for (int64_t i = 0;; ++i) {
    if (i > execution.options.maximumIterations)
      return tooManyIterations(Invocation(execution, step));
    if (failed(execution.run(before)))
      return failure();
    // The condition, then what it forwards.
    bool goesOn = execution.scalars[before.yields[0].number].integer != 0;
    llvm::ArrayRef<Place> forwarded =
        llvm::ArrayRef(before.yields).drop_front();
    assign(execution, forwarded,
           goesOn ? llvm::ArrayRef<Place>(after.arguments)
                  : llvm::ArrayRef<Place>(step.results));
    if (!goesOn)
      return success();
    if (failed(execution.run(after)))
      return failure();
    assign(execution, after.yields, before.arguments);
  }
}

/// One iteration after the other; a program whose iterations do not depend on
/// each other cannot tell.
static LogicalResult forallOp(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<scf::ForallOp>(step.op);
  const BlockProgram &body = *step.regions[0];
  size_t rank = op.getRank(), at = 0;
  auto bounds = [&](llvm::ArrayRef<int64_t> statics) {
    llvm::SmallVector<int64_t> values = call.mixed(statics, at);
    at += llvm::count_if(statics, ShapedType::isDynamic);
    return values;
  };
  llvm::SmallVector<int64_t> lower = bounds(op.getStaticLowerBound()),
                             upper = bounds(op.getStaticUpperBound()),
                             strides = bounds(op.getStaticStep());
  llvm::SmallVector<uint64_t> counts;
  uint64_t total = 1;
  for (size_t d = 0; d < rank; ++d) {
    std::optional<uint64_t> count =
        countIterations(lower[d], upper[d], strides[d]);
    if (!count)
      return call.fail("'step' must be positive, got " +
                       llvm::Twine(strides[d]));
    counts.push_back(*count);
    if (__builtin_mul_overflow(total, *count, &total))
      return tooManyIterations(call);
  }
  if (total > static_cast<uint64_t>(execution.options.maximumIterations))
    return tooManyIterations(call);
  llvm::ArrayRef<Place> shared =
      llvm::ArrayRef(body.arguments).drop_front(rank);
  assign(execution, llvm::ArrayRef(step.operands).drop_front(at), shared);
  for (uint64_t i = 0; i < total; ++i) {
    uint64_t rest = i;
    for (size_t d = rank; d-- > 0; rest /= counts[d])
      execution.scalars[body.arguments[d].number] = scalarOf(
          lower[d] + static_cast<int64_t>(rest % counts[d]) * strides[d]);
    if (failed(execution.run(body)))
      return failure();
  }
  llvm::SmallVector<Place> last(shared);
  for (Place &place : last)
    place.last = true;
  assign(execution, last, step.results);
  return success();
}

void reference::addStructuredControlFlowActions(ActionTable &table) {
  table["scf.execute_region"] = executeRegion;
  table["scf.for"] = forOp;
  table["scf.forall"] = forallOp;
  table["scf.if"] = ifOp;
  table["scf.index_switch"] = indexSwitch;
  table["scf.while"] = whileOp;
}
