// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelOutlining.h"
#include "Sequence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEFORMKERNELS
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Ops that are defined by what they do rather than into what: rewritten to
/// fill, insert and generic. One that cannot be stays and is copied into its
/// destination.
static void makeDestinationStyle(Block &block) {
  IRRewriter rewriter(block.getParentOp()->getContext());
  for (Operation &op : llvm::make_early_inc_range(block)) {
    rewriter.setInsertionPoint(&op);
    if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
      FailureOr<SmallVector<Value>> pieces =
          concat.decomposeOperation(rewriter);
      if (succeeded(pieces))
        rewriter.replaceOp(&op, *pieces);
    } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      (void)linalg::rewriteInDestinationPassingStyle(rewriter, pad);
    } else if (auto elements = dyn_cast<tensor::FromElementsOp>(op)) {
      (void)linalg::rewriteInDestinationPassingStyle(rewriter, elements);
    } else if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
      (void)linalg::rewriteInDestinationPassingStyle(rewriter, generate);
    } else if (auto splat = dyn_cast<tensor::SplatOp>(op)) {
      Value empty = tensor::EmptyOp::create(
          rewriter, op.getLoc(), splat.getType(), splat.getDynamicSizes());
      rewriter.replaceOpWithNewOp<linalg::FillOp>(splat, splat.getInput(),
                                                  empty);
    }
  }
}

/// Ops whose loops have no iteration leave what they would write into.
static void eraseEmptyLoops(func::FuncOp function) {
  function.walk([](linalg::LinalgOp op) {
    if (!op.hasPureTensorSemantics() ||
        !llvm::is_contained(op.getStaticLoopRanges(), 0))
      return;
    op->replaceAllUsesWith(op.getDpsInits());
    op->erase();
  });
}

/// A merge of dims that a slice takes as a whole is a slice of the merge. The
/// merge is then a view between kernels and the slice is read where it is used;
/// the other way round the slice would have to be copied.
static void sliceAfterMerging(Block &block, TensorSizes &sizes) {
  SmallVector<tensor::CollapseShapeOp> merges(
      block.getOps<tensor::CollapseShapeOp>());
  for (tensor::CollapseShapeOp merge : merges) {
    auto slice = merge.getSrc().getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice || slice.getDroppedDims().any())
      continue;
    SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                              lengths = slice.getMixedSizes(),
                              strides = slice.getMixedStrides();
    ArrayRef<OpFoldResult> all = sizes.of(slice.getSource());
    auto isWhole = [&](int64_t dim) {
      return isZeroInteger(offsets[dim]) && isOneInteger(strides[dim]) &&
             isEqualConstantIntOrValue(lengths[dim], all[dim]);
    };
    OpBuilder builder(merge);
    SmallVector<OpFoldResult> newOffsets, newLengths, newStrides, mergedSizes;
    bool movable = true;
    for (auto [dim, group] : llvm::enumerate(merge.getReassociationIndices())) {
      if (group.size() == 1) {
        newOffsets.push_back(offsets[group.front()]);
        newLengths.push_back(lengths[group.front()]);
        newStrides.push_back(strides[group.front()]);
        mergedSizes.push_back(all[group.front()]);
        continue;
      }
      movable &= llvm::all_of(group, isWhole);
      newOffsets.push_back(builder.getIndexAttr(0));
      newLengths.push_back(sizes.of(merge.getResult())[dim]);
      newStrides.push_back(builder.getIndexAttr(1));
      mergedSizes.push_back(newLengths.back());
    }
    if (!movable)
      continue;
    auto merged = tensor::CollapseShapeOp::create(
        builder, merge.getLoc(), slice.getSource(),
        merge.getReassociationIndices());
    // Sizes of merged dims are made after the merge that is replaced.
    builder.setInsertionPointAfter(merge);
    for (OpFoldResult length : newLengths)
      if (auto value = dyn_cast<Value>(length))
        if (Operation *op = value.getDefiningOp();
            op && op->getBlock() == merge->getBlock() &&
            builder.getInsertionPoint()->isBeforeInBlock(op))
          builder.setInsertionPointAfter(op);
    auto moved = tensor::ExtractSliceOp::create(
        builder, slice.getLoc(), merge.getResultType(), merged, newOffsets,
        newLengths, newStrides);
    sizes.set(merged.getResult(), mergedSizes);
    sizes.alias(merge.getResult(), moved.getResult());
    merge.replaceAllUsesWith(moved.getResult());
    merge.erase();
  }
}

