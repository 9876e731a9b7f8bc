// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// If and Loop as scf on tensors.
#include "ONNXLowering.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

/// A block that ends with onnx.Yield of `count` values, or an error.
static FailureOr<onnx::YieldOp> getYield(Operation *op, Region &region,
                                         size_t count) {
  if (region.hasOneBlock() && !region.front().empty())
    if (auto yield = dyn_cast<onnx::YieldOp>(region.front().back()))
      if (yield.getNumOperands() == count)
        return yield;
  (void)ONNXLowering::unexpected(op);
  return failure();
}

//===--- If
//-----------------------------------------------------------------===//

static LogicalResult lowerIf(Operation *op, ONNXLowering &lowering) {
  auto branch = cast<onnx::IfOp>(op);
  SmallVector<Type> types;
  for (Value result : branch.getResults())
    types.push_back(lowering.type(result));
  for (Region *region : {&branch.getThenBranch(), &branch.getElseBranch()})
    if (failed(getYield(op, *region, types.size())))
      return failure();
  Location loc = lowering.loc;
  // A condition that is known leaves one branch, whose ops take the If's place.
  std::optional<SmallVector<Expression>> known =
      lowering.contents(branch.getCond());
  if (known && known->size() == 1 && known->front().isConstant()) {
    Region &taken = known->front().isConstant(0) ? branch.getElseBranch()
                                                 : branch.getThenBranch();
    SmallVector<Value> yielded;
    auto finish = [&](Operation *terminator) -> LogicalResult {
      for (Value value : terminator->getOperands())
        yielded.push_back(lowering.lookup(value));
      return success(!llvm::is_contained(yielded, Value()));
    };
    if (failed(lowering.lowerBlock(taken.front(), finish)))
      return failure();
    lowering.loc = loc;
    for (auto [result, lowered] : llvm::zip_equal(branch.getResults(), yielded))
      lowering.map(result, lowered);
    return success();
  }
  Value condition = lowering.extractScalar(lowering.lookup(branch.getCond()));
  auto ifOp = scf::IfOp::create(lowering.builder, loc, types, condition,
                                /*addThenBlock=*/true, /*addElseBlock=*/true);
  LogicalResult status = success();
  for (auto [from, to] :
       {std::pair(&branch.getThenBranch(), ifOp.thenBlock()),
        std::pair(&branch.getElseBranch(), ifOp.elseBlock())}) {
    OpBuilder::InsertionGuard guard(lowering.builder);
    lowering.builder.setInsertionPointToEnd(to);
    auto finish = [&](Operation *terminator) -> LogicalResult {
      SmallVector<Value> yielded;
      for (auto [value, type] :
           llvm::zip_equal(terminator->getOperands(), types)) {
        Value lowered = lowering.lookup(value);
        if (!lowered)
          return failure();
        auto wanted = cast<RankedTensorType>(type);
        auto found = cast<RankedTensorType>(lowered.getType());
        if (found.getElementType() != wanted.getElementType() ||
            failed(verifyCompatibleShape(found, wanted)))
          return ONNXLowering::unexpected(op);
        yielded.push_back(lowering.castTo(lowered, type));
      }
      scf::YieldOp::create(lowering.builder, lowering.loc, yielded);
      return success();
    };
    if (failed(lowering.lowerBlock(from->front(), finish)))
      status = failure();
  }
  lowering.loc = loc;
  if (failed(status))
    return failure();
  for (auto [result, lowered] :
       llvm::zip_equal(branch.getResults(), ifOp.getResults()))
    lowering.map(result, lowered);
  return success();
}

//===--- Loop
//---------------------------------------------------------------===//

namespace {
/// Lowers one Loop whose carried values keep their shapes.
class LoopLowering {
public:
  LoopLowering(onnx::LoopOp op, ONNXLowering &lowering)
      : op(op), lowering(lowering), b(lowering.builder), loc(lowering.loc) {}

