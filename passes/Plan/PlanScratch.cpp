// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorSizes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Passes/Plan.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANSCRATCH
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Static temporaries up to this many bytes are left to the workgroup's own
/// memory.
static constexpr int64_t kLocalBytes = 4096;

/// Static temporaries of an iteration up to this many bytes are left there.
static constexpr int64_t kStackBytes = 32768;

namespace {

/// A temporary of a kernel that becomes a destination.
struct Scratch {
  tensor::EmptyOp empty;
  /// Where the loop nest starts to write it.
  OpOperand *start;
  /// What it holds at the end of its block.
  Value last;
  /// The loop over workgroups that `empty` is in; null: the kernel's body.
  scf::ForallOp loop;
};

struct PlanScratch : trine::impl::TrinePlanScratchBase<PlanScratch> {
  void runOnOperation() override;

private:
  void rewriteKernel(plan::KernelOp kernel, ArrayRef<plan::LaunchOp> launches);
  SmallVector<OpFoldResult> fullSizes(Scratch scratch);
  void addDestination(plan::KernelOp kernel, Scratch scratch,
                      ArrayRef<OpFoldResult> shape);

  TensorSizes sizes;
};

} // namespace

static bool exceeds(RankedTensorType type, int64_t bytes) {
  if (!type.hasStaticShape())
    return true;
  Type element = type.getElementType();
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return type.getNumElements() *
             static_cast<int64_t>(llvm::divideCeil(bits, 8)) >
         bytes;
}

/// Whether the size can be computed where the kernel is launched: it is made
/// from constants, sizes of arguments and index arguments.
static bool isLaunchSize(OpFoldResult size, Block &body, unsigned depth = 0) {
  auto value = dyn_cast<Value>(size);
  if (!value)
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &body;
  Operation *op = value.getDefiningOp();
  // Deeper chains than this do not come from sizes.
  if (depth > 64 || op->getBlock() != &body)
    return false;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    return argument && index && *index >= 0 &&
           *index < cast<RankedTensorType>(argument.getType()).getRank();
  }
  return isPure(op) && op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return operand.getType().isIntOrIndex() &&
                  isLaunchSize(operand, body, depth + 1);
         });
}

/// The result that holds what `use` was written with, null if it only reads.
static Value writtenThrough(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return llvm::is_contained(loop.getInitArgs(), use.get())
               ? loop.getTiedLoopResult(&use)
               : Value();
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return style.isDpsInit(&use) ? style.getTiedOpResult(&use) : OpResult();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return use == insert.getDestMutable() ? insert.getResult() : Value();
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return use == insert.getDestMutable() ? insert.getResult() : Value();
  return {};
}

/// Follows a temporary to the last value it holds in its block. None if it is
/// lost from sight.
static std::optional<Value> followWrites(OpOperand &start) {
  Value value = writtenThrough(start);
  if (!value)
    return std::nullopt;
  while (true) {
    Value next;
    for (OpOperand &use : value.getUses()) {
      Value written = writtenThrough(use);
      if (!written)
        continue;
      if (next)
        return std::nullopt;
      next = written;
    }
    if (!next)
      return value;
    value = next;
  }
}

/// Gives each use of an empty tensor one of its own: equal ones have become one
/// value, and are still different memory.
static void separateUses(plan::KernelOp kernel) {
  SmallVector<tensor::EmptyOp> empties;
  kernel.walk([&](tensor::EmptyOp op) { empties.push_back(op); });
  for (tensor::EmptyOp empty : empties) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : empty->getUses())
      uses.push_back(&use);
    for (OpOperand *use : llvm::drop_begin(uses)) {
      OpBuilder builder(empty);
      use->set(builder.clone(*empty)->getResult(0));
    }
  }
}

/// Sizes within loops are computed before them: those of what a loop carries
/// are those it starts with.
static void hoistSizes(plan::KernelOp kernel) {
  auto hoist = [](scf::ForOp loop) {
    for (Operation &op : llvm::make_early_inc_range(*loop.getBody())) {
      if (auto dim = dyn_cast<tensor::DimOp>(op))
        if (auto carried = dyn_cast<BlockArgument>(dim.getSource()))
          if (OpOperand *initial = loop.getTiedLoopInit(carried))
            dim.getSourceMutable().assign(initial->get());
      if (op.getNumRegions() == 0 && isPure(&op) && op.getNumResults() == 1 &&
          op.getResult(0).getType().isIntOrIndex() &&
          !isa<tensor::ExtractOp>(op) &&
          llvm::all_of(op.getOperands(), [&](Value operand) {
            return loop.isDefinedOutsideOfLoop(operand);
          }))
        op.moveBefore(loop);
    }
  };
  // Inner loops first: theirs may leave the outer ones too.
  kernel.walk(hoist);
}

