// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The CPU as a device: kernels are functions of program.so, all spaces are
/// plain memory, and a launch is done when it returns.
#ifndef TRINE_RUNTIME_DEVICE_HOST_HOSTDEVICE_H
#define TRINE_RUNTIME_DEVICE_HOST_HOSTDEVICE_H

#include "core/Status.h"
#include "core/ThreadPool.h"
#include "device/Device.h"
#include <cfenv>
#include <chrono>

namespace trine::runtime {

class HostDevice : public Device {
public:
  HostDevice(const trine_program_kernel *kernels, uint32_t kernelCount,
             bool profile)
      : kernels(kernels), kernelCount(kernelCount), profile(profile) {}

  /// Starts the threads. Called once, before anything else.
  Status start(uint32_t threads);

  const char *getKind() const override { return "host"; }
  bool isHostMemory() const override { return true; }
  trine_status allocate(uint32_t space, uint64_t bytes, void **memory) override;
  void release(uint32_t space, void *memory, uint64_t bytes) override;
  trine_status shareWeights(const void *host, uint64_t bytes,
                            const void **memory) override;
  trine_status write(uint32_t queue, const void *host, void *destination,
                     uint64_t bytes) override;
  trine_status zero(uint32_t queue, void *destination, uint64_t bytes) override;
  trine_status read(uint32_t queue, const void *source, void *host,
                    uint64_t bytes) override;
  trine_status launch(uint32_t queue, uint32_t kernel, uint64_t workgroups,
                      const uint64_t *arguments,
                      uint32_t argumentCount) override;
  trine_status synchronize() override { return TRINE_OK; }
  void beginStep() override;
  void endStep() override;
  void collectProfile(std::vector<trine_profile_record> &records) override;

private:
  static void runWorkgroups(void *context, uint64_t begin, uint64_t end,
                            uint32_t thread);
  void recordTime(uint64_t start, uint64_t workgroups, uint32_t thread);
  uint64_t getTime() const;

  const trine_program_kernel *kernels;
  uint32_t kernelCount;
  bool profile;
  ThreadPool pool;

  // The launch in progress.
  uint32_t currentKernel = 0;
  const uint64_t *currentArguments = nullptr;
  uint64_t launches = 0; // of this step so far

  std::fenv_t callerModes;
  std::chrono::steady_clock::time_point stepStart;
  /// Of each thread, written by that thread alone.
  std::vector<std::vector<trine_profile_record>> records;
};

} // namespace trine::runtime

#endif
