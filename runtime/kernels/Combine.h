// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine.moe.combine: each token's expert results by their weights, in slot
/// order, in f32.
#ifndef TRINE_RUNTIME_KERNELS_COMBINE_H
#define TRINE_RUNTIME_KERNELS_COMBINE_H

#include "Elementwise.h"

namespace trine::kernels {

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
    const Index token = i / c.columns, column = i % c.columns;
    float sum = 0;
    for (Index slot = token * c.slots; slot < (token + 1) * c.slots; ++slot) {
      const Index row = c.inverse ? c.inverse[slot] : slot;
      sum = fmaf(load(c.weights, slot), load(c.rows, row * c.columns + column),
                 sum);
    }
    store(c.out, i, sum);
  });
}

} // namespace trine::kernels

#endif
