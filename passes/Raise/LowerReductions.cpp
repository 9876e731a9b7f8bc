// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reduce*, ArgMax and ArgMin.
#include "ReductionLowering.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;
using Operand = ONNXLowering::Operand;

//===--- shared
//-------------------------------------------------------------===//

SmallVector<Expression> ReducedDims::getKept() const {
  SmallVector<Expression> kept;
  for (auto [dim, reduced] : llvm::zip_equal(all, isReduced))
    if (!reduced)
      kept.push_back(dim);
  return kept;
}

SmallVector<Expression> ReducedDims::getWithOnes(ONNXLowering &lowering) const {
  SmallVector<Expression> dims = all;
  for (auto [dim, reduced] : llvm::zip_equal(dims, isReduced))
    if (reduced)
      dim = lowering.constantExpression(1);
  return dims;
}

Expression ReducedDims::getCount(ONNXLowering &lowering) const {
  Expression count = lowering.constantExpression(1);
  for (auto [dim, reduced] : llvm::zip_equal(all, isReduced))
    if (reduced)
      count = count * dim;
  return count;
}

Operand mlir::trine::withOnes(ONNXLowering &lowering, Value kept,
                              const ReducedDims &dims) {
  SmallVector<Expression> ones = dims.getWithOnes(lowering);
  return {lowering.reshape(kept, dims.getKept(), ones), ones};
}

/// Like broadcastMap for each input, but every reduced loop is in some map: a
/// loop over a dim of 1 that a view added says its size nowhere else.
static SmallVector<AffineMap> mapInputs(ONNXLowering &lowering,
                                        MutableArrayRef<Operand> inputs,
                                        const ReducedDims &dims) {
  SmallVector<AffineMap> maps;
  SmallVector<Operand> asGiven(inputs);
  llvm::SmallBitVector missing(dims.isReduced.size());
  for (auto [i, reduced] : llvm::enumerate(dims.isReduced))
    missing[i] = reduced;
  for (Operand &input : inputs) {
    maps.push_back(lowering.broadcastMap(input, dims.all));
    for (AffineExpr expression : maps.back().getResults())
      if (auto loop = dyn_cast<AffineDimExpr>(expression))
        missing.reset(loop.getPosition());
  }
  if (missing.none())
    return maps;
  MLIRContext *context = lowering.builder.getContext();
  for (auto [input, given, map] : llvm::zip_equal(inputs, asGiven, maps)) {
    input = given;
    SmallVector<AffineExpr> loops;
    size_t offset = dims.all.size() - input.dims.size();
    for (size_t i = 0; i < input.dims.size(); ++i)
      loops.push_back(input.dims[i].isConstant(1) &&
                              !dims.all[offset + i].isConstant(1)
                          ? getAffineConstantExpr(0, context)
                          : getAffineDimExpr(offset + i, context));
    map = AffineMap::get(dims.all.size(), 0, loops, context);
  }
  return maps;
}

Value mlir::trine::reduce(ONNXLowering &lowering, ArrayRef<Operand> inputs,
                          const ReducedDims &dims, Value initial,
                          ReductionBody body) {
  OpBuilder &builder = lowering.builder;
  SmallVector<Operand> operands(inputs);
  SmallVector<AffineMap> maps = mapInputs(lowering, operands, dims);
  SmallVector<Value> tensors;
  for (const Operand &input : operands)
    tensors.push_back(input.value);
  SmallVector<AffineExpr> keptLoops;
  SmallVector<utils::IteratorType> iterators;
  for (auto [i, reduced] : llvm::enumerate(dims.isReduced)) {
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
    if (!reduced)
      keptLoops.push_back(builder.getAffineDimExpr(i));
  }
  maps.push_back(
      AffineMap::get(dims.all.size(), 0, keptLoops, builder.getContext()));
  Value destination = lowering.filled(dims.getKept(), initial);
  auto generic = linalg::GenericOp::create(
      builder, lowering.loc, destination.getType(), tensors, destination, maps,
      iterators, [&](OpBuilder &b, Location loc, ValueRange arguments) {
        SmallVector<Value> scalars;
        for (Value argument : arguments.drop_back())
          scalars.push_back(toComputeType(b, loc, argument));
        scalars.push_back(arguments.back());
        linalg::YieldOp::create(b, loc, body(b, loc, scalars));
      });
  return generic.getResult(0);
}

