// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "trine/Dialect/Plan/PlanOpsDialect.cpp.inc"
#include "trine/Dialect/Plan/PlanOpsEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "trine/Dialect/Plan/PlanOpsAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "trine/Dialect/Plan/PlanOpsTypes.cpp.inc"

using namespace mlir;
using namespace mlir::trine::plan;

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "trine/Dialect/Plan/PlanOps.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "trine/Dialect/Plan/PlanOpsTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "trine/Dialect/Plan/PlanOpsAttributes.cpp.inc"
      >();
}
