// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Recognises rotary position embeddings that are written out.
#ifndef TRINE_PASSES_RAISE_MATCHROPE_H
#define TRINE_PASSES_RAISE_MATCHROPE_H

#include "RotaryPairs.h"

namespace mlir::trine {

/// A signed product x * y.
struct Product {
  Value x, y;
  bool isNegative = false;
};

/// A rotary embedding as the graph has it.
struct Rope {
  RotaryPairs pairs;
  Value cos, sin;
  bool isInverse = false; ///< the sine is negative
  RopeLayout layout = RopeLayout::InPlace;
  /// The sizes that the op works on: [..., 2 * half].
  SmallVector<SymbolicExpression> sizes;
  Value result;
  StringRef form;
  SmallVector<Operation *> matched;
};

/// Matches what ends in one Concat of two values.
class RopeMatcher {
public:
  RopeMatcher(Raising &raising, RotaryTables &tables, onnx::ConcatOp concat)
      : raising(raising), tables(tables), concat(concat) {}

  /// a * cos - b * sin joined with b * cos + a * sin.
  std::optional<Rope> matchRotatedParts();
  /// x * cos + Concat(-b, a) * sin.
  std::optional<Rope> matchRotatedHalf();
  /// The node is set when it looked like one.
  NearMiss miss;

private:
  std::nullopt_t fail(Operation *node, const Twine &reason) {
    miss = {node, reason.str()};
    return std::nullopt;
  }
  std::optional<Product> matchProduct(Value value);
  bool matchSum(Value value, Product (&products)[2]);
  bool matchJoin(int64_t &half, bool &isStacked);
  bool fitTable(Value &table, ArrayRef<SymbolicExpression> part);
  std::optional<Rope> finish();

  Raising &raising;
  RotaryTables &tables;
  onnx::ConcatOp concat;
  Rope rope;
};

} // namespace mlir::trine

#endif
