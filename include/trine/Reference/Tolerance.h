// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// How far two right programs for one model may differ: derived from the types
/// and the reduction lengths along the graph, never tuned per model. The
/// derivation is in docs/tolerances.md.
#ifndef TRINE_REFERENCE_TOLERANCE_H
#define TRINE_REFERENCE_TOLERANCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace mlir::trine::reference {

/// What may be said about one value. Both bounds must hold.
struct Tolerance {
  /// Bounds the largest error divided by the largest magnitude of the expected
  /// values. 0: must be equal.
  double relative = 0.0;
  /// Bounds the root mean square of the errors of `count` elements divided by
  /// that of the expected values: half of `relative`, and more for fewer than
  /// eight elements, which average less (docs/tolerances.md).
  double rootMeanSquare(int64_t count) const {
    return relative * std::max(0.5, 1 / std::cbrt(std::max<int64_t>(count, 1)));
  }
};

struct ToleranceOptions {
  /// The size of a dynamic dimension, where it is known; the types tell static
  /// ones.
  std::function<std::optional<int64_t>(Value value, unsigned dimension)> sizeOf;
  /// Stands for dynamic sizes that nobody knows.
  int64_t assumedSize = 1024;
  /// The unit roundoff of the type that weights in f32 with two or more
  /// dimensions are stored in; 0: as they are.
  double matrixRoundoff = 0;
};

/// The forward walk over a function: for each value the variance of its
/// relative rounding error.
class ToleranceAnalysis {
public:
  explicit ToleranceAnalysis(
      func::FuncOp function,
      const ToleranceOptions &options = ToleranceOptions());

  /// The tolerance of a value; exact for integers, booleans and values that are
  /// not in the function.
  Tolerance toleranceOf(Value value) const;
  /// The standard deviation of the relative error that one program's rounding
  /// gives the value.
  double deviationOf(Value value) const;
  /// The tolerance of what a choosing op ranks: the operand of TopK, ArgMax and
  /// ArgMin, the scores of trine.moe.route.
  Tolerance toleranceOfChoice(Operation *op) const;

private:
  struct Estimate {
    /// The variance of the error relative to the value's scale.
    double variance = 0.0;
    /// The number of contributions of like size that were added up in the value
    /// (a residual stream grows with depth).
    double terms = 1.0;
  };

  void visitBlock(Block &block);
  void visit(Operation &op);
  Estimate estimate(Operation &op);
  Estimate estimateOf(Value value) const;
  Estimate estimateSum(Operation &op);
  Estimate estimateProduct(Operation &op);
  Estimate estimateLoop(Operation &op, unsigned result);
  // The trine dialect.
  Estimate estimateTrine(Operation &op, unsigned result) const;
  Estimate estimateRoute(Operation &op) const;
  double varianceOfScores(Operation &op) const;
  // linalg and scf: ops with scalars, blocks and loops of their own.
  bool visitStructure(Operation &op);
  void visitStructured(Operation &op);
  void visitCounted(Block &body, ValueRange initial, ValueRange carried,
                    ValueRange yielded, ValueRange results, double count,
                    llvm::function_ref<void()> visitBody);
  double reductionLoops(Operation &op) const;
  double countOf(Value index, int depth = 0) const;
  double sizeOf(Value value, int64_t dimension) const;
  double reductionLength(Operation &op) const;
  bool normalizesItself(Value value, Value divisor, double &length) const;

  ToleranceOptions options;
  int loopDepth = 0;
  llvm::DenseMap<Value, Estimate> estimates;
};

/// One tolerance for each result of the function.
std::vector<Tolerance>
deriveTolerances(func::FuncOp function,
                 const ToleranceOptions &options = ToleranceOptions());

} // namespace mlir::trine::reference

#endif
