// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-convert-onnx-to-linalg: every onnx op becomes linalg on tensors.
#include "LowerRecurrences.h"
#include "ONNXLowering.h"
#include "SmallTypes.h"

#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

static LogicalResult lowerConstant(Operation *op, ONNXLowering &lowering) {
  auto constant = cast<onnx::ConstantOp>(op);
  DenseElementsAttr value = ONNXLowering::constant(constant.getOutput());
  if (!value)
    return lowering.unsupported(op, "its value must be dense elements");
  lowering.map(constant.getOutput(),
               arith::ConstantOp::create(lowering.builder, lowering.loc,
                                         holdConstant(value)));
  return success();
}

/// Elements of 2 and 4 bits stay packed in the file and in the package; the
/// program takes them out of their bytes where it reads them.
static LogicalResult lowerPackedInitializer(onnx::InitializerOp weight,
                                            ONNXLowering &lowering) {
  Value result = weight.getOutput();
  auto onnxType = cast<RankedTensorType>(result.getType());
  Type element = onnxType.getElementType();
  int64_t bits = element.getIntOrFloatBitWidth(), perByte = 8 / bits,
          count = onnxType.getNumElements(),
          bytes = llvm::divideCeil(count, perByte);
  bool isSigned = isa<IntegerType>(element) && !element.isUnsignedInteger();
  OpBuilder &builder = lowering.builder;
  Type byteType = builder.getI8Type();
  ONNXLowering::Operand packed;
  packed.dims = {lowering.constantExpression(bytes)};
  packed.value = WeightOp::create(
      builder, lowering.loc, lowering.type(packed.dims, byteType),
      weight.getNameAttr(), weight.getFileAttr(), weight.getOffsetAttr(),
      weight.getLengthAttr());
  // Element `place` of a byte; places are 0, 1, ... from the low bits.
  auto unpack = [&](OpBuilder &b, Location loc, Value byte,
                    Value place) -> Value {
    Value shift = arith::MulIOp::create(
        b, loc, arith::IndexCastOp::create(b, loc, byteType, place),
        integerConstant(b, loc, byteType, bits));
    Value code = arith::ShRUIOp::create(b, loc, byte, shift);
    if (!isSigned)
      return arith::AndIOp::create(
          b, loc, code, integerConstant(b, loc, byteType, (1 << bits) - 1));
    Value unused = integerConstant(b, loc, byteType, 8 - bits);
    return arith::ShRSIOp::create(
        b, loc, arith::ShLIOp::create(b, loc, code, unused), unused);
  };
  SmallVector<SymbolicExpression> dims;
  Value unpacked;
  if (count % perByte == 0) {
    dims = {packed.dims[0], lowering.constantExpression(perByte)};
    packed.value =
        lowering.reshape(packed.value, packed.dims,
                         {packed.dims[0], lowering.constantExpression(1)});
    packed.dims.push_back(lowering.constantExpression(1));
    unpacked = lowering.elementwise(
        packed, dims, byteType,
        [&](OpBuilder &b, Location loc, ValueRange s) {
          return unpack(b, loc, s[0], linalg::IndexOp::create(b, loc, 1));
        },
        /*raw=*/true);
  } else {
    dims = {lowering.constantExpression(count)};
    unpacked = lowering.generate(
        dims, byteType, [&](OpBuilder &b, Location loc, ValueRange indices) {
          Value divisor = arith::ConstantIndexOp::create(b, loc, perByte);
          Value byte = tensor::ExtractOp::create(
              b, loc, packed.value,
              ValueRange{arith::DivUIOp::create(b, loc, indices[0], divisor)});
          return unpack(b, loc, byte,
                        arith::RemUIOp::create(b, loc, indices[0], divisor));
        });
  }
  lowering.map(result, lowering.reshape(unpacked, dims, lowering.dims(result)));
  return success();
}

static LogicalResult lowerInitializer(Operation *op, ONNXLowering &lowering) {
  auto weight = cast<onnx::InitializerOp>(op);
  Type element =
      cast<ShapedType>(weight.getOutput().getType()).getElementType();
  if (element.getIntOrFloatBitWidth() < 8 && !element.isInteger(1))
    return lowerPackedInitializer(weight, lowering);
  lowering.map(weight.getOutput(),
               WeightOp::create(lowering.builder, lowering.loc,
                                lowering.type(weight.getOutput()),
                                weight.getNameAttr(), weight.getFileAttr(),
                                weight.getOffsetAttr(),
                                weight.getLengthAttr()));
  return success();
}

static void registerLowerings(ONNXLoweringRegistry &registry) {
  registry.add("Constant", lowerConstant);
  registry.add("Initializer", lowerInitializer);
  registerActivationLowerings(registry);
  registerCastLowerings(registry);
  registerControlFlowLowerings(registry);
  registerElementwiseLowerings(registry);
  registerGeneratorLowerings(registry);
  registerMovementLowerings(registry);
  registerNormalizationLowerings(registry);
  registerReductionLowerings(registry);
  registerScanLowerings(registry);
  registerSliceLowerings(registry);
  registerContractionLowerings(registry);
  registerConvolutionLowerings(registry);
  registerEinsumLowerings(registry);
  registerGatherLowerings(registry);
  registerScatterLowerings(registry);
  registerSelectionLowerings(registry);
  registerTopKLowerings(registry);
  registerQuantizationLowerings(registry);
}

namespace {
struct ConvertONNXToLinalg
    : public trine::impl::ConvertONNXToLinalgBase<ConvertONNXToLinalg> {
  LogicalResult initialize(MLIRContext *context) override {
    auto table = std::make_shared<ONNXLoweringRegistry>();
    registerLowerings(*table);
    registry = table;
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    onnx::ShapeAnalysis shapes(function);
    // What has shapes is lowered even so, to report all problems at once.
    LogicalResult shaped = shapes.run();
    ONNXLowering lowering(function, shapes, *registry);
    if (failed(lowering.run(succeeded(shaped))))
      return signalPassFailure();
    hoistChecks(function);
  }

  std::shared_ptr<const ONNXLoweringRegistry> registry;
};
} // namespace
