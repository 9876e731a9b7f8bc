// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "EngramBench.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace trine::bench;

void trine::bench::check(trine_status status, const char *what) {
  if (status == TRINE_OK)
    return;
  fprintf(stderr, "engram-bench: %s: %s\n", what, trine_engram_message());
  exit(1);
}

ResidentMemory trine::bench::getResidentMemory() {
  ResidentMemory memory = {0, 0};
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0)
      memory.anonymous = atof(line.c_str() + 8) / 1024;
    if (line.rfind("RssFile:", 0) == 0)
      memory.mapped = atof(line.c_str() + 8) / 1024;
  }
  return memory;
}

BenchTable::BenchTable(const std::string &path, trine_engram_type type,
                       uint64_t rows, uint64_t width, uint64_t recordBytes)
    : path(path) {
  trine_engram_table_shape shape = {};
  shape.struct_size = sizeof(shape);
  shape.type = type;
  shape.name = "bench";
  shape.rows = rows;
  shape.width = width;
  shape.record_bytes = recordBytes;
  trine_engram_writer *writer;
  check(trine_engram_writer_open(path.c_str(), &shape, &writer), "open");
  uint64_t valueBytes = width * (type == TRINE_ENGRAM_F32    ? 4
                                 : type == TRINE_ENGRAM_E4M3 ? 1
                                                             : 2);
  constexpr uint64_t kStep = 4096;
  std::vector<uint8_t> values(kStep * valueBytes);
  std::vector<uint8_t> scales(kStep * (width / 32), 127);
  for (uint64_t at = 0; at < rows; at += kStep) {
    uint64_t count = std::min(kStep, rows - at);
    for (uint64_t i = 0; i < count; ++i)
      for (uint64_t b = 0; b + 8 <= valueBytes; b += 8) {
        // No exponent of all ones in any type.
        uint64_t word = (at + i + b) * 0x9e3779b97f4a7c15 & 0x3f3f3f3f3f3f3f3f;
        memcpy(&values[i * valueBytes + b], &word, 8);
      }
    check(trine_engram_writer_append(
              writer, values.data(),
              type == TRINE_ENGRAM_E4M3 ? scales.data() : nullptr, count),
          "append");
  }
  check(trine_engram_writer_finish(writer), "finish");
  trine_engram_writer_close(writer);
}

BenchTable::~BenchTable() { remove(path.c_str()); }

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

static bool isPrime(uint64_t number) {
  for (uint64_t d = 2; d * d <= number; ++d)
    if (number % d == 0)
      return false;
  return number > 1;
}

static std::vector<int64_t> tokenise(uint64_t maxTokens) {
  std::vector<int64_t> ids;
  std::error_code error;
  std::vector<std::string> files;
  for (const char *root : {"/usr/share/doc", "/usr/share/common-licenses",
                           "/usr/share/perl", "/usr/include"})
    for (auto it = std::filesystem::recursive_directory_iterator(root, error);
         !error && it != std::filesystem::recursive_directory_iterator();
         it.increment(error))
      if (it->is_regular_file(error) && it->path().extension() != ".gz")
        files.push_back(it->path());
  std::sort(files.begin(), files.end());
  for (const std::string &file : files) {
    std::ifstream in(file);
    for (std::string word; in >> word && ids.size() < maxTokens;) {
      uint64_t hash = 1469598103934665603;
      for (char c : word)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211;
      ids.push_back(static_cast<int64_t>((hash >> 16) % 99092));
    }
    if (ids.size() >= maxTokens)
      break;
  }
  return ids;
}

TokenStream::TokenStream(uint64_t tableRows, uint64_t maxTokens) {
  std::vector<int64_t> ids = tokenise(maxTokens);
  tokens = ids.size();
  const int64_t multipliers[4] = {76632096046245, 4839876093313, 35959672319349,
                                  73987337458391};
  int64_t moduli[24], offsets[24], sum = 0;
  uint64_t prime = tableRows / 24 - tableRows / 2400;
  for (int c = 0; c < 24; ++c) {
    while (!isPrime(++prime))
      ;
    moduli[c] = static_cast<int64_t>(prime);
    offsets[c] = sum;
    sum += moduli[c];
  }
  if (static_cast<uint64_t>(sum) > tableRows) {
    fprintf(stderr, "engram-bench: the table is too small\n");
    exit(1);
  }
  trine_engram_hash_rule rule = {};
  rule.struct_size = sizeof(rule);
  rule.order = 4;
  rule.heads = 8;
  rule.pad = 2;
  rule.multipliers = multipliers;
  rule.moduli = moduli;
  rule.offsets = offsets;
  trine_engram_hash *hash;
  check(trine_engram_hash_create(&rule, TRINE_ENGRAM_HASH_BEST, &hash), "hash");
  rows.resize(tokens * 24);
  check(trine_engram_hash_run(hash, ids.data(), 1, tokens, nullptr, rows.data(),
                              nullptr),
        "hash");
  trine_engram_hash_destroy(hash);
}
