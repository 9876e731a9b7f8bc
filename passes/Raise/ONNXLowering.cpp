// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The walk over a function and the map from its values to lowered ones.
#include "ONNXLowering.h"
#include "SmallTypes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Support/ResultSize.h"

using namespace mlir;
using namespace mlir::trine;

ONNXLoweringHandler ONNXLoweringRegistry::find(Operation *op) const {
  StringRef name = op->getName().getStringRef();
  if (!name.consume_front("onnx."))
    return nullptr;
  auto it = handlers.find(name);
  return it == handlers.end() ? nullptr : it->second;
}

ONNXLowering::ONNXLowering(func::FuncOp function,
                           const onnx::ShapeAnalysis &shapes,
                           const ONNXLoweringRegistry &registry)
    : builder(function.getContext()), loc(function.getLoc()),
      function(function), shapes(shapes), registry(registry),
      entry(function.getContext()) {
  for (const onnx::SymbolDefinition &definition : shapes.getSymbols()) {
    definitions[definition.symbol] = &definition;
    if (!definition.isArgument)
      dataDefinitions[{definition.value, definition.dimension}] = &definition;
  }
  for (const onnx::ShapeAssumption &assumption : shapes.getAssumptions())
    assumptions[assumption.operation].push_back(&assumption);
}

//===--- values
//-------------------------------------------------------------===//

DenseElementsAttr ONNXLowering::constant(Value onnxValue) {
  auto op = onnxValue.getDefiningOp<onnx::ConstantOp>();
  return op ? dyn_cast<DenseElementsAttr>(op.getValue()) : DenseElementsAttr();
}

std::optional<SmallVector<ONNXLowering::Expression>>
ONNXLowering::contents(Value onnxValue) const {
  std::optional<ArrayRef<Expression>> elements = shapes.getContents(onnxValue);
  if (!elements)
    return std::nullopt;
  return SmallVector<Expression>(*elements);
}

std::optional<SmallVector<int64_t>>
ONNXLowering::constantIntegers(Value onnxValue) const {
  if (DenseElementsAttr value = constant(onnxValue)) {
    auto type = dyn_cast<IntegerType>(value.getElementType());
    if (!type || type.getWidth() > 64)
      return std::nullopt;
    bool isSigned = !type.isUnsigned() && type.getWidth() != 1;
    SmallVector<int64_t> result;
    for (const APInt &element : value.getValues<APInt>())
      result.push_back(isSigned ? element.getSExtValue()
                                : (int64_t)element.getZExtValue());
    return result;
  }
  std::optional<ArrayRef<Expression>> elements = shapes.getContents(onnxValue);
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (Expression element : *elements) {
    std::optional<int64_t> value = element.getConstant();
    if (!value)
      return std::nullopt;
    result.push_back(*value);
  }
  return result;
}

Value ONNXLowering::buildContents(Value onnxValue,
                                  ArrayRef<Expression> elements) {
  RankedTensorType resultType = type(onnxValue);
  auto elementType = cast<IntegerType>(resultType.getElementType());
  if (llvm::all_of(elements, [](Expression e) { return e.isConstant(); })) {
    SmallVector<APInt> integers;
    for (Expression element : elements)
      integers.push_back(APInt(64, *element.getConstant())
                             .sextOrTrunc(elementType.getWidth()));
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(resultType, integers));
  }
  SmallVector<Value> scalars;
  for (Expression element : elements)
    scalars.push_back(arith::IndexCastOp::create(builder, loc, elementType,
                                                 sizeValue(element)));
  return tensor::FromElementsOp::create(builder, loc, resultType, scalars);
}

