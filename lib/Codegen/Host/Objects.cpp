// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostImpl.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/Transforms/Utils/SplitModule.h"

#include <mutex>

using namespace mlir::trine;
using namespace mlir::trine::host;

static const char *const kTriple = "x86_64-unknown-linux-gnu";

static void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
}

/// What the two baseline levels ask of a processor (x86-64 psABI).
static const std::vector<std::string> kLevel3 = {
    "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
static const std::vector<std::string> kLevel4 = {
    "avx", "avx2", "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl",
    "bmi", "bmi2", "f16c",     "fma",      "lzcnt",    "movbe"};

/// What code for a named processor may use beyond x86-64: every name is one
/// that the runtime looks for (runtime/core/CpuFeatures.cpp).
static const std::vector<std::string> kChecked = {
    "avx",          "avx2",         "avx512bf16",
    "avx512bitalg", "avx512bw",     "avx512cd",
    "avx512dq",     "avx512f",      "avx512fp16",
    "avx512ifma",   "avx512vbmi",   "avx512vbmi2",
    "avx512vl",     "avx512vnni",   "avx512vpopcntdq",
    "avxifma",      "avxneconvert", "avxvnni",
    "avxvnniint16", "avxvnniint8",  "bmi",
    "bmi2",         "f16c",         "fma",
    "gfni",         "lzcnt",        "movbe"};

/// What every processor with AVX2 has.
static const std::vector<std::string> kBaseline = {
    "64bit", "cmov",   "crc32",  "cx16",  "cx8", "fxsr",
    "mmx",   "nopl",   "popcnt", "sahf",  "sse", "sse2",
    "sse3",  "sse4.1", "sse4.2", "ssse3", "x87", "xsave"};

/// Instruction sets by LLVM's names; what else it calls features is tuning.
static const llvm::StringRef kInstructionSets[] = {
#define X86_FEATURE(ENUM, NAME) NAME,
#define X86_FEATURE_COMPAT(ENUM, NAME, PRIORITY, VALUE) NAME,
#define X86_MICROARCH_LEVEL(ENUM, NAME, PRIORITY, VALUE)
#include "llvm/TargetParser/X86TargetParser.def"
};

llvm::Expected<std::vector<Target>>
host::chooseTargets(const HostOptions &options) {
  initializeTarget();
  if (options.cpu.empty())
    return std::vector<Target>{
        {"x86-64-v3", "x86-64-v3", "", 32, kLevel3},
        {"x86-64-v4", "x86-64-v4", "-prefer-256-bit", 64, kLevel4}};
  Target target;
  target.name = options.cpu;
  target.cpu = options.cpu;
  llvm::SubtargetFeatures features;
  if (options.cpu == "native") {
    target.cpu = llvm::sys::getHostCPUName().str();
    for (auto &feature : llvm::sys::getHostCPUFeatures())
      features.AddFeature(feature.first(), feature.second);
  }
  llvm::Triple triple(kTriple);
  std::string message;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError("%s", message.c_str());
  // A generic one first: asking for an unknown processor prints a warning.
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      backend->createMCSubtargetInfo(triple, "", ""));
  if (!info || !info->isCPUStringValid(target.cpu))
    return llvm::createStringError(
        "'cpu' must be 'native' or an x86-64 processor that LLVM knows, got "
        "'%s'",
        options.cpu.c_str());
  info.reset(
      backend->createMCSubtargetInfo(triple, target.cpu, features.getString()));
  bool wide = info->checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq");
  if (!wide && !info->checkFeatures("+avx2,+fma"))
    return llvm::createStringError(
        "'cpu' must have AVX2 and FMA, which '%s' lacks", options.cpu.c_str());
  target.vectorBytes = wide ? 64 : 32;
  if (wide)
    features.AddFeature("prefer-256-bit", false);
  // Kernels have no use for the rest (AMX, keys, transactions): another machine
  // of that name may lack it, and nobody would notice before it runs.
  llvm::StringSet<> keep;
  for (const auto *names : {&kChecked, &kBaseline})
    for (const std::string &name : *names)
      keep.insert(name);
  for (const llvm::SubtargetFeatureKV &known : info->getAllProcessorFeatures())
    if (llvm::is_contained(kInstructionSets, llvm::StringRef(known.Key)) &&
        !keep.contains(known.Key) &&
        info->checkFeatures(std::string("+") + known.Key))
      features.AddFeature(known.Key, false);
  target.features = features.getString();
  info.reset(
      backend->createMCSubtargetInfo(triple, target.cpu, target.features));
  for (const std::string &feature : kChecked)
    if (info->checkFeatures("+" + feature))
      target.required.push_back(feature);
  return std::vector<Target>{target};
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
host::createMachine(const Target &target) {
  initializeTarget();
  llvm::Triple triple(kTriple);
  std::string message;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError("%s", message.c_str());
  llvm::TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  // Rounding is part of a model's result: fuse only what is marked.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
  if (!machine)
    return llvm::createStringError("no code generator for '%s'",
                                   target.cpu.c_str());
  return machine;
}

std::string host::kernelSymbol(unsigned index, const Target &target) {
  return "trine_kernel_" + std::to_string(index) + "." + target.name;
}

void host::prepareKernels(llvm::Module &module,
                          llvm::ArrayRef<std::string> kernels,
                          const Target &target, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  module.setModuleIdentifier(target.name);
  for (auto [index, name] : llvm::enumerate(kernels))
    if (llvm::Function *entry = module.getFunction(name + ".entry")) {
      entry->setName(kernelSymbol(index, target));
      entry->setVisibility(llvm::GlobalValue::HiddenVisibility);
      entry->setDSOLocal(true);
    }
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (!function.hasHiddenVisibility() &&
        function.getName() != "trine_program_run") {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
      // Buffers of a launch never overlap its destinations (launch_c6); the
      // address that a descriptor repeats is not used.
      for (llvm::Argument &argument : function.args())
        if (argument.getType()->isPointerTy() &&
            !function.getName().ends_with(".workgroups"))
          argument.addAttr(llvm::Attribute::NoAlias);
    }
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    if (target.vectorBytes == 64)
      function.addFnAttr("prefer-vector-width", "512");
  }
}

llvm::Expected<Object> host::emitObject(llvm::Module &module,
                                        llvm::TargetMachine &machine,
                                        llvm::OptimizationLevel level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  // Micro kernels are unrolled as they should be, and of the rest nothing gains
  // what unrolling costs: half of the compile time and of the code.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(level).run(module, modules);
  for (llvm::Function &function : module)
    moveBFloatsAsIntegers(function);
  Object object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager emitter;
  if (machine.addPassesToEmitFile(emitter, stream, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("the code generator cannot emit objects");
  emitter.run(module);
  return object;
}

std::vector<Object> host::splitModule(std::unique_ptr<llvm::Module> module,
                                      unsigned parts) {
  std::vector<Object> results;
  auto write = [&](llvm::Module &part) {
    Object bitcode;
    llvm::raw_svector_ostream stream(bitcode);
    llvm::WriteBitcodeToFile(part, stream);
    results.push_back(std::move(bitcode));
  };
  if (parts <= 1) {
    write(*module);
    return results;
  }
  llvm::SplitModule(
      *module, parts, [&](std::unique_ptr<llvm::Module> part) { write(*part); },
      /*PreserveLocals=*/true, /*RoundRobin=*/false);
  return results;
}
