// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Barriers, mbarriers, asynchronous copies, clusters: what the forms do. What
// the checks find is in CheckTests.cpp.
#include "FormTest.h"
#include "trine/Runtime/PTXTensorMap.h"

using namespace trine::sim;

namespace {

const char *const registers =
    "  .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<19>; .reg .b64 %d<19>; "
    ".reg .f32 %f<9>;\n"
    "  .reg .b64 %in, %out; .reg .b32 %t;\n  ld.param.u64 %in, [p0]; "
    "ld.param.u64 %out, [p1]; mov.u32 %t, %tid.x;\n"
    "  .shared .align 1024 .b8 s[4096]; .shared .align 8 .b64 bar[4];\n";
/// Stores %r1 of each thread of the grid.
const char *const storeResult =
    "\n  mov.u32 %r17, %ctaid.x; mov.u32 %r18, %ntid.x; mad.lo.u32 %r17, %r17, "
    "%r18, %t; mul.wide.u32 %d18, %r17, 4; add.u64 %d18, %d18, %out;"
    " st.global.u32 [%d18], %r1;\n";

class PTXSynchronisation : public testing::TestWithParam<AsyncPolicy> {
protected:
  void SetUp() override {
    in = static_cast<uint32_t *>(machine.allocate(8192, "in"));
    out = static_cast<uint32_t *>(machine.allocate(8192, "out"));
    for (uint32_t n = 0; n < 2048; ++n)
      in[n] = 1000 + n;
  }
  /// Runs the body plainly and under random schedules; \p expected gives the
  /// result of each thread.
  template <typename Expected>
  void expect(const std::string &body, uint32_t threads, Expected expected,
              uint32_t blocks = 1, uint32_t cluster = 1) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      Launch launch;
      launch.block.x = threads;
      launch.grid.x = blocks;
      launch.cluster.x = cluster;
      launch.options.async = GetParam();
      launch.options.randomSchedule = seed != 0;
      launch.options.seed = seed;
      std::fill(out, out + 2048, 0xdeadbeef);
      Result result = runKernel(machine,
                                kernelText(registers + body + storeResult, 2,
                                           "sm_90a", "", ".maxntid 1024, 1, 1"),
                                launch, {in, out});
      ASSERT_EQ(result.status, Status::Ok)
          << result.text() << "\nseed " << seed << "\n"
          << body;
      for (uint32_t t = 0; t < threads * blocks; ++t)
        ASSERT_EQ(out[t], uint32_t(expected(t)))
            << "thread " << t << ", seed " << seed << "\n"
            << body;
    }
  }
  Machine machine;
  uint32_t *in, *out;
};

