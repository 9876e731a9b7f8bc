// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-rope: rotary position embeddings become trine.rope.
#include "RotaryPairs.h"

#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEROPE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
/// A signed product x * y.
struct Product {
  Value x, y;
  bool isNegative = false;
};

/// A rotary embedding as the graph has it.
struct Rope {
  RotaryPairs pairs;
  Value cos, sin;
  bool isInverse = false; ///< the sine is negative
  RopeLayout layout = RopeLayout::InPlace;
  /// The sizes that the op works on: [..., 2 * half].
  SmallVector<SymbolicExpression> sizes;
  Value result;
  StringRef form;
  SmallVector<Operation *> matched;
};

/// Matches what ends in one Concat of two values.
class RopeMatcher {
public:
  RopeMatcher(Raising &raising, RotaryTables &tables, onnx::ConcatOp concat)
      : raising(raising), tables(tables), concat(concat) {}

  /// a * cos - b * sin joined with b * cos + a * sin.
  std::optional<Rope> matchRotatedParts();
  /// x * cos + Concat(-b, a) * sin.
  std::optional<Rope> matchRotatedHalf();
  /// The node is set when it looked like one.
  NearMiss miss;

private:
  std::nullopt_t fail(Operation *node, const Twine &reason) {
    miss = {node, reason.str()};
    return std::nullopt;
  }
  std::optional<Product> matchProduct(Value value);
  bool matchSum(Value value, Product (&products)[2]);
  bool matchJoin(int64_t &half, bool &isStacked);
  bool fitTable(Value &table, ArrayRef<SymbolicExpression> part);
  std::optional<Rope> finish();

  Raising &raising;
  RotaryTables &tables;
  onnx::ConcatOp concat;
  Rope rope;
};
} // namespace

/// x where `value` is -x; null for others.
static Value matchNegation(Value value) {
  if (auto negation = producer<onnx::NegOp>(value))
    return negation.getX();
  if (auto multiply = producer<onnx::MulOp>(value))
    if (std::optional<NumberOperand> parts = splitNumber(multiply);
        parts && parts->number == -1)
      return parts->other;
  return {};
}

std::optional<Product> RopeMatcher::matchProduct(Value value) {
  Product product;
  while (auto negation = producer<onnx::NegOp>(value)) {
    rope.matched.push_back(negation);
    product.isNegative = !product.isNegative;
    value = negation.getX();
  }
  auto multiply = producer<onnx::MulOp>(value);
  if (!multiply)
    return std::nullopt;
  rope.matched.push_back(multiply);
  product.x = multiply.getA();
  product.y = multiply.getB();
  for (Value *factor : {&product.x, &product.y})
    if (Value positive = matchNegation(*factor)) {
      product.isNegative = !product.isNegative;
      *factor = positive;
    }
  return product;
}

/// value = products[0] + products[1], signs included.
bool RopeMatcher::matchSum(Value value, Product (&products)[2]) {
  Operation *sum = value.getDefiningOp();
  if (!isa_and_nonnull<onnx::AddOp, onnx::SubOp>(sum))
    return false;
  rope.matched.push_back(sum);
  for (unsigned i : {0, 1}) {
    std::optional<Product> product = matchProduct(sum->getOperand(i));
    if (!product)
      return false;
    products[i] = *product;
  }
  if (isa<onnx::SubOp>(sum))
    products[1].isNegative = !products[1].isNegative;
  return true;
}

/// Whether the Concat joins two parts of pairs: one after the other along the
/// last dimension, or stacked so that they become neighbours.
bool RopeMatcher::matchJoin(int64_t &half, bool &isStacked) {
  if (concat.getInputs().size() != 2)
    return false;
  Value part = concat.getInputs().front();
  int64_t rank = raising.rank(part);
  if (rank < 1 || !raising.haveSameShape(part, concat.getInputs().back()))
    return false;
  int64_t axis = raising.normalAxis(concat.getAxis(), part);
  std::optional<int64_t> size = raising.staticDim(part, axis);
  if (!size)
    return false;
  std::optional<int64_t> other;
  isStacked = false;
  if (axis == rank - 1 && *size == 1 && rank > 1) {
    isStacked = true;
    other = raising.staticDim(part, rank - 2);
  } else if (axis == rank - 1) {
    other = size;
  } else if (axis == rank - 2 && *size == 1) {
    other = raising.staticDim(part, rank - 1);
  }
  if (!other || *other < 1)
    return false;
  half = *other;
  ArrayRef<SymbolicExpression> sizes = raising.dims(part);
  bool isFlat = axis == rank - 1 && !isStacked;
  rope.sizes.assign(sizes.begin(), sizes.end() - (isFlat ? 1 : 2));
  rope.sizes.push_back(sizes[0].getContext().getConstant(2 * half));
  return true;
}

