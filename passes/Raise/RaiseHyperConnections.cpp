// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-hyper-connections: sites that read and write residual streams
// become trine.hyper.mix and trine.hyper.combine.
#include "RaiseHyperConnections.h"

#include "trine/Passes/Raise.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEHYPERCONNECTIONS
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

namespace {

class SiteRaiser : private Attempt {
public:
  explicit SiteRaiser(Raising &raising) : raising(raising) {}
  void run();

  unsigned raised = 0, missed = 0;

private:
  void build(onnx::SoftmaxOp op, SiteForm &form);
  bool combine(HyperMixOp mix);

  Raising &raising;
};

} // namespace

void SiteRaiser::build(onnx::SoftmaxOp op, SiteForm &form) {
  // The earliest of the three results' first steps: the outputs' slices.
  Operation *before = op;
  for (Operation *node : form.matched)
    if (isa<onnx::SliceOp>(node) && node->isBeforeInBlock(before))
      before = node;
  Value projection = form.projection;
  (void)hoistWeight(projection, before);
  if (!form.isTurned)
    projection = raising.transpose(before, projection, {1, 0});
  SmallVector<Value> biases, scales;
  bool hasScale = false;
  int64_t count = form.streams;
  int64_t sizes[] = {count, count, count * count};
  Type elementType = getElementTypeOrSelf(form.input.getType());
  for (auto [i, part] : llvm::enumerate(form.parts)) {
    (void)hoistWeight(part.bias, before);
    biases.push_back(raising.rank(part.bias) == 1
                         ? part.bias
                         : raising.reshape(before, part.bias, sizes[i]));
    hasScale |= static_cast<bool>(part.scale);
  }
  if (hasScale)
    for (const Part &part : form.parts) {
      if (part.scale)
        (void)hoistWeight(part.scale, before);
      scales.push_back(part.scale ? raising.reshape(before, part.scale, 1)
                                  : filled(raising, before, 1, elementType, 1));
    }
  Value bias = concat(raising, before, biases, 0);
  Value scale = hasScale ? concat(raising, before, scales, 0) : Value();
  ImplicitLocOpBuilder builder = raising.builderBefore(before);
  auto type = [&](Value value) {
    return typeOf(raising.dims(value), getElementTypeOrSelf(value.getType()));
  };
  auto mix = HyperMixOp::create(builder, type(form.mixed), type(form.post),
                                type(form.comb), form.input, projection, scale,
                                bias, form.rounds, APFloat(form.epsilon),
                                APFloat(form.normEpsilon));
  (void)raising.visit(mix);
  raising.replace({form.mixed, form.post, form.comb}, mix, "hyper-mix",
                  form.matched);
  ++raised;
}

/// Whether an einsum multiplies matrices [i, j] by matrices [j, d] under two
/// batch dimensions.
static bool isBatchedProduct(StringRef equation) {
  std::string text;
  for (char c : equation)
    if (c != ' ')
      text.push_back(c);
  auto [inputs, output] = StringRef(text).split("->");
  auto [left, right] = inputs.split(",");
  if (left.size() != 4 || right.size() != 4 || output.size() != 4)
    return false;
  char b = left[0], s = left[1], i = left[2], j = left[3], d = right[3];
  std::string expected{b, s, j, d}, result{b, s, i, d};
  bool distinct = b != s && b != i && b != j && b != d && s != i && s != j &&
                  s != d && i != j && i != d && j != d;
  return distinct && right == expected && output == result;
}

