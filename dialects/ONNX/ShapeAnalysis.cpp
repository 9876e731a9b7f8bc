// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The analysis over a function: arguments, dispatch to the operator families,
// and what was learnt.
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "ShapeInference.h"
#include "trine/Support/ResultSize.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

static const InferenceTable &getInferenceTable() {
  static const InferenceTable table = [] {
    InferenceTable table;
    addElementwiseInference(table);
    addArithmeticInference(table);
    addReshapeInference(table);
    addSliceInference(table);
    addGatherInference(table);
    addScatterInference(table);
    addReduceInference(table);
    addMatrixInference(table);
    addConvInference(table);
    addGenerateInference(table);
    addAttentionInference(table);
    addRecurrenceInference(table);
    addContribInference(table);
    addQuantizeInference(table);
    return table;
  }();
  return table;
}

/// No tensor has more elements than this, whatever its sizes were computed as.
constexpr int64_t maximumElements = int64_t(1) << 56;
constexpr size_t maximumRank = 256;

/// The number of elements that known sizes make; nothing when there are too
/// many.
static std::optional<int64_t> countElements(ArrayRef<SymbolicExpression> dims) {
  int64_t count = 1;
  for (SymbolicExpression size : dims)
    if (std::optional<int64_t> value = size.getConstant(); value && *value > 0)
      if (llvm::MulOverflow(count, *value, count) || count > maximumElements)
        return std::nullopt;
  return count;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

namespace {
/// A dimension of an argument whose expression is not yet explained by symbols.
struct PendingDimension {
  Value value;
  unsigned dimension;
  SymbolicExpression expression;
};
} // namespace

void ShapeAnalysis::Implementation::addArguments() {
  SmallVector<PendingDimension> pending;
  SmallVector<std::pair<Value, Dims>> shapes;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type) {
      if (isa<UnrankedTensorType>(argument.getType())) {
        function.emitError() << "argument " << index << " must have a rank";
        hasValidArguments = false;
      }
      continue;
    }
    auto attribute = function.getArgAttrOfType<ArrayAttr>(index, "onnx.dims");
    if (attribute && static_cast<int64_t>(attribute.size()) != type.getRank()) {
      function.emitError() << "'onnx.dims' of argument " << index
                           << " must have " << type.getRank()
                           << " entries, got " << attribute.size();
      hasValidArguments = false;
      attribute = nullptr;
    }
    Dims dims;
    for (auto [dimension, size] : llvm::enumerate(type.getShape())) {
      SymbolicExpression expression;
      if (attribute) {
        if (auto integer = dyn_cast<IntegerAttr>(attribute[dimension]);
            integer && integer.getValue().isSignedIntN(64))
          expression = context.getConstant(integer.getInt());
        else if (auto text = dyn_cast<StringAttr>(attribute[dimension]))
          expression = context.parse(text.getValue());
      }
      std::optional<int64_t> constant =
          expression ? expression.getConstant() : std::nullopt;
      if (constant && (*constant < 0 ||
                       (!ShapedType::isDynamic(size) && *constant != size))) {
        function.emitError()
            << "'onnx.dims' of argument " << index << " dimension " << dimension
            << " must be "
            << (ShapedType::isDynamic(size) ? "at least 0"
                                            : std::to_string(size))
            << ", got " << *constant;
        hasValidArguments = false;
        expression = {};
      }
      if (!ShapedType::isDynamic(size))
        expression = context.getConstant(size);
      if (expression && !expression.isConstant())
        pending.push_back(
            {argument, static_cast<unsigned>(dimension), expression});
      dims.push_back(expression);
    }
    shapes.push_back({argument, dims});
  }
  // Symbols that a dimension names alone come first; then those that a
  // dimension gives once the others are known, such as past in "past + seq". A
  // dimension that stays unexplained becomes one symbol of its own spelling.
  auto isDefined = [&](SymbolicExpression symbol) {
    return symbolIndex.contains(symbol);
  };
  auto define = [&](const PendingDimension &p, SymbolicExpression symbol,
                    SymbolicExpression offset, int64_t divisor) {
    symbolIndex[symbol] = symbols.size();
    symbols.push_back({symbol,
                       p.value,
                       p.dimension,
                       offset,
                       divisor,
                       /*isArgument=*/true,
                       {}});
  };
  for (const PendingDimension &p : pending)
    if (p.expression.isSymbol() && !isDefined(p.expression))
      define(p, p.expression, context.getConstant(0), 1);
  for (bool changed = true; changed;) {
    changed = false;
    for (const PendingDimension &p : pending) {
      SymbolicExpression unknown, offset = context.getConstant(0);
      int64_t divisor = 0;
      bool isLinear = true;
      for (const SymbolicTerm &term : p.expression.getTerms()) {
        SymbolicExpression product = context.getConstant(term.coefficient);
        for (SymbolicAtom factor : term.factors)
          product = product * factor.getExpression();
        if (walkSymbols(product, isDefined)) {
          offset = offset + product;
          continue;
        }
        isLinear &= !unknown && term.factors.size() == 1 &&
                    term.factors[0].getKind() == SymbolicAtom::Kind::Symbol;
        unknown = term.factors[0].getExpression();
        divisor = term.coefficient;
      }
      if (!unknown || !isLinear || divisor <= 0)
        continue;
      define(p, unknown, offset, divisor);
      changed = true;
    }
  }
  llvm::DenseMap<std::pair<Value, unsigned>, SymbolicExpression> opaque;
  for (const PendingDimension &p : pending) {
    if (walkSymbols(p.expression, isDefined))
      continue;
    SymbolicExpression symbol = context.getSymbol(p.expression.str());
    if (!isDefined(symbol))
      define(p, symbol, context.getConstant(0), 1);
    opaque[{p.value, p.dimension}] = symbol;
  }
  for (auto &[value, dims] : shapes) {
    for (auto [dimension, size] : llvm::enumerate(dims)) {
      if (SymbolicExpression symbol =
              opaque.lookup({value, static_cast<unsigned>(dimension)}))
        size = symbol;
      else if (!size)
        size = freshSize(value, dimension, {}, /*isArgument=*/true);
    }
    if (!countElements(dims)) {
      function.emitError() << "argument "
                           << cast<BlockArgument>(value).getArgNumber()
                           << " of shape " << printShape(dims)
                           << " has too many elements";
      hasValidArguments = false;
    }
    ValueInformation &information = values[value];
    information.shape = copy(dims);
    Type elementType = cast<RankedTensorType>(value.getType()).getElementType();
    if (elementType.isInteger(1))
      information.range = {context.getConstant(0), context.getConstant(1)};
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

ValueInformation *ShapeAnalysis::Implementation::find(Value value) {
  auto found = values.find(value);
  if (found != values.end())
    return &found->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return nullptr;
  Dims dims;
  for (auto [dimension, size] : llvm::enumerate(type.getShape()))
    dims.push_back(ShapedType::isDynamic(size) ? freshSize(value, dimension, {})
                                               : context.getConstant(size));
  ValueInformation &information = values[value];
  information.shape = copy(dims);
  return &information;
}

void ShapeAnalysis::Implementation::setShape(
    Value value, Type elementType, ArrayRef<SymbolicExpression> sizes) {
  Dims dims(sizes);
  SmallVector<int64_t> staticSizes;
  for (auto [dimension, size] : llvm::enumerate(dims)) {
    if (size.getSize() > maximumExpressionSize)
      size = freshSize(value, dimension, getUpperBound(size));
    std::optional<int64_t> constant = size.getConstant();
    staticSizes.push_back(constant && *constant >= 0 ? *constant
                                                     : ShapedType::kDynamic);
  }
  ValueInformation information;
  information.shape = copy(dims);
  if (elementType.isInteger(1))
    information.range = {context.getConstant(0), context.getConstant(1)};
  values[value] = information;
  value.setType(RankedTensorType::get(staticSizes, elementType));
}

SymbolicExpression
ShapeAnalysis::Implementation::freshSize(Value value, unsigned dimension,
                                         SymbolicExpression bound,
                                         bool isArgument) {
  SymbolicExpression &symbol = freshSizes[{value, dimension}];
  if (!symbol) {
    symbol = context.makeFreshSymbol(isArgument ? "d" : "u");
    symbolIndex[symbol] = symbols.size();
    symbols.push_back(
        {symbol, value, dimension, context.getConstant(0), 1, isArgument, {}});
  }
  if (bound)
    bound = getUpperBound(bound);
  if (bound && bound.getSize() <= maximumBoundSize) {
    symbols[symbolIndex[symbol]].upperBound = bound;
    context.setUpperBound(symbol, bound);
  }
  return symbol;
}

bool ShapeAnalysis::Implementation::isDataDependent(
    SymbolicExpression symbol) const {
  auto found = symbolIndex.find(symbol);
  return found == symbolIndex.end() || !symbols[found->second].isArgument;
}

SymbolicExpression
ShapeAnalysis::Implementation::getUpperBound(SymbolicExpression expression) {
  SymbolicExpression bound = context.getUpperBound(expression);
  if (!bound || !walkSymbols(bound, [&](SymbolicExpression symbol) {
        return !isDataDependent(symbol);
      }))
    return {};
  return bound;
}

bool ShapeAnalysis::Implementation::isDefinedInside(
    SymbolicExpression expression, Operation *op) const {
  return !walkSymbols(expression, [&](SymbolicExpression symbol) {
    auto found = symbolIndex.find(symbol);
    if (found == symbolIndex.end())
      return true;
    Value value = symbols[found->second].value;
    return !op->isAncestor(value.getParentRegion()->getParentOp());
  });
}

SymbolicExpression
ShapeAnalysis::Implementation::chooseSimpler(SymbolicExpression a,
                                             SymbolicExpression b) const {
  auto cost = [&](SymbolicExpression e) {
    bool hangsOnData = !walkSymbols(
        e, [&](SymbolicExpression symbol) { return !isDataDependent(symbol); });
    return std::make_tuple(!e.isConstant(), hangsOnData, e.getSize());
  };
  return cost(b) < cost(a) ? b : a;
}

void ShapeAnalysis::Implementation::assumeEqual(Operation *op,
                                                SymbolicExpression chosen,
                                                SymbolicExpression other) {
  bool isNew =
      assumed.insert({chosen, other}).second && !assumed.count({other, chosen});
  // What was checked in a branch or a body was not checked outside of it.
  auto covers = [&](const ShapeAssumption &assumption) {
    return ((assumption.chosen == chosen && assumption.other == other) ||
            (assumption.chosen == other && assumption.other == chosen)) &&
           assumption.operation->getParentRegion()->isAncestor(
               op->getParentRegion());
  };
  if (isNew || llvm::none_of(assumptions, covers))
    assumptions.push_back({op, chosen, other});
}

void ShapeAnalysis::Implementation::forgetResults(Operation *op,
                                                  ArrayRef<Type> elementTypes) {
  for (OpResult result : op->getResults()) {
    values.erase(result);
    auto type = dyn_cast<TensorType>(result.getType());
    if (!type)
      continue;
    Type elementType = result.getResultNumber() < elementTypes.size()
                           ? elementTypes[result.getResultNumber()]
                           : Type();
    result.setType(UnrankedTensorType::get(
        elementType ? elementType : type.getElementType()));
  }
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// An op of another dialect that says what its sizes are: a raised one.
LogicalResult ShapeAnalysis::Implementation::visitSized(Operation *op) {
  for (Value operand : op->getOperands())
    if (!find(operand)) {
      forgetResults(op);
      return success();
    }
  auto shape = [&](Value operand) { return find(operand)->shape; };
  for (auto [result, sizes] :
       llvm::zip_equal(op->getResults(), inferResultSizes(op, context, shape)))
    setShape(result, cast<ShapedType>(result.getType()).getElementType(),
             sizes);
  // The op was legal with the types of before; now with the refined ones.
  LogicalResult result = checkResults(op);
  if (succeeded(result))
    result = op->getName().verifyInvariants(op);
  if (failed(result))
    forgetResults(op);
  return result;
}

LogicalResult ShapeAnalysis::Implementation::visit(Operation *op) {
  if (isa<ResultSizeOpInterface>(op))
    return visitSized(op);
  if (!isa_and_nonnull<ONNXDialect>(op->getDialect()) ||
      op->hasTrait<OpTrait::IsTerminator>() || isa<NoneOp>(op))
    return success();
  for (Value operand : op->getOperands()) {
    if (isa<TensorType>(operand.getType()) && !find(operand)) {
      forgetResults(op);
      return success();
    }
  }
  // Operands, attributes and regions are as the record says from here on. The
  // result types of constants are checked against them, but not yet set.
  if (!isa<ConstantOp, InitializerOp>(op) &&
      failed(op->getName().verifyInvariants(op))) {
    forgetResults(op);
    return failure();
  }
  Inference inference(*this, op);
  if (failed(inferElementTypes(op, inference.elementTypes))) {
    forgetResults(op);
    return failure();
  }
  LogicalResult result = failure();
  if (isa<IfOp>(op)) {
    result = visitIf(inference);
  } else if (isa<LoopOp>(op)) {
    result = visitLoop(inference);
  } else if (isa<ScanOp>(op)) {
    result = visitScan(inference);
  } else {
    auto found = getInferenceTable().find(op->getName().getStringRef());
    if (found == getInferenceTable().end())
      result = inference.error()
               << "is not supported: it has no shape inference";
    else
      result = found->second(inference);
  }
  if (succeeded(result))
    result = checkResults(op);
  if (failed(result))
    forgetResults(op, inference.elementTypes);
  return result;
}

LogicalResult ShapeAnalysis::Implementation::checkResults(Operation *op) {
  for (OpResult result : op->getResults()) {
    auto found = values.find(result);
    if (found == values.end())
      continue;
    ArrayRef<SymbolicExpression> dims = found->second.shape;
    auto error = [&] {
      return op->emitOpError() << "result " << result.getResultNumber();
    };
    if (dims.size() > maximumRank)
      return error() << " must have at most rank " << maximumRank << ", got "
                     << dims.size();
    for (auto [dimension, size] : llvm::enumerate(dims)) {
      std::optional<int64_t> value = size.getConstant();
      bool hasOverflow =
          !value && walkSymbols(size, [](SymbolicExpression) { return false; });
      if (hasOverflow || (value && *value < 0))
        return error() << " dimension " << dimension
                       << " must be in [0, 2^63), got " << size.str();
    }
    if (!countElements(dims))
      return error() << " of shape " << printShape(dims)
                     << " has too many elements";
  }
  return success();
}

LogicalResult ShapeAnalysis::Implementation::visitRegion(Region &region) {
  LogicalResult result = success();
  for (Block &block : region)
    for (Operation &op : block)
      if (failed(visit(&op)))
        result = failure();
  return result;
}

ShapeAnalysis::ShapeAnalysis(func::FuncOp function)
    : implementation(std::make_unique<Implementation>(function)) {
  if (!function.isExternal())
    implementation->addArguments();
}

ShapeAnalysis::~ShapeAnalysis() = default;

LogicalResult ShapeAnalysis::visit(Operation *op) {
  return implementation->visit(op);
}

LogicalResult ShapeAnalysis::run() {
  func::FuncOp function = implementation->function;
  if (function.isExternal())
    return success();
  LogicalResult result = implementation->visitRegion(function.getBody());
  if (failed(result) || !implementation->hasValidArguments)
    return failure();
  SmallVector<Type> arguments, results(function.getResultTypes());
  for (BlockArgument argument : function.getArguments()) {
    if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
      SmallVector<int64_t> sizes;
      for (SymbolicExpression size : getShape(argument)) {
        std::optional<int64_t> constant = size.getConstant();
        sizes.push_back(constant && *constant >= 0 ? *constant
                                                   : ShapedType::kDynamic);
      }
      argument.setType(RankedTensorType::get(sizes, type.getElementType(),
                                             type.getEncoding()));
    }
    arguments.push_back(argument.getType());
  }
  for (Block &block : function.getBody())
    if (auto terminator = dyn_cast<func::ReturnOp>(block.getTerminator()))
      results.assign(terminator.getOperandTypes().begin(),
                     terminator.getOperandTypes().end());
  function.setType(
      FunctionType::get(function.getContext(), arguments, results));
  return success();
}

SymbolicContext &ShapeAnalysis::getContext() const {
  return implementation->context;
}

bool ShapeAnalysis::hasShape(Value value) const {
  return implementation->values.count(value);
}

ArrayRef<SymbolicExpression> ShapeAnalysis::getShape(Value value) const {
  auto found = implementation->values.find(value);
  return found == implementation->values.end() ? ArrayRef<SymbolicExpression>()
                                               : found->second.shape;
}

std::optional<ArrayRef<SymbolicExpression>>
ShapeAnalysis::getContents(Value value) const {
  auto found = implementation->values.find(value);
  if (found == implementation->values.end() || !found->second.hasContents ||
      !llvm::all_of(found->second.contents,
                    [](SymbolicExpression e) { return bool(e); }))
    return std::nullopt;
  return found->second.contents;
}

IntegerRange ShapeAnalysis::getRange(Value value) const {
  auto found = implementation->values.find(value);
  return found == implementation->values.end() ? IntegerRange()
                                               : found->second.range;
}

bool ShapeAnalysis::isInRange(Value value, SymbolicExpression lower,
                              SymbolicExpression upper) const {
  // An empty tensor has no element to be out of range, so all of its sizes
  // may be taken to be at least 1: symbol s becomes s + 1 where a size is a
  // product with s in it.
  llvm::SmallDenseSet<SymbolicExpression> positive;
  for (SymbolicExpression size : getShape(value)) {
    ArrayRef<SymbolicTerm> terms = size.getTerms();
    if (terms.size() != 1)
      continue;
    for (SymbolicAtom factor : terms[0].factors)
      if (factor.getKind() == SymbolicAtom::Kind::Symbol)
        positive.insert(factor.getExpression());
  }
  auto assume = [&](SymbolicExpression expression) {
    if (positive.empty())
      return expression;
    return substitute(expression, [&](SymbolicExpression symbol) {
      return positive.contains(symbol) ? symbol + 1 : SymbolicExpression();
    });
  };
  auto isLessOrEqual = [&](SymbolicExpression a, SymbolicExpression b) {
    return isKnownLessOrEqual(a, b) || isKnownNonNegative(assume(b - a));
  };
  IntegerRange range = getRange(value);
  if (range.lower && range.upper && isLessOrEqual(lower, range.lower) &&
      isLessOrEqual(range.upper + 1, upper))
    return true;
  std::optional<ArrayRef<SymbolicExpression>> contents = getContents(value);
  return contents && llvm::all_of(*contents, [&](SymbolicExpression element) {
           return isLessOrEqual(lower, element) &&
                  isLessOrEqual(element + 1, upper);
         });
}

SymbolicExpression
ShapeAnalysis::getUpperBound(SymbolicExpression expression) const {
  return implementation->getUpperBound(expression);
}

ArrayRef<SymbolDefinition> ShapeAnalysis::getSymbols() const {
  return implementation->symbols;
}
ArrayRef<ShapeAssumption> ShapeAnalysis::getAssumptions() const {
  return implementation->assumptions;
}
