// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The trine.engram ops and trine.hyper.mix.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// The history of mapped ids followed by the mapped tokens: [B, N-1 + S].
static FailureOr<std::vector<int64_t>> mappedIds(OperatorCall &call,
                                                 EngramHashOp op) {
  const Tensor &tokens = call.operand(0), *history = segmentOf(call, op, 1),
               *map = segmentOf(call, op, 2);
  int64_t batches = tokens.getDim(0), length = tokens.getDim(1),
          before = op.getMaxOrder() - 1;
  if (history &&
      failed(call.requireShape(*history, {batches, before}, "history")))
    return failure();
  std::vector<int64_t> ids;
  ids.reserve(batches * (before + length));
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t i = 0; i < before; ++i)
      ids.push_back(history ? history->integer(b * before + i) : op.getPad());
    for (int64_t t = 0; t < length; ++t) {
      int64_t id = tokens.integer(b * length + t);
      if (!map) {
        ids.push_back(id);
        continue;
      }
      int64_t size = map->getDim(0);
      if (id < -size || id >= size)
        return call.fail("'token_ids' must be in [-" + llvm::Twine(size) +
                         ", " + llvm::Twine(size) + "), got " +
                         llvm::Twine(id));
      ids.push_back(map->integer(id < 0 ? id + size : id));
    }
  }
  return ids;
}

static LogicalResult hash(OperatorCall &call) {
  auto op = cast<EngramHashOp>(call.op);
  FailureOr<std::vector<int64_t>> ids = mappedIds(call, op);
  if (failed(ids))
    return failure();
  int64_t batches = call.operand(0).getDim(0),
          length = call.operand(0).getDim(1), order = op.getMaxOrder(),
          heads = op.getHeads(), before = order - 1, columns = before * heads;
  FailureOr<Tensor> rows =
      call.allocate(ElementType::I64, {batches, length, columns});
  FailureOr<Tensor> present =
      call.allocate(ElementType::I64, {batches, before});
  if (failed(rows) || failed(present))
    return failure();
  for (int64_t b = 0; b < batches; ++b) {
    // sequence[before + t] is the token at t.
    const int64_t *sequence = ids->data() + b * (before + length);
    for (int64_t i = 0; i < before; ++i)
      present->setInteger(b * before + i, sequence[length + i]);
    for (int64_t t = 0; t < length; ++t) {
      uint64_t mixed = 0;
      bool forgotten = false;
      for (int64_t s = 0; s < order; ++s) {
        int64_t id = sequence[before + t - s];
        // The token itself counts; one s > 0 places back hides itself and what
        // lies before it.
        forgotten |= s > 0 && op.getReset() == HashReset::AfterToken &&
                     id == static_cast<int64_t>(*op.getResetToken());
        id = forgotten ? static_cast<int64_t>(op.getPad()) : id;
        int64_t multiplier = op.getMultipliers()[s], product;
        bool wraps = __builtin_mul_overflow(id, multiplier, &product);
        if (op.getWrap() == HashWrap::NonNegative && (wraps || product < 0))
          return call.fail("with wrap non_negative the product of id " +
                           llvm::Twine(id) + " and multiplier " +
                           llvm::Twine(multiplier) + " must lie in [0, 2^63)");
        mixed ^= static_cast<uint64_t>(product);
        for (int64_t h = 0; s > 0 && h < heads; ++h) {
          int64_t column = (s - 1) * heads + h;
          int64_t modulus = op.getModuli()[column];
          int64_t remainder = static_cast<int64_t>(mixed) % modulus;
          remainder += remainder < 0 ? modulus : 0;
          rows->setInteger((b * length + t) * columns + column,
                           static_cast<int64_t>(
                               static_cast<uint64_t>(remainder) +
                               static_cast<uint64_t>(op.getOffsets()[column])));
        }
      }
    }
  }
  call.setResult(0, *rows);
  call.setResult(1, *present);
  return success();
}

