// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench memory, layout: random rows against raw loops.
#include "EngramBench.h"
#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace trine::bench;

namespace {
/// Rows of a ticket: 24 for each of 64 tokens.
constexpr uint64_t kBatch = 1536;

/// Runs function(thread) on several threads at once.
template <typename Function>
void runThreads(int count, Function function) {
  std::vector<std::thread> threads;
  for (int i = 1; i < count; ++i)
    threads.emplace_back(function, i);
  function(0);
  for (std::thread &thread : threads)
    thread.join();
}

std::vector<std::vector<int64_t>> makeIds(int threads, uint64_t rows) {
  std::vector<std::vector<int64_t>> ids(threads);
  for (int t = 0; t < threads; ++t) {
    std::mt19937_64 random(t + 1);
    ids[t].resize(64 * kBatch);
    for (int64_t &id : ids[t])
      id = static_cast<int64_t>(random() % rows);
  }
  return ids;
}

using Places = std::vector<std::vector<const uint8_t *>>;

/// Where the rows lie in `memory`: a stride from each other, or (of a table
/// file) behind its header in pages.
Places findPlaces(const uint8_t *memory, uint64_t stride, bool isFile,
                  const std::vector<std::vector<int64_t>> &ids) {
  Places places(ids.size());
  uint64_t perPage = 4096 / stride;
  for (size_t t = 0; t < ids.size(); ++t)
    for (int64_t id : ids[t]) {
      uint64_t row = static_cast<uint64_t>(id);
      places[t].push_back(memory + (isFile ? 4096 + row / perPage * 4096 +
                                                 row % perPage * stride
                                           : row * stride));
    }
  return places;
}

/// The raw loop: copies rows of `bytes` bytes from places that are known, as
/// one would write it (`ahead` 0), or with rows fetched ahead.
double runRaw(const Places &places, uint64_t bytes, int ahead) {
  return measure(
      [&] {
        runThreads(static_cast<int>(places.size()), [&](int t) {
          std::vector<uint8_t> target(kBatch * bytes);
          const std::vector<const uint8_t *> &mine = places[t];
          for (uint64_t i = 0; i < mine.size(); ++i) {
            if (ahead && i + ahead < mine.size())
              for (uint64_t at = 0; at < bytes; at += 64)
                __builtin_prefetch(mine[i + ahead] + at);
            memcpy(&target[i % kBatch * bytes], mine[i], bytes);
          }
        });
      },
      1);
}

double runStore(trine_engram_table *table, trine_engram_type type,
                uint64_t width, const std::vector<std::vector<int64_t>> &ids,
                int threads) {
  return measure(
      [&] {
        runThreads(threads, [&](int t) {
          // Aligned as the buffers of a step are.
          uint64_t bytes = kBatch * width * 2;
          std::unique_ptr<void, void (*)(void *)> target(
              aligned_alloc(4096, (bytes + 4095) / 4096 * 4096), free);
          for (uint64_t i = 0; i < ids[t].size(); i += kBatch) {
            trine_engram_ticket *ticket;
            check(trine_engram_begin(table, &ids[t][i], kBatch, t, &ticket),
                  "begin");
            check(trine_engram_wait(ticket, type, target.get(), bytes, -1),
                  "wait");
          }
        });
      },
      1);
}

trine_engram_table *open(trine_engram_store *store, const BenchTable &file,
                         trine_engram_tier tier) {
  trine_engram_table_options options = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  options.tier = tier;
  options.cache_bytes = 0;
  trine_engram_table *table;
  check(
      trine_engram_table_open(store, file.getPath().c_str(), &options, &table),
      "table");
  return table;
}
} // namespace

