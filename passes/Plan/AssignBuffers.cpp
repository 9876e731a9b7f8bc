// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "InPlaceKernels.h"
#include "SizeBounds.h"
#include "TensorSizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEASSIGNBUFFERS
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

static MemRefType memrefOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

static bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
      op);
}

namespace {

struct AssignBuffers : trine::impl::TrineAssignBuffersBase<AssignBuffers> {
  using TrineAssignBuffersBase::TrineAssignBuffersBase;

  void runOnOperation() override;

private:
  LogicalResult assign();
  void findResults(func::ReturnOp returnOp);
  void findBases(Block &block);
  void findLastUses();
  LogicalResult rewriteBlock(Block &block);
  LogicalResult rewriteOp(Operation *op);
  LogicalResult rewriteLaunch(plan::LaunchOp launch);
  LogicalResult rewriteSelect(plan::SelectOp select);
  void rewriteHash(plan::EngramHashOp hash);
  LogicalResult rewriteYield(plan::SelectOp select, Block &block,
                             ArrayRef<Value> destinations);
  Value outputOf(OpBuilder &builder, Location loc, Value result);
  Value makeOutput(OpBuilder &builder, Location loc, unsigned index,
                   Value returned);
  Value makeBuffer(OpBuilder &builder, Location loc, Value tensor);
  Value rewriteView(OpBuilder &builder, Operation *op, Value source);
  Value undoViews(OpBuilder &builder, Location loc, Value output, Value value,
                  Value base);
  std::optional<unsigned> inPlaceInput(plan::LaunchOp launch);
  FlatSymbolRefAttr inPlaceKernel(plan::LaunchOp launch, unsigned input);
  void copyResult(OpBuilder &builder, Location loc, unsigned index,
                  Value returned);
  void launchCopy(OpBuilder &builder, Location loc, StringRef name,
                  Value source, Value destination);
  void setSignature();

  func::FuncOp function;
  SymbolTable *table = nullptr;
  FlatSymbolRefAttr device;
  TensorSizes sizes;
  std::optional<SizeBounds> bounds;
  /// The memory of each tensor.
  IRMapping memory;
  /// The value that a view is of.
  llvm::DenseMap<Value, Value> bases;
  /// Results that are written straight into a result of the model.
  llvm::DenseMap<Value, unsigned> outputs;
  /// Results within a choice that are written straight into what it yields: the
  /// yielded value, a view of the result, and its memory.
  llvm::DenseMap<Value, std::pair<Value, Value>> yielded;
  /// Everything that was replaced, in order of definition.
  SmallVector<Operation *> replaced;
  llvm::DenseMap<Value, Operation *> lastUses;
  SmallVector<bool> written;
  llvm::DenseMap<std::pair<Attribute, unsigned>, FlatSymbolRefAttr>
      inPlaceKernels;
};

} // namespace

/// Which result of a launch or a choice can be written straight into which
/// result of the model: the first one it is returned as, if its sizes are known
/// there.
void AssignBuffers::findResults(func::ReturnOp returnOp) {
  written.assign(returnOp.getNumOperands(), false);
  for (auto [index, value] : llvm::enumerate(returnOp.getOperands())) {
    Value base = bases.lookup(value);
    Operation *maker = base.getDefiningOp();
    bool known = isa_and_nonnull<plan::LaunchOp, plan::SelectOp>(maker) &&
                 llvm::all_of(sizes.dynamicOf(value), [&](Value size) {
                   Operation *op = size.getDefiningOp();
                   return !op || op->isBeforeInBlock(maker);
                 });
    if (known && outputs.try_emplace(base, index).second)
      written[index] = true;
  }
}

void AssignBuffers::findBases(Block &block) {
  for (Operation &op : block) {
    for (Value result : op.getResults())
      if (isa<TensorType>(result.getType()))
        bases[result] = isView(&op) ? bases.lookup(op.getOperand(0)) : result;
    if (auto select = dyn_cast<plan::SelectOp>(op))
      for (Region *region : select.getRegions())
        findBases(region->front());
  }
}

/// A use within a choice is one by the choice for what is made before it.
void AssignBuffers::findLastUses() {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (Value base = bases.lookup(operand))
        if (!isView(op))
          lastUses[base] = base.getParentBlock()->findAncestorOpInBlock(*op);
  });
}

Value AssignBuffers::makeOutput(OpBuilder &builder, Location loc,
                                unsigned index, Value returned) {
  return plan::OutputOp::create(builder, loc, memrefOf(returned.getType()),
                                builder.getI64IntegerAttr(index),
                                sizes.dynamicOf(returned));
}

