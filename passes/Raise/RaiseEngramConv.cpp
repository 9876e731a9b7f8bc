// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-engram-conv: causal depthwise convolutions become
// trine.engram.conv.
#include "RaiseEngram.h"

#include "trine/Passes/Raise.h"
#include <map>

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEENGRAMCONV
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

namespace {

/// What one Conv reads and writes.
struct ConvForm {
  /// Rows [B, S, C] (or [B, C, S] with `channelsFirst`), and those before them;
  /// no state means zeros.
  Value input, state;
  bool channelsFirst = false;
  /// The concatenation of both, where there is one.
  Value sequence;
  int64_t taps = 0, dilation = 1;
  /// What the op replaces, as [B, S, C] or [B, C, S].
  Value result;
  bool resultChannelsFirst = true;
  SmallVector<Operation *> matched;

  int64_t before() const { return (taps - 1) * dilation; }
};

class ConvRaiser : public Attempt {
public:
  explicit ConvRaiser(Raising &raising) : raising(raising) {}
  /// Null with an empty reason: nothing like it.
  bool raise(onnx::ConvOp op);
  /// The same from the concatenation of state and rows, where taps are shifted
  /// slices.
  bool raise(onnx::ConcatOp op);

private:
  bool readWindow(onnx::ConvOp op, ConvForm &form, int64_t &padBefore,
                  int64_t &padAfter);
  bool readInput(onnx::ConvOp op, ConvForm &form, int64_t padBefore);
  bool readResult(onnx::ConvOp op, ConvForm &form, int64_t padAfter);
  void build(onnx::ConvOp op, ConvForm &form);
  /// Slices of the sequence that are the next state.
  SmallVector<Value> findPresents(const ConvForm &form);
  bool readTaps(onnx::ConcatOp op, ConvForm &form,
                SmallVectorImpl<Value> &weights);
  Value timeFirst(Operation *before, Value value);
  Value zeros(Operation *before, Value input, int64_t rows);
  static bool swapsLast(Operation *op) {
    auto transpose = dyn_cast_or_null<onnx::TransposeOp>(op);
    return transpose && transpose.getPerm() &&
           *transpose.getPerm() == ArrayRef<int64_t>{0, 2, 1};
  }

  Raising &raising;
};

} // namespace

bool ConvRaiser::readWindow(onnx::ConvOp op, ConvForm &form, int64_t &padBefore,
                            int64_t &padAfter) {
  ArrayRef<SymbolicExpression> weight = raising.dims(op.getW());
  if (raising.rank(op.getX()) != 3 || weight.size() != 3)
    return false;
  std::optional<int64_t> channels = weight[0].getConstant(),
                         taps = weight[2].getConstant();
  if (!channels || !taps || *taps < 1 || !weight[1].isConstant(1) ||
      static_cast<int64_t>(op.getGroup()) != *channels ||
      raising.dims(op.getX())[1] != weight[0] || *channels < 2)
    return false;
  form.taps = *taps;
  if (op.getDilations() && !op.getDilations()->empty())
    form.dilation = (*op.getDilations())[0];
  if (form.dilation < 1 || form.dilation > (int64_t(1) << 20) ||
      form.taps > (int64_t(1) << 20))
    return false;
  if (op.getStrides() && !op.getStrides()->empty() &&
      (*op.getStrides())[0] != 1)
    return false;
  StringRef autoPad = op.getAutoPad();
  if (autoPad != "NOTSET" && autoPad != "VALID" && !autoPad.empty())
    return false;
  padBefore = padAfter = 0;
  if (op.getPads() && op.getPads()->size() == 2 && autoPad != "VALID") {
    padBefore = (*op.getPads())[0];
    padAfter = (*op.getPads())[1];
  }
  return true;
}

