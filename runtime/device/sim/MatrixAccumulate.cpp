// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixAccumulate.h"
#include "MatrixDecode.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

using namespace trine::sim;

// Vectors wider than the baseline's registers never cross a call here.
#pragma GCC diagnostic ignored "-Wpsabi"

unsigned trine::sim::getElementBytes(MatrixType type) {
  switch (type) {
  case MatrixType::F16:
  case MatrixType::BF16:
    return 2;
  case MatrixType::TF32:
  case MatrixType::F32:
  case MatrixType::S32:
    return 4;
  case MatrixType::F64:
    return 8;
  case MatrixType::E4M3:
  case MatrixType::E5M2:
  case MatrixType::S8:
  case MatrixType::U8:
    return 1;
  }
  return 0;
}

bool trine::sim::isIntegerType(MatrixType type) {
  return type == MatrixType::S8 || type == MatrixType::U8 ||
         type == MatrixType::S32;
}

const char *trine::sim::getTypeName(MatrixType type) {
  static const char *const names[] = {"f16",  "bf16", "tf32", "f32", "f64",
                                      "e4m3", "e5m2", "s8",   "u8",  "s32"};
  return names[static_cast<unsigned>(type)];
}

AccumulateMode trine::sim::getHopperAccumulateMode(MatrixType operand) {
  AccumulateMode mode;
  mode.kind = AccumulateMode::Aligned;
  mode.truncate = true;
  bool narrow = operand == MatrixType::E4M3 || operand == MatrixType::E5M2;
  mode.fractionBits = narrow ? 13 : 25;
  mode.sliceLength = narrow ? 32 : operand == MatrixType::TF32 ? 8 : 16;
  return mode;
}

namespace {

/// All 256 values of a type of one byte.
struct ByteTable {
  float values[256];
  explicit ByteTable(FloatFormat format) {
    for (unsigned i = 0; i < 256; ++i)
      values[i] = static_cast<float>(decodeFloat(format, i));
  }
};

} // namespace

const float *trine::sim::getByteTable(MatrixType type) {
  static const ByteTable e4m3(FloatFormat::E4M3), e5m2(FloatFormat::E5M2);
  return type == MatrixType::E4M3 ? e4m3.values : e5m2.values;
}

// F32 accumulators, vectorised. Products of 24-bit numbers are exact in
// doubles, so fused and separate multiply-adds agree and every variant gives
// the same bits.

#define TRINE_SIM_INLINE static inline __attribute__((always_inline))

namespace {

/// Vectors of as many doubles as one register of the target holds.
template <unsigned width>
struct Vectors {
  typedef float Half __attribute__((vector_size(2 * width)));
  typedef float Floats __attribute__((vector_size(4 * width)));
  typedef int32_t Ints __attribute__((vector_size(4 * width)));
  typedef double Doubles __attribute__((vector_size(8 * width)));
  typedef int64_t Longs __attribute__((vector_size(8 * width)));
};

} // namespace

static const unsigned maxSteps = 32; // of k

namespace {

/// The slices of k in their order, and how each is summed.
struct Slices {
  unsigned count = 0;
  uint8_t begin[maxSteps], end[maxSteps];
  bool align = false, truncate = false;
  int64_t fractionBits = 0;
};

} // namespace

namespace {

template <unsigned width>
struct Kernel {
  using Half = typename Vectors<width>::Half;
  using Floats = typename Vectors<width>::Floats;
  using Ints = typename Vectors<width>::Ints;
  using Doubles = typename Vectors<width>::Doubles;
  using Longs = typename Vectors<width>::Longs;

  /// The greatest of both as magnitudes; both are bits without sign.
  TRINE_SIM_INLINE void raise(Longs &greatest, const Doubles &value) {
    Longs bits = (Longs)value & INT64_MAX;
    greatest = bits > greatest ? bits : greatest;
  }

