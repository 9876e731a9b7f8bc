// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::trine;

/// The block argument behind `value`, through one widening.
static BlockArgument widenedArgument(Value value) {
  if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return dyn_cast<BlockArgument>(value);
}

bool trine::isFloatProduct(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return false;
  Block *body = op.getBody();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  auto add = yield.getValues()[0].getDefiningOp<arith::AddFOp>();
  if (!add || !isa<Float32Type, Float64Type>(add.getType()))
    return false;
  BlockArgument accumulator = body->getArgument(2);
  Value term = add.getLhs() == accumulator ? add.getRhs() : add.getLhs();
  if (add.getLhs() != accumulator && add.getRhs() != accumulator)
    return false;
  auto product = term.getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  BlockArgument left = widenedArgument(product.getLhs());
  BlockArgument right = widenedArgument(product.getRhs());
  if (!left || !right || left.getOwner() != body || right.getOwner() != body)
    return false;
  return left.getArgNumber() + right.getArgNumber() == 1;
}

bool trine::isCheap(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumReductionLoops() != 0)
    return false;
  unsigned count = 0;
  for (Operation &inner : generic.getBody()->without_terminator()) {
    if (inner.getNumRegions() != 0 ||
        isa_and_nonnull<math::MathDialect>(inner.getDialect()) ||
        isa<arith::DivFOp, arith::DivSIOp, arith::RemSIOp, arith::RemFOp>(
            inner))
      return false;
    ++count;
  }
  return count <= 4;
}

/// Element-wise fusion must neither break a product nor compute an expensive
/// producer once per step of a loop that the producer does not have.
static bool mayFuse(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  if (!consumer || !producer || isFloatProduct(consumer))
    return false;
  // Numbers of rows are computed once, not once per element of the row.
  if (cast<ShapedType>(operand->get().getType()).getElementType().isIndex())
    return false;
  if (!operand->get().hasOneUse() && !isCheap(producer))
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  return map.isPermutation() || isCheap(producer);
}

/// Makes results that are computed into fresh tensors use the destinations.
static void bindDestinations(plan::KernelOp kernel, IRRewriter &rewriter) {
  Block &body = kernel.getBody().front();
  auto terminator = cast<plan::ReturnOp>(body.getTerminator());
  unsigned first = body.getNumArguments() - kernel.getNumDestinations();
  for (auto [index, returned] : llvm::enumerate(terminator.getValues())) {
    BlockArgument destination = body.getArgument(first + index);
    if (!llvm::all_of(destination.getUsers(), llvm::IsaPred<tensor::DimOp>))
      continue;
    // Walk to the tensor that the result is computed into, through reshapes.
    Value value = returned;
    SmallVector<Operation *> reshapes;
    while (auto result = dyn_cast<OpResult>(value)) {
      if (!result.hasOneUse())
        break;
      Operation *op = result.getOwner();
      if (auto style = dyn_cast<DestinationStyleOpInterface>(op)) {
        value = style.getTiedOpOperand(result)->get();
        continue;
      }
      if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
        value = insert.getDest();
        continue;
      }
      if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
        reshapes.push_back(op);
        value = op->getOperand(0);
        continue;
      }
      break;
    }
    auto empty = value.getDefiningOp<tensor::EmptyOp>();
    if (!empty || !empty->hasOneUse())
      continue;
    rewriter.setInsertionPointToStart(&body);
    Value target = destination;
    bool possible = true;
    for (Operation *op : reshapes) {
      if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
        target = tensor::CollapseShapeOp::create(
            rewriter, op->getLoc(), expand.getSrcType(), target,
            expand.getReassociationIndices());
        continue;
      }
      auto collapse = cast<tensor::CollapseShapeOp>(op);
      if (!collapse.getSrcType().hasStaticShape()) {
        possible = false;
        break;
      }
      target = tensor::ExpandShapeOp::create(
          rewriter, op->getLoc(), collapse.getSrcType(), target,
          collapse.getReassociationIndices());
    }
    if (possible && target.getType() == empty.getType())
      rewriter.replaceOp(empty, target);
  }
}

