// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Einsum: one reduction space over all labels.
#include "LowerContractions.h"
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// A label of the equation: a letter, or one dimension of the ellipsis
/// (numbered from the last one, so that operands of different ranks align as
/// numpy does).
using Label = int;
constexpr Label kEllipsis = 1000;

struct Term {
  SmallVector<Label> labels;
  bool hasEllipsis = false;
};

/// Reads "ab...c" for an operand of rank `rank`; a negative rank means that the
/// ellipsis stands for `ellipsisRank` dims. The shape analysis has checked the
/// equation against the operands.
Term parseTerm(StringRef text, int64_t rank, int64_t ellipsisRank) {
  Term term;
  SmallVector<Label> after;
  while (!text.empty()) {
    if (text.consume_front("...")) {
      term.hasEllipsis = true;
      continue;
    }
    (term.hasEllipsis ? after : term.labels).push_back(text.front());
    text = text.drop_front();
  }
  if (rank >= 0)
    ellipsisRank = rank - (int64_t)(term.labels.size() + after.size());
  if (term.hasEllipsis)
    for (int64_t i = ellipsisRank; i-- > 0;)
      term.labels.push_back(kEllipsis + i);
  term.labels.append(after.begin(), after.end());
  return term;
}

struct Equation {
  SmallVector<Term> inputs;
  Term output;
};

Equation parseEquation(StringRef text, ArrayRef<int64_t> ranks) {
  std::string stripped;
  for (char c : text)
    if (c != ' ')
      stripped += c;
  text = stripped;
  Equation equation;
  size_t arrow = text.find("->");
  SmallVector<StringRef> terms;
  text.substr(0, arrow).split(terms, ',');
  int64_t ellipsisRank = 0;
  for (auto [term, rank] : llvm::zip(terms, ranks)) {
    equation.inputs.push_back(parseTerm(term, rank, 0));
    for (Label label : equation.inputs.back().labels)
      if (label >= kEllipsis)
        ellipsisRank = std::max<int64_t>(ellipsisRank, label - kEllipsis + 1);
  }
  if (arrow != StringRef::npos) {
    equation.output = parseTerm(text.substr(arrow + 2), -1, ellipsisRank);
    return equation;
  }
  // Without an output: the ellipsis, then the letters that occur once, in
  // alphabetical order.
  for (int64_t i = ellipsisRank; i-- > 0;)
    equation.output.labels.push_back(kEllipsis + i);
  for (int letter = 0; letter < 128; ++letter) {
    int64_t count = 0;
    for (Term &term : equation.inputs)
      count += llvm::count(term.labels, letter);
    if (count == 1)
      equation.output.labels.push_back(letter);
  }
  return equation;
}

/// The diagonal of an operand whose term repeats labels: one dimension per
/// label.
ONNXLowering::Operand takeDiagonals(ONNXLowering &lowering,
                                    ONNXLowering::Operand operand,
                                    SmallVector<Label> &labels) {
  SmallVector<Label> unique;
  SmallVector<SymbolicExpression> dims;
  for (auto [label, dim] : llvm::zip(labels, operand.dims))
    if (!llvm::is_contained(unique, label)) {
      unique.push_back(label);
      dims.push_back(dim);
    }
  if (unique.size() == labels.size())
    return operand;
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Value init = lowering.empty(
      dims, cast<RankedTensorType>(operand.value.getType()).getElementType());
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()}, ValueRange{}, ValueRange{init},
      {builder.getMultiDimIdentityMap(dims.size())}, iterators,
      [&](OpBuilder &b, Location l, ValueRange) {
        SmallVector<Value> indices;
        for (Label label : labels) {
          int64_t position = llvm::find(unique, label) - unique.begin();
          indices.push_back(linalg::IndexOp::create(b, l, position));
        }
        Value element = tensor::ExtractOp::create(b, l, operand.value, indices);
        linalg::YieldOp::create(b, l, element);
      });
  labels = unique;
  return {generic.getResult(0), dims};
}

/// If the operands are in the order of a matrix product ([batch, rows, inner] x
/// [batch, inner, columns]), that product.
std::optional<ONNXLowering::Operand>
asMatrixProduct(ONNXLowering &lowering, ONNXLowering::Operand a,
                ArrayRef<Label> aLabels, ONNXLowering::Operand b,
                ArrayRef<Label> bLabels, ArrayRef<Label> outLabels) {
  auto in = [](ArrayRef<Label> labels, Label label) {
    return llvm::is_contained(labels, label);
  };
  // Classify by the left operand's order, then check that the other two agree.
  SmallVector<Label> batch, rows, inner, columns;
  for (Label label : aLabels) {
    if (in(outLabels, label))
      (in(bLabels, label) ? batch : rows).push_back(label);
    else if (in(bLabels, label))
      inner.push_back(label);
    else
      return std::nullopt;
  }
  for (Label label : bLabels)
    if (!in(aLabels, label)) {
      if (!in(outLabels, label))
        return std::nullopt;
      columns.push_back(label);
    }
  auto isSequence = [](ArrayRef<Label> labels,
                       std::initializer_list<ArrayRef<Label>> parts) {
    SmallVector<Label> all;
    for (ArrayRef<Label> part : parts)
      all.append(part.begin(), part.end());
    return labels == ArrayRef(all);
  };
  if (!isSequence(aLabels, {batch, rows, inner}) ||
      !isSequence(bLabels, {batch, inner, columns}) ||
      !isSequence(outLabels, {batch, rows, columns}))
    return std::nullopt;
  // A size-1 dimension that broadcasts inside a group would break the groups.
  auto sizeOf = [](ONNXLowering::Operand &operand, ArrayRef<Label> labels,
                   Label label) {
    return operand.dims[llvm::find(labels, label) - labels.begin()];
  };
  for (Label label : inner)
    if (sizeOf(a, aLabels, label) != sizeOf(b, bLabels, label))
      return std::nullopt;
  auto group = [&](ONNXLowering::Operand &operand, size_t begin, size_t count) {
    return lowering.product(ArrayRef(operand.dims).slice(begin, count));
  };
  SmallVector<SymbolicExpression> aDims(a.dims.begin(),
                                        a.dims.begin() + batch.size()),
      bDims(b.dims.begin(), b.dims.begin() + batch.size());
  SymbolicExpression k = group(a, batch.size() + rows.size(), inner.size());
  aDims.append({group(a, batch.size(), rows.size()), k});
  bDims.append({k, group(b, batch.size() + inner.size(), columns.size())});
  ONNXLowering::Operand result = matrixProduct(
      lowering, reshaped(lowering, a, aDims), reshaped(lowering, b, bDims));
  SmallVector<SymbolicExpression> dims(result.dims.begin(),
                                       result.dims.begin() + batch.size());
  dims.append(a.dims.begin() + batch.size(),
              a.dims.begin() + batch.size() + rows.size());
  dims.append(b.dims.begin() + batch.size() + inner.size(), b.dims.end());
  return reshaped(lowering, result, dims);
}

