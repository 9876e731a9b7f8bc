// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "trine/Passes/Optimize.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEFUSEELEMENTWISE
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// How long one element takes, in additions.
static unsigned costOf(linalg::GenericOp op) {
  unsigned cost = 0;
  for (Operation &scalar : op.getBody()->without_terminator()) {
    if (isa<linalg::IndexOp, arith::ConstantOp, arith::IndexCastOp>(scalar))
      continue;
    if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
            arith::RemUIOp, arith::RemFOp, arith::FloorDivSIOp,
            arith::CeilDivSIOp, tensor::ExtractOp>(scalar) ||
        scalar.getNumRegions() > 0 ||
        isa<math::MathDialect>(scalar.getDialect()))
      cost += 16;
    else
      cost += 1;
  }
  return cost;
}

/// Inputs that are read from memory.
static unsigned countTensorInputs(linalg::GenericOp op) {
  return llvm::count_if(op.getDpsInputs(), [](Value input) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    return type && type.getRank() > 0;
  });
}

/// Ops that have fast kernels of their own and take their inputs from memory.
static bool readsFromMemory(linalg::LinalgOp op) {
  if (linalg::isaConvolutionOpInterface(op))
    return true;
  if (!linalg::isaContractionOpInterface(op))
    return false;
  // A row-wise sum of products is a reduction, not a product of matrices.
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  return failed(dims) || (!dims->m.empty() && !dims->n.empty());
}

static bool hasOneUser(Operation *op) {
  auto users = op->getUsers();
  return llvm::all_equal(users);
}

/// Whether fusing through `operand` costs nothing: no element is computed more
/// often than before, or it is nearly free.
static bool isWorthFusing(OpOperand *operand, unsigned maximumOperands,
                          unsigned maximumBody) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || producer->getNumResults() != 1 ||
      readsFromMemory(consumer))
    return false;
  if (producer.getNumDpsInputs() + consumer.getNumDpsInputs() - 1 >
          maximumOperands ||
      producer.getBody()->getOperations().size() +
              consumer.getBody()->getOperations().size() >
          maximumBody)
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  // What a consumer reads twice becomes one operand first: fused one by one,
  // the producer's body would be there twice, and a chain of them 2^n times.
  for (OpOperand &other : consumer->getOpOperands())
    if (&other != operand && other.get() == operand->get() &&
        consumer.isDpsInput(&other) &&
        consumer.getMatchingIndexingMap(&other) == map)
      return false;
  unsigned cost = costOf(producer), inputs = countTensorInputs(producer);
  // Each loop of the consumer moves through the operand: as many elements as
  // before.
  bool once =
      map.isPermutation() || (map.isProjectedPermutation() &&
                              map.getNumResults() == consumer.getNumLoops());
  if (hasOneUser(producer) && once)
    return true;
  if (inputs == 0)
    return cost <= 8; // made from nothing: indices, constants
  if (once)
    return inputs == 1 && cost <= 2; // a copy or a cast, into several users
  return inputs == 1 ? cost <= 2 : hasOneUser(producer) && cost <= 2;
}

/// Whether the loops of the generic next to a reshape may merge: not if the
/// body asks for their indices, which would then be divided apart again.
static bool isWorthCollapsing(OpOperand *operand) {
  linalg::GenericOp op = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!op)
    op = operand->get().getDefiningOp<linalg::GenericOp>();
  return op && !op.hasIndexSemantics() && !readsFromMemory(op);
}

namespace {

/// An input of one element that is made from a scalar becomes that scalar.
struct UseScalarInput : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto elements = input->get().getDefiningOp<tensor::FromElementsOp>();
      BlockArgument argument = op.getMatchingBlockArgument(input);
      if (!elements || elements.getElements().size() != 1 ||
          argument.use_empty())
        continue;
      rewriter.replaceAllUsesWith(argument, elements.getElements().front());
      return success();
    }
    return failure();
  }
};

/// An element of a slice is an element of what it is a slice of.
struct ExtractFromSlice : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp op,
                                PatternRewriter &rewriter) const override {
    auto slice = op.getTensor().getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice)
      return failure();
    Location loc = op.getLoc();
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<Value> indices;
    unsigned next = 0;
    for (auto [dim, offset, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedStrides())) {
      Value index = getValueOrCreateConstantIndexOp(rewriter, loc, offset);
      if (!dropped.test(dim)) {
        Value step = op.getIndices()[next++];
        if (!isOneInteger(stride))
          step = arith::MulIOp::create(
              rewriter, loc, step,
              getValueOrCreateConstantIndexOp(rewriter, loc, stride));
        index =
            isZeroInteger(offset)
                ? step
                : arith::AddIOp::create(rewriter, loc, index, step).getResult();
      }
      indices.push_back(index);
    }
    rewriter.replaceOpWithNewOp<tensor::ExtractOp>(op, slice.getSource(),
                                                   indices);
    return success();
  }
};

