// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sum over a token's experts, and gated networks.
#include "DecomposeComposites.h"
#include "trine/Passes/ExpertsBuilder.h"

using namespace mlir;
using namespace mlir::trine;

static Value toInteger(LinalgBuilder &b, Value index) {
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}

static OpFoldResult multiply(LinalgBuilder &b, OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return b.getIndexAttr(*a * *c);
  if (a == 1 || c == 1)
    return a == 1 ? y : x;
  return b.createOrFold<arith::MulIOp>(b.indexOf(x), b.indexOf(y));
}

namespace {

/// Slots whose id is `experts` or more take a row of `input`.
struct Identities {
  Value ids, input;
  OpFoldResult experts;
};

} // namespace

/// Σⱼ weights[n, j] · rows[position[n, j]], in slot order, [N, D]; slots of
/// identity experts take the token itself.
static Value combineRows(LinalgBuilder &b, Value rows, Value position,
                         Value weights, std::optional<Identities> identities,
                         Type type) {
  LinalgBuilder::Sizes sizes = {b.size(weights, 0), b.size(rows, 1)};
  Value last =
      b.createOrFold<arith::SubIOp>(b.indexOf(b.size(rows, 0)), b.index(1));
  Value zero = b.index(0);
  SmallVector<LinalgBuilder::Input> inputs = {{weights, b.select(3, {0, 1})},
                                              {position, b.select(3, {0, 1})}};
  Value count;
  if (identities) {
    inputs.push_back({identities->ids, b.select(3, {0, 1})});
    inputs.push_back({identities->input, b.select(3, {0, 2})});
    count = toInteger(b, b.indexOf(identities->experts));
  }
  // The columns are innermost, so that rows are read as they lie; their size
  // comes with the result.
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const LinalgBuilder::Input &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(b.select(3, {0, 2}));
  Value start = b.filled(sizes, b.number(0, type));
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::reduction,
                                                utils::IteratorType::parallel};
  return linalg::GenericOp::create(
             b, start.getType(), tensors, start, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange s) {
               ImplicitLocOpBuilder b(loc, builder);
               Value row =
                   arith::IndexCastOp::create(b, b.getIndexType(), s[1]);
               row = arith::MaxSIOp::create(
                   b, arith::MinSIOp::create(b, row, last), zero);
               Value column = linalg::IndexOp::create(b, 2);
               Value x = LinalgBuilder::convert(
                   b,
                   tensor::ExtractOp::create(b, rows, ValueRange{row, column}),
                   type);
               if (identities) {
                 Value isIdentity = arith::CmpIOp::create(
                     b, arith::CmpIPredicate::sge, s[2], count);
                 x = arith::SelectOp::create(
                     b, isIdentity, LinalgBuilder::convert(b, s[3], type), x);
               }
               Value weight = LinalgBuilder::convert(b, s[0], type);
               linalg::YieldOp::create(
                   b, arith::AddFOp::create(b, s.back(),
                                            arith::MulFOp::create(b, weight, x))
                          .getResult());
             })
      .getResult(0);
}

