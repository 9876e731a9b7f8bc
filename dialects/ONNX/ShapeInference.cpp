// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Helpers of the operator families: operands, results, axes, broadcasting.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

std::string mlir::trine::onnx::printShape(ArrayRef<SymbolicExpression> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os, [&](SymbolicExpression size) {
    // Messages stay readable.
    size &&size.getSize() > 64 ? void(os << "...") : size.print(os);
  });
  os << "]";
  return text;
}

SymbolicExpression mlir::trine::onnx::sum(SymbolicContext &context,
                                          ArrayRef<SymbolicExpression> sizes) {
  if (sizes.empty())
    return context.getConstant(0);
  SmallVector<SymbolicExpression> parts(sizes);
  while (parts.size() > 1) {
    SmallVector<SymbolicExpression> sums;
    for (size_t i = 0; i < parts.size(); i += 2)
      sums.push_back(i + 1 < parts.size() ? parts[i] + parts[i + 1] : parts[i]);
    parts = std::move(sums);
  }
  return parts.front();
}

SymbolicExpression
mlir::trine::onnx::product(SymbolicContext &context,
                           ArrayRef<SymbolicExpression> dims) {
  SymbolicExpression result = context.getConstant(1);
  for (SymbolicExpression size : dims)
    result = result * size;
  return result;
}

SymbolicContext &Inference::context() const { return analysis.context; }

bool Inference::isPresent(unsigned index) const {
  return index < op->getNumOperands() &&
         isa<TensorType>(op->getOperand(index).getType());
}

const ValueInformation &Inference::information(unsigned index) const {
  static const ValueInformation nothing;
  if (index >= op->getNumOperands())
    return nothing;
  ValueInformation *found = analysis.find(op->getOperand(index));
  return found ? *found : nothing;
}

ArrayRef<SymbolicExpression> Inference::shape(unsigned index) const {
  return information(index).shape;
}

Type Inference::elementType(unsigned index) const {
  auto type = dyn_cast<TensorType>(op->getOperand(index).getType());
  return type ? type.getElementType() : Type();
}

std::string Inference::name(unsigned index) const {
  return describeOperand(op, index);
}

std::optional<ArrayRef<SymbolicExpression>>
Inference::contents(unsigned index) const {
  const ValueInformation &value = information(index);
  if (!value.hasContents)
    return std::nullopt;
  return value.contents;
}

SymbolicExpression Inference::scalar(unsigned index) const {
  std::optional<ArrayRef<SymbolicExpression>> elements = contents(index);
  return elements && elements->size() == 1 ? elements->front()
                                           : SymbolicExpression();
}

IntegerRange Inference::range(unsigned index) const {
  return information(index).range;
}

void Inference::setShape(unsigned result, ArrayRef<SymbolicExpression> dims) {
  if (result >= op->getNumResults() ||
      isa<NoneType>(op->getResult(result).getType()))
    return;
  Type elementType = elementTypes[result];
  // Every inference function gives types that the schema leaves open; this
  // keeps a slip from crashing.
  if (!elementType)
    elementType =
        cast<TensorType>(op->getResult(result).getType()).getElementType();
  analysis.setShape(op->getResult(result), elementType, dims);
}

/// The largest and smallest value of an integer type that fit in 64 bits
/// signed.
static std::pair<int64_t, int64_t> getLimits(IntegerType type) {
  unsigned width = type.getWidth();
  if (width == 1)
    return {0, 1};
  if (type.isUnsigned())
    return {0, width >= 64 ? INT64_MAX : llvm::maxUIntN(width)};
  return {llvm::minIntN(std::min(width, 64u)),
          llvm::maxIntN(std::min(width, 64u))};
}

/// True for constants beyond 64 bits: no symbol, and no value either.
static bool hasOverflow(SymbolicExpression expression) {
  return !expression.isConstant() &&
         walkSymbols(expression, [](SymbolicExpression) { return false; });
}

