// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The safetensors container: 8 bytes of header length (little-endian), a JSON
/// header, then the tensors' bytes.
/// Source: https://github.com/huggingface/safetensors, "Format".
#ifndef TRINE_RUNTIME_CORE_SAFETENSORS_H
#define TRINE_RUNTIME_CORE_SAFETENSORS_H

#include "Status.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trine::runtime {

struct SafetensorsEntry {
  std::string name;
  std::string typeName;              // as in the file: "F32", "F8_E4M3"
  trine_type type = TRINE_TYPE_NONE; // NONE: one that Trine has no name for
  std::vector<int64_t> sizes;
  uint64_t begin = 0, end = 0; // bytes, from the start of the data section
};

struct SafetensorsHeader {
  uint64_t dataOffset = 0;               // of the data section in the file
  std::vector<SafetensorsEntry> entries; // by `begin`
};

/// Checks and reads the header of a file of `size` bytes: lengths, types, sizes
/// against bytes, bounds, and that tensors cover the data section without
/// overlap or gap, as the format demands (`allowGaps` permits padding between
/// tensors, and after the last). `label` names the file in messages; the code
/// of a failure is `code`.
Status parseSafetensors(const uint8_t *data, uint64_t size,
                        const std::string &label, bool allowGaps,
                        trine_status code, SafetensorsHeader &header);

/// The format's name of a type ("F32"); NULL for none.
const char *getSafetensorsTypeName(trine_type type);

} // namespace trine::runtime

#endif
