// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form, and the recognition of norms and rotary embeddings.
#ifndef TRINE_PASSES_RAISE_NORMALIZEPASSES
#define TRINE_PASSES_RAISE_NORMALIZEPASSES

include "mlir/Pass/PassBase.td"

#endif
