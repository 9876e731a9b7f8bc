// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Symbolic sizes as index values, and reshapes between them.
#include "ONNXLowering.h"

#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

bool ONNXLowering::isInvariant(Expression expression) const {
  return walkSymbols(expression, [&](Expression symbol) {
    const onnx::SymbolDefinition *definition = definitions.lookup(symbol);
    return definition && definition->isArgument;
  });
}

bool ONNXLowering::isAvailable(Expression expression) const {
  return walkSymbols(expression, [&](Expression symbol) {
    if (indices.contains(symbol))
      return true;
    const onnx::SymbolDefinition *definition = definitions.lookup(symbol);
    return definition && definition->isArgument;
  });
}

Expression ONNXLowering::constantExpression(int64_t value) const {
  return shapes.getContext().getConstant(value);
}

Expression ONNXLowering::product(ArrayRef<Expression> dims) const {
  Expression result = constantExpression(1);
  for (Expression dim : dims)
    result = result * dim;
  return result;
}

Value ONNXLowering::indexConstant(int64_t value) {
  // Two keys mean an empty slot to the map; Slice has them as its ends.
  using Info = DenseMapInfo<int64_t>;
  if (value == Info::getEmptyKey() || value == Info::getTombstoneKey())
    return arith::ConstantIndexOp::create(entry, function.getLoc(), value);
  Value &constant = constants[value];
  if (!constant)
    constant = arith::ConstantIndexOp::create(entry, function.getLoc(), value);
  return constant;
}

Value ONNXLowering::indexValue(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return indexConstant(cast<IntegerAttr>(attribute).getInt());
  return cast<Value>(value);
}

SmallVector<OpFoldResult> ONNXLowering::sizes(ArrayRef<Expression> dims) {
  SmallVector<OpFoldResult> result;
  for (Expression dim : dims)
    result.push_back(size(dim));
  return result;
}

OpFoldResult ONNXLowering::size(Expression expression) {
  if (std::optional<int64_t> value = expression.getConstant())
    return builder.getIndexAttr(*value);
  return materialise(expression);
}

Value ONNXLowering::sizeValue(Expression expression) {
  return indexValue(size(expression));
}

namespace {
/// Writes one expression as arith, with parts from a callback.
class ExpressionWriter {
public:
  ExpressionWriter(OpBuilder &builder, Location loc,
                   llvm::function_ref<Value(Expression)> part)
      : builder(builder), loc(loc), part(part) {}

  Value writeSum(Expression expression) {
    Value sum;
    // Terms that are added come first, so that no negation is needed.
    for (bool subtract : {false, true})
      for (const SymbolicTerm &term : expression.getTerms()) {
        if ((term.coefficient < 0) != subtract)
          continue;
        Value value =
            writeProduct(expression.getContext(), term, sum && subtract);
        if (!sum)
          sum = value;
        else if (subtract)
          sum = arith::SubIOp::create(builder, loc, sum, value);
        else
          sum = arith::AddIOp::create(builder, loc, sum, value);
      }
    return sum ? sum : part(expression.getContext().getConstant(0));
  }

  Value writeAtom(SymbolicAtom atom) {
    ArrayRef<Expression> operands = atom.getOperands();
    Value value = part(operands.front());
    for (Expression operand : operands.drop_front()) {
      Value other = part(operand);
      switch (atom.getKind()) {
      case SymbolicAtom::Kind::Symbol:
        break;
      case SymbolicAtom::Kind::FloorDiv:
        value = writeFloorDiv(operands[0], value, operand, other);
        break;
      case SymbolicAtom::Kind::CeilDiv: {
        // -((-a) floordiv b)
        Value zero = part(operand.getContext().getConstant(0));
        Value negative = arith::SubIOp::create(builder, loc, zero, value);
        Value quotient = arith::FloorDivSIOp::create(
            builder, loc, negative, writeDivisor(operand, other));
        value = arith::SubIOp::create(builder, loc, zero, quotient);
        break;
      }
      case SymbolicAtom::Kind::Mod: {
        Value divisor = writeDivisor(operand, other);
        if (isKnownNonNegative(operands[0])) {
          value = arith::RemSIOp::create(builder, loc, value, divisor);
          break;
        }
        Value quotient =
            arith::FloorDivSIOp::create(builder, loc, value, divisor);
        Value whole = arith::MulIOp::create(builder, loc, quotient, divisor);
        value = arith::SubIOp::create(builder, loc, value, whole);
        break;
      }
      case SymbolicAtom::Kind::Max:
        value = arith::MaxSIOp::create(builder, loc, value, other);
        break;
      case SymbolicAtom::Kind::Min:
        value = arith::MinSIOp::create(builder, loc, value, other);
        break;
      case SymbolicAtom::Kind::Sum:
        value = arith::AddIOp::create(builder, loc, value, other);
        break;
      case SymbolicAtom::Kind::Product:
        value = arith::MulIOp::create(builder, loc, value, other);
        break;
      }
    }
    return value;
  }

private:
  Value writeProduct(SymbolicContext &context, const SymbolicTerm &term,
                     bool negate) {
    // Wraps for the smallest integer, as the addition that it stands for.
    int64_t coefficient =
        negate ? (int64_t)(0 - (uint64_t)term.coefficient) : term.coefficient;
    Value value;
    for (SymbolicAtom factor : term.factors) {
      Value next = part(factor.getExpression());
      value = value
                  ? arith::MulIOp::create(builder, loc, value, next).getResult()
                  : next;
    }
    if (value && coefficient == 1)
      return value;
    Value constant = part(context.getConstant(coefficient));
    return value ? arith::MulIOp::create(builder, loc, value, constant)
                       .getResult()
                 : constant;
  }

