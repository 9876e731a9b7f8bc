// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floating-point instructions over the lanes of a warp.
#include "FloatApproximation.h"
#include "FloatArithmetic.h"
#include "FloatConversion.h"
#include "LaneFormats.h"
#include "LaneLoops.h"
#include "Lanes.h"
#include <cmath>

using namespace trine::sim;

namespace trine::sim::baseline {
const LaneTable &table();
}
namespace trine::sim::avx2 {
const LaneTable &table();
}

const LaneTable &trine::sim::laneTable() {
#if defined(__x86_64__) && defined(TRINE_SIM_HAS_AVX2)
  static const bool hasAvx2 = __builtin_cpu_supports("avx2") &&
                              __builtin_cpu_supports("fma") &&
                              __builtin_cpu_supports("bmi2");
  if (hasAvx2)
    return avx2::table();
#endif
  return baseline::table();
}

namespace {

/// Applies \p operation to each element: the value of a lane, or both halves of
/// a packed one.
template <typename Operation>
void elements(Warp &warp, const Instruction &i, unsigned operands,
              Operation operation) {
  unsigned bytes = bytesOf(i.type);
  FloatFormat format = formatOf(i.type);
  bool pair = isPair(i.type);
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t a = laneValue(warp, i.a, bytes, l);
    uint64_t b = operands > 1 ? laneValue(warp, i.b, bytes, l) : 0;
    uint64_t c = operands > 2 ? laneValue(warp, i.c, bytes, l) : 0;
    uint64_t result;
    if (pair)
      result =
          (operation(format, a & 0xffff, b & 0xffff, c & 0xffff) & 0xffff) |
          operation(format, a >> 16 & 0xffff, b >> 16 & 0xffff,
                    c >> 16 & 0xffff)
              << 16;
    else
      result = operation(format, a, b, c);
    setLane(warp, i.d, bytes, l, result);
  });
}

ArithmeticOptions arithmeticOptions(const Instruction &i) {
  ArithmeticOptions options;
  options.rounding = i.rounding;
  options.flushToZero = i.has(FlagFtz);
  options.saturate = i.has(FlagSaturate);
  options.relu = i.has(FlagRelu);
  return options;
}

template <FloatOp op>
void arithmetic(Warp &warp, const Instruction &i) {
  ArithmeticOptions options = arithmeticOptions(i);
  constexpr unsigned operands = op == FloatOp::Fma                          ? 3
                                : op == FloatOp::Sqrt || op == FloatOp::Rcp ? 1
                                                                            : 2;
  elements(warp, i, operands,
           [&](FloatFormat format, uint64_t a, uint64_t b, uint64_t c) {
             switch (op) {
             case FloatOp::Add:
               return addFloats(format, a, b, options);
             case FloatOp::Sub:
               return subtractFloats(format, a, b, options);
             case FloatOp::Mul:
               return multiplyFloats(format, a, b, options);
             case FloatOp::Fma:
               return fuseMultiplyAdd(format, a, b, c, options);
             case FloatOp::Div:
               return divideFloats(format, a, b, options);
             case FloatOp::Sqrt:
               return takeSquareRoot(format, a, options);
             default:
               return divideFloats(format, encodeFloat(format, 1.0), a,
                                   options);
             }
           });
}

/// f32, rounded to nearest even.
template <FloatOp op>
void fastF32(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b);
  alignas(64) uint32_t result[32], negated[32];
  uint32_t *to = warp.mask == ~0u ? warp.out<uint32_t>(i.d) : result;
  bool ftz = i.has(FlagFtz);
  if (op == FloatOp::Fma) {
    fuseMultiplyAddLanes(a, b, warp.in<uint32_t>(i.c), to, 32, ftz);
  } else if (op == FloatOp::Mul) {
    multiplyFloatLanes(a, b, to, 32, ftz);
  } else if (op == FloatOp::Sub) {
    for (unsigned l = 0; l < 32; ++l)
      negated[l] = b[l] ^ 0x80000000u;
    addFloatLanes(a, negated, to, 32, ftz);
  } else {
    addFloatLanes(a, b, to, 32, ftz);
  }
  if (to == result)
    forActiveLanes(warp,
                   [&](unsigned l) { warp.out<uint32_t>(i.d)[l] = result[l]; });
}

