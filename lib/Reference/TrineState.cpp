// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.require, and the state ops, which work on the caller's session.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult require(OperatorCall &call) {
  if (call.operand(0).integer(0))
    return success();
  return call.fail("requirement not met: " +
                   cast<RequireOp>(call.op).getMessage());
}

/// The op that a state value comes from; null when it is none of this function.
static StateOpenOp openOf(Value state) {
  while (Operation *op = state.getDefiningOp()) {
    if (auto open = dyn_cast<StateOpenOp>(op))
      return open;
    if (op->getNumOperands() == 0 ||
        !isa<StateType>(op->getOperand(0).getType()))
      return nullptr;
    state = op->getOperand(0);
  }
  return nullptr;
}

/// Sets a slot of a replaced state to what it has before the first step.
static void setInitial(StateOpenOp open, Tensor &values, int64_t slot) {
  auto initial = open->getAttrOfType<IntegerAttr>("trine.initial");
  int64_t number = initial ? initial.getInt() : 0;
  int64_t count =
      values.getNumElements() / std::max<int64_t>(values.getDim(0), 1);
  for (int64_t i = slot * count; i < (slot + 1) * count; ++i)
    if (isFloat(values.getElementType()))
      values.setReal(i, static_cast<double>(number));
    else
      values.setInteger(i, number);
}

/// The session's state of an op, made when it is not there.
static FailureOr<StateValue *> findState(OperatorCall &call) {
  auto open = isa<StateOpenOp>(call.op) ? cast<StateOpenOp>(call.op)
                                        : openOf(call.op->getOperand(0));
  // No test: what gives a state otherwise cannot be run.
  if (!open)
    return call.fail("needs a state that this function opens");
  Session *session = call.options.session;
  if (!session)
    return call.fail("needs a session");
  auto type = cast<StateType>(open.getResult().getType());
  llvm::SmallVector<int64_t> shape(type.getTensor().getShape());
  if (session->slots < 0)
    return call.fail("a session must have 0 slots or more, got " +
                     llvm::Twine(session->slots));
  shape[0] = session->slots;
  if (type.getAxis() > 0)
    shape[type.getAxis()] = 0;
  std::optional<ElementType> element = elementTypeOf(type.getTensor());
  if (!element || llvm::is_contained(shape, ShapedType::kDynamic))
    return call.fail("needs a state of one size but for slots and entries");
  auto found = session->states.find(open.getName().str());
  if (found != session->states.end()) {
    StateValue &state = found->second;
    if (type.getAxis() > 0 && state.values.getRank() == int64_t(shape.size()))
      shape[type.getAxis()] = state.values.getDim(type.getAxis());
    if (state.values.getElementType() != *element ||
        static_cast<int64_t>(state.lengths.size()) != session->slots ||
        failed(call.requireShape(state.values, shape, "the session's state")))
      return call.fail("finds a state of another type in the session");
    return &state;
  }
  FailureOr<Tensor> values = call.allocate(*element, shape);
  if (failed(values))
    return failure();
  for (int64_t slot = 0; slot < session->slots; ++slot)
    setInitial(open, *values, slot);
  StateValue &state = session->states[open.getName().str()];
  state.values = std::move(*values);
  state.lengths.assign(session->slots, 0);
  return &state;
}

static LogicalResult open(OperatorCall &call) {
  return success(succeeded(findState(call)));
}

static int64_t axisOf(OperatorCall &call) {
  return cast<StateType>(call.op->getOperand(0).getType()).getAxis();
}

static LogicalResult read(OperatorCall &call) {
  FailureOr<StateValue *> state = findState(call);
  if (failed(state))
    return failure();
  call.setResult(0, (*state)->values);
  call.setResult(
      1, Tensor::fromIntegers(ElementType::I64,
                              {static_cast<int64_t>((*state)->lengths.size())},
                              (*state)->lengths));
  return success();
}

/// Copies entries [0, counts[b]) of slot sources[b] of `from`, along `axis`, to
/// slot b of `to`, from entry places[b] on.
static void copyEntries(const Tensor &from, Tensor &to, int64_t axis,
                        llvm::ArrayRef<int64_t> sources,
                        llvm::ArrayRef<int64_t> counts,
                        llvm::ArrayRef<int64_t> places) {
  int64_t outer = 1, inner = 1;
  for (int64_t i = 1; i < from.getRank(); ++i)
    if (i != axis)
      (i < axis ? outer : inner) *= from.getDim(i);
  for (int64_t slot = 0; slot < static_cast<int64_t>(counts.size()); ++slot)
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t entry = 0; entry < counts[slot]; ++entry)
        for (int64_t i = 0; i < inner; ++i)
          to.copyElement(
              ((slot * outer + o) * to.getDim(axis) + places[slot] + entry) *
                      inner +
                  i,
              from,
              ((sources[slot] * outer + o) * from.getDim(axis) + entry) *
                      inner +
                  i);
}

/// Gives slot b the entries of slot sources[b] of `from`, as far as
/// `lengths[b]` goes.
static LogicalResult rebuild(OperatorCall &call, StateValue &state,
                             llvm::ArrayRef<int64_t> sources,
                             std::vector<int64_t> lengths, int64_t most) {
  int64_t axis = axisOf(call);
  llvm::SmallVector<int64_t> shape(state.values.getShape());
  shape[axis] = most;
  FailureOr<Tensor> values =
      call.allocate(state.values.getElementType(), shape);
  if (failed(values))
    return failure();
  copyEntries(state.values, *values, axis, sources, lengths,
              llvm::SmallVector<int64_t>(lengths.size(), 0));
  state.values = std::move(*values);
  state.lengths = std::move(lengths);
  return success();
}

