// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that move or repeat elements by position alone.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult transpose(OperatorCall &call) {
  const Tensor &data = call.operand(0);
  int64_t rank = data.getRank();
  llvm::SmallVector<int64_t> permutation;
  if (auto perm = cast<onnx::TransposeOp>(call.op).getPerm())
    permutation.assign(perm->begin(), perm->end());
  else
    for (int64_t i = rank; i-- > 0;)
      permutation.push_back(i);
  llvm::SmallBitVector seen(rank);
  for (int64_t i : permutation)
    if (i >= 0 && i < rank)
      seen.set(i);
  if (static_cast<int64_t>(permutation.size()) != rank || !seen.all())
    return call.fail("'perm' must be a permutation of " + llvm::Twine(rank) +
                     " axes, got " + describeShape(permutation));
  llvm::SmallVector<int64_t> shape, strides, from = stridesOf(data.getShape());
  for (int64_t i : permutation) {
    shape.push_back(data.getDim(i));
    strides.push_back(from[i]);
  }
  FailureOr<Tensor> result = call.allocate(data.getElementType(), shape);
  if (failed(result))
    return failure();
  forEachPosition(shape, {strides}, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    result->copyElement(i, data, at[0]);
  });
  return call.done(*result);
}

/// Copies `count` elements in a row.
static void copyRun(Tensor &to, int64_t at, const Tensor &from, int64_t begin,
                    int64_t count) {
  int64_t size = bytesPerElement(to.getElementType());
  if (count > 0)
    std::memcpy(to.getMutableBytes().data() + at * size,
                from.getBytes().data() + begin * size, count * size);
}

static LogicalResult concat(OperatorCall &call) {
  if (call.numOperands() == 0)
    return call.fail("needs at least one operand");
  const Tensor &first = call.operand(0);
  FailureOr<int64_t> axis = call.normalizeAxis(
      cast<onnx::ConcatOp>(call.op).getAxis(), first.getRank());
  if (failed(axis))
    return failure();
  llvm::SmallVector<int64_t> shape(first.getShape());
  for (unsigned k = 1; k < call.numOperands(); ++k) {
    const Tensor &next = call.operand(k);
    bool fits = next.getRank() == first.getRank();
    for (int64_t i = 0; fits && i < first.getRank(); ++i)
      fits = i == *axis || next.getDim(i) == first.getDim(i);
    if (!fits)
      return call.fail("operand " + llvm::Twine(k) + " must have the shape " +
                       describeShape(first.getShape()) + " but for axis " +
                       llvm::Twine(*axis) + ", got " +
                       describeShape(next.getShape()));
    if (failed(call.requireSameType(first, next, "inputs")))
      return failure();
    shape[*axis] += next.getDim(*axis);
  }
  FailureOr<Tensor> result = call.allocate(first.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t outer = productOf(shape, 0, *axis), at = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (unsigned k = 0; k < call.numOperands(); ++k) {
      int64_t run = productOf(call.operand(k).getShape(), *axis, shape.size());
      copyRun(*result, at, call.operand(k), o * run, run);
      at += run;
    }
  return call.done(*result);
}

static LogicalResult split(OperatorCall &call) {
  auto op = cast<onnx::SplitOp>(call.op);
  const Tensor &input = call.operand(0);
  FailureOr<int64_t> axis = call.normalizeAxis(op.getAxis(), input.getRank());
  if (failed(axis))
    return failure();
  int64_t size = input.getDim(*axis), parts = call.numResults();
  llvm::SmallVector<int64_t> sizes;
  if (call.optional(1)) {
    FailureOr<llvm::SmallVector<int64_t>> given = call.integerList(1, "split");
    if (failed(given))
      return failure();
    sizes = *given;
  } else {
    // Equal parts; the last one is smaller when they do not divide the axis.
    int64_t part = parts ? (size + parts - 1) / parts : 0;
    for (int64_t k = 0; k < parts; ++k)
      sizes.push_back(std::max<int64_t>(0, std::min(part, size - k * part)));
  }
  int64_t total = 0;
  bool negative = false;
  for (int64_t part : sizes) {
    negative |= part < 0;
    total += part;
  }
  if (negative || total != size || static_cast<int64_t>(sizes.size()) != parts)
    return call.fail("'split' must be " + llvm::Twine(parts) +
                     " sizes with the sum " + llvm::Twine(size) + ", got " +
                     describeShape(sizes));
  int64_t outer = productOf(input.getShape(), 0, *axis),
          inner = productOf(input.getShape(), *axis + 1, input.getRank());
  for (int64_t k = 0, begin = 0; k < parts; begin += sizes[k++]) {
    llvm::SmallVector<int64_t> shape(input.getShape());
    shape[*axis] = sizes[k];
    FailureOr<Tensor> result = call.allocate(input.getElementType(), shape);
    if (failed(result))
      return failure();
    for (int64_t o = 0; o < outer; ++o)
      copyRun(*result, o * sizes[k] * inner, input, (o * size + begin) * inner,
              sizes[k] * inner);
    call.setResult(k, *result);
  }
  return success();
}

static LogicalResult slice(OperatorCall &call) {
  const Tensor &data = call.operand(0);
  FailureOr<llvm::SmallVector<int64_t>> starts = call.integerList(1, "starts"),
                                        ends = call.integerList(2, "ends");
  FailureOr<llvm::SmallVector<int64_t>> axes = llvm::SmallVector<int64_t>(),
                                        steps = axes;
  if (failed(starts) || failed(ends))
    return failure();
  if (call.optional(3))
    axes = call.integerList(3, "axes");
  else
    for (size_t i = 0; i < starts->size(); ++i)
      axes->push_back(i);
  if (call.optional(4))
    steps = call.integerList(4, "steps");
  else
    steps->assign(starts->size(), 1);
  if (failed(axes) || failed(steps))
    return failure();
  if (ends->size() != starts->size() || axes->size() != starts->size() ||
      steps->size() != starts->size())
    return call.fail(
        "'starts', 'ends', 'axes' and 'steps' must have one length, got " +
        llvm::Twine(starts->size()) + ", " + llvm::Twine(ends->size()) + ", " +
        llvm::Twine(axes->size()) + " and " + llvm::Twine(steps->size()));
  llvm::SmallVector<int64_t> shape(data.getShape()),
      strides = stridesOf(data.getShape());
  llvm::SmallBitVector seen(data.getRank());
  int64_t origin = 0;
  for (size_t k = 0; k < starts->size(); ++k) {
    FailureOr<int64_t> axis =
        call.normalizeAxis((*axes)[k], data.getRank(), "axes");
    if (failed(axis))
      return failure();
    if (seen.test(*axis))
      return call.fail("'axes' must name an axis once, got axis " +
                       llvm::Twine(*axis) + " twice");
    seen.set(*axis);
    int64_t step = (*steps)[k], size = data.getDim(*axis), start = (*starts)[k],
            end = (*ends)[k];
    if (step == 0)
      return call.fail("'steps' must not be 0");
    // Going up the ends are clamped to [0, size]; going down to [0, size - 1]
    // and [-1, size - 1].
    start = start < 0 ? start + size : start;
    end = end < 0 ? end + size : end;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    start = std::min(std::max<int64_t>(start, 0), high);
    end = std::min(std::max(end, low), high);
    int64_t span = step > 0 ? end - start : start - end;
    uint64_t stride =
        step > 0 ? static_cast<uint64_t>(step) : -static_cast<uint64_t>(step);
    shape[*axis] =
        span > 0
            ? static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride) +
                  1
            : 0;
    origin += shape[*axis] > 0 ? start * strides[*axis] : 0;
    // With at most one element the stride is never used, and a huge one must
    // not overflow.
    strides[*axis] *= shape[*axis] > 1 ? step : 0;
  }
  FailureOr<Tensor> result = call.allocate(data.getElementType(), shape);
  if (failed(result))
    return failure();
  forEachPosition(shape, {strides}, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    result->copyElement(i, data, origin + at[0]);
  });
  return call.done(*result);
}