/// a * b + c, rounded towards zero, down or up. The product is exact in f64,
/// and the sum's error is known; so the direction is decided without wide
/// integers. Zeros, whose sign the direction decides, and NaN take the general
/// way.
template <FloatOp op>
void directedF32(Warp &warp, const Instruction &i) {
  ArithmeticOptions options = arithmeticOptions(i);
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b);
  const uint32_t *c = warp.in<uint32_t>(i.c);
  bool ftz = i.has(FlagFtz);
  forActiveLanes(warp, [&](unsigned l) {
    auto value = [&](uint32_t bits) {
      return double(ftz ? flushed(bits) : floatFromBits(bits));
    };
    double x = value(a[l]), y = value(b[l]), product = x, addend = y;
    if (op == FloatOp::Fma) {
      product = x * y;
      addend = value(c[l]);
    } else if (op == FloatOp::Sub) {
      addend = -y;
    } else if (op == FloatOp::Mul) {
      product = x * y;
      addend = 0;
    }
    double sum = product + addend;
    // Two-sum: sum + error is exact.
    double other = sum - product;
    double error = (product - (sum - other)) + (addend - other);
    uint32_t bits = bitsFromFloat(float(sum));
    if (sum == 0 || !(std::fabs(sum) < 1e300)) {
      switch (op) {
      case FloatOp::Fma:
        bits = uint32_t(
            fuseMultiplyAdd(FloatFormat::F32, a[l], b[l], c[l], options));
        break;
      case FloatOp::Mul:
        bits = uint32_t(multiplyFloats(FloatFormat::F32, a[l], b[l], options));
        break;
      case FloatOp::Sub:
        bits = uint32_t(subtractFloats(FloatFormat::F32, a[l], b[l], options));
        break;
      default:
        bits = uint32_t(addFloats(FloatFormat::F32, a[l], b[l], options));
      }
      warp.out<uint32_t>(i.d)[l] = bits;
      return;
    }
    double rounded = double(floatFromBits(bits));
    bool above = rounded > sum || (rounded == sum && error < 0);
    bool below = rounded < sum || (rounded == sum && error > 0);
    bool negative = sum < 0;
    bool down = i.rounding == Rounding::Down ||
                (i.rounding == Rounding::TowardZero && !negative);
    // A step of the bits away from or towards zero.
    if (down && above)
      bits += negative ? 1 : bits == 0 ? 0x80000001u : -1;
    else if (!down && below)
      bits += negative ? (bits == 0x80000000u ? 0x80000001u : -1) : 1;
    if (ftz && (bits & 0x7f800000) == 0)
      bits &= 0x80000000;
    warp.out<uint32_t>(i.d)[l] = bits;
  });
}

template <bool maximum>
void extremum(Warp &warp, const Instruction &i) {
  MinMaxOptions options;
  options.flushToZero = i.has(FlagFtz);
  options.propagateNaN = i.has(FlagNaN);
  options.xorSignAbs = i.has(FlagXorSign);
  elements(warp, i, 2,
           [&](FloatFormat format, uint64_t a, uint64_t b, uint64_t) {
             return maximum ? takeMaximum(format, a, b, options)
                            : takeMinimum(format, a, b, options);
           });
}

/// f32 without .NaN and .xorsign.
template <bool maximum>
void fastExtremum(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b);
  bool ftz = i.has(FlagFtz);
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    uint32_t x = a[l], y = b[l];
    if (ftz) {
      x = (x & 0x7f800000) == 0 ? x & 0x80000000 : x;
      y = (y & 0x7f800000) == 0 ? y & 0x80000000 : y;
    }
    bool xIsNaN = (x & 0x7fffffff) > 0x7f800000,
         yIsNaN = (y & 0x7fffffff) > 0x7f800000;
    // Ordered as integers; -0 is below +0.
    int32_t xOrder = int32_t(x) < 0 ? int32_t(x ^ 0x7fffffff) : int32_t(x),
            yOrder = int32_t(y) < 0 ? int32_t(y ^ 0x7fffffff) : int32_t(y);
    uint32_t chosen = (maximum ? xOrder > yOrder : xOrder < yOrder) ? x : y;
    chosen = xIsNaN ? y : yIsNaN ? x : chosen;
    return xIsNaN && yIsNaN ? 0x7fffffffu : chosen;
  });
}

