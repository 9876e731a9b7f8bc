// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The state of one expansion of trine.attention, which ExpandAttention*.cpp
/// share.
#ifndef TRINE_PASSES_LOWER_EXPANDATTENTIONIMPL_H
#define TRINE_PASSES_LOWER_EXPANDATTENTIONIMPL_H

#include "ExpandKernels.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::trine::attention {

/// Queries of a workgroup, a multiple of kLanes.
inline constexpr int64_t kRows = 32;
/// Queries are rounded up to this many, the lanes of the widest vectors.
inline constexpr int64_t kLanes = 16;
/// Keys of a tile.
inline constexpr int64_t kKeys = 128;
/// Bytes that one temporary may have.
inline constexpr int64_t kTemporaryBytes = 64 * 1024;

/// A tensor [B, H, S, X], perhaps in another order of dims.
struct Heads {
  Value source;
  /// The dim of `source` for each of B, H, S, X.
  SmallVector<int64_t, 4> position;
  /// Heads, or groups of heads that share them.
  int64_t count;
  int64_t width;
};

class AttentionExpansion {
public:
  AttentionExpansion(AttentionOp op, RewriterBase &rewriter)
      : op(op), rewriter(rewriter), b(op.getLoc(), rewriter) {}

  LogicalResult run();

private:
  using Body = llvm::function_ref<SmallVector<Value>(ImplicitLocOpBuilder &b,
                                                     ValueRange arguments)>;

  LogicalResult checkForm();
  void expandBody(ValueRange position, Value outputs, Value lses,
                  scf::ForallOp loop);
  void findSeen();
  Value readOffset(ValueRange place);
  std::pair<Value, Value> findKeys(Value range);
  Value transposeQueries(const Heads &queries);
  Value scoreTile(Value key, Value keys);
  Value maskTile(Value scores, Value key);

  Heads readHeads(Value tensor);
  /// Rows of one head: [rows, X], or [X] for a null `rows`.
  Value readRows(const Heads &heads, Value head, Value row, Value rows);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value number(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(compute, value));
  }
  Value apply(AffineExpr expr, ValueRange values) {
    SmallVector<OpFoldResult> operands(values.begin(), values.end());
    return getValueOrCreateConstantIndexOp(
        b, b.getLoc(),
        affine::makeComposedFoldedAffineApply(
            b, b.getLoc(), AffineMap::get(0, values.size(), expr), operands));
  }
  /// The smaller of a constant and a value that affine can bound.
  Value least(int64_t bound, Value value) {
    AffineExpr symbol = b.getAffineSymbolExpr(0);
    return affine::AffineMinOp::create(
        b,
        AffineMap::get(0, 1, {b.getAffineConstantExpr(bound), symbol},
                       b.getContext()),
        value);
  }
  Value empty(ArrayRef<int64_t> sizes) {
    return tensor::EmptyOp::create(b, sizes, compute);
  }
  Value fill(Value value, Value tensor) {
    return linalg::FillOp::create(b, value, tensor).getResult(0);
  }
  /// The first elements of each dim.
  Value first(Value tensor, ArrayRef<OpFoldResult> sizes) {
    SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0)),
        ones(sizes.size(), b.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(b, tensor, zeros, sizes, ones);
  }
  Value putFirst(Value part, Value tensor, ArrayRef<OpFoldResult> sizes) {
    SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0)),
        ones(sizes.size(), b.getIndexAttr(1));
    return tensor::InsertSliceOp::create(b, part, tensor, zeros, sizes, ones);
  }
  /// One linalg.generic; `body` gets the elements of inputs and outputs.
  SmallVector<Value> generic(ValueRange inputs, ValueRange outputs,
                             ArrayRef<AffineMap> maps, StringRef iterators,
                             Body body);
  /// Dims of the loops, as a map.
  AffineMap dims(unsigned loops, ArrayRef<int64_t> positions) {
    SmallVector<AffineExpr> exprs;
    for (int64_t position : positions)
      exprs.push_back(b.getAffineDimExpr(position));
    return AffineMap::get(loops, 0, exprs, b.getContext());
  }
  /// left · right into `sums`, over the loops (row, column, summed).
  Value multiply(Value left, ArrayRef<int64_t> leftDims, Value right,
                 ArrayRef<int64_t> rightDims, Value sums);
  Value widen(ImplicitLocOpBuilder &b, Value scalar) {
    if (scalar.getType() == compute)
      return scalar;
    return arith::ExtFOp::create(b, compute, scalar);
  }

  /// [..., H, S, ...] as [..., G, H / G * S, ...] and back; heads are dim 2.
  Value joinHeads(Value tensor);
  Value splitHeads(Value tensor, RankedTensorType type);

  AttentionOp op;
  RewriterBase &rewriter;
  ImplicitLocOpBuilder b;
  Type compute;
  SmallVector<Heads> queries, keys;
  Heads value;
  /// Groups of heads, and the heads of one; queries are rows (head, query).
  int64_t groups = 1, repeats = 1, blockRows = kRows, tileKeys = kKeys;
  Value batches, length, allKeys, rows, ranges, offset;

  // Of the workgroup.
  Value batch, group, firstRow, count, padded;
  SmallVector<Value> transposed;
  /// [rows]: how many keys a query sees, and for masks its head and number.
  Value seen, headOf, queryOf;
};

} // namespace mlir::trine::attention

#endif
