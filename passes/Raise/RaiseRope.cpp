// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-rope: rotary position embeddings become trine.rope.
#include "MatchRope.h"

#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEROPE
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
class RaiseRope
    : public RaisingPass<trine::impl::TrineRaiseRopeBase<RaiseRope>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::ConcatOp, onnx::RotaryEmbeddingOp,
                    onnx::MicrosoftRotaryEmbeddingOp>(function);
  }

  void raise(Raising &raising) override {
    for (onnx::ConcatOp concat : raising.opsOf<onnx::ConcatOp>())
      splitJoin(concat, raising);
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
  /// Joins of joins are one: of more than two values, neighbours that are sums
  /// of products may be a rotated pair. They become a join of their own.
  static void splitJoin(onnx::ConcatOp concat, Raising &raising) {
    auto isSum = [](Value value) {
      Operation *op = value.getDefiningOp();
      return isa_and_nonnull<onnx::AddOp, onnx::SubOp>(op) &&
             llvm::all_of(op->getOperands(), [](Value term) {
               return producer<onnx::MulOp>(term) ||
                      producer<onnx::NegOp>(term);
             });
    };
    SmallVector<Value> values(concat.getInputs());
    for (size_t i = 0; values.size() > 2 && i + 1 < values.size(); ++i) {
      if (!isSum(values[i]) || !isSum(values[i + 1]) ||
          !raising.haveSameShape(values[i], values[i + 1]))
        continue;
      int64_t axis = raising.normalAxis(concat.getAxis(), concat.getResult());
      values[i] = raising.concat(concat, {values[i], values[i + 1]}, axis);
      values.erase(values.begin() + i + 1);
      Value all = raising.concat(concat, values, axis);
      concat.getResult().replaceAllUsesWith(all);
      raising.eraseIfDead(concat);
      return;
    }
  }

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
      // No test: the operators' own rules say so before.
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
        // No test: the operators' own rules say so before.
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
