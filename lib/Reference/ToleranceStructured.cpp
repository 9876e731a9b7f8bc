// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of docs/tolerances.md for linalg and scf: the rows for scalars
// apply to the ops of a body, and loops add what their lengths say. The loops
// of onnx, too.
#include "RoundingModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Reference/Tolerance.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// How many points the reduction loops of a linalg op have together.
double ToleranceAnalysis::reductionLoops(Operation &op) const {
  auto structured = cast<linalg::LinalgOp>(op);
  llvm::SmallVector<AffineMap> maps = structured.getIndexingMapsArray();
  double length = 1;
  for (auto [loop, type] :
       llvm::enumerate(structured.getIteratorTypesArray())) {
    if (type != utils::IteratorType::reduction)
      continue;
    double size = static_cast<double>(options.assumedSize);
    for (auto [operand, map] : llvm::zip(op.getOperands(), maps))
      if (std::optional<unsigned> dimension =
              map.getResultPosition(getAffineDimExpr(loop, op.getContext()))) {
        size = sizeOf(operand, *dimension);
        break;
      }
    length *= size;
  }
  return length;
}

/// Follows conversions between float types back to their operand.
static Value skipConversions(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Whether a body adds to (or multiplies) what its result was at the point
/// before.
static bool accumulates(Block &body, BlockArgument total) {
  return body
      .walk([&](Operation *op) {
        bool rounds = isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op);
        return rounds &&
                       llvm::any_of(op->getOperands(),
                                    [&](Value operand) {
                                      return skipConversions(operand) == total;
                                    })
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

void ToleranceAnalysis::visitStructured(Operation &op) {
  auto structured = cast<linalg::LinalgOp>(op);
  Block &body = *structured.getBlock();
  const bool isReducing = structured.getNumReductionLoops() > 0;
  unsigned inputs = structured.getNumDpsInputs();
  for (BlockArgument argument : body.getArguments()) {
    unsigned i = argument.getArgNumber();
    // What a reduction starts from is added at the end, by its share.
    bool isTotal = isReducing && i >= inputs;
    estimates[argument] = isTotal ? Estimate() : estimateOf(op.getOperand(i));
  }
  visitBlock(body);
  for (OpResult result : op.getResults()) {
    unsigned i = result.getResultNumber();
    if (roundoff(result.getType()) == 0.0)
      continue;
    Estimate estimated = estimateOf(body.getTerminator()->getOperand(i));
    if (isReducing && inputs + i < body.getNumArguments()) {
      Estimate initial = estimateOf(op.getOperand(inputs + i));
      if (accumulates(body, body.getArgument(inputs + i))) {
        estimated.variance += reductionLoops(op) / 2 *
                              varianceOf(computeRoundoff(result.getType()));
        estimated.terms = 1;
        if (initial.variance > 0) {
          double terms = initial.terms + 1;
          estimated.variance =
              (initial.terms * initial.variance + estimated.variance) / terms;
          estimated.terms = terms;
        }
      } else {
        estimated.variance = std::max(estimated.variance, initial.variance);
      }
    }
    estimated.variance = std::min(estimated.variance, 1.0);
    estimates[result] = estimated;
  }
}

/// The value of an index: a constant, a size, or arithmetic on those; the
/// assumed size where only data can tell.
double ToleranceAnalysis::countOf(Value index, int depth) const {
  llvm::APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return static_cast<double>(constant.getSExtValue());
  Operation *op = index.getDefiningOp();
  if (op && depth < 8) {
    if (auto dim = dyn_cast<tensor::DimOp>(op))
      if (std::optional<int64_t> number = dim.getConstantIndex())
        return sizeOf(dim.getSource(), *number);
    auto operand = [&](unsigned i) {
      return countOf(op->getOperand(i), depth + 1);
    };
    if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
      return operand(0);
    if (isa<arith::AddIOp>(op))
      return operand(0) + operand(1);
    if (isa<arith::SubIOp>(op))
      return operand(0) - operand(1);
    if (isa<arith::MulIOp>(op))
      return operand(0) * operand(1);
    if (isa<arith::MinSIOp>(op))
      return std::min(operand(0), operand(1));
    if (isa<arith::MaxSIOp>(op))
      return std::max(operand(0), operand(1));
  }
  return static_cast<double>(options.assumedSize);
}

/// A loop: a few iterations as they are, and each further one adds as much as
/// the last of those did.
void ToleranceAnalysis::visitCounted(Block &body, ValueRange initial,
                                     ValueRange carried, ValueRange yielded,
                                     ValueRange results, double count,
                                     llvm::function_ref<void()> visitBody) {
  for (auto [argument, value] : llvm::zip(carried, initial))
    estimates[argument] = estimateOf(value);
  llvm::SmallVector<double> growth(carried.size(), 0.0);
  // Fewer in inner loops: the time must not grow with a power of the nesting.
  double visited = std::min(loopDepth++ == 0 ? 8.0 : 2.0, count);
  for (int iteration = 0; iteration < visited; ++iteration) {
    visitBody();
    llvm::SmallVector<Estimate> next;
    for (Value value : yielded)
      next.push_back(estimateOf(value));
    for (size_t i = 0; i < carried.size(); ++i) {
      growth[i] = next[i].variance - estimateOf(carried[i]).variance;
      estimates[carried[i]] = next[i];
    }
  }
  --loopDepth;
  for (size_t i = 0; i < carried.size(); ++i) {
    Estimate &last = estimates[carried[i]];
    if (visited >= 2)
      last.variance += std::max(0.0, growth[i]) * (count - visited);
    last.variance = std::min(last.variance, 1.0);
  }
  for (auto [result, argument] : llvm::zip(results, carried))
    if (roundoff(result.getType()) > 0.0)
      estimates[result] = estimateOf(argument);
}

bool ToleranceAnalysis::visitStructure(Operation &op) {
  if (isa<linalg::LinalgOp>(op)) {
    visitStructured(op);
    return true;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    double step = std::max(1.0, countOf(loop.getStep())),
           range =
               countOf(loop.getUpperBound()) - countOf(loop.getLowerBound());
    Block &body = *loop.getBody();
    visitCounted(body, loop.getInitArgs(), loop.getRegionIterArgs(),
                 body.getTerminator()->getOperands(), op.getResults(),
                 std::max(0.0, std::ceil(range / step)),
                 [&] { visitBlock(body); });
    return true;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    Block &before = *loop.getBeforeBody(), &after = *loop.getAfterBody();
    visitCounted(
        before, loop.getInits(), before.getArguments(),
        after.getTerminator()->getOperands(), {},
        static_cast<double>(options.assumedSize), [&] {
          visitBlock(before);
          for (auto [argument, value] :
               llvm::zip(after.getArguments(), loop.getConditionOp().getArgs()))
            estimates[argument] = estimateOf(value);
          visitBlock(after);
        });
    visitBlock(before);
    for (auto [result, value] :
         llvm::zip(op.getResults(), loop.getConditionOp().getArgs()))
      if (roundoff(result.getType()) > 0.0)
        estimates[result] = estimateOf(value);
    return true;
  }
  if (auto loop = dyn_cast<scf::ForallOp>(op)) {
    // Iterations do not see each other; their parts join the result.
    Block &body = *loop.getBody();
    for (auto [argument, value] :
         llvm::zip(loop.getRegionIterArgs(), loop.getOutputs()))
      estimates[argument] = estimateOf(value);
    visitBlock(body);
    for (Operation &insertion : loop.getTerminator().getYieldingOps())
      if (auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(insertion)) {
        Estimate part = estimateOf(insert.getSource());
        Estimate &whole = estimates[insert.getDest()];
        if (part.variance >= whole.variance)
          whole = part;
      }
    for (auto [result, argument] :
         llvm::zip(op.getResults(), loop.getRegionIterArgs()))
      if (roundoff(result.getType()) > 0.0)
        estimates[result] = estimateOf(argument);
    return true;
  }
  return false;
}

/// Carried values after some iterations; what a body gives depends on what it
/// gets.
ToleranceAnalysis::Estimate ToleranceAnalysis::estimateLoop(Operation &op,
                                                            unsigned result) {
  Region &region = op.getRegion(0);
  if (region.empty() || !region.front().mightHaveTerminator())
    return {};
  Block &body = region.front();
  Operation *terminator = body.getTerminator();
  // Loop has a trip count and a condition before what it carries, and its body
  // gives a condition; Scan has what it scans behind.
  unsigned operands = 2, yields = 1;
  if (isa<onnx::ScanOp>(op))
    operands = yields = 0;
  for (unsigned i = operands;
       i < op.getNumOperands() && i < body.getNumArguments(); ++i)
    estimates[body.getArgument(i)] = estimateOf(op.getOperand(i));
  unsigned carried =
      op.getNumOperands() < operands ? 0 : op.getNumOperands() - operands;
  if (auto scan = dyn_cast<onnx::ScanOp>(op))
    carried -= std::min<uint64_t>(carried, scan.getNumScanInputs());
  // Once for loops in loops: the time must not grow with a power of the
  // nesting.
  int iterations = loopDepth++ == 0 ? 8 : 1;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    visitBlock(body);
    for (unsigned i = 0; i < carried && operands + i < body.getNumArguments() &&
                         yields + i < terminator->getNumOperands();
         ++i)
      estimates[body.getArgument(operands + i)] =
          estimateOf(terminator->getOperand(yields + i));
  }
  --loopDepth;
  return yields + result < terminator->getNumOperands()
             ? estimateOf(terminator->getOperand(yields + result))
             : Estimate();
}
