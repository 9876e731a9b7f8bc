// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns models into MLIR text: the first stage of the compiler, alone.
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "trine/Import/ONNX.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  static llvm::cl::opt<std::string> input(
      "import-onnx", llvm::cl::desc("Import this ONNX model"),
      llvm::cl::value_desc("model.onnx"), llvm::cl::Required);
  static llvm::cl::opt<std::string> output(
      "o", llvm::cl::desc("Where the text goes; - for standard output"),
      llvm::cl::init("-"));
  static llvm::cl::opt<bool> hardLinks(
      "allow-hard-links",
      llvm::cl::desc("Accept weight files that have several hard links"));
  static llvm::cl::opt<uint64_t> maxNodes(
      "max-nodes", llvm::cl::desc("Refuse models with more nodes"),
      llvm::cl::init(trine::ImportOptions().maxNodes));
  static llvm::cl::opt<unsigned> maxNesting(
      "max-nesting",
      llvm::cl::desc("Refuse deeper nests of subgraphs and function calls"),
      llvm::cl::init(trine::ImportOptions().maxNesting));
  static llvm::cl::opt<uint64_t> maxEncodedBytes(
      "max-encoded-bytes",
      llvm::cl::desc("Refuse larger tensors that are not stored as bytes"),
      llvm::cl::init(trine::ImportOptions().maxEncodedTensorBytes));
  static llvm::cl::opt<unsigned> maxProblems(
      "max-problems", llvm::cl::desc("Show this many problems"),
      llvm::cl::init(trine::ImportOptions().maxProblems));
  registerAsmPrinterCLOptions();
  llvm::cl::ParseCommandLineOptions(argc, argv, "Trine translation driver\n");

  MLIRContext context;
  trine::ImportOptions options;
  options.allowHardLinks = hardLinks;
  options.maxNodes = maxNodes;
  options.maxNesting = maxNesting;
  options.maxProblems = maxProblems;
  options.maxEncodedTensorBytes = maxEncodedBytes;
  FailureOr<OwningOpRef<ModuleOp>> module =
      trine::importONNXModel(context, input, options);
  if (failed(module))
    return 1;
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << "error: " << message << "\n";
    return 1;
  }
  (*module)->print(file->os());
  file->os() << "\n";
  file->keep();
  return 0;
}
