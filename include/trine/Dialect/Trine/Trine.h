// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The trine dialect, see dialects/Trine/TrineOps.td.
#ifndef TRINE_DIALECT_TRINE_TRINE_H
#define TRINE_DIALECT_TRINE_TRINE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Support/ResultSize.h"

#include "trine/Dialect/Trine/TrineOpsDialect.h.inc"
#include "trine/Dialect/Trine/TrineOpsEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "trine/Dialect/Trine/TrineOpsAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "trine/Dialect/Trine/TrineOpsTypes.h.inc"
#define GET_OP_CLASSES
#include "trine/Dialect/Trine/TrineOps.h.inc"

namespace mlir::trine {

/// Checks the pieces of a weight of `type`; reports at `op`. All elements of
/// `pieces` are WeightPieceAttr.
LogicalResult verifyPieces(Operation *op, ArrayAttr pieces,
                           RankedTensorType type);

} // namespace mlir::trine

#endif
