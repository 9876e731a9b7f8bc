// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles an ONNX model to a package, or shows any stage on the way.
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "trine/Pipelines/Compile.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Support/Version.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;
using namespace mlir::trine;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::trine::printVersionOnRequest();
  cl::OptionCategory category("trine-compile options");
  cl::opt<std::string> input(cl::Positional, cl::Required,
                             cl::desc("<model.onnx>"), cl::cat(category));
  cl::opt<std::string> output("o", cl::value_desc("path"), cl::Required,
                              cl::desc("Package folder, or file for --emit of "
                                       "text; '-' is the standard output"),
                              cl::cat(category));
  cl::opt<Emit> emit(
      "emit", cl::desc("What to write"), cl::init(Emit::Package),
      cl::values(clEnumValN(Emit::ONNX, "onnx", "the model as imported"),
                 clEnumValN(Emit::Trine, "trine", "linalg and trine ops"),
                 clEnumValN(Emit::Plan, "plan", "kernels and launches"),
                 clEnumValN(Emit::LLVM, "llvm", "LLVM dialect of the program"),
                 clEnumValN(Emit::CUDA, "cuda", "CUDA source of the kernels"),
                 clEnumValN(Emit::PTX, "ptx", "PTX of the kernels"),
                 clEnumValN(Emit::Package, "package",
                            "the deployable folder (default)")),
      cl::cat(category));
  cl::opt<std::string> target("target",
                              cl::desc("Device to compile for: host, cuda"),
                              cl::init("host"), cl::cat(category));
  cl::opt<std::string> architectures(
      "arch", cl::value_desc("list"),
      cl::desc("Target cuda: architectures, of sm_80 and sm_90a (default: "
               "both)"),
      cl::init("sm_80,sm_90a"), cl::cat(category));
  cl::opt<std::string> kernelCache(
      "kernel-cache", cl::value_desc("folder"),
      cl::desc("Target cuda: where compiled kernels are kept; 'none': nowhere "
               "(default: $TRINE_CACHE or ~/.cache/trine)"),
      cl::cat(category));
  cl::opt<bool> cubin(
      "cubin",
      cl::desc("Target cuda: store machine code beside the PTX (by ptxas, else "
               "by NVRTC): nothing is assembled when it is first run"),
      cl::cat(category));
  cl::opt<std::string> cpu(
      "cpu",
      cl::desc("Processor: baseline (x86-64-v3 and -v4, chosen at load; "
               "default), native, or a name that LLVM knows"),
      cl::init("baseline"), cl::cat(category));
  cl::opt<unsigned> threads("jobs",
                            cl::desc("Threads of the compiler; 0: all cores"),
                            cl::init(0), cl::cat(category));
  cl::list<std::string> sizes(
      "size", cl::value_desc("symbol=n"),
      cl::desc("What a symbol is taken for where memory is reported and "
               "limited, as past=4096; may be repeated"),
      cl::cat(category));
  cl::opt<uint64_t> memoryLimit(
      "memory-limit", cl::value_desc("bytes"),
      cl::desc("Refuse a model whose weights and step need more"), cl::init(0),
      cl::cat(category));
  cl::opt<std::string> weights(
      "weights", cl::value_desc("type"),
      cl::desc("Store f32 matrices as bf16 or f16; results differ by that "
               "type's rounding, and the package's tolerances say so"),
      cl::cat(category));
  cl::opt<bool> state(
      "state",
      cl::desc("Keep caches, histories and windows in the session instead of "
               "passing them in and out of every step"),
      cl::cat(category));
  cl::list<std::string> stateInitials(
      "state-initial", cl::value_desc("name=n"),
      cl::desc("What a history of integers holds before the first step, as "
               "history=2; default 0; may be repeated"),
      cl::cat(category));
  cl::opt<std::string> latentAttention(
      "latent-attention", cl::init("auto"),
      cl::desc("Form of attention on a latent cache: auto (by a cost model, "
               "default), absorbed, decompressed, or by-shape (both, chosen "
               "at run time)"),
      cl::value_desc("form"), cl::cat(category));
  cl::opt<bool> recacheLatent(
      "recache-latent",
      cl::desc("Cache latents where the model caches keys and values of every "
               "head: changes its inputs and outputs"),
      cl::cat(category));
  cl::opt<bool> remarks(
      "remarks", cl::desc("Print what the passes did at each place, and why"),
      cl::cat(category));
  cl::opt<int64_t> tableLimit(
      "table-limit", cl::value_desc("bytes"),
      cl::desc("Engram tables of more bytes are files of their own, whose rows "
               "are prefetched; default 256 MiB, -1: none"),
      cl::init(int64_t(256) << 20), cl::cat(category));
  cl::opt<int64_t> constantLimit(
      "constant-limit", cl::value_desc("bytes"),
      cl::desc("What depends on weights alone is computed once, at compile "
               "time, if it does not grow, takes many operations, or has at "
               "most this many bytes; default 64 KiB, -1: nothing is"),
      cl::init(int64_t(64) << 10), cl::cat(category));
  cl::opt<std::string> prefetch(
      "prefetch",
      cl::desc("Where fetches of table rows start: auto (by cost; default), "
               "early, inline"),
      cl::init("auto"), cl::cat(category));
  cl::opt<double> tableLatency(
      "table-latency", cl::value_desc("us"),
      cl::desc("What the cost model takes for the latency of a fetch"),
      cl::init(200), cl::cat(category));
  ImportOptions limits;
  cl::opt<bool> hardLinks(
      "allow-hard-links",
      cl::desc("Accept weight files that have several hard links"),
      cl::cat(category));
  cl::opt<uint64_t> maxNodes("max-nodes",
                             cl::desc("Refuse models with more nodes, those of "
                                      "functions counted once a call; default "
                                      "4,000,000"),
                             cl::init(limits.maxNodes), cl::cat(category));
  cl::opt<unsigned> maxNesting(
      "max-nesting",
      cl::desc("Refuse deeper nests of subgraphs and function calls; default "
               "64"),
      cl::init(limits.maxNesting), cl::cat(category));
  cl::opt<uint64_t> maxEncodedBytes(
      "max-encoded-bytes",
      cl::desc("Refuse larger tensors that are not stored as bytes; default 64 "
               "MiB"),
      cl::init(limits.maxEncodedTensorBytes), cl::cat(category));
  cl::opt<uint64_t> maxFields(
      "max-fields",
      cl::desc("Refuse files with more fields; default 64,000,000"),
      cl::init(limits.maxFields), cl::cat(category));
  cl::opt<uint64_t> maxModelBytes(
      "max-model-bytes",
      cl::desc("Refuse files of more bytes without their large tensors; "
               "default 1 GiB"),
      cl::init(limits.maxModelBytes), cl::cat(category));
  cl::opt<uint64_t> maxNameBytes(
      "max-name-bytes", cl::desc("Refuse longer names; default 4096"),
      cl::init(limits.maxNameBytes), cl::cat(category));
  cl::opt<bool> referenceTables(
      "reference-tables",
      cl::desc("Leave these tables in the model's files: the package refers to "
               "them by path, size, time and hash, and 'trine-run "
               "--table-folder' allows their folder"),
      cl::cat(category));
  cl::opt<std::string> hostHash(
      "host-hash", cl::init("auto"), cl::value_desc("which"),
      cl::desc("Hashes of n-grams that the host's library computes: all, "
               "fetched (those whose rows are fetched), none, or auto: all, on "
               "other devices fetched (default)"),
      cl::cat(category));
  cl::opt<std::string> projection(
      "engram-projection", cl::init("auto"), cl::value_desc("when"),
      cl::desc("Whether what depends on fetched rows and weights alone is "
               "computed ahead: auto (by cost; default), always, never"),
      cl::cat(category));
  cl::opt<bool> report("report", cl::desc("Print what was compiled"),
                       cl::cat(category));
  cl::opt<std::string> reportJSON(
      "report-json", cl::value_desc("file"),
      cl::desc("Write the report as JSON; '-' is the standard output"),
      cl::cat(category));
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Compiles an exported ONNX model to a package that trine-run and the "
      "runtime library execute.\n\nExit codes: 0 done, 1 the model cannot be "
      "compiled or written, 2 wrong usage.\n");

  // Linking resets LLVM's options, so what is read later is copied now.
  const bool wantsReport = report, wantsRemarks = remarks;
  const std::string reportPath = reportJSON;
  bool terminal = llvm::sys::Process::StandardErrIsDisplayed();
  CompileOptions options;
  options.input = input;
  options.output = output;
  limits.allowHardLinks = hardLinks;
  limits.maxNodes = maxNodes;
  limits.maxNesting = maxNesting;
  limits.maxFields = maxFields;
  limits.maxModelBytes = maxModelBytes;
  limits.maxNameBytes = maxNameBytes;
  limits.maxEncodedTensorBytes = maxEncodedBytes;
  options.import = limits;
  options.emit = emit;
  options.target = target;
  options.cpu = cpu;
  options.architectures = architectures;
  options.kernelCache = kernelCache;
  options.cubin = cubin;
  options.threads = threads;
  options.kernelResources = wantsReport || !reportPath.empty();
  options.memoryLimit = memoryLimit;
  options.plan.tableLimit = tableLimit;
  options.plan.constantLimit = constantLimit;
  options.plan.prefetch = prefetch;
  options.plan.tableLatency = tableLatency;
  options.plan.hostHash = hostHash;
  options.plan.projection = projection;
  options.referenceTables = referenceTables;
  for (const std::string &size : sizes)
    options.plan.sizes.push_back(size);
  options.plan.weights = weights;
  options.state = state;
  for (llvm::StringRef text : stateInitials) {
    auto [name, number] = text.rsplit('=');
    int64_t value;
    if (name.empty() || number.getAsInteger(10, value)) {
      llvm::errs() << "trine-compile: '--state-initial' must be NAME=N, got '"
                   << text << "'\n";
      return 2;
    }
    options.stateInitials.push_back({name.str(), value});
  }
  options.plan.latentAttention = latentAttention;
  options.plan.recacheLatent = recacheLatent;
  options.remarks = wantsRemarks;
  auto showStage = [&](llvm::StringRef stage) {
    if (terminal)
      llvm::errs() << "\r\033[K" << stage << " ...";
  };
  options.progress = showStage;

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context, llvm::errs());
  CompileReport result;
  bool failed = mlir::failed(compileModel(context, options, result));
  if (terminal)
    llvm::errs() << "\r\033[K";
  if (failed)
    return 1;
  if (wantsRemarks)
    result.printRemarks(llvm::outs());
  if (wantsReport)
    result.printText(llvm::outs());
  if (!reportPath.empty()) {
    std::string error;
    auto file = mlir::openOutputFile(reportPath, &error);
    if (!file) {
      llvm::errs() << "error: " << error << "\n";
      return 1;
    }
    file->os() << llvm::formatv("{0:2}\n", result.toJSON());
    file->keep();
  }
  return 0;
}
