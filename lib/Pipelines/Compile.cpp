// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Pipelines/Compile.h"

#include "ConstantPrograms.h"
#include "DescribeModel.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Transforms/Passes.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Codegen/Host.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Import/ONNX.h"
#include "trine/Package/Package.h"
#include "trine/Passes/Lower.h"
#include "trine/Passes/Optimize.h"
#include "trine/Reference/Tolerance.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"
#include <chrono>
#include <sys/resource.h>

using namespace mlir;
using namespace mlir::trine;

namespace {

/// One compile: the stages in order, timed.
class Compilation {
public:
  Compilation(MLIRContext &context, const CompileOptions &options,
              CompileReport &report)
      : context(context), options(options), report(report) {}

  LogicalResult run();

private:
  /// Runs a stage under its name.
  LogicalResult stage(StringRef name, function_ref<LogicalResult()> body);
  LogicalResult runPipeline(function_ref<void(OpPassManager &)> build);
  LogicalResult setInitialStates();
  LogicalResult promoteState();
  LogicalResult writeText();
  LogicalResult writeText(function_ref<void(llvm::raw_ostream &)> print);
  LogicalResult writeLLVM();
  LogicalResult checkTarget();
  /// Generates CUDA kernels; without PTX if only their source is asked for.
  LogicalResult generateCUDA(CUDAProgram &program);
  LogicalResult writeKernelTexts();
  LogicalResult writePackage();
  LogicalResult checkMemory();

  MLIRContext &context;
  const CompileOptions &options;
  CompileReport &report;
  OwningOpRef<ModuleOp> module;
  std::vector<double> tolerances;
  std::vector<ConstantProgram> constants;
};

} // namespace

LogicalResult Compilation::stage(StringRef name,
                                 function_ref<LogicalResult()> body) {
  if (options.progress)
    options.progress(name);
  auto started = std::chrono::steady_clock::now();
  LogicalResult result = body();
  std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - started;
  report.stages.push_back({name.str(), passed.count()});
  return result;
}

LogicalResult
Compilation::runPipeline(function_ref<void(OpPassManager &)> build) {
  PassManager manager(&context, ModuleOp::getOperationName());
  build(manager);
  return manager.run(*module);
}

LogicalResult Compilation::writeText() {
  return writeText([&](llvm::raw_ostream &stream) {
    module->print(stream);
    stream << "\n";
  });
}

LogicalResult
Compilation::writeText(function_ref<void(llvm::raw_ostream &)> print) {
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file =
      openOutputFile(options.output, &error);
  if (!file)
    return emitError(UnknownLoc::get(&context)) << error;
  print(file->os());
  file->keep();
  return success();
}

/// Writes what the user knows into the states' ops: `trine.initial`.
LogicalResult Compilation::setInitialStates() {
  for (const auto &[name, value] : options.stateInitials) {
    StateOpenOp found;
    module->walk([&, wanted = StringRef(name)](StateOpenOp open) {
      if (open.getName() == wanted)
        found = open;
    });
    auto type =
        found ? cast<StateType>(found.getResult().getType()) : StateType();
    if (!type || type.getAxis() != 0 ||
        !type.getTensor().getElementType().isSignlessInteger())
      return emitError(UnknownLoc::get(&context))
             << "'--state-initial': the model has no replaced state '" << name
             << "' of integers";
    found->setAttr("trine.initial",
                   IntegerAttr::get(IntegerType::get(&context, 64), value));
  }
  return success();
}

/// Tolerances stay with the results that are left.
LogicalResult Compilation::promoteState() {
  auto namesOf = [&] {
    SmallVector<Attribute> names;
    if (auto main = module->lookupSymbol<func::FuncOp>("main"))
      for (unsigned i = 0; i < main.getNumResults(); ++i)
        names.push_back(main.getResultAttr(i, "onnx.name"));
    return names;
  };
  SmallVector<Attribute> before = namesOf();
  if (failed(runPipeline([&](OpPassManager &manager) {
        manager.addNestedPass<func::FuncOp>(createTrinePromoteState());
        manager.addPass(createCanonicalizerPass());
        manager.addPass(createCSEPass());
      })))
    return failure();
  if (failed(setInitialStates()))
    return failure();
  std::vector<double> left;
  for (Attribute name : namesOf()) {
    size_t index = llvm::find(before, name) - before.begin();
    if (index < tolerances.size())
      left.push_back(tolerances[index]);
  }
  tolerances = std::move(left);
  return success();
}

