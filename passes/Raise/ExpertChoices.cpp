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

} // namespace mlir::trine
