// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Makes manifest.json.
#ifndef TRINE_LIB_PACKAGE_MANIFEST_H
#define TRINE_LIB_PACKAGE_MANIFEST_H

#include "trine/Package/Package.h"
#include "llvm/Support/JSON.h"

namespace mlir::trine {

/// A file of the package as the manifest lists it.
struct PackagedFile {
  std::string path;
  uint64_t bytes = 0;
  std::string sha256;
};

/// The manifest of a planned module.
FailureOr<llvm::json::Value>
makeManifest(ModuleOp planned, const HostReport &host,
             const PackageOptions &options, ArrayRef<PackagedFile> files,
             uint64_t weightsDataOffset, llvm::json::Array tables);

} // namespace mlir::trine

#endif