Value ONNXLowering::lookupOrNull(Value onnxValue) {
  if (Value lowered = values.lookup(onnxValue))
    return lowered;
  std::optional<ArrayRef<Expression>> elements = shapes.getContents(onnxValue);
  if (!elements || !shapes.hasShape(onnxValue))
    return {};
  RankedTensorType resultType = type(onnxValue);
  if (!resultType.hasStaticShape() ||
      resultType.getNumElements() != (int64_t)elements->size() ||
      !isa<IntegerType>(resultType.getElementType()))
    return {};
  for (Expression element : *elements)
    if (!isAvailable(element) ||
        (resultType.getElementType().isInteger(1) && !element.isConstant()))
      return {};
  Value lowered = buildContents(onnxValue, *elements);
  values[onnxValue] = lowered;
  return lowered;
}

Value ONNXLowering::lookup(Value onnxValue) { return lookupOrNull(onnxValue); }

void ONNXLowering::map(Value onnxValue, Value lowered) {
  values[onnxValue] = castTo(lowered, type(onnxValue));
}

//===--- types
//--------------------------------------------------------------===//

SmallVector<ONNXLowering::Expression>
ONNXLowering::dims(Value onnxValue) const {
  return SmallVector<Expression>(shapes.getShape(onnxValue));
}

RankedTensorType ONNXLowering::type(ArrayRef<Expression> dims,
                                    Type elementType) const {
  SmallVector<int64_t> shape;
  for (Expression dim : dims) {
    std::optional<int64_t> size = dim.getConstant();
    shape.push_back(size && *size >= 0 ? *size : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, getHeldType(elementType));
}

RankedTensorType ONNXLowering::type(Value onnxValue) const {
  return type(shapes.getShape(onnxValue),
              cast<ShapedType>(onnxValue.getType()).getElementType());
}

bool ONNXLowering::isUnsigned(Value onnxValue) {
  auto type = dyn_cast<ShapedType>(onnxValue.getType());
  return type && type.getElementType().isUnsignedInteger();
}

//===--- control
//------------------------------------------------------------===//

LogicalResult ONNXLowering::unsupported(Operation *op, const Twine &reason) {
  return op->emitError() << "'" << op->getName()
                         << "' cannot be lowered: " << reason;
}

/// Any NameLoc inside a location.
static StringRef findName(Location loc) {
  StringRef name;
  loc->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner)) {
      name = named.getName();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

std::string ONNXLowering::describe(Operation *op) {
  StringRef kind = op->getName().getStringRef();
  kind.consume_front("onnx.");
  StringRef name = findName(op->getLoc());
  if (name.empty())
    return kind.str();
  return ("node '" + name + "' (" + kind + ")").str();
}

/// Floats of 8 bits that are held as bytes, one by one.
static Value castBytes(OpBuilder &builder, Location loc, Value bytes,
                       RankedTensorType type) {
  Value empty = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, bytes),
      type.getElementType());
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), bytes, empty, maps, loops,
             [&](OpBuilder &b, Location loc, ValueRange scalars) {
               Value cast = arith::BitcastOp::create(
                   b, loc, type.getElementType(), scalars[0]);
               linalg::YieldOp::create(b, loc, cast);
             })
      .getResult(0);
}

/// An op that was raised already: the same, on lowered operands.
LogicalResult ONNXLowering::keepOp(Operation *op) {
  OperationState state(loc, op->getName());
  state.addAttributes(op->getAttrs());
  for (Value operand : op->getOperands()) {
    Value lowered = lookup(operand);
    // Raised ops know the floats that tables have.
    if (Type element = getElementTypeOrSelf(operand.getType());
        isSmallFloat(element) && element.getIntOrFloatBitWidth() == 8) {
      auto kept = cast<RankedTensorType>(lowered.getType()).clone(element);
      if (auto weight = lowered.getDefiningOp<WeightOp>())
        lowered = WeightOp::create(builder, loc, kept, weight.getNameAttr(),
                                   weight.getFileAttr(), weight.getOffsetAttr(),
                                   weight.getLengthAttr());
      else
        lowered = castBytes(builder, loc, lowered, kept);
    }
    state.operands.push_back(lowered);
  }
  for (Value result : op->getResults())
    state.types.push_back(type(result));
  Operation *kept = builder.create(state);
  for (auto [before, after] :
       llvm::zip_equal(op->getResults(), kept->getResults()))
    map(before, after);
  return success();
}

