// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that size computations use: arithmetic, comparisons, logic, casts
// and choice, with contents and ranges.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

static Expression constantOf(Expression like, int64_t value) {
  return like.getContext().getConstant(value);
}
static bool isKnownNegative(Expression e) {
  return isKnownNonNegative(e * -1 - 1);
}

/// The elements of operands, broadcast to rank 0 or 1; nothing when they are
/// not small integer tensors or sizes are not known.
static std::optional<SmallVector<Elements>>
broadcastContents(Inference &inference, ArrayRef<unsigned> operands) {
  SmallVector<Elements> result;
  size_t count = 1;
  for (unsigned operand : operands) {
    std::optional<ArrayRef<Expression>> elements = inference.contents(operand);
    if (!elements)
      return std::nullopt;
    result.emplace_back(*elements);
    if (elements->size() != 1)
      count = elements->size();
  }
  for (Elements &elements : result) {
    if (elements.size() == 1)
      elements.assign(count, Expression(elements[0]));
    else if (elements.size() != count)
      return std::nullopt;
  }
  return result;
}

/// Broadcasts all operands, and sets the result's contents from the elements of
/// the operands, position by position. `combine` gets known elements only.
static LogicalResult
inferCombined(Inference &inference,
              llvm::function_ref<Expression(ArrayRef<Expression>)> combine) {
  SmallVector<unsigned> operands(inference.op->getNumOperands());
  std::iota(operands.begin(), operands.end(), 0);
  if (operands.empty())
    return inference.error() << "must have at least one operand";
  FailureOr<Dims> dims = inference.broadcast(operands);
  if (failed(dims))
    return failure();
  inference.setShape(0, *dims);
  if (std::optional<SmallVector<Elements>> elements =
          broadcastContents(inference, operands)) {
    Elements combined;
    for (size_t i = 0; i < elements->front().size(); ++i) {
      SmallVector<Expression> arguments;
      for (const Elements &column : *elements)
        arguments.push_back(column[i]);
      bool isKnown =
          llvm::all_of(arguments, [](Expression e) { return bool(e); });
      combined.push_back(isKnown ? combine(arguments) : Expression());
    }
    inference.setContents(0, combined);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static LogicalResult inferAdd(Inference &inference) {
  if (failed(inferCombined(inference,
                           [](ArrayRef<Expression> e) { return e[0] + e[1]; })))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  inference.setWrappingRange(
      0, {a.lower && b.lower ? a.lower + b.lower : Expression(),
          a.upper && b.upper ? a.upper + b.upper : Expression()});
  return success();
}

static LogicalResult inferSub(Inference &inference) {
  if (failed(inferCombined(inference,
                           [](ArrayRef<Expression> e) { return e[0] - e[1]; })))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  inference.setWrappingRange(
      0, {a.lower && b.upper ? a.lower - b.upper : Expression(),
          a.upper && b.lower ? a.upper - b.lower : Expression()});
  return success();
}

static LogicalResult inferMul(Inference &inference) {
  if (failed(inferCombined(inference,
                           [](ArrayRef<Expression> e) { return e[0] * e[1]; })))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  if (a.lower && b.lower && isKnownNonNegative(a.lower) &&
      isKnownNonNegative(b.lower))
    inference.setWrappingRange(0, {a.lower * b.lower, a.upper && b.upper
                                                          ? a.upper * b.upper
                                                          : Expression()});
  return success();
}

/// Division rounds towards 0, which is down where both are not negative.
static Expression divideTruncating(Expression a, Expression b) {
  std::optional<int64_t> x = a.getConstant(), y = b.getConstant();
  if (x && y && *y != 0 && !(*x == INT64_MIN && *y == -1))
    return constantOf(a, *x / *y);
  if (b.isConstant(0))
    return {};
  if (Expression exact = divideExactly(a, b))
    return exact;
  return isKnownNonNegative(a) && isKnownNonNegative(b) ? floorDiv(a, b)
                                                        : Expression();
}

static LogicalResult inferDiv(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) {
        return divideTruncating(e[0], e[1]);
      })))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  if (a.lower && b.lower && isKnownNonNegative(a.lower) &&
      isKnownPositive(b.lower))
    inference.setRange(
        0, {b.upper ? floorDiv(a.lower, b.upper) : inference.constant(0),
            a.upper ? floorDiv(a.upper, b.lower) : Expression()});
  return success();
}