/// A table that is multiplied with a part of sizes `part` as one for the op:
/// [..., half].
bool RopeMatcher::fitTable(Value &table, ArrayRef<SymbolicExpression> part) {
  SmallVector<SymbolicExpression> wanted(rope.sizes);
  wanted.back() = wanted.back().getContext().getConstant(rope.pairs.half);
  if (part == ArrayRef<SymbolicExpression>(wanted))
    return raising.rank(table) >= 1 &&
           raising.dims(table).back() == wanted.back();
  wanted.push_back(wanted.back().getContext().getConstant(1));
  if (part != ArrayRef<SymbolicExpression>(wanted) || raising.rank(table) < 2)
    return false;
  ArrayRef<SymbolicExpression> sizes = raising.dims(table);
  if (!sizes.back().isConstant(1) ||
      !sizes[sizes.size() - 2].isConstant(rope.pairs.half))
    return false;
  table = raising.reshape(concat, table, sizes.drop_back());
  return static_cast<bool>(table);
}

std::optional<Rope> RopeMatcher::finish() {
  for (Value *table : {&rope.cos, &rope.sin})
    if (!*table)
      return fail(concat, "a table has no halves that are seen to be equal");
  if (rope.cos.getType() != rope.sin.getType())
    return fail(concat, "cosine and sine have other types");
  if (Operation *user = raising.findOutsideUse(rope.matched, rope.result))
    return fail(user, "an inner value is used outside");
  return rope;
}

std::optional<Rope> RopeMatcher::matchRotatedParts() {
  int64_t half;
  bool isStacked;
  if (!matchJoin(half, isStacked))
    return std::nullopt;
  rope.matched.push_back(concat);
  Value parts[2];
  for (unsigned i : {0, 1}) {
    parts[i] = concat.getInputs()[i];
    Value inner = raising.skipUnitReshapes(parts[i]);
    for (Value value = parts[i]; value != inner;
         value = value.getDefiningOp()->getOperand(0))
      rope.matched.push_back(value.getDefiningOp());
    parts[i] = inner;
  }
  Product real[2], imaginary[2];
  if (!matchSum(parts[0], real) || !matchSum(parts[1], imaginary))
    return std::nullopt;
  // Which factors are the pair and which the tables: only the pair's come out
  // of one value.
  Value a, b, c, s;
  bool cosIsNegative = false, sinIsNegative = false;
  for (unsigned choice = 0; choice < 8 && !a; ++choice) {
    const Product &first = real[choice & 1], &second = real[!(choice & 1)];
    Value x = choice & 2 ? first.y : first.x,
          c0 = choice & 2 ? first.x : first.y;
    Value y = choice & 4 ? second.y : second.x,
          s0 = choice & 4 ? second.x : second.y;
    std::optional<RotaryPairs> pairs = matchRotaryPairs(x, y, half, raising);
    if (!pairs)
      continue;
    rope.pairs = *pairs;
    a = x, b = y, c = c0, s = s0;
    cosIsNegative = first.isNegative;
    sinIsNegative = second.isNegative;
  }
  if (!a)
    return std::nullopt;
  // From here on it looks like a rotation.
  auto isProduct = [](const Product &p, Value x, Value y) {
    return (p.x == x && p.y == y) || (p.x == y && p.y == x);
  };
  unsigned withCos = isProduct(imaginary[0], b, c) ? 0 : 1;
  const Product &bc = imaginary[withCos], &as = imaginary[!withCos];
  if (!isProduct(bc, b, c) || !isProduct(as, a, s))
    return fail(parts[1].getDefiningOp(),
                "the second half does not mix the same values and tables");
  if (cosIsNegative || bc.isNegative || sinIsNegative == as.isNegative)
    return fail(parts[1].getDefiningOp(),
                "the signs are not those of a rotation");
  rope.isInverse = !sinIsNegative;
  if (!raising.haveSameShape(a, b) || !raising.haveSameShape(a, parts[0]) ||
      !raising.haveSameShape(a, parts[1]))
    return fail(concat, "the parts have other sizes than the rotated values");
  rope.cos = c;
  rope.sin = s;
  SmallVector<SymbolicExpression> part(raising.dims(a));
  if (!fitTable(rope.cos, part) || !fitTable(rope.sin, part))
    return fail(concat, "the tables do not lie along the last dimension");
  if (isStacked && rope.pairs.pairing == RopePairing::Half && half > 1)
    return fail(concat, "halves are written as neighbours");
  rope.layout = isStacked || rope.pairs.pairing == RopePairing::Half
                    ? RopeLayout::InPlace
                    : RopeLayout::Permuted;
  rope.form = rope.pairs.isView ? (isStacked ? "rope-complex" : "rope-view")
              : rope.pairs.pairing == RopePairing::Half ? "rope-half-parts"
              : isStacked                               ? "rope-interleaved"
                                                        : "rope-strided";
  rope.result = concat.getResult();
  return finish();
}

