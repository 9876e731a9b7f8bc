// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostImpl.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "trine/Passes/Lower.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"

#include <chrono>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::host;

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// A module's LLVM IR with the context that owns it.
namespace {
struct Translated {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};
} // namespace

static FailureOr<Translated> translate(ModuleOp module) {
  Translated result;
  result.context = std::make_unique<llvm::LLVMContext>();
  result.module = translateModuleToLLVMIR(module, *result.context);
  if (!result.module) {
    // No test: only a defect upstream leads here.
    emitError(module.getLoc()) << "could not be translated to LLVM IR";
    return failure();
  }
  return result;
}

/// Keeps the functions for which `keep` holds.
static void dropFunctions(ModuleOp module,
                          llvm::function_ref<bool(StringRef)> keep) {
  SmallVector<func::FuncOp> dropped;
  for (auto function : module.getOps<func::FuncOp>())
    if (!keep(function.getSymName()))
      dropped.push_back(function);
  for (func::FuncOp function : dropped)
    function.erase();
}

static LogicalResult lowerToLLVM(ModuleOp module, unsigned vectorBytes) {
  PassManager manager(module.getContext());
  buildLLVMLoweringPipeline(manager, vectorBytes);
  return manager.run(module);
}

/// The object of the launch sequence, with the program's table. It must run on
/// any processor, since it chooses the variant.
static LogicalResult emitSequence(ModuleOp module, ArrayRef<HostKernel> kernels,
                                  ArrayRef<Target> targets, Object &result) {
  if (failed(lowerToLLVM(module, 16)))
    return failure();
  FailureOr<Translated> translated = translate(module);
  if (failed(translated))
    return failure();
  auto fail = [&](llvm::Error error) {
    emitError(module.getLoc()) << llvm::toString(std::move(error));
    return failure();
  };
  Target baseline{"sequence", "x86-64", "", 16, {}};
  auto machine = createMachine(baseline);
  if (!machine)
    return fail(machine.takeError());
  prepareKernels(*translated->module, {}, baseline, **machine);
  addProgramTable(*translated->module, kernels, targets);
  auto object =
      emitObject(*translated->module, **machine, llvm::OptimizationLevel::O1);
  if (!object)
    return fail(object.takeError());
  result = std::move(*object);
  return success();
}

LogicalResult
trine::generateSequenceProgram(ModuleOp sequence, ArrayRef<HostKernel> kernels,
                               SmallVectorImpl<char> &sharedObject) {
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  sequence.getContext()->appendDialectRegistry(registry);
  Object object;
  if (failed(emitSequence(sequence, kernels, /*targets=*/{}, object)))
    return failure();
  if (llvm::Error error = linkProgram(object, sharedObject))
    return emitError(sequence.getLoc()) << llvm::toString(std::move(error));
  return success();
}

LogicalResult trine::generateHostProgram(ModuleOp planned,
                                         const HostOptions &options,
                                         SmallVectorImpl<char> &sharedObject,
                                         HostReport &report) {
  report = HostReport();
  double start = now();
  auto fail = [&](llvm::Error error) {
    emitError(planned.getLoc()) << llvm::toString(std::move(error));
    return failure();
  };
  llvm::Expected<std::vector<Target>> targets = chooseTargets(options);
  if (!targets)
    return fail(targets.takeError());
  for (const Target &target : *targets)
    report.variants.push_back({target.name, target.required});

  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  planned.getContext()->appendDialectRegistry(registry);

  OwningOpRef<ModuleOp> module(planned.clone());
  std::vector<std::string> names;
  for (auto kernel : module->getOps<plan::KernelOp>()) {
    names.push_back(kernel.getSymName().str());
    report.kernels.push_back({names.back(), kernel.getSkeleton().str()});
  }
  {
    PassManager manager(module->getContext());
    buildKernelLoweringPipeline(manager);
    if (failed(manager.run(*module)))
      return failure();
  }
  report.passSeconds = now() - start;
  start = now();

  auto isSequence = [](StringRef name) {
    return name == "trine_program_run" || name.ends_with(".workgroups");
  };
  std::vector<Object> objects(1);
  std::vector<std::string> problems;
  std::mutex mutex;
  auto note = [&](llvm::Error error) {
    std::lock_guard<std::mutex> lock(mutex);
    problems.push_back(llvm::toString(std::move(error)));
  };

  unsigned threads =
      options.threads
          ? options.threads
          : llvm::heavyweight_hardware_concurrency().compute_thread_count();
  // Parts do not depend on the number of threads, so that bytes do not.
  unsigned parts = names.size() >= 8 ? 2 : 1;
  objects.resize(1 + targets->size() * parts);
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (size_t index = 0; index < targets->size(); ++index) {
    const Target &target = (*targets)[index];
    OwningOpRef<ModuleOp> kernels(module->clone());
    dropFunctions(*kernels, [&](StringRef name) { return !isSequence(name); });
    FailureOr<Translated> translated = failure();
    if (succeeded(lowerToLLVM(*kernels, target.vectorBytes)))
      translated = translate(*kernels);
    if (failed(translated)) {
      pool.wait();
      return failure();
    }
    auto machine = createMachine(target);
    if (!machine) {
      pool.wait();
      return fail(machine.takeError());
    }
    prepareKernels(*translated->module, names, target, **machine);
    std::vector<Object> pieces =
        splitModule(std::move(translated->module), parts);
    for (size_t part = 0; part < pieces.size(); ++part)
      pool.async([&, slot = 1 + index * parts + part,
                  bitcode = std::make_shared<Object>(std::move(pieces[part])),
                  target] {
        llvm::LLVMContext context;
        auto parsed = llvm::parseBitcodeFile(
            llvm::MemoryBufferRef(
                llvm::StringRef(bitcode->data(), bitcode->size()), target.name),
            context);
        if (!parsed)
          return note(parsed.takeError());
        auto machine = createMachine(target);
        if (!machine)
          return note(machine.takeError());
        auto object =
            emitObject(**parsed, **machine, llvm::OptimizationLevel::O2);
        if (!object)
          return note(object.takeError());
        objects[slot] = std::move(*object);
      });
  }

  dropFunctions(*module, isSequence);
  LogicalResult sequence =
      emitSequence(*module, report.kernels, *targets, objects[0]);
  pool.wait();
  if (failed(sequence))
    return failure();
  for (const std::string &problem : problems)
    emitError(planned.getLoc()) << problem;
  if (!problems.empty())
    return failure();
  report.llvmSeconds = now() - start;

  start = now();
  llvm::erase_if(objects, [](const Object &object) { return object.empty(); });
  if (llvm::Error error = linkProgram(objects, sharedObject))
    return fail(std::move(error));
  report.linkSeconds = now() - start;
  return success();
}
