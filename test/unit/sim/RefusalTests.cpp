// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the loader says of instructions that PTX does not have, or that are not
/// supported: one line of PTX, one message.
#include "FormTest.h"

using namespace trine::sim;

namespace {

struct Refusal {
  const char *instruction;
  const char *message;
};

} // namespace

static void checkRefusals(const std::vector<Refusal> &refusals,
                          const char *before = "") {
  for (const Refusal &refusal : refusals) {
    std::vector<Diagnostic> errors;
    std::string text =
        kernelText(std::string("  .reg .b16 %h<4>;\n  .reg .b32 %r<8>;\n"
                               "  .reg .b64 %d<8>;\n  .reg .f32 %f<4>;\n"
                               "  .reg .b128 %w<2>;\n  .reg .pred %p<4>;\n"
                               "  .shared .align 16 .b8 tile[64];\n"
                               "  .local .align 8 .b8 stack[16];\n  ") +
                       refusal.instruction + ";\nend:",
                   1, "sm_90a", before);
    EXPECT_EQ(Module::load(text, "bad.ptx", errors), nullptr)
        << refusal.instruction;
    std::string messages;
    for (const Diagnostic &error : errors)
      messages += error.message + "\n";
    EXPECT_NE(messages.find(refusal.message), std::string::npos)
        << refusal.instruction << " gives\n"
        << messages << "expected\n"
        << refusal.message;
  }
}

TEST(PTXRefusals, Arithmetic) {
  checkRefusals({
      {"fma.rz.f16 %h0, %h1, %h2, %h3",
       "'fma' of half precision rounds to nearest even alone"},
      {"add.sat.u32 %r0, %r1, %r2", "'.sat' of integers is for '.s32' alone"},
      {"min.relu.u32 %r0, %r1, %r2",
       "'.relu' of 'min' is for '.s32' and '.s16x2' alone"},
      {"cvt.pack.s8.s32.b32 %r0, %r1, %r2, %r3",
       "'cvt.pack' expects '.sat', a narrow integer type, '.s32', and '.b32' "
       "for types below 16 bits"},
      {"add.cc.u16 %h0, %h1, %h2",
       "carry arithmetic expects a 32-bit or 64-bit integer type"},
      {"neg.u32 %r0, %r1", "'neg' expects a signed type"},
      {"min %r0, %r1, %r2",
       "'min' expects an arithmetic type with two operands"},
      {"sad.f32 %f0, %f1, %f2, %f3", "'sad' expects an integer type"},
      {"mul24.lo.u64 %d0, %d1, %d2", "'mul24' expects '.u32' or '.s32'"},
      {"ex2.f32 %f0, %f1", "'ex2' expects '.approx'"},
      {"sin.approx.s32 %r0, %r1", "'sin' expects a floating-point type"},
      {"sqrt.f32 %f0, %f1",
       "'sqrt' expects '.approx' or a rounding, and '.f32' or '.f64'"},
      {"copysign.s32 %r0, %r1, %r2", "'copysign' expects '.f32' or '.f64'"},
      {"testp.f32 %p0, %f0",
       "'testp' expects a property, and '.f32' or '.f64'"},
      {"popc.b16 %r0, %h0", "'popc' expects a 32-bit or 64-bit type"},
      {"bfe.u16 %h0, %h1, %r0, %r1", "'bfe' expects a 32-bit or 64-bit type"},
      {"dp2a.s32.s32 %r0, %r1, %r2, %r3", "'dp2a' expects '.lo' or '.hi'"},
      {"dp4a.s64.s32 %r0, %r1, %r2, %r3",
       "'dp4a' expects two types of 32 bits"},
      {"bmsk.b32 %r0, %r1, %r2", "'bmsk' expects '.clamp' or '.wrap'"},
      {"bmsk.clamp.b64 %d0, %r1, %r2", "'bmsk' expects a 32-bit type"},
  });
}

