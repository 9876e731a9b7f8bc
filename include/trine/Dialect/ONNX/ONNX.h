// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The onnx dialect: one op per ONNX operator, see dialects/ONNX/ONNXOps.td.
#ifndef TRINE_DIALECT_ONNX_ONNX_H
#define TRINE_DIALECT_ONNX_ONNX_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "trine/Dialect/ONNX/ONNXOpsDialect.h.inc"

#define GET_OP_CLASSES
#include "trine/Dialect/ONNX/ONNXOps.h.inc"

#endif
