// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.moe.route: one parallel loop over tokens; each scores its experts,
// ranks groups, and picks the best one after the other.
#include "trine/Passes/ExpertsBuilder.h"

#include <limits>

using namespace mlir;
using namespace mlir::trine;

SmallVector<Value> mlir::trine::buildLoop(
    LinalgBuilder &b, Value begin, Value end, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
    int64_t step) {
  auto loop = scf::ForOp::create(b, begin, end, b.index(step), inits);
  OpBuilder::InsertionGuard guard(b);
  if (inits.empty()) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

Value mlir::trine::numberLike(ImplicitLocOpBuilder &b, double value,
                              Value like) {
  return arith::ConstantOp::create(b, b.getFloatAttr(like.getType(), value));
}

static Value buildSigmoid(ImplicitLocOpBuilder &b, Value x) {
  Value one = numberLike(b, 1, x);
  Value exponential = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one,
                               arith::AddFOp::create(b, one, exponential));
}

Value mlir::trine::buildActivation(ImplicitLocOpBuilder &b,
                                   Activation activation, Value x,
                                   double alpha) {
  auto multiply = [&](Value a, Value c) -> Value {
    return arith::MulFOp::create(b, a, c);
  };
  auto number = [&](double value) { return numberLike(b, value, x); };
  switch (activation) {
  case Activation::SiluGated:
  case Activation::Silu:
    return multiply(
        x, buildSigmoid(b, alpha == 1 ? x : multiply(x, number(alpha))));
  case Activation::GeluGated:
  case Activation::Gelu: {
    Value error = math::ErfOp::create(b, multiply(x, number(M_SQRT1_2)));
    return multiply(multiply(x, number(0.5)),
                    arith::AddFOp::create(b, error, number(1)));
  }
  case Activation::GeluTanhGated:
  case Activation::GeluTanh: {
    Value cube = multiply(multiply(x, x), multiply(x, number(0.044715)));
    Value inner = multiply(arith::AddFOp::create(b, x, cube),
                           number(std::sqrt(2 / M_PI)));
    Value tanh = math::TanhOp::create(b, inner);
    return multiply(multiply(x, number(0.5)),
                    arith::AddFOp::create(b, tanh, number(1)));
  }
  case Activation::ReluGated:
  case Activation::Relu:
    return arith::MaximumFOp::create(b, x, number(0));
  case Activation::Identity:
    return x;
  }
  return x;
}

void mlir::trine::requireInRange(LinalgBuilder &b, Value integers, Value end,
                                 const Twine &message) {
  LinalgBuilder::Sizes sizes = b.sizes(integers);
  unsigned rank = sizes.size();
  SmallVector<int64_t> all;
  for (unsigned i = 0; i < rank; ++i)
    all.push_back(i);
  Value limit = arith::IndexCastOp::create(b, b.getI64Type(), end);
  Value yes = b.integer(1, b.getI1Type());
  Value holds =
      b.reduce({{integers, b.getMultiDimIdentityMap(rank)}}, rank, all, {}, yes,
               [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                 // A negative index is large when taken as unsigned.
                 Value fits = arith::CmpIOp::create(
                     b, arith::CmpIPredicate::ult, s[0], limit);
                 return arith::AndIOp::create(b, s[1], fits);
               });
  RequireOp::create(b, holds, message.str());
}

namespace {

/// The decomposition of one route, within one token.
struct RouteBuilder {
  MoERouteOp op;
  LinalgBuilder &b;
  /// Sizes: experts, groups, experts of a group.
  OpFoldResult experts;
  Value expertCount, groupCount, groupSize;

