// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ops of math, computed in double precision and rounded once.
#include "Scalar.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace mlir::trine::reference;

using Instruction = ScalarInstruction;

template <double (*function)(double)>
static bool onReal(const Instruction &i, const Scalar *x, Scalar *results) {
  results[0].real = i.round(function(x[0].real));
  return true;
}
template <double (*function)(double, double)>
static bool onReals(const Instruction &i, const Scalar *x, Scalar *results) {
  results[0].real = i.round(function(x[0].real, x[1].real));
  return true;
}
template <bool (*function)(const Instruction &, double)>
static bool classify(const Instruction &i, const Scalar *x, Scalar *results) {
  results[0].integer = function(i, x[0].real) ? -1 : 0;
  return true;
}

static double cubeRoot(double x) { return std::cbrt(x); }
static double exp2Of(double x) { return std::exp2(x); }
static double reciprocalRoot(double x) { return 1 / std::sqrt(x); }

static bool isFinite(const Instruction &, double x) { return std::isfinite(x); }
static bool isInfinite(const Instruction &, double x) { return std::isinf(x); }
static bool isNaN(const Instruction &, double x) { return std::isnan(x); }
static bool isNormal(const Instruction &i, double x) {
  double least = i.operand == ElementType::F64   ? 0x1p-1022
                 : i.operand == ElementType::F16 ? 0x1p-14
                                                 : 0x1p-126;
  return std::isfinite(x) && std::fabs(x) >= least;
}

/// One rounding: in double precision the sum is rounded before the result is.
static bool fusedMultiplyAdd(const Instruction &i, const Scalar *x,
                             Scalar *results) {
  results[0].real = i.rounding == ElementType::F32
                        ? std::fmaf(static_cast<float>(x[0].real),
                                    static_cast<float>(x[1].real),
                                    static_cast<float>(x[2].real))
                        : i.round(std::fma(x[0].real, x[1].real, x[2].real));
  return true;
}

static bool clamp(const Instruction &, const Scalar *x, Scalar *results) {
  results[0].real = x[0].real < x[1].real   ? x[1].real
                    : x[0].real > x[2].real ? x[2].real
                                            : x[0].real;
  return true;
}

static bool sineAndCosine(const Instruction &i, const Scalar *x,
                          Scalar *results) {
  results[0].real = i.round(std::sin(x[0].real));
  results[1].real = i.round(std::cos(x[0].real));
  return true;
}

static bool integerPower(const Instruction &i, const Scalar *x,
                         Scalar *results) {
  results[0].real =
      i.round(std::pow(x[0].real, static_cast<double>(x[1].integer)));
  return true;
}

/// Wraps. A power of 0 with a negative exponent is poison: 0 here.
static bool powerOfInteger(const Instruction &i, const Scalar *x,
                           Scalar *results) {
  int64_t base = x[0].integer, exponent = x[1].integer;
  uint64_t power = 1;
  if (exponent < 0) {
    power = base == 1 ? 1 : base == -1 ? (exponent % 2 ? ~uint64_t(0) : 1) : 0;
  } else {
    for (uint64_t factor = static_cast<uint64_t>(base); exponent > 0;
         exponent /= 2, factor *= factor)
      if (exponent % 2)
        power *= factor;
  }
  results[0].integer = wrapTo(i.width, static_cast<int64_t>(power));
  return true;
}

static bool absoluteInteger(const Instruction &i, const Scalar *x,
                            Scalar *results) {
  uint64_t bits = static_cast<uint64_t>(x[0].integer);
  results[0].integer =
      wrapTo(i.width, static_cast<int64_t>(x[0].integer < 0 ? -bits : bits));
  return true;
}

static uint64_t lowBits(const Instruction &i, Scalar x) {
  uint64_t bits = static_cast<uint64_t>(x.integer);
  return i.width == 64 ? bits : bits & ((uint64_t(1) << i.width) - 1);
}

static bool leadingZeros(const Instruction &i, const Scalar *x,
                         Scalar *results) {
  results[0].integer = wrapTo(i.width, llvm::countl_zero(lowBits(i, x[0])) -
                                           (64 - int64_t(i.width)));
  return true;
}
static bool trailingZeros(const Instruction &i, const Scalar *x,
                          Scalar *results) {
  results[0].integer =
      wrapTo(i.width, std::min<int64_t>(llvm::countr_zero(lowBits(i, x[0])),
                                        int64_t(i.width)));
  return true;
}
static bool populationCount(const Instruction &i, const Scalar *x,
                            Scalar *results) {
  results[0].integer = wrapTo(i.width, llvm::popcount(lowBits(i, x[0])));
  return true;
}

void mlir::trine::reference::addScalarMath(ScalarTable &table) {
  table["math.absf"] = onReal<std::fabs>;
  table["math.acos"] = onReal<std::acos>;
  table["math.acosh"] = onReal<std::acosh>;
  table["math.asin"] = onReal<std::asin>;
  table["math.asinh"] = onReal<std::asinh>;
  table["math.atan"] = onReal<std::atan>;
  table["math.atanh"] = onReal<std::atanh>;
  table["math.cbrt"] = onReal<cubeRoot>;
  table["math.ceil"] = onReal<std::ceil>;
  table["math.cos"] = onReal<std::cos>;
  table["math.cosh"] = onReal<std::cosh>;
  table["math.erf"] = onReal<std::erf>;
  table["math.erfc"] = onReal<std::erfc>;
  table["math.exp"] = onReal<std::exp>;
  table["math.exp2"] = onReal<exp2Of>;
  table["math.expm1"] = onReal<std::expm1>;
  table["math.floor"] = onReal<std::floor>;
  table["math.log"] = onReal<std::log>;
  table["math.log10"] = onReal<std::log10>;
  table["math.log1p"] = onReal<std::log1p>;
  table["math.log2"] = onReal<std::log2>;
  table["math.round"] = onReal<std::round>;
  table["math.roundeven"] = onReal<std::nearbyint>;
  table["math.rsqrt"] = onReal<reciprocalRoot>;
  table["math.sin"] = onReal<std::sin>;
  table["math.sinh"] = onReal<std::sinh>;
  table["math.sqrt"] = onReal<std::sqrt>;
  table["math.tan"] = onReal<std::tan>;
  table["math.tanh"] = onReal<std::tanh>;
  table["math.trunc"] = onReal<std::trunc>;
  table["math.atan2"] = onReals<std::atan2>;
  table["math.copysign"] = onReals<std::copysign>;
  table["math.powf"] = onReals<std::pow>;
  table["math.isfinite"] = classify<isFinite>;
  table["math.isinf"] = classify<isInfinite>;
  table["math.isnan"] = classify<isNaN>;
  table["math.isnormal"] = classify<isNormal>;
  table["math.fma"] = fusedMultiplyAdd;
  table["math.clampf"] = clamp;
  table["math.sincos"] = sineAndCosine;
  table["math.fpowi"] = integerPower;
  table["math.ipowi"] = powerOfInteger;
  table["math.absi"] = absoluteInteger;
  table["math.ctlz"] = leadingZeros;
  table["math.cttz"] = trailingZeros;
  table["math.ctpop"] = populationCount;
}
