// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SimDevice.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

using namespace trine::runtime;

SimDevice::SimDevice(std::vector<DeviceKernel> given, uint32_t threads,
                     bool checked, bool profile)
    : kernels(std::move(given)), modules(kernels.size()), checked(checked),
      profile(profile) {
  options.threads = threads;
  options.checks = checked ? sim::Checks::all() : sim::Checks::none();
  options.stopAtFirstReport = true;
}

SimDevice::~SimDevice() = default;

trine_status SimDevice::outOfMemory(uint64_t bytes) {
  return fail(TRINE_ERROR_OUT_OF_MEMORY,
              "out of memory: " + std::to_string(bytes) +
                  " bytes on device 'sim'");
}

trine_status SimDevice::allocate(uint32_t space, uint64_t bytes,
                                 void **memory) {
  *memory = nullptr;
  if (space > TRINE_SPACE_HOST)
    return fail(TRINE_ERROR_DEVICE,
                "device 'sim' has no memory space " + std::to_string(space));
  if (bytes > PTRDIFF_MAX)
    return outOfMemory(bytes);
  if (space == TRINE_SPACE_HOST) {
    if (posix_memalign(memory, 64, bytes ? bytes : 1) != 0)
      *memory = nullptr;
  } else {
    *memory = machine.allocate(bytes ? bytes : 1,
                               space == TRINE_SPACE_DEVICE ? "arena" : "pinned",
                               /*trackInitialised=*/checked);
  }
  return *memory ? static_cast<trine_status>(TRINE_OK) : outOfMemory(bytes);
}

void SimDevice::release(uint32_t space, void *memory, uint64_t bytes) {
  if (space == TRINE_SPACE_HOST)
    free(memory);
  else if (memory)
    machine.free(memory);
}

trine_status SimDevice::shareWeights(const void *host, uint64_t bytes,
                                     const void **memory) {
  *memory = host;
  // Read-only: a kernel that writes to weights is reported.
  if (bytes && !machine.registerHost(const_cast<void *>(host), bytes, "weights",
                                     /*writable=*/false))
    return fail(TRINE_ERROR_DEVICE,
                "device 'sim' cannot make the weights visible");
  return TRINE_OK;
}

/// A copy, so that an access beyond an input is outside of all memory.
trine_status SimDevice::shareInput(const void *host, uint64_t bytes,
                                   const void **memory) {
  void *copy = machine.allocate(bytes ? bytes : 1, "input");
  if (!copy)
    return outOfMemory(bytes);
  staged.push_back(copy);
  if (bytes)
    memcpy(copy, host, bytes);
  *memory = copy;
  return TRINE_OK;
}

trine_status SimDevice::shareOutput(void *host, uint64_t bytes, void **memory) {
  *memory = machine.allocate(bytes ? bytes : 1, "output",
                             /*trackInitialised=*/checked);
  if (!*memory)
    return outOfMemory(bytes);
  staged.push_back(*memory);
  outputs.push_back({host, *memory, bytes});
  return TRINE_OK;
}

trine_status SimDevice::collectOutputs() {
  for (const Output &output : outputs)
    if (output.bytes)
      memcpy(output.host, output.memory, output.bytes);
  return TRINE_OK;
}

trine_status SimDevice::write(uint32_t queue, const void *host,
                              void *destination, uint64_t bytes) {
  if (bytes)
    memcpy(destination, host, bytes);
  machine.markInitialised(destination, bytes);
  return TRINE_OK;
}

trine_status SimDevice::zero(uint32_t queue, void *destination,
                             uint64_t bytes) {
  if (bytes)
    memset(destination, 0, bytes);
  machine.markInitialised(destination, bytes);
  return TRINE_OK;
}

trine_status SimDevice::openPrefetched(uint64_t bytes, uint32_t *slot,
                                       void **host) {
  *host = nullptr;
  for (uint32_t i = 0; i < prefetchSlots && bytes != 0 && !*host; ++i)
    if (prefetched[i].host.empty()) {
      prefetched[i].host.resize(bytes);
      *slot = i;
      *host = prefetched[i].host.data();
    }
  return TRINE_OK;
}

trine_status SimDevice::copyPrefetched(uint32_t slot, uint64_t bytes,
                                       std::string &problem) {
  prefetched[slot].copied = prefetched[slot].host;
  return TRINE_OK;
}

trine_status SimDevice::joinPrefetched(uint32_t queue, uint32_t slot,
                                       void *destination, uint64_t bytes) {
  trine_status status =
      write(queue, prefetched[slot].copied.data(), destination, bytes);
  dropPrefetched(slot);
  return status;
}

trine_status SimDevice::read(uint32_t queue, const void *source, void *host,
                             uint64_t bytes) {
  if (bytes)
    memcpy(host, source, bytes);
  return TRINE_OK;
}

