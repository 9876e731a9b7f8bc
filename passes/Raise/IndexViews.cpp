// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "IndexViews.h"

using namespace mlir;
using namespace mlir::trine;

bool AffineIndex::dependsOn(unsigned dim) const {
  return llvm::any_of(terms, [&](const Term &term) { return term.dim == dim; });
}

bool View::dependsOn(unsigned dim) const {
  return llvm::any_of(
      index, [&](const AffineIndex &each) { return each.dependsOn(dim); });
}

std::optional<unsigned> AffineIndex::getPlainDim() const {
  if (terms.size() != 1 || !offset.isConstant(0) ||
      !terms[0].coefficient.isConstant(1))
    return std::nullopt;
  return terms[0].dim;
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

SmallVector<unsigned> IndexSpace::leaves(unsigned dim) const {
  if (!splits[dim])
    return {dim};
  SmallVector<unsigned> result = leaves(splits[dim]->first);
  llvm::append_range(result, leaves(splits[dim]->second));
  return result;
}

AffineIndex IndexSpace::add(const AffineIndex &a, const AffineIndex &b) {
  AffineIndex sum = a;
  sum.offset = a.offset + b.offset;
  for (const AffineIndex::Term &term : b.terms) {
    auto *place = llvm::find_if(sum.terms, [&](const AffineIndex::Term &other) {
      return other.dim >= term.dim;
    });
    if (place == sum.terms.end() || place->dim != term.dim)
      sum.terms.insert(place, term);
    else if (place->coefficient = place->coefficient + term.coefficient;
             place->coefficient.isConstant(0))
      sum.terms.erase(place);
  }
  return sum;
}

AffineIndex IndexSpace::scale(const AffineIndex &a, SymbolicExpression factor) {
  if (factor.isConstant(0))
    return constant(0);
  AffineIndex product;
  product.offset = a.offset * factor;
  for (const AffineIndex::Term &term : a.terms)
    product.terms.push_back({term.dim, term.coefficient * factor});
  return product;
}

AffineIndex IndexSpace::normalize(const AffineIndex &index) {
  AffineIndex result = constant(index.offset);
  for (const AffineIndex::Term &term : index.terms) {
    AffineIndex part;
    if (splits[term.dim]) {
      auto [outer, inner] = *splits[term.dim];
      part = normalize(add(scale(plain(outer), extents[inner]), plain(inner)));
    } else {
      part = plain(term.dim);
    }
    result = add(result, scale(part, term.coefficient));
  }
  return result;
}

View IndexSpace::normalize(View view) {
  for (AffineIndex &index : view.index)
    index = normalize(index);
  return view;
}

/// Whether index < end, given that no coefficient is negative.
static bool isBelow(IndexSpace &space, const AffineIndex &index,
                    SymbolicExpression end) {
  SymbolicExpression largest = index.offset;
  for (const AffineIndex::Term &term : index.terms) {
    if (!isKnownNonNegative(term.coefficient))
      return false;
    largest = largest + term.coefficient * (space.extent(term.dim) - 1);
  }
  return isKnownLessOrEqual(largest + 1, end);
}

bool IndexSpace::isWithin(const AffineIndex &index, SymbolicExpression begin,
                          SymbolicExpression end) {
  return isKnownLessOrEqual(begin, index.offset) && isBelow(*this, index, end);
}

std::optional<std::pair<AffineIndex, AffineIndex>>
IndexSpace::divide(AffineIndex index, SymbolicExpression size) {
  for (unsigned attempt = 0; attempt < 4; ++attempt) {
    AffineIndex quotient = constant(0), rest = constant(0);
    for (const AffineIndex::Term &term : index.terms) {
      if (SymbolicExpression factor = divideExactly(term.coefficient, size))
        quotient = add(quotient, {{{term.dim, factor}}, number(0)});
      else
        rest = add(rest, {{term}, number(0)});
    }
    std::optional<int64_t> offset = index.offset.getConstant(),
                           divisor = size.getConstant();
    if (SymbolicExpression factor = divideExactly(index.offset, size)) {
      quotient.offset = factor;
    } else if (offset && divisor && *offset >= 0 && *divisor > 0) {
      quotient.offset = number(*offset / *divisor);
      rest.offset = number(*offset % *divisor);
    } else {
      rest.offset = index.offset;
    }
    if (isKnownNonNegative(rest.offset) && isBelow(*this, rest, size))
      return std::pair(quotient, rest);
    // An index that runs over several of `size` is two: which one, and where.
    bool split = false;
    for (const AffineIndex::Term &term : rest.terms) {
      SymbolicExpression inner = divideExactly(size, term.coefficient);
      if (!inner || inner.isConstant(1))
        continue;
      SymbolicExpression outer = divideExactly(extents[term.dim], inner);
      if (!outer || outer.isConstant(1))
        continue;
      unsigned outerDim = addDim(outer), innerDim = addDim(inner);
      splits[term.dim] = {outerDim, innerDim};
      split = true;
      break;
    }
    if (!split)
      return std::nullopt;
    index = normalize(index);
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

std::optional<View> IndexSpace::broadcast(Value value,
                                          ArrayRef<AffineIndex> index) {
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  if (!raising.getShapes().hasShape(value) || dims.size() > index.size())
    return std::nullopt;
  View view{value, {}};
  for (auto [size, aligned] :
       llvm::zip_equal(dims, index.take_back(dims.size())))
    view.index.push_back(size.isConstant(1) ? constant(0) : aligned);
  return view;
}

std::optional<View> IndexSpace::backReshape(const View &view, Value source) {
  ArrayRef<SymbolicExpression> from = raising.dims(source),
                               to = raising.dims(view.value);
  View result{source, SmallVector<AffineIndex>(from.size(), constant(0))};
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && from[i].isConstant(1)) {
      ++i;
      continue;
    }
    if (j < to.size() && to[j].isConstant(1)) {
      ++j;
      continue;
    }
    if (i == from.size() || j == to.size())
      return std::nullopt;
    // The shortest runs of dims with equally many elements.
    size_t firstFrom = i, firstTo = j;
    SymbolicExpression left = from[i++], right = to[j++];
    while (left != right) {
      if (left.isConstant(0) || right.isConstant(0))
        return std::nullopt;
      if (divideExactly(left, right)) {
        if (j == to.size())
          return std::nullopt;
        right = right * to[j++];
      } else if (divideExactly(right, left) || i < from.size()) {
        if (i == from.size())
          return std::nullopt;
        left = left * from[i++];
      } else {
        return std::nullopt;
      }
    }
    AffineIndex linear = constant(0);
    for (size_t dim = firstTo; dim < j; ++dim)
      linear = add(scale(linear, to[dim]), view.index[dim]);
    for (size_t dim = i; dim-- > firstFrom + 1;) {
      std::optional<std::pair<AffineIndex, AffineIndex>> parts =
          divide(normalize(linear), from[dim]);
      if (!parts)
        return std::nullopt;
      linear = parts->first;
      result.index[dim] = parts->second;
    }
    result.index[firstFrom] = linear;
  }
  return normalize(result);
}

std::optional<View> IndexSpace::backSlice(const View &view, onnx::SliceOp op) {
  onnx::ShapeAnalysis &shapes = raising.getShapes();
  Value data = op->getOperand(0);
  auto contents = [&](unsigned operand) {
    return op->getNumOperands() > operand &&
                   shapes.hasShape(op->getOperand(operand))
               ? shapes.getContents(op->getOperand(operand))
               : std::nullopt;
  };
  std::optional<ArrayRef<SymbolicExpression>> starts = contents(1),
                                              axes = contents(3),
                                              steps = contents(4);
  if (!starts)
    return std::nullopt;
  bool hasAxes = op->getNumOperands() > 3 &&
                 !isa<NoneType>(op->getOperand(3).getType()),
       hasSteps = op->getNumOperands() > 4 &&
                  !isa<NoneType>(op->getOperand(4).getType());
  if ((hasAxes && !axes) || (hasSteps && !steps))
    return std::nullopt;
  View result{data, view.index};
  ArrayRef<SymbolicExpression> dims = raising.dims(data);
  for (auto [i, start] : llvm::enumerate(*starts)) {
    std::optional<int64_t> axis =
        hasAxes ? (*axes)[i].getConstant() : static_cast<int64_t>(i);
    std::optional<int64_t> step = hasSteps ? (*steps)[i].getConstant() : 1;
    if (!axis || !step || *step < 1)
      return std::nullopt;
    int64_t dim = *axis < 0 ? *axis + dims.size() : *axis;
    SymbolicExpression begin = start;
    if (std::optional<int64_t> known = start.getConstant(); known && *known < 0)
      begin = dims[dim] + start;
    if (!isKnownNonNegative(begin) || !isKnownLessOrEqual(begin, dims[dim]))
      return std::nullopt;
    result.index[dim] =
        add(scale(view.index[dim], number(*step)), constant(begin));
  }
  return result;
}

std::optional<View> IndexSpace::backConcat(const View &view,
                                           onnx::ConcatOp op) {
  int64_t axis = raising.normalAxis(op.getAxis(), view.value);
  SymbolicExpression begin = number(0);
  for (Value part : op->getOperands()) {
    SymbolicExpression end = begin + raising.dims(part)[axis];
    if (isWithin(view.index[axis], begin, end)) {
      View result{part, view.index};
      result.index[axis].offset = result.index[axis].offset - begin;
      return result;
    }
    begin = end;
  }
  return std::nullopt;
}

std::optional<View> IndexSpace::backSplit(const View &view, onnx::SplitOp op) {
  Value data = op->getOperand(0);
  int64_t axis = raising.normalAxis(op.getAxis(), data);
  SymbolicExpression begin = number(0);
  for (Value part : op->getResults()) {
    if (part == view.value) {
      View result{data, view.index};
      result.index[axis].offset = result.index[axis].offset + begin;
      return result;
    }
    begin = begin + raising.dims(part)[axis];
  }
  return std::nullopt;
}

std::optional<View> IndexSpace::back(const View &original) {
  View view = normalize(original);
  Operation *op = view.value.getDefiningOp();
  if (!op || op->getNumOperands() == 0 ||
      !raising.getShapes().hasShape(op->getOperand(0)))
    return std::nullopt;
  Value source = op->getOperand(0);
  if (isa<onnx::ReshapeOp, onnx::UnsqueezeOp, onnx::SqueezeOp, onnx::FlattenOp>(
          op))
    return backReshape(view, source);
  if (auto transpose = dyn_cast<onnx::TransposeOp>(op)) {
    int64_t rank = raising.rank(source);
    View result{source, SmallVector<AffineIndex>(rank)};
    std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
    for (int64_t i = 0; i < rank; ++i)
      result.index[perm ? (*perm)[i] : rank - 1 - i] = view.index[i];
    return result;
  }
  if (isa<onnx::ExpandOp>(op))
    return broadcast(source, view.index);
  if (isa<onnx::IdentityOp>(op))
    return View{source, view.index};
  if (auto slice = dyn_cast<onnx::SliceOp>(op))
    return backSlice(view, slice);
  if (auto concat = dyn_cast<onnx::ConcatOp>(op))
    return backConcat(view, concat);
  if (auto split = dyn_cast<onnx::SplitOp>(op))
    return backSplit(view, split);
  return std::nullopt;
}

View IndexSpace::backAll(View view) {
  while (std::optional<View> next = back(view))
    view = *next;
  return normalize(view);
}

//===----------------------------------------------------------------------===//
// Tensors from views
//===----------------------------------------------------------------------===//

bool IndexSpace::listDims(const AffineIndex &index,
                          SmallVectorImpl<unsigned> &dims) {
  SymbolicExpression stride = number(1);
  for (size_t i = 0; i < index.terms.size(); ++i) {
    const auto *term =
        llvm::find_if(index.terms, [&](const AffineIndex::Term &term) {
          return term.coefficient == stride &&
                 !llvm::is_contained(dims, term.dim);
        });
    if (term == index.terms.end())
      return false;
    dims.insert(dims.begin(), term->dim);
    stride = stride * extents[term->dim];
  }
  return true;
}

SymbolicExpression IndexSpace::sizeOf(ArrayRef<unsigned> dims) {
  SymbolicExpression size = number(1);
  for (unsigned dim : dims)
    size = size * extents[dim];
  return size;
}

bool IndexSpace::isInOrder(const View &original, ArrayRef<unsigned> wholeDims) {
  View view = normalize(original);
  SmallVector<unsigned> dims;
  for (unsigned dim : wholeDims)
    llvm::append_range(dims, leaves(dim));
  const unsigned *next = dims.begin(), *end = dims.end();
  for (auto [index, size] :
       llvm::zip_equal(view.index, raising.dims(view.value))) {
    if (size.isConstant(1))
      continue;
    SmallVector<unsigned> parts;
    if (!index.offset.isConstant(0) || !listDims(index, parts) ||
        sizeOf(parts) != size)
      return false;
    for (unsigned dim : parts) {
      next = std::find(next, end, dim);
      if (next == end)
        return false;
      ++next;
    }
  }
  return true;
}

bool IndexSpace::broadcastsTo(const View &original, ArrayRef<unsigned> dims) {
  View view = normalize(original);
  if (view.index.size() > dims.size())
    return false;
  ArrayRef<unsigned> aligned = dims.take_back(view.index.size());
  auto isWide = [&](unsigned dim) { return !extent(dim).isConstant(1); };
  for (auto [index, size, dim] :
       llvm::zip_equal(view.index, raising.dims(view.value), aligned)) {
    if (size.isConstant(1))
      continue;
    SmallVector<unsigned> parts;
    if (!index.offset.isConstant(0) || !listDims(index, parts) ||
        sizeOf(parts) != size ||
        !llvm::equal(llvm::make_filter_range(parts, isWide),
                     llvm::make_filter_range(leaves(dim), isWide)))
      return false;
  }
  return true;
}

Value IndexSpace::reshapeTo(Operation *before, Value value,
                            ArrayRef<SymbolicExpression> sizes) {
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  if (dims == sizes)
    return value;
  Builder builder(raising.getContext());
  auto allowZero =
      builder.getNamedAttr("allowzero", builder.getI64IntegerAttr(1));
  SmallVector<int64_t> numbers;
  for (SymbolicExpression size : sizes)
    numbers.push_back(size.getConstant().value_or(-1));
  if (llvm::count(numbers, -1) <= 1)
    return raising.reshape(before, value, numbers);
  SmallVector<Value> parts;
  bool hasRest = false;
  for (SymbolicExpression size : sizes) {
    const SymbolicExpression *found = llvm::find(dims, size);
    if (size.isConstant()) {
      parts.push_back(raising.integers(before, *size.getConstant()));
    } else if (found != dims.end()) {
      int64_t dim = found - dims.begin();
      parts.push_back(raising.create(
          before, "Shape", {value},
          {builder.getNamedAttr("start", builder.getI64IntegerAttr(dim)),
           builder.getNamedAttr("end", builder.getI64IntegerAttr(dim + 1))}));
    } else if (!hasRest) {
      hasRest = true;
      parts.push_back(raising.integers(before, -1));
    } else {
      return nullptr;
    }
  }
  Value shape = raising.concat(before, parts, 0);
  return raising.create(before, "Reshape", {value, shape}, allowZero);
}

Value IndexSpace::materialize(Operation *before, const View &original,
                              ArrayRef<SmallVector<unsigned>> groups) {
  View view = normalize(original);
  Value value = view.value;
  SmallVector<SymbolicExpression> sizes(raising.dims(value));
  // The dims of the space in the order of the value.
  SmallVector<unsigned> present;
  for (auto [axis, index] : llvm::enumerate(view.index)) {
    if (sizes[axis].isConstant(1))
      continue;
    SmallVector<unsigned> parts;
    if (!listDims(index, parts))
      return nullptr;
    llvm::append_range(present, parts);
    SymbolicExpression extent = sizeOf(parts);
    if (extent == sizes[axis])
      continue;
    std::optional<int64_t> begin = index.offset.getConstant(),
                           length = extent.getConstant();
    if (!begin || !length)
      return nullptr;
    value = raising.slice(before, value, axis, *begin, *begin + *length);
    sizes[axis] = extent;
  }
  SmallVector<unsigned> wanted;
  SmallVector<SymbolicExpression> target;
  for (const SmallVector<unsigned> &group : groups) {
    SmallVector<unsigned> inGroup;
    for (unsigned dim : group)
      for (unsigned part : leaves(dim))
        if (llvm::is_contained(present, part))
          inGroup.push_back(part);
    llvm::append_range(wanted, inGroup);
    target.push_back(sizeOf(inGroup));
  }
  if (wanted.size() != present.size() ||
      llvm::SmallDenseSet<unsigned>(present.begin(), present.end()).size() !=
          present.size())
    return nullptr;
  if (present != wanted) {
    // Without the dims of size 1, then in order.
    SmallVector<SymbolicExpression> squeezed;
    SmallVector<int64_t> permutation;
    for (unsigned dim : present)
      squeezed.push_back(extents[dim]);
    value = reshapeTo(before, value, squeezed);
    if (!value)
      return nullptr;
    for (unsigned dim : wanted)
      permutation.push_back(llvm::find(present, dim) - present.begin());
    value = raising.transpose(before, value, permutation);
  }
  return reshapeTo(before, value, target);
}
