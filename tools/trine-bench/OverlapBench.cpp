// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench overlap: a step whose rows take L and whose layers before them
/// take W, against the longer of the two.
#include "EngramBench.h"
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <random>
#include <thread>
#include <unistd.h>

using namespace trine::bench;

namespace {
/// A disk that answers each read after this long.
struct SlowDisk {
  double seconds = 0;
};

int64_t readSlowly(void *context, int file, uint64_t offset, uint64_t bytes,
                   void *buffer) {
  double end = getTime() + static_cast<SlowDisk *>(context)->seconds;
  ssize_t got = pread(file, buffer, bytes, static_cast<off_t>(offset));
  int error = errno;
  double left = end - getTime();
  if (left > 0)
    std::this_thread::sleep_for(std::chrono::duration<double>(left));
  return got < 0 ? -error : got;
}

/// The time of a step that nothing else on the machine disturbed.
double getUndisturbed(const std::vector<double> &values) {
  return *std::min_element(values.begin(), values.end());
}
} // namespace

int trine::bench::runOverlapBench(const BenchOptions &options) {
  constexpr uint64_t kRows = 100000, kPerTicket = 8;
  BenchTable file(options.folder + "/engram-bench.table", TRINE_ENGRAM_E4M3,
                  kRows, 256);
  SlowDisk disk;
  trine_engram_store_options storeOptions = TRINE_ENGRAM_STORE_OPTIONS_INIT;
  storeOptions.read = readSlowly;
  storeOptions.read_context = &disk;
  storeOptions.read_threads = 128;
  trine_engram_store *store;
  check(trine_engram_store_open(&storeOptions, &store), "store");
  trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  tableOptions.cache_bytes = 0;
  trine_engram_table *table;
  check(trine_engram_table_open(store, file.getPath().c_str(), &tableOptions,
                                &table),
        "table");
  std::mt19937_64 random(1);
  std::vector<uint16_t> target(kPerTicket * 256);
  const double window = 20e-3;
  printf("tickets of %d rows that the disk gives after L, %d ms of layers (W) "
         "before they are needed; the least of 30 steps\n",
         int(kPerTicket), int(window * 1e3));
  printf("%6s %8s %10s %12s %12s %12s\n", "L/W", "tickets", "ahead, ms",
         "over max, %", "at need, ms", "L + W, ms");
  bool good = true;
  for (double ratio : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0})
    for (uint64_t tickets : {1, 2, 4}) {
      disk.seconds = ratio * window;
      std::vector<double> times[2];
      for (int round = 0; round < 60; ++round) {
        trine_engram_ticket *begun[4];
        double start = getTime();
        auto begin = [&] {
          for (uint64_t i = 0; i < tickets; ++i) {
            int64_t rows[kPerTicket];
            for (int64_t &row : rows)
              row = static_cast<int64_t>(random() % kRows);
            check(trine_engram_begin(table, rows, kPerTicket, 0, &begun[i]),
                  "begin");
          }
        };
        if (round % 2)
          begin();
        while (getTime() < start + window)
          ;
        if (round % 2 == 0)
          begin();
        for (uint64_t i = 0; i < tickets; ++i)
          check(trine_engram_wait(begun[i], TRINE_ENGRAM_BF16, target.data(),
                                  target.size() * 2, -1),
                "wait");
        times[round % 2].push_back(getTime() - start);
      }
      double ahead = getUndisturbed(times[1]), late = getUndisturbed(times[0]);
      double least = std::max(window, disk.seconds);
      good &= ahead <= least * 1.05;
      printf("%6.2f %8" PRIu64 " %10.2f %12.1f %12.2f %12.2f\n", ratio, tickets,
             ahead * 1e3, (ahead / least - 1) * 100, late * 1e3,
             (window + disk.seconds) * 1e3);
    }
  printf(good ? "all within 5 %%\n" : "some beyond 5 %%\n");
  trine_engram_table_close(table);
  trine_engram_store_close(store);
  return good ? 0 : 1;
}
