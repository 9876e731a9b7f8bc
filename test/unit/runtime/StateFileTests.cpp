// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Saved states with very many slots: read in time and memory that grow with the
// file. What steps see of saved states: StateSteps.cpp.
#include "StateManifest.h"
#include "core/StateStore.h"
#include "device/host/HostDevice.h"
#include "gtest/gtest.h"
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <unistd.h>

using namespace trine::runtime;

static const char states[] = R"([{"name": "k", "present": "k2", "type": "u8",
             "dims": ["batch", "past"], "axis": 1, "next": "past + seq"}])";

namespace {

class StateFileTests : public testing::Test {
protected:
  StateFileTests() {
    Status status = parseManifest(getStateManifest(states), manifest);
    EXPECT_TRUE(status.ok()) << status.getMessage();
    store = std::make_unique<StateStore>(device, manifest, 1);
    path = std::filesystem::temp_directory_path() /
           ("trine-state-" + std::to_string(getpid()));
  }
  ~StateFileTests() override { std::filesystem::remove(path); }

  /// A saved state of `slots` slots without entries; `rows` is the header's
  /// text for them.
  Status load(uint64_t slots, const std::string &rows) {
    std::string text =
        R"({"__metadata__":{"format":"trine-state","version":"1",)"
        R"("model":"m","fingerprint":")" +
        std::string(64, '0') + R"("},"lengths":{"dtype":"I64","shape":[)" +
        std::to_string(slots) + R"(],"data_offsets":[0,)" +
        std::to_string(slots * 8) + "]}" + rows + "}";
    std::string file(8, '\0');
    for (int i = 0; i < 8; ++i)
      file[i] = static_cast<char>(uint64_t(text.size()) >> (8 * i));
    file += text + std::string(slots * 8, '\0');
    std::ofstream(path, std::ios::binary) << file;
    return store->load(path, 0);
  }

  Manifest manifest;
  std::filesystem::path path;
  HostDevice device{nullptr, 0, false};
  std::unique_ptr<StateStore> store;
};

// The time of a search through all tensors for each slot would be a minute.
TEST_F(StateFileTests, ManySlots) {
  constexpr uint64_t kSlots = 60000;
  std::string rows, end = std::to_string(kSlots * 8);
  for (uint64_t slot = 0; slot < kSlots; ++slot)
    rows += ",\"rows/" + std::to_string(slot) +
            R"(/k":{"dtype":"U8","shape":[1,0],"data_offsets":[)" + end + "," +
            end + "]}";
  auto start = std::chrono::steady_clock::now();
  Status status = load(kSlots, rows);
  EXPECT_TRUE(status.ok()) << status.getMessage();
  EXPECT_EQ(store->getSlots(), kSlots);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(StateFileTests, ManySlotsWithoutRows) {
  Status status = load(1000000, "");
  EXPECT_EQ(status.getCode(), TRINE_ERROR_BAD_INPUT);
  EXPECT_NE(status.getMessage().find("\n980 more problems"), std::string::npos)
      << status.getMessage();
  EXPECT_EQ(store->getSlots(), 0u);
}

} // namespace
