// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelOutlining.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::trine;

/// One location that lists those of all `ops`, each once.
static Location fuseLocations(ArrayRef<Operation *> ops) {
  llvm::SmallSetVector<Location, 8> locations;
  for (Operation *op : ops)
    locations.insert(op->getLoc());
  return FusedLoc::get(ops.front()->getContext(), locations.getArrayRef());
}

void mlir::trine::eraseDeadOps(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

FailureOr<Value> KernelOutliner::addArgument(Value value, State &state) {
  if (!isa<RankedTensorType, IndexType>(value.getType()))
    return emitError(value.getLoc()) << "value of type " << value.getType()
                                     << " cannot be an argument of a kernel";
  BlockArgument argument = state.kernel.getBody().front().insertArgument(
      state.numInputs++, value.getType(), value.getLoc());
  state.arguments.insert({value, argument});
  state.mapping.map(value, argument);
  return Value(argument);
}

FailureOr<Value> KernelOutliner::inside(Value value, State &state) {
  if (Value mapped = state.mapping.lookupOrNull(value))
    return mapped;
  Operation *op = value.getDefiningOp();
  if (!op)
    return addArgument(value, state);
  bool clone = grouping.role(op) == OpRole::Cheap;
  // Scalars that are not sizes are computed where they are used; only sizes
  // travel.
  if (!isa<TensorType>(value.getType()))
    clone |= !isa<IndexType>(value.getType()) ||
             op->hasTrait<OpTrait::ConstantLike>();
  if (!clone)
    return addArgument(value, state);
  if (failed(cloneOp(op, state)))
    return failure();
  return state.mapping.lookup(value);
}

FailureOr<Value> KernelOutliner::positionArgument(OpFoldResult position,
                                                  State &state) {
  std::optional<int64_t> constant = getConstantIntValue(position);
  if (!constant)
    return inside(cast<Value>(position), state);
  OpBuilder builder(state.root);
  Value value =
      arith::ConstantIndexOp::create(builder, state.root->getLoc(), *constant);
  return addArgument(value, state);
}

/// Reads of single elements at constant places (the offset of one expert, say)
/// take the place as an argument, so that kernels that differ in it are one.
FailureOr<bool> KernelOutliner::cloneElementRead(Operation *op, State &state) {
  OpBuilder &builder = state.builder;
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  if (slice && slice.getType().hasStaticShape() &&
      slice.getType().getNumElements() == 1) {
    FailureOr<Value> source = inside(slice.getSource(), state);
    if (failed(source))
      return failure();
    SmallVector<OpFoldResult> offsets;
    for (auto [dim, offset] : llvm::enumerate(slice.getMixedOffsets())) {
      if (slice.getSourceType().getDimSize(dim) == 1) {
        offsets.push_back(builder.getIndexAttr(0));
        continue;
      }
      FailureOr<Value> argument = positionArgument(offset, state);
      if (failed(argument))
        return failure();
      offsets.push_back(*argument);
    }
    SmallVector<OpFoldResult> ones(offsets.size(), builder.getIndexAttr(1));
    state.mapping.map(slice.getResult(),
                      tensor::ExtractSliceOp::create(builder, op->getLoc(),
                                                     slice.getType(), *source,
                                                     offsets, ones, ones)
                          .getResult());
    return true;
  }
  if (extract && llvm::all_of(extract.getIndices(), [](Value index) {
        return matchPattern(index, m_Constant());
      })) {
    FailureOr<Value> source = inside(extract.getTensor(), state);
    if (failed(source))
      return failure();
    SmallVector<Value> indices;
    auto type = cast<RankedTensorType>(extract.getTensor().getType());
    for (auto [dim, index] : llvm::enumerate(extract.getIndices())) {
      FailureOr<Value> argument = type.getDimSize(dim) == 1
                                      ? inside(index, state)
                                      : positionArgument(index, state);
      if (failed(argument))
        return failure();
      indices.push_back(*argument);
    }
    state.mapping.map(
        extract.getResult(),
        tensor::ExtractOp::create(builder, op->getLoc(), *source, indices)
            .getResult());
    return true;
  }
  return false;
}

LogicalResult KernelOutliner::cloneOp(Operation *op, State &state) {
  if (!state.members.contains(op)) {
    FailureOr<bool> cloned = cloneElementRead(op, state);
    if (failed(cloned) || *cloned)
      return success(succeeded(cloned));
  }
  llvm::SetVector<Value> used;
  used.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used)
    if (failed(inside(value, state)))
      return failure();
  state.builder.clone(*op, state.mapping);
  return success();
}