bool SiteRaiser::combine(HyperMixOp mix) {
  miss = {};
  Value comb = mix.getComb(), matrix = comb;
  SmallVector<Operation *> matched;
  auto onlyUser = [](Value value) -> Operation * {
    return value.hasOneUse() ? *value.getUsers().begin() : nullptr;
  };
  if (auto cast = dyn_cast_or_null<onnx::CastOp>(onlyUser(matrix))) {
    matched.push_back(cast);
    matrix = cast->getResult(0);
  }
  // Some read a column of the matrix where others read a row.
  if (auto turn = dyn_cast_or_null<onnx::TransposeOp>(onlyUser(matrix));
      turn && turn.getPerm() &&
      *turn.getPerm() == ArrayRef<int64_t>{0, 1, 3, 2}) {
    matrix = turn->getResult(0);
    comb = matrix;
  }
  Operation *product = onlyUser(matrix);
  if (!product)
    return false;
  auto einsum = dyn_cast<onnx::EinsumOp>(product);
  if (!(einsum ? product->getNumOperands() == 2 &&
                     isBatchedProduct(einsum.getEquation())
               : isa<onnx::MatMulOp>(product)) ||
      product->getOperand(0) != matrix)
    return fail(product, "the matrix does not multiply the streams");
  Value streams = product->getOperand(1);
  if (raising.rank(streams) != 4 ||
      !raising.haveSameShape(streams, mix.getStreams()))
    return fail(product, "the matrix multiplies other values");
  if (!product->getResult(0).hasOneUse())
    return fail(product, "the mixed streams are used twice");
  Operation *sum = *product->getResult(0).getUsers().begin();
  if (!isa<onnx::AddOp>(sum))
    return fail(sum, "the sub-layer's output is not added");
  Value written =
      sum->getOperand(sum->getOperand(0) == product->getResult(0) ? 1 : 0);
  matched.append({product, sum});
  Value output;
  Operation *outer = written.getDefiningOp();
  if (!isa_and_nonnull<onnx::MulOp>(outer))
    return fail(sum, "what is added is no product with the write weights");
  bool found = matchEitherOrder(outer, [&](Value a, Value b) {
    // [B, S, M, 1], perhaps rounded.
    if (skipFloatCasts(skipReshapes(skipFloatCasts(a))) != mix.getPost() ||
        a == mix.getPost() || raising.rank(a) != 4 ||
        !raising.dims(a)[3].isConstant(1) || raising.rank(b) != 4 ||
        !raising.dims(b)[2].isConstant(1))
      return false;
    output = b;
    matched.push_back(outer);
    for (Value value = a; value != mix.getPost();
         value = value.getDefiningOp()->getOperand(0))
      matched.push_back(value.getDefiningOp());
    return true;
  });
  if (!found)
    return fail(outer, "what is added is no product with the write weights");
  SmallVector<Operation *> inner(matched);
  if (Operation *user = raising.findOutsideUse(inner, sum->getResult(0)))
    return fail(user, "a part of it is used elsewhere");
  SmallVector<SymbolicExpression> expected(raising.dims(streams));
  expected.erase(expected.begin() + 2);
  auto view = producer<onnx::ReshapeOp>(output);
  if (view && raising.dims(view->getOperand(0)) ==
                  ArrayRef<SymbolicExpression>(expected)) {
    output = view->getOperand(0);
  } else {
    std::optional<int64_t> width = raising.staticDim(streams, 3);
    if (!width)
      // No test: the mixed streams told it.
      return fail(outer, "the streams' width is not known");
    output = reshapeTokens(raising, sum, output, *width);
  }
  ImplicitLocOpBuilder builder = raising.builderBefore(sum);
  auto op = HyperCombineOp::create(builder, streams.getType(), streams, output,
                                   mix.getPost(), comb);
  (void)raising.visit(op);
  raising.replace(sum->getResult(0), op, "hyper-combine", matched);
  ++raised;
  return true;
}

void SiteRaiser::run() {
  for (auto op : raising.opsOf<onnx::SoftmaxOp>()) {
    if (!raising.isLinked(op) ||
        op->getBlock() != &raising.getFunction().getBody().front())
      continue;
    SiteForm form;
    SiteMatcher matcher(raising);
    if (matcher.match(op, form)) {
      build(op, form);
    } else if (matcher.failed()) {
      raising.missed(op, "a hyper-connection", matcher.miss);
      ++missed;
    }
  }
  for (auto mix : raising.opsOf<HyperMixOp>())
    if (!combine(mix) && !miss.reason.empty()) {
      raising.missed(mix, "the end of a hyper-connection", miss);
      ++missed;
    }
}

namespace {
class RaiseHyperConnections
    : public RaisingPass<
          trine::impl::TrineRaiseHyperConnectionsBase<RaiseHyperConnections>> {
public:
  bool hasAnchor(func::FuncOp function) const override {
    return contains<onnx::SoftmaxOp>(function);
  }
  void raise(Raising &raising) override {
    SiteRaiser raiser(raising);
    raiser.run();
    numRaised += raiser.raised;
    numMissed += raiser.missed;
  }
};
} // namespace
