// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Weights that a package has rounded (`trine-compile --weights bf16`), for the
/// interpreter that judges it.
#ifndef TRINE_REFERENCE_ROUNDEDWEIGHTS_H
#define TRINE_REFERENCE_ROUNDEDWEIGHTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::trine::reference {

/// Makes the initializers of an onnx-level `main` read as the package in
/// `folder` stores them: elements that its manifest lists under "narrowed" are
/// rounded to that type. Where a package stores a weight both ways, look-ups
/// (Gather, GatherND, GatherElements) read it as it is. Gives whether anything
/// is rounded; fails with an error when the manifest cannot be read, or
/// when weights are rounded that only the package has, as it computed them.
FailureOr<bool> roundWeightsAsPackaged(func::FuncOp main,
                                       llvm::StringRef folder);

} // namespace mlir::trine::reference

#endif
