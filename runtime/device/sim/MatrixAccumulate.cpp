// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixAccumulate.h"
#include "MatrixDecode.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

using namespace trine::sim;

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

// The exact mode, vectorised: products of 24-bit numbers are exact in doubles,
// so fused and separate multiply-adds agree and every variant gives the same
// bits.

typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));
typedef int32_t Int8 __attribute__((vector_size(32)));
typedef double Double8 __attribute__((vector_size(64)));

#define TRINE_SIM_INLINE static inline __attribute__((always_inline))

/// `rows` rows of a block: accumulator rows first.. of registers even and odd.
template <unsigned rows>
TRINE_SIM_INLINE void
accumulateRows(unsigned k, unsigned pitch, const double *a, const float *b,
               const uint32_t *const *c, uint32_t *const *d, unsigned first) {
  Double8 sums[rows];
  for (unsigned i = 0; i < rows; ++i) {
    Float8 start = {};
    if (c) {
      Float4 even, odd;
      std::memcpy(&even, c[0] + 4 * (first + i), sizeof(even));
      std::memcpy(&odd, c[1] + 4 * (first + i), sizeof(odd));
      start = __builtin_shufflevector(even, odd, 0, 4, 1, 5, 2, 6, 3, 7);
    }
    sums[i] = __builtin_convertvector(start, Double8);
  }
  for (unsigned step = 0; step < k; ++step) {
    Float8 narrow;
    std::memcpy(&narrow, b + step * pitch, sizeof(narrow));
    Double8 wide = __builtin_convertvector(narrow, Double8);
    for (unsigned i = 0; i < rows; ++i)
      sums[i] += wide * a[(first + i) * k + step];
  }
  for (unsigned i = 0; i < rows; ++i) {
    Float8 result = __builtin_convertvector(sums[i], Float8);
    Int8 isNaN = result != result;
    result = (Float8)((isNaN & 0x7FFFFFFF) | (~isNaN & (Int8)result));
    Float4 even = __builtin_shufflevector(result, result, 0, 2, 4, 6);
    Float4 odd = __builtin_shufflevector(result, result, 1, 3, 5, 7);
    std::memcpy(d[0] + 4 * (first + i), &even, sizeof(even));
    std::memcpy(d[1] + 4 * (first + i), &odd, sizeof(odd));
  }
}

template <unsigned rows>
TRINE_SIM_INLINE void
accumulateBlocks(unsigned rowBlocks, unsigned columnBlocks, unsigned k,
                 const float *a, const float *b, const uint32_t *const *c,
                 uint32_t *const *d) {
  double wideA[8 * 32]; // k is at most 32
  for (unsigned block = 0; block < rowBlocks; ++block) {
    for (unsigned i = 0; i < 8 * k; ++i)
      wideA[i] = a[block * 8 * k + i];
    for (unsigned column = 0; column < columnBlocks; ++column) {
      unsigned index = 2 * (block * columnBlocks + column);
      for (unsigned first = 0; first < 8; first += rows)
        accumulateRows<rows>(k, 8 * columnBlocks, wideA, b + 8 * column,
                             c ? c + index : nullptr, d + index, first);
    }
  }
}

using AccumulateBlocks = void (*)(unsigned, unsigned, unsigned, const float *,
                                  const float *, const uint32_t *const *,
                                  uint32_t *const *);