TEST(PTXRefusals, Logic) {
  checkRefusals(
      {
          {"and.f32 %f0, %f1, %f2", "'and' expects '.pred' or an untyped size"},
          {"shl.f32 %f0, %f1, %r0", "'shl' expects an integer type"},
          {"shf.l.b32 %r0, %r1, %r2, %r3",
           "'shf' expects '.l' or '.r', '.clamp' or '.wrap', and '.b32'"},
          {"lop3.b64 %d0, %d1, %d2, %d3, 3",
           "'lop3' expects '.b32', three operands and a table"},
          {"prmt.b64 %d0, %d1, %d2, %d3",
           "'prmt' expects '.b32' and three operands"},
          {"setp.s32 %p0, %r0, %r1", "'setp' expects a comparison and a type"},
          {"set.u32.s32 %r0, %r1, %r2",
           "'set' expects a comparison, a result type and a type"},
          {"selp.b8 %h0, %h1, %h2, %p0",
           "'selp' expects a type of 16 to 64 bits"},
          {"slct.b32.u32 %r0, %r1, %r2, %r3",
           "'slct' expects a type and '.s32' or '.f32'"},
          {"mov %r0, %r1", "'mov' expects a type"},
          {"mov.b8 %h0, %h1", "'mov' expects a type of at least 16 bits"},
          {"mov.b32 %r0, {%h0, %h1, %h2}",
           "the elements of a vector in 'mov' must divide the type's size"},
          {"mov.u32 %r0, helper", "a function's address has 64 bits"},
          {"mov.b16 %h0, stack", "an address has 32 or 64 bits"},
          {"cvt.s32 %r0, %r1", "'cvt' expects a result type and a source type"},
          {"cvt.rn.f16.f32 %h0, %f0, %f1",
           "'cvt' of two operands expects a packed result of '.f32' operands"},
          {"cvt.rn.f16x2.f32 %r0, %f0",
           "'cvt' between a packed and a single type is not known"},
          {"cvt.u32.pred %r0, %p0", "'cvt' does not take predicates"},
          {"cvta.u64 %d0, %d1", "'cvta' expects a space and '.u64'"},
          {"isspacep %p0, %d0", "'isspacep' expects a space"},
      },
      ".func helper(.param .u32 x) { ret; }\n");
}

TEST(PTXRefusals, Control) {
  checkRefusals(
      {
          {"brx %r0, %r1", "'brx' expects '.idx' and two operands"},
          {"call", "'call' expects a function"},
          {"call 5", "'call' expects a function's name or a register"},
          {"{ .param .b8 a[16]; .param .b64 b; .param .b32 r; "
           "call (r), vprintf, (a, b); }",
           "'vprintf' expects arguments of at most 8 bytes"},
          {"call helper", "'helper' expects 1 arguments and gives 0 results"},
          {"{ .param .b64 x; call helper, (x); }",
           "a parameter of 'helper' has 4 bytes, got 8"},
          {"nanosleep.b32 %r0", "'nanosleep' expects '.u32'"},
          {"bar.warp %r0", "'bar.warp' expects '.sync' and a mask"},
          {"bar.red.popc.pred %p0, 0, %p1",
           "'bar.red' expects '.popc.u32', '.and.pred' or '.or.pred', and "
           "three or "
           "four operands"},
          {"bar.wait 0", "'bar' expects '.sync', '.arrive' or '.red'"},
          {"barrier.cluster.sync",
           "'barrier.cluster' expects '.arrive' or '.wait'"},
          {"membar.warp", "'membar' expects '.cta', '.gl' or '.sys'"},
          {"fence", "'fence' expects semantics and a scope"},
          {"bra %r0", "expected a label as operand of 'bra'"},
      },
      ".func helper(.param .u32 x) { ret; }\n"
      ".extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);\n");
}

