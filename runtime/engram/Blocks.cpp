// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Blocks.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>

using namespace trine::runtime;
using namespace trine::runtime::engram;

void Blocks::create(uint64_t newBegin, uint64_t newEnd) {
  begin = newBegin;
  end = newEnd;
  uint64_t count = (end - begin + kBlockBytes - 1) / kBlockBytes;
  digests.resize(count);
  states.reset(new std::atomic<uint8_t>[count]());
}

Status Blocks::readDigests(const TableFile &file, uint64_t offset) {
  if (Status status =
          file.readAll({offset, digests.size() * kDigestBytes}, digests.data());
      !status.ok())
    return status;
  for (uint64_t i = 0; i < digests.size(); ++i)
    states[i] = Known;
  return Status();
}

static Blocks::Digest computeDigest(const void *data, uint64_t size) {
  std::string digits = computeSha256(data, size);
  auto value = [](char digit) {
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
  };
  Blocks::Digest digest;
  for (uint64_t i = 0; i < kDigestBytes; ++i)
    digest[i] = static_cast<uint8_t>(value(digits[2 * i]) * 16 +
                                     value(digits[2 * i + 1]));
  return digest;
}

Status Blocks::checkBlock(const TableFile &file, const std::string &table,
                          uint64_t block, bool again) {
  uint64_t at = begin + block * kBlockBytes;
  Extent extent = {at, std::min(kBlockBytes, end - at)};
  std::unique_ptr<uint8_t[]> data(new uint8_t[extent.bytes]);
  if (Status status = file.readAll(extent, data.get()); !status.ok())
    return Status(status.getCode(),
                  concat("table ", quote(table), ": ", status.getMessage()));
  // Read for this alone; memory is better used for other things.
  posix_fadvise(file.getDescriptor(), static_cast<off_t>(extent.offset),
                static_cast<off_t>(extent.bytes), POSIX_FADV_DONTNEED);
  Digest digest = computeDigest(data.get(), extent.bytes);
  std::lock_guard<std::mutex> lock(mutex);
  if (states[block] == Unknown)
    digests[block] = digest;
  else if (digests[block] != digest)
    return Status(TRINE_ENGRAM_ERROR_CHECKSUM,
                  concat("table ", quote(table), ": bytes [", extent.offset,
                         ", ", extent.offset + extent.bytes, ") of ",
                         quote(file.getPath()),
                         " do not have the checksum that they had"));
  states[block] = Checked;
  return Status();
}

Status Blocks::check(const TableFile &file, const std::string &table,
                     Extent extent, bool again,
                     std::atomic<uint64_t> &checkedBlocks) {
  if (extent.offset < begin || extent.bytes == 0)
    return Status();
  uint64_t first = (extent.offset - begin) / kBlockBytes,
           last = (extent.offset + extent.bytes - 1 - begin) / kBlockBytes;
  for (uint64_t block = first; block <= last && block < digests.size();
       ++block) {
    if (!again && states[block].load(std::memory_order_acquire) == Checked)
      continue;
    if (Status status = checkBlock(file, table, block, again); !status.ok())
      return status;
    ++checkedBlocks;
  }
  return Status();
}

//===----------------------------------------------------------------------===//
// Files of checksums
//===----------------------------------------------------------------------===//

namespace {
/// Then come `known` pairs of a block's number (8 bytes) and its digest, and
/// the digest of all before it.
struct RawHeader {
  char magic[8];
  uint32_t version, reserved;
  uint64_t fileBytes;
  int64_t modified;
  uint64_t begin, end, known;
};
constexpr char kMagic[8] = {'T', 'R', 'N', 'E', 'N', 'G', 'R', 'C'};
constexpr uint64_t kEntryBytes = 8 + kDigestBytes;
} // namespace

static Status badChecksums(const std::string &path) {
  return Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                concat(quote(path), " holds no checksums of this file, or is "
                                    "damaged"));
}

Status Blocks::load(const TableFile &file, const std::string &path) {
  TableFile saved;
  if (Status status = saved.open(path); !status.ok())
    return status.getCode() == TRINE_ERROR_NOT_FOUND ? Status() : status;
  uint64_t size = saved.getIdentity().bytes;
  uint64_t most =
      sizeof(RawHeader) + digests.size() * kEntryBytes + kDigestBytes;
  if (size < sizeof(RawHeader) + kDigestBytes || size > most)
    return badChecksums(path);
  std::vector<uint8_t> bytes(size);
  if (Status status = saved.readAll({0, size}, bytes.data()); !status.ok())
    return status;
  Digest digest = computeDigest(bytes.data(), size - kDigestBytes);
  RawHeader raw;
  memcpy(&raw, bytes.data(), sizeof(raw));
  if (memcmp(digest.data(), &bytes[size - kDigestBytes], kDigestBytes) != 0 ||
      memcmp(raw.magic, kMagic, sizeof(kMagic)) != 0 || raw.version != 1 ||
      raw.begin != begin || raw.end != end || raw.known > digests.size() ||
      size != sizeof(raw) + raw.known * kEntryBytes + kDigestBytes ||
      raw.fileBytes != file.getIdentity().bytes ||
      raw.modified != file.getIdentity().modified)
    return badChecksums(path);
  for (uint64_t i = 0; i < raw.known; ++i) {
    const uint8_t *entry = &bytes[sizeof(raw) + i * kEntryBytes];
    uint64_t block;
    memcpy(&block, entry, 8);
    if (block >= digests.size())
      return badChecksums(path);
    memcpy(digests[block].data(), entry + 8, kDigestBytes);
    states[block] = Known;
  }
  return Status();
}

Status Blocks::save(const TableFile &file, const std::string &path) const {
  RawHeader raw = {};
  memcpy(raw.magic, kMagic, sizeof(kMagic));
  raw.version = 1;
  raw.fileBytes = file.getIdentity().bytes;
  raw.modified = file.getIdentity().modified;
  raw.begin = begin;
  raw.end = end;
  std::vector<uint8_t> bytes(sizeof(raw));
  {
    std::lock_guard<std::mutex> lock(mutex);
    for (uint64_t block = 0; block < digests.size(); ++block) {
      if (states[block] == Unknown)
        continue;
      const uint8_t *number = reinterpret_cast<const uint8_t *>(&block);
      bytes.insert(bytes.end(), number, number + 8);
      bytes.insert(bytes.end(), digests[block].begin(), digests[block].end());
      ++raw.known;
    }
  }
  memcpy(bytes.data(), &raw, sizeof(raw));
  Digest digest = computeDigest(bytes.data(), bytes.size());
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  std::string part = path + ".part";
  FILE *out = fopen(part.c_str(), "wbe");
  bool written =
      out && fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  written = out && fclose(out) == 0 && written;
  if (!written || rename(part.c_str(), path.c_str()) != 0) {
    int error = errno;
    remove(part.c_str());
    return Status(TRINE_ERROR_IO, concat(quote(path), " cannot be written: ",
                                         describeErrno(error)));
  }
  return Status();
}
