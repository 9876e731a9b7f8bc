// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Where the size of a tensor comes from.
#ifndef TRINE_PASSES_OPTIMIZE_SIZESOURCES_H
#define TRINE_PASSES_OPTIMIZE_SIZESOURCES_H

#include "mlir/IR/Builders.h"

namespace mlir::trine {

/// The value that `tensor` was made with as its size `dim`, so that equal sizes
/// are equal values: followed through views, slices, destinations and trine ops
/// up to index arithmetic or an argument. A constant where the type knows it;
/// else `tensor.dim`, at the insertion point.
Value sizeSource(OpBuilder &builder, Value tensor, int64_t dim);

} // namespace mlir::trine

#endif
