// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Codegen/CUDA.h"

#include "Assembler.h"
#include "Attention.h"
#include "Elementwise.h"
#include "Experts.h"
#include "Gemm.h"
#include "KernelWriter.h"
#include "NVRTC.h"
#include "Rows.h"
#include "mlir/Pass/PassManager.h"
#include "trine/Passes/Lower.h"
#include "llvm/Support/ThreadPool.h"

#include <chrono>
#include <mutex>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

static LogicalResult checkArchitectures(ModuleOp module,
                                        ArrayRef<std::string> architectures) {
  if (architectures.empty())
    return emitError(module.getLoc())
           << "'arch' must name at least one of sm_80, sm_90a";
  for (const std::string &architecture : architectures)
    if (architecture != "sm_80" && architecture != "sm_90a")
      return emitError(module.getLoc())
             << "'arch' must be a list of sm_80, sm_90a, got '" << architecture
             << "'";
  return success();
}

/// The text of a kernel whose body became loops and linalg ops on buffers.
static LogicalResult writeGeneric(func::FuncOp function, CUDAKernel &kernel) {
  GenericConfiguration configuration = configureGeneric(function);
  KernelWriter writer(function, configuration);
  FailureOr<std::string> source = writer.write();
  if (failed(source))
    return failure();
  if (writer.getSharedBytes() > kMostSharedBytes)
    return function.emitOpError()
           << "kernel needs " << writer.getSharedBytes()
           << " bytes of shared memory, the limit is " << kMostSharedBytes;
  kernel.source = std::move(*source);
  if (configuration.granularity == Granularity::Row)
    kernel.skeleton = "row";
  for (CUDALaunch &launch : kernel.launches)
    launch = {configuration.threads,
              writer.takesDynamicShared() ? writer.getSharedBytes() : 0,
              {}};
  kernel.workgroupsPerBlock = configuration.workgroupsPerBlock;
  return success();
}

/// Products, whose loops must be recognised first.
static bool writeProduct(plan::KernelOp kernel, ModuleOp module,
                         const CUDAOptions &options, CUDAKernel &result,
                         std::string &why) {
  // What is changed to be understood stays a copy.
  OwningOpRef<plan::KernelOp> copy(kernel.clone());
  if (succeeded(prepareKernel(*copy)) &&
      writeGemm(*copy, module, options.architectures, result, why))
    return true;
  if (why.empty())
    why = "it is in no canonical form";
  return false;
}

/// Kernels that compute each element by itself, or may.
static bool isByElement(StringRef skeleton) {
  return skeleton == "elementwise" || skeleton == "copy" ||
         skeleton == "gather" || skeleton == "concat";
}

/// Sums and norms: along rows, or by each element for itself.
static bool writeReduction(plan::KernelOp kernel, ModuleOp module,
                           CUDAKernel &result, std::string &why) {
  std::string whyNoElements;
  return writeRows(kernel, module, result, why) ||
         writeElementwise(kernel, module, result, whyNoElements);
}

/// The text of a kernel that has a skeleton of its own. False: it is generic;
/// where that is slow the report says so, and why.
static bool writeSkeleton(plan::KernelOp kernel, ModuleOp module,
                          const CUDAOptions &options, CUDAKernel &result) {
  StringRef skeleton = kernel.getSkeleton();
  std::string why;
  bool written;
  if (skeleton == "attention")
    written =
        writeAttention(kernel, module, options.architectures, result, why);
  else if (skeleton == "matmul" || skeleton == "batch_matmul")
    written = writeProduct(kernel, module, options, result, why);
  else if (skeleton == "grouped_matmul" || skeleton == "route" ||
           skeleton == "group")
    written = writeExperts(kernel, module, options.architectures, result, why);
  else if (skeleton == "row" || skeleton == "reduction")
    written = writeReduction(kernel, module, result, why);
  else
    // Where this is not so, blocks of threads share each op of the kernel.
    return isByElement(skeleton) &&
           writeElementwise(kernel, module, result, why);
  if (!written) {
    result.fallback = why;
    result.skeleton += " (generic)";
  }
  return written;
}

