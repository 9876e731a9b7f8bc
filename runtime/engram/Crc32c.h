// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// CRC-32C (Castagnoli), as in RFC 3720.
#ifndef TRINE_RUNTIME_ENGRAM_CRC32C_H
#define TRINE_RUNTIME_ENGRAM_CRC32C_H

#include <cstdint>

namespace trine::runtime::engram {

/// The checksum of `size` bytes that follow those whose checksum is `crc`.
uint32_t computeCrc32c(uint32_t crc, const void *data, uint64_t size);
/// The same without special instructions.
uint32_t computeCrc32cPortably(uint32_t crc, const void *data, uint64_t size);

/// The checksum of a record: of its row's number (8 bytes, little endian) and
/// then of its bytes, so that a record in another's place shows.
inline uint32_t computeRecordChecksum(uint64_t row, const void *data,
                                      uint64_t size) {
  return computeCrc32c(computeCrc32c(0, &row, sizeof(row)), data, size);
}

} // namespace trine::runtime::engram

#endif
