// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Passes from the plan level to the LLVM dialect, see passes/Lower/Passes.td.
#ifndef TRINE_PASSES_LOWER_H
#define TRINE_PASSES_LOWER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "trine/Dialect/Plan/Plan.h"

namespace mlir {
class OpPassManager;
namespace linalg {
class GenericOp;
}
namespace trine {

#define GEN_PASS_DECL
#include "trine/Passes/Lower.h.inc"

/// From a planned module (memref form) to functions of memrefs: tiles,
/// launch sequence, buffers, workgroups. Knows no processor.
void buildKernelLoweringPipeline(OpPassManager &manager);

/// The same for a device with kernels of its own, but for the launch sequence,
/// which is lowered already: kernels become functions of buffers whose loop
/// over workgroups stays, marked with `kWorkgroupsAttr`.
void buildDeviceKernelPipeline(OpPassManager &manager);

/// Brings a body into the few forms that tiling understands: generics,
/// fills and slices; destinations used from the start; chains of
/// element-wise operations fused.
LogicalResult prepareKernel(plan::KernelOp kernel);

/// True for sums of products of two floating-point inputs, each at most
/// widened, in the accumulator's type: matmul and its relatives.
bool isFloatProduct(linalg::GenericOp op);

/// Marks the `scf.forall` whose iterations are a kernel's workgroups.
inline constexpr llvm::StringLiteral kWorkgroupsAttr = "trine.workgroups";

/// From the result of buildKernelLoweringPipeline to the LLVM dialect, for a
/// processor with vector registers of `vectorBytes` bytes.
void buildLLVMLoweringPipeline(OpPassManager &manager, unsigned vectorBytes);

#define GEN_PASS_REGISTRATION
#include "trine/Passes/Lower.h.inc"

/// Registers the passes above and their two pipelines,
/// `trine-lower-kernels` and `trine-lower-to-llvm`.
void registerLowerPasses();

} // namespace trine
} // namespace mlir

#endif
