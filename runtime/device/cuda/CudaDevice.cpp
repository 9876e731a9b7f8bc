// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CudaDevice.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace trine::runtime;

CudaDevice::~CudaDevice() {
  if (!context)
    return;
  endStep();
  bool isPushed = driver.cuCtxPushCurrent_v2(context) == 0;
  for (cuda::Stream stream : {copyStream, prefetchStream})
    if (stream) {
      driver.cuStreamSynchronize(stream);
      driver.cuStreamDestroy_v2(stream);
    }
  if (reached)
    driver.cuEventDestroy_v2(reached);
  for (const Staging &each : staging) {
    if (each.copied)
      driver.cuEventDestroy_v2(each.copied);
    if (each.memory)
      driver.cuMemFreeHost(each.memory);
  }
  for (const Prefetched &each : prefetched)
    freePrefetched(each);
  for (cuda::Event event : times)
    if (event)
      driver.cuEventDestroy_v2(event);
  graphs.clear();
  for (cuda::Stream stream : streams)
    if (stream)
      driver.cuStreamDestroy_v2(stream);
  for (const Code &each : code)
    if (each.module)
      driver.cuModuleUnload(each.module);
  for (const Block &block : staged)
    driver.cuMemFree_v2(block.address);
  if (weights)
    driver.cuMemFree_v2(weights);
  cuda::Context popped = nullptr;
  if (isPushed)
    driver.cuCtxPopCurrent_v2(&popped);
  driver.cuDevicePrimaryCtxRelease_v2(device);
}

trine_status CudaDevice::check(cuda::Result error, const std::string &what) {
  if (error == 0)
    return TRINE_OK;
  // CUDA_ERROR_OUT_OF_MEMORY
  return fail(error == 2 ? TRINE_ERROR_OUT_OF_MEMORY : TRINE_ERROR_DEVICE,
              describe(error, what));
}

std::string CudaDevice::describe(cuda::Result error,
                                 const std::string &what) const {
  return what + " on device 'cuda': " + driver.describe(error);
}

/// The compute capability of device 0.
static bool getCapability(const cuda::Driver &driver, int &major, int &minor) {
  cuda::Device device = 0;
  return driver.cuDeviceGet(&device, 0) == 0 &&
         driver.cuDeviceGetAttribute(&major, cuda::ComputeCapabilityMajor,
                                     device) == 0 &&
         driver.cuDeviceGetAttribute(&minor, cuda::ComputeCapabilityMinor,
                                     device) == 0;
}

bool CudaDevice::runsBinary(const cuda::Driver &driver,
                            const std::string &architecture) {
  int major = 0, minor = 0;
  if (!getCapability(driver, major, minor))
    return false;
  return architecture == "sm_90a" ? major == 9 && minor == 0
                                  : architecture == "sm_80" && major == 8;
}

std::string
CudaDevice::chooseArchitecture(const cuda::Driver &driver,
                               const std::vector<std::string> &made) {
  int major = 0, minor = 0;
  if (!getCapability(driver, major, minor))
    return "";
  auto has = [&](const char *name) {
    return std::find(made.begin(), made.end(), name) != made.end();
  };
  // Code for sm_90a runs on 9.0 alone, that for sm_80 on everything since.
  if (major == 9 && minor == 0 && has("sm_90a"))
    return "sm_90a";
  return major >= 8 && has("sm_80") ? "sm_80" : "";
}

trine_status CudaDevice::start() {
  code.resize(kernels.size());
  if (trine_status status =
          check(driver.cuDeviceGet(&device, 0), "cuDeviceGet"))
    return status;
  cuda::Context made = nullptr;
  if (trine_status status =
          check(driver.cuDevicePrimaryCtxRetain(&made, device),
                "cuDevicePrimaryCtxRetain"))
    return status;
  context = made;
  return Entry(*this).status;
}

