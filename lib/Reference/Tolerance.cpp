// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of docs/tolerances.md.
#include "trine/Reference/Tolerance.h"
#include "RoundingModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// The largest error stays below this many standard deviations of the
/// difference.
static constexpr double safetyFactor = 4.0;
/// Two programs are compared, each with rounding errors of its own.
static constexpr double programs = 2.0;

namespace {
/// What an operator does to relative errors.
enum class Kind {
  Unknown,  // counts as a function with condition number 1
  Exact,    // integers, booleans, and what choices give
  Move,     // elements change their place only
  Function, // of one operand, element by element
  Sum,
  Product, // products and quotients of elements
  Contraction,
  Reduction,
  Normalization,
  Softmax,
  Power,
  Cast,
  Attention,
  Recurrence,
  Gate,
  Experts,
  If,
  Loop
};
} // namespace

static Kind kindOf(Operation &op) {
  return llvm::StringSwitch<Kind>(op.getName().getStringRef())
      .Cases({"onnx.Identity", "onnx.Reshape", "onnx.Transpose", "onnx.Squeeze",
              "onnx.Unsqueeze", "onnx.Flatten", "onnx.Concat", "onnx.Split",
              "onnx.Slice", "onnx.ReverseSequence"},
             Kind::Move)
      .Cases({"onnx.Expand", "onnx.Tile", "onnx.Gather", "onnx.GatherElements",
              "onnx.GatherND", "onnx.Where", "onnx.Pad", "onnx.Trilu",
              "onnx.Compress", "onnx.TopK"},
             Kind::Move)
      .Cases({"onnx.Max", "onnx.Min", "onnx.Clip", "onnx.Abs", "onnx.Neg",
              "onnx.Relu", "onnx.Dropout", "onnx.ReduceMax", "onnx.ReduceMin"},
             Kind::Move)
      .Cases({"onnx.ScatterElements", "onnx.ScatterND", "onnx.TensorScatter",
              "onnx.ThresholdedRelu", "onnx.OneHot"},
             Kind::Move)
      .Cases({"tensor.bitcast", "tensor.cast", "tensor.collapse_shape",
              "tensor.concat", "tensor.expand_shape", "tensor.extract",
              "tensor.extract_slice", "tensor.from_elements", "tensor.gather"},
             Kind::Move)
      .Cases({"tensor.insert", "tensor.insert_slice", "tensor.reshape",
              "tensor.splat", "linalg.pack", "linalg.unpack"},
             Kind::Move)
      .Cases({"arith.select", "arith.maximumf", "arith.minimumf",
              "arith.maxnumf", "arith.minnumf", "arith.negf", "arith.bitcast",
              "math.absf", "math.copysign", "math.clampf"},
             Kind::Move)
      .Cases({"onnx.Sign", "onnx.Hardmax", "onnx.Ceil", "onnx.Floor",
              "onnx.Round", "onnx.Range", "onnx.ConstantOfShape",
              "onnx.EyeLike"},
             Kind::Exact)
      .Cases({"arith.constant", "arith.sitofp", "arith.uitofp", "math.ceil",
              "math.floor", "math.round", "math.roundeven", "math.trunc",
              "tensor.empty"},
             Kind::Exact)
      .Cases({"onnx.Add", "onnx.Sub", "onnx.Sum", "onnx.Mean", "arith.addf",
              "arith.subf"},
             Kind::Sum)
      .Cases({"onnx.Mul", "onnx.Div", "arith.mulf", "arith.divf"},
             Kind::Product)
      .Cases({"onnx.MatMul", "onnx.Gemm", "onnx.Einsum", "onnx.Conv",
              "onnx.CausalConvWithState"},
             Kind::Contraction)
      .Cases({"onnx.ReduceSum", "onnx.ReduceMean", "onnx.ReduceL1",
              "onnx.ReduceL2", "onnx.ReduceSumSquare", "onnx.ReduceProd",
              "onnx.ReduceLogSum", "onnx.ReduceLogSumExp", "onnx.CumSum"},
             Kind::Reduction)
      .Case("onnx.CumProd", Kind::Reduction)
      .Cases({"onnx.RMSNormalization", "onnx.LayerNormalization",
              "onnx.SimplifiedLayerNormalization", "onnx.LpNormalization",
              "onnx.com.microsoft.SkipSimplifiedLayerNormalization"},
             Kind::Normalization)
      .Cases({"onnx.Softmax", "onnx.LogSoftmax", "linalg.softmax"},
             Kind::Softmax)
      .Cases({"onnx.Pow", "math.powf"}, Kind::Power)
      .Cases({"onnx.Cast", "onnx.CastLike", "onnx.QuantizeLinear", "arith.extf",
              "arith.truncf"},
             Kind::Cast)
      .Case("onnx.BitCast", Kind::Move)
      .Case("onnx.Attention", Kind::Attention)
      .Case("onnx.LinearAttention", Kind::Recurrence)
      .Case("onnx.com.microsoft.EngramGate", Kind::Gate)
      .Case("onnx.com.microsoft.MoE", Kind::Experts)
      .Cases({"onnx.If", "scf.if", "scf.execute_region", "scf.index_switch",
              "tensor.generate", "tensor.pad"},
             Kind::If)
      .Cases({"onnx.Loop", "onnx.Scan"}, Kind::Loop)
      .Default(Kind::Unknown);
}

