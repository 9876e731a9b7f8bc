// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a session keeps between steps, without a program: the test writes what a
// step would. What steps see of it: StateSteps.cpp.
#include "core/StateStore.h"
#include "device/host/HostDevice.h"
#include "gtest/gtest.h"
#include <memory>

using namespace trine::runtime;

/// A state that grows by bytes and one of eight bytes that is replaced.
static const char manifestText[] = R"({
 "format": {"major": 1, "minor": 0}, "abi": 1, "producer": "t", "name": "m",
 "target": {"kind": "host", "variants": [{"name": "any", "features": []}]},
 "devices": [{"name": "device0", "kind": "host"}],
 "symbols": [{"name": "batch", "input": 0, "dimension": 0},
             {"name": "seq", "input": 0, "dimension": 1},
             {"name": "past", "input": -1}],
 "inputs": [{"name": "x", "type": "i64", "dims": ["batch", "seq"]}],
 "outputs": [{"name": "y", "type": "f32", "dims": ["batch", "seq"]}],
 "states": [{"name": "k", "present": "k2", "type": "u8",
             "dims": ["batch", 2, "past"], "axis": 2, "next": "past + seq"},
            {"name": "h", "present": "h2", "type": "i64",
             "dims": ["batch", 1], "axis": 0, "initial": 7}],
 "files": [{"path": "program.so", "bytes": 1, "sha256":
 "0000000000000000000000000000000000000000000000000000000000000000"}],
 "kernels": []})";

namespace {

class StateStoreTests : public testing::Test {
protected:
  StateStoreTests() {
    Status status = parseManifest(manifestText, manifest);
    EXPECT_TRUE(status.ok()) << status.getMessage();
    store = std::make_unique<StateStore>(device, manifest, 4);
  }

  /// A step that adds `growth` entries to the slots of [first, first + batch):
  /// their rows and the replaced value become `mark`.
  Status step(uint32_t first, uint32_t batch, int64_t growth, uint8_t mark) {
    StateStore::Step step;
    step.choice.first = first;
    step.batch = batch;
    step.past = store->getLongest(first, batch);
    step.growth = growth;
    Status status = store->prepare(step);
    if (!status.ok())
      return status;
    trine_program_tensor inputs[4];
    store->bind(step, inputs);
    uint64_t bytes = 0;
    int64_t *next = static_cast<int64_t *>(store->getNext(step, 0, bytes));
    EXPECT_EQ(bytes, batch * sizeof(int64_t));
    uint8_t *rows = static_cast<uint8_t *>(const_cast<void *>(inputs[2].data));
    for (uint32_t slot = 0; slot < batch; ++slot) {
      next[slot] = mark;
      for (int64_t outer = 0; outer < 2; ++outer)
        for (int64_t i = 0; i < growth; ++i)
          rows[(slot * 2 + outer) * store->getCapacity() + step.past + i] =
              mark;
    }
    store->commit(step);
    return status;
  }

  /// The rows of a slot, and its replaced value.
  std::vector<int64_t> values(uint32_t slot) {
    StateStore::Step step;
    step.choice.first = slot;
    step.batch = 1;
    trine_program_tensor inputs[4];
    store->bind(step, inputs);
    const uint8_t *rows = static_cast<const uint8_t *>(inputs[2].data);
    std::vector<int64_t> result;
    for (int64_t outer = 0; outer < 2; ++outer)
      result.insert(result.end(), rows + outer * store->getCapacity(),
                    rows + outer * store->getCapacity() +
                        store->getLengths()[slot]);
    result.push_back(*static_cast<const int64_t *>(inputs[3].data));
    return result;
  }

  using Values = std::vector<int64_t>;
  Manifest manifest;
  HostDevice device{nullptr, 0, false};
  std::unique_ptr<StateStore> store;
};

TEST_F(StateStoreTests, TruncateRefusesLengthsOfABranchThatIsGone) {
  for (uint8_t mark = 1; mark <= 6; ++mark)
    ASSERT_TRUE(step(0, 1, 1, mark).ok());
  ASSERT_TRUE(store->truncate(0, 4).ok());
  EXPECT_EQ(values(0), (Values{1, 2, 3, 4, 1, 2, 3, 4, 4}));
  ASSERT_TRUE(step(0, 1, 2, 50).ok());
  // The fifth entry is another one now; no step ended behind it.
  Status status = store->truncate(0, 5);
  EXPECT_EQ(status.getCode(), TRINE_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status.getMessage(),
            "state 'h' of slot 0 cannot go back to 5 entries: it is known at "
            "0, 4, 4, 3 and 6");
  EXPECT_EQ(values(0), (Values{1, 2, 3, 4, 50, 50, 1, 2, 3, 4, 50, 50, 50}));
  ASSERT_TRUE(store->truncate(0, 4).ok());
  EXPECT_EQ(values(0), (Values{1, 2, 3, 4, 1, 2, 3, 4, 4}));
  ASSERT_TRUE(store->truncate(0, 3).ok());
  EXPECT_EQ(values(0), (Values{1, 2, 3, 1, 2, 3, 3}));
}

} // namespace