CudaDevice::Entry::Entry(CudaDevice &device) : device(device) {
  if (device.isInStep)
    return;
  status = device.check(device.driver.cuCtxPushCurrent_v2(device.context),
                        "cuCtxPushCurrent");
  isPushed = status == TRINE_OK;
}

CudaDevice::Entry::~Entry() {
  cuda::Context popped = nullptr;
  if (isPushed)
    device.driver.cuCtxPopCurrent_v2(&popped);
}

trine_status CudaDevice::Entry::reach(uint32_t queue, cuda::Stream &stream) {
  if (status)
    return status;
  if (trine_status failed = device.getStream(queue, stream))
    return failed;
  return device.flush();
}

trine_status CudaDevice::getStream(uint32_t queue, cuda::Stream &stream) {
  constexpr uint32_t mostQueues = 64;
  if (queue >= mostQueues)
    return fail(TRINE_ERROR_PROGRAM, "the program used queue " +
                                         std::to_string(queue) +
                                         ", the limit is 64");
  if (queue >= streams.size())
    streams.resize(queue + 1);
  if (!streams[queue])
    if (trine_status status =
            check(driver.cuStreamCreate(&streams[queue], cuda::nonBlocking),
                  "cuStreamCreate"))
      return status;
  stream = streams[queue];
  return TRINE_OK;
}

trine_status CudaDevice::allocate(uint32_t space, uint64_t bytes,
                                  void **memory) {
  *memory = nullptr;
  if (bytes == 0)
    bytes = 1;
  if (space == TRINE_SPACE_HOST) {
    if (bytes > PTRDIFF_MAX || posix_memalign(memory, 64, bytes) != 0) {
      *memory = nullptr;
      return fail(TRINE_ERROR_OUT_OF_MEMORY,
                  "out of memory: " + std::to_string(bytes) +
                      " bytes on the host");
    }
    return TRINE_OK;
  }
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  std::string what = "allocation of " + std::to_string(bytes) + " bytes";
  if (space == TRINE_SPACE_PINNED)
    return check(driver.cuMemHostAlloc(memory, bytes, 0), what);
  if (space != TRINE_SPACE_DEVICE)
    return fail(TRINE_ERROR_DEVICE,
                "device 'cuda' has no memory space " + std::to_string(space));
  cuda::Pointer address = 0;
  if (trine_status status = check(driver.cuMemAlloc_v2(&address, bytes), what))
    return status;
  *memory = reinterpret_cast<void *>(address);
  return TRINE_OK;
}

void CudaDevice::release(uint32_t space, void *memory, uint64_t bytes) {
  if (!memory)
    return;
  if (space == TRINE_SPACE_HOST)
    return free(memory);
  Entry entry(*this);
  if (space == TRINE_SPACE_PINNED)
    driver.cuMemFreeHost(memory);
  else
    driver.cuMemFree_v2(reinterpret_cast<cuda::Pointer>(memory));
}

trine_status CudaDevice::shareWeights(const void *host, uint64_t bytes,
                                      const void **memory) {
  *memory = nullptr;
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  if (trine_status status = check(
          driver.cuMemAlloc_v2(&weights, bytes ? bytes : 1),
          "allocation of " + std::to_string(bytes) + " bytes for weights")) {
    weights = 0;
    return status;
  }
  *memory = reinterpret_cast<const void *>(weights);
  if (trine_status status =
          write(0, host, reinterpret_cast<void *>(weights), bytes))
    return status;
  return synchronize();
}

trine_status CudaDevice::stage(uint64_t bytes, cuda::Pointer &address) {
  if (stagedUsed == staged.size())
    staged.emplace_back();
  Block &block = staged[stagedUsed++];
  if (block.bytes < bytes || !block.address) {
    if (block.address)
      driver.cuMemFree_v2(block.address);
    block = Block();
    uint64_t wanted = bytes ? bytes : 1;
    if (trine_status status =
            check(driver.cuMemAlloc_v2(&block.address, wanted),
                  "allocation of " + std::to_string(wanted) + " bytes")) {
      block.address = 0;
      return status;
    }
    block.bytes = wanted;
  }
  address = block.address;
  return TRINE_OK;
}

