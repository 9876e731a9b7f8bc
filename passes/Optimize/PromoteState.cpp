// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-promote-state: past and present become a session's state.
#include "DecomposeComposites.h"
#include "StateLengths.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Optimize.h"
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPROMOTESTATE
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// An argument and a result that are one state before and after.
struct Pair {
  BlockArgument past;
  unsigned result = 0;
  /// The dimension that grows; 0 when the state is replaced.
  int64_t axis = 0;
  StringAttr name, presentName;
  ArrayAttr pastDims, presentDims;
  /// What a step adds, and the op that makes the present; null when replaced.
  Value rows;
  Operation *present = nullptr;
};

struct PromoteState : trine::impl::TrinePromoteStateBase<PromoteState> {
  using TrinePromoteStateBase::TrinePromoteStateBase;

  void runOnOperation() override;

private:
  LogicalResult separateRows(func::FuncOp function);
  LogicalResult collect(func::FuncOp function, SmallVectorImpl<Pair> &pairs);
  LogicalResult checkGrowth(ArrayRef<Pair> pairs);
  void promote(func::FuncOp function, ArrayRef<Pair> pairs);
  void allowLengths(func::FuncOp function);

  /// The entries of each slot before the step, and what is read of states that
  /// grow.
  Value lengths;
  SmallVector<Value> reads;
};

} // namespace

/// The dimension's text; a number as itself.
static std::string dimText(ArrayAttr dims, int64_t axis) {
  if (!dims || axis >= static_cast<int64_t>(dims.size()))
    return "";
  if (auto text = dyn_cast<StringAttr>(dims[axis]))
    return text.str();
  if (auto number = dyn_cast<IntegerAttr>(dims[axis]))
    return std::to_string(number.getInt());
  return "";
}

static bool isUnit(ArrayRef<OpFoldResult> values) {
  return llvm::all_of(values,
                      [](OpFoldResult value) { return isOneInteger(value); });
}

/// Whether both are one size, perhaps asked for twice.
static bool isSameSize(OpFoldResult a, OpFoldResult b) {
  if (a == b)
    return true;
  auto dimOf = [](OpFoldResult size) {
    auto value = dyn_cast<Value>(size);
    return value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  };
  tensor::DimOp first = dimOf(a), second = dimOf(b);
  return first && second && first.getSource() == second.getSource() &&
         first.getConstantIndex() &&
         first.getConstantIndex() == second.getConstantIndex();
}

/// The rows behind `past` in `present`, when it is nothing but both joined
/// along `axis`.
static Value findRows(Value present, BlockArgument past, int64_t axis) {
  if (auto concat = present.getDefiningOp<tensor::ConcatOp>())
    return concat.getInputs().size() == 2 && concat.getInputs()[0] == past &&
                   static_cast<int64_t>(concat.getDim()) == axis
               ? concat.getInputs()[1]
               : Value();
  auto outer = present.getDefiningOp<tensor::InsertSliceOp>();
  auto inner = outer ? outer.getDest().getDefiningOp<tensor::InsertSliceOp>()
                     : tensor::InsertSliceOp();
  if (!inner || inner.getSource() != past ||
      !inner.getDest().getDefiningOp<tensor::EmptyOp>() ||
      outer.getSourceType().getRank() != outer.getDestType().getRank() ||
      !isUnit(inner.getMixedStrides()) || !isUnit(outer.getMixedStrides()))
    return nullptr;
  for (OpFoldResult offset : inner.getMixedOffsets())
    if (!isZeroInteger(offset))
      return nullptr;
  for (auto [dim, offset] : llvm::enumerate(outer.getMixedOffsets()))
    if (static_cast<int64_t>(dim) == axis
            ? !isSameSize(offset, inner.getMixedSizes()[dim])
            : !isZeroInteger(offset))
      return nullptr;
  return outer.getSource();
}

