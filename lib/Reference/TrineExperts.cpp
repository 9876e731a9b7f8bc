// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The trine.moe ops.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<int64_t> reference::largestOf(llvm::ArrayRef<double> values,
                                          int64_t count) {
  std::vector<int64_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    bool aNaN = std::isnan(values[a]), bNaN = std::isnan(values[b]);
    if (aNaN != bNaN)
      return aNaN;
    return values[a] > values[b] || (!(values[a] < values[b]) && a < b);
  });
  order.resize(count);
  return order;
}

static std::vector<double> softmaxOf(llvm::ArrayRef<double> logits,
                                     bool single) {
  std::vector<double> result(logits.begin(), logits.end());
  double top = -std::numeric_limits<double>::infinity();
  for (double x : result)
    top = std::max(top, x);
  Accumulator sum(single);
  for (double &x : result)
    sum.add(x = std::exp(x - top));
  for (double &x : result)
    x /= sum.get();
  return result;
}

/// A step of a `rounded` route, else the number itself.
static double roundStep(MoERouteOp op, const Tensor &logits, double x) {
  return op.getRounded() ? roundTo(logits.getElementType(), x) : x;
}

static double scoreOf(MoERouteOp op, const Tensor &logits, double logit) {
  switch (op.getScoring()) {
  case Scoring::Sigmoid:
    return sigmoid(logit);
  case Scoring::SqrtSoftplus: // without overflow for large logits
    return std::sqrt(roundStep(op, logits,
                               std::max(logit, 0.0) +
                                   std::log1p(std::exp(-std::fabs(logit)))));
  default: // the softmax is over all or the chosen ones
    return logit;
  }
}

/// The scores of the experts of one token.
static std::vector<double> scoresOf(MoERouteOp op, const Tensor &logits,
                                    int64_t token, bool single) {
  int64_t experts = logits.getDim(1);
  std::vector<double> scores(experts);
  for (int64_t e = 0; e < experts; ++e)
    scores[e] = scoreOf(op, logits, logits.real(token * experts + e));
  if (op.getScoring() == Scoring::Softmax)
    scores = softmaxOf(scores, single);
  for (double &score : scores)
    score = roundStep(op, logits, score);
  return scores;
}

/// What ties in single precision (or as the steps are rounded) is a tie.
static std::vector<double> rankingOf(MoERouteOp op, const Tensor &logits,
                                     llvm::ArrayRef<double> scores,
                                     const Tensor *bias) {
  std::vector<double> ranking;
  for (auto [e, score] : llvm::enumerate(scores)) {
    double rounded = roundTo(ElementType::F32, score);
    ranking.push_back(
        bias ? roundStep(op, logits,
                         roundTo(ElementType::F32, rounded + bias->real(e)))
             : rounded);
  }
  return ranking;
}

std::vector<double> reference::rankingScores(MoERouteOp op,
                                             const Tensor &logits,
                                             const Tensor *bias,
                                             int64_t token) {
  return rankingOf(op, logits, scoresOf(op, logits, token, /*single=*/false),
                   bias);
}

std::vector<double> reference::groupRanks(MoERouteOp op, const Tensor &logits,
                                          llvm::ArrayRef<double> scores) {
  int64_t groups = op.getGroups(), size = scores.size() / groups;
  std::vector<double> ranks;
  for (int64_t g = 0; g < groups; ++g) {
    llvm::ArrayRef<double> own = scores.slice(g * size, size);
    std::vector<int64_t> best = largestOf(own, std::min<int64_t>(2, size));
    ranks.push_back(op.getGroupScore() == GroupScore::Max || best.size() < 2
                        ? own[best[0]]
                        : roundStep(op, logits,
                                    roundTo(ElementType::F32,
                                            own[best[0]] + own[best[1]])));
  }
  return ranks;
}

