// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the recognition of routers, experts and gated networks shares.
#ifndef TRINE_PASSES_RAISE_RAISEMOE_H
#define TRINE_PASSES_RAISE_RAISEMOE_H

#include "Raising.h"

namespace mlir::trine {

/// One attempt to recognise a structure: the ops that it consists of, and the
/// first condition that failed.
class MoEPattern : public Attempt {
public:
  explicit MoEPattern(Raising &raising) : raising(raising) {}

  /// The op that makes `value` if it is an `OpTy`; it then belongs to the
  /// structure.
  template <typename OpTy>
  OpTy take(Value value) {
    auto op = producer<OpTy>(value);
    if (op)
      matched.insert(op);
    return op;
  }
  void add(Operation *op) { matched.insert(op); }
  ArrayRef<Operation *> ops() const { return matched.getArrayRef(); }
  /// A place to go back to when an alternative did not hold.
  size_t mark() const { return matched.size(); }
  void rollback(size_t mark) {
    while (matched.size() > mark)
      matched.pop_back();
  }

  /// Who uses an inner value from outside of the structure, so that it may not
  /// vanish. Views and casts of what comes from outside are cheap: they may be
  /// shared.
  Operation *findOutsideUse(ValueRange results) {
    return raising.findOutsideUse(ops(), results, /*sharesViews=*/true);
  }

  /// The value before Reshapes.
  Value takeViews(Value value);
  /// The value before Reshapes and Casts that only widen.
  Value takeViewsAndWidening(Value value);
  /// The tensor and the indices of tensor[indices] along the first axis.
  std::optional<std::pair<Value, Value>> takeRows(Value value);

