// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The file that a table is in: opened with care, and watched for changes.
#ifndef TRINE_RUNTIME_ENGRAM_TABLEFILE_H
#define TRINE_RUNTIME_ENGRAM_TABLEFILE_H

#include "Format.h"
#include "core/Status.h"
#include <cstdint>
#include <string>

namespace trine::runtime::engram {

/// What tells a file from another, or from its later self.
struct FileIdentity {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t modified = 0; // nanoseconds
};

/// The first bytes of a file that its header hash covers.
constexpr uint64_t kHeaderHashBytes = 64 << 10;

class TableFile {
public:
  TableFile() = default;
  ~TableFile();
  TableFile(const TableFile &) = delete;
  TableFile &operator=(const TableFile &) = delete;

  /// Opens a regular file.
  Status open(const std::string &path);
  /// Opens a regular file below `folder`. No part of `path`, which is relative,
  /// may be a link or lead upwards.
  Status openBelow(const std::string &folder, const std::string &path);

  /// Fails when size or time are not what they were when the file was opened.
  Status checkUnchanged(const std::string &table) const;

  /// Reads all of an extent into memory, for headers. Buffered.
  Status readAll(Extent extent, void *buffer) const;
  /// The hash of the first kHeaderHashBytes, or of the whole of a shorter file.
  Status hashHeader(std::string &digits) const;

  const std::string &getPath() const { return path; }
  const FileIdentity &getIdentity() const { return identity; }
  /// For buffered reads and mapping.
  int getDescriptor() const { return descriptor; }
  /// For reads that bypass the page cache where the file system can do it;
  /// offsets, sizes and memory are then multiples of getReadUnit().
  int getDirectDescriptor() const { return direct >= 0 ? direct : descriptor; }
  uint64_t getReadUnit() const { return readUnit; }

private:
  Status adopt(int file);

  std::string path;
  FileIdentity identity;
  int descriptor = -1, direct = -1;
  uint64_t readUnit = 1;
};

} // namespace trine::runtime::engram

#endif