void reference::maskGroups(MoERouteOp op, llvm::ArrayRef<int64_t> kept,
                           llvm::MutableArrayRef<double> scores) {
  int64_t size = scores.size() / op.getGroups();
  for (int64_t e = 0, count = scores.size(); e < count; ++e)
    if (!llvm::is_contained(kept, e / size))
      scores[e] = op.getMaskedScore() == MaskedScore::Zero
                      ? 0.0
                      : -std::numeric_limits<double>::infinity();
}

static LogicalResult route(OperatorCall &call) {
  auto op = cast<MoERouteOp>(call.op);
  const Tensor &logits = call.operand(0), *bias = segmentOf(call, op, 1),
               *tokenIds = segmentOf(call, op, 2),
               *table = segmentOf(call, op, 3);
  int64_t tokens = logits.getDim(0), experts = logits.getDim(1), k = op.getK(),
          groups = op.getGroups();
  if (experts % groups ||
      experts / groups * static_cast<int64_t>(op.getKeptGroups()) < k)
    return call.fail("the kept groups must hold 'k' experts or more, got " +
                     llvm::Twine(experts) + " experts in " +
                     llvm::Twine(groups) + " groups");
  if ((bias && failed(call.requireShape(*bias, {experts}, "bias"))) ||
      (tokenIds && failed(call.requireShape(*tokenIds, {tokens}, "token_ids"))))
    return failure();
  FailureOr<Tensor> ids = call.allocate(ElementType::I64, {tokens, k}),
                    weights = call.allocate(ElementType::F32, {tokens, k});
  FailureOr<const Tensor *> forced = forcedIndices(call, {tokens, k}, experts);
  if (failed(ids) || failed(weights) || failed(forced))
    return failure();
  Scoring scoring = op.getScoring();
  bool single = call.accumulateInSingle();
  double epsilon = op.getEpsilon().convertToDouble(),
         scale = op.getScale().convertToDouble();
  bool scaledFirst = op.getScalePosition() == ScalePosition::BeforeDivision;
  std::vector<double> chosen(k);
  for (int64_t n = 0; n < tokens; ++n) {
    std::vector<double> scores = scoresOf(op, logits, n, single);
    std::vector<double> choice = rankingOf(op, logits, scores, bias);
    if (!*forced) // what is forced may be of another group
      maskGroups(op,
                 largestOf(groupRanks(op, logits, choice), op.getKeptGroups()),
                 choice);
    std::vector<int64_t> best;
    if (*forced) {
      for (int64_t j = 0; j < k; ++j)
        best.push_back((*forced)->integer(n * k + j));
    } else if (table) {
      int64_t token = tokenIds->integer(n);
      if (token < 0 || token >= table->getDim(0))
        return call.fail("'token_ids' must be in [0, " +
                         llvm::Twine(table->getDim(0)) + "), got " +
                         llvm::Twine(token));
      for (int64_t j = 0; j < k; ++j)
        best.push_back(table->integer(token * k + j));
    } else {
      best = largestOf(choice, k);
    }
    for (int64_t j = 0; j < k; ++j) {
      if (best[j] < 0 || best[j] >= experts)
        return call.fail("'table' must hold experts in [0, " +
                         llvm::Twine(experts) + "), got " +
                         llvm::Twine(best[j]));
      ids->setInteger(n * k + j, best[j]);
      chosen[j] = op.getWeightsFromChoice() ? choice[best[j]] : scores[best[j]];
    }
    auto round = [&](double x) { return roundStep(op, logits, x); };
    if (scoring == Scoring::SoftmaxTopK)
      chosen = softmaxOf(chosen, single);
    Accumulator sum(single);
    for (double &weight : chosen) {
      if (scoring == Scoring::SigmoidTopK)
        weight = sigmoid(weight);
      sum.add(weight = round(weight));
    }
    double total = round(round(sum.get()) + epsilon);
    for (int64_t j = 0; j < k; ++j) {
      double weight = round(chosen[j] * (scaledFirst ? scale : 1.0));
      if (op.getRenormalize())
        weight = round(weight / total);
      weights->setReal(n * k + j, scaledFirst ? weight : round(weight * scale));
    }
  }
  call.setResult(0, *ids);
  call.setResult(1, *weights);
  return success();
}

