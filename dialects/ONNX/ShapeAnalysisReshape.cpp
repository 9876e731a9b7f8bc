// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators that read or change shapes and keep elements.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// The result holds the operand's elements in the same order.
static void keepElements(Inference &inference) {
  inference.copyRange(0, 0);
  if (std::optional<ArrayRef<Expression>> elements = inference.contents(0))
    inference.setContents(0, *elements);
  Expression distinct = inference.information(0).distinctCount;
  inference.analysis.values[inference.op->getResult(0)].distinctCount =
      distinct;
}

static LogicalResult inferIdentity(Inference &inference) {
  inference.setShape(0, inference.shape(0));
  keepElements(inference);
  return success();
}

static LogicalResult inferShape(Inference &inference) {
  auto op = cast<ShapeOp>(inference.op);
  int64_t rank = inference.rank(0);
  auto clamp = [&](int64_t position) {
    return std::clamp<int64_t>(position < 0 ? position + rank : position, 0,
                               rank);
  };
  int64_t start = clamp(op.getStart()), end = clamp(op.getEnd().value_or(rank));
  ArrayRef<Expression> dims =
      inference.shape(0).slice(start, std::max<int64_t>(end - start, 0));
  inference.setShape(0, {inference.constant(dims.size())});
  inference.setContents(0, dims);
  return success();
}

static LogicalResult inferSize(Inference &inference) {
  inference.setShape(0, {});
  inference.setContents(0, {product(inference.context(), inference.shape(0))});
  return success();
}

/// The known sizes of a target shape, or a message.
static LogicalResult readTarget(Inference &inference, unsigned operand,
                                Elements &target) {
  if (failed(inference.requireRank(operand, 1)))
    return failure();
  std::optional<int64_t> rank = inference.shape(operand)[0].getConstant();
  if (!rank || *rank > maximumContents)
    return inference.error()
           << inference.name(operand) << " must have a known size, at most "
           << maximumContents << ", got " << inference.shape(operand)[0].str();
  if (std::optional<ArrayRef<Expression>> elements =
          inference.contents(operand))
    target.assign(elements->begin(), elements->end());
  else
    target.assign(*rank, Expression());
  return success();
}

static LogicalResult inferReshape(Inference &inference) {
  Elements target;
  if (failed(readTarget(inference, 1, target)))
    return failure();
  bool zeroMeansCopy = cast<ReshapeOp>(inference.op).getAllowzero() == 0;
  ArrayRef<Expression> source = inference.shape(0);
  Expression total = product(inference.context(), source);
  Dims dims;
  std::optional<unsigned> inferred;
  SmallVector<unsigned> unknown;
  for (auto [index, entry] : llvm::enumerate(target)) {
    Expression size = entry;
    if (size && size.isConstant(-1)) {
      if (inferred)
        return inference.error() << "'shape' must hold -1 at most once, got "
                                 << printShape(target);
      inferred = index;
      size = {};
    } else if (size && size.isConstant(0) && zeroMeansCopy) {
      if (index >= source.size())
        return inference.error()
               << "'shape' must not hold 0 beyond the operand's rank "
               << source.size() << ", got " << printShape(target);
      size = source[index];
    } else if (size && size.getConstant() && *size.getConstant() < 0) {
      return inference.error() << "'shape' must hold sizes of at least -1, got "
                               << printShape(target);
    } else if (!size) {
      unknown.push_back(index);
    }
    dims.push_back(size);
  }
  Dims known;
  llvm::copy_if(dims, std::back_inserter(known),
                [](Expression e) { return bool(e); });
  Expression rest = product(inference.context(), known);
  // One size that is not known follows from the number of elements, whether it
  // is written as -1 or not.
  if (!inferred && unknown.size() == 1 && divideExactly(total, rest)) {
    inferred = unknown.front();
    unknown.clear();
  }
  for (unsigned index : unknown)
    dims[index] = inference.freshSize(0, index, total);
  if (inferred) {
    std::optional<int64_t> count = total.getConstant(),
                           divisor = rest.getConstant();
    if (!unknown.empty()) {
      dims[*inferred] = inference.freshSize(0, *inferred, total);
    } else if (divisor && *divisor == 0) {
      if (count && *count != 0)
        return inference.error() << "shape " << printShape(source)
                                 << " cannot become " << printShape(target);
      dims[*inferred] = inference.constant(0);
    } else {
      if (count && divisor && *count % *divisor != 0)
        return inference.error()
               << "'data' of shape " << printShape(source) << " has " << *count
               << " elements, which is not a multiple of " << *divisor;
      dims[*inferred] = floorDiv(total, rest);
    }
  } else if (unknown.empty() && total != rest) {
    if ((total - rest).isConstant())
      return inference.error()
             << "'data' of shape " << printShape(source) << " cannot become "
             << printShape(dims) << ": " << total.str() << " elements are not "
             << rest.str();
    inference.analysis.assumeEqual(inference.op, rest, total);
  }
  inference.setShape(0, dims);
  keepElements(inference);
  return success();
}