std::optional<Rope> RopeMatcher::matchRotatedHalf() {
  int64_t half;
  bool isStacked;
  if (!matchJoin(half, isStacked))
    return std::nullopt;
  rope.matched.push_back(concat);
  // -b and a, or b and -a for the other way round.
  Value parts[2] = {raising.skipUnitReshapes(concat.getInputs()[0]),
                    raising.skipUnitReshapes(concat.getInputs()[1])};
  Value negated = matchNegation(parts[0]);
  bool isInverse = !negated;
  if (isInverse)
    negated = matchNegation(parts[1]);
  if (!negated)
    return std::nullopt;
  Value a = isInverse ? negated : parts[1], b = isInverse ? parts[0] : negated;
  std::optional<RotaryPairs> pairs = matchRotaryPairs(a, b, half, raising);
  if (!pairs)
    return std::nullopt;
  rope.pairs = *pairs;
  Value turned = concat.getResult();
  auto onlyUser = [](Value value) -> Operation * {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  };
  while (auto reshape = dyn_cast_or_null<onnx::ReshapeOp>(onlyUser(turned))) {
    rope.matched.push_back(reshape);
    turned = reshape;
  }
  auto withSin = dyn_cast_or_null<onnx::MulOp>(onlyUser(turned));
  Operation *sum = withSin ? onlyUser(withSin.getC()) : nullptr;
  if (!isa_and_nonnull<onnx::AddOp, onnx::SubOp>(sum))
    return fail(concat, "the turned value is not multiplied and added once");
  rope.matched.append({withSin, sum});
  bool isMinuend = sum->getOperand(0) == withSin.getC();
  auto withCos = producer<onnx::MulOp>(sum->getOperand(isMinuend ? 1 : 0));
  if (!withCos || (isa<onnx::SubOp>(sum) && isMinuend))
    return fail(sum, "the turned value is not added to a product");
  rope.matched.push_back(withCos);
  rope.isInverse = isInverse != isa<onnx::SubOp>(sum);
  Value sin = withSin.getA() == turned ? withSin.getB() : withSin.getA();
  // The value itself, whole: what the pairs were cut from.
  auto isWhole = [&](Value value) {
    value = raising.skipUnitReshapes(value);
    if (value == raising.skipUnitReshapes(pairs->cut) && pairs->begin == 0)
      return raising.dims(value).back().isConstant(2 * half) ||
             (pairs->isView && pairs->pairing == RopePairing::Interleaved &&
              pairs->cut == pairs->source);
    if (pairs->isView && pairs->cut == pairs->source)
      // [..., m, 2] under the sizes [..., 2m].
      return producer<onnx::ReshapeOp>(pairs->cut) &&
             producer<onnx::ReshapeOp>(pairs->cut).getData() == value;
    std::optional<NumberSlice> slice = matchNumberSlice(value, raising);
    return slice && slice->data == pairs->cut && slice->step == 1 &&
           slice->axis == raising.rank(pairs->cut) - 1 &&
           slice->begin == pairs->begin &&
           slice->end == pairs->begin + 2 * half;
  };
  Value x = withCos.getA(), cos = withCos.getB();
  if (!isWhole(x))
    std::swap(x, cos);
  if (!isWhole(x))
    return fail(withCos, "the cosine does not multiply the turned value");
  rope.result = sum->getResult(0);
  if (!raising.haveSameShape(x, rope.result) ||
      !raising.dims(x).back().isConstant(2 * half))
    return fail(sum, "the result has other sizes than the rotated value");
  rope.sizes = llvm::to_vector(raising.dims(x));
  // Evens and odds that were moved apart stay there.
  bool isMoved = pairs->cut != pairs->source;
  if (!isMoved && isStacked != (pairs->pairing == RopePairing::Interleaved) &&
      half > 1)
    return fail(concat, "pairs are not written where they were read");
  rope.cos = tables.halfOf(cos, isStacked);
  rope.sin = tables.halfOf(sin, isStacked);
  rope.layout = isMoved ? RopeLayout::Permuted : RopeLayout::InPlace;
  rope.form = isMoved     ? "rope-rotate-half-moved"
              : isStacked ? "rope-rotate-pairs"
                          : "rope-rotate-half";
  return finish();
}

