/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The Engram store: hashes token ids to rows of n-gram tables, and fetches
 * rows of tables of any size from memory or disk, ahead of their use.
 *
 *   trine_engram_store *store;
 *   trine_engram_table *table;
 *   trine_engram_ticket *ticket;
 *   trine_engram_store_open(NULL, &store);
 *   trine_engram_table_open(store, "layer1.engram", NULL, &table);
 *   trine_engram_begin(table, rows, count, 0, &ticket);  // returns at once
 *   ...                                                  // other work
 *   trine_engram_wait(ticket, TRINE_ENGRAM_BF16, memory, bytes, -1);
 *
 * The promise. A row that is delivered is the row that was asked for, bit for
 * bit. A late row costs time; a row that cannot be had ends in a status whose
 * message names the table, the row and the cause. No row is ever replaced.
 *
 * Errors. Functions that can fail return a trine_status: TRINE_OK, a code of
 * trine.h, or one of the codes below. trine_engram_message() then says why.
 *
 * Threads. Everything here may be called from any number of threads. One ticket
 * belongs to one thread at a time, but for trine_engram_cancel_session.
 *
 * This library (libtrine_engram) is usable without the rest of the runtime. */
#ifndef TRINE_RUNTIME_ENGRAM_H
#define TRINE_RUNTIME_ENGRAM_H

#include "trine/Runtime/trine.h"

