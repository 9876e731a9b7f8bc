// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the decompositions of composite ONNX operators share.
#ifndef TRINE_PASSES_RAISE_DECOMPOSEONNX_H
#define TRINE_PASSES_RAISE_DECOMPOSEONNX_H

#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"

namespace mlir::trine {

/// Writes onnx ops in place of a composite one. Each op is visited by the shape
/// analysis when it is made, so its type and symbolic sizes are known at once.
class ONNXDecomposer {
public:
  ONNXDecomposer(Operation *op, onnx::ShapeAnalysis &shapes)
      : shapes(shapes), op(op), builder(op) {}

  /// True once an op could not be made (reported by the shape analysis).
  bool hasFailed() const { return broken; }
  /// Reports "'onnx.X' cannot be decomposed: reason" at the op. Always fails.
  LogicalResult unsupported(const Twine &reason);

  using Attributes = ArrayRef<std::pair<StringRef, int64_t>>;
  /// An op named `onnx.<name>` with one result; absent operands are null.
  Value create(StringRef name, ArrayRef<Value> operands,
               Attributes integers = {},
               ArrayRef<NamedAttribute> attributes = {});
  /// The same with several results.
  SmallVector<Value> createMany(StringRef name, ArrayRef<Value> operands,
                                unsigned results, Attributes integers = {});

  //===--- constants ------------------------------------------------------===//

  /// A 1-D int64 constant, and a 0-D one.
  Value integers(ArrayRef<int64_t> values);
  Value integer(int64_t value, Type elementType = {});
  /// A 0-D constant of a float type, rounded to it.
  Value number(double value, Type elementType);
  Value negativeInfinity(Type elementType);

  //===--- shapes ---------------------------------------------------------===//

  ArrayRef<SymbolicExpression> dims(Value value) const {
    return shapes.getShape(value);
  }
  int64_t rank(Value value) const { return dims(value).size(); }
  std::optional<int64_t> constantDim(Value value, int64_t dim) const {
    return dims(value)[dim].getConstant();
  }
  static Type elementType(Value value) {
    return cast<ShapedType>(value.getType()).getElementType();
  }
  static bool isNone(Value value) { return isa<NoneType>(value.getType()); }

  /// Sizes [begin, end) as a 1-D int64 tensor, and one size as 0-D.
  Value shape(Value value, int64_t begin, int64_t end);
  Value size(Value value, int64_t dim);
  /// Parts of a shape: 1-D int64 tensors joined.
  Value joinSizes(ArrayRef<Value> parts);
  /// Reshape to constant sizes (0 keeps the input's, one -1 is what is left),
  /// and to computed ones.
  Value reshape(Value value, ArrayRef<int64_t> sizes);
  Value reshapeTo(Value value, Value sizes);
  Value transpose(Value value, ArrayRef<int64_t> permutation);
  Value unsqueeze(Value value, ArrayRef<int64_t> axes);
  Value squeeze(Value value, ArrayRef<int64_t> axes);
  /// value[begin:end:step] along an axis; INT64_MAX for no end.
  Value slice(Value value, int64_t axis, int64_t begin, int64_t end,
              int64_t step = 1);
  /// The same with bounds that are 1-D tensors of one element.
  Value slice(Value value, int64_t axis, Value begin, Value end);
  Value concat(ArrayRef<Value> values, int64_t axis);
  Value convert(Value value, Type elementType);
  /// 0, 1, ..., limit - 1 for a 0-D int64 limit.
  Value range(Value limit);

  //===--- arithmetic -----------------------------------------------------===//

  Value add(Value a, Value b) { return create("Add", {a, b}); }
  Value sub(Value a, Value b) { return create("Sub", {a, b}); }
  Value mul(Value a, Value b) { return create("Mul", {a, b}); }
  Value div(Value a, Value b) { return create("Div", {a, b}); }
  Value matmul(Value a, Value b) { return create("MatMul", {a, b}); }
  /// Reduces one axis.
  Value reduce(StringRef name, Value value, int64_t axis, bool keep);

  onnx::ShapeAnalysis &shapes;

private:
  Operation *build(StringRef name, ArrayRef<Value> operands, unsigned results,
                   Attributes integers, ArrayRef<NamedAttribute> attributes);

  Operation *op;
  OpBuilder builder;
  Value none;
  bool broken = false;
};

/// Values that replace the results of a composite op, one per result; null for
/// absent results. Fails after a report.
using Decomposition = FailureOr<SmallVector<Value>>;

Decomposition decomposeAttention(onnx::AttentionOp op, ONNXDecomposer &d);
Decomposition decomposeRotaryEmbedding(onnx::RotaryEmbeddingOp op,
                                       ONNXDecomposer &d);
Decomposition decomposeRotaryEmbedding(onnx::MicrosoftRotaryEmbeddingOp op,
                                       ONNXDecomposer &d);
Decomposition decomposeNGramHashMapping(onnx::NGramHashMappingOp op,
                                        ONNXDecomposer &d);
Decomposition decomposeEngramGate(onnx::EngramGateOp op, ONNXDecomposer &d);
Decomposition decomposeMoE(onnx::MoEOp op, ONNXDecomposer &d);
Decomposition decomposeDynamicQuantizeLinear(onnx::DynamicQuantizeLinearOp op,
                                             ONNXDecomposer &d);

} // namespace mlir::trine

#endif
