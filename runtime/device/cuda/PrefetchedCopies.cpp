// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows that a step waited for go to the device while it still works on what
// came before.
#include "CudaDevice.h"

using namespace trine::runtime;

void CudaDevice::freePrefetched(const Prefetched &each) {
  for (cuda::Event event : {each.copied, each.used})
    if (event)
      driver.cuEventDestroy_v2(event);
  if (each.host)
    driver.cuMemFreeHost(each.host);
  if (each.block)
    driver.cuMemFree_v2(each.block);
}

trine_status CudaDevice::startCopies() {
  if (copyStream)
    return TRINE_OK;
  return check(driver.cuStreamCreate(&copyStream, cuda::nonBlocking),
               "cuStreamCreate");
}

trine_status CudaDevice::openPrefetched(uint64_t bytes, void **host) {
  // A few in turn, so that the host seldom waits for a copy. What is large
  // would take too much pinned memory.
  constexpr size_t blocks = 4;
  constexpr uint64_t mostPinned = uint64_t(16) << 20;
  *host = nullptr;
  if (bytes == 0 || bytes > mostPinned)
    return TRINE_OK;
  if (trine_status status = startCopies())
    return status;
  prefetched.resize(blocks);
  nextPrefetched = (nextPrefetched + 1) % blocks;
  Prefetched &slot = prefetched[nextPrefetched];
  for (cuda::Event *event : {&slot.copied, &slot.used})
    if (!*event)
      if (trine_status status = check(
              driver.cuEventCreate(event, cuda::noTiming), "cuEventCreate"))
        return status;
  // The copy before has left the pinned memory; one that grows is used by
  // nothing any more.
  if (slot.isUsed)
    if (trine_status status =
            check(driver.cuEventSynchronize(slot.bytes < bytes ? slot.used
                                                               : slot.copied),
                  "a copy"))
      return status;
  if (slot.bytes < bytes) {
    if (slot.host)
      driver.cuMemFreeHost(slot.host);
    if (slot.block)
      driver.cuMemFree_v2(slot.block);
    slot.host = nullptr;
    slot.block = 0;
    slot.bytes = 0;
    slot.isUsed = false;
    std::string what =
        "allocation of " + std::to_string(bytes) + " bytes for rows";
    if (trine_status status =
            check(driver.cuMemHostAlloc(&slot.host, bytes, 0), what)) {
      slot.host = nullptr;
      return status;
    }
    if (trine_status status =
            check(driver.cuMemAlloc_v2(&slot.block, bytes), what)) {
      slot.block = 0;
      return status;
    }
    slot.bytes = bytes;
  }
  *host = slot.host;
  return TRINE_OK;
}

trine_status CudaDevice::sendPrefetched(uint32_t queue, void *destination,
                                        uint64_t bytes) {
  cuda::Stream stream;
  if (trine_status status = getStream(queue, stream))
    return status;
  // Earlier launches may read what is at the destination.
  if (trine_status status = flush())
    return status;
  Prefetched &slot = prefetched[nextPrefetched];
  std::string what = "copy of " + std::to_string(bytes) + " prefetched bytes";
  // The copies' stream waits for nothing but the last use of this block.
  if (slot.isUsed)
    if (trine_status status =
            check(driver.cuStreamWaitEvent(copyStream, slot.used, 0), what))
      return status;
  if (trine_status status = check(
          driver.cuMemcpyHtoDAsync_v2(slot.block, slot.host, bytes, copyStream),
          what))
    return status;
  if (trine_status status =
          check(driver.cuEventRecord(slot.copied, copyStream), what))
    return status;
  if (trine_status status =
          check(driver.cuStreamWaitEvent(stream, slot.copied, 0), what))
    return status;
  if (trine_status status =
          check(driver.cuMemcpyDtoDAsync_v2(
                    reinterpret_cast<cuda::Pointer>(destination), slot.block,
                    bytes, stream),
                what))
    return status;
  if (trine_status status =
          check(driver.cuEventRecord(slot.used, stream), what))
    return status;
  slot.isUsed = true;
  return TRINE_OK;
}
