// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-engram-gate: sigmoids of normalised products, times a value,
// become trine.engram.gate.
#include "RaiseEngram.h"

#include "trine/Passes/Raise.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEENGRAMGATE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

namespace {

/// One of the two tensors whose product opens the gate.
struct Side {
  Value input; ///< [B, S, D] or [B, S, M, D]
  std::optional<double> epsilon;
  SmallVector<Value, 2> weights;
};

struct GateForm {
  Side key, query;
  Value value;  ///< [B, S, D]
  Value result; ///< like the sides' inputs
  SignedRoot root = SignedRoot::None;
  double floor = 0;
  SmallVector<Operation *> matched;
};

class GateRaiser {
public:
  explicit GateRaiser(Raising &raising) : raising(raising) {}
  void run();

  unsigned raised = 0, missed = 0;

private:
  bool fail(Operation *node, const Twine &reason) {
    if (miss.reason.empty())
      miss = {node, reason.str()};
    return false;
  }
  std::optional<GateForm> match(onnx::SigmoidOp op);
  Value readRoot(Value value, GateForm &form);
  std::optional<double> readFloor(Value value, Value &input, GateForm &form);
  bool readProduct(Value value, GateForm &form);
  bool readScalars(Value value, bool divides, unsigned depth);
  bool readVectors(Value value, unsigned depth);
  bool readResult(onnx::SigmoidOp op, GateForm &form);
  bool isWeight(Value value);
  /// Whether `value` is made from the same rows as the gate's value.
  static Value rootOf(Value value);

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
  NearMiss miss;
  /// What stands now for a value that was replaced.
  llvm::DenseMap<Value, Value> replaced;
  // Of the product that is being read.
  Value dot;
  double factor = 1;
  SmallVector<MeanSquare> norms;
  SmallVector<Value> weights;
  SmallVector<Side, 2> sides;
  SmallVector<Operation *> *matched = nullptr;
};

} // namespace

//===----------------------------------------------------------------------===//
// The root
//===----------------------------------------------------------------------===//

/// sqrt(max(|input|, floor)).
std::optional<double> GateRaiser::readFloor(Value value, Value &input,
                                            GateForm &form) {
  auto root = producer<onnx::SqrtOp>(value);
  if (!root)
    return std::nullopt;
  Operation *limit = root->getOperand(0).getDefiningOp();
  std::optional<double> floor;
  Value size;
  if (auto clip = dyn_cast_or_null<onnx::ClipOp>(limit)) {
    if (!isNone(clip.getMax()) || isNone(clip.getMin()))
      return std::nullopt;
    floor = constantNumber(clip.getMin());
    size = clip.getInput();
  } else if (isa_and_nonnull<onnx::MaxOp>(limit)) {
    if (auto parts = splitNumber(limit)) {
      floor = parts->number;
      size = parts->other;
    }
  }
  auto absolute = producer<onnx::AbsOp>(size);
  if (!absolute || !floor || *floor < 0)
    return std::nullopt;
  input = absolute->getOperand(0);
  form.matched.append({root, limit, absolute});
  return floor;
}

