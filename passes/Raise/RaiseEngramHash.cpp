// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-engram-hash: remainders of exclusive ors of products of tokens
// become one trine.engram.hash.
#include "EngramLanes.h"

#include "mlir/IR/Remarks.h"
#include "trine/Passes/Raise.h"
#include "trine/Support/EngramConstants.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEENGRAMHASH
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

namespace {

/// A tensor of rows, complete or not.
struct Root {
  Value value;
  const Lanes *lanes;
};

/// What all columns of one hash agree on.
struct HashForm {
  TokenSource source;
  int64_t heads = 0;
  SmallVector<int64_t> multipliers, moduli, offsets;
  /// For each root the column of each of its lanes.
  SmallVector<SmallVector<int64_t>> places;

  int64_t order() const { return multipliers.size(); }
  int64_t columns() const { return moduli.size(); }
};

class HashRaiser {
public:
  HashRaiser(Raising &raising) : raising(raising), evaluator(raising) {}
  void run();

  unsigned raised = 0, missed = 0;

private:
  void miss(Operation *anchor, const NearMiss &reason) {
    raising.missed(anchor, "an n-gram hash", reason);
    ++missed;
  }
  /// The widest tensor of rows that holds `value`; null after a near miss.
  Value climb(Value value);
  bool raise(ArrayRef<Root> roots);
  std::optional<HashForm> readForm(ArrayRef<Root> roots, NearMiss &miss);
  bool readLane(const Lane &lane, HashForm &form, Operation *at,
                NearMiss &miss);
  SmallVector<Operation *> matchedOps(ArrayRef<Root> roots);
  void build(ArrayRef<Root> roots, const HashForm &form,
             ArrayRef<Operation *> matched);
  Value takeColumns(Operation *before, Value rows, ArrayRef<int64_t> columns,
                    int64_t count, Value like);

  /// What stands now for a value that was replaced.
  Value current(Value value) const {
    auto found = replaced.find(value);
    return found == replaced.end() ? value : found->second;
  }

  Raising &raising;
  LaneEvaluator evaluator;
  llvm::DenseMap<Value, Value> replaced;
};

} // namespace

Value HashRaiser::climb(Value value) {
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    if (!isa<onnx::AddOp, onnx::ReshapeOp, onnx::ExpandOp, onnx::ConcatOp>(
            user))
      break;
    const Lanes *lanes = evaluator.evaluate(user->getResult(0));
    NearMiss reason = evaluator.takeMiss();
    if (!lanes && isa<onnx::ConcatOp>(user)) {
      // Some columns are hashes, others are not.
      if (!reason.reason.empty())
        miss(user, reason);
      return {};
    }
    if (!lanes)
      break;
    value = user->getResult(0);
  }
  return value;
}

bool HashRaiser::readLane(const Lane &lane, HashForm &form, Operation *at,
                          NearMiss &miss) {
  auto fail = [&](const Twine &reason) {
    miss = {at, reason.str()};
    return false;
  };
  if (lane.stage != Lane::Stage::Row)
    return fail("a column has no modulus");
  if (lane.order() < 2)
    return fail("a column reads one token only");
  if (lane.offset < 0)
    return fail("the offset " + Twine(lane.offset) + " is negative");
  if (!form.source.unify(lane.source))
    return fail("its columns read different tokens or histories");
  for (const Lane::Term &term : lane.terms)
    if (term.shift >= lane.order())
      return fail("a column reads a token " + Twine(term.shift) +
                  " places back, but " + Twine(lane.order()) +
                  " tokens in all");
  SmallVector<bool> seen(lane.order(), false);
  if (form.multipliers.size() < static_cast<size_t>(lane.order()))
    form.multipliers.resize(lane.order(), 0);
  for (const Lane::Term &term : lane.terms) {
    if (seen[term.shift])
      return fail("a column reads the token " + Twine(term.shift) +
                  " places back twice");
    seen[term.shift] = true;
    int64_t &multiplier = form.multipliers[term.shift];
    if (multiplier != 0 && multiplier != term.multiplier)
      return fail("the token " + Twine(term.shift) +
                  " places back has the multipliers " + Twine(multiplier) +
                  " and " + Twine(term.multiplier));
    multiplier = term.multiplier;
  }
  return true;
}

