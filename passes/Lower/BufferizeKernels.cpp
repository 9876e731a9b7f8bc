// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelBody.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::trine {
#define GEN_PASS_DEF_BUFFERIZEKERNELS
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// All temporaries of one kernel together.
static constexpr int64_t kAllStackBytes = 512 * 1024;

static MemRefType asMemRef(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

/// Moves a kernel's body into a function of memrefs.
static func::FuncOp makeFunction(plan::KernelOp kernel, IRRewriter &rewriter) {
  Location loc = kernel.getLoc();
  SmallVector<Type> inputs;
  for (Type type : kernel.getFunctionType().getInputs())
    inputs.push_back(isa<IndexType>(type) ? type : asMemRef(type));
  rewriter.setInsertionPoint(kernel);
  auto function = func::FuncOp::create(rewriter, loc, kernel.getSymName(),
                                       rewriter.getFunctionType(inputs, {}));
  function.setPrivate();
  function->setAttr("plan.skeleton", kernel.getSkeletonAttr());
  Block *entry = function.addEntryBlock();
  rewriter.setInsertionPointToStart(entry);
  unsigned firstDestination = inputs.size() - kernel.getNumDestinations();
  SmallVector<Value> values;
  for (BlockArgument argument : entry->getArguments()) {
    if (isa<IndexType>(argument.getType())) {
      values.push_back(argument);
      continue;
    }
    Type tensor = kernel.getFunctionType().getInput(argument.getArgNumber());
    values.push_back(bufferization::ToTensorOp::create(
        rewriter, loc, tensor, argument, /*restrict=*/true,
        /*writable=*/argument.getArgNumber() >= firstDestination));
  }
  auto terminator =
      cast<plan::ReturnOp>(kernel.getBody().front().getTerminator());
  SmallVector<Value> results(terminator.getValues());
  rewriter.inlineBlockBefore(&kernel.getBody().front(), entry, entry->end(),
                             values);
  // Inlining replaced the arguments in the terminator too.
  results.assign(terminator.getValues().begin(), terminator.getValues().end());
  rewriter.setInsertionPoint(terminator);
  for (auto [index, value] : llvm::enumerate(results)) {
    auto write = bufferization::MaterializeInDestinationOp::create(
        rewriter, loc, value, entry->getArgument(firstDestination + index));
    write.setWritable(true);
    write.setRestrict(true);
  }
  func::ReturnOp::create(rewriter, loc);
  rewriter.eraseOp(terminator);
  rewriter.eraseOp(kernel);
  return function;
}

/// The argument of the function that `value` is all of, through reshapes.
static Value throughReshapes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(
            op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static LogicalResult cleanUp(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  RewritePatternSet patterns(context);
  memref::SubViewOp::getCanonicalizationPatterns(patterns, context);
  memref::DimOp::getCanonicalizationPatterns(patterns, context);
  memref::CastOp::getCanonicalizationPatterns(patterns, context);
  memref::CopyOp::getCanonicalizationPatterns(patterns, context);
  memref::LoadOp::getCanonicalizationPatterns(patterns, context);
  memref::AllocOp::getCanonicalizationPatterns(patterns, context);
  scf::ForOp::getCanonicalizationPatterns(patterns, context);
  scf::IfOp::getCanonicalizationPatterns(patterns, context);
  scf::ForallOp::getCanonicalizationPatterns(patterns, context);
  affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
  affine::AffineMinOp::getCanonicalizationPatterns(patterns, context);
  // Twice: a copy onto itself shows only after equal views have become one.
  FrozenRewritePatternSet frozen(std::move(patterns));
  for (int round = 0; round < 2; ++round) {
    if (failed(applyPatternsGreedily(function, frozen)))
      // No test: only a defect upstream leads here.
      return function.emitOpError() << "could not be cleaned up";
    IRRewriter rewriter(context);
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
  }
  SmallVector<memref::CopyOp> copies;
  function.walk([&](memref::CopyOp copy) {
    if (throughReshapes(copy.getSource()) == throughReshapes(copy.getTarget()))
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies)
    copy.erase();
  return success();
}

/// Whether a buffer, or a view of it, is carried from one iteration of a loop
/// to the next.
static bool outlivesIteration(Value buffer) {
  SmallVector<Value> work{buffer};
  DenseSet<Value> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (Operation *user : value.getUsers()) {
      if (isa<ViewLikeOpInterface>(user)) {
        llvm::append_range(work, user->getResults());
      } else if (isa<scf::ConditionOp>(user)) {
        return true;
      } else if (isa<scf::YieldOp>(user)) {
        Operation *parent = user->getParentOp();
        if (!isa<scf::IfOp>(parent))
          return true;
        llvm::append_range(work, parent->getResults());
      } else if (isa<arith::SelectOp>(user)) {
        llvm::append_range(work, user->getResults());
      }
    }
  }
  return false;
}

/// Gives temporaries stack memory. A kernel never allocates: what has no bound
/// is an error.
static LogicalResult placeTemporaries(func::FuncOp function) {
  SmallVector<memref::AllocOp> allocations;
  function.walk([&](memref::AllocOp op) { allocations.push_back(op); });
  Block *entry = &function.getBody().front();
  int64_t total = 0;
  IRRewriter rewriter(function.getContext());
  for (memref::AllocOp op : allocations) {
    Location loc = op.getLoc();
    if (outlivesIteration(op))
      return function.emitOpError()
             << "kernel needs a temporary of type " << op.getType()
             << " that outlives an iteration of a loop";
    std::optional<int64_t> bytes =
        boundBytes(op.getType(), op.getDynamicSizes());
    if (!bytes)
      return function.emitOpError()
             << "kernel needs a temporary of type " << op.getType()
             << " that is not known to fit in " << kStackBytes << " bytes";
    total += *bytes;
    if (total > kAllStackBytes)
      return function.emitOpError() << "kernel needs temporaries of more than "
                                    << kAllStackBytes << " bytes";
    rewriter.setInsertionPointToStart(entry);
    IntegerAttr alignment = rewriter.getI64IntegerAttr(64);
    if (op.getType().hasStaticShape()) {
      rewriter.replaceOpWithNewOp<memref::AllocaOp>(op, op.getType(),
                                                    ValueRange(), alignment);
      continue;
    }
    auto flat =
        MemRefType::get({std::max<int64_t>(*bytes, 1)}, rewriter.getI8Type());
    Value storage =
        memref::AllocaOp::create(rewriter, loc, flat, ValueRange(), alignment);
    rewriter.setInsertionPoint(op);
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    rewriter.replaceOpWithNewOp<memref::ViewOp>(op, op.getType(), storage, zero,
                                                op.getDynamicSizes());
  }
  return success();
}

/// Whether a tensor is written in place of `carried`.
static bool isWrittenInto(Value value, Value carried, int depth = 0) {
  if (value == carried)
    return true;
  auto result = dyn_cast<OpResult>(value);
  if (!result || depth > 64)
    return false;
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return isWrittenInto(destination.getTiedOpOperand(result)->get(), carried,
                         depth + 1);
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    if (OpOperand *initial = loop.getTiedLoopInit(result))
      return isWrittenInto(initial->get(), carried, depth + 1);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return llvm::all_of(branch->getRegions(), [&](Region &region) {
      return isWrittenInto(
          region.front().getTerminator()->getOperand(result.getResultNumber()),
          carried, depth + 1);
    });
  return false;
}

/// What loops carry from one iteration to the next stays where it is: values
/// that an iteration makes elsewhere are copied there at its end.
static void keepCarriedInPlace(func::FuncOp function, IRRewriter &rewriter) {
  auto keep = [&](OpOperand &operand, Value place) {
    Value value = operand.get();
    if (!isa<RankedTensorType>(value.getType()) ||
        value.getType() != place.getType() || isWrittenInto(value, place))
      return;
    rewriter.setInsertionPoint(operand.getOwner());
    operand.set(bufferization::MaterializeInDestinationOp::create(
                    rewriter, value.getLoc(), place.getType(), value, place)
                    .getResult());
  };
  function.walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (auto [operand, place] :
           llvm::zip_equal(loop.getBody()->getTerminator()->getOpOperands(),
                           loop.getRegionIterArgs()))
        keep(operand, place);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      // Where the condition hands an argument on to the body.
      for (auto [operand, before] : llvm::zip_equal(
               loop.getYieldOp()->getOpOperands(), loop.getBeforeArguments()))
        for (auto [passed, place] : llvm::zip_equal(
                 loop.getConditionOp().getArgs(), loop.getAfterArguments()))
          if (passed == before) {
            keep(operand, place);
            break;
          }
    }
  });
}

namespace {
struct BufferizeKernels : trine::impl::BufferizeKernelsBase<BufferizeKernels> {
  void runOnOperation() override {
    SmallVector<plan::KernelOp> kernels(
        getOperation().getOps<plan::KernelOp>());
    IRRewriter rewriter(&getContext());
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    // Tiles of arguments have constant strides; plain memrefs keep them.
    for (plan::KernelOp kernel : kernels) {
      func::FuncOp function = makeFunction(kernel, rewriter);
      keepCarriedInPlace(function, rewriter);
      bufferization::BufferizationState state;
      if (failed(bufferization::runOneShotBufferize(function, options, state)))
        return signalPassFailure();
      if (failed(cleanUp(function)))
        return signalPassFailure();
      if (failed(placeTemporaries(function)))
        return signalPassFailure();
    }
  }
};
} // namespace
