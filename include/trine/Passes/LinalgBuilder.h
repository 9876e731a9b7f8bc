// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes linalg on tensors in place of one trine op.
#ifndef TRINE_PASSES_LINALGBUILDER_H
#define TRINE_PASSES_LINALGBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "trine/Dialect/Trine/Trine.h"

namespace mlir::trine {

/// Builds before `op`, with its location.
class LinalgBuilder : public ImplicitLocOpBuilder {
public:
  explicit LinalgBuilder(Operation *op)
      : ImplicitLocOpBuilder(op->getLoc(), op) {}

  using Sizes = SmallVector<OpFoldResult>;

  //===--- types and sizes ----------------------------------------------===//

  static RankedTensorType typeOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType());
  }
  /// f32 for f16 and bf16, else the type itself.
  static Type computeType(Type elementType);
  /// One size, or all: numbers as attributes, others by tensor.dim.
  OpFoldResult size(Value tensor, int64_t dimension);
  Sizes sizes(Value tensor);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value indexOf(OpFoldResult size);
  /// The product of sizes, and two sizes added, as arithmetic on indices.
  OpFoldResult multiply(ArrayRef<OpFoldResult> sizes);
  OpFoldResult add(OpFoldResult x, OpFoldResult y);
  /// A constant of a float type, rounded to it.
  Value number(double value, Type type);
  Value integer(int64_t value, Type type) {
    return arith::ConstantOp::create(*this, getIntegerAttr(type, value));
  }

  //===--- tensors ------------------------------------------------------===//

  Value empty(ArrayRef<OpFoldResult> sizes, Type elementType);
  Value filled(ArrayRef<OpFoldResult> sizes, Value scalar);
  /// An input of a linalg.generic.
  struct Input {
    Value tensor;
    AffineMap map;
  };
  /// The map (d0, ..., d[rank-1]) -> the named dims; -1 is a constant 0.
  AffineMap select(unsigned rank, ArrayRef<int64_t> dims);
  /// A tensor whose dims are aligned at the end with `rank` loops, as numpy
  /// broadcasts: dims of static size 1 read index 0.
  Input broadcast(Value tensor, unsigned rank);

  /// Scalars of the inputs, widened to their compute types, to one scalar.
  using Body =
      llvm::function_ref<Value(ImplicitLocOpBuilder &b, ValueRange scalars)>;
  /// One generic, all loops parallel, over `sizes`. The body's result is
  /// rounded to `elementType`.
  Value map(ArrayRef<Input> inputs, ArrayRef<OpFoldResult> sizes,
            Type elementType, Body body);
  /// One generic over `loops` dims, of which `reduced` are reductions:
  /// accumulates `body` (scalars of the inputs, then the accumulator) from
  /// `initial`, over the loops' sizes as the inputs give them. `sizes` are
  /// those of the result: the loops that are not reduced, in order.
  Value reduce(ArrayRef<Input> inputs, unsigned loops,
               ArrayRef<int64_t> reduced, ArrayRef<OpFoldResult> sizes,
               Value initial, Body body);
  /// One product: the sum over the last of `sizes.size() + 1` loops, in the
  /// compute type of `left`; the maps of the operands are loop numbers.
  Value contract(Value left, ArrayRef<int64_t> leftLoops, Value right,
                 ArrayRef<int64_t> rightLoops, ArrayRef<OpFoldResult> sizes);
  /// `tensor` of `sizes` rounded to `elementType`.
  Value roundTo(Value tensor, ArrayRef<OpFoldResult> sizes, Type elementType);
  /// A scalar in another float type (or the same).
  static Value convert(ImplicitLocOpBuilder &b, Value scalar, Type type);

  /// Views of the same elements under other dims.
  Value expand(Value tensor, ArrayRef<OpFoldResult> sizes,
               ArrayRef<ReassociationIndices> groups);
  Value collapse(Value tensor, ArrayRef<ReassociationIndices> groups);
  /// tensor.cast where the static sizes differ.
  Value castTo(Value tensor, Type type);
  /// Some dims of a tensor.
  Value slice(Value tensor, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes);
};

} // namespace mlir::trine

#endif
