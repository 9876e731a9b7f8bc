// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Table.h"
#include "Crc32c.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace trine::runtime;
using namespace trine::runtime::engram;

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

static Status checkOptions(const trine_engram_table_options &options) {
  if (options.tier < TRINE_ENGRAM_TIER_RESIDENT ||
      options.tier > TRINE_ENGRAM_TIER_DISK)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'tier' must be in [1, 3], got ", options.tier));
  if (options.check < TRINE_ENGRAM_CHECK_ON_DEMAND ||
      options.check > TRINE_ENGRAM_CHECK_FIRST_TOUCH)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'check' must be 0 or 1, got ", options.check));
  return Status();
}

Status Table::open(const std::string &path,
                   const trine_engram_table_options &options) {
  if (Status status = checkOptions(options); !status.ok())
    return status;
  if (Status status = file.open(path); !status.ok())
    return status;
  uint8_t page[kPageBytes];
  if (Status status = file.readAll({0, kPageBytes}, page); !status.ok())
    return status;
  TableHeader header;
  if (Status status = header.decode(page, path); !status.ok())
    return status;
  if (file.getIdentity().bytes != header.fileBytes)
    return Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                  concat(quote(path), " must have ", header.fileBytes,
                         " bytes, got ", file.getIdentity().bytes));
  name = header.name;
  layout = header.layout;
  blocks.create(layout.offset, layout.offset + layout.getDataBytes());
  if (Status status = blocks.readDigests(file, header.digestOffset);
      !status.ok())
    return status;
  return prepare(options);
}

/// Whether [offset, offset + (rows - 1) * stride + bytes) is within the file.
static bool fits(uint64_t offset, uint64_t stride, uint64_t bytes,
                 uint64_t rows, uint64_t fileBytes) {
  unsigned __int128 end = static_cast<unsigned __int128>(rows - 1) * stride;
  return stride >= bytes && end + offset + bytes <= fileBytes;
}

static Status changed(const std::string &path, std::string what) {
  return Status(TRINE_ENGRAM_ERROR_CHANGED,
                concat(quote(path), " is not the file that was meant: ", what));
}

Status Table::openReference(const std::string &folder,
                            const trine_engram_reference &reference,
                            const trine_engram_table_options &options) {
  if (Status status = checkOptions(options); !status.ok())
    return status;
  std::string path = reference.path ? reference.path : "";
  name = reference.name ? reference.name : path;
  isReference = true;
  if (Status status = layout.setShape(reference.type, reference.rows,
                                      reference.width, name);
      !status.ok())
    return status;
  layout.offset = reference.offset;
  layout.stride = reference.stride;
  layout.hasSeparateScales = layout.scaleBytes > 0;
  layout.scaleOffset = reference.scale_offset;
  layout.scaleStride = reference.scale_stride;
  if (Status status = file.openBelow(folder, path); !status.ok())
    return status;
  const FileIdentity &identity = file.getIdentity();
  if (identity.bytes != reference.file_bytes)
    return changed(path, concat("it must have ", reference.file_bytes,
                                " bytes, got ", identity.bytes));
  if (identity.modified != reference.modified_nanoseconds)
    return changed(path, concat("it must have been modified at ",
                                reference.modified_nanoseconds,
                                " ns since 1970, got ", identity.modified));
  std::string digits;
  if (Status status = file.hashHeader(digits); !status.ok())
    return status;
  if (strncmp(digits.c_str(), reference.header_sha256,
              sizeof(reference.header_sha256)) != 0)
    return changed(path, concat("its first ", kHeaderHashBytes,
                                " bytes have another SHA-256"));
  if (!fits(layout.offset, layout.stride, layout.valueBytes, layout.rows,
            identity.bytes) ||
      (layout.hasSeparateScales &&
       !fits(layout.scaleOffset, layout.scaleStride, layout.scaleBytes,
             layout.rows, identity.bytes)))
    return Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                  concat("table ", quote(name), ": ", layout.rows,
                         " rows must be within the ", identity.bytes,
                         " bytes of ", quote(path), ", and must not overlap"));
  if (identity.bytes > kMaxFileBytes)
    return Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                  concat(quote(path), " must have at most ", kMaxFileBytes,
                         " bytes, got ", identity.bytes));
  blocks.create(0, identity.bytes);
  if (options.checksums)
    if (Status status = blocks.load(file, options.checksums); !status.ok())
      return status;
  return prepare(options);
}

Status Table::identify(const std::string &folder,
                       trine_engram_reference &reference) {
  TableFile file;
  if (Status status = file.openBelow(folder, reference.path); !status.ok())
    return status;
  std::string digits;
  if (Status status = file.hashHeader(digits); !status.ok())
    return status;
  reference.file_bytes = file.getIdentity().bytes;
  reference.modified_nanoseconds = file.getIdentity().modified;
  memcpy(reference.header_sha256, digits.c_str(), 65);
  return Status();
}