trine_status CudaDevice::shareInput(const void *host, uint64_t bytes,
                                    const void **memory) {
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  cuda::Pointer address = 0;
  if (trine_status status = stage(bytes, address))
    return status;
  *memory = reinterpret_cast<const void *>(address);
  return write(0, host, reinterpret_cast<void *>(address), bytes);
}

trine_status CudaDevice::shareOutput(void *host, uint64_t bytes,
                                     void **memory) {
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  cuda::Pointer address = 0;
  if (trine_status status = stage(bytes, address))
    return status;
  *memory = reinterpret_cast<void *>(address);
  outputs.push_back({host, address, bytes});
  return TRINE_OK;
}

trine_status CudaDevice::flush() {
  if (graphs.empty())
    return TRINE_OK;
  cuda::Stream stream;
  if (trine_status status = getStream(0, stream))
    return status;
  const cuda::PendingLaunch *failed = nullptr;
  cuda::Result error = graphs.flush(stream, failed);
  std::string what =
      failed ? "kernel '" + kernels[failed->kernel].name + "'" : "a graph";
  if (error)
    graphs.drop();
  return checkLaunch(error, what);
}

trine_status CudaDevice::checkLaunch(cuda::Result error,
                                     const std::string &what) {
  const std::string &problem = graphs.getMapProblem();
  return error && !problem.empty()
             ? fail(TRINE_ERROR_DEVICE, what + " on device 'cuda': " + problem)
             : check(error, what);
}

trine_status CudaDevice::getStaging(uint64_t bytes, Staging *&result) {
  // A few in turn, so that the host seldom waits for a copy.
  constexpr size_t blocks = 4;
  staging.resize(blocks);
  Staging &block = staging[nextStaging++ % blocks];
  if (!block.copied) {
    if (trine_status status =
            check(driver.cuEventCreate(&block.copied, cuda::noTiming),
                  "cuEventCreate"))
      return status;
  } else if (trine_status status =
                 check(driver.cuEventSynchronize(block.copied), "a copy")) {
    return status;
  }
  if (block.bytes < bytes) {
    if (block.memory)
      driver.cuMemFreeHost(block.memory);
    block.memory = nullptr;
    block.bytes = 0;
    if (trine_status status =
            check(driver.cuMemHostAlloc(&block.memory, bytes, 0),
                  "allocation of " + std::to_string(bytes) + " pinned bytes"))
      return status;
    block.bytes = bytes;
  }
  result = &block;
  return TRINE_OK;
}

trine_status CudaDevice::submit() {
  Entry entry(*this);
  return entry.status ? entry.status : flush();
}

trine_status CudaDevice::collectOutputs() {
  Entry entry(*this);
  cuda::Stream stream;
  if (trine_status status = entry.reach(0, stream))
    return status;
  for (const Output &output : outputs)
    if (output.bytes)
      if (trine_status status =
              check(driver.cuMemcpyDtoHAsync_v2(output.host, output.address,
                                                output.bytes, stream),
                    "copy of an output"))
        return status;
  return check(driver.cuStreamSynchronize(stream), "copy of the outputs");
}

