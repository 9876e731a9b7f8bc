// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of routers, experts and gated MLPs.
#ifndef TRINE_PASSES_RAISE_RAISEEXPERTSPASSES
#define TRINE_PASSES_RAISE_RAISEEXPERTSPASSES

include "mlir/Pass/PassBase.td"

#endif
