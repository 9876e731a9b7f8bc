/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program.so written by hand, for the tests of the runtime. Its model:
 *   inputs   x: f32 [batch, seq, 4], past: f32 [batch, past, 4],
 *            mask: i64 [batch, past + seq], command: i64 []
 *   outputs  y: f32 [batch, seq, 4]  = x * weight + sum of past over its rows
 *            present: f32 [batch, past + seq, 4] = past followed by x
 *            count: i64 []           = elements of mask that are not 0
 *   weights  weight: f32 [4] at byte 0 of the data
 * TEST_QUERY gives its one symbol another name, TEST_SPEAKS the version that it
 * answers to, TEST_ABI, TEST_STRUCT_SIZE and TEST_KERNELS what it says about
 * itself. */
#include "TestProgram.h"
#include "trine/Runtime/ProgramABI.h"

#define COLUMNS 4
enum { KERNEL_SUM, KERNEL_SCALE, KERNEL_CONCAT, KERNEL_COUNT, KERNEL_ABSENT };

/* past, batch, rows, result: one workgroup for each batch. */
static void sum(const uint64_t *arguments, uint64_t begin, uint64_t end) {
  const float *past = (const float *)arguments[0];
  uint64_t rows = arguments[1];
  float *result = (float *)arguments[2];
  for (uint64_t b = begin; b < end; ++b)
    for (int c = 0; c < COLUMNS; ++c) {
      float total = 0;
      for (uint64_t r = 0; r < rows; ++r)
        total += past[(b * rows + r) * COLUMNS + c];
      result[b * COLUMNS + c] = total;
    }
}

/* x, rows, weight, sums, y: one workgroup for each row of each batch. */
static void scale(const uint64_t *arguments, uint64_t begin, uint64_t end) {
  const float *x = (const float *)arguments[0];
  uint64_t rows = arguments[1];
  const float *weight = (const float *)arguments[2];
  const float *sums = (const float *)arguments[3];
  float *y = (float *)arguments[4];
  for (uint64_t i = begin; i < end; ++i)
    for (int c = 0; c < COLUMNS; ++c)
      y[i * COLUMNS + c] =
          x[i * COLUMNS + c] * weight[c] + sums[i / rows * COLUMNS + c];
}

/* past, past rows, x, x rows, present: one workgroup for each batch. */
static void concat(const uint64_t *arguments, uint64_t begin, uint64_t end) {
  const float *past = (const float *)arguments[0];
  uint64_t pastSize = arguments[1] * COLUMNS;
  const float *x = (const float *)arguments[2];
  uint64_t xSize = arguments[3] * COLUMNS;
  float *present = (float *)arguments[4];
  for (uint64_t b = begin; b < end; ++b) {
    float *out = present + b * (pastSize + xSize);
    for (uint64_t i = 0; i < pastSize; ++i)
      out[i] = past[b * pastSize + i];
    for (uint64_t i = 0; i < xSize; ++i)
      out[pastSize + i] = x[b * xSize + i];
  }
}

/* mask, size, count: one workgroup. */
static void count(const uint64_t *arguments, uint64_t begin, uint64_t end) {
  const int64_t *mask = (const int64_t *)arguments[0];
  int64_t total = 0;
  for (uint64_t i = 0; i < arguments[1]; ++i)
    total += mask[i] != 0;
  *(int64_t *)arguments[2] = total;
}

#define CHECK(call)                                                            \
  do {                                                                         \
    int32_t status = (call);                                                   \
    if (status)                                                                \
      return status;                                                           \
  } while (0)

/* The faults that replace a step. */
static int32_t misbehave(const trine_program_call *call, int64_t command) {
  const trine_program_services *s = call->services;
  void *c = call->context, *p;
  const int64_t *x = call->inputs[0].sizes;
  int64_t sizes[3] = {x[0], x[1], COLUMNS};
  switch (command) {
  case COMMAND_FAIL:
    return s->fail(c, "node 'Gather_7': index out of range");
  case COMMAND_FAIL_SILENTLY:
    return 77;
  case COMMAND_HUGE_ARENA:
    return s->arena(c, 0, TRINE_SPACE_DEVICE, (uint64_t)1 << 62, &p);
  case COMMAND_WRONG_SPACE:
    return s->arena(c, 0, TRINE_SPACE_DISK, 64, &p);
  case COMMAND_WRONG_DEVICE:
    return s->arena(c, 1, TRINE_SPACE_DEVICE, 64, &p);
  case COMMAND_WRONG_KERNEL:
    return s->launch(c, 0, 0, 99, 1, 0, 0);
  case COMMAND_ABSENT_KERNEL:
    return s->launch(c, 0, 0, KERNEL_ABSENT, 1, 0, 0);
  case COMMAND_WRONG_OUTPUT:
    return s->output(c, 99, 3, sizes, &p);
  case COMMAND_OUTPUT_TWICE:
    CHECK(s->output(c, 0, 3, sizes, &p));
    return s->output(c, 0, 3, sizes, &p);
  case COMMAND_OUTPUT_RANK:
    return s->output(c, 0, 2, sizes, &p);
  case COMMAND_OUTPUT_SIZE:
    sizes[2] = 5;
    return s->output(c, 0, 3, sizes, &p);
  case COMMAND_OUTPUT_SYMBOL:
    sizes[1] += 1;
    return s->output(c, 0, 3, sizes, &p);
  default:
    return s->fail(c, "unknown command");
  }
}

