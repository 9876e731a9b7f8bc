// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ElementWriter.h"

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

std::string cuda::argumentName(BlockArgument argument) {
  return "a" + std::to_string(argument.getArgNumber());
}

std::string cuda::sizeName(BlockArgument argument, int64_t dim) {
  return argumentName(argument) + "_" + std::to_string(dim);
}

unsigned cuda::firstWord(plan::KernelOp kernel, unsigned argument) {
  unsigned words = 0;
  for (Type type : kernel.getArgumentTypes().take_front(argument)) {
    ++words;
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      words += tensor.getNumDynamicDims();
  }
  return words;
}

std::string cuda::parameterList(plan::KernelOp kernel) {
  std::string text;
  Block &body = kernel.getBody().front();
  unsigned written = body.getNumArguments() - kernel.getNumDestinations();
  for (BlockArgument argument : body.getArguments()) {
    std::string name = argumentName(argument);
    text += text.empty() ? "" : ", ";
    auto tensor = dyn_cast<RankedTensorType>(argument.getType());
    if (!tensor) {
      text += "Index " + name;
      continue;
    }
    text += (argument.getArgNumber() < written ? "const " : "") +
            typeName(tensor.getElementType()) + " *__restrict__ " + name;
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
      if (tensor.isDynamicDim(dim))
        text += ", Index " + sizeName(argument, dim);
  }
  return text;
}

LogicalResult ElementWriter::refuse(Operation *op, StringRef why) {
  if (problem.empty())
    problem = (op->getName().getStringRef() + " " + why).str();
  return failure();
}

static bool isSimple(StringRef text) {
  return llvm::all_of(text,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string ElementWriter::define(Type type, StringRef expression) {
  if (isSimple(expression))
    return expression.str();
  std::string name = "e" + std::to_string(next++);
  text.append(2 * indent, ' ');
  text +=
      "const " + typeName(type) + " " + name + " = " + expression.str() + ";\n";
  return name;
}

std::string ElementWriter::index(StringRef expression) {
  if (isSimple(expression))
    return expression.str();
  std::string name = "i" + std::to_string(next++);
  text.append(2 * indent, ' ');
  text += "const Index " + name + " = " + expression.str() + ";\n";
  return name;
}

FailureOr<std::string> ElementWriter::size(OpFoldResult value) {
  if (std::optional<int64_t> number = getConstantIntValue(value))
    return std::to_string(*number);
  return size(cast<Value>(value));
}

FailureOr<std::string> ElementWriter::size(Value value) {
  auto known = given.find(value);
  if (known != given.end())
    return known->second;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    members[argumentName(argument)] = "Index";
    return argumentName(argument);
  }
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::string text = literal(constant.getValue());
    if (!text.empty())
      return text;
  }
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> position = dim.getConstantIndex();
    if (position)
      return dimension(dim.getSource(), *position);
  }
  SmallVector<std::string> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<IndexType, IntegerType>(operand.getType()))
      return refuse(op);
    FailureOr<std::string> text = size(operand);
    if (failed(text))
      return failure();
    operands.push_back(*text);
  }
  std::optional<std::string> expression = scalarExpression(op, operands);
  if (!expression)
    return refuse(op);
  std::string name = define(value.getType(), *expression);
  given[value] = name;
  return name;
}

FailureOr<std::string> ElementWriter::dimension(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return std::to_string(type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    std::string name = sizeName(argument, dim);
    members[name] = "Index";
    return name;
  }
  Operation *op = tensor.getDefiningOp();
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return dimension(
        linalg.getDpsInitOperand(cast<OpResult>(tensor).getResultNumber())
            ->get(),
        dim);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return size(empty.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dimension(cast.getSource(), dim);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t kept = 0;
    for (auto [position, extent] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped[position] && kept++ == dim)
        return size(extent);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return size(expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    std::string product = "1";
    // A copy: the list of groups ends with this statement.
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t inner : group) {
      FailureOr<std::string> extent = dimension(collapse.getSrc(), inner);
      if (failed(extent))
        return failure();
      product = productText(product, *extent);
    }
    return index(product);
  }
  return refuse(op);
}

