// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MaskAnalysis.h"

using namespace mlir;
using namespace mlir::trine;

bool mlir::trine::isMaskFill(double fill) {
  // -65504 is the lowest number of f16, where it stands for infinity; in wider
  // types exporters write -1e9 and below.
  return fill <= -65504;
}

bool Condition::isSame(const Condition &other) const {
  if (margin || other.margin)
    return margin && other.margin && *margin == *other.margin;
  return root.value == other.root.value && root.index == other.root.index &&
         negated == other.negated;
}

/// The view of an operand of an element-wise op.
std::optional<View> MaskAnalysis::operand(const View &view, unsigned i) {
  Value value = view.value.getDefiningOp()->getOperand(i);
  if (isa<NoneType>(value.getType()))
    return std::nullopt;
  return space.broadcast(value, view.index);
}

static bool isInteger(Value value) {
  auto type = dyn_cast<IntegerType>(getElementTypeOrSelf(value.getType()));
  return type && type.getWidth() > 1;
}

std::optional<AffineIndex> MaskAnalysis::evaluate(View view, unsigned depth) {
  if (depth > 16 || !isInteger(view.value))
    return std::nullopt;
  view = space.normalize(view);
  // Known elements: one for all points, or a range.
  onnx::ShapeAnalysis &shapes = raising.getShapes();
  if (std::optional<ArrayRef<SymbolicExpression>> known =
          shapes.getContents(view.value);
      known && !known->empty()) {
    ArrayRef<SymbolicExpression> elements = *known;
    if (view.index.empty() || view.index[0].isZero())
      return space.constant(elements[0]);
    if (llvm::all_equal(elements))
      return space.constant(elements[0]);
    bool isRange = true;
    for (auto [i, element] : llvm::enumerate(elements))
      isRange &= element == elements[0] + static_cast<int64_t>(i);
    if (isRange)
      return space.add(view.index[0], space.constant(elements[0]));
  }
  if (std::optional<int64_t> number = constantInteger(view.value))
    return space.constant(*number);
  Operation *op = view.value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto cast = dyn_cast<onnx::CastOp>(op)) {
    std::optional<View> input = operand(view, 0);
    return input ? evaluate(*input, depth + 1) : std::nullopt;
  }
  if (isa<onnx::RangeOp>(op)) {
    auto start = shapes.getContents(op->getOperand(0)),
         step = shapes.getContents(op->getOperand(2));
    if (!start || !step || !(*step)[0].isConstant(1))
      return std::nullopt;
    return space.add(view.index[0], space.constant((*start)[0]));
  }
  if (isa<onnx::AddOp, onnx::SubOp, onnx::MulOp>(op)) {
    std::optional<View> left = operand(view, 0), right = operand(view, 1);
    if (!left || !right)
      return std::nullopt;
    std::optional<AffineIndex> a = evaluate(*left, depth + 1),
                               b = evaluate(*right, depth + 1);
    if (!a || !b)
      return std::nullopt;
    if (isa<onnx::AddOp>(op))
      return space.add(*a, *b);
    if (isa<onnx::SubOp>(op))
      return space.subtract(*a, *b);
    if (b->terms.empty())
      return space.scale(*a, b->offset);
    return a->terms.empty() ? std::optional(space.scale(*b, a->offset))
                            : std::nullopt;
  }
  if (std::optional<View> moved = space.back(view))
    return evaluate(*moved, depth + 1);
  return std::nullopt;
}

/// All ones or true.
static bool isAllTrue(Value value) {
  if (std::optional<double> number = constantNumber(value))
    return *number == 1;
  if (std::optional<int64_t> number = constantInteger(value))
    return *number == 1;
  auto op = producer<onnx::ConstantOfShapeOp>(value);
  if (!op || !op.getValue())
    return false;
  auto elements = dyn_cast<DenseElementsAttr>(*op.getValue());
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble() == 1;
  return elements.getSplatValue<APInt>().isOne();
}

/// The constant k of a Trilu; 0 if it is not given.
static std::optional<int64_t> diagonalOf(onnx::TriluOp op) {
  if (op->getNumOperands() < 2 || isa<NoneType>(op->getOperand(1).getType()))
    return 0;
  return constantInteger(op->getOperand(1));
}

