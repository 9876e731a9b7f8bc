// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Functors for elementwise: movement of data, Engram's hash, lookup and
/// convolution.
#ifndef TRINE_RUNTIME_KERNELS_FUNCTORS_H
#define TRINE_RUNTIME_KERNELS_FUNCTORS_H

#include "Elementwise.h"

namespace trine::kernels {

/// trine.engram.hash without map and resets: rows[b, t, (n - 2) · heads + h],
/// one thread for each token: count = batch · tokens. `words(b, i)` is w at
/// position i, counted from the first token; negative i are the history. All in
/// int64; products wrap.
template <int MaxOrder, int Heads, class Words>
struct TokenHash {
  Words words;
  Index tokens;
  Index multipliers[MaxOrder];
  Index moduli[(MaxOrder - 1) * Heads], offsets[(MaxOrder - 1) * Heads];
  Index *rows;
  void operator()(Index i) const {
    const Index b = i / tokens, t = i % tokens;
    u64 mixed =
        static_cast<u64>(words(b, t)) * static_cast<u64>(multipliers[0]);
#pragma unroll
    for (int n = 2; n <= MaxOrder; ++n) {
      mixed ^= static_cast<u64>(words(b, t - n + 1)) *
               static_cast<u64>(multipliers[n - 1]);
#pragma unroll
      for (int h = 0; h < Heads; ++h) {
        const int at = (n - 2) * Heads + h;
        Index rest = static_cast<Index>(mixed) % moduli[at];
        rest += rest < 0 ? moduli[at] : 0;
        rows[i * ((MaxOrder - 1) * Heads) + at] = rest + offsets[at];
      }
    }
  }
};
/// Token ids [batch, tokens] behind a history [batch, before]; `pad` before
/// that.
struct TokensAndHistory {
  const Index *ids, *history;
  Index tokens, before, pad;
  Index operator()(Index b, Index i) const {
    if (i >= 0)
      return ids[b * tokens + i];
    return history && before + i >= 0 ? history[b * before + before + i] : pad;
  }
};

/// result[r, :] = table[rows[r], :]: 16 bytes for each i, count = rows ·
/// chunks. Rows outside of the table read its nearest row, and set `error`
/// to 1. The table may lie in device memory or in mapped host memory.
struct GatherChunks {
  const Index *rows;
  const uint4 *table;
  uint4 *result;
  Index chunks, tableRows;
  int *error;
  void operator()(Index i) const {
    Index row = rows[i / chunks];
    row += row < 0 ? tableRows : 0;
    if (row < 0 || row >= tableRows) {
      *error = 1;
      row = maximum(0, minimum(row, tableRows - 1));
    }
    result[i] = table[row * chunks + i % chunks];
  }
};
/// The same element by element, for widths that are no multiple of 16 bytes.
template <class T>
struct GatherElements {
  const Index *rows;
  const T *table;
  T *result;
  Index columns, tableRows;
  int *error;
  void operator()(Index i) const {
    Index row = rows[i / columns];
    row += row < 0 ? tableRows : 0;
    if (row < 0 || row >= tableRows) {
      *error = 1;
      row = maximum(0, minimum(row, tableRows - 1));
    }
    result[i] = table[row * columns + i % columns];
  }
};

/// trine.engram.conv: count = batch · (tokens + stateRows) · channels. The
/// first tokens rows of a batch are results, the rest is the new state.
template <class T>
struct DilatedConvolution {
  const T *input;  ///< [batch, tokens, channels]
  const T *state;  ///< [batch, (width - 1) · dilation, channels]
  const T *weight; ///< [channels, width]
  T *result;       ///< as input
  T *present;      ///< as state; not the same memory
  Index tokens, channels, width, dilation;
  void operator()(Index i) const {
    const Index stateRows = (width - 1) * dilation;
    const Index channel = i % channels;
    const Index t = i / channels % (tokens + stateRows);
    const Index b = i / channels / (tokens + stateRows);
    auto at = [&](Index row) {
      return row < stateRows
                 ? state[(b * stateRows + row) * channels + channel]
                 : input[(b * tokens + row - stateRows) * channels + channel];
    };
    if (t >= tokens) { // the last stateRows rows of all
      present[(b * stateRows + t - tokens) * channels + channel] = at(t);
      return;
    }
    float sum = 0;
    for (Index j = 0; j < width; ++j)
      sum = fmaf(load(weight, channel * width + j),
                 toFloat(at(t + j * dilation)), sum);
    store(result, (b * tokens + t) * channels + channel, sum);
  }
};

/// Copies [outer, inner] of elements into rows of a larger tensor: one operand
/// of a concatenation, or new rows appended to a state. Row o goes to element
/// o · pitch + offset of the target. count = outer · inner.
template <class T>
struct CopyRows {
  const T *source;
  T *target;
  Index inner, pitch, offset;
  void operator()(Index i) const {
    target[i / inner * pitch + offset + i % inner] = source[i];
  }
};
/// New rows [batch, tokens, width] behind the `lengths[b]` rows that a state
/// [batch, capacity, width] has; rows beyond the capacity are dropped.
template <class T>
struct AppendRows {
  const T *source;
  T *state;
  const Index *lengths;
  Index tokens, width, capacity;
  void operator()(Index i) const {
    const Index b = i / width / tokens, t = i / width % tokens;
    const Index row = lengths[b] + t;
    if (row >= 0 && row < capacity)
      state[(b * capacity + row) * width + i % width] = source[i];
  }
};

} // namespace trine::kernels

#endif
