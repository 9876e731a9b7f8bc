// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::trine;

static Value numberOf(ImplicitLocOpBuilder &b, double value, Type type) {
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}

Decomposed mlir::trine::decompose(RMSNormOp op, LinalgBuilder &b) {
  Value input = op.getInput(), weight = op.getWeight();
  LinalgBuilder::Sizes sizes = b.sizes(input);
  unsigned rank = sizes.size();
  Type elementType = LinalgBuilder::typeOf(input).getElementType();
  // Steps of a 16-bit type are computed in f32 and rounded one by one.
  Type narrow = op.getComputeType(), type = LinalgBuilder::computeType(narrow);
  auto round = [&](ImplicitLocOpBuilder &b, Value x) -> Value {
    return LinalgBuilder::convert(b, LinalgBuilder::convert(b, x, narrow),
                                  type);
  };
  AffineMap identity = b.getMultiDimIdentityMap(rank);

  auto squares = [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
    Value x = LinalgBuilder::convert(b, s[0], type);
    return arith::AddFOp::create(b, s[1],
                                 round(b, arith::MulFOp::create(b, x, x)));
  };
  Value sum = b.reduce({{input, identity}}, rank, rank - 1,
                       ArrayRef(sizes).drop_back(), b.number(0, type), squares);

  Value count = arith::UIToFPOp::create(
      b, type,
      arith::IndexCastOp::create(b, b.getI64Type(), b.indexOf(sizes.back())));
  Value epsilon = LinalgBuilder::convert(
      b, b.number(op.getEpsilon().convertToDouble(), narrow), type);
  SmallVector<int64_t> outer;
  for (unsigned i = 0; i + 1 < rank; ++i)
    outer.push_back(i);
  SmallVector<LinalgBuilder::Input> inputs = {{input, identity},
                                              {sum, b.select(rank, outer)}};
  if (weight)
    inputs.push_back(b.broadcast(weight, rank));
  bool roundsFirst = op.getCast() == CastPosition::BeforeWeight;
  return SmallVector<Value>{b.map(
      inputs, sizes, elementType,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value mean = round(b, arith::DivFOp::create(b, s[1], count));
        mean = round(b, arith::AddFOp::create(b, mean, epsilon));
        Value scale =
            type == narrow
                ? Value(math::RsqrtOp::create(b, mean))
                : round(b, arith::DivFOp::create(
                               b, numberOf(b, 1, type),
                               round(b, math::SqrtOp::create(b, mean))));
        Value x =
            round(b, arith::MulFOp::create(
                         b, LinalgBuilder::convert(b, s[0], type), scale));
        if (!weight)
          return x;
        if (roundsFirst)
          x = LinalgBuilder::convert(b, x, elementType);
        return arith::MulFOp::create(b, LinalgBuilder::convert(b, x, type),
                                     LinalgBuilder::convert(b, s[2], type));
      })};
}

