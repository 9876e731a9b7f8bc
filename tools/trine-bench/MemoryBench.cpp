// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench memory, layout: random rows against raw loops.
#include "EngramBench.h"
#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
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
    ids[t].resize(256 * kBatch);
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

/// Rows a second, in millions, at the given part of some tickets' times: a
/// machine with other work takes its time off most of them.
double getRate(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return kBatch / seconds[seconds.size() / 10] / 1e6;
}

struct Rates {
  double raw = 0, store = 0;
};

/// Tickets of a table and the raw loop in turns, each over rows that the other
/// did not just read, and as often: what is visited more stays in the last
/// cache, with its page tables. The raw loop copies rows of `bytes` bytes from
/// places that are known, as one would write it, or with rows fetched ahead:
/// the better counts.
Rates compare(trine_engram_table *table, uint64_t width,
              const std::vector<const uint8_t *> &places, uint64_t bytes,
              const std::vector<int64_t> &ids, int rounds) {
  // Aligned as the buffers of a step are.
  uint64_t size = kBatch * width * 2;
  std::unique_ptr<void, void (*)(void *)> memory(
      aligned_alloc(4096, (size + 4095) / 4096 * 4096), free);
  uint8_t *target = static_cast<uint8_t *>(memory.get());
  memset(target, 1, size);
  std::vector<double> times[3];
  const uint64_t tickets = ids.size() / kBatch;
  for (uint64_t i = 0; i < tickets * static_cast<uint64_t>(rounds); ++i) {
    auto ticketOf = [&](uint64_t kind) {
      return (5 * i + kind) % tickets * kBatch;
    };
    for (int kind : {0, 1}) {
      const uint8_t *const *mine = &places[ticketOf(2 * kind)];
      const uint64_t ahead = kind ? 16 : 0;
      double start = getTime();
      for (uint64_t row = 0; row < kBatch; ++row) {
        if (ahead && row + ahead < kBatch)
          for (uint64_t at = 0; at < bytes; at += 64)
            __builtin_prefetch(mine[row + ahead] + at);
        memcpy(target + row * bytes, mine[row], bytes);
      }
      times[kind].push_back(getTime() - start);
      start = getTime();
      trine_engram_ticket *ticket;
      check(trine_engram_begin(table, &ids[ticketOf(2 * kind + 1)], kBatch, 0,
                               &ticket),
            "begin");
      check(trine_engram_wait(ticket, TRINE_ENGRAM_BF16, target, size, -1),
            "wait");
      times[2].push_back(getTime() - start);
    }
  }
  return {std::max(getRate(times[0]), getRate(times[1])), getRate(times[2])};
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
      // All pages are there after the first round.
      Rates total;
      std::mutex mutex;
      for (int pass = 0; pass < 2; ++pass)
        runThreads(options.threads, [&](int t) {
          Rates rates = compare(table, kind.width, places[t], 264, ids[t],
                                pass ? options.rounds : 1);
          std::lock_guard<std::mutex> lock(mutex);
          if (pass) {
            total.raw += rates.raw;
            total.store += rates.store;
          }
        });
      double raw = total.raw, rate = total.store;
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
