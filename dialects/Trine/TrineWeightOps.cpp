// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult
WeightPieceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        StringAttr file, int64_t offset,
                        ArrayRef<int64_t> strides, ArrayRef<int64_t> into,
                        ArrayRef<int64_t> sizes) {
  // piece_c1: one stride, position and size per dimension.
  if (strides.size() != into.size() || sizes.size() != into.size())
    return emitError() << "must have as many strides and sizes as positions, "
                       << into.size() << ", got " << strides.size() << " and "
                       << sizes.size();
  // piece_c2: nothing is negative.
  auto isNegative = [](int64_t value) { return value < 0; };
  if (offset < 0 || llvm::any_of(strides, isNegative) ||
      llvm::any_of(into, isNegative) || llvm::any_of(sizes, isNegative))
    return emitError() << "must have no negative number";
  return success();
}

LogicalResult mlir::trine::verifyPieces(Operation *op, ArrayAttr pieces,
                                        RankedTensorType type) {
  // assembled_weight_c3
  Type element = type.getElementType();
  if (!element.isIntOrFloat() ||
      (element.getIntOrFloatBitWidth() % 8 != 0 && !element.isInteger(1)))
    return op->emitOpError()
           << "elements must be a whole number of bytes, got " << element;
  int64_t covered = 0;
  for (auto [index, attribute] : llvm::enumerate(pieces)) {
    auto piece = cast<WeightPieceAttr>(attribute);
    // assembled_weight_c1
    if (type.getRank() == 0 ||
        static_cast<int64_t>(piece.getInto().size()) != type.getRank())
      return op->emitOpError()
             << "piece " << index << " must have the rank of " << type
             << ", at least 1, got " << piece.getInto().size();
    int64_t elements = 1;
    for (auto [into, size, whole] :
         llvm::zip_equal(piece.getInto(), piece.getSizes(), type.getShape())) {
      if (into > whole || size > whole - into)
        return op->emitOpError() << "piece " << index << " must lie within "
                                 << type << ", got " << piece;
      elements *= size;
    }
    covered += elements;
  }
  // assembled_weight_c2
  if (covered != type.getNumElements())
    return op->emitOpError() << "pieces must have " << type.getNumElements()
                             << " elements together, got " << covered;
  return success();
}

LogicalResult AssembledWeightOp::verify() {
  return verifyPieces(*this, getPieces(),
                      cast<RankedTensorType>(getResult().getType()));
}