static llvm::SmallVector<int64_t> allSlots(const StateValue &state) {
  return llvm::to_vector(
      llvm::seq<int64_t>(0, static_cast<int64_t>(state.lengths.size())));
}

static int64_t mostOf(llvm::ArrayRef<int64_t> lengths) {
  int64_t most = 0;
  for (int64_t length : lengths)
    most = std::max(most, length);
  return most;
}

/// Operand `i`: one integer in [0, limit] for each slot.
static FailureOr<llvm::SmallVector<int64_t>>
perSlot(OperatorCall &call, const StateValue &state, unsigned i,
        llvm::StringRef name, int64_t limit) {
  llvm::SmallVector<int64_t> values = call.operand(i).integers();
  if (values.size() != state.lengths.size())
    return call.fail("'" + name + "' must have " +
                     llvm::Twine(state.lengths.size()) + " elements, got " +
                     llvm::Twine(values.size()));
  for (int64_t value : values)
    if (value < 0 || value > limit)
      return call.fail("'" + name + "' must be in [0, " + llvm::Twine(limit) +
                       "], got " + llvm::Twine(value));
  return values;
}

static LogicalResult append(OperatorCall &call) {
  FailureOr<StateValue *> found = findState(call);
  if (failed(found))
    return failure();
  StateValue &state = **found;
  const Tensor &values = call.operand(1);
  int64_t axis = axisOf(call);
  llvm::SmallVector<int64_t> shape(state.values.getShape());
  if (axis > 0 && values.getRank() == state.values.getRank())
    shape[axis] = values.getDim(axis);
  if (failed(call.requireShape(values, shape, "'values'")))
    return failure();
  if (axis == 0) {
    state.values = values;
    return success();
  }
  llvm::SmallVector<int64_t> counts(state.lengths.size(), shape[axis]);
  if (call.optional(2)) {
    FailureOr<llvm::SmallVector<int64_t>> given =
        perSlot(call, state, 2, "counts", shape[axis]);
    if (failed(given))
      return failure();
    counts = *given;
  }
  std::vector<int64_t> before = state.lengths, after = before;
  for (auto [length, count] : llvm::zip_equal(after, counts))
    length += count;
  if (failed(rebuild(call, state, allSlots(state), before, mostOf(after))))
    return failure();
  copyEntries(values, state.values, axis, allSlots(state), counts, before);
  state.lengths = std::move(after);
  return success();
}

static LogicalResult truncate(OperatorCall &call) {
  FailureOr<StateValue *> state = findState(call);
  if (failed(state))
    return failure();
  FailureOr<llvm::SmallVector<int64_t>> wanted =
      perSlot(call, **state, 1, "new_lengths", INT64_MAX);
  if (failed(wanted))
    return failure();
  if (axisOf(call) == 0)
    return call.fail("cannot go back: the state keeps its last value alone");
  std::vector<int64_t> lengths = (*state)->lengths;
  for (auto [length, most] : llvm::zip_equal(lengths, *wanted))
    length = std::min(length, most);
  return rebuild(call, **state, allSlots(**state), lengths, mostOf(lengths));
}

static LogicalResult fork(OperatorCall &call) {
  FailureOr<StateValue *> found = findState(call);
  if (failed(found))
    return failure();
  StateValue &state = **found;
  FailureOr<llvm::SmallVector<int64_t>> sources =
      perSlot(call, state, 1, "sources",
              static_cast<int64_t>(state.lengths.size()) - 1);
  if (failed(sources))
    return failure();
  std::vector<int64_t> lengths;
  for (int64_t source : *sources)
    lengths.push_back(state.lengths[source]);
  if (axisOf(call) > 0)
    return rebuild(call, state, *sources, lengths, mostOf(lengths));
  Tensor before = state.values;
  int64_t count =
      before.getNumElements() / std::max<int64_t>(before.getDim(0), 1);
  for (auto [slot, source] : llvm::enumerate(*sources))
    for (int64_t i = 0; i < count; ++i)
      state.values.copyElement(slot * count + i, before, source * count + i);
  return success();
}

static LogicalResult reset(OperatorCall &call) {
  FailureOr<StateValue *> found = findState(call);
  if (failed(found))
    return failure();
  StateValue &state = **found;
  std::vector<int64_t> lengths = state.lengths;
  for (int64_t slot : call.operand(1).integers()) {
    if (slot < 0 || slot >= static_cast<int64_t>(lengths.size()))
      return call.fail("'slots' must be in [0, " + llvm::Twine(lengths.size()) +
                       "), got " + llvm::Twine(slot));
    lengths[slot] = 0;
    if (axisOf(call) == 0)
      setInitial(openOf(call.op->getOperand(0)), state.values, slot);
  }
  if (axisOf(call) == 0)
    return success();
  return rebuild(call, state, allSlots(state), lengths, mostOf(lengths));
}

void reference::addTrineStateRules(OperatorTable &table) {
  table["trine.require"] = require;
  table["trine.state.open"] = open;
  table["trine.state.append"] = append;
  table["trine.state.read"] = read;
  table["trine.state.truncate"] = truncate;
  table["trine.state.fork"] = fork;
  table["trine.state.reset"] = reset;
}
