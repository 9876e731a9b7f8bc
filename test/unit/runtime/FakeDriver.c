/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stands for libcuda.so.1 in tests: device memory is the host's, and the one
 * kernel it knows, "scale", runs at the launch; "scale_map" reads x through a
 * tensor map. Failures are asked for by the
 * environment. It counts what is made, so that tests see leaks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int fake_live; /* objects and blocks that exist */
EXPORT unsigned fake_grid, fake_block, fake_shared, fake_limit;
/* What was done in which order: "launch ", "copy ", "event ", ... */
EXPORT char fake_log[4096];

static void note(const char *word) {
  if (strlen(fake_log) + strlen(word) + 2 < sizeof fake_log) {
    strcat(fake_log, word);
    strcat(fake_log, " ");
  }
}

static int fails(const char *name) {
  const char *wanted = getenv("FAKE_DRIVER_FAILS");
  return wanted && strcmp(wanted, name) == 0;
}
#define FAIL_IF_ASKED(code)                                                    \
  if (fails(__func__))                                                         \
  return code

EXPORT int cuInit(unsigned flags) {
  FAIL_IF_ASKED(100);
  return 0;
}
EXPORT int cuDriverGetVersion(int *version) {
  const char *given = getenv("FAKE_DRIVER_VERSION");
  *version = given ? atoi(given) : 13000;
  return 0;
}
EXPORT int cuGetErrorName(int error, const char **text) {
  *text = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE";
  return 0;
}
EXPORT int cuGetErrorString(int error, const char **text) {
  *text = error == 2 ? "out of memory" : "asked for by a test";
  return 0;
}
EXPORT int cuDeviceGetCount(int *count) {
  *count = 1;
  return 0;
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
  *device = 0;
  return ordinal == 0 ? 0 : 101;
}
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  const char *given = getenv("FAKE_DRIVER_CAPABILITY");
  int capability = given ? atoi(given) : 90;
  *value = attribute == 75 ? capability / 10 : capability % 10;
  return 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = &fake_live;
  ++fake_live;
  return 0;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  --fake_live;
  return 0;
}
/* Contexts of a thread; the last one is current. */
static _Thread_local void *contexts[16];
static _Thread_local int context_count;
EXPORT void *fake_current(void) {
  return context_count ? contexts[context_count - 1] : NULL;
}
EXPORT int cuCtxPushCurrent_v2(void *context) {
  FAIL_IF_ASKED(201);
  if (!context || context_count == 16)
    return 201;
  contexts[context_count++] = context;
  return 0;
}
EXPORT int cuCtxPopCurrent_v2(void **context) {
  if (!context_count)
    return 201;
  *context = contexts[--context_count];
  return 0;
}
/* Objects and memory belong to the primary context. */
#define NEEDS_CONTEXT                                                          \
  if (fake_current() != &fake_live)                                            \
  return 201

EXPORT int cuModuleLoadData(void **module, const void *image) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(218);
  *module = strdup(image);
  ++fake_live;
  return 0;
}
EXPORT int cuModuleUnload(void *module) {
  NEEDS_CONTEXT;
  free(module);
  --fake_live;
  return 0;
}
EXPORT int cuModuleGetFunction(void **function, void *module,
                               const char *name) {
  NEEDS_CONTEXT;
  *function = strstr(module, name);
  return *function ? 0 : 500;
}
EXPORT int cuFuncSetAttribute(void *function, int attribute, int value) {
  NEEDS_CONTEXT;
  fake_limit = attribute == 8 ? (unsigned)value : 0;
  return 0;
}
/* What the driver makes of the arguments of cuTensorMapEncodeTiled. */
struct map {
  char magic[4];
  int type;
  const void *address;
  uint64_t sizes[3], strides[2];
  uint32_t rank, box[3], steps[3];
  int modes[4];
};
EXPORT struct map fake_map; /* the last one */