TEST(PTXRefusals, Operands) {
  checkRefusals({
      {"discard.global.L2 [%d0]", "'discard' expects more than 1 operands"},
      {"nanosleep.u32", "'nanosleep' expects 1 operands, got 0"},
      {"add.s32 %r0, %r1+4, %r2",
       "a register plus a number is an address, and belongs in brackets"},
      {"mov.u16 %h0, 0d3FF0000000000000",
       "a floating-point constant does not fit '.u16'"},
      {"mov.u16 %h0, tile", "an address needs 32 or 64 bits"},
      {"add.u64 %d0, %d1, stack",
       "the address of 'stack' can be taken by 'mov' alone"},
      {"add.u32 %r0, %r1, %clock",
       "special register '%clock' can be read by 'mov' alone"},
      {"add.u32 %r0, %r1, [%r2]",
       "expected a register or a constant as operand of 'add'"},
      {"add.u32 5, %r1, %r2", "expected a register as result of 'add'"},
      {"setp.eq.u32 %r0, %r1, %r2", "expected a predicate as result of 'setp'"},
      {"ld.global.b32 %r0, [tile]",
       "'tile' does not lie in the space of this 'ld'"},
      {"ld.global.b32 %r0, [end]",
       "expected a register or a variable in the brackets of 'ld'"},
  });
  checkRefusals({{"mov.u32 %r0, big", "shared variables take more than "}},
                ".shared .b8 big[100000000];\n");
}

TEST(PTXRefusals, Memory) {
  checkRefusals({
      {"ld.global %r0, [%d0]",
       "'ld' expects a type of 8 to 128 bits and two operands"},
      {"ld.global.v4.b128 {%w0, %w1, %w0, %w1}, [%d0]",
       "a vector of 'ld' has at most 32 bytes"},
      {"ld.global.v2.b16 {%h0, %r0}, [%d0]",
       "the registers of a vector must have one size"},
      {"st.global [%d0], %r0",
       "'st' expects a type of 8 to 128 bits and two operands"},
      {"st.global.v4.b128 [%d0], {%w0, %w1, %w0, %w1}",
       "a vector of 'st' has at most 32 bytes"},
      {"st.global.v2.b32 [%d0], %r0", "'st' expects 2 source registers, got 1"},
      {"st.global.v2.b16 [%d0], {%h0, %r0}",
       "the registers of a vector must have one size"},
      {"atom.global.u32 %r0, [%d0], %r1",
       "'atom' expects an operation and a type"},
      {"atom.global.exch.b128 %w0, [%d0], %w1",
       "128-bit atomics are not supported"},
      {"atom.local.add.u32 %r0, [%d0], %r1",
       "atomics work on global and shared memory alone"},
      {"atom.global.add.v2.f32 {%f0, %f1}, [%d0], {%f2, %f3}",
       "vector atomics are known for 'red' with a vector of 2"},
      {"createpolicy.fractional.L2::evict_first.b32 %r0, 0f3F800000",
       "'createpolicy' expects '.b64'"},
      {"mapa.shared::cluster.b32 %r0, %r1, %r2",
       "'mapa' expects '.u32' or '.u64'"},
      {"shfl.sync.left.b32 %r0, %r1, %r2, %r3, -1",
       "'shfl' expects a mode, '.b32' and five operands"},
      {"vote.sync.ballot.pred %p0, %p1, -1",
       "'vote' expects a mode, its type and three operands"},
      {"match.sync.b32 %r0, %r1, -1",
       "'match' expects '.any' or '.all', and '.b32' or '.b64'"},
      {"redux.sync.add.u64 %d0, %d1, -1",
       "'redux' expects an operation and a 32-bit integer type"},
      {"activemask.b64 %d0", "'activemask' expects '.b32'"},
      {"elect.sync %r0, -1", "'elect' expects two results, 'd|p'"},
  });
}