Status Table::prepare(const trine_engram_table_options &options) {
  tier = options.tier;
  touchCheck = options.check == TRINE_ENGRAM_CHECK_FIRST_TOUCH;
  bool hugePages = options.huge_pages != 0;
  if (tier == TRINE_ENGRAM_TIER_RESIDENT)
    return loadResident(hugePages);
  bool done =
      tier == TRINE_ENGRAM_TIER_MAPPED
          ? memory.map(file.getDescriptor(), file.getIdentity().bytes)
          : cache.create(options.cache_bytes, layout.getRowBytes(), hugePages);
  if (!done) // No test: only when memory runs out.
    return Status(TRINE_ERROR_OUT_OF_MEMORY,
                  concat("no memory for table ", quote(name)));
  return Status();
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// Copies values (with what follows them) or separate scales of some rows.
Status Table::loadPart(uint64_t firstRow, uint64_t count, bool scales) {
  auto locate = [&](uint64_t row) {
    return scales ? layout.locateScales(row) : layout.locate(row);
  };
  Extent first = locate(firstRow), last = locate(firstRow + count - 1);
  Extent whole = {first.offset, last.offset + last.bytes - first.offset};
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[whole.bytes]);
  if (Status status = file.readAll(whole, bytes.get()); !status.ok())
    return status;
  for (uint64_t row = firstRow; row < firstRow + count; ++row) {
    Extent extent = locate(row);
    const uint8_t *source = bytes.get() + (extent.offset - first.offset);
    uint64_t kept = extent.bytes - (layout.hasChecksum ? 4 : 0);
    if (layout.hasChecksum) {
      uint32_t checksum;
      memcpy(&checksum, source + kept, 4);
      if (computeRecordChecksum(row, source, kept) != checksum)
        return Status(TRINE_ENGRAM_ERROR_CHECKSUM,
                      concat(describeRow(row), "its checksum is wrong (byte ",
                             extent.offset, " of ", quote(file.getPath()),
                             ")"));
    }
    memcpy(memory.get() + row * residentStride +
               (scales ? layout.valueBytes : 0),
           source, kept);
  }
  return Status();
}

Status Table::loadResident(bool hugePages) {
  residentStride = roundUp(layout.getRowBytes(), 8);
  if (!memory.allocate(layout.rows * residentStride, hugePages))
    return Status(TRINE_ERROR_OUT_OF_MEMORY,
                  concat("no memory for the ", layout.rows, " rows of table ",
                         quote(name)));
  if (touchCheck)
    if (Status status = verify(0, layout.rows); !status.ok())
      return status;
  uint64_t stride = std::max(layout.stride, layout.scaleStride);
  uint64_t step = std::max<uint64_t>(1, kBlockBytes / stride);
  for (uint64_t row = 0; row < layout.rows; row += step) {
    uint64_t count = std::min(step, layout.rows - row);
    for (bool scales : {false, true})
      if (!scales || layout.hasSeparateScales)
        if (Status status = loadPart(row, count, scales); !status.ok())
          return status;
  }
  return file.checkUnchanged(name);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

std::string Table::getKey() const {
  const FileIdentity &identity = file.getIdentity();
  return concat(identity.device, ":", identity.inode, ":", identity.modified,
                ":", layout.type, ":", layout.rows, ":", layout.width, ":",
                layout.offset, ":", layout.stride, ":", layout.scaleOffset, ":",
                tier);
}

std::string Table::describeRow(uint64_t row) const {
  return concat("table ", quote(name), ": row ", row, ": ");
}

Status Table::checkRow(int64_t row) const {
  if (static_cast<uint64_t>(row) < layout.rows)
    return Status();
  return Status(TRINE_ENGRAM_ERROR_BAD_ROW,
                concat("table ", quote(name), ": row must be in [0, ",
                       layout.rows, "), got ", row));
}

Status Table::touch(uint64_t row) {
  Status status = blocks.check(file, name, layout.locate(row), false,
                               statistics.checkedBlocks);
  if (status.ok() && layout.hasSeparateScales)
    status = blocks.check(file, name, layout.locateScales(row), false,
                          statistics.checkedBlocks);
  return status;
}

Status Table::verify(uint64_t firstRow, uint64_t count) {
  if (count == 0)
    return Status();
  if (firstRow >= layout.rows || count > layout.rows - firstRow)
    return Status(TRINE_ENGRAM_ERROR_BAD_ROW,
                  concat("table ", quote(name), ": rows must be in [0, ",
                         layout.rows, "), got ", count, " from ", firstRow));
  if (Status status = file.checkUnchanged(name); !status.ok())
    return status;
  uint64_t last = firstRow + count - 1;
  auto check = [&](Extent first, Extent end) {
    return blocks.check(file, name,
                        {first.offset, end.offset + end.bytes - first.offset},
                        true, statistics.checkedBlocks);
  };
  Status status = check(layout.locate(firstRow), layout.locate(last));
  if (status.ok() && layout.hasSeparateScales)
    status = check(layout.locateScales(firstRow), layout.locateScales(last));
  return status;
}

Status Table::saveChecksums(const std::string &path) const {
  return blocks.save(file, path);
}