Value AssignBuffers::makeBuffer(OpBuilder &builder, Location loc,
                                Value tensor) {
  SmallVector<Value> dynamic = sizes.dynamicOf(tensor), upper;
  if (!llvm::all_of(dynamic, [&](Value v) { return bounds->isKnown(v); }))
    for (Value size : dynamic)
      upper.push_back(bounds->upper(size));
  if (llvm::is_contained(upper, Value()))
    upper.clear();
  ++numBuffers;
  return plan::BufferOp::create(
      builder, loc, memrefOf(tensor.getType()), dynamic, device,
      plan::MemorySpaceAttr::get(builder.getContext(),
                                 plan::MemorySpace::Device),
      upper);
}

Value AssignBuffers::rewriteView(OpBuilder &builder, Operation *op,
                                 Value source) {
  MemRefType type = memrefOf(op->getResult(0).getType());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return memref::ExpandShapeOp::create(builder, op->getLoc(), type, source,
                                         expand.getReassociationIndices(),
                                         expand.getMixedOutputShape());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return memref::CollapseShapeOp::create(builder, op->getLoc(), type, source,
                                           collapse.getReassociationIndices());
  return memref::CastOp::create(builder, op->getLoc(), type, source);
}

/// The memory of `base`, given that of its view `value`.
Value AssignBuffers::undoViews(OpBuilder &builder, Location loc, Value output,
                               Value value, Value base) {
  while (value != base) {
    Operation *op = value.getDefiningOp();
    Value source = op->getOperand(0);
    MemRefType type = memrefOf(source.getType());
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      output = memref::CollapseShapeOp::create(
          builder, loc, type, output, expand.getReassociationIndices());
    else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      output = memref::ExpandShapeOp::create(builder, loc, type, output,
                                             collapse.getReassociationIndices(),
                                             sizes.of(source));
    else
      output = memref::CastOp::create(builder, loc, type, output);
    value = source;
  }
  return output;
}

/// True for what a launch wrote into the storage of a state.
static bool isInStorage(Value base) {
  auto launch = base.getDefiningOp<plan::LaunchOp>();
  return launch &&
         isStorage(
             launch.getDestinations()[cast<OpResult>(base).getResultNumber()]);
}

/// The input that an element-wise launch may overwrite with its one result.
std::optional<unsigned> AssignBuffers::inPlaceInput(plan::LaunchOp launch) {
  auto kernel = table->lookup<plan::KernelOp>(launch.getKernel());
  if (!inPlace || !kernel)
    return std::nullopt;
  for (auto [index, input] : llvm::enumerate(launch.getInputs())) {
    Value base = bases.lookup(input);
    if (base &&
        isa_and_nonnull<plan::LaunchOp, plan::SelectOp>(base.getDefiningOp()) &&
        !isInStorage(base) && !outputs.contains(base) &&
        !yielded.contains(base) && lastUses.lookup(base) == launch &&
        llvm::count_if(
            launch.getInputs(),
            [&](Value other) { return bases.lookup(other) == base; }) == 1 &&
        canOverwrite(kernel, index))
      return index;
  }
  return std::nullopt;
}

/// The in-place form of a kernel, made at the first launch that needs it.
FlatSymbolRefAttr AssignBuffers::inPlaceKernel(plan::LaunchOp launch,
                                               unsigned input) {
  FlatSymbolRefAttr &known = inPlaceKernels[{launch.getKernelAttr(), input}];
  if (!known)
    known = FlatSymbolRefAttr::get(
        makeInPlace(table->lookup<plan::KernelOp>(launch.getKernel()), input,
                    *table)
            .getSymNameAttr());
  return known;
}

/// The place in a result of the model, or in what a choice yields, that
/// `result` is written to; null if it needs a buffer of its own.
Value AssignBuffers::outputOf(OpBuilder &builder, Location loc, Value result) {
  if (auto output = outputs.find(result); output != outputs.end()) {
    auto returnOp =
        cast<func::ReturnOp>(function.getBody().front().getTerminator());
    Value returned = returnOp.getOperand(output->second);
    return undoViews(builder, loc,
                     makeOutput(builder, loc, output->second, returned),
                     returned, result);
  }
  if (auto target = yielded.find(result); target != yielded.end())
    return undoViews(builder, loc, target->second.second, target->second.first,
                     result);
  return {};
}

