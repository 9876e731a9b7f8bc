// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-plan-state: state of a session as arguments that the runtime owns.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANSTATE
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// A state, and the ops of a step that use it.
struct PlannedState {
  StateOpenOp open;
  StateAppendOp append; // null when only read
  SmallVector<StateReadOp> before, after;
  StringAttr presentName;
  ArrayAttr dims, presentDims;

  StateType getType() { return cast<StateType>(open.getResult().getType()); }
  bool grows() { return getType().getAxis() > 0; }
};

struct PlanState : trine::impl::TrinePlanStateBase<PlanState> {
  void runOnOperation() override;

private:
  LogicalResult collect(func::FuncOp function);
  void addGrowing(func::FuncOp function, PlannedState &state);
  void addReplaced(func::FuncOp function, PlannedState &state);
  BlockArgument addArgument(func::FuncOp function, Type type, StringRef name,
                            ArrayRef<Attribute> dims, Location loc);
  Value makeLengths(OpBuilder &builder, Location loc, Value growth);

  SmallVector<PlannedState> states;
  BlockArgument lengths;
  Value past;
};

} // namespace

static constexpr StringLiteral kCapacity = "state.capacity",
                               kLengths = "state.lengths", kPast = "state.past";

LogicalResult PlanState::collect(func::FuncOp function) {
  for (auto open : function.getOps<StateOpenOp>()) {
    PlannedState state;
    state.open = open;
    state.presentName = open->getAttrOfType<StringAttr>("onnx.present");
    state.dims = open->getAttrOfType<ArrayAttr>("onnx.dims");
    state.presentDims = open->getAttrOfType<ArrayAttr>("onnx.present_dims");
    int64_t rank = state.getType().getTensor().getRank();
    if (!state.presentName || !state.dims || !state.presentDims ||
        static_cast<int64_t>(state.dims.size()) != rank ||
        static_cast<int64_t>(state.presentDims.size()) != rank)
      return open.emitOpError()
             << "needs 'onnx.dims', 'onnx.present' and 'onnx.present_dims' to "
                "become a package's state";
    for (const PlannedState &other : states)
      if (PlannedState(other).open.getName() == open.getName())
        return open.emitOpError()
               << "opens state '" << open.getName() << "' again";
    auto addUsers = [&](Value value,
                        SmallVectorImpl<StateReadOp> &reads) -> LogicalResult {
      for (Operation *user : value.getUsers()) {
        if (auto read = dyn_cast<StateReadOp>(user)) {
          reads.push_back(read);
          continue;
        }
        auto append = dyn_cast<StateAppendOp>(user);
        if (!append || append.getCounts() || state.append ||
            user->getBlock() != open->getBlock())
          return user->emitOpError()
                 << "cannot be planned: a step may read a state and append to "
                    "it once, for all slots";
        state.append = append;
      }
      return success();
    };
    if (failed(addUsers(open.getResult(), state.before)))
      return failure();
    if (state.append && failed(addUsers(state.append.getResult(), state.after)))
      return failure();
    if (!state.append)
      return open.emitOpError() << "is never appended to";
    states.push_back(std::move(state));
  }
  return success();
}

BlockArgument PlanState::addArgument(func::FuncOp function, Type type,
                                     StringRef name, ArrayRef<Attribute> dims,
                                     Location loc) {
  Builder builder(&getContext());
  NamedAttrList attributes;
  attributes.set("onnx.name", builder.getStringAttr(name));
  attributes.set("onnx.dims", builder.getArrayAttr(dims));
  unsigned index = function.getNumArguments();
  (void)function.insertArgument(index, type,
                                attributes.getDictionary(&getContext()), loc);
  return function.getArgument(index);
}