  /// A step of a `rounded` route, else the number itself.
  Value round(ImplicitLocOpBuilder &b, Value x) {
    if (!op.getRounded())
      return x;
    Type type = LinalgBuilder::typeOf(op.getLogits()).getElementType();
    return LinalgBuilder::convert(b, LinalgBuilder::convert(b, x, type),
                                  x.getType());
  }
  Value scores(Value logits);
  Value softmax(Value values, OpFoldResult size);
  Value choice(Value scores);
  Value keys(Value choice);
  Value groupKeys(Value choice);
  std::pair<Value, Value> pick(Value keys, Value count, Value lastKey,
                               Value lastIndex);
  std::pair<Value, Value> chooseByRank(Value scores, Value choice, Value ids,
                                       Value weights);
  std::pair<Value, Value> chooseByTable(Value scores, Value token, Value ids,
                                        Value weights);
  Value weigh(Value weights);
};

} // namespace

Value mlir::trine::buildLimit(ImplicitLocOpBuilder &b, Value x, double limit) {
  x = arith::MaximumFOp::create(b, x, numberLike(b, -limit, x));
  return arith::MinimumFOp::create(b, x, numberLike(b, limit, x));
}

Value mlir::trine::buildGated(ImplicitLocOpBuilder &b, Activation activation,
                              Value gate, Value up, std::optional<double> clamp,
                              double alpha, double beta) {
  if (clamp) {
    up = buildLimit(b, up, *clamp);
    gate = arith::MinimumFOp::create(b, gate, numberLike(b, *clamp, gate));
  }
  if (beta != 0)
    up = arith::AddFOp::create(b, up, numberLike(b, beta, up));
  return arith::MulFOp::create(b, buildActivation(b, activation, gate, alpha),
                               up);
}

/// A number whose signed order is that of `x`: NaN is above all others, and
/// both zeros are the same.
static Value orderKey(ImplicitLocOpBuilder &b, Value x) {
  Type i32 = b.getI32Type();
  Value plain = arith::AddFOp::create(b, x, numberLike(b, 0, x));
  Value bits = arith::BitcastOp::create(b, i32, plain);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getIntegerAttr(i32, value));
  };
  Value sign = arith::ShRSIOp::create(b, bits, constant(31));
  Value top = constant(std::numeric_limits<int32_t>::max());
  Value flipped =
      arith::XOrIOp::create(b, bits, arith::AndIOp::create(b, sign, top));
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  return arith::SelectOp::create(b, isNaN, top, flipped);
}

/// Whether (key, index) comes after (lastKey, lastIndex) in the order of
/// choice.
static Value isAfter(ImplicitLocOpBuilder &b, Value key, Value index,
                     Value lastKey, Value lastIndex) {
  using P = arith::CmpIPredicate;
  Value lower = arith::CmpIOp::create(b, P::slt, key, lastKey);
  Value same = arith::CmpIOp::create(b, P::eq, key, lastKey);
  Value later = arith::CmpIOp::create(b, P::sgt, index, lastIndex);
  return arith::OrIOp::create(b, lower, arith::AndIOp::create(b, same, later));
}

Value RouteBuilder::softmax(Value values, OpFoldResult size) {
  AffineMap identity = b.getMultiDimIdentityMap(1), scalar = b.select(1, {});
  Type f32 = b.getF32Type();
  Value low = b.number(-std::numeric_limits<double>::infinity(), f32);
  Value top = b.reduce({{values, identity}}, 1, 0, {}, low,
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::MaximumFOp::create(b, s[0], s[1]);
                       });
  Value powers = b.map({{values, identity}, {top, scalar}}, size, f32,
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return math::ExpOp::create(
                             b, arith::SubFOp::create(b, s[0], s[1]));
                       });
  Value sum = b.reduce({{powers, identity}}, 1, 0, {}, b.number(0, f32),
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::AddFOp::create(b, s[0], s[1]);
                       });
  return b.map({{powers, identity}, {sum, scalar}}, size, f32,
               [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                 return round(b, arith::DivFOp::create(b, s[0], s[1]));
               });
}