#ifdef __cplusplus
extern "C" {
#endif

/*===-- Status and types --------------------------------------------------===*/

enum {
  TRINE_ENGRAM_ERROR_BAD_TABLE = 32, /* the file is no table, or truncated */
  TRINE_ENGRAM_ERROR_CHANGED = 33,   /* the file is not the one described */
  TRINE_ENGRAM_ERROR_CHECKSUM = 34,  /* a row or block is damaged */
  TRINE_ENGRAM_ERROR_BAD_ROW = 35,   /* a row id outside of the table */
  TRINE_ENGRAM_ERROR_LATE = 36,      /* the deadline passed; wait again */
  TRINE_ENGRAM_ERROR_CANCELLED = 37,
  TRINE_ENGRAM_ERROR_FULL = 38,  /* too much in flight: wait for something */
  TRINE_ENGRAM_ERROR_CLOSED = 39 /* the store was closed meanwhile */
};

/* Why the last failing call of this library on this thread failed; "" before
 * any. Valid until the next failing call on this thread. */
TRINE_API const char *trine_engram_message(void);

/* How a table holds its values. */
typedef int32_t trine_engram_type;
enum {
  TRINE_ENGRAM_F32 = 1,
  TRINE_ENGRAM_F16 = 2,
  TRINE_ENGRAM_BF16 = 3,
  /* 8-bit floats (e4m3, no infinities) with a scale 2^(byte - 127), byte 255
   * being NaN, for each 32 values. A value is float times scale, exactly,
   * rounded once to the type asked for. */
  TRINE_ENGRAM_E4M3 = 4
};

/*===-- The store ---------------------------------------------------------===*/

typedef struct trine_engram_store trine_engram_store;
typedef struct trine_engram_table trine_engram_table;
typedef struct trine_engram_ticket trine_engram_ticket;

typedef int32_t trine_engram_engine;
enum {
  TRINE_ENGRAM_ENGINE_AUTO = 0,  /* io_uring where the kernel has it */
  TRINE_ENGRAM_ENGINE_URING = 1, /* or fail */
  TRINE_ENGRAM_ENGINE_THREADS = 2
};

/* Reads up to `bytes` bytes at `offset` of `file`; returns how many were read,
 * or a negated errno value. Called from several threads at once. */
typedef int64_t (*trine_engram_read_function)(void *context, int file,
                                              uint64_t offset, uint64_t bytes,
                                              void *buffer);

typedef struct trine_engram_store_options {
  uint32_t struct_size;
  uint32_t workers;       /* tickets that are read at the same time: 4 */
  uint32_t queue_depth;   /* reads in flight for each of them: 128 */
  uint32_t read_threads;  /* without io_uring: threads that read: 16 */
  uint32_t tickets;       /* begun and not yet waited for, at most: 64 */
  int32_t engine;         /* a trine_engram_engine */
  uint64_t staging_bytes; /* rows read and not yet waited for: 32 MiB */
  /* How long trine_engram_begin waits for room before it fails with FULL.
   * Default 0: it fails at once; UINT64_MAX: it waits for ever. */
  uint64_t begin_milliseconds;
  /* What trine_engram_wait takes for its deadline when it is given -1: 60,000;
   * UINT64_MAX: none. */
  uint64_t deadline_milliseconds;
  /* Replaces reading by something else: storage over a network, or faults for
   * tests. Implies TRINE_ENGRAM_ENGINE_THREADS. */
  trine_engram_read_function read;
  void *read_context;
} trine_engram_store_options;
#define TRINE_ENGRAM_STORE_OPTIONS_INIT                                        \
  {sizeof(trine_engram_store_options),                                         \
   4,                                                                          \
   128,                                                                        \
   16,                                                                         \
   64,                                                                         \
   TRINE_ENGRAM_ENGINE_AUTO,                                                   \
   32u << 20,                                                                  \
   0,                                                                          \
   60000,                                                                      \
   0,                                                                          \
   (void *)0}

/* A store: its threads and bounds, for any number of tables. */
TRINE_API trine_status trine_engram_store_open(
    const trine_engram_store_options *options, trine_engram_store **store);

/* Ends the store: tickets in flight end with CLOSED, reads in flight are
 * awaited. Tables and tickets stay valid and must still be given back. */
TRINE_API void trine_engram_store_close(trine_engram_store *store);

/* The engine in use: URING or THREADS. */
TRINE_API trine_engram_engine
trine_engram_store_engine(const trine_engram_store *store);

/*===-- Tables ------------------------------------------------------------===*/

typedef int32_t trine_engram_tier;
enum {
  TRINE_ENGRAM_TIER_RESIDENT = 1, /* a copy in memory, checked while read */
  TRINE_ENGRAM_TIER_MAPPED = 2,   /* the page cache's copy, shared by processes.
                                     The file must not be truncated meanwhile. */
  TRINE_ENGRAM_TIER_DISK = 3      /* direct reads, and a cache of hot rows */
};

/* When the SHA-256 of blocks (1 MiB) are compared. Rows of a table that this
 * library wrote carry a CRC-32C of their own, which every read from disk
 * checks whatever is chosen here. */
typedef int32_t trine_engram_check;
enum {
  TRINE_ENGRAM_CHECK_ON_DEMAND = 0,  /* by trine_engram_table_verify alone */
  TRINE_ENGRAM_CHECK_FIRST_TOUCH = 1 /* before the first row of a block */
};

typedef struct trine_engram_table_options {
  uint32_t struct_size;
  int32_t tier;         /* a trine_engram_tier: DISK */
  int32_t check;        /* a trine_engram_check: ON_DEMAND */
  uint32_t huge_pages;  /* nonzero: ask for huge pages: 1 */
  uint64_t cache_bytes; /* of the cache of hot rows, DISK only: 256 MiB */
  /* NULL, or a file of trine_engram_table_save_profile: its rows are read into
   * the cache before this returns. */
  const char *profile;
  /* Referenced tables: NULL, or the file that keeps their blocks' checksums.
   * It is read if it is there; trine_engram_table_save_checksums writes it. */
  const char *checksums;
} trine_engram_table_options;
#define TRINE_ENGRAM_TABLE_OPTIONS_INIT                                        \
  {sizeof(trine_engram_table_options),                                         \
   TRINE_ENGRAM_TIER_DISK,                                                     \
   TRINE_ENGRAM_CHECK_ON_DEMAND,                                               \
   1,                                                                          \
   256u << 20,                                                                 \
   (const char *)0,                                                            \
   (const char *)0}

/* Opens a table that a writer (below) made. A table that this store has open
 * already, with the same tier, is shared: the first one's options hold. */
TRINE_API trine_status trine_engram_table_open(
    trine_engram_store *store, const char *path,
    const trine_engram_table_options *options, trine_engram_table **table);

/* A table in place, inside another file (a .safetensors file, say): where its
 * rows are, and which file was meant. */
typedef struct trine_engram_reference {
  uint32_t struct_size;
  int32_t type; /* a trine_engram_type */
  const char *name;
  const char *path; /* relative to the folder */
  uint64_t rows, width;
  uint64_t offset, stride; /* of the values: row r is at offset + r * stride */
  uint64_t scale_offset, scale_stride; /* of the scales (E4M3 only) */
  /* The file that was meant, as trine_engram_identify found it. */
  uint64_t file_bytes;
  int64_t modified_nanoseconds;
  char header_sha256[65]; /* of the first 64 KiB, in hexadecimal digits */
} trine_engram_reference;

/* Fills file_bytes, modified_nanoseconds and header_sha256 for `path`. */
TRINE_API trine_status trine_engram_identify(const char *folder,
                                             trine_engram_reference *reference);

/* Opens a table in place. Only files under `folder` are opened, and no part of
 * the path below it may be a link. */
TRINE_API trine_status trine_engram_table_open_reference(
    trine_engram_store *store, const char *folder,
    const trine_engram_reference *reference,
    const trine_engram_table_options *options, trine_engram_table **table);

/* Gives a table back. Tickets keep what they need. NULL is ignored. */
TRINE_API void trine_engram_table_close(trine_engram_table *table);

typedef struct trine_engram_table_info {
  uint32_t struct_size;
  int32_t type, tier;
  const char *name;
  uint64_t rows, width;
  uint64_t record_bytes; /* of a row with its scales and checksum, padded */
  uint64_t file_bytes;
  uint64_t cache_rows;   /* that fit into the cache */
  uint32_t is_reference; /* nonzero: in place, in another's file */
  uint32_t reserved;
} trine_engram_table_info;

/* The caller sets info->struct_size. The name is valid until the table is
 * closed. */
TRINE_API trine_status trine_engram_table_describe(
    const trine_engram_table *table, trine_engram_table_info *info);

/* Reads the blocks that hold these rows and compares them with their checksums;
 * blocks of a referenced table that have none yet get one. */
TRINE_API trine_status trine_engram_table_verify(trine_engram_table *table,
                                                 uint64_t first_row,
                                                 uint64_t row_count);

/* Writes the checksums of a referenced table, for the option `checksums`. */
TRINE_API trine_status trine_engram_table_save_checksums(
    const trine_engram_table *table, const char *path);

/* Writes the rows that the cache holds, for the option `profile`. */
TRINE_API trine_status trine_engram_table_save_profile(
    const trine_engram_table *table, const char *path);

/*===-- Fetching rows -----------------------------------------------------===*/

/* Starts to fetch rows; ids are copied. `session` is a number of the caller's
 * choice for trine_engram_cancel_session. On failure *ticket is NULL. */
TRINE_API trine_status trine_engram_begin(trine_engram_table *table,
                                          const int64_t *rows, uint64_t count,
                                          uint64_t session,
                                          trine_engram_ticket **ticket);

/* As trine_engram_begin, for one who has FULL and waits for these rows next:
 * what is in flight may be his own, so this never fails with FULL. Stages 1 MiB
 * at a time beyond the store's bounds. */
TRINE_API trine_status trine_engram_begin_urgent(trine_engram_table *table,
                                                 const int64_t *rows,
                                                 uint64_t count,
                                                 uint64_t session,
                                                 trine_engram_ticket **ticket);

/* Waits for the rows and writes them, in the order asked for, as `type` (F32,
 * F16 or BF16): count * width values. The ticket is gone afterwards, except
 * after LATE: then wait again, or cancel. When this fails, the memory at
 * `destination` holds nothing useful. A deadline of -1 is the store's. */
TRINE_API trine_status trine_engram_wait(trine_engram_ticket *ticket,
                                         trine_engram_type type,
                                         void *destination, uint64_t bytes,
                                         int64_t deadline_milliseconds);

/* Whether waiting would return at once. */
TRINE_API int32_t trine_engram_ready(trine_engram_ticket *ticket);

/* Gives a ticket back without its rows. NULL is ignored. */
TRINE_API void trine_engram_cancel(trine_engram_ticket *ticket);

/* Ends all tickets of a session with CANCELLED; they must still be waited for
 * or cancelled. */
TRINE_API void trine_engram_cancel_session(trine_engram_store *store,
                                           uint64_t session);

/* Counts since the table was opened. */
typedef struct trine_engram_statistics {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t tickets, rows;       /* asked for */
  uint64_t unique_rows;         /* after de-duplication (DISK) */
  uint64_t memory_rows;         /* from RESIDENT or MAPPED memory */
  uint64_t cache_rows;          /* unique rows found in the cache */
  uint64_t disk_rows;           /* unique rows read from the file */
  uint64_t reads, read_bytes;   /* of the file, as issued */
  uint64_t repeated_reads;      /* after short reads and errors */
  uint64_t checked_blocks;      /* SHA-256 computed */
  uint64_t wait_nanoseconds;    /* spent in waiting for rows */
  uint64_t deliver_nanoseconds; /* spent in converting and copying */
  uint64_t failed, cancelled, late;
  uint64_t full; /* tickets that had no room when they were begun */
} trine_engram_statistics;

/* The caller sets statistics->struct_size. */
TRINE_API trine_status trine_engram_table_statistics(
    const trine_engram_table *table, trine_engram_statistics *statistics);

/*===-- Writing tables ----------------------------------------------------===*/

typedef struct trine_engram_writer trine_engram_writer;

typedef struct trine_engram_table_shape {
  uint32_t struct_size;
  int32_t type; /* a trine_engram_type */
  const char *name;
  uint64_t rows, width;
  /* Bytes from a record to the next, for experiments; 0 (default): chosen. */
  uint64_t record_bytes;
} trine_engram_table_shape;

/* Begins to write a table to `path`, which appears when it is complete. */
TRINE_API trine_status trine_engram_writer_open(
    const char *path, const trine_engram_table_shape *shape,
    trine_engram_writer **writer);

/* Appends rows: values row-major as the table holds them, scales (E4M3 only)
 * width / 32 bytes a row. */
TRINE_API trine_status trine_engram_writer_append(trine_engram_writer *writer,
                                                  const void *values,
                                                  const uint8_t *scales,
                                                  uint64_t rows);

/* Completes the table; all its rows must have been appended. */
TRINE_API trine_status trine_engram_writer_finish(trine_engram_writer *writer);

/* Gives the writer back; what is not finished is removed. */
TRINE_API void trine_engram_writer_close(trine_engram_writer *writer);

/*===-- Hash --------------------------------------------------------------===*/

typedef struct trine_engram_hash trine_engram_hash;

typedef int32_t trine_engram_reset;
enum {
  TRINE_ENGRAM_RESET_NEVER = 0,
  /* `reset_token` and all before it count as pad for later tokens. */
  TRINE_ENGRAM_RESET_AFTER_TOKEN = 1,
  /* Negative ids are dead: they and all before them count as pad for
   * themselves and for later tokens. */
  TRINE_ENGRAM_RESET_NEGATIVE = 2
};

typedef int32_t trine_engram_wrap;
enum {
  TRINE_ENGRAM_WRAP_NON_NEGATIVE = 0, /* products beyond 63 bits are errors */
  TRINE_ENGRAM_WRAP_TWOS_COMPLEMENT = 1
};

/* trine.engram.hash of the trine dialect:
 *   w_s = map[id[t - s]], or pad before the history's begin
 *   r_1 = w_0 m_0;  r_n = r_(n-1) xor (w_(n-1) m_(n-1)),  n = 2 .. order
 *   rows[t, (n-2) heads + h] = r_n mod moduli[..] + offsets[..]
 * in 64-bit integers; the remainder is not negative. */
typedef struct trine_engram_hash_rule {
  uint32_t struct_size;
  uint32_t order, heads;
  int32_t reset, wrap;
  uint32_t reserved;
  int64_t reset_token; /* a mapped id */
  int64_t pad;
  const int64_t *multipliers; /* order of them */
  const int64_t *moduli;      /* (order - 1) * heads of them, positive */
  const int64_t *offsets;     /* as many, not negative */
  const int64_t *token_map;   /* NULL: ids are hashed as they are */
  uint64_t token_map_size;
} trine_engram_hash_rule;

/* How a hash is computed; the results are the same. */
typedef int32_t trine_engram_hash_variant;
enum {
  TRINE_ENGRAM_HASH_BEST = 0, /* that this CPU can do */
  TRINE_ENGRAM_HASH_PLAIN = 1,
  TRINE_ENGRAM_HASH_AVX2 = 2,
  TRINE_ENGRAM_HASH_AVX512 = 3
};

/* Copies the rule. Fails when it is no rule, or this CPU lacks the variant. */
TRINE_API trine_status trine_engram_hash_create(
    const trine_engram_hash_rule *rule, trine_engram_hash_variant variant,
    trine_engram_hash **hash);
/* NULL is ignored. */
TRINE_API void trine_engram_hash_destroy(trine_engram_hash *hash);

/* Hashes `sequences` sequences of `tokens` ids each. `history` holds the
 * order - 1 mapped ids before each sequence (NULL: pad); with
 * TRINE_ENGRAM_RESET_NEGATIVE a negative one is dead. Writes
 * [sequences, tokens, (order - 1) * heads] row ids and, unless it is NULL,
 * `present`, the history after the last token. `present` may be `history`. */
TRINE_API trine_status trine_engram_hash_run(
    const trine_engram_hash *hash, const int64_t *token_ids, uint64_t sequences,
    uint64_t tokens, const int64_t *history, int64_t *rows, int64_t *present);

#ifdef __cplusplus
}
#endif

#endif
