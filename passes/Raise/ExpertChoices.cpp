// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExpertChoices.h"

#include "RaiseMoE.h"

namespace mlir::trine {

/// The number of slots of each token.
static int64_t slots(Value ids) {
  auto type = dyn_cast<RankedTensorType>(ids.getType());
  return type && type.getRank() > 0 ? type.getShape().back()
                                    : ShapedType::kDynamic;
}

bool areDistinctChoices(Value ids) {
  int64_t count = slots(ids);
  if (ShapedType::isDynamic(count))
    return false;
  // Views that keep the slots of a token together.
  while (auto reshape = producer<onnx::ReshapeOp>(ids)) {
    ids = reshape->getOperand(0);
    if (slots(ids) != count)
      return false;
  }
  if (auto route = producer<MoERouteOp>(ids))
    return !route.getTable();
  auto topK = producer<onnx::TopKOp>(ids);
  if (!topK || ids != topK.getIndices())
    return false;
  int64_t axis = topK.getAxis();
  return axis == -1 ||
         axis == cast<RankedTensorType>(ids.getType()).getRank() - 1;
}

bool areChoicesBelow(Raising &raising, Value ids, int64_t experts) {
  auto isWide = [](Value value) {
    Type type = getElementTypeOrSelf(value.getType());
    return type.isSignlessInteger(32) || type.isSignlessInteger(64);
  };
  auto hasAtMost = [&](Value value, int64_t axis) {
    axis = raising.normalAxis(axis, value);
    if (axis < 0 || axis >= raising.rank(value))
      return false;
    std::optional<int64_t> size = raising.staticDim(value, axis);
    return size && *size <= experts;
  };
  // The same numbers elsewhere.
  while (Operation *op = ids.getDefiningOp()) {
    bool keeps =
        isa<onnx::ReshapeOp, onnx::TransposeOp, onnx::SliceOp>(op) ||
        (isa<onnx::CastOp>(op) && isWide(ids) && isWide(op->getOperand(0)));
    if (!keeps)
      break;
    ids = op->getOperand(0);
  }
  // The table of a route must hold numbers of its experts: that is checked when
  // it runs.
  if (auto route = producer<MoERouteOp>(ids))
    return hasAtMost(route.getLogits(), 1);
  if (auto topK = producer<onnx::TopKOp>(ids))
    return ids == topK.getIndices() &&
           hasAtMost(topK->getOperand(0), topK.getAxis());
  if (auto argMax = producer<onnx::ArgMaxOp>(ids))
    return hasAtMost(argMax->getOperand(0), argMax.getAxis());
  if (auto clip = producer<onnx::ClipOp>(ids)) {
    if (clip->getNumOperands() < 3)
      return false;
    std::optional<int64_t> low = constantInteger(clip->getOperand(1)),
                           high = constantInteger(clip->getOperand(2));
    return low && high && *low >= 0 && *high >= 0 && *high < experts;
  }
  std::optional<SmallVector<int64_t>> numbers = constantIntegers(ids);
  return numbers && llvm::all_of(*numbers, [&](int64_t number) {
           return number >= 0 && number < experts;
         });
}

} // namespace mlir::trine