bool ConvRaiser::readInput(onnx::ConvOp op, ConvForm &form, int64_t padBefore) {
  Value value = op.getX();
  form.channelsFirst = true;
  if (swapsLast(value.getDefiningOp())) {
    form.matched.push_back(value.getDefiningOp());
    value = value.getDefiningOp()->getOperand(0);
    form.channelsFirst = false;
  }
  int64_t time = form.channelsFirst ? 2 : 1;
  if (padBefore != 0) {
    if (padBefore != form.before())
      return fail(op, "it has " + Twine(padBefore) +
                          " zeros before the first row, but " +
                          Twine(form.taps) + " taps and dilation " +
                          Twine(form.dilation) + " need " +
                          Twine(form.before()));
    form.input = value;
    return true;
  }
  form.sequence = value;
  if (auto pad = producer<onnx::PadOp>(value)) {
    auto pads = constantIntegers(pad.getPads());
    bool isZero = isNone(pad.getConstantValue()) ||
                  isConstantNumber(pad.getConstantValue(), 0);
    if (!pads || pad.getMode() != "constant" || !isZero ||
        !isNone(pad.getAxes()) || pads->size() != 6)
      return false;
    for (auto [i, count] : llvm::enumerate(*pads))
      if (count != (static_cast<int64_t>(i) == time ? form.before() : 0))
        return fail(pad, "padding does not put " + Twine(form.before()) +
                             " zero rows before the first");
    form.matched.push_back(pad);
    form.input = pad.getData();
    return true;
  }
  auto concat = producer<onnx::ConcatOp>(value);
  if (!concat || concat.getInputs().size() != 2 ||
      raising.normalAxis(concat.getAxis(), value) != time)
    return false;
  form.state = concat.getInputs()[0];
  form.input = concat.getInputs()[1];
  std::optional<int64_t> rows = raising.staticDim(form.state, time);
  if (rows != form.before())
    return fail(concat,
                "the state has " + raising.dims(form.state)[time].str() +
                    " rows, but " + Twine(form.taps) + " taps and dilation " +
                    Twine(form.dilation) + " need " + Twine(form.before()));
  form.matched.push_back(concat);
  return true;
}

bool ConvRaiser::readResult(onnx::ConvOp op, ConvForm &form, int64_t padAfter) {
  form.result = op.getY();
  form.matched.push_back(op);
  SymbolicExpression length =
      raising.dims(form.input)[form.channelsFirst ? 2 : 1];
  auto onlyUser = [](Value value) -> Operation * {
    return value.hasOneUse() ? *value.getUsers().begin() : nullptr;
  };
  auto transposed = [&] {
    Operation *user = onlyUser(form.result);
    if (!form.resultChannelsFirst || !swapsLast(user))
      return;
    form.matched.push_back(user);
    form.result = user->getResult(0);
    form.resultChannelsFirst = false;
  };
  transposed();
  if (padAfter != 0) {
    // Padding on both sides, cut to the length again.
    Operation *user = onlyUser(form.result);
    auto slice = user && user->getNumResults() == 1
                     ? matchSlice(raising, user->getResult(0))
                     : std::nullopt;
    int64_t time = form.resultChannelsFirst ? 2 : 1;
    if (!slice || slice->axis != time || !slice->begin.isConstant(0))
      return fail(op, "it reads rows after its own");
    form.matched.push_back(user);
    form.result = user->getResult(0);
    transposed();
  }
  if (raising.dims(form.result)[form.resultChannelsFirst ? 2 : 1] != length)
    return fail(op, "the result has other rows than the input");
  return true;
}

Value ConvRaiser::timeFirst(Operation *before, Value value) {
  if (swapsLast(value.getDefiningOp()))
    return value.getDefiningOp()->getOperand(0);
  return raising.transpose(before, value, {0, 2, 1});
}

Value ConvRaiser::zeros(Operation *before, Value input, int64_t rows) {
  Builder builder(raising.getContext());
  int64_t channels = *raising.staticDim(input, 2);
  Type elementType = getElementTypeOrSelf(input.getType());
  Value batch = raising.create(
      before, "Shape", input,
      {builder.getNamedAttr("start", builder.getI64IntegerAttr(0)),
       builder.getNamedAttr("end", builder.getI64IntegerAttr(1))});
  Value sizes = raising.create(
      before, "Concat", {batch, raising.integers(before, {rows, channels})},
      builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)));
  return raising.create(before, "Expand",
                        {filled(raising, before, {}, elementType, 0), sizes});
}

SmallVector<Value> ConvRaiser::findPresents(const ConvForm &form) {
  SmallVector<Value> presents;
  int64_t time = form.channelsFirst ? 2 : 1;
  if (form.sequence)
    for (Operation *user : form.sequence.getUsers()) {
      auto slice = user->getNumResults() == 1
                       ? matchSlice(raising, user->getResult(0))
                       : std::nullopt;
      if (slice && slice->axis == time &&
          raising.dims(user->getResult(0))[time].isConstant(form.before()) &&
          slice->begin == raising.dims(form.sequence)[time] - form.before())
        presents.push_back(user->getResult(0));
    }
  return presents;
}

