// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.attention for the host: online softmax over tiles of keys, for blocks
// of queries. Queries are transposed once per workgroup, so that vectors run
// over queries: scores, their largest, their sum and the correction of what
// was summed before are all element-wise, and both products multiply one
// element of a row that lies in memory with a vector.
#include "ExpandAttentionImpl.h"
#include "MicroKernel.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::attention;

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

/// Asks memory for rows behind those that `product` reads from an operand.
static void streamRows(Value product, int64_t operand, int64_t ahead,
                       int64_t rows) {
  Operation *op = product.getDefiningOp();
  op->setAttr(kStreams,
              DenseI64ArrayAttr::get(op->getContext(), {operand, ahead, rows}));
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
    // The next tile; half of it while values are multiplied that are keys, too.
    if (tile.getDefiningOp<tensor::ExtractSliceOp>())
      streamRows(scores, 0, tileKeys,
                 part.source == value.source ? tileKeys / 2 : tileKeys);
    scores.getDefiningOp()->setAttr(kWholeVectors, b.getUnitAttr());
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
    if (llvm::is_contained(
            llvm::map_range(keys,
                            [](const Heads &part) { return part.source; }),
            value.source))
      streamRows(sums, 1, tileKeys + tileKeys / 2, tileKeys / 2);
    else
      streamRows(sums, 1, tileKeys, tileKeys);
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
