// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention for the host: online softmax over tiles of keys, for blocks
// of queries. Queries are transposed once per workgroup, so that vectors run
// over queries: scores, their largest, their sum and the correction of what
// was summed before are all element-wise, and both products multiply one
// element of a row that lies in memory with a vector.
#include "ExpandKernels.h"
#include "MicroKernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace mlir::trine;

/// Queries of a workgroup, a multiple of kLanes.
static constexpr int64_t kRows = 32;
/// Queries are rounded up to this many, the lanes of the widest vectors.
static constexpr int64_t kLanes = 16;
/// Keys of a tile.
static constexpr int64_t kKeys = 64;
/// Bytes that one temporary may have.
static constexpr int64_t kTemporaryBytes = 64 * 1024;

namespace {
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
} // namespace

SmallVector<Value> AttentionExpansion::generic(ValueRange inputs,
                                               ValueRange outputs,
                                               ArrayRef<AffineMap> maps,
                                               StringRef iterators, Body body) {
  SmallVector<utils::IteratorType> kinds;
  for (char kind : iterators)
    kinds.push_back(kind == 'r' ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, outputs.getTypes(), inputs, outputs, maps, kinds,
      [&](OpBuilder &builder, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder inner(loc, builder);
        linalg::YieldOp::create(inner, body(inner, arguments));
      });
  return llvm::to_vector(ValueRange(op.getResults()));
}

Value AttentionExpansion::multiply(Value left, ArrayRef<int64_t> leftDims,
                                   Value right, ArrayRef<int64_t> rightDims,
                                   Value sums) {
  return generic(
             {left, right}, sums,
             {dims(3, leftDims), dims(3, rightDims), dims(3, {0, 1})}, "ppr",
             [&](ImplicitLocOpBuilder &b, ValueRange s) {
               Value term =
                   arith::MulFOp::create(b, widen(b, s[0]), widen(b, s[1]));
               return SmallVector<Value>{arith::AddFOp::create(b, s[2], term)};
             })
      .front();
}

Heads AttentionExpansion::readHeads(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Heads heads{tensor, {0, 1, 2, 3}, type.getDimSize(1), type.getDimSize(3)};
  // A reordering that the kernel was given with it.
  auto copy = tensor.getDefiningOp<linalg::GenericOp>();
  if (!copy || copy.getNumDpsInputs() != 1)
    return heads;
  AffineMap map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  auto yield = cast<linalg::YieldOp>(copy.getBody()->getTerminator());
  if (!map.isPermutation() || map.getDimPosition(3) != 3 ||
      !copy.getMatchingIndexingMap(copy.getDpsInitOperand(0)).isIdentity() ||
      yield.getValues()[0] != copy.getBody()->getArgument(0))
    return heads;
  heads.source = copy.getDpsInputs()[0];
  for (int64_t dim = 0; dim < 4; ++dim)
    heads.position[map.getDimPosition(dim)] = dim;
  return heads;
}

Value AttentionExpansion::readRows(const Heads &heads, Value head, Value row,
                                   Value rows) {
  SmallVector<OpFoldResult> offsets(4), sizes(4, b.getIndexAttr(1)),
      strides(4, b.getIndexAttr(1));
  offsets[heads.position[0]] = batch;
  offsets[heads.position[1]] = head;
  offsets[heads.position[2]] = row;
  offsets[heads.position[3]] = b.getIndexAttr(0);
  sizes[heads.position[3]] = b.getIndexAttr(heads.width);
  SmallVector<int64_t> shape = {heads.width};
  if (rows) {
    sizes[heads.position[2]] = rows;
    shape.insert(shape.begin(), ShapedType::kDynamic);
  }
  auto type = RankedTensorType::get(
      shape, cast<RankedTensorType>(heads.source.getType()).getElementType());
  return tensor::ExtractSliceOp::create(b, type, heads.source, offsets, sizes,
                                        strides);
}

