// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-rms-norm: root-mean-square normalisations become trine.rms_norm.
#include "Raising.h"

#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISERMSNORM
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A normalisation as the graph has it.
struct Norm {
  Value input, weight, result;
  double epsilon = 0;
  Type computeType;
  CastPosition cast = CastPosition::BeforeWeight;
  StringRef form;
  SmallVector<Operation *> matched;
};

/// Follows one mean of squares forward.
class NormMatcher {
public:
  NormMatcher(Raising &raising, Operation *mean)
      : raising(raising), mean(mean) {}

  /// The norm; nothing when it is none. `miss.node` is set when it looks like
  /// one.
  std::optional<Norm> match();
  NearMiss miss;

private:
  std::nullopt_t fail(Operation *node, const Twine &reason) {
    miss = {node, reason.str()};
    return std::nullopt;
  }
  /// The only op that uses a value; null when there are more.
  static Operation *onlyUser(Value value) {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  }
  /// The only user, after Reshapes that only add or drop sizes of 1.
  Operation *nextUser(Value &value);
  bool matchMean();
  /// From the mean to the scaled input.
  std::optional<Value> matchRoot(Value value);
  Value weightOf(Operation *multiply, Value normal);
  void matchTail(Value normal);

  Raising &raising;
  Operation *mean;
  Value squared; ///< what is squared, and multiplied by the inverse root
  Value meanValue;
  Norm norm;
};
} // namespace

Operation *NormMatcher::nextUser(Value &value) {
  Operation *user = onlyUser(value);
  while (auto reshape = dyn_cast_or_null<onnx::ReshapeOp>(user)) {
    if (reshape.getData() != value ||
        wideSizes(raising.dims(value)) != wideSizes(raising.dims(reshape)))
      return user;
    norm.matched.push_back(reshape);
    value = reshape;
    user = onlyUser(value);
  }
  return user;
}

/// mean(x * x) over the last dimension.
bool NormMatcher::matchMean() {
  Value input = mean->getOperand(0);
  norm.matched.push_back(mean);
  if (isa<onnx::ReduceSumSquareOp>(mean)) {
    squared = input;
  } else {
    auto square = producer<onnx::MulOp>(input);
    if (!square || square.getA() != square.getB())
      return false;
    squared = square.getA();
    norm.matched.push_back(square);
  }
  if (!isa<FloatType>(getElementTypeOrSelf(squared.getType())) ||
      mean->getNumOperands() < 2)
    return false;
  auto axes = constantIntegers(mean->getOperand(1));
  int64_t rank = raising.rank(squared);
  if (!axes || axes->size() != 1 || rank < 1 ||
      raising.normalAxis(axes->front(), squared) != rank - 1)
    return false;
  meanValue = mean->getResult(0);
  if (isa<onnx::ReduceMeanOp>(mean))
    return true;
  // A sum divided by the number of elements.
  std::optional<int64_t> width = raising.staticDim(squared, rank - 1);
  Operation *divide = nextUser(meanValue);
  if (!width || !isa_and_nonnull<onnx::DivOp, onnx::MulOp>(divide) ||
      divide->getOperand(0) != meanValue)
    return false;
  double divisor = static_cast<double>(*width);
  if (!isConstantNumber(divide->getOperand(1),
                        isa<onnx::DivOp>(divide) ? divisor : 1 / divisor))
    return false;
  norm.matched.push_back(divide);
  meanValue = divide->getResult(0);
  return true;
}

/// x / sqrt(v), x * (1 / sqrt(v)) or x * v^-0.5.
std::optional<Value> NormMatcher::matchRoot(Value value) {
  Operation *root = nextUser(value);
  bool isInverse = false;
  if (auto power = dyn_cast_or_null<onnx::PowOp>(root)) {
    std::optional<double> exponent = constantNumber(power.getY());
    if (power.getX() != value || !exponent ||
        (*exponent != 0.5 && *exponent != -0.5))
      return std::nullopt;
    isInverse = *exponent < 0;
  } else if (!isa_and_nonnull<onnx::SqrtOp>(root)) {
    return std::nullopt;
  }
  norm.matched.push_back(root);
  value = root->getResult(0);
  // Here it looks like a norm.
  if (!isInverse && !value.hasOneUse())
    return fail(root,
                "the root has " +
                    Twine(std::distance(value.use_begin(), value.use_end())) +
                    " uses, not one");
  Operation *next = nextUser(value);
  auto divide = dyn_cast_or_null<onnx::DivOp>(next);
  if (!isInverse && divide && divide.getB() == value) {
    norm.matched.push_back(divide);
    if (!isConstantNumber(divide.getA(), 1)) {
      if (divide.getA() != squared)
        return fail(divide, "the divided value is not the squared one");
      if (!raising.isOnePerRow(value, squared))
        return fail(divide, "the root is not that of the row");
      return divide.getC();
    }
    value = divide.getC();
    isInverse = true;
    if (!value.hasOneUse())
      return fail(divide, "the inverse root has other uses");
    next = nextUser(value);
  }
  auto multiply = dyn_cast_or_null<onnx::MulOp>(next);
  if (!isInverse || !multiply)
    return fail(root, "the root does not divide a value");
  Value other = multiply.getA() == value ? multiply.getB() : multiply.getA();
  if (other != squared) {
    // A product with the squared value, scaled afterwards, is another thing.
    if (isa_and_nonnull<onnx::MatMulOp, onnx::GemmOp>(other.getDefiningOp()) ||
        !raising.haveSameShape(other, squared))
      return std::nullopt;
    return fail(multiply, "the scaled value is not the squared one");
  }
  if (!raising.isOnePerRow(value, squared))
    return fail(multiply, "the root is not that of the row");
  norm.matched.push_back(multiply);
  return multiply.getC();
}