static double activate(Activation activation, double x, double alpha = 1) {
  switch (activation) {
  case Activation::SiluGated:
  case Activation::Silu:
    return x * sigmoid(alpha * x);
  case Activation::GeluGated:
  case Activation::Gelu:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case Activation::GeluTanhGated:
  case Activation::GeluTanh:
    return 0.5 * x *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case Activation::ReluGated:
  case Activation::Relu:
    return x < 0 ? 0.0 : x;
  case Activation::Identity:
    return x;
  }
  return x;
}

/// matrix[index] · x, for a tensor of matrices [.., rows, x.size()].
static std::vector<double> multiply(const Tensor &matrices, int64_t index,
                                    llvm::ArrayRef<double> x, bool single) {
  int64_t rows = matrices.getDim(1), columns = x.size();
  std::vector<double> result(rows);
  for (int64_t r = 0; r < rows; ++r) {
    Accumulator sum(single);
    for (int64_t c = 0; c < columns; ++c)
      sum.addProduct(matrices.real((index * rows + r) * columns + c), x[c]);
    result[r] = sum.get();
  }
  return result;
}

static LogicalResult experts(OperatorCall &call) {
  auto op = cast<MoEExpertsOp>(call.op);
  const Tensor &input = call.operand(0), &ids = call.operand(1),
               &weights = call.operand(2), &first = call.operand(3),
               &second = call.operand(4), *firstBias = segmentOf(call, op, 5),
               *secondBias = segmentOf(call, op, 6);
  int64_t tokens = input.getDim(0), width = input.getDim(1), k = ids.getDim(1),
          count = first.getDim(0), inner = second.getDim(2),
          identities = op.getIdentityExperts();
  bool gated = op.getGateUp() != GateUpLayout::UpOnly,
       interleaved = op.getGateUp() == GateUpLayout::Interleaved;
  if (failed(call.requireShape(ids, {tokens, k}, "ids")) ||
      failed(call.requireShape(weights, {tokens, k}, "weights")) ||
      failed(call.requireShape(first, {count, gated ? 2 * inner : inner, width},
                               "w_gate_up")) ||
      failed(call.requireShape(second, {count, width, inner}, "w_down")) ||
      (firstBias && failed(call.requireShape(
                        *firstBias, {count, first.getDim(1)}, "b_gate_up"))) ||
      (secondBias &&
       failed(call.requireShape(*secondBias, {count, width}, "b_down"))))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  bool single = call.accumulateInSingle();
  double limit = op.getClamp() ? op.getClamp()->convertToDouble()
                               : std::numeric_limits<double>::infinity();
  double alpha = op.getAlpha().convertToDouble(),
         beta = op.getBeta().convertToDouble();
  auto addBias = [](std::vector<double> &values, const Tensor *bias,
                    int64_t expert) {
    for (size_t i = 0; bias && i < values.size(); ++i)
      values[i] += bias->real(expert * values.size() + i);
  };
  std::vector<double> x(width), hidden(inner);
  for (int64_t n = 0; n < tokens; ++n) {
    std::vector<Accumulator> sums(width, Accumulator(single));
    for (int64_t i = 0; i < width; ++i)
      x[i] = input.real(n * width + i);
    for (int64_t j = 0; j < k; ++j) {
      int64_t expert = ids.integer(n * k + j);
      if (expert < 0 || (expert >= count && expert - count >= identities))
        return call.fail("'ids' must be in [0, " + llvm::Twine(count) + " + " +
                         llvm::Twine(identities) + "), got " +
                         llvm::Twine(expert));
      std::vector<double> y = x;
      if (expert < count) {
        std::vector<double> both = multiply(first, expert, x, single);
        addBias(both, firstBias, expert);
        for (int64_t i = 0; i < inner; ++i) {
          double up = both[!gated ? i : interleaved ? 2 * i + 1 : inner + i];
          up = std::min(std::max(up, -limit), limit);
          double gate =
              gated ? std::min(both[interleaved ? 2 * i : i], limit) : up;
          hidden[i] = activate(op.getActivation(), gate, alpha) *
                      (gated ? up + beta : 1.0);
        }
        y = multiply(second, expert, hidden, single);
        addBias(y, secondBias, expert);
      }
      for (int64_t i = 0; i < width; ++i)
        sums[i].addProduct(weights.real(n * k + j), y[i]);
    }
    for (int64_t i = 0; i < width; ++i)
      result->setReal(n * width + i, sums[i].get());
  }
  return call.done(*result);
}

