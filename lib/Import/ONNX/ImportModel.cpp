// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GraphImporter.h"

#include "mlir/IR/Verifier.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

std::string trine::getModelFolder(StringRef path) {
  StringRef folder = llvm::sys::path::parent_path(path);
  return folder.empty() ? "." : folder.str();
}

FailureOr<OwningOpRef<ModuleOp>>
trine::importONNXModel(MLIRContext &context, StringRef path,
                       const ImportOptions &options) {
  context.loadDialect<onnx::ONNXDialect, TrineDialect, func::FuncDialect>();
  StringRef file = llvm::sys::path::filename(path);
  Location location = FileLineColLoc::get(&context, file, 0, 0);
  std::string what = "cannot import " + quote(path);
  llvm::Expected<std::unique_ptr<Model>> model = readModel(path, options);
  if (!model) {
    emitError(location) << what << ": " << llvm::toString(model.takeError());
    return failure();
  }
  Problems problems(options.maxProblems);
  ModelFolder folder(getModelFolder(path), options.allowHardLinks, file);
  OwningOpRef<ModuleOp> module =
      GraphImporter(context, **model, file, options, folder, problems).run();
  if (!problems.empty()) {
    problems.emit(location, what);
    return failure();
  }
  if (failed(verify(*module)))
    return failure();
  return std::move(module);
}
