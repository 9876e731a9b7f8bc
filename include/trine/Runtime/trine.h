/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trine's runtime: opens a compiled package and runs it.
 *
 *   trine_package *package;
 *   trine_session *session;
 *   if (trine_package_open("model.trine", NULL, &package) != TRINE_OK ||
 *       trine_session_create(package, NULL, &session) != TRINE_OK)
 *     puts(trine_status_message());
 *   trine_tensor input = {.name = "x", .data = x, .bytes = sizeof x,
 *                         .type = TRINE_TYPE_F32, .rank = 2, .sizes = {2, 4}};
 *   trine_tensor output = {.name = "y"};
 *   if (trine_session_run(session, &input, 1, &output, 1) == TRINE_OK)
 *     use(output.data, output.sizes);
 *   trine_session_destroy(session);
 *   trine_package_close(package);
 *
 * Errors. Functions that can fail return a trine_status. Anything but TRINE_OK
 * leaves a sentence for people, which names the value, what was expected and
 * what came, in trine_status_message(). Nothing here aborts or throws.
 *
 * Ownership. What a function hands out through a pointer belongs to the object
 * it was asked of, and lives as long as that object, unless said otherwise.
 * Memory passed in is borrowed for the duration of the call only.
 *
 * Threads. A package may be used from any number of threads. A session runs one
 * step at a time; different sessions may run at the same time. Every other
 * function on one session must not overlap with its run.
 *
 * Trust. A package contains machine code: open only packages you trust.
 *
 * Compatibility. Structures that begin with struct_size only grow at the end.
 * Set struct_size to the sizeof that you compiled with (the INIT macros do).
 * trine_tensor and trine_profile_record never change. */
#ifndef TRINE_RUNTIME_TRINE_H
#define TRINE_RUNTIME_TRINE_H

#include <stdint.h>

#ifdef __GNUC__
#define TRINE_API __attribute__((visibility("default")))
#else
#define TRINE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this header's functions and structures. */
#define TRINE_API_VERSION 1
#ifndef TRINE_MAX_RANK
#define TRINE_MAX_RANK 8
#endif

/*===-- Status ------------------------------------------------------------===*/

typedef int32_t trine_status;
enum {
  TRINE_OK = 0,
  TRINE_ERROR_INVALID_ARGUMENT = 1, /* the call itself: NULL, unknown name */
  TRINE_ERROR_NOT_FOUND = 2,        /* a file or folder does not exist */
  TRINE_ERROR_IO = 3,               /* the system could not read or map it */
  TRINE_ERROR_BAD_PACKAGE = 4,      /* malformed, truncated or inconsistent */
  TRINE_ERROR_HASH_MISMATCH = 5,    /* a file is not the one compiled */
  TRINE_ERROR_VERSION = 6,          /* format or program ABI not supported */
  TRINE_ERROR_CPU = 7,              /* this CPU lacks a required feature */
  TRINE_ERROR_DEVICE = 8,           /* device unknown, absent or failing */
  TRINE_ERROR_BAD_INPUT = 9,        /* an input's name, type, rank or sizes */
  TRINE_ERROR_BAD_OUTPUT = 10,      /* an output's name or memory */
  TRINE_ERROR_OUT_OF_MEMORY = 11,
  TRINE_ERROR_PROGRAM = 12 /* the step failed: the model's own checks */
};
/* Packages and steps with Engram tables may also return codes of engram.h, 32
 * and above. */

/* Why the last failing call on this thread failed; "" before any. Several
 * problems are separated by newlines. Valid until the next failing call on
 * this thread. */
TRINE_API const char *trine_status_message(void);

/* The name of a status in words, as "hash mismatch". Never NULL. */
TRINE_API const char *trine_status_name(trine_status status);

/* TRINE_API_VERSION of the library that is loaded. */
TRINE_API uint32_t trine_api_version(void);

/* Version of the library that is loaded, as "0.1.0". */
TRINE_API const char *trine_version(void);

/*===-- Tensors -----------------------------------------------------------===*/

