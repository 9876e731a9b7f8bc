// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-decompose-onnx: composite operators become simpler onnx ops.
#include "DecomposeONNX.h"
#include "Raising.h"

#include "trine/Passes/Raise.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::trine {
#define GEN_PASS_DEF_DECOMPOSEONNX
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

LogicalResult ONNXDecomposer::unsupported(const Twine &reason) {
  return op->emitError() << "'" << op->getName()
                         << "' cannot be decomposed: " << reason;
}

Operation *ONNXDecomposer::build(StringRef name, ArrayRef<Value> operands,
                                 unsigned results, Attributes integers,
                                 ArrayRef<NamedAttribute> attributes) {
  OperationState state(op->getLoc(), ("onnx." + name).str());
  for (Value operand : operands) {
    if (!operand) {
      if (!none)
        none = onnx::NoneOp::create(builder, op->getLoc(),
                                    builder.getType<NoneType>());
      operand = none;
    }
    state.operands.push_back(operand);
  }
  for (auto [attribute, value] : integers)
    state.addAttribute(attribute, builder.getI64IntegerAttr(value));
  state.addAttributes(attributes);
  // Any tensor type: the visit sets the right one.
  Type unknown = UnrankedTensorType::get(builder.getF32Type());
  state.types.assign(results, unknown);
  Operation *created = builder.create(state);
  if (!broken && failed(shapes.visit(created)))
    broken = true;
  return created;
}

Value ONNXDecomposer::create(StringRef name, ArrayRef<Value> operands,
                             Attributes integers,
                             ArrayRef<NamedAttribute> attributes) {
  return build(name, operands, 1, integers, attributes)->getResult(0);
}

SmallVector<Value> ONNXDecomposer::createMany(StringRef name,
                                              ArrayRef<Value> operands,
                                              unsigned results,
                                              Attributes integers) {
  return llvm::to_vector_of<Value>(
      build(name, operands, results, integers, {})->getResults());
}

//===--- constants
//----------------------------------------------------------===//

Value ONNXDecomposer::integers(ArrayRef<int64_t> values) {
  auto type =
      RankedTensorType::get({(int64_t)values.size()}, builder.getI64Type());
  NamedAttribute value =
      builder.getNamedAttr("value", DenseElementsAttr::get(type, values));
  return create("Constant", {}, {}, value);
}

Value ONNXDecomposer::integer(int64_t value, Type elementType) {
  if (!elementType)
    elementType = builder.getI64Type();
  auto type = RankedTensorType::get({}, elementType);
  auto integerType = llvm::cast<IntegerType>(elementType);
  APInt bits = APInt(64, value).sextOrTrunc(integerType.getWidth());
  return create(
      "Constant", {}, {},
      builder.getNamedAttr("value", DenseElementsAttr::get(type, bits)));
}

Value ONNXDecomposer::number(double value, Type elementType) {
  auto floatType = llvm::cast<FloatType>(elementType);
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  auto type = RankedTensorType::get({}, elementType);
  return create(
      "Constant", {}, {},
      builder.getNamedAttr("value", DenseElementsAttr::get(type, rounded)));
}

Value ONNXDecomposer::negativeInfinity(Type elementType) {
  return number(-std::numeric_limits<double>::infinity(), elementType);
}

//===--- shapes
//-------------------------------------------------------------===//

Value ONNXDecomposer::shape(Value value, int64_t begin, int64_t end) {
  return create("Shape", value, {{"start", begin}, {"end", end}});
}

Value ONNXDecomposer::size(Value value, int64_t dim) {
  return squeeze(shape(value, dim, dim + 1), {0});
}

Value ONNXDecomposer::joinSizes(ArrayRef<Value> parts) {
  return concat(parts, 0);
}

Value ONNXDecomposer::reshape(Value value, ArrayRef<int64_t> sizes) {
  return create("Reshape", {value, integers(sizes)}, {{"allowzero", 0}});
}

Value ONNXDecomposer::reshapeTo(Value value, Value sizes) {
  return create("Reshape", {value, sizes}, {{"allowzero", 1}});
}

Value ONNXDecomposer::transpose(Value value, ArrayRef<int64_t> permutation) {
  return create(
      "Transpose", value, {},
      builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(permutation)));
}

