// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Test data: one serialised TensorProto.
#include "FuzzTarget.h"
#include "WireMutator.h"
#include "trine/Reference/TensorFile.h"

using namespace mlir::trine::reference;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::Expected<NamedTensor> read =
      parseTensor({reinterpret_cast<const char *>(data), size});
  if (!read) {
    TRINE_FUZZ_EXPECT(!llvm::toString(read.takeError()).empty());
    return 0;
  }
  // Written and read again it is the same, but for how numbers were packed.
  std::string bytes = serializeTensor(read->name, read->tensor);
  llvm::Expected<NamedTensor> again = parseTensor(bytes);
  TRINE_FUZZ_EXPECT(bool(again));
  TRINE_FUZZ_EXPECT(serializeTensor(again->name, again->tensor) == bytes);
  return 0;
}