LogicalResult AssignBuffers::rewriteLaunch(plan::LaunchOp launch) {
  OpBuilder builder(launch);
  FlatSymbolRefAttr kernel = launch.getKernelAttr();
  SmallVector<Value> inputs, destinations;
  for (Value input : launch.getInputs())
    inputs.push_back(isa<TensorType>(input.getType()) ? memory.lookup(input)
                                                      : input);
  for (auto [result, destination] :
       llvm::zip(launch.getResults(), launch.getDestinations())) {
    if (isStorage(destination)) {
      destinations.push_back(memory.lookup(destination));
      memory.map(result, destinations.back());
      continue;
    }
    if (!destination.getDefiningOp<tensor::EmptyOp>())
      return launch.emitOpError()
             << "destinations must be 'tensor.empty' before memory is assigned";
    if (Value output = outputOf(builder, launch.getLoc(), result)) {
      destinations.push_back(output);
    } else if (std::optional<unsigned> input = inPlaceInput(launch)) {
      // What is written there lives as long as the result.
      destinations.push_back(inputs[*input]);
      inputs.erase(inputs.begin() + *input);
      kernel = inPlaceKernel(launch, *input);
      ++numInPlace;
    } else {
      destinations.push_back(makeBuffer(builder, launch.getLoc(), result));
    }
    memory.map(result, destinations.back());
  }
  plan::LaunchOp::create(builder, launch.getLoc(), TypeRange(), kernel,
                         launch.getDeviceAttr(), launch.getQueueAttr(), inputs,
                         destinations);
  return success();
}

/// Both regions write what they yield into the same memory: straight from the
/// launch that makes it, or by a copy of what comes from elsewhere.
LogicalResult AssignBuffers::rewriteSelect(plan::SelectOp select) {
  OpBuilder builder(select);
  Location loc = select.getLoc();
  SmallVector<Value> destinations;
  for (Value result : select.getOutputs()) {
    Value memoryOf = outputOf(builder, loc, result);
    if (!memoryOf)
      memoryOf = makeBuffer(builder, loc, result);
    destinations.push_back(memoryOf);
    memory.map(result, memoryOf);
  }
  for (Region *region : select.getRegions())
    if (failed(rewriteYield(select, region->front(), destinations)))
      return failure();
  auto made =
      plan::SelectOp::create(builder, loc, TypeRange(), select.getCondition());
  made->setDiscardableAttrs(select->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip(select.getRegions(), made.getRegions()))
    to->takeBody(*from);
  return success();
}

LogicalResult AssignBuffers::rewriteYield(plan::SelectOp select, Block &block,
                                          ArrayRef<Value> destinations) {
  Operation *yield = block.getTerminator();
  SmallVector<bool> direct(destinations.size(), false);
  for (auto [index, value] : llvm::enumerate(yield->getOperands())) {
    Value base = bases.lookup(value);
    Operation *maker = base ? base.getDefiningOp() : nullptr;
    if (isa_and_nonnull<plan::LaunchOp, plan::SelectOp>(maker) &&
        maker->getBlock() == &block)
      direct[index] =
          yielded.try_emplace(base, std::pair(value, destinations[index]))
              .second;
  }
  if (failed(rewriteBlock(block)))
    return failure();
  OpBuilder builder(yield);
  for (auto [index, value] : llvm::enumerate(yield->getOperands()))
    if (!direct[index] && !bases.lookup(value).getDefiningOp<tensor::EmptyOp>())
      launchCopy(builder, select.getLoc(),
                 "copy_choice_" + std::to_string(numCopies),
                 memory.lookup(value), destinations[index]);
  plan::YieldOp::create(builder, yield->getLoc());
  return success();
}

LogicalResult AssignBuffers::rewriteBlock(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops) {
    replaced.push_back(op);
    if (failed(rewriteOp(op)))
      return failure();
  }
  return success();
}

