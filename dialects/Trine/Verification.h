// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the verifiers of the trine ops share. Each check emits one message and
// says which sizes disagree.
#ifndef TRINE_DIALECTS_TRINE_VERIFICATION_H
#define TRINE_DIALECTS_TRINE_VERIFICATION_H

#include "trine/Dialect/Trine/Trine.h"

namespace mlir::trine {

/// A tensor value with the name that its op's documentation uses.
struct NamedTensor {
  StringRef name;
  RankedTensorType type;

  NamedTensor(StringRef name, Value value)
      : name(name), type(cast<RankedTensorType>(value.getType())) {}
};

/// The tensor has this rank.
LogicalResult verifyRank(Operation *op, const NamedTensor &tensor,
                         int64_t rank);

/// Dimension `i` of `a` and dimension `j` of `b` agree, as far as both are
/// known.
LogicalResult verifySameSize(Operation *op, const NamedTensor &a, int64_t i,
                             const NamedTensor &b, int64_t j);

/// Dimension `i` of `a` is `expected`, as far as it is known.
LogicalResult verifySize(Operation *op, const NamedTensor &a, int64_t i,
                         int64_t expected);

} // namespace mlir::trine

#endif