Value ONNXDecomposer::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  return create("Unsqueeze", {value, integers(axes)});
}

Value ONNXDecomposer::squeeze(Value value, ArrayRef<int64_t> axes) {
  return create("Squeeze", {value, integers(axes)});
}

Value ONNXDecomposer::slice(Value value, int64_t axis, int64_t begin,
                            int64_t end, int64_t step) {
  return create("Slice", {value, integers(begin), integers(end), integers(axis),
                          integers(step)});
}

Value ONNXDecomposer::slice(Value value, int64_t axis, Value begin, Value end) {
  return create("Slice", {value, begin, end, integers(axis), integers(1)});
}

Value ONNXDecomposer::concat(ArrayRef<Value> values, int64_t axis) {
  return create("Concat", values, {{"axis", axis}});
}

Value ONNXDecomposer::convert(Value value, Type type) {
  if (elementType(value) == type)
    return value;
  return create("Cast", value, {{"to", dataTypeOf(type)}});
}

Value ONNXDecomposer::range(Value limit) {
  return create("Range", {integer(0), limit, integer(1)});
}

Value ONNXDecomposer::reduce(StringRef name, Value value, int64_t axis,
                             bool keep) {
  return create(name, {value, integers(axis)}, {{"keepdims", keep ? 1 : 0}});
}

//===--- pass
//---------------------------------------------------------------===//

namespace {
struct DecomposeONNX : public trine::impl::DecomposeONNXBase<DecomposeONNX> {
  /// The values for a composite op's results; nothing for other ops.
  static std::optional<Decomposition> decompose(Operation *op,
                                                ONNXDecomposer &d) {
    return llvm::TypeSwitch<Operation *, std::optional<Decomposition>>(op)
        .Case([&](onnx::AttentionOp op) { return decomposeAttention(op, d); })
        .Case<onnx::RotaryEmbeddingOp, onnx::MicrosoftRotaryEmbeddingOp>(
            [&](auto op) { return decomposeRotaryEmbedding(op, d); })
        .Case([&](onnx::NGramHashMappingOp op) {
          return decomposeNGramHashMapping(op, d);
        })
        .Case([&](onnx::EngramGateOp op) { return decomposeEngramGate(op, d); })
        .Case([&](onnx::MoEOp op) { return decomposeMoE(op, d); })
        .Case([&](onnx::DynamicQuantizeLinearOp op) {
          return decomposeDynamicQuantizeLinear(op, d);
        })
        .Default([](Operation *) { return std::nullopt; });
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    SmallVector<Operation *> composites;
    function.walk([&](Operation *op) {
      if (isa<onnx::AttentionOp, onnx::RotaryEmbeddingOp,
              onnx::MicrosoftRotaryEmbeddingOp, onnx::NGramHashMappingOp,
              onnx::EngramGateOp, onnx::MoEOp, onnx::DynamicQuantizeLinearOp>(
              op))
        composites.push_back(op);
    });
    if (composites.empty())
      return;
    onnx::ShapeAnalysis shapes(function);
    if (failed(shapes.run()))
      return signalPassFailure();

    bool isBroken = false;
    for (Operation *op : composites) {
      // Reported by the analysis.
      bool known = llvm::all_of(op->getOperands(), [&](Value operand) {
        return ONNXDecomposer::isNone(operand) || shapes.hasShape(operand);
      });
      ONNXDecomposer decomposer(op, shapes);
      if (!known) {
        (void)decomposer.unsupported("the shape of an operand is unknown");
        isBroken = true;
        continue;
      }
      std::optional<Decomposition> results = decompose(op, decomposer);
      if (!results || failed(*results) || decomposer.hasFailed()) {
        isBroken = true;
        continue;
      }
      for (auto [result, value] : llvm::zip(op->getResults(), **results))
        if (value)
          result.replaceAllUsesWith(value);
      op->erase();
      ++numDecomposed;
    }
    if (isBroken)
      return signalPassFailure();
    // The types of what uses the new values, and of the function.
    onnx::ShapeAnalysis refined(function);
    if (failed(refined.run()))
      signalPassFailure();
  }
};
} // namespace