EXPORT int cuTensorMapEncodeTiled(void *target, int type, uint32_t rank,
                                  void *address, const uint64_t *sizes,
                                  const uint64_t *strides, const uint32_t *box,
                                  const uint32_t *steps, int interleave,
                                  int swizzle, int promotion, int fill) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(1);
  note("encode");
  if (rank != 3 || (uintptr_t)target % 64 || (uintptr_t)address % 16)
    return 1;
  struct map map = {"map", type, address, {0}, {0}, rank, {0}, {0}, {0}};
  memcpy(map.sizes, sizes, sizeof map.sizes);
  memcpy(map.strides, strides, sizeof map.strides);
  memcpy(map.box, box, sizeof map.box);
  memcpy(map.steps, steps, sizeof map.steps);
  const int modes[4] = {interleave, swizzle, promotion, fill};
  memcpy(map.modes, modes, sizeof modes);
  memset(target, 0, 128);
  memcpy(target, &map, sizeof map);
  fake_map = map;
  return 0;
}

static int has_map(const char *function) {
  return strncmp(function, "scale_map", 9) == 0;
}

EXPORT int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                          unsigned gridZ, unsigned blockX, unsigned blockY,
                          unsigned blockZ, unsigned shared, void *stream,
                          void **parameters, void **extra) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(700);
  note("launch");
  if (!stream || !function || gridY != 1 || gridZ != 1 || blockY != 1 ||
      blockZ != 1)
    return 1;
  fake_grid = gridX;
  fake_block = blockX;
  fake_shared = shared;
  /* scale(const float *x, long long n, float *y): y = 2 x */
  const float *x = *(const float **)parameters[0];
  if (has_map(function)) {
    const struct map *map = parameters[3];
    if ((uintptr_t)map % 64 || memcmp(map->magic, "map", 4))
      return 1;
    x = map->address;
  }
  long long n = *(long long *)parameters[1];
  float *y = *(float **)parameters[2];
  for (long long i = 0; i < n; ++i)
    y[i] = 2 * x[i];
  return 0;
}
EXPORT int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(2);
  *address = (uint64_t)malloc(bytes);
  ++fake_live;
  return 0;
}
EXPORT int cuMemFree_v2(uint64_t address) {
  NEEDS_CONTEXT;
  free((void *)address);
  --fake_live;
  return 0;
}
EXPORT int cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
  NEEDS_CONTEXT;
  *memory = malloc(bytes);
  ++fake_live;
  return 0;
}
EXPORT int cuMemFreeHost(void *memory) {
  NEEDS_CONTEXT;
  free(memory);
  --fake_live;
  return 0;
}
EXPORT int cuMemcpyHtoDAsync_v2(uint64_t target, const void *source,
                                size_t bytes, void *stream) {
  NEEDS_CONTEXT;
  note("copy");
  memcpy((void *)target, source, bytes);
  return 0;
}
EXPORT int cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t bytes,
                                void *stream) {
  NEEDS_CONTEXT;
  memcpy(target, (const void *)source, bytes);
  return 0;
}
EXPORT int cuMemcpyDtoDAsync_v2(uint64_t target, uint64_t source, size_t bytes,
                                void *stream) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(725);
  note("move");
  memcpy((void *)target, (const void *)source, bytes);
  return 0;
}
EXPORT int cuMemsetD8Async(uint64_t target, unsigned char value, size_t bytes,
                           void *stream) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(727);
  note("fill");
  memset((void *)target, value, bytes);
  return stream ? 0 : 1;
}
EXPORT int cuStreamCreate(void **stream, unsigned flags) {
  NEEDS_CONTEXT;
  *stream = malloc(1);
  ++fake_live;
  return flags == 1 ? 0 : 1;
}
EXPORT int cuStreamDestroy_v2(void *stream) {
  NEEDS_CONTEXT;
  free(stream);
  --fake_live;
  return 0;
}
EXPORT int cuStreamSynchronize(void *stream) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(716);
  return 0;
}
EXPORT int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(719);
  note("wait");
  return stream && event && flags == 0 ? 0 : 1;
}
EXPORT int cuEventCreate(void **event, unsigned flags) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(720);
  *event = malloc(1);
  ++fake_live;
  return flags == 0 || flags == 2 ? 0 : 1;
}
EXPORT int cuEventDestroy_v2(void *event) {
  NEEDS_CONTEXT;
  free(event);
  --fake_live;
  return 0;
}
EXPORT int cuEventSynchronize(void *event) {
  NEEDS_CONTEXT;
  return event ? 0 : 1;
}
EXPORT int cuEventElapsedTime(float *milliseconds, void *a, void *b) {
  NEEDS_CONTEXT;
  *milliseconds = 0.25f;
  return a && b ? 0 : 1;
}
EXPORT int cuEventRecord(void *event, void *stream) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(726);
  note("event");
  return event && stream ? 0 : 1;
}