LogicalResult Compilation::checkTarget() {
  bool isCUDA = options.target == "cuda";
  report.target = options.target + " (" +
                  (isCUDA ? options.architectures : options.cpu) + ")";
  auto loc = UnknownLoc::get(&context);
  if (!isCUDA && options.target != "host")
    return emitError(loc) << "target '" << options.target
                          << "' is not supported; expected host or cuda";
  if (isCUDA && options.emit == Emit::LLVM)
    return emitError(loc) << "target 'cuda' has no LLVM dialect to emit; "
                             "expected cuda or ptx";
  if (!isCUDA && (options.emit == Emit::CUDA || options.emit == Emit::PTX))
    return emitError(loc) << "only target 'cuda' has CUDA and PTX to emit, got "
                             "target 'host'";
  std::string weights = options.plan.weights;
  if (!llvm::is_contained({"", "bf16", "f16"}, StringRef(weights)))
    return emitError(loc) << "'--weights' must be bf16 or f16, got '" << weights
                          << "'";
  if (!isCUDA && options.cubin)
    return emitError(loc) << "'--cubin' needs target cuda, got host";
  if (isCUDA && !weights.empty())
    return emitError(loc) << "'--weights' needs target host, got cuda";
  report.matrixType = weights;
  return success();
}

/// Matrices that are narrowed are off by the roundoff of their type.
static reference::ToleranceOptions toleranceOptions(StringRef matrixType) {
  reference::ToleranceOptions options;
  if (matrixType == "bf16")
    options.matrixRoundoff = 0x1p-8;
  else if (matrixType == "f16")
    options.matrixRoundoff = 0x1p-11;
  return options;
}

LogicalResult Compilation::run() {
  report.model = llvm::sys::path::filename(options.input).str();
  if (failed(checkTarget()))
    return failure();

  if (failed(stage("import", [&]() -> LogicalResult {
        FailureOr<OwningOpRef<ModuleOp>> imported =
            importONNXModel(context, options.input, options.import);
        if (failed(imported))
          return failure();
        module = std::move(*imported);
        if (options.afterImport && failed(options.afterImport(*module)))
          return failure();
        describeModel(*module, report);
        auto main = module->lookupSymbol<func::FuncOp>("main");
        if (main)
          for (reference::Tolerance tolerance : reference::deriveTolerances(
                   main, toleranceOptions(options.plan.weights)))
            tolerances.push_back(tolerance.relative);
        return success();
      })))
    return failure();
  if (options.emit == Emit::ONNX)
    return writeText();

  collectRemarks(context, report, options.remarks);
  if (failed(stage("raise", [&] { return runPipeline(buildRaisePipeline); })))
    return failure();
  describeRaised(*module, report);
  if (options.plan.recacheLatent && failed(stage("recache", [&] {
        return runPipeline([](OpPassManager &manager) {
          manager.addNestedPass<func::FuncOp>(createTrineRecacheLatent());
        });
      })))
    return failure();
  if (options.state && failed(stage("state", [&] { return promoteState(); })))
    return failure();
  if (options.emit == Emit::Trine)
    return writeText();

  if (failed(stage("optimise", [&] {
        return runPipeline([&](OpPassManager &manager) {
          buildOptimizePipeline(manager, options.plan);
        });
      })))
    return failure();
  // What is cached may be another now.
  describeSignature(*module, report);
  if (failed(stage("plan", [&] {
        return runPipeline([&](OpPassManager &manager) {
          // Panels are what the host's products read.
          PlanPipelineOptions plan;
          plan.copyOptionValuesFrom(options.plan);
          plan.packMatrices = options.target == "host";
          // A device would wait for the host where no fetch needs it to.
          if (plan.hostHash == "auto")
            plan.hostHash = options.target == "host" ? "all" : "fetched";
          buildPlanPipeline(manager, plan);
        });
      })))
    return failure();
  describePlan(*module, report);
  if (failed(checkMemory()))
    return failure();
  if (options.emit == Emit::Plan)
    return writeText();
  // Below this level they are programs of their own.
  if (!module->getOps<plan::ConstantProgramOp>().empty() &&
      failed(stage("constants", [&] {
        return compileConstantPrograms(*module, options.emit == Emit::Package,
                                       options.threads, constants);
      })))
    return failure();
  if (options.emit == Emit::CUDA || options.emit == Emit::PTX)
    return writeKernelTexts();
  return options.emit == Emit::LLVM ? writeLLVM() : writePackage();
}

/// Refuses what does not fit, and says what takes how much.
LogicalResult Compilation::checkMemory() {
  if (options.memoryLimit == 0)
    return success();
  uint64_t workspace = 0;
  for (const auto &[space, bytes] : report.workspaceBytes)
    workspace += bytes;
  uint64_t needed = report.packedWeightBytes + workspace;
  if (needed <= options.memoryLimit)
    return success();
  InFlightDiagnostic error = emitError(UnknownLoc::get(&context));
  error << "'" << report.model << "' needs " << needed
        << " bytes, more than the limit of " << options.memoryLimit
        << ": weights " << report.packedWeightBytes << ", a step " << workspace;
  for (const auto &[kind, bytes] : report.weightKinds)
    error.attachNote() << "weights of kind '" << kind << "' have " << bytes
                       << " bytes in the model";
  error.attachNote() << "a step's memory is that of the sizes given with "
                        "--size, or of 64 for each symbol; smaller sizes or a "
                        "higher --memory-limit would fit";
  return error;
}