/// -margin - 1 >= 0 is the opposite of margin >= 0.
static AffineIndex opposite(IndexSpace &space, const AffineIndex &margin) {
  return space.add(space.scale(margin, space.number(-1)), space.constant(-1));
}

Condition MaskAnalysis::analyzeCondition(View view) {
  bool negated = false;
  auto unknown = [&]() {
    Condition condition;
    condition.root = space.normalize(view);
    condition.negated = negated;
    return condition;
  };
  auto known = [&](AffineIndex margin) {
    Condition condition = unknown();
    condition.margin =
        space.normalize(negated ? opposite(space, margin) : margin);
    return condition;
  };
  for (unsigned depth = 0; depth < 24; ++depth) {
    view = space.normalize(view);
    Operation *op = view.value.getDefiningOp();
    if (!op)
      return unknown();
    if (isa<onnx::NotOp>(op)) {
      std::optional<View> input = operand(view, 0);
      if (!input)
        return unknown();
      negated = !negated;
      view = *input;
      continue;
    }
    if (isa<onnx::CastOp>(op)) {
      std::optional<View> input = operand(view, 0);
      // From a number only where it can be nothing but 0 or 1.
      auto isTruth = [](Value value) {
        return getElementTypeOrSelf(value.getType()).isInteger(1);
      };
      if (!input ||
          (!isTruth(input->value) && !producer<onnx::CastOp>(input->value) &&
           !producer<onnx::TriluOp>(input->value)))
        return unknown();
      view = *input;
      continue;
    }
    if (isa<onnx::AndOp>(op)) {
      std::optional<View> left = operand(view, 0), right = operand(view, 1);
      if (left && right && isAllTrue(right->value)) {
        view = *left;
        continue;
      }
      return unknown();
    }
    if (auto trilu = dyn_cast<onnx::TriluOp>(op)) {
      std::optional<int64_t> diagonal = diagonalOf(trilu);
      size_t rank = view.index.size();
      Value input = trilu->getOperand(0);
      std::optional<View> source = space.broadcast(input, view.index);
      while (source && !isAllTrue(source->value)) {
        std::optional<View> next = space.back(*source);
        if (!next &&
            isa_and_nonnull<onnx::CastOp>(source->value.getDefiningOp()))
          next = operand(*source, 0);
        source = next;
      }
      if (!diagonal || rank < 2 || !source)
        return unknown();
      AffineIndex past =
          space.subtract(view.index[rank - 1], view.index[rank - 2]);
      past = space.add(past, space.constant(-*diagonal));
      // Upper keeps column >= row + k, lower column <= row + k.
      return known(trilu.getUpper() ? past
                                    : space.scale(past, space.number(-1)));
    }
    bool isLess = isa<onnx::LessOp>(op), isGreater = isa<onnx::GreaterOp>(op),
         isLessOrEqual = isa<onnx::LessOrEqualOp>(op),
         isGreaterOrEqual = isa<onnx::GreaterOrEqualOp>(op);
    if (isLess || isGreater || isLessOrEqual || isGreaterOrEqual) {
      std::optional<View> left = operand(view, 0), right = operand(view, 1);
      if (!left || !right)
        return unknown();
      std::optional<AffineIndex> a = evaluate(*left), b = evaluate(*right);
      if (!a || !b)
        return unknown();
      AffineIndex margin = isLess || isLessOrEqual ? space.subtract(*b, *a)
                                                   : space.subtract(*a, *b);
      if (isLess || isGreater)
        margin = space.add(margin, space.constant(-1));
      return known(margin);
    }
    std::optional<View> moved = space.back(view);
    if (!moved)
      return unknown();
    view = *moved;
  }
  return unknown();
}

