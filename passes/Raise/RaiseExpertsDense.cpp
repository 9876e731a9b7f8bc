// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts that run on all tokens, each with the weight that its tokens gave
// it, mostly zero: "dense" exports.
#include "ExpertChoices.h"
#include "RaiseEngram.h"
#include "RaiseMoE.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// Σⱼ where(ids = expert, weights, 0) · output, or the expert's column of the
/// weights scattered over zeros · output.
struct Term {
  int64_t expert;
  Operation *choice; ///< chooses the weight
  Value ids, weights;
  SmallVector<Operation *> ops; ///< from the choice to the product
  Value product;                ///< weighted output, [N, D]
  Value output;                 ///< of the expert
};

class DenseMatcher {
public:
  DenseMatcher(MoEPattern &pattern, SmallVectorImpl<Term> &terms)
      : pattern(pattern), raising(pattern.raising), terms(terms) {}

  bool match(ExpertsMatch &match);

private:
  bool takeChain(ExpertsMatch &match);

  MoEPattern &pattern;
  Raising &raising;
  SmallVectorImpl<Term> &terms;
};

} // namespace

/// The one user of a value.
static Operation *onlyUser(Value value) {
  return value.hasOneUse() ? *value.user_begin() : nullptr;
}

/// What multiplies the weight of each token, `weight`, with an expert's output.
static bool takeWeighted(Raising &raising, Term &term, Value weight) {
  Operation *user = onlyUser(weight);
  // A Cast to integers and back would cut the weights.
  while (user && isa<onnx::ReshapeOp, onnx::CastOp>(user) &&
         isa<FloatType>(getElementTypeOrSelf(user->getResult(0).getType()))) {
    term.ops.push_back(user);
    weight = user->getResult(0);
    user = onlyUser(weight);
  }
  if (!user || !isa<onnx::MulOp>(user))
    return false;
  term.output = user->getOperand(user->getOperand(0) == weight ? 1 : 0);
  term.product = user->getResult(0);
  term.ops.push_back(user);
  // One weight per token: [N, 1] against [N, D].
  ArrayRef<SymbolicExpression> dims = raising.dims(weight),
                               outputs = raising.dims(term.output);
  return !dims.empty() && dims.back().isConstant(1) &&
         dims.size() == outputs.size() &&
         dims.drop_back() == outputs.drop_back();
}

/// The term that starts with where(ids = expert, weights, 0), or weights · (ids
/// = expert).
static std::optional<Term> termOf(Raising &raising, Operation *choice) {
  Term term{-1, choice, Value(), Value(), {}, Value(), Value()};
  Value condition;
  if (isa<onnx::WhereOp>(choice)) {
    if (constantNumber(choice->getOperand(2)) != 0)
      return std::nullopt;
    condition = choice->getOperand(0);
    term.weights = choice->getOperand(1);
  } else {
    for (unsigned i : {1u, 0u})
      if (auto cast = producer<onnx::CastOp>(choice->getOperand(i));
          cast && !condition &&
          getElementTypeOrSelf(cast->getOperand(0).getType()).isInteger(1)) {
        term.ops.push_back(cast);
        condition = cast->getOperand(0);
        term.weights = choice->getOperand(1 - i);
      }
  }
  auto equal = condition ? producer<onnx::EqualOp>(condition) : onnx::EqualOp();
  if (!equal)
    return std::nullopt;
  term.ids = equal->getOperand(0);
  std::optional<int64_t> expert = constantInteger(equal->getOperand(1));
  Value chosen = choice->getResult(0);
  Operation *sum = onlyUser(chosen);
  if (!expert || !sum || !isa<onnx::ReduceSumOp>(sum) ||
      raising.rank(chosen) < 2 ||
      raising.dims(term.weights) != raising.dims(term.ids) ||
      !reducesAxis(raising, sum, -1))
    return std::nullopt;
  term.expert = *expert;
  term.ops.append({equal, choice, sum});
  if (!takeWeighted(raising, term, sum->getResult(0)))
    return std::nullopt;
  return term;
}

/// The terms of the columns of `scatter`: chosen weights over zeros.
static SmallVector<Term> termsOf(Raising &raising,
                                 onnx::ScatterElementsOp scatter) {
  SmallVector<Term> terms;
  Value full = scatter->getResult(0);
  int64_t last = raising.rank(full) - 1;
  if (last < 1 || raising.normalAxis(scatter.getAxis(), full) != last ||
      scatter.getReduction() != "none" ||
      constantNumber(scatter->getOperand(0)) != 0 ||
      !areDistinctChoices(scatter->getOperand(1)))
    return terms;
  for (Operation *user : full.getUsers()) {
    if (!isa<onnx::SliceOp>(user))
      return {};
    auto column = engram::matchSlice(raising, user->getResult(0));
    if (!column || column->axis != last || !column->begin.isConstant() ||
        !raising.dims(user->getResult(0))[last].isConstant(1))
      return {};
    Term term{*column->begin.getConstant(),
              scatter,
              scatter->getOperand(1),
              scatter->getOperand(2),
              {scatter, user},
              Value(),
              Value()};
    if (!takeWeighted(raising, term, user->getResult(0)))
      return {};
    terms.push_back(term);
  }
  return terms;
}

