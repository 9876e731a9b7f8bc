// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conv, with any number of spatial dimensions, as one linalg.generic over the
// padded input, and CausalConvWithState over the input behind its state.
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {

/// The window along one spatial dimension.
struct Window {
  SymbolicExpression kernel;
  int64_t stride, dilation;
  SymbolicExpression padBefore, padAfter;
};

/// The elements of an attribute, or `byDefault` for each of `count`.
SmallVector<int64_t> readIntegers(std::optional<ArrayRef<int64_t>> attribute,
                                  size_t count, int64_t byDefault) {
  return attribute ? SmallVector<int64_t>(*attribute)
                   : SmallVector<int64_t>(count, byDefault);
}

SmallVector<Window> readWindows(onnx::ConvOp op, ONNXLowering &lowering,
                                ArrayRef<SymbolicExpression> inputDims,
                                ArrayRef<SymbolicExpression> kernel) {
  size_t count = kernel.size();
  SmallVector<int64_t> strides = readIntegers(op.getStrides(), count, 1);
  SmallVector<int64_t> dilations = readIntegers(op.getDilations(), count, 1);
  SmallVector<int64_t> pads = readIntegers(op.getPads(), 2 * count, 0);
  StringRef autoPad = op.getAutoPad();
  SymbolicExpression zero = lowering.constantExpression(0);
  SmallVector<Window> windows;
  for (size_t i = 0; i < count; ++i) {
    Window window{kernel[i], strides[i], dilations[i], zero, zero};
    if (autoPad == "NOTSET" || autoPad.empty()) {
      window.padBefore = lowering.constantExpression(pads[i]);
      window.padAfter = lowering.constantExpression(pads[i + count]);
    } else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      SymbolicExpression total = (window.kernel - 1) * window.dilation;
      if (window.stride != 1) {
        SymbolicExpression stride = lowering.constantExpression(window.stride),
                           outputs = ceilDiv(inputDims[i], stride);
        total = max((outputs - 1) * stride + total + 1 - inputDims[i], zero);
      }
      SymbolicExpression half = floorDiv(total, lowering.constantExpression(2));
      window.padBefore = autoPad == "SAME_UPPER" ? half : total - half;
      window.padAfter = total - window.padBefore;
    }
    windows.push_back(window);
  }
  return windows;
}

/// The input with zeros around its spatial dims.
ONNXLowering::Operand pad(ONNXLowering &lowering, ONNXLowering::Operand input,
                          ArrayRef<Window> windows) {
  if (llvm::all_of(windows, [](const Window &window) {
        return window.padBefore.isConstant(0) && window.padAfter.isConstant(0);
      }))
    return input;
  OpBuilder &builder = lowering.builder;
  Dims dims(input.dims.begin(), input.dims.begin() + 2);
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0)),
      strides(input.dims.size(), builder.getIndexAttr(1));
  for (auto [window, dim] :
       llvm::zip(windows, ArrayRef(input.dims).drop_front(2))) {
    dims.push_back(dim + window.padBefore + window.padAfter);
    offsets.push_back(lowering.size(window.padBefore));
  }
  Type elementType =
      cast<RankedTensorType>(input.value.getType()).getElementType();
  Value zeros = lowering.filled(
      dims, scalarConstant(lowering.builder, lowering.loc, elementType, 0));
  Value padded = tensor::InsertSliceOp::create(
      builder, lowering.loc, input.value, zeros, offsets,
      lowering.sizes(input.dims), strides);
  return {padded, dims};
}

