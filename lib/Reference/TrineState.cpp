// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.require, and the state ops, which one call of a function cannot run.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult require(OperatorCall &call) {
  if (call.operand(0).integer(0))
    return success();
  return call.fail("requirement not met: " +
                   cast<RequireOp>(call.op).getMessage());
}

static LogicalResult needsSession(OperatorCall &call) {
  return call.fail("needs a session, which the reference interpreter does not "
                   "have");
}

void reference::addTrineStateRules(OperatorTable &table) {
  table["trine.require"] = require;
  for (const char *name :
       {"trine.state.open", "trine.state.append", "trine.state.read",
        "trine.state.truncate", "trine.state.fork", "trine.state.reset"})
    table[name] = needsSession;
}