trine_status CudaDevice::write(uint32_t queue, const void *host,
                               void *destination, uint64_t bytes) {
  Entry entry(*this);
  cuda::Stream stream;
  if (trine_status status = entry.reach(queue, stream))
    return status;
  if (bytes == 0)
    return TRINE_OK;
  std::string what = "copy of " + std::to_string(bytes) + " bytes";
  auto copy = [&](const void *from, cuda::Stream on) {
    return check(
        driver.cuMemcpyHtoDAsync_v2(
            reinterpret_cast<cuda::Pointer>(destination), from, bytes, on),
        what);
  };
  // What is large is read once, and would only take pinned memory.
  constexpr uint64_t mostPinned = uint64_t(16) << 20;
  if (bytes > mostPinned)
    return copy(host, stream);
  if (trine_status status = startCopies())
    return status;
  if (!reached)
    if (trine_status status = check(
            driver.cuEventCreate(&reached, cuda::noTiming), "cuEventCreate"))
      return status;
  Staging *block = nullptr;
  if (trine_status status = getStaging(bytes, block))
    return status;
  memcpy(block->memory, host, bytes);
  // Not before earlier work has read the destination; later work waits.
  if (trine_status status = check(driver.cuEventRecord(reached, stream), what))
    return status;
  if (trine_status status =
          check(driver.cuStreamWaitEvent(copyStream, reached, 0), what))
    return status;
  if (trine_status status = copy(block->memory, copyStream))
    return status;
  if (trine_status status =
          check(driver.cuEventRecord(block->copied, copyStream), what))
    return status;
  return check(driver.cuStreamWaitEvent(stream, block->copied, 0), what);
}

trine_status CudaDevice::copy(uint32_t queue, const void *source,
                              void *destination, uint64_t bytes) {
  if (bytes == 0)
    return TRINE_OK;
  Entry entry(*this);
  cuda::Stream stream;
  if (trine_status status = entry.reach(queue, stream))
    return status;
  return check(driver.cuMemcpyDtoDAsync_v2(
                   reinterpret_cast<cuda::Pointer>(destination),
                   reinterpret_cast<cuda::Pointer>(source), bytes, stream),
               "copy of " + std::to_string(bytes) + " bytes");
}

trine_status CudaDevice::zero(uint32_t queue, void *destination,
                              uint64_t bytes) {
  if (bytes == 0)
    return TRINE_OK;
  Entry entry(*this);
  cuda::Stream stream;
  if (trine_status status = entry.reach(queue, stream))
    return status;
  return check(
      driver.cuMemsetD8Async(reinterpret_cast<cuda::Pointer>(destination), 0,
                             bytes, stream),
      "zeros for " + std::to_string(bytes) + " bytes");
}

trine_status CudaDevice::read(uint32_t queue, const void *source, void *host,
                              uint64_t bytes) {
  Entry entry(*this);
  cuda::Stream stream;
  if (trine_status status = entry.reach(queue, stream))
    return status;
  if (bytes)
    if (trine_status status = check(
            driver.cuMemcpyDtoHAsync_v2(
                host, reinterpret_cast<cuda::Pointer>(source), bytes, stream),
            "read of " + std::to_string(bytes) + " bytes"))
      return status;
  return check(driver.cuStreamSynchronize(stream), "work before a read");
}

trine_status CudaDevice::load(uint32_t index) {
  const DeviceKernel &kernel = kernels[index];
  std::string text;
  FILE *file = fopen(kernel.path.c_str(), "rb");
  bool good = file != nullptr;
  if (file) {
    char buffer[1 << 14];
    while (size_t count = fread(buffer, 1, sizeof buffer, file))
      text.append(buffer, count);
    good = !ferror(file);
    fclose(file);
  }
  if (!good)
    return fail(TRINE_ERROR_IO, "'" + kernel.label + "' cannot be read");
  Code made;
  if (trine_status status =
          check(driver.cuModuleLoadData(&made.module, text.c_str()),
                "loading '" + kernel.label + "'"))
    return status;
  code[index].module = made.module;
  if (trine_status status =
          check(driver.cuModuleGetFunction(&made.function, made.module,
                                           kernel.name.c_str()),
                "kernel '" + kernel.name + "'"))
    return status;
  constexpr uint32_t sharedByDefault = 48 * 1024;
  if (kernel.sharedBytes > sharedByDefault)
    if (trine_status status =
            check(driver.cuFuncSetAttribute(
                      made.function, cuda::maximumDynamicSharedBytes,
                      static_cast<int>(kernel.sharedBytes)),
                  "kernel '" + kernel.name + "', which needs " +
                      std::to_string(kernel.sharedBytes) +
                      " bytes of shared memory,"))
      return status;
  code[index] = made;
  return TRINE_OK;
}