  Raising &raising;

private:
  llvm::SetVector<Operation *> matched;
};

/// A tensor known before the program runs: initialisers and constants, moved
/// about or converted.
bool isWeight(Value value);

/// The axes, in [0, rank), of a reduction whose axes are an operand; none if
/// they are not constant. All axes if they are absent.
std::optional<SmallVector<int64_t>> reducedAxes(Raising &raising,
                                                Operation *op);
/// Whether `op` reduces just one axis; the last is -1.
bool reducesAxis(Raising &raising, Operation *op, int64_t axis);

/// value[start : end : step] along one axis.
struct SliceRange {
  Value input;
  int64_t axis, start, end, step;
};
std::optional<SliceRange> sliceOf(Raising &raising, Value value);

/// input · weight (+ bias), as MatMul or Gemm. The weight is [in, out], or
/// [out, in] if `transposed`; the bias [out] or [1, out].
struct LinearLayer {
  Value input, weight, bias;
  bool transposed = false;
};
std::optional<LinearLayer> takeLinear(MoEPattern &pattern, Value value);
/// Whether `bias` has one number for each column of `product`: [N], or [1, N]
/// where a Gemm adds it (not one number for all, or for each row).
bool isColumnBias(Raising &raising, Value bias, Value product);
/// Such a bias as [N], made before `before`; null stays null.
Value columnBias(Raising &raising, Operation *before, Value bias);

/// activation(gate) · (up + beta), or activation(up) without a gate.
struct GatedActivation {
  Activation activation = Activation::SiluGated;
  Value gate, up;
  std::optional<double> clamp;
  double alpha = 1, beta = 0;
};
/// Records its ops in the pattern. None if `value` is no known activation; if
/// it is one with another constant somewhere, the pattern has failed.
std::optional<GatedActivation> takeActivation(MoEPattern &pattern, Value value);

/// Gate and up as parts of one product along its last axis (after Reshapes).
struct FusedHalves {
  Value product;
  GateUpLayout layout;
};
std::optional<FusedHalves> takeHalves(MoEPattern &pattern, Value gate,
                                      Value up);

/// `value` under the sizes of `result`, made before `before` without a use of
/// `result`: from what `result` was reshaped to, or from leading sizes of
/// `source`. Null if they do not say.
Value reshapeAs(Raising &raising, Operation *before, Value value, Value result,
                Value source);

/// All that trine.moe.experts needs, and what it replaces.
struct ExpertsMatch {
  /// Any shape whose elements are those of [N, D], [N, k], [N, k].
  Value input, ids, weights;
  /// [E, G, D], [E, D, I], [E, G], [E, D].
  Value wGateUp, wDown, bGateUp, bDown;
  GatedActivation activation;
  GateUpLayout layout = GateUpLayout::Concatenated;
  int64_t k = 0;
  Value result;
  /// Added to the result where that was the start of a sum.
  Value base;
  /// Each slot's weight multiplies the token's row before the expert, not the
  /// expert's result.
  bool weightsOnInput = false;
  StringRef form;
};

/// Puts trine.moe.experts in the place of what was matched; false if its sizes
/// do not go together (the pattern says why).
bool raiseExperts(MoEPattern &pattern, ExpertsMatch match);

/// The result of all that follows until the type is that of `input` again: a
/// Cast of a sum in f32.
Value takeFinalCast(MoEPattern &pattern, Value value, Value input);

/// The sum over the k slots of each token, [.., k, D]: takes `sum`, and gives k
/// and the result.
bool takeSumOfSlots(MoEPattern &pattern, onnx::ReduceSumOp sum,
                    ExpertsMatch &match);

// RaiseExpertsBatched.cpp: weights gathered for each slot.
bool matchBatchedExperts(MoEPattern &pattern, onnx::ReduceSumOp sum,
                         ExpertsMatch &match);
// RaiseExpertsGrouped.cpp: slots sorted by expert, one product for each.
bool matchGroupedExperts(MoEPattern &pattern, onnx::ReduceSumOp sum,
                         ExpertsMatch &match);
/// How many structures were raised, and how many nearly.
struct RaiseCounts {
  unsigned raised = 0, missed = 0;
};
// RaiseExpertsStacked.cpp: every expert on every token, as one batched product.
bool matchStackedExperts(MoEPattern &pattern, onnx::ReduceSumOp sum,
                         ExpertsMatch &match);
// RaiseExpertsDense.cpp: every expert on every token, weights mostly zero.
RaiseCounts raiseDenseExperts(Raising &raising);
// RaiseExpertsSelected.cpp: each expert on the tokens that NonZero found.
RaiseCounts raiseSelectedExperts(Raising &raising);
// RaiseExpertsContrib.cpp: MoE of com.microsoft, with its router.
RaiseCounts raiseContribExperts(Raising &raising);

/// One expert's weights of an unrolled form, to be stacked.
class ExpertStack {
public:
  /// Adds the matrix of the next expert.
  void add(const LinearLayer &layer) { layers.push_back(layer); }
  size_t size() const { return layers.size(); }
  /// The stack [E, out, in], made before `before`: the one tensor whose
  /// consecutive slices the matrices are, or a Concat. Null if they are
  /// slices of one tensor in another order (the pattern says which expert).
  Value build(MoEPattern &pattern, Operation *before);
  /// The biases [E, out], likewise; null if there are none.
  Value buildBias(Raising &raising, Operation *before);
  /// The same as build without making anything.
  bool check(MoEPattern &pattern);

private:
  SmallVector<LinearLayer> layers;
};

/// The matrices and the activation of one expert of an unrolled form, down to
/// the product that gives its output.
struct ExpertLayers {
  LinearLayer first, second, down; ///< `second` without a weight: fused
  GatedActivation activation;
  GateUpLayout layout = GateUpLayout::Concatenated;
};
bool takeExpertLayers(MoEPattern &pattern, int64_t expert, Value output,
                      Operation *node, ExpertLayers &layers);

/// All experts of an unrolled form: they must be alike but for their matrices.
class UnrolledExperts {
public:
  /// Adds the next expert.
  bool add(MoEPattern &pattern, const ExpertLayers &layers, Operation *node);
  /// Gives the weights and the activation to the match.
  bool finish(MoEPattern &pattern, ExpertsMatch &match);
  const ExpertLayers &getFirst() const { return reference; }

private:
  ExpertStack first, second, down;
  ExpertLayers reference;
};

/// Recognises the weights slots get: from the value in which row r of
/// [N·k, ...] has the weight of slot r, to the source [N, k].
Value takeSlotSource(MoEPattern &pattern, Value value, int64_t k);

/// The products behind an activation: one if it has no gate, or if gate and up
/// are parts of it, else two. `take` reads a product, `belong` says whether two
/// are of one input and kind; `kind` completes "is no product ..." where they
/// are not.
template <typename Product>
bool takeGateAndUp(
    MoEPattern &pattern, const GatedActivation &activation, Operation *node,
    StringRef kind, llvm::function_ref<std::optional<Product>(Value)> take,
    llvm::function_ref<bool(const Product &, const Product &)> belong,
    ExpertsMatch &match, std::optional<Product> &first,
    std::optional<Product> &second) {
  match.layout = GateUpLayout::UpOnly;
  if (!activation.gate) {
    first = take(activation.up);
  } else if (std::optional<FusedHalves> halves =
                 takeHalves(pattern, activation.gate, activation.up)) {
    match.layout = halves->layout;
    first = take(halves->product);
  } else if (pattern.failed()) {
    return false;
  } else {
    match.layout = GateUpLayout::Concatenated;
    first = take(activation.gate);
    second = take(activation.up);
    if (!first || !second || !belong(*first, *second))
      return pattern.fail(node,
                          "gate and up are no products of one input " + kind);
  }
  return first.has_value() ||
         pattern.fail(node, "the activation's input is no product " + kind);
}

} // namespace mlir::trine

#endif