FailureOr<Value> KernelOutliner::initialise(Value init, Value destination,
                                            State &state) {
  Operation *op = init.getDefiningOp();
  if ((op && isa<tensor::EmptyOp>(op)) || isStorage(init))
    return destination;
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op);
      fill && grouping.role(op) == OpRole::Cheap) {
    FailureOr<Value> scalar = inside(fill.getInputs().front(), state);
    if (failed(scalar))
      return failure();
    return linalg::FillOp::create(state.builder, fill.getLoc(), *scalar,
                                  destination)
        .getResult(0);
  }
  if (op && state.members.contains(op)) {
    // Pieces of one concatenation were cloned already, into the destination.
    if (Value mapped = state.mapping.lookupOrNull(init))
      return mapped;
  }
  FailureOr<Value> source = inside(init, state);
  if (failed(source))
    return failure();
  return linalg::CopyOp::create(state.builder, init.getLoc(), *source,
                                destination)
      .getResult(0);
}

/// The operand that `result` starts from, null if the op is not in destination
/// style.
static OpOperand *tiedOperand(Operation *op, OpResult result) {
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return destination.getTiedOpOperand(result);
  if (OpOperand *insertion = getInsertDestination(op))
    return insertion;
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return &loop.getInitArgsMutable()[result.getResultNumber()];
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return getTiedInit(loop, result.getResultNumber());
  if (auto loop = dyn_cast<scf::ForallOp>(op))
    return loop.getTiedOpOperand(result);
  return nullptr;
}

/// The storage of a state that an op writes its result into; null for most.
static Value storageOf(OpResult result) {
  Value value = result;
  while (auto written = dyn_cast<OpResult>(value)) {
    OpOperand *tied = tiedOperand(written.getOwner(), written);
    if (!tied)
      return nullptr;
    value = tied->get();
    // Pieces of one result are one kernel; another kernel's result is not ours.
    if (!getInsertDestination(written.getOwner()))
      break;
  }
  return isStorage(value) ? value : Value();
}

LogicalResult KernelOutliner::cloneRoot(Operation *root,
                                        ArrayRef<unsigned> results,
                                        State &state,
                                        SmallVectorImpl<Value> &returned) {
  // A tied operand may be shared with other operands, so the clone is patched,
  // not the mapping.
  SmallVector<std::pair<unsigned, Value>> patches;
  SmallVector<bool> placed(results.size(), false);
  Block &body = state.kernel.getBody().front();
  for (auto [position, number] : llvm::enumerate(results)) {
    OpOperand *tied = tiedOperand(root, root->getResult(number));
    if (!tied || !isa<TensorType>(tied->get().getType()))
      continue;
    Value destination = body.getArgument(state.numInputs + position);
    FailureOr<Value> init = initialise(tied->get(), destination, state);
    if (failed(init))
      return failure();
    // Inputs that are added while cloning move the destinations up; values
    // stay.
    patches.push_back({tied->getOperandNumber(), *init});
    placed[position] = true;
  }
  if (failed(cloneOp(root, state)))
    return failure();
  for (auto [position, number] : llvm::enumerate(results)) {
    Value result = state.mapping.lookup(root->getResult(number));
    if (position == 0)
      for (auto [operand, value] : patches)
        result.getDefiningOp()->setOperand(operand, value);
    if (!placed[position])
      result =
          linalg::CopyOp::create(state.builder, root->getLoc(), result,
                                 body.getArgument(state.numInputs + position))
              .getResult(0);
    returned.push_back(result);
  }
  return success();
}

void KernelOutliner::sizesFromTensors(State &state) {
  Block &body = state.kernel.getBody().front();
  llvm::DenseMap<Value, std::pair<BlockArgument, int64_t>> known;
  for (auto &[value, argument] : state.arguments) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    for (auto [dim, size] : llvm::enumerate(sizes.of(value)))
      if (type.isDynamicDim(dim))
        if (auto index = dyn_cast<Value>(size))
          known.try_emplace(index, argument, dim);
  }
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  state.arguments.remove_if([&](auto &entry) {
    auto [value, argument] = entry;
    if (!isa<IndexType>(argument.getType()))
      return false;
    auto found = known.find(value);
    if (found == known.end())
      return false;
    Value size = tensor::DimOp::create(
        builder, argument.getLoc(), found->second.first, found->second.second);
    argument.replaceAllUsesWith(size);
    body.eraseArgument(argument.getArgNumber());
    --state.numInputs;
    return true;
  });
}

