// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the tensor dialect that read or write parts of tensors.
#include "Execution.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

void reference::copyStrided(llvm::ArrayRef<int64_t> shape, const Tensor &from,
                            const StridedView &source, Tensor &to,
                            const StridedView &destination) {
  int64_t size = bytesPerElement(from.getElementType()), row = 1;
  // Elements of the last dimensions that lie next to each other on both sides.
  size_t outer = shape.size();
  while (outer > 0 && source.strides[outer - 1] == row &&
         destination.strides[outer - 1] == row)
    row *= shape[--outer];
  if (productOf(shape, 0, shape.size()) == 0)
    return;
  const char *input = from.getBytes().data();
  char *output = to.getMutableBytes().data();
  forEachPosition(shape.take_front(outer),
                  {llvm::SmallVector<int64_t>(
                       llvm::ArrayRef(source.strides).take_front(outer)),
                   llvm::SmallVector<int64_t>(
                       llvm::ArrayRef(destination.strides).take_front(outer))},
                  [&](int64_t, llvm::ArrayRef<int64_t> at) {
                    std::memcpy(output + (destination.offset + at[1]) * size,
                                input + (source.offset + at[0]) * size,
                                row * size);
                  });
}

namespace {
/// A slice of a tensor: its sizes, and where its elements are.
struct Slice {
  llvm::SmallVector<int64_t> sizes;
  StridedView view;
};
} // namespace

/// Reads offsets, sizes and strides of a slice of a tensor of that shape.
/// Dropped dimensions, of size 1, are left out of the result.
template <typename OpType>
static FailureOr<Slice> sliceOf(const Invocation &call, OpType op,
                                llvm::ArrayRef<int64_t> shape) {
  // The last operands; upstream's own count is wrong for parallel insertions.
  unsigned first = op->getNumOperands() - op.getOffsets().size() -
                   op.getSizes().size() - op.getStrides().size();
  llvm::SmallVector<int64_t> offsets = call.mixed(op.getStaticOffsets(), first);
  llvm::SmallVector<int64_t> sizes =
      call.mixed(op.getStaticSizes(), first + op.getOffsets().size());
  llvm::SmallVector<int64_t> strides =
      call.mixed(op.getStaticStrides(),
                 first + op.getOffsets().size() + op.getSizes().size());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  llvm::SmallVector<int64_t> own = stridesOf(shape);
  Slice slice;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t last = 0;
    bool fits = sizes[d] >= 0 && offsets[d] >= 0 && offsets[d] <= shape[d];
    if (sizes[d] > 0)
      fits = fits && offsets[d] < shape[d] &&
             !__builtin_mul_overflow(sizes[d] - 1, strides[d], &last) &&
             !__builtin_add_overflow(last, offsets[d], &last) && last >= 0 &&
             last < shape[d];
    if (!fits)
      return call.fail("offset " + llvm::Twine(offsets[d]) + ", size " +
                       llvm::Twine(sizes[d]) + " and stride " +
                       llvm::Twine(strides[d]) + " must lie within dimension " +
                       llvm::Twine(d) + " of size " + llvm::Twine(shape[d]));
    // A single element is at its offset, whatever the stride.
    slice.view.offset += offsets[d] * own[d];
    if (dropped.test(d)) // its size is the constant 1
      continue;
    slice.sizes.push_back(sizes[d]);
    slice.view.strides.push_back(sizes[d] > 1 ? strides[d] * own[d] : own[d]);
  }
  return slice;
}

static LogicalResult extractSlice(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &source = call.tensor(0);
  FailureOr<Slice> slice =
      sliceOf(call, cast<tensor::ExtractSliceOp>(step.op), source.getShape());
  if (failed(slice))
    return failure();
  if (source.getShape() == llvm::ArrayRef(slice->sizes) &&
      slice->view.strides == stridesOf(slice->sizes))
    return call.done(call.take(0));
  FailureOr<Tensor> result =
      call.allocate(source.getElementType(), slice->sizes);
  if (failed(result))
    return failure();
  copyStrided(slice->sizes, source, slice->view, *result,
              {0, stridesOf(slice->sizes)});
  return call.done(std::move(*result));
}

/// Writes the source into the slice of the destination, which is changed.
template <typename OpType>
static LogicalResult insertInto(const Invocation &call, OpType op,
                                Tensor &destination) {
  const Tensor &source = call.tensor(0);
  FailureOr<Slice> slice = sliceOf(call, op, destination.getShape());
  if (failed(slice))
    return failure();
  if (source.getShape() != llvm::ArrayRef(slice->sizes))
    return call.fail("source must have shape " + describeShape(slice->sizes) +
                     ", got " + describeShape(source.getShape()));
  // Kept apart, in case that source and destination are one tensor.
  Tensor from = source;
  copyStrided(slice->sizes, from, {0, stridesOf(slice->sizes)}, destination,
              slice->view);
  return success();
}

