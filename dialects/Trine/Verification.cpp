// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult mlir::trine::verifyRank(Operation *op, const NamedTensor &tensor,
                                      int64_t rank) {
  if (tensor.type.getRank() == rank)
    return success();
  return op->emitOpError() << "'" << tensor.name << "' must have rank " << rank
                           << ", got " << tensor.type;
}

LogicalResult mlir::trine::verifySameSize(Operation *op, const NamedTensor &a,
                                          int64_t i, const NamedTensor &b,
                                          int64_t j) {
  int64_t left = a.type.getDimSize(i), right = b.type.getDimSize(j);
  if (left == right || ShapedType::isDynamic(left) ||
      ShapedType::isDynamic(right))
    return success();
  return op->emitOpError() << "'" << a.name << "' dimension " << i
                           << " must equal '" << b.name << "' dimension " << j
                           << ", " << right << ", got " << left;
}

LogicalResult mlir::trine::verifySize(Operation *op, const NamedTensor &a,
                                      int64_t i, int64_t expected) {
  int64_t size = a.type.getDimSize(i);
  if (size == expected || ShapedType::isDynamic(size))
    return success();
  return op->emitOpError() << "'" << a.name << "' dimension " << i
                           << " must be " << expected << ", got " << size;
}