static LogicalResult inferMod(Inference &inference) {
  bool isFmod = cast<ModOp>(inference.op).getFmod() != 0;
  auto combine = [&](ArrayRef<Expression> e) -> Expression {
    std::optional<int64_t> x = e[0].getConstant(), y = e[1].getConstant();
    if (e[1].isConstant(0))
      return {};
    if (x && y && isFmod)
      return constantOf(e[0], *y == -1 ? 0 : *x % *y);
    if (isFmod && !(isKnownNonNegative(e[0]) && isKnownNonNegative(e[1])))
      return {};
    return mod(e[0], e[1]);
  };
  if (failed(inferCombined(inference, combine)))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  if (!b.lower || !b.upper || !isKnownPositive(b.lower))
    return success();
  bool isNonNegative = a.lower && isKnownNonNegative(a.lower);
  Expression upper = b.upper - 1;
  if (isNonNegative && a.upper && isKnownLessOrEqual(a.upper, upper))
    upper = a.upper;
  // The remainder has the divisor's sign, and with fmod the dividend's.
  inference.setRange(0, {!isFmod || isNonNegative
                             ? inference.constant(0)
                             : inference.constant(1) - b.upper,
                         upper});
  return success();
}

static LogicalResult inferNeg(Inference &inference) {
  if (failed(inferCombined(inference,
                           [](ArrayRef<Expression> e) { return e[0] * -1; })))
    return failure();
  IntegerRange a = inference.range(0);
  inference.setWrappingRange(0, {a.upper ? a.upper * -1 : Expression(),
                                 a.lower ? a.lower * -1 : Expression()});
  return success();
}

/// The elements of Max or Min lie between bounds of all operands; one operand
/// alone bounds them on one side.
static void setExtremumRange(Inference &inference, ArrayRef<unsigned> operands,
                             bool isMax) {
  IntegerRange joined;
  Expression oneSided;
  for (auto [position, operand] : llvm::enumerate(operands)) {
    IntegerRange range = inference.range(operand);
    joined = position == 0 ? range : Inference::join(joined, range);
    Expression side = isMax ? range.lower : range.upper;
    if (side)
      oneSided = !oneSided ? side
                 : isMax   ? max(oneSided, side)
                           : min(oneSided, side);
  }
  inference.setRange(0, isMax ? IntegerRange{oneSided, joined.upper}
                              : IntegerRange{joined.lower, oneSided});
}

/// Max and Min of any number of operands.
template <bool isMax>
static LogicalResult inferExtremum(Inference &inference) {
  auto combine = [](ArrayRef<Expression> e) {
    Expression result = e[0];
    for (Expression other : e.drop_front())
      result = isMax ? max(result, other) : min(result, other);
    return result;
  };
  if (failed(inferCombined(inference, combine)))
    return failure();
  setExtremumRange(
      inference,
      llvm::to_vector(llvm::seq<unsigned>(0, inference.op->getNumOperands())),
      isMax);
  return success();
}

/// min(max(x, low), high): bounds are scalars.
static LogicalResult inferClip(Inference &inference) {
  for (unsigned operand : {1, 2})
    if (inference.isPresent(operand) &&
        failed(inference.requireOneElement(operand)))
      return failure();
  inference.setShape(0, inference.shape(0));
  Expression low = inference.isPresent(1) ? inference.scalar(1) : Expression();
  Expression high = inference.isPresent(2) ? inference.scalar(2) : Expression();
  if (std::optional<ArrayRef<Expression>> elements = inference.contents(0);
      elements && (low || !inference.isPresent(1)) &&
      (high || !inference.isPresent(2))) {
    Elements clipped;
    for (Expression element : *elements) {
      if (element && low)
        element = max(element, low);
      if (element && high)
        element = min(element, high);
      clipped.push_back(element);
    }
    inference.setContents(0, clipped);
  }
  IntegerRange range = inference.range(0);
  if (inference.isPresent(1)) {
    range.lower = low && range.lower ? max(range.lower, low) : low;
    if (range.upper)
      range.upper = low ? max(range.upper, low) : Expression();
  }
  if (inference.isPresent(2)) {
    range.upper = high && range.upper ? min(range.upper, high) : high;
    if (range.lower)
      range.lower = high ? min(range.lower, high) : Expression();
  }
  inference.setRange(0, range);
  return success();
}

