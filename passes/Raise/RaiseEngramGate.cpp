// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-engram-gate: sigmoids of normalised products, times a value,
// become trine.engram.gate.
#include "RaiseEngramGate.h"

#include "trine/Passes/Raise.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEENGRAMGATE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

namespace {

class GateRaiser {
public:
  explicit GateRaiser(Raising &raising) : raising(raising), matcher(raising) {}
  void run();

  unsigned raised = 0, missed = 0;

private:
  void splitStack(onnx::ConcatOp stack);
  bool raiseStreams(ArrayRef<GateForm *> gates);
  void raiseOne(GateForm &form);
  void raiseContrib(onnx::EngramGateOp op);
  Value weightOf(Operation *before, const Side &side, int64_t width);
  Value joinKeys(Operation *before, ArrayRef<GateForm *> gates);
  EngramGateOp make(Operation *before, Value key, Value query, Value value,
                    Value keyWeight, Value queryWeight, double epsilon,
                    SignedRoot root, double floor);

  /// Brings the values of a form up to date: an earlier gate may have made one.
  void refresh(GateForm &form);
  void replace(ValueRange results, ValueRange values, Operation *raised,
               StringRef name, ArrayRef<Operation *> matched);

  Raising &raising;
  GateMatcher matcher;
  /// What stands now for a value that was replaced.
  llvm::DenseMap<Value, Value> replaced;
};

} // namespace

Value GateRaiser::weightOf(Operation *before, const Side &side, int64_t width) {
  Type elementType = getElementTypeOrSelf(side.input.getType());
  bool hasStreams = raising.rank(side.input) == 4;
  int64_t streams = hasStreams ? *raising.staticDim(side.input, 2) : 1;
  Value result;
  for (Value weight : side.weights) {
    Value shaped = weight;
    int64_t elements = 1;
    for (SymbolicExpression size : raising.dims(weight))
      elements *= *size.getConstant();
    if (elements == streams * width)
      shaped = raising.reshape(before, weight, {streams, width});
    else
      shaped =
          raising.create(before, "Expand",
                         {weight, raising.integers(before, {streams, width})});
    result = result ? raising.create(before, "Mul", {result, shaped}) : shaped;
  }
  return result ? result
                : filled(raising, before, {streams, width}, elementType, 1);
}

EngramGateOp GateRaiser::make(Operation *before, Value key, Value query,
                              Value value, Value keyWeight, Value queryWeight,
                              double epsilon, SignedRoot root, double floor) {
  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  auto gate = EngramGateOp::create(
      builder, typeOf(raising.dims(key), getElementTypeOrSelf(key.getType())),
      key, query, value, keyWeight, queryWeight, APFloat(epsilon), root,
      APFloat(floor));
  (void)raising.visit(gate);
  return gate;
}

/// [B, S, D] as [B, S, 1, D].
static Value asStream(Raising &raising, Operation *before, Value value) {
  return reshapeTokens(raising, before, value,
                       {1, *raising.staticDim(value, 2)});
}

/// [B, S, 1, D] as [B, S, D].
static Value dropStream(Raising &raising, Operation *before, Value value) {
  return reshapeTokens(raising, before, value, *raising.staticDim(value, 3));
}

void GateRaiser::refresh(GateForm &form) {
  auto update = [&](Value &value) {
    auto found = replaced.find(value);
    if (found != replaced.end())
      value = found->second;
  };
  for (Side *side : {&form.key, &form.query})
    update(side->input);
  update(form.value);
}

void GateRaiser::replace(ValueRange results, ValueRange values,
                         Operation *raised, StringRef name,
                         ArrayRef<Operation *> matched) {
  raising.replace(results, values, raised, name, matched);
  for (auto [result, value] : llvm::zip_equal(results, values))
    replaced[result] = value;
}

