// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the rule of one operator sees: its op, its operands and the place for
// its results.
#ifndef TRINE_LIB_REFERENCE_OPERATOR_H
#define TRINE_LIB_REFERENCE_OPERATOR_H

#include "mlir/IR/Operation.h"
#include "trine/Reference/Interpreter.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::trine {
class MoERouteOp;
}

namespace mlir::trine::reference {

/// Runs a region of one block on given arguments; gives the operands of its
/// terminator.
using RegionRunner = llvm::function_ref<FailureOr<std::vector<Tensor>>(
    Region &region, llvm::ArrayRef<Tensor> arguments)>;

/// Emits an error at an op, with the ONNX node that it comes from.
LogicalResult failAt(Operation *op, const llvm::Twine &message);
/// A tensor of zeros, or an error at the op when the shape is not valid or too
/// large.
FailureOr<Tensor> allocateAt(Operation *op, ElementType type,
                             llvm::ArrayRef<int64_t> shape);

/// One execution of one op.
class OperatorCall {
public:
  OperatorCall(Operation *op, llvm::ArrayRef<const Tensor *> operands,
               const InterpreterOptions &options, RegionRunner runRegion)
      : op(op), options(options), runRegion(runRegion), operands(operands),
        results(op->getNumResults()) {}

  Operation *const op;
  const InterpreterOptions &options;
  const RegionRunner runRegion;

  unsigned numOperands() const { return operands.size(); }
  /// Operand `i`, or null when it is absent.
  const Tensor *optional(unsigned i) const {
    return i < operands.size() ? operands[i] : nullptr;
  }
  /// Operand `i`, which the interpreter has checked to be present when its ODS
  /// type is a tensor.
  const Tensor &operand(unsigned i) const;

  unsigned numResults() const { return results.size(); }
  /// Whether anything was asked of result `i`: an absent optional result has
  /// type none.
  bool wantsResult(unsigned i) const {
    return i < results.size() && !isa<NoneType>(op->getResult(i).getType());
  }
  void setResult(unsigned i, Tensor tensor) {
    if (wantsResult(i))
      results[i] = std::move(tensor);
  }
  LogicalResult done(Tensor tensor) {
    setResult(0, std::move(tensor));
    return success();
  }
  std::vector<Tensor> takeResults() { return std::move(results); }

  /// The element type that the IR gives result `i`, or `fallback` when this
  /// library has no such type.
  ElementType resultType(unsigned i, ElementType fallback) const;

  /// Emits an error at the op.
  LogicalResult fail(const llvm::Twine &message) const;
  /// A tensor of zeros, or an error at the op when the shape is not valid or
  /// too large.
  FailureOr<Tensor> allocate(ElementType type,
                             llvm::ArrayRef<int64_t> shape) const;
  /// Brings an axis into [0, rank), or gives an error at the op. `what` names
  /// it in the message.
  FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank,
                                   llvm::StringRef what = "axis") const;
  /// The integers of an operand of rank 0 or 1, such as axes or a shape; an
  /// error when it is not one.
  FailureOr<llvm::SmallVector<int64_t>> integerList(unsigned i,
                                                    llvm::StringRef what) const;
  /// Checks that two shapes or types are what an operator needs; the error says
  /// what was expected and what came.
  LogicalResult requireSameType(const Tensor &a, const Tensor &b,
                                llvm::StringRef what) const;
  LogicalResult requireShape(const Tensor &tensor,
                             llvm::ArrayRef<int64_t> shape,
                             llvm::StringRef what) const;

  bool accumulateInSingle() const {
    return options.accumulation == Accumulation::F32;
  }

private:
  std::vector<const Tensor *> operands;
  std::vector<Tensor> results;
};

/// The tensor of ODS operand `i`, which may be optional in the middle of
/// others; null when it is absent.
template <typename OpType>
const Tensor *segmentOf(OperatorCall &call, OpType op, unsigned i) {
  auto [index, length] = op.getODSOperandIndexAndLength(i);
  return length ? call.optional(index) : nullptr;
}

