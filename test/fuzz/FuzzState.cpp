// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Saved states, loaded into a session with one state that grows and one that
/// is replaced.
#include "FuzzTarget.h"
#include "core/StateStore.h"
#include "device/host/HostDevice.h"
#include <cstring>
#include <memory>

using namespace trine::runtime;

static const char manifestText[] = R"({
 "format": {"major": 1, "minor": 0}, "abi": 1, "producer": "t", "name": "m",
 "target": {"kind": "host", "variants": [{"name": "any", "features": []}]},
 "devices": [{"name": "device0", "kind": "host"}],
 "symbols": [{"name": "batch", "input": 0, "dimension": 0},
             {"name": "seq", "input": 0, "dimension": 1},
             {"name": "past", "input": -1}],
 "inputs": [{"name": "x", "type": "i64", "dims": ["batch", "seq"]}],
 "outputs": [{"name": "y", "type": "f32", "dims": ["batch", "seq"]}],
 "states": [{"name": "keys", "present": "k2", "type": "bf16",
             "dims": ["batch", 2, "past", 3], "axis": 2,
             "next": "past + seq"},
            {"name": "last", "present": "l2", "type": "i64",
             "dims": ["batch", 2], "axis": 0, "initial": 7}],
 "files": [{"path": "program.so", "bytes": 1, "sha256":
 "0000000000000000000000000000000000000000000000000000000000000000"}],
 "kernels": []})";

/// The same for every input.
static const Manifest &getManifest() {
  static const Manifest *manifest = [] {
    auto *made = new Manifest();
    Status status = parseManifest(manifestText, *made);
    if (!status.ok())
      fprintf(stderr, "%s\n", status.getMessage().c_str());
    TRINE_FUZZ_EXPECT(status.ok());
    return made;
  }();
  return *manifest;
}

static void load(const uint8_t *data, size_t size) {
  static trine::fuzz::MemoryFile file, saved;
  static HostDevice *device = new HostDevice(nullptr, 0, false);
  file.set(data, size);
  StateStore store(*device, getManifest(), /*undo=*/1);
  Status status = store.load(file.getPath(), 0);
  TRINE_FUZZ_EXPECT(status.ok() == status.getMessage().empty());
  // What was refused changed nothing.
  if (!status.ok())
    TRINE_FUZZ_EXPECT(store.getSlots() == 0);
  else
    for (uint32_t slot = 0; slot < store.getSlots(); ++slot)
      TRINE_FUZZ_EXPECT(store.reset(slot).ok());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  load(data, size);
  // The JSON up to the last brace with a length in front that is right, and the
  // rest as data.
  size_t end = size;
  while (end > 0 && data[end - 1] != '}')
    --end;
  std::string text(reinterpret_cast<const char *>(data), size);
  std::string frame(8, '\0');
  for (int i = 0; i < 8; ++i)
    frame[i] = static_cast<char>(uint64_t(end) >> (8 * i));
  text = frame + text;
  load(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  return 0;
}