Value RouteBuilder::scores(Value logits) {
  Scoring scoring = op.getScoring();
  Type f32 = b.getF32Type();
  auto score = [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
    Value x = LinalgBuilder::convert(b, s[0], f32);
    if (scoring == Scoring::Sigmoid)
      return round(b, buildSigmoid(b, x));
    if (scoring != Scoring::SqrtSoftplus)
      return x;
    // Without overflow for large logits.
    Value power = math::ExpOp::create(
        b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
    Value positive = arith::MaximumFOp::create(b, x, numberLike(b, 0, x));
    return round(
        b, math::SqrtOp::create(
               b, round(b, arith::AddFOp::create(
                               b, positive, math::Log1pOp::create(b, power)))));
  };
  Value result =
      b.map({{logits, b.getMultiDimIdentityMap(1)}}, experts, f32, score);
  return scoring == Scoring::Softmax ? softmax(result, experts) : result;
}

Value RouteBuilder::choice(Value scores) {
  if (!op.getBias())
    return scores;
  AffineMap identity = b.getMultiDimIdentityMap(1);
  return b.map(
      {{scores, identity}, {op.getBias(), identity}}, experts, b.getF32Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        return round(
            b, arith::AddFOp::create(
                   b, s[0], LinalgBuilder::convert(b, s[1], s[0].getType())));
      });
}

/// The best of the first `count` keys that comes after the last one.
std::pair<Value, Value> RouteBuilder::pick(Value keys, Value count,
                                           Value lastKey, Value lastIndex) {
  Value lowest = b.integer(std::numeric_limits<int32_t>::min(), b.getI32Type());
  SmallVector<Value> best = buildLoop(
      b, b.index(0), count, {lowest, b.index(0)},
      [&](Value index, ValueRange state) -> SmallVector<Value> {
        Value key = tensor::ExtractOp::create(b, keys, index);
        Value open = isAfter(b, key, index, lastKey, lastIndex);
        Value better = arith::AndIOp::create(
            b, open,
            arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, key, state[0]));
        return {arith::SelectOp::create(b, better, key, state[0]),
                arith::SelectOp::create(b, better, index, state[1])};
      });
  return {best[0], best[1]};
}

/// The order keys of the groups' scores.
Value RouteBuilder::groupKeys(Value choice) {
  bool sums = op.getGroupScore() == GroupScore::SumTop2;
  Value low =
      b.number(-std::numeric_limits<double>::infinity(), b.getF32Type());
  Value empty =
      b.empty(OpFoldResult(b.getIndexAttr(op.getGroups())), b.getI32Type());
  return buildLoop(
      b, b.index(0), groupCount, {empty},
      [&](Value group, ValueRange outer) -> SmallVector<Value> {
        Value first = arith::MulIOp::create(b, group, groupSize);
        SmallVector<Value> best = buildLoop(
            b, b.index(0), groupSize, {low, low},
            [&](Value i, ValueRange state) -> SmallVector<Value> {
              Value x = tensor::ExtractOp::create(
                  b, choice, ValueRange{arith::AddIOp::create(b, first, i)});
              // NaN is above all numbers.
              auto above = [&](Value y) {
                return arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, x,
                                             y);
              };
              Value best = above(state[0]), second = above(state[1]);
              Value next = arith::SelectOp::create(b, second, x, state[1]);
              return {arith::SelectOp::create(b, best, x, state[0]),
                      arith::SelectOp::create(b, best, state[0], next)};
            });
        Value score = sums
                          ? round(b, arith::AddFOp::create(b, best[0], best[1]))
                          : best[0];
        return {
            tensor::InsertOp::create(b, orderKey(b, score), outer[0], group)};
      })[0];
}

/// The order keys of all experts; those of groups that are not kept are the
/// masked score's. `choice` is replaced accordingly.
Value RouteBuilder::keys(Value choice) {
  AffineMap identity = b.getMultiDimIdentityMap(1);
  return b.map(
      {{choice, identity}}, experts, b.getI32Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) { return orderKey(b, s[0]); });
}