Value AttentionExpansion::joinHeads(Value tensor) {
  if (repeats == 1)
    return tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[2] = groups;
  shape.insert(shape.begin() + 3, repeats);
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(shape))
    sizes.push_back(
        ShapedType::isDynamic(size)
            ? OpFoldResult(
                  tensor::DimOp::create(
                      b, tensor, static_cast<int64_t>(dim < 3 ? dim : dim - 1))
                      .getResult())
            : OpFoldResult(b.getIndexAttr(size)));
  SmallVector<ReassociationIndices> split = {{0}, {1}, {2, 3}, {4}},
                                    join = {{0}, {1}, {2}, {3, 4}};
  if (shape.size() == 6) {
    split.push_back({5});
    join.push_back({5});
  }
  Value expanded =
      tensor::ExpandShapeOp::create(b, type.clone(shape), tensor, split, sizes);
  return tensor::CollapseShapeOp::create(b, expanded, join);
}

Value AttentionExpansion::splitHeads(Value tensor, RankedTensorType type) {
  if (repeats == 1)
    return tensor;
  SmallVector<int64_t> shape(type.getShape());
  shape[2] = groups;
  shape.insert(shape.begin() + 3, repeats);
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    if (!ShapedType::isDynamic(size))
      sizes.push_back(b.getIndexAttr(size));
    else if (dim == 4)
      sizes.push_back(length);
    else
      sizes.push_back(
          tensor::DimOp::create(b, tensor, static_cast<int64_t>(dim))
              .getResult());
  }
  SmallVector<ReassociationIndices> split = {{0}, {1}, {2}, {3, 4}},
                                    join = {{0}, {1}, {2, 3}, {4}};
  if (shape.size() == 6) {
    split.push_back({5});
    join.push_back({5});
  }
  Value expanded =
      tensor::ExpandShapeOp::create(b, type.clone(shape), tensor, split, sizes);
  return tensor::CollapseShapeOp::create(b, type, expanded, join);
}

LogicalResult AttentionExpansion::checkForm() {
  Type element =
      value.source
          ? cast<RankedTensorType>(value.source.getType()).getElementType()
          : Type();
  compute = element.isF64() ? element : Type(b.getF32Type());
  if (!op.getPartial() &&
      cast<RankedTensorType>(op.getOutput().getType()).getElementType() !=
          compute)
    return op.emitOpError()
           << "needs 'partial' results in a kernel, where sums are " << compute;
  auto isKnown = [](const Heads &heads) {
    return !ShapedType::isDynamic(heads.count) && heads.count > 0 &&
           !ShapedType::isDynamic(heads.width);
  };
  if (!llvm::all_of(queries, isKnown) || !llvm::all_of(keys, isKnown) ||
      !isKnown(value))
    return op.emitOpError()
           << "needs known numbers of heads and columns in a "
              "kernel, got "
           << op.getQuery().getType() << " and " << op.getKey().getType();
  for (const Heads &key : keys)
    groups = std::lcm(groups, key.count);
  repeats = queries.front().count / groups;
  int64_t bytes = compute.getIntOrFloatBitWidth() / 8;
  for (const Heads &key : keys) {
    while (blockRows > kLanes &&
           key.width * blockRows * bytes > kTemporaryBytes)
      blockRows /= 2;
    if (key.width * blockRows * bytes > kTemporaryBytes)
      return op.emitOpError() << "has keys of " << key.width
                              << " columns, of which a kernel takes at most "
                              << kTemporaryBytes / (kLanes * bytes);
    // Keys of other types are widened tile by tile.
    while (element != compute && tileKeys > 1 &&
           key.width * tileKeys * bytes > kTemporaryBytes)
      tileKeys /= 2;
  }
  return success();
}