  /// Drops the bits of `value` that lie `fractionBits` below the exponent
  /// `field`.
  TRINE_SIM_INLINE void cut(Doubles &value, const Longs &field,
                            int64_t fractionBits) {
    Longs bits = (Longs)value;
    Longs drop = 52 - (((bits >> 52) & 0x7FF) - (field - fractionBits));
    Longs none = {};
    Longs mask = drop > 52 ? none : (none - 1) << (drop < 0 ? none : drop);
    value = (Doubles)(bits & mask);
  }

  TRINE_SIM_INLINE void roundToF32(Doubles &sum, bool truncate) {
    Floats nearest = __builtin_convertvector(sum, Floats);
    Doubles wide = __builtin_convertvector(nearest, Doubles);
    if (truncate) {
      // Where the nearest is farther from zero, the one before it is wanted.
      Longs above = ((Longs)wide & INT64_MAX) > ((Longs)sum & INT64_MAX);
      Ints step = __builtin_convertvector(above, Ints); // -1 or 0
      wide = __builtin_convertvector((Floats)((Ints)nearest + step), Doubles);
      wide = sum == sum ? wide : sum;
    }
    sum = wide;
  }

  TRINE_SIM_INLINE void load(const uint32_t *even, const uint32_t *odd,
                             Doubles &sum) {
    Half low, high;
    std::memcpy(&low, even, sizeof(low));
    std::memcpy(&high, odd, sizeof(high));
    Floats both;
    if constexpr (width == 8)
      both = __builtin_shufflevector(low, high, 0, 4, 1, 5, 2, 6, 3, 7);
    else if constexpr (width == 4)
      both = __builtin_shufflevector(low, high, 0, 2, 1, 3);
    else
      both = Floats{low[0], high[0]};
    sum = __builtin_convertvector(both, Doubles);
  }

  TRINE_SIM_INLINE void store(const Doubles &sum, uint32_t *even,
                              uint32_t *odd) {
    Floats result = __builtin_convertvector(sum, Floats);
    Ints isNaN = result != result;
    result = (Floats)((isNaN & 0x7FFFFFFF) | (~isNaN & (Ints)result));
    Half low, high;
    if constexpr (width == 8) {
      low = __builtin_shufflevector(result, result, 0, 2, 4, 6);
      high = __builtin_shufflevector(result, result, 1, 3, 5, 7);
    } else if constexpr (width == 4) {
      low = __builtin_shufflevector(result, result, 0, 2);
      high = __builtin_shufflevector(result, result, 1, 3);
    } else {
      low[0] = result[0];
      high[0] = result[1];
    }
    std::memcpy(even, &low, sizeof(low));
    std::memcpy(odd, &high, sizeof(high));
  }

  TRINE_SIM_INLINE void loadB(const float *b, Doubles &wide) {
    Floats narrow;
    std::memcpy(&narrow, b, sizeof(narrow));
    wide = __builtin_convertvector(narrow, Doubles);
  }

