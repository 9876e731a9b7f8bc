// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// engram-bench steps: what a step costs with rows fetched ahead of, or at, the
/// layer that needs them.
#include "EngramBench.h"
#include <algorithm>
#include <cinttypes>

using namespace trine::bench;

namespace {
/// Stands in for the layers before: computes for so many seconds.
void work(double seconds) {
  double end = getTime() + seconds;
  while (getTime() < end)
    ;
}

struct Times {
  double ahead, late;
};

/// Steps of `batch` tokens from `at` on, seconds a step.
Times run(trine_engram_table *table, const TokenStream &stream, uint64_t at,
          uint64_t batch, uint64_t steps, double window) {
  std::vector<uint16_t> target(batch * 24 * 256);
  auto begin = [&](uint64_t step) {
    trine_engram_ticket *ticket;
    check(trine_engram_begin(table, stream.getRows(at + step * batch),
                             batch * 24, 0, &ticket),
          "begin");
    return ticket;
  };
  auto wait = [&](trine_engram_ticket *ticket) {
    check(trine_engram_wait(ticket, TRINE_ENGRAM_BF16, target.data(),
                            target.size() * 2, -1),
          "wait");
  };
  Times times = {0, 0};
  // In turns over the same rows, each kind first half of the time: what one
  // leaves in the cache, the other finds.
  for (uint64_t step = 0; step < steps; ++step) {
    double start = getTime();
    if (step % 2) {
      trine_engram_ticket *ticket = begin(step);
      work(window);
      wait(ticket);
      times.ahead += getTime() - start;
    } else {
      work(window);
      wait(begin(step));
      times.late += getTime() - start;
    }
  }
  times.ahead /= steps / 2;
  times.late /= steps - steps / 2;
  return times;
}
} // namespace

int trine::bench::runStepBench(const BenchOptions &options) {
  uint64_t rows =
      static_cast<uint64_t>((options.gib ? options.gib : 1) * (1 << 30) / 264);
  BenchTable file(options.folder + "/engram-bench.table", TRINE_ENGRAM_E4M3,
                  rows, 256);
  TokenStream stream(rows, 60000);
  trine_engram_store *store;
  check(trine_engram_store_open(nullptr, &store), "store");
  printf("a step of e4m3 x 256 rows, 24 a token, with the time of the layers "
         "before it (window), in us\n");
  printf("%-16s %7s %9s %12s %12s %10s\n", "tier", "tokens", "window",
         "fetched ahead", "at the layer", "hidden");
  struct {
    const char *name;
    trine_engram_tier tier;
    uint64_t cacheBytes;
  } tiers[] = {{"resident", TRINE_ENGRAM_TIER_RESIDENT, 0},
               {"mapped", TRINE_ENGRAM_TIER_MAPPED, 0},
               {"disk, 256 MiB", TRINE_ENGRAM_TIER_DISK, 256u << 20},
               {"disk, no cache", TRINE_ENGRAM_TIER_DISK, 0}};
  for (auto &kind : tiers) {
    uint64_t at = 0;
    for (uint64_t batch : {1, 8, 64, 256, 2048}) {
      trine_engram_table_options tableOptions = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
      tableOptions.tier = kind.tier;
      tableOptions.cache_bytes = kind.cacheBytes;
      trine_engram_table *table;
      check(trine_engram_table_open(store, file.getPath().c_str(),
                                    &tableOptions, &table),
            "table");
      uint64_t steps = batch >= 2048 ? 6 : batch >= 256 ? 16 : 40;
      double window = batch >= 2048 ? 50e-3 : 3e-3;
      if (at + steps * batch > stream.getTokens())
        at = 0;
      Times times = run(table, stream, at, batch, steps, window);
      at += steps * batch;
      double exposed = std::max(0.0, times.late - window);
      printf("%-16s %7" PRIu64 " %9.0f %12.1f %12.1f %9.0f%%\n", kind.name,
             batch, window * 1e6, times.ahead * 1e6, times.late * 1e6,
             exposed > 0 ? (times.late - times.ahead) / exposed * 100 : 100);
      trine_engram_table_close(table);
    }
  }
  trine_engram_store_close(store);
  return 0;
}
