// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Products of each head with its part of one matrix, read from the panels that
/// the matrix is stored in for its product as a whole.
#ifndef TRINE_PASSES_PLAN_HEADPRODUCTS_H
#define TRINE_PASSES_PLAN_HEADPRODUCTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::trine {

/// True if `use` is an operand [K, heads, X] of a contraction in a
/// linalg.generic that goes over heads in parallel and over X in whole panels
/// of `columns`.
bool isHeadProduct(OpOperand &use, int64_t columns);

/// Makes the body of `op` widen the elements of an operand that has become one
/// of a narrower type.
void widenElements(linalg::GenericOp op, unsigned operand);

/// Makes the contraction of `use` read `panels` [heads * X' / columns, K,
/// columns] in place of its operand, which is columns [first, first + X) of
/// each head's X'. Its loop over X becomes one over panels and one within a
/// panel.
void readHeadPanels(OpOperand &use, Value panels, int64_t first);

} // namespace mlir::trine

#endif