/// The same for what loops carry and an iteration writes as a whole: memory
/// that was planned for a temporary of each iteration.
static void bindCarried(plan::KernelOp kernel, IRRewriter &rewriter) {
  kernel.walk([&](scf::ForOp loop) {
    for (auto [carried, yielded] :
         llvm::zip_equal(loop.getRegionIterArgs(), loop.getYieldedValues())) {
      if (!llvm::all_of(carried.getUsers(), llvm::IsaPred<tensor::DimOp>))
        continue;
      Value value = yielded;
      while (auto result = dyn_cast<OpResult>(value)) {
        auto style = dyn_cast<DestinationStyleOpInterface>(result.getOwner());
        if (!style || result.getOwner()->getBlock() != loop.getBody())
          break;
        value = style.getTiedOpOperand(result)->get();
      }
      auto empty = value.getDefiningOp<tensor::EmptyOp>();
      if (empty && empty->getBlock() == loop.getBody() && empty->hasOneUse() &&
          empty.getType() == carried.getType())
        rewriter.replaceOp(empty, carried);
    }
  });
}

/// A copy that more is written into must fill the destination: as a generic it
/// would fold to its source, which nothing may overwrite.
static void keepCopies(plan::KernelOp kernel, IRRewriter &rewriter) {
  SmallVector<linalg::CopyOp> copies;
  kernel.walk([&](linalg::CopyOp copy) {
    if (copy.getInputs()[0].getType() == copy.getOutputs()[0].getType() &&
        llvm::any_of(copy->getUses(), [](OpOperand &use) {
          auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
          return user ? user.isDpsInit(&use)
                      : !isa<plan::ReturnOp>(use.getOwner());
        }))
      copies.push_back(copy);
  });
  for (linalg::CopyOp copy : copies) {
    rewriter.setInsertionPoint(copy);
    rewriter.replaceOpWithNewOp<bufferization::MaterializeInDestinationOp>(
        copy, copy.getResult(0).getType(), copy.getInputs()[0],
        copy.getOutputs()[0]);
  }
}

static LogicalResult decompose(plan::KernelOp kernel, IRRewriter &rewriter) {
  SmallVector<linalg::SoftmaxOp> softmaxes;
  kernel.walk([&](linalg::SoftmaxOp op) { softmaxes.push_back(op); });
  for (linalg::SoftmaxOp op : softmaxes) {
    rewriter.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
    if (failed(values))
      return op.emitOpError() << "cannot be decomposed";
    rewriter.replaceOp(op, *values);
  }
  SmallVector<linalg::LinalgOp> named;
  kernel.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      // No test: only a defect upstream leads here.
      return op.emitOpError() << "has no general form";
  }
  return success();
}

LogicalResult trine::prepareKernel(plan::KernelOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  keepCopies(kernel, rewriter);
  if (failed(decompose(kernel, rewriter)))
    return failure();
  RewritePatternSet patterns(kernel.getContext());
  linalg::populateElementwiseOpsFusionPatterns(patterns, mayFuse);
  linalg::populateDecomposePadPatterns(patterns);
  linalg::populateInlineConstantOperandsPatterns(patterns);
  linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
  tensor::populateDecomposeTensorConcatPatterns(patterns);
  populateMathAlgebraicSimplificationPatterns(patterns);

  linalg::GenericOp::getCanonicalizationPatterns(patterns, kernel.getContext());
  tensor::DimOp::getCanonicalizationPatterns(patterns, kernel.getContext());
  tensor::ExtractSliceOp::getCanonicalizationPatterns(patterns,
                                                      kernel.getContext());
  tensor::CastOp::getCanonicalizationPatterns(patterns, kernel.getContext());
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  if (failed(applyPatternsGreedily(kernel, std::move(patterns))))
    // No test: only a defect upstream leads here.
    return kernel.emitOpError() << "could not be brought into canonical form";
  bindDestinations(kernel, rewriter);
  bindCarried(kernel, rewriter);
  return success();
}
