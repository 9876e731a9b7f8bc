// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "EngramLanes.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

/// A chain of exclusive ors, sums and concatenations longer than this is none.
static constexpr unsigned kMaximumDepth = 512;
static constexpr int64_t kMaximumLanes = 1 << 12;

template <typename T>
static bool unifyPart(T &mine, const T &other) {
  if (!mine)
    mine = other;
  return !other || mine == other;
}

bool TokenSource::unify(const TokenSource &other) {
  return unifyPart(tokens, other.tokens) && unifyPart(history, other.history) &&
         unifyPart(pad, other.pad) && unifyPart(resetToken, other.resetToken) &&
         unifyPart(resetPad, other.resetPad);
}

bool TokenSource::operator==(const TokenSource &other) const {
  return tokens == other.tokens && history == other.history &&
         pad == other.pad && resetToken == other.resetToken &&
         resetPad == other.resetPad;
}

const Lanes *LaneEvaluator::evaluate(Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second.get();
  if (depth >= kMaximumDepth || budget <= 0)
    return nullptr;
  ++depth;
  std::unique_ptr<Lanes> lanes = compute(value);
  --depth;
  const Lanes *result = lanes.get();
  budget -= result ? result->lanes.size() : 0;
  known[value] = std::move(lanes);
  return result;
}

/// Sizes behind batch and sequence; none where one is not known.
static std::optional<SmallVector<int64_t>> laneShape(Raising &raising,
                                                     Value value) {
  if (raising.rank(value) < 2 ||
      !getElementTypeOrSelf(value.getType()).isInteger(64))
    return std::nullopt;
  SmallVector<int64_t> shape;
  int64_t count = 1;
  for (SymbolicExpression size : raising.dims(value).drop_front(2)) {
    std::optional<int64_t> number = size.getConstant();
    if (!number || *number < 1 || *number > kMaximumLanes)
      return std::nullopt;
    count *= *number;
    shape.push_back(*number);
    if (count > kMaximumLanes)
      return std::nullopt;
  }
  return shape;
}

/// The row-major place of an element of `from` that element `place` of `to`
/// reads, aligned at the end as numpy broadcasts.
static int64_t broadcastPlace(int64_t place, ArrayRef<int64_t> to,
                              ArrayRef<int64_t> from) {
  int64_t result = 0, stride = 1;
  for (size_t i = 0; i < to.size(); ++i) {
    int64_t axis = to.size() - 1 - i, index = place % to[axis];
    place /= to[axis];
    if (i >= from.size())
      continue;
    int64_t size = from[from.size() - 1 - i];
    result += (size == 1 ? 0 : index) * stride;
    stride *= size;
  }
  return result;
}

static int64_t countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::optional<TokenSource> engram::readSequence(Raising &raising, Value value,
                                                int64_t &before) {
  TokenSource source;
  if (auto concat = producer<onnx::ConcatOp>(value)) {
    if (concat.getInputs().size() != 2 ||
        raising.normalAxis(concat.getAxis(), value) != 1)
      return std::nullopt;
    Value first = concat.getInputs()[0];
    source.tokens = concat.getInputs()[1];
    if (raising.rank(first) != 2)
      return std::nullopt;
    std::optional<int64_t> size = raising.staticDim(first, 1);
    if (!size)
      return std::nullopt;
    before = *size;
    if (std::optional<int64_t> pad = constantInteger(first))
      source.pad = pad;
    else
      source.history = first;
    return source;
  }
  if (auto pad = producer<onnx::PadOp>(value)) {
    auto pads = constantIntegers(pad.getPads());
    if (!pads || pad.getMode() != "constant" ||
        raising.rank(pad.getData()) != 2)
      return std::nullopt;
    SmallVector<int64_t> axes = {0, 1};
    if (!isNone(pad.getAxes())) {
      auto given = constantIntegers(pad.getAxes());
      if (!given)
        return std::nullopt;
      axes = *given;
    }
    if (pads->size() != 2 * axes.size())
      return std::nullopt;
    before = 0;
    for (auto [i, axis] : llvm::enumerate(axes)) {
      bool isTime = raising.normalAxis(axis, value) == 1;
      if ((*pads)[i + axes.size()] < 0 || (*pads)[i] < 0 ||
          (!isTime && ((*pads)[i] != 0 || (*pads)[i + axes.size()] != 0)))
        return std::nullopt;
      before = isTime ? (*pads)[i] : before;
    }
    source.tokens = pad.getData();
    source.pad = isNone(pad.getConstantValue())
                     ? 0
                     : constantInteger(pad.getConstantValue());
    if (!source.pad)
      return std::nullopt;
    return source;
  }
  return std::nullopt;
}

