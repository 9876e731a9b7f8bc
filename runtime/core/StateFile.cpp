// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Saved states: a safetensors file (docs/state.md). A file may hold anything,
/// so all of it is checked before the session changes.
#include "ElementType.h"
#include "Json.h"
#include "MappedFile.h"
#include "Safetensors.h"
#include "StateStore.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>
#include <unistd.h>
#include <unordered_map>

using namespace trine::runtime;

static constexpr char formatName[] = "trine-state";
static constexpr char formatVersion[] = "1";
/// The tensor of the slots' lengths.
static constexpr char lengthsName[] = "lengths";
/// A file of many slots and no rows is wrong a million times: beyond so many
/// problems, reading stops.
static constexpr size_t kMaximumProblems = 1000;

/// A file's tensor for the rows of one slot of a state that grows.
static std::string getRowsName(uint32_t slot, const std::string &state) {
  return concat("rows/", slot, "/", state);
}

/// A file's tensor for all slots of a state that is replaced.
static std::string getValueName(const std::string &state) {
  return concat("value/", state);
}

/// What tells packages apart: the hash of the weights, or of the program.
static std::string getFingerprint(const Manifest &manifest) {
  const ManifestFile *file =
      manifest.hasWeights ? manifest.findFile(manifest.weightsPath) : nullptr;
  if (!file && !manifest.files.empty())
    file = &manifest.files.front();
  return file ? file->sha256 : "";
}

/// Sizes of `count` slots and `entries` entries.
static std::vector<int64_t> getSizes(const ManifestState &state, int64_t count,
                                     int64_t entries) {
  std::vector<int64_t> sizes = state.tensor.sizes;
  sizes[0] = count;
  if (state.axis > 0)
    sizes[state.axis] = entries;
  return sizes;
}

Status StateStore::writeFile(const std::string &path, const std::string &label,
                             uint32_t first, uint32_t count) const {
  nlohmann::json header = nlohmann::json::object();
  header["__metadata__"] = {{"format", formatName},
                            {"version", formatVersion},
                            {"model", manifest.name},
                            {"fingerprint", getFingerprint(manifest)}};
  uint64_t offset = 0;
  auto add = [&](const std::string &name, trine_type type,
                 const std::vector<int64_t> &sizes) {
    uint64_t bytes = 0;
    (void)getTensorBytes(sizes.data(), static_cast<uint32_t>(sizes.size()),
                         trine_type_size(type), bytes);
    nlohmann::json &entry = header[name];
    entry["dtype"] = getSafetensorsTypeName(type);
    entry["shape"] = sizes;
    entry["data_offsets"] = {offset, offset + bytes};
    offset += bytes;
  };
  add(lengthsName, TRINE_TYPE_I64, {int64_t(count)});
  for (uint32_t slot = 0; slot < count; ++slot)
    for (const Growing &state : growing) {
      const ManifestState &declared = manifest.states[state.index];
      add(getRowsName(slot, declared.tensor.name), declared.tensor.type,
          getSizes(declared, 1, lengths[first + slot]));
    }
  for (const Replaced &state : replaced) {
    const ManifestState &declared = manifest.states[state.index];
    add(getValueName(declared.tensor.name), declared.tensor.type,
        getSizes(declared, count, 0));
  }
  std::string text =
      header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append(63 - (8 + text.size() + 63) % 64, ' ');
  uint8_t size[8];
  for (int i = 0; i < 8; ++i)
    size[i] = static_cast<uint8_t>(uint64_t(text.size()) >> (8 * i));

  FILE *file = fopen(path.c_str(), "wb");
  bool good = file != nullptr;
  Status status;
  auto write = [&](const void *data, uint64_t bytes) {
    good = good && (bytes == 0 || fwrite(data, 1, bytes, file) == bytes);
  };
  // States may be as large as the device's memory: they come in parts.
  constexpr uint64_t partBytes = uint64_t(4) << 20;
  std::vector<uint8_t> staging;
  auto writeDevice = [&](const uint8_t *data, uint64_t bytes) {
    if (device.isHostMemory())
      return write(data, bytes);
    for (uint64_t at = 0; at < bytes && good && status.ok(); at += partBytes) {
      uint64_t part = std::min(partBytes, bytes - at);
      staging.resize(std::max<uint64_t>(staging.size(), part));
      if (trine_status code = device.read(0, data + at, staging.data(), part))
        status = fail(code);
      else
        write(staging.data(), part);
    }
  };
  write(size, sizeof(size));
  write(text.data(), text.size());
  write(lengths.data() + first, count * sizeof(int64_t));
  for (uint32_t slot = first; slot < first + count; ++slot)
    for (const Growing &state : growing)
      for (uint64_t o = 0; o < state.outer; ++o)
        writeDevice(getRow(state, capacity, slot, o, 0),
                    uint64_t(lengths[slot]) * state.inner);
  for (const Replaced &state : replaced)
    writeDevice(state.versions[current].getData() + first * state.bytes,
                count * state.bytes);
  int error = errno;
  if (file && fclose(file) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good || !status.ok())
    return status;
  return Status(TRINE_ERROR_IO, concat(quote(label), " cannot be written: ",
                                       describeErrno(error)));
}

