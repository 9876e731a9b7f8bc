// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Archives of tensors; the archive is libzip's to read.
#include "FuzzTarget.h"
#include "io/Formats.h"

using namespace trine::runtime;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static trine::fuzz::MemoryFile file;
  file.set(data, size);
  std::vector<HostTensor> tensors;
  Status status = readNpz(file.getPath(), tensors);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  return 0;
}
