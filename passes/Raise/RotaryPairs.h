// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// How graphs take pairs of elements apart for rotary embedding, and how they
/// repeat its tables; private to trine-raise-rope.
#ifndef TRINE_PASSES_RAISE_ROTARYPAIRS_H
#define TRINE_PASSES_RAISE_ROTARYPAIRS_H

#include "Raising.h"

namespace mlir::trine {

/// Pairs (a, b) that two values hold: those of source[..., begin : begin + 2 *
/// half].
struct RotaryPairs {
  /// With `isView` its last two dimensions [half, 2] or [2, half] are one.
  Value source;
  /// What the halves were cut from: the source, or the source with the even
  /// elements of the last dimension moved in front.
  Value cut;
  int64_t begin = 0, half = 0;
  RopePairing pairing = RopePairing::Half;
  bool isView = false;
};

/// A forward Slice of one axis whose positions are numbers.
struct NumberSlice {
  Value data;
  int64_t axis, begin, end, step;
};
std::optional<NumberSlice> matchNumberSlice(Value value, Raising &raising);

/// The pairs that `a` and `b` are the first and second elements of, `half` of
/// them; nothing when they are no such values.
std::optional<RotaryPairs> matchRotaryPairs(Value a, Value b, int64_t half,
                                            Raising &raising);

/// Finds tables of half the width in tables that hold every number twice, and
/// makes them where there are none. Remembers what it made.
class RotaryTables {
public:
  explicit RotaryTables(Raising &raising) : raising(raising) {}

  /// The half of a table [..., 2m] that is [x, x] along the last dimension, or
  /// with `interleaved` x0, x0, x1, x1, ...; null when that is not to be seen.
  /// New ops stand where the table's own are.
  Value halfOf(Value table, bool interleaved);

private:
  Value find(Value table, bool interleaved);

  Raising &raising;
  llvm::DenseMap<std::pair<Value, unsigned>, Value> halves;
  unsigned depth = 0;
};

} // namespace mlir::trine

#endif
