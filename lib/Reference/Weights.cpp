// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights: ranges of bytes of files, and what is put together from such ranges.
#include "Execution.h"
#include "Quantization.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

FailureOr<std::shared_ptr<llvm::MemoryBuffer>>
Execution::openFile(Operation *op, llvm::StringRef file) {
  std::shared_ptr<llvm::MemoryBuffer> &buffer = files[file];
  if (!buffer) {
    auto opened = folder.map(file);
    if (!opened)
      return op->emitOpError() << "cannot read its weights: "
                               << llvm::toString(opened.takeError());
    buffer = std::move(*opened);
  }
  return buffer;
}

FailureOr<Tensor> Execution::assembleWeight(Operation *operation) {
  auto op = cast<AssembledWeightOp>(operation);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  std::optional<ElementType> element = elementTypeOf(type);
  std::optional<Tensor> result =
      element ? Tensor::create(*element, type.getShape()) : std::nullopt;
  if (!result)
    return op->emitOpError() << "of type " << type << " is not supported";
  int64_t width = bytesPerElement(*element);
  llvm::MutableArrayRef<char> bytes = result->getMutableBytes();
  for (auto piece : op.getPieces().getAsRange<WeightPieceAttr>()) {
    FailureOr<std::shared_ptr<llvm::MemoryBuffer>> buffer =
        openFile(op, piece.getFile().getValue());
    if (failed(buffer))
      return failure();
    llvm::ArrayRef<int64_t> sizes = piece.getSizes();
    if (llvm::is_contained(sizes, 0))
      continue;
    llvm::SmallVector<int64_t> index(sizes.size(), 0);
    for (bool more = true; more;) {
      int64_t from = 0, to = 0;
      bool overflow = false;
      for (size_t i = 0; i < sizes.size(); ++i) {
        int64_t step;
        overflow |= llvm::MulOverflow(index[i], piece.getStrides()[i], step) ||
                    llvm::AddOverflow(from, step, from);
        to = to * type.getDimSize(i) + piece.getInto()[i] + index[i];
      }
      overflow |= llvm::MulOverflow(from, width, from) ||
                  llvm::AddOverflow(from, piece.getOffset(), from);
      int64_t available = (*buffer)->getBufferSize();
      if (overflow || from < 0 || from > available - width)
        return op->emitOpError()
               << "needs more bytes of '" << piece.getFile().getValue()
               << "' than its " << available << " for " << piece;
      std::memcpy(bytes.data() + to * width, (*buffer)->getBufferStart() + from,
                  width);
      more = false;
      for (size_t i = sizes.size(); i-- > 0;) {
        if (++index[i] < sizes[i]) {
          more = true;
          break;
        }
        index[i] = 0;
      }
    }
  }
  return *result;
}

FailureOr<Tensor> Execution::readWeight(Operation *op, llvm::StringRef file,
                                        int64_t offset, int64_t length,
                                        RankedTensorType type) {
  FailureOr<std::shared_ptr<llvm::MemoryBuffer>> opened = openFile(op, file);
  if (failed(opened))
    return failure();
  std::shared_ptr<llvm::MemoryBuffer> buffer = *opened;
  std::optional<ElementType> element = elementTypeOf(type);
  if (!element)
    return op->emitOpError()
           << "element type " << type.getElementType() << " is not supported";
  std::optional<int64_t> count = countElements(type.getShape());
  bool isPacked = bitsInFile(*element) < 8;
  if (!count || static_cast<int64_t>(llvm::divideCeil(
                    *count * bitsInFile(*element), 8)) != length)
    return op->emitOpError() << "length must be that of " << type << ", got "
                             << length << " bytes";
  int64_t size = buffer->getBufferSize();
  if (offset < 0 || offset > size || length > size - offset)
    return op->emitOpError()
           << "needs bytes [" << offset << ", " << offset + length << ") of '"
           << file << "', which has " << size << " bytes";
  if (isPacked) {
    std::optional<Tensor> tensor =
        Tensor::fromBytes(*element, type.getShape(),
                          unpackElements(*element, *count,
                                         {buffer->getBufferStart() + offset,
                                          static_cast<size_t>(length)}));
    if (!tensor)
      // No test: only when memory runs out.
      return op->emitOpError() << "has no memory for " << type;
    return *tensor;
  }
  return roundAsMarked(op, Tensor::borrow(*element, type.getShape(),
                                          buffer->getBufferStart() + offset,
                                          buffer));
}
