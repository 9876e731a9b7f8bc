// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The oracle: interprets programs of the onnx and the trine level (onnx,
/// trine, linalg, tensor, arith, math and scf ops) on real tensors, naively and
/// by their specifications. It shares no code with the compiler that it judges.
#ifndef TRINE_REFERENCE_INTERPRETER_H
#define TRINE_REFERENCE_INTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "trine/Reference/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mlir::trine::reference {

/// How sums and products are accumulated. Operands are exact, and results are
/// rounded once to their type, in both modes. In a linalg op with reduction
/// loops F64 computes in double precision where the op says f32; F32 does
/// exactly what it says.
enum class Accumulation { F64, F32 };

/// One state of a session: values [slots, ..., most entries, ...] of the
/// state's type (zeros behind a slot's own entries), and how many entries each
/// slot has (none, where the state is replaced).
struct StateValue {
  Tensor values;
  std::vector<int64_t> lengths;
};

/// What trine.state ops read and write. A state is made when it is opened
/// first, empty, for `slots` sequences.
struct Session {
  int64_t slots = 1;
  std::map<std::string, StateValue> states;
};

struct InterpreterOptions {
  /// The folder that the file names of weights are relative to.
  std::string weightFolder;
  /// The file there that the user named, which may be a link.
  std::string modelFile;
  /// Accept weight files that have several hard links.
  bool allowHardLinks = false;
  Accumulation accumulation = Accumulation::F64;
  /// Called after each op on tensors with its operands (null where absent,
  /// scalar, or overwritten by a result) and its results, which it may replace;
  /// scalar results are empty. Constants and weights count as ops without
  /// operands. In a loop it is called once for every iteration. It does not see
  /// scalar ops, nor insertions of single elements.
  std::function<void(Operation *op, llvm::ArrayRef<const Tensor *> operands,
                     llvm::MutableArrayRef<Tensor> results)>
      observer;
  /// Indices that a choosing op (TopK, ArgMax, ArgMin) must give instead of its
  /// own, with the shape of its index result.
  llvm::DenseMap<Operation *, Tensor> forcedChoices;
  /// What state ops work on; without one they are errors. A function that fails
  /// may have changed some of it.
  Session *session = nullptr;
  /// Loops stop with an error after this many iterations.
  int64_t maximumIterations = int64_t(1) << 24;
};

/// Runs the function on the inputs (one per argument) and gives its results,
/// one per returned value.
///
/// Computes each op in double precision and rounds once to the type of its
/// result. Errors (a shape that does not fit, an index out of range, a division
/// by zero, an op without a rule) are diagnostics at the op. Tensors of 8-bit
/// floats come as their bytes, u8, and only trine.engram.lookup reads them.
/// Arguments and results of scalar type are tensors of rank 0; those with
/// `onnx.element_type` have that type instead of their own signless one. What
/// nothing was written to (tensor.empty) is NaN or -1.
FailureOr<std::vector<Tensor>>
interpret(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
          const InterpreterOptions &options = InterpreterOptions());

/// Whether the interpreter has a rule for ops of that full name, such as
/// "onnx.Add". Linalg ops with indexing maps need none, and are not named here.
bool canInterpret(llvm::StringRef operationName);
/// The names of all ops that it has a rule for, sorted.
std::vector<std::string> interpretableOperations();

/// The name of the ONNX node that an op comes from, or the op's own name.
std::string nodeName(Operation *op);

} // namespace mlir::trine::reference

#endif