std::optional<HashForm> HashRaiser::readForm(ArrayRef<Root> roots,
                                             NearMiss &miss) {
  HashForm form;
  // Columns of each order, as they come.
  struct Column {
    size_t root, lane;
  };
  llvm::SmallMapVector<int64_t, SmallVector<Column>, 4> columns;
  for (auto [r, root] : llvm::enumerate(roots)) {
    Operation *at = root.value.getDefiningOp();
    for (auto [l, lane] : llvm::enumerate(root.lanes->lanes)) {
      if (!readLane(lane, form, at, miss))
        return std::nullopt;
      columns[lane.order()].push_back({r, l});
    }
  }
  auto fail = [&](const Twine &reason) -> std::optional<HashForm> {
    miss = {roots[0].value.getDefiningOp(), reason.str()};
    return std::nullopt;
  };
  int64_t order = form.multipliers.size();
  form.heads = columns[order].size();
  for (const Root &root : roots)
    form.places.emplace_back(root.lanes->lanes.size(), 0);
  for (int64_t n = 2; n <= order; ++n) {
    if (static_cast<int64_t>(columns[n].size()) != form.heads)
      return fail("order " + Twine(order) + " has " + Twine(form.heads) +
                  " heads, but order " + Twine(n) + " has " +
                  Twine(columns[n].size()));
    for (Column column : columns[n]) {
      const Lane &lane = roots[column.root].lanes->lanes[column.lane];
      form.places[column.root][column.lane] = form.moduli.size();
      form.moduli.push_back(lane.modulus);
      form.offsets.push_back(lane.offset);
    }
  }
  form.source.tokens = current(form.source.tokens);
  if (form.source.history)
    form.source.history = current(form.source.history);
  // What hides older tokens hides all of them.
  const TokenSource &source = form.source;
  bool resets = source.resetToken.has_value();
  for (const Root &root : roots)
    for (const Lane &lane : root.lanes->lanes)
      for (const Lane::Term &term : lane.terms)
        if (term.resets != (resets && term.shift > 0))
          return fail("a reset token hides some older tokens only");
  if (!source.history && !source.pad)
    // No test: tokens further back come from one of both.
    return fail("nothing stands before the first token");
  if (source.history && source.pad)
    return fail("its columns read different tokens or histories");
  if (resets && source.pad && *source.pad != *source.resetPad)
    return fail("tokens before the first count as " + Twine(*source.pad) +
                ", hidden ones as " + Twine(*source.resetPad));
  if (form.order() > 64 || form.heads > 65536)
    // No test: it needs 65 products.
    return fail("it has order " + Twine(form.order()));
  return form;
}

SmallVector<Operation *> HashRaiser::matchedOps(ArrayRef<Root> roots) {
  llvm::SetVector<Operation *> matched;
  SmallVector<Value> worklist;
  for (const Root &root : roots)
    worklist.push_back(root.value);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *op = value.getDefiningOp();
    // Tokens, their history and their slices serve all layers.
    const Lanes *lanes = op ? evaluator.evaluate(value) : nullptr;
    if (!lanes || lanes->lanes[0].stage == Lane::Stage::Token ||
        !matched.insert(op))
      continue;
    if (!isa<onnx::NGramHashMappingOp>(op))
      llvm::append_range(worklist, op->getOperands());
  }
  evaluator.takeMiss();
  // In the order of the program.
  SmallVector<Operation *> ops = matched.takeVector();
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ops;
}

/// token_map[ids], if that is what `tokens` is; both may have 32 bits.
static std::pair<Value, Value> readTokenMap(Raising &raising, Value tokens) {
  auto isMap = [&](Value map) {
    return isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
               map.getDefiningOp()) &&
           raising.rank(map) == 1;
  };
  auto isInteger = [](Value value) {
    Type type = getElementTypeOrSelf(value.getType());
    return type.isSignlessInteger(32) || type.isSignlessInteger(64);
  };
  Value mapped = skipWideningCasts(tokens);
  auto areIds = [&](Value ids) {
    return raising.haveSameShape(ids, tokens) && isInteger(ids);
  };
  if (!isInteger(mapped))
    return {Value(), tokens};
  if (auto gather = producer<onnx::GatherOp>(mapped))
    if (isMap(gather.getData()) && areIds(gather.getIndices()))
      return {gather.getData(), gather.getIndices()};
  if (auto gather = producer<onnx::GatherNDOp>(mapped))
    if (isMap(gather.getData()) && gather.getBatchDims() == 0)
      // The reshape appends the 1 of the index tuples.
      if (auto reshape = producer<onnx::ReshapeOp>(gather.getIndices()))
        if (areIds(reshape->getOperand(0)))
          return {gather.getData(), reshape->getOperand(0)};
  return {Value(), tokens};
}

