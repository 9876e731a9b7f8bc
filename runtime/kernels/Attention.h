// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// trine.attention with one to three query and key parts: MLA on the latent,
/// grouped-query and multi-head attention, prefill and decode; and the merge of
/// partial attentions. See README.md for the ABI.
#ifndef TRINE_RUNTIME_KERNELS_ATTENTION_H
#define TRINE_RUNTIME_KERNELS_ATTENTION_H

#include "AttentionF32.h"
#include "AttentionTensor.h"

namespace trine::kernels {

extern __shared__ __align__(16) u8 attentionShared[];

template <AttentionConfiguration C, class T, class Mask, class Out,
          class Epilogue>
void attention(const AttentionArguments<T, Mask, Out> &arguments,
               const Epilogue &epilogue) {
  static_assert(sameType<T, typename TypeOf<C.element>::Type>,
                "queries, keys and values have the element type of the "
                "configuration");
  if constexpr (C.element == Element::F32)
    attentionF32<C>(arguments, epilogue,
                    reinterpret_cast<float *>(attentionShared));
  else
    attentionTensor<C, T>(arguments, epilogue, attentionShared);
}

/// Joins `parts` partial attentions of [batch, heads, queries] rows: lse = log
/// Σ exp(lse_i); out = epilogue(Σ exp(lse_i - lse) · output_i).
template <class Partial, class Out>
struct MergeArguments {
  const Partial *outputs = nullptr; ///< [parts, batch, heads, queries, columns]
  const float *lses = nullptr;      ///< [parts, batch, heads, queries]
  Index parts = 1;
  Index batch = 1, heads = 1, queries = 1, columns = 0;
  Index keys = 1; ///< with no keys at all the output is 0
  Out *out = nullptr;
  Strides outStrides;
  float *lse = nullptr; ///< or null
};

/// The partial results that a split attention left in scratch memory.
template <AttentionConfiguration C, class Out>
MergeArguments<float, Out>
mergeOfSplits(const float *scratch, Index splits, Index batch, Index heads,
              Index queries, Index keys, Out *out, float *lse) {
  return {.outputs = scratch,
          .lses = scratch + splits * batch * heads * queries * C.valueSize,
          .parts = splits,
          .batch = batch,
          .heads = heads,
          .queries = queries,
          .columns = C.valueSize,
          .keys = keys,
          .out = out,
          .lse = lse};
}

template <MaskedRow Rule, class Partial, class Out, class Epilogue>
void attentionMerge(const MergeArguments<Partial, Out> &m,
                    const Epilogue &epilogue) {
  const int lane = laneIndex();
  const Index all = m.batch * m.heads * m.queries;
  const Index row =
      blockIdx.x * static_cast<Index>(mergeThreads / 32) + threadIdx.x / 32;
  if (row >= all)
    return;
  const Index query = row % m.queries, head = row / m.queries % m.heads;
  const Index batch = row / m.queries / m.heads;
  const Strides s =
      completeStrides(m.outStrides, m.heads, m.queries, m.columns);
  Out *out = m.out + batch * s.batch + head * s.head + query * s.row;
  float top = -infinity();
  for (Index part = 0; part < m.parts; ++part) {
    const float own = m.lses[part * all + row];
    top = own > top || own != own ? own : top; // once NaN, always
  }
  float sum = 0;
  if (top != -infinity())
    for (Index part = 0; part < m.parts; ++part)
      sum += expf(m.lses[part * all + row] - top);
  if (m.lse && lane == 0)
    m.lse[row] = top == -infinity() ? top : top + logf(sum);
  for (Index column = lane; column < m.columns; column += 32) {
    float value = Rule == MaskedRow::NaN && m.keys > 0 ? notANumber() : 0.0f;
    if (top != -infinity()) {
      value = 0;
      for (Index part = 0; part < m.parts; ++part) {
        const float weight = expf(m.lses[part * all + row] - top);
        if (weight != 0.0f)
          value = fmaf(weight / sum,
                       load(m.outputs, (part * all + row) * m.columns + column),
                       value);
      }
    }
    store(out, column, epilogue(value, batch, head, query, column));
  }
}

} // namespace trine::kernels

#endif