typedef int32_t trine_type;
enum {
  TRINE_TYPE_NONE = 0,
  TRINE_TYPE_F64 = 1,
  TRINE_TYPE_F32 = 2,
  TRINE_TYPE_F16 = 3,
  TRINE_TYPE_BF16 = 4,
  TRINE_TYPE_I8 = 5,
  TRINE_TYPE_I16 = 6,
  TRINE_TYPE_I32 = 7,
  TRINE_TYPE_I64 = 8,
  TRINE_TYPE_U8 = 9,
  TRINE_TYPE_U16 = 10,
  TRINE_TYPE_U32 = 11,
  TRINE_TYPE_U64 = 12,
  TRINE_TYPE_BOOL = 13, /* one byte, 0 or 1 */
  /* One byte per element, also for types of 2 and 4 bits: integers as their
   * value (i4 as int8_t, u4 as uint8_t), floats as their code in the low bits.
   */
  TRINE_TYPE_I4 = 14,
  TRINE_TYPE_U4 = 15,
  TRINE_TYPE_I2 = 16,
  TRINE_TYPE_U2 = 17,
  TRINE_TYPE_F8E4M3FN = 18,
  TRINE_TYPE_F8E4M3FNUZ = 19,
  TRINE_TYPE_F8E5M2 = 20,
  TRINE_TYPE_F8E5M2FNUZ = 21,
  TRINE_TYPE_F8E8M0FNU = 22,
  TRINE_TYPE_F4E2M1FN = 23
};

/* "f32", "bool", ...; NULL for what is no type. */
TRINE_API const char *trine_type_name(trine_type type);
/* Bytes of one element; 0 for what is no type. */
TRINE_API uint32_t trine_type_size(trine_type type);

/* A named tensor in memory: row-major, contiguous, aligned at least to its
 * element size. A size may be 0; a scalar has rank 0. */
typedef struct trine_tensor {
  const char *name;
  void *data;     /* never written through for inputs */
  uint64_t bytes; /* of the memory at data; at least what the sizes need */
  trine_type type;
  uint32_t rank;
  int64_t sizes[TRINE_MAX_RANK];
} trine_tensor;

/*===-- Packages ----------------------------------------------------------===*/

typedef struct trine_package trine_package;

typedef struct trine_package_options {
  uint32_t struct_size;
  /* Nonzero: compare the SHA-256 of every file with the manifest's. Reads the
   * whole package once. Sizes are always compared. Default: 1. */
  uint32_t verify_hashes;
  /* Where the rows of Engram tables are served from, a trine_engram_tier
   * (engram.h). 0 (default): mapped, when all tables are at most half of the
   * machine's memory, else from disk. */
  int32_t table_tier;
  /* Hot rows of each table on disk that are kept in memory, in bytes. Default:
   * 256 MiB. */
  uint64_t table_cache_bytes;
  /* The folder below which tables may be opened that a package refers to
   * instead of holding them. NULL (default): none is opened. No part of a path
   * below it may be a link. */
  const char *table_folder;
  /* When blocks of tables are compared with their checksums, a
   * trine_engram_check (engram.h). Default: 0, on demand. */
  int32_t table_check;
  /* Fetches of rows in flight, at most. More of them wait until they are
   * needed, which costs time alone. Default: 64. */
  uint32_t table_tickets;
  /* How long a step waits for rows before it fails with
   * TRINE_ENGRAM_ERROR_LATE. Default: 60,000; UINT64_MAX: no limit. */
  uint64_t table_deadline_milliseconds;
  /* NULL (default), or the folder that keeps the checksums of referenced
   * tables, as tableI.checksums for table I. Those that are there are read;
   * trine_engram_table_save_checksums writes them. */
  const char *table_checksums;
  /* NULL (default), or what reads instead of the operating system: a
   * trine_engram_read_function (engram.h), and its first argument. */
  int64_t (*table_read)(void *context, int file, uint64_t offset,
                        uint64_t bytes, void *buffer);
  void *table_read_context;
} trine_package_options;
#define TRINE_PACKAGE_OPTIONS_INIT                                             \
  {sizeof(trine_package_options),                                              \
   1,                                                                          \
   0,                                                                          \
   256u << 20,                                                                 \
   (const char *)0,                                                            \
   0,                                                                          \
   64,                                                                         \
   60000,                                                                      \
   (const char *)0,                                                            \
   0,                                                                          \
   (void *)0}