/* A graph is its nodes in order: what cuLaunchKernel gets, three words, and the
 * map that may follow. */
struct node {
  void *function;
  unsigned grid[3], block[3], shared;
  void **parameters, **extra, *kernel, *context;
};
struct fake_graph {
  int count;
  struct {
    struct node node;
    uint64_t words[3];
    _Alignas(64) struct map map;
  } each[64];
};
static void set_node(struct fake_graph *graph, int index,
                     const struct node *node) {
  graph->each[index].node = *node;
  for (int i = 0; i < 3; ++i)
    graph->each[index].words[i] = *(uint64_t *)node->parameters[i];
  if (has_map(node->function))
    graph->each[index].map = *(struct map *)node->parameters[3];
}
EXPORT int cuGraphCreate(void **graph, unsigned flags) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(2);
  *graph = aligned_alloc(64, sizeof(struct fake_graph));
  memset(*graph, 0, sizeof(struct fake_graph));
  ++fake_live;
  return flags == 0 ? 0 : 1;
}
EXPORT int cuGraphDestroy(void *graph) {
  NEEDS_CONTEXT;
  free(graph);
  --fake_live;
  return 0;
}
/* Nodes are their index and one, each behind the one before it. */
EXPORT int cuGraphAddKernelNode_v2(void **made, void *graph,
                                   void *const *before, size_t count,
                                   const void *node) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(721);
  note("node");
  struct fake_graph *fake = graph;
  if (fake->count == 64 || (count == 0) != (fake->count == 0) ||
      (count == 1 && *before != (void *)(intptr_t)fake->count))
    return 1;
  set_node(fake, fake->count++, node);
  *made = (void *)(intptr_t)fake->count;
  return 0;
}
EXPORT int cuGraphInstantiateWithFlags(void **made, void *graph,
                                       unsigned long long flags) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(722);
  note("instantiate");
  *made = aligned_alloc(64, sizeof(struct fake_graph));
  memcpy(*made, graph, sizeof(struct fake_graph));
  ++fake_live;
  return flags == 0 ? 0 : 1;
}
EXPORT int cuGraphExecDestroy(void *graph) { return cuGraphDestroy(graph); }
EXPORT int cuGraphExecKernelNodeSetParams_v2(void *graph, void *node,
                                             const void *parameters) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(723);
  note("set");
  struct fake_graph *fake = graph;
  intptr_t index = (intptr_t)node - 1;
  if (index < 0 || index >= fake->count)
    return 1;
  set_node(fake, (int)index, parameters);
  return 0;
}
EXPORT int cuGraphLaunch(void *graph, void *stream) {
  NEEDS_CONTEXT;
  FAIL_IF_ASKED(724);
  note("graph");
  struct fake_graph *fake = graph;
  for (int i = 0; i < fake->count; ++i) {
    void *parameters[4];
    for (int word = 0; word < 3; ++word)
      parameters[word] = &fake->each[i].words[word];
    parameters[3] = &fake->each[i].map;
    struct node *node = &fake->each[i].node;
    size_t length = strlen(fake_log);
    int error =
        cuLaunchKernel(node->function, node->grid[0], node->grid[1],
                       node->grid[2], node->block[0], node->block[1],
                       node->block[2], node->shared, stream, parameters, NULL);
    fake_log[length] = 0;
    if (error)
      return error;
  }
  return 0;
}