/// [rows] of the workgroup: the number of keys that each query sees, and its
/// head and number where masks are read.
void AttentionExpansion::findSeen() {
  bool isCausal = op.getMaskKind() == MaskKind::Causal;
  if (!isCausal && !op.getMask())
    return;
  auto perRow =
      [&](llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
        Value tensor = tensor::EmptyOp::create(b, ArrayRef<int64_t>{blockRows},
                                               b.getI64Type());
        return generic({}, tensor, {dims(1, {0})}, "p",
                       [&](ImplicitLocOpBuilder &b, ValueRange) {
                         // Rows behind the last are like the last.
                         Value row = arith::AddIOp::create(
                             b, firstRow, linalg::IndexOp::create(b, 0));
                         Value last = arith::SubIOp::create(
                             b, rows, arith::ConstantIndexOp::create(b, 1));
                         row = arith::MinSIOp::create(b, row, last);
                         return SmallVector<Value>{arith::IndexCastOp::create(
                             b, b.getI64Type(), body(b, row))};
                       })
            .front();
      };
  auto queryOfRow = [&](ImplicitLocOpBuilder &b, Value row) -> Value {
    return repeats == 1 ? row
                        : arith::RemUIOp::create(b, row, length).getResult();
  };
  if (isCausal) {
    seen = perRow([&](ImplicitLocOpBuilder &b, Value row) -> Value {
      Value last = arith::AddIOp::create(b, queryOfRow(b, row), offset);
      return arith::AddIOp::create(b, last,
                                   arith::ConstantIndexOp::create(b, 1));
    });
    return;
  }
  queryOf = perRow(queryOfRow);
  if (repeats > 1)
    headOf = perRow([&](ImplicitLocOpBuilder &b, Value row) -> Value {
      Value head = arith::DivUIOp::create(b, row, length);
      Value before = arith::MulIOp::create(
          b, group, arith::ConstantIndexOp::create(b, repeats));
      return arith::AddIOp::create(b, before, head);
    });
}

/// An element of `offset`, within the bounds beyond which it changes nothing.
Value AttentionExpansion::readOffset(ValueRange place) {
  Value value = arith::IndexCastOp::create(
      b, b.getIndexType(), tensor::ExtractOp::create(b, op.getOffset(), place));
  return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, value, allKeys),
                                arith::SubIOp::create(b, index(0), length));
}

/// The keys of a range that any query of the block sees.
std::pair<Value, Value> AttentionExpansion::findKeys(Value range) {
  Value zero = index(0), one = index(1), unit = index(AttentionOp::kRangeUnit);
  Value units = arith::CeilDivUIOp::create(
      b, allKeys, arith::MulIOp::create(b, ranges, unit));
  Value perRange = arith::MulIOp::create(b, units, unit);
  Value begin = arith::MinUIOp::create(
      b, arith::MulIOp::create(b, range, perRange), allKeys);
  Value end = arith::MinUIOp::create(
      b, arith::AddIOp::create(b, begin, perRange), allKeys);
  if (op.getMaskKind() != MaskKind::Causal)
    return {begin, end};
  // The last and the first query of the block.
  Value lastRow = arith::SubIOp::create(b, length, one), early = zero;
  if (repeats == 1) {
    lastRow = arith::SubIOp::create(
        b, arith::AddIOp::create(b, firstRow, count), one);
    early = firstRow;
  }
  Value visible =
      arith::AddIOp::create(b, arith::AddIOp::create(b, lastRow, offset), one);
  Value cut =
      arith::MaxSIOp::create(b, begin, arith::MinSIOp::create(b, end, visible));
  if (op.getMaskedRow() == MaskedRow::Uniform) {
    // A query without keys counts them all.
    Value none =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                              arith::AddIOp::create(b, early, offset), zero);
    cut = arith::SelectOp::create(b, none, end, cut);
  }
  return {begin, cut};
}