/* Opens the package in folder `path`. Weights are mapped read-only, once for
 * all sessions. NULL options are the defaults. On failure *package is NULL. */
TRINE_API trine_status trine_package_open(const char *path,
                                          const trine_package_options *options,
                                          trine_package **package);

/* Gives the package back. Sessions made from it keep what they need: the order
 * of closing is free. NULL is ignored. */
TRINE_API void trine_package_close(trine_package *package);

typedef struct trine_package_info {
  uint32_t struct_size;
  uint32_t format_major, format_minor;
  uint32_t program_abi;
  const char *name;
  const char *producer;
  const char *target; /* as "host x86_64: x86-64-v3 (avx2, fma)" */
  uint64_t weights_bytes;
  uint32_t input_count, output_count, symbol_count, kernel_count;
  uint32_t state_count; /* 0: past and present are inputs and outputs */
  uint32_t ragged;      /* nonzero: slots of a step may differ in length */
} trine_package_info;

/* Describes the package. The caller sets info->struct_size. */
TRINE_API trine_status trine_package_describe(const trine_package *package,
                                              trine_package_info *info);

typedef struct trine_tensor_info {
  uint32_t struct_size;
  trine_type type;
  const char *name;
  uint32_t rank;
  const int64_t *sizes;       /* rank of them; -1: known only at run time */
  const char *const *symbols; /* rank of them; text as "past + seq", or NULL
                                 where the size is a constant */
  double relative_tolerance;  /* promised for an output; 0: none stated */
} trine_tensor_info;

/* Input or output `index`, in the order of the model. The caller sets
 * info->struct_size. */
TRINE_API trine_status trine_package_input(const trine_package *package,
                                           uint32_t index,
                                           trine_tensor_info *info);
TRINE_API trine_status trine_package_output(const trine_package *package,
                                            uint32_t index,
                                            trine_tensor_info *info);

/* A size that a step chooses: which input shows it, and its range. */
typedef struct trine_symbol_info {
  uint32_t struct_size;
  const char *name;
  int32_t input, dimension; /* where it is read; -1: it depends on data */
  int64_t minimum;
  int64_t maximum; /* -1: no bound */
  int64_t divisor; /* the size must be a multiple of this; at least 1 */
} trine_symbol_info;

/* The caller sets info->struct_size. Behind the last symbol:
 * TRINE_ERROR_INVALID_ARGUMENT. */
TRINE_API trine_status trine_package_symbol(const trine_package *package,
                                            uint32_t index,
                                            trine_symbol_info *info);

/* Sizes of input or output `index` for given sizes of the symbols: what an
 * input must have, or what memory an output will need. `symbols` has a size for
 * each symbol in the package's order (-1: not known); `sizes` gets the rank's
 * number of sizes (-1: not known, as it depends on data, for example). */
TRINE_API trine_status trine_package_input_sizes(const trine_package *package,
                                                 uint32_t index,
                                                 const int64_t *symbols,
                                                 int64_t *sizes);
TRINE_API trine_status trine_package_output_sizes(const trine_package *package,
                                                  uint32_t index,
                                                  const int64_t *symbols,
                                                  int64_t *sizes);

/* A state that sessions keep of each sequence; see trine_state_slots. */
typedef struct trine_state_info {
  uint32_t struct_size;
  trine_type type;
  const char *name;    /* the model's input before a step */
  const char *present; /* the model's output after it */
  uint32_t rank;
  uint32_t axis;        /* that grows; 0: the value is replaced */
  const int64_t *sizes; /* rank of them; -1: slots, entries */
  const char *const *symbols;
  const void *initial; /* one element: what a replaced value is made of before
                          the first step */
} trine_state_info;

