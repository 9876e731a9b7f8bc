// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The cvt instruction where a float is its source or destination. Source: PTX
/// ISA, "Data Movement and Conversion Instructions: cvt".
#ifndef TRINE_RUNTIME_DEVICE_SIM_FLOATCONVERSION_H
#define TRINE_RUNTIME_DEVICE_SIM_FLOATCONVERSION_H

#include "FloatFormat.h"

namespace trine::sim {

/// Options of a conversion; flushToZero concerns F32 operands and results
/// alone, as in PTX.
using ConvertOptions = EncodeOptions;

/// cvt{.rnd}.to.from of one element, rounded once. NaN gives the canonical NaN,
/// with .satfinite, too.
uint64_t convertFloat(FloatFormat to, FloatFormat from, uint64_t bits,
                      const ConvertOptions &options = {});

/// cvt.{rn,rz,…}.<to>x2.<from> d, a, b: `upper` (a) goes to the upper half.
uint32_t convertToPair(FloatFormat to, FloatFormat from, uint64_t upper,
                       uint64_t lower, const ConvertOptions &options = {});
/// cvt of a packed pair, half by half (f16x2 from e4m3x2, e4m3x2 from f16x2,
/// …).
uint32_t convertPair(FloatFormat to, FloatFormat from, uint32_t bits,
                     const ConvertOptions &options = {});

/// cvt.{rni,rzi,rmi,rpi} between equal float types: the integral value.
uint64_t roundToIntegral(FloatFormat format, uint64_t bits,
                         const ConvertOptions &options);

/// cvt.{rni,rzi,rmi,rpi} to an integer of 8, 16, 32 or 64 bits, clamped to its
/// range and sign- or zero-extended to 64 bits. NaN gives 0, but 2^(width−1)
/// when the source is F64 or the width is 64.
uint64_t convertFloatToInteger(unsigned width, bool isSigned, FloatFormat from,
                               uint64_t bits, Rounding rounding,
                               bool flushToZero = false);

/// cvt from an integer: the low `width` bits of `bits`.
uint64_t convertIntegerToFloat(FloatFormat to, unsigned width, bool isSigned,
                               uint64_t bits,
                               const ConvertOptions &options = {});

} // namespace trine::sim

#endif
