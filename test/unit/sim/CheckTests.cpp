// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the checks find: wrong kernels, each of which must be reported with its
// kind, place and words; and that each check can be switched off.
#include "FormTest.h"

using namespace trine::sim;

namespace {

const char *const registers =
    "  .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<19>; .reg .b64 %d<19>; "
    ".reg .f32 %f<40>;\n"
    "  .reg .b64 %in, %out; .reg .b32 %t;\n  ld.param.u64 %in, [p0]; "
    "ld.param.u64 %out, [p1]; mov.u32 %t, %tid.x;\n"
    "  .shared .align 1024 .b8 s[4096]; .shared .align 8 .b64 bar[4];\n";

class PTXChecks : public testing::Test {
protected:
  void SetUp() override {
    in = static_cast<uint32_t *>(machine.allocate(1024, "in"));
    out = static_cast<uint32_t *>(machine.allocate(1024, "out", true));
    memset(in, 0, 1024);
  }
  Result run(const std::string &body, uint32_t threads = 32,
             Launch launch = {}) {
    launch.block.x = threads;
    if (launch.options.stepLimit > 1000000)
      launch.options.stepLimit = 1000000;
    return runKernel(
        machine,
        kernelText(registers + body, 2, "sm_90a", "", ".maxntid 1024, 1, 1"),
        launch, {in, out});
  }
  /// The first report is of the kind and says \p words.
  void expect(const std::string &body, ReportKind kind,
              const std::string &words, uint32_t threads = 32,
              Launch launch = {}, unsigned thread = ~0u) {
    Result result = run(body, threads, launch);
    ASSERT_FALSE(result.reports.empty()) << "nothing was reported for\n"
                                         << body;
    const Report &report = result.reports[0];
    EXPECT_EQ(report.kind, kind) << result.text() << "\n" << body;
    EXPECT_NE(report.message.find(words), std::string::npos)
        << result.text() << "\n"
        << body;
    EXPECT_EQ(report.kernel, "k");
    EXPECT_GT(report.line, 5u);
    EXPECT_FALSE(report.text.empty());
    if (thread != ~0u) {
      EXPECT_EQ(report.thread.x, thread) << result.text();
    }
  }
  void expectClean(const std::string &body, uint32_t threads = 32,
                   Launch launch = {}) {
    Result result = run(body, threads, launch);
    EXPECT_EQ(result.status, Status::Ok) << result.text() << "\n" << body;
  }
  static Launch without(bool Checks::*check) {
    Launch launch;
    launch.options.checks.*check = false;
    return launch;
  }
  Machine machine;
  uint32_t *in, *out;
};

const std::string slot =
    "shl.b32 %r2, %t, 2; mov.u32 %r3, s; add.u32 %r2, %r2, %r3;\n";

TEST_F(PTXChecks, OutOfBounds) {
  expect("mul.wide.u32 %d1, %t, 64; add.u64 %d1, %d1, %in; ld.global.u32 %r1, "
         "[%d1];",
         ReportKind::OutOfBounds,
         "read of 4 bytes of global memory: 1 bytes past the last byte of 'in' "
         "of 1024 bytes",
         32, {}, 16);
  expect("st.global.v4.u32 [%out+1020], {1, 2, 3, 4};", ReportKind::Misaligned,
         "16 bytes");
  expect("st.global.v2.u32 [%out+1024], {1, 2};", ReportKind::OutOfBounds,
         "write of 8 bytes", 1);
  expect("ld.global.u32 %r1, [%in+-4];", ReportKind::OutOfBounds,
         "4 bytes before the begin of 'in'", 1);
  expect("mov.u64 %d1, 0; st.global.u32 [%d1], 1;", ReportKind::OutOfBounds,
         "write of 4 bytes of global memory: no memory is near", 1);
  expect("ld.shared.u32 %r1, [s+4132];", ReportKind::OutOfBounds,
         "outside of 4096 bytes of shared memory", 1);
  expect("mov.u32 %r1, 0; st.shared.u32 [%r1], 1;", ReportKind::OutOfBounds,
         "shared address 0", 1);
  expect(".local .b32 v; mov.u64 %d1, 1000; ld.local.u32 %r1, [%d1];",
         ReportKind::OutOfBounds, "local memory", 1);
  expect("mov.b64 %d1, p0; ld.param.u64 %d2, [%d1+96];",
         ReportKind::OutOfBounds,
         "read outside of the kernel's 16 bytes of parameters", 1);
  expect("cvta.param.u64 %d1, p0; st.u64 [%d1], 1;", ReportKind::OutOfBounds,
         "write to the kernel's", 1);
  static const int constant = 5;
  const void *address = &constant;
  ASSERT_TRUE(
      machine.registerHost(const_cast<void *>(address), 4, "constant", false));
  expect("st.global.u32 [" + std::to_string(uint64_t(uintptr_t(address))) +
             "], 1;",
         ReportKind::OutOfBounds,
         "write to read-only memory: byte 0 of 'constant'", 1);
  // Bounds are checked whatever is switched off, and the access is not made.
  Launch launch;
  launch.options.checks = Checks::none();
  expect("st.global.u32 [%out+1024], 1;", ReportKind::OutOfBounds,
         "past the last byte of 'out'", 1, launch);
  expect("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
         "[s], [%in], 16, [bar];",
         ReportKind::BarrierMisuse, "no initialised mbarrier", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; "
         "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
         "[s], [%in+1008], 32, [bar];",
         ReportKind::OutOfBounds, "read of 32 bytes", 1);
  expect("cp.async.ca.shared.global [s], [%in+1024], 4;",
         ReportKind::OutOfBounds, "past the last byte", 1);
  expectClean("cp.async.ca.shared.global [s], [%in+1024], 4, 0;", 1);
}

TEST_F(PTXChecks, Misaligned) {
  expect("ld.global.u32 %r1, [%in+2];", ReportKind::Misaligned,
         "an access of 4 bytes is not aligned to its size", 1);
  expect("ld.shared.v4.u32 {%r1, %r2, %r3, %r4}, [s+8];",
         ReportKind::Misaligned, "16 bytes", 1);
  expectClean("ld.global.u32 %r1, [%in+2];", 1, without(&Checks::alignment));
  expect("mbarrier.init.shared.b64 [bar+4], 1;", ReportKind::Misaligned,
         "aligned to 8 bytes", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; "
         "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
         "[s+8], [%in], 16, [bar];",
         ReportKind::Misaligned, "must be multiples of 16", 1);
}

TEST_F(PTXChecks, Uninitialised) {
  expect("st.global.u32 [%out], %r1;", ReportKind::Uninitialised,
         "register '%r1' is used, but was not written", 1);
  expect(
      "add.u32 %r2, %r1, 1; mul.lo.u32 %r3, %r2, 3; st.global.u32 [%out], %r3;",
      ReportKind::Uninitialised, "'%r3'", 1);
  expect("@%p1 bra END; mov.u32 %r1, 1; END:", ReportKind::Uninitialised,
         "predicate '%p1'", 1);
  expect("ld.global.u32 %r1, [%d1];", ReportKind::Uninitialised, "'%d1'", 1);
  // What is not used is not reported; a selection takes one side only.
  expectClean("add.u32 %r2, %r1, 1;", 1);
  expectClean("setp.eq.u32 %p1, %t, %t; selp.u32 %r1, 5, %r2, %p1; "
              "st.global.u32 [%out], %r1;",
              1);
  expect("setp.ne.u32 %p1, %t, %t; selp.u32 %r1, 5, %r2, %p1; st.global.u32 "
         "[%out], %r1;",
         ReportKind::Uninitialised, "'%r1'", 1);
  // Written in some lanes only.
  expect(
      "setp.lt.u32 %p1, %t, 8; @%p1 mov.u32 %r1, 1; st.global.u32 [%out], %r1;",
      ReportKind::Uninitialised, "'%r1'", 32, {}, 8);
  expect("ld.shared.u32 %r1, [s+8];", ReportKind::Uninitialised,
         "byte 8 of shared 's' is read, but was not written", 1);
  expect("st.shared.u16 [s], 1; ld.shared.u32 %r1, [s];",
         ReportKind::Uninitialised, "byte 0 of shared 's'", 1);
  expect("ld.global.u32 %r1, [%out+4];", ReportKind::Uninitialised,
         "byte 4 of 'out' of 1024 bytes is read, but was not written", 1);
  expect("atom.global.add.u32 %r1, [%out+16], 1;", ReportKind::Uninitialised,
         "is updated", 1);
  expect(".local .align 8 .b8 v[16]; st.local.u32 [v], 1; ld.local.u32 %r1, "
         "[v+4];",
         ReportKind::Uninitialised, "local memory", 1);
  expectClean("ld.shared.u32 %r1, [s+8]; st.global.u32 [%out], %r2;", 1,
              without(&Checks::uninitialised));
}

TEST_F(PTXChecks, Races) {
  const std::string neighbour =
      "xor.b32 %r4, %r2, 128; ld.shared.u32 %r1, [%r4];";
  expect(slot + "st.shared.u32 [%r2], %t;" + neighbour,
         ReportKind::Uninitialised, "", 64); // seen first by the first warp
  expect(slot + "st.shared.u32 [%r2], %t;" + neighbour, ReportKind::Race,
         "races with a", 64, without(&Checks::uninitialised));
  expectClean(slot + "st.shared.u32 [%r2], %t; bar.sync 0;" + neighbour, 64);
  // Reads, then writes.
  expect(slot + "st.shared.u32 [%r2], %t; bar.sync 0;" + neighbour +
             "st.shared.u32 [%r2], %r1;",
         ReportKind::Race, "races with a", 64);
  expectClean(slot + "st.shared.u32 [%r2], %t; bar.sync 0;" + neighbour +
                  "bar.sync 0; st.shared.u32 [%r2], %r1;",
              64);
  // Within a warp, too: only bar.warp.sync orders lanes, shuffles do not.
  const std::string inWarp = "xor.b32 %r4, %r2, 4; ld.shared.u32 %r1, [%r4];";
  expect(slot + "st.shared.u32 [%r2], %t;" + inWarp, ReportKind::Race,
         "races with a write by thread");
  expect(slot +
             "st.shared.u32 [%r2], %t; shfl.sync.idx.b32 %r5, %t, 0, 31, -1;" +
             inWarp,
         ReportKind::Race, "races with a write by thread");
  expectClean(slot + "st.shared.u32 [%r2], %t; bar.warp.sync -1;" + inWarp);
  // One lane's arrival does not speak for the others of its warp.
  const std::string elected =
      "setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [bar], 1; "
      "bar.sync 0;\n" +
      slot +
      "setp.ge.u32 %p2, %t, 32; @%p2 bra WAIT;\n"
      "st.shared.u32 [%r2], %t; ";
  const std::string wait =
      " bra END; WAIT: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 0; "
      "@!%p3 bra WAIT;\n" +
      neighbour + "END:";
  expect(elected + "@%p1 mbarrier.arrive.shared.b64 _, [bar];" + wait,
         ReportKind::Race, "races with a write by thread 1 ", 64);
  expectClean(
      elected + "bar.warp.sync -1; @%p1 mbarrier.arrive.shared.b64 _, [bar];" +
          wait,
      64);
  // A barrier of the wrong warps.
  expect(
      slot +
          "st.shared.u32 [%r2], %t; shr.u32 %r5, %t, 6; add.u32 %r5, %r5, 1; "
          "bar.sync %r5, 64; xor.b32 %r4, %r2, 256; ld.shared.u32 %r1, [%r4];",
      ReportKind::Race, "races with", 128, without(&Checks::uninitialised));
  // Atomics race with plain accesses, not with one another.
  expectClean("setp.eq.u32 %p1, %t, 0; @%p1 st.shared.u32 [s], 0; bar.sync 0; "
              "atom.shared.add.u32 %r1, [s], 1;",
              64);
  expect("setp.eq.u32 %p1, %t, 0; @%p1 st.shared.u32 [s], 0; bar.sync 0; "
         "atom.shared.add.u32 %r1, [s], 1; ld.shared.u32 %r1, [s];",
         ReportKind::Race, "races with", 64);
  // A flag with release and acquire orders what is around it.
  const std::string flag = "setp.eq.u32 %p1, %t, 0; @%p1 st.shared.u32 [s], 0; "
                           "bar.sync 0; setp.ge.u32 %p2, %t, 32; @%p2 bra "
                           "WAIT; @!%p1 bra END; st.shared.u32 [s+64], 7;\n";
  const std::string spin =
      "bra END; WAIT: setp.ne.u32 %p4, %t, 32; @%p4 bra END; SPIN: "
      "ld.acquire.cta.shared.u32 %r1, [s]; setp.eq.u32 %p3, %r1, 0; @%p3 bra "
      "SPIN; ld.shared.u32 %r1, [s+64]; END:";
  expectClean(flag + "st.release.cta.shared.u32 [s], 1;" + spin, 64);
  expect(flag + "st.relaxed.cta.shared.u32 [s], 1;" + spin, ReportKind::Race,
         "races with a write by thread 0", 64);
  // Two values of one instruction for one place; equal ones are no race.
  expect("st.shared.u32 [s], %t;", ReportKind::Race,
         "of one instruction write different values");
  expectClean("st.shared.u32 [s], 5;");
  expectClean(slot + "st.shared.u32 [%r2], %t;" + inWarp, 32,
              without(&Checks::races));
}

TEST_F(PTXChecks, MissingWaits) {
  const std::string copy =
      slot +
      "cp.async.ca.shared.global [%r2], [%in], 4; cp.async.commit_group;\n";
  expect(copy + "ld.shared.u32 %r1, [%r2];", ReportKind::MissingWait,
         "is the destination of an asynchronous copy that is not known to be "
         "complete");
  expect(copy + copy + "cp.async.wait_group 1; ld.shared.u32 %r1, [%r2];",
         ReportKind::MissingWait, "already the destination");
  expect(copy + "cp.async.wait_group 1; ld.shared.u32 %r1, [%r2];",
         ReportKind::MissingWait, "not known to be complete");
  expectClean(copy + "cp.async.wait_group 0; ld.shared.u32 %r1, [%r2];");
  // The wait speaks for its own thread: others need a barrier as well.
  const std::string other = "xor.b32 %r4, %r2, 128; ld.shared.u32 %r1, [%r4];";
  expect(copy + "cp.async.wait_group 0;" + other, ReportKind::Race,
         "races with a read by thread", 64, without(&Checks::uninitialised));
  expectClean(copy + "cp.async.wait_group 0; bar.sync 0;" + other, 64);
  expect(copy + "bar.sync 0; cp.async.wait_group 0;" + other,
         ReportKind::MissingWait, "", 64);

  const std::string bulk =
      "setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [bar], 1; "
      "bar.sync 0; @%p1 mbarrier.arrive.expect_tx.shared.b64 _, [bar], 128;\n"
      "@%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[s], [%in], 128, [bar];\n" +
      slot;
  const std::string wait = "WAIT: mbarrier.try_wait.parity.shared.b64 %p3, "
                           "[bar], 0; @!%p3 bra WAIT;\n";
  expectClean(bulk + wait + "ld.shared.u32 %r1, [%r2];");
  expect(bulk + "ld.shared.u32 %r1, [%r2];" + wait, ReportKind::MissingWait,
         "not known to be complete");
  expect(bulk + "WAIT: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 1; "
                "@!%p3 bra WAIT; ld.shared.u32 %r1, [%r2];",
         ReportKind::MissingWait, "");
  expect(bulk + "mbarrier.try_wait.parity.shared.b64 %p3, [bar], 1;",
         ReportKind::MissingWait,
         "the CTA ended before anything waited for this copy");
  // One warp waited, another reads.
  expect(
      bulk + "setp.ge.u32 %p4, %t, 32; @%p4 bra LATE;\n" + wait +
          "st.volatile.global.u32 [%in+512], 1; bra END; LATE: "
          "ld.volatile.global.u32 %r5, [%in+512]; setp.ne.u32 %p5, %r5, 1;"
          " @%p5 bra LATE; sub.u32 %r2, %r2, 128; ld.shared.u32 %r1, [%r2]; "
          "END:",
      ReportKind::Race,
      "by an asynchronous copy whose completion this thread did not wait for",
      64);
  // A store by bulk copy: proxy fence, and a wait before the source changes.
  const std::string fill = slot + "st.shared.u32 [%r2], %t;";
  const std::string store =
      "bar.sync 0; setp.eq.u32 %p1, %t, 0; @%p1 "
      "cp.async.bulk.global.shared::cta.bulk_group [%out], [s], 128; @%p1 "
      "cp.async.bulk.commit_group;\n";
  expectClean(fill + "fence.proxy.async;" + store +
              "@%p1 cp.async.bulk.wait_group 0;");
  expect(fill + store + "@%p1 cp.async.bulk.wait_group 0;", ReportKind::Race,
         "without a fence.proxy.async before this asynchronous read");
  expect(fill + "fence.proxy.async;" + store, ReportKind::MissingWait,
         "the CTA ended without a wait for this copy, which reads its shared "
         "memory");
  expect(fill + "fence.proxy.async;" + store +
             "bar.sync 0; st.shared.u32 [%r2], 1; @%p1 "
             "cp.async.bulk.wait_group 0;",
         ReportKind::MissingWait,
         "is written while an asynchronous read of it is not known to be "
         "complete");
  // A copy over what others still read.
  expect("setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [bar], 1;\n" +
             fill +
             "bar.sync 0; xor.b32 %r4, %r2, 64; ld.shared.u32 %r1, [%r4];"
             "@%p1 mbarrier.arrive.expect_tx.shared.b64 _, [bar], 128;\n@%p1 "
             "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
             "bytes [s], [%in], 128, [bar];\n" +
             wait,
         ReportKind::Race, "races with a read by thread");
}

TEST_F(PTXChecks, WarpgroupMatrices) {
  // K-major 8-bit-free bf16 tiles without swizzle in zeroed shared memory:
  // descriptors of start, leading 128 and stride 256.
  auto kernel = [&](const std::string &fence, const std::string &use,
                    const std::string &wait,
                    const std::string &proxy = "fence.proxy.async;") {
    return "mov.u32 %r3, s; shl.b32 %r2, %t, 5; add.u32 %r2, %r2, %r3; mov.u32 "
           "%r4, 0; st.shared.v4.u32 [%r2], {%r4, %r4, %r4, %r4}; "
           "st.shared.v4.u32 [%r2+16], {%r4, %r4, %r4, %r4}; " +
           proxy +
           " bar.sync 0;\n"
           "cvt.u64.u32 %d1, %r3; shr.u64 %d1, %d1, 4; or.b64 %d1, %d1, " +
           std::to_string((128ull >> 4) << 16 | (256ull >> 4) << 32) +
           "; mov.f32 %f0, 0f00000000; mov.f32 %f1, %f0; mov.f32 %f2, %f0; "
           "mov.f32 %f3, %f0;\n" +
           fence +
           " wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f0, %f1, "
           "%f2, %f3}, %d1, %d1, 1, 1, 1, 0, 0; "
           "wgmma.commit_group.sync.aligned;\n" +
           use + wait +
           " shl.b32 %r5, %t, 2; cvt.u64.u32 %d2, %r5; add.u64 %d2, %d2, %out; "
           "st.global.f32 [%d2], %f0;";
  };
  const std::string fence = "wgmma.fence.sync.aligned;",
                    wait = "wgmma.wait_group.sync.aligned 0;";
  expectClean(kernel(fence, "", wait), 128);
  expectClean(kernel(fence, "mov.f32 %f9, %f0;", wait),
              128); // a copy may be made before the wait
  expect(kernel("", "", wait), ReportKind::MissingWait, "a wgmma.fence since",
         128);
  expect(kernel(fence, "", ""), ReportKind::MissingWait,
         "register '%f0' is touched while a wgmma that uses it is not known to "
         "be complete",
         128);
  expect(kernel(fence, "", "wgmma.wait_group.sync.aligned 1;"),
         ReportKind::MissingWait, "'%f0'", 128);
  expect(kernel(fence, "add.f32 %f9, %f0, %f0;", wait), ReportKind::MissingWait,
         "'%f0'", 128);
  expect(kernel(fence, "bar.sync 0; st.shared.u32 [%r2], 1;", wait),
         ReportKind::MissingWait, "is written while an asynchronous read", 128);
  expect(kernel(fence, "", wait, ""), ReportKind::Race,
         "without a fence.proxy.async", 128);
  // The first wgmma needs a fence even when it reads no accumulators.
  auto first = [&](const std::string &fence) {
    std::string text = kernel(fence, "", wait);
    size_t begin = text.find("mov.f32 %f0,"), end = text.find('\n', begin);
    text.erase(begin, end - begin);
    size_t scale = text.find("%d1, %d1, 1,");
    return text.replace(scale, 12, "%d1, %d1, 0,");
  };
  expectClean(first(fence), 128);
  expect(first(""), ReportKind::MissingWait, "a wgmma.fence since", 128);
  // cp.async writes through the generic proxy, too.
  auto copied = [&](const std::string &proxy) {
    std::string text = kernel(fence, "", wait, "");
    for (const char *store : {"[%r2]", "[%r2+16]"}) {
      size_t at = text.find(std::string("st.shared.v4.u32 ") + store);
      text.replace(at, text.find(';', at) - at,
                   std::string("cp.async.cg.shared.global ") + store +
                       ", [%in], 16, 0");
    }
    size_t at = text.find("bar.sync");
    return text.insert(at, "cp.async.wait_all; " + proxy);
  };
  expectClean(copied("fence.proxy.async; "), 128);
  expect(copied(""), ReportKind::Race, "without a fence.proxy.async", 128);
  expect(kernel(fence, "", wait), ReportKind::InvalidOperand,
         "'wgmma' needs a warpgroup: four whole warps", 96);
}

TEST_F(PTXChecks, BarrierMisuse) {
  expect("bar.sync 0, 48;", ReportKind::BarrierMisuse,
         "must be a positive multiple of 32, got 48", 64);
  expect("bar.sync 0, 128;", ReportKind::BarrierMisuse,
         "waits for 128 threads, but the CTA has 64", 64);
  expect("mov.u32 %r1, 16; bar.sync %r1;", ReportKind::BarrierMisuse,
         "barrier 16 does not exist");
  expect("setp.lt.u32 %p1, %t, 32; @%p1 bar.sync 1, 64; @!%p1 bar.sync 1, 96;",
         ReportKind::BarrierMisuse, "different thread counts", 96);
  expect("setp.lt.u32 %p1, %t, 32; @%p1 bar.arrive 1, 64; bar.sync 1, 64;",
         ReportKind::BarrierMisuse, "again before it has completed", 64);
  expect("setp.eq.u32 %p1, %t, 0; @%p1 bar.sync 0;", ReportKind::Divergence,
         "guard is false in a lane that must execute it together", 32, {}, 1);
  expect("setp.lt.u32 %p1, %t, 16; @%p1 bra A; bar.sync 0; bra B; A: bar.sync "
         "0; B:",
         ReportKind::Divergence, "not all lanes", 32);
  expect("setp.lt.u32 %p1, %t, 16; @%p1 shfl.sync.idx.b32 %r1, %t, 0, 31, -1;",
         ReportKind::Divergence, "guard is false", 32, {}, 16);
  expect("setp.lt.u32 %p1, %t, 16; @%p1 shfl.sync.idx.b32 %r1, %t, 20, 31, "
         "0xffff;",
         ReportKind::Divergence, "'shfl' reads a lane that does not take part");
  expect("vote.sync.ballot.b32 %r1, 1, 0xffff;", ReportKind::Divergence,
         "leaves out a lane that executes");
  expect("mbarrier.arrive.shared.b64 _, [bar];", ReportKind::BarrierMisuse,
         "there is no initialised mbarrier at byte 0 of shared 'bar'", 1);
  expect(
      "mbarrier.init.shared.b64 [bar], 1; mbarrier.init.shared.b64 [bar], 1;",
      ReportKind::BarrierMisuse, "'mbarrier.init' of a live mbarrier", 1);
  expect("mbarrier.init.shared.b64 [bar], 0;", ReportKind::BarrierMisuse,
         "must be in [1, 1048575], got 0", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; ld.shared.u64 %d1, [bar];",
         ReportKind::BarrierMisuse, "holds a live mbarrier", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; mbarrier.arrive.shared.b64 _, "
         "[bar], 2;",
         ReportKind::BarrierMisuse,
         "an arrival of 2 at an mbarrier that waits for 1", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; "
         "mbarrier.arrive.noComplete.shared.b64 %d1, [bar], 1;",
         ReportKind::BarrierMisuse, "'.noComplete' completes the phase", 1);
  expect("mbarrier.init.shared.b64 [bar], 2; mbarrier.expect_tx.shared.b64 "
         "[bar], 2000000;",
         ReportKind::BarrierMisuse, "transaction count", 1);
  expect("mbarrier.init.shared.b64 [bar], 1; mbarrier.inval.shared.b64 [bar]; "
         "mbarrier.arrive.shared.b64 _, [bar];",
         ReportKind::BarrierMisuse, "no initialised mbarrier", 1);
  expect("setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [bar], 64; "
         "mbarrier.arrive.shared.b64 _, [bar];",
         ReportKind::BarrierMisuse, "no initialised", 64, [] {
           Launch launch;
           launch.options.randomSchedule = true;
           launch.options.seed = 4;
           return launch;
         }());
  expect("setp.lt.u32 %p1, %t, 0; setmaxnreg.inc.sync.aligned.u32 40; "
         "setmaxnreg.inc.sync.aligned.u32 24;",
         ReportKind::InvalidOperand, "'setmaxnreg.inc' to 24 registers", 128);
}

TEST_F(PTXChecks, Deadlocks) {
  expect("setp.lt.u32 %p1, %t, 32; @%p1 bra END; bar.sync 1, 64; END:",
         ReportKind::Deadlock, "waits at barrier 1 (32 arrived of 64)", 64);
  expect("setp.eq.u32 %p1, %t, 0; @%p1 mbarrier.init.shared.b64 [bar], 65; "
         "bar.sync 0; mbarrier.arrive.shared.b64 _, [bar];\n"
         "WAIT: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 0; @!%p3 bra "
         "WAIT;",
         ReportKind::Deadlock,
         "waits for the mbarrier at byte 0 of shared 'bar' (phase 0, 1 of 65 "
         "arrivals and 0 bytes missing)",
         64);
  expect("mbarrier.init.shared.b64 [bar], 1; "
         "mbarrier.arrive.expect_tx.shared.b64 _, [bar], 64;\n"
         "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
         "[s], [%in], 32, [bar];\nWAIT: mbarrier.try_wait.parity.shared.b64 "
         "%p3, [bar], 0; @!%p3 bra WAIT;",
         ReportKind::Deadlock, "32 bytes missing", 1);
  Result result = run("LOOP: bra LOOP;");
  EXPECT_EQ(result.status, Status::StepLimit);
  EXPECT_NE(result.text().find("the limit of the launch"), std::string::npos)
      << result.text();
  // Polling memory that nobody writes ends, too.
  result = run("LOOP: ld.volatile.global.u32 %r1, [%in]; setp.eq.u32 %p1, %r1, "
               "0; @%p1 bra LOOP;");
  EXPECT_EQ(result.status, Status::StepLimit);
  result =
      run("LOOP: mbarrier.init.shared.b64 [bar], 1; T: "
          "mbarrier.test_wait.parity.shared.b64 %p1, [bar], 0; @!%p1 bra T;",
          1);
  EXPECT_TRUE(result.status == Status::StepLimit ||
              result.status == Status::Deadlock)
      << result.text();
  result = run("{ .reg .b32 %x; A: bra A; }\n");
  EXPECT_EQ(result.status, Status::StepLimit);
  EXPECT_EQ(run("trap;").status, Status::Trap);
}

TEST_F(PTXChecks, LaunchesAreChecked) {
  auto module = loadText(kernelText("", 1, "sm_90a", "", ".reqntid 64, 1, 1"));
  auto message = [&](Launch launch, size_t count = 1, const char *name = "k") {
    const void *pointer = in;
    const void *arguments[] = {&pointer, &pointer};
    Result result = machine.launch(*module, name, launch, arguments, count);
    EXPECT_EQ(result.status, Status::InvalidLaunch);
    return result.message;
  };
  Launch launch;
  EXPECT_EQ(message(launch),
            "'k' requires blocks of 64 x 1 x 1, got 1 x 1 x 1");
  launch.block.x = 64;
  EXPECT_EQ(message(launch, 2), "'k' has 1 parameters, got 2");
  EXPECT_EQ(message(launch, 1, "z"), "the module has no kernel 'z'");
  launch.dynamicSharedBytes = 300000;
  EXPECT_EQ(message(launch),
            "'k' would use 300000 bytes of shared memory; there are 232448");
  launch.dynamicSharedBytes = 0;
  launch.cluster.x = 2;
  EXPECT_EQ(message(launch), "a cluster must have 1 to 16 blocks and divide "
                             "the grid, got 2 x 1 x 1 for a grid of 1 x 1 x 1");
  launch.cluster.x = 1;
  launch.grid.y = 0;
  EXPECT_EQ(
      message(launch),
      "a grid must have 1 to 2147483647 x 65535 x 65535 blocks, got 1 x 0 x 1");
  launch.grid.y = 1;
  launch.block = {1025, 1, 1};
  EXPECT_EQ(message(launch),
            "a block must have 1 to 1024 threads, got 1025 x 1 x 1");
}

TEST_F(PTXChecks, ReportsAreLimited) {
  Launch launch;
  launch.options.reportLimit = 2;
  Result result = run("ld.shared.u32 %r1, [s]; ld.shared.u32 %r1, [s+4]; "
                      "ld.shared.u32 %r1, [s+8];",
                      1, launch);
  EXPECT_EQ(result.reports.size(), 2u);
  EXPECT_EQ(result.reportsDropped, 1u);
  launch.options.stopAtFirstReport = true;
  result = run("ld.shared.u32 %r1, [s]; bar.sync 0; ld.shared.u32 %r1, [s+4];",
               1, launch);
  EXPECT_EQ(result.reports.size(), 1u);
}

TEST(PTXMachine, Memory) {
  Machine machine;
  void *a = machine.allocate(100, "a");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 512, 0u);
  EXPECT_FALSE(machine.registerHost(static_cast<char *>(a) + 10, 10));
  EXPECT_FALSE(machine.free(static_cast<char *>(a) + 10));
  EXPECT_TRUE(machine.free(a));
  EXPECT_FALSE(machine.free(a));
  EXPECT_FALSE(machine.registerHost(nullptr, 10));
  EXPECT_EQ(machine.allocate(size_t(1) << 60), nullptr);
}

} // namespace
