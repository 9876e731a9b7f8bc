// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Where the elements of a value come from: reshapes, transposes, slices,
/// joins and repetitions seen as index arithmetic.
///
/// A view says which element of a tensor belongs to each point of an index
/// space (batch, head, row, column, ...). Going back through an op that only
/// moves elements changes the tensor and the arithmetic, never the meaning, so
/// a structure is matched on what is computed and not on how it was laid out.
#ifndef TRINE_PASSES_RAISE_INDEXVIEWS_H
#define TRINE_PASSES_RAISE_INDEXVIEWS_H

#include "Raising.h"

namespace mlir::trine {

/// offset + the sum of coefficient times index, over dims of an index space.
struct AffineIndex {
  struct Term {
    unsigned dim;
    SymbolicExpression coefficient;
    bool operator==(const Term &other) const {
      return dim == other.dim && coefficient == other.coefficient;
    }
  };
  /// By dim; no coefficient is 0.
  SmallVector<Term, 2> terms;
  SymbolicExpression offset;

  bool operator==(const AffineIndex &other) const {
    return terms == other.terms && offset == other.offset;
  }
  bool isZero() const { return terms.empty() && offset.isConstant(0); }
  bool dependsOn(unsigned dim) const;
  /// The dim, if this is one index and nothing else.
  std::optional<unsigned> getPlainDim() const;
};

/// value[index[0], index[1], ...].
struct View {
  Value value;
  SmallVector<AffineIndex> index;

  /// Whether what is read differs along `dim`.
  bool dependsOn(unsigned dim) const;
};

/// An index space and the views over it. Dims are split when a reshape asks
/// for it; views made before stay valid.
class IndexSpace {
public:
  explicit IndexSpace(Raising &raising) : raising(raising) {}

  Raising &getRaising() { return raising; }
  SymbolicExpression number(int64_t value) {
    return raising.getShapes().getContext().getConstant(value);
  }
  unsigned addDim(SymbolicExpression extent) {
    extents.push_back(extent);
    splits.emplace_back();
    return extents.size() - 1;
  }
  SymbolicExpression extent(unsigned dim) const { return extents[dim]; }
  /// The dims that stand for `dim` after splits, outer ones first.
  SmallVector<unsigned> leaves(unsigned dim) const;

  //===--- index arithmetic ---------------------------------------------===//

  AffineIndex constant(SymbolicExpression value) { return {{}, value}; }
  AffineIndex constant(int64_t value) { return constant(number(value)); }
  AffineIndex plain(unsigned dim) { return {{{dim, number(1)}}, number(0)}; }
  AffineIndex add(const AffineIndex &a, const AffineIndex &b);
  AffineIndex scale(const AffineIndex &a, SymbolicExpression factor);
  AffineIndex subtract(const AffineIndex &a, const AffineIndex &b) {
    return add(a, scale(b, number(-1)));
  }
  /// With split dims replaced by their parts.
  AffineIndex normalize(const AffineIndex &index);
  View normalize(View view);

  //===--- views --------------------------------------------------------===//

  /// The view of `value` under the indices of a tensor that it broadcasts to,
  /// as numpy does; nothing if it does not.
  std::optional<View> broadcast(Value value, ArrayRef<AffineIndex> index);
  /// The same elements in what the producer moved them from; nothing if the
  /// producer does more than move. Casts are no moves.
  std::optional<View> back(const View &view);
  /// Goes back as far as possible.
  View backAll(View view);

  /// Whether the value's dims that are not 1 are `dims` that the view depends
  /// on, in their order, whole.
  bool isInOrder(const View &view, ArrayRef<unsigned> dims);
  /// Whether the value itself, aligned at its last dimension, broadcasts to a
  /// tensor with one dimension for each of `dims`.
  bool broadcastsTo(const View &view, ArrayRef<unsigned> dims);
  /// A tensor with one dim for each of `groups`, the product of the dims in it
  /// that the view depends on (1 if none): the view's value, if need be sliced,
  /// transposed and reshaped. Null if that does not say it.
  Value materialize(Operation *before, const View &view,
                    ArrayRef<SmallVector<unsigned>> groups);
  /// `value` under other sizes, of which all but one are numbers or sizes of
  /// `value`; null otherwise.
  Value reshapeTo(Operation *before, Value value,
                  ArrayRef<SymbolicExpression> sizes);

  /// The dims of an index that counts through them row by row, outer ones
  /// first, whatever its offset; false if it is no such index.
  bool listDims(const AffineIndex &index, SmallVectorImpl<unsigned> &dims);
  SymbolicExpression sizeOf(ArrayRef<unsigned> dims);

private:
  /// index = quotient * size + rest with 0 <= rest < size; may split a dim.
  std::optional<std::pair<AffineIndex, AffineIndex>>
  divide(AffineIndex index, SymbolicExpression size);
  std::optional<View> backReshape(const View &view, Value source);
  std::optional<View> backSlice(const View &view, onnx::SliceOp op);
  std::optional<View> backConcat(const View &view, onnx::ConcatOp op);
  std::optional<View> backSplit(const View &view, onnx::SplitOp op);
  /// Whether begin <= index < end, for all points of the space.
  bool isWithin(const AffineIndex &index, SymbolicExpression begin,
                SymbolicExpression end);

  Raising &raising;
  SmallVector<SymbolicExpression> extents;
  /// Outer and inner part of a split dim.
  SmallVector<std::optional<std::pair<unsigned, unsigned>>> splits;
};

} // namespace mlir::trine

#endif
