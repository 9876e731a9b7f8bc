// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The canonical form of Einsum over two tensors: products of matrices, sums of
// products, products.
#include "NormalizeONNX.h"
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = SmallVector<SymbolicExpression>;

namespace {

/// A tensor and the letters of its dimensions.
struct Lettered {
  Value value;
  std::string letters;

  bool has(char letter) const {
    return letters.find(letter) != std::string::npos;
  }
};

class EinsumRewrite {
public:
  explicit EinsumRewrite(ONNXNormalizer &n) : n(n) {}

  bool read(onnx::EinsumOp op);
  Value write();

private:
  SymbolicExpression sizeOf(char letter) {
    const Lettered &side = left.has(letter) ? left : right;
    return n.dims(side.value)[side.letters.find(letter)];
  }
  Sizes sizesOf(StringRef letters) {
    Sizes sizes;
    for (char letter : letters)
      sizes.push_back(sizeOf(letter));
    return sizes;
  }
  Value transposed(Value value, ArrayRef<int64_t> permutation,
                   unsigned depth = 0);
  Value arrange(const Lettered &side, StringRef wanted, StringRef merged = {});
  Value finish(Value value, StringRef letters);
  Value sumOfProducts();
  Value matrixProduct();

  ONNXNormalizer &n;
  Lettered left, right;
  std::string output;
  /// Letters of both sides and the output; of both sides alone; of one side.
  std::string batch, summed, rows, columns;
};

} // namespace

bool EinsumRewrite::read(onnx::EinsumOp op) {
  std::string equation = op.getEquation().str();
  llvm::erase(equation, ' ');
  auto [inputs, result] = StringRef(equation).split("->");
  auto [first, second] = inputs.split(',');
  if (op->getNumOperands() != 2 || !StringRef(equation).contains("->") ||
      StringRef(equation).contains('.'))
    return false;
  left = {op->getOperand(0), first.str()};
  right = {op->getOperand(1), second.str()};
  output = result.str();
  // A weight is what the rows are multiplied with.
  if (isWeight(left.value) && !isWeight(right.value))
    std::swap(left, right);
  for (const Lettered *side : {&left, &right}) {
    if (static_cast<int64_t>(side->letters.size()) != n.rank(side->value))
      return false;
    for (char letter : side->letters)
      if (llvm::count(side->letters, letter) != 1)
        return false;
  }
  for (char letter : output) {
    bool inLeft = left.has(letter), inRight = right.has(letter);
    if (!inLeft && !inRight)
      return false;
    (inLeft && inRight ? batch : inLeft ? rows : columns) += letter;
  }
  for (char letter : left.letters)
    if (!StringRef(output).contains(letter)) {
      if (!right.has(letter))
        return false;
      summed += letter;
    }
  for (char letter : right.letters) {
    if (!StringRef(output).contains(letter) && !left.has(letter))
      return false;
    // One that repeats what is 1 on one side.
    if (left.has(letter) && n.dims(left.value)[left.letters.find(letter)] !=
                                n.dims(right.value)[right.letters.find(letter)])
      return false;
  }
  return true;
}

/// `value` transposed at no cost: element-wise ops on what was transposed the
/// other way round, as activations between two products are. Null for others.
Value EinsumRewrite::transposed(Value value, ArrayRef<int64_t> permutation,
                                unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 6)
    return {};
  if (auto transpose = dyn_cast<onnx::TransposeOp>(op)) {
    std::optional<ArrayRef<int64_t>> inner = transpose.getPerm();
    if (!inner)
      return {};
    for (size_t dim = 0; dim < permutation.size(); ++dim)
      if ((*inner)[permutation[dim]] != static_cast<int64_t>(dim))
        return {};
    return transpose.getData();
  }
  if (!isa<onnx::MulOp, onnx::AddOp, onnx::SubOp, onnx::DivOp, onnx::SigmoidOp,
           onnx::TanhOp, onnx::ErfOp, onnx::ReluOp, onnx::NegOp>(op))
    return {};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (n.rank(operand) == 0) {
      operands.push_back(operand);
      continue;
    }
    Value moved = n.dims(operand) == n.dims(value)
                      ? transposed(operand, permutation, depth + 1)
                      : Value();
    if (!moved)
      return {};
    operands.push_back(moved);
  }
  return n.createLike(op, operands);
}