static Value add(OpBuilder &b, Location loc, Value x, Value y) {
  return isa<FloatType>(x.getType())
             ? arith::AddFOp::create(b, loc, x, y).getResult()
             : arith::AddIOp::create(b, loc, x, y).getResult();
}

static Value multiply(OpBuilder &b, Location loc, Value x, Value y) {
  return isa<FloatType>(x.getType())
             ? arith::MulFOp::create(b, loc, x, y).getResult()
             : arith::MulIOp::create(b, loc, x, y).getResult();
}

Value mlir::trine::reduceSum(ONNXLowering &lowering, ArrayRef<Operand> inputs,
                             const ReducedDims &dims, Type computeType,
                             ONNXLowering::ScalarBody term) {
  Value zero = scalarConstant(lowering.builder, lowering.loc, computeType, 0);
  return reduce(lowering, inputs, dims, zero,
                [&](OpBuilder &b, Location loc, ValueRange s) {
                  return add(b, loc, s.back(), term(b, loc, s.drop_back()));
                });
}

Value mlir::trine::sizeScalar(OpBuilder &b, Location loc, Type type,
                              Expression size, Value count) {
  if (std::optional<int64_t> constant = size.getConstant())
    return scalarConstant(b, loc, type, *constant);
  Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), count);
  return castScalar(b, loc, integer, type, false, false);
}

//===--- Reduce*
//------------------------------------------------------------===//

enum class Reduction {
  L1,
  L2,
  LogSum,
  LogSumExp,
  Max,
  Mean,
  Min,
  Prod,
  Sum,
  SumSquare
};

/// The largest (or smallest) value that a max (or min) starts from.
static Value makeExtreme(OpBuilder &b, Location loc, Type type, bool isUnsigned,
                         bool smallest) {
  if (isa<FloatType>(type))
    return scalarConstant(b, loc, type,
                          smallest ? -std::numeric_limits<double>::infinity()
                                   : std::numeric_limits<double>::infinity());
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value;
  if (isUnsigned || width == 1)
    value = smallest ? APInt::getZero(width) : APInt::getMaxValue(width);
  else
    value = smallest ? APInt::getSignedMinValue(width)
                     : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
}

static Value combineExtreme(OpBuilder &b, Location loc, Value x, Value y,
                            bool isUnsigned, bool isMax) {
  Type type = x.getType();
  if (isa<FloatType>(type))
    return isMax ? arith::MaximumFOp::create(b, loc, x, y).getResult()
                 : arith::MinimumFOp::create(b, loc, x, y).getResult();
  if (isUnsigned || type.isInteger(1))
    return isMax ? arith::MaxUIOp::create(b, loc, x, y).getResult()
                 : arith::MinUIOp::create(b, loc, x, y).getResult();
  return isMax ? arith::MaxSIOp::create(b, loc, x, y).getResult()
               : arith::MinSIOp::create(b, loc, x, y).getResult();
}

static Value absolute(OpBuilder &b, Location loc, Value x, bool isUnsigned) {
  if (isUnsigned)
    return x;
  return isa<FloatType>(x.getType())
             ? math::AbsFOp::create(b, loc, x).getResult()
             : math::AbsIOp::create(b, loc, x).getResult();
}

/// The reduced dims of a Reduce* op, or none with an error.
static FailureOr<ReducedDims> getReducedDims(Operation *op,
                                             ONNXLowering &lowering) {
  ReducedDims dims;
  dims.all = lowering.dims(op->getOperand(0));
  int64_t rank = dims.all.size();
  SmallVector<int64_t> axes;
  if (op->getNumOperands() > 1 && !ONNXLowering::isNone(op->getOperand(1))) {
    auto values = lowering.constantIntegers(op->getOperand(1));
    if (!values) {
      (void)ONNXLowering::unexpected(op);
      return failure();
    }
    axes = *values;
  }
  auto noop = op->getAttrOfType<IntegerAttr>("noop_with_empty_axes");
  bool all = axes.empty() && (!noop || noop.getInt() == 0);
  dims.isReduced.assign(rank, all);
  for (int64_t axis : axes) {
    int64_t dim = axis < 0 ? axis + rank : axis;
    if (dim < 0 || dim >= rank) {
      (void)ONNXLowering::unexpected(op);
      return failure();
    }
    dims.isReduced[dim] = true;
  }
  return dims;
}