/// Σ_i weight_i · sequence[i · dilation : i · dilation + S].
bool ConvRaiser::readTaps(onnx::ConcatOp op, ConvForm &form,
                          SmallVectorImpl<Value> &weights) {
  form.sequence = op.getConcatResult();
  Type elementType = getElementTypeOrSelf(form.sequence.getType());
  // Shorter types round every product.
  if (op.getInputs().size() != 2 || raising.rank(form.sequence) != 3 ||
      raising.normalAxis(op.getAxis(), form.sequence) != 1 ||
      !(elementType.isF32() || elementType.isF64()))
    return false;
  form.state = op.getInputs()[0];
  form.input = op.getInputs()[1];
  std::optional<int64_t> rows = raising.staticDim(form.state, 1),
                         channels = raising.staticDim(form.input, 2);
  if (!rows || *rows < 1 || !channels)
    return false;
  // From any shifted slice up through products and sums.
  Value sum;
  for (Operation *user : form.sequence.getUsers()) {
    auto slice = user->getNumResults() == 1
                     ? matchSlice(raising, user->getResult(0))
                     : std::nullopt;
    if (!slice || slice->axis != 1 || !slice->begin.isConstant(0) ||
        !raising.haveSameShape(user->getResult(0), form.input) ||
        !user->getResult(0).hasOneUse())
      continue;
    Operation *product = *user->getResult(0).getUsers().begin();
    if (!isa<onnx::MulOp>(product))
      continue;
    sum = product->getResult(0);
    while (sum.hasOneUse() && isa<onnx::AddOp>(*sum.getUsers().begin()))
      sum = (*sum.getUsers().begin())->getResult(0);
    break;
  }
  if (!sum || !producer<onnx::AddOp>(sum))
    return false;
  // The terms by where they begin.
  std::map<int64_t, Value> taps;
  SmallVector<Value> worklist{sum};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *term = value.getDefiningOp();
    if (!term)
      return fail(op, "a term is no weighted row of the state and input");
    form.matched.push_back(term);
    if (isa<onnx::AddOp>(term)) {
      llvm::append_range(worklist, term->getOperands());
      if (worklist.size() > 64)
        return false;
      continue;
    }
    bool isTap =
        isa<onnx::MulOp>(term) && matchEitherOrder(term, [&](Value a, Value b) {
          if (raising.rank(b) < 1 ||
              !raising.dims(b).back().isConstant(*channels) ||
              llvm::any_of(
                  raising.dims(b).drop_back(),
                  [](SymbolicExpression size) { return !size.isConstant(1); }))
            return false;
          int64_t begin = *rows;
          if (a != form.input) {
            auto slice = matchSlice(raising, a);
            std::optional<int64_t> at =
                slice ? slice->begin.getConstant() : std::nullopt;
            if (!slice || slice->input != form.sequence || slice->axis != 1 ||
                !at || !raising.haveSameShape(a, form.input))
              return false;
            begin = *at;
            form.matched.push_back(a.getDefiningOp());
          }
          return taps.try_emplace(begin, b).second;
        });
    if (!isTap) {
      // Something else is added after the taps: those below are the sum.
      return fail(term, "a term is no weighted row of the state and input");
    }
  }
  form.taps = taps.size();
  if (form.taps < 2 || *rows % (form.taps - 1) != 0)
    return fail(op, "its taps do not reach over the state");
  form.dilation = *rows / (form.taps - 1);
  int64_t expected = 0;
  for (auto &[begin, weight] : taps) {
    if (begin != expected)
      return fail(op, "its taps are not equally far from each other");
    expected += form.dilation;
    weights.push_back(weight);
  }
  form.channelsFirst = form.resultChannelsFirst = false;
  form.result = sum;
  return true;
}

bool ConvRaiser::raise(onnx::ConcatOp op) {
  miss = {};
  ConvForm form;
  SmallVector<Value> weights;
  if (!readTaps(op, form, weights))
    return false;
  SmallVector<Value> presents = findPresents(form);
  for (Operation *user : form.sequence.getUsers())
    if (!llvm::is_contained(form.matched, user) &&
        (user->getNumResults() != 1 ||
         !llvm::is_contained(presents, user->getResult(0))))
      return fail(user, "the state and the rows are used together elsewhere");
  if (Operation *user = raising.findOutsideUse(form.matched, form.result))
    return fail(user, "a part of it is used elsewhere");
  // At the sum, unless the next state is read before.
  Operation *before = form.result.getDefiningOp();
  for (Value present : presents)
    if (present.getDefiningOp()->isBeforeInBlock(before))
      before = present.getDefiningOp();
  int64_t channels = *raising.staticDim(form.input, 2);
  for (Value &weight : weights) {
    if (!hoistWeight(weight, before))
      return fail(op, "a weight is computed");
    weight = raising.reshape(before, weight, {channels, 1});
  }
  Value weight = concat(raising, before, weights, 1);
  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  Type elementType = getElementTypeOrSelf(form.input.getType());
  auto conv = EngramConvOp::create(
      builder, typeOf(raising.dims(form.input), elementType),
      typeOf(raising.dims(form.state), elementType), form.input, form.state,
      weight, form.dilation);
  (void)raising.visit(conv);
  SmallVector<Value> results = {form.result}, values = {conv.getResult()};
  for (Value present : presents) {
    results.push_back(present);
    values.push_back(conv.getPresent());
  }
  raising.replace(results, values, conv, "engram-conv-slices", form.matched);
  return true;
}