LogicalResult lowerConv(Operation *op, ONNXLowering &lowering) {
  auto conv = cast<onnx::ConvOp>(op);
  ONNXLowering::Operand input = lowering.operand(conv.getX()),
                        weight = lowering.operand(conv.getW());
  Value onnxResult = conv.getY();
  ArrayRef<SymbolicExpression> kernel = ArrayRef(weight.dims).drop_front(2);
  int64_t groups = conv.getGroup();
  SymbolicExpression groupCount = lowering.constantExpression(groups),
                     groupChannels = weight.dims[1];
  auto isPositive = [](SymbolicExpression size) {
    return !size.isConstant() || *size.getConstant() >= 1;
  };
  if (!llvm::all_of(kernel, isPositive))
    return lowering.unsupported(op,
                                "the spatial sizes of 'W' must be positive");
  // That channels divide into groups is inferred, or required when it runs.
  SymbolicExpression groupFilters = floorDiv(weight.dims[0], groupCount);
  SmallVector<Window> windows =
      readWindows(conv, lowering, ArrayRef(input.dims).drop_front(2), kernel);
  input = pad(lowering, input, windows);

  // Loops: batch, group, filter in the group, output positions, then channel in
  // the group and window positions. Loops that would run once are left out; a
  // depthwise convolution so has no channel loop.
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  bool hasGroup = groups > 1,
       hasFilter = !groupFilters.isConstant(1) || !hasGroup,
       hasChannel = !groupChannels.isConstant(1) || !hasGroup;
  size_t spatial = kernel.size();
  unsigned loops = 0;
  auto next = [&] { return builder.getAffineDimExpr(loops++); };
  AffineExpr batch = next(), group, filter, channel;
  if (hasGroup)
    group = next();
  if (hasFilter)
    filter = next();
  SmallVector<AffineExpr> positions, taps(spatial);
  for (size_t i = 0; i < spatial; ++i)
    positions.push_back(next());
  unsigned parallelLoops = loops;
  if (hasChannel)
    channel = next();
  for (size_t i = 0; i < spatial; ++i)
    if (!kernel[i].isConstant(1))
      taps[i] = next();

  Dims resultDims = lowering.dims(onnxResult), inputDims{input.dims[0]},
       weightDims, outDims{resultDims[0]};
  SmallVector<AffineExpr> inputExprs{batch}, weightExprs, outExprs{batch};
  if (hasGroup) {
    inputDims.push_back(groupCount);
    weightDims.push_back(groupCount);
    outDims.push_back(groupCount);
    inputExprs.push_back(group);
    weightExprs.push_back(group);
    outExprs.push_back(group);
  }
  if (hasFilter) {
    weightDims.push_back(groupFilters);
    outDims.push_back(groupFilters);
    weightExprs.push_back(filter);
    outExprs.push_back(filter);
  }
  if (hasChannel) {
    inputDims.push_back(groupChannels);
    weightDims.push_back(groupChannels);
    inputExprs.push_back(channel);
    weightExprs.push_back(channel);
  }
  for (size_t i = 0; i < spatial; ++i) {
    inputDims.push_back(input.dims[i + 2]);
    outDims.push_back(resultDims[i + 2]);
    outExprs.push_back(positions[i]);
    AffineExpr expr = positions[i] * windows[i].stride;
    if (taps[i]) {
      weightDims.push_back(weight.dims[i + 2]);
      weightExprs.push_back(taps[i]);
      expr = expr + taps[i] * windows[i].dilation;
    }
    inputExprs.push_back(expr);
  }

  Type elementType = lowering.elementType(onnxResult);
  Value x = lowering.reshape(input.value, input.dims, inputDims),
        w = lowering.reshape(weight.value, weight.dims, weightDims);
  Value init =
      lowering.filled(outDims, scalarConstant(lowering.builder, lowering.loc,
                                              getComputeType(elementType), 0));
  SmallVector<utils::IteratorType> iterators(parallelLoops,
                                             utils::IteratorType::parallel);
  iterators.append(loops - parallelLoops, utils::IteratorType::reduction);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops, 0, exprs, builder.getContext());
  };
  Value product =
      linalg::GenericOp::create(
          builder, loc, TypeRange{init.getType()}, ValueRange{x, w},
          ValueRange{init}, {map(inputExprs), map(weightExprs), map(outExprs)},
          iterators,
          [](OpBuilder &b, Location l, ValueRange args) {
            linalg::YieldOp::create(
                b, l, multiplyAdd(b, l, args[2], args[0], args[1]));
          })
          .getResult(0);
  ONNXLowering::Operand result{product, outDims};
  if (ONNXLowering::isNone(conv.getB())) {
    lowering.map(
        onnxResult,
        roundTo(lowering, reshaped(lowering, result, resultDims), elementType));
    return success();
  }
  result = reshaped(lowering, result, resultDims);
  ONNXLowering::Operand bias = lowering.operand(conv.getB());
  Dims biasDims{weight.dims[0]};
  biasDims.append(spatial, lowering.constantExpression(1));
  bias = reshaped(lowering, bias, biasDims);
  lowering.map(onnxResult,
               lowering.elementwise(
                   {result, bias}, resultDims, elementType,
                   [](OpBuilder &b, Location l, ValueRange scalars) -> Value {
                     return arith::AddFOp::create(b, l, scalars[0], scalars[1]);
                   }));
  return success();
}

