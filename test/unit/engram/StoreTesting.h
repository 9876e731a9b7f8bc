// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tables with known contents, and storage with faults.
#ifndef TRINE_TEST_UNIT_ENGRAM_STORETESTING_H
#define TRINE_TEST_UNIT_ENGRAM_STORETESTING_H

#include "trine/Runtime/engram.h"
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace trine::test {

/// A folder that goes with the test.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string operator/(const std::string &name) const {
    return path + "/" + name;
  }
  const std::string &get() const { return path; }

private:
  std::string path;
};

/// A table whose rows are a function of their numbers.
struct KnownTable {
  trine_engram_type type = TRINE_ENGRAM_E4M3;
  uint64_t rows = 1000, width = 256;
  uint64_t recordBytes = 0;
  std::string name = "known";

  uint64_t getValueBytes() const;
  uint64_t getScaleBytes() const;
  /// The row's bytes in a table: values, then scales. No NaN.
  std::vector<uint8_t> makeRow(uint64_t row) const;
  /// What the row is in f32.
  std::vector<float> getRow(uint64_t row) const;
  void write(const std::string &path) const;
};

/// Reads with faults. `fault` says what happens instead of a read, or returns
/// `kRead`.
class Storage {
public:
  static constexpr int64_t kRead = INT64_MIN;
  std::function<int64_t(uint64_t offset, uint64_t bytes, uint8_t *memory)>
      fault;
  std::atomic<uint64_t> reads{0};

  /// Holds all reads back from now on, until release().
  void hold();
  void release();
  /// Waits until so many reads are held.
  void waitForHeld(unsigned count);

  static int64_t read(void *context, int file, uint64_t offset, uint64_t bytes,
                      void *memory);

private:
  std::mutex mutex;
  std::condition_variable changed;
  bool isHeld = false;
  unsigned held = 0;
};

struct StoreCloser {
  void operator()(trine_engram_store *store) {
    trine_engram_store_close(store);
  }
};
struct TableCloser {
  void operator()(trine_engram_table *table) {
    trine_engram_table_close(table);
  }
};
using StoreHandle = std::unique_ptr<trine_engram_store, StoreCloser>;
using TableHandle = std::unique_ptr<trine_engram_table, TableCloser>;

inline trine_engram_store_options getStoreOptions() {
  trine_engram_store_options options = TRINE_ENGRAM_STORE_OPTIONS_INIT;
  return options;
}
inline trine_engram_table_options getTableOptions() {
  trine_engram_table_options options = TRINE_ENGRAM_TABLE_OPTIONS_INIT;
  return options;
}
StoreHandle openStore(const trine_engram_store_options &options);
StoreHandle openStore(Storage &storage,
                      trine_engram_store_options options = getStoreOptions());
TableHandle openTable(const StoreHandle &store, const std::string &path,
                      const trine_engram_table_options &options);
/// The status and message of opening that must fail.
std::string getOpenError(const StoreHandle &store, const std::string &path,
                         trine_status expected,
                         const trine_engram_table_options &options);

trine_engram_ticket *begin(const TableHandle &table,
                           const std::vector<int64_t> &rows,
                           uint64_t session = 0);
/// Waits, and compares every value with the known table's.
void expectRows(trine_engram_ticket *ticket, const KnownTable &known,
                const std::vector<int64_t> &rows);
/// Waits for what must fail; the message.
std::string getWaitError(trine_engram_ticket *ticket, const KnownTable &known,
                         uint64_t count, trine_status expected,
                         int64_t deadline = -1);
trine_engram_statistics getStatistics(const TableHandle &table);
std::vector<int64_t> makeRows(uint64_t seed, uint64_t count, uint64_t bound);
void writeFile(const std::string &path, const std::vector<uint8_t> &bytes,
               uint64_t offset = 0);
/// Flips a bit of a file, and gives it its old time back.
void damage(const std::string &path, uint64_t offset);

} // namespace trine::test

#endif