void GateRaiser::raiseOne(GateForm &form) {
  refresh(form);
  Operation *before = form.result.getDefiningOp();
  int64_t rank = raising.rank(form.key.input);
  int64_t width = *raising.staticDim(form.key.input, rank - 1);
  Value key = form.key.input, query = form.query.input, value = form.value;
  Value keyWeight = weightOf(before, form.key, width),
        queryWeight = weightOf(before, form.query, width);
  if (rank == 3) {
    key = asStream(raising, before, key);
    query = asStream(raising, before, query);
  } else if (raising.rank(value) == 4) {
    value = dropStream(raising, before, value);
  }
  EngramGateOp gate = make(before, key, query, value, keyWeight, queryWeight,
                           *form.key.epsilon, form.root, form.floor);
  Value result = gate.getResult();
  if (rank == 3)
    result = dropStream(raising, before, result);
  replace(form.result, result, gate, "engram-gate", form.matched);
  ++raised;
}

/// The keys as one tensor [B, S, M, D]: by one product, where they are
/// projections of the same rows.
Value GateRaiser::joinKeys(Operation *before, ArrayRef<GateForm *> gates) {
  int64_t width = *raising.staticDim(gates[0]->key.input, 2),
          streams = gates.size();
  Value rows;
  SmallVector<Value> matrices, biases;
  for (GateForm *gate : gates) {
    Value key = gate->key.input;
    if (auto add = producer<onnx::AddOp>(key);
        add && add->hasOneUse() && raising.rank(add->getOperand(1)) == 1 &&
        GateMatcher::isWeight(add->getOperand(1))) {
      biases.push_back(add->getOperand(1));
      key = add->getOperand(0);
    }
    auto product = producer<onnx::MatMulOp>(key);
    if (!product || !key.hasOneUse() ||
        (rows && rows != product->getOperand(0)) ||
        raising.rank(product->getOperand(1)) != 2 ||
        !GateMatcher::isWeight(product->getOperand(1)))
      break;
    rows = product->getOperand(0);
    matrices.push_back(product->getOperand(1));
  }
  if (static_cast<int64_t>(matrices.size()) == streams &&
      (biases.empty() || static_cast<int64_t>(biases.size()) == streams)) {
    Value keys = raising.create(before, "MatMul",
                                {rows, concat(raising, before, matrices, 1)});
    if (!biases.empty())
      keys = raising.create(before, "Add",
                            {keys, concat(raising, before, biases, 0)});
    return reshapeTokens(raising, before, keys, {streams, width});
  }
  SmallVector<Value> single;
  for (GateForm *gate : gates)
    single.push_back(asStream(raising, before, gate->key.input));
  return concat(raising, before, single, 2);
}

/// The stream that a query [B, S, D] is, and the tensor of all.
static std::optional<AxisSlice> readStream(Raising &raising, Value query) {
  auto reshape = producer<onnx::ReshapeOp>(query);
  if (!reshape)
    return std::nullopt;
  auto slice = matchSlice(raising, reshape->getOperand(0));
  if (!slice || slice->axis != 2 || raising.rank(slice->input) != 4 ||
      !raising.dims(reshape->getOperand(0))[2].isConstant(1) ||
      !slice->begin.isConstant())
    return std::nullopt;
  return slice;
}

/// Moves what uses a gate's result behind `last`, the last gate of all, so that
/// one op can give all results there. False where a gate needs another's
/// result.
static bool sinkUsers(ArrayRef<GateForm *> gates, Operation *last) {
  llvm::SmallPtrSet<Operation *, 32> dependents;
  SmallVector<Operation *> users;
  Operation *first = last;
  for (GateForm *gate : gates) {
    Operation *op = gate->result.getDefiningOp();
    dependents.insert(op);
    if (op->getBlock() != last->getBlock())
      return false;
    if (op->isBeforeInBlock(first))
      first = op;
  }
  for (Operation *op = first;; op = op->getNextNode()) {
    bool depends = false;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        depends |= dependents.contains(operand.getDefiningOp());
    });
    if (depends && !dependents.insert(op).second)
      return false; // a gate itself
    if (depends)
      users.push_back(op);
    if (op == last)
      break;
  }
  for (Operation *op : llvm::reverse(users))
    op->moveAfter(last);
  return true;
}

