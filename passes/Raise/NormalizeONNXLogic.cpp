// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form of casts, conditions and selections.
#include "NormalizeONNX.h"

using namespace mlir;
using namespace mlir::trine;

static bool isBool(Type type) { return type.isInteger(1); }

/// A constant in another type, where every element of it is exact there or
/// rounds as Cast says.
static DenseElementsAttr castConstant(DenseElementsAttr value, Type type) {
  Type from = value.getElementType();
  auto shape = cast<ShapedType>(value.getType()).getShape();
  auto resultType = RankedTensorType::get(shape, type);
  auto fromInteger = dyn_cast<IntegerType>(from);
  auto toInteger = dyn_cast<IntegerType>(type);
  auto toFloat = dyn_cast<FloatType>(type);
  bool isSigned =
      fromInteger && !fromInteger.isUnsigned() && !isBool(fromInteger);
  bool isPlainFloat = toFloat && (type.isF16() || type.isBF16() ||
                                  type.isF32() || type.isF64());
  if (fromInteger && toInteger) {
    SmallVector<APInt> elements;
    for (const APInt &element : value.getValues<APInt>())
      elements.push_back(
          isBool(type) ? APInt(1, !element.isZero())
          : isSigned   ? element.sextOrTrunc(type.getIntOrFloatBitWidth())
                       : element.zextOrTrunc(type.getIntOrFloatBitWidth()));
    return DenseElementsAttr::get(resultType, elements);
  }
  if (fromInteger && isPlainFloat) {
    SmallVector<APFloat> elements;
    for (const APInt &element : value.getValues<APInt>()) {
      APFloat number(toFloat.getFloatSemantics());
      number.convertFromAPInt(element, isSigned, APFloat::rmNearestTiesToEven);
      elements.push_back(number);
    }
    return DenseElementsAttr::get(resultType, elements);
  }
  bool fromPlainFloat =
      from.isF16() || from.isBF16() || from.isF32() || from.isF64();
  if (fromPlainFloat && isPlainFloat) {
    SmallVector<APFloat> elements;
    for (APFloat element : value.getValues<APFloat>()) {
      bool losesInformation;
      element.convert(toFloat.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                      &losesInformation);
      elements.push_back(element);
    }
    return DenseElementsAttr::get(resultType, elements);
  }
  return {};
}

static Replacement rewriteCast(Operation *op, ONNXNormalizer &n) {
  Value input = op->getOperand(0), result = op->getResult(0);
  Type type = ONNXNormalizer::elementType(result),
       from = ONNXNormalizer::elementType(input);
  if (type == from)
    return {input};
  if (DenseElementsAttr value = ONNXNormalizer::constantOf(input))
    if (DenseElementsAttr converted = castConstant(value, type))
      return {n.constant(converted)};
  auto inner = producer<onnx::CastOp>(input);
  if (!inner)
    return {};
  // 0 and 1 are exact in every type but one; widening and back is exact.
  Type first = ONNXNormalizer::elementType(inner.getInput());
  if (isBool(first) && type.isIntOrFloat() && !isa<Float8E8M0FNUType>(from))
    return {isBool(type) ? inner.getInput()
                         : n.createLike(op, inner.getInput())};
  if (first == type && skipWideningCasts(input) != input)
    return {inner.getInput()};
  return {};
}

/// CastLike is Cast.
static Replacement rewriteCastLike(Operation *op, ONNXNormalizer &n) {
  Value input = op->getOperand(0);
  Type type = ONNXNormalizer::elementType(op->getResult(0));
  if (ONNXNormalizer::elementType(input) == type)
    return {input};
  // TensorProto.DataType
  int64_t code = dataTypeOf(type);
  if (code == 0)
    return {};
  return {n.create("Cast", input, "to", code)};
}

static Replacement rewriteNot(Operation *op, ONNXNormalizer &n) {
  Operation *inner = op->getOperand(0).getDefiningOp();
  if (!inner)
    return {};
  if (auto other = dyn_cast<onnx::NotOp>(inner))
    return {other->getOperand(0)};
  if (DenseElementsAttr value = ONNXNormalizer::constantOf(op->getOperand(0));
      value && value.isSplat())
    return {n.constant(DenseElementsAttr::get(cast<ShapedType>(value.getType()),
                                              !value.getSplatValue<bool>()))};
  // Of numbers that are ordered: floats may be NaN.
  if (!isa<onnx::LessOp, onnx::LessOrEqualOp, onnx::GreaterOp,
           onnx::GreaterOrEqualOp>(inner) ||
      !isa<IntegerType>(ONNXNormalizer::elementType(inner->getOperand(0))))
    return {};
  StringRef name = isa<onnx::LessOp>(inner)          ? "GreaterOrEqual"
                   : isa<onnx::LessOrEqualOp>(inner) ? "Greater"
                   : isa<onnx::GreaterOp>(inner)     ? "LessOrEqual"
                                                     : "Less";
  return {n.create(name, {inner->getOperand(0), inner->getOperand(1)})};
}

static Replacement rewriteWhere(Operation *op, ONNXNormalizer &n) {
  auto where = cast<onnx::WhereOp>(op);
  Value condition = where.getCondition(), x = where.getX(), y = where.getY();
  if (auto inverse = producer<onnx::NotOp>(condition))
    return {n.createLike(op, {inverse->getOperand(0), y, x})};
  if (std::optional<int64_t> known = constantInteger(condition)) {
    Value value = n.expand(*known ? x : y, n.dims(where));
    return value ? Replacement{value} : Replacement();
  }
  if (x == y && n.dims(x) == n.dims(where))
    return {x};
  return {};
}

/// b and true, b or false.
static Replacement dropNeutralLogic(Operation *op, ONNXNormalizer &n) {
  Value left = op->getOperand(0);
  if (constantInteger(op->getOperand(1)) !=
          std::optional<int64_t>(isa<onnx::AndOp>(op)) ||
      n.dims(left) != n.dims(op->getResult(0)))
    return {};
  return {left};
}

void mlir::trine::addLogicRewrites(NormalizeTable &table) {
  table["onnx.Cast"].push_back(rewriteCast);
  table["onnx.CastLike"].push_back(rewriteCastLike);
  table["onnx.Not"].push_back(rewriteNot);
  table["onnx.Where"].push_back(rewriteWhere);
  table["onnx.And"].push_back(dropNeutralLogic);
  table["onnx.Or"].push_back(dropNeutralLogic);
}
