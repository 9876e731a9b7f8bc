// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors whose bytes lie in other files beside the model: what a model may
/// name. Support/ModelFolder.h opens it.
#ifndef TRINE_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define TRINE_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "llvm/ADT/ArrayRef.h"
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

} // namespace mlir::trine::importer

#endif