  /// `rows` rows and `width` columns of a block, from `row` and `column` on.
  template <unsigned rows, bool isAligned>
  TRINE_SIM_INLINE void accumulate(unsigned k, unsigned pitch, const double *a,
                                   const float *b, const uint32_t *const *c,
                                   uint32_t *const *d, unsigned row,
                                   unsigned column, const Slices &slices) {
    const unsigned lane = 4 * row + column / 2;
    a += row * k;
    b += column;
    Doubles sums[rows];
    for (unsigned i = 0; i < rows; ++i)
      if (c)
        load(c[0] + lane + 4 * i, c[1] + lane + 4 * i, sums[i]);
      else
        sums[i] = Doubles{};
    for (unsigned slice = 0; slice < slices.count; ++slice) {
      const unsigned begin = slices.begin[slice], end = slices.end[slice];
      if constexpr (!isAligned) {
        for (unsigned step = begin; step < end; ++step) {
          Doubles wide;
          loadB(b + step * pitch, wide);
          for (unsigned i = 0; i < rows; ++i)
            sums[i] += wide * a[i * k + step];
        }
      } else {
        for (unsigned i = 0; i < rows; ++i) {
          Longs greatest = {};
          raise(greatest, sums[i]);
          for (unsigned step = begin; step < end; ++step) {
            Doubles wide;
            loadB(b + step * pitch, wide);
            raise(greatest, wide * a[i * k + step]);
          }
          Longs field = greatest >> 52;
          cut(sums[i], field, slices.fractionBits);
          for (unsigned step = begin; step < end; ++step) {
            Doubles wide;
            loadB(b + step * pitch, wide);
            wide *= a[i * k + step];
            cut(wide, field, slices.fractionBits);
            sums[i] += wide;
          }
        }
      }
      for (unsigned i = 0; i < rows; ++i)
        roundToF32(sums[i], slices.truncate);
    }
    for (unsigned i = 0; i < rows; ++i)
      store(sums[i], d[0] + lane + 4 * i, d[1] + lane + 4 * i);
  }
};

struct Blocks {
  unsigned rowBlocks, columnBlocks, k;
  const float *a, *b;
  const uint32_t *const *c;
  uint32_t *const *d;
  Slices slices;
};

} // namespace

template <unsigned width, unsigned rows>
TRINE_SIM_INLINE void accumulateBlocks(const Blocks &blocks) {
  const unsigned k = blocks.k, columnBlocks = blocks.columnBlocks;
  double wideA[8 * maxSteps];
  for (unsigned block = 0; block < blocks.rowBlocks; ++block) {
    for (unsigned i = 0; i < 8 * k; ++i)
      wideA[i] = blocks.a[block * 8 * k + i];
    for (unsigned column = 0; column < columnBlocks; ++column) {
      unsigned index = 2 * (block * columnBlocks + column);
      const uint32_t *const *c = blocks.c ? blocks.c + index : nullptr;
      const float *b = blocks.b + 8 * column;
      uint32_t *const *d = blocks.d + index;
      for (unsigned at = 0; at < 8; at += width)
        for (unsigned row = 0; row < 8; row += rows)
          if (blocks.slices.align)
            Kernel<width>::template accumulate<rows, true>(
                k, 8 * columnBlocks, wideA, b, c, d, row, at, blocks.slices);
          else
            Kernel<width>::template accumulate<rows, false>(
                k, 8 * columnBlocks, wideA, b, c, d, row, at, blocks.slices);
    }
  }
}

static void accumulateBaseline(const Blocks &blocks) {
  accumulateBlocks<2, 4>(blocks);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void
accumulateAvx2(const Blocks &blocks) {
  accumulateBlocks<4, 8>(blocks);
}
__attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma"))) static void
accumulateAvx512(const Blocks &blocks) {
  accumulateBlocks<8, 8>(blocks);
}
#endif

using AccumulateBlocks = void (*)(const Blocks &);

static AccumulateBlocks chooseBlocks() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return accumulateAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return accumulateAvx2;
#endif
  return accumulateBaseline;
}

/// The order of the slices: 0, 1, ... for seed 0.
static std::vector<unsigned> orderSlices(unsigned count, uint64_t seed) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (unsigned i = count; seed && i > 1; --i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i - 1], order[(seed >> 33) % i]);
  }
  return order;
}

static Slices listSlices(unsigned k, const AccumulateMode &mode) {
  Slices slices;
  bool whole = mode.kind == AccumulateMode::Exact || mode.sliceLength == 0;
  unsigned length = whole ? k : mode.sliceLength;
  for (unsigned slice : orderSlices((k + length - 1) / length, mode.seed)) {
    slices.begin[slices.count] = static_cast<uint8_t>(slice * length);
    slices.end[slices.count++] =
        static_cast<uint8_t>(std::min(k, (slice + 1) * length));
  }
  slices.align = mode.kind == AccumulateMode::Aligned;
  slices.truncate =
      slices.align || (mode.kind == AccumulateMode::Sliced && mode.truncate);
  slices.fractionBits = mode.fractionBits;
  return slices;
}

