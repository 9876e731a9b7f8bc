// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OperatorTesting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

MLIRContext &reference::testContext() {
  static MLIRContext *context = [] {
    auto *created = new MLIRContext;
    created->loadDialect<arith::ArithDialect, cf::ControlFlowDialect,
                         func::FuncDialect, linalg::LinalgDialect,
                         math::MathDialect, onnx::ONNXDialect, scf::SCFDialect,
                         tensor::TensorDialect, TrineDialect>();
    return created;
  }();
  return *context;
}

OwningOpRef<ModuleOp> reference::parseModule(llvm::StringRef text) {
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, &testContext());
  EXPECT_TRUE(module) << text.str();
  return module;
}

Outcome reference::runText(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                           const InterpreterOptions &options) {
  Outcome outcome;
  OwningOpRef<ModuleOp> module = parseModule(text);
  if (!module)
    return outcome;
  ScopedDiagnosticHandler handler(&testContext(), [&](Diagnostic &diagnostic) {
    outcome.errors += diagnostic.str() + "\n";
    return success();
  });
  FailureOr<std::vector<Tensor>> results =
      interpret(module->lookupSymbol<func::FuncOp>("main"), inputs, options);
  outcome.succeeded = succeeded(results);
  if (outcome.succeeded)
    outcome.results = std::move(*results);
  return outcome;
}

Outcome reference::runBody(llvm::ArrayRef<llvm::StringRef> argumentTypes,
                           llvm::StringRef body,
                           llvm::ArrayRef<llvm::StringRef> resultTypes,
                           llvm::ArrayRef<Tensor> inputs,
                           const InterpreterOptions &options) {
  std::string text = "func.func @main(", returned;
  for (auto [i, type] : llvm::enumerate(argumentTypes))
    text += (i ? ", %" : "%") + std::to_string(i) + ": " + type.str();
  for (size_t i = 0; i < resultTypes.size(); ++i)
    returned += (i ? ", %r" + std::to_string(i) : std::string("%r"));
  std::string types = llvm::join(resultTypes, ", ");
  text += ") -> (" + types + ") {\n" + body.str() + "\n  return " + returned +
          (types.empty() ? "" : " : ") + types + "\n}";
  return runText(text, inputs, options);
}

static std::string typeText(ElementType type) {
  if (type == ElementType::Bool)
    return "tensor<*xi1>";
  // f8E4M3FN
  if (isSmallFloat(type))
    return "tensor<*xf" + nameOf(type).drop_front().upper() + ">";
  return "tensor<*x" +
         std::string(isUnsignedInteger(type)
                         ? "ui" + nameOf(type).drop_front().str()
                         : nameOf(type).str()) +
         ">";
}

Outcome reference::runOperator(llvm::StringRef name,
                               llvm::ArrayRef<std::optional<Tensor>> operands,
                               llvm::StringRef attributes,
                               llvm::ArrayRef<llvm::StringRef> resultTypes,
                               const InterpreterOptions &options) {
  std::string text, arguments, uses, types, returned, returnedTypes;
  std::vector<Tensor> inputs;
  llvm::raw_string_ostream stream(text);
  for (const std::optional<Tensor> &operand : operands) {
    std::string separator = uses.empty() ? "" : ", ";
    if (!operand) {
      uses += separator + "%none";
      types += separator + "none";
      continue;
    }
    std::string argument = "%a" + std::to_string(inputs.size()),
                type = typeText(operand->getElementType());
    arguments += (inputs.empty() ? "" : ", ") + argument + ": " + type;
    uses += separator + argument;
    types += separator + type;
    inputs.push_back(*operand);
  }
  std::string resultText;
  for (size_t i = 0; i < resultTypes.size(); ++i) {
    std::string type = resultTypes[i] == "none"
                           ? "none"
                           : "tensor<*x" + resultTypes[i].str() + ">";
    resultText += (i ? ", " : "") + type;
    if (resultTypes[i] == "none")
      continue;
    returned += (returned.empty() ? "" : ", ") + ("%r#" + std::to_string(i));
    returnedTypes += (returnedTypes.empty() ? "" : ", ") + type;
  }
  stream << "func.func @main(" << arguments << ") -> (" << returnedTypes
         << ") {\n  %none = onnx.None\n  %r:" << resultTypes.size()
         << " = onnx." << name << "(" << uses << ") " << attributes << " : ("
         << types << ") -> (" << resultText << ")\n  return " << returned
         << " : " << returnedTypes << "\n}\n";
  return runText(text, inputs, options);
}

Tensor reference::f32(llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<double> values) {
  return Tensor::fromReals(ElementType::F32, shape, values);
}
Tensor reference::f64(llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<double> values) {
  return Tensor::fromReals(ElementType::F64, shape, values);
}
Tensor reference::i64(llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> values) {
  return Tensor::fromIntegers(ElementType::I64, shape, values);
}
Tensor reference::booleans(llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<int64_t> values) {
  return Tensor::fromIntegers(ElementType::Bool, shape, values);
}

Tensor reference::only(const Outcome &outcome) {
  EXPECT_TRUE(outcome.succeeded) << outcome.errors;
  EXPECT_LE(outcome.results.size(), 1u);
  return outcome.results.empty() ? Tensor() : outcome.results.front();
}

void reference::expectReals(const Tensor &tensor, llvm::ArrayRef<int64_t> shape,
                            llvm::ArrayRef<double> values) {
  EXPECT_EQ(describeShape(tensor.getShape()), describeShape(shape));
  ASSERT_EQ(tensor.getNumElements(), static_cast<int64_t>(values.size()));
  double scale = 0;
  for (double value : values)
    if (std::isfinite(value))
      scale = std::max(scale, std::fabs(value));
  for (size_t i = 0; i < values.size(); ++i) {
    double actual = tensor.real(i);
    if (std::isnan(values[i]))
      EXPECT_TRUE(std::isnan(actual)) << "element " << i << " is " << actual;
    else if (std::isinf(values[i]))
      EXPECT_EQ(actual, values[i]) << "element " << i;
    else
      EXPECT_NEAR(actual, values[i], 1e-6 * scale) << "element " << i;
  }
}

void reference::expectIntegers(const Tensor &tensor,
                               llvm::ArrayRef<int64_t> shape,
                               llvm::ArrayRef<int64_t> values) {
  EXPECT_EQ(describeShape(tensor.getShape()), describeShape(shape));
  EXPECT_THAT(tensor.integers(),
              testing::ElementsAreArray(values.begin(), values.end()));
}

void reference::expectError(const Outcome &outcome, llvm::StringRef text) {
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_THAT(outcome.errors, testing::HasSubstr(text.str()));
}