/// lengths + growth, element by element.
Value PlanState::makeLengths(OpBuilder &builder, Location loc, Value growth) {
  Value batch = tensor::DimOp::create(builder, loc, lengths, 0);
  auto type = cast<RankedTensorType>(lengths.getType());
  Value empty = tensor::EmptyOp::create(builder, loc, type, ValueRange{batch});
  AffineMap identity = builder.getMultiDimIdentityMap(1);
  Value added =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), growth);
  return linalg::GenericOp::create(
             builder, loc, type, lengths, empty,
             ArrayRef<AffineMap>{identity, identity},
             ArrayRef<utils::IteratorType>{utils::IteratorType::parallel},
             [&](OpBuilder &b, Location loc, ValueRange arguments) {
               Value sum = arith::AddIOp::create(b, loc, arguments[0], added);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

/// Storage [slots, ..., capacity, ...] is an argument. New rows go in behind
/// each slot's length; what is read is the part up to the longest.
void PlanState::addGrowing(func::FuncOp function, PlannedState &state) {
  StateType type = state.getType();
  int64_t axis = type.getAxis(), rank = type.getTensor().getRank();
  Location loc = state.open.getLoc();
  SmallVector<int64_t> shape(type.getTensor().getShape());
  shape[axis] = ShapedType::kDynamic;
  SmallVector<Attribute> dims(state.dims.getValue());
  dims[axis] = StringAttr::get(&getContext(), kCapacity);
  auto storageType =
      RankedTensorType::get(shape, type.getTensor().getElementType());
  BlockArgument storage =
      addArgument(function, storageType, state.open.getName(), dims, loc);
  function.setArgAttr(storage.getArgNumber(), "plan.storage",
                      UnitAttr::get(&getContext()));

  OpBuilder builder(state.open);
  SmallVector<OpFoldResult> sizes, zeros(rank, builder.getIndexAttr(0)),
      ones(rank, builder.getIndexAttr(1));
  for (int64_t dim = 0; dim < rank; ++dim)
    sizes.push_back(
        dim == axis ? OpFoldResult(past)
        : storageType.isDynamicDim(dim)
            ? OpFoldResult(
                  tensor::DimOp::create(builder, loc, storage, dim).getResult())
            : builder.getIndexAttr(shape[dim]));
  auto readAs = [&](OpBuilder &b, StateReadOp read, Value from) {
    SmallVector<OpFoldResult> result = sizes;
    auto wanted = cast<RankedTensorType>(read.getValues().getType());
    auto slice = tensor::ExtractSliceOp::create(b, read.getLoc(), from, zeros,
                                                result, ones);
    Value values = slice.getResult();
    if (values.getType() != wanted)
      values = tensor::CastOp::create(b, read.getLoc(), wanted, values);
    read.getValues().replaceAllUsesWith(values);
  };
  for (StateReadOp read : state.before) {
    builder.setInsertionPoint(read);
    readAs(builder, read, storage);
    read.getLengths().replaceAllUsesWith(lengths);
    read.erase();
  }

  builder.setInsertionPoint(state.append);
  loc = state.append.getLoc();
  Value rows = state.append.getValues();
  Value growth = tensor::DimOp::create(builder, loc, rows, axis);
  auto slots = tensor::DimOp::create(builder, loc, storage, 0);
  auto loop = scf::ForallOp::create(builder, loc,
                                    ArrayRef<OpFoldResult>{slots.getResult()},
                                    ValueRange{storage}, std::nullopt);
  builder.setInsertionPointToStart(loop.getBody());
  Value slot = loop.getInductionVar(0);
  Value length = arith::IndexCastOp::create(
      builder, loc, builder.getIndexType(),
      tensor::ExtractOp::create(builder, loc, lengths, slot));
  SmallVector<OpFoldResult> from = zeros, into = zeros, part = sizes;
  from[0] = into[0] = slot;
  into[axis] = length;
  part[0] = builder.getIndexAttr(1);
  part[axis] = growth;
  Value own =
      tensor::ExtractSliceOp::create(builder, loc, rows, from, part, ones);
  builder.setInsertionPointToStart(loop.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(
      builder, loc, own, loop.getRegionIterArgs()[0], into, part, ones);
  builder.setInsertionPointAfter(loop);
  sizes[axis] = arith::AddIOp::create(builder, loc, growth, past).getResult();
  Value newLengths;
  for (StateReadOp read : state.after) {
    // Reads follow the append, wherever they stand.
    builder.setInsertionPoint(read);
    readAs(builder, read, loop.getResult(0));
    if (!read.getLengths().use_empty()) {
      newLengths = makeLengths(builder, loc, growth);
      read.getLengths().replaceAllUsesWith(newLengths);
    }
    read.erase();
  }
  state.append.erase();
  state.open.erase();
}

/// The runtime hands in what the last step left and takes what this one makes.
void PlanState::addReplaced(func::FuncOp function, PlannedState &state) {
  RankedTensorType type = state.getType().getTensor();
  BlockArgument before =
      addArgument(function, type, state.open.getName(), state.dims.getValue(),
                  state.open.getLoc());
  auto *leave = function.getBody().front().getTerminator();
  for (auto *reads : {&state.before, &state.after})
    for (StateReadOp read : *reads) {
      // Fetched anew: a state may be returned as it was read.
      Value now =
          reads == &state.before ? Value(before) : state.append.getValues();
      if (now.getType() != read.getValues().getType()) {
        OpBuilder builder(read);
        now = tensor::CastOp::create(builder, read.getLoc(),
                                     read.getValues().getType(), now);
      }
      read.getValues().replaceAllUsesWith(now);
      read.getLengths().replaceAllUsesWith(lengths);
      read.erase();
    }
  Value values = state.append.getValues();
  NamedAttrList attributes;
  attributes.set("onnx.name", state.presentName);
  attributes.set("onnx.dims", state.presentDims);
  unsigned index = function.getNumResults();
  (void)function.insertResult(index, values.getType(),
                              attributes.getDictionary(&getContext()));
  leave->insertOperands(index, values);
  state.append.erase();
  state.open.erase();
}

void PlanState::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isDeclaration() || !function.getBody().hasOneBlock())
    return;
  states.clear();
  if (failed(collect(function)))
    return signalPassFailure();
  if (states.empty())
    return;
  Builder builder(&getContext());
  numStates += states.size();

  // The arguments that states have in common.
  Attribute batch = states.front().dims[0], length;
  for (PlannedState &state : states)
    if (state.grows() && !length)
      length = state.dims[state.getType().getAxis()];
  Location loc = function.getLoc();
  lengths = addArgument(
      function,
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI64Type()),
      kLengths, {batch}, loc);
  BlockArgument pastArgument = addArgument(
      function,
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI8Type()), kPast,
      {length ? length : Attribute(builder.getStringAttr(kPast))}, loc);
  OpBuilder entry = OpBuilder::atBlockBegin(&function.getBody().front());
  past = tensor::DimOp::create(entry, loc, pastArgument, 0);

  SmallVector<Attribute> records;
  unsigned lengthsIndex = lengths.getArgNumber();
  for (PlannedState &state : states) {
    NamedAttrList record;
    int64_t axis = state.getType().getAxis();
    record.set("name", builder.getStringAttr(state.open.getName()));
    record.set("present", state.presentName);
    record.set("axis", builder.getI64IntegerAttr(axis));
    record.set("dims", state.dims);
    record.set("present_dims", state.presentDims);
    record.set("argument",
               builder.getI64IntegerAttr(function.getNumArguments()));
    if (auto initial = state.open->getAttrOfType<IntegerAttr>("trine.initial"))
      record.set("initial", initial);
    if (axis == 0)
      record.set("result", builder.getI64IntegerAttr(function.getNumResults()));
    records.push_back(record.getDictionary(&getContext()));
    if (axis > 0)
      addGrowing(function, state);
    else
      addReplaced(function, state);
  }
  NamedAttrList all;
  all.set("lengths", builder.getI64IntegerAttr(lengthsIndex));
  all.set("entries", builder.getArrayAttr(records));
  all.set("ragged", builder.getBoolAttr(function->hasAttr("trine.ragged")));
  function->setAttr("plan.states", all.getDictionary(&getContext()));
}