void trine::sim::accumulateF32(unsigned rowBlocks, unsigned columnBlocks,
                               unsigned k, const float *a, const float *b,
                               const uint32_t *const *c, uint32_t *const *d,
                               const AccumulateMode &mode) {
  static const AccumulateBlocks accumulate = chooseBlocks();
  if (k && k <= maxSteps)
    accumulate({rowBlocks, columnBlocks, k, a, b, c, d, listSlices(k, mode)});
}

// F16 accumulators, one by one.

/// |value| cut to a multiple of 2^unit, toward zero.
static double cutTo(double value, int unit) {
  double scaled = std::ldexp(value, -unit);
  return std::ldexp(std::trunc(scaled), unit);
}

/// The sum of the accumulator and one slice of products, not rounded yet.
static double sumSlice(double accumulator, const double *products,
                       unsigned count, const Slices &slices) {
  if (!slices.align)
    return std::accumulate(products, products + count, accumulator);
  int greatest = INT32_MIN;
  auto visit = [&](double value) {
    int exponent = 0;
    if (value != 0 && std::isfinite(value)) {
      std::frexp(value, &exponent);
      greatest = std::max(greatest, exponent - 1);
    }
  };
  visit(accumulator);
  std::for_each(products, products + count, visit);
  if (greatest == INT32_MIN)
    return std::accumulate(products, products + count, accumulator);
  int unit = greatest - static_cast<int>(slices.fractionBits);
  auto cut = [&](double value) {
    return std::isfinite(value) ? cutTo(value, unit) : value;
  };
  double sum = cut(accumulator);
  for (unsigned i = 0; i < count; ++i)
    sum += cut(products[i]);
  return sum;
}

static double roundToF16(double sum, bool truncate) {
  EncodeOptions options;
  options.rounding = truncate ? Rounding::TowardZero : Rounding::NearestEven;
  return floatFromHalf(
      static_cast<uint32_t>(encodeFloat(FloatFormat::F16, sum, options)));
}

void trine::sim::accumulateF16(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, uint16_t *c,
                               const AccumulateMode &mode) {
  if (k == 0 || k > maxSteps)
    return;
  const Slices slices = listSlices(k, mode);
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; ++column) {
      double sum = floatFromHalf(c[row * n + column]);
      for (unsigned slice = 0; slice < slices.count; ++slice) {
        double products[maxSteps];
        unsigned count = 0;
        for (unsigned i = slices.begin[slice]; i < slices.end[slice]; ++i)
          products[count++] = static_cast<double>(a[row * k + i]) *
                              static_cast<double>(b[i * n + column]);
        sum =
            roundToF16(sumSlice(sum, products, count, slices), slices.truncate);
      }
      c[row * n + column] =
          static_cast<uint16_t>(encodeFloat(FloatFormat::F16, sum));
    }
}

void trine::sim::accumulateS32(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, uint32_t *c,
                               bool saturate) {
  for (unsigned row = 0; row < m; ++row) {
    // At most 32 products of 16 bits: exact in F32.
    float sums[256] = {};
    for (unsigned step = 0; step < k; ++step)
      for (unsigned column = 0; column < n; ++column)
        sums[column] += a[row * k + step] * b[step * n + column];
    for (unsigned column = 0; column < n; ++column) {
      uint32_t &word = c[row * n + column];
      int64_t sum = static_cast<int64_t>(static_cast<int32_t>(word)) +
                    static_cast<int64_t>(sums[column]);
      if (saturate)
        sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
      word = static_cast<uint32_t>(sum);
    }
  }
}

void trine::sim::accumulateF64(unsigned m, unsigned n, unsigned k,
                               const double *a, const double *b, double *c) {
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; ++column) {
      double sum = c[row * n + column];
      for (unsigned i = 0; i < k; ++i)
        sum = std::fma(a[row * k + i], b[i * n + column], sum);
      c[row * n + column] = sum;
    }
}