/// The block's queries as columns, scaled: [X, rows].
Value AttentionExpansion::transposeQueries(const Heads &heads) {
  Value scale = number(op.getScale().convertToDouble());
  // As narrow as the block, so that what a product reads lies together.
  Value block =
      fill(number(0),
           tensor::EmptyOp::create(
               b, ArrayRef<OpFoldResult>{b.getIndexAttr(heads.width), padded},
               compute));
  auto loop = scf::ForOp::create(b, index(0), count, index(1), block);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar(),
        row = arith::AddIOp::create(b, firstRow, at), head = group;
  if (repeats > 1) {
    head = arith::AddIOp::create(
        b, arith::MulIOp::create(b, group, index(repeats)),
        arith::DivUIOp::create(b, row, length));
    row = arith::RemUIOp::create(b, row, length);
  }
  Value source = readRows(heads, head, row, Value());
  SmallVector<OpFoldResult> offsets = {b.getIndexAttr(0), at},
                            sizes = {b.getIndexAttr(heads.width),
                                     b.getIndexAttr(1)},
                            strides(2, b.getIndexAttr(1));
  Value result = loop.getRegionIterArg(0);
  Value column = tensor::ExtractSliceOp::create(
      b, RankedTensorType::get({heads.width}, compute), result, offsets, sizes,
      strides);
  column = generic(source, column, {dims(1, {0}), dims(1, {0})}, "p",
                   [&](ImplicitLocOpBuilder &b, ValueRange s) {
                     return SmallVector<Value>{
                         arith::MulFOp::create(b, widen(b, s[0]), scale)};
                   })
               .front();
  result =
      tensor::InsertSliceOp::create(b, column, result, offsets, sizes, strides);
  scf::YieldOp::create(b, result);
  return loop.getResult(0);
}

/// What caps and masks make of the scores of the keys from `key` on.
Value AttentionExpansion::maskTile(Value scores, Value key) {
  Value cap =
      op.getSoftCap() ? number(op.getSoftCap()->convertToDouble()) : Value();
  if (!cap && !seen && !queryOf)
    return scores;
  Value infinity = number(-std::numeric_limits<double>::infinity());
  AffineMap row = dims(2, {1});
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Value perRow : {seen, queryOf, headOf})
    if (perRow) {
      inputs.push_back(first(perRow, {padded}));
      maps.push_back(row);
    }
  maps.push_back(dims(2, {0, 1}));
  return generic(
             inputs, scores, maps, "pp",
             [&](ImplicitLocOpBuilder &b, ValueRange s) {
               Value score = s.back();
               if (cap)
                 score = arith::MulFOp::create(
                     b,
                     math::TanhOp::create(b,
                                          arith::DivFOp::create(b, score, cap)),
                     cap);
               if (!seen && !queryOf)
                 return SmallVector<Value>{score};
               Value at =
                   arith::AddIOp::create(b, key, linalg::IndexOp::create(b, 0));
               if (seen) {
                 Value visible = arith::CmpIOp::create(
                     b, arith::CmpIPredicate::slt,
                     arith::IndexCastOp::create(b, b.getI64Type(), at), s[0]);
                 return SmallVector<Value>{
                     arith::SelectOp::create(b, visible, score, infinity)};
               }
               auto asIndex = [&](Value value) -> Value {
                 return arith::IndexCastOp::create(b, b.getIndexType(), value);
               };
               Value coordinates[] = {batch, headOf ? asIndex(s[1]) : group,
                                      asIndex(s[0]), at};
               auto type = cast<RankedTensorType>(op.getMask().getType());
               SmallVector<Value> indices;
               for (int64_t dim = 0; dim < type.getRank(); ++dim)
                 indices.push_back(
                     type.getDimSize(dim) == 1
                         ? arith::ConstantIndexOp::create(b, 0).getResult()
                         : coordinates[4 - type.getRank() + dim]);
               Value mask = tensor::ExtractOp::create(b, op.getMask(), indices);
               if (mask.getType().getIntOrFloatBitWidth() >
                   compute.getIntOrFloatBitWidth())
                 mask = arith::TruncFOp::create(b, compute, mask);
               return SmallVector<Value>{
                   arith::AddFOp::create(b, score, widen(b, mask))};
             })
      .front();
}