LogicalResult lowerEinsum(Operation *op, ONNXLowering &lowering) {
  StringRef text = cast<onnx::EinsumOp>(op).getEquation();
  SmallVector<ONNXLowering::Operand> operands;
  SmallVector<int64_t> ranks;
  for (Value onnxOperand : op->getOperands()) {
    operands.push_back(lowering.operand(onnxOperand));
    ranks.push_back(operands.back().dims.size());
  }
  Equation equation = parseEquation(text, ranks);

  SmallVector<SmallVector<Label>> labels;
  for (auto [operand, term] : llvm::zip(operands, equation.inputs)) {
    labels.push_back(term.labels);
    operand = takeDiagonals(lowering, operand, labels.back());
  }
  ArrayRef<Label> outLabels = equation.output.labels;
  Value onnxResult = op->getResult(0);
  Type elementType = lowering.elementType(onnxResult);
  SmallVector<SymbolicExpression> outDims = lowering.dims(onnxResult);
  if (operands.size() == 2)
    if (auto result = asMatrixProduct(lowering, operands[0], labels[0],
                                      operands[1], labels[1], outLabels)) {
      lowering.map(
          onnxResult,
          roundTo(lowering, reshaped(lowering, *result, outDims), elementType));
      return success();
    }

  // The loops: the output's labels, then the summed ones.
  SmallVector<Label> loops(outLabels);
  for (ArrayRef<Label> term : labels)
    for (Label label : term)
      if (!llvm::is_contained(loops, label))
        loops.push_back(label);
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  auto position = [&](Label label) {
    return builder.getAffineDimExpr(llvm::find(loops, label) - loops.begin());
  };
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops.size(), 0, exprs, builder.getContext());
  };
  // A label has the size that is not 1 in some operand; operands where it is 1
  // broadcast, and drop the dimension.
  auto isOneEverywhere = [&](Label label) {
    for (auto [operand, term] : llvm::zip(operands, labels))
      for (auto [dim, other] : llvm::zip(operand.dims, term))
        if (other == label && !dim.isConstant(1))
          return false;
    return true;
  };
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<Label> carried;
  for (auto [operand, term] : llvm::zip(operands, labels)) {
    SmallVector<AffineExpr> exprs;
    SmallVector<SymbolicExpression> dims;
    for (auto [dim, label] : llvm::zip(operand.dims, term)) {
      if (dim.isConstant(1) &&
          (!isOneEverywhere(label) || llvm::is_contained(carried, label)))
        continue;
      carried.push_back(label);
      exprs.push_back(position(label));
      dims.push_back(dim);
    }
    inputs.push_back(lowering.reshape(operand.value, operand.dims, dims));
    maps.push_back(map(exprs));
  }
  Value init =
      lowering.filled(outDims, scalarConstant(lowering.builder, lowering.loc,
                                              getComputeType(elementType), 0));
  SmallVector<AffineExpr> outExprs;
  for (Label label : outLabels)
    outExprs.push_back(position(label));
  maps.push_back(map(outExprs));
  SmallVector<utils::IteratorType> iterators(outLabels.size(),
                                             utils::IteratorType::parallel);
  iterators.append(loops.size() - outLabels.size(),
                   utils::IteratorType::reduction);
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
      iterators, [](OpBuilder &b, Location l, ValueRange args) {
        Value accumulator = args.back();
        ValueRange factors = args.drop_back();
        bool isFloat = isa<FloatType>(accumulator.getType());
        Value left = toComputeType(b, l, factors[0]);
        for (Value factor :
             factors.drop_front().drop_back(factors.size() > 1 ? 1 : 0)) {
          factor = toComputeType(b, l, factor);
          left = isFloat ? Value(arith::MulFOp::create(b, l, left, factor))
                         : Value(arith::MulIOp::create(b, l, left, factor));
        }
        Value sum;
        if (factors.size() > 1)
          sum = multiplyAdd(b, l, accumulator, left, factors.back());
        else
          sum = isFloat ? Value(arith::AddFOp::create(b, l, accumulator, left))
                        : Value(arith::AddIOp::create(b, l, accumulator, left));
        linalg::YieldOp::create(b, l, sum);
      });
  lowering.map(onnxResult,
               roundTo(lowering, {generic.getResult(0), outDims}, elementType));
  return success();
}

} // namespace

void mlir::trine::registerEinsumLowerings(ONNXLoweringRegistry &registry) {
  registry.add("Einsum", lowerEinsum);
}