/// neg, abs, copysign: on the sign bits.
template <FloatOp op>
void signs(Warp &warp, const Instruction &i) {
  elements(warp, i, op == FloatOp::CopySign ? 2 : 1,
           [&](FloatFormat format, uint64_t a, uint64_t b, uint64_t) {
             uint64_t sign = 1ull << (getStorageBits(format) - 1);
             if (op == FloatOp::CopySign) // the sign is the first operand's
               return (b & ~sign) | (a & sign);
             if (i.has(FlagFtz))
               a = flushSubnormal(format, a);
             return op == FloatOp::Neg ? a ^ sign : a & ~sign;
           });
}

template <FloatOp op>
void fastSigns(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a);
  bool ftz = i.has(FlagFtz);
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    uint32_t x = a[l];
    if (ftz)
      x = (x & 0x7f800000) == 0 ? x & 0x80000000 : x;
    return op == FloatOp::Neg ? x ^ 0x80000000 : x & 0x7fffffff;
  });
}

ApproximationOptions approximationOptions(const Warp &warp,
                                          const Instruction &i) {
  ApproximationOptions options;
  options.flushToZero = i.has(FlagFtz);
  options.perturb = warp.perturbs;
  options.seed = warp.seed;
  return options;
}

void approximateLanes(Warp &warp, const Instruction &i) {
  ApproximationOptions options = approximationOptions(warp, i);
  elements(warp, i, 1, [&](FloatFormat format, uint64_t a, uint64_t, uint64_t) {
    return approximate(Approximation(i.operation), format, a, options);
  });
}

void quotientLanes(Warp &warp, const Instruction &i) {
  ApproximationOptions options = approximationOptions(warp, i);
  elements(warp, i, 2, [&](FloatFormat, uint64_t a, uint64_t b, uint64_t) {
    return uint64_t(approximateQuotient(uint32_t(a), uint32_t(b),
                                        i.has(FlagFull), options));
  });
}

/// testp: operation 0 finite, 1 infinite, 2 number, 3 notanumber, 4 normal, 5
/// subnormal.
void testProperty(Warp &warp, const Instruction &i) {
  FloatFormat format = formatOf(i.type);
  unsigned bytes = bytesOf(i.type);
  uint32_t bits = 0;
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t a = laneValue(warp, i.a, bytes, l);
    bool nan = isNaN(format, a), infinite = isInfinite(format, a),
         subnormal = isSubnormal(format, a);
    bool zero = (a & ~(1ull << (getStorageBits(format) - 1))) == 0;
    bool result = false;
    switch (i.operation) {
    case 0:
      result = !nan && !infinite;
      break;
    case 1:
      result = infinite;
      break;
    case 2:
      result = !nan;
      break;
    case 3:
      result = nan;
      break;
    case 4:
      result = !nan && !infinite && !subnormal && !zero;
      break;
    default:
      result = subnormal;
    }
    bits |= uint32_t(result) << l;
  });
  warp.setPredicate(i.d, bits);
}

uint32_t booleanOf(const Warp &warp, const Instruction &i, uint32_t bits) {
  if (!i.boolean)
    return bits;
  uint32_t c = warp.predicate(i.c);
  return BooleanOp(i.boolean) == BooleanOp::And  ? bits & c
         : BooleanOp(i.boolean) == BooleanOp::Or ? bits | c
                                                 : bits ^ c;
}

