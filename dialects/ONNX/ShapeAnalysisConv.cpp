// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conv over any number of spatial dimensions.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

/// X [N, C, D...], W [M, C/group, K...], B [M] -> [N, M, O...] with
/// O = floor((D + pads - dilation*(K - 1) - 1) / stride) + 1, or ceil(D /
/// stride) with auto_pad SAME.
static LogicalResult inferConv(Inference &inference) {
  auto op = cast<ConvOp>(inference.op);
  if (failed(inference.requireRankAtLeast(0, 3)) ||
      failed(inference.requireRank(1, inference.rank(0))))
    return failure();
  ArrayRef<Expression> input = inference.shape(0), weight = inference.shape(1);
  int64_t spatial = static_cast<int64_t>(input.size()) - 2;
  auto read = [&](std::optional<ArrayRef<int64_t>> attribute, StringRef name,
                  int64_t count, int64_t otherwise, int64_t smallest,
                  SmallVectorImpl<int64_t> &values) -> LogicalResult {
    values.assign(count, otherwise);
    if (!attribute)
      return success();
    if (static_cast<int64_t>(attribute->size()) != count)
      return inference.error() << "'" << name << "' must have " << count
                               << " elements, got " << attribute->size();
    values.assign(attribute->begin(), attribute->end());
    for (int64_t value : values)
      if (value < smallest || value > INT32_MAX)
        return inference.error() << "'" << name << "' must be in [" << smallest
                                 << ", " << INT32_MAX << "], got " << value;
    return success();
  };
  SmallVector<int64_t> kernel, strides, dilations, pads;
  if (failed(
          read(op.getKernelShape(), "kernel_shape", spatial, -1, 1, kernel)) ||
      failed(read(op.getStrides(), "strides", spatial, 1, 1, strides)) ||
      failed(read(op.getDilations(), "dilations", spatial, 1, 1, dilations)) ||
      failed(read(op.getPads(), "pads", 2 * spatial, 0, 0, pads)))
    return failure();
  StringRef autoPad = op.getAutoPad();
  if (!llvm::is_contained({"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"},
                          autoPad))
    return inference.error() << "'auto_pad' must be NOTSET, SAME_UPPER, "
                                "SAME_LOWER or VALID, got '"
                             << autoPad << "'";
  if (autoPad != "NOTSET" &&
      llvm::any_of(pads, [](int64_t pad) { return pad != 0; }))
    return inference.error()
           << "'pads' must not be given with 'auto_pad' " << autoPad;
  int64_t group = op.getGroup();
  if (group < 1)
    return inference.error() << "'group' must be at least 1, got " << group;
  if (failed(inference.unify(input[1], weight[1] * group,
                             "the channels of 'X' and 'W' times 'group'")))
    return failure();
  if (weight[0].getConstant() && *weight[0].getConstant() % group != 0)
    return inference.error()
           << "dimension 0 of 'W' must be a multiple of 'group' " << group
           << ", got " << weight[0].str();
  if (inference.isPresent(2)) {
    if (failed(inference.requireRank(2, 1)) ||
        failed(inference.unify(weight[0], inference.shape(2)[0],
                               "dimension 0 of 'W' and 'B'")))
      return failure();
  }
  Dims dims{input[0], weight[0]};
  for (int64_t axis = 0; axis < spatial; ++axis) {
    Expression size = input[axis + 2], window = weight[axis + 2];
    if (kernel[axis] != -1 &&
        failed(inference.unify(window, inference.constant(kernel[axis]),
                               "'kernel_shape' and 'W'")))
      return failure();
    Expression stride = inference.constant(strides[axis]);
    if (autoPad.starts_with("SAME")) {
      dims.push_back(ceilDiv(size, stride));
      continue;
    }
    Expression span = (window - 1) * dilations[axis] + 1;
    Expression room = size + pads[axis] + pads[axis + spatial] - span;
    if (room.getConstant() && *room.getConstant() < 0)
      return inference.error()
             << "the window of " << span.str() << " must fit in dimension "
             << axis + 2 << " of 'X', which has " << size.str()
             << " with padding of " << pads[axis] << " and "
             << pads[axis + spatial];
    dims.push_back(floorDiv(room, stride) + 1);
  }
  inference.setShape(0, dims);
  return success();
}

void mlir::trine::onnx::addConvInference(InferenceTable &table) {
  table["onnx.Conv"] = inferConv;
}
