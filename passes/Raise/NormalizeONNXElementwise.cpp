// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form of arithmetic: order of operands, neutral elements, and
// what broadcasts without an Expand.
#include "NormalizeONNX.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = SmallVector<SymbolicExpression>;

/// How much of a constant a value is: those go last among operands.
static int constantRank(Value value) {
  if (producer<onnx::ConstantOp>(value) || ONNXNormalizer::filledWith(value))
    return 2;
  return producer<onnx::InitializerOp>(value) ? 1 : 0;
}

static Replacement moveConstantLast(Operation *op, ONNXNormalizer &n) {
  if (op->getNumOperands() != 2 ||
      constantRank(op->getOperand(0)) <= constantRank(op->getOperand(1)))
    return {};
  return {n.createLike(op, {op->getOperand(1), op->getOperand(0)})};
}

/// Comparisons with a constant in front, the other way round.
static Replacement mirrorComparison(Operation *op, ONNXNormalizer &n) {
  if (constantRank(op->getOperand(0)) <= constantRank(op->getOperand(1)))
    return {};
  StringRef name = llvm::StringSwitch<StringRef>(op->getName().stripDialect())
                       .Case("Less", "Greater")
                       .Case("LessOrEqual", "GreaterOrEqual")
                       .Case("Greater", "Less")
                       .Case("GreaterOrEqual", "LessOrEqual")
                       .Default("");
  if (name.empty())
    return {};
  return {n.create(name, {op->getOperand(1), op->getOperand(0)})};
}

static bool isInteger(Value value) {
  return isa<IntegerType>(ONNXNormalizer::elementType(value));
}

/// x + 0, x - 0, x * 1, x / 1. Floats: -0 + 0 is 0, so that their sums stay.
static Replacement dropNeutral(Operation *op, ONNXNormalizer &n) {
  bool isSum = isa<onnx::AddOp, onnx::SubOp>(op);
  Value left = op->getOperand(0), right = op->getOperand(1);
  if ((isSum && !isInteger(left)) ||
      constantNumber(right) != std::optional<double>(isSum ? 0 : 1) ||
      n.dims(left) != n.dims(op->getResult(0)))
    return {};
  return {left};
}

static Replacement rewritePow(Operation *op, ONNXNormalizer &n) {
  Value base = op->getOperand(0);
  std::optional<double> exponent = constantNumber(op->getOperand(1));
  if (!exponent || n.dims(base) != n.dims(op->getResult(0)))
    return {};
  if (*exponent == 2)
    return {n.create("Mul", {base, base})};
  if (*exponent == 1)
    return {base};
  return {};
}

static Replacement rewriteReciprocal(Operation *op, ONNXNormalizer &n) {
  Value input = op->getOperand(0);
  return {n.create("Div",
                   {n.scalar(1, ONNXNormalizer::elementType(input)), input})};
}

/// Of one operand, or a Sum of two.
static Replacement rewriteFewOperands(Operation *op, ONNXNormalizer &n) {
  if (op->getNumOperands() == 1)
    return {op->getOperand(0)};
  if (op->getNumOperands() == 2 && isa<onnx::SumOp>(op))
    return {n.create("Add", {op->getOperand(0), op->getOperand(1)})};
  return {};
}

static Replacement rewriteDropout(Operation *op, ONNXNormalizer &) {
  auto dropout = cast<onnx::DropoutOp>(op);
  bool trains =
      !isa<NoneType>(dropout.getTrainingMode().getType()) &&
      constantInteger(dropout.getTrainingMode()) != std::optional<int64_t>(0);
  if (trains || !dropout.getMask().use_empty())
    return {};
  return {dropout.getData()};
}

//===----------------------------------------------------------------------===//
// Expand, and a Concat of a value with itself
//===----------------------------------------------------------------------===//

