// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench disk, reference: tables larger than the memory they may use.
#include "EngramBench.h"
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <unistd.h>

using namespace trine::bench;

static trine_engram_statistics getCounts(trine_engram_table *table) {
  trine_engram_statistics counts = {};
  counts.struct_size = sizeof(counts);
  check(trine_engram_table_statistics(table, &counts), "statistics");
  return counts;
}

static void printHeader() {
  printf("%-22s %8s %8s %8s %8s %8s %10s %11s %9s\n", "step", "rows", "unique",
         "cached", "read", "reads", "bytes/tok", "us/token", "MiB/s");
}

/// One ticket of `tokens` tokens, from its beginning to its rows.
static void runStep(const char *name, trine_engram_table *table,
                    const int64_t *rows, uint64_t tokens, uint64_t repeats,
                    std::vector<uint16_t> &target) {
  trine_engram_statistics before = getCounts(table);
  double start = getTime();
  for (uint64_t i = 0; i < repeats; ++i) {
    trine_engram_ticket *ticket;
    check(trine_engram_begin(table, rows + i * tokens * 24, tokens * 24, 0,
                             &ticket),
          "begin");
    check(trine_engram_wait(ticket, TRINE_ENGRAM_BF16, target.data(),
                            tokens * 24 * 256 * 2, -1),
          "wait");
  }
  double time = getTime() - start;
  trine_engram_statistics after = getCounts(table);
  double all = static_cast<double>(tokens * repeats);
  double bytes = static_cast<double>(after.read_bytes - before.read_bytes);
  printf("%-22s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
         " %10.0f %11.2f %9.1f\n",
         name, after.rows - before.rows, after.unique_rows - before.unique_rows,
         after.cache_rows - before.cache_rows,
         after.disk_rows - before.disk_rows, after.reads - before.reads,
         bytes / all, time / all * 1e6, bytes / time / (1 << 20));
}

int trine::bench::runDiskBench(const BenchOptions &options) {
  double gib = options.gib ? options.gib : 8;
  uint64_t rows = static_cast<uint64_t>(gib * (1 << 30) / 264);
  double start = getTime();
  BenchTable file(options.folder + "/engram-bench.table", TRINE_ENGRAM_E4M3,
                  rows, 256);
  double written = getTime() - start;
  TokenStream stream(rows, 60000);
  // The caller's memory, which is not the store's.
  std::vector<uint16_t> target(size_t(2048) * 24 * 256, 1);
  std::vector<int64_t> cold(size_t(24) * 2048, 1);
  ResidentMemory before = getResidentMemory();
  trine_engram_store *store;
  check(trine_engram_store_open(nullptr, &store), "store");
  trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  tableOptions.cache_bytes =
      static_cast<uint64_t>(options.cacheMib * (1 << 20));
  trine_engram_table *table;
  start = getTime();
  check(trine_engram_table_open(store, file.getPath().c_str(), &tableOptions,
                                &table),
        "table");
  printf("table of %.2f GiB on disk (%" PRIu64 " rows, written at %.0f MiB/s), "
         "cache %.0f MiB, %s, opened in %.1f ms\n",
         gib, rows, gib * 1024 / written, options.cacheMib,
         trine_engram_store_engine(store) == TRINE_ENGRAM_ENGINE_URING
             ? "io_uring"
             : "threads",
         (getTime() - start) * 1e3);
  printf("text: %" PRIu64 " words of this machine's documentation\n",
         stream.getTokens());
  printHeader();
  uint64_t at = 0;
  const char *names[] = {"prefill 2048", "prefill 2048 (2nd)",
                         "prefill 2048 (3rd)"};
  for (const char *name : names) {
    runStep(name, table, stream.getRows(at), 2048, 1, target);
    at += 2048;
  }
  for (uint64_t batch : {1, 8, 64, 256}) {
    std::string name = "64 decode, batch " + std::to_string(batch);
    uint64_t steps = batch == 256 ? 32 : 64;
    if (steps != 64)
      name = "32 decode, batch " + std::to_string(batch);
    runStep(name.c_str(), table, stream.getRows(at), batch, steps, target);
    at += batch * steps;
  }
  runStep("prefill 2048, again", table, stream.getRows(0), 2048, 1, target);
  // Cold rows, to fill the cache.
  std::mt19937_64 random(1);
  uint64_t fill = static_cast<uint64_t>(options.cacheMib * 1.1 * (1 << 20) /
                                        275 / cold.size());
  for (uint64_t i = 0; i < fill; ++i) {
    for (int64_t &row : cold)
      row = static_cast<int64_t>(random() % rows);
    trine_engram_ticket *ticket;
    check(trine_engram_begin(table, cold.data(), cold.size(), 0, &ticket),
          "begin");
    check(trine_engram_wait(ticket, TRINE_ENGRAM_BF16, target.data(),
                            target.size() * 2, -1),
          "wait");
  }
  runStep("after a scan, again", table, stream.getRows(0), 2048, 1, target);
  ResidentMemory after = getResidentMemory();
  double used = after.anonymous - before.anonymous;
  trine_engram_statistics counts = getCounts(table);
  double bound = static_cast<double>(counts.disk_rows) * 1024;
  printf("resident memory: %.1f MiB more than before, %.1f MiB more than the "
         "cache; %.1f MiB mapped from files\n",
         used, used - options.cacheMib, after.mapped - before.mapped);
  printf("bytes read: %.1f MiB of at most %.1f MiB (1024 for each row that was "
         "not cached)\n",
         counts.read_bytes / 1048576.0, bound / 1048576.0);
  trine_engram_table_close(table);
  trine_engram_store_close(store);
  bool isWithin = used <= options.cacheMib + 64 && counts.read_bytes <= bound;
  printf("%s\n", isWithin ? "within bounds" : "OUT OF BOUNDS");
  return isWithin ? 0 : 1;
}

