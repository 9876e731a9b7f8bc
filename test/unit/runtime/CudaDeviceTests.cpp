// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The device through a driver that is not NVIDIA's: calls, order, errors and
// what is given back. What a GPU does with kernels is not tested here.
#include "CudaDeviceTest.h"

using namespace trine::runtime;

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

TEST_F(CudaDeviceTest, RunsMachineCodeOfItsOwnArchitecture) {
  auto runs = [&](const char *capability, const char *architecture) {
    setenv("FAKE_DRIVER_CAPABILITY", capability, 1);
    bool result = CudaDevice::runsBinary(*driver, architecture);
    unsetenv("FAKE_DRIVER_CAPABILITY");
    return result;
  };
  EXPECT_TRUE(runs("90", "sm_90a"));
  EXPECT_TRUE(runs("80", "sm_80"));
  EXPECT_TRUE(runs("86", "sm_80"));
  EXPECT_FALSE(runs("90", "sm_80"));
  EXPECT_FALSE(runs("100", "sm_90a"));
  EXPECT_FALSE(runs("120", "sm_80"));
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

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

namespace {
/// As the driver has it.
struct FakeMap {
  char magic[4];
  int type;
  const void *address;
  uint64_t sizes[3], strides[2];
  uint32_t rank, box[3], steps[3];
  int modes[4];
};

/// Launches of a kernel that reads x through a map of `words[1]` rows.
class MapTest : public CudaDeviceTest {
protected:
  std::vector<DeviceKernel> mapKernels() {
    FILE *file = fopen(path.c_str(), "w");
    fputs(".entry scale_map()", file);
    fclose(file);
    std::vector<DeviceKernel> result = kernels();
    result[0].name = "scale_map";
    TensorMapRecord map;
    map.element = MapElement::BF16;
    map.sizes = {{4, {}}, {1, {1}}, {1, {}}};
    map.strides = {{16, {}}, {0, {}}};
    map.box = {64, 128, 1};
    result[0].maps = {map};
    return result;
  }
};
} // namespace

TEST_F(MapTest, AreEncodedOnceForTheSameWords) {
  CudaDevice device(*driver, mapKernels());
  Steps steps(device, fake<char[4096]>("fake_log"));
  // The last of the launches has another length, and so another map.
  EXPECT_EQ(steps.run(4, 3), "encode launch launch launch encode launch ");
  const FakeMap &map = fake<FakeMap>("fake_map");
  EXPECT_EQ(map.type, 9); // BFLOAT16
  EXPECT_EQ(map.address, steps.memory);
  EXPECT_EQ(map.rank, 3u);
  EXPECT_EQ(map.sizes[0], 4u);
  EXPECT_EQ(map.sizes[1], 3u);
  EXPECT_EQ(map.sizes[2], 1u);
  EXPECT_EQ(map.strides[0], 16u);
  EXPECT_EQ(map.strides[1], 48u);
  EXPECT_EQ(map.box[0], 64u);
  EXPECT_EQ(map.box[1], 128u);
  EXPECT_EQ(map.box[2], 1u);
  for (uint32_t step : map.steps)
    EXPECT_EQ(step, 1u);
  // No interleave, swizzle of 128 bytes, promotion to 256, zeros.
  EXPECT_EQ(map.modes[0], 0);
  EXPECT_EQ(map.modes[1], 3);
  EXPECT_EQ(map.modes[2], 3);
  EXPECT_EQ(map.modes[3], 0);
  // A graph gets the maps that are there, and a node that changed its own.
  EXPECT_EQ(steps.run(4, 3), "node node node node instantiate graph ");
  EXPECT_EQ(steps.run(4, 3), "graph ");
  EXPECT_EQ(steps.run(4, 2), "encode set graph ");
  EXPECT_EQ(steps.run(4, 3), "set graph ");
  EXPECT_EQ(device.getGraphs().getMapCounts().encoded, 3u);
  // On other queues too.
  char *log = fake<char[4096]>("fake_log");
  uint64_t address = reinterpret_cast<uint64_t>(steps.memory);
  uint64_t words[] = {address, 1, address};
  log[0] = 0;
  EXPECT_EQ(device.launch(1, 0, 1, words, 3), TRINE_OK) << device.getMessage();
  EXPECT_STREQ(log, "launch ");
}

TEST_F(MapTest, AreForgottenWhenThereAreMany) {
  CudaDevice device(*driver, mapKernels());
  ASSERT_EQ(device.start(), TRINE_OK);
  constexpr uint64_t most = cuda::TensorMapEncoder::mostMaps;
  // One map every 16 bytes.
  std::vector<uint64_t> memory(2 * (3 * most) + 2);
  uint64_t first = (reinterpret_cast<uint64_t>(memory.data()) + 15) & ~15ull;
  float y = 0;
  auto launch = [&](uint64_t begin, uint64_t end) {
    uint64_t before = device.getGraphs().getMapCounts().encoded;
    for (uint64_t i = begin; i < end; ++i) {
      uint64_t words[] = {first + 16 * i, 1, reinterpret_cast<uint64_t>(&y)};
      EXPECT_EQ(device.launch(1, 0, 1, words, 3), TRINE_OK);
    }
    return device.getGraphs().getMapCounts().encoded - before;
  };
  EXPECT_EQ(launch(0, most), most);
  EXPECT_EQ(launch(0, most), 0u);
  EXPECT_EQ(launch(most, 3 * most), 2 * most);
  EXPECT_EQ(launch(2 * most, 3 * most), 0u);
  EXPECT_EQ(launch(0, most), most);
}

TEST_F(MapTest, ErrorsCarryTheDriversText) {
  CudaDevice device(*driver, mapKernels());
  Steps steps(device, fake<char[4096]>("fake_log"));
  uint64_t address = reinterpret_cast<uint64_t>(steps.memory);
  uint64_t words[] = {address, 1, address};
  setenv("FAKE_DRIVER_FAILS", "cuTensorMapEncodeTiled", 1);
  const char *expected = "kernel 'scale_map' on device 'cuda': tensor map 0: "
                         "CUDA_ERROR_FAKE: asked for by a test";
  EXPECT_EQ(device.launch(1, 0, 1, words, 3), TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), expected);
  EXPECT_EQ(device.launch(0, 0, 1, words, 3), TRINE_OK);
  EXPECT_EQ(device.synchronize(), TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), expected);
  unsetenv("FAKE_DRIVER_FAILS");
  // Then it is as if it had not been: a step fails as a whole.
  EXPECT_EQ(device.synchronize(), TRINE_OK);
  words[0] += 4;
  EXPECT_EQ(device.launch(1, 0, 1, words, 3), TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(),
            "kernel 'scale_map' on device 'cuda': tensor map 0: its address is "
            "no multiple of 16 bytes");
  // In a graph that is made, and in one that is changed.
  steps.run(4, 1);
  setenv("FAKE_DRIVER_FAILS", "cuTensorMapEncodeTiled", 1);
  steps.run(4, 2, TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), expected);
  unsetenv("FAKE_DRIVER_FAILS");
  steps.run(4, 1);
  steps.run(4, 1);
  setenv("FAKE_DRIVER_FAILS", "cuTensorMapEncodeTiled", 1);
  steps.run(4, 3, TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), expected);
  unsetenv("FAKE_DRIVER_FAILS");
  EXPECT_EQ(steps.run(4, 1), "launch launch launch launch ");
  // Another failure says nothing of maps.
  setenv("FAKE_DRIVER_FAILS", "cuLaunchKernel", 1);
  words[0] = address;
  EXPECT_EQ(device.launch(1, 0, 1, words, 3), TRINE_ERROR_DEVICE);
  EXPECT_EQ(device.getMessage(), "kernel 'scale_map' on device 'cuda': "
                                 "CUDA_ERROR_FAKE: asked for by a test");
  unsetenv("FAKE_DRIVER_FAILS");
}
