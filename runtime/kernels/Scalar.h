// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the text of generic kernels uses: integer division, maxima that keep
/// NaN, rounding from double.
#ifndef TRINE_RUNTIME_KERNELS_SCALAR_H
#define TRINE_RUNTIME_KERNELS_SCALAR_H

#include "Types.h"

namespace trine::kernels {

/// Division rounding down and up, and the remainder of the former.
inline Index floorDivide(Index a, Index b) {
  const Index quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
inline Index ceilDivide(Index a, Index b) {
  const Index quotient = a / b;
  return quotient + (a % b != 0 && (a < 0) == (b < 0) ? 1 : 0);
}
inline Index floorModulo(Index a, Index b) {
  const Index rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// The larger and the smaller, NaN if one is.
inline float nanMaximum(float a, float b) {
  return a != a || b != b ? a + b : fmaxf(a, b);
}
inline double nanMaximum(double a, double b) {
  return a != a || b != b ? a + b : fmax(a, b);
}
inline float nanMinimum(float a, float b) {
  return a != a || b != b ? a + b : fminf(a, b);
}
inline double nanMinimum(double a, double b) {
  return a != a || b != b ? a + b : fmin(a, b);
}

/// A 16-bit float by one rounding: a double is rounded to odd first, so that
/// the second rounding sees what was cut off.
template <class T>
T roundTo(float value) {
  return fromFloat<T>(value);
}
template <class T>
T roundTo(double value) {
  float single = __double2float_rz(value);
  if (static_cast<double>(single) != value && single - single == 0)
    single = __uint_as_float(__float_as_uint(single) | 1u);
  return fromFloat<T>(single);
}

/// The result of a skeleton whose functor stores what it computes itself.
struct Nowhere {};
inline void store(Nowhere *, Index, float) {}
inline bool pairsAligned(const Nowhere *, Index) { return false; }

template <class To, class From>
To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "types must be of equal size");
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

} // namespace trine::kernels

#endif
