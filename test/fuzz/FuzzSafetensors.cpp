// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Headers of weights, saved states and tensors in files.
#include "FuzzTarget.h"
#include "core/Safetensors.h"
#include <cstring>
#include <vector>

using namespace trine::runtime;

static void check(const uint8_t *data, size_t size, bool allowGaps) {
  SafetensorsHeader header;
  Status status =
      parseSafetensors(data, size, "file", allowGaps, TRINE_ERROR_IO, header);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  if (!status.ok())
    return;
  TRINE_FUZZ_EXPECT(header.dataOffset >= 8 && header.dataOffset <= size);
  uint64_t end = 0;
  for (const SafetensorsEntry &entry : header.entries) {
    TRINE_FUZZ_EXPECT(allowGaps ? entry.begin >= end : entry.begin == end);
    TRINE_FUZZ_EXPECT(entry.end >= entry.begin);
    TRINE_FUZZ_EXPECT(entry.end <= size - header.dataOffset);
    uint64_t bytes = trine_type_size(entry.type);
    if (bytes == 0) // a type that has no name here
      bytes = 1;
    for (int64_t count : entry.sizes)
      TRINE_FUZZ_EXPECT(count >= 0 &&
                        !__builtin_mul_overflow(bytes, count, &bytes));
    if (entry.type != TRINE_TYPE_NONE)
      TRINE_FUZZ_EXPECT(bytes == entry.end - entry.begin);
    end = entry.end;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check(data, size, false);
  check(data, size, true);
  // Once more with a length in front that is right, which mutation seldom hits:
  // the JSON up to the last brace, data behind it.
  size_t end = size;
  while (end > 0 && data[end - 1] != '}')
    --end;
  std::vector<uint8_t> file(8 + size);
  for (int i = 0; i < 8; ++i)
    file[i] = static_cast<uint8_t>(uint64_t(end) >> (8 * i));
  if (size)
    memcpy(file.data() + 8, data, size);
  check(file.data(), file.size(), true);
  return 0;
}
