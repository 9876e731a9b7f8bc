// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the runtime asks of a device. Each session has its own. Nothing here
/// depends on runtime/core, so that a simulated device stands alone.
#ifndef TRINE_RUNTIME_DEVICE_DEVICE_H
#define TRINE_RUNTIME_DEVICE_DEVICE_H

#include "trine/Runtime/ProgramABI.h"
#include "trine/Runtime/TensorMapRecord.h"
#include "trine/Runtime/trine.h"
#include <cstdint>
#include <string>
#include <vector>

namespace trine::runtime {

/// A kernel of a package whose code is not host code.
struct DeviceKernel {
  std::string name;
  /// The file with its code, and how messages call it.
  std::string path, label;
  /// Threads of a block, workgroups that one block computes, dynamic shared
  /// memory.
  uint32_t threads = 1, workgroupsPerBlock = 1, sharedBytes = 0;
  /// Tensor maps that it takes behind its words.
  std::vector<TensorMapRecord> maps;

  uint64_t getBlocks(uint64_t workgroups) const {
    return workgroups / workgroupsPerBlock +
           (workgroups % workgroupsPerBlock != 0 ? 1 : 0);
  }
};

/// Functions that can fail return a trine_status, and then leave a sentence in
/// getMessage(). Queues are numbered from 0; work on one queue runs in order.
class Device {
public:
  virtual ~Device();

  /// "host", "cuda", "sim".
  virtual const char *getKind() const = 0;

  /// Whether the memory of kernels may be written by the host as it is, once
  /// all queues are idle.
  virtual bool isHostMemory() const { return false; }

  /// At least one byte, aligned to 64, of `space` (TRINE_SPACE_*).
  virtual trine_status allocate(uint32_t space, uint64_t bytes,
                                void **memory) = 0;
  virtual void release(uint32_t space, void *memory, uint64_t bytes) = 0;

  /// Makes weights that lie in host memory readable by kernels; `memory` is
  /// where they see them. The host memory outlives the device.
  virtual trine_status shareWeights(const void *host, uint64_t bytes,
                                    const void **memory) = 0;

  /// Where kernels find an input of this step that lies in host memory; valid
  /// until endStep().
  virtual trine_status shareInput(const void *host, uint64_t bytes,
                                  const void **memory) {
    *memory = host;
    return TRINE_OK;
  }
  /// Where kernels of this step write an output that goes to host memory. It is
  /// there after collectOutputs().
  virtual trine_status shareOutput(void *host, uint64_t bytes, void **memory) {
    *memory = host;
    return TRINE_OK;
  }
  /// Brings the outputs of this step to the host. All queues are idle.
  virtual trine_status collectOutputs() { return TRINE_OK; }

  /// Copies host memory to the device, in the order of `queue`.
  virtual trine_status write(uint32_t queue, const void *host,
                             void *destination, uint64_t bytes) = 0;

  /// Copies device memory to device memory that does not overlap it, in the
  /// order of `queue`. Where the host sees the device's memory it is a write.
  virtual trine_status copy(uint32_t queue, const void *source,
                            void *destination, uint64_t bytes) {
    return write(queue, source, destination, bytes);
  }
  /// Sets device memory to zeros, in the order of `queue`.
  virtual trine_status zero(uint32_t queue, void *destination,
                            uint64_t bytes) = 0;

  /// Sends work that the device holds back, so that it runs while the host
  /// waits for something else.
  virtual trine_status submit() { return TRINE_OK; }
  /// How many slots openPrefetched() gives at most.
  static constexpr uint32_t prefetchSlots = 8;

  /// Memory of the host for `bytes` bytes that go to the device beside what all
  /// queues do. `slot` is theirs until they are joined or dropped. Null: none
  /// is free, or write() does as well.
  virtual trine_status openPrefetched(uint64_t bytes, uint32_t *slot,
                                      void **host) {
    *host = nullptr;
    return TRINE_OK;
  }
  /// Begins to copy the memory of a slot. May be called by any thread, beside
  /// all calls but those for this slot; a failure is told in `problem`.
  virtual trine_status copyPrefetched(uint32_t slot, uint64_t bytes,
                                      std::string &problem) {
    return TRINE_ERROR_DEVICE; // no memory was opened
  }
  /// What is submitted to `queue` later finds the bytes that were copied at
  /// `destination`. The host does not wait for them.
  virtual trine_status joinPrefetched(uint32_t queue, uint32_t slot,
                                      void *destination, uint64_t bytes) {
    return TRINE_ERROR_DEVICE;
  }
  /// Gives a slot back whose bytes nobody wants.
  virtual void dropPrefetched(uint32_t slot) {}

  /// Waits for `queue`, then copies device memory to the host.
  virtual trine_status read(uint32_t queue, const void *source, void *host,
                            uint64_t bytes) = 0;

  /// Runs workgroups [0, workgroups) of a kernel after all earlier work on
  /// `queue`. `arguments` are copied when the device needs them later.
  virtual trine_status launch(uint32_t queue, uint32_t kernel,
                              uint64_t workgroups, const uint64_t *arguments,
                              uint32_t argumentCount) = 0;

  /// Waits for all queues.
  virtual trine_status synchronize() = 0;

  /// A step begins: floating-point modes are set, records of an earlier step
  /// are dropped.
  virtual void beginStep() = 0;
  /// The step is over: modes are as before. All queues are idle.
  virtual void endStep() = 0;

  /// Appends the times of the launches of this step.
  virtual void collectProfile(std::vector<trine_profile_record> &records) = 0;

  const std::string &getMessage() const { return message; }

protected:
  /// Fails unless the package has kernel `index`.
  trine_status checkKernel(uint32_t index, uint64_t count) {
    if (index < count)
      return TRINE_OK;
    return fail(TRINE_ERROR_PROGRAM, "the program launched kernel " +
                                         std::to_string(index) + ", but has " +
                                         std::to_string(count));
  }
  trine_status fail(trine_status status, std::string text) {
    message = std::move(text);
    return status;
  }

private:
  std::string message;
};

} // namespace trine::runtime

#endif