static LogicalResult expand(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  FailureOr<llvm::SmallVector<int64_t>> wanted = call.integerList(1, "shape");
  if (failed(wanted))
    return failure();
  std::optional<llvm::SmallVector<int64_t>> shape =
      broadcastShapes(input.getShape(), *wanted);
  if (!shape)
    return call.fail("cannot expand " + describeShape(input.getShape()) +
                     " to " + describeShape(*wanted));
  FailureOr<Tensor> result = call.allocate(input.getElementType(), *shape);
  if (failed(result))
    return failure();
  forEachPosition(*shape, {broadcastStrides(input.getShape(), *shape)},
                  [&](int64_t i, llvm::ArrayRef<int64_t> at) {
                    result->copyElement(i, input, at[0]);
                  });
  return call.done(*result);
}

static LogicalResult tile(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  FailureOr<llvm::SmallVector<int64_t>> repeats =
      call.integerList(1, "repeats");
  if (failed(repeats))
    return failure();
  if (static_cast<int64_t>(repeats->size()) != input.getRank() ||
      llvm::any_of(*repeats, [](int64_t r) { return r < 0; }))
    return call.fail("'repeats' must be " + llvm::Twine(input.getRank()) +
                     " counts, got " + describeShape(*repeats));
  llvm::SmallVector<int64_t> shape;
  for (int64_t i = 0; i < input.getRank(); ++i) {
    if (input.getDim(i) && (*repeats)[i] > (int64_t(1) << 48) / input.getDim(i))
      return call.fail("'repeats' gives a result that is too large, got " +
                       describeShape(*repeats));
    shape.push_back(input.getDim(i) * (*repeats)[i]);
  }
  FailureOr<Tensor> result = call.allocate(input.getElementType(), shape);
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> own = stridesOf(shape),
                             from = stridesOf(input.getShape());
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i) {
    int64_t at = 0;
    for (int64_t d = 0; d < input.getRank(); ++d)
      at += i / own[d] % shape[d] % input.getDim(d) * from[d];
    result->copyElement(i, input, at);
  }
  return call.done(*result);
}