  LogicalResult run() {
    Region &region = op.getBody();
    carriedCount = op.getVInitial().size();
    if (op.getNumResults() < carriedCount)
      return ONNXLowering::unexpected(op);
    scanCount = op.getNumResults() - carriedCount;
    FailureOr<onnx::YieldOp> found =
        getYield(op, region, 1 + carriedCount + scanCount);
    if (failed(found))
      return failure();
    yield = *found;
    if (region.front().getNumArguments() != 2 + carriedCount)
      return ONNXLowering::unexpected(op);
    if (failed(checkShapes()))
      return failure();
    auto condition = lowering.constantIntegers(yield.getOperand(0));
    auto isTrue = [](ArrayRef<int64_t> values) {
      return values.size() == 1 && values.front() != 0;
    };
    bool always = condition && isTrue(*condition);
    // The condition handed through means that it stays what it was at first.
    Value goesOn = yield.getOperand(0);
    while (auto identity = goesOn.getDefiningOp<onnx::IdentityOp>())
      goesOn = identity.getInput();
    always |= goesOn == region.front().getArgument(1);
    for (size_t i = 0; i < carriedCount; ++i)
      initial.push_back(
          lowering.castTo(lowering.lookup(op.getVInitial()[i]), types[i]));
    hasCount = !ONNXLowering::isNone(op.getM());
    if (always && hasCount)
      return lowerCounted();
    if (scanCount != 0)
      return lowering.unsupported(
          op, "scan outputs need a trip count and a constant condition");
    return lowerWhile();
  }

private:
  LogicalResult checkShapes() {
    Block &body = op.getBody().front();
    for (size_t i = 0; i < carriedCount; ++i) {
      Value argument = body.getArgument(2 + i), next = yield.getOperand(1 + i);
      const onnx::ShapeAnalysis &shapes = lowering.getShapes();
      if (!shapes.hasShape(argument) || !shapes.hasShape(next) ||
          lowering.dims(argument) != lowering.dims(next) ||
          lowering.dims(argument) != lowering.dims(op.getVInitial()[i]))
        return lowering.unsupported(op, "carried value #" + Twine(i) +
                                            " must keep its shape");
      types.push_back(lowering.type(argument));
    }
    return success();
  }

  /// Maps the arguments of the body.
  void mapArguments(Value iteration, ValueRange carried) {
    Block &body = op.getBody().front();
    Value counter = arith::IndexCastOp::create(
        b, loc, lowering.elementType(body.getArgument(0)), iteration);
    lowering.map(body.getArgument(0), makeTensor(body.getArgument(0), counter));
    lowering.map(body.getArgument(1),
                 makeTensor(body.getArgument(1),
                            integerConstant(b, loc, b.getI1Type(), 1)));
    for (size_t i = 0; i < carriedCount; ++i)
      lowering.map(body.getArgument(2 + i), carried[i]);
  }

  Value makeTensor(Value onnxValue, Value scalar) {
    return tensor::FromElementsOp::create(b, loc, lowering.type(onnxValue),
                                          scalar);
  }

  /// The lowered operands [1, 1 + carriedCount) of the yield.
  LogicalResult getNext(SmallVectorImpl<Value> &next) {
    for (size_t i = 0; i < carriedCount; ++i) {
      Value lowered = lowering.lookup(yield.getOperand(1 + i));
      if (!lowered)
        return failure();
      next.push_back(lowering.castTo(lowered, types[i]));
    }
    return success();
  }

  /// scf.for, after which the results that are scan outputs are complete.
  LogicalResult lowerCounted() {
    Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
    Value count = arith::MaxSIOp::create(
        b, loc, lowering.indexElement(op.getM(), 0), zero);
    if (!ONNXLowering::isNone(op.getCond())) {
      Value starts = lowering.extractScalar(lowering.lookup(op.getCond()));
      count = arith::SelectOp::create(b, loc, starts, count, zero);
    }
    SmallVector<Value> carried = initial;
    for (size_t i = 0; i < scanCount; ++i) {
      Value result = op.getResult(carriedCount + i);
      SmallVector<Expression> dims = lowering.dims(result);
      SmallVector<Expression> row =
          lowering.dims(yield.getOperand(1 + carriedCount + i));
      if (dims.empty())
        return ONNXLowering::unexpected(op);
      if (!lowering.isAvailable(dims[0]))
        lowering.defineSize(result, 0, count);
      if (ArrayRef(dims).drop_front() != ArrayRef(row) ||
          !llvm::all_of(
              dims, [&](Expression dim) { return lowering.isAvailable(dim); }))
        return lowering.unsupported(op, "the size of scan output #" + Twine(i) +
                                            " must be known before the loop");
      carried.push_back(lowering.empty(result));
    }
    auto loop = scf::ForOp::create(b, loc, zero, count, one, carried);
    {
      OpBuilder::InsertionGuard guard(b);
      Block *body = loop.getBody();
      if (!body->empty())
        body->back().erase();
      b.setInsertionPointToEnd(body);
      mapArguments(loop.getInductionVar(),
                   loop.getRegionIterArgs().take_front(carriedCount));
      LogicalResult status = lowering.lowerBlock(
          op.getBody().front(), [&](Operation *) -> LogicalResult {
            SmallVector<Value> next;
            if (failed(getNext(next)))
              return failure();
            for (size_t i = 0; i < scanCount; ++i) {
              Value row =
                  lowering.lookup(yield.getOperand(1 + carriedCount + i));
              if (!row)
                return failure();
              next.push_back(
                  insertRow(loop.getInductionVar(), row,
                            loop.getRegionIterArgs()[carriedCount + i],
                            op.getResult(carriedCount + i)));
            }
            scf::YieldOp::create(b, loc, next);
            return success();
          });
      if (failed(status))
        return failure();
    }
    lowering.loc = loc;
    for (auto [result, lowered] :
         llvm::zip_equal(op.getResults(), loop.getResults()))
      lowering.map(result, lowered);
    return success();
  }