TEST_P(PTXSynchronisation, NamedBarriers) {
  const std::string exchange = "shl.b32 %r2, %t, 2; mov.u32 %r3, s; add.u32 "
                               "%r3, %r3, %r2; st.shared.u32 [%r3], %t; ";
  const std::string neighbour =
      " add.u32 %r4, %t, 33; and.b32 %r4, %r4, 127; shl.b32 %r4, %r4, 2; "
      "mov.u32 %r5, s; add.u32 %r5, %r5, %r4; ld.shared.u32 %r1, [%r5];";
  auto shifted = [](uint32_t t) { return (t + 33) % 128; };
  for (const char *form :
       {"bar.sync 0;", "bar.sync 3, 128;", "barrier.sync 1;",
        "barrier.cta.sync.aligned 2, 128;", "barrier.sync.aligned 0;",
        "mov.u32 %r9, 5; mov.u32 %r10, 128; bar.sync %r9, %r10;",
        "bar.red.popc.u32 %r11, 4, 1;"})
    expect(exchange + form + neighbour, 128, shifted);
  // Warps 0 and 1 produce and arrive; warps 2 and 3 wait.
  expect("mov.u32 %r1, 0; setp.ge.u32 %p1, %t, 64; @%p1 bra WAIT;\n" +
             exchange +
             "bar.arrive 1, 128; bra END;\n"
             "WAIT: bar.sync 1, 128; sub.u32 %r4, %t, 64; shl.b32 %r4, %r4, 2; "
             "mov.u32 %r5, s; add.u32 %r5, %r5, %r4; ld.shared.u32 %r1, "
             "[%r5];\nEND:",
         128, [](uint32_t t) { return t < 64 ? 0 : t - 64; });
  // Half a warp at a time, without .aligned.
  expect(exchange +
             "and.b32 %r9, %t, 1; setp.eq.u32 %p1, %r9, 0; @%p1 bra EVEN; "
             "barrier.sync 0; bra JOIN; EVEN: barrier.sync 0; JOIN:" +
             neighbour,
         128, shifted);
  expect("setp.lt.u32 %p1, %t, 40; bar.red.popc.u32 %r1, 0, %p1;", 96,
         [](uint32_t) { return 40; });
  expect(
      "setp.lt.u32 %p1, %t, 40; barrier.red.aligned.popc.u32 %r1, 1, 96, !%p1;",
      96, [](uint32_t) { return 56; });
  expect("setp.lt.u32 %p1, %t, 40; bar.red.and.pred %p2, 0, %p1; selp.u32 %r1, "
         "1, 0, %p2;",
         64, [](uint32_t) { return 0; });
  expect("setp.lt.u32 %p1, %t, 40; bar.red.or.pred %p2, 0, %p1; selp.u32 %r1, "
         "1, 0, %p2;",
         64, [](uint32_t) { return 1; });
  // Threads that left do not count.
  expect("mov.u32 %r1, 7; setp.ge.u32 %p1, %t, 64; @%p1 bra END; bar.sync 0; "
         "mov.u32 %r1, 8; END:",
         128, [](uint32_t t) { return t < 64 ? 8 : 7; });
}

const std::string initialise = "mov.u32 %r2, bar; setp.eq.u32 %p1, %t, 0; @%p1 "
                               "mbarrier.init.shared::cta.b64 [%r2], ";
const std::string
waitFor(const std::string &parity,
        const std::string &form = "try_wait.parity.shared::cta") {
  return "{ .reg .pred W; AGAIN: mbarrier." + form + ".b64 W, [%r2], " +
         parity + "; @!W bra AGAIN; }\n";
}