  /// A divisor that is not known to be positive must not trap.
  Value writeDivisor(Expression divisor, Value value) {
    if (isKnownPositive(divisor))
      return value;
    Value one = part(divisor.getContext().getConstant(1));
    return arith::MaxSIOp::create(builder, loc, value, one);
  }

  Value writeFloorDiv(Expression dividend, Value value, Expression divisor,
                      Value other) {
    other = writeDivisor(divisor, other);
    if (isKnownNonNegative(dividend))
      return arith::DivSIOp::create(builder, loc, value, other);
    return arith::FloorDivSIOp::create(builder, loc, value, other);
  }

  OpBuilder &builder;
  Location loc;
  llvm::function_ref<Value(Expression)> part;
};
} // namespace

Value ONNXLowering::materialise(Expression expression) {
  if (std::optional<int64_t> value = expression.getConstant())
    return indexConstant(*value);
  if (Value known = indices.lookup(expression))
    return known;
  bool invariant = isInvariant(expression);
  OpBuilder &place = invariant ? entry : builder;
  Location where = invariant ? function.getLoc() : loc;
  auto part = [&](Expression part) { return materialise(part); };
  ExpressionWriter writer(place, where, part);
  Value value;
  ArrayRef<SymbolicTerm> terms = expression.getTerms();
  if (expression.isSymbol()) {
    const onnx::SymbolDefinition *definition = definitions.lookup(expression);
    if (!definition || !definition->isArgument) {
      // A handler that asks for a size which only a later op defines: a defect
      // of the handler, but no reason to crash.
      // No test: no handler has it.
      emitError(loc) << "the size '" << expression.str()
                     << "' is used before it is known";
      usedUnknownSize = true;
      return indexConstant(0);
    }
    value = tensor::DimOp::create(entry, function.getLoc(),
                                  values.lookup(definition->value),
                                  definition->dimension);
    if (definition->offset && !definition->offset.isConstant(0))
      value = arith::SubIOp::create(entry, function.getLoc(), value,
                                    materialise(definition->offset));
    if (definition->divisor > 1)
      value = arith::DivSIOp::create(entry, function.getLoc(), value,
                                     indexConstant(definition->divisor));
  } else if (terms.size() == 1 && terms[0].coefficient == 1 &&
             terms[0].factors.size() == 1) {
    value = writer.writeAtom(terms[0].factors[0]);
  } else {
    value = writer.writeSum(expression);
  }
  indices[expression] = value;
  return value;
}

Value ONNXLowering::defineSize(Value onnxResult, int64_t dim, Value size,
                               bool mayExceed) {
  Expression expression = shapes.getShape(onnxResult)[dim];
  const onnx::SymbolDefinition *definition =
      dataDefinitions.lookup({onnxResult, (unsigned)dim});
  if (!definition || definition->symbol != expression)
    return isAvailable(expression) ? sizeValue(expression) : size;
  Value clamped = arith::MaxSIOp::create(builder, loc, size, indexConstant(0));
  if (definition->upperBound) {
    Value bound = sizeValue(definition->upperBound);
    if (mayExceed)
      require(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                    size, bound),
              "size " + Twine(dim) + " of the result of " +
                  describe(onnxResult.getDefiningOp()) + " must be at most " +
                  definition->upperBound.str());
    clamped = arith::MinSIOp::create(builder, loc, clamped, bound);
  }
  indices[expression] = clamped;
  return clamped;
}

void ONNXLowering::require(Value condition, const Twine &message) {
  Value tensor = tensor::FromElementsOp::create(
      builder, loc, RankedTensorType::get({}, builder.getI1Type()), condition);
  RequireOp::create(builder, loc, tensor, builder.getStringAttr(message));
}

//===--- reshape
//------------------------------------------------------------===//

namespace {
/// Dims [sourceBegin, sourceEnd) and [targetBegin, targetEnd) that hold the
/// same elements.
struct ReshapeGroup {
  int64_t sourceBegin, sourceEnd, targetBegin, targetEnd;
};
} // namespace