ToleranceAnalysis::ToleranceAnalysis(func::FuncOp function,
                                     const ToleranceOptions &options)
    : options(options) {
  if (!function.isExternal())
    visitBlock(function.getBody().front());
}

Tolerance ToleranceAnalysis::toleranceOf(Value value) const {
  return {safetyFactor * std::sqrt(programs) * deviationOf(value)};
}

double ToleranceAnalysis::deviationOf(Value value) const {
  return std::sqrt(estimateOf(value).variance);
}

ToleranceAnalysis::Estimate ToleranceAnalysis::estimateOf(Value value) const {
  if (roundoff(value.getType()) == 0.0)
    return {};
  return estimates.lookup(value);
}

void ToleranceAnalysis::visitBlock(Block &block) {
  for (Operation &op : block)
    if (!op.hasTrait<OpTrait::IsTerminator>())
      visit(op);
}

void ToleranceAnalysis::visit(Operation &op) {
  if (visitStructure(op))
    return;
  Kind kind = kindOf(op);
  const bool isTrine = isa<TrineDialect>(op.getDialect());
  if (kind == Kind::If)
    for (Region &region : op.getRegions())
      if (!region.empty())
        visitBlock(region.front());
  for (OpResult result : op.getResults()) {
    if (roundoff(result.getType()) == 0.0)
      continue;
    Estimate estimated;
    if (isTrine) {
      estimated = estimateTrine(op, result.getResultNumber());
    } else if (kind == Kind::If) {
      // The branches, or the elements that a region computes beside those of
      // the operands.
      for (Value operand : op.getOperands())
        estimated.variance =
            std::max(estimated.variance, estimateOf(operand).variance);
      for (Region &region : op.getRegions())
        if (!region.empty() && region.front().mightHaveTerminator() &&
            region.front().getTerminator()->getNumOperands() >
                result.getResultNumber()) {
          Estimate branch =
              estimateOf(region.front().getTerminator()->getOperand(
                  result.getResultNumber()));
          estimated.variance = std::max(estimated.variance, branch.variance);
        }
    } else if (kind == Kind::Loop) {
      estimated = estimateLoop(op, result.getResultNumber());
    } else if (op.getNumOperands() > 0) {
      estimated = estimate(op);
    }
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (options.matrixRoundoff != 0 && type && type.getRank() >= 2 &&
        type.getElementType().isF32() &&
        isa<onnx::InitializerOp, WeightOp, AssembledWeightOp>(op))
      estimated.variance = varianceOf(options.matrixRoundoff);
    // What cannot be estimated cannot be trusted to one bit either; infinity
    // would accept anything.
    estimated.variance = std::min(estimated.variance, 1.0);
    estimates[result] = estimated;
  }
}

double ToleranceAnalysis::sizeOf(Value value, int64_t dimension) const {
  if (options.sizeOf)
    if (std::optional<int64_t> size = options.sizeOf(value, dimension))
      return static_cast<double>(*size);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || dimension < 0 || dimension >= type.getRank() ||
      type.isDynamicDim(dimension))
    return static_cast<double>(options.assumedSize);
  return static_cast<double>(type.getDimSize(dimension));
}