TEST_P(PTXSynchronisation, Mbarriers) {
  const std::string store = "shl.b32 %r3, %t, 2; mov.u32 %r4, s; add.u32 %r5, "
                            "%r4, %r3; st.shared.u32 [%r5], %t;\n";
  const std::string load = "xor.b32 %r6, %r3, 252; add.u32 %r6, %r4, %r6; "
                           "ld.shared.u32 %r1, [%r6];\n";
  auto flipped = [](uint32_t t) { return t ^ 63; };
  expect(initialise + "64; bar.sync 0;\n" + store +
             "mbarrier.arrive.shared::cta.b64 _, [%r2];\n" + waitFor("0") +
             load,
         64, flipped);
  expect(initialise + "64; bar.sync 0;\n" + store +
             "mbarrier.arrive.shared.b64 %d1, [%r2];\n" +
             waitFor("%d1", "try_wait.shared::cta") + load,
         64, flipped);
  expect(initialise + "64; bar.sync 0;\n" + store +
             "mbarrier.arrive.release.cta.shared::cta.b64 %d1, [%r2];\n" +
             waitFor("%d1", "test_wait.shared::cta") + load,
         64, flipped);
  expect(initialise + "64; bar.sync 0;\n" + store +
             "mbarrier.arrive.shared::cluster.b64 _, [%r2];\n" +
             waitFor("0, 1000", "try_wait.parity.acquire.cta.shared::cta") +
             load,
         64, flipped);
  expect(initialise + "128; bar.sync 0;\n" + store +
             "mbarrier.arrive.noComplete.shared::cta.b64 %d1, [%r2], 1; "
             "mbarrier.arrive.shared::cta.b64 %d1, [%r2], 1;\n" +
             waitFor("0") + load,
         64, flipped);
  // A generic address.
  expect("cvta.shared.u64 %d2, bar; setp.eq.u32 %p1, %t, 0; @%p1 "
         "mbarrier.init.b64 [%d2], 64; bar.sync 0;\n" +
             store +
             "mbarrier.arrive.b64 _, [%d2]; G: mbarrier.test_wait.parity.b64 "
             "%p3, [%d2], 0; @!%p3 bra G;\n" +
             load,
         64, flipped);
  // A fresh barrier: parity 1 has passed, parity 0 has not.
  expect(
      initialise +
          "2; bar.sync 0; mbarrier.test_wait.parity.shared::cta.b64 %p2, "
          "[%r2], 1; mbarrier.test_wait.parity.shared::cta.b64 %p3, [%r2], 0;"
          " selp.u32 %r1, 1, 0, %p2; selp.u32 %r4, 2, 0, %p3; add.u32 %r1, "
          "%r1, %r4;",
      32, [](uint32_t) { return 1; });
  // Dropped arrivals: the first phase waits for 2, the second for 1.
  expect(initialise +
             "2; bar.sync 0; mov.u32 %r1, 0; setp.ne.u32 %p4, %t, 0; @%p4 bra "
             "END; mbarrier.arrive_drop.shared::cta.b64 _, [%r2]; "
             "mbarrier.arrive.shared::cta.b64 _, [%r2];\n" +
             waitFor("0") + "mbarrier.arrive.shared::cta.b64 _, [%r2];\n" +
             waitFor("1") +
             "mov.u32 %r1, 9; mbarrier.inval.shared::cta.b64 [%r2]; END:",
         32, [](uint32_t t) { return t ? 0 : 9; });
  // An arrival that drops out and announces bytes at once.
  expect(initialise +
             "2; bar.sync 0; mov.u32 %r1, 0; setp.ne.u32 %p4, %t, 0; @%p4 bra "
             "END; mbarrier.arrive_drop.expect_tx.shared::cta.b64 _, [%r2], 8;"
             " mbarrier.arrive.shared::cta.b64 _, [%r2]; "
             "mbarrier.complete_tx.shared::cta.b64 [%r2], 8; "
             "mbarrier.arrive.shared::cta.b64 _, [%r2];\n" +
             waitFor("1") + "mov.u32 %r1, 3; END:",
         32, [](uint32_t t) { return t ? 0 : 3; });
  // Bytes that were announced keep the phase open.
  expect(initialise +
             "1; bar.sync 0; mov.u32 %r1, 0; setp.ne.u32 %p4, %t, 0; @%p4 bra "
             "END; mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 16;"
             " mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 0; "
             "selp.u32 %r1, 1, 0, %p2; "
             "mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r2], 16;"
             " mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r2], 0; "
             "selp.u32 %r4, 2, 0, %p2; add.u32 %r1, %r1, %r4; END:",
         32, [](uint32_t t) { return t ? 0 : 2; });
  // expect_tx after the bytes have come.
  expect(initialise +
             "1; bar.sync 0; mov.u32 %r1, 0; setp.ne.u32 %p4, %t, 0; @%p4 bra "
             "END; mbarrier.complete_tx.shared::cta.b64 [%r2], 16;"
             " mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r2], 16; "
             "mbarrier.arrive.shared::cta.b64 _, [%r2];\n" +
             waitFor("0") + "mov.u32 %r1, 4; END:",
         32, [](uint32_t t) { return t ? 0 : 4; });
}

