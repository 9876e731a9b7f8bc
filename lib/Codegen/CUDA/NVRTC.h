// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// NVIDIA's runtime compiler, opened when it is needed: building Trine needs no
/// CUDA.
#ifndef TRINE_LIB_CODEGEN_CUDA_NVRTC_H
#define TRINE_LIB_CODEGEN_CUDA_NVRTC_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::trine::cuda {

/// A header of runtime/kernels, by the name that sources include it with.
struct KernelHeader {
  const char *name, *text;
};
llvm::ArrayRef<KernelHeader> kernelHeaders();

/// The functions of one NVRTC library, which stays open. Any number of threads
/// may compile.
class NVRTC {
public:
  /// Opens `path`, or, when that is empty: $TRINE_NVRTC, the library by its
  /// names, CUDA toolkits and Python packages. The error says what was tried.
  static llvm::Expected<NVRTC> open(llvm::StringRef path);
  /// Opens the first of these that is an NVRTC and new enough. The error says
  /// what is wrong with those that were found.
  static llvm::Expected<NVRTC> open(const std::vector<std::string> &candidates);

  /// "13.0".
  const std::string &getVersion() const { return version; }

  /// PTX of `source` for "sm_80" or "sm_90a". The error holds the compiler's
  /// messages.
  llvm::Expected<std::string> compile(llvm::StringRef source,
                                      llvm::StringRef name,
                                      llvm::StringRef architecture) const;

  /// Machine code in place of PTX: an ELF file.
  llvm::Expected<std::string> assemble(llvm::StringRef source,
                                       llvm::StringRef name,
                                       llvm::StringRef architecture) const;

  /// The options of `compile`.
  static std::vector<std::string> optionsFor(llvm::StringRef architecture);

private:
  using Program = void *;
  std::string bindAll(void *library, const std::string &path);
  llvm::Expected<std::string> make(llvm::StringRef source, llvm::StringRef name,
                                   llvm::StringRef architecture,
                                   bool assembled) const;
  int (*createProgram)(Program *, const char *, const char *, int,
                       const char *const *, const char *const *) = nullptr;
  int (*compileProgram)(Program, int, const char *const *) = nullptr;
  int (*getPTXSize)(Program, size_t *) = nullptr;
  int (*getPTX)(Program, char *) = nullptr;
  int (*getCUBINSize)(Program, size_t *) = nullptr;
  int (*getCUBIN)(Program, char *) = nullptr;
  int (*getLogSize)(Program, size_t *) = nullptr;
  int (*getLog)(Program, char *) = nullptr;
  int (*destroyProgram)(Program *) = nullptr;
  const char *(*getErrorString)(int) = nullptr;
  std::string version;
};

/// The files and names that NVRTC is looked for under, in order.
std::vector<std::string> nvrtcCandidates();

/// Compiled kernels on disk. A file is written aside and renamed, so readers
/// see whole ones; a folder that cannot be written is no error.
class KernelCache {
public:
  /// An empty folder: keeps nothing.
  explicit KernelCache(llvm::StringRef folder) : folder(folder.str()) {}

  /// What stands for a compile: source, headers, options and NVRTC's version.
  static std::string key(llvm::StringRef source, llvm::StringRef architecture,
                         llvm::StringRef nvrtcVersion);

  /// True if there was a file.
  bool find(llvm::StringRef key, std::string &ptx) const;
  void store(llvm::StringRef key, llvm::StringRef ptx) const;

private:
  std::string folder;
};

} // namespace mlir::trine::cuda

#endif