/// `side` with the dimensions `wanted`, 1 where it has none; those of `merged`
/// are one at the end. Leading dimensions of 1 that a product does not need are
/// left out.
Value EinsumRewrite::arrange(const Lettered &side, StringRef wanted,
                             StringRef merged) {
  std::string all = (wanted + merged).str();
  SmallVector<int64_t> permutation;
  Sizes sizes;
  for (char letter : all)
    if (size_t at = side.letters.find(letter); at != std::string::npos)
      permutation.push_back(at);
  for (char letter : wanted)
    if (side.has(letter))
      sizes.push_back(sizeOf(letter));
    else if (!sizes.empty())
      sizes.push_back(n.number(1));
  if (!merged.empty()) {
    SymbolicExpression size = n.number(1);
    for (char letter : merged)
      size = size * sizeOf(letter);
    sizes.push_back(size);
  }
  Value moved = transposed(side.value, permutation);
  return n.reshape(moved ? moved : n.transpose(side.value, permutation), sizes);
}

/// The output from a value with the dimensions `letters`.
Value EinsumRewrite::finish(Value value, StringRef letters) {
  if (value)
    value = n.reshape(value, sizesOf(letters));
  if (!value)
    return {};
  SmallVector<int64_t> permutation;
  for (char letter : output)
    permutation.push_back(letters.find(letter));
  return n.transpose(value, permutation);
}

/// Products, summed over one dimension: the last where all others are of both
/// sides, else the first, as sums of weighted rows are mostly written.
Value EinsumRewrite::sumOfProducts() {
  bool isLast = rows.empty() && columns.empty();
  std::string letters = isLast ? output + summed : summed + output;
  auto shaped = [&](const Lettered &side) {
    Value value = arrange(side, letters);
    if (!value)
      return value;
    Sizes sizes;
    for (char letter : letters)
      sizes.push_back(side.has(letter) ? sizeOf(letter) : n.number(1));
    return n.reshape(value, sizes);
  };
  Value a = shaped(left), b = a ? shaped(right) : Value();
  if (!b)
    return {};
  Value product = n.create("Mul", {a, b});
  if (summed.empty())
    return product;
  int64_t axis = isLast ? static_cast<int64_t>(output.size()) : 0;
  return n.create("ReduceSum", {product, n.integers({axis})}, "keepdims", 0);
}

Value EinsumRewrite::matrixProduct() {
  // The columns of a weight are one dimension, so that its rows stay a matrix;
  // but stacks of experts are a batch.
  bool joinsColumns = batch.empty() && columns.size() > 1 && rows.size() > 1;
  std::string row, column;
  if (!rows.empty())
    row = rows.back();
  if (joinsColumns)
    column = columns;
  else if (!columns.empty())
    column = columns.back();
  std::string leading;
  for (char letter : output)
    if (!StringRef(row).contains(letter) && !StringRef(column).contains(letter))
      leading += letter;
  // Without rows or columns: one of them.
  auto withOne = [&](Value value, unsigned fromEnd) -> Value {
    if (!value)
      return value;
    Sizes sizes(n.dims(value));
    sizes.insert(sizes.end() - fromEnd, n.number(1));
    return n.reshape(value, sizes);
  };
  Value a = arrange(left, leading + row, summed);
  if (row.empty())
    a = withOne(a, 1);
  Value b = arrange(right, leading + summed, column);
  if (b && summed.size() > 1) {
    // [.., K, N] with the summed dimensions as one.
    Sizes sizes;
    for (char letter : leading)
      if (right.has(letter) || !sizes.empty())
        sizes.push_back(right.has(letter) ? sizeOf(letter) : n.number(1));
    SymbolicExpression inner = n.number(1), outer = n.number(1);
    for (char letter : summed)
      inner = inner * sizeOf(letter);
    for (char letter : column)
      outer = outer * sizeOf(letter);
    sizes.push_back(inner);
    if (!column.empty())
      sizes.push_back(outer);
    b = n.reshape(b, sizes);
  }
  if (column.empty())
    b = withOne(b, 0);
  if (!a || !b)
    return {};
  return finish(n.create("MatMul", {a, b}), leading + row + column);
}

Value EinsumRewrite::write() {
  if (summed.empty())
    return sumOfProducts();
  // Weighted sums; in 16 bits each product would be rounded.
  Type type = ONNXNormalizer::elementType(left.value);
  bool isDot = rows.empty() && columns.empty(),
       isSumOfRows = output.size() == 2 && (rows.empty() || columns.empty());
  if (!batch.empty() && (isDot || isSumOfRows) && summed.size() == 1 &&
      (type.isF32() || type.isF64()))
    return sumOfProducts();
  return isa<FloatType>(type) ? matrixProduct() : Value();
}

static Replacement rewriteEinsum(Operation *op, ONNXNormalizer &n) {
  EinsumRewrite rewrite(n);
  if (!rewrite.read(cast<onnx::EinsumOp>(op)))
    return {};
  Value value = rewrite.write();
  return value ? Replacement{value} : Replacement{};
}

void mlir::trine::addProductRewrites(NormalizeTable &table) {
  table["onnx.Einsum"].push_back(rewriteEinsum);
}