/// The position in the operand that padding by reflection or wrapping reads for
/// position `i`, which may lie outside.
static int64_t foldPosition(int64_t i, int64_t size, llvm::StringRef mode) {
  if (mode == "edge")
    return std::min(std::max<int64_t>(i, 0), size - 1);
  if (mode == "wrap")
    return ((i % size) + size) % size;
  if (size == 1)
    return 0;
  int64_t period = 2 * (size - 1); // reflect: the edge itself is not repeated
  i = ((i % period) + period) % period;
  return i < size ? i : period - i;
}

static LogicalResult pad(OperatorCall &call) {
  llvm::StringRef mode = cast<onnx::PadOp>(call.op).getMode();
  const Tensor &data = call.operand(0);
  int64_t rank = data.getRank();
  if (mode != "constant" && mode != "edge" && mode != "reflect" &&
      mode != "wrap")
    return call.fail(
        "'mode' must be 'constant', 'edge', 'reflect' or 'wrap', got '" + mode +
        "'");
  FailureOr<llvm::SmallVector<int64_t>> pads = call.integerList(1, "pads");
  FailureOr<llvm::SmallVector<int64_t>> axes = llvm::SmallVector<int64_t>();
  if (call.optional(3))
    axes = call.integerList(3, "axes");
  else
    for (int64_t i = 0; i < rank; ++i)
      axes->push_back(i);
  if (failed(pads) || failed(axes))
    return failure();
  if (pads->size() != 2 * axes->size())
    return call.fail("'pads' must have " + llvm::Twine(2 * axes->size()) +
                     " values, got " + llvm::Twine(pads->size()));
  llvm::SmallVector<int64_t> before(rank, 0), shape(data.getShape());
  for (size_t k = 0; k < axes->size(); ++k) {
    FailureOr<int64_t> axis = call.normalizeAxis((*axes)[k], rank, "axes");
    if (failed(axis))
      return failure();
    int64_t low = (*pads)[k], high = (*pads)[k + axes->size()],
            limit = int64_t(1) << 48;
    if (low < -limit || low > limit || high < -limit || high > limit)
      return call.fail("'pads' is too large, got " + describeShape(*pads));
    before[*axis] = low;
    shape[*axis] += low + high;
    if (shape[*axis] < 0)
      return call.fail("'pads' takes more from axis " + llvm::Twine(*axis) +
                       " than it has, got " + describeShape(*pads));
    if (mode != "constant" && data.getDim(*axis) == 0 && shape[*axis] > 0)
      return call.fail("cannot pad the empty axis " + llvm::Twine(*axis) +
                       " in mode '" + mode + "'");
  }
  FailureOr<Tensor> result = call.allocate(data.getElementType(), shape),
                    fill = call.allocate(data.getElementType(), {});
  if (failed(result) || failed(fill))
    return failure();
  if (const Tensor *value = call.optional(2)) {
    if (value->getNumElements() != 1 ||
        value->getElementType() != data.getElementType())
      return call.fail("'constant_value' must be one value of type " +
                       nameOf(data.getElementType()) + ", got " +
                       nameOf(value->getElementType()) + " of shape " +
                       describeShape(value->getShape()));
    fill = value->reshaped({});
  }
  llvm::SmallVector<int64_t> own = stridesOf(shape),
                             from = stridesOf(data.getShape());
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i) {
    int64_t at = 0;
    bool inside = true;
    for (int64_t d = 0; d < rank; ++d) {
      int64_t position = i / own[d] % shape[d] - before[d];
      if (mode != "constant")
        position = foldPosition(position, data.getDim(d), mode);
      inside &= position >= 0 && position < data.getDim(d);
      at += position * from[d];
    }
    result->copyElement(i, inside ? data : *fill, inside ? at : 0);
  }
  return call.done(*result);
}

static LogicalResult triangle(OperatorCall &call) {
  const Tensor &input = call.operand(0);
  if (input.getRank() < 2)
    return call.fail("'input' must have rank 2 or more, got shape " +
                     describeShape(input.getShape()));
  int64_t k = 0;
  if (const Tensor *diagonal = call.optional(1)) {
    if (diagonal->getNumElements() != 1)
      return call.fail("'k' must be a scalar, got shape " +
                       describeShape(diagonal->getShape()));
    k = diagonal->integer(0);
  }
  bool upper = cast<onnx::TriluOp>(call.op).getUpper();
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  int64_t rows = input.getDim(input.getRank() - 2),
          columns = input.getDim(input.getRank() - 1);
  for (int64_t i = 0, e = input.getNumElements(); i < e; ++i) {
    int64_t diagonal = i % columns - i / columns % rows;
    if (upper ? diagonal >= k : diagonal <= k)
      result->copyElement(i, input, i);
  }
  return call.done(*result);
}

void reference::addMovementRules(OperatorTable &table) {
  table["onnx.Concat"] = concat;
  table["onnx.Expand"] = expand;
  table["onnx.Pad"] = pad;
  table["onnx.Slice"] = slice;
  table["onnx.Split"] = split;
  table["onnx.Tile"] = tile;
  table["onnx.Transpose"] = transpose;
  table["onnx.Trilu"] = triangle;
}
