// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-infer-onnx-shapes: runs the shape analysis again and refines types;
// prints what it knows on request.
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/ONNX/ShapeAnalysis.h"
#include "trine/Passes/Raise.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::trine {
#define GEN_PASS_DEF_INFERONNXSHAPES
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

namespace {
class InferONNXShapes
    : public mlir::trine::impl::InferONNXShapesBase<InferONNXShapes> {
public:
  using InferONNXShapesBase::InferONNXShapesBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    ShapeAnalysis analysis(function);
    if (failed(analysis.run()))
      return signalPassFailure();
    numAssumptions += analysis.getAssumptions().size();
    if (printShapes)
      print(function, analysis);
    if (printSymbols) {
      printSymbolsAndAssumptions(function, analysis);
      compareResults(function, analysis);
    }
  }

private:
  using Elements = SmallVector<SymbolicExpression>;

  static void printList(llvm::raw_ostream &os,
                        ArrayRef<SymbolicExpression> elements) {
    os << "[";
    llvm::interleaveComma(elements, os);
    os << "]";
  }

  /// One remark per op with tensor results: shape, contents or range of each.
  static void print(func::FuncOp function, const ShapeAnalysis &analysis) {
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getNumResults() == 0 ||
          !isa_and_nonnull<ONNXDialect>(op->getDialect()))
        return;
      std::string text;
      llvm::raw_string_ostream os(text);
      for (OpResult result : op->getResults()) {
        if (result.getResultNumber() > 0)
          os << "; ";
        if (!analysis.hasShape(result)) {
          os << "none";
          continue;
        }
        printList(os, analysis.getShape(result));
        if (auto contents = analysis.getContents(result)) {
          os << " contents ";
          printList(os, *contents);
          continue;
        }
        IntegerRange range = analysis.getRange(result);
        bool isBool =
            isa<TensorType>(result.getType()) &&
            cast<TensorType>(result.getType()).getElementType().isInteger(1);
        if (!isBool && (range.lower || range.upper))
          os << " range [" << range.lower << ", " << range.upper << "]";
      }
      emitRemark(op->getLoc()) << text;
    });
  }

  static void printSymbolsAndAssumptions(func::FuncOp function,
                                         const ShapeAnalysis &analysis) {
    for (const SymbolDefinition &definition : analysis.getSymbols()) {
      InFlightDiagnostic remark = definition.isArgument
                                      ? function.emitRemark()
                                      : emitRemark(definition.value.getLoc());
      remark << "symbol " << definition.symbol.str() << ": ";
      if (auto argument = dyn_cast<BlockArgument>(definition.value))
        remark << "argument " << argument.getArgNumber();
      else
        remark << "result "
               << cast<OpResult>(definition.value).getResultNumber();
      remark << " dimension " << definition.dimension;
      if (!definition.offset.isConstant(0))
        remark << ", less " << definition.offset.str();
      if (definition.divisor != 1)
        remark << ", divided by " << definition.divisor;
      if (definition.upperBound)
        remark << ", at most " << definition.upperBound.str();
    }
    for (const ShapeAssumption &assumption : analysis.getAssumptions())
      emitRemark(assumption.operation->getLoc())
          << "assumes " << assumption.chosen.str()
          << " == " << assumption.other.str();
  }

  /// Remarks where the sizes that results' `onnx.dims` state are not the
  /// inferred ones. Files are often wrong there, so it is no error.
  static void compareResults(func::FuncOp function,
                             const ShapeAnalysis &analysis) {
    for (Block &block : function.getBody()) {
      auto terminator = dyn_cast<func::ReturnOp>(block.getTerminator());
      if (!terminator)
        continue;
      for (OpOperand &operand : terminator->getOpOperands()) {
        unsigned index = operand.getOperandNumber();
        auto stated =
            function.getResultAttrOfType<ArrayAttr>(index, "onnx.dims");
        if (!stated || !analysis.hasShape(operand.get()))
          continue;
        ArrayRef<SymbolicExpression> inferred =
            analysis.getShape(operand.get());
        Elements expected;
        for (Attribute entry : stated) {
          expected.emplace_back();
          if (auto integer = dyn_cast<IntegerAttr>(entry);
              integer && integer.getValue().isSignedIntN(64))
            expected.back() =
                analysis.getContext().getConstant(integer.getInt());
          else if (auto text = dyn_cast<StringAttr>(entry))
            expected.back() = analysis.getContext().parse(text.getValue());
        }
        if (ArrayRef<SymbolicExpression>(expected) == inferred)
          continue;
        std::string text;
        llvm::raw_string_ostream os(text);
        printList(os, inferred);
        os << " where 'onnx.dims' says ";
        printList(os, expected);
        emitRemark(function.getLoc()) << "result " << index << " is " << text;
      }
    }
  }
};
} // namespace
