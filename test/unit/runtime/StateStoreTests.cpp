// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a session keeps between steps, without a program: the test writes what a
// step would. What steps see of it: StateSteps.cpp.
#include "StateManifest.h"
#include "core/StateStore.h"
#include "device/host/HostDevice.h"
#include "gtest/gtest.h"
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <unistd.h>

using namespace trine::runtime;

/// A state that grows by bytes and one of eight bytes that is replaced.
static const char states[] = R"([{"name": "k", "present": "k2", "type": "u8",
             "dims": ["batch", 2, "past"], "axis": 2, "next": "past + seq"},
            {"name": "h", "present": "h2", "type": "i64",
             "dims": ["batch", 1], "axis": 0, "initial": 7}])";

namespace {

/// A device whose memory is not the host's, as far as the states know. Each
/// call that moves bytes can be made to fail.
class FailingDevice : public HostDevice {
public:
  FailingDevice() : HostDevice(nullptr, 0, false) {}
  bool isHostMemory() const override { return false; }
  trine_status allocate(uint32_t space, uint64_t bytes,
                        void **memory) override {
    trine_status status = HostDevice::allocate(space, bytes, memory);
    // A device's memory holds anything.
    if (status == TRINE_OK)
      memset(*memory, 0xa5, bytes);
    return status;
  }
  trine_status write(uint32_t queue, const void *host, void *to,
                     uint64_t bytes) override {
    hostBytes += bytes;
    return next() ? HostDevice::write(queue, host, to, bytes) : failed();
  }
  trine_status read(uint32_t queue, const void *from, void *host,
                    uint64_t bytes) override {
    hostBytes += bytes;
    return next() ? HostDevice::read(queue, from, host, bytes) : failed();
  }
  trine_status copy(uint32_t queue, const void *from, void *to,
                    uint64_t bytes) override {
    return next() ? HostDevice::write(queue, from, to, bytes) : failed();
  }
  trine_status zero(uint32_t queue, void *to, uint64_t bytes) override {
    return next() ? HostDevice::zero(queue, to, bytes) : failed();
  }
  trine_status synchronize() override {
    return next() ? HostDevice::synchronize() : failed();
  }
  /// Calls that still succeed; none fails below 0.
  int remaining = -1;
  /// What went through the host's memory.
  uint64_t hostBytes = 0;

private:
  bool next() { return remaining < 0 || remaining-- > 0; }
  trine_status failed() {
    remaining = 0;
    return fail(TRINE_ERROR_DEVICE, "the device is gone");
  }
};

class StateStoreTests : public testing::Test {
protected:
  StateStoreTests() {
    Status status = parseManifest(getStateManifest(states), manifest);
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
    return store->commit(step);
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
  FailingDevice device;
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

TEST_F(StateStoreTests, FailuresOfTheDeviceAreFailures) {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("trine-store-" + std::to_string(getpid()));
  ASSERT_TRUE(step(0, 2, 2, 1).ok());
  ASSERT_TRUE(step(0, 2, 1, 2).ok());
  ASSERT_TRUE(store->save(path, 0, 1).ok());
  const Values before{1, 1, 2, 1, 1, 2, 2};
  const uint32_t sources[] = {1, 0, 1};
  struct {
    const char *name;
    std::function<Status()> run;
    bool changesNothing;
  } functions[] = {
      {"save", [&] { return store->save(path + ".other", 0, 2); }, true},
      {"reserve", [&] { return store->reserve(3, 100); }, true},
      {"fork", [&] { return store->fork(sources, 3); }, true},
      {"step", [&] { return step(0, 1, 1, 9); }, true},
      {"step in new memory", [&] { return step(0, 1, 500, 9); }, true},
      {"truncate", [&] { return store->truncate(0, 3); }, false},
      {"load", [&] { return store->load(path, 0); }, false},
      {"reset", [&] { return store->reset(0); }, false},
  };
  for (auto &function : functions) {
    // Truncating goes back to the end of a step.
    if (strcmp(function.name, "truncate") == 0)
      ASSERT_TRUE(step(0, 1, 1, 9).ok());
    const int64_t length = store->getLengths()[0];
    // Every call in turn, until all succeed.
    int failures = 0;
    for (; failures < 1000; ++failures) {
      device.remaining = failures;
      Status status = function.run();
      device.remaining = -1;
      if (status.ok())
        break;
      EXPECT_EQ(status.getCode(), TRINE_ERROR_DEVICE) << function.name;
      EXPECT_EQ(status.getMessage(), "the device is gone") << function.name;
      EXPECT_EQ(store->getLengths()[0], length) << function.name;
      if (!function.changesNothing)
        continue;
      EXPECT_EQ(values(0), before) << function.name << " " << failures;
      EXPECT_EQ(values(1), before) << function.name << " " << failures;
    }
    EXPECT_GT(failures, 1) << function.name;
    EXPECT_LT(failures, 1000) << function.name;
    if (strcmp(function.name, "reset") != 0) {
      ASSERT_TRUE(store->load(path, 0).ok());
      EXPECT_EQ(values(0), before) << function.name;
    }
  }
  EXPECT_EQ(values(0), Values{7});
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".other");
}

TEST_F(StateStoreTests, StepsThatFailMakeNoSlots) {
  ASSERT_TRUE(step(0, 1, 5, 1).ok());
  Status status = step(0, 2, 1, 2);
  EXPECT_EQ(status.getCode(), TRINE_ERROR_BAD_INPUT);
  EXPECT_EQ(status.getMessage(),
            "slots 0 and 1 have 5 and 0 entries: this package steps slots of "
            "one length only");
  EXPECT_EQ(store->getSlots(), 1u);
  // All but the end of a step, which would have made two slots.
  StateStore::Step unfinished;
  unfinished.choice.first = 1;
  unfinished.batch = 2;
  unfinished.growth = 100;
  ASSERT_TRUE(store->prepare(unfinished).ok());
  EXPECT_EQ(store->getSlots(), 1u);
  EXPECT_EQ(store->truncate(1, 0).getMessage(),
            "slot 1 does not exist: the session has 1");
  EXPECT_EQ(store->save("unused", 0, 2).getMessage(),
            "slots [0, 2) do not exist: the session has 1");
  EXPECT_EQ(values(0), (Values{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
  // The room is there for the step that succeeds.
  ASSERT_TRUE(step(0, 1, 1, 2).ok());
  ASSERT_TRUE(step(2, 1, 1, 3).ok());
  EXPECT_EQ(store->getSlots(), 3u);
  EXPECT_EQ(values(1), Values{7});
  EXPECT_EQ(values(2), (Values{3, 3, 3}));
  // A file that cannot be loaded makes none, either.
  const std::string path = std::filesystem::temp_directory_path() /
                           ("trine-slots-" + std::to_string(getpid()));
  ASSERT_TRUE(store->save(path, 0, 3).ok());
  const uint32_t sources[] = {2};
  ASSERT_TRUE(store->fork(sources, 1).ok());
  device.remaining = 3;
  EXPECT_EQ(store->load(path, 1).getMessage(), "the device is gone");
  device.remaining = -1;
  EXPECT_EQ(store->getSlots(), 1u);
  EXPECT_EQ(values(0), (Values{3, 3, 3}));
  ASSERT_TRUE(store->load(path, 1).ok());
  EXPECT_EQ(store->getSlots(), 4u);
  EXPECT_EQ(values(3), (Values{3, 3, 3}));
  std::filesystem::remove(path);
}

TEST_F(StateStoreTests, ValuesStayOnTheDevice) {
  ASSERT_TRUE(step(0, 1, 1, 1).ok());
  // The initial value of a slot, for each version.
  EXPECT_EQ(device.hostBytes, 6 * sizeof(int64_t));
  ASSERT_TRUE(step(1, 2, 1, 2).ok());
  ASSERT_TRUE(step(1, 1, 500, 3).ok());
  const uint32_t sources[] = {1, 1, 0, 2};
  ASSERT_TRUE(store->fork(sources, 4).ok());
  ASSERT_TRUE(store->truncate(0, 1).ok());
  EXPECT_EQ(device.hostBytes, 4 * 6 * sizeof(int64_t));
  EXPECT_EQ(values(0), (Values{2, 2, 2}));
  EXPECT_EQ(store->getLengths()[1], 501);
  EXPECT_EQ(values(1).back(), 3);
  EXPECT_EQ(values(2), (Values{1, 1, 1}));
  EXPECT_EQ(values(3), (Values{2, 2, 2}));
  ASSERT_TRUE(store->reserve(7, 0).ok());
  for (uint32_t slot = 4; slot < 7; ++slot)
    EXPECT_EQ(values(slot), Values{7});
}

} // namespace
