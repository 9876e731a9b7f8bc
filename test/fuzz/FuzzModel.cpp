// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Bytes of a model, through the whole importer.
#include "FuzzTarget.h"
#include "WireMutator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "trine/Import/ONNX.h"

using namespace mlir;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static ::trine::fuzz::MemoryFile file;
  file.set(data, size);
  // A context keeps every type and attribute for ever.
  static std::unique_ptr<MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 1000 == 0)
    context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  bool reported = false;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    reported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    TRINE_FUZZ_EXPECT(!diagnostic.str().empty());
    return success();
  });
  mlir::trine::ImportOptions options;
  options.maxNodes = 10000;
  options.maxFields = 100000;
  FailureOr<OwningOpRef<ModuleOp>> module =
      mlir::trine::importONNXModel(*context, file.getPath(), options);
  // Refused with a reason, or imported without one.
  TRINE_FUZZ_EXPECT(failed(module) == reported);
  return 0;
}
