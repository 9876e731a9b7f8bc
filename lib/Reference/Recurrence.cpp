// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LinearAttention, CausalConvWithState and ReverseSequence. (Scan is with
// Loop.)
#include "Recurrence.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// A tensor [batch, length, heads * width], read as if each of its parts were
/// repeated to the sizes that are asked for.
struct Packed {
  const Tensor *tensor = nullptr;
  int64_t length = 0, heads = 0, width = 0;

  double at(int64_t b, int64_t t, int64_t head, int64_t i) const {
    head = heads == 1 ? 0 : head;
    i = width == 1 ? 0 : i;
    return tensor->real(((b * length + t) * heads + head) * width + i);
  }
};
} // namespace

/// An operand of rank 3 whose last dimension is `heads` parts.
static FailureOr<Packed> readPacked(OperatorCall &call, unsigned operand,
                                    llvm::StringRef name, int64_t heads) {
  const Tensor &tensor = call.operand(operand), &query = call.operand(0);
  if (tensor.getRank() != 3 || heads < 1 || tensor.getDim(2) % heads != 0 ||
      tensor.getDim(0) != query.getDim(0) ||
      tensor.getDim(1) != query.getDim(1))
    return call.fail("'" + name + "' must have the shape [" +
                     llvm::Twine(query.getDim(0)) + ", " +
                     llvm::Twine(query.getDim(1)) + ", " + llvm::Twine(heads) +
                     " * width], got " + describeShape(tensor.getShape()));
  return Packed{&tensor, tensor.getDim(1), heads, tensor.getDim(2) / heads};
}

namespace {
/// The recurrence of one head: its state, in the type that sums are in.
struct LinearAttention {
  OperatorCall &call;
  Packed query, key, value, decay, beta;
  double scale = 1;

  double round(double x) const {
    return call.accumulateInSingle() ? static_cast<float>(x) : x;
  }
  /// One step of the state [width, value width] of a head.
  void step(std::vector<double> &state, int64_t b, int64_t t,
            int64_t head) const {
    int64_t width = key.width, columns = value.width;
    if (decay.tensor)
      for (int64_t i = 0; i < width; ++i)
        for (int64_t j = 0; j < columns; ++j)
          state[i * columns + j] =
              round(state[i * columns + j] *
                    round(std::exp(decay.at(b, t, head, i))));
    for (int64_t j = 0; j < columns; ++j) {
      double added = value.at(b, t, head, j);
      if (beta.tensor) {
        Accumulator seen(call.accumulateInSingle());
        for (int64_t i = 0; i < width; ++i)
          seen.addProduct(state[i * columns + j], key.at(b, t, head, i));
        added = round(beta.at(b, t, head, 0) * round(added - seen.get()));
      }
      for (int64_t i = 0; i < width; ++i)
        state[i * columns + j] = round(state[i * columns + j] +
                                       round(key.at(b, t, head, i) * added));
    }
  }
  double read(const std::vector<double> &state, int64_t b, int64_t t,
              int64_t queryHead, int64_t j) const {
    Accumulator sum(call.accumulateInSingle());
    for (int64_t i = 0; i < key.width; ++i)
      sum.addProduct(query.at(b, t, queryHead, i), state[i * value.width + j]);
    return scale * sum.get();
  }
};
} // namespace

LogicalResult reference::linearAttention(OperatorCall &call) {
  auto op = cast<onnx::LinearAttentionOp>(call.op);
  int64_t queryHeads = op.getQNumHeads(), heads = op.getKvNumHeads();
  if (call.operand(0).getRank() != 3 || heads < 1 || queryHeads % heads != 0)
    return call.fail("needs a 'query' of rank 3 and a multiple of " +
                     llvm::Twine(heads) + " heads, got " +
                     describeShape(call.operand(0).getShape()) + " and " +
                     llvm::Twine(queryHeads));
  FailureOr<Packed> query = readPacked(call, 0, "query", queryHeads),
                    key = readPacked(call, 1, "key", heads),
                    value = readPacked(call, 2, "value", heads);
  if (failed(query) || failed(key) || failed(value))
    return failure();
  if (query->width != key->width)
    return call.fail("heads of 'query' and 'key' must have one size, got " +
                     llvm::Twine(query->width) + " and " +
                     llvm::Twine(key->width));
  LinearAttention attention{call, *query, *key, *value, {}, {}, 1};
  if (const Tensor *decay = call.optional(4)) {
    FailureOr<Packed> packed = readPacked(call, 4, "decay", heads);
    if (failed(packed))
      return failure();
    if (packed->width != 1 && packed->width != key->width)
      return call.fail("'decay' must have " + llvm::Twine(heads) + " or " +
                       llvm::Twine(heads * key->width) + " columns, got " +
                       llvm::Twine(decay->getDim(2)));
    attention.decay = *packed;
  }
  if (const Tensor *beta = call.optional(5)) {
    bool isShared = beta->getRank() == 3 && beta->getDim(2) == 1;
    FailureOr<Packed> packed =
        readPacked(call, 5, "beta", isShared ? 1 : heads);
    if (failed(packed))
      return failure();
    if (packed->width != 1)
      return call.fail("'beta' must have " + llvm::Twine(heads) +
                       " columns or 1, got " + llvm::Twine(beta->getDim(2)));
    attention.beta = *packed;
  }
  double scale = op.getScale().convertToDouble();
  attention.scale =
      scale == 0 ? 1 / std::sqrt(static_cast<double>(key->width)) : scale;

  int64_t batches = call.operand(0).getDim(0), length = query->length,
          group = queryHeads / heads, columns = value->width,
          stateSize = key->width * columns;
  const Tensor *past = call.optional(3);
  llvm::SmallVector<int64_t> stateShape{batches, heads, key->width, columns};
  if (past && failed(call.requireShape(*past, stateShape, "past_state")))
    return failure();
  ElementType type = call.operand(0).getElementType();
  FailureOr<Tensor> output =
      call.allocate(type, {batches, length, queryHeads * columns});
  FailureOr<Tensor> present =
      call.allocate(past ? past->getElementType() : type, stateShape);
  if (failed(output) || failed(present))
    return failure();
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t head = 0; head < heads; ++head) {
      std::vector<double> state(stateSize);
      int64_t first = (b * heads + head) * stateSize;
      for (int64_t i = 0; past && i < stateSize; ++i)
        state[i] = past->real(first + i);
      for (int64_t t = 0; t < length; ++t) {
        attention.step(state, b, t, head);
        for (int64_t g = 0; g < group; ++g)
          for (int64_t j = 0; j < columns; ++j) {
            int64_t queryHead = head * group + g;
            output->setReal(
                ((b * length + t) * queryHeads + queryHead) * columns + j,
                attention.read(state, b, t, queryHead, j));
          }
      }
      for (int64_t i = 0; i < stateSize; ++i)
        present->setReal(first + i, state[i]);
    }
  call.setResult(0, *output);
  call.setResult(1, *present);
  return success();
}

