// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"
#include "MicroKernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::trine {
#define GEN_PASS_DEF_VECTORIZEKERNELS
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// The intrinsic of a maximum or minimum of f32 or f64 that keeps NaN. As
/// comparisons and selections, which arith would become, LLVM would not know
/// the reduction. A reduction that ignores NaN stays comparisons: where the
/// vectors of such an intrinsic are one step of its loop, LLVM 22 leaves out
/// the elements behind them.
static void useIntrinsic(IRRewriter &rewriter, Operation *op) {
  Type type = op->getResult(0).getType();
  if (!type.isF32() && !type.isF64())
    return;
  rewriter.setInsertionPoint(op);
  Value left = op->getOperand(0), right = op->getOperand(1);
  if (isa<arith::MaximumFOp>(op))
    rewriter.replaceOpWithNewOp<LLVM::MaximumOp>(op, left, right);
  else if (isa<arith::MinimumFOp>(op))
    rewriter.replaceOpWithNewOp<LLVM::MinimumOp>(op, left, right);
}

/// Lets LLVM vectorise a reduction: the order of its sum becomes the
/// compiler's choice, made once.
static void allowReassociation(IRRewriter &rewriter, linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0)
    return;
  bool product = isFloatProduct(op);
  for (OpOperand &init : op.getDpsInitsMutable()) {
    BlockArgument accumulator = op.getMatchingBlockArgument(&init);
    for (Operation *user : llvm::make_early_inc_range(accumulator.getUsers()))
      if (auto add = dyn_cast<arith::AddFOp>(user))
        add.setFastmath(product ? arith::FastMathFlags::reassoc |
                                      arith::FastMathFlags::contract
                                : arith::FastMathFlags::reassoc);
      else
        useIntrinsic(rewriter, user);
  }
  if (product)
    op.getBody()->walk([](arith::MulFOp mul) {
      mul.setFastmath(arith::FastMathFlags::contract);
    });
}

/// A copy as an operation on elements, so that it becomes a loop.
static void replaceCopy(IRRewriter &rewriter, memref::CopyOp copy) {
  rewriter.setInsertionPoint(copy);
  auto type = cast<MemRefType>(copy.getTarget().getType());
  SmallVector<AffineMap> maps(2,
                              rewriter.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> kinds(type.getRank(),
                                         utils::IteratorType::parallel);
  linalg::GenericOp::create(
      rewriter, copy.getLoc(), copy.getSource(), copy.getTarget(), maps, kinds,
      [](OpBuilder &builder, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(builder, loc, arguments[0]);
      });
  rewriter.eraseOp(copy);
}

/// Views with other dimensions, as strides. Upstream's expansion takes one
/// dynamic size per group; sequences have more.
static void replaceExpansion(IRRewriter &rewriter, memref::ExpandShapeOp op) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto source =
      memref::ExtractStridedMetadataOp::create(rewriter, loc, op.getSrc());
  auto [typeStrides, typeOffset] = op.getResultType().getStridesAndOffset();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  // A view of a scalar has no groups, and any stride.
  SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
  AffineExpr left, right;
  bindSymbols(rewriter.getContext(), left, right);
  auto sourceType = op.getSrcType();
  auto [sourceStrides, sourceOffset] = sourceType.getStridesAndOffset();
  auto fixed = [&](int64_t known, OpFoldResult value) -> OpFoldResult {
    return ShapedType::isDynamic(known) ? value : rewriter.getIndexAttr(known);
  };
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride =
        fixed(sourceStrides[dim], OpFoldResult(source.getStrides()[dim]));
    for (int64_t target : llvm::reverse(group)) {
      strides[target] = fixed(typeStrides[target], stride);
      stride = affine::makeComposedFoldedAffineApply(
          rewriter, loc, left * right, {stride, sizes[target]});
    }
  }
  OpFoldResult offset =
      fixed(typeOffset, fixed(sourceOffset, OpFoldResult(source.getOffset())));
  // A stride that the type does not know must be a value.
  for (auto [known, stride] : llvm::zip(typeStrides, strides))
    if (ShapedType::isDynamic(known))
      stride = getValueOrCreateConstantIndexOp(rewriter, loc, stride);
  if (ShapedType::isDynamic(typeOffset))
    offset = getValueOrCreateConstantIndexOp(rewriter, loc, offset);
  rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(
      op, op.getResultType(), source.getBaseBuffer(), offset, sizes, strides);
}

