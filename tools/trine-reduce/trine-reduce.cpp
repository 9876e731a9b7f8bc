// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shrinks a program that shows a problem: docs/reporting.md.
#include "Reducer.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Reducer/Tester.h"
#include "mlir/Support/FileUtilities.h"
#include "trine/Pipelines/Registration.h"
#include "trine/Support/Version.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

int main(int argc, char **argv) {
  mlir::trine::printVersionOnRequest();
  static llvm::cl::opt<std::string> input(llvm::cl::Positional,
                                          llvm::cl::desc("<program.mlir>"),
                                          llvm::cl::Required);
  static llvm::cl::opt<std::string> output(
      "o",
      llvm::cl::desc("Where the small program goes; - for standard output"),
      llvm::cl::init("-"));
  static llvm::cl::opt<std::string> test(
      "test",
      llvm::cl::desc("The tester: a program that ends with another code "
                     "than 0 for files that show the problem"),
      llvm::cl::Required);
  static llvm::cl::list<std::string> arguments(
      "test-arg", llvm::cl::desc("What it is given before the file"));
  llvm::cl::ParseCommandLineOptions(argc, argv, "Trine reducer\n");

  DialectRegistry registry;
  trine::registerAllDialects(registry);
  MLIRContext context(registry);
  ParserConfig config(&context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(input, config);
  if (!module)
    return 1;
  std::vector<std::string> list(arguments.begin(), arguments.end());
  Tester tester(test, list);
  auto isInteresting = [&](ModuleOp candidate) {
    return tester.isInteresting(candidate).first ==
           Tester::Interestingness::True;
  };
  if (!isInteresting(*module)) {
    llvm::errs() << "trine-reduce: '" << input
                 << "' does not show the problem: the tester ended with 0\n";
    return 1;
  }
  OwningOpRef<ModuleOp> small = trine::reduceModule(*module, isInteresting);
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << "trine-reduce: " << message << "\n";
    return 1;
  }
  small->print(file->os());
  file->os() << "\n";
  file->keep();
  return 0;
}