std::optional<TwoValuedMask> MaskAnalysis::analyzeAdditive(View view) {
  for (unsigned depth = 0; depth < 24; ++depth) {
    view = space.normalize(view);
    Operation *op = view.value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (isa<onnx::CastOp>(op)) {
      std::optional<View> input = operand(view, 0);
      if (!input ||
          !isa<FloatType>(getElementTypeOrSelf(input->value.getType())))
        return std::nullopt;
      view = *input;
      continue;
    }
    if (isa<onnx::WhereOp>(op)) {
      std::optional<View> chosen = operand(view, 0);
      std::optional<double> whenTrue = constantNumber(op->getOperand(1)),
                            whenFalse = constantNumber(op->getOperand(2));
      if (!chosen || !whenTrue || !whenFalse ||
          (*whenTrue != 0 && *whenFalse != 0))
        return std::nullopt;
      TwoValuedMask mask{analyzeCondition(*chosen),
                         *whenTrue == 0 ? *whenFalse : *whenTrue};
      if (*whenTrue != 0) {
        mask.keep.negated = !mask.keep.negated;
        if (mask.keep.margin)
          mask.keep.margin = opposite(space, *mask.keep.margin);
      }
      return mask;
    }
    if (isa<onnx::MulOp>(op)) {
      std::optional<NumberOperand> product = splitNumber(op);
      if (!product)
        return std::nullopt;
      std::optional<View> input = space.broadcast(product->other, view.index);
      if (!input)
        return std::nullopt;
      // fill * (1 - keep), or fill * drop
      bool keeps = false;
      if (auto difference = producer<onnx::SubOp>(input->value);
          difference && isConstantNumber(difference->getOperand(0), 1)) {
        keeps = true;
        input = operand(*input, 1);
      }
      auto cast = input ? producer<onnx::CastOp>(input->value) : onnx::CastOp();
      while (cast && producer<onnx::CastOp>(cast->getOperand(0)))
        cast = producer<onnx::CastOp>(cast->getOperand(0));
      if (!cast ||
          !getElementTypeOrSelf(cast->getOperand(0).getType()).isInteger(1))
        return std::nullopt;
      TwoValuedMask mask{analyzeCondition(*input), product->number};
      if (!keeps) {
        mask.keep.negated = !mask.keep.negated;
        if (mask.keep.margin)
          mask.keep.margin = opposite(space, *mask.keep.margin);
      }
      return mask;
    }
    if (auto trilu = dyn_cast<onnx::TriluOp>(op)) {
      std::optional<int64_t> diagonal = diagonalOf(trilu);
      std::optional<double> fill = constantNumber(trilu->getOperand(0));
      size_t rank = view.index.size();
      if (!diagonal || !fill || rank < 2)
        return std::nullopt;
      AffineIndex past =
          space.subtract(view.index[rank - 1], view.index[rank - 2]);
      past = space.add(past, space.constant(-*diagonal));
      AffineIndex dropped =
          trilu.getUpper() ? past : space.scale(past, space.number(-1));
      TwoValuedMask mask;
      mask.keep.root = view;
      mask.keep.margin = space.normalize(opposite(space, dropped));
      mask.fill = *fill;
      return mask;
    }
    std::optional<View> moved = space.back(view);
    if (!moved)
      return std::nullopt;
    view = *moved;
  }
  return std::nullopt;
}