/// Where compiled kernels are kept.
static std::string cacheFolder(StringRef given) {
  if (!given.empty())
    return given == "none" ? "" : given.str();
  if (auto folder = llvm::sys::Process::GetEnv("TRINE_CACHE"))
    return *folder;
  llvm::SmallString<256> folder;
  if (!llvm::sys::path::cache_directory(folder))
    return "";
  llvm::sys::path::append(folder, "trine");
  return folder.str().str();
}

LogicalResult Compilation::generateCUDA(CUDAProgram &program) {
  CUDAOptions cudaOptions;
  SmallVector<StringRef> architectures;
  StringRef(options.architectures)
      .split(architectures, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef architecture : architectures)
    cudaOptions.architectures.push_back(architecture.trim().str());
  cudaOptions.cacheFolder = cacheFolder(options.kernelCache);
  cudaOptions.threads = options.threads;
  cudaOptions.sourceOnly = options.emit == Emit::CUDA;
  cudaOptions.cubin = options.cubin && options.emit == Emit::Package;
  cudaOptions.resources = options.kernelResources;
  LogicalResult result = stage("generate", [&] {
    return generateCUDAProgram(*module, cudaOptions, program);
  });
  // What became of the kernels says more than what was planned.
  report.skeletons.clear();
  for (const CUDAKernel &kernel : program.kernels) {
    ++report.skeletons[kernel.skeleton];
    for (auto [index, taken] : llvm::enumerate(kernel.resources)) {
      const CUDALaunch &launch = kernel.launches[index];
      report.resources.push_back({kernel.name, kernel.skeleton,
                                  program.architectures[index], launch.threads,
                                  taken.registers, taken.sharedBytes,
                                  launch.sharedBytes, taken.spillBytes});
    }
  }
  report.nvrtcVersion = program.nvrtcVersion;
  report.cachedKernels = program.cacheHits;
  if (!program.nvrtcVersion.empty())
    report.compiledKernels =
        program.kernels.size() * program.architectures.size() -
        program.cacheHits;
  return result;
}

LogicalResult Compilation::writeKernelTexts() {
  CUDAProgram program;
  if (failed(generateCUDA(program)))
    return failure();
  return writeText([&](llvm::raw_ostream &stream) {
    if (options.emit == Emit::CUDA)
      return printCUDA(program, stream);
    for (const CUDAKernel &kernel : program.kernels)
      for (auto [architecture, ptx] :
           llvm::zip(program.architectures, kernel.ptx))
        stream << "// " << kernel.name << " for " << architecture << "\n"
               << ptx << "\n";
  });
}

/// "baseline" is the generator's default of several variants.
static std::string generatorCPU(StringRef cpu) {
  return cpu == "baseline" ? "" : cpu.str();
}

LogicalResult Compilation::writeLLVM() {
  // The dialect form for people; objects are made per variant in the generator.
  constexpr unsigned vectorBytes = 32;
  if (failed(stage("lower", [&] {
        return runPipeline([](OpPassManager &manager) {
          buildKernelLoweringPipeline(manager);
          buildLLVMLoweringPipeline(manager, vectorBytes);
        });
      })))
    return failure();
  return writeText();
}

LogicalResult Compilation::writePackage() {
  SmallVector<char, 0> program;
  HostReport host;
  CUDAProgram cuda;
  bool isCUDA = options.target == "cuda";
  if (isCUDA) {
    if (failed(generateCUDA(cuda)))
      return failure();
    for (const CUDAKernel &kernel : cuda.kernels)
      host.kernels.push_back({kernel.name, kernel.skeleton});
    if (failed(stage("link", [&] {
          return generateSequenceProgram(*cuda.sequence, host.kernels, program);
        })))
      return failure();
  } else if (failed(stage("generate", [&] {
               HostOptions hostOptions;
               hostOptions.cpu = generatorCPU(options.cpu);
               hostOptions.threads = options.threads;
               return generateHostProgram(*module, hostOptions, program, host);
             })))
    return failure();
  report.codeBytes = program.size();
  return stage("package", [&] {
    PackageOptions packageOptions;
    packageOptions.output = options.output;
    packageOptions.modelFolder = getModelFolder(options.input);
    packageOptions.modelFile = llvm::sys::path::filename(options.input).str();
    packageOptions.allowHardLinks = options.import.allowHardLinks;
    packageOptions.referenceTables = options.referenceTables;
    packageOptions.name = llvm::sys::path::stem(options.input).str();
    packageOptions.relativeTolerances = tolerances;
    packageOptions.cuda = isCUDA ? &cuda : nullptr;
    packageOptions.constants = constants;
    packageOptions.threads = options.threads;
    PackageReport written;
    return mlir::trine::writePackage(*module, program, host, packageOptions,
                                     written);
  });
}

LogicalResult mlir::trine::compileModel(MLIRContext &context,
                                        const CompileOptions &options,
                                        CompileReport &report) {
  LogicalResult result = Compilation(context, options, report).run();
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  report.peakMemory = int64_t(usage.ru_maxrss) * 1024;
  return result;
}
