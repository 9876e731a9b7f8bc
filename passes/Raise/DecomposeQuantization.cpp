// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// DynamicQuantizeLinear as the range of its operand and QuantizeLinear.
#include "DecomposeONNX.h"

using namespace mlir;
using namespace mlir::trine;

Decomposition
mlir::trine::decomposeDynamicQuantizeLinear(onnx::DynamicQuantizeLinearOp op,
                                            ONNXDecomposer &d) {
  Value x = op.getX();
  Type f32 = ONNXDecomposer::elementType(x);
  Value zero = d.number(0, f32), steps = d.number(255, f32);
  // 0 is always in the range.
  auto end = [&](StringRef reduction, StringRef choice) {
    return d.create(
        choice, {d.create(reduction, {x, Value()}, {{"keepdims", 0}}), zero});
  };
  Value smallest = end("ReduceMin", "Min"), largest = end("ReduceMax", "Max");
  Value range = d.sub(largest, smallest);
  // A tensor of zeros has no range; any scale will do.
  range = d.create("Where",
                   {d.create("Equal", {range, zero}), d.number(1, f32), range});
  Value scale = d.div(range, steps);
  Value zeroPoint =
      d.create("Clip", {d.sub(zero, d.div(smallest, scale)), zero, steps});
  zeroPoint = d.create("Cast", {d.create("Round", {zeroPoint})},
                       {{"to", 2}}); // TensorProto.UINT8
  Value quantised = d.create("QuantizeLinear", {x, scale, zeroPoint});
  return SmallVector<Value>{quantised, scale, zeroPoint};
}
