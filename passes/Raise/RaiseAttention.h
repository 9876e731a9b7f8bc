// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Recognises attention: as Softmax between two products, and as an operator.
#ifndef TRINE_PASSES_RAISE_RAISEATTENTION_H
#define TRINE_PASSES_RAISE_RAISEATTENTION_H

#include "MaskAnalysis.h"

namespace mlir::trine {

/// What a match has to say about masking.
struct MaskPlan {
  MaskKind kind = MaskKind::None;
  MaskedRow maskedRow = MaskedRow::NaN;
  Value mask, offset;
};

/// A mask met between scores and softmax.
struct MaskTerm {
  /// Added to the scores, if set; else scores are replaced by `fill` where
  /// `keep` does not hold.
  std::optional<View> added;
  std::optional<Condition> keep;
  double fill = 0;
  Operation *op = nullptr;
};

/// Names of forms: rows of docs/forms.md.
inline constexpr StringLiteral kDecomposed = "attention-decomposed",
                               kSinks = "attention-sinks",
                               kOperator = "attention-operator";

class AttentionMatch : public Attempt {
public:
  AttentionMatch(Raising &raising, Operation *anchor)
      : raising(raising), space(raising), masks(space), anchor(anchor) {}

  bool matchSoftmax(onnx::SoftmaxOp softmax);
  bool matchOperator(onnx::AttentionOp op);
  bool isNear = false;

private:
  bool findValueProduct(onnx::SoftmaxOp softmax);
  bool goToSoftmax(onnx::SoftmaxOp softmax);
  bool goToScoreProduct(onnx::SoftmaxOp softmax);
  bool leadsToProduct(Value value);
  /// Scores that are a sum of two products, one of parts of queries and keys,
  /// become one product of the joined parts.
  void joinProducts(onnx::SoftmaxOp softmax);
  Value joinTerms(Operation *sum);
  /// x of x - max(x) along `axis`, which changes no softmax; null for others.
  Value takeShift(Operation *op, int64_t axis);
  /// Of a softmax over the scores and one more column, which nothing reads:
  /// the scores, and what is in that column.
  bool readSinks(onnx::SoftmaxOp softmax, int64_t axis);
  /// The attention before `before`, with scale, soft cap and mask.
  AttentionOp build(Operation *before, Value query, Value key, Value value,
                    const MaskPlan &plan);
  /// The output as if each row had one more key, with the score `sink` and the
  /// value 0.
  Value addSinks(Operation *before, AttentionOp attention, Value sink);
  bool readRowGuard();
  bool sortDims();
  /// Takes the rows for heads, and what keys do not depend on for rows, where
  /// the mask says so.
  bool swapRows();
  /// The earliest tensor that holds a factor of the product in a usable order;
  /// scales on the way go into `scale`.
  View walkBack(View view, ArrayRef<unsigned> order, Type type);
  bool planMask(MaskPlan &plan, Operation *before);
  Value additiveOf(const Condition &keep, Operation *before);
  Value joinMasks(onnx::AttentionOp op);
  /// The mask's values in an order that broadcasts to [B, H, S, T].
  Value maskOperand(const View &view, Operation *before);

  Raising &raising;
  IndexSpace space;
  MaskAnalysis masks;
  Operation *anchor;

  SmallVector<Operation *> matched;
  Operation *valueProduct = nullptr, *scoreProduct = nullptr;
  Value result;
  double scale = 1, softCap = 0;
  SmallVector<MaskTerm, 1> terms;
  std::optional<Condition> rowGuard;
  bool nanGuard = false;
  /// The scores' view, while going back.
  View scores;
  /// An additional score of each row.
  std::optional<View> sinks;
  unsigned row = 0, column = 0, valueColumn = 0, summed = 0;
  /// The dim of the products' rows, and whether it is not `row`.
  unsigned productRow = 0;
  bool hasSwappedRows = false;
  SmallVector<unsigned> outer;
  SmallVector<unsigned> batchDims, keyHeadDims, sharedDims;
};

inline bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

} // namespace mlir::trine

#endif