static LogicalResult lookup(OperatorCall &call) {
  const Tensor &rows = call.operand(0), &table = call.operand(1),
               *scales = call.optional(2);
  int64_t count = table.getDim(0), width = table.getDim(1);
  int64_t blocks = scales ? scales->getDim(1) : 1;
  if (scales && failed(call.requireShape(*scales, {count, blocks}, "scales")))
    return failure();
  if (blocks < 1 || width % blocks)
    return call.fail("columns of 'scales' must divide the row width " +
                     llvm::Twine(width) + ", got " + llvm::Twine(blocks));
  llvm::SmallVector<int64_t> shape(rows.getShape());
  shape.push_back(width);
  FailureOr<Tensor> result =
      call.allocate(call.resultType(0, table.getElementType()), shape);
  if (failed(result))
    return failure();
  for (int64_t n = 0; n < rows.getNumElements(); ++n) {
    int64_t row = rows.integer(n);
    if (row < -count || row >= count)
      return call.fail("'rows' must be in [-" + llvm::Twine(count) + ", " +
                       llvm::Twine(count) + "), got " + llvm::Twine(row));
    row += row < 0 ? count : 0;
    for (int64_t i = 0; i < width; ++i) {
      double x = table.real(row * width + i);
      if (scales)
        x *= scales->real(row * blocks + i / (width / blocks));
      result->setReal(n * width + i, x);
    }
  }
  return call.done(*result);
}

static double signedRoot(SignedRoot root, double x, double floor) {
  double size = std::sqrt(std::max(std::fabs(x), floor));
  switch (root) {
  case SignedRoot::Sign: // 0 for 0
    return x > 0 ? size : x < 0 ? -size : x;
  case SignedRoot::CopySign:
    return std::copysign(size, x);
  case SignedRoot::None:
    return x;
  }
  return x;
}

static LogicalResult gate(OperatorCall &call) {
  auto op = cast<EngramGateOp>(call.op);
  const Tensor &key = call.operand(0), &query = call.operand(1),
               &value = call.operand(2), &keyWeight = call.operand(3),
               &queryWeight = call.operand(4);
  int64_t batches = key.getDim(0), length = key.getDim(1),
          streams = key.getDim(2), width = key.getDim(3);
  if (failed(call.requireShape(query, key.getShape(), "query")) ||
      failed(call.requireShape(value, {batches, length, width}, "value")) ||
      failed(call.requireShape(keyWeight, {streams, width}, "key_weight")) ||
      failed(call.requireShape(queryWeight, {streams, width}, "query_weight")))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(key.getElementType(), key.getShape());
  if (failed(result))
    return failure();
  double epsilon = op.getEpsilon().convertToDouble(),
         floor = op.getFloor().convertToDouble();
  bool single = call.accumulateInSingle();
  for (int64_t row = 0; row < batches * length * streams; ++row) {
    int64_t at = row * width, weightAt = row % streams * width,
            valueAt = row / streams * width;
    Accumulator keySquares(single), querySquares(single), dot(single);
    for (int64_t i = 0; i < width; ++i) {
      double k = key.real(at + i), q = query.real(at + i);
      keySquares.addProduct(k, k);
      querySquares.addProduct(q, q);
      dot.addProduct(k * keyWeight.real(weightAt + i),
                     q * queryWeight.real(weightAt + i));
    }
    double norms = std::sqrt(keySquares.get() / width + epsilon) *
                   std::sqrt(querySquares.get() / width + epsilon);
    double open = sigmoid(signedRoot(
        op.getRoot(), dot.get() / norms / std::sqrt(static_cast<double>(width)),
        floor));
    for (int64_t i = 0; i < width; ++i)
      result->setReal(at + i, open * value.real(valueAt + i));
  }
  return call.done(*result);
}