/// Joins gates of all streams of one tensor.
bool GateRaiser::raiseStreams(ArrayRef<GateForm *> gates) {
  for (GateForm *gate : gates)
    refresh(*gate);
  int64_t streams = gates.size();
  auto first = readStream(raising, gates[0]->query.input);
  if (streams < 2 || !first ||
      !raising.dims(first->input)[2].isConstant(streams))
    return false;
  SmallVector<GateForm *> ordered(streams, nullptr);
  Operation *before = nullptr;
  for (GateForm *gate : gates) {
    auto stream = readStream(raising, gate->query.input);
    int64_t place = stream ? *stream->begin.getConstant() : -1;
    if (place < 0 || place >= streams || ordered[place] ||
        stream->input != first->input || gate->root != gates[0]->root ||
        gate->floor != gates[0]->floor ||
        gate->key.epsilon != gates[0]->key.epsilon)
      return false;
    ordered[place] = gate;
    Operation *op = gate->result.getDefiningOp();
    before = !before || before->isBeforeInBlock(op) ? op : before;
  }
  // After all keys, and before all that reads a result.
  if (!sinkUsers(gates, before))
    return false;

  int64_t width = *raising.staticDim(gates[0]->key.input, 2);
  SmallVector<Value> keyWeights, queryWeights, results, values;
  SmallVector<Operation *> matchedOps;
  for (GateForm *gate : ordered) {
    keyWeights.push_back(weightOf(before, gate->key, width));
    queryWeights.push_back(weightOf(before, gate->query, width));
    matchedOps.append(gate->matched);
  }
  Value key = joinKeys(before, ordered);
  EngramGateOp joined =
      make(before, key, first->input, gates[0]->value,
           concat(raising, before, keyWeights, 0),
           concat(raising, before, queryWeights, 0), *gates[0]->key.epsilon,
           gates[0]->root, gates[0]->floor);
  // A Concat of all results is the joined one.
  llvm::SetVector<Operation *> stacks;
  for (GateForm *gate : ordered)
    for (Operation *user : gate->result.getUsers())
      if (isa<onnx::ReshapeOp>(user))
        for (Operation *stack : user->getResult(0).getUsers())
          if (isa<onnx::ConcatOp>(stack))
            stacks.insert(stack);
  for (Operation *stack : stacks) {
    auto concat = cast<onnx::ConcatOp>(stack);
    bool isWhole =
        static_cast<int64_t>(stack->getNumOperands()) == streams &&
        raising.normalAxis(concat.getAxis(), stack->getResult(0)) == 2 &&
        raising.rank(stack->getResult(0)) == 4;
    for (int64_t i = 0; isWhole && i < streams; ++i)
      isWhole = skipReshapes(stack->getOperand(i)) == ordered[i]->result;
    if (isWhole) {
      results.push_back(stack->getResult(0));
      values.push_back(joined.getResult());
    }
  }
  for (auto [i, gate] : llvm::enumerate(ordered)) {
    Value stream = raising.slice(before, joined.getResult(), 2, i, i + 1);
    results.push_back(gate->result);
    values.push_back(dropStream(raising, before, stream));
  }
  replace(results, values, joined, "engram-gate-streams", matchedOps);
  ++raised;
  return true;
}

void GateRaiser::raiseContrib(onnx::EngramGateOp op) {
  auto fits = [&](Value value, int64_t rank) {
    return raising.rank(value) == rank &&
           isa<FloatType>(getElementTypeOrSelf(value.getType()));
  };
  if (!fits(op.getKey(), 4) || !fits(op.getQuery(), 4) ||
      !fits(op.getValue(), 3) || !fits(op.getKeyNormScale(), 2) ||
      !fits(op.getQueryNormScale(), 2) ||
      !raising.haveSameShape(op.getKey(), op.getQuery()) ||
      getElementTypeOrSelf(op.getKey().getType()) !=
          getElementTypeOrSelf(op.getQuery().getType()))
    return;
  EngramGateOp gate =
      make(op, op.getKey(), op.getQuery(), op.getValue(), op.getKeyNormScale(),
           op.getQueryNormScale(),
           static_cast<double>(op.getEpsilon().convertToFloat()),
           SignedRoot::Sign, 1e-6);
  raising.replace(op.getOutput(), gate, "engram-gate-contrib",
                  op.getOperation());
  ++raised;
}

