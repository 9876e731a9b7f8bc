// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The simulated PTX device as a device of the runtime: executes a package's
/// own PTX on the CPU and checks what it does.
#ifndef TRINE_RUNTIME_DEVICE_SIM_SIMDEVICE_H
#define TRINE_RUNTIME_DEVICE_SIM_SIMDEVICE_H

#include "device/Device.h"
#include "device/TensorMaps.h"
#include "trine/Runtime/PTXSimulator.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <array>
#include <cfenv>
#include <chrono>
#include <memory>

namespace trine::runtime {

class SimDevice : public Device {
public:
  /// `threads`: of the host, 0 for all. `checked`: all checks are on, and the
  /// first report ends the step.
  SimDevice(std::vector<DeviceKernel> kernels, uint32_t threads, bool checked,
            bool profile);
  ~SimDevice() override;

  const char *getKind() const override { return "sim"; }
  trine_status allocate(uint32_t space, uint64_t bytes, void **memory) override;
  void release(uint32_t space, void *memory, uint64_t bytes) override;
  trine_status shareWeights(const void *host, uint64_t bytes,
                            const void **memory) override;
  trine_status shareInput(const void *host, uint64_t bytes,
                          const void **memory) override;
  trine_status shareOutput(void *host, uint64_t bytes, void **memory) override;
  trine_status collectOutputs() override;
  trine_status write(uint32_t queue, const void *host, void *destination,
                     uint64_t bytes) override;
  trine_status openPrefetched(uint64_t bytes, uint32_t *slot,
                              void **host) override;
  trine_status copyPrefetched(uint32_t slot, uint64_t bytes,
                              std::string &problem) override;
  trine_status joinPrefetched(uint32_t queue, uint32_t slot, void *destination,
                              uint64_t bytes) override;
  void dropPrefetched(uint32_t slot) override { prefetched[slot] = {}; }
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
  struct Output {
    void *host, *memory;
    uint64_t bytes;
  };

  /// Parses a kernel's PTX when it is first launched.
  trine_status load(uint32_t kernel);
  /// Adds the tensor maps of a launch to `parameters`.
  trine_status addMaps(const DeviceKernel &kernel, const uint64_t *words,
                       uint32_t wordCount);
  trine_status outOfMemory(uint64_t bytes);
  uint64_t getTime() const;

  std::vector<DeviceKernel> kernels;
  std::vector<std::shared_ptr<sim::Module>> modules; // by kernel, or null
  sim::Machine machine;
  sim::Options options;
  bool checked, profile;

  struct EncodedMap {
    uint8_t bytes[sim::tensorMapBytes];
  };
  std::vector<const void *> parameters; // of the launch
  std::vector<EncodedMap> encoded;
  /// As on a GPU: rows leave the host's memory when they are copied, and come
  /// to their place when they are joined.
  struct Prefetched {
    std::vector<uint8_t> host, copied;
  };
  std::array<Prefetched, prefetchSlots> prefetched;
  std::vector<void *> staged; // inputs and outputs of this step
  std::vector<Output> outputs;
  uint64_t launches = 0;
  std::fenv_t callerModes;
  std::chrono::steady_clock::time_point stepStart;
  std::vector<trine_profile_record> records;
};

} // namespace trine::runtime

#endif