/// x · matrix + bias, rounded to `type`.
static std::vector<double> multiplyColumns(llvm::ArrayRef<double> x,
                                           const Tensor &matrix,
                                           const Tensor *bias, ElementType type,
                                           bool single) {
  int64_t columns = matrix.getDim(1);
  std::vector<double> result(columns);
  for (int64_t c = 0; c < columns; ++c) {
    Accumulator sum(single);
    for (size_t i = 0; i < x.size(); ++i)
      sum.addProduct(x[i], matrix.real(i * columns + c));
    result[c] = roundTo(type, sum.get() + (bias ? bias->real(c) : 0.0));
  }
  return result;
}

static LogicalResult gatedMLP(OperatorCall &call) {
  auto op = cast<GatedMLPOp>(call.op);
  const Tensor &input = call.operand(0), &gate = call.operand(1),
               &down = call.operand(2), *up = segmentOf(call, op, 3),
               *gateBias = segmentOf(call, op, 4),
               *upBias = segmentOf(call, op, 5),
               *downBias = segmentOf(call, op, 6);
  int64_t width = input.getShape().back(), inner = down.getDim(0);
  double limit = op.getClamp() ? op.getClamp()->convertToDouble()
                               : std::numeric_limits<double>::infinity(),
         alpha = op.getAlpha().convertToDouble(),
         beta = op.getBeta().convertToDouble();
  if (failed(
          call.requireShape(gate, {width, up ? inner : 2 * inner}, "w_gate")) ||
      (up && failed(call.requireShape(*up, {width, inner}, "w_up"))) ||
      (gateBias &&
       failed(call.requireShape(*gateBias, {gate.getDim(1)}, "b_gate"))) ||
      (upBias && failed(call.requireShape(*upBias, {inner}, "b_up"))) ||
      (downBias &&
       failed(call.requireShape(*downBias, {down.getDim(1)}, "b_down"))))
    return failure();
  llvm::SmallVector<int64_t> shape(input.getShape());
  shape.back() = down.getDim(1);
  ElementType type = input.getElementType();
  FailureOr<Tensor> result = call.allocate(type, shape);
  if (failed(result))
    return failure();
  bool single = call.accumulateInSingle();
  std::vector<double> x(width), hidden(inner);
  int64_t tokens = width ? input.getNumElements() / width : 0;
  for (int64_t n = 0; n < tokens; ++n) {
    for (int64_t i = 0; i < width; ++i)
      x[i] = input.real(n * width + i);
    std::vector<double> gates =
                            multiplyColumns(x, gate, gateBias, type, single),
                        ups;
    if (up) {
      ups = multiplyColumns(x, *up, upBias, type, single);
    } else {
      bool interleaved = op.getGateUp() == GateUpLayout::Interleaved;
      std::vector<double> both = gates;
      ups.resize(inner);
      for (int64_t i = 0; i < inner; ++i) {
        gates[i] = both[interleaved ? 2 * i : i];
        ups[i] = both[interleaved ? 2 * i + 1 : inner + i];
      }
    }
    for (int64_t i = 0; i < inner; ++i) {
      // NaN stays NaN.
      double g = gates[i] > limit ? limit : gates[i], u = ups[i] > limit ? limit
                                                          : ups[i] < -limit
                                                              ? -limit
                                                              : ups[i];
      hidden[i] =
          roundTo(type, activate(op.getActivation(), g, alpha) * (u + beta));
    }
    std::vector<double> y =
        multiplyColumns(hidden, down, downBias, type, single);
    for (size_t i = 0; i < y.size(); ++i)
      result->setReal(n * y.size() + i, y[i]);
  }
  return call.done(*result);
}