Value GateRaiser::readRoot(Value value, GateForm &form) {
  Operation *op = value.getDefiningOp();
  Value input;
  if (isa_and_nonnull<onnx::MulOp>(op)) {
    bool isRoot = matchEitherOrder(op, [&](Value a, Value b) {
      auto sign = producer<onnx::SignOp>(a);
      if (!sign)
        return false;
      auto floor = readFloor(b, input, form);
      if (!floor || input != sign->getOperand(0)) {
        form.matched.clear();
        return false;
      }
      form.matched.append({op, sign});
      form.root = SignedRoot::Sign;
      form.floor = *floor;
      return true;
    });
    return isRoot ? input : value;
  }
  if (auto where = dyn_cast_or_null<onnx::WhereOp>(op)) {
    Value below = where.getX(), above = where.getY();
    Operation *condition = where.getCondition().getDefiningOp();
    if (isa_and_nonnull<onnx::GreaterOrEqualOp>(condition))
      std::swap(below, above);
    else if (!isa_and_nonnull<onnx::LessOp>(condition))
      return value;
    auto negation = producer<onnx::NegOp>(below);
    if (!negation || negation->getOperand(0) != above ||
        !isConstantNumber(condition->getOperand(1), 0))
      return value;
    auto floor = readFloor(above, input, form);
    if (!floor || input != condition->getOperand(0)) {
      form.matched.clear();
      return value;
    }
    form.matched.append({op, condition, negation});
    form.root = SignedRoot::CopySign;
    form.floor = *floor;
    return input;
  }
  return value;
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// Numbers for each row: 1 / sqrt(D), the norms, and the sum over D.
bool GateRaiser::readScalars(Value value, bool divides, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 16)
    return false;
  if (std::optional<double> number = constantNumber(value)) {
    factor = divides ? factor / *number : factor * *number;
    return true;
  }
  if (isa<onnx::MulOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1) &&
           readScalars(op->getOperand(1), divides, depth + 1);
  }
  if (isa<onnx::ReshapeOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1);
  }
  // Both 1 / sqrt(x), and a factor divided by sqrt(x).
  if (isa<onnx::DivOp>(op)) {
    matched->push_back(op);
    return readScalars(op->getOperand(0), divides, depth + 1) &&
           readScalars(op->getOperand(1), !divides, depth + 1);
  }
  if (isa<onnx::SqrtOp>(op) && divides) {
    auto norm = matchMeanSquare(raising, op->getOperand(0));
    if (!norm)
      return false;
    matched->push_back(op);
    matched->append(norm->nodes.begin(), norm->nodes.end());
    norms.push_back(*norm);
    return true;
  }
  if (isa<onnx::ReduceSumOp>(op) && !divides && !dot) {
    auto axes = reducedAxes(raising, op);
    Value input = op->getOperand(0);
    if (!axes || axes->size() != 1)
      return false;
    if ((*axes)[0] + 1 != raising.rank(input))
      return fail(op, "the product is not summed over the last dimension");
    matched->push_back(op);
    dot = input;
    return true;
  }
  return false;
}

bool GateRaiser::isWeight(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return false;
  if (isa<onnx::InitializerOp, onnx::ConstantOp>(op))
    return true;
  return isa<onnx::ReshapeOp, onnx::MulOp, onnx::TransposeOp, onnx::SliceOp,
             onnx::ConcatOp>(op) &&
         op->getNumOperands() <= 2 &&
         llvm::all_of(op->getOperands(), [](Value operand) {
           return isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
               operand.getDefiningOp());
         });
}

/// Factors of the sum's elements: the sides, their weights and norms.
bool GateRaiser::readVectors(Value value, unsigned depth) {
  if (depth > 16)
    return false;
  value = skipWideningCasts(value);
  Operation *op = value.getDefiningOp();
  if (auto norm = dyn_cast_or_null<RMSNormOp>(op)) {
    Type elementType = getElementTypeOrSelf(value.getType());
    if (elementType != norm.getComputeType())
      return fail(norm, "a norm rounds to a shorter type");
    Side side;
    side.input = norm.getInput();
    side.epsilon = norm.getEpsilon().convertToDouble();
    if (norm.getWeight())
      side.weights.push_back(norm.getWeight());
    sides.push_back(side);
    matched->push_back(norm);
    return true;
  }
  if (isWeight(value)) {
    weights.push_back(value);
    return true;
  }
  if (isa_and_nonnull<onnx::MulOp>(op)) {
    matched->push_back(op);
    return readVectors(op->getOperand(0), depth + 1) &&
           readVectors(op->getOperand(1), depth + 1);
  }
  // x / sqrt(mean(x²) + epsilon), where no weight follows.
  if (auto division = dyn_cast_or_null<onnx::DivOp>(op)) {
    auto root = producer<onnx::SqrtOp>(division->getOperand(1));
    auto norm =
        root ? matchMeanSquare(raising, root->getOperand(0)) : std::nullopt;
    if (norm) {
      matched->append({op, root});
      matched->append(norm->nodes.begin(), norm->nodes.end());
      norms.push_back(*norm);
      return isConstantNumber(division->getOperand(0), 1) ||
             readVectors(division->getOperand(0), depth + 1);
    }
  }
  sides.push_back({value, std::nullopt, {}});
  return true;
}