LogicalResult AssignBuffers::rewriteOp(Operation *op) {
  OpBuilder builder(op);
  if (auto launch = dyn_cast<plan::LaunchOp>(op))
    return rewriteLaunch(launch);
  if (auto select = dyn_cast<plan::SelectOp>(op))
    return rewriteSelect(select);
  if (isView(op)) {
    memory.map(op->getResult(0),
               rewriteView(builder, op, memory.lookup(op->getOperand(0))));
  } else if (auto weight = dyn_cast<plan::LoadWeightOp>(op)) {
    memory.map(weight.getResult(), plan::LoadWeightOp::create(
                                       builder, op->getLoc(),
                                       memrefOf(weight.getResult().getType()),
                                       weight.getWeightAttr())
                                       .getResult());
  } else if (auto read = dyn_cast<plan::ReadOp>(op)) {
    read.getBufferMutable().set(memory.lookup(read.getBuffer()));
  } else if (auto require = dyn_cast<plan::RequireOp>(op)) {
    require.getConditionMutable().set(memory.lookup(require.getCondition()));
  } else if (auto issue = dyn_cast<plan::PrefetchIssueOp>(op)) {
    issue.getRowsMutable().set(memory.lookup(issue.getRows()));
  } else if (auto await = dyn_cast<plan::PrefetchAwaitOp>(op)) {
    Value buffer = makeBuffer(builder, op->getLoc(), await.getOutput());
    memory.map(await.getOutput(), buffer);
    plan::PrefetchAwaitOp::create(builder, op->getLoc(), TypeRange(),
                                  await.getTicket(), buffer,
                                  await.getDeviceAttr(), await.getQueueAttr());
  } else if (auto hash = dyn_cast<plan::EngramHashOp>(op)) {
    rewriteHash(hash);
  } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    // A tensor that is read but never written has undefined contents.
    if (llvm::any_of(empty->getUses(), [](OpOperand &use) {
          auto launch = dyn_cast<plan::LaunchOp>(use.getOwner());
          return launch ? !launch.isDpsInit(&use)
                        : !isa<func::ReturnOp, plan::YieldOp,
                               plan::PrefetchAwaitOp, plan::EngramHashOp>(
                              use.getOwner());
        }))
      memory.map(empty.getResult(),
                 makeBuffer(builder, op->getLoc(), empty.getResult()));
  } else if (isa<tensor::DimOp, plan::YieldOp, func::ReturnOp>(op)) {
    // Replaced at the end, when nothing refers to them any more.
  } else if (llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>) ||
             llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>)) {
    return op->emitOpError()
           << "is not an op of the launch sequence: expected launches, views "
              "and sizes only";
  }
  return success();
}

void AssignBuffers::rewriteHash(plan::EngramHashOp hash) {
  OpBuilder builder(hash);
  auto inMemory = [&](Value tensor) {
    return tensor ? memory.lookup(tensor) : Value();
  };
  Value results[2];
  for (auto [result, output] : llvm::zip(results, hash.getOutputs())) {
    result = makeBuffer(builder, hash.getLoc(), output);
    memory.map(output, result);
  }
  plan::EngramHashOp::create(
      builder, hash.getLoc(), TypeRange(), inMemory(hash.getTokenIds()),
      inMemory(hash.getHistory()), inMemory(hash.getTokenMap()), results[0],
      results[1], hash.getMaxOrderAttr(), hash.getHeadsAttr(),
      hash.getMultipliersAttr(), hash.getModuliAttr(), hash.getOffsetsAttr(),
      hash.getPadAttr(), hash.getResetTokenAttr(), hash.getDeviceAttr(),
      hash.getQueueAttr());
}

/// Writes a result of the model that no launch can write straight away.
void AssignBuffers::copyResult(OpBuilder &builder, Location loc, unsigned index,
                               Value returned) {
  Value output = makeOutput(builder, loc, index, returned);
  if (bases.lookup(returned).getDefiningOp<tensor::EmptyOp>())
    return; // contents are undefined
  launchCopy(builder, loc, "copy_result_" + std::to_string(index),
             memory.lookup(returned), output);
}

/// Copies memory by a kernel of its own.
void AssignBuffers::launchCopy(OpBuilder &builder, Location loc,
                               StringRef wanted, Value source,
                               Value destination) {
  auto memref = cast<MemRefType>(destination.getType());
  Type type = RankedTensorType::get(memref.getShape(), memref.getElementType());
  std::string name = wanted.str();
  for (unsigned i = 0; table->lookup(name); ++i)
    name = (wanted + "_" + Twine(i)).str();
  OpBuilder kernels(function);
  auto kernel = plan::KernelOp::create(
      kernels, loc, name, builder.getFunctionType({type, type}, {type}), "copy",
      /*arg_attrs=*/nullptr, /*res_attrs=*/nullptr);
  Block &body = kernel.getBody().emplaceBlock();
  body.addArguments({type, type}, {loc, loc});
  kernels.setInsertionPointToEnd(&body);
  auto copy = linalg::CopyOp::create(kernels, loc, body.getArgument(0),
                                     body.getArgument(1));
  plan::ReturnOp::create(kernels, loc, copy.getResults());
  table->insert(kernel);
  plan::LaunchOp::create(builder, loc, TypeRange(),
                         FlatSymbolRefAttr::get(kernel.getSymNameAttr()),
                         device, builder.getI64IntegerAttr(0), source,
                         destination);
  ++numCopies;
}

