// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// PTX text, parsed and decoded for the simulated device. What begins with '!'
/// is the body of a kernel whose declarations are here: short inputs of
/// instructions alone.
#include "FuzzTarget.h"
#include "trine/Runtime/PTXSimulator.h"

using namespace trine::sim;

static constexpr std::string_view declarations =
    ".version 9.0 .target sm_90a .address_size 64\n.entry k(.param "
    ".align 16 .b8 pp[64]).maxntid 128{"
    ".reg .pred %p<9>;.reg .b16 %h<9>;.reg .b32 %r<140>;.reg .f32 %f<140>;"
    ".reg .b64 %d<20>;.reg .f64 %g<20>;.reg .b128 %w<4>;"
    ".shared .align 128 .b8 sh[1024];"
    "\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  if (size > 0 && data[0] == '!')
    text = std::string(declarations) + text.substr(1) + "}";
  std::vector<Diagnostic> errors;
  std::shared_ptr<Module> module = Module::load(text, "fuzz.ptx", errors);
  TRINE_FUZZ_EXPECT((module != nullptr) == errors.empty());
  for (const Diagnostic &error : errors)
    TRINE_FUZZ_EXPECT(!error.str().empty());
  if (!module)
    return 0;
  for (const KernelInfo &kernel : module->kernels())
    for (const Parameter &parameter : kernel.parameters) {
      TRINE_FUZZ_EXPECT(parameter.offset <= kernel.parameterBytes);
      TRINE_FUZZ_EXPECT(parameter.bytes <=
                        kernel.parameterBytes - parameter.offset);
    }
  return 0;
}
