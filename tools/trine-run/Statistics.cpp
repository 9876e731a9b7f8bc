// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Statistics.h"
#include "trine/Runtime/engram.h"
#include <cstdio>

using namespace trine::run;

static const char *tierName(int32_t tier) {
  return tier == TRINE_ENGRAM_TIER_RESIDENT ? "resident"
         : tier == TRINE_ENGRAM_TIER_MAPPED ? "mapped"
                                            : "disk";
}

static unsigned long long number(uint64_t value) { return value; }

void trine::run::printStatistics(const trine_package *package) {
  trine_engram_table *table = nullptr;
  for (uint32_t i = 0; trine_package_table(package, i, &table) == TRINE_OK;
       ++i) {
    trine_engram_table_info info = {};
    info.struct_size = sizeof(info);
    trine_engram_statistics counts = {};
    counts.struct_size = sizeof(counts);
    if (trine_engram_table_describe(table, &info) != TRINE_OK ||
        trine_engram_table_statistics(table, &counts) != TRINE_OK)
      continue;
    printf("table '%s' (%s, %llu rows of %llu bytes)\n", info.name,
           tierName(info.tier), number(info.rows), number(info.record_bytes));
    printf("  rows    %llu in %llu fetches", number(counts.rows),
           number(counts.tickets));
    if (counts.full > 0)
      printf(" (%llu waited for room)", number(counts.full));
    if (info.tier == TRINE_ENGRAM_TIER_DISK)
      printf(", %llu unique: %llu from the cache, %llu from disk",
             number(counts.unique_rows), number(counts.cache_rows),
             number(counts.disk_rows));
    printf("\n");
    if (info.tier == TRINE_ENGRAM_TIER_DISK)
      printf("  reads   %llu of %llu bytes in all, %llu repeated\n",
             number(counts.reads), number(counts.read_bytes),
             number(counts.repeated_reads));
    if (counts.checked_blocks > 0)
      printf("  checked %llu blocks of 1 MiB\n", number(counts.checked_blocks));
    printf("  time    %.3f ms waited, %.3f ms delivering\n",
           static_cast<double>(counts.wait_nanoseconds) * 1e-6,
           static_cast<double>(counts.deliver_nanoseconds) * 1e-6);
  }
}

bool trine::run::verifyTables(const trine_package *package) {
  bool good = true;
  trine_engram_table *table = nullptr;
  for (uint32_t i = 0; trine_package_table(package, i, &table) == TRINE_OK;
       ++i) {
    trine_engram_table_info info = {};
    info.struct_size = sizeof(info);
    if (trine_engram_table_describe(table, &info) != TRINE_OK ||
        trine_engram_table_verify(table, 0, info.rows) != TRINE_OK) {
      fprintf(stderr, "trine-run: error: %s\n", trine_engram_message());
      good = false;
      continue;
    }
    printf("table '%s': %llu rows have their checksums\n", info.name,
           number(info.rows));
  }
  return good;
}

bool trine::run::saveChecksums(const std::string &folder,
                               const trine_package *package) {
  bool good = true;
  trine_engram_table *table = nullptr;
  for (uint32_t i = 0;
       !folder.empty() && trine_package_table(package, i, &table) == TRINE_OK;
       ++i) {
    trine_engram_table_info info = {};
    info.struct_size = sizeof(info);
    std::string path = folder + "/table" + std::to_string(i) + ".checksums";
    if (trine_engram_table_describe(table, &info) == TRINE_OK &&
        (!info.is_reference ||
         trine_engram_table_save_checksums(table, path.c_str()) == TRINE_OK))
      continue;
    fprintf(stderr, "trine-run: error: %s\n", trine_engram_message());
    good = false;
  }
  return good;
}
