// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Checksums of a file's blocks, of 1 MiB each.
#ifndef TRINE_RUNTIME_ENGRAM_BLOCKS_H
#define TRINE_RUNTIME_ENGRAM_BLOCKS_H

#include "TableFile.h"
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace trine::runtime::engram {

class Blocks {
public:
  using Digest = std::array<uint8_t, kDigestBytes>;

  /// Blocks of bytes [begin, end) of a file.
  void create(uint64_t begin, uint64_t end);
  /// Takes digests that the file holds, one after the other.
  Status readDigests(const TableFile &file, uint64_t offset);
  /// Those of a referenced table, kept beside it. No file: none known.
  Status load(const TableFile &file, const std::string &path);
  Status save(const TableFile &file, const std::string &path) const;

  /// Compares the blocks that an extent touches, unless that was done before; a
  /// block without a digest gets its own. Safe in several threads. `again`:
  /// also those that were compared before.
  Status check(const TableFile &file, const std::string &table, Extent extent,
               bool again, std::atomic<uint64_t> &checkedBlocks);

  uint64_t getCount() const { return digests.size(); }

private:
  enum State : uint8_t { Unknown, Known, Checked };
  Status checkBlock(const TableFile &file, const std::string &table,
                    uint64_t block, bool again);

  uint64_t begin = 0, end = 0;
  std::vector<Digest> digests;
  std::unique_ptr<std::atomic<uint8_t>[]> states;
  mutable std::mutex mutex;
};

} // namespace trine::runtime::engram

#endif
