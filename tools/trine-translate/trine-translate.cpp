// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The first stage of the compiler, alone: models into MLIR text. And a last
// one: kernels of a planned module into CUDA C++.
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Import/ONNX.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Support/Version.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

static int writeFile(llvm::StringRef path,
                     llvm::function_ref<void(llvm::raw_ostream &)> print) {
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(path, &message);
  if (!file) {
    llvm::errs() << "error: " << message << "\n";
    return 1;
  }
  print(file->os());
  file->keep();
  return 0;
}

static int emitCUDA(MLIRContext &context, llvm::StringRef input,
                    llvm::StringRef output) {
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context, llvm::errs());
  auto module = parseSourceFile<ModuleOp>(input, sources, &context);
  mlir::trine::CUDAOptions options;
  options.architectures = {"sm_80"};
  options.sourceOnly = true;
  mlir::trine::CUDAProgram program;
  if (!module ||
      failed(mlir::trine::generateCUDAProgram(*module, options, program)))
    return 1;
  return writeFile(output, [&](llvm::raw_ostream &stream) {
    mlir::trine::printCUDA(program, stream);
  });
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::trine::printVersionOnRequest();
  static llvm::cl::opt<std::string> input(
      "import-onnx", llvm::cl::desc("Import this ONNX model"),
      llvm::cl::value_desc("model.onnx"));
  static llvm::cl::opt<std::string> planned(
      "emit-cuda",
      llvm::cl::desc("Write the kernels of this planned module as CUDA C++"),
      llvm::cl::value_desc("plan.mlir"));
  static llvm::cl::opt<std::string> output(
      "o", llvm::cl::desc("Where the text goes; - for standard output"),
      llvm::cl::init("-"));
  static llvm::cl::opt<bool> hardLinks(
      "allow-hard-links",
      llvm::cl::desc("Accept weight files that have several hard links"));
  static llvm::cl::opt<uint64_t> maxNodes(
      "max-nodes", llvm::cl::desc("Refuse models with more nodes"),
      llvm::cl::init(mlir::trine::ImportOptions().maxNodes));
  static llvm::cl::opt<unsigned> maxNesting(
      "max-nesting",
      llvm::cl::desc("Refuse deeper nests of subgraphs and function calls"),
      llvm::cl::init(mlir::trine::ImportOptions().maxNesting));
  static llvm::cl::opt<uint64_t> maxEncodedBytes(
      "max-encoded-bytes",
      llvm::cl::desc("Refuse larger tensors that are not stored as bytes"),
      llvm::cl::init(mlir::trine::ImportOptions().maxEncodedTensorBytes));
  static llvm::cl::opt<uint64_t> maxFields(
      "max-fields", llvm::cl::desc("Refuse files with more fields"),
      llvm::cl::init(mlir::trine::ImportOptions().maxFields));
  static llvm::cl::opt<uint64_t> maxModelBytes(
      "max-model-bytes",
      llvm::cl::desc("Refuse files of more bytes without their large tensors"),
      llvm::cl::init(mlir::trine::ImportOptions().maxModelBytes));
  static llvm::cl::opt<uint64_t> maxNameBytes(
      "max-name-bytes", llvm::cl::desc("Refuse longer names"),
      llvm::cl::init(mlir::trine::ImportOptions().maxNameBytes));
  static llvm::cl::opt<unsigned> maxProblems(
      "max-problems", llvm::cl::desc("Show this many problems"),
      llvm::cl::init(mlir::trine::ImportOptions().maxProblems));
  registerAsmPrinterCLOptions();
  llvm::cl::ParseCommandLineOptions(argc, argv, "Trine translation driver\n");

  if (input.empty() == planned.empty()) {
    llvm::errs() << "error: give either --import-onnx or --emit-cuda\n";
    return 1;
  }
  DialectRegistry registry;
  mlir::trine::registerAllDialects(registry);
  MLIRContext context(registry);
  if (!planned.empty())
    return emitCUDA(context, planned, output);
  mlir::trine::ImportOptions options;
  options.allowHardLinks = hardLinks;
  options.maxNodes = maxNodes;
  options.maxNesting = maxNesting;
  options.maxFields = maxFields;
  options.maxModelBytes = maxModelBytes;
  options.maxNameBytes = maxNameBytes;
  options.maxProblems = maxProblems;
  options.maxEncodedTensorBytes = maxEncodedBytes;
  FailureOr<OwningOpRef<ModuleOp>> module =
      mlir::trine::importONNXModel(context, input, options);
  if (failed(module))
    return 1;
  return writeFile(output, [&](llvm::raw_ostream &stream) {
    (*module)->print(stream);
    stream << "\n";
  });
}
