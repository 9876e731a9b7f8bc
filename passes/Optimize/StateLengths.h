// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Whether sequences of one step may have different lengths; private to
/// trine-promote-state.
#ifndef TRINE_PASSES_OPTIMIZE_STATELENGTHS_H
#define TRINE_PASSES_OPTIMIZE_STATELENGTHS_H

#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::trine {

/// What a function does with the entries of its states.
struct StateUses {
  /// The attentions that have them as keys and values: trine.attention or
  /// trine.mla.attention.
  llvm::SetVector<Operation *> attentions;
  /// An op that uses them, or how many there are, otherwise, and how; null if
  /// there is none.
  Operation *obstacle = nullptr;
  std::string reason;
};

/// Follows `reads`, tensors with all entries of states, through what keeps
/// entries apart. Where nothing but causal attention uses them, and their
/// number is used as a size alone, what a step gives for a sequence depends on
/// its own entries only, once attention knows how many those are.
StateUses findStateUses(ArrayRef<Value> reads);

} // namespace mlir::trine

#endif
