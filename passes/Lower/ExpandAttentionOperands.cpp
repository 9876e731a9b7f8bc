// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How attention reads its operands: heads in any order of dims, and groups of
// heads as rows.
#include "ExpandAttentionImpl.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::attention;

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
