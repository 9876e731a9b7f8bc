// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Judges results by the reference interpreter, with the choices that rounding
/// may turn either way taken into account.
#ifndef TRINE_REFERENCE_VERIFICATION_H
#define TRINE_REFERENCE_VERIFICATION_H

#include "trine/Reference/Compare.h"
#include "trine/Reference/Interpreter.h"

namespace mlir::trine::reference {

/// A place where a choosing op (TopK, ArgMax, ArgMin, trine.moe.route) came
/// close to choosing otherwise.
struct NearTie {
  Operation *op = nullptr;
  /// Which of the independent choices of the op: the row-major position over
  /// all dimensions but the chosen axis.
  int64_t row = 0;
  /// The margin between the last chosen and the best left out, and what
  /// rounding may move them by.
  double margin = 0, bound = 0;
  /// One index of the op's index result, by its row-major position, and what
  /// would stand there instead.
  struct Turn {
    int64_t position = 0, alternative = 0;
  };
  /// What the other choice changes: one index, or several where another group
  /// of experts would be kept.
  llvm::SmallVector<Turn, 1> turns;
};

struct VerificationOptions {
  InterpreterOptions interpreter;
  /// The most runs of the interpreter that looking for a choice may take.
  int64_t maximumRuns = 256;
};

/// What judging one set of results gave.
struct Verification {
  std::vector<Comparison> comparisons;
  /// Choices that were within rounding of the other result, in program order.
  std::vector<NearTie> nearTies;
  /// Those of them that had to be turned for the results to agree.
  std::vector<NearTie> forced;

  bool passed() const;
};

/// The names of the function's inputs or results: `onnx.name`, or "input_0",
/// "output_0" and so on.
std::vector<std::string> inputNames(func::FuncOp function);
std::vector<std::string> outputNames(func::FuncOp function);

/// The tolerances of the function's results for the sizes that these inputs
/// lead to.
FailureOr<std::vector<Tolerance>>
deriveTolerancesFor(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                    const InterpreterOptions &options);

/// Interprets the function on the inputs and compares what it gives with
/// `actual`. Where they disagree and a choice hangs on less than the rounding
/// error, the choice is turned (there only) and compared again.
/// `interpreterIsExpected` says which side counts as the expected one.
FailureOr<Verification>
verify(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
       llvm::ArrayRef<Tensor> actual, bool interpreterIsExpected,
       const VerificationOptions &options = VerificationOptions());

/// The results of the function's ops that can be compared one by one: tensors
/// that are neither constants nor weights, in program order. Two imports of one
/// model give them in the same order.
std::vector<Value> intermediateValues(func::FuncOp function);
/// Makes those values further results of the function, named "layer N: NODE".
void exposeIntermediates(func::FuncOp function);

/// What comparing a program with the interpreter op by op gave.
struct LayerVerification {
  /// The first values in program order that differ, with the op that gives
  /// them; at most eight.
  std::vector<std::pair<Operation *, Comparison>> differing;
  int64_t compared = 0;
  /// The largest error / tolerance of what was compared.
  double largestRatio = 0;
  /// Choices that were taken over from the program, as they were within
  /// rounding.
  std::vector<NearTie> forced;
};

/// Compares the results of a program that was compiled with exposeIntermediates
/// with those of the interpreter. Where a choice was near and the program chose
/// otherwise, the interpreter goes on with the program's choice.
FailureOr<LayerVerification>
verifyLayers(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
             llvm::ArrayRef<Tensor> actual,
             const VerificationOptions &options = VerificationOptions());
void printLayers(llvm::raw_ostream &stream,
                 const LayerVerification &verification);

/// Prints the table of comparisons and the choices.
void printVerification(llvm::raw_ostream &stream,
                       const Verification &verification);

} // namespace mlir::trine::reference

#endif
