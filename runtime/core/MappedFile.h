// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A file mapped read-only into memory.
#ifndef TRINE_RUNTIME_CORE_MAPPEDFILE_H
#define TRINE_RUNTIME_CORE_MAPPEDFILE_H

#include "Status.h"
#include <cstdint>
#include <string>

namespace trine::runtime {

class MappedFile {
public:
  MappedFile() = default;
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  /// Maps the whole of a regular file. An empty file maps to no memory.
  /// `label` names the file in messages.
  Status open(const std::string &path, const std::string &label);

  const uint8_t *getData() const { return data; }
  uint64_t getSize() const { return size; }
  std::string_view getText() const {
    return {reinterpret_cast<const char *>(data), static_cast<size_t>(size)};
  }

private:
  const uint8_t *data = nullptr;
  uint64_t size = 0;
};

} // namespace trine::runtime

#endif