  Value insertRow(Value place, Value row, Value destination, Value onnxResult) {
    SmallVector<OpFoldResult> offsets, sizes = lowering.sizes(onnxResult);
    offsets.assign(sizes.size(), b.getIndexAttr(0));
    offsets[0] = place;
    sizes[0] = b.getIndexAttr(1);
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    return tensor::InsertSliceOp::create(b, loc, row, destination, offsets,
                                         sizes, strides);
  }

  /// scf.while over (carried..., iteration, condition). What the body does not
  /// read is dropped on its way there; places of tensors must stay the same for
  /// them to be updated in place.
  LogicalResult lowerWhile() {
    Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);
    Value limit;
    if (hasCount)
      limit = lowering.indexElement(op.getM(), 0);
    Value starts = ONNXLowering::isNone(op.getCond())
                       ? integerConstant(b, loc, b.getI1Type(), 1)
                       : lowering.extractScalar(lowering.lookup(op.getCond()));
    SmallVector<Value> operands = initial;
    operands.append({zero, starts});
    SmallVector<Type> operandTypes = llvm::to_vector(TypeRange(operands));
    auto loop = scf::WhileOp::create(b, loc, operandTypes, operands);
    SmallVector<Location> locations(operandTypes.size(), loc);
    OpBuilder::InsertionGuard guard(b);
    Block *before =
        b.createBlock(&loop.getBefore(), {}, operandTypes, locations);
    Value goesOn = before->getArguments().back();
    if (limit)
      goesOn = arith::AndIOp::create(
          b, loc, goesOn,
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                before->getArgument(carriedCount), limit));
    scf::ConditionOp::create(b, loc, goesOn, before->getArguments());
    Block *after = b.createBlock(&loop.getAfter(), {}, operandTypes, locations);
    Value iteration = after->getArgument(carriedCount);
    mapArguments(iteration, after->getArguments().take_front(carriedCount));
    LogicalResult status = lowering.lowerBlock(
        op.getBody().front(), [&](Operation *) -> LogicalResult {
          Value condition = lowering.lookup(yield.getOperand(0));
          if (!condition)
            return failure();
          SmallVector<Value> next;
          if (failed(getNext(next)))
            return failure();
          next.push_back(arith::AddIOp::create(b, loc, iteration, one));
          next.push_back(lowering.extractScalar(condition));
          scf::YieldOp::create(b, loc, next);
          return success();
        });
    if (failed(status))
      return failure();
    b.setInsertionPointAfter(loop);
    lowering.loc = loc;
    for (auto [result, lowered] :
         llvm::zip_equal(op.getResults(), loop.getResults().drop_back(2)))
      lowering.map(result, lowered);
    return success();
  }

  onnx::LoopOp op;
  ONNXLowering &lowering;
  OpBuilder &b;
  Location loc;
  onnx::YieldOp yield;
  size_t carriedCount = 0, scanCount = 0;
  bool hasCount = false;
  SmallVector<Type> types;
  SmallVector<Value> initial;
};
} // namespace

static LogicalResult lowerLoop(Operation *op, ONNXLowering &lowering) {
  return LoopLowering(cast<onnx::LoopOp>(op), lowering).run();
}

void mlir::trine::registerControlFlowLowerings(ONNXLoweringRegistry &registry) {
  registry.add("If", lowerIf);
  registry.add("Loop", lowerLoop);
}
