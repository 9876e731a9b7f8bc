// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Memory that a session keeps between steps.
#ifndef TRINE_RUNTIME_CORE_ARENA_H
#define TRINE_RUNTIME_CORE_ARENA_H

#include "device/Device.h"
#include <vector>

namespace trine::runtime {

/// One block of device memory that only grows. Its contents are lost when it
/// does.
class GrowingBlock {
public:
  GrowingBlock(Device &device, uint32_t space)
      : device(&device), space(space) {}
  ~GrowingBlock();
  GrowingBlock(GrowingBlock &&other);
  GrowingBlock &operator=(GrowingBlock &&) = delete;

  /// Makes the block at least `bytes` long. Grows in steps, so that sizes which
  /// rise a little each time do not allocate each time.
  trine_status reserve(uint64_t bytes);

  void *getData() const { return data; }
  uint64_t getCapacity() const { return capacity; }

private:
  Device *device;
  uint32_t space;
  void *data = nullptr;
  uint64_t capacity = 0;
};

/// Scratch memory of one space: any number of pieces within a step, all given
/// back at its end. A step that fits in what an earlier one needed allocates
/// nothing.
class Arena {
public:
  Arena(Device &device, uint32_t space)
      : device(&device), space(space), main(device, space) {}

  /// `bytes` bytes, aligned to 64, valid until reset().
  trine_status allocate(uint64_t bytes, void **memory);

  /// The step is over. When it did not fit in the main block, that grows to
  /// what the step needed; a failure to do so waits for the next step.
  void reset();

  uint64_t getCapacity() const { return main.getCapacity(); }

private:
  Device *device;
  uint32_t space;
  GrowingBlock main;
  uint64_t used = 0;   // of the main block
  uint64_t needed = 0; // by this step so far
  std::vector<GrowingBlock> extra;
};

} // namespace trine::runtime

#endif