/// stack(gates) * value as stack(gate * value): gates of streams may be joined
/// before they multiply the value that the streams share.
void GateRaiser::splitStack(onnx::ConcatOp stack) {
  Value gates = stack->getResult(0);
  if (raising.rank(gates) != 4 || stack->getNumOperands() < 2 ||
      raising.normalAxis(stack.getAxis(), gates) != 2 || !gates.hasOneUse())
    return;
  for (Value gate : stack->getOperands())
    if (!raising.dims(gate)[2].isConstant(1) ||
        !raising.dims(gate)[3].isConstant(1) ||
        !producer<onnx::SigmoidOp>(skipReshapes(gate)))
      return;
  auto product = dyn_cast<onnx::MulOp>(*gates.getUsers().begin());
  if (!product || raising.rank(product->getResult(0)) != 4)
    return;
  Value shared = product->getOperand(product->getOperand(0) == gates ? 1 : 0);
  SmallVector<SymbolicExpression> expected(raising.dims(product->getResult(0)));
  expected[2] = raising.dims(stack->getOperand(0))[2];
  if (raising.dims(shared) != ArrayRef<SymbolicExpression>(expected) ||
      !expected[3].isConstant())
    return;
  Operation *before = product;
  Value value = dropStream(raising, before, shared);
  SmallVector<Value> streams;
  for (Value gate : stack->getOperands())
    streams.push_back(
        asStream(raising, before,
                 raising.create(before, "Mul",
                                {dropStream(raising, before, gate), value})));
  product->getResult(0).replaceAllUsesWith(concat(raising, before, streams, 2));
  raising.eraseIfDead(product);
}

void GateRaiser::run() {
  for (auto op : raising.opsOf<onnx::EngramGateOp>())
    raiseContrib(op);
  for (auto op : raising.opsOf<onnx::ConcatOp>())
    splitStack(op);
  std::vector<GateForm> forms;
  for (auto op : raising.opsOf<onnx::SigmoidOp>()) {
    if (op->getBlock() != &raising.getFunction().getBody().front())
      continue;
    std::optional<GateForm> form = matcher.match(op);
    if (form) {
      forms.push_back(std::move(*form));
    } else if (matcher.failed()) {
      raising.missed(op, "a gate of Engram values", matcher.miss);
      ++missed;
    }
  }
  // Gates of single streams that share their value and their streams' tensor.
  llvm::MapVector<std::pair<Value, Value>, SmallVector<GateForm *>> groups;
  for (GateForm &form : forms) {
    std::optional<AxisSlice> stream;
    if (raising.rank(form.key.input) == 3) {
      stream = readStream(raising, form.query.input);
      if (!stream && (stream = readStream(raising, form.key.input)))
        std::swap(form.key, form.query);
    }
    if (stream)
      groups[{form.value, stream->input}].push_back(&form);
    else
      raiseOne(form);
  }
  for (auto &[key, gates] : groups)
    if (!raiseStreams(gates))
      for (GateForm *gate : gates)
        raiseOne(*gate);
}

namespace {
class RaiseEngramGate
    : public RaisingPass<
          trine::impl::TrineRaiseEngramGateBase<RaiseEngramGate>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::SigmoidOp, onnx::EngramGateOp>(function);
  }
  void raise(Raising &raising) override {
    GateRaiser raiser(raising);
    raiser.run();
    numRaised += raiser.raised;
    numMissed += raiser.missed;
  }
};
} // namespace