/* The caller sets info->struct_size. Behind the last state:
 * TRINE_ERROR_INVALID_ARGUMENT. */
TRINE_API trine_status trine_package_state(const trine_package *package,
                                           uint32_t index,
                                           trine_state_info *info);

/* A compiled kernel, and the nodes of the source model that it computes. */
typedef struct trine_kernel_info {
  uint32_t struct_size;
  const char *name;
  const char *skeleton; /* as "matmul"; "" when the manifest says nothing */
  uint32_t node_count;
  const char *const *nodes;
} trine_kernel_info;

/* The caller sets info->struct_size. Behind the last kernel:
 * TRINE_ERROR_INVALID_ARGUMENT. */
TRINE_API trine_status trine_package_kernel(const trine_package *package,
                                            uint32_t index,
                                            trine_kernel_info *info);

/* Table `index` of the package, for trine_engram_table_describe and
 * trine_engram_table_statistics (engram.h). It belongs to the package. After
 * the last table: TRINE_ERROR_INVALID_ARGUMENT. */
struct trine_engram_table;
TRINE_API trine_status trine_package_table(const trine_package *package,
                                           uint32_t index,
                                           struct trine_engram_table **table);

/*===-- Sessions ----------------------------------------------------------===*/

typedef struct trine_session trine_session;

typedef struct trine_session_options {
  uint32_t struct_size;
  /* Threads that work on a step, the calling one included. 0 (default): as
   * many as the CPUs this process may use. The result does not depend on it. */
  uint32_t threads;
  /* "host", "cuda" or "sim", with options as in "cuda:direct" or
   * "sim:sm_90a,unchecked". NULL (default): what the package is made for */
  const char *device;
  uint32_t profile; /* nonzero: record kernel times. Default: 0 */
  /* Steps after which a state that is replaced (a convolution's window, a
   * history) can still be truncated, at most 1024. Default: 4 */
  uint32_t undo_steps;
} trine_session_options;
#define TRINE_SESSION_OPTIONS_INIT                                             \
  {sizeof(trine_session_options), 0, (const char *)0, 0, 4}

/* A session holds what a step needs besides weights: threads, working memory,
 * outputs. NULL options are the defaults. On failure *session is NULL. */
TRINE_API trine_status trine_session_create(
    trine_package *package, const trine_session_options *options,
    trine_session **session);
/* NULL is ignored. No step may be running. */
TRINE_API void trine_session_destroy(trine_session *session);

/* Runs one step.
 *
 * Inputs: every input of the model once, by name, in any order.
 *
 * Outputs: any of the model's outputs, by name, in any order. All are computed;
 * those not named here can be had from trine_session_output. On entry only
 * `name`, `data` and `bytes` are read:
 * - data NULL: the session owns the memory, which stays valid until the next
 *   run or the end of the session;
 * - else the result is written there. `bytes` must be enough, and the memory
 *   must not overlap an input or another output.
 * On return all members but `name` describe the result. When the step fails,
 * outputs hold nothing useful.
 *
 * Sizes that were seen before, or smaller ones, allocate nothing. */
TRINE_API trine_status trine_session_run(trine_session *session,
                                         const trine_tensor *inputs,
                                         uint32_t input_count,
                                         trine_tensor *outputs,
                                         uint32_t output_count);

typedef struct trine_step_options {
  uint32_t struct_size;
  /* With state: the step works on slots [first_slot, first_slot + batch), and
   * makes those that are not there. Default: 0 */
  uint32_t first_slot;
  /* With state that only grows: how many of the step's new entries each of its
   * slots takes, from the first on; the others are padding, and nothing of them
   * is kept. What the step gives for padding means nothing. NULL (default):
   * all */
  const int64_t *new_entries;
  uint32_t
      new_entry_count; /* of `new_entries`: one for each slot of the step */
} trine_step_options;
#define TRINE_STEP_OPTIONS_INIT                                                \
  {sizeof(trine_step_options), 0, (const int64_t *)0, 0}

