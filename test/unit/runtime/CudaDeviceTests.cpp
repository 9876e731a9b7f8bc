// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The device through a driver that is not NVIDIA's: calls, order, errors and
// what is given back. What a GPU does with kernels is not tested here.
#include "device/cuda/CudaDevice.h"
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace trine::runtime;

namespace {
class CudaDeviceTest : public testing::Test {
protected:
  void SetUp() override {
    // The driver is opened once for the process.
    setenv("TRINE_CUDA_DRIVER", TRINE_FAKE_DRIVER, 1);
    std::string problem;
    driver = cuda::Driver::open(problem);
    ASSERT_NE(driver, nullptr) << problem;
    library = dlopen(TRINE_FAKE_DRIVER, RTLD_NOW);
    ASSERT_NE(library, nullptr);
    path = testing::TempDir() + "/scale.ptx";
    FILE *file = fopen(path.c_str(), "w");
    fputs(".entry scale()", file);
    fclose(file);
  }
  void TearDown() override {
    unsetenv("FAKE_DRIVER_FAILS");
    remove(path.c_str());
  }
  std::vector<DeviceKernel> kernels(uint32_t sharedBytes = 0) {
    DeviceKernel kernel;
    kernel.name = "scale";
    kernel.path = path;
    kernel.label = "kernels/scale.sm_80.ptx";
    kernel.threads = 128;
    kernel.workgroupsPerBlock = 64;
    kernel.sharedBytes = sharedBytes;
    return {kernel};
  }
  template <typename T>
  T &fake(const char *name) {
    return *static_cast<T *>(dlsym(library, name));
  }
  const cuda::Driver *driver = nullptr;
  void *library = nullptr;
  std::string path;
};
} // namespace

TEST_F(CudaDeviceTest, RunsAStepAndGivesEverythingBack) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels(100000));
    ASSERT_EQ(device.start(), TRINE_OK) << device.getMessage();
    float weights[2] = {5, 6}, input[3] = {1, 2, 3}, output[3] = {};
    const void *seen = nullptr;
    ASSERT_EQ(device.shareWeights(weights, sizeof weights, &seen), TRINE_OK);
    EXPECT_NE(seen, weights);
    EXPECT_EQ(static_cast<const float *>(seen)[1], 6);
    for (int step = 0; step < 3; ++step) {
      device.beginStep();
      const void *in = nullptr;
      void *out = nullptr;
      ASSERT_EQ(device.shareInput(input, sizeof input, &in), TRINE_OK);
      ASSERT_EQ(device.shareOutput(output, sizeof output, &out), TRINE_OK);
      uint64_t words[] = {reinterpret_cast<uint64_t>(in), 3,
                          reinterpret_cast<uint64_t>(out)};
      ASSERT_EQ(device.launch(0, 0, 65, words, 3), TRINE_OK)
          << device.getMessage();
      EXPECT_EQ(device.launch(0, 0, 0, words, 3), TRINE_OK);
      EXPECT_EQ(device.synchronize(), TRINE_OK);
      EXPECT_EQ(device.collectOutputs(), TRINE_OK);
      device.endStep();
      EXPECT_EQ(output[2], 6);
      input[2] = 3;
    }
    // 65 workgroups, 64 in a block.
    EXPECT_EQ(fake<unsigned>("fake_grid"), 2u);
    EXPECT_EQ(fake<unsigned>("fake_block"), 128u);
    EXPECT_EQ(fake<unsigned>("fake_shared"), 100000u);
    EXPECT_EQ(fake<unsigned>("fake_limit"), 100000u);
    for (uint32_t space :
         {TRINE_SPACE_DEVICE, TRINE_SPACE_PINNED, TRINE_SPACE_HOST}) {
      void *memory = nullptr;
      ASSERT_EQ(device.allocate(space, 100, &memory), TRINE_OK);
      float value = 7, back = 0;
      EXPECT_EQ(device.write(1, &value, memory, sizeof value), TRINE_OK);
      EXPECT_EQ(device.read(1, memory, &back, sizeof back), TRINE_OK);
      EXPECT_EQ(back, 7);
      device.release(space, memory, 100);
    }
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, ErrorsCarryTheDriversText) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    ASSERT_EQ(device.start(), TRINE_OK);
    void *memory = nullptr;
    setenv("FAKE_DRIVER_FAILS", "cuMemAlloc_v2", 1);
    EXPECT_EQ(device.allocate(TRINE_SPACE_DEVICE, 100, &memory),
              TRINE_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(device.getMessage(), "allocation of 100 bytes on device 'cuda': "
                                   "CUDA_ERROR_OUT_OF_MEMORY: out of memory");
    uint64_t words[] = {0, 0, 0};
    setenv("FAKE_DRIVER_FAILS", "cuModuleLoadData", 1);
    EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_ERROR_DEVICE);
    EXPECT_EQ(device.getMessage(),
              "loading 'kernels/scale.sm_80.ptx' on device 'cuda': "
              "CUDA_ERROR_FAKE: asked for by a test");
    // Launches of queue 0 go when their results are needed.
    setenv("FAKE_DRIVER_FAILS", "cuLaunchKernel", 1);
    EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    EXPECT_EQ(device.synchronize(), TRINE_ERROR_DEVICE);
    EXPECT_EQ(device.getMessage(), "kernel 'scale' on device 'cuda': "
                                   "CUDA_ERROR_FAKE: asked for by a test");
    setenv("FAKE_DRIVER_FAILS", "cuStreamSynchronize", 1);
    EXPECT_EQ(device.synchronize(), TRINE_ERROR_DEVICE);
    unsetenv("FAKE_DRIVER_FAILS");
    EXPECT_EQ(device.launch(0, 1, 1, words, 3), TRINE_ERROR_PROGRAM);
    EXPECT_EQ(device.launch(64, 0, 1, words, 3), TRINE_ERROR_PROGRAM);
    EXPECT_EQ(device.allocate(TRINE_SPACE_DISK, 1, &memory),
              TRINE_ERROR_DEVICE);
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