void ConvRaiser::build(onnx::ConvOp op, ConvForm &form) {
  Value input = form.input, state = form.state;
  SmallVector<Value> results, values;
  SmallVector<Value> presents = findPresents(form);
  // Before all that reads the next state. Weights stand anywhere.
  Operation *before = op;
  for (Value present : presents)
    if (present.getDefiningOp()->isBeforeInBlock(before))
      before = present.getDefiningOp();
  (void)hoistWeight(op.getW(), before);
  if (form.channelsFirst) {
    input = timeFirst(before, input);
    if (state)
      state = timeFirst(before, state);
  }
  if (!state)
    state = zeros(before, input, form.before());
  Value weight = raising.reshape(before, op.getW(),
                                 {*raising.staticDim(input, 2), form.taps});
  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  Type elementType = getElementTypeOrSelf(input.getType());
  auto conv =
      EngramConvOp::create(builder, typeOf(raising.dims(input), elementType),
                           typeOf(raising.dims(state), elementType), input,
                           state, weight, form.dilation);
  (void)raising.visit(conv);
  Value result = conv.getResult();
  Operation *end = form.result.getDefiningOp();
  if (!isNone(op.getB()))
    result = raising.create(end, "Add", {result, op.getB()});
  if (form.resultChannelsFirst)
    result = raising.transpose(end, result, {0, 2, 1});
  results.push_back(form.result);
  values.push_back(result);
  for (Value present : presents) {
    Value rows = conv.getPresent();
    if (form.channelsFirst)
      rows = raising.transpose(present.getDefiningOp(), rows, {0, 2, 1});
    results.push_back(present);
    values.push_back(rows);
  }
  raising.replace(results, values, conv,
                  form.state ? "engram-conv" : "engram-conv-zeros",
                  form.matched);
}

bool ConvRaiser::raise(onnx::ConvOp op) {
  miss = {};
  ConvForm form;
  int64_t padBefore, padAfter;
  if (!readWindow(op, form, padBefore, padAfter) ||
      !readInput(op, form, padBefore) || !readResult(op, form, padAfter))
    return false;
  SmallVector<Value> results = {form.result};
  // The concatenation also gives the next state.
  if (form.sequence)
    for (Operation *user : form.sequence.getUsers()) {
      if (llvm::is_contained(form.matched, user))
        continue;
      auto slice = user->getNumResults() == 1
                       ? matchSlice(raising, user->getResult(0))
                       : std::nullopt;
      int64_t time = form.channelsFirst ? 2 : 1;
      if (!slice || slice->axis != time ||
          !raising.dims(user->getResult(0))[time].isConstant(form.before()) ||
          slice->begin != raising.dims(form.sequence)[time] - form.before())
        return fail(user, "the state and the rows are used together elsewhere");
    }
  SmallVector<Operation *> inner;
  for (Operation *matched : form.matched)
    if (!form.sequence || matched != form.sequence.getDefiningOp())
      inner.push_back(matched);
  if (Operation *user = raising.findOutsideUse(inner, results))
    return fail(user, "a part of it is used elsewhere");
  // It may have to be moved.
  if (Operation *weight = op.getW().getDefiningOp();
      weight && !hoistWeight(op.getW(), op))
    return fail(weight, "the weight is computed");
  build(op, form);
  return true;
}

namespace {
class RaiseEngramConv
    : public RaisingPass<
          trine::impl::TrineRaiseEngramConvBase<RaiseEngramConv>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::ConvOp, onnx::ConcatOp>(function);
  }
  void raise(Raising &raising) override {
    ConvRaiser raiser(raising);
    auto raiseAll = [&](auto ops) {
      for (auto op : ops) {
        if (!raising.isLinked(op) || op->getBlock() != &getOperation().front())
          continue;
        if (raiser.raise(op)) {
          ++numRaised;
        } else if (!raiser.miss.reason.empty()) {
          raising.missed(op, "a causal depthwise convolution", raiser.miss);
          ++numMissed;
        }
      }
    };
    raiseAll(raising.opsOf<onnx::ConcatOp>());
    raiseAll(raising.opsOf<onnx::ConvOp>());
  }
};
} // namespace
