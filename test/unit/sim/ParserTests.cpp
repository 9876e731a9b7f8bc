// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the loader accepts, and each of its messages.
#include "FormTest.h"
#include <fstream>
#include <sstream>

using namespace trine::sim;

namespace {

std::vector<Diagnostic> errorsOf(const std::string &text) {
  std::vector<Diagnostic> errors;
  auto module = Module::load(text, "bad.ptx", errors);
  EXPECT_EQ(module == nullptr, !errors.empty());
  return errors;
}

/// The first error of a kernel with the body, as "line: message".
std::string errorOf(const std::string &body, const std::string &before = "") {
  auto errors =
      errorsOf(".version 8.0\n.target sm_90a\n.address_size 64\n" + before +
               "\n.visible .entry k(.param .u64 p)\n{\n" + body + "\n}\n");
  return errors.empty()
             ? "none"
             : std::to_string(errors[0].line) + ": " + errors[0].message;
}

TEST(PTXParser, Declarations) {
  auto module = loadText(
      ".version 9.0\n.target sm_90a, debug\n.address_size 64\n"
      "// a comment /* in it */\n/* over\nlines */\n"
      ".file 1 \"a.cu\"\n"
      ".global .align 8 .b8 bytes[5] = {1, 0x10, 0b11, 017};\n"
      ".global .u32 grid[2][3] = {{1, 2}, {4, 5, 6}};\n"
      ".global .f32 half = 0.5;\n"
      ".global .f64 pi = 0d400921FB54442D18;\n"
      ".global .u64 pointer = grid+4;\n"
      ".visible .const .f32 c[2] = {0f3F800000, -2.5};\n"
      ".extern .shared .align 1024 .b8 dynamic[];\n"
      ".shared .align 16 .b8 buffer[100];\n"
      ".visible .entry k(.param .u64 p, .param .align 64 .b8 map[128], .param "
      ".u8 c8, .param .f64 d)\n"
      ".maxntid 256, 2, 1\n.minnctapersm 1\n.reqnctapercluster 2, 1, 1\n"
      "{\n  .reg .b32 %r<4>;\n  .pragma \"nounroll\";\n  .loc 1 5 0\n  mov.u32 "
      "%r1, dynamic; mov.u32 %r2, buffer;\n  ret;\n}\n"
      ".section .debug_str { .b8 1, 2\nlabel: .b8 3 }\n");
  ASSERT_TRUE(module);
  size_t bytes = 0;
  auto *array = static_cast<uint8_t *>(module->variable("bytes", &bytes));
  ASSERT_EQ(bytes, 5u);
  EXPECT_EQ(array[1], 16);
  EXPECT_EQ(array[2], 3);
  EXPECT_EQ(array[3], 15);
  EXPECT_EQ(array[4], 0);
  auto *grid = static_cast<uint32_t *>(module->variable("grid"));
  EXPECT_EQ(grid[1], 2u);
  EXPECT_EQ(grid[2], 0u);
  EXPECT_EQ(grid[3], 4u);
  EXPECT_EQ(*static_cast<float *>(module->variable("half")), 0.5f);
  EXPECT_EQ(static_cast<float *>(module->variable("c"))[1], -2.5f);
  EXPECT_EQ(*static_cast<double *>(module->variable("pi")), 3.141592653589793);
  EXPECT_EQ(*static_cast<uint32_t **>(module->variable("pointer")), grid + 1);
  EXPECT_EQ(module->variable("nothing"), nullptr);
  ASSERT_EQ(module->kernels().size(), 1u);
  KernelInfo info = module->kernels()[0];
  EXPECT_EQ(info.name, "k");
  ASSERT_EQ(info.parameters.size(), 4u);
  EXPECT_EQ(info.parameters[1].offset, 64u);
  EXPECT_EQ(info.parameters[2].offset, 192u);
  EXPECT_EQ(info.parameters[3].offset, 200u);
  EXPECT_EQ(info.parameterBytes, 208u);
  EXPECT_EQ(info.maximumBlock[0], 256u);
  EXPECT_EQ(info.requiredCluster[0], 2u);
  EXPECT_TRUE(info.usesDynamicShared);
  EXPECT_EQ(info.staticSharedBytes,
            1024u); // 100, up to the dynamic part's alignment
}

/// Every form of the list loads, with its modifiers in whatever order it has.
TEST(PTXParser, FormsOfRealKernels) {
  std::ifstream file(std::string(TRINE_SIM_INPUTS) + "/forms.ptx");
  std::stringstream stream;
  stream << file.rdbuf();
  auto module = loadText(stream.str());
  ASSERT_TRUE(module);
  EXPECT_GT(module->kernels()[0].instructions, 650u);
}

TEST(PTXParser, ScopesShadowAndRepeat) {
  Machine machine;
  auto *out = static_cast<uint32_t *>(machine.allocate(16));
  Result result = runKernel(machine, kernelText(R"(
  .reg .b64 %rd<3>;
  .reg .b32 %r<3>;
  ld.param.u64 %rd1, [p0];
  mov.u32 %r1, 1;
  { .reg .b32 %r<2>; .reg .pred P; mov.u32 %r1, 5; setp.eq.u32 P, %r1, 5; @P bra DONE; st.global.u32 [%rd1], 77; DONE: st.global.u32 [%rd1+4], %r1; }
  { .reg .pred P; setp.eq.u32 P, %r1, 1; @!P bra DONE; st.global.u32 [%rd1], %r1;
DONE: }
)"),
                            {}, {out});
  EXPECT_EQ(result.status, Status::Ok) << result.text();
  EXPECT_EQ(out[0], 1u);
  EXPECT_EQ(out[1], 5u);
}

TEST(PTXParser, LexicalErrors) {
  EXPECT_EQ(errorOf("  mov.u32 ?, 1;"), "7: expected an operand, got '?'");
  EXPECT_EQ(errorOf("  /* open"),
            "7: expected an instruction or a directive, got '/*'");
  EXPECT_EQ(errorOf("  .reg .b32 %a; mov.u32 %a, 0x;"),
            "7: expected an operand, got '0x'");
  EXPECT_EQ(errorOf("  .reg .f32 %a; mov.f32 %a, 0f12;"),
            "7: expected an operand, got '0f12'");
}

TEST(PTXParser, SyntaxErrors) {
  EXPECT_EQ(errorsOf("")[0].message, "expected a '.version' directive");
  EXPECT_EQ(errorsOf(".version x")[0].message,
            "expected a version such as 9.0, got 'x'");
  EXPECT_EQ(errorsOf(".version 9.0 .address_size 32")[0].message,
            "expected 64 as the address size, got '32'");
  EXPECT_EQ(
      errorsOf(".version 9.0 .nonsense")[0].message,
      "expected a directive that is known at module level, got '.nonsense'");
  EXPECT_EQ(
      errorsOf(".version 9.0 .global .u32 x = {1, 2};")[0].message,
      "the initialiser of 'x' has more values than the variable, got '2'");
  EXPECT_EQ(
      errorsOf(".version 9.0 .global .u8 x[2][2] = {{1}, {2}, {}};")[0].message,
      "the initialiser of 'x' has more values than the variable, got '{'");
  EXPECT_EQ(
      errorsOf(".version 9.0 .global .u8 x[2][2] = {{1}, {2, 3, 4}};")[0]
          .message,
      "the initialiser of 'x' has more values than the variable, got '4'");
  // Behind a 0, dimensions whose product is 2^64 - 1.
  EXPECT_EQ(errorsOf(".version 9.0 .global .b8 x[0][65535][42009217][6700417] "
                     "= {{}, {1}};")[0]
                .message,
            "a variable of no bytes has no initialiser, got 'x'");
  EXPECT_EQ(errorsOf(".version 9.0 .global .u64 x = y;")[0].message,
            "'y' in the initialiser of 'x' is not declared");
  EXPECT_EQ(errorsOf(".version 9.0 .global .align 3 .u32 x;")[0].message,
            "an alignment must be a power of two, got '.align'");
  EXPECT_EQ(errorsOf(".version 9.0 .entry k() { ret;")[0].message,
            "expected '}' at the end of 'k', got the end of the text");
  EXPECT_EQ(errorsOf(".version 9.0 .entry k() { ret; } .entry k() { ret; }")[0]
                .message,
            "'k' is defined twice, got 'k'");
  EXPECT_EQ(errorOf("  .reg .b32 %a; .reg .b32 %a;"),
            "7: '%a' is declared twice in one scope");
  EXPECT_EQ(errorOf("  .reg .v2 .b32 %a;"),
            "7: vector registers are not supported, got '.v2'");
  EXPECT_EQ(errorOf("  @%p ret;"),
            "7: expected a predicate register after '@', got '%p'");
  EXPECT_EQ(errorOf("  mov.u32 %undeclared, 1;"),
            "7: expected a declared register or a known special register, got "
            "'%undeclared'");
  EXPECT_EQ(errorOf("  ret"), "8: expected an operand, got '}'");
}

TEST(PTXParser, InstructionErrors) {
  const std::string regs = "  .reg .pred %p<3>; .reg .b16 %h<3>; .reg .b32 "
                           "%r<9>; .reg .b64 %d<3>; .reg .f32 %f<3>;\n";
  auto of = [&](const std::string &text) {
    return errorOf(regs + text).substr(3);
  };
  EXPECT_EQ(of("frobnicate.u32 %r1;"), "instruction 'frobnicate' is not known");
  EXPECT_EQ(of("add.u32.fast %r1, %r2, 1;"),
            "modifier '.fast' is not known in this form of 'add'");
  EXPECT_EQ(of("add.u32 %r1, %r2;"), "'add' expects 3 operands, got 2");
  EXPECT_EQ(of("mad.lo %r1, %r2;"), "'mad' expects an arithmetic type");
  EXPECT_EQ(of("sub.u32 %r1, %r2, %d1;"),
            "register '%d1' of type '.b64' does not fit '.u32'");
  EXPECT_EQ(of("mov.b32 %d1, %r1;"),
            "register '%d1' of type '.b64' does not fit '.b32'");
  EXPECT_EQ(of("and.b32 %r1, !%r2, %r2;"), "'!' is for predicates alone");
  EXPECT_EQ(of("bra NOWHERE;"), "label 'NOWHERE' is not declared");
  EXPECT_EQ(of("call f;"), "function 'f' is not declared");
  EXPECT_EQ(of("ld.global.u32 %r1, %d1;"),
            "expected an address in brackets as operand of 'ld'");
  EXPECT_EQ(of("ld.global.v2.u32 {%r1}, [%d1];"),
            "'ld' expects 2 result registers, got 1");
  EXPECT_EQ(of("ld.global.u32 %r1, [%h1];"),
            "register '%h1' is no address: it has neither 32 nor 64 bits");
  EXPECT_EQ(of("st.const.u32 [%d1], %r1;"), "'st' cannot write to this space");
  EXPECT_EQ(of("atom.global.add.b32 %r1, [%d1], %r2;"),
            "'atom' has no such operation on '.b32'");
  EXPECT_EQ(of("lop3.b32 %r1, %r1, %r1, %r1, 300;"),
            "operand 4 of 'lop3' must be a constant in [0, 255]");
  EXPECT_EQ(of("shfl.bfly.b32 %r1, %r2, 1, 31, -1;"), "'shfl' expects '.sync'");
  EXPECT_EQ(of("setmaxnreg.inc.sync.aligned.u32 100;"),
            "'setmaxnreg' expects a multiple of 8, got 100");
  EXPECT_EQ(of("cp.async.cg.shared.global [%r1], [%d1], 8;"),
            "'cp.async' copies 4, 8 or 16 bytes, with '.cg' 16 alone; got 8");
  EXPECT_EQ(of("cp.async.bulk.tensor.2d.shared::cluster.global.im2col.mbarrier:"
               ":complete_tx::bytes [%r1], [%d1, {%r1, %r2}], [%r3];"),
            "'.im2col' of tensor copies is not supported");
  EXPECT_EQ(of("mma.sync.aligned.m16n8k99.row.col.f32.f16.f16.f32 {%f1}, "
               "{%r1}, {%r1}, {%f1};")
                .substr(0, 31),
            "this form of 'mma' is not known");
  EXPECT_EQ(of("brx.idx %r1, T;"),
            "'brx.idx' expects a table declared by '.branchtargets'");
  EXPECT_EQ(of("selp.b32 %r1, %r2, %r3, %r4;"),
            "expected a predicate as operand of 'selp'");
  EXPECT_EQ(of("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r1];"),
            "this 'mbarrier.arrive' expects a count");
  EXPECT_EQ(errorOf("  call (x), vprintf, (x);",
                    ".extern .func (.param .b32 r) vprintf(.param .b64 a, "
                    ".param .b64 b);"),
            "7: 'call' takes '.param' variables of the function alone");
  EXPECT_EQ(errorOf("  call missing;", ".extern .func missing;"),
            "7: function 'missing' has no body, and is not built in");
}

TEST(PTXParser, ReportsEveryProblem) {
  auto errors =
      errorsOf(".version 8.0\n.target sm_80\n.address_size 64\n.entry a() {\n  "
               "foo;\n  bar.nonsense 1;\n}\n.entry b() {\n  baz;\n}\n");
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].str(),
            "bad.ptx:5: instruction 'foo' is not known\n  foo;");
  EXPECT_EQ(errors[2].line, 9u);
}