std::unique_ptr<Lanes> LaneEvaluator::token(Value value) {
  if (raising.rank(value) != 2 ||
      !getElementTypeOrSelf(value.getType()).isInteger(64))
    return nullptr;
  auto lanes = std::make_unique<Lanes>();
  Lane lane;
  if (auto slice = matchSlice(raising, value); slice && slice->axis == 1) {
    int64_t before = 0;
    std::optional<TokenSource> source =
        readSequence(raising, slice->input, before);
    std::optional<int64_t> begin = slice->begin.getConstant();
    if (!source)
      return fail(value.getDefiningOp(),
                  "the tokens are not a slice of Concat(history, tokens)");
    // As many as there are tokens, from the history's end.
    if (!begin || *begin > before ||
        raising.dims(value)[1] != raising.dims(source->tokens)[1])
      return fail(value.getDefiningOp(),
                  "the slice does not lie a known number of places back");
    lane.source = *source;
    lane.terms.push_back({before - *begin, 1, false});
  } else {
    lane.source.tokens = value;
    lane.terms.push_back({0, 1, false});
  }
  lanes->lanes.push_back(lane);
  return lanes;
}

bool LaneEvaluator::readEnds(Value condition, bool negated,
                             SmallVectorImpl<int64_t> &ends,
                             std::optional<int64_t> &token,
                             llvm::DenseSet<std::pair<Value, unsigned>> &seen,
                             unsigned depth) {
  Operation *op = condition.getDefiningOp();
  if (!op || depth > 128)
    return false;
  // What was read says the same again.
  if (!seen.insert({condition, negated}).second)
    return true;
  if (isa<onnx::NotOp>(op))
    return readEnds(op->getOperand(0), !negated, ends, token, seen, depth + 1);
  if (negated ? isa<onnx::AndOp>(op) : isa<onnx::OrOp>(op))
    return readEnds(op->getOperand(0), negated, ends, token, seen, depth + 1) &&
           readEnds(op->getOperand(1), negated, ends, token, seen, depth + 1);
  if (negated || !isa<onnx::EqualOp>(op))
    return false;
  return matchEitherOrder(op, [&](Value a, Value b) {
    std::optional<int64_t> id = constantInteger(b);
    if (!id || (token && *token != *id))
      return false;
    std::unique_ptr<Lanes> lanes = this->token(a);
    if (!lanes)
      return false;
    token = id;
    ends.push_back(lanes->lanes[0].terms[0].shift);
    return true;
  });
}

std::unique_ptr<Lanes> LaneEvaluator::resetToken(onnx::WhereOp op) {
  Value condition = op.getCondition(), hidden = op.getX(), kept = op.getY();
  bool negated = false;
  std::optional<int64_t> pad = constantInteger(hidden);
  if (!pad) {
    std::swap(hidden, kept);
    pad = constantInteger(hidden);
    negated = true;
  }
  if (!pad)
    return nullptr;
  std::unique_ptr<Lanes> lanes = token(kept);
  if (!lanes)
    return nullptr;
  Lane &lane = lanes->lanes[0];
  SmallVector<int64_t> ends;
  std::optional<int64_t> id;
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  if (!readEnds(condition, negated, ends, id, seen, 0))
    return fail(op, "what hides a token is no comparison of tokens with one "
                    "number");
  // All places from the one before the newest token to this one.
  llvm::sort(ends);
  ends.erase(llvm::unique(ends), ends.end());
  int64_t shift = lane.terms[0].shift;
  if (shift < 1 || static_cast<int64_t>(ends.size()) != shift ||
      ends.front() != 1 || ends.back() != shift)
    return fail(op, "a token " + Twine(shift) +
                        " places back is hidden by others than those "
                        "between");
  lane.terms[0].resets = true;
  lane.source.resetToken = id;
  lane.source.resetPad = pad;
  return lanes;
}

/// a xor b, column by column.
std::unique_ptr<Lanes> LaneEvaluator::join(Operation *op, const Lanes &a,
                                           const Lanes &b,
                                           ArrayRef<int64_t> shape) {
  auto result = std::make_unique<Lanes>();
  result->shape.assign(shape.begin(), shape.end());
  for (int64_t i = 0, e = countOf(shape); i < e; ++i) {
    Lane lane = a.lanes[broadcastPlace(i, shape, a.shape)];
    const Lane &other = b.lanes[broadcastPlace(i, shape, b.shape)];
    if (lane.stage == Lane::Stage::Row || other.stage == Lane::Stage::Row)
      return fail(op, "a remainder is mixed again");
    if (!lane.source.unify(other.source))
      return fail(op, "its tokens come from different places");
    lane.terms.append(other.terms.begin(), other.terms.end());
    if (lane.terms.size() > 64)
      return nullptr;
    lane.stage = Lane::Stage::Mixed;
    result->lanes.push_back(std::move(lane));
  }
  return result;
}

