// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Writer.h"
#include "Crc32c.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace trine::runtime;
using namespace trine::runtime::engram;

Writer::~Writer() {
  if (file < 0)
    return;
  close(file);
  remove(part.c_str());
}

static Status failToWrite(const std::string &path, int error) {
  return Status(TRINE_ERROR_IO, concat(quote(path), " cannot be written: ",
                                       describeErrno(error)));
}

Status Writer::open(const std::string &newPath,
                    const trine_engram_table_shape &shape) {
  path = newPath;
  part = path + ".part";
  header.name = shape.name ? shape.name : "";
  if (header.name.size() > 255)
    return Status(
        TRINE_ERROR_INVALID_ARGUMENT,
        concat("'name' must have at most 255 bytes, got ", header.name.size()));
  if (Status status = header.layout.setShape(shape.type, shape.rows,
                                             shape.width, header.name);
      !status.ok())
    return status;
  if (Status status = header.place(shape.record_bytes); !status.ok())
    return status;
  file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    return failToWrite(path, errno);
  block.assign(kBlockBytes, 0);
  record.resize(header.layout.getRecordBytes());
  return Status();
}

Status Writer::write(uint64_t offset, const void *bytes, uint64_t size) {
  const uint8_t *source = static_cast<const uint8_t *>(bytes);
  while (size > 0) {
    ssize_t put = pwrite(file, source, size, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return failToWrite(path, put < 0 ? errno : ENOSPC);
    source += put;
    offset += static_cast<uint64_t>(put);
    size -= static_cast<uint64_t>(put);
  }
  return Status();
}

Status Writer::flushBlock() {
  uint64_t size =
      std::min(kBlockBytes, header.layout.getDataBytes() - blockOffset);
  std::string digits = computeSha256(block.data(), size);
  for (uint64_t i = 0; i < kDigestBytes; ++i)
    digests.push_back(
        static_cast<uint8_t>(std::stoi(digits.substr(2 * i, 2), nullptr, 16)));
  if (Status status =
          write(header.layout.offset + blockOffset, block.data(), size);
      !status.ok())
    return status;
  blockOffset += size;
  std::fill(block.begin(), block.end(), uint8_t(0));
  return Status();
}

Status Writer::put(uint64_t offset, const uint8_t *bytes, uint64_t size) {
  while (size > 0) {
    while (offset >= blockOffset + kBlockBytes)
      if (Status status = flushBlock(); !status.ok())
        return status;
    uint64_t at = offset - blockOffset,
             count = std::min(size, kBlockBytes - at);
    memcpy(&block[at], bytes, count);
    offset += count;
    bytes += count;
    size -= count;
  }
  return Status();
}

Status Writer::append(const uint8_t *values, const uint8_t *scales,
                      uint64_t rows) {
  const RowLayout &layout = header.layout;
  if (file < 0)
    return Status(TRINE_ERROR_INVALID_ARGUMENT, "the table is finished");
  if (rows > layout.rows - nextRow)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("table ", quote(header.name), " has ", layout.rows,
                         " rows, got ", nextRow + rows));
  if (rows > 0 && (!values || (layout.scaleBytes > 0) != (scales != nullptr)))
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("table ", quote(header.name),
                         ": 'values' must be given, and 'scales' exactly for "
                         "8-bit floats"));
  for (uint64_t i = 0; i < rows; ++i, ++nextRow) {
    memcpy(record.data(), values + i * layout.valueBytes, layout.valueBytes);
    if (scales)
      memcpy(record.data() + layout.valueBytes, scales + i * layout.scaleBytes,
             layout.scaleBytes);
    uint64_t kept = record.size() - 4;
    uint32_t checksum = computeRecordChecksum(nextRow, record.data(), kept);
    memcpy(record.data() + kept, &checksum, 4);
    if (Status status = put(layout.locate(nextRow).offset - layout.offset,
                            record.data(), record.size());
        !status.ok())
      return status;
  }
  return Status();
}

Status Writer::finish() {
  if (file < 0)
    return Status(TRINE_ERROR_INVALID_ARGUMENT, "the table is finished");
  if (nextRow != header.layout.rows)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("table ", quote(header.name), " must have ",
                         header.layout.rows, " rows, got ", nextRow));
  while (blockOffset < header.layout.getDataBytes())
    if (Status status = flushBlock(); !status.ok())
      return status;
  if (Status status =
          write(header.digestOffset, digests.data(), digests.size());
      !status.ok())
    return status;
  // The header last: without it the file is no table.
  uint8_t page[kPageBytes];
  header.encode(page);
  if (Status status = write(0, page, sizeof(page)); !status.ok())
    return status;
  bool written = fsync(file) == 0;
  written = close(file) == 0 && written;
  file = -1;
  if (!written || rename(part.c_str(), path.c_str()) != 0) {
    Status status = failToWrite(path, errno);
    remove(part.c_str());
    return status;
  }
  return Status();
}
