// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StateStore.h"
#include "ElementType.h"
#include <algorithm>
#include <cstring>

using namespace trine::runtime;

trine_status StateBlock::allocate(Device &newDevice, uint64_t newBytes) {
  reset();
  trine_status status = newDevice.allocate(TRINE_SPACE_DEVICE, newBytes, &data);
  if (status != TRINE_OK) {
    data = nullptr;
    return status;
  }
  device = &newDevice;
  bytes = newBytes;
  return TRINE_OK;
}

void StateBlock::reset() {
  if (data)
    device->release(TRINE_SPACE_DEVICE, data, bytes);
  data = nullptr;
}

StateStore::StateStore(Device &device, const Manifest &manifest, uint32_t undo)
    : device(device), manifest(manifest), versionCount(undo + 2),
      versionLengths(versionCount) {
  for (size_t i = 0; i < manifest.states.size(); ++i) {
    const ManifestState &state = manifest.states[i];
    uint64_t size = trine_type_size(state.tensor.type);
    if (state.axis == 0) {
      Replaced value;
      value.index = i;
      value.bytes = state.slotBytes;
      value.initial.resize(value.bytes);
      for (uint64_t at = 0; at + size <= value.bytes; at += size)
        memcpy(&value.initial[at], &state.initial, size);
      value.versions.resize(versionCount);
      replaced.push_back(std::move(value));
      continue;
    }
    Growing value;
    value.index = i;
    value.inner = size;
    for (size_t d = 1; d < state.tensor.sizes.size(); ++d)
      if (static_cast<int64_t>(d) < state.axis)
        value.outer *= static_cast<uint64_t>(state.tensor.sizes[d]);
      else if (static_cast<int64_t>(d) > state.axis)
        value.inner *= static_cast<uint64_t>(state.tensor.sizes[d]);
    growing.push_back(std::move(value));
  }
}

Status StateStore::copy(void *to, const void *from, uint64_t bytes) const {
  trine_status code = bytes ? device.copy(0, from, to, bytes) : TRINE_OK;
  return code == TRINE_OK ? Status() : fail(code);
}

Status StateStore::zero(void *to, uint64_t bytes) const {
  trine_status code = bytes ? device.zero(0, to, bytes) : TRINE_OK;
  return code == TRINE_OK ? Status() : fail(code);
}

Status StateStore::write(void *to, const void *from, uint64_t bytes) const {
  trine_status code = bytes ? device.write(0, from, to, bytes) : TRINE_OK;
  return code == TRINE_OK ? Status() : fail(code);
}

Status StateStore::synchronize() const {
  trine_status code = device.synchronize();
  return code == TRINE_OK ? Status() : fail(code);
}

Status StateStore::fail(trine_status code) const {
  return Status(code, device.getMessage());
}

Status StateStore::checkSlot(uint32_t slot) const {
  if (slot < slotCount)
    return Status();
  return Status(
      TRINE_ERROR_INVALID_ARGUMENT,
      concat("slot ", slot, " does not exist: the session has ", slotCount));
}

/// New storage of so many slots and entries; nothing else changes.
Status StateStore::makeBlocks(uint32_t slots, int64_t entries,
                              std::vector<Growing> &grown,
                              std::vector<Replaced> &made) const {
  for (const Growing &state : growing) {
    Growing value;
    value.index = state.index;
    value.outer = state.outer;
    value.inner = state.inner;
    uint64_t bytes;
    int64_t sizes[] = {int64_t(slots), int64_t(state.outer), entries};
    if (!getTensorBytes(sizes, 3, state.inner, bytes))
      return Status(TRINE_ERROR_OUT_OF_MEMORY,
                    concat("state ",
                           quote(manifest.states[state.index].tensor.name),
                           " is too large for ", slots, " slots of ", entries,
                           " entries"));
    if (trine_status code = value.block.allocate(device, bytes))
      return fail(code);
    Status status = zero(value.block.getData(), bytes);
    if (!status.ok())
      return status;
    grown.push_back(std::move(value));
  }
  for (const Replaced &state : replaced) {
    Replaced value;
    value.index = state.index;
    value.bytes = state.bytes;
    value.initial = state.initial;
    value.versions.resize(versionCount);
    uint64_t bytes;
    int64_t sizes[] = {int64_t(slots)};
    if (!getTensorBytes(sizes, 1, state.bytes, bytes))
      return Status(TRINE_ERROR_OUT_OF_MEMORY,
                    concat("state ",
                           quote(manifest.states[state.index].tensor.name),
                           " is too large for ", slots, " slots"));
    for (StateBlock &version : value.versions) {
      if (trine_status code = version.allocate(device, bytes))
        return fail(code);
      // The first slot, then as many again as there are.
      Status status;
      if (slots)
        status = write(version.getData(), state.initial.data(), state.bytes);
      for (uint64_t done = state.bytes; done < bytes && status.ok(); done *= 2)
        status = copy(version.getData() + done, version.getData(),
                      std::min(done, bytes - done));
      if (!status.ok())
        return status;
    }
    made.push_back(std::move(value));
  }
  return Status();
}

