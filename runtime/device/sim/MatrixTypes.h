// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element types of the matrix instructions, and how their sums are rounded.
#ifndef TRINE_RUNTIME_DEVICE_SIM_MATRIXTYPES_H
#define TRINE_RUNTIME_DEVICE_SIM_MATRIXTYPES_H

#include <cstdint>

namespace trine::sim {

enum class MatrixType : uint8_t {
  F16,
  BF16,
  TF32,
  F32,
  F64,
  E4M3,
  E5M2,
  S8,
  U8,
  S32
};

/// Bytes of one element: 1, 2, 4 or 8.
unsigned getElementBytes(MatrixType type);
bool isIntegerType(MatrixType type);
/// As PTX writes it: "bf16", "e4m3", ...
const char *getTypeName(MatrixType type);

/// The PTX ISA promises products and sums of at least single precision and
/// leaves order, rounding and subnormals open. A kernel is right when it is
/// within its tolerance under every one of these models. Integer sums are
/// always exact.
struct AccumulateMode {
  enum Kind : uint8_t {
    /// D = round(C + the exact sum of all products), rounded once to nearest
    /// even.
    Exact,
    /// Slices of `sliceLength` products in an order drawn from `seed`; after
    /// each, the
    /// accumulator is rounded: to nearest even, or toward zero with `truncate`.
    Sliced,
    /// As Sliced, but the accumulator and the products of a slice are first cut
    /// to
    /// `fractionBits` bits below the greatest exponent among them, and sums are
    /// cut to
    /// the accumulator's type: what has been measured on tensor cores.
    Aligned
  };
  Kind kind = Exact;
  bool truncate = false;
  uint8_t sliceLength = 0; ///< 0: the whole of k
  uint8_t fractionBits = 24;
  uint64_t seed = 0;
};

/// A model of sm_90's tensor cores: FP8 sums keep 13 bits below the greatest
/// exponent, the others 25, in slices of 16 (8 for TF32).
AccumulateMode getHopperAccumulateMode(MatrixType operand);

} // namespace trine::sim

#endif