/// Attention that takes and gives cached keys and values is written out, so
/// that the new rows are a value by themselves.
LogicalResult PromoteState::separateRows(func::FuncOp function) {
  SmallVector<MLAAttentionOp> attentions;
  function.walk([&](MLAAttentionOp op) {
    if (op->getParentOp() == function &&
        llvm::any_of(op.getPast(), llvm::IsaPred<BlockArgument>))
      attentions.push_back(op);
  });
  for (MLAAttentionOp op : attentions) {
    LinalgBuilder builder(op);
    Decomposed values = decompose(op, builder, /*separateRows=*/true);
    if (failed(values))
      return failure();
    for (auto [result, value] : llvm::zip_equal(op->getResults(), *values))
      result.replaceAllUsesWith(builder.castTo(value, result.getType()));
    op->erase();
  }
  return success();
}

LogicalResult PromoteState::collect(func::FuncOp function,
                                    SmallVectorImpl<Pair> &pairs) {
  auto recordOf = [](DictionaryAttr record, StringRef key) -> int64_t {
    auto number = record.getAs<IntegerAttr>(key);
    return number ? number.getInt() : -1;
  };
  Operation *leave = function.getBody().front().getTerminator();
  LogicalResult result = success();
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto record =
        function.getArgAttrOfType<DictionaryAttr>(index, "trine.state");
    if (!record)
      continue;
    Pair pair;
    pair.past = argument;
    pair.axis = recordOf(record, "axis");
    pair.name = function.getArgAttrOfType<StringAttr>(index, "onnx.name");
    pair.pastDims = function.getArgAttrOfType<ArrayAttr>(index, "onnx.dims");
    bool found = false;
    for (unsigned i = 0; i < function.getNumResults() && !found; ++i) {
      auto other =
          function.getResultAttrOfType<DictionaryAttr>(i, "trine.state");
      if (!other || recordOf(other, "pair") != recordOf(record, "pair"))
        continue;
      found = true;
      pair.result = i;
      pair.presentName =
          function.getResultAttrOfType<StringAttr>(i, "onnx.name");
      pair.presentDims =
          function.getResultAttrOfType<ArrayAttr>(i, "onnx.dims");
    }
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!found || !type || !pair.name || !pair.pastDims || !pair.presentName ||
        !pair.presentDims || pair.axis < 0 || pair.axis >= type.getRank() ||
        static_cast<int64_t>(pair.pastDims.size()) != type.getRank()) {
      result = emitError(function.getLoc())
               << "argument " << index
               << " says that it is a state, but no result with names, "
                  "sizes and the same 'pair' does";
      continue;
    }
    if (pair.axis > 0) {
      Value present = leave->getOperand(pair.result);
      pair.rows = findRows(present, argument, pair.axis);
      if (!pair.rows) {
        result = emitError(function.getLoc())
                 << "cannot keep state '" << pair.name.getValue()
                 << "' in the session: result '" << pair.presentName.getValue()
                 << "' is not made by joining it and new rows";
        continue;
      }
      pair.present = present.getDefiningOp();
    }
    pairs.push_back(pair);
  }
  if (succeeded(result) && pairs.empty())
    return emitError(function.getLoc())
           << "the model has no state to keep in the session: no result is an "
              "argument "
              "with new rows, or what replaces one";
  return failed(result) ? result : checkGrowth(pairs);
}

/// All states of a session have the same lengths, and grow by the same number.
LogicalResult PromoteState::checkGrowth(ArrayRef<Pair> pairs) {
  SymbolicContext context;
  SymbolicExpression past, growth;
  const Pair *first = nullptr;
  for (const Pair &pair : pairs) {
    if (pair.axis == 0)
      continue;
    SymbolicExpression length =
                           context.parse(dimText(pair.pastDims, pair.axis)),
                       next =
                           context.parse(dimText(pair.presentDims, pair.axis));
    if (!length || !length.isSymbol() || !next)
      return emitError(getOperation().getLoc())
             << "cannot keep state '" << pair.name.getValue()
             << "' in the session: dimension " << pair.axis
             << " must be a symbol, got '" << dimText(pair.pastDims, pair.axis)
             << "'";
    if (!first) {
      first = &pair;
      past = length;
      growth = next - length;
      continue;
    }
    if (length != past || next - length != growth)
      return emitError(getOperation().getLoc())
             << "cannot keep states '" << first->name.getValue() << "' and '"
             << pair.name.getValue()
             << "' in one session: they grow differently, from '" << past.str()
             << "' by '" << growth.str() << "' and from '" << length.str()
             << "' by '" << (next - length).str() << "'";
  }
  return success();
}