Status StateStore::reserve(uint32_t slots, int64_t entries) {
  if (entries < 0)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'entries' must be at least 0, got ", entries));
  Status status = makeRoom(slots, entries);
  if (status.ok())
    slotCount = std::max(slotCount, slots);
  return status;
}

Status StateStore::makeRoom(uint32_t slots, int64_t entries) {
  uint32_t had = static_cast<uint32_t>(lengths.size());
  if (slots <= had && entries <= capacity)
    return Status();
  uint32_t newSlots = std::max(slots, had);
  // Twice as many at least, so that growth costs O(1) for each entry in all;
  // whole blocks of 64.
  int64_t newCapacity = capacity;
  if (entries > capacity) {
    int64_t wanted =
        std::max(entries, capacity > INT64_MAX / 4 ? entries : capacity * 2);
    newCapacity = wanted > INT64_MAX - 63 ? wanted : (wanted + 63) / 64 * 64;
  }
  std::vector<Growing> grown;
  std::vector<Replaced> made;
  Status status = makeBlocks(newSlots, newCapacity, grown, made);
  if (!status.ok())
    return status;
  for (size_t i = 0; i < growing.size(); ++i)
    for (uint32_t slot = 0; slot < had; ++slot)
      for (uint64_t o = 0; o < growing[i].outer && status.ok(); ++o)
        status = copy(getRow(grown[i], newCapacity, slot, o, 0),
                      getRow(growing[i], capacity, slot, o, 0),
                      uint64_t(lengths[slot]) * growing[i].inner);
  for (size_t i = 0; i < replaced.size(); ++i)
    for (uint32_t v = 0; v < versionCount && status.ok(); ++v)
      status = copy(made[i].versions[v].getData(),
                    replaced[i].versions[v].getData(), had * replaced[i].bytes);
  // The old storage goes once it has been read.
  if (status.ok())
    status = synchronize();
  if (!status.ok())
    return status;
  growing = std::move(grown);
  replaced = std::move(made);
  capacity = newCapacity;
  lengths.resize(newSlots, 0);
  for (uint32_t v = 0; v < versionCount; ++v)
    versionLengths[v].resize(newSlots, v == current ? 0 : -1);
  return Status();
}

int64_t StateStore::getLongest(uint32_t first, uint32_t batch) const {
  int64_t longest = 0;
  for (uint64_t slot = first;
       slot < std::min<uint64_t>(uint64_t(first) + batch, slotCount); ++slot)
    longest = std::max(longest, lengths[slot]);
  return longest;
}

/// How many new entries each slot takes, if the step says so.
Status StateStore::checkCounts(const Step &step) const {
  const int64_t *counts = step.choice.counts;
  if (!counts)
    return Status();
  if (!replaced.empty())
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'new_entries' needs states that grow, but ",
                         quote(manifest.states[replaced[0].index].tensor.name),
                         " is replaced"));
  if (step.choice.countCount != step.batch)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'new_entry_count' must be ", step.batch,
                         ", the slots of the step, got ",
                         step.choice.countCount));
  for (uint32_t slot = 0; slot < step.batch; ++slot)
    if (counts[slot] < 0 || counts[slot] > step.growth)
      return Status(TRINE_ERROR_INVALID_ARGUMENT,
                    concat("'new_entries' must be in [0, ", step.growth,
                           "], got ", counts[slot], " for slot ",
                           step.choice.first + slot));
  return Status();
}

