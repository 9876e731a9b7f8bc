// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scores that are written as the sum of two products: one of the parts of
// queries and keys without positions, one of the parts that are rotated.
#include "RaiseAttention.h"

using namespace mlir;
using namespace mlir::trine;

/// Whether an op keeps what it is given where it is, for the way from scores to
/// softmax.
static bool isOnTheWay(Operation *op) {
  return isa<onnx::CastOp, onnx::TanhOp, onnx::ReshapeOp, onnx::TransposeOp,
             onnx::UnsqueezeOp, onnx::SqueezeOp>(op);
}

void AttentionMatch::joinProducts(onnx::SoftmaxOp softmax) {
  Value value = softmax->getOperand(0);
  for (unsigned steps = 0; steps < 16; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return;
    if (isa<onnx::AddOp>(op)) {
      bool left = leadsToProduct(op->getOperand(0)),
           right = leadsToProduct(op->getOperand(1));
      if (left && right) {
        Value joined = op->getResult(0).hasOneUse() ? joinTerms(op) : Value();
        if (!joined)
          return;
        op->getResult(0).replaceAllUsesWith(joined);
        raising.eraseIfDead(op);
        return;
      }
      value = op->getOperand(left ? 0 : 1);
    } else if (isa<onnx::WhereOp>(op)) {
      value = op->getOperand(constantNumber(op->getOperand(1)) ? 2 : 1);
    } else if (isa<onnx::MulOp, onnx::DivOp>(op)) {
      std::optional<NumberOperand> parts = splitNumber(op);
      if (!parts)
        return;
      value = parts->other;
    } else if (isOnTheWay(op)) {
      value = op->getOperand(0);
    } else {
      return;
    }
  }
}

/// The product of joined factors that is `sum`, a sum of two products, perhaps
/// of two with one scale; null if it is none.
Value AttentionMatch::joinTerms(Operation *sum) {
  Value products[2] = {sum->getOperand(0), sum->getOperand(1)};
  Operation *scale = nullptr;
  Operation *ops[2] = {products[0].getDefiningOp(),
                       products[1].getDefiningOp()};
  if (isa<onnx::MulOp, onnx::DivOp>(ops[0]) &&
      ops[0]->getName() == ops[1]->getName()) {
    std::optional<NumberOperand> first = splitNumber(ops[0]),
                                 second = splitNumber(ops[1]);
    if (!first || !second || first->number != second->number ||
        first->other != ops[0]->getOperand(0) ||
        second->other != ops[1]->getOperand(0))
      return {};
    scale = ops[0];
    products[0] = first->other;
    products[1] = second->other;
  }
  ArrayRef<SymbolicExpression> dims = raising.dims(sum->getResult(0));
  int64_t rank = dims.size();
  for (Value product : products) {
    auto matmul = producer<onnx::MatMulOp>(product);
    if (!matmul || !product.hasOneUse() || raising.dims(product) != dims ||
        rank < 2 || raising.rank(matmul->getOperand(0)) < 2 ||
        raising.rank(matmul->getOperand(1)) < 2)
      return {};
  }
  Value joined[2];
  for (unsigned side : {0u, 1u}) {
    SmallVector<Value, 2> parts;
    for (Value product : products)
      parts.push_back(product.getDefiningOp()->getOperand(side));
    // What one of them repeats is repeated: by a number of times.
    SmallVector<int64_t> repeats[2];
    bool differs[2] = {false, false};
    for (unsigned part : {0u, 1u})
      if (raising.rank(parts[part]) < rank) {
        SmallVector<SymbolicExpression> sizes(rank - raising.rank(parts[part]),
                                              space.number(1));
        llvm::append_range(sizes, raising.dims(parts[part]));
        parts[part] = raising.reshape(sum, parts[part], sizes);
        if (!parts[part])
          return {};
      }
    for (int64_t dim = 0; dim < rank; ++dim) {
      SymbolicExpression a = raising.dims(parts[0])[dim],
                         b = raising.dims(parts[1])[dim];
      bool isJoined = dim == (side == 0 ? rank - 1 : rank - 2);
      for (unsigned part : {0u, 1u}) {
        SymbolicExpression own = part == 0 ? a : b, other = part == 0 ? b : a;
        int64_t repeat = 1;
        if (!isJoined && own != other) {
          if (own.isConstant(1) && other.isConstant())
            repeat = *other.getConstant();
          else if (!other.isConstant(1))
            return {};
        }
        differs[part] |= repeat != 1;
        repeats[part].push_back(repeat);
      }
      if (!isJoined && a != b && repeats[0].back() == repeats[1].back())
        return {};
    }
    for (unsigned part : {0u, 1u})
      if (differs[part])
        parts[part] = raising.create(
            sum, "Expand", {parts[part], raising.integers(sum, repeats[part])});
    joined[side] = raising.concat(sum, parts, side == 0 ? rank - 1 : rank - 2);
  }
  Value product = raising.create(sum, "MatMul", {joined[0], joined[1]});
  if (!scale)
    return product;
  return raising.create(sum, scale->getName().stripDialect(),
                        {product, scale->getOperand(1)});
}