/// Slices that a loop takes and whose dims are then merged lie apart, for all
/// that types say: they are copied, into memory that is planned.
static void copyMergedSlices(plan::KernelOp kernel) {
  kernel.walk([](tensor::CollapseShapeOp merge) {
    if (!isa<scf::ForOp>(merge->getParentOp()) ||
        merge.getSrcType().hasStaticShape() ||
        llvm::all_of(merge.getReassociationIndices(),
                     [&](ArrayRef<int64_t> group) {
                       return llvm::count_if(group, [&](int64_t dim) {
                                return merge.getSrcType().getDimSize(dim) != 1;
                              }) <= 1;
                     }))
      return;
    Value source = merge.getSrc();
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CastOp>(
        source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    auto slice = source.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice)
      return;
    // Where the slice is taken its sizes are known.
    OpBuilder builder(slice);
    builder.setInsertionPointAfter(slice);
    Location loc = merge.getLoc();
    SmallVector<OpFoldResult> sizes;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [dim, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(dim))
        sizes.push_back(size);
    Value target = tensor::EmptyOp::create(builder, loc, sizes,
                                           slice.getType().getElementType());
    if (target.getType() != slice.getType())
      target = tensor::CastOp::create(builder, loc, slice.getType(), target);
    auto copy = linalg::CopyOp::create(builder, loc, slice.getResult(), target);
    slice.getResult().replaceAllUsesExcept(copy.getResult(0), copy);
  });
}

/// A temporary of each iteration of a loop becomes one that the loop carries,
/// so that it is made before the loop. False if there is none.
static bool carryThroughLoop(plan::KernelOp kernel, IRRewriter &rewriter) {
  Block &body = kernel.getBody().front();
  tensor::EmptyOp found;
  OpOperand *start = nullptr;
  Value last;
  kernel.walk([&](tensor::EmptyOp empty) {
    // Made where it is used: it holds nothing from before.
    if (empty->hasOneUse())
      if (Operation *user = *empty->user_begin();
          isa<scf::ForOp>(user->getParentOp()))
        empty->moveBefore(user);
    if (!isa<scf::ForOp>(empty->getParentOp()) ||
        !exceeds(empty.getType(), kStackBytes) || !empty->hasOneUse() ||
        !llvm::all_of(empty.getMixedSizes(), [&](OpFoldResult size) {
          return isLaunchSize(size, body);
        }))
      return WalkResult::advance();
    OpOperand &use = *empty->use_begin();
    if (use.getOwner()->getBlock() != empty->getBlock())
      return WalkResult::advance();
    std::optional<Value> written = followWrites(use);
    if (!written)
      return WalkResult::advance();
    found = empty;
    start = &use;
    last = *written;
    return WalkResult::interrupt();
  });
  if (!found)
    return false;
  auto loop = cast<scf::ForOp>(found->getParentOp());
  rewriter.setInsertionPoint(loop);
  Value outside = rewriter.clone(*found)->getResult(0);
  rewriter.setInsertionPoint(loop);
  auto yieldLast = [&](OpBuilder &, Location, ArrayRef<BlockArgument> added) {
    start->set(added.front());
    return SmallVector<Value>{last};
  };
  if (failed(loop.replaceWithAdditionalYields(
          rewriter, outside, /*replaceInitOperandUsesInLoop=*/false,
          yieldLast)))
    return false;
  rewriter.eraseOp(found);
  return true;
}

static SmallVector<Scratch> findScratch(plan::KernelOp kernel) {
  Block &body = kernel.getBody().front();
  SmallVector<Scratch> found;
  kernel.walk([&](tensor::EmptyOp empty) {
    if (!exceeds(empty.getType(), kLocalBytes) || !empty->hasOneUse())
      return;
    auto loop = dyn_cast<scf::ForallOp>(empty->getParentOp());
    if (empty->getBlock() != &body && (!loop || loop->getBlock() != &body))
      return;
    if (loop && (!loop.isNormalized() ||
                 !llvm::all_of(loop.getMixedUpperBound(), [&](OpFoldResult s) {
                   return isLaunchSize(s, body);
                 })))
      return;
    if (!llvm::all_of(empty.getMixedSizes(), [&](OpFoldResult size) {
          return isLaunchSize(size, body);
        }))
      return;
    OpOperand &start = *empty->use_begin();
    // What a loop inside makes in it is not seen behind that loop.
    if (start.getOwner()->getBlock() != empty->getBlock())
      return;
    std::optional<Value> last = followWrites(start);
    // A result needs no scratch; one that a loop of workgroups gives away is
    // copied out of it.
    if (!last || llvm::is_contained(body.getTerminator()->getOperands(), *last))
      return;
    found.push_back({empty, &start, *last, loop});
  });
  return found;
}