static int64_t rankOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : 0;
}

/// The number of terms in each of the operator's sums.
double ToleranceAnalysis::reductionLength(Operation &op) const {
  Value first = op.getOperand(0);
  int64_t rank = rankOf(first);
  if (isa<onnx::MatMulOp>(op))
    return sizeOf(first, rank - 1);
  if (auto gemm = dyn_cast<onnx::GemmOp>(op))
    return sizeOf(first, gemm.getTransA() ? 0 : 1);
  if (isa<onnx::ConvOp, onnx::CausalConvWithStateOp>(op)) {
    double length = 1;
    for (int64_t d = 1; d < rankOf(op.getOperand(1)); ++d)
      length *= sizeOf(op.getOperand(1), d);
    return length;
  }
  if (isa<onnx::EinsumOp>(op)) {
    // At most all of the largest operand is summed up for each element of the
    // result.
    double largest = 1, result = 1;
    for (Value operand : op.getOperands()) {
      double size = 1;
      for (int64_t d = 0; d < rankOf(operand); ++d)
        size *= sizeOf(operand, d);
      largest = std::max(largest, size);
    }
    for (int64_t d = 0; d < rankOf(op.getResult(0)); ++d)
      result *= sizeOf(op.getResult(0), d);
    return std::max(1.0, largest / std::max(1.0, result));
  }
  if (auto cumSum = dyn_cast<onnx::CumSumOp>(op)) {
    double longest = 1;
    for (int64_t d = 0; d < rank; ++d)
      longest = std::max(longest, sizeOf(first, d));
    return longest;
  }
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op))
    return sizeOf(first, softmax.getDimension());
  // Reductions and normalisations: the ratio of elements read to elements
  // written.
  if (isa<onnx::SoftmaxOp, onnx::LogSoftmaxOp, onnx::LpNormalizationOp>(op)) {
    auto axis = op.getAttrOfType<IntegerAttr>("axis");
    int64_t dimension = axis ? axis.getInt() : -1;
    return sizeOf(first, dimension < 0 ? dimension + rank : dimension);
  }
  if (kindOf(op) == Kind::Normalization) {
    auto axis = op.getAttrOfType<IntegerAttr>("axis");
    int64_t dimension = axis ? axis.getInt() : -1;
    double length = 1;
    for (int64_t d = dimension < 0 ? dimension + rank : dimension;
         d >= 0 && d < rank; ++d)
      length *= sizeOf(first, d);
    return length;
  }
  // A dynamic size that the result keeps must not count: match the dimensions
  // that stay, from the left.
  double length = 1;
  int64_t kept = rankOf(op.getResult(0)) == rank ? 0 : -1;
  DenseIntElementsAttr axes;
  if (op.getNumOperands() > 1)
    if (auto constant = op.getOperand(1).getDefiningOp<onnx::ConstantOp>())
      axes = dyn_cast<DenseIntElementsAttr>(constant.getValue());
  if (axes) {
    for (const llvm::APInt &axis : axes.getValues<llvm::APInt>())
      length *=
          sizeOf(first, axis.getSExtValue() < 0 ? axis.getSExtValue() + rank
                                                : axis.getSExtValue());
    return length;
  }
  for (int64_t d = 0; d < rank; ++d)
    if (kept < 0 || sizeOf(op.getResult(0), d) == 1)
      length *= sizeOf(first, d);
  return length;
}

/// Follows a value to the op that computes its elements: past changes of shape,
/// out of the bodies of linalg ops to their operands, and into the bodies that
/// compute those. A linalg op that reduces is such an op itself.
static Value producerOf(Value value) {
  for (int step = 0; step < 32; ++step) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto outer = dyn_cast_or_null<linalg::LinalgOp>(
          argument.getOwner()->getParentOp());
      if (!outer || argument.getArgNumber() >= outer->getNumOperands())
        return value;
      value = outer->getOperand(argument.getArgNumber());
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      if (structured.getNumReductionLoops() > 0)
        return value;
      value = structured.getBlock()->getTerminator()->getOperand(
          cast<OpResult>(value).getResultNumber());
    } else if (isa<tensor::CastOp, tensor::CollapseShapeOp,
                   tensor::ExpandShapeOp, tensor::ExtractSliceOp>(op)) {
      value = op->getOperand(0);
    } else {
      return value;
    }
  }
  return value;
}