static LogicalResult compileKernels(ModuleOp planned,
                                    const CUDAOptions &options,
                                    CUDAProgram &program) {
  llvm::Expected<NVRTC> nvrtc = NVRTC::open(options.nvrtc);
  if (!nvrtc)
    return emitError(planned.getLoc()) << llvm::toString(nvrtc.takeError());
  program.nvrtcVersion = nvrtc->getVersion();
  KernelCache cache(options.cacheFolder);
  std::vector<std::string> problems;
  std::mutex mutex;
  unsigned threads =
      options.threads
          ? options.threads
          : llvm::heavyweight_hardware_concurrency().compute_thread_count();
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (CUDAKernel &kernel : program.kernels) {
    kernel.ptx.resize(options.architectures.size());
    for (size_t index = 0; index < options.architectures.size(); ++index)
      pool.async([&, index] {
        const std::string &architecture = options.architectures[index];
        std::string key =
            KernelCache::key(kernel.source, architecture, nvrtc->getVersion());
        if (cache.find(key, kernel.ptx[index])) {
          std::lock_guard<std::mutex> lock(mutex);
          ++program.cacheHits;
          return;
        }
        llvm::Expected<std::string> ptx =
            nvrtc->compile(kernel.source, kernel.name, architecture);
        if (!ptx) {
          std::lock_guard<std::mutex> lock(mutex);
          problems.push_back(llvm::toString(ptx.takeError()));
          return;
        }
        kernel.ptx[index] = std::move(*ptx);
        cache.store(key, kernel.ptx[index]);
      });
  }
  pool.wait();
  // Threads end in any order.
  llvm::sort(problems);
  for (const std::string &problem : problems)
    emitError(planned.getLoc()) << problem;
  return success(problems.empty());
}

static LogicalResult measureKernels(ModuleOp planned,
                                    const CUDAOptions &options,
                                    CUDAProgram &program) {
  std::optional<Assembler> assembler = Assembler::find();
  if (!assembler)
    return success();
  KernelCache cache(options.cacheFolder);
  std::vector<std::string> problems;
  std::mutex mutex;
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(options.threads));
  for (CUDAKernel &kernel : program.kernels) {
    kernel.resources.resize(options.architectures.size());
    for (size_t index = 0; index < options.architectures.size(); ++index)
      pool.async([&, index] {
        llvm::Expected<CUDAResources> resources =
            assembler->measure(kernel.ptx[index], kernel.name,
                               options.architectures[index], cache);
        if (resources) {
          kernel.resources[index] = *resources;
          return;
        }
        std::lock_guard<std::mutex> lock(mutex);
        problems.push_back(llvm::toString(resources.takeError()));
      });
  }
  pool.wait();
  llvm::sort(problems);
  for (const std::string &problem : problems)
    emitError(planned.getLoc()) << problem;
  return success(problems.empty());
}

