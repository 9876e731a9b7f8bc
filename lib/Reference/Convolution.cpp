// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conv in any number of spatial dimensions, with groups, strides, dilations and
// padding.
#include "Operator.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// One value per spatial dimension from an optional attribute; `fallback` when
/// it is absent.
static FailureOr<llvm::SmallVector<int64_t>>
spatialList(OperatorCall &call,
            std::optional<llvm::ArrayRef<int64_t>> attribute, int64_t count,
            int64_t fallback, int64_t least, llvm::StringRef name) {
  llvm::SmallVector<int64_t> values(count, fallback);
  if (!attribute)
    return values;
  if (static_cast<int64_t>(attribute->size()) != count ||
      llvm::any_of(*attribute, [&](int64_t v) {
        return v < least || v > (int64_t(1) << 32);
      }))
    return call.fail("'" + name + "' must have " + llvm::Twine(count) +
                     " values of at least " + llvm::Twine(least) + ", got " +
                     describeShape(*attribute));
  values.assign(attribute->begin(), attribute->end());
  return values;
}

static LogicalResult conv(OperatorCall &call) {
  auto op = cast<onnx::ConvOp>(call.op);
  const Tensor &x = call.operand(0), &w = call.operand(1),
               *bias = call.optional(2);
  int64_t spatial = x.getRank() - 2, groups = op.getGroup();
  if (spatial < 0 || w.getRank() != x.getRank() ||
      failed(call.requireSameType(x, w, "W")))
    return call.fail("'X' and 'W' must have one rank of at least 2 and one "
                     "type, got shapes " +
                     describeShape(x.getShape()) + " and " +
                     describeShape(w.getShape()));
  if (groups < 1 || x.getDim(1) != groups * w.getDim(1) || w.getDim(0) % groups)
    return call.fail("'W' of shape " + describeShape(w.getShape()) +
                     " does not fit " + llvm::Twine(x.getDim(1)) +
                     " channels in " + llvm::Twine(groups) + " groups");
  if (bias && bias->getNumElements() != w.getDim(0))
    return call.fail("'B' must have " + llvm::Twine(w.getDim(0)) +
                     " elements, got " + llvm::Twine(bias->getNumElements()));
  FailureOr<llvm::SmallVector<int64_t>>
      strides = spatialList(call, op.getStrides(), spatial, 1, 1, "strides"),
      dilations =
          spatialList(call, op.getDilations(), spatial, 1, 1, "dilations"),
      pads = spatialList(call, op.getPads(), 2 * spatial, 0, 0, "pads");
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  llvm::StringRef autoPad = op.getAutoPad();
  llvm::SmallVector<int64_t> shape = {x.getDim(0), w.getDim(0)},
                             kernel(w.getShape().drop_front(2));
  for (int64_t d = 0; d < spatial; ++d) {
    int64_t size = x.getDim(d + 2),
            reach = kernel[d] ? (kernel[d] - 1) * (*dilations)[d] + 1 : 0,
            stride = (*strides)[d];
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      int64_t total = std::max<int64_t>(
          0, ((size + stride - 1) / stride - 1) * stride + reach - size);
      (*pads)[d] = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      (*pads)[d + spatial] = total - (*pads)[d];
    } else if (autoPad == "VALID") {
      (*pads)[d] = (*pads)[d + spatial] = 0;
    } else if (autoPad != "NOTSET") {
      return call.fail("'auto_pad' must be 'NOTSET', 'SAME_UPPER', "
                       "'SAME_LOWER' or 'VALID', got '" +
                       autoPad + "'");
    }
    int64_t padded = size + (*pads)[d] + (*pads)[d + spatial];
    shape.push_back(padded >= reach ? (padded - reach) / stride + 1 : 0);
  }
  FailureOr<Tensor> result = call.allocate(x.getElementType(), shape);
  if (failed(result))
    return failure();
  int64_t channels = w.getDim(1), outputsPerGroup = w.getDim(0) / groups;
  llvm::SmallVector<int64_t> inStrides = stridesOf(x.getShape()),
                             kernelStrides = stridesOf(kernel),
                             outStrides = stridesOf(shape);
  int64_t taps = productOf(kernel, 0, spatial);
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i) {
    int64_t batch = i / outStrides[0], output = i / outStrides[1] % shape[1],
            group = output / outputsPerGroup;
    Accumulator sum(call.accumulateInSingle(), bias ? bias->real(output) : 0.0);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t tap = 0; tap < taps; ++tap) {
        int64_t at =
            batch * inStrides[0] + (group * channels + c) * inStrides[1];
        bool inside = true;
        for (int64_t d = 0; d < spatial; ++d) {
          int64_t position =
              i / outStrides[d + 2] % shape[d + 2] * (*strides)[d] -
              (*pads)[d] + tap / kernelStrides[d] % kernel[d] * (*dilations)[d];
          inside &= position >= 0 && position < x.getDim(d + 2);
          at += position * inStrides[d + 2];
        }
        if (inside)
          sum.addProduct(x.real(at),
                         w.real((output * channels + c) * taps + tap));
      }
    result->setReal(i, sum.get());
  }
  return call.done(*result);
}

void reference::addConvolutionRules(OperatorTable &table) {
  table["onnx.Conv"] = conv;
}
