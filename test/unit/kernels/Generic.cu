// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Instances of the generic kernels that GenericTests.cpp executes.
#include "Functors.h"
#include "Rows.h"
using namespace trine::kernels;

struct AddScaled {
  const bfloat *a;
  const half *b;
  float *out;
  void operator()(Index i) const { out[i] = load(a, i) + 2 * silu(load(b, i)); }
};
extern "C" __global__ void __launch_bounds__(elementwiseThreads) add_scaled(const bfloat *a, const half *b, float *out, Index count) {
  elementwise(count, AddScaled{a, b, out});
}

// The sum over the middle dimension of [outer, length, inner].
struct MiddleSum {
  const bfloat *a;
  bfloat *out;
  Index length, inner;
  float initial() const { return 0; }
  float map(Index element, Index r) const { return load(a, (element / inner * length + r) * inner + element % inner); }
  float combine(float x, float y) const { return x + y; }
  void finish(Index element, float value) const { store(out, element, value); }
};
// The largest of a row and where it is; ties go to the lower index.
struct ArgMax {
  struct Value {
    float value;
    int index;
  };
  const float *a;
  Index *out;
  float *largest;
  Index length;
  Value initial() const { return {-infinity(), 0x7FFFFFFF}; }
  Value map(Index element, Index r) const { return {a[element * length + r], static_cast<int>(r)}; }
  Value combine(Value x, Value y) const { return y.value > x.value || (y.value == x.value && y.index < x.index) ? y : x; }
  void finish(Index element, Value value) const {
    out[element] = value.index;
    largest[element] = value.value;
  }
};
#define REDUCE(NAME, BY)                                                                                                                                               \
  extern "C" __global__ void __launch_bounds__(reduceThreads) sum_##NAME(const bfloat *a, bfloat *out, Index elements, Index length, Index inner) {                    \
    reduce<ReduceConfiguration{ReduceBy::BY}>(elements, length, MiddleSum{a, out, length, inner});                                                                     \
  }                                                                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(reduceThreads) argmax_##NAME(const float *a, Index *out, float *largest, Index elements, Index length) {                \
    reduce<ReduceConfiguration{ReduceBy::BY}>(elements, length, ArgMax{a, out, largest, length});                                                                      \
  }
REDUCE(thread, Thread)
REDUCE(warp, Warp)
REDUCE(workgroup, Workgroup)

// What a thread keeps of a row between the passes.
struct RmsNorm {
  using Value = float;
  struct Kept {
    float x;
  };
  static constexpr int passes = 1;
  const bfloat *x, *weight;
  bfloat *out;
  Index width;
  float epsilon;
  Index columns(int) const { return width; }
  float initial(int) const { return 0; }
  float add(int, float sum, Index row, Index column, const float *, Kept &kept) const {
    kept.x = load(x, row * width + column);
    return sum + kept.x * kept.x;
  }
  float combine(int, float a, float b) const { return a + b; }
  void finish(Index row, Index column, const float *sums, const Kept &kept) const {
    store(out, row * width + column, kept.x * rsqrtf(sums[0] / width + epsilon) * load(weight, column));
  }
  void finishRow(Index, const float *) const {}
};
// Rows of any length; the logarithm of each row's sum, too.
struct Softmax {
  using Value = float;
  struct Kept {};
  static constexpr int passes = 2;
  const float *x;
  float *out, *logSums;
  Index width;
  Index columns(int) const { return width; }
  float initial(int pass) const { return pass == 0 ? -infinity() : 0; }
  float add(int pass, float value, Index row, Index column, const float *before, Kept &) const {
    const float v = x[row * width + column];
    return pass == 0 ? fmaxf(value, v) : value + expf(v - before[0]);
  }
  float combine(int pass, float a, float b) const { return pass == 0 ? fmaxf(a, b) : a + b; }
  void finish(Index row, Index column, const float *results, Kept &) const { out[row * width + column] = expf(x[row * width + column] - results[0]) / results[1]; }
  void finishRow(Index row, const float *results) const { logSums[row] = results[0] + logf(results[1]); }
};
#define ROWS(NAME, BY, STEPS)                                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(rowsThreads) rms_norm_##NAME(const bfloat *x, const bfloat *weight, bfloat *out, Index rowCount, Index width) {          \
    rows<ReduceConfiguration{ReduceBy::BY}, STEPS>(rowCount, RmsNorm{x, weight, out, width, 1e-6f});                                                                    \
  }                                                                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(rowsThreads) softmax_##NAME(const float *x, float *out, float *logSums, Index rowCount, Index width) {                   \
    rows<ReduceConfiguration{ReduceBy::BY}>(rowCount, Softmax{x, out, logSums, width});                                                                                 \
  }
ROWS(thread, Thread, 75)
ROWS(warp, Warp, 33)
ROWS(workgroup, Workgroup, 5)

extern "C" __global__ void __launch_bounds__(elementwiseThreads) token_hash(const Index *ids, const Index *history, Index *rows, Index batch, Index tokens) {
  elementwise(batch * tokens, TokenHash<3, 2, TokensAndHistory>{.words = {ids, history, tokens, 2, 2},
                                                               .tokens = tokens,
                                                               .multipliers = {63280230511788609, 3996608348655193, 29694298745574697},
                                                               .moduli = {211, 223, 227, 229},
                                                               .offsets = {0, 211, 434, 661},
                                                               .rows = rows});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads)
gather_chunks(const Index *rows, const uint4 *table, uint4 *result, Index count, Index chunks, Index tableRows, int *error) {
  elementwise(count * chunks, GatherChunks{rows, table, result, chunks, tableRows, error});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads)
gather_elements(const Index *rows, const bfloat *table, bfloat *result, Index count, Index columns, Index tableRows, int *error) {
  elementwise(count * columns, GatherElements<bfloat>{rows, table, result, columns, tableRows, error});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads)
convolution(const bfloat *input, const bfloat *state, const bfloat *weight, bfloat *result, bfloat *present, Index batch, Index tokens, Index channels, Index width,
            Index dilation) {
  elementwise(batch * (tokens + (width - 1) * dilation) * channels, DilatedConvolution<bfloat>{input, state, weight, result, present, tokens, channels, width, dilation});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads) copy_rows(const float *source, float *target, Index outer, Index inner, Index pitch, Index offset) {
  elementwise(outer * inner, CopyRows<float>{source, target, inner, pitch, offset});
}
extern "C" __global__ void __launch_bounds__(elementwiseThreads)
append_rows(const half *source, half *state, const Index *lengths, Index batch, Index tokens, Index width, Index capacity) {
  elementwise(batch * tokens * width, AppendRows<half>{source, state, lengths, tokens, width, capacity});
}
