// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arena.h"
#include <algorithm>

using namespace trine::runtime;

GrowingBlock::~GrowingBlock() {
  if (data)
    device->release(space, data, capacity);
}

GrowingBlock::GrowingBlock(GrowingBlock &&other)
    : device(other.device), space(other.space), data(other.data),
      capacity(other.capacity) {
  other.data = nullptr;
  other.capacity = 0;
}

/// The next of 1, 1.25, 1.5, 1.75 times a power of two.
static uint64_t roundCapacity(uint64_t bytes) {
  bytes = std::max<uint64_t>(bytes, 4096);
  uint64_t step = (uint64_t(1) << (63 - __builtin_clzll(bytes))) / 4;
  uint64_t rounded;
  if (__builtin_add_overflow(bytes, step - 1, &rounded))
    return bytes;
  return rounded / step * step;
}

trine_status GrowingBlock::reserve(uint64_t bytes) {
  if (data && bytes <= capacity)
    return TRINE_OK;
  // Old and new at once could be more than there is.
  if (data)
    device->release(space, data, capacity);
  data = nullptr;
  capacity = 0;
  uint64_t rounded = roundCapacity(bytes);
  trine_status status = device->allocate(space, rounded, &data);
  if (status != TRINE_OK) {
    data = nullptr;
    return status;
  }
  capacity = rounded;
  return TRINE_OK;
}

trine_status Arena::allocate(uint64_t bytes, void **memory) {
  *memory = nullptr;
  // Pieces stay aligned, and distinct even when empty.
  uint64_t rounded = std::max<uint64_t>(bytes, 1);
  if (__builtin_add_overflow(rounded, 63, &rounded))
    rounded = UINT64_MAX; // the device refuses
  rounded &= ~uint64_t(63);
  if (__builtin_add_overflow(needed, rounded, &needed))
    needed = UINT64_MAX;
  if (used == 0 && extra.empty() && rounded > main.getCapacity()) {
    // Nothing of this step is in the main block yet: it may move.
    if (trine_status status = main.reserve(rounded))
      return status;
  }
  if (rounded <= main.getCapacity() - used) {
    *memory = static_cast<char *>(main.getData()) + used;
    used += rounded;
    return TRINE_OK;
  }
  GrowingBlock block(*device, space);
  if (trine_status status = block.reserve(rounded))
    return status;
  *memory = block.getData();
  extra.push_back(std::move(block));
  return TRINE_OK;
}

void Arena::reset() {
  used = 0;
  if (!extra.empty()) {
    extra.clear();
    (void)main.reserve(needed);
  }
  needed = 0;
}
