// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// From `plan.constant_program` to programs that lib/Package runs.
#ifndef TRINE_LIB_PIPELINES_CONSTANTPROGRAMS_H
#define TRINE_LIB_PIPELINES_CONSTANTPROGRAMS_H

#include "trine/Package/Package.h"

namespace mlir::trine {

/// Takes the constant programs out of `module`; those of a package are
/// compiled, in order. Their code is for x86-64-v3 wherever they run, so that
/// the same model gives the same bytes.
LogicalResult compileConstantPrograms(ModuleOp module, bool isPackage,
                                      unsigned threads,
                                      std::vector<ConstantProgram> &programs);

} // namespace mlir::trine

#endif