template <Reduction kind>
static LogicalResult lowerReduction(Operation *op, ONNXLowering &lowering) {
  Value data = op->getOperand(0), result = op->getResult(0);
  FailureOr<ReducedDims> maybeDims = getReducedDims(op, lowering);
  if (failed(maybeDims))
    return failure();
  ReducedDims &dims = *maybeDims;
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Type elementType = lowering.elementType(data);
  Type type = getComputeType(elementType);
  bool isFloat = isa<FloatType>(type);
  bool isUnsigned = ONNXLowering::isUnsigned(data);
  bool needsFloat = kind == Reduction::L2 || kind == Reduction::LogSum ||
                    kind == Reduction::LogSumExp;
  if (needsFloat && !isFloat)
    return lowering.unsupported(op, "its elements must be floats");
  Operand input = lowering.operand(data);
  SmallVector<Expression> kept = dims.getKept();
  Expression countExpression = dims.getCount(lowering);

  Value reduced, greatest;
  if constexpr (kind == Reduction::Max || kind == Reduction::Min) {
    constexpr bool isMax = kind == Reduction::Max;
    reduced =
        reduce(lowering, input, dims,
               makeExtreme(builder, loc, type, isUnsigned, isMax),
               [&](OpBuilder &b, Location loc, ValueRange s) {
                 return combineExtreme(b, loc, s[1], s[0], isUnsigned, isMax);
               });
  } else if constexpr (kind == Reduction::Prod) {
    reduced =
        reduce(lowering, input, dims, scalarConstant(builder, loc, type, 1),
               [&](OpBuilder &b, Location loc, ValueRange s) {
                 return multiply(b, loc, s[1], s[0]);
               });
  } else {
    SmallVector<Operand> inputs{input};
    if constexpr (kind == Reduction::LogSumExp) {
      // Against the greatest, where that is finite, so that nothing overflows.
      greatest = reduce(
          lowering, input, dims, makeExtreme(builder, loc, type, false, true),
          [&](OpBuilder &b, Location loc, ValueRange s) {
            return combineExtreme(b, loc, s[1], s[0], false, true);
          });
      greatest = lowering.elementwise(
          Operand{greatest, kept}, kept, type,
          [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
            Value isFinite = math::IsFiniteOp::create(b, loc, s[0]);
            return arith::SelectOp::create(b, loc, isFinite, s[0],
                                           scalarConstant(b, loc, type, 0));
          });
      inputs.push_back(withOnes(lowering, greatest, dims));
    }
    reduced = reduceSum(
        lowering, inputs, dims, type,
        [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
          if constexpr (kind == Reduction::L1)
            return absolute(b, loc, s[0], isUnsigned);
          if constexpr (kind == Reduction::L2 || kind == Reduction::SumSquare)
            return multiply(b, loc, s[0], s[0]);
          if constexpr (kind == Reduction::LogSumExp)
            return math::ExpOp::create(
                b, loc, arith::SubFOp::create(b, loc, s[0], s[1]));
          return s[0];
        });
  }

  bool hasFinal = needsFloat || kind == Reduction::Mean;
  if (hasFinal || type != elementType) {
    Value count;
    if (kind == Reduction::Mean && !countExpression.isConstant())
      count = lowering.sizeValue(countExpression);
    SmallVector<Operand> inputs{{reduced, kept}};
    if (greatest)
      inputs.push_back({greatest, kept});
    reduced = lowering.elementwise(
        inputs, kept, elementType,
        [&](OpBuilder &b, Location loc, ValueRange s) -> Value {
          if constexpr (kind == Reduction::L2)
            return math::SqrtOp::create(b, loc, s[0]);
          if constexpr (kind == Reduction::LogSum)
            return math::LogOp::create(b, loc, s[0]);
          if constexpr (kind == Reduction::LogSumExp)
            return arith::AddFOp::create(
                b, loc, math::LogOp::create(b, loc, s[0]), s[1]);
          if constexpr (kind == Reduction::Mean) {
            Value number = sizeScalar(b, loc, type, countExpression, count);
            if (isFloat)
              return arith::DivFOp::create(b, loc, s[0], number);
            Value one = integerConstant(b, loc, type, 1);
            number = arith::MaxUIOp::create(b, loc, number, one);
            return isUnsigned ? arith::DivUIOp::create(b, loc, s[0], number)
                                    .getResult()
                              : arith::DivSIOp::create(b, loc, s[0], number)
                                    .getResult();
          }
          return s[0];
        });
  }
  lowering.map(result, lowering.reshape(reduced, kept, lowering.dims(result)));
  return success();
}