TEST_P(PTXSynchronisation, ThreadCopies) {
  const std::string addresses =
      "shl.b32 %r3, %t, 4; mov.u32 %r4, s; add.u32 %r4, %r4, %r3; cvt.u64.u32 "
      "%d1, %r3; add.u64 %d1, %d1, %in;\n";
  auto third = [](uint32_t t) { return 1000 + 4 * t + 2; };
  for (const char *form :
       {"cp.async.cg.shared.global [%r4], [%d1], 16;",
        "cp.async.ca.shared.global [%r4], [%d1], 16, 16;",
        "cp.async.cg.shared.global.L2::128B [%r4], [%d1], 16;",
        "cp.async.ca.shared.global [%r4+8], [%d1+8], 8;",
        "cp.async.ca.shared.global [%r4+8], [%d1+8], 4;",
        "mov.u64 %d5, 0; cp.async.cg.shared.global.L2::cache_hint.L2::256B "
        "[%r4], [%d1], 16, %d5;"})
    for (const char *wait : {"cp.async.commit_group; cp.async.wait_group 0;",
                             "cp.async.wait_all;"})
      expect(addresses + form + wait + " ld.shared.u32 %r1, [%r4+8];", 64,
             third);
  // Bytes past the source's size are zero; a size of 0 reads nothing.
  expect(addresses + "and.b32 %r5, %t, 3; shl.b32 %r5, %r5, 2; "
                     "cp.async.cg.shared.global [%r4], [%d1], 16, %r5; "
                     "cp.async.wait_all; ld.shared.u32 %r1, [%r4+8];",
         64, [](uint32_t t) { return t % 4 == 3 ? 1000 + 4 * t + 2 : 0; });
  expect(addresses + "cp.async.cg.shared.global [%r4], [4096], 16, 0; "
                     "cp.async.wait_all; ld.shared.u32 %r1, [%r4];",
         64, [](uint32_t) { return 0; });
  // Two groups: the older one is complete when one may be left.
  expect(addresses + "cp.async.ca.shared.global [%r4], [%d1], 4; "
                     "cp.async.commit_group; cp.async.ca.shared.global "
                     "[%r4+4], [%d1+4], 4; cp.async.commit_group;"
                     " cp.async.wait_group 1; ld.shared.u32 %r1, [%r4]; "
                     "cp.async.wait_group 0; ld.shared.u32 %r5, [%r4+4]; "
                     "add.u32 %r1, %r1, %r5;",
         64, [](uint32_t t) { return 2 * (1000 + 4 * t) + 1; });
  // Told to an mbarrier.
  expect(initialise + "64; bar.sync 0;\n" + addresses +
             "cp.async.cg.shared.global [%r4], [%d1], 16; "
             "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%r2];\n" +
             waitFor("0") +
             "xor.b32 %r5, %r4, 512; ld.shared.u32 %r1, [%r5+8];",
         64, [](uint32_t t) { return 1000 + 4 * (t ^ 32) + 2; });
  expect(initialise + "64; bar.sync 0;\n" + addresses +
             "cp.async.cg.shared.global [%r4], [%d1], 16; "
             "cp.async.mbarrier.arrive.shared.b64 [%r2]; "
             "mbarrier.arrive.shared.b64 _, [%r2];\n" +
             waitFor("0") + "ld.shared.u32 %r1, [%r4+8];",
         64, third);
}

TEST_P(PTXSynchronisation, BulkCopies) {
  const std::string issue =
      initialise +
      "1; bar.sync 0; @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], "
      "256; mov.u32 %r3, s;\n";
  const std::string load =
      waitFor("0") +
      "shl.b32 %r4, %t, 2; add.u32 %r4, %r4, %r3; ld.shared.u32 %r1, [%r4];\n";
  auto copied = [](uint32_t t) { return 1000 + t; };
  expect(issue +
             "@%p1 "
             "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
             "bytes [%r3], [%in], 256, [%r2];\n" +
             load,
         64, copied);
  expect(
      issue +
          "@%p1 cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes "
          "[%r3], [%in], 256, [%r2];\n" +
          load,
      64, copied);
  // And back: the output goes through shared memory.
  auto back = [&](const char *copy, const char *wait) {
    return "mov.u32 %r3, s; shl.b32 %r4, %t, 2; add.u32 %r4, %r4, %r3; add.u32 "
           "%r1, %t, 5; st.shared.u32 [%r4], %r1; "
           "fence.proxy.async.shared::cta; bar.sync 0;"
           " setp.eq.u32 %p1, %t, 0; add.u64 %d3, %in, 4096;\n@%p1 " +
           std::string(copy) + "\n@%p1 cp.async.bulk.commit_group;\n@%p1 " +
           wait +
           " bar.sync 0; cvt.u64.u32 %d4, %r4; sub.u32 %r5, %r4, %r3; "
           "cvt.u64.u32 %d4, %r5; add.u64 %d4, %d4, %d3; ld.global.u32 %r1, "
           "[%d4];";
  };
  expect(back("cp.async.bulk.global.shared::cta.bulk_group [%d3], [%r3], 256;",
              "cp.async.bulk.wait_group 0;"),
         64, [](uint32_t t) { return t + 5; });
  for (uint32_t n = 0; n < 64; ++n)
    in[1024 + n] = 0;
  in[1024] = 0;
  Launch launch;
  launch.block.x = 64;
  launch.options.async = GetParam();
  Result result =
      runKernel(machine,
                kernelText(registers +
                               back("cp.reduce.async.bulk.global.shared::cta."
                                    "bulk_group.add.u32 [%d3], [%r3], 256;",
                                    "cp.async.bulk.wait_group 0;") +
                               storeResult,
                           2),
                launch, {in, out});
  EXPECT_EQ(result.status, Status::Ok) << result.text();
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(out[t], t + 5);
  expect("setp.eq.u32 %p1, %t, 0; @%p1 cp.async.bulk.prefetch.L2.global [%in], "
         "256; prefetch.global.L2 [%in]; mov.u32 %r1, 3;",
         32, [](uint32_t) { return 3; });
}