//===----------------------------------------------------------------------===//
// Comparison and logic: 0 or 1 where decided
//===----------------------------------------------------------------------===//

/// a < b; nothing when not decided.
static Expression isLess(Expression a, Expression b) {
  if (isKnownLessOrEqual(a + 1, b))
    return constantOf(a, 1);
  if (isKnownLessOrEqual(b, a))
    return constantOf(a, 0);
  return {};
}

/// Sets the result to what a comparison of all pairs of elements gives, if it
/// is the same for all.
static void setTruth(Inference &inference, Expression truth) {
  if (truth)
    inference.setRange(0, {truth, truth});
}

/// a < b for all elements a and b, or for none; nothing when not decided.
static Expression isLess(IntegerRange a, IntegerRange b) {
  if (a.upper && b.lower && isKnownLessOrEqual(a.upper + 1, b.lower))
    return constantOf(a.upper, 1);
  if (a.lower && b.upper && isKnownLessOrEqual(b.upper, a.lower))
    return constantOf(a.lower, 0);
  return {};
}

static Expression negate(Expression truth) {
  return truth ? constantOf(truth, 1) - truth : Expression();
}

static LogicalResult inferEqual(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) -> Expression {
        if (e[0] == e[1])
          return constantOf(e[0], 1);
        if ((e[0] - e[1]).isConstant() || isKnownPositive(e[0] - e[1]) ||
            isKnownPositive(e[1] - e[0]))
          return constantOf(e[0], 0);
        return {};
      })))
    return failure();
  IntegerRange a = inference.range(0), b = inference.range(1);
  for (Expression below : {isLess(a, b), isLess(b, a)})
    if (below && below.isConstant(1))
      setTruth(inference, negate(below));
  return success();
}

static LogicalResult inferLess(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) {
        return isLess(e[0], e[1]);
      })))
    return failure();
  setTruth(inference, isLess(inference.range(0), inference.range(1)));
  return success();
}
static LogicalResult inferGreater(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) {
        return isLess(e[1], e[0]);
      })))
    return failure();
  setTruth(inference, isLess(inference.range(1), inference.range(0)));
  return success();
}
static LogicalResult inferLessOrEqual(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) {
        return negate(isLess(e[1], e[0]));
      })))
    return failure();
  setTruth(inference, negate(isLess(inference.range(1), inference.range(0))));
  return success();
}
static LogicalResult inferGreaterOrEqual(Inference &inference) {
  if (failed(inferCombined(inference, [](ArrayRef<Expression> e) {
        return negate(isLess(e[0], e[1]));
      })))
    return failure();
  setTruth(inference, negate(isLess(inference.range(0), inference.range(1))));
  return success();
}
static LogicalResult inferNot(Inference &inference) {
  if (failed(inferCombined(
          inference, [](ArrayRef<Expression> e) { return negate(e[0]); })))
    return failure();
  IntegerRange range = inference.range(0);
  if (range.lower && range.lower == range.upper)
    setTruth(inference, negate(range.lower));
  return success();
}
static LogicalResult inferAnd(Inference &inference) {
  if (failed(inferCombined(inference,
                           [](ArrayRef<Expression> e) { return e[0] * e[1]; })))
    return failure();
  for (unsigned operand : {0, 1})
    if (Expression upper = inference.range(operand).upper;
        upper && upper.isConstant(0))
      setTruth(inference, upper);
  return success();
}
static LogicalResult inferOr(Inference &inference) {
  if (failed(inferCombined(
          inference, [](ArrayRef<Expression> e) { return max(e[0], e[1]); })))
    return failure();
  for (unsigned operand : {0, 1})
    if (Expression lower = inference.range(operand).lower;
        lower && lower.isConstant(1))
      setTruth(inference, lower);
  return success();
}
static LogicalResult inferXor(Inference &inference) {
  return inferCombined(inference, [](ArrayRef<Expression> e) {
    return mod(e[0] + e[1], constantOf(e[0], 2));
  });
}

