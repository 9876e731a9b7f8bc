// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each symbolic size is computed once, from the sizes of the function's
// arguments where it does not hang on data.
#include "SizeValues.h"

using namespace mlir;
using namespace mlir::trine;

/// Larger expressions stay as the graph computes them.
constexpr uint32_t maximumSizeExpression = 64;

bool SizeValues::hangsOnData(SymbolicExpression expression) {
  if (!knowsArguments) {
    for (auto [index, definition] : llvm::enumerate(shapes.getSymbols()))
      if (definition.isArgument)
        arguments[definition.symbol] = index;
    knowsArguments = true;
  }
  return !walkSymbols(expression, [&](SymbolicExpression symbol) {
    return arguments.contains(symbol);
  });
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Operation *SizeValues::build(StringRef name, ArrayRef<Value> operands,
                             ArrayRef<NamedAttribute> attributes,
                             bool atEntry) {
  Location loc = before ? before->getLoc() : function.getLoc();
  if (!atEntry)
    builder.setInsertionPoint(before);
  else if (last)
    builder.setInsertionPointAfter(last);
  else
    builder.setInsertionPointToStart(&function.getBody().front());
  OperationState state(loc, ("onnx." + name).str(), operands,
                       UnrankedTensorType::get(builder.getF32Type()),
                       attributes);
  Operation *op = builder.create(state);
  made.insert(op);
  if (atEntry)
    last = op;
  if (failed(shapes.visit(op)))
    isBroken = true;
  return op;
}

SmallVector<Operation *> SizeValues::takeUnused() {
  SmallVector<Operation *> unused;
  // Users come after what they use.
  for (Operation *op : llvm::reverse(made))
    if (op->use_empty()) {
      op->remove();
      op->dropAllReferences();
      unused.push_back(op);
    }
  made.clear();
  last = nullptr;
  constants.clear();
  values.clear();
  scalars.clear();
  lists.clear();
  return unused;
}

Value SizeValues::constant(DenseElementsAttr value) {
  Value &known = constants[value];
  if (!known)
    known = build("Constant", {}, builder.getNamedAttr("value", value),
                  /*atEntry=*/true)
                ->getResult(0);
  return known;
}

Value SizeValues::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    builder.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

Value SizeValues::adopt(Operation *constantOp, Attribute value) {
  Value &known = constants[value];
  if (known)
    return known;
  known = constantOp->getResult(0);
  if (last)
    constantOp->moveAfter(last);
  else
    constantOp->moveBefore(&function.getBody().front(),
                           function.getBody().front().begin());
  last = constantOp;
  return known;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value SizeValues::makeAtom(SymbolicAtom atom, bool atEntry) {
  auto make = [&](StringRef name, ArrayRef<Value> operands) {
    return build(name, operands, {}, atEntry)->getResult(0);
  };
  ArrayRef<SymbolicExpression> operands = atom.getOperands();
  SmallVector<Value> values;
  if (atom.getKind() != SymbolicAtom::Kind::Symbol)
    for (SymbolicExpression operand : operands) {
      values.push_back(one(operand));
      if (!values.back())
        return {};
    }
  // ONNX rounds quotients to zero.
  auto dividesDown = [&] {
    return isKnownNonNegative(operands[0]) && isKnownPositive(operands[1]);
  };
  switch (atom.getKind()) {
  case SymbolicAtom::Kind::Symbol: {
    bool hangs = hangsOnData(atom.getExpression());
    auto found = arguments.find(atom.getExpression());
    const onnx::SymbolDefinition *definition = nullptr;
    if (!hangs) {
      definition = &shapes.getSymbols()[found->second];
    } else if (current && before &&
               before->getBlock() == &function.getBody().front()) {
      // Rare: sizes that hang on data. Made in a body of If or Loop, they could
      // not be used again behind it.
      for (const onnx::SymbolDefinition &candidate :
           llvm::reverse(shapes.getSymbols()))
        if (candidate.symbol == atom.getExpression())
          definition = &candidate;
    }
    if (!definition)
      return {};
    Value value = definition->value;
    Operation *maker = value.getDefiningOp();
    // The op at hand does not exist yet for itself.
    if (value.getParentBlock() != &function.getBody().front() ||
        (maker && maker == before))
      return {};
    if (hangs)
      value = current(value);
    int64_t dimension = definition->dimension;
    NamedAttribute range[] = {
        builder.getNamedAttr("end", builder.getI64IntegerAttr(dimension + 1)),
        builder.getNamedAttr("start", builder.getI64IntegerAttr(dimension))};
    SymbolicExpression offset = definition->offset;
    int64_t divisor = definition->divisor;
    Value size = build("Shape", value, range, atEntry)->getResult(0);
    if (offset && !offset.isConstant(0)) {
      Value less = one(offset);
      if (!less)
        return {};
      size = make("Sub", {size, less});
    }
    if (divisor != 1)
      size = make("Div", {size, integers(divisor)});
    return size;
  }
  case SymbolicAtom::Kind::FloorDiv:
    return dividesDown() ? make("Div", values) : Value();
  case SymbolicAtom::Kind::Mod:
    return dividesDown() ? make("Mod", values) : Value();
  case SymbolicAtom::Kind::Max:
    return make("Max", values);
  case SymbolicAtom::Kind::Min:
    return make("Min", values);
  case SymbolicAtom::Kind::CeilDiv:
  case SymbolicAtom::Kind::Sum:
  case SymbolicAtom::Kind::Product:
    return {};
  }
  return {};
}

Value SizeValues::make(SymbolicExpression expression) {
  if (std::optional<int64_t> value = expression.getConstant())
    return integers(*value);
  if (expression.getSize() > maximumSizeExpression)
    return {};
  bool atEntry = !hangsOnData(expression);
  auto make = [&](StringRef name, Value a, Value b) {
    return build(name, {a, b}, {}, atEntry)->getResult(0);
  };
  Value sum;
  for (const SymbolicTerm &term : expression.getTerms()) {
    Value product;
    for (SymbolicAtom factor : term.factors) {
      bool isWhole = term.factors.size() == 1 && term.coefficient == 1 &&
                     expression.getTerms().size() == 1;
      Value value =
          isWhole ? makeAtom(factor, atEntry) : one(factor.getExpression());
      if (!value)
        return {};
      product = product ? make("Mul", product, value) : value;
    }
    if (!product)
      product = integers(term.coefficient);
    else if (term.coefficient != 1)
      product = make("Mul", product, integers(term.coefficient));
    sum = sum ? make("Add", sum, product) : product;
  }
  // What the analysis does not read back as the same size is of no use.
  auto contents = shapes.getContents(sum);
  return contents && contents->size() == 1 && contents->front() == expression
             ? sum
             : Value();
}

/// A size as an i64 tensor of one element; null where it cannot be made.
Value SizeValues::one(SymbolicExpression expression) {
  auto found = values.find(expression);
  if (found != values.end())
    return found->second;
  Value value = make(expression);
  // What could not be made here may be possible later.
  if (value)
    values[expression] = value;
  return value;
}

Value SizeValues::list(ArrayRef<SymbolicExpression> sizes, Operation *at) {
  before = at;
  SmallVector<int64_t> numbers;
  for (SymbolicExpression value : sizes)
    if (std::optional<int64_t> number = value.getConstant())
      numbers.push_back(*number);
  if (numbers.size() == sizes.size())
    return integers(numbers);
  if (sizes.size() == 1)
    return one(sizes[0]);
  SmallVector<const void *> key;
  for (SymbolicExpression value : sizes)
    key.push_back(value.getStorage());
  auto found = lists.find(key);
  if (found != lists.end())
    return found->second;
  SmallVector<Value> parts;
  bool atEntry = true;
  for (size_t i = 0; i < sizes.size();) {
    // Neighbouring numbers are one constant.
    numbers.clear();
    for (; i < sizes.size(); ++i) {
      std::optional<int64_t> number = sizes[i].getConstant();
      if (!number)
        break;
      numbers.push_back(*number);
    }
    if (!numbers.empty())
      parts.push_back(integers(numbers));
    if (i == sizes.size())
      break;
    parts.push_back(one(sizes[i]));
    if (!parts.back())
      return {};
    atEntry &= !hangsOnData(sizes[i]);
    ++i;
  }
  Value joined =
      build("Concat", parts,
            builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)), atEntry)
          ->getResult(0);
  lists[ArrayRef<const void *>(key).copy(allocator)] = joined;
  return joined;
}

Value SizeValues::scalar(SymbolicExpression size, Operation *at) {
  Value value = list(size, at);
  if (!value)
    return {};
  Value &scalar = scalars[value];
  if (!scalar) {
    Value noSizes = integers(ArrayRef<int64_t>());
    scalar =
        build("Reshape", {value, noSizes},
              builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)),
              !hangsOnData(size))
            ->getResult(0);
  }
  return scalar;
}
