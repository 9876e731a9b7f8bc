// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of operators that go along a sequence, which are registered with
// those of control flow.
#ifndef TRINE_LIB_REFERENCE_RECURRENCE_H
#define TRINE_LIB_REFERENCE_RECURRENCE_H

#include "Operator.h"

namespace mlir::trine::reference {

LogicalResult linearAttention(OperatorCall &call);
LogicalResult causalConvWithState(OperatorCall &call);
LogicalResult reverseSequence(OperatorCall &call);

} // namespace mlir::trine::reference

#endif