/// The other operand of a Mul by one number per element of the last dimension;
/// null for others.
Value NormMatcher::weightOf(Operation *op, Value normal) {
  auto multiply = dyn_cast_or_null<onnx::MulOp>(op);
  if (!multiply || multiply.getA() == multiply.getB())
    return {};
  Value weight = multiply.getA() == normal ? multiply.getB() : multiply.getA();
  ArrayRef<SymbolicExpression> sizes = raising.dims(weight);
  if (sizes.empty() || sizes.back() != raising.dims(normal).back() ||
      !llvm::all_of(
          sizes.drop_back(),
          [](SymbolicExpression size) { return size.isConstant(1); }) ||
      !raising.haveSameShape(multiply, normal))
    return {};
  return weight;
}

/// The weight and the cast back, in either order.
void NormMatcher::matchTail(Value normal) {
  Value source = skipWideningCasts(squared);
  Type narrow = getElementTypeOrSelf(source.getType());
  bool wasWidened = source != squared;
  auto isCastBack = [&](Operation *op) {
    return wasWidened && isa_and_nonnull<onnx::CastOp>(op) &&
           getElementTypeOrSelf(op->getResult(0).getType()) == narrow;
  };
  norm.input = squared;
  norm.result = normal;
  Operation *user = onlyUser(normal);
  if (isCastBack(user)) {
    norm.matched.push_back(user);
    norm.input = source;
    norm.result = user->getResult(0);
    norm.cast = CastPosition::BeforeWeight;
    user = onlyUser(norm.result);
    if (Value weight = weightOf(user, norm.result)) {
      norm.matched.push_back(user);
      norm.weight = weight;
      norm.result = user->getResult(0);
    }
    return;
  }
  Value weight = weightOf(user, normal);
  if (!weight)
    return;
  norm.matched.push_back(user);
  norm.weight = weight;
  norm.result = user->getResult(0);
  user = onlyUser(norm.result);
  if (isCastBack(user)) {
    norm.matched.push_back(user);
    norm.input = source;
    norm.result = user->getResult(0);
    norm.cast = CastPosition::AfterWeight;
  }
}

std::optional<Norm> NormMatcher::match() {
  if (!matchMean())
    return std::nullopt;
  Operation *add = nextUser(meanValue);
  Value shifted = meanValue;
  if (auto sum = dyn_cast_or_null<onnx::AddOp>(add)) {
    std::optional<NumberOperand> parts = splitNumber(sum);
    if (!parts || parts->other != meanValue) {
      // Only a root after it makes this a norm.
      Operation *root = onlyUser(sum.getC());
      if (isa_and_nonnull<onnx::SqrtOp, onnx::PowOp>(root))
        return fail(sum, "epsilon is not a constant number");
      return std::nullopt;
    }
    if (parts->number < 0)
      return fail(sum, "epsilon is negative");
    norm.epsilon = parts->number;
    norm.matched.push_back(sum);
    shifted = sum.getC();
  }
  std::optional<Value> normal = matchRoot(shifted);
  if (!normal)
    return std::nullopt;
  norm.computeType = getElementTypeOrSelf(squared.getType());
  matchTail(*normal);
  norm.form = "rms-norm-decomposed";
  if (Operation *user = raising.findOutsideUse(norm.matched, norm.result))
    return fail(user, "an inner value is used outside");
  return norm;
}

namespace {
class RaiseRMSNorm
    : public RaisingPass<trine::impl::TrineRaiseRMSNormBase<RaiseRMSNorm>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::ReduceMeanOp, onnx::ReduceSumOp,
                    onnx::ReduceSumSquareOp, onnx::RMSNormalizationOp,
                    onnx::SimplifiedLayerNormalizationOp,
                    onnx::SkipSimplifiedLayerNormalizationOp>(function);
  }

  void raise(Raising &raising) override {
    SmallVector<Operation *> anchors;
    raising.getFunction().walk([&](Operation *op) {
      if (isa<onnx::ReduceMeanOp, onnx::ReduceSumOp, onnx::ReduceSumSquareOp,
              onnx::RMSNormalizationOp, onnx::SimplifiedLayerNormalizationOp,
              onnx::SkipSimplifiedLayerNormalizationOp>(op))
        anchors.push_back(op);
    });
    for (Operation *anchor : anchors) {
      if (!Raising::isLinked(anchor))
        continue;
      if (isa<onnx::ReduceMeanOp, onnx::ReduceSumOp, onnx::ReduceSumSquareOp>(
              anchor)) {
        NormMatcher matcher(raising, anchor);
        if (std::optional<Norm> norm = matcher.match())
          raise(*norm, raising);
        else if (matcher.miss.node)
          report(anchor, matcher.miss, raising);
      } else {
        raiseOperator(anchor, raising);
      }
    }
  }