namespace {
/// Steps of `count` launches on a device, y = 2 x each, and what the driver
/// saw.
struct Steps {
  CudaDevice &device;
  char *log;
  void *memory = nullptr;

  Steps(CudaDevice &device, char *log) : device(device), log(log) {
    EXPECT_EQ(device.start(), TRINE_OK) << device.getMessage();
    EXPECT_EQ(device.allocate(TRINE_SPACE_DEVICE, 1024, &memory), TRINE_OK);
  }
  ~Steps() { device.release(TRINE_SPACE_DEVICE, memory, 1024); }

  /// Doubles the first `length` numbers `count` times; the last launch alone
  /// reads `length`.
  std::string run(int count, uint64_t length,
                  trine_status expected = TRINE_OK) {
    float values[4] = {1, 1, 1, 1};
    device.beginStep();
    EXPECT_EQ(device.write(0, values, memory, sizeof values), TRINE_OK);
    log[0] = 0;
    for (int i = 0; i < count; ++i) {
      const uint64_t address = reinterpret_cast<uint64_t>(memory);
      uint64_t words[] = {address, i + 1 == count ? length : 1, address};
      EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
    }
    EXPECT_EQ(device.synchronize(), expected) << device.getMessage();
    std::string order = log;
    if (expected == TRINE_OK) {
      EXPECT_EQ(device.read(0, memory, values, sizeof values), TRINE_OK);
      EXPECT_EQ(values[0], 1 << count);
      EXPECT_EQ(values[1], length > 1 ? 2 : 1);
    }
    device.endStep();
    return order;
  }
};
} // namespace

TEST_F(CudaDeviceTest, ReplaysAStepThatComesAgain) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    Steps steps(device, fake<char[4096]>("fake_log"));
    // Once as it comes, then as a graph.
    EXPECT_EQ(steps.run(4, 1), "launch launch launch launch ");
    EXPECT_EQ(steps.run(4, 1), "node node node node instantiate graph ");
    EXPECT_EQ(steps.run(4, 1), "graph ");
    // A length that grew changes the one node that reads it.
    EXPECT_EQ(steps.run(4, 3), "set graph ");
    EXPECT_EQ(steps.run(4, 3), "graph ");
    EXPECT_EQ(device.getGraphs().getCounts().replayed, 4u);
    // Another sequence has a graph of its own; short ones have none.
    EXPECT_EQ(steps.run(5, 1), "launch launch launch launch launch ");
    EXPECT_EQ(steps.run(4, 3), "graph ");
    EXPECT_EQ(steps.run(5, 1), "node node node node node instantiate graph ");
    EXPECT_EQ(steps.run(3, 1), "launch launch launch ");
    EXPECT_EQ(steps.run(3, 1), "launch launch launch ");
    EXPECT_EQ(device.getGraphs().size(), 2u);
    // As many as are kept.
    for (int count = 6; count < 30; ++count)
      steps.run(count, 1);
    EXPECT_EQ(device.getGraphs().size(), cuda::LaunchGraphs::mostGraphs);
    EXPECT_EQ(steps.run(4, 3), "launch launch launch launch ");
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, LaunchesOneByOneWhereAsked) {
  CudaDevice device(*driver, kernels());
  device.setDirect(true);
  Steps steps(device, fake<char[4096]>("fake_log"));
  for (int step = 0; step < 3; ++step)
    EXPECT_EQ(steps.run(4, 2), "launch launch launch launch ");
  EXPECT_EQ(device.getGraphs().size(), 0u);
}