TEST_P(PTXSynchronisation, TensorCopies) {
  // A matrix of 8 rows of 16 words in memory; a box of 4 rows of 8 words at (4,
  // 6): rows 8 and 9 are outside and become zeros.
  struct alignas(64) Map {
    uint8_t bytes[tensorMapBytes];
  };
  auto *encoded = static_cast<Map *>(machine.allocate(sizeof(Map), "map"));
  TensorMap map;
  map.element = TensorElement::U32;
  map.rank = 2;
  map.globalAddress = uint64_t(reinterpret_cast<uintptr_t>(in));
  map.globalDim[0] = 16;
  map.globalDim[1] = 8;
  map.globalStride[0] = 64;
  map.boxDim[0] = 8;
  map.boxDim[1] = 4;
  encodeTensorMap(map, encoded->bytes);
  uint64_t address = uint64_t(reinterpret_cast<uintptr_t>(encoded));
  std::string load =
      initialise + "1; bar.sync 0; mov.u64 %d1, " + std::to_string(address) +
      "; mov.u32 %r5, 4; mov.u32 %r3, s; prefetch.tensormap [%d1];\n"
      "@%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 128;\n";
  std::string read =
      waitFor("0") +
      "shl.b32 %r4, %t, 2; add.u32 %r4, %r4, %r3; ld.shared.u32 %r1, [%r4];\n";
  auto loaded = [](uint32_t t) {
    return t / 8 + 6 < 8 ? 1000 + (t / 8 + 6) * 16 + t % 8 + 4 : 0;
  };
  expect(load +
             "@%p1 "
             "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
             "complete_tx::bytes [%r3], [%d1, {%r5, 6}], [%r2];\n" +
             read,
         32, loaded);
  expect(load +
             "@%p1 "
             "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::"
             "complete_tx::bytes.L2::cache_hint [%r3], [%d1, {%r5, 6}], [%r2], "
             "%d1;\n" +
             read,
         32, loaded);
  std::string store =
      "mov.u64 %d1, " + std::to_string(address) +
      "; mov.u32 %r3, s; shl.b32 %r4, %t, 2; add.u32 %r4, %r4, %r3; add.u32 "
      "%r1, %t, 1; st.shared.u32 [%r4], %r1;"
      " fence.proxy.async; bar.sync 0; setp.eq.u32 %p1, %t, 0;\n@%p1 "
      "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%d1, {-2, 6}], "
      "[%r3];\n"
      "@%p1 cp.async.bulk.commit_group;\n@%p1 cp.async.bulk.wait_group.read "
      "0;\n";
  expect(store, 32, [](uint32_t t) { return t + 1; });
  for (uint32_t row = 0; row < 8; ++row)
    for (uint32_t column = 0; column < 16; ++column)
      EXPECT_EQ(in[row * 16 + column], row >= 6 && column < 6
                                           ? (row - 6) * 8 + column + 2 + 1
                                           : 1000 + row * 16 + column);
}