trine_status SimDevice::load(uint32_t index) {
  const DeviceKernel &kernel = kernels[index];
  FILE *file = fopen(kernel.path.c_str(), "rb");
  std::string text;
  if (file) {
    char buffer[1 << 14];
    while (size_t count = fread(buffer, 1, sizeof buffer, file))
      text.append(buffer, count);
    bool good = !ferror(file);
    fclose(file);
    if (!good)
      file = nullptr;
  }
  if (!file)
    return fail(TRINE_ERROR_IO, "'" + kernel.label + "' cannot be read");
  std::vector<sim::Diagnostic> problems;
  modules[index] = sim::Module::load(text, kernel.label, problems);
  if (modules[index])
    return TRINE_OK;
  std::string message;
  for (const sim::Diagnostic &problem : problems)
    message += (message.empty() ? "" : "\n") + problem.str();
  return fail(TRINE_ERROR_BAD_PACKAGE, message);
}

trine_status SimDevice::addMaps(const DeviceKernel &kernel,
                                const uint64_t *words, uint32_t wordCount) {
  encoded.resize(kernel.maps.size());
  for (size_t i = 0; i < kernel.maps.size(); ++i) {
    TensorMapValues values;
    std::string problem;
    sim::TensorMap map;
    bool good =
        evaluateTensorMap(kernel.maps[i], words, wordCount, values, problem);
    if (good) {
      map.element = values.element == MapElement::F16
                        ? sim::TensorElement::F16
                        : sim::TensorElement::BF16;
      map.rank = static_cast<uint8_t>(values.rank);
      map.globalAddress = values.address;
      std::copy(std::begin(values.sizes), std::end(values.sizes),
                map.globalDim);
      std::copy(std::begin(values.strides), std::end(values.strides),
                map.globalStride);
      std::copy(std::begin(values.box), std::end(values.box), map.boxDim);
      map.swizzle = 3;
      map.promotion = 3;
      good = sim::checkTensorMap(map, problem);
    }
    if (!good)
      return fail(TRINE_ERROR_DEVICE, "kernel '" + kernel.name +
                                          "' on device 'sim': tensor map " +
                                          std::to_string(i) + ": " + problem);
    sim::encodeTensorMap(map, encoded[i].bytes);
    parameters.push_back(encoded[i].bytes);
  }
  return TRINE_OK;
}

trine_status SimDevice::launch(uint32_t queue, uint32_t index,
                               uint64_t workgroups, const uint64_t *arguments,
                               uint32_t argumentCount) {
  if (trine_status status = checkKernel(index, kernels.size()))
    return status;
  uint64_t launchIndex = launches++;
  if (workgroups == 0)
    return TRINE_OK;
  if (!modules[index])
    if (trine_status status = load(index))
      return status;
  const DeviceKernel &kernel = kernels[index];
  uint64_t start = getTime();
  uint64_t blocks = kernel.getBlocks(workgroups);
  if (blocks > INT32_MAX)
    return fail(TRINE_ERROR_DEVICE,
                "kernel '" + kernel.name + "' needs " + std::to_string(blocks) +
                    " blocks, the limit is " + std::to_string(INT32_MAX));
  sim::Launch launch;
  launch.grid.x = static_cast<uint32_t>(blocks);
  launch.block.x = kernel.threads;
  launch.dynamicSharedBytes = kernel.sharedBytes;
  launch.options = options;
  parameters.clear();
  for (uint32_t i = 0; i < argumentCount; ++i)
    parameters.push_back(arguments + i);
  if (trine_status status = addMaps(kernel, arguments, argumentCount))
    return status;
  sim::Result result = machine.launch(*modules[index], kernel.name, launch,
                                      parameters.data(), parameters.size());
  if (result.status != sim::Status::Ok)
    return fail(TRINE_ERROR_DEVICE, "kernel '" + kernel.name +
                                        "' on device 'sim': " + result.text());
  if (profile)
    records.push_back({index, 0, launchIndex, start, getTime(), workgroups});
  return TRINE_OK;
}

uint64_t SimDevice::getTime() const {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now() - stepStart)
          .count());
}

void SimDevice::beginStep() {
  std::fegetenv(&callerModes);
  std::fesetenv(FE_DFL_ENV);
  launches = 0;
  records.clear();
  stepStart = std::chrono::steady_clock::now();
}

void SimDevice::endStep() {
  std::fesetenv(&callerModes);
  for (void *memory : staged)
    machine.free(memory);
  staged.clear();
  outputs.clear();
}

void SimDevice::collectProfile(std::vector<trine_profile_record> &all) {
  all.insert(all.end(), records.begin(), records.end());
}
