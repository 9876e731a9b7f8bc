// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Arithmetic of PTX on bit patterns: each result is the exact one, rounded
/// once in the direction asked for. One function per instruction, for every
/// float type that the instruction has. Source: PTX ISA, "Floating Point
/// Instructions" and "Half Precision Floating Point Instructions".
#ifndef TRINE_RUNTIME_DEVICE_SIM_FLOATARITHMETIC_H
#define TRINE_RUNTIME_DEVICE_SIM_FLOATARITHMETIC_H

#include "FloatFormat.h"

namespace trine::sim {

struct ArithmeticOptions {
  Rounding rounding = Rounding::NearestEven;
  /// .ftz: subnormal operands and results become zero of the same sign.
  bool flushToZero = false;
  /// .sat: clamp to [0, 1], NaN to +0.
  bool saturate = false;
  /// .relu: negative results become +0, NaN stays (canonical).
  bool relu = false;
};

uint64_t addFloats(FloatFormat format, uint64_t a, uint64_t b,
                   const ArithmeticOptions &options = {});
uint64_t subtractFloats(FloatFormat format, uint64_t a, uint64_t b,
                        const ArithmeticOptions &options = {});
uint64_t multiplyFloats(FloatFormat format, uint64_t a, uint64_t b,
                        const ArithmeticOptions &options = {});
/// a·b + c with one rounding.
uint64_t fuseMultiplyAdd(FloatFormat format, uint64_t a, uint64_t b, uint64_t c,
                         const ArithmeticOptions &options = {});
/// div.rn and its directed forms; rcp.rn is 1 / b.
uint64_t divideFloats(FloatFormat format, uint64_t a, uint64_t b,
                      const ArithmeticOptions &options = {});
uint64_t takeSquareRoot(FloatFormat format, uint64_t a,
                        const ArithmeticOptions &options = {});

struct MinMaxOptions {
  bool flushToZero = false;
  /// .NaN: one NaN operand gives the canonical NaN. Without it, the other
  /// operand.
  bool propagateNaN = false;
  /// .xorsign.abs: of the magnitudes, with the product of the operands' signs.
  bool xorSignAbs = false;
};

/// −0 is less than +0; two NaNs give the canonical NaN.
uint64_t takeMinimum(FloatFormat format, uint64_t a, uint64_t b,
                     const MinMaxOptions &options = {});
uint64_t takeMaximum(FloatFormat format, uint64_t a, uint64_t b,
                     const MinMaxOptions &options = {});

/// The comparisons of set and setp. The unordered ones (…U) hold for NaN
/// operands.
enum class FloatComparison : uint8_t {
  EQ,
  NE,
  LT,
  LE,
  GT,
  GE,
  EQU,
  NEU,
  LTU,
  LEU,
  GTU,
  GEU,
  NUM,
  NAN_
};

bool compareFloats(FloatFormat format, FloatComparison comparison, uint64_t a,
                   uint64_t b, bool flushToZero = false);

/// Whole registers of F32 lanes at a time, rounded to nearest even, NaN
/// canonical: the hot paths of an interpreter. `result` may be an operand.
void addFloatLanes(const uint32_t *a, const uint32_t *b, uint32_t *result,
                   unsigned count, bool flushToZero = false);
void multiplyFloatLanes(const uint32_t *a, const uint32_t *b, uint32_t *result,
                        unsigned count, bool flushToZero = false);
void fuseMultiplyAddLanes(const uint32_t *a, const uint32_t *b,
                          const uint32_t *c, uint32_t *result, unsigned count,
                          bool flushToZero = false);

} // namespace trine::sim

#endif