/// Follows operators that keep the elements, or raise each to a power, back to
/// their operand.
static Value skipElementwise(Value value, bool powers) {
  for (int step = 0; step < 8; ++step) {
    value = producerOf(value);
    Operation *op = value.getDefiningOp();
    if (!op)
      return value;
    bool same =
        isa<onnx::CastOp, onnx::IdentityOp, onnx::ReshapeOp, onnx::UnsqueezeOp,
            onnx::SqueezeOp, arith::ExtFOp, arith::TruncFOp>(op) ||
        (powers &&
         isa<onnx::PowOp, onnx::AbsOp, math::PowFOp, math::AbsFOp>(op)) ||
        (powers && isa<onnx::MulOp, arith::MulFOp>(op) &&
         producerOf(op->getOperand(0)) == producerOf(op->getOperand(1)));
    if (!same)
      return value;
    value = op->getOperand(0);
  }
  return value;
}

/// What a linalg op adds up for each element of that result; null when it
/// reduces otherwise.
static Value summedTerm(Value result) {
  auto op = result.getDefiningOp<linalg::LinalgOp>();
  if (!op)
    return {};
  unsigned number = cast<OpResult>(result).getResultNumber();
  auto sum = op.getBlock()
                 ->getTerminator()
                 ->getOperand(number)
                 .getDefiningOp<arith::AddFOp>();
  unsigned place = op.getNumDpsInputs() + number;
  if (!sum || place >= op.getBlock()->getNumArguments())
    return {};
  BlockArgument total = op.getBlock()->getArgument(place);
  if (sum.getLhs() == total)
    return sum.getRhs();
  return sum.getRhs() == total ? sum.getLhs() : Value();
}