/// Machine code of every kernel.
static LogicalResult assembleKernels(ModuleOp planned,
                                     const CUDAOptions &options,
                                     CUDAProgram &program) {
  std::optional<Assembler> assembler = Assembler::find();
  std::optional<NVRTC> nvrtc;
  if (!assembler) {
    llvm::Expected<NVRTC> opened = NVRTC::open(options.nvrtc);
    if (!opened)
      return emitError(planned.getLoc()) << llvm::toString(opened.takeError());
    nvrtc = std::move(*opened);
  }
  KernelCache cache(options.cacheFolder);
  auto make = [&](const CUDAKernel &kernel,
                  size_t index) -> llvm::Expected<std::string> {
    const std::string &architecture = options.architectures[index];
    if (assembler)
      return assembler->assemble(kernel.ptx[index], kernel.name, architecture,
                                 cache);
    std::string code, key = KernelCache::key(kernel.source, architecture,
                                             "cubin " + nvrtc->getVersion());
    if (cache.find(key, code))
      return code;
    llvm::Expected<std::string> made =
        nvrtc->assemble(kernel.source, kernel.name, architecture);
    if (made)
      cache.store(key, *made);
    return made;
  };
  std::vector<std::string> problems;
  std::mutex mutex;
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(options.threads));
  for (CUDAKernel &kernel : program.kernels) {
    kernel.cubins.resize(options.architectures.size());
    for (size_t index = 0; index < options.architectures.size(); ++index)
      pool.async([&, index] {
        llvm::Expected<std::string> code = make(kernel, index);
        if (code) {
          kernel.cubins[index] = std::move(*code);
          return;
        }
        std::lock_guard<std::mutex> lock(mutex);
        problems.push_back(llvm::toString(code.takeError()));
      });
  }
  pool.wait();
  llvm::sort(problems);
  for (const std::string &problem : problems)
    emitError(planned.getLoc()) << problem;
  return success(problems.empty());
}

LogicalResult mlir::trine::generateCUDAProgram(ModuleOp planned,
                                               const CUDAOptions &options,
                                               CUDAProgram &program) {
  program = CUDAProgram();
  double start = now();
  if (failed(checkArchitectures(planned, options.architectures)))
    return failure();
  program.architectures = options.architectures;
  OwningOpRef<ModuleOp> module(planned.clone());
  std::vector<plan::KernelOp> kernels;
  for (auto kernel : module->getOps<plan::KernelOp>()) {
    kernels.push_back(kernel);
    program.kernels.emplace_back();
    program.kernels.back().name = kernel.getSymName().str();
    program.kernels.back().skeleton = kernel.getSkeleton().str();
    program.kernels.back().launches.resize(options.architectures.size());
  }
  // Launches name kernels by number, so they are lowered while all are there.
  PassManager sequence(module->getContext());
  sequence.addPass(createLowerLaunches());
  if (failed(sequence.run(*module)))
    return failure();
  for (auto [kernel, result] : llvm::zip(kernels, program.kernels))
    if (writeSkeleton(kernel, *module, options, result))
      kernel.erase();
  PassManager manager(module->getContext());
  buildDeviceKernelPipeline(manager);
  if (failed(manager.run(*module)))
    return failure();
  LogicalResult result = success();
  for (CUDAKernel &kernel : program.kernels) {
    if (!kernel.source.empty())
      continue;
    auto function = module->lookupSymbol<func::FuncOp>(kernel.name);
    if (!function || failed(writeGeneric(function, kernel)))
      result = failure();
    if (function)
      function.erase();
  }
  if (failed(result))
    return failure();
  program.sequence = std::move(module);
  program.passSeconds = now() - start;
  if (options.sourceOnly)
    return success();
  start = now();
  if (failed(compileKernels(planned, options, program)))
    return failure();
  program.nvrtcSeconds = now() - start;
  if (options.cubin && failed(assembleKernels(planned, options, program)))
    return failure();
  return options.resources ? measureKernels(planned, options, program)
                           : success();
}

void mlir::trine::printCUDA(const CUDAProgram &program,
                            llvm::raw_ostream &stream) {
  for (const CUDAKernel &kernel : program.kernels) {
    stream << "// " << kernel.name << ": ";
    llvm::interleave(
        llvm::zip(program.architectures, kernel.launches), stream,
        [&](auto pair) {
          auto &[architecture, launch] = pair;
          stream << architecture << " " << launch.threads << " threads, "
                 << launch.sharedBytes << " bytes of dynamic shared memory";
          if (!launch.maps.empty())
            stream << ", " << launch.maps.size() << " tensor maps";
        },
        "; ");
    stream << "; " << kernel.workgroupsPerBlock << " workgroups per block\n";
    if (!kernel.fallback.empty())
      stream << "// generic: " << kernel.fallback << "\n";
    stream << kernel.source << "\n";
  }
}