/// The scores of `keys` keys from `key` on: [keys, rows].
Value AttentionExpansion::scoreTile(Value key, Value keyCount) {
  Value scores =
      fill(number(0), first(empty({tileKeys, blockRows}), {keyCount, padded}));
  for (auto [part, columns] : llvm::zip_equal(keys, transposed)) {
    Value head = group;
    if (part.count != groups)
      head = arith::DivUIOp::create(b, group, index(groups / part.count));
    Value tile = readRows(part, head, key, keyCount);
    if (cast<RankedTensorType>(tile.getType()).getElementType() != compute) {
      Value wide = first(empty({tileKeys, part.width}),
                         {keyCount, b.getIndexAttr(part.width)});
      AffineMap identity = dims(2, {0, 1});
      tile = generic(tile, wide, {identity, identity}, "pp",
                     [&](ImplicitLocOpBuilder &b, ValueRange s) {
                       return SmallVector<Value>{widen(b, s[0])};
                     })
                 .front();
    }
    scores = multiply(tile, {0, 2}, columns, {2, 1}, scores);
    scores.getDefiningOp()->setAttr(kStreamsRows, b.getUnitAttr());
  }
  return maskTile(scores, key);
}

void AttentionExpansion::expandBody(ValueRange position, Value outputs,
                                    Value lses, scf::ForallOp loop) {
  b.setInsertionPointToStart(loop.getBody());
  batch = position[1];
  group = position[2];
  if (op.getMaskKind() == MaskKind::Causal && !offset)
    offset = readOffset(batch);
  AffineExpr x = b.getAffineSymbolExpr(0), y = b.getAffineSymbolExpr(1);
  firstRow = apply(x * blockRows, position[3]);
  count = least(blockRows, apply(x - y, {rows, firstRow}));
  padded = least(blockRows, apply(x.ceilDiv(kLanes) * kLanes, count));
  for (const Heads &heads : queries)
    transposed.push_back(transposeQueries(heads));
  findSeen();
  auto [begin, end] = findKeys(position[0]);

  Value infinity = number(-std::numeric_limits<double>::infinity()),
        zero = number(0), one = number(1);
  SmallVector<OpFoldResult> at(position.begin(), position.end()),
      shape(4, b.getIndexAttr(1)), strides(4, b.getIndexAttr(1));
  at[3] = firstRow;
  shape[3] = count;
  SmallVector<OpFoldResult> outputAt(at), outputShape(shape),
      outputStrides(5, b.getIndexAttr(1));
  outputAt.push_back(b.getIndexAttr(0));
  outputShape.push_back(b.getIndexAttr(value.width));
  Value sums = fill(zero, tensor::ExtractSliceOp::create(
                              b,
                              RankedTensorType::get(
                                  {ShapedType::kDynamic, value.width}, compute),
                              outputs, outputAt, outputShape, outputStrides));
  Value top = fill(infinity, empty({blockRows})),
        total = fill(zero, empty({blockRows}));

  auto tiles = scf::ForOp::create(b, begin, end, index(tileKeys),
                                  ValueRange{sums, top, total});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(tiles.getBody());
    Value key = tiles.getInductionVar();
    Value keyCount = least(tileKeys, apply(x - y, {end, key}));
    Value scores = scoreTile(key, keyCount);
    sums = tiles.getRegionIterArg(0);
    Value tops = first(tiles.getRegionIterArg(1), {padded}),
          totals = first(tiles.getRegionIterArg(2), {padded});
    AffineMap identity = dims(1, {0}), tile = dims(2, {0, 1}),
              row = dims(2, {1});
    Value largest =
        generic(scores, fill(infinity, first(empty({blockRows}), {padded})),
                {tile, row}, "rp",
                [](ImplicitLocOpBuilder &b, ValueRange s) {
                  return SmallVector<Value>{
                      arith::MaximumFOp::create(b, s[1], s[0])};
                })
            .front();
    bool isUniform = op.getMaskedRow() == MaskedRow::Uniform;
    auto isEmpty = [&](ImplicitLocOpBuilder &b, Value top) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, top, infinity);
    };
    // Without a key so far, all powers are 0; for a mean of all values, 1.
    auto power = [&](ImplicitLocOpBuilder &b, Value score, Value top) {
      Value none = isEmpty(b, top),
            shift = arith::SelectOp::create(b, none, zero, top);
      Value power =
          math::ExpOp::create(b, arith::SubFOp::create(b, score, shift));
      return isUniform
                 ? arith::SelectOp::create(b, none, one, power).getResult()
                 : power;
    };
    SmallVector<Value> corrected =
        generic(largest, {tops, totals, first(empty({blockRows}), {padded})},
                {identity, identity, identity, identity}, "p",
                [&](ImplicitLocOpBuilder &b, ValueRange s) {
                  Value next = arith::MaximumFOp::create(b, s[1], s[0]);
                  Value factor = power(b, s[1], next);
                  return SmallVector<Value>{
                      next, arith::MulFOp::create(b, s[2], factor), factor};
                });
    scores = generic(corrected[0], scores, {row, tile}, "pp",
                     [&](ImplicitLocOpBuilder &b, ValueRange s) {
                       return SmallVector<Value>{power(b, s[1], s[0])};
                     })
                 .front();
    totals = generic(scores, corrected[1], {tile, row}, "rp",
                     [](ImplicitLocOpBuilder &b, ValueRange s) {
                       return SmallVector<Value>{
                           arith::AddFOp::create(b, s[1], s[0])};
                     })
                 .front();
    sums =
        generic(first(corrected[2], {count}), sums, {dims(2, {0}), tile}, "pp",
                [](ImplicitLocOpBuilder &b, ValueRange s) {
                  return SmallVector<Value>{
                      arith::MulFOp::create(b, s[1], s[0])};
                })
            .front();
    Value head = group;
    if (value.count != groups)
      head = arith::DivUIOp::create(b, group, index(groups / value.count));
    sums = multiply(first(scores, {keyCount, count}), {2, 0},
                    readRows(value, head, key, keyCount), {2, 1}, sums);
    scf::YieldOp::create(
        b,
        ValueRange{sums,
                   putFirst(corrected[0], tiles.getRegionIterArg(1), {padded}),
                   putFirst(totals, tiles.getRegionIterArg(2), {padded})});
  }
  total = first(tiles.getResult(2), {count});
  sums =
      generic(total, tiles.getResult(0), {dims(2, {0}), dims(2, {0, 1})}, "pp",
              [&](ImplicitLocOpBuilder &b, ValueRange s) {
                Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                   s[0], zero);
                Value divisor = arith::SelectOp::create(b, none, one, s[0]);
                Value result = arith::DivFOp::create(b, s[1], divisor);
                if (op.getPartial() || op.getMaskedRow() != MaskedRow::NaN)
                  return SmallVector<Value>{result};
                // Where there are no keys at all, the output is 0.
                Value hasKeys =
                    arith::CmpIOp::create(b, arith::CmpIPredicate::ne, allKeys,
                                          arith::ConstantIndexOp::create(b, 0));
                Value nan = arith::ConstantOp::create(
                    b, b.getFloatAttr(
                           compute, std::numeric_limits<double>::quiet_NaN()));
                return SmallVector<Value>{arith::SelectOp::create(
                    b, arith::AndIOp::create(b, none, hasKeys), nan, result)};
              })
          .front();
  Value lse;
  if (lses) {
    top = first(tiles.getResult(1), {count});
    lse = tensor::ExtractSliceOp::create(
        b, RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type()), lses,
        at, shape, strides);
    AffineMap identity = dims(1, {0});
    lse = generic({top, total}, lse, {identity, identity, identity}, "p",
                  [&](ImplicitLocOpBuilder &b, ValueRange s) {
                    Value none = arith::CmpFOp::create(
                        b, arith::CmpFPredicate::OEQ, s[0], infinity);
                    Value sum = arith::AddFOp::create(
                        b, s[0], math::LogOp::create(b, s[1]));
                    sum = arith::SelectOp::create(b, none, infinity, sum);
                    if (!compute.isF32())
                      sum = arith::TruncFOp::create(b, b.getF32Type(), sum);
                    return SmallVector<Value>{sum};
                  })
              .front();
  }
  b.setInsertionPointToEnd(loop.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(b, sums, outputs, outputAt, outputShape,
                                        outputStrides);
  if (lses)
    tensor::ParallelInsertSliceOp::create(b, lse, lses, at, shape, strides);
}

