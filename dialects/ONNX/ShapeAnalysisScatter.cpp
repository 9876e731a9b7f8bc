// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that write at positions from data: the result has the data's shape.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

static LogicalResult checkReduction(Inference &inference, StringRef reduction) {
  if (llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return success();
  return inference.error()
         << "'reduction' must be none, add, mul, max or min, got '" << reduction
         << "'";
}

/// What is written joins what was there; sums and products
/// may wrap around.
static void setScatterRange(Inference &inference, StringRef reduction) {
  IntegerRange data = inference.range(0), updates = inference.range(2);
  if (reduction == "none" || reduction == "max" || reduction == "min")
    inference.setRange(0, Inference::join(data, updates));
}

static LogicalResult inferScatterElements(Inference &inference) {
  auto op = cast<ScatterElementsOp>(inference.op);
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireRank(1, inference.rank(0))) ||
      failed(inference.requireRank(2, inference.rank(0))))
    return failure();
  FailureOr<int64_t> axis =
      inference.normaliseAxis(op.getAxis(), inference.rank(0));
  if (failed(axis) || failed(checkReduction(inference, op.getReduction())))
    return failure();
  for (int64_t dimension = 0; dimension < inference.rank(0); ++dimension)
    if (failed(inference.unify(
            inference.shape(1)[dimension], inference.shape(2)[dimension],
            "dimension " + Twine(dimension) + " of 'indices' and 'updates'")))
      return failure();
  inference.setShape(0, inference.shape(0));
  setScatterRange(inference, op.getReduction());
  return success();
}

static LogicalResult inferScatterND(Inference &inference) {
  auto op = cast<ScatterNDOp>(inference.op);
  if (failed(inference.requireRankAtLeast(0, 1)) ||
      failed(inference.requireRankAtLeast(1, 1)) ||
      failed(checkReduction(inference, op.getReduction())))
    return failure();
  ArrayRef<Expression> data = inference.shape(0), indices = inference.shape(1);
  std::optional<int64_t> depth = indices.back().getConstant();
  if (!depth || *depth < 1 || *depth > static_cast<int64_t>(data.size()))
    return inference.error()
           << "the last dimension of 'indices' must be in [1, " << data.size()
           << "], got " << indices.back().str();
  Dims expected(indices.drop_back());
  llvm::append_range(expected, data.drop_front(*depth));
  if (failed(inference.requireRank(2, expected.size())))
    return failure();
  for (auto [dimension, sizes] :
       llvm::enumerate(llvm::zip_equal(expected, inference.shape(2))))
    if (failed(inference.unify(
            std::get<0>(sizes), std::get<1>(sizes),
            "dimension " + Twine(dimension) +
                " of 'updates' and what 'indices' and 'data' ask for")))
      return failure();
  inference.setShape(0, data);
  setScatterRange(inference, op.getReduction());
  return success();
}

/// TensorScatter: writes `update` into a cache along one axis, from a position
/// per batch entry.
static LogicalResult inferTensorScatter(Inference &inference) {
  auto op = cast<TensorScatterOp>(inference.op);
  int64_t rank = inference.rank(0);
  if (failed(inference.requireRankAtLeast(0, 2)) ||
      failed(inference.requireRank(1, rank)))
    return failure();
  FailureOr<int64_t> axis = inference.normaliseAxis(op.getAxis(), rank);
  if (failed(axis))
    return failure();
  if (*axis == 0)
    return inference.error() << "'axis' must not be 0, the batch";
  if (op.getMode() != "linear" && op.getMode() != "circular")
    return inference.error()
           << "'mode' must be linear or circular, got '" << op.getMode() << "'";
  for (int64_t dimension = 0; dimension < rank; ++dimension) {
    Expression cache = inference.shape(0)[dimension],
               update = inference.shape(1)[dimension];
    if (dimension != *axis) {
      if (failed(inference.unify(cache, update,
                                 "dimension " + Twine(dimension) +
                                     " of 'past_cache' and 'update'")))
        return failure();
    } else if (cache.getConstant() && update.getConstant() &&
               *update.getConstant() > *cache.getConstant()) {
      return inference.error()
             << "dimension " << dimension << " of 'update' must be at most "
             << cache.str() << ", got " << update.str();
    }
  }
  if (inference.isPresent(2)) {
    if (failed(inference.requireRank(2, 1)) ||
        failed(
            inference.unify(inference.shape(0)[0], inference.shape(2)[0],
                            "the batch of 'past_cache' and 'write_indices'")))
      return failure();
  }
  inference.setShape(0, inference.shape(0));
  inference.setRange(0,
                     Inference::join(inference.range(0), inference.range(1)));
  return success();
}

void mlir::trine::onnx::addScatterInference(InferenceTable &table) {
  table["onnx.ScatterElements"] = inferScatterElements;
  table["onnx.ScatterND"] = inferScatterND;
  table["onnx.TensorScatter"] = inferTensorScatter;
}
