// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-normalize-onnx: the walk, and building in the canonical form.
#include "NormalizeONNX.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINENORMALIZEONNX
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Rewrites of what rewrites make nest at most this deep; beyond, an op stays
/// as it is.
constexpr unsigned maximumDepth = 32;

static const NormalizeTable &getNormalizeTable() {
  static const NormalizeTable table = [] {
    NormalizeTable table;
    addViewRewrites(table);
    addSliceRewrites(table);
    addScatterRewrites(table);
    addElementwiseRewrites(table);
    addLogicRewrites(table);
    addProductRewrites(table);
    return table;
  }();
  return table;
}

ONNXNormalizer::ONNXNormalizer(func::FuncOp function)
    : function(function), shapes(function), sizeValues(function, shapes),
      builder(function.getContext()) {
  sizeValues.current = [this](Value value) { return current(value); };
}

//===----------------------------------------------------------------------===//
// Looking
//===----------------------------------------------------------------------===//

DenseElementsAttr ONNXNormalizer::constantOf(Value value) {
  auto op = producer<onnx::ConstantOp>(value);
  return op ? dyn_cast<DenseElementsAttr>(op.getValue()) : DenseElementsAttr();
}

Value ONNXNormalizer::filledWith(Value value) {
  if (auto expand = producer<onnx::ExpandOp>(value))
    value = expand.getInput();
  DenseElementsAttr constant = constantOf(value);
  return constant && constant.getNumElements() == 1 ? value : Value();
}

Value ONNXNormalizer::repeatedBy(Value value, int64_t &axis,
                                 int64_t &count) const {
  auto concat = producer<onnx::ConcatOp>(value);
  if (!concat || concat.getInputs().size() < 2 ||
      !llvm::all_equal(concat.getInputs()))
    return {};
  axis = concat.getAxis() < 0
             ? static_cast<int64_t>(concat.getAxis()) + rank(value)
             : static_cast<int64_t>(concat.getAxis());
  count = concat.getInputs().size();
  return concat.getInputs().front();
}

Value ONNXNormalizer::current(Value value) const {
  for (auto found = replacements.find(value); found != replacements.end();
       found = replacements.find(value))
    value = found->second;
  return value;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Operation *ONNXNormalizer::build(StringRef name, ArrayRef<Value> operands,
                                 ArrayRef<NamedAttribute> attributes) {
  SmallString<64> fullName("onnx.");
  fullName += name;
  OperationState state(builder.getInsertionPoint()->getLoc(), fullName,
                       operands, UnrankedTensorType::get(builder.getF32Type()),
                       attributes);
  Operation *op = builder.create(state);
  if (failed(shapes.visit(op)))
    isBroken = true;
  return op;
}

Value ONNXNormalizer::create(StringRef name, ArrayRef<Value> operands,
                             ArrayRef<NamedAttribute> attributes) {
  Operation *op = build(name, operands, attributes);
  Replacement values = simplify(op);
  return values.empty() ? op->getResult(0) : values[0];
}

Value ONNXNormalizer::create(StringRef name, ArrayRef<Value> operands,
                             StringRef attribute, int64_t value) {
  return create(
      name, operands,
      builder.getNamedAttr(attribute, builder.getI64IntegerAttr(value)));
}

Value ONNXNormalizer::createAsIs(StringRef name, ArrayRef<Value> operands,
                                 ArrayRef<NamedAttribute> attributes) {
  return build(name, operands, attributes)->getResult(0);
}

Replacement ONNXNormalizer::unlessEqual(Operation *op, Value value) {
  Operation *made = value ? value.getDefiningOp() : nullptr;
  if (!value || value == op->getResult(0) ||
      (made && made->getName() == op->getName() &&
       made->getOperands() == op->getOperands() &&
       made->getAttrs() == op->getAttrs()))
    return {};
  return {value};
}

Value ONNXNormalizer::createLike(Operation *op, ArrayRef<Value> operands) {
  return create(op->getName().stripDialect(), operands,
                llvm::to_vector(op->getAttrs()));
}

Value ONNXNormalizer::constant(DenseElementsAttr value) {
  return sizeValues.constant(value);
}

Value ONNXNormalizer::integers(ArrayRef<int64_t> values) {
  return sizeValues.integers(values);
}

Value ONNXNormalizer::sizes(ArrayRef<SymbolicExpression> values) {
  return sizeValues.list(values, &*builder.getInsertionPoint());
}

Value ONNXNormalizer::scalar(double value, Type elementType) {
  auto type = RankedTensorType::get({}, elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    APFloat rounded(value);
    bool losesInformation;
    rounded.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                    &losesInformation);
    return constant(DenseElementsAttr::get(type, rounded));
  }
  APInt bits(elementType.getIntOrFloatBitWidth(), static_cast<int64_t>(value),
             /*isSigned=*/true, /*implicitTrunc=*/true);
  return constant(DenseElementsAttr::get(type, bits));
}

