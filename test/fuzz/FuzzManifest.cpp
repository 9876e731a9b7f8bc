// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// manifest.json of a package.
#include "FuzzTarget.h"
#include "core/Manifest.h"
#include <string_view>

using namespace trine::runtime;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Manifest manifest;
  Status status = parseManifest(
      std::string_view(reinterpret_cast<const char *>(data), size), manifest);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  if (!status.ok())
    return 0;
  // What sessions rely on.
  for (size_t i = 0; i < manifest.declaredSymbols; ++i) {
    const ManifestSymbol &symbol = manifest.symbols[i];
    TRINE_FUZZ_EXPECT(symbol.divisor >= 1);
    if (symbol.input < 0)
      continue;
    TRINE_FUZZ_EXPECT(size_t(symbol.input) < manifest.inputs.size());
    TRINE_FUZZ_EXPECT(size_t(symbol.dimension) <
                      manifest.inputs[symbol.input].sizes.size());
  }
  std::vector<int64_t> values(manifest.symbols.size(), 7);
  for (const std::vector<ManifestTensor> *tensors :
       {&manifest.inputs, &manifest.outputs})
    for (const ManifestTensor &tensor : *tensors) {
      TRINE_FUZZ_EXPECT(tensor.sizes.size() == tensor.expressions.size());
      for (const SizeExpression &expression : tensor.expressions) {
        TRINE_FUZZ_EXPECT(expression.evaluate(values) >= -1);
        TRINE_FUZZ_EXPECT(expression.getSymbol() < int64_t(values.size()));
      }
    }
  for (const ManifestState &state : manifest.states)
    TRINE_FUZZ_EXPECT(size_t(state.axis) < state.tensor.sizes.size());
  for (const ManifestFile &file : manifest.files)
    TRINE_FUZZ_EXPECT(file.path.find("..") != 0 && file.path[0] != '/');
  return 0;
}