/// Rotates every pair in one pass over the result: the range as [..., 2, m] or
/// [..., m, 2], its two parts read side by side.
Decomposed mlir::trine::decompose(RopeOp op, LinalgBuilder &b) {
  Value input = op.getInput(), cos = op.getCos(), sin = op.getSin();
  Type elementType = LinalgBuilder::typeOf(input).getElementType();
  LinalgBuilder::Sizes sizes = b.sizes(input);
  unsigned rank = sizes.size();
  OpFoldResult half = b.size(cos, LinalgBuilder::typeOf(cos).getRank() - 1);
  std::optional<int64_t> m = getConstantIntValue(half),
                         width = getConstantIntValue(sizes.back());
  if (!m || !width)
    return op.emitError()
           << "'trine.rope' needs static sizes of its last dimension, got "
           << input.getType() << " and " << cos.getType();
  int64_t begin = static_cast<int64_t>(op.getBegin());
  auto range = [&](int64_t from, int64_t count) {
    LinalgBuilder::Sizes offsets(rank, b.getIndexAttr(0)), extent(sizes);
    offsets.back() = b.getIndexAttr(from);
    extent.back() = b.getIndexAttr(count);
    return std::make_pair(offsets, extent);
  };
  bool passes = *width != 2 * *m;
  Value turned = input;
  if (passes) {
    auto [offsets, extent] = range(begin, 2 * *m);
    turned = b.slice(input, offsets, extent);
  }

  // Loops [..., x, y] over the result, one of them over the two parts.
  bool readsPairs = op.getPairing() == RopePairing::Interleaved;
  bool writesPairs = readsPairs && op.getLayout() == RopeLayout::InPlace;
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0; i + 1 < rank; ++i)
    groups.push_back({i});
  groups.push_back({rank - 1, rank});
  auto parted = [&](bool pairsLast) {
    LinalgBuilder::Sizes parts(sizes.begin(), sizes.end() - 1);
    parts.push_back(b.getIndexAttr(pairsLast ? *m : 2));
    parts.push_back(b.getIndexAttr(pairsLast ? 2 : *m));
    return parts;
  };
  auto typeOf = [&](ArrayRef<OpFoldResult> parts) {
    return RankedTensorType::get(std::get<0>(decomposeMixedValues(parts)),
                                 elementType);
  };
  LinalgBuilder::Sizes readSizes = parted(readsPairs),
                       writeSizes = parted(writesPairs);
  Value pairs = tensor::ExpandShapeOp::create(b, typeOf(readSizes), turned,
                                              groups, readSizes);
  unsigned partDim = readsPairs ? rank : rank - 1;
  unsigned partLoop = writesPairs ? rank : rank - 1;
  unsigned pairLoop = writesPairs ? rank - 1 : rank;
  auto part = [&](int64_t which) -> LinalgBuilder::Input {
    LinalgBuilder::Sizes offsets(rank + 1, b.getIndexAttr(0)),
        extent(readSizes);
    offsets[partDim] = b.getIndexAttr(which);
    extent[partDim] = b.getIndexAttr(1);
    SmallVector<int64_t> loops;
    for (unsigned i = 0; i + 1 < rank; ++i)
      loops.push_back(i);
    loops.resize(rank + 1);
    loops[partDim] = -1;
    loops[readsPairs ? rank - 1 : rank] = pairLoop;
    return {b.slice(pairs, offsets, extent), b.select(rank + 1, loops)};
  };
  auto table = [&](Value values) -> LinalgBuilder::Input {
    RankedTensorType type = LinalgBuilder::typeOf(values);
    SmallVector<int64_t> loops;
    for (int64_t i = 0, shift = rank - type.getRank(); i < type.getRank(); ++i)
      loops.push_back(i + 1 == type.getRank()   ? pairLoop
                      : type.getDimSize(i) == 1 ? -1
                                                : i + shift);
    return {values, b.select(rank + 1, loops)};
  };
  Value rotated =
      b.map({part(0), part(1), table(cos), table(sin)}, writeSizes, elementType,
            [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
              auto product = [&](Value x, Value y) -> Value {
                Value exact = arith::MulFOp::create(b, x, y);
                return LinalgBuilder::convert(
                    b, LinalgBuilder::convert(b, exact, elementType),
                    exact.getType());
              };
              Value isFirst =
                  arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        linalg::IndexOp::create(b, partLoop),
                                        arith::ConstantIndexOp::create(b, 0));
              Value with = arith::SelectOp::create(b, isFirst, s[0], s[1]);
              Value across = arith::SelectOp::create(b, isFirst, s[1], s[0]);
              Value turn = product(across, s[3]);
              Value sign = arith::SelectOp::create(
                  b, isFirst, arith::NegFOp::create(b, turn), turn);
              return arith::AddFOp::create(b, product(with, s[2]), sign);
            });
  rotated = tensor::CollapseShapeOp::create(b, rotated, groups);
  if (!passes)
    return SmallVector<Value>{rotated};

  // What does not turn.
  Value joined = b.empty(sizes, elementType);
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  auto put = [&](Value piece, int64_t from, int64_t count) {
    if (count == 0)
      return;
    auto [offsets, extent] = range(from, count);
    joined = tensor::InsertSliceOp::create(
        b, piece ? piece : b.slice(input, offsets, extent), joined, offsets,
        extent, strides);
  };
  put({}, 0, begin);
  put(rotated, begin, 2 * *m);
  put({}, begin + 2 * *m, *width - begin - 2 * *m);
  return SmallVector<Value>{joined};
}