/// Experts outside of the kept groups get the masked score.
static Value maskGroups(RouteBuilder &r, Value choice) {
  LinalgBuilder &b = r.b;
  Value groupKeys = r.groupKeys(choice);
  Value top = b.integer(std::numeric_limits<int32_t>::max(), b.getI32Type());
  Value before = b.index(-1);
  SmallVector<Value> last =
      buildLoop(b, b.index(0), b.index(r.op.getKeptGroups()), {top, before},
                [&](Value, ValueRange state) -> SmallVector<Value> {
                  auto [key, index] =
                      r.pick(groupKeys, r.groupCount, state[0], state[1]);
                  return {key, index};
                });
  double masked = r.op.getMaskedScore() == MaskedScore::Zero
                      ? 0
                      : -std::numeric_limits<double>::infinity();
  return b.map({{choice, b.getMultiDimIdentityMap(1)}}, r.experts,
               b.getF32Type(),
               [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                 Value index = linalg::IndexOp::create(b, 0);
                 Value group = arith::DivUIOp::create(b, index, r.groupSize);
                 Value key = tensor::ExtractOp::create(b, groupKeys, group);
                 Value dropped = isAfter(b, key, group, last[0], last[1]);
                 return arith::SelectOp::create(
                     b, dropped, numberLike(b, masked, s[0]), s[0]);
               });
}

std::pair<Value, Value> RouteBuilder::chooseByRank(Value scores, Value choice,
                                                   Value ids, Value weights) {
  Value ranked = keys(choice);
  Value source = op.getWeightsFromChoice() ? choice : scores;
  Value top = b.integer(std::numeric_limits<int32_t>::max(), b.getI32Type());
  SmallVector<Value> chosen = buildLoop(
      b, b.index(0), b.index(op.getK()), {ids, weights, top, b.index(-1)},
      [&](Value j, ValueRange state) -> SmallVector<Value> {
        auto [key, index] = pick(ranked, expertCount, state[2], state[3]);
        Value id = arith::IndexCastOp::create(b, b.getI64Type(), index);
        Value weight = tensor::ExtractOp::create(b, source, index);
        return {tensor::InsertOp::create(b, id, state[0], j),
                tensor::InsertOp::create(b, weight, state[1], j), key, index};
      });
  return {chosen[0], chosen[1]};
}

std::pair<Value, Value> RouteBuilder::chooseByTable(Value scores, Value token,
                                                    Value ids, Value weights) {
  auto clamp = [&](Value value, Value end) -> Value {
    Value last = arith::SubIOp::create(b, end, b.index(1));
    return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, value, last),
                                  b.index(0));
  };
  auto read = [&](Value tensor, ValueRange at) -> Value {
    return arith::IndexCastOp::create(b, b.getIndexType(),
                                      tensor::ExtractOp::create(b, tensor, at));
  };
  Value row =
      clamp(read(op.getTokenIds(), token), b.indexOf(b.size(op.getTable(), 0)));
  SmallVector<Value> chosen = buildLoop(
      b, b.index(0), b.index(op.getK()), {ids, weights},
      [&](Value j, ValueRange state) -> SmallVector<Value> {
        Value index = clamp(read(op.getTable(), {row, j}), expertCount);
        Value id = arith::IndexCastOp::create(b, b.getI64Type(), index);
        Value weight = tensor::ExtractOp::create(b, scores, index);
        return {tensor::InsertOp::create(b, id, state[0], j),
                tensor::InsertOp::create(b, weight, state[1], j)};
      });
  return {chosen[0], chosen[1]};
}