/// setp and set on f16, bf16 and their pairs, and set on all types. fromType is
/// compared; type None means setp.
void compareGeneral(Warp &warp, const Instruction &i) {
  FloatFormat format = formatOf(i.fromType);
  unsigned bytes = bytesOf(i.fromType);
  bool pair = isPair(i.fromType);
  uint32_t low = 0, high = 0;
  auto comparison = FloatComparison(i.operation);
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t a = laneValue(warp, i.a, bytes, l),
             b = laneValue(warp, i.b, bytes, l);
    if (!isFloat(i.fromType)) {
      unsigned shift = 64 - 8 * bytes;
      auto sa = int64_t(a << shift) >> shift, sb = int64_t(b << shift) >> shift;
      bool less = isSigned(i.fromType) ? sa < sb : a < b;
      bool equal = a == b;
      bool result = false;
      switch (CompareOp(i.operation)) {
      case CompareOp::Eq:
        result = equal;
        break;
      case CompareOp::Ne:
        result = !equal;
        break;
      case CompareOp::Lt:
        result = less;
        break;
      case CompareOp::Le:
        result = less || equal;
        break;
      case CompareOp::Gt:
        result = !less && !equal;
        break;
      default:
        result = !less;
      }
      low |= uint32_t(result) << l;
      return;
    }
    uint64_t mask = pair ? 0xffff : ~0ull;
    low |= uint32_t(compareFloats(format, comparison, a & mask, b & mask,
                                  i.has(FlagFtz)))
           << l;
    if (pair)
      high |= uint32_t(compareFloats(format, comparison, a >> 16 & mask,
                                     b >> 16 & mask, i.has(FlagFtz)))
              << l;
  });
  if (i.type == Type::None) {
    // One result and its complement, or one per half.
    uint32_t second =
        pair ? booleanOf(warp, i, high) : booleanOf(warp, i, ~low);
    warp.setPredicate(i.d, booleanOf(warp, i, low));
    if (i.e)
      warp.setPredicate(i.e, second);
    return;
  }
  low = booleanOf(warp, i, low);
  high = booleanOf(warp, i, high);
  forActiveLanes(warp, [&](unsigned l) {
    bool first = low >> l & 1, second = high >> l & 1;
    uint64_t value;
    if (pair) {
      uint32_t one = isFloat(i.type)
                         ? uint32_t(encodeFloat(formatOf(i.type), 1.0))
                         : 0xffff;
      value = (first ? one : 0) | (second ? one << 16 : 0);
    } else if (isFloat(i.type)) {
      value = first ? encodeFloat(formatOf(i.type), 1.0) : 0;
    } else {
      value = first ? ~0ull : 0;
    }
    setLane(warp, i.d, bytesOf(i.type), l, value);
  });
}

} // namespace

Handler trine::sim::findFloat(FloatOp op, Type type, const Instruction &i) {
  bool plain =
      i.rounding == Rounding::NearestEven && !i.has(FlagSaturate | FlagRelu);
  if (type == Type::F32 && plain) {
    switch (op) {
    case FloatOp::Add:
      return &fastF32<FloatOp::Add>;
    case FloatOp::Sub:
      return &fastF32<FloatOp::Sub>;
    case FloatOp::Mul:
      return &fastF32<FloatOp::Mul>;
    case FloatOp::Fma:
      return &fastF32<FloatOp::Fma>;
    case FloatOp::Neg:
      return &fastSigns<FloatOp::Neg>;
    case FloatOp::Abs:
      return &fastSigns<FloatOp::Abs>;
    case FloatOp::Min:
    case FloatOp::Max:
      if (!i.has(FlagNaN | FlagXorSign))
        return op == FloatOp::Max ? &fastExtremum<true> : &fastExtremum<false>;
      break;
    default:
      break;
    }
  }
  if (type == Type::F32 && !i.has(FlagSaturate | FlagRelu) && !plain) {
    switch (op) {
    case FloatOp::Add:
      return &directedF32<FloatOp::Add>;
    case FloatOp::Sub:
      return &directedF32<FloatOp::Sub>;
    case FloatOp::Mul:
      return &directedF32<FloatOp::Mul>;
    case FloatOp::Fma:
      return &directedF32<FloatOp::Fma>;
    default:
      break;
    }
  }
  if (type == Type::F64 && plain)
    if (Handler handler = laneTable().f64(op))
      return handler;
  switch (op) {
  case FloatOp::Add:
    return &arithmetic<FloatOp::Add>;
  case FloatOp::Sub:
    return &arithmetic<FloatOp::Sub>;
  case FloatOp::Mul:
    return &arithmetic<FloatOp::Mul>;
  case FloatOp::Fma:
    return &arithmetic<FloatOp::Fma>;
  case FloatOp::Div:
    return &arithmetic<FloatOp::Div>;
  case FloatOp::Sqrt:
    return &arithmetic<FloatOp::Sqrt>;
  case FloatOp::Rcp:
    return &arithmetic<FloatOp::Rcp>;
  case FloatOp::Min:
    return &extremum<false>;
  case FloatOp::Max:
    return &extremum<true>;
  case FloatOp::Neg:
    return &signs<FloatOp::Neg>;
  case FloatOp::Abs:
    return &signs<FloatOp::Abs>;
  case FloatOp::CopySign:
    return &signs<FloatOp::CopySign>;
  case FloatOp::Approximate:
    return hasApproximation(Approximation(i.operation), formatOf(type))
               ? &approximateLanes
               : nullptr;
  case FloatOp::ApproximateQuotient:
    return &quotientLanes;
  case FloatOp::Testp:
    return &testProperty;
  }
  return nullptr;
}

Handler trine::sim::compareFloatHandler() { return &compareGeneral; }