LogicalResult reference::causalConvWithState(OperatorCall &call) {
  auto op = cast<onnx::CausalConvWithStateOp>(call.op);
  const Tensor &input = call.operand(0), &weight = call.operand(1);
  const Tensor *bias = call.optional(2), *past = call.optional(3);
  if (input.getRank() != 3 || weight.getRank() != 3 ||
      weight.getDim(0) != input.getDim(1) || weight.getDim(1) != 1 ||
      weight.getDim(2) < 1)
    return call.fail("needs an 'input' [batch, channels, length] and a "
                     "'weight' [channels, 1, taps], got " +
                     describeShape(input.getShape()) + " and " +
                     describeShape(weight.getShape()));
  int64_t batches = input.getDim(0), channels = input.getDim(1),
          length = input.getDim(2), taps = weight.getDim(2), kept = taps - 1;
  if ((bias && failed(call.requireShape(*bias, {channels}, "bias"))) ||
      (past && failed(call.requireShape(*past, {batches, channels, kept},
                                        "past_state"))))
    return failure();
  ElementType type = input.getElementType();
  FailureOr<Tensor> output = call.allocate(type, input.getShape());
  FailureOr<Tensor> present = call.allocate(type, {batches, channels, kept});
  if (failed(output) || failed(present))
    return failure();
  Tensor rounded = Tensor::fromReals(type, {}, {0.0});
  for (int64_t row = 0; row < batches * channels; ++row) {
    // Position `t` of the row with the state before it.
    auto at = [&](int64_t t) {
      return t >= kept ? input.real(row * length + t - kept)
             : past    ? past->real(row * kept + t)
                       : 0.0;
    };
    int64_t channel = row % channels;
    for (int64_t t = 0; t < length; ++t) {
      Accumulator sum(call.accumulateInSingle());
      for (int64_t k = 0; k < taps; ++k)
        sum.addProduct(at(t + k), weight.real(channel * taps + k));
      if (bias)
        sum.add(bias->real(channel));
      double value = sum.get();
      if (op.getActivation() != "none") {
        // The activation is of the rounded convolution.
        rounded.setReal(0, value);
        value = rounded.real(0);
        value = value / (1 + std::exp(-value));
      }
      output->setReal(row * length + t, value);
    }
    for (int64_t t = 0; t < kept; ++t)
      present->setReal(row * kept + t, at(length + t));
  }
  call.setResult(0, *output);
  call.setResult(1, *present);
  return success();
}

LogicalResult reference::reverseSequence(OperatorCall &call) {
  auto op = cast<onnx::ReverseSequenceOp>(call.op);
  const Tensor &input = call.operand(0), &lengths = call.operand(1);
  int64_t batchAxis = op.getBatchAxis(), timeAxis = op.getTimeAxis();
  if (input.getRank() < 2 || batchAxis < 0 || batchAxis > 1 ||
      timeAxis != 1 - batchAxis)
    return call.fail("needs an 'input' of rank 2 or more and the axes 0 and 1, "
                     "got " +
                     describeShape(input.getShape()) + " and the axes " +
                     llvm::Twine(batchAxis) + " and " + llvm::Twine(timeAxis));
  int64_t batches = input.getDim(batchAxis), steps = input.getDim(timeAxis);
  if (failed(call.requireShape(lengths, {batches}, "sequence_lens")))
    return failure();
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  int64_t inner = productOf(input.getShape(), 2, input.getRank());
  auto place = [&](int64_t b, int64_t t) {
    return (batchAxis == 0 ? b * steps + t : t * batches + b) * inner;
  };
  for (int64_t b = 0; b < batches; ++b) {
    int64_t length = lengths.integer(b);
    if (length < 0 || length > steps)
      return call.fail("'sequence_lens' must be in [0, " + llvm::Twine(steps) +
                       "], got " + llvm::Twine(length));
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t i = 0; i < inner; ++i)
        result->copyElement(place(b, t) + i, input,
                            place(b, t < length ? length - 1 - t : t) + i);
  }
  return call.done(*result);
}