/// Softmax over the chosen, renormalisation and scale.
Value RouteBuilder::weigh(Value weights) {
  OpFoldResult k = b.getIndexAttr(op.getK());
  AffineMap identity = b.getMultiDimIdentityMap(1), scalar = b.select(1, {});
  Type f32 = b.getF32Type();
  if (op.getScoring() == Scoring::SoftmaxTopK)
    weights = softmax(weights, k);
  else if (op.getScoring() == Scoring::SigmoidTopK)
    weights = b.map({{weights, identity}}, k, f32,
                    [&](ImplicitLocOpBuilder &b, ValueRange s) {
                      return round(b, buildSigmoid(b, s[0]));
                    });
  double scale = op.getScale().convertToDouble();
  bool scaledFirst = op.getScalePosition() == ScalePosition::BeforeDivision;
  auto scaled = [&](ImplicitLocOpBuilder &b, Value x) -> Value {
    return scale == 1
               ? x
               : round(b, arith::MulFOp::create(b, x, numberLike(b, scale, x)));
  };
  if (!op.getRenormalize())
    return scale == 1 ? weights
                      : b.map({{weights, identity}}, k, f32,
                              [&](ImplicitLocOpBuilder &b, ValueRange s) {
                                return scaled(b, s[0]);
                              });
  Value sum = b.reduce({{weights, identity}}, 1, 0, {}, b.number(0, f32),
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::AddFOp::create(b, s[0], s[1]);
                       });
  double epsilon = op.getEpsilon().convertToDouble();
  return b.map({{weights, identity}, {sum, scalar}}, k, f32,
               [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                 Value total = round(b, s[1]);
                 if (epsilon != 0)
                   total =
                       round(b, arith::AddFOp::create(
                                    b, total, numberLike(b, epsilon, total)));
                 Value x = scaledFirst ? scaled(b, s[0]) : s[0];
                 x = round(b, arith::DivFOp::create(b, x, total));
                 return scaledFirst ? x : scaled(b, x);
               });
}

void mlir::trine::requireOperands(MoERouteOp op, LinalgBuilder &b) {
  Value table = op.getTable();
  if (!table)
    return;
  requireInRange(b, op.getTokenIds(), b.indexOf(b.size(table, 0)),
                 "token ids of a route must be rows of its table");
  requireInRange(b, table, b.indexOf(b.size(op.getLogits(), 1)),
                 "the table of a route must hold numbers of experts");
}

SmallVector<Value> mlir::trine::expandRoute(MoERouteOp op, LinalgBuilder &b,
                                            ValueRange destinations) {
  OpFoldResult tokens = b.size(op.getLogits(), 0);
  OpFoldResult experts = b.size(op.getLogits(), 1);
  RouteBuilder r{
      op, b, experts, b.indexOf(experts), b.index(op.getGroups()), Value()};
  r.groupSize = b.createOrFold<arith::DivUIOp>(r.expertCount, r.groupCount);
  OpFoldResult k = b.getIndexAttr(op.getK());
  auto loop = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{tokens},
                                    destinations, std::nullopt);
  Value token = loop.getInductionVar(0);
  b.setInsertionPoint(loop.getTerminator());
  auto row = [&](Value matrix, OpFoldResult length) -> Value {
    auto type = RankedTensorType::get(
        LinalgBuilder::typeOf(matrix).getShape().drop_front(),
        LinalgBuilder::typeOf(matrix).getElementType());
    return tensor::ExtractSliceOp::create(
        b, type, matrix, ArrayRef<OpFoldResult>{token, b.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1), length},
        SmallVector<OpFoldResult>(2, b.getIndexAttr(1)));
  };
  Value scores = r.scores(row(op.getLogits(), experts));
  Value ids = row(loop.getRegionIterArgs()[0], k),
        weights = row(loop.getRegionIterArgs()[1], k);
  if (op.getTable()) {
    std::tie(ids, weights) = r.chooseByTable(scores, token, ids, weights);
  } else {
    Value choice = r.choice(scores);
    if (op.getGroups() != op.getKeptGroups())
      choice = maskGroups(r, choice);
    std::tie(ids, weights) = r.chooseByRank(scores, choice, ids, weights);
  }
  weights = r.weigh(weights);
  b.setInsertionPointToStart(loop.getTerminator().getBody());
  Value values[] = {ids, weights};
  for (auto [value, out] : llvm::zip(values, loop.getRegionIterArgs()))
    tensor::ParallelInsertSliceOp::create(
        b, value, out, ArrayRef<OpFoldResult>{token, b.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1), k},
        SmallVector<OpFoldResult>(2, b.getIndexAttr(1)));
  b.setInsertionPointAfter(loop);
  return {loop.getResult(0), loop.getResult(1)};
}