static void accumulateBaseline(unsigned rowBlocks, unsigned columnBlocks,
                               unsigned k, const float *a, const float *b,
                               const uint32_t *const *c, uint32_t *const *d) {
  accumulateBlocks<2>(rowBlocks, columnBlocks, k, a, b, c, d);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void
accumulateAvx2(unsigned rowBlocks, unsigned columnBlocks, unsigned k,
               const float *a, const float *b, const uint32_t *const *c,
               uint32_t *const *d) {
  accumulateBlocks<4>(rowBlocks, columnBlocks, k, a, b, c, d);
}
__attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma"))) static void
accumulateAvx512(unsigned rowBlocks, unsigned columnBlocks, unsigned k,
                 const float *a, const float *b, const uint32_t *const *c,
                 uint32_t *const *d) {
  accumulateBlocks<8>(rowBlocks, columnBlocks, k, a, b, c, d);
}
#endif

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

/// |value| cut to a multiple of 2^unit, toward zero.
static double cutTo(double value, int unit) {
  double scaled = std::ldexp(value, -unit);
  return std::ldexp(std::trunc(scaled), unit);
}

/// The sum of the accumulator and one slice of products, not rounded yet.
static double sumSlice(double accumulator, const double *products,
                       unsigned count, const AccumulateMode &mode) {
  if (mode.kind != AccumulateMode::Aligned)
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
  int unit = greatest - mode.fractionBits;
  auto cut = [&](double value) {
    return std::isfinite(value) ? cutTo(value, unit) : value;
  };
  double sum = cut(accumulator);
  for (unsigned i = 0; i < count; ++i)
    sum += cut(products[i]);
  return sum;
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

/// One element of D, slice by slice; `round` turns a sum into an accumulator.
template <typename Round>
static double accumulateElement(double start, const float *a, const float *b,
                                unsigned stride, unsigned k,
                                const AccumulateMode &mode,
                                const std::vector<unsigned> &order,
                                unsigned length, Round round) {
  double sum = start;
  double products[256];
  for (unsigned slice : order) {
    unsigned count = 0;
    for (unsigned i = slice * length;
         i < std::min(k, (slice + 1) * length) && count < 256; ++i)
      products[count++] =
          static_cast<double>(a[i]) * static_cast<double>(b[i * stride]);
    sum = round(sumSlice(sum, products, count, mode));
  }
  return sum;
}

template <typename Round, typename Load, typename Store>
static void accumulateSlices(unsigned m, unsigned n, unsigned k, const float *a,
                             const float *b, const AccumulateMode &mode,
                             Round round, Load load, Store store) {
  unsigned length = mode.sliceLength == 0 ? k : mode.sliceLength;
  std::vector<unsigned> order =
      orderSlices((k + length - 1) / length, mode.seed);
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; ++column) {
      unsigned index = row * n + column;
      store(index, accumulateElement(load(index), a + row * k, b + column, n, k,
                                     mode, order, length, round));
    }
}

static EncodeOptions getRoundingOptions(const AccumulateMode &mode) {
  EncodeOptions options;
  bool truncate = mode.kind == AccumulateMode::Aligned ||
                  (mode.kind == AccumulateMode::Sliced && mode.truncate);
  options.rounding = truncate ? Rounding::TowardZero : Rounding::NearestEven;
  return options;
}

void trine::sim::accumulateF32(unsigned rowBlocks, unsigned columnBlocks,
                               unsigned k, const float *a, const float *b,
                               const uint32_t *const *c, uint32_t *const *d,
                               const AccumulateMode &mode) {
  if (mode.kind == AccumulateMode::Exact) {
    static const AccumulateBlocks accumulate = chooseBlocks();
    accumulate(rowBlocks, columnBlocks, k, a, b, c, d);
    return;
  }
  EncodeOptions options = getRoundingOptions(mode);
  const unsigned n = 8 * columnBlocks;
  // Where element (row, column) is: its register and its lane.
  auto locate = [&](unsigned at, unsigned &reg, unsigned &lane) {
    unsigned row = at / n, column = at % n;
    reg = 2 * (row / 8 * columnBlocks + column / 8) + column % 2;
    lane = 4 * (row % 8) + column % 8 / 2;
  };
  accumulateSlices(
      8 * rowBlocks, n, k, a, b, mode,
      [&](double sum) {
        return decodeFloat(FloatFormat::F32,
                           encodeFloat(FloatFormat::F32, sum, options));
      },
      [&](unsigned at) {
        unsigned reg, lane;
        locate(at, reg, lane);
        return c ? static_cast<double>(floatFromBits(c[reg][lane])) : 0.0;
      },
      [&](unsigned at, double value) {
        unsigned reg, lane;
        locate(at, reg, lane);
        d[reg][lane] = value != value
                           ? 0x7FFFFFFF
                           : bitsFromFloat(static_cast<float>(value));
      });
}

void trine::sim::accumulateF16(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, uint16_t *c,
                               const AccumulateMode &mode) {
  if (mode.kind == AccumulateMode::Exact) {
    for (unsigned row = 0; row < m; ++row) {
      double sums[256];
      for (unsigned column = 0; column < n; ++column)
        sums[column] = floatFromHalf(c[row * n + column]);
      for (unsigned step = 0; step < k; ++step)
        for (unsigned column = 0; column < n; ++column)
          sums[column] += static_cast<double>(a[row * k + step]) *
                          static_cast<double>(b[step * n + column]);
      for (unsigned column = 0; column < n; ++column)
        c[row * n + column] =
            static_cast<uint16_t>(encodeFloat(FloatFormat::F16, sums[column]));
    }
    return;
  }
  EncodeOptions options = getRoundingOptions(mode);
  accumulateSlices(
      m, n, k, a, b, mode,
      [&](double sum) {
        return decodeFloat(FloatFormat::F16,
                           encodeFloat(FloatFormat::F16, sum, options));
      },
      [&](unsigned i) { return static_cast<double>(floatFromHalf(c[i])); },
      [&](unsigned i, double value) {
        c[i] = static_cast<uint16_t>(encodeFloat(FloatFormat::F16, value));
      });
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