/// An element of a tensor that is seen in another shape: groups of dimensions
/// are joined or split.
FailureOr<std::string> ElementWriter::reshaped(Value source,
                                               ArrayRef<std::string> indices,
                                               Value result) {
  SmallVector<std::string> position;
  Operation *op = result.getDefiningOp();
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (ReassociationIndices group : expand.getReassociationIndices()) {
      std::string linear = "0";
      for (int64_t dim : group) {
        FailureOr<std::string> extent = dimension(result, dim);
        if (failed(extent))
          return failure();
        if (*extent != "1")
          linear = sumText(productText(linear, *extent), indices[dim]);
      }
      position.push_back(index(linear));
    }
    return element(source, position);
  }
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  position.resize(cast<RankedTensorType>(source.getType()).getRank(), "0");
  for (auto [dim, group] :
       llvm::enumerate(collapse.getReassociationIndices())) {
    std::string rest = indices[dim];
    SmallVector<int64_t> wide;
    SmallVector<std::string> extents;
    for (int64_t inner : group) {
      FailureOr<std::string> extent = dimension(source, inner);
      if (failed(extent))
        return failure();
      if (*extent != "1") {
        wide.push_back(inner);
        extents.push_back(*extent);
      }
    }
    for (size_t k = wide.size(); k-- > 0;) {
      if (k == 0) {
        position[wide[0]] = rest;
        break;
      }
      position[wide[k]] = index(rest + " % " + extents[k]);
      rest = index(rest + " / " + extents[k]);
    }
  }
  return element(source, position);
}

FailureOr<std::string> ElementWriter::payload(linalg::LinalgOp op,
                                              unsigned result,
                                              ArrayRef<std::string> indices) {
  AffineMap output = op.getIndexingMapsArray()[op.getNumDpsInputs() + result];
  if (!output.isProjectedPermutation())
    return refuse(op, "does not write each element once");
  SmallVector<std::string> loops(op.getNumLoops());
  for (auto [expression, index] : llvm::zip(output.getResults(), indices))
    loops[cast<AffineDimExpr>(expression).getPosition()] = index;
  if (op.getNumReductionLoops() != 0)
    return reduction(op, result, loops);
  if (!output.isPermutation())
    return refuse(op, "does not write each element once");
  return body(op, result, loops, "");
}

/// A loop over the terms, in order.
FailureOr<std::string>
ElementWriter::reduction(linalg::LinalgOp op, unsigned result,
                         SmallVector<std::string> loops) {
  if (op.getNumDpsInits() != 1)
    return refuse(op, "reduces to several results");
  int64_t terms = 1;
  SmallVector<std::pair<unsigned, int64_t>> open;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (!loops[loop].empty())
      continue;
    if (ShapedType::isDynamic(size) || size > mostTerms)
      return refuse(op, "reduces");
    terms *= size;
    open.push_back({loop, size});
  }
  if (terms > mostTerms)
    return refuse(op, "reduces");
  if (std::optional<FailureOr<std::string>> sum = combined(op, loops))
    return *sum;
  // What is the same for all terms is read once.
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    SmallVector<std::string> position;
    bool isFixed = isa<RankedTensorType>(input->get().getType());
    for (AffineExpr expression : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expression);
      isFixed &= dim && !loops[dim.getPosition()].empty();
      if (isFixed)
        position.push_back(loops[dim.getPosition()]);
    }
    if (isFixed && failed(element(input->get(), position)))
      return failure();
  }
  OpOperand *init = op.getDpsInitOperand(result);
  SmallVector<std::string> position;
  for (AffineExpr expression : op.getMatchingIndexingMap(init).getResults())
    position.push_back(loops[cast<AffineDimExpr>(expression).getPosition()]);
  FailureOr<std::string> start = element(init->get(), position);
  if (failed(start))
    return failure();
  std::string sum = "s" + std::to_string(next++);
  auto line = [&](const std::string &code) {
    text.append(2 * indent, ' ');
    text += code + "\n";
  };
  line(typeName(getElementTypeOrSelf(init->get().getType())) + " " + sum +
       " = " + *start + ";");
  // What a term computes is not there behind the loop.
  auto outer = known;
  auto outerGiven = given;
  for (auto [loop, size] : open) {
    std::string name = "k" + std::to_string(next++);
    line("for (Index " + name + " = 0; " + name + " < " + std::to_string(size) +
         "; ++" + name + ") {");
    loops[loop] = name;
    ++indent;
  }
  FailureOr<std::string> term = body(op, result, loops, sum);
  if (failed(term))
    return failure();
  line(sum + " = " + *term + ";");
  for (size_t i = 0; i < open.size(); ++i) {
    --indent;
    line("}");
  }
  known = std::move(outer);
  given = std::move(outerGiven);
  return sum;
}

