// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// PTX text, parsed and decoded for the simulated device.
#include "FuzzTarget.h"
#include "trine/Runtime/PTXSimulator.h"

using namespace trine::sim;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<Diagnostic> errors;
  std::shared_ptr<Module> module =
      Module::load(std::string_view(reinterpret_cast<const char *>(data), size),
                   "fuzz.ptx", errors);
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
