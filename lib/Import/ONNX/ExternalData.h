// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors whose bytes lie in other files beside the model: what a model may
/// name, and safe opening.
#ifndef TRINE_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define TRINE_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mlir::trine::importer {

/// The checked entries of a tensor's external_data.
struct ExternalEntry {
  std::string
      location; ///< relative, with '/' between components, without '.' and '..'
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

/// Reads the keys location (required), offset, length and checksum (not
/// verified). Refuses unknown and repeated keys, numbers that are not plain
/// decimals, and locations that are empty, absolute, or lead out of the model's
/// folder.
llvm::Expected<ExternalEntry> parseExternalEntry(
    llvm::ArrayRef<std::pair<llvm::StringRef, llvm::StringRef>> entries);

/// Opens files below one folder, component by component, and never through a
/// symbolic link; only regular files with one name.
class ModelFolder {
public:
  explicit ModelFolder(llvm::StringRef path, bool allowHardLinks)
      : path(path), allowHardLinks(allowHardLinks) {}

  /// Size in bytes of the file at `location` (as in ExternalEntry). Each file
  /// is opened once.
  llvm::Expected<uint64_t> getSize(const std::string &location);
  /// The bytes of a small tensor.
  llvm::Error read(const std::string &location, uint64_t offset,
                   llvm::MutableArrayRef<char> bytes);

private:
  llvm::Expected<int> open(const std::string &location, uint64_t &size) const;

  std::string path;
  bool allowHardLinks;
  llvm::StringMap<uint64_t> sizes;
};

} // namespace mlir::trine::importer

#endif