//===----------------------------------------------------------------------===//
// A sparse table in place
//===----------------------------------------------------------------------===//

static constexpr uint64_t kWidth = 128;

/// Rows of bf16 that no two places share; 0 where nothing was written.
static void makeRow(uint64_t row, uint16_t *values) {
  for (uint64_t i = 0; i < kWidth; ++i)
    values[i] = static_cast<uint16_t>(
        ((row * kWidth + i) * 0x9e3779b97f4a7c15 >> 48 & 0x7f7f) | 1);
}

int trine::bench::runReferenceBench(const BenchOptions &options) {
  double gib = options.gib ? options.gib : 200e9 / (1 << 30);
  uint64_t rows = static_cast<uint64_t>(gib * (1 << 30) / (2 * kWidth));
  constexpr uint64_t kOffset = 8192, kPlaces = 100000;
  std::string name = "engram-bench.sparse", path = options.folder + "/" + name;
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (file < 0 || ftruncate(file, kOffset + rows * 2 * kWidth) != 0) {
    perror("engram-bench");
    return 1;
  }
  std::mt19937_64 random(7);
  std::vector<int64_t> places(kPlaces);
  for (int64_t &place : places) {
    place = static_cast<int64_t>(random() % rows);
    uint16_t values[kWidth];
    makeRow(place, values);
    if (pwrite(file, values, sizeof(values), kOffset + place * 2 * kWidth) !=
        ssize_t(sizeof(values))) {
      perror("engram-bench");
      return 1;
    }
  }
  fsync(file);
  close(file);
  trine_engram_reference reference = {};
  reference.struct_size = sizeof(reference);
  reference.type = TRINE_ENGRAM_BF16;
  reference.name = "sparse";
  reference.path = name.c_str();
  reference.rows = rows;
  reference.width = kWidth;
  reference.offset = kOffset;
  reference.stride = 2 * kWidth;
  check(trine_engram_identify(options.folder.c_str(), &reference), "identify");
  std::vector<uint16_t> values(kPlaces * kWidth, 1), expected(kWidth);
  std::vector<int64_t> others(20000);
  ResidentMemory before = getResidentMemory();
  trine_engram_store *store;
  check(trine_engram_store_open(nullptr, &store), "store");
  trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  tableOptions.cache_bytes =
      static_cast<uint64_t>(options.cacheMib * (1 << 20));
  trine_engram_table *table;
  double start = getTime();
  check(trine_engram_table_open_reference(store, options.folder.c_str(),
                                          &reference, &tableOptions, &table),
        "table");
  double opened = getTime() - start;
  auto fetch = [&](const std::vector<int64_t> &wanted) {
    trine_engram_ticket *ticket;
    double begun = getTime();
    check(trine_engram_begin(table, wanted.data(), wanted.size(), 0, &ticket),
          "begin");
    check(trine_engram_wait(ticket, TRINE_ENGRAM_BF16, values.data(),
                            values.size() * 2, -1),
          "wait");
    return getTime() - begun;
  };
  double first = fetch(places);
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < kPlaces; ++i) {
    makeRow(places[i], expected.data());
    wrong += memcmp(expected.data(), &values[i * kWidth], 2 * kWidth) != 0;
  }
  double second = fetch(places);
  std::vector<bool> known(rows);
  for (int64_t place : places)
    known[place] = true;
  for (int64_t &row : others)
    do
      row = static_cast<int64_t>(random() % rows);
    while (known[row]);
  fetch(others);
  for (uint64_t i = 0; i < others.size() * kWidth; ++i)
    wrong += values[i] != 0;
  known = std::vector<bool>();
  ResidentMemory after = getResidentMemory();
  double used = after.anonymous - before.anonymous;
  trine_engram_statistics counts = getCounts(table);
  printf("sparse table of %.1f GB in place: %" PRIu64 " rows of bf16 x %d, "
         "opened in %.2f ms\n",
         rows * 2.0 * kWidth / 1e9, rows, int(kWidth), opened * 1e3);
  printf("%" PRIu64 " known rows: %.1f krows/s from disk, %.1f krows/s the "
         "second time; 20000 other rows; %" PRIu64 " wrong\n",
         kPlaces, kPlaces / first / 1e3, kPlaces / second / 1e3, wrong);
  printf("resident memory: %.1f MiB more than before; bytes read: %.1f MiB for "
         "%" PRIu64 " rows\n",
         used, counts.read_bytes / 1048576.0, counts.disk_rows);
  trine_engram_table_close(table);
  trine_engram_store_close(store);
  remove(path.c_str());
  bool isRight = wrong == 0 && opened < 1 && used <= options.cacheMib + 64;
  printf("%s\n", isRight ? "within bounds" : "OUT OF BOUNDS");
  return isRight ? 0 : 1;
}
