// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows on their way to a GPU: order of calls, slots, errors and replay.
#include "CudaDeviceTest.h"
#include <algorithm>

using namespace trine::runtime;

TEST_F(CudaDeviceTest, PrefetchedCopiesWaitForTheirOwnMemoryAlone) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    Steps steps(device, fake<char[4096]>("fake_log"));
    char *log = fake<char[4096]>("fake_log");
    uint64_t address = reinterpret_cast<uint64_t>(steps.memory);
    uint64_t words[] = {address, 4, address};
    uint32_t slot = 0;
    void *host = nullptr;
    std::string problem;
    auto open = [&](uint64_t count) {
      ASSERT_EQ(device.openPrefetched(count * sizeof(float), &slot, &host),
                TRINE_OK)
          << device.getMessage();
      ASSERT_NE(host, nullptr);
      for (uint64_t i = 0; i < count; ++i)
        static_cast<float *>(host)[i] = static_cast<float>(i + 1);
    };
    auto copy = [&](uint64_t count) {
      EXPECT_EQ(device.copyPrefetched(slot, count * sizeof(float), problem),
                TRINE_OK)
          << problem;
    };
    auto join = [&](uint64_t count) {
      EXPECT_EQ(
          device.joinPrefetched(0, slot, steps.memory, count * sizeof(float)),
          TRINE_OK)
          << device.getMessage();
    };
    device.beginStep();
    log[0] = 0;
    // The copy to the device waits for no event of the queue, and goes before
    // launches that were noted earlier. They run before the rows are moved.
    EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    open(4);
    copy(4);
    EXPECT_STREQ(log, "copy event ");
    EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    join(4);
    EXPECT_STREQ(log, "copy event launch launch wait move event ");
    EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    float values[4] = {};
    EXPECT_EQ(device.read(0, steps.memory, values, sizeof values), TRINE_OK);
    EXPECT_EQ(values[3], 8);
    // A slot that was used before waits for its use.
    log[0] = 0;
    open(4);
    copy(4);
    join(4);
    EXPECT_STREQ(log, "wait copy event wait move event ");
    // One that is larger has new memory.
    log[0] = 0;
    open(200);
    copy(4);
    EXPECT_STREQ(log, "copy event ");
    join(4);
    // As many as there are slots; one that was dropped can be had again.
    std::vector<uint32_t> slots;
    for (uint32_t i = 0; i < Device::prefetchSlots; ++i) {
      open(4);
      slots.push_back(slot);
    }
    std::vector<uint32_t> sorted = slots;
    std::sort(sorted.begin(), sorted.end());
    for (uint32_t i = 0; i < Device::prefetchSlots; ++i)
      EXPECT_EQ(sorted[i], i);
    EXPECT_EQ(device.openPrefetched(4, &slot, &host), TRINE_OK);
    EXPECT_EQ(host, nullptr);
    device.dropPrefetched(3);
    open(4);
    EXPECT_EQ(slot, 3u);
    for (uint32_t each : slots)
      device.dropPrefetched(each);
    // Nothing, and what is too large, are other copies' work.
    host = log;
    EXPECT_EQ(device.openPrefetched(0, &slot, &host), TRINE_OK);
    EXPECT_EQ(host, nullptr);
    EXPECT_EQ(device.openPrefetched(uint64_t(17) << 20, &slot, &host),
              TRINE_OK);
    EXPECT_EQ(host, nullptr);
    device.endStep();
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, ErrorsOfPrefetchedCopiesCarryTheDriversText) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    Steps steps(device, fake<char[4096]>("fake_log"));
    uint32_t slot = 0;
    void *host = nullptr;
    std::string problem;
    setenv("FAKE_DRIVER_FAILS", "cuMemAlloc_v2", 1);
    EXPECT_EQ(device.openPrefetched(1000, &slot, &host),
              TRINE_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(device.getMessage(),
              "allocation of 1000 bytes for rows on device 'cuda': "
              "CUDA_ERROR_OUT_OF_MEMORY: out of memory");
    unsetenv("FAKE_DRIVER_FAILS");
    for (int use = 0; use < 2; ++use) {
      ASSERT_EQ(device.openPrefetched(4, &slot, &host), TRINE_OK);
      // A copy knows no message of the device: another thread makes it.
      setenv("FAKE_DRIVER_FAILS", use ? "cuStreamWaitEvent" : "cuEventRecord",
             1);
      EXPECT_EQ(device.copyPrefetched(slot, 4, problem), TRINE_ERROR_DEVICE);
      EXPECT_EQ(problem, "copy of 4 prefetched bytes on device 'cuda': "
                         "CUDA_ERROR_FAKE: asked for by a test");
      unsetenv("FAKE_DRIVER_FAILS");
      EXPECT_EQ(device.copyPrefetched(slot, 4, problem), TRINE_OK);
      EXPECT_EQ(device.joinPrefetched(0, slot, steps.memory, 4), TRINE_OK);
    }
    for (const char *call : {"cuStreamWaitEvent", "cuMemcpyDtoDAsync_v2"}) {
      EXPECT_EQ(device.openPrefetched(4, &slot, &host), TRINE_OK);
      EXPECT_EQ(device.copyPrefetched(slot, 4, problem), TRINE_OK);
      setenv("FAKE_DRIVER_FAILS", call, 1);
      EXPECT_EQ(device.joinPrefetched(0, slot, steps.memory, 4),
                TRINE_ERROR_DEVICE);
      EXPECT_EQ(device.getMessage(),
                "move of 4 prefetched bytes on device 'cuda': "
                "CUDA_ERROR_FAKE: asked for by a test");
      unsetenv("FAKE_DRIVER_FAILS");
    }
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, AStepWithPrefetchedRowsIsReplayed) {
  CudaDevice device(*driver, kernels());
  Steps steps(device, fake<char[4096]>("fake_log"));
  char *log = fake<char[4096]>("fake_log");
  uint64_t address = reinterpret_cast<uint64_t>(steps.memory);
  uint64_t words[] = {address, 4, address};
  std::string problem;
  // Four launches, the rows of two tickets, four launches.
  auto step = [&] {
    device.beginStep();
    log[0] = 0;
    uint32_t slots[2] = {};
    for (uint32_t &slot : slots) {
      void *host = nullptr;
      EXPECT_EQ(device.openPrefetched(16, &slot, &host), TRINE_OK);
      std::fill_n(static_cast<float *>(host), 4, 1.0f);
    }
    for (int i = 0; i < 8; ++i) {
      if (i == 2)
        for (uint32_t slot : slots)
          EXPECT_EQ(device.copyPrefetched(slot, 16, problem), TRINE_OK);
      if (i == 4)
        for (uint32_t slot : slots)
          EXPECT_EQ(device.joinPrefetched(0, slot, steps.memory, 16), TRINE_OK);
      EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    }
    EXPECT_EQ(device.synchronize(), TRINE_OK);
    EXPECT_EQ(static_cast<const float *>(steps.memory)[3], 16);
    device.endStep();
    return std::string(log);
  };
  step();
  step();
  EXPECT_EQ(step(), "wait copy event wait copy event graph wait move event "
                    "wait move event graph ");
}
