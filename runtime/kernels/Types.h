// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element types of the skeleton kernels, and how they become float and back.
#ifndef TRINE_RUNTIME_KERNELS_TYPES_H
#define TRINE_RUNTIME_KERNELS_TYPES_H

#include "trine/Runtime/KernelConfiguration.h"

namespace trine::kernels {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

/// IEEE half precision, as stored.
struct half {
  u16 bits;
};
/// bfloat16, as stored.
struct bfloat {
  u16 bits;
};

/// A map for tensor copies: opaque, made by the device layer.
struct alignas(64) TensorMap {
  u8 bytes[128];
};

template <class A, class B>
constexpr bool sameType = false;
template <class A>
constexpr bool sameType<A, A> = true;

template <Element>
struct TypeOf;
template <>
struct TypeOf<Element::F32> {
  using Type = float;
};
template <>
struct TypeOf<Element::F16> {
  using Type = half;
};
template <>
struct TypeOf<Element::BF16> {
  using Type = bfloat;
};

inline float toFloat(float value) { return value; }
inline float toFloat(bfloat value) {
  return __uint_as_float(static_cast<u32>(value.bits) << 16);
}
inline float toFloat(half value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}
inline float toFloat(double value) { return static_cast<float>(value); }

/// Rounds to nearest, ties to even.
template <class T>
T fromFloat(float value);
template <>
inline float fromFloat<float>(float value) {
  return value;
}
template <>
inline double fromFloat<double>(float value) {
  return value;
}
template <>
inline bfloat fromFloat<bfloat>(float value) {
  bfloat result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}
template <>
inline half fromFloat<half>(float value) {
  half result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}

/// Two neighbours in one register, the first in the lower half.
template <class T>
u32 packPair(float first, float second) {
  static_assert(sameType<T, bfloat> || sameType<T, half>,
                "pairs are of 16-bit floats");
  u32 pair;
  if constexpr (sameType<T, bfloat>)
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  else
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

/// Element i of a tensor as a float, and the reverse.
template <class T>
float load(const T *tensor, Index i) {
  return toFloat(tensor[i]);
}
template <class T>
void store(T *tensor, Index i, float value) {
  tensor[i] = fromFloat<T>(value);
}

/// Stores two neighbours, in one access where the address allows it. `even`
/// says that pair addresses are aligned.
template <class T>
void storePair(T *tensor, Index i, float first, float second, bool even) {
  if (even) {
    if constexpr (sameType<T, float>) {
      float2 pair = {first, second};
      *reinterpret_cast<float2 *>(tensor + i) = pair;
      return;
    } else if constexpr (sizeof(T) == 2) {
      *reinterpret_cast<u32 *>(tensor + i) = packPair<T>(first, second);
      return;
    }
  }
  store(tensor, i, first);
  store(tensor, i + 1, second);
}
/// Whether pairs that begin at even elements of rows of this pitch are aligned.
template <class T>
bool pairsAligned(const T *tensor, Index pitch) {
  return (reinterpret_cast<u64>(tensor) % (2 * sizeof(T))) == 0 &&
         pitch % 2 == 0;
}

} // namespace trine::kernels

#endif
