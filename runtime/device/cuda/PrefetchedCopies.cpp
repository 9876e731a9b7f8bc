// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows of tables go to the device while it still works on what comes before
// their use.
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

trine_status CudaDevice::growPrefetched(Prefetched &slot, uint64_t bytes) {
  // Its last use is behind its last copy.
  if (slot.wasUsed)
    if (trine_status status =
            check(driver.cuEventSynchronize(slot.used), "a copy"))
      return status;
  if (slot.host)
    driver.cuMemFreeHost(slot.host);
  if (slot.block)
    driver.cuMemFree_v2(slot.block);
  slot.host = nullptr;
  slot.block = 0;
  slot.bytes = 0;
  slot.wasCopied = slot.wasUsed = false;
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
  return TRINE_OK;
}

trine_status CudaDevice::openPrefetched(uint64_t bytes, uint32_t *index,
                                        void **host) {
  // What is large would take too much pinned memory.
  constexpr uint64_t mostPinned = uint64_t(16) << 20;
  *host = nullptr;
  if (bytes == 0 || bytes > mostPinned)
    return TRINE_OK;
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  // One that is large enough already, else any.
  uint32_t found = prefetchSlots;
  for (uint32_t i = 0; i < prefetchSlots; ++i)
    if (!prefetched[i].isOpen &&
        (found == prefetchSlots ||
         (prefetched[found].bytes < bytes && prefetched[i].bytes >= bytes)))
      found = i;
  if (found == prefetchSlots)
    return TRINE_OK;
  if (!prefetchStream)
    if (trine_status status =
            check(driver.cuStreamCreate(&prefetchStream, cuda::nonBlocking),
                  "cuStreamCreate"))
      return status;
  Prefetched &slot = prefetched[found];
  for (cuda::Event *event : {&slot.copied, &slot.used})
    if (!*event)
      if (trine_status status = check(
              driver.cuEventCreate(event, cuda::noTiming), "cuEventCreate"))
        return status;
  // The copy before must have left the pinned memory.
  if (slot.wasCopied)
    if (trine_status status =
            check(driver.cuEventSynchronize(slot.copied), "a copy"))
      return status;
  if (slot.bytes < bytes)
    if (trine_status status = growPrefetched(slot, bytes))
      return status;
  slot.isOpen = true;
  *index = found;
  *host = slot.host;
  return TRINE_OK;
}

trine_status CudaDevice::copyPrefetched(uint32_t index, uint64_t bytes,
                                        std::string &problem) {
  Prefetched &slot = prefetched[index];
  // The thread may not be the step's; nothing but this slot is touched, and the
  // stream is used by one thread at a time or in any order.
  cuda::Result error = driver.cuCtxPushCurrent_v2(context);
  bool isPushed = error == 0;
  if (!error && slot.wasUsed)
    error = driver.cuStreamWaitEvent(prefetchStream, slot.used, 0);
  if (!error)
    error = driver.cuMemcpyHtoDAsync_v2(slot.block, slot.host, bytes,
                                        prefetchStream);
  if (!error) {
    slot.wasCopied = true;
    error = driver.cuEventRecord(slot.copied, prefetchStream);
  }
  cuda::Context popped = nullptr;
  if (isPushed)
    driver.cuCtxPopCurrent_v2(&popped);
  if (!error)
    return TRINE_OK;
  problem =
      describe(error, "copy of " + std::to_string(bytes) + " prefetched bytes");
  return TRINE_ERROR_DEVICE;
}

trine_status CudaDevice::joinPrefetched(uint32_t queue, uint32_t index,
                                        void *destination, uint64_t bytes) {
  Prefetched &slot = prefetched[index];
  slot.isOpen = false;
  Entry entry(*this);
  cuda::Stream stream;
  // Behind earlier launches, which may read what is at the destination.
  if (trine_status status = entry.reach(queue, stream))
    return status;
  std::string what = "move of " + std::to_string(bytes) + " prefetched bytes";
  if (trine_status status =
          check(driver.cuStreamWaitEvent(stream, slot.copied, 0), what))
    return status;
  if (trine_status status =
          check(driver.cuMemcpyDtoDAsync_v2(
                    reinterpret_cast<cuda::Pointer>(destination), slot.block,
                    bytes, stream),
                what))
    return status;
  slot.wasUsed = true;
  return check(driver.cuEventRecord(slot.used, stream), what);
}

void CudaDevice::dropPrefetched(uint32_t slot) {
  prefetched[slot].isOpen = false;
}
