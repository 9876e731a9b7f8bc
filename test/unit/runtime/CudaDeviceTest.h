// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The device through a driver that is not NVIDIA's (FakeDriver.c).
#ifndef TRINE_TEST_UNIT_RUNTIME_CUDADEVICETEST_H
#define TRINE_TEST_UNIT_RUNTIME_CUDADEVICETEST_H

#include "device/cuda/CudaDevice.h"
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace trine::runtime {

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

} // namespace trine::runtime

#endif
