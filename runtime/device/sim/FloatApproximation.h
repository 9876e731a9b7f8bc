// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The approximate instructions (ex2.approx, rcp.approx, ...). What they
/// promise is a bound, so results can be had in two ways: rounded correctly, or
/// moved to the edge of the documented bound, so that a kernel which needs more
/// than is promised fails.
///
/// Bounds, of the PTX ISA unless marked (ulp: of the exact result's binade):
///   ex2      f32 2 ulp; f16 relative 2^-9.9; bf16 relative 2^-7
///   rcp      f32 1 ulp; f64 (.ftz, upper word alone) 2^-20 relative, not
///   documented rsqrt    f32 relative 2^-22.9; f64 .ftz as rcp; f64 1 ulp, not
///   documented sqrt     f32 relative 2^-23 lg2      f32 absolute 2^-22 in
///   (0.5, 2), relative 2^-22 elsewhere sin, cos f32 absolute 2^-20.5 in [-2
///   pi, 2 pi], 2^-14.7 in [-100 pi, 100 pi],
///            nothing beyond: the perturbed mode gives any number of [-1, 1]
///   tanh     f32 relative 2^-11; f16 absolute 2^-10.987; bf16 absolute 2^-8
///   div      .approx 2 ulp for |b| in [2^-126, 2^126], 0 above; .full 2 ulp
/// Results for zeros, infinities and operands outside the domain are exact.
#ifndef TRINE_RUNTIME_DEVICE_SIM_FLOATAPPROXIMATION_H
#define TRINE_RUNTIME_DEVICE_SIM_FLOATAPPROXIMATION_H

#include "FloatFormat.h"

namespace trine::sim {

enum class Approximation : uint8_t {
  Exp2,
  Log2,
  Reciprocal,
  ReciprocalSqrt,
  SquareRoot,
  Sine,
  Cosine,
  Tanh
};

struct ApproximationOptions {
  /// .ftz: on operands and results.
  bool flushToZero = false;
  /// Move results to the edge of the bound; where to is a function of the
  /// operand's bits and the seed alone.
  bool perturb = false;
  uint64_t seed = 0;
};

/// Whether the instruction exists for the format (F16, BF16, F32, F64).
bool hasApproximation(Approximation function, FloatFormat format);

/// One element. F64 Reciprocal and ReciprocalSqrt with flushToZero read and
/// write the upper 32 bits alone.
uint64_t approximate(Approximation function, FloatFormat format, uint64_t bits,
                     const ApproximationOptions &options = {});

/// div.approx.f32, or div.full.f32.
uint32_t approximateQuotient(uint32_t a, uint32_t b, bool full,
                             const ApproximationOptions &options = {});

} // namespace trine::sim

#endif
