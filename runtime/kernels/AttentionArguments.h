// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What attention takes, and how it is cut into tiles. Attention.h is the
/// entrance.
#ifndef TRINE_RUNTIME_KERNELS_ATTENTIONARGUMENTS_H
#define TRINE_RUNTIME_KERNELS_ATTENTIONARGUMENTS_H

#include "Functions.h"
#include "Tile.h"

namespace trine::kernels {

/// Elements between neighbours of the first three dimensions [batch, head, row]
/// of a tensor [batch, head, row, column]. All 0: contiguous.
struct Strides {
  Index batch = 0, head = 0, row = 0;
};
inline Strides completeStrides(Strides given, Index heads, Index rows,
                               Index columns) {
  if (given.batch || given.head || given.row)
    return given;
  return {heads * rows * columns, rows * columns, columns};
}

template <class T>
struct AttentionPart {
  const T *query = nullptr; ///< [batch, heads, queries, size]
  const T *key = nullptr;   ///< [batch, keyHeads, keys, size]
  Index keyHeads = 1;
  Strides queryStrides, keyStrides;
  const TensorMap *keyMap = nullptr; ///< with Load::TensorMap
};

/// s = scale · Σ over parts query_p · key_pᵀ; s = softCap · tanh(s / softCap)
/// if configured; out = epilogue(softmax(s + mask) · value), lse = log Σ exp(s
/// + mask). Head h reads key head h / (heads / keyHeads) of each part.
template <class T, class Mask, class Out>
struct AttentionArguments {
  Index batch = 1, heads = 1, queries = 0, keys = 0;
  AttentionPart<T> part[3];
  const T *value = nullptr; ///< [batch, valueHeads, keys, valueSize]
  Index valueHeads = 1;
  Strides valueStrides;
  const TensorMap *valueMap = nullptr;
  /// MaskKind::Additive: elements between neighbours of [batch, head, query,
  /// key]; 0 where the mask is broadcast.
  const Mask *mask = nullptr;
  Index maskBatch = 0, maskHead = 0, maskQuery = 0, maskKey = 0;
  /// MaskKind::Causal: query i sees keys j <= i + offset; null: keys - queries.
  const Index *offset = nullptr;
  /// Elements between the offsets of two batches: 0, one for all, or 1.
  Index offsetBatch = 0;
  float scale = 1, softCap = 0;
  Out *out = nullptr; ///< [batch, heads, queries, valueSize]
  Strides outStrides;
  float *lse = nullptr; ///< [batch, heads, queries], or null
  /// With `split`.
  float *scratch = nullptr;
  Index splits = 1;
  /// Where partial log-sum-exps go; null: behind the outputs in scratch.
  float *partialLse = nullptr;
};

/// The work of one workgroup: rows first .. first + tileRows - 1 of a group of
/// heads, keys begin .. end - 1. Rows (queries times heads of a group), keys
/// and the batch are below 2^31; elements are not limited.
template <AttentionConfiguration C>
struct AttentionPlace {
  int batch, group, first, split, begin, end, offset, rows;
  /// The keys of the range, whether the mask shows them or not.
  int rangeBegin, rangeEnd;