/// The product that a sum adds, which is then rounded once; null: another op.
static arith::MulFOp addedProduct(Operation *op, BlockArgument sum) {
  auto add = dyn_cast<arith::AddFOp>(op);
  if (!add || !isa<Float32Type, Float64Type>(add.getType()))
    return {};
  Value other = add.getLhs() == sum   ? add.getRhs()
                : add.getRhs() == sum ? add.getLhs()
                                      : Value();
  auto product = other ? other.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  return product && product->hasOneUse() ? product : arith::MulFOp();
}

/// What the op's region computes at `loops`, with `sum` for the result so far.
FailureOr<std::string> ElementWriter::body(linalg::LinalgOp op, unsigned result,
                                           ArrayRef<std::string> loops,
                                           const std::string &sum) {
  Block *body = op.getBlock();
  DenseMap<Value, std::string> names;
  for (BlockArgument argument : body->getArguments()) {
    if (argument.use_empty())
      continue;
    OpOperand *operand = op.getMatchingOpOperand(argument);
    if (!sum.empty() && op.isDpsInit(operand)) {
      names[argument] = sum;
      continue;
    }
    if (!isa<RankedTensorType>(operand->get().getType())) {
      FailureOr<std::string> name = element(operand->get(), {});
      if (failed(name))
        return failure();
      names[argument] = *name;
      continue;
    }
    SmallVector<std::string> position;
    for (AffineExpr expression :
         op.getMatchingIndexingMap(operand).getResults())
      position.push_back(index(affineText(expression, loops, {})));
    FailureOr<std::string> name = element(operand->get(), position);
    if (failed(name))
      return failure();
    names[argument] = *name;
  }
  auto read = [&](Value value) -> FailureOr<std::string> {
    auto known = names.find(value);
    if (known != names.end())
      return known->second;
    // A scalar of the kernel's body.
    return element(value, {});
  };
  for (Operation &inner : body->without_terminator()) {
    if (auto position = dyn_cast<linalg::IndexOp>(inner)) {
      names[position.getResult()] = loops[position.getDim()];
      continue;
    }
    if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
      SmallVector<std::string> position;
      for (Value each : extract.getIndices()) {
        FailureOr<std::string> name = read(each);
        if (failed(name))
          return failure();
        position.push_back(*name);
      }
      FailureOr<std::string> name = element(extract.getTensor(), position);
      if (failed(name))
        return failure();
      names[extract.getResult()] = *name;
      continue;
    }
    if (inner.getNumRegions() != 0 || inner.getNumResults() != 1)
      return refuse(&inner);
    BlockArgument carried =
        sum.empty() ? BlockArgument()
                    : body->getArgument(op.getNumDpsInputs() + result);
    if (carried && isa<arith::MulFOp>(inner) && inner.hasOneUse() &&
        addedProduct(*inner.user_begin(), carried))
      continue;
    if (auto product =
            carried ? addedProduct(&inner, carried) : arith::MulFOp()) {
      FailureOr<std::string> a = read(product.getLhs()),
                             b = read(product.getRhs());
      if (failed(a) || failed(b))
        return failure();
      names[inner.getResult(0)] =
          define(product.getType(),
                 std::string(product.getType().isF32() ? "fmaf(" : "fma(") +
                     *a + ", " + *b + ", " + sum + ")");
      continue;
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
      names[constant.getResult()] = literal(constant.getValue());
      continue;
    }
    SmallVector<std::string> operands;
    for (Value operand : inner.getOperands()) {
      FailureOr<std::string> name = read(operand);
      if (failed(name))
        return failure();
      operands.push_back(*name);
    }
    std::optional<std::string> expression = scalarExpression(&inner, operands);
    if (!expression)
      return refuse(&inner);
    names[inner.getResult(0)] =
        define(inner.getResult(0).getType(), *expression);
  }
  return read(body->getTerminator()->getOperand(result));
}