/// Longer lists of sizes that are not all numbers stay as they are.
constexpr size_t maximumSizeList = 16;

/// A small integer tensor whose elements are known, from them; null for others.
Value ONNXNormalizer::fromContents(Operation *op) {
  if (op->getNumResults() != 1)
    return {};
  Value result = op->getResult(0);
  std::optional<ArrayRef<SymbolicExpression>> contents =
      shapes.getContents(result);
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!contents || !type || !type.hasStaticShape() || type.getRank() > 1 ||
      static_cast<int64_t>(contents->size()) != type.getNumElements())
    return {};
  auto elementType = cast<IntegerType>(type.getElementType());
  SmallVector<APInt> numbers;
  for (SymbolicExpression element : *contents)
    if (std::optional<int64_t> number = element.getConstant())
      numbers.push_back(APInt(elementType.getWidth(), *number,
                              /*isSigned=*/true, /*implicitTrunc=*/true));
  if (numbers.size() == contents->size())
    return constant(DenseElementsAttr::get(type, numbers));
  if (!elementType.isSignlessInteger(64) || contents->size() > maximumSizeList)
    return {};
  // Copied: what is made on the way may move what the analysis holds.
  SmallVector<SymbolicExpression> elements = llvm::to_vector(*contents);
  return type.getRank() == 1 ? sizes(elements)
                             : sizeValues.scalar(elements.front(),
                                                 &*builder.getInsertionPoint());
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

/// An axis counted from the end, from the start. OneHot counts in its result.
void ONNXNormalizer::countAxisFromStart(Operation *op) {
  auto axis = op->getAttrOfType<IntegerAttr>("axis");
  if (!axis || axis.getInt() >= 0 || op->getNumOperands() == 0 ||
      isa<onnx::OneHotOp>(op))
    return;
  int64_t fromStart = axis.getInt() + rank(op->getOperand(0));
  if (fromStart >= 0)
    op->setAttr("axis", builder.getIntegerAttr(axis.getType(), fromStart));
}

Replacement ONNXNormalizer::simplify(Operation *op) {
  if (isBroken || depth >= maximumDepth || op->getNumRegions() != 0 ||
      isa<onnx::ConstantOp, onnx::InitializerOp, onnx::NoneOp>(op))
    return {};
  for (Value value : op->getOperands())
    if (isa<TensorType>(value.getType()) && !shapes.hasShape(value))
      return {};
  if (Value value = fromContents(op))
    return {value};
  countAxisFromStart(op);
  auto found = getNormalizeTable().find(op->getName().getStringRef());
  if (found == getNormalizeTable().end())
    return {};
  ++depth;
  Replacement values;
  for (NormalizeRewrite rewrite : found->second) {
    values = rewrite(op, *this);
    // Whatever a rewrite believed: sizes and types stay as they were.
    for (auto [result, value] : llvm::zip(op->getResults(), values))
      if (value &&
          (dims(result) != dims(value) || result.getType() != value.getType()))
        values.clear();
    if (!values.empty())
      break;
  }
  --depth;
  if (!values.empty())
    ++rewritten;
  return values;
}

Region *ONNXNormalizer::takenBranch(Operation *op) {
  auto branch = dyn_cast<onnx::IfOp>(op);
  if (!branch || !shapes.hasShape(branch.getCond()))
    return nullptr;
  std::optional<ArrayRef<SymbolicExpression>> condition =
      shapes.getContents(branch.getCond());
  if (!condition || condition->size() != 1 || !condition->front() ||
      !condition->front().isConstant())
    return nullptr;
  return condition->front().isConstant(0) ? &branch.getElseBranch()
                                          : &branch.getThenBranch();
}

