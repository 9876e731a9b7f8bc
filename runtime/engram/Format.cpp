// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Format.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <cstring>

using namespace trine::runtime;
using namespace trine::runtime::engram;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "table files are read and written as they are");

uint64_t engram::getValueBytes(trine_engram_type type) {
  switch (type) {
  case TRINE_ENGRAM_F32:
    return 4;
  case TRINE_ENGRAM_F16:
  case TRINE_ENGRAM_BF16:
    return 2;
  case TRINE_ENGRAM_E4M3:
    return 1;
  }
  return 0;
}

static Status badTable(std::string message) {
  return Status(TRINE_ENGRAM_ERROR_BAD_TABLE, std::move(message));
}

Status RowLayout::setShape(trine_engram_type newType, uint64_t newRows,
                           uint64_t newWidth, const std::string &label) {
  type = newType;
  rows = newRows;
  width = newWidth;
  uint64_t element = getValueBytes(type);
  if (element == 0)
    return badTable(
        concat(quote(label), ": 'type' must be in [1, 4], got ", type));
  if (width < 1 || width > kMaxWidth)
    return badTable(concat(quote(label), ": 'width' must be in [1, ", kMaxWidth,
                           "], got ", width));
  if (rows < 1 || rows > (uint64_t(1) << 40))
    return badTable(
        concat(quote(label), ": 'rows' must be in [1, 2^40], got ", rows));
  if (type == TRINE_ENGRAM_E4M3 && width % kScaledValues != 0)
    return badTable(concat(quote(label),
                           ": 'width' of 8-bit floats must be a multiple of ",
                           kScaledValues, ", got ", width));
  valueBytes = width * element;
  scaleBytes = type == TRINE_ENGRAM_E4M3 ? width / kScaledValues : 0;
  return Status();
}

Status RowLayout::placeRecords(uint64_t recordOffset, uint64_t recordStride,
                               const std::string &label) {
  // Measured (docs/engram.md): direct reads cost by their number, not by their
  // bytes, so no record may lie across pages where it need not; from memory,
  // tight records with an alignment of 16 are as fast as those padded to cache
  // lines.
  uint64_t record = getRecordBytes();
  stride = recordStride ? recordStride : roundUp(record, 16);
  if (stride < record || stride > 2 * record + kPageBytes)
    return badTable(concat(quote(label), ": 'record_bytes' must be in [",
                           record, ", ", 2 * record + kPageBytes, "], got ",
                           stride));
  offset = recordOffset;
  rowsPerPage = kPageBytes / stride;
  // Wide records would waste too much of a page; they span pages anyway.
  if ((kPageBytes - rowsPerPage * stride) * 8 > kPageBytes)
    rowsPerPage = 0;
  pageFactor = rowsPerPage > 1 ? UINT64_MAX / rowsPerPage + 1 : 0;
  return Status();
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

namespace {
struct RawHeader {
  char magic[8];
  uint32_t version;
  int32_t type;
  uint64_t rows, width, offset, stride, blockBytes, digestOffset, fileBytes;
  char name[256];
};
constexpr char kMagic[8] = {'T', 'R', 'N', 'E', 'N', 'G', 'R', 'M'};
constexpr uint32_t kVersion = 1;
constexpr uint64_t kDigitsOffset = kPageBytes - 64;
} // namespace

Status TableHeader::place(uint64_t recordStride) {
  layout.hasChecksum = true;
  if (Status status = layout.placeRecords(kPageBytes, recordStride, name);
      !status.ok())
    return status;
  if (layout.getDataBytes() > kMaxFileBytes)
    return badTable(concat(quote(name), ": rows must take at most ",
                           kMaxFileBytes, " bytes, got ",
                           layout.getDataBytes()));
  digestOffset = roundUp(kPageBytes + layout.getDataBytes(), kPageBytes);
  fileBytes = digestOffset + getBlockCount() * kDigestBytes;
  return Status();
}

void TableHeader::encode(uint8_t (&page)[kPageBytes]) const {
  RawHeader raw = {};
  memcpy(raw.magic, kMagic, sizeof(kMagic));
  raw.version = kVersion;
  raw.type = layout.type;
  raw.rows = layout.rows;
  raw.width = layout.width;
  raw.offset = layout.offset;
  raw.stride = layout.stride;
  raw.blockBytes = kBlockBytes;
  raw.digestOffset = digestOffset;
  raw.fileBytes = fileBytes;
  memcpy(raw.name, name.data(), std::min(name.size(), sizeof(raw.name) - 1));
  memset(page, 0, kPageBytes);
  memcpy(page, &raw, sizeof(raw));
  std::string digits = computeSha256(page, kDigitsOffset);
  memcpy(page + kDigitsOffset, digits.data(), digits.size());
}

Status TableHeader::decode(const uint8_t (&page)[kPageBytes],
                           const std::string &label) {
  RawHeader raw;
  memcpy(&raw, page, sizeof(raw));
  if (memcmp(raw.magic, kMagic, sizeof(kMagic)) != 0)
    return badTable(concat(quote(label), " is no Engram table"));
  if (raw.version != kVersion)
    return Status(TRINE_ERROR_VERSION,
                  concat(quote(label), " has format ", raw.version,
                         ", this library reads ", kVersion));
  std::string digits = computeSha256(page, kDigitsOffset);
  if (memcmp(page + kDigitsOffset, digits.data(), digits.size()) != 0)
    return Status(TRINE_ENGRAM_ERROR_CHECKSUM,
                  concat("the header of ", quote(label), " is damaged"));
  raw.name[sizeof(raw.name) - 1] = 0;
  name = raw.name;
  if (Status status = layout.setShape(raw.type, raw.rows, raw.width, label);
      !status.ok())
    return status;
  if (Status status = place(raw.stride); !status.ok())
    return status;
  if (raw.blockBytes != kBlockBytes || raw.offset != layout.offset ||
      raw.digestOffset != digestOffset || raw.fileBytes != fileBytes)
    return badTable(
        concat("the header of ", quote(label), " contradicts itself"));
  return Status();
}