  template <class Arguments>
  explicit AttentionPlace(const Arguments &a) {
    const int splits = C.split ? static_cast<int>(a.splits) : 1;
    const int queries = static_cast<int>(a.queries);
    const int keys = static_cast<int>(a.keys);
    rows = queries * C.headsPerGroup;
    const int tiles = (rows + C.tileRows - 1) / C.tileRows;
    const int groups = static_cast<int>(a.heads) / C.headsPerGroup;
    int block = blockIdx.x;
    split = block % splits;
    block /= splits;
    // Later queries see more keys: they begin first.
    first = (tiles - 1 - block % tiles) * C.tileRows;
    block /= tiles;
    group = block % groups;
    batch = block / groups;
    begin = 0;
    end = keys;
    offset = 0;
    if constexpr (C.mask == MaskKind::Causal) {
      // Beyond these an offset changes nothing.
      offset =
          a.offset
              ? static_cast<int>(maximum(
                    -queries, minimum(a.offset[batch * a.offsetBatch], keys)))
              : keys - queries;
      const int last = (min(first + C.tileRows, rows) - 1) / C.headsPerGroup;
      end = max(0, min(end, last + offset + 1));
    }
    rangeBegin = 0;
    rangeEnd = keys;
    if constexpr (C.ranges) {
      const Index range = divideUp(keys, 64 * a.splits) * 64;
      rangeBegin = static_cast<int>(minimum(keys, range * split));
      rangeEnd = static_cast<int>(minimum(keys, range * (split + 1)));
      begin = min(end, rangeBegin);
      end = min(end, rangeEnd);
    } else if constexpr (C.split) {
      // Whole tiles, nearly the same number in each range.
      const Index all = (end + C.tileKeys - 1) / C.tileKeys;
      begin = min(end, static_cast<int>(all * split / splits * C.tileKeys));
      end = min(end, static_cast<int>(all * (split + 1) / splits * C.tileKeys));
    }
  }
  int query(int row) const { return row / C.headsPerGroup; }
  int head(int row) const {
    return group * C.headsPerGroup + row % C.headsPerGroup;
  }
};

/// A score as exponents of 2 are taken of it; -infinity where the query does
/// not see the key.
template <AttentionConfiguration C, class Arguments>
float maskScore(const Arguments &a, const AttentionPlace<C> &place, int row,
                int key, float product) {
  constexpr float log2e = 1.4426950408889634f;
  float score = product * a.scale;
  if constexpr (C.softCap)
    score = a.softCap * tanhf(score / a.softCap);
  bool seen = key < place.end;
  if constexpr (C.mask == MaskKind::Causal)
    seen = seen && key <= place.query(row) + place.offset;
  if constexpr (C.mask == MaskKind::Additive)
    if (seen && row < place.rows)
      score += load(a.mask,
                    place.batch * a.maskBatch + place.head(row) * a.maskHead +
                        place.query(row) * a.maskQuery + key * a.maskKey);
  return seen ? score * log2e : -infinity();
}

/// The mean of a column of all values: what a query without keys gives with
/// MaskedRow::Uniform.
template <class T>
float meanValue(const T *value, Index pitch, Index keys, Index column) {
  float sum = 0;
  for (Index key = 0; key < keys; ++key)
    sum += load(value, key * pitch + column);
  return sum / keys;
}

/// What a query without keys gives for a column. `value` is the head's first
/// row.
template <MaskedRow Rule, class T>
float maskedValue(const T *value, Index pitch, Index keys, Index column) {
  if (keys == 0 || Rule == MaskedRow::Zero)
    return 0;
  if constexpr (Rule == MaskedRow::Uniform)
    return meanValue(value, pitch, keys, column);
  return notANumber();
}

/// What a query gives that sees no key of its range: nothing, or its part of
/// the mean.
template <AttentionConfiguration C, class T>
float partialMaskedValue(const T *value, Index pitch,
                         const AttentionPlace<C> &place, Index column) {
  if constexpr (C.ranges && C.maskedRow == MaskedRow::Uniform)
    if (place.rangeEnd > place.rangeBegin)
      return meanValue(value + place.rangeBegin * pitch, pitch,
                       place.rangeEnd - place.rangeBegin, column);
  return 0;
}

/// log Σ exp from the maximum and the sum of exponents of 2. The sum is 0 where
/// the mask leaves no key, and NaN where a score is.
inline float logSumExp(float top, float sum) {
  constexpr float ln2 = 0.69314718055994531f;
  return sum == 0.0f ? -infinity() : (top + log2f(sum)) * ln2;
}

/// Where a row's results go: the output through the epilogue, or scratch.
template <AttentionConfiguration C, class Arguments, class Epilogue>
struct AttentionSink {
  const Arguments &a;
  const AttentionPlace<C> &place;
  const Epilogue &epilogue;
  Strides strides;

  AttentionSink(const Arguments &a, const AttentionPlace<C> &place,
                const Epilogue &epilogue)
      : a(a), place(place), epilogue(epilogue),
        strides(
            completeStrides(a.outStrides, a.heads, a.queries, C.valueSize)) {}

  Index flatRow(int row) const {
    return (place.batch * a.heads + place.head(row)) * a.queries +
           place.query(row);
  }
  void value(int row, int column, float value) const {
    if constexpr (C.split)
      a.scratch[(place.split * a.batch * a.heads * a.queries + flatRow(row)) *
                    C.valueSize +
                column] = value;
    else
      store(a.out,
            place.batch * strides.batch + place.head(row) * strides.head +
                place.query(row) * strides.row + column,
            epilogue(value, place.batch, place.head(row), place.query(row),
                     column));
  }
  void lse(int row, float value) const {
    if constexpr (C.split) {
      const Index all = a.batch * a.heads * a.queries;
      float *lses = a.partialLse ? a.partialLse
                                 : a.scratch + a.splits * all * C.valueSize;
      lses[place.split * all + flatRow(row)] = value;
    } else if (a.lse)
      a.lse[flatRow(row)] = value;
  }
};

} // namespace trine::kernels

#endif
