// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixAccumulate.h"
#include "FloatFormat.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

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

static float decodeF16(uint32_t bits) {
  uint32_t sign = (bits & 0x8000) << 16, magnitude = bits & 0x7FFF;
  if (magnitude >= 0x7C00)
    return floatFromBits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
  if (magnitude >= 0x400)
    return floatFromBits(sign | ((magnitude << 13) + (112u << 23)));
  float value = static_cast<float>(magnitude) * 5.9604644775390625e-8f; // 2^-24
  return sign ? -value : value;
}

float trine::sim::decodeElement(MatrixType type, uint32_t bits) {
  static const ByteTable e4m3(FloatFormat::E4M3), e5m2(FloatFormat::E5M2);
  switch (type) {
  case MatrixType::F16:
    return decodeF16(bits);
  case MatrixType::BF16:
    return floatFromBits(bits << 16);
  case MatrixType::TF32:
    return floatFromBits(bits & ~0x1FFFu);
  case MatrixType::F32:
    return floatFromBits(bits);
  case MatrixType::E4M3:
    return e4m3.values[bits & 0xFF];
  case MatrixType::E5M2:
    return e5m2.values[bits & 0xFF];
  case MatrixType::S8:
    return static_cast<float>(static_cast<int8_t>(bits));
  case MatrixType::U8:
    return static_cast<float>(static_cast<uint8_t>(bits));
  case MatrixType::F64:
  case MatrixType::S32:
    break;
  }
  return 0;
}

// The exact mode, vectorised: products of 24-bit numbers are exact in doubles,
// so fused and separate multiply-adds agree and every variant gives the same
// bits.

typedef float Float8 __attribute__((vector_size(32)));
typedef double Double8 __attribute__((vector_size(64)));

static inline __attribute__((always_inline)) void
accumulateRows(unsigned m, unsigned n, unsigned k, const float *a,
               const float *b, float *c) {
  const unsigned rows = 4;
  for (unsigned column = 0; column + 8 <= n; column += 8)
    for (unsigned row = 0; row + rows <= m; row += rows) {
      Double8 sums[rows];
      for (unsigned i = 0; i < rows; ++i) {
        Float8 start;
        std::memcpy(&start, c + (row + i) * n + column, sizeof(start));
        sums[i] = __builtin_convertvector(start, Double8);
      }
      for (unsigned step = 0; step < k; ++step) {
        Float8 narrow;
        std::memcpy(&narrow, b + step * n + column, sizeof(narrow));
        Double8 wide = __builtin_convertvector(narrow, Double8);
        for (unsigned i = 0; i < rows; ++i)
          sums[i] += wide * static_cast<double>(a[(row + i) * k + step]);
      }
      for (unsigned i = 0; i < rows; ++i) {
        Float8 result = __builtin_convertvector(sums[i], Float8);
        std::memcpy(c + (row + i) * n + column, &result, sizeof(result));
      }
    }
}

static void accumulateRowsBaseline(unsigned m, unsigned n, unsigned k,
                                   const float *a, const float *b, float *c) {
  accumulateRows(m, n, k, a, b, c);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void
accumulateRowsAvx2(unsigned m, unsigned n, unsigned k, const float *a,
                   const float *b, float *c) {
  accumulateRows(m, n, k, a, b, c);
}
__attribute__((target("avx512f,avx512vl,fma"))) static void
accumulateRowsAvx512(unsigned m, unsigned n, unsigned k, const float *a,
                     const float *b, float *c) {
  accumulateRows(m, n, k, a, b, c);
}
#endif

static void accumulateExact(unsigned m, unsigned n, unsigned k, const float *a,
                            const float *b, float *c) {
#if defined(__x86_64__)
  static const int level =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
          ? 2
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1
                                                                        : 0;
  if (level == 2)
    return accumulateRowsAvx512(m, n, k, a, b, c);
  if (level == 1)
    return accumulateRowsAvx2(m, n, k, a, b, c);
#endif
  accumulateRowsBaseline(m, n, k, a, b, c);
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
  unsigned length = mode.kind == AccumulateMode::Exact || mode.sliceLength == 0
                        ? k
                        : mode.sliceLength;
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

void trine::sim::accumulateF32(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, float *c,
                               const AccumulateMode &mode) {
  if (k == 0)
    return;
  if (mode.kind == AccumulateMode::Exact) {
    accumulateExact(m, n, k, a, b, c);
  } else {
    EncodeOptions options = getRoundingOptions(mode);
    accumulateSlices(
        m, n, k, a, b, mode,
        [&](double sum) {
          return decodeFloat(FloatFormat::F32,
                             encodeFloat(FloatFormat::F32, sum, options));
        },
        [&](unsigned i) { return static_cast<double>(c[i]); },
        [&](unsigned i, double value) { c[i] = static_cast<float>(value); });
  }
  for (unsigned i = 0; i < m * n; ++i)
    if (c[i] != c[i])
      c[i] = floatFromBits(0x7FFFFFFF);
}

void trine::sim::accumulateF16(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, uint16_t *c,
                               const AccumulateMode &mode) {
  if (k == 0)
    return;
  EncodeOptions options = getRoundingOptions(mode);
  accumulateSlices(
      m, n, k, a, b, mode,
      [&](double sum) {
        return decodeFloat(FloatFormat::F16,
                           encodeFloat(FloatFormat::F16, sum, options));
      },
      [&](unsigned i) { return static_cast<double>(decodeF16(c[i])); },
      [&](unsigned i, double value) {
        c[i] = static_cast<uint16_t>(encodeFloat(FloatFormat::F16, value));
      });
}

void trine::sim::accumulateS32(unsigned m, unsigned n, unsigned k,
                               const float *a, const float *b, uint32_t *c,
                               bool saturate) {
  // At most 256 products of 16 bits: exact in F32.
  std::vector<float> sums(static_cast<size_t>(m) * n, 0.0f);
  accumulateExact(m, n, k, a, b, sums.data());
  for (unsigned i = 0; i < m * n; ++i) {
    int64_t sum = static_cast<int64_t>(static_cast<int32_t>(c[i])) +
                  static_cast<int64_t>(sums[i]);
    if (saturate)
      sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
    c[i] = static_cast<uint32_t>(sum);
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
