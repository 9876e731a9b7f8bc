// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Verification.h"

using namespace mlir;
using namespace mlir::trine;

LogicalResult RMSNormOp::verify() {
  NamedTensor input("input", getInput());
  // rms_norm_c4
  if (input.type.getRank() < 1)
    return emitOpError() << "'input' must have rank 1 or more, got "
                         << input.type;
  // rms_norm_c1
  if (getWeight()) {
    NamedTensor weight("weight", getWeight());
    if (failed(verifyRank(*this, weight, 1)) ||
        failed(
            verifySameSize(*this, weight, 0, input, input.type.getRank() - 1)))
      return failure();
  }
  // rms_norm_c2
  if (getEpsilon().isNegative())
    return emitOpError() << "'epsilon' must not be negative, got "
                         << getEpsilon().convertToDouble();
  // rms_norm_c3
  if (getComputeType().getIntOrFloatBitWidth() <
      input.type.getElementTypeBitWidth())
    return emitOpError() << "'compute_type' must be at least as wide as "
                         << input.type.getElementType() << ", got "
                         << getComputeType();
  return success();
}

LogicalResult RopeOp::verify() {
  NamedTensor input("input", getInput()), cos("cos", getCos()),
      sin("sin", getSin());
  // rope_c1
  if (cos.type != sin.type)
    return emitOpError() << "'cos' and 'sin' must have the same type, got "
                         << cos.type << " and " << sin.type;
  // rope_c3
  int64_t rank = input.type.getRank(), tableRank = cos.type.getRank();
  if (tableRank < 1 || tableRank > rank)
    return emitOpError() << "'cos' must have a rank between 1 and " << rank
                         << ", got " << cos.type;
  for (int64_t i = 1; i < tableRank; ++i) {
    if (cos.type.getDimSize(tableRank - 1 - i) == 1)
      continue;
    if (failed(
            verifySameSize(*this, cos, tableRank - 1 - i, input, rank - 1 - i)))
      return failure();
  }
  // rope_c2
  int64_t begin = getBegin(), width = input.type.getDimSize(rank - 1),
          half = cos.type.getDimSize(tableRank - 1);
  if (begin < 0 ||
      (!ShapedType::isDynamic(width) && !ShapedType::isDynamic(half) &&
       (half > width / 2 || begin > width - 2 * half)))
    return emitOpError() << "rotated range must lie within the last dimension "
                         << width << ", got " << 2 * half << " elements from "
                         << begin;
  return success();
}
