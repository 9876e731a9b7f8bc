// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes tables row after row, in constant memory.
#ifndef TRINE_RUNTIME_ENGRAM_WRITER_H
#define TRINE_RUNTIME_ENGRAM_WRITER_H

#include "Format.h"
#include <vector>

namespace trine::runtime::engram {

class Writer {
public:
  Writer() = default;
  ~Writer();
  Writer(const Writer &) = delete;
  Writer &operator=(const Writer &) = delete;

  Status open(const std::string &path, const trine_engram_table_shape &shape);
  Status append(const uint8_t *values, const uint8_t *scales, uint64_t rows);
  Status finish();

private:
  Status put(uint64_t offset, const uint8_t *bytes, uint64_t size);
  Status flushBlock();
  Status write(uint64_t offset, const void *bytes, uint64_t size);

  std::string path, part;
  int file = -1;
  TableHeader header;
  uint64_t nextRow = 0;
  /// The block that is being filled: it begins at blockOffset of the records.
  uint64_t blockOffset = 0;
  std::vector<uint8_t> block, record, digests;
};

} // namespace trine::runtime::engram

#endif
