// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linalg ops without indexing maps: softmax, pack and unpack.
#include "Execution.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult softmax(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &input = call.tensor(0);
  int64_t axis = cast<linalg::SoftmaxOp>(step.op).getDimension();
  if (input.getShape() != call.tensor(1).getShape())
    return call.fail("operands must have one shape, got " +
                     describeShape(input.getShape()) + " and " +
                     describeShape(call.tensor(1).getShape()));
  FailureOr<Tensor> result =
      call.allocate(input.getElementType(), input.getShape());
  if (failed(result))
    return failure();
  int64_t outer = productOf(input.getShape(), 0, axis),
          size = input.getDim(axis),
          inner = productOf(input.getShape(), axis + 1, input.getRank());
  for (int64_t row = 0; row < outer * inner; ++row) {
    auto at = [&](int64_t k) {
      return (row / inner * size + k) * inner + row % inner;
    };
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < size; ++k)
      largest = std::max(largest, input.real(at(k)));
    Accumulator sum(execution.options.accumulation == Accumulation::F32);
    for (int64_t k = 0; k < size; ++k)
      sum.add(std::exp(input.real(at(k)) - largest));
    for (int64_t k = 0; k < size; ++k)
      result->setReal(at(k), std::exp(input.real(at(k)) - largest) / sum.get());
  }
  return call.done(std::move(*result));
}

namespace {
/// How the dimensions of a tensor lie in its packed form.
struct Packing {
  llvm::SmallVector<int64_t> tiles;
  /// For each dimension of the plain tensor: where its outer part is in the
  /// packed one, where its tile is (-1: none), and how large that is.
  llvm::SmallVector<int64_t> outer, inner, size;
};
} // namespace

template <typename OpType>
static FailureOr<Packing> packingOf(const Invocation &call, OpType op,
                                    int64_t rank, unsigned firstTile) {
  Packing packing;
  packing.tiles = call.mixed(op.getStaticInnerTiles(), firstTile);
  packing.inner.assign(rank, -1);
  packing.size.assign(rank, 1);
  for (int64_t d = 0; d < rank; ++d)
    packing.outer.push_back(d);
  for (auto [to, from] : llvm::enumerate(op.getOuterDimsPerm()))
    packing.outer[from] = to;
  for (auto [k, d] : llvm::enumerate(op.getInnerDimsPos())) {
    packing.inner[d] = rank + k;
    packing.size[d] = packing.tiles[k];
    if (packing.size[d] <= 0)
      return call.fail("'inner_tiles' must be positive, got " +
                       llvm::Twine(packing.size[d]));
  }
  return packing;
}

/// The shape that a tensor of `shape` is packed into.
static llvm::SmallVector<int64_t> packedShape(const Packing &packing,
                                              llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> packed(shape.size());
  for (auto [d, size] : llvm::enumerate(shape))
    packed[packing.outer[d]] =
        size / packing.size[d] + (size % packing.size[d] != 0);
  llvm::append_range(packed, packing.tiles);
  return packed;
}

/// Copies between a plain tensor and its packed form, whichever `plain` is.
static void copyPacked(const Packing &packing, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> packed,
                       llvm::function_ref<void(int64_t, int64_t)> copy) {
  llvm::SmallVector<int64_t> strides = stridesOf(packed),
                             position(shape.size());
  int64_t count = productOf(shape, 0, shape.size());
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, at = 0;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      int64_t index = rest % shape[d];
      at += index / packing.size[d] * strides[packing.outer[d]];
      if (packing.inner[d] >= 0)
        at += index % packing.size[d] * strides[packing.inner[d]];
    }
    copy(i, at);
  }
}

static LogicalResult pack(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<linalg::PackOp>(step.op);
  const Tensor &source = call.tensor(0);
  bool hasPadding = static_cast<bool>(op.getPaddingValue());
  FailureOr<Packing> packing =
      packingOf(call, op, source.getRank(), hasPadding ? 3 : 2);
  if (failed(packing))
    return failure();
  llvm::SmallVector<int64_t> shape = packedShape(*packing, source.getShape());
  if (call.tensor(1).getShape() != llvm::ArrayRef(shape))
    return call.fail("destination must have shape " + describeShape(shape) +
                     ", got " + describeShape(call.tensor(1).getShape()));
  FailureOr<Tensor> result = call.allocate(source.getElementType(), shape);
  if (failed(result))
    return failure();
  bool isWhole = result->getNumElements() == source.getNumElements();
  if (!isWhole && !hasPadding)
    return call.fail("needs a padding value for shape " +
                     describeShape(source.getShape()));
  for (int64_t i = 0, e = isWhole ? 0 : result->getNumElements(); i < e; ++i)
    storeScalar(result->getElementType(), result->getMutableBytes().data(), i,
                call.scalar(2));
  copyPacked(*packing, source.getShape(), shape, [&](int64_t i, int64_t at) {
    result->copyElement(at, source, i);
  });
  return call.done(std::move(*result));
}

static LogicalResult unpack(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  auto op = cast<linalg::UnPackOp>(step.op);
  const Tensor &source = call.tensor(0);
  Tensor result = call.take(1);
  FailureOr<Packing> packing = packingOf(call, op, result.getRank(), 2);
  if (failed(packing))
    return failure();
  llvm::SmallVector<int64_t> shape = packedShape(*packing, result.getShape());
  if (source.getShape() != llvm::ArrayRef(shape))
    return call.fail("source must have shape " + describeShape(shape) +
                     ", got " + describeShape(source.getShape()));
  copyPacked(*packing, result.getShape(), shape,
             [&](int64_t i, int64_t at) { result.copyElement(i, source, at); });
  return call.done(std::move(result));
}

void reference::addLinalgActions(ActionTable &table) {
  table["linalg.pack"] = pack;
  table["linalg.softmax"] = softmax;
  table["linalg.unpack"] = unpack;
}
