// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads, stores, atomics in every space and width; shuffles, votes and their
// like; control flow.
#include "FormTest.h"

using namespace trine::sim;

namespace {

struct Memory {
  Machine machine;
  uint64_t *in, *out;
  Memory() {
    in = static_cast<uint64_t *>(machine.allocate(1024, "in"));
    out = static_cast<uint64_t *>(machine.allocate(1024, "out"));
    for (unsigned n = 0; n < 128; ++n) {
      in[n] = 0x8182838485868788ull + 0x0101010101010101ull * (n % 8);
      out[n] = 0;
    }
  }
  /// Runs a body with %in, %out (generic 64-bit addresses), %t (the thread) and
  /// registers of all types by one warp.
  Result run(const std::string &body, unsigned threads = 1, Launch launch = {},
             const std::string &before = "") {
    launch.block.x = threads;
    return runKernel(
        machine,
        kernelText(
            "  .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<19>; .reg .b64 "
            "%d<9>; .reg .f32 %f<9>; .reg .f64 %g<9>; .reg .b128 %w<3>;\n"
            "  .reg .b64 %in, %out; .reg .b32 %t;\n  ld.param.u64 %in, [p0]; "
            "ld.param.u64 %out, [p1]; mov.u32 %t, %tid.x;\n" +
                body,
            2, "sm_90a", before),
        launch, {in, out});
  }
};

#define EXPECT_CLEAN(result)                                                   \
  do {                                                                         \
    Result made = (result);                                                    \
    EXPECT_EQ(made.status, Status::Ok) << made.text();                         \
  } while (false)

TEST(PTXMemory, LoadWidths) {
  struct Case {
    const char *text;
    uint64_t expected;
  } cases[] = {
      {"ld.global.u8 %h1, [%in]; cvt.u64.u16 %d1, %h1;", 0x88},
      {"ld.global.s8 %h1, [%in]; cvt.u64.u16 %d1, %h1;", 0xff88},
      {"ld.global.u8 %r1, [%in+1]; cvt.u64.u32 %d1, %r1;", 0x87},
      {"ld.global.s8 %r1, [%in+1]; cvt.u64.u32 %d1, %r1;", 0xffffff87},
      {"ld.global.s8 %d1, [%in];", 0xffffffffffffff88},
      {"ld.global.u16 %h1, [%in+2]; cvt.u64.u16 %d1, %h1;", 0x8586},
      {"ld.global.s16 %r1, [%in+2]; cvt.u64.u32 %d1, %r1;", 0xffff8586},
      {"ld.global.b16 %h1, [%in+2]; cvt.u64.u16 %d1, %h1;", 0x8586},
      {"ld.global.u32 %r1, [%in+4]; cvt.u64.u32 %d1, %r1;", 0x81828384},
      {"ld.global.s32 %d1, [%in+4];", 0xffffffff81828384},
      {"ld.global.u32 %d1, [%in+4];", 0x81828384},
      {"ld.global.f32 %f1, [%in+4]; mov.b32 %r1, %f1; cvt.u64.u32 %d1, %r1;",
       0x81828384},
      {"ld.global.u64 %d1, [%in];", 0x8182838485868788},
      {"ld.global.f64 %g1, [%in]; mov.b64 %d1, %g1;", 0x8182838485868788},
      {"ld.global.nc.u64 %d1, [%in+8];", 0x8283848586878889},
      {"ld.global.nc.L1::no_allocate.L2::128B.v4.s32 {%r1, %r2, %r3, %r4}, "
       "[%in]; mov.b64 %d1, {%r3, %r2};",
       0x8182838486878889},
      {"ld.global.v2.u64 {%d2, %d1}, [%in];", 0x8283848586878889},
      {"ld.global.v2.u8 {%h1, %h2}, [%in]; mov.b32 %r1, {%h1, %h2}; "
       "cvt.u64.u32 %d1, %r1;",
       0x00870088},
      {"ld.global.v4.u16 {%h1, %h2, %h3, %h4}, [%in]; mov.b64 %d1, {%h4, %h3, "
       "%h2, %h1};",
       0x8788858683848182},
      {"ld.volatile.global.u64 %d1, [%in];", 0x8182838485868788},
      {"ld.acquire.gpu.global.u64 %d1, [%in];", 0x8182838485868788},
      {"ld.relaxed.sys.global.u64 %d1, [%in];", 0x8182838485868788},
      {"ld.cg.global.u64 %d1, [%in];",
       0x8182838485868788}, // modifiers in another order
      {"ld.global.cs.u64 %d1, [%in];", 0x8182838485868788},
      {"mov.u64 %d2, 0; ld.global.L1::evict_last.L2::cache_hint.u64 %d1, "
       "[%in], %d2;",
       0x8182838485868788},
      {"ld.u64 %d1, [%in];", 0x8182838485868788},
      {"ld.b128 %w1, [%in]; mov.b128 {%d2, %d1}, %w1;", 0x8283848586878889},
      {"ldu.global.u64 %d1, [%in];", 0x8182838485868788},
      {"add.u64 %in, %in, 16; ld.global.u64 %d1, [%in+-16];",
       0x8182838485868788},
      {"add.u64 %in, %in, 16; ld.global.u64 %d1, [%in-8];", 0x8283848586878889},
      {"ld.param.u64 %d2, [p0]; mov.b64 %d3, p0; ld.param.u64 %d1, [%d3+0]; "
       "sub.u64 %d1, %d1, %d2;",
       0},
      {"ld.param.v2.u32 {%r1, %r2}, [p0]; mov.b64 %d1, {%r1, %r2}; sub.u64 "
       "%d1, %d1, %in;",
       0},
      {"cvta.param.u64 %d3, p0; ld.u64 %d1, [%d3]; sub.u64 %d1, %d1, %in;", 0},
      {"ld.const.u64 %d1, [constants+8];", 7},
      {"mov.u64 %d2, constants; cvta.const.u64 %d2, %d2; ld.u64 %d1, [%d2+8];",
       7},
      {"ld.global.u64 %d1, [variable];", 9},
      {"mov.u64 %d2, variable+8; ld.global.u64 %d1, [%d2];", 10},
  };
  for (const Case &each : cases) {
    Memory memory;
    EXPECT_CLEAN(memory.run(
        std::string(each.text) + "\n  st.global.u64 [%out], %d1;", 1, {},
        ".const .align 8 .u64 constants[2] = {5, 7};\n.global .align 8 .u64 "
        "variable[2] = {9, 10};"));
    EXPECT_EQ(memory.out[0], each.expected) << each.text;
  }
}

TEST(PTXMemory, StoreWidths) {
  struct Case {
    const char *text;
    uint64_t expected;
  } cases[] = {
      {"st.global.u8 [%out+1], 0x1ff;", 0xff00},
      {"mov.u32 %r1, 0x12345678; st.global.u8 [%out], %r1;", 0x78},
      {"mov.u32 %r1, 0x12345678; st.global.u16 [%out], %r1;", 0x5678},
      {"mov.u64 %d1, 0x1234567890; st.global.u32 [%out], %d1;", 0x34567890},
      {"st.global.u64 [%out], -1;", 0xffffffffffffffff},
      {"st.global.f32 [%out+4], 0f3F800000;", 0x3f80000000000000},
      {"st.global.f64 [%out], 0d3FF0000000000000;", 0x3ff0000000000000},
      {"st.global.v2.u32 [%out], {1, 2};", 0x200000001},
      {"mov.u32 %r1, 5; st.global.v4.u32 [%out], {%r1, %r1, 2, 3};",
       0x500000005},
      {"mov.u16 %h1, 7; st.global.v4.u16 [%out], {%h1, 1, 2, 3};",
       0x0003000200010007},
      {"mov.u16 %h1, 7; st.global.v2.u8 [%out], {%h1, 9};", 0x907},
      {"st.volatile.global.u32 [%out], 3;", 3},
      {"st.release.gpu.global.s32 [%out], 3;", 3},
      {"st.global.release.gpu.s32 [%out], 3;", 3},
      {"st.global.cg.v4.s32 [%out], {1, 0, 0, 0};", 1},
      {"st.global.L2::cache_hint.u32 [%out], 4, %d1;", 4},
      {"st.u64 [%out], 6;", 6},
      {"mov.b128 %w1, {%in, %in}; mov.u64 %d1, 8; mov.b128 %w1, {%d1, %d1}; "
       "st.b128 [%out], %w1;",
       8},
      {"st.shared.u32 [s+4], 11; ld.shared.u32 %r1, [s+4]; st.global.u32 "
       "[%out], %r1;",
       11},
      {"mov.u32 %r1, s; st.shared.u32 [%r1], 12; ld.shared::cta.u32 %r2, "
       "[%r1]; st.global.u32 [%out], %r2;",
       12},
      {"cvta.shared.u64 %d1, s; st.u32 [%d1], 13; ld.shared.u32 %r2, [s]; "
       "st.global.u32 [%out], %r2;",
       13},
      {"cvta.shared.u64 %d1, s; cvta.to.shared.u64 %d2, %d1; cvt.u32.u64 %r1, "
       "%d2; st.shared.u8 [%r1+3], 1; st.shared.v2.u8 [%r1], {2, 3}; "
       "st.shared.u8 [%r1+2], 0;"
       " ld.shared.u32 %r2, [s]; st.global.u32 [%out], %r2;",
       0x01000302},
      {"st.local.u32 [l+4], 14; ld.local.u32 %r1, [l+4]; st.global.u32 [%out], "
       "%r1;",
       14},
      {"mov.u64 %d1, l; cvta.local.u64 %d2, %d1; st.u64 [%d2+8], 15; "
       "ld.local.u64 %d3, [%d1+8]; st.global.u64 [%out], %d3;",
       15},
      {"st.shared::cluster.u32 [s], 16; ld.shared::cluster.u32 %r1, [s]; "
       "st.global.u32 [%out], %r1;",
       16},
  };
  for (const Case &each : cases) {
    Memory memory;
    std::string text = each.text;
    // Hints may be any value, but a register that was never written is found.
    if (text.find("cache_hint") != std::string::npos)
      text = "mov.u64 %d1, 0; " + text;
    EXPECT_CLEAN(memory.run(
        "  .shared .align 16 .b8 s[16]; .local .align 16 .b8 l[16];\n" + text));
    EXPECT_EQ(memory.out[0], each.expected) << each.text;
  }
}

TEST(PTXMemory, Atomics) {
  struct Case {
    const char *text;
    uint64_t before, result, after;
  } cases[] = {
      {"atom.global.add.u32 %r1, [%out], 3;", 5, 5, 8},
      {"atom.global.cta.add.u32 %r1, [%out], 3;", 5, 5, 8},
      {"atom.acq_rel.gpu.global.add.s32 %r1, [%out], -6;", 5, 5, 0xffffffff},
      {"atom.add.u32 %r1, [%out], 3;", 5, 5, 8},
      {"atom.global.sys.add.u32 %r1, [%out], 1;", 0xffffffff, 0xffffffff, 0},
      {"atom.global.min.s32 %r1, [%out], -1;", 5, 5, 0xffffffff},
      {"atom.global.min.u32 %r1, [%out], -1;", 5, 5, 5},
      {"atom.global.max.s32 %r1, [%out], -1;", 5, 5, 5},
      {"atom.global.and.b32 %r1, [%out], 6;", 5, 5, 4},
      {"atom.global.or.b32 %r1, [%out], 6;", 5, 5, 7},
      {"atom.global.xor.b32 %r1, [%out], 6;", 5, 5, 3},
      {"atom.global.exch.b32 %r1, [%out], 6;", 5, 5, 6},
      {"atom.global.cas.b32 %r1, [%out], 5, 9;", 5, 5, 9},
      {"atom.global.cas.b32 %r1, [%out], 4, 9;", 5, 5, 5},
      {"atom.global.inc.u32 %r1, [%out], 5;", 5, 5, 0},
      {"atom.global.inc.u32 %r1, [%out], 6;", 5, 5, 6},
      {"atom.global.dec.u32 %r1, [%out], 6;", 0, 0, 6},
      {"atom.global.dec.u32 %r1, [%out], 6;", 5, 5, 4},
      {"atom.global.dec.u32 %r1, [%out], 3;", 5, 5, 3},
      {"atom.global.add.u64 %d1, [%out], 3; cvt.u32.u64 %r1, %d1;", 0xffffffff,
       0xffffffff, 0x100000002},
      {"atom.global.max.u64 %d1, [%out], 7; cvt.u32.u64 %r1, %d1;", 5, 5, 7},
      {"atom.global.exch.b64 %d1, [%out], 7; cvt.u32.u64 %r1, %d1;", 5, 5, 7},
      {"atom.global.cas.b64 %d1, [%out], 5, 7; cvt.u32.u64 %r1, %d1;", 5, 5, 7},
      {"mov.u16 %h1, 5; mov.u16 %h2, 9; atom.global.cas.b16 %h3, [%out], %h1, "
       "%h2; cvt.u32.u16 %r1, %h3;",
       5, 5, 9},
      {"atom.global.add.f32 %f1, [%out], 0f40000000; mov.b32 %r1, %f1;",
       0x3f800000, 0x3f800000, 0x40400000},
      {"atom.global.add.f64 %g1, [%out], 0d4000000000000000; mov.u32 %r1, 1;",
       0x3ff0000000000000, 1, 0x4008000000000000},
      {"mov.b32 %r2, 0x3c003c00; atom.global.add.noftz.f16x2 %r1, [%out], %r2;",
       0x40003c00, 0x40003c00, 0x42004000},
      {"mov.b32 %r2, 0x3f803f80; atom.add.noftz.bf16x2 %r1, [%out], %r2;",
       0x40003f80, 0x40003f80, 0x40404000},
      {"mov.b16 %h2, 0x3f80; atom.add.noftz.bf16 %h1, [%out], %h2; cvt.u32.u16 "
       "%r1, %h1;",
       0x3f80, 0x3f80, 0x4000},
      {"red.global.add.u32 [%out], 3; mov.u32 %r1, 1;", 5, 1, 8},
      {"red.release.gpu.global.add.s32 [%out], 3; mov.u32 %r1, 1;", 5, 1, 8},
      {"red.global.add.v2.f32 [%out], {%f2, %f3}; mov.u32 %r1, 1;",
       0x3f80000040000000, 1, 0x4000000040400000},
      {"st.shared.u32 [s], 5; atom.shared.add.u32 %r1, [s], 2; ld.shared.u32 "
       "%r2, [s]; st.global.u32 [%out], %r2;",
       0, 5, 7},
      {"st.shared.u32 [s], 5; atom.shared::cluster.add.u32 %r1, [s], 2; "
       "ld.shared.u32 %r2, [s]; st.global.u32 [%out], %r2;",
       0, 5, 7},
  };
  for (const Case &each : cases) {
    Memory memory;
    memory.out[0] = each.before;
    EXPECT_CLEAN(memory.run("  .shared .align 16 .b8 s[16]; mov.f32 %f2, "
                            "0f3F800000; mov.f32 %f3, 0f3F800000;\n" +
                            std::string(each.text) +
                            " st.global.u32 [%out+8], %r1;"));
    EXPECT_EQ(memory.out[0], each.after) << each.text;
    EXPECT_EQ(memory.out[1], each.result) << each.text;
  }
}

/// One 32-bit result per lane.
void expectLanes(const char *text, uint32_t (*expected)(uint32_t lane)) {
  Memory memory;
  EXPECT_CLEAN(memory.run(std::string("  mul.lo.u32 %r2, %t, 10;\n") + text +
                              "\n  mul.wide.u32 %d8, %t, 4; add.u64 %out, "
                              "%out, %d8; st.global.u32 [%out], %r1;",
                          32));
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(reinterpret_cast<uint32_t *>(memory.out)[l], expected(l))
        << text << " in lane " << l;
}

TEST(PTXWarp, Shuffles) {
  expectLanes("shfl.sync.bfly.b32 %r1, %r2, 5, 31, -1;",
              [](uint32_t l) { return (l ^ 5) * 10; });
  expectLanes("shfl.sync.up.b32 %r1, %r2, 3, 0, -1;",
              [](uint32_t l) { return (l < 3 ? l : l - 3) * 10; });
  expectLanes("shfl.sync.down.b32 %r1, %r2, 3, 31, -1;",
              [](uint32_t l) { return (l + 3 > 31 ? l : l + 3) * 10; });
  expectLanes("shfl.sync.idx.b32 %r1, %r2, 7, 31, -1;",
              [](uint32_t) { return 70u; });
  // Segments of 8: the mask is 0x1800.
  expectLanes("shfl.sync.idx.b32 %r1, %r2, 2, 0x181f, -1;",
              [](uint32_t l) { return (l / 8 * 8 + 2) * 10; });
  expectLanes("shfl.sync.down.b32 %r1|%p1, %r2, 2, 0x181f, -1; selp.u32 %r1, "
              "%r1, 7, %p1;",
              [](uint32_t l) { return l % 8 < 6 ? (l + 2) * 10 : 7; });
  expectLanes(
      "shfl.sync.up.b32 %r1|%p1, %r2, 1, 0, -1; selp.u32 %r1, 1, 0, %p1;",
      [](uint32_t l) { return l > 0 ? 1u : 0u; });
}

TEST(PTXWarp, VotesAndReductions) {
  const char *odd = "and.b32 %r3, %t, 1; setp.ne.u32 %p1, %r3, 0; ";
  auto with = [&](const char *text, uint32_t (*expected)(uint32_t)) {
    expectLanes((std::string(odd) + text).c_str(), expected);
  };
  with("vote.sync.ballot.b32 %r1, %p1, -1;",
       [](uint32_t) { return 0xaaaaaaaau; });
  with("vote.sync.all.pred %p2, %p1, -1; selp.u32 %r1, 1, 0, %p2;",
       [](uint32_t) { return 0u; });
  with("vote.sync.any.pred %p2, %p1, -1; selp.u32 %r1, 1, 0, %p2;",
       [](uint32_t) { return 1u; });
  with("vote.sync.uni.pred %p2, !%p1, -1; selp.u32 %r1, 1, 0, %p2;",
       [](uint32_t) { return 0u; });
  with("match.any.sync.b32 %r1, %r3, -1;",
       [](uint32_t l) { return l % 2 ? 0xaaaaaaaau : 0x55555555u; });
  with("match.all.sync.b32 %r1|%p2, %r3, -1; selp.u32 %r1, 1, %r1, %p2;",
       [](uint32_t) { return 0u; });
  with("redux.sync.add.s32 %r1, %r2, -1;", [](uint32_t) { return 4960u; });
  with("redux.sync.max.u32 %r1, %r2, -1;", [](uint32_t) { return 310u; });
  with("sub.u32 %r2, %r2, 40; redux.sync.min.s32 %r1, %r2, -1;",
       [](uint32_t) { return uint32_t(-40); });
  with("sub.u32 %r2, %r2, 40; redux.sync.min.u32 %r1, %r2, -1;",
       [](uint32_t) { return 0u; });
  with("redux.sync.or.b32 %r1, %t, -1;", [](uint32_t) { return 31u; });
  with("redux.sync.xor.b32 %r1, %t, -1;", [](uint32_t) { return 0u; });
  with("or.b32 %r2, %t, 64; redux.sync.and.b32 %r1, %r2, -1;",
       [](uint32_t) { return 64u; });
  with("mov.u32 %r1, 0; @%p1 activemask.b32 %r1;",
       [](uint32_t l) { return l % 2 ? 0xaaaaaaaau : 0u; });
  with("elect.sync %r1|%p2, -1; selp.u32 %r1, 100, %r1, %p2;",
       [](uint32_t l) { return l ? 0u : 100u; });
  with("mov.u32 %r1, 7; @%p1 elect.sync _|%p2, 0xaaaaaaaa; @%p1 selp.u32 %r1, "
       "1, 0, %p2;",
       [](uint32_t l) { return l == 1  ? 1u
                               : l % 2 ? 0u
                                       : 7u; });
  with("mov.u32 %r1, %lanemask_lt;", [](uint32_t l) { return (1u << l) - 1; });
  with("mov.u32 %r1, %lanemask_ge;",
       [](uint32_t l) { return ~((1u << l) - 1); });
  // Both sides of a branch vote by themselves.
  with("@%p1 bra ODD; vote.sync.ballot.b32 %r1, 1, 0x55555555; bra JOIN; ODD: "
       "vote.sync.ballot.b32 %r1, 1, 0xaaaaaaaa; JOIN:",
       [](uint32_t l) { return l % 2 ? 0xaaaaaaaau : 0x55555555u; });
}

TEST(PTXWarp, ControlFlow) {
  // A loop of different length in each lane.
  expectLanes("mov.u32 %r1, 0; mov.u32 %r3, 0; LOOP: add.u32 %r1, %r1, %r3; "
              "add.u32 %r3, %r3, 1; setp.le.u32 %p1, %r3, %t; @%p1 bra LOOP;",
              [](uint32_t l) { return l * (l + 1) / 2; });
  expectLanes("and.b32 %r3, %t, 3; T: .branchtargets A, B, C, D; brx.idx %r3, "
              "T; A: mov.u32 %r1, 5; bra E; B: mov.u32 %r1, 6; bra E; C: "
              "mov.u32 %r1, 7; bra E;"
              " D: mov.u32 %r1, 8; E: add.u32 %r1, %r1, 100;",
              [](uint32_t l) { return 105 + l % 4; });
  // Lanes that leave early, and a barrier of the others.
  expectLanes("mov.u32 %r1, 3; setp.gt.u32 %p1, %t, 40; @%p1 exit; bar.sync 0; "
              "bar.warp.sync -1;",
              [](uint32_t) { return 3u; });
  // One lane waits for another of its warp: no order of execution may starve
  // it.
  Memory memory;
  EXPECT_CLEAN(memory.run(
      "setp.eq.u32 %p1, %t, 0; @!%p1 bra OTHER;\nSPIN: ld.volatile.global.u32 "
      "%r1, [%out]; setp.eq.u32 %p2, %r1, 0; @%p2 bra SPIN; bra END;\n"
      "OTHER: st.volatile.global.u32 [%out], 1;\nEND:",
      2));
}

TEST(PTXWarp, Calls) {
  Memory memory;
  EXPECT_CLEAN(memory.run(R"(
  { .param .b32 a; .param .b32 r; st.param.b32 [a+0], %t; call.uni (r), twice, (a); ld.param.b32 %r1, [r+0]; }
  mov.u64 %d1, twice;
  { .param .b32 a; .param .b32 r; st.param.b32 [a], %r1;
    proto : .callprototype (.param .b32 _) _ (.param .b32 _);
    call (r), %d1, (a), proto; ld.param.b32 %r1, [r]; }
  mul.wide.u32 %d8, %t, 4; add.u64 %out, %out, %d8; st.global.u32 [%out], %r1;)",
                          32, {},
                          R"(.func (.param .b32 r) twice(.param .b32 a)
{ .reg .b32 %x<3>; .reg .pred %p; ld.param.b32 %x1, [a]; setp.lt.u32 %p, %x1, 4; @%p bra SMALL; add.u32 %x1, %x1, %x1; st.param.b32 [r], %x1; ret;
SMALL: mov.u32 %x2, 9; st.param.b32 [r], %x2; ret; })"));
  for (uint32_t l = 0; l < 32; ++l)
    EXPECT_EQ(reinterpret_cast<uint32_t *>(memory.out)[l], l < 4 ? 18 : 4 * l)
        << l;
}

} // namespace
