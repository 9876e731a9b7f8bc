// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that make tensors from nothing but sizes and numbers.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// An element as a number that fits in 64 bits signed.
static std::optional<int64_t> toInteger(const APInt &value, IntegerType type) {
  if (type.getWidth() == 1 || type.isUnsigned())
    return value.getActiveBits() < 64
               ? std::optional<int64_t>(value.getZExtValue())
               : std::nullopt;
  return value.isSignedIntN(64) ? std::optional<int64_t>(value.getSExtValue())
                                : std::nullopt;
}

static LogicalResult inferConstant(Inference &inference) {
  auto value = cast<ConstantOp>(inference.op).getValue();
  Dims dims;
  for (int64_t size : value.getShapedType().getShape())
    dims.push_back(inference.constant(size));
  inference.setElementType(0, value.getElementType());
  inference.setShape(0, dims);
  auto type = dyn_cast<IntegerType>(value.getElementType());
  auto dense = dyn_cast<DenseIntElementsAttr>(value);
  if (!type || !dense || dense.getNumElements() == 0) {
    if (type && dense)
      inference.setContents(0, {});
    return success();
  }
  Elements elements;
  std::optional<int64_t> smallest, largest;
  bool isComplete = true;
  // A splat is one element, whatever its size.
  bool isSmall = dims.size() <= 1 && dense.getNumElements() <= maximumContents;
  int64_t count = dense.isSplat() && !isSmall ? 1 : dense.getNumElements();
  auto iterator = dense.value_begin<APInt>();
  for (int64_t i = 0; i < count; ++i, ++iterator) {
    std::optional<int64_t> element = toInteger(*iterator, type);
    if (isSmall)
      elements.push_back(element ? inference.constant(*element) : Expression());
    isComplete &= element.has_value();
    if (!element)
      continue;
    smallest = std::min(smallest.value_or(*element), *element);
    largest = std::max(largest.value_or(*element), *element);
  }
  if (isSmall)
    inference.setContents(0, elements);
  if (isComplete)
    inference.setRange(
        0, {inference.constant(*smallest), inference.constant(*largest)});
  return success();
}

static LogicalResult inferInitializer(Inference &inference) {
  auto type = cast<RankedTensorType>(inference.op->getResult(0).getType());
  Dims dims;
  for (int64_t size : type.getShape())
    dims.push_back(inference.constant(size));
  inference.setElementType(0, type.getElementType());
  inference.setShape(0, dims);
  return success();
}

static LogicalResult inferConstantOfShape(Inference &inference) {
  auto op = cast<ConstantOfShapeOp>(inference.op);
  if (failed(inference.requireRank(0, 1)))
    return failure();
  std::optional<int64_t> rank = inference.shape(0)[0].getConstant();
  if (!rank || *rank > maximumContents)
    return inference.error()
           << "'input' must have a known size, at most " << maximumContents
           << ", got " << inference.shape(0)[0].str();
  std::optional<ElementsAttr> value = op.getValue();
  if (value && value->getNumElements() != 1)
    return inference.error()
           << "'value' must have one element, got " << value->getNumElements();
  inference.setElementType(0, value ? value->getElementType()
                                    : Float32Type::get(op.getContext()));
  std::optional<ArrayRef<Expression>> sizes = inference.contents(0);
  Dims dims;
  for (int64_t i = 0; i < *rank; ++i) {
    Expression size = sizes ? (*sizes)[i] : Expression();
    if (size && size.getConstant() && *size.getConstant() < 0)
      return inference.error() << "'input' must not hold negative sizes, got "
                               << printShape(*sizes);
    dims.push_back(size ? size : inference.freshSize(0, i, {}));
  }
  inference.setShape(0, dims);
  auto dense =
      value ? dyn_cast<DenseIntElementsAttr>(*value) : DenseIntElementsAttr();
  auto type =
      value ? dyn_cast<IntegerType>(value->getElementType()) : IntegerType();
  if (!dense || !type)
    return success();
  std::optional<int64_t> element = toInteger(*dense.value_begin<APInt>(), type);
  if (!element)
    return success();
  inference.setRange(
      0, {inference.constant(*element), inference.constant(*element)});
  std::optional<int64_t> count = dims.empty() ? 1 : dims[0].getConstant();
  if (dims.size() <= 1 && count && *count >= 0 && *count <= maximumContents)
    inference.setContents(0, Elements(*count, inference.constant(*element)));
  return success();
}

