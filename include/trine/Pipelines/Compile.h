// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The whole way from an ONNX file to a package, as one call and as
/// pipelines.
#ifndef TRINE_PIPELINES_COMPILE_H
#define TRINE_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassOptions.h"
#include "trine/Import/ONNX.h"
#include "trine/Pipelines/CompileReport.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace mlir {
class OpPassManager;
namespace trine {

/// onnx -> linalg and trine: decomposition, conversion, clean-up, border
/// check. Also `trine-raise-pipeline`.
void buildRaisePipeline(OpPassManager &manager);

/// How the trine level becomes the plan level: what trine-compile's options of
/// the same names choose.
struct PlanPipelineOptions : PassPipelineOptions<PlanPipelineOptions> {
  Option<std::string> latentAttention{
      *this, "latent-attention",
      llvm::cl::desc("Form of attention on latents: auto (by a cost model), "
                     "absorbed, decompressed or by-shape"),
      llvm::cl::init("auto")};
  Option<bool> recacheLatent{
      *this, "recache-latent",
      llvm::cl::desc("Cache latents where the model caches keys and values of "
                     "every head; changes its inputs and outputs"),
      llvm::cl::init(false)};
  Option<int64_t> tableLimit{
      *this, "table-limit",
      llvm::cl::desc("Engram tables of more bytes than this are served by the "
                     "table store; -1: none"),
      llvm::cl::init(int64_t(256) << 20)};
  Option<int64_t> constantLimit{
      *this, "constant-limit",
      llvm::cl::desc("Values of weights alone of at most this many bytes are "
                     "computed at compile time even if they grow; -1: nothing "
                     "is computed at compile time"),
      llvm::cl::init(int64_t(64) << 10)};
  Option<std::string> prefetch{
      *this, "prefetch",
      llvm::cl::desc("Where fetches of table rows start: auto, early, inline"),
      llvm::cl::init("auto")};
  Option<double> tableLatency{
      *this, "table-latency",
      llvm::cl::desc("Microseconds until the first row of a fetch is there"),
      llvm::cl::init(200)};
  Option<std::string> hostHash{
      *this, "host-hash",
      llvm::cl::desc(
          "Which hashes of n-grams the host's library computes: all, "
          "fetched (those whose rows are fetched), none, or auto: "
          "all, on other devices fetched"),
      llvm::cl::init("auto")};
  Option<std::string> projection{
      *this, "engram-projection",
      llvm::cl::desc("Whether what depends on fetched rows and weights alone "
                     "is computed ahead: auto, always, never"),
      llvm::cl::init("auto")};
  ListOption<std::string> sizes{
      *this, "size",
      llvm::cl::desc("What a symbol is taken for where memory is reported and "
                     "compared, as past=4096")};
  Option<bool> packMatrices{
      *this, "pack-matrices",
      llvm::cl::desc("Store matrices as the host's products read them"),
      llvm::cl::init(true)};
  Option<std::string> weights{
      *this, "weights", llvm::cl::desc("Store f32 matrices as bf16 or f16"),
      llvm::cl::init("")};
};

/// Which form of what was raised is computed, at the trine level still. Also
/// the first part of `trine-plan-pipeline`.
void buildOptimizePipeline(OpPassManager &manager,
                           const PlanPipelineOptions &options);

/// linalg -> plan in memref form: fusion, weights, kernels, buffers, memory,
/// border check. Also the second part of `trine-plan-pipeline`.
void buildPlanPipeline(OpPassManager &manager,
                       const PlanPipelineOptions &options);

/// The last part of the former: from linalg to kernels, without the choices
/// before. What constant programs are compiled with.
void buildKernelPipeline(OpPassManager &manager,
                         const PlanPipelineOptions &options);

/// Registers the pipelines above.
void registerPipelines();

/// What compileModel writes.
enum class Emit { ONNX, Trine, Plan, LLVM, CUDA, PTX, Package };

struct CompileOptions {
  /// The ONNX file.
  std::string input;
  /// What is accepted of it.
  ImportOptions import;
  /// A folder for a package, a file for text; "-" is the standard output.
  std::string output;
  Emit emit = Emit::Package;
  /// "host", "cuda".
  std::string target = "host";
  /// Target cuda: a list such as "sm_80,sm_90a".
  std::string architectures = "sm_80,sm_90a";
  /// Target cuda: packages hold machine code, too.
  bool cubin = false;
  /// Target cuda: report what ptxas says of each kernel.
  bool kernelResources = false;
  /// Target cuda: where compiled kernels are kept; "none": nowhere; empty:
  /// $TRINE_CACHE, or the user's cache folder.
  std::string kernelCache;
  /// "baseline" (x86-64-v3 and -v4, chosen when the package is loaded),
  /// "native", or LLVM's name of a processor.
  std::string cpu = "baseline";
  /// How the trine level is planned.
  PlanPipelineOptions plan;
  /// Bytes that weights and the working memory of a step may take together;
  /// 0: no limit. A model that needs more is refused.
  uint64_t memoryLimit = 0;
  /// Threads for code generation; 0: one per core.
  unsigned threads = 0;
  /// Keep past and present in the session instead of passing them in and out.
  bool state = false;
  /// Integers that replaced states (a token history) are made of before the
  /// first step, by the state's name; others begin with 0.
  std::vector<std::pair<std::string, int64_t>> stateInitials;
  /// Leave tables of the table store in the model's files; the package refers
  /// to them.
  bool referenceTables = false;
  /// Adds to the report what the passes say about each place.
  bool remarks = false;
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