static LogicalResult inferFlatten(Inference &inference) {
  int64_t rank = inference.rank(0),
          axis = cast<FlattenOp>(inference.op).getAxis();
  if (axis < -rank || axis > rank)
    return inference.error() << "'axis' must be in [" << -rank << ", " << rank
                             << "], got " << axis;
  ArrayRef<Expression> dims = inference.shape(0);
  axis = axis < 0 ? axis + rank : axis;
  inference.setShape(0, {product(inference.context(), dims.take_front(axis)),
                         product(inference.context(), dims.drop_front(axis))});
  keepElements(inference);
  return success();
}

static LogicalResult inferSqueeze(Inference &inference) {
  ArrayRef<Expression> source = inference.shape(0);
  Dims dims;
  if (!inference.isPresent(1)) {
    for (auto [axis, size] : llvm::enumerate(source)) {
      if (!size.isConstant())
        return inference.error()
               << "must name its 'axes': dimension " << axis << " has size "
               << size.str() << ", which may be 1 or not";
      if (!size.isConstant(1))
        dims.push_back(size);
    }
  } else {
    FailureOr<SmallVector<int64_t>> axes =
        inference.axesFromOperand(1, source.size());
    if (failed(axes))
      return failure();
    for (auto [axis, size] : llvm::enumerate(source)) {
      if (!llvm::is_contained(*axes, static_cast<int64_t>(axis)))
        dims.push_back(size);
      else if (size.isConstant() && !size.isConstant(1))
        return inference.error()
               << "dimension " << axis
               << " must have size 1 to be removed, got " << size.str();
      else if (!size.isConstant())
        inference.analysis.assumeEqual(inference.op, inference.constant(1),
                                       size);
    }
  }
  inference.setShape(0, dims);
  keepElements(inference);
  return success();
}

static LogicalResult inferUnsqueeze(Inference &inference) {
  std::optional<ArrayRef<Expression>> elements = inference.contents(1);
  int64_t rank = inference.rank(0) + (elements ? elements->size() : 0);
  FailureOr<SmallVector<int64_t>> axes = inference.axesFromOperand(1, rank);
  if (failed(axes))
    return failure();
  Dims dims;
  ArrayRef<Expression> source = inference.shape(0);
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (llvm::is_contained(*axes, axis)) {
      dims.push_back(inference.constant(1));
    } else {
      dims.push_back(source.front());
      source = source.drop_front();
    }
  }
  inference.setShape(0, dims);
  keepElements(inference);
  return success();
}

static LogicalResult inferTranspose(Inference &inference) {
  int64_t rank = inference.rank(0);
  SmallVector<int64_t> permutation;
  if (std::optional<ArrayRef<int64_t>> perm =
          cast<TransposeOp>(inference.op).getPerm()) {
    permutation.assign(perm->begin(), perm->end());
    SmallVector<int64_t> sorted(permutation);
    llvm::sort(sorted);
    if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank))) {
      InFlightDiagnostic diagnostic = inference.error()
                                      << "'perm' must be a permutation of 0 to "
                                      << rank - 1 << ", got [";
      llvm::interleaveComma(permutation, diagnostic);
      return diagnostic << "]";
    }
  } else {
    permutation = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  }
  Dims dims;
  for (int64_t axis : permutation)
    dims.push_back(inference.shape(0)[axis]);
  inference.setShape(0, dims);
  if (rank <= 1)
    keepElements(inference);
  inference.copyRange(0, 0);
  return success();
}

