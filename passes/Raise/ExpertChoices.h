// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What is known of the experts that tokens choose.
#ifndef TRINE_PASSES_RAISE_EXPERTCHOICES_H
#define TRINE_PASSES_RAISE_EXPERTCHOICES_H

#include "mlir/IR/Value.h"

namespace mlir::trine {

/// Whether no token, a row of `ids`, can choose an expert twice.
bool areDistinctChoices(Value ids);

} // namespace mlir::trine

#endif // TRINE_PASSES_RAISE_EXPERTCHOICES_H