/// Conversions to 16-bit floats that no instruction does, and whose library
/// calls are not in libm, go through f32.
static void splitConversions(IRRewriter &rewriter, func::FuncOp function) {
  SmallVector<Operation *> conversions;
  function.walk([&](Operation *op) {
    if (!isa<arith::SIToFPOp, arith::UIToFPOp, arith::TruncFOp>(op))
      return;
    Type from = getElementTypeOrSelf(op->getOperand(0));
    Type to = getElementTypeOrSelf(op->getResult(0));
    if ((to.isBF16() && !from.isF32()) || (to.isF16() && from.isF64()))
      conversions.push_back(op);
  });
  for (Operation *op : conversions) {
    rewriter.setInsertionPoint(op);
    Type type = op->getResult(0).getType();
    Type middle = rewriter.getF32Type();
    if (auto shaped = dyn_cast<ShapedType>(type))
      middle = shaped.clone(middle);
    Operation *first = rewriter.clone(*op);
    first->getResult(0).setType(middle);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, first->getResult(0));
  }
}

/// Polynomials for what would otherwise be calls, one per element.
static LogicalResult approximateMath(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  static const llvm::StringSet<> names = {"math.exp",  "math.expm1",
                                          "math.log",  "math.log1p",
                                          "math.tanh", "math.erf"};
  auto wanted = [](StringRef name) { return names.contains(name); };
  populateMathPolynomialApproximationPatterns(patterns, wanted);
  math::populateExpansionPatterns(patterns,
                                  {"sinh", "cosh", "asinh", "acosh", "atanh"});
  return applyPatternsGreedily(function, std::move(patterns));
}

namespace {
struct VectorizeKernels : trine::impl::VectorizeKernelsBase<VectorizeKernels> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    IRRewriter rewriter(&getContext());
    SmallVector<memref::ExpandShapeOp> expansions;
    function.walk([&](memref::ExpandShapeOp op) { expansions.push_back(op); });
    for (memref::ExpandShapeOp op : expansions)
      replaceExpansion(rewriter, op);
    SmallVector<memref::CopyOp> copies;
    function.walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies)
      replaceCopy(rewriter, copy);

    SmallVector<linalg::LinalgOp> operations;
    function.walk([&](linalg::LinalgOp op) { operations.push_back(op); });
    for (linalg::LinalgOp op : operations) {
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (generic && isFloatProduct(generic)) {
        if (succeeded(emitMicroKernel(rewriter, generic, vectorBytes))) {
          ++numMicroKernels;
          continue;
        }
        ++numScalarProducts;
      }
      if (generic &&
          succeeded(emitGatheredMicroKernel(rewriter, generic, vectorBytes))) {
        ++numMicroKernels;
        continue;
      }
      if (generic)
        allowReassociation(rewriter, generic);
      rewriter.setInsertionPoint(op);
      if (failed(linalg::linalgOpToLoops(rewriter, op))) {
        // No test: only a defect upstream leads here.
        op.emitOpError() << "cannot become loops";
        return signalPassFailure();
      }
      rewriter.eraseOp(op);
    }
    if (failed(approximateMath(function))) {
      // No test: only a defect upstream leads here.
      function.emitOpError() << "math could not be expanded";
      return signalPassFailure();
    }
    // Last: folding joins the two steps again.
    splitConversions(rewriter, function);
  }
};
} // namespace