Status StateStore::prepare(const Step &step) {
  Status counts = checkCounts(step);
  if (!counts.ok())
    return counts;
  uint64_t slots = uint64_t(step.choice.first) + step.batch;
  int64_t entries;
  if (slots > INT32_MAX ||
      __builtin_add_overflow(step.past, step.growth, &entries))
    return Status(TRINE_ERROR_OUT_OF_MEMORY,
                  concat("a step on slots [", step.choice.first, ", ", slots,
                         ") with ", step.growth, " new entries is too large"));
  // Slots that are not there are empty, all from the first of them on.
  auto getLength = [&](uint64_t slot) {
    return slot < slotCount ? lengths[slot] : 0;
  };
  for (uint64_t slot = step.choice.first; slot < slots && !manifest.isRagged;
       ++slot) {
    int64_t firstLength = getLength(step.choice.first);
    if (getLength(slot) != firstLength)
      return Status(
          TRINE_ERROR_BAD_INPUT,
          concat("slots ", step.choice.first, " and ", slot, " have ",
                 firstLength, " and ", getLength(slot),
                 " entries: this package steps slots of one length only"));
    if (slot >= slotCount)
      break;
  }
  return makeRoom(static_cast<uint32_t>(slots), entries);
}

void StateStore::bind(const Step &step, trine_program_tensor *inputs) {
  inputs[0] = {};
  inputs[0].data = lengths.data() + step.choice.first;
  inputs[0].sizes[0] = step.batch;
  inputs[1] = {};
  inputs[1].sizes[0] = step.past;
  auto fill = [&](size_t index, const void *data, int64_t axisSize) {
    const ManifestState &state = manifest.states[index];
    trine_program_tensor &input = inputs[2 + index];
    input = {};
    input.data = data;
    for (size_t d = 0; d < state.tensor.sizes.size(); ++d)
      input.sizes[d] = d == 0 ? int64_t(step.batch)
                       : static_cast<int64_t>(d) == state.axis
                           ? axisSize
                           : state.tensor.sizes[d];
  };
  for (const Growing &state : growing)
    fill(state.index, getRow(state, capacity, step.choice.first, 0, 0),
         capacity);
  for (const Replaced &state : replaced)
    fill(state.index,
         state.versions[current].getData() + step.choice.first * state.bytes,
         0);
}

void *StateStore::getNext(const Step &step, size_t index, uint64_t &bytes) {
  const Replaced &state = replaced[index];
  bytes = step.batch * state.bytes;
  return state.versions[versionBefore(versionCount - 1)].getData() +
         step.choice.first * state.bytes;
}

Status StateStore::commit(const Step &step) {
  uint32_t next = versionBefore(versionCount - 1);
  uint64_t end = uint64_t(step.choice.first) + step.batch;
  for (const Replaced &state : replaced) {
    // Slots that the step left alone keep their values.
    uint8_t *to = state.versions[next].getData(),
            *from = state.versions[current].getData();
    Status status = copy(to, from, step.choice.first * state.bytes);
    if (status.ok())
      status = copy(to + end * state.bytes, from + end * state.bytes,
                    (lengths.size() - end) * state.bytes);
    if (!status.ok())
      return status;
  }
  auto getKept = [&](uint64_t slot) {
    const int64_t *counts = step.choice.counts;
    return counts ? counts[slot - step.choice.first] : step.growth;
  };
  for (uint64_t slot = step.choice.first; slot < end; ++slot) {
    Status status = clearRows(slot, lengths[slot] + getKept(slot),
                              lengths[slot] + step.growth);
    if (!status.ok())
      return status;
  }
  // The next step may use other queues. This step's outputs are there already,
  // so without copies it waits for nothing.
  Status status = synchronize();
  if (!status.ok())
    return status;
  for (uint64_t slot = step.choice.first; slot < end; ++slot)
    lengths[slot] += getKept(slot);
  slotCount = std::max(slotCount, static_cast<uint32_t>(end));
  current = next;
  std::copy(lengths.begin(), lengths.end(), versionLengths[current].begin());
  return status;
}

/// Entries [from, to) of a slot hold nothing of use any more; nothing of an
/// earlier sequence stays behind.
Status StateStore::clearRows(uint32_t slot, int64_t from, int64_t to) {
  Status status;
  for (const Growing &state : growing)
    for (uint64_t o = 0; o < state.outer && from < to && status.ok(); ++o)
      status = zero(getRow(state, capacity, slot, o, from),
                    uint64_t(to - from) * state.inner);
  return status;
}

