// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The folder that a package is written into before it is renamed.
#ifndef TRINE_LIB_PACKAGE_TEMPORARYFOLDER_H
#define TRINE_LIB_PACKAGE_TEMPORARYFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace mlir::trine {

/// A folder `.trine-writing-*` beside the package, locked for as long as its
/// writer lives and removed with the object. What a killed writer left behind
/// is removed by the next one: its lock went with it.
class TemporaryFolder {
public:
  /// `output` is the package's absolute path.
  static llvm::Expected<std::unique_ptr<TemporaryFolder>>
  create(llvm::StringRef output);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  llvm::StringRef getPath() const { return path; }

private:
  TemporaryFolder(llvm::StringRef path, int descriptor)
      : path(path), descriptor(descriptor) {}

  llvm::SmallString<256> path;
  int descriptor;
};

} // namespace mlir::trine

#endif