/// Elements of few bits are held as bytes, whose meaning only these ops know or
/// need not know.
static bool readsHeldElements(Operation *op) {
  return isa<onnx::BitCastOp, onnx::CastOp, onnx::CastLikeOp, onnx::ConstantOp,
             onnx::ConstantOfShapeOp, onnx::DequantizeLinearOp, onnx::FlattenOp,
             onnx::IdentityOp, onnx::IfOp, onnx::InitializerOp, onnx::LoopOp,
             onnx::PadOp, onnx::QLinearMatMulOp, onnx::QuantizeLinearOp,
             onnx::ReshapeOp, onnx::ShapeOp, onnx::SizeOp, onnx::SqueezeOp,
             onnx::TensorScatterOp, onnx::TransposeOp, onnx::UnsqueezeOp>(op);
}

LogicalResult ONNXLowering::lowerOp(Operation *op) {
  loc = op->getLoc();
  if (isa<onnx::NoneOp>(op))
    return success();
  // What uses a value that could not be lowered says nothing of its own, and of
  // a result without a shape the analysis has said why.
  for (Value operand : op->getOperands())
    if (!isNone(operand) && !lookupOrNull(operand))
      return failure();
  for (Value result : op->getResults())
    if (!isNone(result) && !shapes.hasShape(result))
      return failure();
  if (isa<ResultSizeOpInterface>(op))
    return keepOp(op);
  if (!readsHeldElements(op))
    for (Value operand : op->getOperands())
      if (Type element = getElementTypeOrSelf(operand.getType());
          isSmallFloat(element) || isSmallInteger(element)) {
        std::string text;
        llvm::raw_string_ostream(text) << element;
        return unsupported(op, "element type " + text +
                                   " is not supported by this operator");
      }
  // Nothing is computed where there is nothing: no handler sees a result
  // without elements.
  auto isEmpty = [&](Value result) {
    return isNone(result) ||
           llvm::any_of(shapes.getShape(result),
                        [](Expression size) { return size.isConstant(0); });
  };
  if (op->getNumResults() != 0 && op->getNumRegions() == 0 &&
      !isa<onnx::ConstantOp>(op) && llvm::all_of(op->getResults(), isEmpty) &&
      llvm::all_of(op->getResults(), [&](Value result) {
        return isNone(result) || llvm::all_of(dims(result), [&](Expression e) {
                 return isAvailable(e);
               });
      })) {
    for (Value result : op->getResults())
      if (!isNone(result))
        map(result, empty(result));
    return success();
  }
  ONNXLoweringHandler handler = registry.find(op);
  if (!handler)
    return unsupported(op, "no lowering of this operator exists");
  // Sizes that were computed as tensors are built from symbols when needed.
  if (op->getNumOperands() != 0 && op->getNumResults() == 1 &&
      op->getNumRegions() == 0 && lookupOrNull(op->getResult(0)))
    return success();
  // Sizes that the analysis took to be equal are checked where it did so.
  if (auto it = assumptions.find(op); it != assumptions.end())
    for (const onnx::ShapeAssumption *assumption : it->second) {
      Expression chosen = assumption->chosen, other = assumption->other;
      if (!isAvailable(chosen) || !isAvailable(other))
        continue;
      Value equal =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                sizeValue(chosen), sizeValue(other));
      require(equal, "sizes " + chosen.str() + " and " + other.str() +
                         " of operands of " + describe(op) + " must be equal");
    }
  if (failed(handler(op, *this)))
    return failure();
  // A size that a handler did not give is that of the tensor.
  for (OpResult result : op->getResults()) {
    Value lowered = isNone(result) ? Value() : values.lookup(result);
    if (!lowered)
      continue;
    for (int64_t i = 0, e = rank(result); i < e; ++i)
      if (dataDefinitions.count({result, i}) &&
          !isAvailable(shapes.getShape(result)[i]))
        defineSize(result, i, tensor::DimOp::create(builder, loc, lowered, i),
                   /*mayExceed=*/false);
  }
  return success();
}

