// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Trine/Trine.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "trine/Dialect/Trine/TrineOpsDialect.cpp.inc"
#include "trine/Dialect/Trine/TrineOpsEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "trine/Dialect/Trine/TrineOpsAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "trine/Dialect/Trine/TrineOpsTypes.cpp.inc"
#define GET_OP_CLASSES
#include "trine/Dialect/Trine/TrineOps.cpp.inc"

using namespace mlir;
using namespace mlir::trine;

void TrineDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "trine/Dialect/Trine/TrineOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "trine/Dialect/Trine/TrineOpsAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "trine/Dialect/Trine/TrineOpsTypes.cpp.inc"
      >();
}