static bool isConstant(Value value) {
  Operation *op = producerOf(value).getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Whether `divisor` is a norm, a sum or a mean of `value` itself (or the
/// reciprocal of one): then the quotient loses the part of the error that all
/// elements share, and gains only the rounding of the norm. Gives the length of
/// that reduction.
bool ToleranceAnalysis::normalizesItself(Value value, Value divisor,
                                         double &length) const {
  for (int step = 0; step < 16; ++step) {
    divisor = producerOf(divisor);
    Operation *op = divisor.getDefiningOp();
    if (!op)
      return false;
    if (isa<onnx::ReduceSumOp, onnx::ReduceMeanOp, onnx::ReduceL1Op,
            onnx::ReduceL2Op, onnx::ReduceSumSquareOp>(op)) {
      length = reductionLength(*op);
      return skipElementwise(op->getOperand(0), true) ==
             skipElementwise(value, false);
    }
    if (isa<linalg::LinalgOp>(op)) {
      Value term = summedTerm(divisor);
      length = reductionLoops(*op);
      return term &&
             skipElementwise(term, true) == skipElementwise(value, false);
    }
    unsigned next = 0;
    if (isa<onnx::DivOp>(op)) {
      next = 1; // a division here is that of 1 by the norm
    } else if (isa<arith::DivFOp, arith::AddFOp, arith::MulFOp,
                   arith::MaximumFOp, arith::MaxNumFOp>(op)) {
      // One operand is a constant: an epsilon, a number of elements, the 1 of
      // a reciprocal.
      if (isConstant(op->getOperand(0)) == isConstant(op->getOperand(1)))
        return false;
      next = isConstant(op->getOperand(0));
    } else if (!isa<onnx::SqrtOp, onnx::ReciprocalOp, onnx::AddOp, onnx::CastOp,
                    onnx::ExpandOp, onnx::UnsqueezeOp, onnx::ClipOp,
                    onnx::MaxOp, onnx::IdentityOp, arith::ExtFOp,
                    arith::TruncFOp, math::SqrtOp, math::RsqrtOp>(op)) {
      return false;
    }
    divisor = op->getOperand(next);
  }
  return false;
}

/// Sums: independent errors, weighted by how much of the sum each operand is.
ToleranceAnalysis::Estimate ToleranceAnalysis::estimateSum(Operation &op) {
  Estimate sum{0.0, 0.0};
  for (Value operand : op.getOperands()) {
    Estimate part = estimateOf(operand);
    if (part.variance ==
        0.0) // an exact operand may be small (a bias): it makes nothing better
      continue;
    sum.variance += part.terms * part.variance;
    sum.terms += part.terms;
  }
  if (sum.terms > 0.0)
    sum.variance /= sum.terms;
  else
    sum.terms = 1.0;
  return sum;
}

ToleranceAnalysis::Estimate ToleranceAnalysis::estimateProduct(Operation &op) {
  Value a = op.getOperand(0), b = op.getOperand(1);
  double compute = varianceOf(computeRoundoff(op.getResult(0).getType())),
         length = 0;
  const bool multiplies = isa<onnx::MulOp, arith::MulFOp>(op);
  if (a == b || producerOf(a) == producerOf(b))
    return {multiplies ? 4 * estimateOf(a).variance : 0.0, 1.0};
  if (normalizesItself(a, b, length))
    return {estimateOf(a).variance + (length / 2 + 4) * compute, 1.0};
  if (multiplies && normalizesItself(b, a, length))
    return {estimateOf(b).variance + (length / 2 + 4) * compute, 1.0};
  Estimate left = estimateOf(a), right = estimateOf(b);
  // A factor that is exact scales the tensor and changes no share.
  double terms = right.variance == 0.0  ? left.terms
                 : left.variance == 0.0 ? right.terms
                                        : 1.0;
  return {left.variance + right.variance, terms};
}

ToleranceAnalysis::Estimate ToleranceAnalysis::estimate(Operation &op) {
  Type type = op.getResult(0).getType();
  for (Value result : op.getResults())
    if (roundoff(result.getType()) > 0.0)
      type = result.getType();
  const double rounding = varianceOf(roundoff(type)),
               compute = varianceOf(computeRoundoff(type));
  Estimate first = estimateOf(op.getOperand(0)), worst = first;
  double total = 0.0;
  for (Value operand : op.getOperands()) {
    Estimate e = estimateOf(operand);
    worst.terms =
        std::min(worst.terms, e.variance > 0.0 ? e.terms : worst.terms);
    worst.variance = std::max(worst.variance, e.variance);
    total += e.variance;
  }
  auto rounded = [&](Estimate e, double internal) {
    e.variance += rounding + internal * compute;
    return e;
  };
  switch (kindOf(op)) {
  case Kind::Exact:
    return {};
  case Kind::Move:
    // A part written into a whole that grows (a running sum) is the whole's
    // newest part.
    if (isa<tensor::InsertOp, tensor::InsertSliceOp>(op) &&
        first.variance == worst.variance)
      worst.terms = first.terms;
    return worst;
  case Kind::Sum:
    return rounded(estimateSum(op), 0);
  case Kind::Product:
    return rounded(estimateProduct(op), 0);
  case Kind::Cast:
    // So coarse a rounding of the same number gives the same code.
    if (first.variance == 0.0 &&
        cast<FloatType>(getElementTypeOrSelf(type)).getWidth() <= 8)
      return {};
    if (roundoff(type) > roundoff(op.getOperand(0).getType()) &&
        roundoff(op.getOperand(0).getType()) > 0.0)
      return rounded(first, 0);
    return first;
  case Kind::Contraction: {
    // Einsum takes any number of operands.
    double operands =
        isa<onnx::EinsumOp>(op)
            ? total
            : first.variance + estimateOf(op.getOperand(1)).variance;
    Estimate contracted = rounded({operands, 1.0}, summed(reductionLength(op)));
    auto convolution = dyn_cast<onnx::CausalConvWithStateOp>(op);
    if (convolution && convolution.getActivation() != "none")
      return rounded(contracted, 4);
    return contracted;
  }
  case Kind::Reduction:
    return rounded({first.variance, 1.0}, summed(reductionLength(op)));
  case Kind::Normalization:
    // The input, the residual that some forms add, and the parameters.
    return rounded({total, 1.0}, summed(reductionLength(op)) + 4);
  case Kind::Softmax:
    // Scores have about unit variance: their relative error is the absolute
    // one, which becomes relative in the result.
    return rounded({first.variance, 1.0}, summed(reductionLength(op)) + 4);
  case Kind::Power: {
    double exponent = 2;
    llvm::APFloat scalar(0.0);
    if (matchPattern(op.getOperand(1), m_ConstantFloat(&scalar)))
      exponent = toDouble(scalar);
    else if (auto constant = op.getOperand(1).getDefiningOp<onnx::ConstantOp>())
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
          dense && dense.isSplat()) {
        if (isa<FloatType>(dense.getElementType()))
          exponent = toDouble(dense.getSplatValue<llvm::APFloat>());
        else if (isa<IntegerType>(dense.getElementType()))
          exponent = static_cast<double>(
              dense.getSplatValue<llvm::APInt>().getSExtValue());
      }
    return rounded({exponent * exponent * first.variance, 1.0}, 4);
  }
  case Kind::Attention: {
    double width = sizeOf(op.getOperand(0), rankOf(op.getOperand(0)) - 1);
    double keys = sizeOf(op.getOperand(1), rankOf(op.getOperand(1)) - 2);
    double spread = 1;
    if (auto attention = cast<onnx::AttentionOp>(op); attention.getScale()) {
      double heads = rankOf(op.getOperand(0)) == 3 && attention.getQNumHeads()
                         ? static_cast<double>(*attention.getQNumHeads())
                         : 1;
      spread = spreadOfScores(toDouble(*attention.getScale()), width / heads);
    }
    double values = estimateOf(op.getOperand(2)).variance;
    double scores = total - values + summed(width) * compute;
    return rounded({values + spread * scores, 1.0}, 2 * summed(keys) + 4);
  }
  case Kind::Recurrence: {
    // Each step adds a product to the state, after it has read it back; the
    // output is one more sum.
    auto attention = cast<onnx::LinearAttentionOp>(op);
    double width = sizeOf(attention.getQuery(), 2) /
                   std::max<double>(attention.getQNumHeads(), 1);
    double steps = sizeOf(attention.getQuery(), 1);
    return rounded({total, 1.0},
                   summed(steps) * (summed(width) + 8) + summed(width) + 4);
  }
  case Kind::Gate: {
    // The root halves relative errors; the sigmoid does not increase them.
    double width = sizeOf(op.getOperand(0), rankOf(op.getOperand(0)) - 1);
    double gate = (first.variance + estimateOf(op.getOperand(1)).variance) / 4;
    return rounded({gate + estimateOf(op.getOperand(2)).variance, 1.0},
                   3 * summed(width) + 8);
  }
  case Kind::Experts: {
    // Two factors of the gated form, and the routing weight.
    double width = sizeOf(op.getOperand(0), rankOf(op.getOperand(0)) - 1),
           inner = sizeOf(op.getOperand(4), 2);
    return rounded(
        {2 * first.variance + estimateOf(op.getOperand(1)).variance, 1.0},
        2 * summed(width) + summed(inner) + 8);
  }
  default: {
    // Functions of one operand: condition number 1/2 for the root, 1 for all
    // others near unit variance; good libraries stay within two units in the
    // last place.
    double condition =
        isa<onnx::SqrtOp, math::SqrtOp, math::RsqrtOp>(op) ? 0.25 : 1.0;
    return rounded(
        {condition * (op.getNumOperands() == 1 ? first.variance : total), 1.0},
        4);
  }
  }
}

Tolerance ToleranceAnalysis::toleranceOfChoice(Operation *op) const {
  double variance = isa<MoERouteOp>(op)
                        ? varianceOfScores(*op)
                        : estimateOf(op->getOperand(0)).variance;
  return {safetyFactor * std::sqrt(programs * std::min(variance, 1.0))};
}

std::vector<Tolerance>
reference::deriveTolerances(func::FuncOp function,
                            const ToleranceOptions &options) {
  std::vector<Tolerance> tolerances;
  ToleranceAnalysis analysis(function, options);
  if (function.isExternal() ||
      !function.getBody().front().mightHaveTerminator())
    return tolerances;
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    tolerances.push_back(analysis.toleranceOf(value));
  return tolerances;
}
