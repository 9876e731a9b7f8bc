// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A file that is hashed while it is written.
#ifndef TRINE_LIB_PACKAGE_HASHEDFILE_H
#define TRINE_LIB_PACKAGE_HASHEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

namespace mlir::trine {

class HashedFile {
public:
  /// Creates the file; the error names it.
  static llvm::Expected<std::unique_ptr<HashedFile>>
  create(llvm::StringRef path);

  void write(llvm::ArrayRef<uint8_t> bytes);
  void write(llvm::StringRef text);
  /// Writes zeros.
  void pad(uint64_t bytes);

  uint64_t size() const { return written; }

  /// Flushes to the disk and gives the SHA-256 in hexadecimal; the error
  /// says what could not be written.
  llvm::Expected<std::string> finish();

private:
  HashedFile(llvm::StringRef path, int descriptor)
      : path(path.str()), stream(descriptor, /*shouldClose=*/true) {}

  std::string path;
  llvm::raw_fd_ostream stream;
  llvm::SHA256 hash;
  uint64_t written = 0;
};

} // namespace mlir::trine

#endif