void PromoteState::promote(func::FuncOp function, ArrayRef<Pair> pairs) {
  Block &body = function.getBody().front();
  Operation *leave = body.getTerminator();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  auto lengthsType =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI64Type());
  llvm::BitVector arguments(function.getNumArguments()),
      results(function.getNumResults());
  Operation *entry = nullptr; // the last one there
  for (const Pair &pair : pairs) {
    auto type = cast<RankedTensorType>(pair.past.getType());
    auto stateType = StateType::get(&getContext(), type, pair.axis);
    Location loc = pair.past.getLoc();
    if (entry)
      builder.setInsertionPointAfter(entry);
    else
      builder.setInsertionPointToStart(&body);
    auto open = StateOpenOp::create(builder, loc, stateType, pair.name,
                                    builder.getI64IntegerAttr(0));
    open->setAttr("onnx.dims", pair.pastDims);
    open->setAttr("onnx.present", pair.presentName);
    open->setAttr("onnx.present_dims", pair.presentDims);
    auto past =
        StateReadOp::create(builder, loc, type, lengthsType, open.getResult());
    entry = past;
    if (pair.axis == 0) {
      builder.setInsertionPoint(leave);
      StateAppendOp::create(builder, leave->getLoc(), stateType,
                            open.getResult(), leave->getOperand(pair.result),
                            /*counts=*/Value());
      ++numReplaced;
    } else {
      Value present = pair.present->getResult(0);
      builder.setInsertionPoint(pair.present);
      auto append = StateAppendOp::create(builder, pair.present->getLoc(),
                                          stateType, open.getResult(),
                                          pair.rows, /*counts=*/Value());
      auto read = StateReadOp::create(builder, pair.present->getLoc(),
                                      present.getType(), lengthsType,
                                      append.getResult());
      present.replaceAllUsesWith(read.getValues());
      if (!lengths)
        lengths = past.getLengths();
      reads.append({past.getValues(), read.getValues()});
      ++numAppended;
    }
    BlockArgument(pair.past).replaceAllUsesWith(past.getValues());
    arguments.set(pair.past.getArgNumber());
    results.set(pair.result);
  }
  leave->eraseOperands(results);
  (void)function.eraseArguments(arguments);
  (void)function.eraseResults(results);
}

/// Slots of a step may have different lengths where attention keeps each
/// sequence's queries to its own keys.
void PromoteState::allowLengths(func::FuncOp function) {
  if (!lengths || !ragged)
    return;
  auto options = remark::RemarkOpts::name("state-lengths")
                     .category(getArgument())
                     .function(function.getName());
  StateUses uses = findStateUses(reads);
  if (uses.obstacle) {
    remark::missed(uses.obstacle->getLoc(), options)
        << remark::add("slots of a step must have one length: '{0}' {1}",
                       uses.obstacle->getName().getStringRef(), uses.reason);
    return;
  }
  for (Operation *op : uses.attentions)
    llvm::TypeSwitch<Operation *>(op).Case<AttentionOp, MLAAttentionOp>(
        [&](auto attention) {
          attention.setMaskKind(MaskKind::Causal);
          attention.getOffsetMutable().assign(lengths);
        });
  function->setAttr("trine.ragged", UnitAttr::get(&getContext()));
  remark::passed(function.getLoc(), options) << remark::add(
      "slots of a step may have different lengths: {0} attentions read them",
      uses.attentions.size());
}

void PromoteState::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isDeclaration() || !function.getBody().hasOneBlock())
    return;
  SmallVector<Pair> pairs;
  lengths = nullptr;
  reads.clear();
  if (failed(separateRows(function)) || failed(collect(function, pairs)))
    return signalPassFailure();
  promote(function, pairs);
  // The joins are dead now; what is read may be needed still.
  auto eraseDead = [&](bool reads) {
    SmallVector<Operation *> ops;
    for (Operation &op : function.getBody().front().without_terminator())
      ops.push_back(&op);
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op) && (reads || !isa<StateReadOp>(op)))
        op->erase();
  };
  eraseDead(/*reads=*/false);
  allowLengths(function);
  eraseDead(/*reads=*/true);
}