void AssignBuffers::setSignature() {
  Builder builder(&getContext());
  SmallVector<Attribute> results;
  FunctionType type = function.getFunctionType();
  for (unsigned i = 0; i < type.getNumResults(); ++i) {
    NamedAttrList attributes(function.getResultAttrDict(i));
    attributes.set("type", TypeAttr::get(type.getResult(i)));
    results.push_back(attributes.getDictionary(&getContext()));
  }
  function->setAttr("plan.results", builder.getArrayAttr(results));
  function.removeResAttrsAttr();
  function.setFunctionType(builder.getFunctionType(
      function.getBody().front().getArgumentTypes(), {}));
}

LogicalResult AssignBuffers::assign() {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitOpError() << "must have one block";
  Block &block = function.getBody().front();
  auto returnOp = dyn_cast<func::ReturnOp>(block.getTerminator());
  if (!returnOp)
    return function.emitOpError() << "must end with a return";
  for (Type type : returnOp.getOperandTypes())
    if (!isa<RankedTensorType>(type))
      return returnOp.emitOpError()
             << "results must be ranked tensors, got " << type;
  if (failed(sizes.analyse(function)))
    return failure();
  bounds.emplace(block, hoistSizes(block));

  for (BlockArgument argument : block.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      bases[argument] = argument;
  findBases(block);
  findResults(returnOp);
  findLastUses();

  // Arguments are memrefs from now on; the tensors they were live on until
  // their users are rewritten.
  unsigned count = block.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    BlockArgument argument = block.getArgument(i);
    if (!isa<RankedTensorType>(argument.getType()))
      return function.emitOpError()
             << "arguments must be ranked tensors, got " << argument.getType();
    BlockArgument buffer =
        block.addArgument(memrefOf(argument.getType()), argument.getLoc());
    memory.map(argument, buffer);
  }
  if (failed(rewriteBlock(block)))
    return failure();
  OpBuilder builder(returnOp);
  for (auto [index, value] : llvm::enumerate(returnOp.getOperands()))
    if (!written[index])
      copyResult(builder, returnOp.getLoc(), index, value);
  func::ReturnOp::create(builder, returnOp.getLoc());
  for (Operation *op : replaced)
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      OpBuilder sizeBuilder(op);
      dim.getResult().replaceAllUsesWith(memref::DimOp::create(
          sizeBuilder, op->getLoc(), memory.lookup(dim.getSource()),
          dim.getIndex()));
    }
  for (Operation *op : llvm::reverse(replaced))
    if (isa<plan::LaunchOp, plan::LoadWeightOp, plan::SelectOp, plan::YieldOp,
            plan::PrefetchAwaitOp, plan::EngramHashOp, tensor::DimOp,
            tensor::EmptyOp, func::ReturnOp>(op) ||
        isView(op))
      op->erase();
  block.eraseArguments(0, count);
  setSignature();
  return success();
}

void AssignBuffers::runOnOperation() {
  function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  auto devices = getOperation().getOps<plan::DeviceOp>();
  if (devices.empty()) {
    getOperation().emitError() << "module must have a 'plan.device'";
    return signalPassFailure();
  }
  device = FlatSymbolRefAttr::get((*devices.begin()).getSymNameAttr());
  SymbolTable symbols(getOperation());
  table = &symbols;
  sizes = TensorSizes();
  memory = IRMapping();
  bases.clear();
  outputs.clear();
  yielded.clear();
  replaced.clear();
  lastUses.clear();
  inPlaceKernels.clear();
  if (failed(assign()))
    return signalPassFailure();
  // Kernels of which only the in-place form is launched.
  llvm::DenseSet<StringAttr> launched;
  function.walk([&](plan::LaunchOp launch) {
    launched.insert(launch.getKernelAttr().getAttr());
  });
  for (auto &[key, name] : inPlaceKernels)
    if (auto symbol = cast<FlatSymbolRefAttr>(key.first).getAttr();
        !launched.contains(symbol))
      if (Operation *kernel = symbols.lookup(symbol))
        symbols.erase(kernel);
  table = nullptr;
}
