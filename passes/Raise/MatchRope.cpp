// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rotations as sums of products with cosines and sines, joined by a Concat.
#include "MatchRope.h"

using namespace mlir;
using namespace mlir::trine;

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