/// `value` rounded to an element type.
static Value roundTo(LinalgBuilder &b, Value value, Type elementType) {
  if (LinalgBuilder::typeOf(value).getElementType() == elementType)
    return value;
  LinalgBuilder::Sizes sizes = b.sizes(value);
  return b.map({{value, b.getMultiDimIdentityMap(sizes.size())}}, sizes,
               elementType,
               [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

void mlir::trine::requireOperands(MoEGroupOp op, LinalgBuilder &b) {
  int64_t count = static_cast<int64_t>(op.getExperts()) +
                  static_cast<int64_t>(op.getIdentityExperts());
  // What a route chose is a number of its own experts; there may be more of
  // them. (Those of its table are checked with the route.)
  if (auto route = op.getIds().getDefiningOp<MoERouteOp>()) {
    int64_t routed = LinalgBuilder::typeOf(route.getLogits()).getDimSize(1);
    if (!ShapedType::isDynamic(routed) && routed <= count)
      return;
  }
  requireInRange(b, op.getIds(), b.index(count),
                 "ids of experts must be numbers of experts");
}

Decomposed mlir::trine::decompose(MoECombineOp op, LinalgBuilder &b) {
  Type elementType = LinalgBuilder::typeOf(op.getResult()).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  std::optional<Identities> identity;
  if (op.getIds())
    identity =
        Identities{op.getIds(), op.getInput(),
                   b.getIndexAttr(static_cast<int64_t>(*op.getExperts()))};
  Value sum = combineRows(b, op.getRows(), op.getPosition(), op.getWeights(),
                          identity, type);
  return SmallVector<Value>{roundTo(b, sum, elementType)};
}

Decomposed mlir::trine::decompose(GatedMLPOp op, LinalgBuilder &b) {
  Value input = op.getInput();
  LinalgBuilder::Sizes allSizes = b.sizes(input);
  LinalgBuilder::Sizes sizes = allSizes;
  // All leading dims are rows of one matrix, so that a weight's tile serves
  // many of them.
  SmallVector<ReassociationIndices> groups(2);
  if (allSizes.size() > 2) {
    OpFoldResult rows = b.getIndexAttr(1);
    for (unsigned i = 0; i + 1 < allSizes.size(); ++i) {
      groups[0].push_back(i);
      rows = multiply(b, rows, allSizes[i]);
    }
    groups[1].push_back(allSizes.size() - 1);
    input = tensor::CollapseShapeOp::create(b, input, groups);
    sizes = {rows, allSizes.back()};
  }
  Type elementType = LinalgBuilder::typeOf(input).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  unsigned rank = sizes.size();
  SmallVector<int64_t> outer;
  for (unsigned i = 0; i + 1 < rank; ++i)
    outer.push_back(i);
  auto multiplyBy = [&](Value x, Value weight, Value bias) {
    SmallVector<int64_t> left(outer);
    left.push_back(rank);
    LinalgBuilder::Sizes result(ArrayRef(sizes).drop_back());
    result.push_back(b.size(weight, 1));
    Value product = b.reduce(
        {{x, b.select(rank + 1, left)},
         {weight, b.select(rank + 1, {rank, rank - 1})}},
        rank + 1, {rank}, result, b.number(0, type),
        [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
          return arith::AddFOp::create(
              b, s[2],
              arith::MulFOp::create(b, LinalgBuilder::convert(b, s[0], type),
                                    LinalgBuilder::convert(b, s[1], type)));
        });
    if (bias)
      return b.map({{product, b.getMultiDimIdentityMap(rank)},
                    {bias, b.select(rank, {rank - 1})}},
                   result, elementType,
                   [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                     return arith::AddFOp::create(
                         b, s[0], LinalgBuilder::convert(b, s[1], type));
                   });
    return roundTo(b, product, elementType);
  };
  Value gate = multiplyBy(input, op.getWGate(), op.getBGate()), up;
  LinalgBuilder::Sizes hiddenSizes(ArrayRef(sizes).drop_back());
  hiddenSizes.push_back(b.size(op.getWDown(), 0));
  if (op.getWUp()) {
    up = multiplyBy(input, op.getWUp(), op.getBUp());
  } else {
    bool interleaved = op.getGateUp() == GateUpLayout::Interleaved;
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
        steps(rank, b.getIndexAttr(1));
    if (interleaved)
      steps.back() = b.getIndexAttr(2);
    Value both = gate;
    gate = tensor::ExtractSliceOp::create(b, both, offsets, hiddenSizes, steps);
    offsets.back() =
        interleaved ? OpFoldResult(b.getIndexAttr(1)) : hiddenSizes.back();
    up = tensor::ExtractSliceOp::create(b, both, offsets, hiddenSizes, steps);
  }
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  std::optional<double> clamp;
  if (op.getClamp())
    clamp = op.getClamp()->convertToDouble();
  double alpha = op.getAlpha().convertToDouble(),
         beta = op.getBeta().convertToDouble();
  Value hidden =
      b.map({{gate, identity}, {up, identity}}, hiddenSizes, elementType,
            [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
              return buildGated(b, op.getActivation(), s[0], s[1], clamp, alpha,
                                beta);
            });
  Value result = multiplyBy(hidden, op.getWDown(), op.getBDown());
  if (allSizes.size() > 2) {
    allSizes.back() = b.size(op.getWDown(), 1);
    result = tensor::ExpandShapeOp::create(b, op.getResult().getType(), result,
                                           groups, allSizes);
  }
  return SmallVector<Value>{result};
}