/// Splits two shapes into the smallest groups with equal products; false if the
/// products are not known to be equal.
static bool findGroups(ArrayRef<Expression> from, ArrayRef<Expression> to,
                       SmallVectorImpl<ReshapeGroup> &groups) {
  int64_t i = 0, j = 0, m = from.size(), n = to.size();
  while (i < m && j < n) {
    // Smallest total number of dims first.
    bool found = false;
    for (int64_t total = 2; total <= (m - i) + (n - j) && !found; ++total) {
      Expression source = from[i];
      for (int64_t a = 1; a < total && a <= m - i && !found; ++a) {
        if (a > 1)
          source = source * from[i + a - 1];
        int64_t b = total - a;
        if (b > n - j)
          continue;
        Expression target = to[j];
        for (int64_t k = 1; k < b; ++k)
          target = target * to[j + k];
        if (source != target)
          continue;
        groups.push_back({i, i + a, j, j + b});
        i += a;
        j += b;
        found = true;
      }
    }
    if (!found)
      return false;
  }
  // What is left must be ones; the last group takes them.
  auto isOne = [](Expression dim) { return dim.isConstant(1); };
  if (groups.empty() || !llvm::all_of(from.drop_front(i), isOne) ||
      !llvm::all_of(to.drop_front(j), isOne))
    return false;
  groups.back().sourceEnd = m;
  groups.back().targetEnd = n;
  return true;
}

Value ONNXLowering::castTo(Value lowered, Type type) {
  return lowered.getType() == type
             ? lowered
             : tensor::CastOp::create(builder, loc, type, lowered).getResult();
}

Value ONNXLowering::reshape(Value lowered, ArrayRef<Expression> from,
                            ArrayRef<Expression> to) {
  Type elementType = cast<ShapedType>(lowered.getType()).getElementType();
  RankedTensorType source = type(from, elementType);
  RankedTensorType target = type(to, elementType);
  lowered = castTo(lowered, source);
  if (from == to)
    return lowered;
  // Nothing to view; shapes with static zeros have no reassociation to speak
  // of.
  if (product(to).isConstant(0) && product(from).isConstant(0))
    return empty(to, elementType);

  SmallVector<ReshapeGroup> groups;
  if (from.empty() || to.empty() || !findGroups(from, to, groups)) {
    // Through one dimension.
    Expression count = product(from), newCount = product(to);
    if (count != newCount)
      require(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                    sizeValue(count), sizeValue(newCount)),
              "a reshape must keep the number of elements, " + count.str() +
                  " and " + newCount.str());
    groups.clear();
    groups.push_back({0, (int64_t)from.size(), 0, (int64_t)to.size()});
  }

  // One dimension per group between the two views.
  SmallVector<ReassociationIndices> collapse, expand;
  SmallVector<int64_t> collapsedShape, expandedFromShape;
  for (const ReshapeGroup &group : groups) {
    collapse.emplace_back(
        llvm::to_vector(llvm::seq(group.sourceBegin, group.sourceEnd)));
    expand.emplace_back(
        llvm::to_vector(llvm::seq(group.targetBegin, group.targetEnd)));
    auto collapsed = [](ArrayRef<int64_t> shape) {
      int64_t size = 1;
      for (int64_t dim : shape)
        size = ShapedType::isDynamic(dim) || ShapedType::isDynamic(size)
                   ? ShapedType::kDynamic
                   : size * dim;
      return size;
    };
    collapsedShape.push_back(collapsed(source.getShape().slice(
        group.sourceBegin, group.sourceEnd - group.sourceBegin)));
    expandedFromShape.push_back(collapsed(target.getShape().slice(
        group.targetBegin, group.targetEnd - group.targetBegin)));
  }
  if (from.empty()) {
    // A scalar to ones.
    if (!target.hasStaticShape() || target.getNumElements() != 1) {
      Value one = tensor::ExpandShapeOp::create(
          builder, loc, RankedTensorType::get({1}, elementType), lowered,
          ArrayRef<ReassociationIndices>{});
      SmallVector<Expression> ones{constantExpression(1)};
      return reshape(one, ones, to);
    }
    return tensor::ExpandShapeOp::create(builder, loc, target, lowered,
                                         ArrayRef<ReassociationIndices>{});
  }
  if (to.empty()) {
    SmallVector<int64_t> ones(from.size(), 1);
    lowered = castTo(lowered, RankedTensorType::get(ones, elementType));
    return tensor::CollapseShapeOp::create(builder, loc, target, lowered,
                                           ArrayRef<ReassociationIndices>{});
  }
  if (from.size() != groups.size())
    lowered = tensor::CollapseShapeOp::create(
        builder, loc, RankedTensorType::get(collapsedShape, elementType),
        lowered, collapse);
  lowered =
      castTo(lowered, RankedTensorType::get(expandedFromShape, elementType));
  if (to.size() != groups.size())
    lowered = tensor::ExpandShapeOp::create(builder, loc, target, lowered,
                                            expand, sizes(to));
  return lowered;
}