/// Mul, Mod or Add with integers.
std::unique_ptr<Lanes> LaneEvaluator::withConstant(Operation *op,
                                                   ArrayRef<int64_t> shape) {
  Value input = op->getOperand(0), constant = op->getOperand(1);
  std::optional<SmallVector<int64_t>> numbers = constantIntegers(constant);
  if (!numbers && !isa<onnx::ModOp>(op)) {
    std::swap(input, constant);
    numbers = constantIntegers(constant);
  }
  if (!numbers || numbers->empty())
    return nullptr;
  // It may only differ from column to column.
  ArrayRef<int64_t> sizes =
      cast<RankedTensorType>(constant.getType()).getShape();
  while (sizes.size() > shape.size()) {
    if (sizes.front() != 1)
      return nullptr;
    sizes = sizes.drop_front();
  }
  std::unique_ptr<Lanes> made;
  const Lanes *lanes = nullptr;
  if (isa<onnx::MulOp>(op)) {
    // The leaf of the whole: a token that is multiplied. One that stands under
    // a Reshape is evaluated behind it.
    lanes = evaluate(input);
    if (!lanes && raising.rank(input) == 2) {
      made = token(input);
      lanes = made.get();
    }
  } else {
    lanes = evaluate(input);
  }
  if (!lanes)
    return nullptr;
  auto result = std::make_unique<Lanes>();
  result->shape.assign(shape.begin(), shape.end());
  for (int64_t i = 0, e = countOf(shape); i < e; ++i) {
    Lane lane = lanes->lanes[broadcastPlace(i, shape, lanes->shape)];
    int64_t number = (*numbers)[broadcastPlace(i, shape, sizes)];
    if (isa<onnx::MulOp>(op)) {
      if (lane.stage != Lane::Stage::Token)
        return fail(op, "a hash is multiplied");
      lane.terms[0].multiplier = number;
      lane.stage = Lane::Stage::Mixed;
    } else if (auto mod = dyn_cast<onnx::ModOp>(op)) {
      if (lane.stage != Lane::Stage::Mixed)
        return nullptr;
      if (mod.getFmod() != 0)
        return fail(op, "'fmod' is 1");
      if (number < 1)
        return fail(op, "the modulus " + Twine(number) + " is not positive");
      lane.modulus = number;
      lane.stage = Lane::Stage::Row;
    } else {
      if (lane.stage != Lane::Stage::Row)
        return fail(op, "products are added, not mixed by exclusive or");
      if (__builtin_add_overflow(lane.offset, number, &lane.offset))
        return nullptr;
    }
    result->lanes.push_back(std::move(lane));
  }
  return result;
}

std::unique_ptr<Lanes> LaneEvaluator::contrib(onnx::NGramHashMappingOp op) {
  int64_t order = op.getMaxNgramSize(), heads = op.getNHeadPerNgram();
  if (order < 2 || order > 64 || heads < 1 || heads > 1024)
    return nullptr;
  size_t columns = (order - 1) * heads;
  auto multipliers = constantIntegers(op.getMultipliers()),
       moduli = constantIntegers(op.getVocabSizes());
  std::optional<SmallVector<int64_t>> offsets = SmallVector<int64_t>();
  if (!isNone(op.getHeadOffsets()))
    offsets = constantIntegers(op.getHeadOffsets());
  else
    offsets->assign(columns, 0);
  if (!multipliers || !moduli || !offsets)
    return fail(op, "its multipliers, sizes and offsets are not constants");
  if (multipliers->size() != static_cast<size_t>(order) ||
      moduli->size() != columns || offsets->size() != columns)
    return nullptr; // the operator is at fault, and says so
  if (raising.rank(op.getInputIds()) != 2 ||
      !getElementTypeOrSelf(op.getInputIds().getType()).isInteger(64))
    return fail(op, "its ids are not 64-bit integers");
  Lane lane;
  lane.stage = Lane::Stage::Row;
  lane.source.tokens = op.getInputIds();
  // An end-of-sequence token also stands where there is no token.
  if (!isNone(op.getSegmentIds()))
    return fail(op, "segments hide older tokens");
  std::optional<int64_t> end;
  if (!isNone(op.getEosTokenId())) {
    end = constantInteger(op.getEosTokenId());
    if (!end)
      return fail(op, "its end-of-sequence token is not constant");
  }
  int64_t fill = end.value_or(op.getPadId());
  bool resets = end && op.getResetOnEos() != 0;
  if (isNone(op.getPastIds()))
    lane.source.pad = fill;
  else
    lane.source.history = op.getPastIds();
  if (resets) {
    lane.source.resetToken = end;
    lane.source.resetPad = fill;
  }
  auto result = std::make_unique<Lanes>();
  result->shape = {static_cast<int64_t>(columns)};
  for (size_t c = 0; c < columns; ++c) {
    int64_t reach = c / heads + 2;
    lane.terms.clear();
    for (int64_t s = 0; s < reach; ++s)
      lane.terms.push_back({s, (*multipliers)[s], s > 0 && resets});
    lane.modulus = (*moduli)[c];
    lane.offset = (*offsets)[c];
    if (lane.modulus < 1)
      return fail(op, "the size " + Twine(lane.modulus) +
                          " of a column is not positive");
    result->lanes.push_back(lane);
  }
  return result;
}