/// The size that operands broadcast to, aligned at the end; null where that is
/// not plain.
static SymbolicExpression commonSize(ArrayRef<Value> operands, unsigned fromEnd,
                                     ONNXNormalizer &n) {
  SymbolicExpression common = n.number(1);
  for (Value operand : operands) {
    ArrayRef<SymbolicExpression> sizes = n.dims(operand);
    if (fromEnd >= sizes.size())
      continue;
    SymbolicExpression size = sizes[sizes.size() - 1 - fromEnd];
    if (size.isConstant(1) || size == common)
      continue;
    if (!common.isConstant(1))
      return {};
    common = size;
  }
  return common;
}

/// Whether operands broadcast to the sizes of `result`.
static bool broadcastTo(ArrayRef<Value> operands, Value result,
                        ONNXNormalizer &n) {
  ArrayRef<SymbolicExpression> target = n.dims(result);
  for (unsigned i = 0; i < target.size(); ++i)
    if (commonSize(operands, i, n) != target[target.size() - 1 - i])
      return false;
  return true;
}

/// Element-wise operands broadcast: an Expand of one says nothing when the
/// others have the size. The op on the unexpanded values, and expanded then,
/// when all others are single numbers.
static Replacement liftExpand(Operation *op, ONNXNormalizer &n) {
  SmallVector<Value> stripped;
  Value expanded;
  bool othersAreNumbers = true;
  for (Value operand : op->getOperands()) {
    auto expand = producer<onnx::ExpandOp>(operand);
    stripped.push_back(expand ? Value(expand.getInput()) : operand);
    if (expand && !ONNXNormalizer::filledWith(operand)) {
      // Two expanded values keep their sizes.
      othersAreNumbers &= !expanded;
      expanded = operand;
    } else if (expand) {
      expanded = expanded ? expanded : operand;
    } else {
      othersAreNumbers &= ONNXNormalizer::filledWith(operand) != nullptr;
    }
  }
  if (!expanded)
    return {};
  Value result = op->getResult(0);
  if (broadcastTo(stripped, result, n))
    return {n.createLike(op, stripped)};
  if (!othersAreNumbers)
    return {};
  Sizes target(n.dims(result));
  Value value =
      n.expand(n.createLike(op, stripped), target,
               n.dims(expanded) == n.dims(result)
                   ? Value(producer<onnx::ExpandOp>(expanded).getShape())
                   : Value());
  return value ? Replacement{value} : Replacement();
}

/// f(Concat(x, x)) is Concat(f(x), f(x)) where the other operands are numbers.
static Replacement liftRepetition(Operation *op, ONNXNormalizer &n) {
  int64_t axis = 0, count = 0;
  Value part;
  SmallVector<Value> operands(op->getOperands());
  for (Value &operand : operands) {
    if (Value repeated = n.repeatedBy(operand, axis, count)) {
      if (part)
        return {};
      part = operand = repeated;
    } else {
      Value number = ONNXNormalizer::filledWith(operand);
      if (!number || n.rank(number) > 1)
        return {};
      operand = number;
    }
  }
  if (!part || n.rank(part) != n.rank(op->getResult(0)))
    return {};
  Value value = n.createLike(op, operands);
  return {n.concat(SmallVector<Value>(count, value), axis)};
}

/// Batch dimensions of a product broadcast too.
static Replacement rewriteMatMul(Operation *op, ONNXNormalizer &n) {
  Value result = op->getResult(0);
  SmallVector<Value> operands(op->getOperands());
  // Vectors have no batch.
  if (llvm::any_of(operands, [&](Value v) { return n.rank(v) < 2; }))
    return {};
  for (Value &operand : operands) {
    auto expand = producer<onnx::ExpandOp>(operand);
    if (!expand)
      continue;
    Value input = expand.getInput();
    ArrayRef<SymbolicExpression> from = n.dims(input), to = n.dims(operand);
    // The matrices themselves must be whole, and a matrix must stay one.
    if (from.size() < 2 || from.take_back(2) != to.take_back(2))
      continue;
    SmallVector<Value> changed(operands);
    changed[&operand - operands.data()] = input;
    ArrayRef<SymbolicExpression> batch = n.dims(result).drop_back(2);
    bool isSame = true;
    for (unsigned i = 0; i < batch.size(); ++i)
      isSame &= commonSize(changed, i + 2, n) == batch[batch.size() - 1 - i];
    if (isSame)
      operand = input;
  }
  if (operands == SmallVector<Value>(op->getOperands()))
    return {};
  return {n.createLike(op, operands)};
}