/* As trine_session_run, with options; NULL options are the defaults. */
TRINE_API trine_status trine_session_step(trine_session *session,
                                          const trine_step_options *options,
                                          const trine_tensor *inputs,
                                          uint32_t input_count,
                                          trine_tensor *outputs,
                                          uint32_t output_count);

/* Tells the session what the step after the next run begins with, so that rows
 * of Engram tables are fetched for it while that run computes (chunks of a
 * prefill, decoding with ids known ahead). `inputs` are copied; those that row
 * ids do not depend on may be left out. A hint: a step that is given other
 * inputs fetches its own rows. NULL and 0 take it back. */
TRINE_API trine_status trine_session_announce(trine_session *session,
                                              const trine_tensor *inputs,
                                              uint32_t input_count);

/* Output `index` of the last run, which must have succeeded. */
TRINE_API trine_status trine_session_output(const trine_session *session,
                                            uint32_t index,
                                            trine_tensor *output);

/* Time that one thread spent in one launch of a kernel. */
typedef struct trine_profile_record {
  uint32_t kernel;     /* index for trine_package_kernel */
  uint32_t thread;     /* 0 is the thread that called run */
  uint64_t launch;     /* number of the launch within the step, from 0 */
  uint64_t start, end; /* nanoseconds since the step began */
  uint64_t workgroups; /* that this thread ran */
} trine_profile_record;

/* Records of the last run by start time, valid until the next one. None unless
 * the session was created with `profile`. */
TRINE_API trine_status
trine_session_profile(const trine_session *session,
                      const trine_profile_record **records, uint64_t *count);

/*===-- State -------------------------------------------------------------===*/

/* A package that was compiled with `trine-compile --state` keeps what the model
 * passes from step to step (caches, histories, windows) in the session: none
 * of it is an input or output. A session has slots, one for each sequence. A
 * slot's length is the number of its entries (tokens), the same in all states
 * that grow; new slots are empty. A step adds its new tokens to every slot it
 * works on, or, when it fails, changes nothing.
 *
 * These functions act on all states of the session together. They fail with
 * TRINE_ERROR_INVALID_ARGUMENT when the package has no state, when a slot does
 * not exist, and while a step runs. When one fails, nothing has changed. */

/* The number of slots. */
TRINE_API trine_status trine_state_slots(const trine_session *session,
                                         uint32_t *slots);
/* Lengths of slots [0, count); `count` must not be more than there are. */
TRINE_API trine_status trine_state_lengths(const trine_session *session,
                                           int64_t *lengths, uint32_t count);
/* Entries for which every slot has memory. It doubles when a step needs more
 * (in multiples of 64), which copies what is there once. */
TRINE_API trine_status trine_state_capacity(const trine_session *session,
                                            int64_t *entries);
/* Makes slots and memory ahead: at least `slots`, each for `entries`. */
TRINE_API trine_status trine_state_reserve(trine_session *session,
                                           uint32_t slots, int64_t entries);
/* Drops the newest entries of a slot. Values that steps replace can go back to
 * the ends of the last `undo_steps` steps, and to 0. */
TRINE_API trine_status trine_state_truncate(trine_session *session,
                                            uint32_t slot, int64_t length);
/* Empties a slot. */
TRINE_API trine_status trine_state_reset(trine_session *session, uint32_t slot);
/* Slot b becomes a copy of slot sources[b], for all b below `count`, which is
 * the number of slots from then on. */
TRINE_API trine_status trine_state_fork(trine_session *session,
                                        const uint32_t *sources,
                                        uint32_t count);
/* Writes slots [first_slot, first_slot + count) to a file (safetensors;
 * docs/state.md). It appears whole or not at all. */
TRINE_API trine_status trine_state_save(const trine_session *session,
                                        const char *path, uint32_t first_slot,
                                        uint32_t count);
/* Reads the file's slots into first_slot and those behind it, and makes those
 * that are not there. Fails with TRINE_ERROR_BAD_INPUT when the file is broken
 * or of another model. */
TRINE_API trine_status trine_state_load(trine_session *session,
                                        const char *path, uint32_t first_slot);

#ifdef __cplusplus
}
#endif

#endif
