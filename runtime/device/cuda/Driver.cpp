// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Driver.h"
#include <cstdlib>
#include <dlfcn.h>
#include <memory>

using namespace trine::runtime::cuda;

std::string Driver::describe(Result error) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(error, &name) != 0 || !name)
    name = "unknown error";
  if (cuGetErrorString(error, &text) != 0 || !text)
    text = "no text";
  return std::string(name) + ": " + text;
}

/// Opens and starts a driver; null: see `problem`.
static std::unique_ptr<Driver> start(const std::string &path,
                                     std::string &problem) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    problem = "the CUDA driver '" + path +
              "' cannot be opened: " + (reason ? reason : "no reason");
    return nullptr;
  }
  auto driver = std::make_unique<Driver>();
  std::string missing;
#define TRINE_BIND(name, parameters)                                           \
  driver->name =                                                               \
      reinterpret_cast<decltype(driver->name)>(dlsym(library, #name));         \
  if (!driver->name && missing.empty())                                        \
    missing = #name;
  TRINE_CUDA_DRIVER_FUNCTIONS(TRINE_BIND)
#undef TRINE_BIND
  if (!missing.empty()) {
    problem = "'" + path + "' is no CUDA driver that is used here: it lacks '" +
              missing + "'";
    dlclose(library);
    return nullptr;
  }
  int version = 0, devices = 0;
  auto check = [&](Result error, const char *what) {
    if (error != 0)
      problem = std::string("the CUDA driver failed in ") + what + ": " +
                driver->describe(error);
    return error == 0;
  };
  if (!check(driver->cuInit(0), "cuInit") ||
      !check(driver->cuDriverGetVersion(&version), "cuDriverGetVersion") ||
      !check(driver->cuDeviceGetCount(&devices), "cuDeviceGetCount"))
    return nullptr;
  if (version < oldestVersion) {
    problem = "the CUDA driver is for CUDA " + std::to_string(version / 1000) +
              "." + std::to_string(version % 1000 / 10) +
              ", at least 12.0 is needed";
    return nullptr;
  }
  if (devices == 0) {
    problem = "the CUDA driver has no device";
    return nullptr;
  }
  return driver;
}

const Driver *Driver::open(std::string &problem) {
  static std::string reason;
  static const std::unique_ptr<Driver> driver = [] {
    const char *path = std::getenv("TRINE_CUDA_DRIVER");
    return start(path && *path ? path : "libcuda.so.1", reason);
  }();
  problem = reason;
  return driver.get();
}
