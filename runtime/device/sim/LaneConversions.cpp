// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions over the lanes of a warp.
#include "FloatConversion.h"
#include "LaneFormats.h"
#include "LaneLoops.h"
#include "Lanes.h"
#include <cmath>

using namespace trine::sim;

namespace {

/// bytes and registerBytes are the widths of the source's and destination's
/// registers.
void convertLanes(Warp &warp, const Instruction &i) {
  ConvertOptions options;
  options.rounding = i.rounding;
  options.flushToZero = i.has(FlagFtz);
  options.satFinite = i.has(FlagSatFinite);
  options.relu = i.has(FlagRelu);
  options.saturate = i.has(FlagSaturate);
  bool fromFloat = isFloat(i.fromType), toFloat = isFloat(i.type);
  FloatFormat from = formatOf(i.fromType), to = formatOf(i.type);
  unsigned fromBits = bytesOf(i.fromType) * 8, toBits = bytesOf(i.type) * 8;
  bool integral = i.operation == 1;
  forActiveLanes(warp, [&](unsigned l) {
    uint64_t a = laneValue(warp, i.a, i.bytes, l);
    if (fromBits < 64)
      a &= (1ull << fromBits) - 1;
    uint64_t result;
    if (i.count == 2) // two sources
      result =
          convertToPair(to, from, a, laneValue(warp, i.b, i.bytes, l), options);
    else if (isPair(i.type))
      result = convertPair(to, from, uint32_t(a), options);
    else if (fromFloat && toFloat)
      result = integral ? roundToIntegral(from, a, options)
                        : convertFloat(to, from, a, options);
    else if (fromFloat)
      result = convertFloatToInteger(toBits, isSigned(i.type), from, a,
                                     i.rounding, options.flushToZero);
    else
      result =
          convertIntegerToFloat(to, fromBits, isSigned(i.fromType), a, options);
    setLane(warp, i.d, i.registerBytes, l, result);
  });
}

uint32_t flushedBits(uint32_t bits) {
  return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits;
}

/// cvt{.ftz}.sat.f32.f32: NaN becomes +0.
void clampF32(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a);
  bool ftz = i.has(FlagFtz);
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    float value = floatFromBits(ftz ? flushedBits(a[l]) : a[l]);
    value = value > 0 ? value : 0.0f;
    return bitsFromFloat(value < 1 ? value : 1.0f);
  });
}

/// cvt.rn.f32.{s32,u32}.
template <typename T>
void integerToF32(Warp &warp, const Instruction &i) {
  const T *a = warp.in<T>(i.a);
  forLanes<float>(warp, i.d, [=](unsigned l) { return float(a[l]); });
}

/// cvt.f32.bf16.
void bf16ToF32(Warp &warp, const Instruction &i) {
  const uint16_t *a = warp.in<uint16_t>(i.a);
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    bool nan = (a[l] & 0x7fff) > 0x7f80;
    return nan ? 0x7fffffffu : uint32_t(a[l]) << 16;
  });
}

uint32_t roundToBf16(uint32_t bits) {
  if ((bits & 0x7fffffff) > 0x7f800000)
    return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/// cvt.rn.bf16.f32 and cvt.rn.bf16x2.f32.
void f32ToBf16(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a);
  forLanes<uint16_t>(warp, i.d,
                     [=](unsigned l) { return uint16_t(roundToBf16(a[l])); });
}
void f32ToBf16Pair(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b);
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    return roundToBf16(a[l]) << 16 | roundToBf16(b[l]);
  });
}

} // namespace

Handler trine::sim::convertHandler(const Instruction &i) {
  constexpr uint32_t unusual = FlagSatFinite | FlagRelu | FlagSaturate;
  bool nearest = i.rounding == Rounding::NearestEven && i.operation == 0;
  if (i.type == Type::F32 && i.fromType == Type::F32 && i.operation == 0 &&
      i.has(FlagSaturate) && i.bytes == 4 && i.registerBytes == 4)
    return &clampF32;
  if (i.has(unusual) || !nearest)
    return &convertLanes;
  if (i.type == Type::F32 && i.registerBytes == 4) {
    if (i.fromType == Type::S32 && i.bytes == 4)
      return &integerToF32<int32_t>;
    if (i.fromType == Type::U32 && i.bytes == 4)
      return &integerToF32<uint32_t>;
    if (i.fromType == Type::BF16 && i.bytes == 2 && !i.has(FlagFtz))
      return &bf16ToF32;
  }
  if (i.fromType == Type::F32 && i.bytes == 4 && !i.has(FlagFtz)) {
    if (i.type == Type::BF16 && i.registerBytes == 2)
      return &f32ToBf16;
    if (i.type == Type::BF16x2 && i.count == 2 && i.registerBytes == 4)
      return &f32ToBf16Pair;
  }
  return &convertLanes;
}