private:
  void report(Operation *anchor, const NearMiss &miss, Raising &raising) {
    ++numMissed;
    raising.missed(anchor, "rms norm", miss);
  }

  void raise(const Norm &norm, Raising &raising) {
    Operation *last = norm.result.getDefiningOp();
    Value weight = norm.weight;
    if (weight) {
      // Widening is exact, and the op widens itself.
      weight = skipWideningCasts(weight);
      if (raising.rank(weight) != 1)
        weight = raising.reshape(
            last, weight,
            raising.dims(weight).back().getConstant().value_or(-1));
    }
    ImplicitLocOpBuilder builder = raising.builderBefore(last);
    auto op = RMSNormOp::create(
        builder, norm.input.getType(), norm.input, weight,
        builder.getF64FloatAttr(norm.epsilon), TypeAttr::get(norm.computeType),
        CastPositionAttr::get(&getContext(), norm.cast));
    if (failed(raising.visit(op)))
      return signalPassFailure();
    raising.replace(norm.result, op, norm.form, norm.matched);
    ++numRaised;
  }

  /// One of the operators that are a norm.
  void raiseOperator(Operation *anchor, Raising &raising) {
    Norm norm;
    norm.matched.push_back(anchor);
    norm.result = anchor->getResult(0);
    auto fail = [&](const Twine &reason) {
      report(anchor, {anchor, reason.str()}, raising);
    };
    if (anchor->getNumOperands() < 2 ||
        !raising.getShapes().hasShape(norm.result))
      // No test: the operators' own rules say so before.
      return fail("the shape of an operand is unknown");
    norm.input = anchor->getOperand(0);
    norm.weight = anchor->getOperand(1);
    int64_t axis = -1, stashType = 1;
    if (auto op = dyn_cast<onnx::RMSNormalizationOp>(anchor)) {
      axis = op.getAxis();
      stashType = op.getStashType();
      norm.epsilon = op.getEpsilon().convertToDouble();
      // The definition rounds what is normalised to the input's type.
      norm.cast = CastPosition::BeforeWeight;
      norm.form = "rms-norm-onnx";
    } else if (auto op =
                   dyn_cast<onnx::SimplifiedLayerNormalizationOp>(anchor)) {
      axis = op.getAxis();
      stashType = op.getStashType();
      norm.epsilon = op.getEpsilon().convertToDouble();
      norm.cast = CastPosition::AfterWeight;
      norm.form = "rms-norm-simplified";
      if (!op.getInvStdVar().use_empty())
        return fail("its result 'inv_std_var' is used");
    } else if (auto op =
                   dyn_cast<onnx::SkipSimplifiedLayerNormalizationOp>(anchor)) {
      norm.epsilon = op.getEpsilon().convertToDouble();
      norm.weight = op.getGamma();
      norm.cast = CastPosition::AfterWeight;
      norm.form = "rms-norm-skip";
      if (!op.getInvStdVar().use_empty() || !op.getMean().use_empty())
        return fail("its results 'mean' or 'inv_std_var' are used");
    }
    Type type = getElementTypeOrSelf(norm.input.getType());
    if (raising.normalAxis(axis, norm.input) != raising.rank(norm.input) - 1)
      return fail("'axis' is " + Twine(axis) + ", not the last");
    if (stashType != 1 && !type.isF64())
      return fail("'stash_type' is " + Twine(stashType) + ", not f32");
    if (getElementTypeOrSelf(norm.result.getType()) != type)
      return fail("the result has another type than the input");
    ArrayRef<SymbolicExpression> sizes = raising.dims(norm.weight);
    if (sizes.empty() || sizes.back() != raising.dims(norm.input).back() ||
        !llvm::all_of(sizes.drop_back(), [](SymbolicExpression size) {
          return size.isConstant(1);
        }))
      return fail("the weight is not one number per element");
    norm.computeType = type.isF64() ? type : Float32Type::get(&getContext());
    if (auto op = dyn_cast<onnx::SkipSimplifiedLayerNormalizationOp>(anchor)) {
      SmallVector<Value> parts{op.getInput(), op.getSkip()};
      if (!isa<NoneType>(op.getBias().getType()))
        parts.push_back(op.getBias());
      // A sum of three is rounded once.
      norm.input =
          raising.create(anchor, parts.size() == 2 ? "Add" : "Sum", parts);
      if (!raising.haveSameShape(norm.input, norm.result))
        // No test: the operator has the sizes of its input.
        return fail("the sum has other sizes than the input");
      op.getInputSkipBiasSum().replaceAllUsesWith(norm.input);
    }
    raise(norm, raising);
  }
};
} // namespace