static LogicalResult inferEyeLike(Inference &inference) {
  auto op = cast<EyeLikeOp>(inference.op);
  if (failed(inference.requireRank(0, 2)))
    return failure();
  Type type = op.getDtype()
                  ? getElementTypeOfCode(op.getContext(), *op.getDtype())
                  : inference.elementType(0);
  if (!type)
    return inference.error()
           << "'dtype' must be the number of a supported element type, got "
           << *op.getDtype();
  inference.setElementType(0, type);
  inference.setShape(0, inference.shape(0));
  inference.setRange(0, {inference.constant(0), inference.constant(1)});
  return success();
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// A float constant's only element.
static std::optional<double> getFloatScalar(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseFPElementsAttr>(constant.getValue())
                        : DenseFPElementsAttr();
  if (!dense || dense.getNumElements() != 1)
    return std::nullopt;
  APFloat number = *dense.value_begin<APFloat>();
  bool losesInfo;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.convertToDouble();
}

/// What is known of a Range's size without its operands' elements: end - start
/// where the operands' ranges bound them.
static Expression getRangeBound(Inference &inference,
                                std::optional<int64_t> delta) {
  IntegerRange start = inference.range(0), limit = inference.range(1);
  if (!delta || *delta <= 0 || !start.lower || !limit.upper)
    return {};
  return max(ceilDiv(limit.upper - start.lower, inference.constant(*delta)),
             inference.constant(0));
}

/// The symbol was defined where this operation sees the value that defines it.
static bool isVisible(Inference &inference, Expression symbol) {
  auto found = inference.analysis.symbolIndex.find(symbol);
  if (found == inference.analysis.symbolIndex.end())
    return false;
  Value value = inference.analysis.symbols[found->second].value;
  return value.getParentRegion()->isAncestor(inference.op->getParentRegion());
}

static LogicalResult inferRange(Inference &inference) {
  for (unsigned operand : {0, 1, 2})
    if (failed(inference.requireOneElement(operand)))
      return failure();
  if (isa<FloatType>(inference.elementType(0))) {
    std::optional<double> start = getFloatScalar(inference.operand(0)),
                          limit = getFloatScalar(inference.operand(1)),
                          delta = getFloatScalar(inference.operand(2));
    double count =
        start && limit && delta ? std::ceil((*limit - *start) / *delta) : -1;
    bool isKnown =
        start && limit && delta && *delta != 0 && std::abs(count) < 1e15;
    inference.setShape(0, {isKnown ? inference.constant(std::max<int64_t>(
                                         static_cast<int64_t>(count), 0))
                                   : inference.freshSize(0, 0, {})});
    return success();
  }
  Expression start = inference.scalar(0), limit = inference.scalar(1),
             step = inference.scalar(2);
  std::optional<int64_t> delta = step ? step.getConstant() : std::nullopt;
  if (delta && *delta == 0)
    return inference.error() << "'delta' must not be 0";
  Expression count;
  bool isFresh = false;
  auto key = std::make_tuple(inference.operand(0), inference.operand(1),
                             inference.operand(2));
  if (start && limit && delta && *delta != INT64_MIN) {
    Expression length = *delta > 0 ? limit - start : start - limit;
    count = max(ceilDiv(length, inference.constant(std::abs(*delta))),
                inference.constant(0));
  } else if (Expression known = inference.analysis.rangeCounts.lookup(key);
             known && isVisible(inference, known)) {
    // The same operands give the same size.
    count = known;
  } else {
    count = inference.freshSize(0, 0, getRangeBound(inference, delta));
    inference.analysis.rangeCounts[key] = count;
    isFresh = true;
  }
  inference.setShape(0, {count});
  if (isFresh || !(start && limit))
    inference.analysis.values[inference.op->getResult(0)].distinctCount = count;
  // The elements lie between start and limit.
  IntegerRange first = inference.range(0), end = inference.range(1);
  if (delta && *delta > 0)
    inference.setRange(0,
                       {first.lower, end.upper ? end.upper - 1 : Expression()});
  else if (delta)
    inference.setRange(0,
                       {end.lower ? end.lower + 1 : Expression(), first.upper});
  std::optional<int64_t> size = count.getConstant();
  if (!size || *size > maximumContents || !start || !delta)
    return success();
  Elements elements;
  for (int64_t i = 0; i < *size; ++i)
    elements.push_back(start + inference.constant(*delta) * i);
  inference.setContents(0, elements);
  return success();
}

void mlir::trine::onnx::addGenerateInference(InferenceTable &table) {
  table["onnx.Constant"] = inferConstant;
  table["onnx.ConstantOfShape"] = inferConstantOfShape;
  table["onnx.EyeLike"] = inferEyeLike;
  table["onnx.Initializer"] = inferInitializer;
  table["onnx.Range"] = inferRange;
}
