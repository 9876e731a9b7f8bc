// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Where the rows of a table lie in its file, and the header of table files.
///
/// A table file: a header of 4096 bytes; records; the SHA-256 (32 bytes) of
/// each block of 1 MiB of the records' area, the last one possibly short. A
/// record is a row's values, its scales, and the CRC-32C of row number and
/// both. Numbers are little endian.
#ifndef TRINE_RUNTIME_ENGRAM_FORMAT_H
#define TRINE_RUNTIME_ENGRAM_FORMAT_H

#include "core/Status.h"
#include "trine/Runtime/engram.h"
#include <cstdint>
#include <string>

namespace trine::runtime::engram {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kBlockBytes = 1 << 20;
constexpr uint64_t kDigestBytes = 32;
/// Values that share a scale.
constexpr uint64_t kScaledValues = 32;
constexpr uint64_t kMaxWidth = 1 << 20;
/// Of a table's file: 16 TiB, 512 MiB of checksums. A sparse file has any size.
constexpr uint64_t kMaxFileBytes = uint64_t(1) << 44;

inline uint64_t roundUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Bytes of a value; 0 for what is no type.
uint64_t getValueBytes(trine_engram_type type);

/// Bytes [offset, offset + bytes) of a file.
struct Extent {
  uint64_t offset, bytes;
};

struct RowLayout {
  trine_engram_type type = 0;
  uint64_t rows = 0, width = 0;
  /// Of a row.
  uint64_t valueBytes = 0, scaleBytes = 0;
  /// Row r is at offset + r / rowsPerPage * 4096 + r % rowsPerPage * stride;
  /// with rowsPerPage 0, at offset + r * stride.
  uint64_t offset = 0, stride = 0, rowsPerPage = 0;
  /// Ceiling of 2^64 / rowsPerPage: a product instead of a division, exact for
  /// rows below 2^52.
  uint64_t pageFactor = 0;
  /// Whether a CRC-32C follows the scales.
  bool hasChecksum = false;
  /// Whether scales are elsewhere: those of row r at scaleOffset + r *
  /// scaleStride.
  bool hasSeparateScales = false;
  uint64_t scaleOffset = 0, scaleStride = 0;

  /// Sets type, rows, width and what follows from them.
  Status setShape(trine_engram_type type, uint64_t rows, uint64_t width,
                  const std::string &label);
  /// Chooses stride and rowsPerPage of records; stride 0: the best.
  Status placeRecords(uint64_t recordOffset, uint64_t recordStride,
                      const std::string &label);

  /// Bytes of a row as caches keep it: values, then scales.
  uint64_t getRowBytes() const { return valueBytes + scaleBytes; }
  uint64_t getRecordBytes() const {
    return valueBytes + (hasSeparateScales ? 0 : scaleBytes) +
           (hasChecksum ? 4 : 0);
  }
  uint64_t getPlace(uint64_t row) const {
    if (rowsPerPage == 0)
      return offset + row * stride;
    uint64_t page =
        rowsPerPage == 1
            ? row
            : static_cast<uint64_t>(
                  static_cast<unsigned __int128>(row) * pageFactor >> 64);
    return offset + page * kPageBytes + (row - page * rowsPerPage) * stride;
  }
  Extent locate(uint64_t row) const {
    return {getPlace(row), getRecordBytes()};
  }
  Extent locateScales(uint64_t row) const {
    return {scaleOffset + row * scaleStride, scaleBytes};
  }
  /// Bytes from the first record's begin to the last one's end, padded.
  uint64_t getDataBytes() const {
    return rowsPerPage ? (rows + rowsPerPage - 1) / rowsPerPage * kPageBytes
                       : rows * stride;
  }
};

/// What a table file's header says.
struct TableHeader {
  std::string name;
  RowLayout layout;
  uint64_t digestOffset = 0, fileBytes = 0;

  uint64_t getBlockCount() const {
    return (layout.getDataBytes() + kBlockBytes - 1) / kBlockBytes;
  }
  /// Places records and digests after the header.
  Status place(uint64_t recordStride);
  void encode(uint8_t (&page)[kPageBytes]) const;
  /// `label` names the file in messages.
  Status decode(const uint8_t (&page)[kPageBytes], const std::string &label);
};

} // namespace trine::runtime::engram

#endif
