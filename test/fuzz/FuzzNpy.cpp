// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors in .npy and, as members of archives, in .npz.
#include "FuzzTarget.h"
#include "io/Formats.h"
#include <cstring>
#include <vector>

using namespace trine::runtime;

static void check(const uint8_t *data, size_t size) {
  HostTensor tensor;
  Status status = readNpy(data, size, "file", tensor);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  if (!status.ok())
    return;
  TRINE_FUZZ_EXPECT(tensor.bytes <= size);
  // All of it is there.
  volatile uint8_t sum = 0;
  for (uint64_t i = 0; i < tensor.bytes; ++i)
    sum = sum + static_cast<const uint8_t *>(tensor.getData())[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check(data, size);
  // The text alone, with a frame that is right.
  size_t end = size;
  while (end > 0 && data[end - 1] != '}')
    --end;
  std::vector<uint8_t> file(10 + size);
  memcpy(file.data(), "\x93NUMPY\x01\x00", 8);
  file[8] = static_cast<uint8_t>(end);
  file[9] = static_cast<uint8_t>(end >> 8);
  if (size)
    memcpy(file.data() + 10, data, size);
  check(file.data(), file.size());
  return 0;
}
