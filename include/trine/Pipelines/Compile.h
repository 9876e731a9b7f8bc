// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The whole way from an ONNX file to a package, as one call and as
/// pipelines.
#ifndef TRINE_PIPELINES_COMPILE_H
#define TRINE_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "trine/Pipelines/CompileReport.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace mlir {
class OpPassManager;
namespace trine {

/// onnx -> linalg and trine: decomposition, conversion, clean-up, border
/// check. Also `trine-raise-pipeline`.
void buildRaisePipeline(OpPassManager &manager);

/// linalg -> plan in memref form: fusion, weights, kernels, buffers, memory,
/// border check. Also `trine-plan-pipeline`.
void buildPlanPipeline(OpPassManager &manager);

/// Registers the pipelines above.
void registerPipelines();

/// What compileModel writes.
enum class Emit { ONNX, Trine, Plan, LLVM, Package };

struct CompileOptions {
  /// The ONNX file.
  std::string input;
  /// A folder for a package, a file for text; "-" is the standard output.
  std::string output;
  Emit emit = Emit::Package;
  /// "host".
  std::string target = "host";
  /// "baseline" (x86-64-v3 and -v4, chosen when the package is loaded),
  /// "native", or LLVM's name of a processor.
  std::string cpu = "baseline";
  /// Threads for code generation; 0: one per core.
  unsigned threads = 0;
  /// Called with the imported model, which it may change before it is compiled.
  llvm::function_ref<LogicalResult(ModuleOp)> afterImport;
  /// Called at the start of every stage with its name.
  llvm::function_ref<void(llvm::StringRef)> progress;
};

/// Compiles a model. Problems are reported as diagnostics; on failure the
/// output is left as it was.
LogicalResult compileModel(MLIRContext &context, const CompileOptions &options,
                           CompileReport &report);

} // namespace trine
} // namespace mlir

#endif
