// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/ONNX/ONNX.h"

#include "trine/Dialect/ONNX/ONNXOpsDialect.cpp.inc"

using namespace mlir;
using namespace mlir::trine::onnx;

void ONNXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "trine/Dialect/ONNX/ONNXOps.cpp.inc"
      >();
}

Operation *ONNXDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