void Inference::setContents(unsigned result,
                            ArrayRef<SymbolicExpression> elements) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(result).getType());
  if (!type || type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() != static_cast<int64_t>(elements.size()) ||
      type.getNumElements() > maximumContents)
    return;
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  if (!integer)
    return;
  auto [smallest, largest] = getLimits(integer);
  Elements kept(elements);
  IntegerRange range;
  bool isFirst = true, isComplete = true;
  for (SymbolicExpression &element : kept) {
    // What would wrap around is not known; sizes are taken to fit their type.
    std::optional<int64_t> value =
        element ? element.getConstant() : std::nullopt;
    if (element &&
        (hasOverflow(element) || element.getSize() > maximumExpressionSize ||
         (value && (*value < smallest || *value > largest))))
      element = {};
    isComplete &= bool(element);
    if (!isComplete)
      continue;
    range = isFirst ? IntegerRange{element, element}
                    : join(range, {element, element});
    isFirst = false;
  }
  if (kept.empty() ||
      llvm::any_of(kept, [](SymbolicExpression e) { return bool(e); })) {
    ValueInformation &information = analysis.values[op->getResult(result)];
    information.hasContents = true;
    information.contents = analysis.copy(kept);
  }
  if (isComplete && !isFirst)
    setRange(result, range);
}

void Inference::setRange(unsigned result, IntegerRange range) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(result).getType());
  auto integer =
      type ? dyn_cast<IntegerType>(type.getElementType()) : IntegerType();
  if (!integer)
    return;
  auto [smallest, largest] = getLimits(integer);
  // A bound that need not fit the type could wrap around: narrow types keep
  // constant bounds only, 64 bits are wide enough for sizes.
  bool isWide = integer.getWidth() >= 64;
  auto isUsable = [&, smallest = smallest,
                   largest = largest](SymbolicExpression bound) {
    if (!bound || bound.getSize() > maximumBoundSize || hasOverflow(bound))
      return false;
    std::optional<int64_t> value = bound.getConstant();
    return value ? *value >= smallest && *value <= largest : isWide;
  };
  bool hasLower = isUsable(range.lower), hasUpper = isUsable(range.upper);
  if (!isWide && !(hasLower && hasUpper))
    return;
  IntegerRange &kept = analysis.values[op->getResult(result)].range;
  if (hasLower)
    kept.lower = range.lower;
  if (hasUpper)
    kept.upper = range.upper;
}

void Inference::setWrappingRange(unsigned result, IntegerRange range) {
  if (range.lower && range.upper && !hasOverflow(range.lower) &&
      !hasOverflow(range.upper) && range.lower.getSize() <= maximumBoundSize &&
      range.upper.getSize() <= maximumBoundSize)
    setRange(result, range);
}

void Inference::copyRange(unsigned result, unsigned index) {
  setRange(result, range(index));
}

IntegerRange Inference::join(IntegerRange a, IntegerRange b) {
  IntegerRange result;
  if (a.lower && b.lower)
    result.lower = min(a.lower, b.lower);
  if (a.upper && b.upper)
    result.upper = max(a.upper, b.upper);
  // Bounds grow with every join; drop them before they cost time.
  if (result.lower && result.lower.getSize() > maximumBoundSize)
    result.lower = {};
  if (result.upper && result.upper.getSize() > maximumBoundSize)
    result.upper = {};
  return result;
}

SymbolicExpression Inference::freshSize(unsigned result, unsigned dimension,
                                        SymbolicExpression bound) {
  return analysis.freshSize(op->getResult(result), dimension, bound);
}

FailureOr<int64_t> Inference::normaliseAxis(int64_t axis, int64_t rank,
                                            StringRef attribute) const {
  if (axis < -rank || axis >= rank)
    return error() << "'" << attribute << "' must be in [" << -rank << ", "
                   << rank << "), got " << axis;
  return axis < 0 ? axis + rank : axis;
}

LogicalResult Inference::requireRank(unsigned index, int64_t expected) const {
  if (rank(index) != expected)
    return error() << name(index) << " must have rank " << expected << ", got "
                   << rank(index);
  return success();
}

LogicalResult Inference::requireOneElement(unsigned index) const {
  if (rank(index) == 0 || (rank(index) == 1 && (!shape(index)[0].isConstant() ||
                                                shape(index)[0].isConstant(1))))
    return success();
  return error() << name(index) << " must be a scalar, got shape "
                 << printShape(shape(index));
}

