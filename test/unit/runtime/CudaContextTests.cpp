// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whose context is current: the device's own while it works, the caller's
// before and behind. The driver refuses everything without a context.
#include "CudaDeviceTest.h"
#include <functional>
#include <memory>
#include <thread>

using namespace trine::runtime;

namespace {

class CudaContextTests : public CudaDeviceTest {
protected:
  void *current() {
    return reinterpret_cast<void *(*)()>(dlsym(library, "fake_current"))();
  }
  /// A function of the device gives `expected`, and the context stays the same.
  void call(const char *name, const std::function<trine_status()> &function,
            trine_status expected = TRINE_OK) {
    void *before = current();
    EXPECT_EQ(function(), expected) << name;
    EXPECT_EQ(current(), before) << name;
  }
  /// All that the runtime calls outside of a step, then two steps.
  void callAll() {
    float values[2] = {1, 2}, output[2] = {};
    const void *shared = nullptr;
    void *memory = nullptr, *other = nullptr, *host = nullptr;
    uint32_t slot = 0;
    std::string problem;
    call("allocate",
         [&] { return device->allocate(TRINE_SPACE_DEVICE, 64, &memory); });
    call("allocate",
         [&] { return device->allocate(TRINE_SPACE_DEVICE, 64, &other); });
    call("write", [&] { return device->write(0, values, memory, 8); });
    call("copy", [&] { return device->copy(0, memory, other, 8); });
    call("zero", [&] { return device->zero(0, memory, 8); });
    call("read", [&] { return device->read(0, other, output, 8); });
    EXPECT_EQ(output[1], 2);
    call("read", [&] { return device->read(0, memory, output, 8); });
    EXPECT_EQ(output[1], 0);
    call("submit", [&] { return device->submit(); });
    call("synchronize", [&] { return device->synchronize(); });
    call("openPrefetched",
         [&] { return device->openPrefetched(8, &slot, &host); });
    std::thread([&] {
      call("copyPrefetched",
           [&] { return device->copyPrefetched(slot, 8, problem); });
    }).join();
    call("joinPrefetched",
         [&] { return device->joinPrefetched(0, slot, memory, 8); });
    for (int step = 0; step < 2; ++step)
      call("a step", [&] {
        device->beginStep();
        EXPECT_EQ(device->shareInput(values, 8, &shared), TRINE_OK);
        EXPECT_EQ(device->shareOutput(output, 8, &host), TRINE_OK);
        uint64_t words[] = {reinterpret_cast<uint64_t>(shared), 2,
                            reinterpret_cast<uint64_t>(host)};
        EXPECT_EQ(device->launch(0, 0, 1, words, 3), TRINE_OK);
        EXPECT_EQ(device->synchronize(), TRINE_OK);
        EXPECT_EQ(device->collectOutputs(), TRINE_OK);
        device->endStep();
        EXPECT_EQ(output[1], 4);
        return TRINE_OK;
      });
    for (void *block : {memory, other})
      call("release", [&] {
        device->release(TRINE_SPACE_DEVICE, block, 64);
        return TRINE_OK;
      });
  }
  std::unique_ptr<CudaDevice> device;
};

TEST_F(CudaContextTests, TheCallersContextIsCurrentAgain) {
  int before = fake<int>("fake_live"), elsewhere = 0;
  float weights[2] = {5, 6};
  const void *seen = nullptr;
  device = std::make_unique<CudaDevice>(*driver, kernels());
  // None first, then one of another device.
  call("start", [&] { return device->start(); });
  call("shareWeights",
       [&] { return device->shareWeights(weights, sizeof weights, &seen); });
  callAll();
  driver->cuCtxPushCurrent_v2(&elsewhere);
  callAll();
  // A thread that has never seen the device, as one that empties a slot.
  std::thread([&] { callAll(); }).join();
  device.reset();
  EXPECT_EQ(current(), &elsewhere);
  cuda::Context popped = nullptr;
  driver->cuCtxPopCurrent_v2(&popped);
  EXPECT_EQ(fake<int>("fake_live"), before);
}

TEST_F(CudaContextTests, AFailureCarriesTheDriversText) {
  device = std::make_unique<CudaDevice>(*driver, kernels());
  call("start", [&] { return device->start(); });
  void *memory = nullptr;
  float value = 0;
  const void *shared = nullptr;
  std::string problem;
  call("allocate",
       [&] { return device->allocate(TRINE_SPACE_DEVICE, 64, &memory); });
  auto fails = [&](const char *name,
                   const std::function<trine_status()> &function) {
    call(name, function, TRINE_ERROR_DEVICE);
  };
  setenv("FAKE_DRIVER_FAILS", "cuCtxPushCurrent_v2", 1);
  // A step that did not begin ends nothing.
  device->beginStep();
  fails("write", [&] { return device->write(0, &value, memory, 4); });
  fails("copy", [&] { return device->copy(0, memory, memory, 4); });
  fails("zero", [&] { return device->zero(0, memory, 4); });
  fails("read", [&] { return device->read(0, memory, &value, 4); });
  fails("synchronize", [&] { return device->synchronize(); });
  fails("shareInput", [&] { return device->shareInput(&value, 4, &shared); });
  fails("copyPrefetched",
        [&] { return device->copyPrefetched(0, 4, problem); });
  device->endStep();
  EXPECT_EQ(device->getMessage(), "cuCtxPushCurrent on device 'cuda': "
                                  "CUDA_ERROR_FAKE: asked for by a test");
  setenv("FAKE_DRIVER_FAILS", "cuMemsetD8Async", 1);
  fails("zero", [&] { return device->zero(0, memory, 4); });
  EXPECT_EQ(device->getMessage(), "zeros for 4 bytes on device 'cuda': "
                                  "CUDA_ERROR_FAKE: asked for by a test");
  setenv("FAKE_DRIVER_FAILS", "cuMemcpyDtoDAsync_v2", 1);
  fails("copy", [&] { return device->copy(0, memory, memory, 4); });
  EXPECT_EQ(device->getMessage(), "copy of 4 bytes on device 'cuda': "
                                  "CUDA_ERROR_FAKE: asked for by a test");
  unsetenv("FAKE_DRIVER_FAILS");
  device->release(TRINE_SPACE_DEVICE, memory, 64);
}

} // namespace
