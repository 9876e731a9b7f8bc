// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-convert-onnx-to-linalg: every onnx op becomes linalg on tensors.
#include "ONNXLowering.h"

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
  Type elementType = lowering.elementType(constant.getOutput());
  if (elementType != value.getElementType())
    value = value.bitcast(elementType);
  lowering.map(
      constant.getOutput(),
      arith::ConstantOp::create(lowering.builder, lowering.loc, value));
  return success();
}

static LogicalResult lowerInitializer(Operation *op, ONNXLowering &lowering) {
  auto weight = cast<onnx::InitializerOp>(op);
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
      signalPassFailure();
  }

  std::shared_ptr<const ONNXLoweringRegistry> registry;
};
} // namespace