using OperatorRule = LogicalResult (*)(OperatorCall &call);
using OperatorTable = llvm::StringMap<OperatorRule>;

/// A running sum in double precision, or in single precision when that is asked
/// for.
class Accumulator {
public:
  explicit Accumulator(bool single, double start = 0.0)
      : single(single), value(start) {}
  void add(double x) {
    value = single ? static_cast<float>(value + x) : value + x;
  }
  void addProduct(double x, double y) {
    add(single ? static_cast<float>(x * y) : x * y);
  }
  double get() const { return value; }

private:
  bool single;
  double value;
};

/// The indices that are forced on a choosing op, checked against the shape and
/// range that they need; null when nothing is forced.
FailureOr<const Tensor *>
forcedIndices(OperatorCall &call, llvm::ArrayRef<int64_t> shape, int64_t size);

// How trine.moe.route chooses.

/// The indices of the `count` largest values, the lower index first where
/// values are equal. NaN counts as larger than all numbers.
std::vector<int64_t> largestOf(llvm::ArrayRef<double> values, int64_t count);
/// The scores by which the experts of one token are ranked, before groups are
/// left out.
std::vector<double> rankingScores(MoERouteOp op, const Tensor &logits,
                                  const Tensor *bias, int64_t token);
/// The ranks of the groups of experts.
std::vector<double> groupRanks(MoERouteOp op, const Tensor &logits,
                               llvm::ArrayRef<double> scores);
/// Gives experts outside of the kept groups the masked score.
void maskGroups(MoERouteOp op, llvm::ArrayRef<int64_t> kept,
                llvm::MutableArrayRef<double> scores);

// One function per family, each in the file of its name.
void addElementwiseRules(OperatorTable &table);
void addArithmeticRules(OperatorTable &table);
void addConversionRules(OperatorTable &table);
void addShapeRules(OperatorTable &table);
void addMovementRules(OperatorTable &table);
void addIndexingRules(OperatorTable &table);
void addScatterRules(OperatorTable &table);
void addReductionRules(OperatorTable &table);
void addSelectionRules(OperatorTable &table);
void addProductRules(OperatorTable &table);
void addConvolutionRules(OperatorTable &table);
void addNormalizationRules(OperatorTable &table);
void addAttentionRules(OperatorTable &table);
void addRotaryRules(OperatorTable &table);
void addEngramRules(OperatorTable &table);
void addMixtureOfExpertsRules(OperatorTable &table);
void addControlFlowRules(OperatorTable &table);
// The same for the trine dialect.
void addTrineNormalizationRules(OperatorTable &table);
void addTrineAttentionRules(OperatorTable &table);
void addTrineExpertsRules(OperatorTable &table);
void addTrineEngramRules(OperatorTable &table);
void addTrineStateRules(OperatorTable &table);

/// All rules, by full op name.
const OperatorTable &operatorTable();

// Shapes and strides, in elements.

/// Row-major strides.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);
/// The product of the dimensions [begin, end).
int64_t productOf(llvm::ArrayRef<int64_t> shape, int64_t begin, int64_t end);
/// The shape that both broadcast to by NumPy's rules, if there is one.
std::optional<llvm::SmallVector<int64_t>>
broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);
/// Strides for reading a tensor of shape `from` as if it had shape `to`, which
/// it broadcasts to.
llvm::SmallVector<int64_t> broadcastStrides(llvm::ArrayRef<int64_t> from,
                                            llvm::ArrayRef<int64_t> to);
/// Visits all positions of a shape in row-major order; `offsets[k]` is the dot
/// product of the position and `strides[k]`.
void forEachPosition(
    llvm::ArrayRef<int64_t> shape,
    llvm::ArrayRef<llvm::SmallVector<int64_t>> strides,
    llvm::function_ref<void(int64_t index, llvm::ArrayRef<int64_t> offsets)>
        visit);

} // namespace mlir::trine::reference

#endif