LogicalResult ONNXLowering::lowerBlock(
    Block &block,
    llvm::function_ref<LogicalResult(Operation *terminator)> finish) {
  DenseMap<Value, Value> outerValues = values;
  DenseMap<Expression, Value> outerIndices = indices;
  LogicalResult result = success();
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(&op)))
      result = failure();
  if (succeeded(result) && !block.empty()) {
    loc = block.back().getLoc();
    result = finish(&block.back());
  }
  // Indices of the entry stay valid everywhere.
  for (auto &[expression, value] : indices)
    if (isInvariant(expression))
      outerIndices.try_emplace(expression, value);
  values = std::move(outerValues);
  indices = std::move(outerIndices);
  return result;
}

LogicalResult ONNXLowering::run(bool isValid) {
  if (function.isExternal())
    return success(isValid);
  if (!function.getBody().hasOneBlock())
    return function.emitError()
           << "'" << function.getName() << "' must have one block";
  Block &oldBlock = function.getBody().front();
  auto terminator = dyn_cast<func::ReturnOp>(oldBlock.getTerminator());
  if (!terminator)
    return oldBlock.getTerminator()->emitError()
           << "'" << function.getName() << "' must end with func.return";
  for (BlockArgument argument : oldBlock.getArguments())
    if (!shapes.hasShape(argument))
      return isValid ? function.emitError()
                           << "argument #" << argument.getArgNumber()
                           << " must be a ranked tensor, got "
                           << argument.getType()
                     : failure();

  Block *newBlock = new Block;
  function.getBody().push_back(newBlock);
  builder.setInsertionPointToEnd(newBlock);
  anchor = arith::ConstantIndexOp::create(builder, loc, 0);
  entry.setInsertionPoint(anchor);
  SmallVector<Type> argumentTypes, resultTypes;
  for (BlockArgument argument : oldBlock.getArguments()) {
    argumentTypes.push_back(type(argument));
    values[argument] =
        newBlock->addArgument(argumentTypes.back(), argument.getLoc());
  }
  LogicalResult result =
      lowerBlock(oldBlock, [&](Operation *terminator) -> LogicalResult {
        SmallVector<Value> results;
        for (Value operand : terminator->getOperands()) {
          Value lowered = lookupOrNull(operand);
          if (!lowered)
            return failure();
          results.push_back(lowered);
          resultTypes.push_back(lowered.getType());
        }
        func::ReturnOp::create(builder, loc, results);
        return success();
      });
  if (failed(result) || usedUnknownSize || !isValid) {
    // Leaves a function that verifies, for what prints it.
    newBlock->erase();
    return failure();
  }
  anchor->erase();
  oldBlock.erase();
  // What programs hold otherwise keeps its type for the caller.
  auto heldElement = [](Type type) -> TypeAttr {
    Type element = getElementTypeOrSelf(type);
    return element != getHeldType(element) ? TypeAttr::get(element)
                                           : TypeAttr();
  };
  FunctionType before = function.getFunctionType();
  for (auto [index, type] : llvm::enumerate(before.getInputs()))
    if (TypeAttr element = heldElement(type))
      function.setArgAttr(index, "onnx.element_type", element);
  for (auto [index, type] : llvm::enumerate(before.getResults()))
    if (TypeAttr element = heldElement(type))
      function.setResultAttr(index, "onnx.element_type", element);
  function.setFunctionType(
      FunctionType::get(function.getContext(), argumentTypes, resultTypes));
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*newBlock)))
    if (isOpTriviallyDead(&op))
      op.erase();
  return success();
}
