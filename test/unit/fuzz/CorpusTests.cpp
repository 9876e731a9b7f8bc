// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every fuzz target on its checked-in inputs. What fuzzing found and was mended
// lies in test/fuzz/findings; a target stops the program when it comes back.
#include "gtest/gtest.h"
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" {
#define TRINE_TARGET(name) int fuzz##name(const uint8_t *data, size_t size)
TRINE_TARGET(Manifest);
TRINE_TARGET(SizeExpression);
TRINE_TARGET(Safetensors);
TRINE_TARGET(State);
TRINE_TARGET(Npy);
TRINE_TARGET(Npz);
TRINE_TARGET(Engram);
TRINE_TARGET(PTX);
#ifdef TRINE_HAS_COMPILER
TRINE_TARGET(WireScanner);
TRINE_TARGET(ExternalEntry);
TRINE_TARGET(TensorFile);
#endif
}

namespace {

struct Target {
  const char *name;
  int (*run)(const uint8_t *data, size_t size);
};
void PrintTo(const Target &target, std::ostream *stream) {
  *stream << target.name;
}

class FuzzCorpusTests : public testing::TestWithParam<Target> {};

TEST_P(FuzzCorpusTests, RunsWhatIsCheckedIn) {
  namespace fs = std::filesystem;
  unsigned count = 0;
  for (const char *kind : {"corpus", "findings"}) {
    std::error_code missing; // not every target had findings
    fs::directory_iterator files(
        fs::path(TRINE_FUZZ_FOLDER) / kind / GetParam().name, missing);
    for (const fs::directory_entry &entry : files) {
      SCOPED_TRACE(entry.path().string());
      std::ifstream stream(entry.path(), std::ios::binary);
      std::string bytes((std::istreambuf_iterator<char>(stream)),
                        std::istreambuf_iterator<char>());
      // A copy of exactly that size, so that sanitizers see its end.
      std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
      std::copy(bytes.begin(), bytes.end(), copy.get());
      EXPECT_EQ(GetParam().run(copy.get(), bytes.size()), 0);
      ++count;
    }
  }
  EXPECT_GT(count, 1u);
  // What every reader must take.
  EXPECT_LE(GetParam().run(nullptr, 0), 0);
}

#define TRINE_ENTRY(name)                                                      \
  Target { #name, fuzz##name }
INSTANTIATE_TEST_SUITE_P(
    Readers, FuzzCorpusTests,
    testing::Values(TRINE_ENTRY(Manifest), TRINE_ENTRY(SizeExpression),
                    TRINE_ENTRY(Safetensors), TRINE_ENTRY(State),
                    TRINE_ENTRY(Npy), TRINE_ENTRY(Npz), TRINE_ENTRY(Engram),
                    TRINE_ENTRY(PTX)),
    [](const auto &info) { return std::string(info.param.name); });
#ifdef TRINE_HAS_COMPILER
INSTANTIATE_TEST_SUITE_P(Compiler, FuzzCorpusTests,
                         testing::Values(TRINE_ENTRY(WireScanner),
                                         TRINE_ENTRY(ExternalEntry),
                                         TRINE_ENTRY(TensorFile)),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
#endif

} // namespace
