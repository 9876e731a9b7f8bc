// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Experts that run on all tokens, each with the weight that its tokens gave
// it, mostly zero: "dense" exports.
#include "RaiseMoE.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// Σⱼ where(ids = expert, weights, 0) · output.
struct Term {
  int64_t expert;
  onnx::WhereOp where;
  SmallVector<Operation *> ops; ///< from Equal to the product
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

/// The term that starts with `where`.
static std::optional<Term> termOf(Raising &raising, onnx::WhereOp where) {
  auto equal = producer<onnx::EqualOp>(where->getOperand(0));
  if (!equal || constantNumber(where->getOperand(2)) != 0)
    return std::nullopt;
  std::optional<int64_t> expert = constantInteger(equal->getOperand(1));
  Operation *sum = onlyUser(where->getResult(0));
  if (!expert || !sum || !isa<onnx::ReduceSumOp>(sum) ||
      raising.rank(where->getResult(0)) < 2 ||
      raising.dims(where->getOperand(1)) !=
          raising.dims(equal->getOperand(0)) ||
      !reducesAxis(raising, sum, -1))
    return std::nullopt;
  Term term{*expert, where, {equal, where, sum}, Value(), Value()};
  Operation *user = onlyUser(sum->getResult(0));
  while (user && isa<onnx::ReshapeOp, onnx::CastOp>(user)) {
    term.ops.push_back(user);
    user = onlyUser(user->getResult(0));
  }
  if (!user || !isa<onnx::MulOp>(user))
    return std::nullopt;
  Value weight = term.ops.back()->getResult(0);
  term.output = user->getOperand(user->getOperand(0) == weight ? 1 : 0);
  term.product = user->getResult(0);
  term.ops.push_back(user);
  // One weight per token: [N, 1] against [N, D].
  ArrayRef<SymbolicExpression> dims = raising.dims(weight),
                               outputs = raising.dims(term.output);
  if (dims.empty() || !dims.back().isConstant(1) ||
      dims.size() != outputs.size() || dims.drop_back() != outputs.drop_back())
    return std::nullopt;
  return term;
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
      return pattern.fail(term.where, "expert " + Twine(index) + " is missing");
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
  onnx::WhereOp where = terms[0].where;
  auto equal = producer<onnx::EqualOp>(where->getOperand(0));
  match.ids = equal->getOperand(0);
  match.weights = where->getOperand(1);
  std::optional<int64_t> k =
      raising.staticDim(match.ids, raising.rank(match.ids) - 1);
  if (!k)
    return pattern.fail(equal, "the number of slots is not known");
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
  for (onnx::WhereOp where : raising.opsOf<onnx::WhereOp>())
    if (std::optional<Term> term = termOf(raising, where))
      groups[{where->getOperand(0).getDefiningOp()->getOperand(0),
              where->getOperand(1)}]
          .push_back(*term);
  for (auto &[slots, terms] : groups) {
    if (terms.size() < 2)
      continue;
    MoEPattern pattern(raising);
    ExpertsMatch match;
    Operation *anchor = terms.front().where;
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