LogicalResult Inference::requireRankAtLeast(unsigned index,
                                            int64_t expected) const {
  if (rank(index) < expected)
    return error() << name(index) << " must have at least rank " << expected
                   << ", got " << rank(index);
  return success();
}

FailureOr<SymbolicExpression> Inference::unify(SymbolicExpression a,
                                               SymbolicExpression b,
                                               const Twine &what) {
  if (a == b)
    return a;
  SymbolicExpression difference = a - b;
  if (difference.isConstant())
    return error() << "sizes of " << what << " must be equal, got " << a.str()
                   << " and " << b.str();
  SymbolicExpression chosen = analysis.chooseSimpler(a, b);
  analysis.assumeEqual(op, chosen, chosen == a ? b : a);
  return chosen;
}

FailureOr<SymbolicExpression> Inference::broadcastSize(SymbolicExpression a,
                                                       SymbolicExpression b) {
  if (a == b || b.isConstant(1))
    return a;
  if (a.isConstant(1))
    return b;
  // Sizes that differ by a constant differ always, and neither is 1 but in
  // passing.
  if ((a - b).isConstant())
    return failure();
  auto neverEqual = [](SymbolicExpression fixed, SymbolicExpression size) {
    std::optional<int64_t> value = fixed.getConstant();
    return value && *value >= 1 && isKnownPositive(size - *value);
  };
  if (neverEqual(a, b) || neverEqual(b, a))
    return failure();
  SymbolicExpression chosen = analysis.chooseSimpler(a, b);
  analysis.assumeEqual(op, chosen, chosen == a ? b : a);
  return chosen;
}

FailureOr<Dims>
Inference::broadcastShapes(ArrayRef<ArrayRef<SymbolicExpression>> shapes,
                           const Twine &what) {
  size_t rank = 0;
  for (ArrayRef<SymbolicExpression> shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, constant(1));
  for (ArrayRef<SymbolicExpression> shape : shapes) {
    for (auto [index, size] : llvm::enumerate(shape)) {
      SymbolicExpression &kept = result[rank - shape.size() + index];
      FailureOr<SymbolicExpression> common = broadcastSize(kept, size);
      if (failed(common)) {
        InFlightDiagnostic diagnostic = error() << what << " of shapes ";
        llvm::interleave(
            shapes,
            [&](ArrayRef<SymbolicExpression> s) {
              diagnostic << printShape(s);
            },
            [&] { diagnostic << " and "; });
        return diagnostic << " cannot be broadcast: size " << kept.str()
                          << " is not " << size.str();
      }
      kept = *common;
    }
  }
  return result;
}

FailureOr<Dims> Inference::broadcast(ArrayRef<unsigned> operands) {
  SmallVector<ArrayRef<SymbolicExpression>> shapes;
  std::string names;
  for (auto [position, index] : llvm::enumerate(operands)) {
    shapes.push_back(shape(index));
    names += (position == 0                     ? ""
              : position + 1 == operands.size() ? " and "
                                                : ", ") +
             name(index);
  }
  return broadcastShapes(shapes, operands.size() > 3 ? Twine("operands")
                                                     : Twine(names));
}

FailureOr<SmallVector<int64_t>> Inference::axesFromOperand(unsigned index,
                                                           int64_t rank) const {
  std::optional<ArrayRef<SymbolicExpression>> elements = contents(index);
  SmallVector<int64_t> axes;
  if (!elements)
    return error() << name(index) << " must be known at compile time";
  for (SymbolicExpression element : *elements) {
    std::optional<int64_t> value =
        element ? element.getConstant() : std::nullopt;
    if (!value)
      return error() << name(index) << " must be known at compile time";
    FailureOr<int64_t> axis = normaliseAxis(*value, rank, "axes");
    if (failed(axis))
      return failure();
    if (llvm::is_contained(axes, *axis))
      return error() << "'axes' must name each axis once, got " << *value
                     << " again";
    axes.push_back(*axis);
  }
  return axes;
}
