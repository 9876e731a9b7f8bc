// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recognition of attention, latent attention and state.
#ifndef TRINE_PASSES_RAISE_RAISEATTENTIONPASSES
#define TRINE_PASSES_RAISE_RAISEATTENTIONPASSES

include "mlir/Pass/PassBase.td"

#endif