Status StateStore::save(const std::string &path, uint32_t first,
                        uint32_t count) const {
  if (first > slotCount || count > slotCount - first)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("slots [", first, ", ", uint64_t(first) + count,
                         ") do not exist: the session has ", slotCount));
  // Under another name first, so that nobody meets half a file.
  std::string temporary = concat(path, ".", getpid(), ".tmp");
  Status status = writeFile(temporary, path, first, count);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = Status(TRINE_ERROR_IO, concat(quote(path), " cannot be written: ",
                                           describeErrno(errno)));
  if (!status.ok())
    unlink(temporary.c_str());
  return status;
}

/// A saved state: the mapped file, and where each tensor begins.
struct StateStore::File {
  MappedFile mapped;
  std::vector<int64_t> lengths;
  std::vector<std::vector<const uint8_t *>> rows; // by state that grows, slot
  std::vector<const uint8_t *> values;            // by state that is replaced
};

/// The strings under "__metadata__", which parseSafetensors leaves alone.
static void checkMetadata(const uint8_t *data, uint64_t headerEnd,
                          const Manifest &manifest,
                          std::vector<std::string> &problems) {
  nlohmann::json json;
  std::string problem;
  std::string_view text(reinterpret_cast<const char *>(data) + 8,
                        headerEnd - 8);
  if (!parseJson(text, json, problem)) {
    // No test: parseSafetensors has read it.
    problems.push_back(concat("has a header that ", problem));
    return;
  }
  JsonPlace metadata = JsonPlace(json, problems)["__metadata__"];
  if (!metadata.isObject() || !metadata["format"].isString() ||
      metadata["format"].getString() != formatName) {
    problems.push_back(concat("is no saved state: '__metadata__.format' must "
                              "be ",
                              quote(formatName)));
    return;
  }
  std::string version = metadata["version"].getString();
  if (version != formatVersion) {
    problems.push_back(concat("has version ", quote(version),
                              " of the format; this runtime reads ",
                              quote(formatVersion)));
    return;
  }
  std::string fingerprint = metadata["fingerprint"].getString();
  if (fingerprint != getFingerprint(manifest))
    problems.push_back(
        concat("was saved with other weights: their fingerprint is ",
               quote(fingerprint), ", this package's ",
               quote(getFingerprint(manifest))));
}

