// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Scalar functions that fused code uses, and the default epilogues.
#ifndef TRINE_RUNTIME_KERNELS_FUNCTIONS_H
#define TRINE_RUNTIME_KERNELS_FUNCTIONS_H

#include "Types.h"

namespace trine::kernels {

inline float infinity() { return __uint_as_float(0x7F800000u); }
inline float notANumber() { return __uint_as_float(0x7FC00000u); }

inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
inline float silu(float x) { return x / (1.0f + expf(-x)); }
inline float gelu(float x) {
  return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}
inline float geluTanh(float x) {
  return 0.5f * x *
         (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
inline float relu(float x) { return x > 0.0f || x != x ? x : 0.0f; }
/// log(1 + exp(x)) without overflow.
inline float softplus(float x) {
  return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

/// Epilogues: GEMM (sum, batch, row, column), attention (value, batch, head,
/// query, column).
struct Identity {
  float operator()(float sum, Index, Index, Index) const { return sum; }
  float operator()(float value, Index, Index, Index, Index) const {
    return value;
  }
};
struct SiluGated {
  float operator()(float gate, float up, Index, Index, Index) const {
    return silu(gate) * up;
  }
};
struct GeluGated {
  float operator()(float gate, float up, Index, Index, Index) const {
    return gelu(gate) * up;
  }
};
struct ReluGated {
  float operator()(float gate, float up, Index, Index, Index) const {
    return relu(gate) * up;
  }
};

} // namespace trine::kernels

#endif
