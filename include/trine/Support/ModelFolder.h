// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Files that a model names: opened below its folder and nowhere else. Every
/// reader of weights goes through this (docs/security.md).
#ifndef TRINE_SUPPORT_MODELFOLDER_H
#define TRINE_SUPPORT_MODELFOLDER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdint>
#include <memory>
#include <string>

namespace mlir::trine {

/// Opens files below one folder, component by component, each relative to the
/// descriptor of the one before, and never through a symbolic link; only
/// regular files, with one name unless `allowHardLinks`. What is checked is the
/// open file, so nothing can change between check and use but its contents.
///
/// A location is a path relative to the folder, with '/' between its parts,
/// none of which is empty, '.' or '..'. Errors name it. `ownFile` is the name
/// of the file in the folder that the user named, which may be a link.
class ModelFolder {
public:
  explicit ModelFolder(llvm::StringRef path, bool allowHardLinks = false,
                       llvm::StringRef ownFile = {})
      : path(path), ownFile(ownFile), allowHardLinks(allowHardLinks) {}
  ~ModelFolder();
  ModelFolder(const ModelFolder &) = delete;
  ModelFolder &operator=(const ModelFolder &) = delete;

  /// Lets `location`, which no file of a model can have, stand for a file of
  /// the compiler's own at `path`.
  void addFile(llvm::StringRef location, llvm::StringRef path) {
    added[location] = path.str();
  }

  /// Size in bytes of the file at `location`. Each file is opened once.
  llvm::Expected<uint64_t> getSize(llvm::StringRef location);
  /// Bytes [offset, offset + bytes.size()) of a file.
  llvm::Error read(llvm::StringRef location, uint64_t offset,
                   llvm::MutableArrayRef<char> bytes);
  /// Bytes [offset, offset + length) of a file, mapped where they are many.
  /// Fails when the file ends before.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  map(llvm::StringRef location, uint64_t offset, uint64_t length);
  /// All of a file.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  map(llvm::StringRef location);

private:
  /// A descriptor, which the caller closes.
  llvm::Expected<int> open(llvm::StringRef location, uint64_t &size);
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  mapOpened(llvm::StringRef location, int file, uint64_t offset,
            uint64_t length);

  std::string path, ownFile;
  bool allowHardLinks;
  int folder = -1;
  llvm::StringMap<uint64_t> sizes;
  llvm::StringMap<std::string> added;
};

} // namespace mlir::trine

#endif