std::unique_ptr<Lanes> LaneEvaluator::compute(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto mapping = dyn_cast_or_null<onnx::NGramHashMappingOp>(op))
    return value == op->getResult(0) ? contrib(mapping) : nullptr;
  std::optional<SmallVector<int64_t>> shape =
      op ? laneShape(raising, value) : std::nullopt;
  if (!shape)
    return nullptr;
  if (auto where = dyn_cast<onnx::WhereOp>(op))
    return resetToken(where);
  if (isa<onnx::SliceOp>(op) && shape->empty())
    return token(value);
  if (isa<onnx::MulOp, onnx::ModOp>(op))
    return withConstant(op, *shape);
  if (isa<onnx::AddOp>(op)) {
    if (std::unique_ptr<Lanes> lanes = withConstant(op, *shape))
      return lanes;
    const Lanes *a = evaluate(op->getOperand(0)),
                *b = evaluate(op->getOperand(1));
    if (a && b && a->lanes[0].stage == Lane::Stage::Mixed &&
        b->lanes[0].stage == Lane::Stage::Mixed)
      return fail(op, "products are added, not mixed by exclusive or");
    return nullptr;
  }
  if (isa<onnx::BitwiseXorOp>(op)) {
    const Lanes *a = evaluate(op->getOperand(0)),
                *b = evaluate(op->getOperand(1));
    return a && b ? join(op, *a, *b, *shape) : nullptr;
  }
  if (isa<onnx::ReshapeOp, onnx::ExpandOp>(op)) {
    Value input = op->getOperand(0);
    // Batch and sequence stay where they are.
    if (raising.rank(input) < 2 ||
        raising.dims(input).take_front(2) != raising.dims(value).take_front(2))
      return nullptr;
    const Lanes *lanes = evaluate(input);
    std::unique_ptr<Lanes> leaf;
    if (!lanes && raising.rank(input) == 2 && !producer<onnx::ModOp>(input) &&
        !producer<onnx::AddOp>(input)) {
      leaf = token(input);
      lanes = leaf.get();
    }
    bool repeats = isa<onnx::ExpandOp>(op);
    // Sizes that only data could tell apart are taken to be equal; here they
    // are not.
    if (!lanes || (!repeats && countOf(*shape) !=
                                   static_cast<int64_t>(lanes->lanes.size())))
      return nullptr;
    auto result = std::make_unique<Lanes>();
    result->shape = *shape;
    for (int64_t i = 0, e = countOf(*shape); i < e; ++i)
      result->lanes.push_back(
          lanes->lanes[repeats ? broadcastPlace(i, *shape, lanes->shape) : i]);
    return result;
  }
  if (auto concat = dyn_cast<onnx::ConcatOp>(op)) {
    int64_t axis = raising.normalAxis(concat.getAxis(), value) - 2;
    if (axis < 0)
      return nullptr;
    SmallVector<const Lanes *> parts;
    for (Value input : concat.getInputs()) {
      const Lanes *lanes = evaluate(input);
      if (!lanes)
        return nullptr;
      parts.push_back(lanes);
    }
    auto result = std::make_unique<Lanes>();
    result->shape = *shape;
    int64_t outer = countOf(ArrayRef(*shape).take_front(axis));
    for (int64_t row = 0; row < outer; ++row)
      for (const Lanes *part : parts) {
        int64_t size = countOf(ArrayRef(part->shape).drop_front(axis));
        auto begin = part->lanes.begin() + row * size;
        result->lanes.insert(result->lanes.end(), begin, begin + size);
      }
    return result;
  }
  return nullptr;
}