static LogicalResult insertSlice(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  Tensor destination = call.take(1);
  if (failed(
          insertInto(call, cast<tensor::InsertSliceOp>(step.op), destination)))
    return failure();
  return call.done(std::move(destination));
}

/// Changes the result of the scf.forall around it.
static LogicalResult parallelInsertSlice(Execution &execution,
                                         const Step &step) {
  Invocation call(execution, step);
  return insertInto(call, cast<tensor::ParallelInsertSliceOp>(step.op),
                    execution.tensors[step.operands[1].number]);
}

static LogicalResult concat(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  int64_t axis = cast<tensor::ConcatOp>(step.op).getDim();
  llvm::SmallVector<int64_t> shape(call.tensor(0).getShape());
  shape[axis] = 0;
  for (unsigned i = 0; i < step.operands.size(); ++i) {
    llvm::SmallVector<int64_t> sizes(call.tensor(i).getShape());
    shape[axis] += sizes[axis];
    sizes[axis] = shape[axis];
    if (sizes != shape)
      return call.fail("operands must agree in all dimensions but " +
                       llvm::Twine(axis) + ", got " +
                       describeShape(call.tensor(0).getShape()) + " and " +
                       describeShape(call.tensor(i).getShape()));
  }
  FailureOr<Tensor> result =
      call.allocate(call.tensor(0).getElementType(), shape);
  if (failed(result))
    return failure();
  llvm::SmallVector<int64_t> strides = stridesOf(shape);
  int64_t at = 0;
  for (unsigned i = 0; i < step.operands.size(); ++i) {
    llvm::ArrayRef<int64_t> sizes = call.tensor(i).getShape();
    copyStrided(sizes, call.tensor(i), {0, stridesOf(sizes)}, *result,
                {at * strides[axis], strides});
    at += sizes[axis];
  }
  return call.done(std::move(*result));
}

/// The slices of the source at coordinates: result[i..., r...] = source at the
/// coordinates indices[i..., :] in the gathered dimensions, and at r in the
/// others. Gathered dimensions are 1 or left out in the result.
static LogicalResult gather(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  const Tensor &source = call.tensor(0), &indices = call.tensor(1);
  llvm::ArrayRef<int64_t> gathered =
      cast<tensor::GatherOp>(step.op).getGatherDims();
  auto type = cast<RankedTensorType>(step.op->getResult(0).getType());
  int64_t lead = indices.getRank() - 1;
  bool keepsRank = type.getRank() == lead + source.getRank();
  llvm::SmallVector<int64_t> shape(indices.getShape().drop_back()), sizes;
  StridedView from, to;
  llvm::SmallVector<int64_t> strides = stridesOf(source.getShape());
  for (int64_t d = 0; d < source.getRank(); ++d) {
    if (!llvm::is_contained(gathered, d)) {
      sizes.push_back(source.getDim(d));
      from.strides.push_back(strides[d]);
    }
    if (!llvm::is_contained(gathered, d))
      shape.push_back(source.getDim(d));
    else if (keepsRank)
      shape.push_back(1);
  }
  FailureOr<Tensor> result = call.allocate(source.getElementType(), shape);
  if (failed(result))
    return failure();
  to.strides = stridesOf(sizes);
  int64_t count = productOf(shape, 0, lead),
          each = productOf(sizes, 0, sizes.size());
  for (int64_t i = 0; i < count; ++i, to.offset += each) {
    from.offset = 0;
    for (auto [k, d] : llvm::enumerate(gathered)) {
      int64_t index = indices.integer(i * gathered.size() + k);
      if (index < 0 || index >= source.getDim(d))
        return call.fail("coordinate " + llvm::Twine(k) + " must be in [0, " +
                         llvm::Twine(source.getDim(d)) + "), got " +
                         llvm::Twine(index));
      from.offset += index * strides[d];
    }
    copyStrided(sizes, source, from, *result, to);
  }
  return call.done(std::move(*result));
}

void reference::addTensorSliceActions(ActionTable &table) {
  table["tensor.concat"] = concat;
  table["tensor.extract_slice"] = extractSlice;
  table["tensor.gather"] = gather;
  table["tensor.insert_slice"] = insertSlice;
  table["tensor.parallel_insert_slice"] = parallelInsertSlice;
}