static LogicalResult convolve(OperatorCall &call) {
  const Tensor &input = call.operand(0), &state = call.operand(1),
               &weight = call.operand(2);
  int64_t dilation = cast<EngramConvOp>(call.op).getDilation(),
          batches = input.getDim(0), length = input.getDim(1),
          channels = input.getDim(2), taps = weight.getDim(1);
  if (taps < 1)
    return call.fail("'weight' must have a tap or more, got shape " +
                     describeShape(weight.getShape()));
  int64_t before = (taps - 1) * dilation;
  if (failed(call.requireShape(state, {batches, before, channels}, "state")) ||
      failed(call.requireShape(weight, {channels, taps}, "weight")))
    return failure();
  FailureOr<Tensor> result =
                        call.allocate(input.getElementType(), input.getShape()),
                    present =
                        call.allocate(state.getElementType(), state.getShape());
  if (failed(result) || failed(present))
    return failure();
  // Row t of the state followed by the input.
  auto rowAt = [&](int64_t b, int64_t t, int64_t c) {
    return t < before ? state.real((b * before + t) * channels + c)
                      : input.real((b * length + t - before) * channels + c);
  };
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t t = 0; t < length; ++t) {
        Accumulator sum(call.accumulateInSingle());
        for (int64_t i = 0; i < taps; ++i)
          sum.addProduct(weight.real(c * taps + i),
                         rowAt(b, t + i * dilation, c));
        result->setReal((b * length + t) * channels + c, sum.get());
      }
      for (int64_t t = 0; t < before; ++t)
        present->setReal((b * before + t) * channels + c,
                         rowAt(b, length + t, c));
    }
  call.setResult(0, *result);
  call.setResult(1, *present);
  return success();
}

/// Divides the rows, or the columns, of a square matrix by their sums plus
/// epsilon.
static void normalizeSums(llvm::MutableArrayRef<double> matrix, int64_t size,
                          bool columns, double epsilon) {
  int64_t outer = columns ? 1 : size, step = columns ? size : 1;
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < size; ++j)
      sum += matrix[i * outer + j * step];
    for (int64_t j = 0; j < size; ++j)
      matrix[i * outer + j * step] /= sum + epsilon;
  }
}

/// The first round is the softmax of each row plus epsilon, then the columns;
/// each further one divides rows and then columns, so that columns come last
/// (the published order).
static void sinkhorn(llvm::MutableArrayRef<double> matrix, int64_t size,
                     int64_t rounds, double epsilon) {
  for (int64_t i = 0; i < size; ++i) {
    llvm::MutableArrayRef<double> row = matrix.slice(i * size, size);
    double top = *std::max_element(row.begin(), row.end());
    for (double &x : row)
      x = std::exp(x - top);
  }
  normalizeSums(matrix, size, /*columns=*/false, 0);
  for (double &x : matrix)
    x += epsilon;
  normalizeSums(matrix, size, /*columns=*/true, epsilon);
  for (int64_t round = 1; round < rounds; ++round) {
    normalizeSums(matrix, size, /*columns=*/false, epsilon);
    normalizeSums(matrix, size, /*columns=*/true, epsilon);
  }
}

