// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The CUDA driver, opened at run time by a table of symbols. Nothing of CUDA's
/// own headers: types are as the driver's binary interface has them.
#ifndef TRINE_RUNTIME_DEVICE_CUDA_DRIVER_H
#define TRINE_RUNTIME_DEVICE_CUDA_DRIVER_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace trine::runtime::cuda {

using Result = int; // 0: success
using Device = int;
using Context = void *;
using Module = void *;
using Function = void *;
using Stream = void *;
using Event = void *;
using Graph = void *;
using GraphNode = void *;
using GraphExec = void *;
using Pointer = uint64_t;

/// CUtensorMap; taken as void *, as nodes below are.
struct EncodedTensorMap {
  alignas(64) uint64_t words[16];
};

/// CUDA_KERNEL_NODE_PARAMS_v2; entry points take it as const void *, a type
/// that drivers in C have as well (UndefinedBehaviorSanitizer compares them).
struct KernelNode {
  Function function;
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void **parameters, **extra;
  void *kernel, *context;
};

enum Attribute : int {
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76
};
/// CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr int maximumDynamicSharedBytes = 8;
/// CU_STREAM_NON_BLOCKING
constexpr unsigned nonBlocking = 1;
/// CU_EVENT_DEFAULT, CU_EVENT_DISABLE_TIMING
constexpr unsigned timing = 0, noTiming = 2;
/// The oldest driver that is used: CUDA 12.0.
constexpr int oldestVersion = 12000;

/// Every function of the driver that is used, by its name and signature.
#define TRINE_CUDA_DRIVER_FUNCTIONS(X)                                         \
  X(cuInit, (unsigned flags))                                                  \
  X(cuDriverGetVersion, (int *version))                                        \
  X(cuGetErrorName, (Result error, const char **text))                         \
  X(cuGetErrorString, (Result error, const char **text))                       \
  X(cuDeviceGetCount, (int *count))                                            \
  X(cuDeviceGet, (Device * device, int ordinal))                               \
  X(cuDeviceGetAttribute, (int *value, int attribute, Device device))          \
  X(cuDevicePrimaryCtxRetain, (Context * context, Device device))              \
  X(cuDevicePrimaryCtxRelease_v2, (Device device))                             \
  X(cuCtxPushCurrent_v2, (Context context))                                    \
  X(cuCtxPopCurrent_v2, (Context * context))                                   \
  X(cuModuleLoadData, (Module * module, const void *image))                    \
  X(cuModuleUnload, (Module module))                                           \
  X(cuModuleGetFunction,                                                       \
    (Function * function, Module module, const char *name))                    \
  X(cuFuncSetAttribute, (Function function, int attribute, int value))         \
  X(cuLaunchKernel,                                                            \
    (Function function, unsigned gridX, unsigned gridY, unsigned gridZ,        \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     Stream stream, void **parameters, void **extra))                          \
  X(cuMemAlloc_v2, (Pointer * address, size_t bytes))                          \
  X(cuMemFree_v2, (Pointer address))                                           \
  X(cuMemHostAlloc, (void **memory, size_t bytes, unsigned flags))             \
  X(cuMemFreeHost, (void *memory))                                             \
  X(cuMemcpyHtoDAsync_v2,                                                      \
    (Pointer target, const void *source, size_t bytes, Stream stream))         \
  X(cuMemcpyDtoHAsync_v2,                                                      \
    (void *target, Pointer source, size_t bytes, Stream stream))               \
  X(cuMemcpyDtoDAsync_v2,                                                      \
    (Pointer target, Pointer source, size_t bytes, Stream stream))             \
  X(cuMemsetD8Async,                                                           \
    (Pointer target, unsigned char value, size_t bytes, Stream stream))        \
  X(cuStreamCreate, (Stream * stream, unsigned flags))                         \
  X(cuStreamDestroy_v2, (Stream stream))                                       \
  X(cuStreamSynchronize, (Stream stream))                                      \
  X(cuStreamWaitEvent, (Stream stream, Event event, unsigned flags))           \
  X(cuEventCreate, (Event * event, unsigned flags))                            \
  X(cuEventDestroy_v2, (Event event))                                          \
  X(cuEventSynchronize, (Event event))                                         \
  X(cuEventElapsedTime, (float *milliseconds, Event first, Event second))      \
  X(cuEventRecord, (Event event, Stream stream))                               \
  X(cuGraphCreate, (Graph * graph, unsigned flags))                            \
  X(cuGraphDestroy, (Graph graph))                                             \
  X(cuGraphAddKernelNode_v2,                                                   \
    (GraphNode * node, Graph graph, const GraphNode *before, size_t count,     \
     const void *parameters))                                                  \
  X(cuGraphInstantiateWithFlags,                                               \
    (GraphExec * executable, Graph graph, unsigned long long flags))           \
  X(cuGraphExecDestroy, (GraphExec executable))                                \
  X(cuGraphExecKernelNodeSetParams_v2,                                         \
    (GraphExec executable, GraphNode node, const void *parameters))            \
  X(cuGraphLaunch, (GraphExec executable, Stream stream))                      \
  X(cuTensorMapEncodeTiled,                                                    \
    (void *map, int type, uint32_t rank, void *address, const uint64_t *sizes, \
     const uint64_t *strides, const uint32_t *box, const uint32_t *steps,      \
     int interleave, int swizzle, int promotion, int fill))

/// Stays open for the life of the process.
struct Driver {
#define TRINE_DECLARE(name, parameters) Result(*name) parameters = nullptr;
  TRINE_CUDA_DRIVER_FUNCTIONS(TRINE_DECLARE)
#undef TRINE_DECLARE

  /// The driver, opened from $TRINE_CUDA_DRIVER or libcuda.so.1 and started;
  /// null with a sentence in `problem` when it is absent, too old, or has no
  /// device.
  static const Driver *open(std::string &problem);

  /// "CUDA_ERROR_X: text".
  std::string describe(Result error) const;
};

} // namespace trine::runtime::cuda

#endif