FailureOr<std::string> ElementWriter::offset(BlockArgument argument,
                                             ArrayRef<std::string> indices) {
  std::string result = "0";
  for (auto [dim, each] : llvm::enumerate(indices)) {
    FailureOr<std::string> extent = dimension(argument, dim);
    if (failed(extent))
      return failure();
    result = sumText(productText(result, *extent), each);
  }
  return result;
}

FailureOr<std::string> ElementWriter::element(Value value,
                                              ArrayRef<std::string> indices) {
  auto name = given.find(value);
  if (name != given.end())
    return name->second;
  std::pair<void *, std::string> key(value.getAsOpaquePointer(),
                                     llvm::join(indices, ","));
  auto found = known.find(key);
  if (found != known.end())
    return found->second;
  std::optional<FailureOr<std::string>> earlier;
  if (lookUp && isa<RankedTensorType>(value.getType()))
    earlier = lookUp(value, indices);
  FailureOr<std::string> result = earlier ? *earlier : compute(value, indices);
  if (succeeded(result))
    known[key] = *result;
  return result;
}

std::optional<std::string>
ElementWriter::find(Value tensor, ArrayRef<std::string> indices) const {
  auto found =
      known.find({tensor.getAsOpaquePointer(), llvm::join(indices, ",")});
  if (found == known.end())
    return std::nullopt;
  return found->second;
}

FailureOr<std::string> ElementWriter::compute(Value value,
                                              ArrayRef<std::string> indices) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type) {
    if (auto constant = value.getDefiningOp<arith::ConstantOp>()) {
      std::string text = literal(constant.getValue());
      if (!text.empty())
        return text;
    }
    return size(value);
  }
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!isa<plan::KernelOp>(argument.getOwner()->getParentOp()))
      return failure();
    std::string name = argumentName(argument);
    members[name] = "const " + typeName(type.getElementType()) + " *";
    FailureOr<std::string> at = offset(argument, indices);
    if (failed(at))
      return failure();
    reads.push_back({argument, *at});
    return define(type.getElementType(), name + "[" + *at + "]");
  }
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (dense && dense.isSplat()) {
      std::string text =
          literal(cast<TypedAttr>(dense.getSplatValue<Attribute>()));
      if (!text.empty())
        return text;
    }
    if (dense && constants && !typeName(type.getElementType()).empty()) {
      std::string &name = (*constants)[dense];
      if (name.empty())
        name = "values" + std::to_string(constants->size());
      std::string at = "0";
      for (auto [size, each] : llvm::zip(type.getShape(), indices))
        at = sumText(productText(at, std::to_string(size)), each);
      return define(type.getElementType(), name + "[" + at + "]");
    }
    return refuse(op, "is not one value");
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<std::string> position;
    unsigned next = 0;
    for (auto [dim, offset, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedStrides())) {
      FailureOr<std::string> start = size(offset), step = size(stride);
      if (failed(start) || failed(step))
        return failure();
      position.push_back(
          dropped[dim]
              ? *start
              : index(sumText(productText(indices[next++], *step), *start)));
    }
    return element(slice.getSource(), position);
  }
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return element(cast.getSource(), indices);
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return reshaped(op->getOperand(0), indices, value);
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return element(fill.getInputs()[0], {});
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return payload(linalg, cast<OpResult>(value).getResultNumber(), indices);
  return refuse(op);
}