LogicalResult AttentionExpansion::run() {
  for (Value query : op.getQueryParts())
    queries.push_back(readHeads(query));
  for (Value key : op.getKeyParts())
    keys.push_back(readHeads(key));
  value = readHeads(op.getValue());
  if (failed(checkForm()))
    return failure();
  FailureOr<SmallVector<Value>> destinations = takeDestinations(op, rewriter);
  if (failed(destinations))
    return failure();
  Value output = (*destinations)[0], lse = (*destinations)[1];
  if (!output)
    return op.emitOpError() << "must give its output to a kernel's destination";
  b.setInsertionPoint(op);
  auto sizeOf = [&](Value tensor, int64_t dim) -> Value {
    return tensor::DimOp::create(b, tensor, dim);
  };
  const Heads &query = queries.front(), &key = keys.front();
  batches = sizeOf(query.source, query.position[0]);
  length = sizeOf(query.source, query.position[2]);
  allKeys = sizeOf(key.source, key.position[2]);
  rows = repeats == 1
             ? length
             : arith::MulIOp::create(b, length, index(repeats)).getResult();
  auto outputType = cast<RankedTensorType>(output.getType());
  auto lseType =
      lse ? cast<RankedTensorType>(lse.getType()) : RankedTensorType();
  // All keys as one range.
  auto addRange = [&](Value tensor) -> Value {
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin(), 1);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), tensor);
    sizes.insert(sizes.begin(), b.getIndexAttr(1));
    SmallVector<ReassociationIndices> groups = {{0, 1}};
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      groups.push_back({dim + 1});
    return tensor::ExpandShapeOp::create(b, type.clone(shape), tensor, groups,
                                         sizes);
  };
  bool isPartial = static_cast<bool>(op.getPartial());
  if (!isPartial) {
    output = addRange(output);
    lse = lse ? addRange(lse) : lse;
  }
  ranges = sizeOf(output, 0);
  if (op.getMaskKind() == MaskKind::Causal) {
    // One for each sequence is read in its workgroups.
    if (!op.getOffset())
      offset = arith::SubIOp::create(b, allKeys, length);
    else if (cast<RankedTensorType>(op.getOffset().getType()).getRank() == 0)
      offset = readOffset(ValueRange());
  }
  auto splitType = [&](Value tensor) {
    return cast<RankedTensorType>(tensor.getType());
  };
  RankedTensorType splitOutput = splitType(output),
                   splitLse = lse ? splitType(lse) : RankedTensorType();
  SmallVector<Value> shared = {joinHeads(output)};
  if (lse)
    shared.push_back(joinHeads(lse));
  Value blocks = apply(b.getAffineSymbolExpr(0).ceilDiv(blockRows), rows);
  SmallVector<OpFoldResult> bounds = {ranges, batches, b.getIndexAttr(groups),
                                      blocks};
  auto loop = scf::ForallOp::create(b, bounds, shared, std::nullopt);
  expandBody(loop.getInductionVars(), loop.getRegionIterArgs()[0],
             lse ? Value(loop.getRegionIterArgs()[1]) : Value(), loop);

  b.setInsertionPointAfter(loop);
  auto restore = [&](Value result, RankedTensorType split,
                     RankedTensorType type) -> Value {
    Value whole = splitHeads(result, split);
    if (isPartial)
      return whole;
    SmallVector<ReassociationIndices> groups = {{0, 1}};
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      groups.push_back({dim + 1});
    return tensor::CollapseShapeOp::create(b, type, whole, groups);
  };
  rewriter.replaceAllUsesWith(
      op.getOutput(), restore(loop.getResult(0), splitOutput, outputType));
  if (lse)
    rewriter.replaceAllUsesWith(op.getLse(),
                                restore(loop.getResult(1), splitLse, lseType));
  // What was read through goes with it; keys may be values, too.
  llvm::SmallSetVector<Operation *, 4> producers;
  for (Value operand : op->getOperands())
    if (Operation *producer = operand.getDefiningOp())
      producers.insert(producer);
  rewriter.eraseOp(op);
  for (Operation *producer : producers)
    if (isOpTriviallyDead(producer))
      rewriter.eraseOp(producer);
  return success();
}

LogicalResult trine::expand(AttentionOp op, RewriterBase &rewriter) {
  return AttentionExpansion(op, rewriter).run();
}