/// The element of a reshape of a tensor with one element is that element.
struct ExtractFromReshape : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp op,
                                PatternRewriter &rewriter) const override {
    Operation *reshape = op.getTensor().getDefiningOp();
    if (!reshape ||
        !isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(reshape))
      return failure();
    auto source = cast<RankedTensorType>(reshape->getOperand(0).getType());
    if (!source.hasStaticShape() || source.getNumElements() != 1)
      return failure();
    Value zero = arith::ConstantIndexOp::create(rewriter, op.getLoc(), 0);
    SmallVector<Value> indices(source.getRank(), zero);
    rewriter.replaceOpWithNewOp<tensor::ExtractOp>(op, reshape->getOperand(0),
                                                   indices);
    return success();
  }
};

/// Dims of size 1 that are added and removed again.
struct DropUnitReshapes : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto expand = op.getSrc().getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || expand.getSrcType() != op.getResultType())
      return failure();
    // Each group has at most one dim that is not 1, so that none is split or
    // merged.
    auto movesUnitsOnly = [&](ArrayRef<ReassociationIndices> groups) {
      return llvm::all_of(groups, [&](ArrayRef<int64_t> group) {
        return llvm::count_if(group, [&](int64_t dim) {
                 return op.getSrcType().getDimSize(dim) != 1;
               }) <= 1;
      });
    };
    if (!movesUnitsOnly(op.getReassociationIndices()) ||
        !movesUnitsOnly(expand.getReassociationIndices()))
      return failure();
    rewriter.replaceOp(op, expand.getSrc());
    return success();
  }
};

struct FuseElementwise
    : trine::impl::TrineFuseElementwiseBase<FuseElementwise> {
  using TrineFuseElementwiseBase::TrineFuseElementwiseBase;

  void runOnOperation() override {
    generalise();
    if (failed(dropUnitDims()) || failed(fuse()) || failed(expandSizes()))
      signalPassFailure();
  }

private:
  /// Named ops that are plain loops become linalg.generic.
  void generalise() {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> named;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp, linalg::FillOp, linalg::CopyOp>(
              op.getOperation()) &&
          !linalg::isaContractionOpInterface(op) &&
          !linalg::isaConvolutionOpInterface(op) &&
          op.hasPureTensorSemantics() && !isWeightTranspose(op))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op);
    }
  }

  /// Transposes of what is no computed value are folded into the layout of
  /// weights later.
  static bool isWeightTranspose(linalg::LinalgOp op) {
    auto transpose = dyn_cast<linalg::TransposeOp>(op.getOperation());
    if (!transpose)
      return false;
    Operation *source = transpose.getInput().getDefiningOp();
    return source && source->getNumOperands() == 0;
  }

  LogicalResult dropUnitDims() {
    RewritePatternSet patterns(&getContext());
    linalg::ControlDropUnitDims control;
    control.rankReductionStrategy = linalg::ControlDropUnitDims::
        RankReductionStrategy::ReassociativeReshape;
    control.controlFn = [](Operation *op) -> SmallVector<unsigned> {
      auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
      if (!generic || readsFromMemory(generic))
        return {};
      return llvm::to_vector(llvm::seq<unsigned>(0, generic.getNumLoops()));
    };
    linalg::populateFoldUnitExtentDimsPatterns(patterns, control);
    linalg::populateFoldUnitExtentDimsCanonicalizationPatterns(patterns,
                                                               control);
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }

  LogicalResult fuse() {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [this](OpOperand *operand) {
          return isWorthFusing(operand, maximumOperands, maximumBody);
        });
    // Dims that a reshape splits or merges next to a loop are one loop, so
    // that a product and what follows it have the same rows and columns.
    linalg::populateFoldReshapeOpsByCollapsingPatterns(
        patterns,
        [](OpOperand *operand) { return isWorthCollapsing(operand); });
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    patterns.add<UseScalarInput, ExtractFromSlice, ExtractFromReshape,
                 DropUnitReshapes>(&getContext());
    linalg::FillOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    // Producers come first, so that a chain is fused from its start.
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true);
    return applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }

  /// Sizes that the patterns made are arith like all others.
  LogicalResult expandSizes() {
    RewritePatternSet patterns(&getContext());
    populateAffineToStdConversionPatterns(patterns);
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
