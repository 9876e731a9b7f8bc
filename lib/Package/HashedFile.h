// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// A file that is hashed and written while the next bytes are made.
#ifndef TRINE_LIB_PACKAGE_HASHEDFILE_H
#define TRINE_LIB_PACKAGE_HASHEDFILE_H

#include "trine/Runtime/Sha256.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace mlir::trine {

/// Blocks are handed to a thread that hashes and writes them; at most a few
/// wait at any time.
class HashedFile {
public:
  /// Creates the file; the error names it.
  static llvm::Expected<std::unique_ptr<HashedFile>>
  create(llvm::StringRef path);
  ~HashedFile();

  void write(llvm::ArrayRef<uint8_t> bytes);
  void write(llvm::StringRef text);
  /// Writes zeros.
  void pad(uint64_t bytes);

  uint64_t size() const { return written; }

  /// Flushes to the disk and gives the SHA-256 in hexadecimal; the error
  /// says what could not be written.
  llvm::Expected<std::string> finish();

private:
  using Block = std::vector<uint8_t>;

  HashedFile(llvm::StringRef path, int descriptor);
  /// Hands `block` over; waits while too many wait.
  void pass();
  void stop();
  void work();

  std::string path;
  uint64_t written = 0;
  Block block; // being filled

  // The thread's own.
  llvm::raw_fd_ostream stream;
  ::trine::runtime::Sha256 hash;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Block> waiting;
  bool ended = false;
  std::thread thread;
};

} // namespace mlir::trine

#endif