/// The sum of all terms, one added after the other.
bool DenseMatcher::takeChain(ExpertsMatch &match) {
  llvm::DenseMap<Value, Term *> open;
  for (Term &term : terms)
    open[term.product] = &term;
  // The first addition: with zero, with the other term, or with anything.
  Term *first = nullptr;
  for (Term &term : terms) {
    Operation *add = onlyUser(term.product);
    if (!add || !isa<onnx::AddOp>(add))
      return pattern.fail(term.product.getDefiningOp(),
                          "the product of expert " + Twine(term.expert) +
                              " is not just added");
    if (!first || add->isBeforeInBlock(onlyUser(first->product)))
      first = &term;
  }
  Value sum = first->product;
  open.erase(sum);
  bool isStart = true;
  while (true) {
    Operation *add = onlyUser(sum);
    if (!add || !isa<onnx::AddOp>(add))
      break;
    Value other = add->getOperand(add->getOperand(0) == sum ? 1 : 0);
    if (!open.erase(other)) {
      if (!isStart)
        break;
      if (constantNumber(other) != 0)
        match.base = other;
    }
    isStart = false;
    pattern.add(add);
    sum = add->getResult(0);
    if (open.empty())
      break;
  }
  for (const Term &term : terms)
    if (open.contains(term.product))
      return pattern.fail(term.product.getDefiningOp(),
                          "the product of expert " + Twine(term.expert) +
                              " is not added to that of the others");
  match.result = sum;
  return true;
}

bool DenseMatcher::match(ExpertsMatch &match) {
  llvm::sort(terms,
             [](const Term &a, const Term &b) { return a.expert < b.expert; });
  for (auto [index, term] : llvm::enumerate(terms))
    if (term.expert != static_cast<int64_t>(index))
      return pattern.fail(term.choice,
                          "expert " + Twine(index) + " is missing");
  if (!areChoicesBelow(raising, terms[0].ids, terms.size()))
    return pattern.fail(terms[0].choice, "tokens may choose others than its " +
                                             Twine(terms.size()) + " experts");
  for (Term &term : terms)
    for (Operation *op : term.ops)
      pattern.add(op);
  if (!takeChain(match))
    return false;
  UnrolledExperts experts;
  for (const Term &term : terms) {
    ExpertLayers layers;
    Operation *node = term.product.getDefiningOp();
    if (!takeExpertLayers(pattern, term.expert, term.output, node, layers))
      return false;
    if (layers.first.input != experts.getFirst().first.input &&
        term.expert != 0)
      return pattern.fail(node, "expert " + Twine(term.expert) +
                                    " has another input than expert 0");
    if (!experts.add(pattern, layers, node))
      return false;
  }
  match.ids = terms[0].ids;
  match.weights = terms[0].weights;
  std::optional<int64_t> k =
      raising.staticDim(match.ids, raising.rank(match.ids) - 1);
  if (!k)
    return pattern.fail(terms[0].choice, "the number of slots is not known");
  match.k = *k;
  match.input = experts.getFirst().first.input;
  if (!experts.finish(pattern, match))
    return false;
  match.form = "experts-dense";
  return true;
}

RaiseCounts mlir::trine::raiseDenseExperts(Raising &raising) {
  RaiseCounts counts;
  // Terms of the same slots belong together.
  llvm::MapVector<std::pair<Value, Value>, SmallVector<Term>> groups;
  auto add = [&](Operation *choice) {
    if (std::optional<Term> term = termOf(raising, choice))
      groups[{term->ids, term->weights}].push_back(*term);
  };
  for (onnx::WhereOp where : raising.opsOf<onnx::WhereOp>())
    add(where);
  for (onnx::MulOp mul : raising.opsOf<onnx::MulOp>())
    add(mul);
  for (auto scatter : raising.opsOf<onnx::ScatterElementsOp>())
    for (Term &term : termsOf(raising, scatter))
      groups[{term.ids, term.weights}].push_back(term);
  for (auto &[slots, terms] : groups) {
    if (terms.size() < 2)
      continue;
    MoEPattern pattern(raising);
    ExpertsMatch match;
    Operation *anchor = terms.front().choice;
    if (DenseMatcher(pattern, terms).match(match) &&
        raiseExperts(pattern, match)) {
      ++counts.raised;
    } else {
      raising.missed(anchor, "dense experts", pattern.miss);
      ++counts.missed;
    }
  }
  return counts;
}