/// The sizes of the destination: one temporary per workgroup.
SmallVector<OpFoldResult> PlanScratch::fullSizes(Scratch scratch) {
  SmallVector<OpFoldResult> result;
  if (scf::ForallOp loop = scratch.loop)
    result = loop.getMixedUpperBound();
  llvm::append_range(result, scratch.empty.getMixedSizes());
  return result;
}

void PlanScratch::addDestination(plan::KernelOp kernel, Scratch scratch,
                                 ArrayRef<OpFoldResult> shape) {
  IRRewriter rewriter(kernel.getContext());
  Block &body = kernel.getBody().front();
  Location loc = scratch.empty.getLoc();
  RankedTensorType type = scratch.empty.getType();
  SmallVector<int64_t> extents;
  for (OpFoldResult size : shape)
    extents.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  // What the temporary says is static or dynamic stays so.
  llvm::copy(type.getShape(), extents.end() - type.getRank());
  auto fullType = RankedTensorType::get(extents, type.getElementType());
  Value destination = body.addArgument(fullType, loc);
  Value result = scratch.last;
  if (scf::ForallOp loop = scratch.loop) {
    rewriter.setInsertionPoint(loop);
    SmallVector<Value> outputs(loop.getOutputs());
    outputs.push_back(destination);
    auto larger = scf::ForallOp::create(
        rewriter, loop.getLoc(), loop.getMixedLowerBound(),
        loop.getMixedUpperBound(), loop.getMixedStep(), outputs,
        loop.getMapping());
    rewriter.eraseOp(larger.getTerminator());
    Value rows = larger.getRegionIterArgs().back();
    rewriter.mergeBlocks(loop.getBody(), larger.getBody(),
                         larger.getBody()->getArguments().drop_back());
    SmallVector<OpFoldResult> offsets;
    llvm::append_range(offsets, larger.getInductionVars());
    offsets.resize(shape.size(), rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> lengths(shape);
    for (unsigned dim = 0; dim < larger.getRank(); ++dim)
      lengths[dim] = rewriter.getIndexAttr(1);
    SmallVector<OpFoldResult> strides(shape.size(), rewriter.getIndexAttr(1));
    rewriter.setInsertionPoint(scratch.empty);
    Value row = tensor::ExtractSliceOp::create(rewriter, loc, type, rows,
                                               offsets, lengths, strides);
    scratch.start->set(row);
    rewriter.setInsertionPointToEnd(larger.getTerminator().getBody());
    tensor::ParallelInsertSliceOp::create(rewriter, loc, scratch.last, rows,
                                          offsets, lengths, strides);
    rewriter.replaceOp(loop, larger.getResults().drop_back());
    result = larger.getResults().back();
  } else {
    scratch.start->set(destination);
  }
  rewriter.eraseOp(scratch.empty);
  body.getTerminator()->insertOperands(body.getTerminator()->getNumOperands(),
                                       result);
}

/// The value of a kernel's size at a launch.
static OpFoldResult sizeAtLaunch(OpBuilder &builder, OpFoldResult size,
                                 plan::LaunchOp launch, Block &body,
                                 const TensorSizes &sizes, IRMapping &mapping) {
  auto value = dyn_cast<Value>(size);
  if (!value)
    return size;
  if (Value known = mapping.lookupOrNull(value))
    return known;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return launch->getOperand(argument.getArgNumber());
  Operation *op = value.getDefiningOp();
  Value result;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    unsigned number = cast<BlockArgument>(dim.getSource()).getArgNumber();
    OpFoldResult known =
        sizes.of(launch->getOperand(number))[*dim.getConstantIndex()];
    result = getValueOrCreateConstantIndexOp(builder, op->getLoc(), known);
  } else {
    for (Value operand : op->getOperands())
      mapping.map(operand, cast<Value>(sizeAtLaunch(builder, operand, launch,
                                                    body, sizes, mapping)));
    result = builder.clone(*op, mapping)
                 ->getResult(cast<OpResult>(value).getResultNumber());
  }
  mapping.map(value, result);
  return result;
}

