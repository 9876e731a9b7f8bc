// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integer forms that compilers emit seldom: saturation, .relu, cvt.pack.
#include "Handlers.h"
#include "LaneLoops.h"
#include "Lanes.h"
#include <algorithm>

using namespace trine::sim;

/// add.sat.s32, sub.sat.s32, mad.hi.sat.s32.
void handlers::saturateInteger(Warp &warp, const Instruction &i) {
  const int32_t *a = warp.in<int32_t>(i.a), *b = warp.in<int32_t>(i.b),
                *c = warp.in<int32_t>(i.c);
  auto op = IntegerOp(i.operation);
  forLanes<int32_t>(warp, i.d, [=](unsigned l) {
    int64_t value = op == IntegerOp::Add ? int64_t(a[l]) + b[l]
                    : op == IntegerOp::Sub
                        ? int64_t(a[l]) - b[l]
                        : (int64_t(a[l]) * b[l] >> 32) + c[l];
    return int32_t(
        std::min<int64_t>(std::max<int64_t>(value, INT32_MIN), INT32_MAX));
  });
}

/// {min,max}.relu.{s32,s16x2}: negative results become 0.
void handlers::clampExtremum(Warp &warp, const Instruction &i) {
  const uint32_t *a = warp.in<uint32_t>(i.a), *b = warp.in<uint32_t>(i.b);
  bool maximum = i.operation;
  auto choose = [maximum](int32_t x, int32_t y) {
    return std::max(maximum ? std::max(x, y) : std::min(x, y), 0);
  };
  if (i.type == Type::S32)
    return forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
      return uint32_t(choose(int32_t(a[l]), int32_t(b[l])));
    });
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    uint32_t low = uint32_t(choose(int16_t(a[l]), int16_t(b[l])));
    uint32_t high = uint32_t(choose(int16_t(a[l] >> 16), int16_t(b[l] >> 16)));
    return low | high << 16;
  });
}

/// cvt.pack.sat.type.s32{.b32} d, a, b{, c}: a and b, clamped, above c shifted.
void handlers::convertPack(Warp &warp, const Instruction &i) {
  const int32_t *a = warp.in<int32_t>(i.a), *b = warp.in<int32_t>(i.b);
  const uint32_t *c = warp.in<uint32_t>(i.c);
  unsigned bits = bytesOf(i.type) * 8;
  if (i.extra) // .u4, .s4, .u2, .s2
    bits = i.extra;
  bool sign = isSigned(i.type);
  int64_t low = sign ? -(1ll << (bits - 1)) : 0;
  int64_t high = sign ? (1ll << (bits - 1)) - 1 : (1ll << bits) - 1;
  forLanes<uint32_t>(warp, i.d, [=](unsigned l) {
    auto clamp = [&](int64_t value) {
      return uint32_t(std::min(std::max(value, low), high)) &
             uint32_t((1ull << bits) - 1);
    };
    uint32_t packed = clamp(a[l]) << bits | clamp(b[l]);
    return bits == 16 ? packed : packed | c[l] << (2 * bits);
  });
}