TEST_P(PTXSynchronisation, Clusters) {
  expect(
      "mov.u32 %r1, %cluster_ctarank; mov.u32 %r2, %cluster_nctarank; "
      "mad.lo.u32 %r1, %r2, 10, %r1;",
      32, [](uint32_t t) { return 20 + t / 32 % 2; }, 4, 2);
  // Each CTA reads the other's shared memory.
  const std::string arrive =
      "mov.u32 %r2, s; mov.u32 %r3, %cluster_ctarank; add.u32 %r4, %r3, 70; "
      "setp.lt.u32 %p1, %t, 32; @%p1 st.shared.u32 [%r2], %r4; bar.sync 0;\n";
  const std::string cross =
      "xor.b32 %r5, %r3, 1; mapa.shared::cluster.u32 %r6, %r2, %r5;\n";
  expect(
      arrive +
          "barrier.cluster.arrive.release.aligned; "
          "barrier.cluster.wait.acquire.aligned;\n" +
          cross +
          "ld.shared::cluster.u32 %r1, [%r6]; barrier.cluster.arrive.aligned; "
          "barrier.cluster.wait.aligned;",
      64, [](uint32_t t) { return 71 - t / 64; }, 2, 2);
  expect(
      "mov.u32 %r2, s; mapa.shared::cluster.u32 %r6, %r2, 1; "
      "getctarank.shared::cluster.u32 %r1, %r6;",
      32, [](uint32_t) { return 1; }, 2, 2);
  // An arrive at the other CTA's barrier.
  expect(
      initialise +
          "64; fence.mbarrier_init.release.cluster; "
          "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned; "
          "mov.u32 %r3, %cluster_ctarank;\n" +
          cross +
          "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r6];\n" +
          waitFor("0", "try_wait.parity.acquire.cluster.shared::cta") +
          "mov.u32 %r1, 6; barrier.cluster.arrive; barrier.cluster.wait;",
      64, [](uint32_t) { return 6; }, 2, 2);
  // One copy for both CTAs, each of which is told.
  expect(
      initialise +
          "1; fence.mbarrier_init.release.cluster; mov.u32 %r3, s; mov.u32 "
          "%r7, %cluster_ctarank; setp.eq.u32 %p5, %r7, 0; and.pred %p5, %p5, "
          "%p1;"
          " @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 128; "
          "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned; "
          "mov.u16 %h1, 3;\n"
          "@%p5 "
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes."
          "multicast::cluster [%r3], [%in], 128, [%r2], %h1;\n" +
          waitFor("0") +
          "shl.b32 %r4, %t, 2; add.u32 %r4, %r4, %r3; ld.shared.u32 %r1, "
          "[%r4]; barrier.cluster.arrive.aligned; "
          "barrier.cluster.wait.aligned;",
      32, [](uint32_t t) { return 1000 + t % 32; }, 2, 2);
  // A value sent to the other CTA.
  expect(
      initialise +
          "1; fence.mbarrier_init.release.cluster; @%p1 "
          "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 4; "
          "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;"
          " mov.u32 %r3, %cluster_ctarank; xor.b32 %r5, %r3, 1; mov.u32 %r4, "
          "s; mapa.shared::cluster.u32 %r6, %r4, %r5; mapa.shared::cluster.u32 "
          "%r7, %r2, %r5;\n"
          "@%p1 st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 "
          "[%r6], %r3, [%r7];\n" +
          waitFor("0") +
          "ld.shared.u32 %r1, [%r4]; barrier.cluster.arrive.aligned; "
          "barrier.cluster.wait.aligned;",
      32, [](uint32_t t) { return 1 - t / 32; }, 2, 2);
}

TEST_P(PTXSynchronisation, RegistersAndHints) {
  expect("setmaxnreg.dec.sync.aligned.u32 40; setmaxnreg.inc.sync.aligned.u32 "
         "232; griddepcontrol.wait; griddepcontrol.launch_dependents; "
         "nanosleep.u32 20;"
         " membar.gl; membar.cta; fence.sc.gpu; fence.acq_rel.cluster; "
         "fence.proxy.alias; mov.u32 %r1, 2;",
         128, [](uint32_t) { return 2; });
}

INSTANTIATE_TEST_SUITE_P(Policies, PTXSynchronisation,
                         testing::Values(AsyncPolicy::Early, AsyncPolicy::Late,
                                         AsyncPolicy::Random));

} // namespace