namespace {
class RaiseRope
    : public RaisingPass<trine::impl::TrineRaiseRopeBase<RaiseRope>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::ConcatOp, onnx::RotaryEmbeddingOp,
                    onnx::MicrosoftRotaryEmbeddingOp>(function);
  }

  void raise(Raising &raising) override {
    SmallVector<Operation *> anchors;
    raising.getFunction().walk([&](Operation *op) {
      if (isa<onnx::ConcatOp, onnx::RotaryEmbeddingOp,
              onnx::MicrosoftRotaryEmbeddingOp>(op))
        anchors.push_back(op);
    });
    RotaryTables tables(raising);
    for (Operation *anchor : anchors) {
      if (!Raising::isLinked(anchor))
        continue;
      auto concat = dyn_cast<onnx::ConcatOp>(anchor);
      if (!concat) {
        raiseOperator(anchor, raising);
        continue;
      }
      RopeMatcher parts(raising, tables, concat), half(raising, tables, concat);
      std::optional<Rope> rope = parts.matchRotatedParts();
      if (!rope && !parts.miss.node)
        rope = half.matchRotatedHalf();
      const NearMiss &miss = parts.miss.node ? parts.miss : half.miss;
      if (rope)
        raise(*rope, raising);
      else if (miss.node)
        report(anchor, miss, raising);
    }
  }

