// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The plan dialect, see dialects/Plan/PlanOps.td.
#ifndef TRINE_DIALECT_PLAN_PLAN_H
#define TRINE_DIALECT_PLAN_PLAN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "trine/Dialect/Plan/PlanOpsDialect.h.inc"
#include "trine/Dialect/Plan/PlanOpsEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "trine/Dialect/Plan/PlanOpsAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "trine/Dialect/Plan/PlanOpsTypes.h.inc"
#define GET_OP_CLASSES
#include "trine/Dialect/Plan/PlanOps.h.inc"

#endif
