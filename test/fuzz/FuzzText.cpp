// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Programs as text: every dialect's parsers, then its verifiers, then its
/// printers.
#include "FuzzTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;

static std::unique_ptr<MLIRContext> makeContext() {
  auto context =
      std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  context->loadDialect<
      mlir::trine::onnx::ONNXDialect, mlir::trine::TrineDialect,
      mlir::trine::plan::PlanDialect, func::FuncDialect, arith::ArithDialect,
      tensor::TensorDialect, memref::MemRefDialect, linalg::LinalgDialect,
      scf::SCFDialect>();
  return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::unique_ptr<MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 1000 == 0)
    context = makeContext();
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    TRINE_FUZZ_EXPECT(!diagnostic.str().empty());
    return success();
  });
  ParserConfig config(context.get(), /*verifyAfterParse=*/true);
  // The lexer wants a zero behind the text.
  std::string source(reinterpret_cast<const char *>(data), size);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, config);
  if (!module)
    return 0;
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  // What was accepted reads back.
  TRINE_FUZZ_EXPECT(bool(parseSourceString<ModuleOp>(text, config)));
  return 0;
}