LogicalResult KernelOutliner::outline(const KernelGroup &group,
                                      StringRef name) {
  Operation *root = group.root();
  SmallVector<unsigned> results;
  // The loops that these become write all of their results.
  bool needsAll = isa<MoERouteOp, MoEGroupOp>(root);
  for (OpResult result : root->getResults())
    if (needsAll || !result.use_empty()) {
      if (!isa<RankedTensorType>(result.getType()))
        return root->emitOpError()
               << "must have tensor results only, got " << result.getType();
      results.push_back(result.getResultNumber());
    }
  if (results.empty())
    return success();
  SmallVector<Operation *> ops(group.members);
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  Location loc = fuseLocations(ops);
  SmallVector<Type> types;
  for (unsigned number : results)
    types.push_back(root->getResult(number).getType());

  MLIRContext *context = root->getContext();
  auto kernel = plan::KernelOp::create(
      kernels, loc, name, FunctionType::get(context, types, types),
      group.skeleton(), /*arg_attrs=*/nullptr, /*res_attrs=*/nullptr);
  Block &body = kernel.getBody().emplaceBlock();
  State state{kernel, root, OpBuilder::atBlockEnd(&body), {}, {}, {}, 0};
  state.members.insert(ops.begin(), ops.end());
  for (unsigned number : results) {
    OpResult result = root->getResult(number);
    BlockArgument destination = body.addArgument(result.getType(), loc);
    // Destinations know their sizes as inputs do.
    state.arguments.insert({result, destination});
  }

  // Pieces of a concatenation go into the destination one by one.
  bool chain = getInsertDestination(root) != nullptr;
  SmallVector<Value> returned;
  for (Operation *op : ops) {
    if (op == root)
      break;
    if (chain) {
      OpOperand *insertion = getInsertDestination(op);
      Value destination = body.getArgument(state.numInputs);
      FailureOr<Value> init = initialise(insertion->get(), destination, state);
      if (failed(init) || failed(cloneOp(op, state)))
        return failure();
      state.mapping.lookup(op->getResult(0))
          .getDefiningOp()
          ->setOperand(insertion->getOperandNumber(), *init);
      continue;
    }
    if (failed(cloneOp(op, state)))
      return failure();
  }
  if (failed(cloneRoot(root, results, state, returned)))
    return failure();
  plan::ReturnOp::create(state.builder, loc, returned);

  sizesFromTensors(state);
  // Clones of initial values that the destination replaced.
  eraseDeadOps(body);
  for (auto it = state.arguments.begin(); it != state.arguments.end();) {
    auto [value, argument] = *it;
    if (argument.getArgNumber() < state.numInputs && argument.use_empty()) {
      body.eraseArgument(argument.getArgNumber());
      --state.numInputs;
      it = state.arguments.erase(it);
    } else {
      ++it;
    }
  }
  kernel.setFunctionType(
      FunctionType::get(context, body.getArgumentTypes(), types));

  OpBuilder builder(root);
  SmallVector<Value> inputs(state.numInputs), destinations;
  for (auto &[value, argument] : state.arguments)
    if (argument.getArgNumber() < state.numInputs)
      inputs[argument.getArgNumber()] = value;
  for (unsigned number : results) {
    OpResult result = root->getResult(number);
    if (Value storage = storageOf(result)) {
      destinations.push_back(storage);
      continue;
    }
    destinations.push_back(tensor::EmptyOp::create(
        builder, loc, cast<RankedTensorType>(result.getType()),
        sizes.dynamicOf(result)));
  }
  auto launch = plan::LaunchOp::create(
      builder, loc, types, FlatSymbolRefAttr::get(context, name), device,
      builder.getI64IntegerAttr(0), inputs, destinations);
  for (auto [number, output] : llvm::zip(results, launch.getOutputs())) {
    sizes.alias(root->getResult(number), output);
    root->getResult(number).replaceAllUsesWith(output);
  }
  return success();
}