static int32_t run(const trine_program_call *call) {
  const trine_program_services *s = call->services;
  void *c = call->context;
  const trine_program_tensor *x = &call->inputs[0], *past = &call->inputs[1];
  const trine_program_tensor *mask = &call->inputs[2];
  int64_t batch = x->sizes[0], seq = x->sizes[1], rows = past->sizes[1];
  int64_t command;
  CHECK(s->read(c, 0, 0, call->inputs[3].data, &command, sizeof command));
  if (command > COMMAND_NONE && command < COMMAND_OUTPUT_MISSING)
    return misbehave(call, command);
  if (command == COMMAND_IGNORE_FAILURE)
    s->launch(c, 0, 0, 99, 1, 0, 0);
  if (command == COMMAND_MANY_ARENAS)
    for (int i = 1; i < 100; ++i) {
      void *piece;
      CHECK(s->arena(c, 0, TRINE_SPACE_DEVICE, i * 100, &piece));
      for (int b = 0; b < i * 100; ++b)
        ((char *)piece)[b] = (char)i;
    }

  void *sums, *y, *present, *total;
  CHECK(s->arena(c, 0, TRINE_SPACE_DEVICE, batch * COLUMNS * sizeof(float),
                 &sums));
  int64_t ySizes[3] = {batch, seq, COLUMNS};
  CHECK(s->output(c, 0, 3, ySizes, &y));
  uint64_t sumArguments[3] = {(uint64_t)past->data, rows, (uint64_t)sums};
  CHECK(s->launch(c, 0, 0, KERNEL_SUM, batch, sumArguments, 3));
  uint64_t scaleArguments[5] = {(uint64_t)x->data, seq, (uint64_t)call->weights,
                                (uint64_t)sums, (uint64_t)y};
  CHECK(s->launch(c, 0, 0, KERNEL_SCALE, batch * seq, scaleArguments, 5));
  int64_t presentSizes[3] = {batch, rows + seq, COLUMNS};
  CHECK(s->output(c, 1, 3, presentSizes, &present));
  uint64_t concatArguments[5] = {(uint64_t)past->data, rows, (uint64_t)x->data,
                                 seq, (uint64_t)present};
  CHECK(s->launch(c, 0, 0, KERNEL_CONCAT, batch, concatArguments, 5));
  if (command == COMMAND_OUTPUT_MISSING)
    return 0;
  CHECK(s->output(c, 2, 0, 0, &total));
  uint64_t countArguments[3] = {
      (uint64_t)mask->data, mask->sizes[0] * mask->sizes[1], (uint64_t)total};
  return s->launch(c, 0, 0, KERNEL_COUNT, 1, countArguments, 3);
}

/* Not static: a variant does not use it. */
extern const trine_program_kernel kernels[];
const trine_program_kernel kernels[] = {{"sum", sum},
                                        {"scale", scale},
                                        {"concat", concat},
                                        {"count", count},
                                        {"absent", 0}};

#ifndef TEST_ABI
#define TEST_ABI TRINE_PROGRAM_ABI_VERSION
#endif
#ifndef TEST_STRUCT_SIZE
#define TEST_STRUCT_SIZE sizeof(trine_program)
#endif
#ifndef TEST_SPEAKS
#define TEST_SPEAKS TRINE_PROGRAM_ABI_VERSION
#endif
#ifndef TEST_KERNELS
#define TEST_KERNELS kernels
#endif
#ifndef TEST_QUERY
#define TEST_QUERY trine_program_query
#endif
static const trine_program program = {TEST_ABI, TEST_STRUCT_SIZE, 5,
                                      0,        TEST_KERNELS,     run};

__attribute__((visibility("default"))) const trine_program *
TEST_QUERY(uint32_t abi_version) {
  return abi_version == TEST_SPEAKS ? &program : 0;
}