Status StateStore::readFile(const std::string &path, File &file) const {
  Status status = file.mapped.open(path, path);
  if (!status.ok())
    return status;
  const uint8_t *data = file.mapped.getData();
  SafetensorsHeader header;
  status = parseSafetensors(data, file.mapped.getSize(), path,
                            /*allowGaps=*/false, TRINE_ERROR_BAD_INPUT, header);
  if (!status.ok())
    return status;
  std::vector<std::string> problems;
  checkMetadata(data, header.dataOffset, manifest, problems);
  std::vector<bool> used(header.entries.size());
  std::unordered_map<std::string_view, size_t> indices;
  for (size_t i = 0; i < header.entries.size(); ++i)
    indices.emplace(header.entries[i].name, i);
  auto find = [&](const std::string &name) -> const SafetensorsEntry * {
    auto found = indices.find(name);
    if (found == indices.end()) {
      problems.push_back(concat("has no tensor ", quote(name)));
      return nullptr;
    }
    used[found->second] = true;
    return &header.entries[found->second];
  };
  auto take = [&](const std::string &name, trine_type type,
                  const std::vector<int64_t> &sizes) -> const uint8_t * {
    const SafetensorsEntry *entry = find(name);
    if (!entry)
      return nullptr;
    auto format = [](const std::vector<int64_t> &s) {
      return formatSizes(s.data(), static_cast<uint32_t>(s.size()));
    };
    if (entry->type != type || entry->sizes != sizes) {
      problems.push_back(concat(
          "tensor ", quote(name), " must be ", trine_type_name(type), " ",
          format(sizes), ", got ", entry->typeName, " ", format(entry->sizes)));
      return nullptr;
    }
    return data + header.dataOffset + entry->begin;
  };
  auto finish = [&] {
    return problems.empty() ? Status()
                            : Status(TRINE_ERROR_BAD_INPUT,
                                     joinProblems(quote(path), problems));
  };
  if (!problems.empty())
    return finish();

  const SafetensorsEntry *lengthsEntry = find(lengthsName);
  if (lengthsEntry &&
      (lengthsEntry->type != TRINE_TYPE_I64 || lengthsEntry->sizes.size() != 1))
    problems.push_back(concat(
        "tensor ", quote(lengthsName), " must be i64 of rank 1, got ",
        lengthsEntry->typeName, " of rank ", lengthsEntry->sizes.size()));
  if (!problems.empty())
    return finish();
  uint64_t count = static_cast<uint64_t>(lengthsEntry->sizes[0]);
  if (count > INT32_MAX) {
    problems.push_back(concat("has too many slots: ", count));
    return finish();
  }
  file.lengths.resize(count);
  if (count)
    memcpy(file.lengths.data(), data + header.dataOffset + lengthsEntry->begin,
           count * sizeof(int64_t));
  for (uint64_t slot = 0; slot < count && problems.size() < kMaximumProblems;
       ++slot)
    if (file.lengths[slot] < 0)
      problems.push_back(concat("slot ", slot,
                                " must have a length of at least 0, got ",
                                file.lengths[slot]));
  if (!problems.empty())
    return finish();
  for (const Growing &state : growing) {
    const ManifestState &declared = manifest.states[state.index];
    std::vector<const uint8_t *> places;
    for (uint32_t slot = 0; slot < count && problems.size() < kMaximumProblems;
         ++slot)
      places.push_back(take(getRowsName(slot, declared.tensor.name),
                            declared.tensor.type,
                            getSizes(declared, 1, file.lengths[slot])));
    file.rows.push_back(std::move(places));
  }
  for (const Replaced &state : replaced) {
    const ManifestState &declared = manifest.states[state.index];
    file.values.push_back(take(getValueName(declared.tensor.name),
                               declared.tensor.type,
                               getSizes(declared, int64_t(count), 0)));
  }
  for (size_t i = 0; i < used.size() && problems.size() < kMaximumProblems; ++i)
    if (!used[i])
      problems.push_back(concat("tensor ", quote(header.entries[i].name),
                                " is no state of this package"));
  return finish();
}

Status StateStore::load(const std::string &path, uint32_t first) {
  File file;
  Status status = readFile(path, file);
  if (!status.ok())
    return status;
  uint64_t end = uint64_t(first) + file.lengths.size();
  if (end > INT32_MAX)
    return Status(TRINE_ERROR_INVALID_ARGUMENT,
                  concat("'first_slot' is too large: ", first));
  int64_t longest = 0;
  for (int64_t length : file.lengths)
    longest = std::max(longest, length);
  status = makeRoom(static_cast<uint32_t>(end), longest);
  if (!status.ok())
    return status;
  for (uint32_t slot = 0; slot < file.lengths.size() && status.ok(); ++slot) {
    status = clearSlot(first + slot);
    int64_t length = file.lengths[slot];
    for (size_t i = 0; i < growing.size(); ++i) {
      const uint8_t *from = file.rows[i][slot];
      uint64_t bytes = uint64_t(length) * growing[i].inner;
      for (uint64_t o = 0; o < growing[i].outer && status.ok(); ++o)
        status = write(getRow(growing[i], capacity, first + slot, o, 0),
                       from + o * bytes, bytes);
    }
    for (size_t i = 0; i < replaced.size() && status.ok(); ++i)
      status =
          write(replaced[i].versions[current].getData() +
                    (first + slot) * replaced[i].bytes,
                file.values[i] + slot * replaced[i].bytes, replaced[i].bytes);
  }
  if (status.ok())
    status = synchronize();
  if (!status.ok())
    return status;
  for (uint32_t slot = 0; slot < file.lengths.size(); ++slot)
    beginSlot(first + slot, file.lengths[slot]);
  slotCount = std::max(slotCount, static_cast<uint32_t>(end));
  return status;
}