static LogicalResult group(OperatorCall &call) {
  auto op = cast<MoEGroupOp>(call.op);
  const Tensor &ids = call.operand(0);
  int64_t experts = op.getExperts(), identities = op.getIdentityExperts(),
          slots = ids.getNumElements();
  FailureOr<Tensor> order = call.allocate(ElementType::I64, {slots}),
                    offsets = call.allocate(ElementType::I64, {experts + 1}),
                    position = call.allocate(ElementType::I64, ids.getShape());
  if (failed(order) || failed(offsets) || failed(position))
    return failure();
  std::vector<int64_t> sorted(slots);
  for (int64_t i = 0; i < slots; ++i) {
    sorted[i] = i;
    int64_t expert = ids.integer(i);
    if (expert < 0 || (expert >= experts && expert - experts >= identities))
      return call.fail("'ids' must be in [0, " + llvm::Twine(experts) + " + " +
                       llvm::Twine(identities) + "), got " +
                       llvm::Twine(expert));
    if (expert < experts)
      offsets->setInteger(expert + 1, offsets->integer(expert + 1) + 1);
  }
  for (int64_t e = 0; e < experts; ++e)
    offsets->setInteger(e + 1, offsets->integer(e) + offsets->integer(e + 1));
  // All identity experts are one.
  auto expertOf = [&](int64_t slot) {
    return std::min(ids.integer(slot), experts);
  };
  std::sort(sorted.begin(), sorted.end(), [&](int64_t a, int64_t b) {
    int64_t idA = expertOf(a), idB = expertOf(b);
    return idA != idB ? idA < idB : a < b;
  });
  for (int64_t i = 0; i < slots; ++i) {
    order->setInteger(i, sorted[i]);
    position->setInteger(sorted[i], i);
  }
  call.setResult(0, *order);
  call.setResult(1, *offsets);
  call.setResult(2, *position);
  return success();
}

/// One row of a grouped product: weight[expert] · x + bias[expert], and for a
/// gated activation twice as many values, the gates first.
static std::vector<double> multiplyRow(MoEGroupedMatMulOp op,
                                       const Tensor &weight, const Tensor *bias,
                                       int64_t expert, llvm::ArrayRef<double> x,
                                       bool single) {
  int64_t rows = 1, depth = x.size();
  for (int64_t i = 1; i + 1 < weight.getRank(); ++i)
    rows *= weight.getDim(i);
  std::vector<double> y(rows);
  for (int64_t r = 0; r < rows; ++r) {
    Accumulator sum(single);
    for (int64_t i = 0; i < depth; ++i)
      sum.addProduct(weight.real((expert * rows + r) * depth + i), x[i]);
    y[r] = sum.get() + (bias ? bias->real(expert * rows + r) : 0.0);
  }
  if (!op.getActivation())
    return y;
  double limit = op.getClamp() ? op.getClamp()->convertToDouble()
                               : std::numeric_limits<double>::infinity();
  double alpha = op.getAlpha().convertToDouble(),
         beta = op.getBeta().convertToDouble();
  bool gated = op.isGated();
  int64_t columns = gated ? rows / 2 : rows;
  for (int64_t c = 0; c < columns; ++c) {
    double up =
        std::min(std::max(gated ? y[columns + c] : y[c], -limit), limit);
    double gate = gated ? std::min(y[c], limit) : up;
    y[c] =
        activate(*op.getActivation(), gate, alpha) * (gated ? up + beta : 1.0);
  }
  y.resize(columns);
  return y;
}

