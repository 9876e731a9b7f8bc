// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The passes of passes/Raise: from the onnx dialect to the trine level.
#ifndef TRINE_PASSES_RAISE_H
#define TRINE_PASSES_RAISE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir::trine {

#define GEN_PASS_DECL
#include "trine/Passes/Raise.h.inc"

#define GEN_PASS_REGISTRATION
#include "trine/Passes/Raise.h.inc"

} // namespace mlir::trine

#endif
