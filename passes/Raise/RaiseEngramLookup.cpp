// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-engram-lookup: gathers of hashed rows become
// trine.engram.lookup.
#include "RaiseEngram.h"

#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEENGRAMLOOKUP
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

/// Whether a value is rows of a hash, or some columns of them.
static bool comesFromHash(Value rows) {
  for (unsigned steps = 0; steps < 8; ++steps) {
    Operation *op = rows.getDefiningOp();
    if (!op)
      return false;
    if (auto hash = dyn_cast<EngramHashOp>(op))
      return rows == hash.getRows();
    if (!isa<onnx::ReshapeOp, onnx::SliceOp, onnx::GatherOp>(op))
      return false;
    rows = op->getOperand(0);
  }
  return false;
}

/// Whether the rows [B, S, C, W] that are read for a token are joined to one
/// vector.
static bool areRowsJoined(Raising &raising, Value rows) {
  if (raising.rank(rows) != 4 || rows.use_empty())
    return false;
  SymbolicExpression width = raising.dims(rows)[2] * raising.dims(rows)[3];
  return llvm::all_of(rows.getUsers(), [&](Operation *user) {
    return isa<onnx::ReshapeOp>(user) &&
           raising.rank(user->getResult(0)) >= 1 &&
           raising.dims(user->getResult(0)).back() == width;
  });
}

namespace {
class RaiseEngramLookup
    : public RaisingPass<
          trine::impl::TrineRaiseEngramLookupBase<RaiseEngramLookup>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::GatherOp, onnx::GatherNDOp>(function);
  }
  void raise(Raising &raising) override {
    for (auto gather : raising.opsOf<onnx::GatherOp>())
      if (raising.isLinked(gather))
        raise(raising, gather, gather.getIndices());
    for (auto gather : raising.opsOf<onnx::GatherNDOp>())
      if (raising.isLinked(gather))
        raiseTuples(raising, gather);
  }

private:
  void raise(Raising &raising, Operation *gather, Value rows) {
    Value table = gather->getOperand(0), result = gather->getResult(0);
    bool hashed = comesFromHash(rows);
    Type elementType = getElementTypeOrSelf(table.getType());
    if (raising.rank(table) != 2 || !isa<FloatType>(elementType) ||
        elementType.getIntOrFloatBitWidth() <= 8 ||
        !getElementTypeOrSelf(rows.getType()).isInteger(64)) {
      if (hashed)
        miss(raising, gather, "the table is not a matrix of floats");
      return;
    }
    if (auto byAxis = dyn_cast<onnx::GatherOp>(gather))
      if (raising.normalAxis(byAxis.getAxis(), table) != 0) {
        if (hashed)
          miss(raising, gather, "the table is read along axis 1");
        return;
      }
    bool isWeight = isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
        table.getDefiningOp());
    if (!hashed && !(isWeight && raising.rank(rows) == 3 &&
                     areRowsJoined(raising, result)))
      return;
    ImplicitLocOpBuilder builder = raising.builderBefore(gather);
    auto lookup = EngramLookupOp::create(
        builder, typeOf(raising.dims(result), elementType), rows, table,
        Value());
    (void)raising.visit(lookup);
    raising.replace(result, lookup,
                    hashed ? "engram-lookup" : "engram-lookup-ids", gather);
    ++numRaised;
  }

  /// A GatherND whose index tuples are single rows.
  void raiseTuples(Raising &raising, onnx::GatherNDOp gather) {
    Value indices = gather.getIndices();
    if (gather.getBatchDims() != 0 || raising.rank(indices) < 1 ||
        !raising.dims(indices).back().isConstant(1))
      return;
    ArrayRef<SymbolicExpression> tuples = raising.dims(indices).drop_back();
    auto reshape = producer<onnx::ReshapeOp>(indices);
    if (reshape && raising.dims(reshape->getOperand(0)) == tuples)
      raise(raising, gather, reshape->getOperand(0));
  }

  void miss(Raising &raising, Operation *gather, const Twine &reason) {
    raising.missed(gather, "a lookup of hashed rows", {gather, reason.str()});
    ++numMissed;
  }
};
} // namespace
