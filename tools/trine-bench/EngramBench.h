// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Parts of engram-bench.
#ifndef TRINE_TOOLS_TRINE_BENCH_ENGRAMBENCH_H
#define TRINE_TOOLS_TRINE_BENCH_ENGRAMBENCH_H

#include "trine/Runtime/engram.h"
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace trine::bench {

/// Where tables are made, and how large.
struct BenchOptions {
  std::string folder = "/tmp";
  double gib = 0; // 0: the default of the part
  double cacheMib = 256;
  int threads = 1;
  int rounds = 30;
  std::string inputs;
  std::vector<std::string> packages;
};

/// Seconds since some fixed point.
inline double getTime() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The least time of several calls, in seconds.
template <typename Function>
double measure(Function function, int rounds = 7) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    double start = getTime();
    function();
    double time = getTime() - start;
    best = time < best ? time : best;
  }
  return best;
}

/// Exits with the library's message unless the call succeeded.
void check(trine_status status, const char *what);

/// Resident memory of this process, in MiB: anonymous, and mapped from files.
struct ResidentMemory {
  double anonymous, mapped;
};
ResidentMemory getResidentMemory();

/// A table file that goes when the benchmark ends. Rows are a function of their
/// numbers.
class BenchTable {
public:
  BenchTable(const std::string &path, trine_engram_type type, uint64_t rows,
             uint64_t width, uint64_t recordBytes = 0);
  ~BenchTable();
  const std::string &getPath() const { return path; }

private:
  std::string path;
};

/// Row ids of the words of this machine's documentation, by a tokeniser that
/// hashes words, and the hash of DeepSeek-V4.1 with prime moduli that fit a
/// table of `rows` rows: 24 a token.
class TokenStream {
public:
  TokenStream(uint64_t rows, uint64_t maxTokens);
  uint64_t getTokens() const { return tokens; }
  const int64_t *getRows(uint64_t token) const { return &rows[token * 24]; }

private:
  uint64_t tokens = 0;
  std::vector<int64_t> rows;
};

int runHashBench();
int runMemoryBench(const BenchOptions &options);
int runLayoutBench(const BenchOptions &options);
int runDiskBench(const BenchOptions &options);
int runReferenceBench(const BenchOptions &options);
int runStepBench(const BenchOptions &options);
int runOverlapBench(const BenchOptions &options);
int runPackageBench(const BenchOptions &options);

} // namespace trine::bench

#endif
