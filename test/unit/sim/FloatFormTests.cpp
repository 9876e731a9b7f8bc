// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floating-point instructions and conversions. Values are small enough to be
// worked out by hand; rounding itself is tested with the arithmetic.
#include "FormTest.h"
#include "device/sim/FloatArithmetic.h"
#include "device/sim/FloatConversion.h"

using namespace trine::sim;

TEST(PTXForms, FloatArithmetic) {
  const uint64_t inf = 0x7f800000, nan = 0x7fffffff;
  checkForms({
      {"add.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(1.5f), f32(2.25f)},
       f32(3.75f)},
      {"add.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(1), 0x33800000},
       f32(1)}, // 1 + 2^-24: ties to even
      {"add.rp.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(1), 0x33800000},
       0x3f800001}, // upwards
      {"add.rm.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(-1), 0xb3800000},
       0xbf800001},
      {"add.rz.f32 %d, %a, %b;", "f32 f32 f32", {f32(-1), 0xb3800000}, f32(-1)},
      {"add.rn.f32 %d, %a, %b;", "f32 f32 f32", {inf, 0xff800000}, nan},
      {"add.ftz.f32 %d, %a, %b;", "f32 f32 f32", {1, 2}, 0},
      {"add.f32 %d, %a, %b;", "f32 f32 f32", {1, 2}, 3},
      {"add.sat.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(2)}, f32(1)},
      {"add.ftz.sat.f32 %d, %a, %b;", "f32 f32 f32", {f32(-1), f32(-2)}, 0},
      {"add.f32.rn %d, %a, %b;",
       "f32 f32 f32",
       {f32(1), f32(2)},
       f32(3)}, // modifiers in another order
      {"add.f64 %d, %a, %b;", "f64 f64 f64", {f64(1), f64(1e-30)}, f64(1)},
      {"add.rp.f64 %d, %a, %b;",
       "f64 f64 f64",
       {f64(1), f64(1e-30)},
       0x3ff0000000000001},
      {"add.f16 %d, %a, %b;", "b16 b16 b16", {0x3c00, 0x4000}, 0x4200},
      {"add.f16x2 %d, %a, %b;",
       "b32 b32 b32",
       {0x3c004000, 0x3c003c00},
       0x40004200},
      {"add.bf16 %d, %a, %b;", "b16 b16 b16", {0x3f80, 0x4000}, 0x4040},
      {"add.bf16x2 %d, %a, %b;",
       "b32 b32 b32",
       {0x3f804000, 0x3f803f80},
       0x40004040},
      {"sub.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(3)}, f32(-2)},
      {"sub.ftz.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(3)}, f32(-2)},
      {"sub.f64 %d, %a, %b;", "f64 f64 f64", {f64(1), f64(3)}, f64(-2)},
      {"sub.f16 %d, %a, %b;", "b16 b16 b16", {0x4200, 0x4000}, 0x3c00},
      {"sub.bf16 %d, %a, %b;", "b16 b16 b16", {0x4040, 0x4000}, 0x3f80},
      {"mul.f32 %d, %a, %b;", "f32 f32 f32", {f32(3), f32(-2)}, f32(-6)},
      {"mul.f32 %d, %a, 0f40000000;", "f32 f32", {f32(3)}, f32(6)},
      {"mul.rz.f32 %d, %a, %b;",
       "f32 f32 f32",
       {0x3f800001, 0x3f800001},
       0x3f800002},
      {"mul.rp.f32 %d, %a, %b;",
       "f32 f32 f32",
       {0x3f800001, 0x3f800001},
       0x3f800003},
      {"mul.f64 %d, %a, %b;", "f64 f64 f64", {f64(3), f64(-2)}, f64(-6)},
      {"mul.f16 %d, %a, %b;", "b16 b16 b16", {0x4200, 0x4000}, 0x4600},
      {"mul.f16x2 %d, %a, %b;",
       "b32 b32 b32",
       {0x42004000, 0x40004000},
       0x46004400},
      {"mul.bf16 %d, %a, %b;", "b16 b16 b16", {0x4040, 0x4000}, 0x40c0},
      {"fma.rn.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {0x3f800002, 0x3f800002, f32(-1)},
       0x35000001}, // 2^-21 + 2^-44, once
      {"fma.rm.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {f32(1), 0x33800000, f32(1)},
       f32(1)},
      {"fma.rp.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {f32(1), 0x33800000, f32(1)},
       0x3f800001},
      {"fma.rz.ftz.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {f32(2), f32(3), f32(1)},
       f32(7)},
      {"fma.rn.ftz.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {1, f32(1), f32(1)},
       f32(1)},
      {"fma.rn.sat.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {f32(2), f32(3), f32(1)},
       f32(1)},
      {"fma.rn.f64 %d, %a, %b, %c;",
       "f64 f64 f64 f64",
       {f64(2), f64(3), f64(1)},
       f64(7)},
      {"fma.rn.f16 %d, %a, %b, %c;",
       "b16 b16 b16 b16",
       {0x4000, 0x4200, 0x3c00},
       0x4700},
      {"fma.rn.f16x2 %d, %a, %b, %c;",
       "b32 b32 b32 b32",
       {0x40004000, 0x42003c00, 0x3c003c00},
       0x47004200},
      {"fma.rn.bf16 %d, %a, %b, %c;",
       "b16 b16 b16 b16",
       {0x4000, 0x4040, 0x3f80},
       0x40e0},
      {"fma.rn.bf16x2 %d, %a, %b, %c;",
       "b32 b32 b32 b32",
       {0x40004000, 0x40403f80, 0x3f803f80},
       0x40e04040},
      {"fma.rn.relu.bf16x2 %d, %a, %b, %c;",
       "b32 b32 b32 b32",
       {0xc0004000, 0x40403f80, 0x3f803f80},
       0x00004040},
      {"mad.f32 %d, %a, %b, %c;",
       "f32 f32 f32 f32",
       {f32(2), f32(3), f32(1)},
       f32(7)},
      {"div.rn.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(3)}, 0x3eaaaaab},
      {"div.rz.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(3)}, 0x3eaaaaaa},
      {"div.rn.ftz.f32 %d, %a, %b;", "f32 f32 f32", {f32(6), f32(3)}, f32(2)},
      {"div.rn.f64 %d, %a, %b;", "f64 f64 f64", {f64(1), f64(3)}, f64(1.0 / 3)},
      {"div.approx.f32 %d, %a, %b;", "f32 f32 f32", {f32(6), f32(2)}, f32(3)},
      {"div.approx.ftz.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(1), 0x7f000001},
       0}, // |b| > 2^126
      {"div.full.f32 %d, %a, %b;", "f32 f32 f32", {f32(6), f32(2)}, f32(3)},
      {"sqrt.rn.f32 %d, %a;", "f32 f32", {f32(2)}, 0x3fb504f3},
      {"sqrt.rn.f64 %d, %a;", "f64 f64", {f64(9)}, f64(3)},
      {"sqrt.approx.f32 %d, %a;", "f32 f32", {f32(9)}, f32(3)},
      {"sqrt.approx.ftz.f32 %d, %a;", "f32 f32", {0x80000000}, 0x80000000},
      {"rcp.rn.f32 %d, %a;", "f32 f32", {f32(3)}, 0x3eaaaaab},
      {"rcp.rn.f64 %d, %a;", "f64 f64", {f64(4)}, f64(0.25)},
      {"rcp.approx.ftz.f32 %d, %a;", "f32 f32", {0x80000000}, 0xff800000},
      {"rcp.approx.f32 %d, %a;", "f32 f32", {f32(4)}, f32(0.25f)},
      {"rcp.approx.ftz.f64 %d, %a;", "f64 f64", {f64(4)}, f64(0.25)},
      {"rsqrt.approx.f32 %d, %a;", "f32 f32", {f32(4)}, f32(0.5f)},
      {"rsqrt.approx.ftz.f32 %d, %a;", "f32 f32", {f32(-4)}, nan},
      {"rsqrt.approx.f64 %d, %a;", "f64 f64", {f64(4)}, f64(0.5)},
      {"ex2.approx.f32 %d, %a;", "f32 f32", {f32(3)}, f32(8)},
      {"ex2.approx.ftz.f32 %d, %a;", "f32 f32", {0xff800000}, 0},
      {"ex2.approx.f16 %d, %a;", "b16 b16", {0x4000}, 0x4400},
      {"ex2.approx.f16x2 %d, %a;", "b32 b32", {0x40003c00}, 0x44004000},
      {"ex2.approx.ftz.bf16x2 %d, %a;", "b32 b32", {0x40003f80}, 0x40804000},
      {"lg2.approx.f32 %d, %a;", "f32 f32", {f32(8)}, f32(3)},
      {"lg2.approx.ftz.f32 %d, %a;", "f32 f32", {1}, 0xff800000},
      {"sin.approx.f32 %d, %a;", "f32 f32", {0x80000000}, 0x80000000},
      {"cos.approx.ftz.f32 %d, %a;", "f32 f32", {0}, f32(1)},
      {"tanh.approx.f32 %d, %a;", "f32 f32", {inf}, f32(1)},
      {"tanh.approx.bf16x2 %d, %a;", "b32 b32", {0x7f80ff80}, 0x3f80bf80},
      {"abs.f32 %d, %a;", "f32 f32", {f32(-2)}, f32(2)},
      {"abs.ftz.f32 %d, %a;", "f32 f32", {0x80000001}, 0},
      {"abs.f64 %d, %a;", "f64 f64", {f64(-2)}, f64(2)},
      {"abs.f16 %d, %a;", "b16 b16", {0xc000}, 0x4000},
      {"abs.bf16x2 %d, %a;", "b32 b32", {0xc000c000}, 0x40004000},
      {"neg.f32 %d, %a;", "f32 f32", {f32(-2)}, f32(2)},
      {"neg.ftz.f32 %d, %a;", "f32 f32", {1}, 0x80000000},
      {"neg.f64 %d, %a;", "f64 f64", {f64(2)}, f64(-2)},
      {"neg.f16 %d, %a;", "b16 b16", {0x4000}, 0xc000},
      {"neg.f16x2 %d, %a;", "b32 b32", {0x4000c000}, 0xc0004000},
      {"min.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(2)}, f32(1)},
      {"min.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), nan}, f32(1)},
      {"min.f32 %d, %a, %b;", "f32 f32 f32", {0, 0x80000000}, 0x80000000},
      {"min.ftz.f32 %d, %a, %b;", "f32 f32 f32", {1, f32(2)}, 0},
      {"min.f64 %d, %a, %b;", "f64 f64 f64", {f64(-1), f64(2)}, f64(-1)},
      {"min.bf16x2 %d, %a, %b;",
       "b32 b32 b32",
       {0x3f804000, 0x40003f80},
       0x3f803f80},
      {"max.f32 %d, %a, %b;", "f32 f32 f32", {0x80000000, 0}, 0},
      {"max.f32 %d, %a, %b;", "f32 f32 f32", {0xffc00000, nan}, nan},
      {"max.NaN.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), 0xffc00000}, nan},
      {"max.ftz.f32 %d, %a, %b;", "f32 f32 f32", {f32(1), f32(2)}, f32(2)},
      {"max.xorsign.abs.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(-3), f32(2)},
       f32(-3)},
      {"max.xorsign.abs.f32 %d, %a, %b;",
       "f32 f32 f32",
       {f32(-3), f32(-4)},
       f32(4)},
      {"max.f16 %d, %a, %b;", "b16 b16 b16", {0x3c00, 0x4000}, 0x4000},
      {"max.f16x2 %d, %a, %b;",
       "b32 b32 b32",
       {0x3c004000, 0x40003c00},
       0x40004000},
      {"max.bf16 %d, %a, %b;", "b16 b16 b16", {0x3f80, 0xc000}, 0x3f80},
      {"copysign.f32 %d, %a, %b;", "f32 f32 f32", {f32(-1), f32(3)}, f32(-3)},
      {"copysign.f64 %d, %a, %b;", "f64 f64 f64", {f64(1), f64(-3)}, f64(3)},
      {"testp.finite.f32 %d, %a;", "pred f32", {inf}, 0},
      {"testp.infinite.f32 %d, %a;", "pred f32", {inf}, 1},
      {"testp.number.f32 %d, %a;", "pred f32", {nan}, 0},
      {"testp.notanumber.f64 %d, %a;", "pred f64", {0x7ff8000000000000}, 1},
      {"testp.normal.f32 %d, %a;", "pred f32", {1}, 0},
      {"testp.subnormal.f32 %d, %a;", "pred f32", {1}, 1},
  });
}

TEST(PTXForms, ConvertFloat) {
  checkForms({
      {"cvt.f32.f16 %d, %a;", "f32 b16", {0x3c00}, f32(1)},
      {"cvt.f32.bf16 %d, %a;", "f32 b16", {0x3f80}, f32(1)},
      {"cvt.f64.f32 %d, %a;", "f64 f32", {f32(1.5f)}, f64(1.5)},
      {"cvt.ftz.f64.f32 %d, %a;", "f64 f32", {1}, 0},
      {"cvt.rn.f32.f64 %d, %a;", "f32 f64", {f64(1.5)}, f32(1.5f)},
      {"cvt.rz.f32.f64 %d, %a;", "f32 f64", {0x3fefffffffffffff}, 0x3f7fffff},
      {"cvt.rn.ftz.f32.f64 %d, %a;", "f32 f64", {f64(1e-40)}, 0},
      {"cvt.rn.f16.f32 %d, %a;", "b16 f32", {f32(65520)}, 0x7c00},
      {"cvt.rn.f16.f32 %d, %a;", "b16 f32", {f32(1.5f)}, 0x3e00},
      {"cvt.rz.f16.f32 %d, %a;", "b16 f32", {f32(65520)}, 0x7bff},
      {"cvt.rn.bf16.f32 %d, %a;",
       "b16 f32",
       {0x3f808000},
       0x3f80}, // tie to even
      {"cvt.rn.bf16.f32 %d, %a;", "b16 f32", {0x3f818000}, 0x3f82},
      {"cvt.rz.bf16.f32 %d, %a;", "b16 f32", {0x3f81ffff}, 0x3f81},
      {"cvt.rn.bf16x2.f32 %d, %a, %b;",
       "b32 f32 f32",
       {f32(1), f32(2)},
       0x3f804000},
      {"cvt.rn.relu.bf16x2.f32 %d, %a, %b;",
       "b32 f32 f32",
       {f32(-1), f32(2)},
       0x00004000},
      {"cvt.rn.f16x2.f32 %d, %a, %b;",
       "b32 f32 f32",
       {f32(1), f32(2)},
       0x3c004000},
      {"cvt.rz.f16x2.f32 %d, %a, %b;",
       "b32 f32 f32",
       {f32(1), f32(2)},
       0x3c004000},
      {"cvt.rn.satfinite.e4m3x2.f32 %d, %a, %b;",
       "b16 f32 f32",
       {f32(1000), f32(1)},
       0x7e38},
      {"cvt.rn.satfinite.e5m2x2.f32 %d, %a, %b;",
       "b16 f32 f32",
       {f32(1e9f), f32(1)},
       0x7b3c},
      {"cvt.rn.satfinite.e4m3x2.f16x2 %d, %a;",
       "b16 b32",
       {0x3c004000},
       0x3840},
      {"cvt.rn.f16x2.e4m3x2 %d, %a;", "b32 b16", {0x3840}, 0x3c004000},
      {"cvt.rn.f16x2.e5m2x2 %d, %a;", "b32 b16", {0x3c40}, 0x3c004000},
      {"cvt.rna.tf32.f32 %d, %a;",
       "b32 f32",
       {0x3f801000},
       0x3f802000}, // half away from zero
      {"cvt.rna.satfinite.tf32.f32 %d, %a;",
       "b32 f32",
       {0x3f800fff},
       0x3f800000},
      {"cvt.rn.f32.s32 %d, %a;", "f32 b32", {uint32_t(-3)}, f32(-3)},
      {"cvt.rn.f32.u32 %d, %a;", "f32 b32", {0xffffffff}, f32(4294967296.0f)},
      {"cvt.rn.f32.u64 %d, %a;",
       "f32 b64",
       {0xffffffffffffffff},
       f32(18446744073709551616.0f)},
      {"cvt.rn.f32.s64 %d, %a;", "f32 b64", {0xffffffffffffffff}, f32(-1)},
      {"cvt.rn.f32.u16 %d, %a;", "f32 b16", {65535}, f32(65535)},
      {"cvt.rn.f32.s8 %d, %a;", "f32 b16", {0x12ff}, f32(-1)},
      {"cvt.rn.f16.s32 %d, %a;", "b16 b32", {2}, 0x4000},
      {"cvt.rn.f64.s32 %d, %a;", "f64 b32", {uint32_t(-3)}, f64(-3)},
      {"cvt.rn.f64.s64 %d, %a;", "f64 b64", {uint64_t(-3)}, f64(-3)},
      {"cvt.rzi.s32.f32 %d, %a;", "b32 f32", {f32(-2.7f)}, uint32_t(-2)},
      {"cvt.rni.s32.f32 %d, %a;", "b32 f32", {f32(2.5f)}, 2},
      {"cvt.rmi.s32.f32 %d, %a;", "b32 f32", {f32(-2.1f)}, uint32_t(-3)},
      {"cvt.rpi.s32.f32 %d, %a;", "b32 f32", {f32(2.1f)}, 3},
      {"cvt.rzi.s32.f32 %d, %a;", "b32 f32", {f32(1e20f)}, 0x7fffffff},
      {"cvt.rzi.s32.f32 %d, %a;", "b32 f32", {0x7fc00000}, 0},
      {"cvt.rzi.u32.f32 %d, %a;", "b32 f32", {f32(-5)}, 0},
      {"cvt.rzi.s64.f32 %d, %a;", "b64 f32", {f32(-5)}, uint64_t(-5)},
      {"cvt.rzi.u64.f64 %d, %a;", "b64 f64", {f64(1e15)}, 1000000000000000},
      {"cvt.rni.s32.f64 %d, %a;", "b32 f64", {f64(3.5)}, 4},
      {"cvt.rzi.ftz.s32.f32 %d, %a;", "b32 f32", {f32(7.9f)}, 7},
      {"cvt.rni.sat.s8.f32 %d, %a;", "b32 f32", {f32(1000)}, 127},
      {"cvt.rzi.f32.f32 %d, %a;", "f32 f32", {f32(-2.7f)}, f32(-2)},
      {"cvt.rni.f32.f32 %d, %a;", "f32 f32", {f32(2.5f)}, f32(2)},
      {"cvt.rmi.f32.f32 %d, %a;", "f32 f32", {f32(-2.1f)}, f32(-3)},
      {"cvt.rpi.f32.f32 %d, %a;", "f32 f32", {f32(2.1f)}, f32(3)},
      {"cvt.rzi.f64.f64 %d, %a;", "f64 f64", {f64(-2.7)}, f64(-2)},
      {"cvt.sat.f32.f32 %d, %a;", "f32 f32", {f32(7)}, f32(1)},
      {"cvt.ftz.sat.f32.f32 %d, %a;", "f32 f32", {0x7fc00000}, 0},
  });
}

/// The fast ways of common instructions against the general arithmetic, which
/// has its own tests, over random and special operands.
TEST(PTXForms, FastWaysAreTheGeneralOnes) {
  constexpr unsigned count = 4096;
  Machine machine;
  auto *in = static_cast<uint32_t *>(machine.allocate(count * 12));
  auto *out = static_cast<uint32_t *>(machine.allocate(count * 4));
  const uint32_t special[] = {0,          0x80000000, 1,          0x80000001,
                              0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
                              0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000,
                              0xbf800000, 0x33800000, 0x4b800000, 0x3f800001};
  uint64_t random = 7;
  for (unsigned n = 0; n < 3 * count; ++n) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    auto bits = uint32_t(random >> 32);
    // A third special, a third of similar size (so that sums cancel), a third
    // of all kinds.
    in[n] = random >> 28 & 1   ? special[bits % 16]
            : random >> 29 & 1 ? (bits & 0x81ffffff) | 0x3e000000
                               : bits;
  }
  struct Case {
    const char *text;
    uint64_t (*wanted)(uint32_t a, uint32_t b, uint32_t c);
  } cases[] = {
#define ARITHMETIC(name, direction, function, ftz)                             \
  {                                                                            \
    name, [](uint32_t a, uint32_t b, uint32_t c) -> uint64_t {                 \
      (void)b, (void)c;                                                        \
      ArithmeticOptions o;                                                     \
      o.rounding = Rounding::direction;                                        \
      o.flushToZero = ftz;                                                     \
      return function;                                                         \
    }                                                                          \
  }
      ARITHMETIC("add.rm.f32 %d, %a, %b;", Down,
                 addFloats(FloatFormat::F32, a, b, o), false),
      ARITHMETIC("add.rp.ftz.f32 %d, %a, %b;", Up,
                 addFloats(FloatFormat::F32, a, b, o), true),
      ARITHMETIC("sub.rz.f32 %d, %a, %b;", TowardZero,
                 subtractFloats(FloatFormat::F32, a, b, o), false),
      ARITHMETIC("sub.rn.f32 %d, %a, %b;", NearestEven,
                 subtractFloats(FloatFormat::F32, a, b, o), false),
      ARITHMETIC("mul.rp.f32 %d, %a, %b;", Up,
                 multiplyFloats(FloatFormat::F32, a, b, o), false),
      ARITHMETIC("mul.rz.ftz.f32 %d, %a, %b;", TowardZero,
                 multiplyFloats(FloatFormat::F32, a, b, o), true),
      ARITHMETIC("fma.rm.f32 %d, %a, %b, %c;", Down,
                 fuseMultiplyAdd(FloatFormat::F32, a, b, c, o), false),
      ARITHMETIC("fma.rp.f32 %d, %a, %b, %c;", Up,
                 fuseMultiplyAdd(FloatFormat::F32, a, b, c, o), false),
      ARITHMETIC("fma.rz.ftz.f32 %d, %a, %b, %c;", TowardZero,
                 fuseMultiplyAdd(FloatFormat::F32, a, b, c, o), true),
      ARITHMETIC("fma.rn.ftz.f32 %d, %a, %b, %c;", NearestEven,
                 fuseMultiplyAdd(FloatFormat::F32, a, b, c, o), true),
#undef ARITHMETIC
      {"min.f32 %d, %a, %b;",
       [](uint32_t a, uint32_t b, uint32_t) {
         return takeMinimum(FloatFormat::F32, a, b);
       }},
      {"max.ftz.f32 %d, %a, %b;",
       [](uint32_t a, uint32_t b, uint32_t) {
         MinMaxOptions o;
         o.flushToZero = true;
         return takeMaximum(FloatFormat::F32, a, b, o);
       }},
      {"cvt.sat.f32.f32 %d, %a;",
       [](uint32_t a, uint32_t, uint32_t) {
         ConvertOptions o;
         o.saturate = true;
         return convertFloat(FloatFormat::F32, FloatFormat::F32, a, o);
       }},
      {"cvt.rn.f32.s32 %d, %ra;",
       [](uint32_t a, uint32_t, uint32_t) {
         return convertIntegerToFloat(FloatFormat::F32, 32, true, a);
       }},
      {"cvt.rn.f32.u32 %d, %ra;",
       [](uint32_t a, uint32_t, uint32_t) {
         return convertIntegerToFloat(FloatFormat::F32, 32, false, a);
       }},
      {"cvt.u16.u32 %h, %ra; cvt.f32.bf16 %d, %h;",
       [](uint32_t a, uint32_t, uint32_t) {
         return convertFloat(FloatFormat::F32, FloatFormat::BF16, a & 0xffff);
       }},
      {"cvt.rn.bf16.f32 %h, %a; cvt.u32.u16 %rd, %h; mov.b32 %d, %rd;",
       [](uint32_t a, uint32_t, uint32_t) {
         return convertFloat(FloatFormat::BF16, FloatFormat::F32, a);
       }},
      {"cvt.rn.bf16x2.f32 %rd, %a, %b; mov.b32 %d, %rd;",
       [](uint32_t a, uint32_t b, uint32_t) {
         return uint64_t(
             convertToPair(FloatFormat::BF16, FloatFormat::F32, a, b));
       }},
  };
  for (const Case &each : cases) {
    Launch launch;
    launch.block.x = 256;
    launch.grid.x = count / 256;
    Result result = runKernel(
        machine,
        kernelText("  .reg .f32 %d, %a, %b, %c; .reg .b32 %t, %x, %y, %ra, "
                   "%rd; .reg .b16 %h; .reg .b64 %i, %o, %p;\n"
                   "  ld.param.u64 %i, [p0]; ld.param.u64 %o, [p1]; mov.u32 "
                   "%x, %ctaid.x; mov.u32 %y, %ntid.x; mov.u32 %t, %tid.x; "
                   "mad.lo.u32 %t, %x, %y, %t;\n"
                   "  mul.wide.u32 %p, %t, 12; add.u64 %i, %i, %p; "
                   "mul.wide.u32 %p, %t, 4; add.u64 %o, %o, %p;\n"
                   "  ld.global.f32 %a, [%i]; ld.global.f32 %b, [%i+4]; "
                   "ld.global.f32 %c, [%i+8]; mov.b32 %ra, %a;\n  " +
                       std::string(each.text) + "\n  st.global.f32 [%o], %d;",
                   2),
        launch, {in, out});
    ASSERT_EQ(result.status, Status::Ok) << result.text();
    for (unsigned n = 0; n < count; ++n)
      ASSERT_EQ(out[n],
                uint32_t(each.wanted(in[3 * n], in[3 * n + 1], in[3 * n + 2])))
          << each.text << std::hex << " of 0x" << in[3 * n] << ", 0x"
          << in[3 * n + 1] << ", 0x" << in[3 * n + 2];
  }
}
