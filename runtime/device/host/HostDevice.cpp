// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostDevice.h"
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

using namespace trine::runtime;

Status HostDevice::start(uint32_t threads) {
  if (profile)
    records.resize(threads);
  return pool.start(threads);
}

trine_status HostDevice::allocate(uint32_t space, uint64_t bytes,
                                  void **memory) {
  *memory = nullptr;
  if (space > TRINE_SPACE_HOST)
    return fail(TRINE_ERROR_DEVICE,
                concat("device 'host' has no memory space ", space));
  // Large blocks in large pages: weights and activations are read in streams,
  // and address translation is a good part of their cost.
  constexpr uint64_t largePage = 2 << 20;
  uint64_t alignment = bytes >= 2 * largePage ? largePage : 64;
  if (bytes > PTRDIFF_MAX ||
      posix_memalign(memory, alignment, bytes ? bytes : 1) != 0) {
    *memory = nullptr;
    return fail(TRINE_ERROR_OUT_OF_MEMORY,
                concat("out of memory: ", bytes, " bytes on device 'host'"));
  }
  if (alignment == largePage)
    madvise(*memory, bytes / largePage * largePage, MADV_HUGEPAGE);
  return TRINE_OK;
}

void HostDevice::release(uint32_t space, void *memory, uint64_t bytes) {
  free(memory);
}

trine_status HostDevice::shareWeights(const void *host, uint64_t bytes,
                                      const void **memory) {
  *memory = host;
  return TRINE_OK;
}

trine_status HostDevice::write(uint32_t queue, const void *host,
                               void *destination, uint64_t bytes) {
  if (bytes)
    memcpy(destination, host, bytes);
  return TRINE_OK;
}

trine_status HostDevice::zero(uint32_t queue, void *destination,
                              uint64_t bytes) {
  if (bytes)
    memset(destination, 0, bytes);
  return TRINE_OK;
}

trine_status HostDevice::read(uint32_t queue, const void *source, void *host,
                              uint64_t bytes) {
  if (bytes)
    memcpy(host, source, bytes);
  return TRINE_OK;
}

trine_status HostDevice::launch(uint32_t queue, uint32_t kernel,
                                uint64_t workgroups, const uint64_t *arguments,
                                uint32_t argumentCount) {
  if (trine_status status = checkKernel(kernel, kernelCount))
    return status;
  if (!kernels[kernel].function)
    return fail(TRINE_ERROR_DEVICE,
                concat("kernel ", quote(kernels[kernel].name),
                       " has no code for device 'host'"));
  currentKernel = kernel;
  currentArguments = arguments;
  pool.run(workgroups, runWorkgroups, this);
  ++launches;
  return TRINE_OK;
}

void HostDevice::runWorkgroups(void *context, uint64_t begin, uint64_t end,
                               uint32_t thread) {
  HostDevice *device = static_cast<HostDevice *>(context);
  trine_kernel_function function =
      device->kernels[device->currentKernel].function;
  if (!device->profile)
    return function(device->currentArguments, begin, end);
  uint64_t start = device->getTime();
  function(device->currentArguments, begin, end);
  device->recordTime(start, end - begin, thread);
}

/// Chunks of one launch on one thread are one record.
void HostDevice::recordTime(uint64_t start, uint64_t workgroups,
                            uint32_t thread) {
  std::vector<trine_profile_record> &mine = records[thread];
  if (mine.empty() || mine.back().launch != launches)
    mine.push_back({currentKernel, thread, launches, start, 0, 0});
  mine.back().end = getTime();
  mine.back().workgroups += workgroups;
}

uint64_t HostDevice::getTime() const {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now() - stepStart)
          .count());
}

void HostDevice::beginStep() {
  // The caller's rounding mode or flush-to-zero would change results on its
  // thread alone.
  std::fegetenv(&callerModes);
  std::fesetenv(FE_DFL_ENV);
  launches = 0;
  for (std::vector<trine_profile_record> &mine : records)
    mine.clear();
  stepStart = std::chrono::steady_clock::now();
}

void HostDevice::endStep() { std::fesetenv(&callerModes); }

void HostDevice::collectProfile(std::vector<trine_profile_record> &all) {
  for (const std::vector<trine_profile_record> &mine : records)
    all.insert(all.end(), mine.begin(), mine.end());
}