LogicalResult lowerCausalConv(Operation *op, ONNXLowering &lowering) {
  auto conv = cast<onnx::CausalConvWithStateOp>(op);
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  ONNXLowering::Operand input = lowering.operand(conv.getInput()),
                        weight = lowering.operand(conv.getWeight());
  Type elementType = lowering.elementType(conv.getOutput());
  SymbolicExpression batch = input.dims[0], channels = input.dims[1],
                     length = input.dims[2], taps = weight.dims[2],
                     kept = taps - 1, one = lowering.constantExpression(1);
  weight = reshaped(lowering, weight, {weight.dims[0], taps});

  // The state, or zeros, and the input behind it.
  ONNXLowering::Operand joined = input;
  SmallVector<OpFoldResult> origin(3, builder.getIndexAttr(0)), behind(origin),
      strides(3, builder.getIndexAttr(1));
  behind[2] = lowering.size(kept);
  if (!kept.isConstant(0)) {
    joined.dims = {batch, channels, length + kept};
    bool hasPast = !ONNXLowering::isNone(conv.getPastState());
    joined.value =
        hasPast ? lowering.empty(joined.dims, elementType)
                : lowering.filled(joined.dims,
                                  scalarConstant(builder, loc, elementType, 0));
    if (hasPast) {
      ONNXLowering::Operand past = lowering.operand(conv.getPastState());
      joined.value = tensor::InsertSliceOp::create(
          builder, loc, past.value, joined.value, origin,
          lowering.sizes(past.dims), strides);
    }
    joined.value = tensor::InsertSliceOp::create(
        builder, loc, input.value, joined.value, behind,
        lowering.sizes(input.dims), strides);
  }

  Dims dims{batch, channels, length};
  Value init = lowering.filled(
      dims, scalarConstant(builder, loc, getComputeType(elementType), 0));
  AffineExpr b, c, t, k;
  bindDims(builder.getContext(), b, c, t, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, builder.getContext());
  };
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto product = linalg::GenericOp::create(
      builder, loc, TypeRange{init.getType()},
      ValueRange{joined.value, weight.value}, ValueRange{init},
      {map({b, c, t + k}), map({c, k}), map({b, c, t})}, iterators,
      [](OpBuilder &b, Location l, ValueRange args) {
        linalg::YieldOp::create(b, l,
                                multiplyAdd(b, l, args[2], args[0], args[1]));
      });
  SmallVector<ONNXLowering::Operand> operands{{product.getResult(0), dims}};
  if (!ONNXLowering::isNone(conv.getBias())) {
    ONNXLowering::Operand bias = lowering.operand(conv.getBias());
    operands.push_back(reshaped(lowering, bias, {bias.dims[0], one}));
  }
  ONNXLowering::Operand result{
      lowering.elementwise(
          operands, dims, elementType,
          [](OpBuilder &b, Location l, ValueRange s) -> Value {
            return s.size() == 1
                       ? s[0]
                       : arith::AddFOp::create(b, l, s[0], s[1]).getResult();
          }),
      dims};
  if (conv.getActivation() != "none")
    result.value = lowering.elementwise(
        {result}, dims, elementType,
        [](OpBuilder &b, Location l, ValueRange s) -> Value {
          Value unit = scalarConstant(b, l, s[0].getType(), 1);
          Value power =
              math::ExpOp::create(b, l, arith::NegFOp::create(b, l, s[0]));
          return arith::DivFOp::create(
              b, l, s[0], arith::AddFOp::create(b, l, unit, power));
        });
  lowering.map(conv.getOutput(), result.value);
  if (ONNXLowering::isNone(conv.getPresentState()))
    return success();
  if (kept.isConstant(0)) {
    lowering.map(conv.getPresentState(),
                 lowering.empty(conv.getPresentState()));
    return success();
  }
  Dims state{batch, channels, kept};
  SmallVector<OpFoldResult> last(origin);
  last[2] = lowering.size(length);
  lowering.map(conv.getPresentState(),
               tensor::ExtractSliceOp::create(
                   builder, loc, lowering.type(state, elementType),
                   joined.value, last, lowering.sizes(state), strides));
  return success();
}

} // namespace

void mlir::trine::registerConvolutionLowerings(ONNXLoweringRegistry &registry) {
  registry.add("CausalConvWithState", lowerCausalConv);
  registry.add("Conv", lowerConv);
}