trine_status CudaDevice::launch(uint32_t queue, uint32_t index,
                                uint64_t workgroups, const uint64_t *arguments,
                                uint32_t argumentCount) {
  if (trine_status status = checkKernel(index, kernels.size()))
    return status;
  if (workgroups == 0)
    return TRINE_OK;
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  cuda::Stream stream;
  if (trine_status status = getStream(queue, stream))
    return status;
  if (!code[index].function)
    if (trine_status status = load(index))
      return status;
  const DeviceKernel &kernel = kernels[index];
  uint64_t blocks = kernel.getBlocks(workgroups);
  if (blocks > INT32_MAX)
    return fail(TRINE_ERROR_DEVICE,
                "kernel '" + kernel.name + "' needs " + std::to_string(blocks) +
                    " blocks, the limit is " + std::to_string(INT32_MAX));
  if (argumentCount > mostLaunchWords)
    return fail(TRINE_ERROR_PROGRAM, "kernel '" + kernel.name + "' has " +
                                         std::to_string(argumentCount) +
                                         " words, the limit is " +
                                         std::to_string(mostLaunchWords));
  cuda::PendingLaunch launch;
  launch.kernel = index;
  launch.function = code[index].function;
  launch.blocks = static_cast<unsigned>(blocks);
  launch.threads = kernel.threads;
  launch.sharedBytes = kernel.sharedBytes;
  launch.wordCount = argumentCount;
  launch.maps = &kernel.maps;
  // The driver copies the parameters before it returns.
  if (queue != 0)
    return checkLaunch(graphs.launch(launch, arguments, stream),
                       "kernel '" + kernel.name + "'");
  if (profile && timed.empty())
    if (trine_status status = recordTime(0))
      return status;
  graphs.add(launch, arguments);
  if (!profile)
    return TRINE_OK;
  if (trine_status status = flush())
    return status;
  timed.push_back({index, workgroups});
  return recordTime(timed.size());
}

trine_status CudaDevice::synchronize() {
  Entry entry(*this);
  if (entry.status)
    return entry.status;
  trine_status result = flush();
  for (cuda::Stream stream : streams)
    if (stream && result == TRINE_OK)
      result = check(driver.cuStreamSynchronize(stream), "the step");
  return result;
}

void CudaDevice::setProfile(bool wanted) {
  profile = wanted;
  if (wanted)
    graphs.setEnabled(false);
}

trine_status CudaDevice::recordTime(size_t index) {
  cuda::Stream stream;
  if (trine_status status = getStream(0, stream))
    return status;
  if (index >= times.size())
    times.resize(index + 1);
  if (!times[index])
    if (trine_status status = check(
            driver.cuEventCreate(&times[index], cuda::timing), "cuEventCreate"))
      return status;
  return check(driver.cuEventRecord(times[index], stream), "cuEventRecord");
}

void CudaDevice::collectProfile(std::vector<trine_profile_record> &records) {
  Entry entry(*this);
  auto since = [&](size_t index) {
    float milliseconds = 0;
    driver.cuEventElapsedTime(&milliseconds, times[0], times[index]);
    return static_cast<uint64_t>(static_cast<double>(milliseconds) * 1e6);
  };
  for (size_t i = 0; i < timed.size(); ++i)
    records.push_back({timed[i].kernel, 0, i, i == 0 ? 0 : since(i),
                       since(i + 1), timed[i].workgroups});
}

void CudaDevice::beginStep() {
  timed.clear();
  // Once for all calls of a step, which are made by one thread. A failure shows
  // in the first call that needs the context.
  if (!isInStep)
    isInStep = driver.cuCtxPushCurrent_v2(context) == 0;
}

void CudaDevice::endStep() {
  cuda::Context popped = nullptr;
  if (isInStep)
    driver.cuCtxPopCurrent_v2(&popped);
  isInStep = false;
  stagedUsed = 0;
  outputs.clear();
  // Of a step that failed.
  graphs.drop();
}