bool ONNXNormalizer::inlineBranch(Operation *op, Region &taken) {
  // The analysis, which sees all other Ifs, says what is wrong with this one.
  if (!taken.hasOneBlock() || taken.front().empty())
    return false;
  auto yield = dyn_cast<onnx::YieldOp>(taken.front().back());
  if (!yield || yield->getNumOperands() != op->getNumResults() ||
      !llvm::all_of(yield->getOperandTypes(), llvm::IsaPred<TensorType>))
    return false;
  SmallVector<Operation *> ops;
  for (Operation &inner : taken.front().without_terminator())
    ops.push_back(&inner);
  for (Operation *inner : ops)
    inner->moveBefore(op);
  for (Operation *inner : ops)
    normalize(inner);
  op->replaceAllUsesWith(yield->getOperands());
  decided.push_back(op);
  ++rewritten;
  return true;
}

void ONNXNormalizer::normalize(Operation *op) {
  if (isBroken)
    return;
  builder.setInsertionPoint(op);
  // The op around a body has visited what is in it.
  bool isInBody = op->getBlock() != &function.getBody().front();
  Region *taken = takenBranch(op);
  if (taken && !isInBody && inlineBranch(op, *taken))
    return;
  bool isKnown = isInBody && op->getNumResults() != 0 &&
                 llvm::all_of(op->getResults(), [&](Value result) {
                   return shapes.hasShape(result);
                 });
  if (!isKnown && failed(shapes.visit(op))) {
    isBroken = true;
    return;
  }
  // Bodies of If, Loop and Scan; the analysis bounds how deep they nest.
  for (Region &region : op->getRegions()) {
    // What is never reached need not even fit.
    if (taken && &region != taken)
      continue;
    for (Block &body : region) {
      SmallVector<Operation *> ops;
      for (Operation &inner : body)
        ops.push_back(&inner);
      for (Operation *inner : ops)
        normalize(inner);
    }
  }
  if (auto constantOp = dyn_cast<onnx::ConstantOp>(op)) {
    Value value = sizeValues.adopt(op, constantOp.getValue());
    if (value != constantOp.getOutput())
      constantOp.getOutput().replaceAllUsesWith(value);
    return;
  }
  if (op->getNumResults() == 0 || !isa<onnx::ONNXDialect>(op->getDialect()))
    return;
  builder.setInsertionPoint(op);
  Replacement values = simplify(op);
  for (auto [result, value] : llvm::zip(op->getResults(), values))
    if (value) {
      result.replaceAllUsesWith(value);
      replacements[result] = value;
    }
}

void ONNXNormalizer::eraseDeadOps() {
  for (Operation *op : decided)
    op->erase();
  eraseDeadOps(function.getBody().front());
}

void ONNXNormalizer::eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    for (Region &region : op.getRegions())
      for (Block &body : region)
        eraseDeadOps(body);
    if (op.use_empty() && isa_and_nonnull<onnx::ONNXDialect>(op.getDialect()) &&
        op.getNumRegions() == 0 && isMemoryEffectFree(&op) &&
        !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
  }
}

LogicalResult ONNXNormalizer::run() {
  Block &block = function.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    normalize(op);
  if (isBroken || sizeValues.hasFailed())
    return failure();
  eraseDeadOps();
  // Sizes may have become known better.
  function.setType(FunctionType::get(
      function.getContext(), llvm::to_vector(block.getArgumentTypes()),
      llvm::to_vector(block.getTerminator()->getOperandTypes())));
  return success();
}

namespace {
class NormalizeONNX
    : public trine::impl::TrineNormalizeONNXBase<NormalizeONNX> {
public:
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (!function.getBody().hasOneBlock()) {
      function.emitError() << "'" << function.getName()
                           << "' must have one block at the onnx level";
      return signalPassFailure();
    }
    ONNXNormalizer normalizer(function);
    if (failed(normalizer.run()))
      return signalPassFailure();
    numRewritten += normalizer.getNumRewritten();
  }
};
} // namespace
