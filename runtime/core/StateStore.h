// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a session keeps of each sequence between steps: docs/state.md.
#ifndef TRINE_RUNTIME_CORE_STATESTORE_H
#define TRINE_RUNTIME_CORE_STATESTORE_H

#include "Manifest.h"
#include "Status.h"
#include "device/Device.h"
#include <cstdint>
#include <string>
#include <vector>

namespace trine::runtime {

/// A block of device memory of a fixed size, zeroed when it is made.
class StateBlock {
public:
  StateBlock() = default;
  ~StateBlock() { reset(); }
  StateBlock(StateBlock &&other) { swap(other); }
  StateBlock &operator=(StateBlock &&other) {
    swap(other);
    return *this;
  }

  trine_status allocate(Device &device, uint64_t bytes);
  void reset();
  uint8_t *getData() const { return static_cast<uint8_t *>(data); }

private:
  void swap(StateBlock &other) {
    std::swap(device, other.device);
    std::swap(data, other.data);
    std::swap(bytes, other.bytes);
  }
  Device *device = nullptr;
  void *data = nullptr;
  uint64_t bytes = 0;
};

/// All states of a session. Slots are sequences; a slot's length is the number
/// of its entries, the same in every state that grows. A step works on a range
/// of slots, and changes nothing unless it succeeds: new entries lie behind the
/// lengths until commit(), and values that are replaced are made beside the
/// old ones. Other functions change nothing, either, when they fail, unless the
/// device does: values of the slots that truncate(), reset() and load() were to
/// change are unknown then, until reset() succeeds.
class StateStore {
public:
  /// `undo`: how many steps back values that are replaced can be restored.
  StateStore(Device &device, const Manifest &manifest, uint32_t undo);

  uint32_t getSlots() const { return slotCount; }
  /// Of the slots, and of room for more behind them.
  const std::vector<int64_t> &getLengths() const { return lengths; }
  int64_t getCapacity() const { return capacity; }

  /// What the caller says of a step.
  struct Choice {
    uint32_t first = 0;
    /// For each of the step's slots how many new entries it keeps; null: all.
    const int64_t *counts = nullptr;
    uint32_t countCount = 0;
  };
  /// A step on slots [choice.first, choice.first + batch).
  struct Step {
    Choice choice;
    uint32_t batch = 0;
    int64_t past = 0;   // the most entries of these slots
    int64_t growth = 0; // entries that the step adds to each
  };
  /// The most entries of a slot in a range; slots that are not there have none.
  int64_t getLongest(uint32_t first, uint32_t batch) const;
  /// Makes room for a step. Fails when it cannot, or when the slots have
  /// different lengths and the package wants one.
  Status prepare(const Step &step);
  /// The program's arguments for a step: `inputs` gets lengths, past and a
  /// tensor for each state.
  void bind(const Step &step, trine_program_tensor *inputs);
  /// Where the step puts the value of state `index`, which it replaces.
  void *getNext(const Step &step, size_t index, uint64_t &bytes);
  /// The program has done the step. Fails when the device does, and then the
  /// step has changed nothing.
  Status commit(const Step &step);

  /// At least so many slots and entries for each.
  Status reserve(uint32_t slots, int64_t entries);
  Status truncate(uint32_t slot, int64_t length);
  Status reset(uint32_t slot);
  /// Slot b becomes a copy of slot sources[b]; there are `count` slots then.
  Status fork(const uint32_t *sources, uint32_t count);
  Status save(const std::string &path, uint32_t first, uint32_t count) const;
  Status load(const std::string &path, uint32_t first);

private:
  /// One state that grows: [slots, outer, capacity, inner] in bytes.
  struct Growing {
    size_t index = 0; // in the manifest
    uint64_t outer = 1, inner = 1;
    StateBlock block;
  };
  /// One state that is replaced: [slots, bytes], a block for each version.
  struct Replaced {
    size_t index = 0;
    uint64_t bytes = 0;
    std::vector<uint8_t> initial; // of one slot
    std::vector<StateBlock> versions;
  };
  struct File; // a saved state, checked

  Status checkSlot(uint32_t slot) const;
  Status checkCounts(const Step &step) const;
  Status fail(trine_status code) const;
  /// Room for at least so many slots and entries. Slots that are not there
  /// before are not there behind it, either.
  Status makeRoom(uint32_t slots, int64_t entries);
  Status makeBlocks(uint32_t slots, int64_t entries,
                    std::vector<Growing> &grown,
                    std::vector<Replaced> &made) const;
  /// Copies between states, zeros and writes, in their order; synchronize()
  /// waits for all.
  Status copy(void *to, const void *from, uint64_t bytes) const;
  Status zero(void *to, uint64_t bytes) const;
  Status write(void *to, const void *from, uint64_t bytes) const;
  Status synchronize() const;
  Status clearRows(uint32_t slot, int64_t from, int64_t to);
  /// The device's part of an empty slot, and the store's of one whose values
  /// begin anew.
  Status clearSlot(uint32_t slot);
  void beginSlot(uint32_t slot, int64_t length);
  uint8_t *getRow(const Growing &state, int64_t stride, uint32_t slot,
                  uint64_t outer, int64_t row) const {
    return state.block.getData() +
           ((uint64_t(slot) * state.outer + outer) * uint64_t(stride) +
            uint64_t(row)) *
               state.inner;
  }
  uint32_t versionBefore(uint32_t steps) const {
    return (current + versionCount - steps) % versionCount;
  }
  Status writeFile(const std::string &path, const std::string &label,
                   uint32_t first, uint32_t count) const;
  Status readFile(const std::string &path, File &file) const;

  Device &device;
  const Manifest &manifest;
  std::vector<Growing> growing;
  std::vector<Replaced> replaced;
  /// By slot. Where there is room for more slots than exist, for these, too:
  /// they are empty.
  std::vector<int64_t> lengths;
  uint32_t slotCount = 0;
  int64_t capacity = 0;
  /// Versions of what is replaced form a ring; `current` is the newest. Each
  /// knows its slots' lengths then, -1 where it holds nothing of use.
  uint32_t versionCount, current = 0;
  std::vector<std::vector<int64_t>> versionLengths;
};

} // namespace trine::runtime

#endif