Value GateRaiser::rootOf(Value value) {
  for (unsigned steps = 0; steps < 8; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<onnx::AddOp, onnx::ReshapeOp, onnx::SliceOp,
                         onnx::MatMulOp, onnx::GemmOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

bool GateRaiser::readProduct(Value value, GateForm &form) {
  dot = {};
  factor = 1;
  norms.clear();
  weights.clear();
  sides.clear();
  matched = &form.matched;
  if (!readScalars(value, false, 0) || !dot || !readVectors(dot, 0))
    return false;
  if (sides.size() != 2)
    return fail(dot.getDefiningOp(),
                "the product has " + Twine(sides.size()) + " sides, not two");
  if (sides[0].input == sides[1].input)
    return fail(dot.getDefiningOp(), "both sides are one value");
  // Streams that are still one value (an embedding) are repeated for the norm
  // alone: the product broadcasts them.
  for (Side &side : sides)
    for (const MeanSquare &norm : norms)
      if (auto expand = producer<onnx::ExpandOp>(skipWideningCasts(norm.input));
          expand && expand.getInput() == skipWideningCasts(side.input))
        side.input = expand.getResult();
  int64_t rank = raising.rank(sides[0].input);
  if ((rank != 3 && rank != 4) ||
      !raising.haveSameShape(sides[0].input, sides[1].input))
    return false;
  std::optional<int64_t> width = raising.staticDim(sides[0].input, rank - 1);
  if (!width || *width < 1)
    return false;
  for (const MeanSquare &norm : norms) {
    Value input = skipReshapes(skipWideningCasts(norm.input));
    Side *side = nullptr;
    for (Side &candidate : sides)
      if (skipReshapes(skipWideningCasts(candidate.input)) == input)
        side = &candidate;
    if (!side)
      return fail(norm.nodes.back(), "a norm is that of another value");
    if (side->epsilon)
      return fail(norm.nodes.back(), "a side is divided by its norm twice");
    side->epsilon = norm.epsilon;
  }
  for (Side &side : sides)
    if (!side.epsilon)
      return fail(dot.getDefiningOp(), "a side of the product is no norm");
  if (sides[0].epsilon != sides[1].epsilon)
    return fail(dot.getDefiningOp(), "its norms have the epsilons " +
                                         describe(*sides[0].epsilon) + " and " +
                                         describe(*sides[1].epsilon));
  double expected = 1 / std::sqrt(static_cast<double>(*width));
  if (!(std::abs(factor - expected) <= 1e-6 * expected))
    return fail(dot.getDefiningOp(),
                "the product is scaled by " + describe(factor) +
                    ", not by 1 / sqrt(" + Twine(*width) + ")");
  // Weights that belong to both sides count for one of them.
  int64_t streams =
      rank == 4 ? raising.staticDim(sides[0].input, 2).value_or(0) : 1;
  for (Value weight : weights) {
    ArrayRef<SymbolicExpression> dims = raising.dims(weight);
    int64_t elements = 1;
    for (SymbolicExpression size : dims)
      elements *= size.getConstant().value_or(0);
    if (dims.empty() || !dims.back().isConstant(*width) ||
        (elements != *width && elements != streams * *width))
      return fail(weight.getDefiningOp(), "a weight has another size");
  }
  sides[0].weights.append(weights);
  form.key = sides[0];
  form.query = sides[1];
  return true;
}

//===----------------------------------------------------------------------===//
// The result
//===----------------------------------------------------------------------===//

bool GateRaiser::readResult(onnx::SigmoidOp op, GateForm &form) {
  Value gate = op->getResult(0);
  form.matched.push_back(op);
  Operation *user = nullptr;
  // [B, S, M] becomes [B, S, M, 1] somewhere.
  for (unsigned steps = 0; steps < 3; ++steps) {
    if (!gate.hasOneUse())
      return fail(op, "the gate is used more than once");
    user = *gate.getUsers().begin();
    form.matched.push_back(user);
    if (!isa<onnx::ReshapeOp>(user))
      break;
    gate = user->getResult(0);
  }
  if (!isa<onnx::MulOp>(user))
    return fail(user, "the gate does not multiply a value");
  Value value = user->getOperand(user->getOperand(0) == gate ? 1 : 0);
  form.result = user->getResult(0);
  if (!raising.haveSameShape(form.result, form.key.input))
    return fail(user, "the value has other sizes than the product's sides");
  if (!getElementTypeOrSelf(value.getType()).isF32() &&
      !getElementTypeOrSelf(value.getType()).isF64())
    return fail(user, "the value is of a shorter type");
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  SmallVector<SymbolicExpression> expected(raising.dims(form.result));
  if (expected.size() == 4) {
    if (dims.size() != 4 || !dims[2].isConstant(1))
      return fail(user, "the value is not shared by the streams");
    expected.erase(expected.begin() + 2);
    auto reshape = producer<onnx::ReshapeOp>(value);
    if (reshape && raising.dims(reshape->getOperand(0)) ==
                       ArrayRef<SymbolicExpression>(expected))
      value = reshape->getOperand(0);
    form.value = value;
    return true;
  }
  form.value = value;
  return dims == ArrayRef<SymbolicExpression>(expected);
}

std::optional<GateForm> GateRaiser::match(onnx::SigmoidOp op) {
  miss = {};
  GateForm form;
  Value product = readRoot(op->getOperand(0), form);
  bool isSpecific = form.root != SignedRoot::None;
  if (!readProduct(product, form) || !readResult(op, form)) {
    // A sigmoid of some quotient is nothing special.
    if (!isSpecific)
      miss = {};
    else
      fail(op, "what is rooted is no product of two norms");
    return std::nullopt;
  }
  // Which side is which does not matter for the numbers.
  Value rows = rootOf(form.value);
  if (rootOf(form.key.input) != rows && rootOf(form.query.input) == rows)
    std::swap(form.key, form.query);
  SmallVector<Operation *> inner(form.matched);
  if (Operation *user = raising.findOutsideUse(inner, form.result)) {
    fail(user, "a part of it is used elsewhere");
    return std::nullopt;
  }
  return form;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

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
        isWeight(add->getOperand(1))) {
      biases.push_back(add->getOperand(1));
      key = add->getOperand(0);
    }
    auto product = producer<onnx::MatMulOp>(key);
    if (!product || !key.hasOneUse() ||
        (rows && rows != product->getOperand(0)) ||
        raising.rank(product->getOperand(1)) != 2 ||
        !isWeight(product->getOperand(1)))
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

void GateRaiser::run() {
  for (auto op : raising.opsOf<onnx::EngramGateOp>())
    raiseContrib(op);
  std::vector<GateForm> forms;
  for (auto op : raising.opsOf<onnx::SigmoidOp>()) {
    if (op->getBlock() != &raising.getFunction().getBody().front())
      continue;
    std::optional<GateForm> form = match(op);
    if (form) {
      forms.push_back(std::move(*form));
    } else if (!miss.reason.empty()) {
      raising.missed(op, "a gate of Engram values", miss);
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
    : public trine::impl::TrineRaiseEngramGateBase<RaiseEngramGate> {
public:
  void runOnOperation() override {
    if (!contains<onnx::SigmoidOp, onnx::EngramGateOp>(getOperation()))
      return markAllAnalysesPreserved();
    Raising raising(getOperation(), getArgument(), getAnalysis<RaisingState>());
    if (!raising.isValid())
      return signalPassFailure();
    markAnalysesPreserved<RaisingState>();
    GateRaiser raiser(raising);
    raiser.run();
    numRaised += raiser.raised;
    numMissed += raiser.missed;
  }
};
} // namespace