Status StateStore::truncate(uint32_t slot, int64_t length) {
  Status status = checkSlot(slot);
  if (!status.ok())
    return status;
  if (length < 0 || length > lengths[slot])
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'length' must be in [0, ", lengths[slot],
                         "], the entries of slot ", slot, ", got ", length));
  if (length == 0)
    return reset(slot);
  if (length == lengths[slot])
    return status;
  if (!replaced.empty()) {
    uint32_t found = versionCount;
    std::string possible;
    // The last of the ring is where the next step writes.
    for (uint32_t steps = 1; steps + 1 < versionCount; ++steps) {
      int64_t then = versionLengths[versionBefore(steps)][slot];
      if (then < 0 || then > lengths[slot])
        continue;
      if (then == length && found == versionCount)
        found = versionBefore(steps);
      if (then > 0)
        possible += concat(possible.empty() ? "" : ", ", then);
    }
    if (found == versionCount)
      return Status(
          TRINE_ERROR_INVALID_ARGUMENT,
          concat("state ",
                 quote(manifest.states[replaced[0].index].tensor.name),
                 " of slot ", slot, " cannot go back to ", length,
                 " entries: it is known at 0",
                 possible.empty() ? "" : concat(", ", possible), " and ",
                 lengths[slot]));
    for (const Replaced &state : replaced)
      if (status.ok())
        status = copy(state.versions[current].getData() + slot * state.bytes,
                      state.versions[found].getData() + slot * state.bytes,
                      state.bytes);
  }
  if (status.ok())
    status = clearRows(slot, length, lengths[slot]);
  if (status.ok())
    status = synchronize();
  if (!status.ok())
    return status;
  lengths[slot] = length;
  versionLengths[current][slot] = length;
  // Versions of the entries that are gone: a later step may reach their lengths
  // again with other entries.
  for (std::vector<int64_t> &version : versionLengths)
    if (version[slot] > length)
      version[slot] = -1;
  return status;
}

Status StateStore::clearSlot(uint32_t slot) {
  Status status = clearRows(slot, 0, lengths[slot]);
  for (const Replaced &state : replaced)
    if (status.ok())
      status = write(state.versions[current].getData() + slot * state.bytes,
                     state.initial.data(), state.bytes);
  return status;
}

void StateStore::beginSlot(uint32_t slot, int64_t length) {
  lengths[slot] = length;
  for (uint32_t v = 0; v < versionCount; ++v)
    versionLengths[v][slot] = v == current ? length : -1;
}

Status StateStore::reset(uint32_t slot) {
  Status status = checkSlot(slot);
  if (status.ok())
    status = clearSlot(slot);
  if (status.ok())
    status = synchronize();
  if (status.ok())
    beginSlot(slot, 0);
  return status;
}

Status StateStore::fork(const uint32_t *sources, uint32_t count) {
  for (uint32_t slot = 0; slot < count; ++slot) {
    Status status = checkSlot(sources[slot]);
    if (!status.ok())
      return status;
  }
  std::vector<Growing> grown;
  std::vector<Replaced> made;
  Status status = makeBlocks(count, capacity, grown, made);
  if (!status.ok())
    return status;
  std::vector<int64_t> newLengths(count);
  for (uint32_t slot = 0; slot < count; ++slot) {
    uint32_t source = sources[slot];
    newLengths[slot] = lengths[source];
    for (size_t i = 0; i < growing.size(); ++i)
      for (uint64_t o = 0; o < growing[i].outer && status.ok(); ++o)
        status = copy(getRow(grown[i], capacity, slot, o, 0),
                      getRow(growing[i], capacity, source, o, 0),
                      uint64_t(lengths[source]) * growing[i].inner);
    for (size_t i = 0; i < replaced.size(); ++i)
      for (uint32_t v = 0; v < versionCount && status.ok(); ++v)
        status =
            copy(made[i].versions[v].getData() + slot * made[i].bytes,
                 replaced[i].versions[v].getData() + source * replaced[i].bytes,
                 made[i].bytes);
  }
  if (status.ok())
    status = synchronize();
  if (!status.ok())
    return status;
  for (std::vector<int64_t> &version : versionLengths) {
    std::vector<int64_t> forked(count);
    for (uint32_t slot = 0; slot < count; ++slot)
      forked[slot] = version[sources[slot]];
    version = std::move(forked);
  }
  growing = std::move(grown);
  replaced = std::move(made);
  lengths = std::move(newLengths);
  slotCount = count;
  return status;
}
