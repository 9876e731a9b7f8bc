// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Weights that are computed from others when a package is written.
#ifndef TRINE_LIB_PACKAGE_COMPUTEDWEIGHTS_H
#define TRINE_LIB_PACKAGE_COMPUTEDWEIGHTS_H

#include "trine/Package/Package.h"

namespace mlir::trine {

/// Runs `options.constants` one after the other, each as a package of its own
/// in `folder` that is removed then. Their results go to a file there, whose
/// path this gives: they are written where it is mapped, so that memory of this
/// process does not grow with them. Problems are diagnostics.
FailureOr<std::string> computeWeights(const PackageOptions &options,
                                      StringRef folder);

} // namespace mlir::trine

#endif
