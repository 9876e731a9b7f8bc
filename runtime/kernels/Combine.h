// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine.moe.combine: each token's expert results by their weights, in slot
/// order, in f32.
#ifndef TRINE_RUNTIME_KERNELS_COMBINE_H
#define TRINE_RUNTIME_KERNELS_COMBINE_H

#include "Elementwise.h"

namespace trine::kernels {

/// The sum over slots of weight[token, slot] · rows[position[token, slot],
/// column]. Positions are clamped to 0 .. last; null: rows are in slot order.
template <class Row, class Weight>
float combined(const Row *rows, const Index *positions, const Weight *weights,
               Index slots, Index columns, Index last, Index token,
               Index column) {
  float sum = 0;
  for (Index slot = token * slots; slot < (token + 1) * slots; ++slot) {
    const Index row =
        positions ? maximum(0, minimum(positions[slot], last)) : slot;
    sum = fmaf(load(weights, slot), load(rows, row * columns + column), sum);
  }
  return sum;
}

/// As above; a slot whose id is `experts` or more takes `input`, the token's
/// own element, in place of a row, which nobody wrote.
template <class Row, class Weight>
float combined(const Row *rows, const Index *positions, const Weight *weights,
               Index slots, Index columns, Index last, Index token,
               Index column, const Index *ids, Index experts, float input) {
  float sum = 0;
  for (Index slot = token * slots; slot < (token + 1) * slots; ++slot) {
    const Index row = maximum(0, minimum(positions[slot], last));
    const float x =
        ids[slot] >= experts ? input : load(rows, row * columns + column);
    sum = fmaf(load(weights, slot), x, sum);
  }
  return sum;
}

template <class Row, class Weight, class Out>
struct CombineArguments {
  const Row *rows = nullptr; ///< [tokens · slots, columns]
  const Index *inverse =
      nullptr; ///< [tokens · slots]; null: rows are in slot order
  const Weight *weights = nullptr; ///< [tokens, slots]
  Out *out = nullptr;              ///< [tokens, columns]
  Index tokens = 0, slots = 1, columns = 0;
};

template <class Row, class Weight, class Out>
void combine(const CombineArguments<Row, Weight, Out> &c) {
  elementwise(c.tokens * c.columns, [&](Index i) {
    store(c.out, i,
          combined(c.rows, c.inverse, c.weights, c.slots, c.columns,
                   c.tokens * c.slots - 1, i / c.columns, i % c.columns));
  });
}

} // namespace trine::kernels

#endif