/// Texts that are damaged in every place load or fail, but never crash; those
/// that load run to an end.
TEST(PTXParser, DamagedTexts) {
  for (const char *name : {"ampere.ptx", "hopper.ptx"}) {
    std::ifstream file(std::string(TRINE_SIM_INPUTS) + "/" + name);
    std::stringstream stream;
    stream << file.rdbuf();
    const std::string text = stream.str();
    uint32_t random = 12345;
    auto next = [&] {
      return random = random * 1664525u + 1013904223u, random >> 8;
    };
    const char replacements[] = "{}[]();,.@%x0-|!_\"";
    unsigned loaded = 0;
    for (unsigned trial = 0; trial < 150; ++trial) {
      std::string damaged = text;
      for (unsigned n = 0; n <= trial % 3; ++n) {
        size_t at = next() % damaged.size();
        switch (next() % 12) {
        case 0:
          damaged.erase(at, 1 + next() % 40);
          break;
        case 1:
          damaged[at] = replacements[next() % (sizeof replacements - 1)];
          break;
        case 2:
          damaged.insert(at, damaged.substr(next() % damaged.size(), 30));
          break;
        case 3:
          damaged.resize(at);
          break;
        default: // another register, constant, type or place
          at = damaged.find_first_of("0123456789", at);
          if (at != std::string::npos)
            damaged[at] = char('0' + next() % 10);
        }
        if (damaged.empty())
          break;
      }
      std::vector<Diagnostic> errors;
      auto module = Module::load(damaged, name, errors);
      ASSERT_EQ(module == nullptr, !errors.empty());
      if (!module)
        continue;
      ++loaded;
      Machine machine;
      auto *memory = machine.allocate(1 << 16);
      for (const KernelInfo &info : module->kernels()) {
        std::vector<uint8_t> parameters(info.parameterBytes);
        for (const Parameter &parameter : info.parameters)
          if (parameter.bytes == 8)
            memcpy(&parameters[parameter.offset], &memory, 8);
          else if (parameter.bytes == 4)
            parameters[parameter.offset] = 64;
        Launch launch;
        launch.block.x = 160;
        launch.dynamicSharedBytes = 32768;
        launch.options.stepLimit = 20000;
        launch.options.threads = 1;
        machine.launch(*module, info.name, launch, parameters.data(),
                       uint32_t(parameters.size()));
      }
    }
    EXPECT_GT(loaded, 5u);
  }
}

} // namespace
