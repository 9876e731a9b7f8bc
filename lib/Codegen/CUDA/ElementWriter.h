// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Single elements of the tensors in a kernel's body as CUDA C++: what functors
/// of skeleton kernels compute.
#ifndef TRINE_LIB_CODEGEN_CUDA_ELEMENTWRITER_H
#define TRINE_LIB_CODEGEN_CUDA_ELEMENTWRITER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include <functional>
#include <map>

namespace mlir::trine::cuda {

/// What a kernel's arguments are called: tensors aI, their dynamic sizes aI_D,
/// sizes aI.
std::string argumentName(BlockArgument argument);
std::string sizeName(BlockArgument argument, int64_t dim);

/// Words of a launch before `argument`'s; see ProgramABI.h.
unsigned firstWord(plan::KernelOp kernel, unsigned argument);

/// The parameters of a kernel's entry. `written` is what is not const.
std::string parameterList(plan::KernelOp kernel);

/// Constants of a kernel that are not one value, and what the text calls them.
using ConstantNames = llvm::MapVector<Attribute, std::string>;

/// Writes the elements that one functor needs, each once.
class ElementWriter {
public:
  /// `given`: values whose element is known by a name, whatever the index.
  explicit ElementWriter(unsigned indent) : indent(indent) {}
  ElementWriter(llvm::DenseMap<Value, std::string> given, unsigned indent)
      : given(std::move(given)), indent(indent) {}

  /// Lets elements be those of constants that are not one value.
  void setConstants(ConstantNames *names) { constants = names; }
  /// Lets an element be a sum (or maximum, ..) of at most this many others,
  /// which a loop computes.
  void setMostTerms(int64_t terms) { mostTerms = terms; }
  /// Asked before an element of a tensor is computed: its name, where it is
  /// known already; a failure, where it must not be asked for.
  using LookUp = std::function<std::optional<FailureOr<std::string>>(
      Value, ArrayRef<std::string>)>;
  void setLookUp(LookUp function) { lookUp = std::move(function); }

  /// The name of element `indices` of `tensor`; its text goes to getText().
  /// Fails at an op that has no such form, which `getProblem` names.
  FailureOr<std::string> element(Value tensor, ArrayRef<std::string> indices);

  /// The name of `sum` joined with the term that a reduction's region computes
  /// at `loops`.
  FailureOr<std::string> accumulate(linalg::LinalgOp op, unsigned result,
                                    ArrayRef<std::string> loops,
                                    const std::string &sum) {
    return body(op, result, loops, sum);
  }
  /// The name of an element that the text has computed.
  std::optional<std::string> find(Value tensor,
                                  ArrayRef<std::string> indices) const;

  /// An index value of the body: a size, or arithmetic on sizes.
  FailureOr<std::string> size(Value value);
  FailureOr<std::string> size(OpFoldResult value);
  /// A size of a tensor.
  FailureOr<std::string> dimension(Value tensor, int64_t dim);

  /// The offset of element `indices` in the memory of an argument.
  FailureOr<std::string> offset(BlockArgument argument,
                                ArrayRef<std::string> indices);
  /// Where elements of an argument were read.
  ArrayRef<std::pair<BlockArgument, std::string>> getReads() const {
    return reads;
  }

  const std::string &getText() const { return text; }
  StringRef getProblem() const { return problem; }
  /// Whether the text calls Combine.h: it sums experts' rows by their weights.
  bool usesCombine() const { return combines; }
  /// Arguments, and sizes of arguments, that the text uses, by their names:
  /// what a functor has as members. Values: their types.
  const std::map<std::string, std::string> &getMembers() const {
    return members;
  }

private:
  FailureOr<std::string> compute(Value value, ArrayRef<std::string> indices);
  FailureOr<std::string> payload(linalg::LinalgOp op, unsigned result,
                                 ArrayRef<std::string> indices);
  FailureOr<std::string> body(linalg::LinalgOp op, unsigned result,
                              ArrayRef<std::string> loops,
                              const std::string &sum);
  std::optional<FailureOr<std::string>> combined(linalg::LinalgOp op,
                                                 ArrayRef<std::string> loops);
  FailureOr<std::string> reduction(linalg::LinalgOp op, unsigned result,
                                   SmallVector<std::string> loops);
  FailureOr<std::string> reshaped(Value source, ArrayRef<std::string> indices,
                                  Value result);
  std::string define(Type type, StringRef expression);
  std::string index(StringRef expression);
  LogicalResult refuse(Operation *op, StringRef why = "has no element form");

  llvm::DenseMap<Value, std::string> given;
  /// Elements that the text has computed already, where it may use them.
  std::map<std::pair<void *, std::string>, std::string> known;
  ConstantNames *constants = nullptr;
  int64_t mostTerms = 0;
  LookUp lookUp;
  bool combines = false;
  SmallVector<std::pair<BlockArgument, std::string>> reads;
  unsigned indent;
  unsigned next = 0;
  std::string text, problem;
  std::map<std::string, std::string> members;
};

} // namespace mlir::trine::cuda

#endif