/// A plan.symbol for each argument dimension that is a symbol by itself.
static void addSymbols(ModuleOp module, func::FuncOp function,
                       OpBuilder builder) {
  SymbolTable table(module);
  for (BlockArgument argument : function.getArguments()) {
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                      "onnx.dims");
    if (!names)
      continue;
    for (auto [dim, attribute] : llvm::enumerate(names)) {
      auto name = dyn_cast<StringAttr>(attribute);
      if (!name || name.empty() ||
          !llvm::all_of(name.getValue(),
                        [](char c) {
                          return llvm::isAlnum(c) || c == '_' || c == '.';
                        }) ||
          llvm::isDigit(name.getValue().front()))
        continue;
      if (table.lookup(name.getValue()))
        continue;
      auto symbol =
          plan::SymbolOp::create(builder, argument.getLoc(), name.getValue(),
                                 argument.getArgNumber(), dim);
      table.insert(symbol);
    }
  }
}

namespace {

struct FormKernels : trine::impl::TrineFormKernelsBase<FormKernels> {
  void runOnOperation() override;

private:
  LogicalResult formKernels(func::FuncOp function);
  void rewriteSequence(Block &block, FlatSymbolRefAttr device);
};

} // namespace

void FormKernels::rewriteSequence(Block &block, FlatSymbolRefAttr device) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    OpBuilder builder(&op);
    if (auto require = dyn_cast<RequireOp>(op)) {
      plan::RequireOp::create(builder, op.getLoc(), require.getCondition(),
                              require.getMessage(), device.getAttr(),
                              /*queue=*/0);
      require.erase();
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      Type type = extract.getType();
      if (!type.isSignlessInteger())
        continue;
      auto read = plan::ReadOp::create(
          builder, op.getLoc(), type, extract.getTensor(), extract.getIndices(),
          device, builder.getI64IntegerAttr(0));
      extract.replaceAllUsesWith(read.getResult());
      extract.erase();
    }
  }
}

LogicalResult FormKernels::formKernels(func::FuncOp function) {
  ModuleOp module = getOperation();
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitOpError() << "must have one block";
  WalkResult checks = function.walk([](RequireOp check) {
    if (!check->getParentOfType<LoopLikeOpInterface>())
      return WalkResult::advance();
    check.emitError() << "a check in each iteration of a loop is not "
                         "supported: "
                      << check.getMessage();
    return WalkResult::interrupt();
  });
  if (checks.wasInterrupted())
    return failure();
  eraseEmptyLoops(function);
  numChoices += makeChoices(function);
  SmallVector<Block *> blocks = sequenceBlocks(function);
  auto eraseDead = [&] {
    // What a choice no longer uses is dead outside.
    for (Block *block : llvm::reverse(blocks))
      eraseDeadOps(*block);
  };
  for (Block *block : blocks)
    makeDestinationStyle(*block);
  hoistScalarsOfChoices(function);
  sinkIntoChoices(function);
  for (Block *block : llvm::reverse(blocks))
    eraseDeadOps(*block);
  blocks = sequenceBlocks(function);
  TensorSizes sizes;
  if (failed(sizes.analyse(function)))
    return failure();
  for (Block *block : blocks)
    sliceAfterMerging(*block, sizes);

  OpBuilder builder(function);
  SymbolTable table(module);
  auto device = table.lookup<plan::DeviceOp>("device0");
  if (!device) {
    device = plan::DeviceOp::create(builder, function.getLoc(), "device0");
    table.insert(device);
  }
  addSymbols(module, function, builder);
  auto deviceName = FlatSymbolRefAttr::get(device.getSymNameAttr());

  llvm::StringMap<unsigned> counts;
  for (Block *block : blocks) {
    KernelGrouping grouping(*block, sizes);
    KernelOutliner outliner(grouping, sizes, builder, deviceName);
    for (const std::unique_ptr<KernelGroup> &group : grouping.groups()) {
      StringRef skeleton = group->skeleton();
      std::string name;
      do
        name = (skeleton + "_" + Twine(counts[skeleton]++)).str();
      while (table.lookup(name));
      if (failed(outliner.outline(*group, name)))
        return failure();
      ++numKernels;
    }
    numFused += grouping.numJoined();
  }
  eraseDead();
  for (Block *block : blocks)
    rewriteSequence(*block, deviceName);
  eraseDead();
  return success();
}

void FormKernels::runOnOperation() {
  auto function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  if (failed(formKernels(function)))
    signalPassFailure();
}