/// Whether a size becomes the one that Expand asks for, as far as that is
/// known: it is 1 or the same. What runs finds out.
static bool takesTarget(Expression from, Expression to) {
  if (from == to || from.isConstant() || to.isConstant(0) || to.isConstant(1) ||
      (from - to).isConstant())
    return false;
  std::optional<int64_t> wanted = to.getConstant();
  return wanted ? !isKnownPositive(from - *wanted) : to.isSymbol();
}

static LogicalResult inferExpand(Inference &inference) {
  Elements target;
  if (failed(readTarget(inference, 1, target)))
    return failure();
  ArrayRef<Expression> source = inference.shape(0);
  size_t rank = std::max(source.size(), target.size());
  Dims dims;
  for (size_t index = 0; index < rank; ++index) {
    size_t sourceOffset = rank - source.size(),
           targetOffset = rank - target.size();
    Expression from = index < sourceOffset ? inference.constant(1)
                                           : source[index - sourceOffset];
    Expression to = index < targetOffset ? inference.constant(1)
                                         : target[index - targetOffset];
    if (!to) {
      // What is wanted is not known: a size above 1 stays, and 1 may become
      // anything.
      dims.push_back(from.isConstant() && !from.isConstant(1)
                         ? from
                         : inference.freshSize(0, index, {}));
      continue;
    }
    if (to.getConstant() && *to.getConstant() < 0)
      return inference.error() << "'shape' must hold sizes of at least 0, got "
                               << printShape(target);
    FailureOr<Expression> size = takesTarget(from, to)
                                     ? FailureOr<Expression>(to)
                                     : inference.broadcastSize(from, to);
    if (failed(size))
      return inference.error()
             << "'input' of shape " << printShape(source)
             << " cannot be expanded to " << printShape(target) << ": size "
             << from.str() << " is not " << to.str();
    dims.push_back(*size);
  }
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  std::optional<int64_t> count =
      dims.size() == 1 ? dims[0].getConstant() : std::nullopt;
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  if (elements && dims.size() <= 1 &&
      (dims.empty() || (count && *count >= 0 && *count <= maximumContents))) {
    if (elements->size() == 1)
      inference.setContents(0, Elements(count.value_or(1), elements->front()));
    else
      inference.setContents(0, *elements);
  }
  return success();
}

static LogicalResult inferTile(Inference &inference) {
  Elements repeats;
  if (failed(readTarget(inference, 1, repeats)))
    return failure();
  ArrayRef<Expression> source = inference.shape(0);
  if (repeats.size() != source.size())
    return inference.error()
           << "'repeats' must have " << source.size()
           << " elements, one per dimension, got " << repeats.size();
  Dims dims;
  for (auto [index, size] : llvm::enumerate(source)) {
    Expression times = repeats[index];
    if (times && times.getConstant() && *times.getConstant() < 0)
      return inference.error()
             << "'repeats' must not be negative, got " << printShape(repeats);
    dims.push_back(times                ? size * times
                   : size.isConstant(0) ? size
                                        : inference.freshSize(0, index, {}));
  }
  inference.setShape(0, dims);
  inference.copyRange(0, 0);
  std::optional<ArrayRef<Expression>> elements = inference.contents(0);
  std::optional<int64_t> count =
      dims.size() == 1 ? dims[0].getConstant() : std::nullopt;
  if (elements && !elements->empty() && count && *count >= 0 &&
      *count <= maximumContents) {
    Elements tiled;
    for (int64_t i = 0; i < *count; ++i)
      tiled.push_back((*elements)[i % elements->size()]);
    inference.setContents(0, tiled);
  } else if (elements && dims.empty()) {
    inference.setContents(0, *elements);
  }
  return success();
}

void mlir::trine::onnx::addReshapeInference(InferenceTable &table) {
  table["onnx.Expand"] = inferExpand;
  table["onnx.Flatten"] = inferFlatten;
  table["onnx.Identity"] = inferIdentity;
  table["onnx.Reshape"] = inferReshape;
  table["onnx.Shape"] = inferShape;
  table["onnx.Size"] = inferSize;
  table["onnx.Squeeze"] = inferSqueeze;
  table["onnx.Tile"] = inferTile;
  table["onnx.Transpose"] = inferTranspose;
  table["onnx.Unsqueeze"] = inferUnsqueeze;
}