/// A reduction of an expanded tensor over axes that were not expanded.
static Replacement rewriteReduction(Operation *op, ONNXNormalizer &n) {
  auto expand = producer<onnx::ExpandOp>(op->getOperand(0));
  if (!expand || op->getNumOperands() < 2 ||
      isa<NoneType>(op->getOperand(1).getType()))
    return {};
  Value input = expand.getInput(), result = op->getResult(0);
  auto axes = constantIntegers(op->getOperand(1));
  auto keepdims = op->getAttrOfType<IntegerAttr>("keepdims");
  int64_t rank = n.rank(expand);
  if (!axes || axes->empty() || n.rank(input) != rank ||
      (keepdims && keepdims.getInt() != 1))
    return {};
  for (int64_t axis : *axes) {
    axis = axis < 0 ? axis + rank : axis;
    if (n.dims(input)[axis] != n.dims(expand)[axis])
      return {};
  }
  Value value =
      n.expand(n.createLike(op, {input, op->getOperand(1)}), n.dims(result));
  return value ? Replacement{value} : Replacement();
}

void mlir::trine::addElementwiseRewrites(NormalizeTable &table) {
  for (StringRef name :
       {"onnx.Add", "onnx.Mul", "onnx.And", "onnx.Or", "onnx.Xor",
        "onnx.BitwiseAnd", "onnx.BitwiseOr", "onnx.BitwiseXor", "onnx.Equal",
        "onnx.Min", "onnx.Max"})
    table[name].push_back(moveConstantLast);
  for (StringRef name :
       {"onnx.Less", "onnx.LessOrEqual", "onnx.Greater", "onnx.GreaterOrEqual"})
    table[name].push_back(mirrorComparison);
  for (StringRef name : {"onnx.Add", "onnx.Sub", "onnx.Mul", "onnx.Div"})
    table[name].push_back(dropNeutral);
  table["onnx.Pow"].push_back(rewritePow);
  table["onnx.Reciprocal"].push_back(rewriteReciprocal);
  for (StringRef name : {"onnx.Sum", "onnx.Min", "onnx.Max", "onnx.Mean"})
    table[name].push_back(rewriteFewOperands);
  table["onnx.Dropout"].push_back(rewriteDropout);
  table["onnx.MatMul"].push_back(rewriteMatMul);
  for (StringRef name : {"onnx.ReduceSum", "onnx.ReduceMean", "onnx.ReduceMax",
                         "onnx.ReduceMin"})
    table[name].push_back(rewriteReduction);
  for (StringRef name : {"onnx.Add",        "onnx.Sub",
                         "onnx.Mul",        "onnx.Div",
                         "onnx.Pow",        "onnx.Mod",
                         "onnx.And",        "onnx.Or",
                         "onnx.Xor",        "onnx.Equal",
                         "onnx.Less",       "onnx.LessOrEqual",
                         "onnx.Greater",    "onnx.GreaterOrEqual",
                         "onnx.BitwiseAnd", "onnx.BitwiseOr",
                         "onnx.BitwiseXor", "onnx.Min",
                         "onnx.Max",        "onnx.Where",
                         "onnx.Cast",       "onnx.Not",
                         "onnx.Neg",        "onnx.Abs",
                         "onnx.Exp",        "onnx.Log",
                         "onnx.Sqrt",       "onnx.Cos",
                         "onnx.Sin",        "onnx.Sigmoid",
                         "onnx.Floor",      "onnx.Sign"})
    table[name].push_back(liftExpand);
  for (StringRef name : {"onnx.Add", "onnx.Sub", "onnx.Mul", "onnx.Div",
                         "onnx.Cast", "onnx.Cos", "onnx.Sin", "onnx.Neg"})
    table[name].push_back(liftRepetition);
}