void PlanScratch::rewriteKernel(plan::KernelOp kernel,
                                ArrayRef<plan::LaunchOp> launches) {
  Block &body = kernel.getBody().front();
  // What is in no loop is Lower's to tile, and to fuse into its users.
  if (body.getOps<LoopLikeOpInterface>().empty())
    return;
  copyMergedSlices(kernel);
  separateUses(kernel);
  hoistSizes(kernel);
  IRRewriter rewriter(kernel.getContext());
  while (carryThroughLoop(kernel, rewriter)) {
  }
  SmallVector<Scratch> found = findScratch(kernel);
  if (found.empty())
    return;

  unsigned before = body.getNumArguments();
  SmallVector<SmallVector<OpFoldResult>> shapes;
  for (Scratch &scratch : found) {
    shapes.push_back(fullSizes(scratch));
    scf::ForallOp loop = scratch.loop;
    addDestination(kernel, scratch, shapes.back());
    // The loop is another op now.
    for (Scratch &other : found)
      if (loop && other.loop == loop && &other != &scratch)
        other.loop = dyn_cast<scf::ForallOp>(other.empty->getParentOp());
    ++numScratch;
  }
  SmallVector<Type> added(TypeRange(body.getArguments()).drop_front(before));
  FunctionType type = kernel.getFunctionType();
  SmallVector<Type> results(type.getResults());
  llvm::append_range(results, added);
  kernel.setFunctionType(
      FunctionType::get(kernel.getContext(), body.getArgumentTypes(), results));
  auto lengthen = [&](ArrayAttr attributes) {
    SmallVector<Attribute> all(attributes.getValue());
    all.append(added.size(), DictionaryAttr::get(kernel.getContext()));
    return ArrayAttr::get(kernel.getContext(), all);
  };
  if (ArrayAttr attributes = kernel.getArgAttrsAttr())
    kernel.setArgAttrsAttr(lengthen(attributes));
  if (ArrayAttr attributes = kernel.getResAttrsAttr())
    kernel.setResAttrsAttr(lengthen(attributes));

  for (plan::LaunchOp launch : launches) {
    OpBuilder builder(launch);
    IRMapping mapping;
    SmallVector<Value> destinations(launch.getDestinations());
    for (auto [shape, type] : llvm::zip(shapes, added)) {
      SmallVector<OpFoldResult> local;
      SmallVector<Value> dynamic;
      for (auto [dim, size] : llvm::enumerate(shape)) {
        OpFoldResult here =
            sizeAtLaunch(builder, size, launch, body, sizes, mapping);
        local.push_back(here);
        if (cast<RankedTensorType>(type).isDynamicDim(dim))
          dynamic.push_back(
              getValueOrCreateConstantIndexOp(builder, launch.getLoc(), here));
      }
      destinations.push_back(tensor::EmptyOp::create(
          builder, launch.getLoc(), cast<RankedTensorType>(type), dynamic));
      sizes.set(destinations.back(), local);
    }
    SmallVector<Type> types(launch.getResultTypes());
    llvm::append_range(types, added);
    auto larger = plan::LaunchOp::create(
        builder, launch.getLoc(), types, launch.getKernelAttr(),
        launch.getDeviceAttr(), launch.getQueueAttr(), launch.getInputs(),
        destinations);
    for (auto [from, to] : llvm::zip(launch.getResults(), larger.getResults()))
      sizes.alias(from, to);
    launch->replaceAllUsesWith(
        larger.getResults().take_front(launch.getNumResults()));
    launch.erase();
  }
}

void PlanScratch::runOnOperation() {
  auto function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  if (!llvm::hasSingleElement(function.getBody())) {
    function.emitOpError() << "must have one block";
    return signalPassFailure();
  }
  sizes = TensorSizes();
  if (failed(sizes.analyse(function)))
    return signalPassFailure();
  llvm::DenseMap<StringAttr, SmallVector<plan::LaunchOp>> launches;
  function.walk([&](plan::LaunchOp launch) {
    launches[launch.getKernelAttr().getAttr()].push_back(launch);
  });
  for (plan::KernelOp kernel : getOperation().getOps<plan::KernelOp>())
    rewriteKernel(kernel, launches.lookup(kernel.getSymNameAttr()));
  sizes = TensorSizes();
}