TEST(PTXRefusals, Asynchronous) {
  const char *const cluster =
      "cp.async.bulk.shared::cluster.global.bulk_group [%r0], [%d0], 16";
  checkRefusals({
      {"cp.bulk [%r0], [%d0], 16", "'cp' expects '.async'"},
      {"cp.reduce.async.ca.shared.global [%r0], [%d0], 16",
       "'cp.reduce.async' expects '.bulk'"},
      {"cp.async.shared.global [%r0], [%d0], 16",
       "'cp.async' expects '.ca' or '.cg', '.shared.global' and three to five "
       "operands"},
      {"cp.async.cg.shared.global [%r0], [%d0+4294967296], 16",
       "the displacement of an address must fit 32 bits"},
      {"cp.async.cg.shared.global [%r0], [%r1], 16",
       "the source of 'cp.async' is a 64-bit address"},
      {"cp.async.cg.shared.global [%r0], [%d0], 16, %r1, %r2",
       "'cp.async' has one source size at most"},
      {"cp.async.bulk.global.bulk_group [%d0], [%r0], 16",
       "'cp.async.bulk' expects two spaces and one way of completion"},
      {cluster, "this direction of 'cp.async.bulk' completes in another way"},
      {"cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%d0, {%r0}], "
       "[%r1]",
       "a tensor is '[map, {2 coordinates}]'"},
      {"red.async.shared::cluster.mbarrier::complete_tx::bytes.min.u32 [%r0], "
       "%r1, [%r2]",
       "'red.async' is known with "
       "'.shared::cluster.mbarrier::complete_tx::bytes.add' and an integer "
       "type"},
      {"mbarrier.init.shared.b32 [%r0], 1", "'mbarrier' expects '.b64'"},
      {"mbarrier.shared.b64 [%r0]", "this form of 'mbarrier' is not known"},
  });
}

TEST(PTXRefusals, Matrices) {
  checkRefusals({
      {"ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r0, %r1, %r2}, [%r3]",
       "'ldmatrix' expects '.m8n8', '.x1', '.x2' or '.x4', and '.b16'"},
      {"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0}, [%r3]",
       "'ldmatrix' expects 2 registers, got 1"},
      {"movmatrix.sync.aligned.m8n8.b16 %r0, %r1",
       "'movmatrix' expects '.m8n8.trans.b16'"},
      {"mma.sync.aligned.m16n8k8.row.row.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, "
       "{%r0, %r1}, {%r2}, {%f0, %f1, %f2, %f3}",
       "'mma' expects a shape, '.row.col', four types and four operands"},
      {"mma.sync.aligned.m16n8k4.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, "
       "{%r0, %r1}, {%r2}, {%f0, %f1, %f2, %f3}",
       "this form of 'mma' is not known: 'mma.sync m16n8k4 f32.f16.f16.f32' is "
       "not a matrix instruction of sm_80 to sm_90 that is supported"},
      {"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, "
       "{%r0}, {%r2}, {%f0, %f1, %f2, %f3}",
       "operand 1 of this 'mma' has 2 registers, got 1"},
      {"wgmma.start.sync.aligned",
       "'wgmma' expects '.mma_async', '.fence', '.commit_group' or "
       "'.wait_group'"},
      {"wgmma.mma_async.sync.aligned.m32n8k16.f32.f16.f16 {%f0, %f1, %f2, "
       "%f3}, %d0, %d1, 1, 1, 1, 0, 0",
       "'wgmma.mma_async' expects a shape of m64 and three types"},
      {"wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f0, %f1, %f2, "
       "%f3}, %d0, %d1, 1, 0, 1, 0, 0",
       "the scales of 'wgmma' are 1 or -1"},
      {"wgmma.mma_async.sync.aligned.m64n8k8.f32.f16.f16 {%f0, %f1, %f2, "
       "%f3}, %d0, %d1, 1, 1, 1, 0, 0",
       "this form of 'wgmma' is not known: 'wgmma m64n8k8 f32.f16.f16' is not "
       "a "
       "matrix instruction of sm_90a"},
      {"wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {%f0, %f1, %f2, "
       "%f3}, %d0, %d1, 1, 1, 1, 0, 0",
       "the accumulator of this 'wgmma' has 8 registers"},
      {"wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f0, %f1, %f2, "
       "%f3}, {%r0, %r1}, %d1, 1, 1, 1, 0",
       "A of this 'wgmma' has 4 registers, got 2"},
  });
}
