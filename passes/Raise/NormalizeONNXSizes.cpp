// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes as values: each symbolic size is computed once, from the sizes of the
// function's arguments where it does not hang on data.
#include "NormalizeONNX.h"

using namespace mlir;
using namespace mlir::trine;

/// Larger expressions stay as the graph computes them.
constexpr uint32_t maximumSizeExpression = 64;
/// Longer lists of sizes that are not all numbers stay as they are.
constexpr size_t maximumSizeList = 16;

/// Whether `expression` has a symbol that is not a size of an argument.
bool ONNXNormalizer::hangsOnData(SymbolicExpression expression) {
  return !walkSymbols(expression, [&](SymbolicExpression symbol) {
    return symbolIndex.contains(symbol);
  });
}

Value ONNXNormalizer::atomSize(SymbolicAtom atom, bool atEntry) {
  auto make = [&](StringRef name, ArrayRef<Value> operands) {
    return build(name, operands, {}, atEntry)->getResult(0);
  };
  ArrayRef<SymbolicExpression> operands = atom.getOperands();
  SmallVector<Value> values;
  if (atom.getKind() != SymbolicAtom::Kind::Symbol)
    for (SymbolicExpression operand : operands) {
      values.push_back(sizeOf(operand));
      if (!values.back())
        return {};
    }
  // ONNX rounds quotients to zero.
  auto dividesDown = [&] {
    return isKnownNonNegative(operands[0]) && isKnownPositive(operands[1]);
  };
  switch (atom.getKind()) {
  case SymbolicAtom::Kind::Symbol: {
    auto found = symbolIndex.find(atom.getExpression());
    const onnx::SymbolDefinition *definition = nullptr;
    if (found != symbolIndex.end()) {
      definition = &shapes.getSymbols()[found->second];
    } else {
      // Rare: sizes that hang on data.
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
    if (maker && (maker->getBlock() != &function.getBody().front() ||
                  maker == &*builder.getInsertionPoint()))
      return {};
    int64_t dimension = definition->dimension;
    NamedAttribute range[] = {
        builder.getNamedAttr("end", builder.getI64IntegerAttr(dimension + 1)),
        builder.getNamedAttr("start", builder.getI64IntegerAttr(dimension))};
    SymbolicExpression offset = definition->offset;
    int64_t divisor = definition->divisor;
    Value size = build("Shape", current(value), range, atEntry)->getResult(0);
    if (offset && !offset.isConstant(0)) {
      Value less = sizeOf(offset);
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

Value ONNXNormalizer::makeSize(SymbolicExpression expression) {
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
          isWhole ? atomSize(factor, atEntry) : sizeOf(factor.getExpression());
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
Value ONNXNormalizer::sizeOf(SymbolicExpression expression) {
  auto found = sizeValues.find(expression);
  if (found != sizeValues.end())
    return found->second;
  Value value = makeSize(expression);
  // What could not be made here may be possible later.
  if (value)
    sizeValues[expression] = value;
  return value;
}

Value ONNXNormalizer::sizes(ArrayRef<SymbolicExpression> values) {
  SmallVector<int64_t> numbers;
  for (SymbolicExpression value : values)
    if (std::optional<int64_t> number = value.getConstant())
      numbers.push_back(*number);
  if (numbers.size() == values.size())
    return integers(numbers);
  if (values.size() == 1)
    return sizeOf(values[0]);
  SmallVector<const void *> key;
  for (SymbolicExpression value : values)
    key.push_back(value.getStorage());
  auto found = sizeLists.find(key);
  if (found != sizeLists.end())
    return found->second;
  SmallVector<Value> parts;
  bool atEntry = true;
  for (size_t i = 0; i < values.size();) {
    // Neighbouring numbers are one constant.
    numbers.clear();
    for (; i < values.size(); ++i) {
      std::optional<int64_t> number = values[i].getConstant();
      if (!number)
        break;
      numbers.push_back(*number);
    }
    if (!numbers.empty())
      parts.push_back(integers(numbers));
    if (i == values.size())
      break;
    parts.push_back(sizeOf(values[i]));
    if (!parts.back())
      return {};
    atEntry &= !hangsOnData(values[i]);
    ++i;
  }
  Value list =
      build("Concat", parts,
            builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)), atEntry)
          ->getResult(0);
  sizeLists[ArrayRef<const void *>(key).copy(allocator)] = list;
  return list;
}

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
  Value list = sizes(elements);
  if (!list || type.getRank() == 1)
    return list;
  Value &scalar = scalarSizes[list];
  if (!scalar)
    scalar =
        build("Reshape", {list, integers(ArrayRef<int64_t>())},
              builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)),
              !hangsOnData(elements.front()))
            ->getResult(0);
  return scalar;
}
