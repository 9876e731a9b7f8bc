// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of Engram and hyper-connections.
#ifndef TRINE_PASSES_RAISE_RAISEENGRAMPASSES
#define TRINE_PASSES_RAISE_RAISEENGRAMPASSES

include "mlir/Pass/PassBase.td"

#endif