TEST_F(CudaDeviceTest, ProfilesEveryLaunch) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    device.setProfile(true);
    Steps steps(device, fake<char[4096]>("fake_log"));
    for (int step = 0; step < 2; ++step) {
      EXPECT_EQ(steps.run(4, 2), "event launch event launch event launch event "
                                 "launch event ");
      std::vector<trine_profile_record> records;
      device.collectProfile(records);
      ASSERT_EQ(records.size(), 4u);
      EXPECT_EQ(records[0].start, 0u);
      EXPECT_EQ(records[3].end, 250000u);
      EXPECT_EQ(records[3].launch, 3u);
      EXPECT_EQ(records[3].workgroups, 1u);
    }
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, AGraphThatFailsIsMadeAgain) {
  int before = fake<int>("fake_live");
  {
    CudaDevice device(*driver, kernels());
    Steps steps(device, fake<char[4096]>("fake_log"));
    steps.run(4, 1);
    for (const char *call : {"cuGraphAddKernelNode_v2",
                             "cuGraphInstantiateWithFlags", "cuGraphLaunch"}) {
      setenv("FAKE_DRIVER_FAILS", call, 1);
      steps.run(4, 1, TRINE_ERROR_DEVICE);
      EXPECT_EQ(device.getMessage(), "a graph on device 'cuda': "
                                     "CUDA_ERROR_FAKE: asked for by a test");
      unsetenv("FAKE_DRIVER_FAILS");
      EXPECT_EQ(steps.run(4, 1), "launch launch launch launch ") << call;
    }
    steps.run(4, 1);
    setenv("FAKE_DRIVER_FAILS", "cuGraphExecKernelNodeSetParams_v2", 1);
    steps.run(4, 2, TRINE_ERROR_DEVICE);
    unsetenv("FAKE_DRIVER_FAILS");
    EXPECT_EQ(steps.run(4, 2), "launch launch launch launch ");
  }
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaDeviceTest, CopiesRunBesideTheQueueAndJoinIt) {
  CudaDevice device(*driver, kernels());
  Steps steps(device, fake<char[4096]>("fake_log"));
  char *log = fake<char[4096]>("fake_log");
  float values[4] = {1, 2, 3, 4};
  uint64_t address = reinterpret_cast<uint64_t>(steps.memory);
  uint64_t words[] = {address, 4, address};
  device.beginStep();
  log[0] = 0;
  // What waits is sent first; the copy waits for it, and the queue for the
  // copy.
  EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
  EXPECT_EQ(device.write(0, values, steps.memory, sizeof values), TRINE_OK);
  EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
  EXPECT_EQ(device.read(0, steps.memory, values, sizeof values), TRINE_OK);
  EXPECT_STREQ(log, "launch event wait copy event wait launch ");
  EXPECT_EQ(values[3], 8);
  setenv("FAKE_DRIVER_FAILS", "cuStreamWaitEvent", 1);
  EXPECT_EQ(device.write(0, values, steps.memory, sizeof values),
            TRINE_ERROR_DEVICE);
  unsetenv("FAKE_DRIVER_FAILS");
  device.endStep();
}

TEST_F(CudaDeviceTest, TakesTheCodeThatTheDeviceRuns) {
  auto choose = [&](const char *capability,
                    const std::vector<std::string> &made) {
    setenv("FAKE_DRIVER_CAPABILITY", capability, 1);
    std::string result = CudaDevice::chooseArchitecture(*driver, made);
    unsetenv("FAKE_DRIVER_CAPABILITY");
    return result;
  };
  EXPECT_EQ(choose("90", {"sm_80", "sm_90a"}), "sm_90a");
  EXPECT_EQ(choose("90", {"sm_80"}), "sm_80");
  EXPECT_EQ(choose("80", {"sm_80", "sm_90a"}), "sm_80");
  EXPECT_EQ(choose("120", {"sm_80", "sm_90a"}), "sm_80");
  EXPECT_EQ(choose("120", {"sm_90a"}), "");
  EXPECT_EQ(choose("75", {"sm_80"}), "");
}
