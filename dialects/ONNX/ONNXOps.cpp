// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/ONNX/ONNX.h"

#define GET_OP_CLASSES
#include "trine/Dialect/ONNX/ONNXOps.cpp.inc"

using namespace mlir;
using namespace mlir::trine::onnx;

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult InitializerOp::verify() {
  // initializer_c1: the byte range is not negative.
  int64_t offset = getOffset(), length = getLength();
  if (offset < 0 || length < 0)
    return emitOpError() << "offset and length must not be negative, got "
                         << offset << " and " << length;
  // initializer_c2: its length is that of the type, sub-byte elements packed.
  auto type = cast<RankedTensorType>(getOutput().getType());
  if (!type.getElementType().isIntOrFloat())
    return emitOpError() << "element type must be an integer or a float, got "
                         << type.getElementType();
  int64_t bits =
      type.getElementType().isInteger(1) ? 8 : type.getElementTypeBitWidth();
  int64_t expected = llvm::divideCeilSigned(type.getNumElements() * bits, 8);
  if (length != expected)
    return emitOpError() << "length must be " << expected << " bytes for "
                         << type << ", got " << length;
  return success();
}
