// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-state: arguments and results that are one state before and after.
#include "Raising.h"
#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISESTATE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

struct RaiseState : RaisingPass<trine::impl::TrineRaiseStateBase<RaiseState>> {
  bool hasAnchor(func::FuncOp function) const override;
  void raise(Raising &raising) override;

private:
  /// The argument that `value` is the next state of; `axis` is what grows, 0 if
  /// nothing does.
  struct Pair {
    BlockArgument argument;
    int64_t axis = 0;
    Operation *op = nullptr;
  };
  std::optional<Pair> findPair(Raising &raising, Value value);
  std::optional<Pair> fromConcat(Raising &raising, onnx::ConcatOp op,
                                 bool isWindow);
  void missed(Raising &raising, Operation *op, const Twine &reason,
              Operation *node) {
    ++numMissed;
    raising.missed(op, "state", NearMiss{node, reason.str()});
  }
};

} // namespace

/// The argument of the function itself behind reshapes.
static BlockArgument argumentBehind(Value value, bool *cast = nullptr) {
  for (unsigned steps = 0; steps < 4; ++steps) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument;
    Operation *op = value.getDefiningOp();
    if (isa<onnx::CastOp>(op) && cast)
      *cast = true;
    else if (!isa<onnx::ReshapeOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

std::optional<RaiseState::Pair>
RaiseState::fromConcat(Raising &raising, onnx::ConcatOp op, bool isWindow) {
  int64_t axis = raising.normalAxis(op.getAxis(), op->getResult(0));
  auto argument = dyn_cast<BlockArgument>(op->getOperand(0));
  if (argument && op->getNumOperands() >= 2) {
    if (axis == 0) {
      missed(raising, op, "it is joined along axis 0, that of the sequences",
             op);
      return std::nullopt;
    }
    return Pair{argument, isWindow ? 0 : axis, op};
  }
  bool cast = false;
  if (!argument && argumentBehind(op->getOperand(0), &cast)) {
    missed(raising, op,
           cast ? "the argument is cast before it is joined"
                : "the argument is reshaped before it is joined",
           op->getOperand(0).getDefiningOp());
    return std::nullopt;
  }
  for (Value operand : op->getOperands().drop_front())
    if (isa<BlockArgument>(operand) && !isa<BlockArgument>(op->getOperand(0)) &&
        axis != 0) {
      missed(raising, op, "new rows come before the argument", op);
      break;
    }
  return std::nullopt;
}

std::optional<RaiseState::Pair> RaiseState::findPair(Raising &raising,
                                                     Value value) {
  // Returned as it came.
  if (auto argument = dyn_cast<BlockArgument>(value))
    return Pair{argument, 0, nullptr};
  Operation *op = value.getDefiningOp();
  if (auto concat = dyn_cast<onnx::ConcatOp>(op))
    return fromConcat(raising, concat, /*isWindow=*/false);
  // What a raised op makes of a state.
  auto replaced = [&](Value state) -> std::optional<Pair> {
    auto argument = dyn_cast_or_null<BlockArgument>(state);
    return argument ? std::optional(Pair{argument, 0, op}) : std::nullopt;
  };
  if (auto attention = dyn_cast<MLAAttentionOp>(op)) {
    for (auto [past, present] :
         llvm::zip_equal(attention.getPast(), attention.getPresent()))
      if (auto argument = dyn_cast<BlockArgument>(past);
          argument && present == value)
        return Pair{argument, 2, op};
    return std::nullopt;
  }
  if (auto conv = dyn_cast<EngramConvOp>(op))
    return value == op->getResult(1) ? replaced(conv.getState()) : std::nullopt;
  if (auto hash = dyn_cast<EngramHashOp>(op))
    return value == op->getResult(1) ? replaced(hash.getHistory())
                                     : std::nullopt;
  // The last rows of old and new ones together.
  if (!isa<onnx::SliceOp>(op))
    return std::nullopt;
  auto concat = producer<onnx::ConcatOp>(op->getOperand(0));
  if (!concat)
    return std::nullopt;
  int64_t axis = raising.normalAxis(concat.getAxis(), concat->getResult(0));
  auto argument = dyn_cast<BlockArgument>(concat->getOperand(0));
  ArrayRef<SymbolicExpression> dims = raising.dims(concat->getResult(0));
  // Only looks like a state if the result is as large as the argument.
  if (!argument || !raising.haveSameShape(argument, value))
    return std::nullopt;
  onnx::ShapeAnalysis &shapes = raising.getShapes();
  auto contents = [&](unsigned i) {
    return op->getNumOperands() > i && shapes.hasShape(op->getOperand(i))
               ? shapes.getContents(op->getOperand(i))
               : std::nullopt;
  };
  auto starts = contents(1), ends = contents(2), axes = contents(3),
       steps = contents(4);
  if (!starts || !ends || starts->size() != 1)
    return std::nullopt;
  if (axes && (!(*axes)[0].getConstant() ||
               raising.normalAxis(*(*axes)[0].getConstant(),
                                  concat->getResult(0)) != axis)) {
    missed(raising, op, "it is cut along another axis than it is joined along",
           concat);
    return std::nullopt;
  }
  if (steps && !(*steps)[0].isConstant(1))
    return std::nullopt;
  // From -window, or from all - window, to the end.
  SymbolicExpression window =
                         dims[axis] - raising.dims(concat->getOperand(0))[axis],
                     start = (*starts)[0], end = (*ends)[0];
  SymbolicExpression kept = raising.dims(value)[axis];
  bool fromEnd = start == kept * -1 || start == window;
  bool toEnd =
      end == dims[axis] ||
      (end.getConstant() && *end.getConstant() >= (int64_t(1) << 31) - 1);
  if (!fromEnd || !toEnd) {
    missed(raising, op, "it keeps other rows than the last", concat);
    return std::nullopt;
  }
  return fromConcat(raising, concat, /*isWindow=*/true);
}

bool RaiseState::hasAnchor(func::FuncOp function) const {
  return function.getBody().hasOneBlock();
}

void RaiseState::raise(Raising &raising) {
  func::FuncOp function = raising.getFunction();
  Block &body = function.getBody().front();
  Builder builder(&getContext());
  llvm::SmallDenseSet<unsigned> paired;
  for (OpOperand &result : body.getTerminator()->getOpOperands()) {
    std::optional<Pair> pair = findPair(raising, result.get());
    if (!pair || pair->argument.getOwner() != &body)
      continue;
    unsigned argument = pair->argument.getArgNumber(),
             position = result.getOperandNumber();
    auto before = dyn_cast<RankedTensorType>(pair->argument.getType()),
         after = dyn_cast<RankedTensorType>(result.get().getType());
    if (!before || !after || before.getRank() < 1 ||
        before.getElementType() != after.getElementType() ||
        before.getRank() != after.getRank())
      continue;
    if (!paired.insert(argument).second) {
      missed(raising, pair->op ? pair->op : body.getTerminator(),
             "the argument is the past of another result already",
             body.getTerminator());
      continue;
    }
    auto record = builder.getDictionaryAttr(
        {builder.getNamedAttr("axis", builder.getI64IntegerAttr(pair->axis)),
         builder.getNamedAttr("pair",
                              builder.getI64IntegerAttr(paired.size() - 1)),
         builder.getNamedAttr("rule", builder.getStringAttr(
                                          pair->axis ? "append" : "replace"))});
    function.setArgAttr(argument, "trine.state", record);
    function.setResultAttr(position, "trine.state", record);
    if (pair->axis)
      ++numAppended;
    else
      ++numReplaced;
  }
}