private:
  void report(Operation *anchor, const NearMiss &miss, Raising &raising) {
    ++numMissed;
    raising.missed(anchor, "rope", miss);
  }

  Value make(Operation *before, Value input, Value cos, Value sin,
             RopePairing pairing, RopeLayout layout, Raising &raising) {
    ImplicitLocOpBuilder builder = raising.builderBefore(before);
    auto op = RopeOp::create(builder, input.getType(), input, cos, sin,
                             RopePairingAttr::get(&getContext(), pairing),
                             RopeLayoutAttr::get(&getContext(), layout),
                             builder.getI64IntegerAttr(0));
    if (failed(raising.visit(op))) {
      signalPassFailure();
      return {};
    }
    return op;
  }

  /// The rotated elements alone, under the sizes that the op works on.
  static Value makeInput(const Rope &rope, Operation *before,
                         Raising &raising) {
    const RotaryPairs &pairs = rope.pairs;
    Value input = pairs.source;
    if (!pairs.isView) {
      int64_t last = raising.rank(input) - 1,
              end = pairs.begin + 2 * pairs.half;
      if (pairs.begin != 0 || raising.staticDim(input, last) != end)
        input = raising.slice(before, input, last, pairs.begin, end);
    }
    return raising.reshape(before, input, rope.sizes);
  }

  void raise(const Rope &rope, Raising &raising) {
    // Where a Concat is only looked at under other sizes, these are the
    // results.
    SmallVector<Value> results, values;
    Operation *last = rope.result.getDefiningOp();
    auto fail = [&](StringRef reason) {
      report(last, {last, reason.str()}, raising);
    };
    ArrayRef<SymbolicExpression> sizes(rope.sizes);
    bool isFlat = raising.dims(rope.result) == sizes;
    Value input = makeInput(rope, last, raising);
    if (!input || raising.dims(input) != sizes)
      return fail("the rotated value has other sizes than the result");
    Value sin = rope.sin;
    if (rope.isInverse)
      sin = raising.create(last, "Neg", sin);
    // What is left of a prefix passes.
    if (isFlat)
      if (Operation *whole = matchPrefix(rope, input, raising)) {
        input = producer<onnx::SliceOp>(input).getData();
        results.push_back(whole->getResult(0));
        last = whole;
      }
    bool isPrefix = !results.empty();
    Value turned = make(last, input, rope.cos, sin, rope.pairs.pairing,
                        rope.layout, raising);
    if (!turned)
      return;
    Operation *op = turned.getDefiningOp();
    SmallVector<Operation *> matched(rope.matched);
    if (isPrefix) {
      matched.push_back(last);
      values.push_back(turned);
    } else if (isFlat) {
      results.push_back(rope.result);
      values.push_back(turned);
    } else {
      for (Operation *user : rope.result.getUsers()) {
        bool isView = isa<onnx::ReshapeOp>(user);
        Value target = isView ? user->getResult(0) : rope.result;
        if (llvm::is_contained(results, target))
          continue;
        Value view =
            raising.reshape(isView ? user : last, turned, raising.dims(target));
        if (!view) {
          op->erase();
          // No test: a Reshape made them.
          return fail("the result's sizes cannot be made");
        }
        if (isView)
          matched.push_back(user);
        results.push_back(target);
        values.push_back(view);
      }
    }
    raising.replace(results, values, op, rope.form, matched);
    ++numRaised;
  }

  /// The Concat that joins a rotated prefix with the rest of the same value;
  /// null for others.
  static Operation *matchPrefix(const Rope &rope, Value input,
                                Raising &raising) {
    std::optional<NumberSlice> prefix = matchNumberSlice(input, raising);
    if (!prefix || !rope.result.hasOneUse() || prefix->step != 1 ||
        prefix->begin != 0 || prefix->axis != raising.rank(prefix->data) - 1)
      return nullptr;
    auto join = dyn_cast<onnx::ConcatOp>(*rope.result.user_begin());
    if (!join || join.getInputs().size() != 2 ||
        join.getInputs().front() != rope.result ||
        !raising.haveSameShape(join, prefix->data) ||
        raising.normalAxis(join.getAxis(), join) != prefix->axis)
      return nullptr;
    std::optional<NumberSlice> rest =
        matchNumberSlice(join.getInputs().back(), raising);
    if (!rest || rest->data != prefix->data || rest->axis != prefix->axis ||
        rest->step != 1 || rest->begin != prefix->end)
      return nullptr;
    return join;
  }

  /// The positions [1, S] of tokens from one offset [1] on; S is a size of
  /// `input`.
  static Value countFrom(Operation *before, Value offset, Value input,
                         int64_t dimension, Raising &raising) {
    Builder b(raising.getContext());
    Value length = raising.create(
        before, "Shape", input,
        {b.getNamedAttr("start", b.getI64IntegerAttr(dimension)),
         b.getNamedAttr("end", b.getI64IntegerAttr(dimension + 1))});
    auto scalar = [&](int64_t value) {
      return raising.reshape(before, raising.integers(before, value),
                             ArrayRef<int64_t>());
    };
    Value tokens = raising.create(
        before, "Range",
        {scalar(0), raising.reshape(before, length, ArrayRef<int64_t>()),
         scalar(1)});
    return raising.reshape(
        before, raising.create(before, "Add", {tokens, offset}), {1, -1});
  }

  /// ai.onnx and com.microsoft RotaryEmbedding.
  void raiseOperator(Operation *anchor, Raising &raising) {
    auto fail = [&](const Twine &reason) {
      report(anchor, {anchor, reason.str()}, raising);
    };
    Value input = anchor->getOperand(0), result = anchor->getResult(0), cos,
          sin, positions;
    int64_t heads = 0, rotated = 0;
    bool isInterleaved = false;
    StringRef form;
    if (auto op = dyn_cast<onnx::RotaryEmbeddingOp>(anchor)) {
      cos = op.getCosCache();
      sin = op.getSinCache();
      if (!isa<NoneType>(op.getPositionIds().getType()))
        positions = op.getPositionIds();
      heads = op.getNumHeads().value_or(0);
      rotated = op.getRotaryEmbeddingDim();
      isInterleaved = op.getInterleaved() != 0;
      form = "rope-onnx";
    } else {
      auto contrib = cast<onnx::MicrosoftRotaryEmbeddingOp>(anchor);
      cos = contrib.getCosCache();
      sin = contrib.getSinCache();
      positions = contrib.getPositionIds();
      heads = contrib.getNumHeads();
      rotated = contrib.getRotaryEmbeddingDim();
      isInterleaved = contrib.getInterleaved() != 0;
      form = "rope-microsoft";
      if (contrib.getIsPackedBatching() ||
          contrib.getScale().convertToDouble() != 1)
        return fail("'is_packed_batching' is not 0 or 'scale' not 1");
      if (!raising.getShapes().hasShape(positions) ||
          (raising.rank(positions) != 2 &&
           (raising.rank(positions) != 1 ||
            !raising.dims(positions)[0].isConstant(1))))
        return fail("'position_ids' has no position per token");
    }
    if (!raising.getShapes().hasShape(result) || raising.rank(input) < 3 ||
        raising.rank(input) > 4 || !raising.getShapes().hasShape(cos) ||
        raising.rank(cos) < 2)
      return fail("the shape of an operand is unknown");
    bool isFlat = raising.rank(input) == 3;
    std::optional<int64_t> width = raising.staticDim(input,
                                                     raising.rank(input) - 1),
                           half = raising.staticDim(cos, raising.rank(cos) - 1);
    if (!width || !half)
      return fail("the size of a head is no number");
    if (rotated == 0 && isFlat && heads == 0 && *half > 0 &&
        *width % (2 * *half) == 0)
      heads = *width / (2 * *half);
    if (isFlat && (heads < 1 || *width % heads != 0))
      return fail("the heads do not divide the last dimension");
    int64_t size = isFlat ? *width / heads : *width;
    if (rotated == 0)
      rotated = size;
    if (rotated != 2 * *half || rotated > size)
      return fail("the tables do not have half of the rotated elements");
    SmallVector<SymbolicExpression> sizes(raising.dims(input));
    SymbolicContext &context = raising.getShapes().getContext();
    if (isFlat) {
      sizes.back() = context.getConstant(heads);
      sizes.push_back(context.getConstant(size));
    }
    Value turned = raising.reshape(anchor, input, sizes);
    Builder builder(&getContext());
    if (positions && raising.rank(positions) == 1)
      positions = countFrom(anchor, positions, input, isFlat ? 1 : 2, raising);
    for (Value *table : {&cos, &sin}) {
      if (positions)
        *table = raising.create(
            anchor, "Gather", {*table, positions},
            builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)));
      // [batch, sequence, half], with the heads where the input has them.
      if (raising.rank(*table) != 3)
        return fail("the tables have no row per token");
      SmallVector<SymbolicExpression> with(raising.dims(*table));
      with.insert(with.begin() + (isFlat ? 2 : 1), context.getConstant(1));
      *table = raising.reshape(anchor, *table, with);
      if (!*table)
        // No test: at most one is not a number, or they come from arguments.
        return fail("the tables' sizes cannot be made");
    }
    if (turned)
      turned =
          make(anchor, turned, cos, sin,
               isInterleaved ? RopePairing::Interleaved : RopePairing::Half,
               RopeLayout::InPlace, raising);
    if (!turned)
      // No test: they are those of the input and numbers.
      return fail("the sizes of the rotated value cannot be made");
    Operation *op = turned.getDefiningOp();
    Value value = raising.reshape(anchor, turned, raising.dims(result));
    if (!value)
      // No test: they are those of the input.
      return fail("the sizes of the result cannot be made");
    raising.replace(result, value, op, form, anchor);
    ++numRaised;
  }
};
} // namespace