//===--- ArgMax, ArgMin
//-----------------------------------------------------===//

template <bool isMax>
static LogicalResult lowerArgument(Operation *op, ONNXLowering &lowering) {
  Value data = op->getOperand(0), result = op->getResult(0);
  ReducedDims dims;
  dims.all = lowering.dims(data);
  int64_t rank = dims.all.size();
  auto axisAttribute = op->getAttrOfType<IntegerAttr>("axis");
  int64_t axis = axisAttribute ? axisAttribute.getInt() : 0;
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis >= rank)
    return ONNXLowering::unexpected(op);
  auto last = op->getAttrOfType<IntegerAttr>("select_last_index");
  bool selectLast = last && last.getInt() != 0;
  dims.isReduced.assign(rank, false);
  dims.isReduced[axis] = true;

  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Operand input = lowering.operand(data);
  Type type = getComputeType(lowering.elementType(data));
  bool isUnsigned = ONNXLowering::isUnsigned(data) || type.isInteger(1);
  SmallVector<Expression> kept = dims.getKept();
  Type i64 = builder.getI64Type();
  Value best =
      lowering.filled(kept, makeExtreme(builder, loc, type, isUnsigned, isMax));
  Value place = lowering.filled(kept, integerConstant(builder, loc, i64, 0));
  SmallVector<AffineExpr> keptLoops;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      keptLoops.push_back(builder.getAffineDimExpr(i));
  AffineMap keptMap = AffineMap::get(rank, 0, keptLoops, builder.getContext());
  SmallVector<AffineMap> maps = mapInputs(lowering, input, dims);
  maps.append(2, keptMap);
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{best.getType(), place.getType()}, input.value,
      ValueRange{best, place}, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        Value x = toComputeType(b, loc, arguments[0]);
        Value better;
        if (isa<FloatType>(type)) {
          using P = arith::CmpFPredicate;
          P predicate = isMax ? (selectLast ? P::OGE : P::OGT)
                              : (selectLast ? P::OLE : P::OLT);
          better = arith::CmpFOp::create(b, loc, predicate, x, arguments[1]);
        } else {
          using P = arith::CmpIPredicate;
          P predicate = isUnsigned ? (isMax ? (selectLast ? P::uge : P::ugt)
                                            : (selectLast ? P::ule : P::ult))
                                   : (isMax ? (selectLast ? P::sge : P::sgt)
                                            : (selectLast ? P::sle : P::slt));
          better = arith::CmpIOp::create(b, loc, predicate, x, arguments[1]);
        }
        Value index = arith::IndexCastOp::create(
            b, loc, i64, linalg::IndexOp::create(b, loc, axis));
        Value value = arith::SelectOp::create(b, loc, better, x, arguments[1]);
        Value chosen =
            arith::SelectOp::create(b, loc, better, index, arguments[2]);
        linalg::YieldOp::create(b, loc, ValueRange{value, chosen});
      });
  lowering.map(result, lowering.reshape(generic.getResult(1), kept,
                                        lowering.dims(result)));
  return success();
}

void mlir::trine::registerReductionLowerings(ONNXLoweringRegistry &registry) {
  registry.add("ReduceL1", lowerReduction<Reduction::L1>);
  registry.add("ReduceL2", lowerReduction<Reduction::L2>);
  registry.add("ReduceLogSum", lowerReduction<Reduction::LogSum>);
  registry.add("ReduceLogSumExp", lowerReduction<Reduction::LogSumExp>);
  registry.add("ReduceMax", lowerReduction<Reduction::Max>);
  registry.add("ReduceMean", lowerReduction<Reduction::Mean>);
  registry.add("ReduceMin", lowerReduction<Reduction::Min>);
  registry.add("ReduceProd", lowerReduction<Reduction::Prod>);
  registry.add("ReduceSum", lowerReduction<Reduction::Sum>);
  registry.add("ReduceSumSquare", lowerReduction<Reduction::SumSquare>);
  registry.add("ArgMax", lowerArgument<true>);
  registry.add("ArgMin", lowerArgument<false>);
}
