// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What fuzz targets share. docs/fuzzing.md says how they are run.
#ifndef TRINE_TEST_FUZZ_FUZZTARGET_H
#define TRINE_TEST_FUZZ_FUZZTARGET_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace trine::fuzz {

/// What a reader promises about what it accepted; the target stops otherwise.
#define TRINE_FUZZ_EXPECT(condition)                                           \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__,         \
                   #condition);                                                \
      std::abort();                                                            \
    }                                                                          \
  } while (false)

/// A file in memory for readers that take a path; each set() replaces its
/// bytes.
class MemoryFile {
public:
  MemoryFile() : descriptor(memfd_create("fuzz", MFD_CLOEXEC)) {
    TRINE_FUZZ_EXPECT(descriptor >= 0);
    path = "/proc/self/fd/" + std::to_string(descriptor);
  }
  ~MemoryFile() { close(descriptor); }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;

  void set(const uint8_t *data, size_t size) {
    TRINE_FUZZ_EXPECT(ftruncate(descriptor, 0) == 0);
    TRINE_FUZZ_EXPECT(pwrite(descriptor, data, size, 0) == ssize_t(size));
  }
  const std::string &getPath() const { return path; }

private:
  int descriptor;
  std::string path;
};

} // namespace trine::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/// libFuzzer's own mutation, for targets that mutate with structure.
extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size,
                                   size_t maximumSize);

#endif
