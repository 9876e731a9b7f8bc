// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form of ops that only look at a tensor in another way:
// reshapes, transposes, expansions.
#include "NormalizeONNX.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = SmallVector<SymbolicExpression>;

/// Constants are made up to this size, as the importer does.
constexpr int64_t maximumConstantBytes = 1024;

static bool isUnit(SymbolicExpression size) { return size.isConstant(1); }

/// The dimensions that are not of size 1.
static SmallVector<int64_t> wideDims(ArrayRef<SymbolicExpression> sizes) {
  SmallVector<int64_t> dims;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (!isUnit(size))
      dims.push_back(dim);
  return dims;
}

static Sizes pick(ArrayRef<SymbolicExpression> sizes, ArrayRef<int64_t> dims) {
  Sizes picked;
  for (int64_t dim : dims)
    picked.push_back(sizes[dim]);
  return picked;
}

/// Whether two shapes differ in dimensions of size 1 only.
static bool haveSameWideSizes(ArrayRef<SymbolicExpression> a,
                              ArrayRef<SymbolicExpression> b) {
  return pick(a, wideDims(a)) == pick(b, wideDims(b));
}

static SmallVector<int64_t> permutationOf(onnx::TransposeOp op, int64_t rank) {
  if (std::optional<ArrayRef<int64_t>> permutation = op.getPerm())
    return llvm::to_vector(*permutation);
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

/// Sizes as a number of elements in a type; nothing when one is not a number.
static std::optional<SmallVector<int64_t>>
numbersOf(ArrayRef<SymbolicExpression> sizes) {
  SmallVector<int64_t> numbers;
  for (SymbolicExpression size : sizes) {
    std::optional<int64_t> number = size.getConstant();
    if (!number)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// A Transpose between two Reshapes of which the first only joins neighbours
/// and the second parts them again: the transposed input with whole groups
/// moved; null for others.
static Value transposeOfGroups(Value value, ArrayRef<SymbolicExpression> target,
                               ONNXNormalizer &n) {
  auto transpose = producer<onnx::TransposeOp>(value);
  auto reshape = transpose ? producer<onnx::ReshapeOp>(transpose.getData())
                           : onnx::ReshapeOp();
  if (!reshape)
    return {};
  Value input = reshape.getData();
  ArrayRef<SymbolicExpression> from = n.dims(input),
                               joined = n.dims(reshape.getReshaped());
  // The run of input dimensions that each joined one stands for.
  SmallVector<SmallVector<int64_t>> groups(joined.size());
  size_t next = 0;
  for (auto [group, size] : llvm::zip_equal(groups, joined)) {
    SymbolicExpression product = n.number(1);
    while (product != size) {
      if (next == from.size())
        return {};
      product = product * from[next];
      group.push_back(next++);
    }
  }
  for (; next < from.size(); ++next) {
    if (!isUnit(from[next]) || groups.empty())
      return {};
    groups.back().push_back(next);
  }
  SmallVector<int64_t> permutation;
  for (int64_t dim : permutationOf(transpose, joined.size()))
    permutation.append(groups[dim]);
  if (!haveSameWideSizes(pick(from, permutation), target))
    return {};
  return n.transpose(input, permutation);
}

Value ONNXNormalizer::reshape(Value value, ArrayRef<SymbolicExpression> target,
                              Value fallback) {
  Sizes kept(target);
  target = kept;
  while (auto inner = producer<onnx::ReshapeOp>(value))
    value = inner.getData();
  if (dims(value) == target)
    return value;
  std::optional<SmallVector<int64_t>> numbers = numbersOf(target);
  if (DenseElementsAttr attribute = constantOf(value); attribute && numbers) {
    auto type = RankedTensorType::get(*numbers, attribute.getElementType());
    if (type.getNumElements() == attribute.getNumElements())
      return constant(attribute.reshape(type));
  }
  if (auto filled = producer<onnx::ExpandOp>(value))
    if (filledWith(value))
      if (Value expanded = expand(filled.getInput(), target))
        return expanded;
  if (Value moved = transposeOfGroups(value, target, *this))
    if (Value reshaped = reshape(moved, target))
      return reshaped;
  // The same halves under more or fewer dimensions of size 1 stay the same.
  int64_t axis, count;
  if (Value part = repeatedBy(value, axis, count);
      part && !isUnit(dims(value)[axis]) &&
      haveSameWideSizes(dims(value), target)) {
    SmallVector<int64_t> from = wideDims(dims(value)), to = wideDims(target);
    int64_t newAxis = to[llvm::find(from, axis) - from.begin()];
    Sizes partSizes(target);
    partSizes[newAxis] = dims(part)[axis];
    if (Value reshaped = reshape(part, partSizes))
      return concat(SmallVector<Value>(count, reshaped), newAxis);
  }

  auto make = [&](Value shape) {
    return createAsIs(
        "Reshape", {value, shape},
        builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1)));
  };
  SmallVector<int64_t> shape;
  int64_t unknown = 0;
  bool hasZero = false;
  for (SymbolicExpression size : target) {
    std::optional<int64_t> number = size.getConstant();
    shape.push_back(number.value_or(-1));
    unknown += !number;
    hasZero |= number && *number == 0;
  }
  if (unknown == 0 || (unknown == 1 && !hasZero)) {
    Value reshaped = make(integers(shape));
    if (dims(reshaped) == target)
      return reshaped;
  }
  if (Value list = sizes(target)) {
    Value reshaped = make(list);
    if (dims(reshaped) == target)
      return reshaped;
  }
  return fallback ? make(fallback) : Value();
}

static Replacement rewriteReshape(Operation *op, ONNXNormalizer &n) {
  Value fallback;
  if (auto reshape = dyn_cast<onnx::ReshapeOp>(op)) {
    // Zeros of another meaning stay.
    if (reshape.getAllowzero() == 1)
      fallback = reshape.getShape();
  }
  Value result = op->getResult(0);
  Value value = n.reshape(op->getOperand(0), n.dims(result), fallback);
  return n.unlessEqual(op, value);
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

Value ONNXNormalizer::transpose(Value value, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> order(permutation);
  while (auto inner = producer<onnx::TransposeOp>(value)) {
    SmallVector<int64_t> before = permutationOf(inner, order.size());
    for (int64_t &dim : order)
      dim = before[dim];
    value = inner.getData();
  }
  if (llvm::is_sorted(order))
    return value;
  Sizes target = pick(dims(value), order);
  SmallVector<int64_t> wide;
  for (int64_t dim : order)
    if (!isUnit(dims(value)[dim]))
      wide.push_back(dim);
  if (llvm::is_sorted(wide))
    if (Value reshaped = reshape(value, target))
      return reshaped;
  if (producer<onnx::ExpandOp>(value) && filledWith(value))
    if (Value expanded =
            expand(producer<onnx::ExpandOp>(value).getInput(), target))
      return expanded;
  return createAsIs(
      "Transpose", value,
      builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(order)));
}

static Replacement rewriteTranspose(Operation *op, ONNXNormalizer &n) {
  auto transpose = cast<onnx::TransposeOp>(op);
  SmallVector<int64_t> order =
      permutationOf(transpose, n.rank(transpose.getData()));
  return n.unlessEqual(op, n.transpose(transpose.getData(), order));
}

//===----------------------------------------------------------------------===//
// Expand, Tile, ConstantOfShape
//===----------------------------------------------------------------------===//

Value ONNXNormalizer::expand(Value value, ArrayRef<SymbolicExpression> target,
                             Value fallback) {
  Sizes kept(target);
  target = kept;
  while (auto inner = producer<onnx::ExpandOp>(value))
    value = inner.getInput();
  // One number needs no sizes of its own.
  if (DenseElementsAttr attribute = constantOf(value);
      attribute && attribute.isSplat() && attribute.getNumElements() > 0) {
    if (std::optional<SmallVector<int64_t>> numbers = numbersOf(target)) {
      auto type = RankedTensorType::get(*numbers, attribute.getElementType());
      int64_t width = type.getElementTypeBitWidth();
      if (width * type.getNumElements() <= 8 * maximumConstantBytes)
        return constant(attribute.resizeSplat(type));
    }
    value = constant(attribute.resizeSplat(
        RankedTensorType::get({}, attribute.getElementType())));
  }
  if (dims(value) == target)
    return value;
  // Leading dimensions of size 1 come by themselves.
  if (auto reshape = producer<onnx::ReshapeOp>(value)) {
    ArrayRef<SymbolicExpression> from = dims(reshape.getData()),
                                 to = dims(value);
    if (from.size() < to.size() && to.take_back(from.size()) == from &&
        llvm::all_of(to.drop_back(from.size()), isUnit))
      value = reshape.getData();
  }
  Value shape = sizes(target);
  if (!shape)
    shape = fallback;
  if (!shape)
    return {};
  return createAsIs("Expand", {value, shape});
}

static Replacement rewriteExpand(Operation *op, ONNXNormalizer &n) {
  auto expand = cast<onnx::ExpandOp>(op);
  // Sizes that hang on data: the operand says them, if it says them all.
  bool saysAll = n.dims(expand.getShape())[0].isConstant(n.rank(expand));
  Value value = n.expand(expand.getInput(), n.dims(expand),
                         saysAll ? expand.getShape() : Value());
  return n.unlessEqual(op, value);
}

/// [d] repeated r times is [1, d] expanded to [r, d] as [r*d].
static Replacement rewriteTile(Operation *op, ONNXNormalizer &n) {
  auto tile = cast<onnx::TileOp>(op);
  std::optional<ArrayRef<SymbolicExpression>> repeats =
      n.getShapes().getContents(tile.getRepeats());
  Value input = tile.getInput();
  if (!repeats || static_cast<int64_t>(repeats->size()) != n.rank(input))
    return {};
  Sizes parted, expanded;
  for (auto [size, count] : llvm::zip_equal(n.dims(input), *repeats)) {
    if (!isKnownNonNegative(count))
      return {};
    if (!isUnit(size) && !isUnit(count)) {
      parted.push_back(n.number(1));
      expanded.push_back(count);
      parted.push_back(size);
      expanded.push_back(size);
    } else {
      parted.push_back(size);
      expanded.push_back(isUnit(size) ? count : size);
    }
  }
  Value value = n.reshape(input, parted);
  if (value)
    value = n.expand(value, expanded);
  if (value)
    value = n.reshape(value, n.dims(tile));
  return value ? Replacement{value} : Replacement();
}

static Replacement rewriteConstantOfShape(Operation *op, ONNXNormalizer &n) {
  auto fill = cast<onnx::ConstantOfShapeOp>(op);
  auto number = dyn_cast_or_null<DenseElementsAttr>(
      fill.getValue() ? *fill.getValue() : ElementsAttr());
  if (fill.getValue() && !number)
    return {};
  if (!number) {
    Type f32 = n.getBuilder().getF32Type();
    number = DenseElementsAttr::get(RankedTensorType::get({}, f32),
                                    n.getBuilder().getF32FloatAttr(0));
  }
  if (number.getElementType() != ONNXNormalizer::elementType(fill))
    return {};
  Value scalar = n.constant(
      number.resizeSplat(RankedTensorType::get({}, number.getElementType())));
  Value value = n.expand(scalar, n.dims(fill), fill.getInput());
  return value ? Replacement{value} : Replacement();
}

static Replacement dropOp(Operation *op, ONNXNormalizer &) {
  return {op->getOperand(0)};
}

void mlir::trine::addViewRewrites(NormalizeTable &table) {
  for (StringRef name :
       {"onnx.Reshape", "onnx.Unsqueeze", "onnx.Squeeze", "onnx.Flatten"})
    table[name].push_back(rewriteReshape);
  table["onnx.Transpose"].push_back(rewriteTranspose);
  table["onnx.Expand"].push_back(rewriteExpand);
  table["onnx.Tile"].push_back(rewriteTile);
  table["onnx.ConstantOfShape"].push_back(rewriteConstantOfShape);
  table["onnx.Identity"].push_back(dropOp);
}
