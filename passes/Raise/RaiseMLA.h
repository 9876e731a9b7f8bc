// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the ways to find attention on a latent share.
#ifndef TRINE_PASSES_RAISE_RAISEMLA_H
#define TRINE_PASSES_RAISE_RAISEMLA_H

#include "Raising.h"

namespace mlir::trine {

/// Raises an attention whose queries were multiplied with the weight of the
/// keys, and whose output is multiplied with that of the values: it goes over
/// the latent itself. False where `op` is no such attention.
bool raiseAbsorbedLatent(Raising &raising, AttentionOp op);

} // namespace mlir::trine

#endif
