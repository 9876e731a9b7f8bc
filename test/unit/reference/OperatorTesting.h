// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs one operator, or one function, of the reference interpreter in a test.
#ifndef TRINE_TEST_UNIT_REFERENCE_OPERATORTESTING_H
#define TRINE_TEST_UNIT_REFERENCE_OPERATORTESTING_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "trine/Reference/Interpreter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mlir::trine::reference {

/// What running something gave: results, or the text of its diagnostics.
struct Outcome {
  bool succeeded = false;
  std::vector<Tensor> results;
  std::string errors;
};

/// A context with the dialects that tests need.
MLIRContext &testContext();

/// Parses a module; the test fails when it does not parse.
OwningOpRef<ModuleOp> parseModule(llvm::StringRef text);

/// Interprets @main of the text.
Outcome runText(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                const InterpreterOptions &options = InterpreterOptions());

/// Interprets a function whose arguments are %0, %1, ... of the given types.
/// The body ends before the return of %r, %r1, ...; there are as many as
/// results.
Outcome runBody(llvm::ArrayRef<llvm::StringRef> argumentTypes,
                llvm::StringRef body,
                llvm::ArrayRef<llvm::StringRef> resultTypes,
                llvm::ArrayRef<Tensor> inputs,
                const InterpreterOptions &options = InterpreterOptions());

/// Interprets one operator. `operands` may hold null for absent ones;
/// `attributes` is an attribute dictionary in braces, or empty; `resultTypes`
/// are element types as in MLIR, or "none".
Outcome runOperator(llvm::StringRef name,
                    llvm::ArrayRef<std::optional<Tensor>> operands,
                    llvm::StringRef attributes = "",
                    llvm::ArrayRef<llvm::StringRef> resultTypes = {"f32"},
                    const InterpreterOptions &options = InterpreterOptions());

// Short forms of tensors.
Tensor f32(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);
Tensor i64(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);
Tensor f64(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);
Tensor booleans(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);

/// The single result; the test fails and gives an empty tensor when there was
/// an error.
Tensor only(const Outcome &outcome);

/// Expects shape and values, which may be off by 1e-6 relative to the largest.
void expectReals(const Tensor &tensor, llvm::ArrayRef<int64_t> shape,
                 llvm::ArrayRef<double> values);
void expectIntegers(const Tensor &tensor, llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> values);
/// Expects that it failed with a diagnostic that contains the text.
void expectError(const Outcome &outcome, llvm::StringRef text);

} // namespace mlir::trine::reference

#endif