static LogicalResult inferWhere(Inference &inference) {
  FailureOr<Dims> dims = inference.broadcast({0, 1, 2});
  if (failed(dims))
    return failure();
  inference.setShape(0, *dims);
  inference.setRange(0,
                     Inference::join(inference.range(1), inference.range(2)));
  if (std::optional<SmallVector<Elements>> elements =
          broadcastContents(inference, {0, 1, 2})) {
    Elements chosen;
    for (auto [condition, yes, no] :
         llvm::zip_equal((*elements)[0], (*elements)[1], (*elements)[2])) {
      if (condition && condition.isConstant())
        chosen.push_back(condition.isConstant(0) ? no : yes);
      else
        chosen.push_back(yes == no ? yes : Expression());
    }
    inference.setContents(0, chosen);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// From integers to integers the elements stay, unless they do not fit; to
/// booleans they become 0 or 1.
static void inferCastContents(Inference &inference, Type to) {
  inference.setShape(0, inference.shape(0));
  if (!isa<IntegerType>(inference.elementType(0)) || !isa<IntegerType>(to))
    return;
  bool isToBool = to.isInteger(1);
  // Between signed and unsigned a range survives where the two agree.
  IntegerRange range = inference.range(0);
  bool changesSign =
      to.isUnsignedInteger() != inference.elementType(0).isUnsignedInteger();
  bool isSafe = !changesSign ||
                (range.lower && range.upper && isKnownNonNegative(range.lower));
  if (!isToBool && isSafe)
    inference.setRange(0, range);
  if (std::optional<ArrayRef<Expression>> elements = inference.contents(0)) {
    Elements converted;
    for (Expression element : *elements) {
      if (element && isToBool)
        element = element.isConstant(0) ? element
                  : isKnownPositive(element) || isKnownNegative(element)
                      ? constantOf(element, 1)
                      : Expression();
      converted.push_back(element);
    }
    inference.setContents(0, converted);
  }
  Expression distinct = inference.information(0).distinctCount;
  if (!isToBool)
    inference.analysis.values[inference.op->getResult(0)].distinctCount =
        distinct;
}

static LogicalResult inferCast(Inference &inference) {
  int64_t code = cast<CastOp>(inference.op).getTo();
  Type type = getElementTypeOfCode(inference.op->getContext(), code);
  if (!type)
    return inference.error()
           << "'to' must be the number of a supported element type, got "
           << code;
  inference.setElementType(0, type);
  inferCastContents(inference, type);
  return success();
}

static LogicalResult inferCastLike(Inference &inference) {
  Type type = inference.elementType(1);
  inference.setElementType(0, type);
  inferCastContents(inference, type);
  return success();
}

void mlir::trine::onnx::addArithmeticInference(InferenceTable &table) {
  table["onnx.Add"] = inferAdd;
  table["onnx.And"] = inferAnd;
  table["onnx.Cast"] = inferCast;
  table["onnx.CastLike"] = inferCastLike;
  table["onnx.Clip"] = inferClip;
  table["onnx.Div"] = inferDiv;
  table["onnx.Equal"] = inferEqual;
  table["onnx.Greater"] = inferGreater;
  table["onnx.GreaterOrEqual"] = inferGreaterOrEqual;
  table["onnx.Less"] = inferLess;
  table["onnx.LessOrEqual"] = inferLessOrEqual;
  table["onnx.Max"] = inferExtremum</*isMax=*/true>;
  table["onnx.Min"] = inferExtremum</*isMax=*/false>;
  table["onnx.Mod"] = inferMod;
  table["onnx.Mul"] = inferMul;
  table["onnx.Neg"] = inferNeg;
  table["onnx.Not"] = inferNot;
  table["onnx.Or"] = inferOr;
  table["onnx.Sub"] = inferSub;
  table["onnx.Where"] = inferWhere;
  table["onnx.Xor"] = inferXor;
}