static LogicalResult mix(OperatorCall &call) {
  auto op = cast<HyperMixOp>(call.op);
  const Tensor &streams = call.operand(0), &projection = call.operand(1);
  // A scale may stand between the projection and the bias.
  const Tensor *scale = op.getScale() ? &call.operand(2) : nullptr;
  const Tensor &bias = call.operand(scale ? 3 : 2);
  int64_t batches = streams.getDim(0), length = streams.getDim(1),
          count = streams.getDim(2), width = streams.getDim(3),
          size = count * width, outputs = 2 * count + count * count;
  if (failed(call.requireShape(projection, {outputs, size}, "projection")) ||
      (scale && failed(call.requireShape(*scale, {3}, "scale"))) ||
      failed(call.requireShape(bias, {outputs}, "bias")))
    return failure();
  if (static_cast<int64_t>(op.getRounds()) > call.options.maximumIterations)
    return call.fail(
        "'rounds' must be " + llvm::Twine(call.options.maximumIterations) +
        " at most, got " + llvm::Twine(static_cast<int64_t>(op.getRounds())));
  ElementType type = streams.getElementType();
  FailureOr<Tensor> mixed = call.allocate(call.resultType(0, type),
                                          {batches, length, width}),
                    post = call.allocate(call.resultType(1, type),
                                         {batches, length, count}),
                    comb = call.allocate(call.resultType(2, type),
                                         {batches, length, count, count});
  if (failed(mixed) || failed(post) || failed(comb))
    return failure();
  double epsilon = op.getEpsilon().convertToDouble(),
         normEpsilon = op.getNormEpsilon().convertToDouble();
  bool single = call.accumulateInSingle();
  std::vector<double> z(outputs);
  for (int64_t token = 0; token < batches * length; ++token) {
    int64_t at = token * size;
    Accumulator squares(single);
    for (int64_t i = 0; i < size; ++i)
      squares.addProduct(streams.real(at + i), streams.real(at + i));
    double norm = std::sqrt(squares.get() / size + normEpsilon);
    for (int64_t o = 0; o < outputs; ++o) {
      Accumulator dot(single);
      for (int64_t i = 0; i < size; ++i)
        dot.addProduct(projection.real(o * size + i), streams.real(at + i));
      int64_t part = o < count ? 0 : o < 2 * count ? 1 : 2;
      z[o] =
          (scale ? scale->real(part) : 1) * (dot.get() / norm) + bias.real(o);
    }
    for (int64_t i = 0; i < width; ++i) {
      Accumulator sum(single);
      for (int64_t m = 0; m < count; ++m)
        sum.addProduct(sigmoid(z[m]) + epsilon,
                       streams.real(at + m * width + i));
      mixed->setReal(token * width + i, sum.get());
    }
    for (int64_t m = 0; m < count; ++m)
      post->setReal(token * count + m, 2 * sigmoid(z[count + m]));
    llvm::MutableArrayRef<double> matrix =
        llvm::MutableArrayRef<double>(z).drop_front(2 * count);
    sinkhorn(matrix, count, op.getRounds(), epsilon);
    for (int64_t i = 0; i < count * count; ++i)
      comb->setReal(token * count * count + i, matrix[i]);
  }
  call.setResult(0, *mixed);
  call.setResult(1, *post);
  call.setResult(2, *comb);
  return success();
}

static LogicalResult combine(OperatorCall &call) {
  const Tensor &streams = call.operand(0), &output = call.operand(1),
               &post = call.operand(2), &comb = call.operand(3);
  int64_t batches = streams.getDim(0), length = streams.getDim(1),
          count = streams.getDim(2), width = streams.getDim(3);
  if (failed(call.requireShape(output, {batches, length, width}, "output")) ||
      failed(call.requireShape(post, {batches, length, count}, "post")) ||
      failed(call.requireShape(comb, {batches, length, count, count}, "comb")))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(streams.getElementType(), streams.getShape());
  if (failed(result))
    return failure();
  for (int64_t row = 0; row < batches * length * count; ++row) {
    int64_t token = row / count;
    for (int64_t d = 0; d < width; ++d) {
      Accumulator sum(call.accumulateInSingle());
      for (int64_t j = 0; j < count; ++j)
        sum.addProduct(comb.real(row * count + j),
                       streams.real((token * count + j) * width + d));
      result->setReal(row * width + d,
                      post.real(row) * output.real(token * width + d) +
                          sum.get());
    }
  }
  return call.done(*result);
}

void reference::addTrineEngramRules(OperatorTable &table) {
  table["trine.engram.hash"] = hash;
  table["trine.engram.lookup"] = lookup;
  table["trine.engram.gate"] = gate;
  table["trine.engram.conv"] = convolve;
  table["trine.hyper.mix"] = mix;
  table["trine.hyper.combine"] = combine;
}
