// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What is known of the experts that tokens choose.
#ifndef TRINE_PASSES_RAISE_EXPERTCHOICES_H
#define TRINE_PASSES_RAISE_EXPERTCHOICES_H

#include "mlir/IR/Value.h"

namespace mlir::trine {

class Raising;

/// Whether no token, a row of `ids`, can choose an expert twice.
bool areDistinctChoices(Value ids);

/// Whether every one of `ids` is known to be in [0, experts). Where experts are
/// written out one by one, any other id chooses nothing; trine.moe.experts has
/// no such ids.
bool areChoicesBelow(Raising &raising, Value ids, int64_t experts);

} // namespace mlir::trine

#endif // TRINE_PASSES_RAISE_EXPERTCHOICES_H