Value HashRaiser::takeColumns(Operation *before, Value rows,
                              ArrayRef<int64_t> columns, int64_t count,
                              Value like) {
  bool consecutive = true;
  for (size_t i = 1; i < columns.size(); ++i)
    consecutive &= columns[i] == columns[i - 1] + 1;
  if (!consecutive) {
    Builder builder(raising.getContext());
    rows = raising.create(
        before, "Gather", {rows, raising.integers(before, columns)},
        builder.getNamedAttr("axis", builder.getI64IntegerAttr(2)));
  } else if (static_cast<int64_t>(columns.size()) != count) {
    rows = raising.slice(before, rows, 2, columns.front(), columns.back() + 1);
  }
  if (raising.haveSameShape(rows, like))
    return rows;
  SmallVector<int64_t> sizes;
  for (SymbolicExpression size : raising.dims(like).drop_front(2))
    sizes.push_back(*size.getConstant());
  return reshapeTokens(raising, before, rows, sizes);
}

void HashRaiser::build(ArrayRef<Root> roots, const HashForm &form,
                       ArrayRef<Operation *> matched) {
  const TokenSource &source = form.source;
  int64_t before = form.order() - 1;
  // The first op that has both the history and the tokens, and what is cut
  // from their concatenation as the next history.
  Operation *first = matched.front();
  SmallVector<Value> results, values;
  SmallVector<Value> presents;
  for (Operation *user : source.tokens.getUsers()) {
    int64_t width = 0;
    if (auto mapping = dyn_cast<onnx::NGramHashMappingOp>(user)) {
      if (llvm::is_contained(matched, user) &&
          getElementTypeOrSelf(mapping->getResult(1).getType()).isInteger(64))
        presents.push_back(mapping->getResult(1));
      continue;
    }
    if (user->getNumResults() != 1 || user->getBlock() != first->getBlock())
      continue;
    std::optional<TokenSource> sequence =
        readSequence(raising, user->getResult(0), width);
    if (!sequence || sequence->tokens != source.tokens ||
        sequence->history != source.history ||
        (!source.history && sequence->pad != source.pad))
      continue;
    if (user->isBeforeInBlock(first))
      first = user;
    for (Operation *cut : user->getResult(0).getUsers()) {
      if (cut->getNumResults() != 1)
        continue;
      Value value = cut->getResult(0);
      auto slice = matchSlice(raising, value);
      if (slice && slice->axis == 1 && width >= before &&
          raising.dims(value)[1].isConstant(before) &&
          slice->begin == raising.dims(slice->input)[1] - before)
        presents.push_back(value);
    }
  }

  ImplicitLocOpBuilder builder = raising.builderBefore(first);
  auto [map, ids] = readTokenMap(raising, source.tokens);
  ids = raising.cast(first, ids, builder.getI64Type());
  Value history = source.history;
  if (history)
    if (std::optional<int64_t> width = raising.staticDim(history, 1);
        width && *width > before)
      history = raising.slice(first, history, 1, *width - before, *width);
  SymbolicContext &symbols = raising.getShapes().getContext();
  ArrayRef<SymbolicExpression> sizes = raising.dims(ids);
  SymbolicExpression batch = sizes[0], length = sizes[1];
  Type integer = builder.getI64Type();
  bool resets = source.resetToken.has_value();
  int64_t pad = resets ? *source.resetPad : source.pad.value_or(0);
  auto hash = EngramHashOp::create(
      builder,
      typeOf({batch, length, symbols.getConstant(form.columns())}, integer),
      typeOf({batch, symbols.getConstant(before)}, integer), ids, history, map,
      form.order(), form.heads, form.multipliers, form.moduli, form.offsets,
      pad, resets ? HashReset::AfterToken : HashReset::Never,
      resets ? builder.getI64IntegerAttr(*source.resetToken) : IntegerAttr(),
      HashWrap::TwosComplement);
  (void)raising.visit(hash);

  for (auto [root, places] : llvm::zip(roots, form.places)) {
    results.push_back(root.value);
    values.push_back(takeColumns(root.value.getDefiningOp(), hash.getRows(),
                                 places, form.columns(), root.value));
  }
  for (Value present : presents) {
    results.push_back(present);
    values.push_back(hash.getPresent());
  }
  bool isContrib =
      llvm::any_of(matched, llvm::IsaPred<onnx::NGramHashMappingOp>);
  raising.replace(results, values, hash,
                  isContrib ? "engram-hash-contrib" : "engram-hash", matched);
  for (auto [result, value] : llvm::zip_equal(results, values))
    replaced[result] = value;
  for (const std::string &problem :
       checkEngramConstants(form.multipliers, form.moduli, form.offsets))
    remark::analysis(hash.getLoc(),
                     remark::RemarkOpts::name("engram-hash-constants")
                         .category("trine-raise-engram-hash")
                         .function(raising.getFunction().getName()))
        << remark::add("by the published rule for constants of a hash, {0}",
                       problem);
  ++raised;
}

