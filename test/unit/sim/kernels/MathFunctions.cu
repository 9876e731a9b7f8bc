// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// y[i] = f(x[i]) (or f(x[i], x[n + i])): CUDA's own functions, as it expands them into
// PTX. MathFunctions.ptx is this file by
//   nvcc -arch=sm_80 -ptx MathFunctions.cu -o MathFunctions.ptx       (CUDA 13.0)
#define UNARY(name, type, expression)                                                    \
  extern "C" __global__ void name(const type *inputs, type *results, int n) {            \
    int i = blockIdx.x * blockDim.x + threadIdx.x;                                       \
    if (i >= n)                                                                          \
      return;                                                                            \
    type x = inputs[i];                                                                  \
    results[i] = expression;                                                             \
  }
#define BINARY(name, type, expression)                                                   \
  extern "C" __global__ void name(const type *inputs, type *results, int n) {            \
    int i = blockIdx.x * blockDim.x + threadIdx.x;                                       \
    if (i >= n)                                                                          \
      return;                                                                            \
    type x = inputs[i], y = inputs[n + i];                                               \
    results[i] = expression;                                                             \
  }

UNARY(f32_exp, float, expf(x))
UNARY(f32_exp2, float, exp2f(x))
UNARY(f32_expm1, float, expm1f(x))
UNARY(f32_log, float, logf(x))
UNARY(f32_log1p, float, log1pf(x))
UNARY(f32_tanh, float, tanhf(x))
UNARY(f32_erf, float, erff(x))
UNARY(f32_sin, float, sinf(x))
UNARY(f32_cos, float, cosf(x))
UNARY(f32_rsqrt, float, rsqrtf(x))
UNARY(f32_sqrt, float, sqrtf(x))
UNARY(f32_reciprocal, float, 1 / x)
BINARY(f32_divide, float, x / y)
BINARY(f32_pow, float, powf(x, y))
UNARY(f64_exp, double, exp(x))
UNARY(f64_log, double, log(x))
UNARY(f64_rsqrt, double, rsqrt(x))
BINARY(f64_divide, double, x / y)