int trine::bench::runMemoryBench(const BenchOptions &options) {
  uint64_t rows =
      static_cast<uint64_t>((options.gib ? options.gib : 2) * (1 << 30) / 264);
  auto ids = makeIds(options.threads, rows);
  double count = static_cast<double>(ids[0].size()) * options.threads;
  printf("random rows of 264 bytes, %.2f GiB in memory, %d thread(s), batches "
         "of %d\n",
         rows * 264.0 / (1 << 30), options.threads, int(kBatch));
  printf("%-42s %10s %10s %8s\n", "", "raw", "Mrows/s", "of raw");
  uint64_t bytes = rows * 264;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(memory, bytes, MADV_HUGEPAGE);
  memset(memory, 1, bytes);
  Places copied =
      findPlaces(static_cast<const uint8_t *>(memory), 264, false, ids);
  trine_engram_store *store;
  check(trine_engram_store_open(nullptr, &store), "store");
  struct {
    const char *name;
    trine_engram_type type;
    uint64_t width;
  } kinds[] = {{"bf16 x 132, as it is", TRINE_ENGRAM_BF16, 132},
               {"e4m3 x 256 and scales, to bf16", TRINE_ENGRAM_E4M3, 256}};
  for (auto &kind : kinds) {
    BenchTable file(options.folder + "/engram-bench.table", kind.type, rows,
                    kind.width);
    int descriptor = ::open(file.getPath().c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info = {};
    fstat(descriptor, &info);
    void *mapped =
        mmap(nullptr, info.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    Places inFile =
        findPlaces(static_cast<const uint8_t *>(mapped), 272, true, ids);
    for (auto [name, tier] : {std::pair<const char *, int32_t>{
                                  "resident", TRINE_ENGRAM_TIER_RESIDENT},
                              {"mapped", TRINE_ENGRAM_TIER_MAPPED}}) {
      trine_engram_table *table = open(store, file, tier);
      const Places &places =
          tier == TRINE_ENGRAM_TIER_RESIDENT ? copied : inFile;
      // In turns, so that what else the machine does meets all alike; the raw
      // loop is the better of two. All pages are there after the first round.
      double raw = 0, rate = 0;
      for (int round = 0; round < options.rounds; ++round) {
        for (int ahead : {0, 16})
          raw = std::max(raw, count / runRaw(places, 264, ahead) / 1e6);
        rate = std::max(rate, count /
                                  runStore(table, TRINE_ENGRAM_BF16, kind.width,
                                           ids, options.threads) /
                                  1e6);
      }
      std::string label = std::string(name) + ": " + kind.name;
      printf("%-42s %10.2f %10.2f %7.0f%%\n", label.c_str(), raw, rate,
             rate / raw * 100);
      trine_engram_table_close(table);
    }
    munmap(mapped, info.st_size);
  }
  trine_engram_store_close(store);
  munmap(memory, bytes);
  return 0;
}

int trine::bench::runLayoutBench(const BenchOptions &options) {
  uint64_t rows =
      static_cast<uint64_t>((options.gib ? options.gib : 1) * (1 << 30) / 264);
  auto ids = makeIds(1, rows);
  printf("e4m3 x 256 and scales: %.1f M rows, random, one thread\n",
         rows / 1e6);
  printf("%12s %10s %16s %16s %14s\n", "record bytes", "file GiB",
         "mapped Mrows/s", "disk krows/s", "bytes/row");
  trine_engram_store *store;
  check(trine_engram_store_open(nullptr, &store), "store");
  for (uint64_t record : {272, 288, 320, 512}) {
    BenchTable file(options.folder + "/engram-bench.table", TRINE_ENGRAM_E4M3,
                    rows, 256, record);
    trine_engram_table_info info = {};
    info.struct_size = sizeof(info);
    trine_engram_table *mapped = open(store, file, TRINE_ENGRAM_TIER_MAPPED);
    check(trine_engram_table_describe(mapped, &info), "describe");
    double fast =
        ids[0].size() / runStore(mapped, TRINE_ENGRAM_BF16, 256, ids, 1) / 1e6;
    trine_engram_table_close(mapped);
    trine_engram_table *disk = open(store, file, TRINE_ENGRAM_TIER_DISK);
    std::vector<std::vector<int64_t>> few = {
        {ids[0].begin(), ids[0].begin() + 4 * kBatch}};
    double slow =
        few[0].size() / runStore(disk, TRINE_ENGRAM_BF16, 256, few, 1) / 1e3;
    trine_engram_statistics counts = {};
    counts.struct_size = sizeof(counts);
    check(trine_engram_table_statistics(disk, &counts), "statistics");
    printf("%12d %10.2f %16.2f %16.1f %14.0f\n", int(record),
           info.file_bytes / 1073741824.0, fast, slow,
           double(counts.read_bytes) / counts.disk_rows);
    trine_engram_table_close(disk);
  }
  trine_engram_store_close(store);
  return 0;
}
