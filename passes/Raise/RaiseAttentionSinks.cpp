// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is built for an attention, and attention sinks: one more score in each
// row's softmax, whose weight nothing reads. With the row's log-sum-exp L and
// its sink s, all weights are those without it times exp(L) / (exp(L) + exp(s))
// = sigmoid(L - s). In 16 bits the output is rounded once more than in the
// graph.
#include "RaiseAttention.h"
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

AttentionOp AttentionMatch::build(Operation *before, Value query, Value key,
                                  Value value, const MaskPlan &plan) {
  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  auto typeOf = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType());
  };
  SmallVector<int64_t> rows(typeOf(query).getShape().drop_back()), output(rows);
  output.push_back(typeOf(value).getShape().back());
  auto attention = AttentionOp::create(
      builder, RankedTensorType::get(output, typeOf(value).getElementType()),
      RankedTensorType::get(rows, builder.getF32Type()), query, key, value,
      plan.mask, plan.offset, APFloat(scale), plan.kind, plan.maskedRow,
      softCap > 0 ? builder.getF64FloatAttr(softCap) : FloatAttr());
  (void)raising.visit(attention);
  return attention;
}

Value AttentionMatch::addSinks(Operation *before, AttentionOp attention,
                               Value sink) {
  Type f32 = Float32Type::get(raising.getContext()),
       type = getElementTypeOrSelf(attention.getOutput().getType());
  Value share = raising.create(
      before, "Sub", {attention.getLse(), raising.cast(before, sink, f32)});
  share = raising.create(before, "Sigmoid", share);
  SmallVector<SymbolicExpression> sizes(raising.dims(share));
  sizes.push_back(space.number(1));
  share = space.reshapeTo(before, share, sizes);
  Value output = raising.create(
      before, "Mul", {raising.cast(before, attention.getOutput(), f32), share});
  return raising.cast(before, output, type);
}

Value AttentionMatch::takeShift(Operation *op, int64_t axis) {
  if (!isa<onnx::SubOp>(op))
    return nullptr;
  Value shifted = op->getOperand(0);
  auto largest = producer<onnx::ReduceMaxOp>(op->getOperand(1));
  if (!largest || largest->getOperand(0) != shifted ||
      raising.rank(largest->getResult(0)) != raising.rank(shifted) ||
      !reducesAxis(raising, largest, axis))
    return nullptr;
  matched.push_back(largest);
  return shifted;
}

bool AttentionMatch::readSinks(onnx::SoftmaxOp softmax, int64_t axis) {
  // The columns that are read are the first, or all but the first.
  AffineIndex at = scores.index[axis];
  bool isFirst = at.offset.isConstant(1);
  at.offset = space.number(0);
  SymbolicExpression extent = space.extent(column);
  if (at.getPlainDim() != column ||
      !(isFirst || scores.index[axis].offset.isConstant(0)) ||
      raising.dims(softmax->getResult(0))[axis] != extent + space.number(1))
    return fail(softmax, "the softmax goes along other columns than the "
                         "product with the values sums over");
  Value joined = softmax->getOperand(0);
  while (Operation *op = joined.getDefiningOp()) {
    Value next = isa<onnx::CastOp>(op) && isFloat(op->getOperand(0))
                     ? op->getOperand(0)
                     : takeShift(op, axis);
    if (!next)
      break;
    matched.push_back(op);
    joined = next;
  }
  auto concat = producer<onnx::ConcatOp>(joined);
  if (!concat || raising.normalAxis(concat.getAxis(), joined) != axis)
    return fail(softmax, "the scores have one more column, which is not joined "
                         "to them");
  matched.push_back(concat);
  View extra{joined, scores.index};
  extra.index[axis] = isFirst ? space.constant(0) : space.constant(extent);
  std::optional<View> own = space.back({joined, scores.index}),
                      sink = space.back(extra);
  if (!own || !sink)
    return fail(concat, "the scores have one more column, which is no tensor "
                        "of its own");
  scores = *own;
  sinks = space.backAll(*sink);
  if (sinks->dependsOn(row))
    return fail(concat, "the attention sinks differ from query to query");
  return true;
}