static LogicalResult groupedMatMul(OperatorCall &call) {
  auto op = cast<MoEGroupedMatMulOp>(call.op);
  const Tensor &input = call.operand(0), &offsets = call.operand(1),
               &weight = call.operand(2), *order = segmentOf(call, op, 3),
               *bias = segmentOf(call, op, 4);
  int64_t rank = weight.getRank(), count = weight.getDim(0),
          columns = weight.getDim(rank - 2), depth = weight.getDim(rank - 1),
          rows = order ? order->getDim(0) : input.getDim(0);
  int64_t slots = op.getSlots() ? static_cast<int64_t>(*op.getSlots()) : 1;
  if (failed(call.requireShape(input, {input.getDim(0), depth}, "input")) ||
      failed(call.requireShape(offsets, {count + 1}, "offsets")) ||
      (bias &&
       failed(call.requireShape(*bias, weight.getShape().drop_back(), "bias"))))
    return failure();
  for (int64_t e = 0; e <= count; ++e) {
    int64_t low = e ? offsets.integer(e - 1) : 0, own = offsets.integer(e);
    if (own < low || (e == 0 && own != 0) || own > rows)
      return call.fail("'offsets' must rise from 0 to at most " +
                       llvm::Twine(rows) + ", got " + llvm::Twine(own) +
                       " at element " + llvm::Twine(e));
  }
  FailureOr<Tensor> result = call.allocate(
      call.resultType(0, input.getElementType()), {rows, columns});
  if (failed(result))
    return failure();
  std::vector<double> x(depth);
  for (int64_t e = 0; e < count; ++e)
    for (int64_t r = offsets.integer(e); r < offsets.integer(e + 1); ++r) {
      int64_t slot = order ? order->integer(r) : r, row = slot / slots;
      if (slot < 0 || row >= input.getDim(0))
        return call.fail("'order' must be in [0, " +
                         llvm::Twine(input.getDim(0)) + " * " +
                         llvm::Twine(slots) + "), got " + llvm::Twine(slot));
      for (int64_t i = 0; i < depth; ++i)
        x[i] = input.real(row * depth + i);
      std::vector<double> y =
          multiplyRow(op, weight, bias, e, x, call.accumulateInSingle());
      for (int64_t i = 0; i < columns; ++i)
        result->setReal(r * columns + i, y[i]);
    }
  return call.done(*result);
}

static LogicalResult combine(OperatorCall &call) {
  auto op = cast<MoECombineOp>(call.op);
  const Tensor &rows = call.operand(0), &position = call.operand(1),
               &weights = call.operand(2), *ids = segmentOf(call, op, 3),
               *input = segmentOf(call, op, 4);
  int64_t tokens = weights.getDim(0), k = weights.getDim(1),
          width = rows.getDim(1);
  if (failed(call.requireShape(position, {tokens, k}, "position")) ||
      (ids && failed(call.requireShape(*ids, {tokens, k}, "ids"))) ||
      (input && failed(call.requireShape(*input, {tokens, width}, "identity"))))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(call.resultType(0, rows.getElementType()), {tokens, width});
  if (failed(result))
    return failure();
  for (int64_t n = 0; n < tokens; ++n) {
    std::vector<Accumulator> sums(width,
                                  Accumulator(call.accumulateInSingle()));
    for (int64_t j = 0; j < k; ++j) {
      double weight = weights.real(n * k + j);
      if (ids && input &&
          ids->integer(n * k + j) >= static_cast<int64_t>(*op.getExperts())) {
        for (int64_t i = 0; i < width; ++i)
          sums[i].addProduct(weight, input->real(n * width + i));
        continue;
      }
      int64_t row = position.integer(n * k + j);
      if (row < 0 || row >= rows.getDim(0))
        return call.fail("'position' must be in [0, " +
                         llvm::Twine(rows.getDim(0)) + "), got " +
                         llvm::Twine(row));
      for (int64_t i = 0; i < width; ++i)
        sums[i].addProduct(weight, rows.real(row * width + i));
    }
    for (int64_t i = 0; i < width; ++i)
      result->setReal(n * width + i, sums[i].get());
  }
  return call.done(*result);
}

void reference::addTrineExpertsRules(OperatorTable &table) {
  table["trine.moe.route"] = route;
  table["trine.moe.experts"] = experts;
  table["trine.gated_mlp"] = gatedMLP;
  table["trine.moe.group"] = group;
  table["trine.moe.grouped_matmul"] = groupedMatMul;
  table["trine.moe.combine"] = combine;
}