bool HashRaiser::raise(ArrayRef<Root> roots) {
  for (const Root &root : roots)
    if (!Raising::isLinked(root.value.getDefiningOp()))
      return false;
  Operation *anchor = roots[0].value.getDefiningOp();
  NearMiss reason;
  std::optional<HashForm> form = readForm(roots, reason);
  if (!form) {
    miss(anchor, reason);
    return false;
  }
  SmallVector<Operation *> matched = matchedOps(roots);
  SmallVector<Value> results;
  for (const Root &root : roots)
    results.push_back(root.value);
  for (Operation *op : matched)
    if (auto mapping = dyn_cast<onnx::NGramHashMappingOp>(op))
      results.push_back(mapping->getResult(1));
  if (Operation *user = raising.findOutsideUse(matched, results)) {
    miss(anchor, {user, "a part of it is used elsewhere"});
    return false;
  }
  build(roots, *form, matched);
  return true;
}

void HashRaiser::run() {
  SmallVector<Operation *> anchors;
  raising.getFunction().walk([&](Operation *op) {
    if (isa<onnx::ModOp, onnx::NGramHashMappingOp>(op) &&
        op->getBlock() == &raising.getFunction().getBody().front())
      anchors.push_back(op);
  });
  llvm::SetVector<Value> values;
  for (Operation *anchor : anchors) {
    const Lanes *lanes = evaluator.evaluate(anchor->getResult(0));
    NearMiss reason = evaluator.takeMiss();
    if (!lanes) {
      if (!reason.reason.empty())
        miss(anchor, reason);
      continue;
    }
    if (Value root = climb(anchor->getResult(0)))
      values.insert(root);
  }
  // Columns that one tensor holds are a hash; columns that stand alone (a table
  // for each head) are one together, if they share a token's multiplier.
  llvm::MapVector<std::pair<Value, int64_t>, SmallVector<Root>> singles;
  for (Value value : values) {
    Root root{value, evaluator.evaluate(value)};
    const Lane &lane = root.lanes->lanes[0];
    if (root.lanes->lanes.size() > 1) {
      raise(root);
      continue;
    }
    int64_t multiplier = 0;
    for (const Lane::Term &term : lane.terms)
      if (term.shift == 0)
        multiplier = term.multiplier;
    singles[{lane.source.tokens, multiplier}].push_back(root);
  }
  for (auto &[key, roots] : singles)
    raise(roots);
}

namespace {
class RaiseEngramHash
    : public RaisingPass<
          trine::impl::TrineRaiseEngramHashBase<RaiseEngramHash>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::ModOp, onnx::NGramHashMappingOp>(function);
  }
  void raise(Raising &raising) override {
    HashRaiser raiser(raising);
    raiser.run();
    numRaised += raiser.raised;
    numMissed += raiser.missed;
  }
};
} // namespace
