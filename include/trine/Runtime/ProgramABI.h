/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The contract between a package's program.so and the runtime that loads it.
 *
 * program.so exports one symbol, trine_program_query, and imports nothing but
 * libc and libm. Everything it needs from its surroundings comes through
 * trine_program_call. A program is code: load packages only from those you
 * trust.
 *
 * Structures only grow at the end; struct_size tells which members exist. A
 * change that breaks this raises TRINE_PROGRAM_ABI_VERSION. */
#ifndef TRINE_RUNTIME_PROGRAM_ABI_H
#define TRINE_RUNTIME_PROGRAM_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRINE_PROGRAM_ABI_VERSION 1
#define TRINE_MAX_RANK 8

/* Spaces as in plan.buffer. */
enum {
  TRINE_SPACE_DEVICE = 0,
  TRINE_SPACE_PINNED = 1,
  TRINE_SPACE_HOST = 2,
  TRINE_SPACE_DISK = 3
};

/* Element types that rows of tables are delivered in; the values of
 * trine_engram_type. */
enum { TRINE_TABLE_F32 = 1, TRINE_TABLE_F16 = 2, TRINE_TABLE_BF16 = 3 };

/* An input: row-major, contiguous. The runtime has checked type, rank and
 * static sizes against the manifest. */
typedef struct trine_program_tensor {
  const void *data;
  int64_t sizes[TRINE_MAX_RANK];
} trine_program_tensor;

/* What a running step may ask of the runtime. Every function returns 0, or a
 * status that the program returns at once. */
typedef struct trine_program_services {
  uint32_t abi_version;
  uint32_t struct_size;

  /* At least `bytes` bytes of `space` on `device`, aligned to 64, valid until
   * the step ends, contents undefined. */
  int32_t (*arena)(void *context, uint32_t device, uint32_t space,
                   uint64_t bytes, void **base);

  /* The memory for result `index`, row-major, of these sizes (`rank` of them).
   * Called once per result in a step. */
  int32_t (*output)(void *context, uint32_t index, uint32_t rank,
                    const int64_t *sizes, void **data);

  /* Runs workgroups [0, workgroups) of a kernel after all earlier launches on
   * `queue`. Arguments are 64-bit words: for each kernel argument in order, a
   * tensor as its address followed by its dynamic sizes, a size as itself. They
   * are copied before the return. */
  int32_t (*launch)(void *context, uint32_t device, uint32_t queue,
                    uint32_t kernel, uint64_t workgroups,
                    const uint64_t *arguments, uint32_t argument_count);

  /* Waits for `queue`, then copies `bytes` bytes of device memory to the host.
   */
  int32_t (*read)(void *context, uint32_t device, uint32_t queue,
                  const void *source, void *host, uint64_t bytes);

  /* Records why the step fails (a static string of the program), and returns
   * the status to give back. */
  int32_t (*fail)(void *context, const char *message);

  /* Waits for `queue`, copies `count` row ids, and starts to fetch these rows
   * of table number `table` (in the manifest's order). Negative ids count from
   * the end. */
  int32_t (*prefetch_issue)(void *context, uint32_t device, uint32_t queue,
                            uint32_t table, const int64_t *rows, uint64_t count,
                            uint64_t *ticket);

  /* Waits for the rows of a ticket and writes them to device memory, as values
   * of `type` (TRINE_TABLE_*), `bytes` bytes in all. Once per ticket. */
  int32_t (*prefetch_await)(void *context, uint32_t device, uint32_t queue,
                            uint64_t ticket, uint32_t type, void *destination,
                            uint64_t bytes);

  /* Waits for `queue`, and computes trine.engram.hash of [sequences, tokens]
   * ids with the host's library. `rule` is constant data of the program;
   * `token_map` (may be NULL), `history` (may be NULL), ids and results are
   * device memory. */
  int32_t (*engram_hash)(void *context, uint32_t device, uint32_t queue,
                         const int64_t *rule, const void *token_map,
                         uint64_t token_map_size, const int64_t *token_ids,
                         uint64_t sequences, uint64_t tokens,
                         const int64_t *history, int64_t *rows,
                         int64_t *present);

  /* Tells the type that a ticket will be awaited as, so that a device with
   * memory of its own gets the rows as soon as they are there. At most once
   * per ticket, before prefetch_await; without it they are sent there. */
  int32_t (*prefetch_send)(void *context, uint32_t device, uint64_t ticket,
                           uint32_t type);
} trine_program_services;

/* The words of a hash's rule: these, then `order` multipliers, and (order - 1)
 * * heads moduli and as many offsets. */
enum {
  TRINE_RULE_ORDER = 0,
  TRINE_RULE_HEADS = 1,
  TRINE_RULE_PAD = 2,
  TRINE_RULE_RESETS = 3, /* 1: after the token that follows; else 0 */
  TRINE_RULE_RESET_TOKEN = 4,
  TRINE_RULE_MAP_BYTES = 5, /* of an entry of the token map: 8 or 4 */
  TRINE_RULE_CONSTANTS = 6
};

typedef struct trine_program_call {
  uint32_t struct_size;
  uint32_t input_count;
  void *context;
  const trine_program_services *services;
  const trine_program_tensor *inputs;
  /* Start of the data section of weights.safetensors, as the device sees it;
   * offsets into it are part of the program. */
  const void *weights;
} trine_program_call;

/* Runs workgroups [begin, end) of a kernel on the calling thread. */
typedef void (*trine_kernel_function)(const uint64_t *arguments, uint64_t begin,
                                      uint64_t end);

typedef struct trine_program_kernel {
  const char *name;
  trine_kernel_function function; /* host code of the best variant for this CPU;
                                     NULL when the device brings its own */
} trine_program_kernel;

typedef struct trine_program {
  uint32_t abi_version;
  uint32_t struct_size;
  uint32_t kernel_count;
  uint32_t reserved;
  const trine_program_kernel *kernels;
  /* One step: all launches from inputs to outputs. Thread-safe for different
   * contexts. */
  int32_t (*run)(const trine_program_call *call);
} trine_program;

/* The program, or NULL when it does not speak `abi_version`. */
typedef const trine_program *(*trine_program_query_function)(
    uint32_t abi_version);
#define TRINE_PROGRAM_QUERY_SYMBOL "trine_program_query"

#ifdef __cplusplus
}
#endif

#endif