std::optional<Condition> MaskAnalysis::analyzeEmptyRow(View view,
                                                       unsigned column) {
  bool negated = false;
  for (unsigned depth = 0; depth < 24; ++depth) {
    view = space.normalize(view);
    Operation *op = view.value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (isa<onnx::NotOp>(op)) {
      std::optional<View> input = operand(view, 0);
      if (!input)
        return std::nullopt;
      negated = !negated;
      view = *input;
      continue;
    }
    bool isLess = isa<onnx::LessOp>(op), isGreater = isa<onnx::GreaterOp>(op),
         isLessOrEqual = isa<onnx::LessOrEqualOp>(op),
         isGreaterOrEqual = isa<onnx::GreaterOrEqualOp>(op),
         isEqual = isa<onnx::EqualOp>(op);
    if (!isLess && !isGreater && !isLessOrEqual && !isGreaterOrEqual &&
        !isEqual) {
      std::optional<View> moved = space.back(view);
      if (!moved)
        return std::nullopt;
      view = *moved;
      continue;
    }
    // A count against a number; mirrored if the number comes first.
    std::optional<NumberOperand> parts = splitNumber(op);
    if (!parts)
      return std::nullopt;
    if (parts->other == op->getOperand(1)) {
      std::swap(isLess, isGreater);
      std::swap(isLessOrEqual, isGreaterOrEqual);
    }
    double limit = parts->number;
    bool meansNone = (isLess && limit > 0 && limit <= 1) ||
                     (isLessOrEqual && limit >= 0 && limit < 1) ||
                     (isEqual && limit == 0);
    bool meansSome = (isGreater && limit >= 0 && limit < 1) ||
                     (isGreaterOrEqual && limit > 0 && limit <= 1);
    if (!(negated ? meansSome : meansNone))
      return std::nullopt;
    std::optional<View> count = space.broadcast(parts->other, view.index);
    while (count) {
      Operation *maker = count->value.getDefiningOp();
      if (!maker)
        return std::nullopt;
      if (isa<onnx::CastOp>(maker))
        count = operand(*count, 0);
      else if (isa<onnx::ReduceSumOp, onnx::ReduceMaxOp>(maker))
        break;
      else
        count = space.back(*count);
    }
    if (!count)
      return std::nullopt;
    Operation *reduction = count->value.getDefiningOp();
    Value counted = reduction->getOperand(0);
    int64_t rank = raising.rank(counted);
    std::optional<SmallVector<int64_t>> axes =
        reduction->getNumOperands() > 1
            ? constantIntegers(reduction->getOperand(1))
            : std::nullopt;
    if (!axes || axes->size() != 1 || rank == 0 ||
        raising.normalAxis((*axes)[0], counted) != rank - 1 ||
        raising.dims(counted)[rank - 1] != space.extent(column))
      return std::nullopt;
    View kept{counted, count->index};
    if (static_cast<int64_t>(kept.index.size()) == rank)
      kept.index.pop_back();
    if (static_cast<int64_t>(kept.index.size()) != rank - 1)
      return std::nullopt;
    kept.index.push_back(space.plain(column));
    // Counted are truth values as numbers.
    Value truth = counted;
    while (auto cast = producer<onnx::CastOp>(truth))
      truth = cast->getOperand(0);
    if (!getElementTypeOrSelf(truth.getType()).isInteger(1))
      return std::nullopt;
    return analyzeCondition(kept);
  }
  return std::nullopt;
}

SymbolicExpression MaskAnalysis::getCausalOffset(const Condition &condition,
                                                 unsigned row,
                                                 unsigned column) {
  if (!condition.margin)
    return {};
  // row + offset - column >= 0; a single row has index 0.
  AffineIndex rest = space.normalize(
      space.add(*condition.margin, space.normalize(space.plain(column))));
  if (!space.extent(row).isConstant(1) || !rest.terms.empty())
    rest = space.normalize(
        space.subtract(rest, space.normalize(space.plain(row))));
  return rest.terms.empty() ? rest.offset : SymbolicExpression();
}

Value MaskAnalysis::makeScalar(Operation *before, SymbolicExpression size) {
  Builder builder(raising.getContext());
  auto symbolValue = [&](SymbolicExpression symbol) -> Value {
    for (const onnx::SymbolDefinition &definition :
         raising.getShapes().getSymbols()) {
      if (definition.symbol != symbol)
        continue;
      if (!definition.isArgument || definition.divisor != 1 ||
          (definition.offset && !definition.offset.isConstant(0)))
        return nullptr;
      int64_t dim = definition.dimension;
      return raising.create(
          before, "Shape", {definition.value},
          {builder.getNamedAttr("start", builder.getI64IntegerAttr(dim)),
           builder.getNamedAttr("end", builder.getI64IntegerAttr(dim + 1))});
    }
    return nullptr;
  };
  Value sum;
  for (const SymbolicTerm &term : size.getTerms()) {
    Value product;
    for (const SymbolicAtom &factor : term.factors) {
      Value value = factor.getKind() == SymbolicAtom::Kind::Symbol
                        ? symbolValue(factor.getExpression())
                        : Value();
      if (!value)
        return nullptr;
      product =
          product ? raising.create(before, "Mul", {product, value}) : value;
    }
    if (!product)
      product = raising.integers(before, term.coefficient);
    else if (term.coefficient != 1)
      product = raising.create(
          before, "Mul", {product, raising.integers(before, term.coefficient)});
    sum = sum ? raising.create(before, "Add", {sum, product}) : product;
  }
  if (!sum)
    sum = raising.integers(before, 0);
  return raising.reshape(before, sum, ArrayRef<int64_t>());
}
