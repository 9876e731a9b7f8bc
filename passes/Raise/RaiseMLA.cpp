// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-raise-mla: attention whose keys and values are made from a latent
// becomes trine.mla.attention.
//
// A key's columns are two parts: one is a product of the latent rows with a
// weight, split into heads; the other, rotated, is shared by all heads. Values
// are a product of the same latent rows. Where keys and values are cached
// instead of the latent, that holds for the rows that come behind the cache.
#include "RaiseMLA.h"
#include "IndexViews.h"
#include "trine/Passes/Raise.h"
#include <map>

namespace mlir::trine {
#define GEN_PASS_DEF_TRINERAISEMLA
#include "trine/Passes/Raise.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

constexpr StringLiteral kLatentCache = "mla-latent-cache",
                        kExpandedCache = "mla-expanded-cache";

/// A product latent · weight as seen from (batch, head, row, column).
struct Projection {
  Operation *product = nullptr;
  /// [batch, row, rank] of the latent.
  View latent;
  /// The product's columns, from head and column.
  AffineIndex columns;
  Value weight, bias;
};

class LatentMatch : public Attempt {
public:
  LatentMatch(Raising &raising, AttentionOp op)
      : raising(raising), space(raising), op(op) {}

  bool match();
  bool isNear = false;

private:
  bool readRows();
  bool splitKey();
  std::optional<Projection> project(const View &view, unsigned column);
  Value headWeight(const Projection &projection, unsigned column);
  Value withBias(Value weight, Value bias);
  Value withOnes(Value latent);
  bool sameLatent(const View &a, const View &b);
  View free(View view, ArrayRef<unsigned> order);
  View factor(Value value, ArrayRef<unsigned> dims) {
    View view{value, {}};
    for (unsigned dim : dims)
      view.index.push_back(space.plain(dim));
    return view;
  }

  Raising &raising;
  IndexSpace space;
  AttentionOp op;
  unsigned batch = 0, head = 0, row = 0;
  /// Keys and values of the rows that are made here, and what is cached.
  Value key, value, pastKey, pastValue;
  SmallVector<Operation *> matched;
  /// The key's parts: where the columns of each begin, and how many there are.
  unsigned nope = 0, rope = 0, valueColumn = 0, rank = 0;
  int64_t nopeAt = 0, ropeAt = 0;
  bool hasBias = false;
  View nopeView, ropeView, valueView;
  /// Weights as [R, count, outer]: the weight, the product's op, first column,
  /// count, outer.
  std::map<std::tuple<void *, StringRef, int64_t, int64_t, int64_t>, Value>
      blocksOf;
};

} // namespace

/// The concatenation of cached and new rows, if `value` is one.
static onnx::ConcatOp appendTo(Raising &raising, Value value) {
  auto concat = producer<onnx::ConcatOp>(value);
  if (!concat || concat->getNumOperands() != 2 ||
      raising.normalAxis(concat.getAxis(), value) != 2)
    return {};
  return concat;
}

/// Splits cached rows from new ones.
bool LatentMatch::readRows() {
  key = op.getKey();
  value = op.getValue();
  auto keys = appendTo(raising, key), values = appendTo(raising, value);
  if (!keys || !values)
    return true;
  // A cache is what this function is given.
  if (keys->getOperand(0).getDefiningOp() ||
      values->getOperand(0).getDefiningOp())
    return true;
  if (raising.dims(keys->getOperand(0))[2] !=
      raising.dims(values->getOperand(0))[2])
    return true;
  pastKey = keys->getOperand(0);
  pastValue = values->getOperand(0);
  key = keys->getOperand(1);
  value = values->getOperand(1);
  matched.append({keys, values});
  return true;
}

/// Finds the key's two parts: the columns that each head has of its own, and
/// those that all heads share.
bool LatentMatch::splitKey() {
  ArrayRef<SymbolicExpression> dims = raising.dims(key);
  batch = space.addDim(dims[0]);
  head = space.addDim(dims[1]);
  row = space.addDim(dims[2]);
  std::optional<int64_t> width = dims[3].getConstant();
  if (!width)
    return false;
  // Back to where columns are joined.
  unsigned all = space.addDim(dims[3]);
  View view = space.backAll(factor(key, {batch, head, row, all}));
  auto concat = producer<onnx::ConcatOp>(view.value);
  if (!concat || concat->getNumOperands() != 2)
    return false;
  int64_t axis = raising.normalAxis(concat.getAxis(), view.value);
  if (view.index[axis].getPlainDim() != all)
    return false;
  int64_t at = 0;
  for (Value part : concat->getOperands()) {
    SymbolicExpression size = raising.dims(part)[axis];
    std::optional<int64_t> length = size.getConstant();
    if (!length)
      return false;
    unsigned columns = space.addDim(size);
    View whole{part, view.index};
    whole.index[axis] = space.plain(columns);
    View partView = space.backAll(whole);
    if (partView.dependsOn(head) || space.extent(head).isConstant(1)) {
      // With one head, the part that is a product with a weight of the latent
      // is that of the heads.
      bool isNope = !space.extent(head).isConstant(1) ||
                    project(partView, columns).has_value();
      if (isNope && !nopeView.value) {
        nopeView = partView;
        nope = columns;
        nopeAt = at;
        at += *length;
        continue;
      }
      if (isNope)
        return fail(concat, "both parts of the keys differ by head");
    }
    if (ropeView.value)
      return fail(concat, "all heads share both parts of the keys");
    ropeView = whole;
    rope = columns;
    ropeAt = at;
    at += *length;
  }
  return true;
}

/// A view of a product with a constant matrix, from batch, head, row and
/// `column`: the rows are (batch, row), the columns (head, column).
std::optional<Projection> LatentMatch::project(const View &view,
                                               unsigned column) {
  Operation *op = view.value.getDefiningOp();
  if (!op)
    return std::nullopt;
  Projection projection;
  if (auto add = dyn_cast<onnx::AddOp>(op))
    for (unsigned i : {1u, 0u}) {
      Value bias = add->getOperand(i), product = add->getOperand(1 - i);
      if (projection.bias || raising.rank(bias) != 1 ||
          !isa_and_nonnull<onnx::InitializerOp, onnx::ConstantOp>(
              bias.getDefiningOp()) ||
          !isa_and_nonnull<onnx::MatMulOp>(product.getDefiningOp()) ||
          raising.dims(bias)[0] != raising.dims(product).back() ||
          !raising.haveSameShape(product, view.value))
        continue;
      projection.bias = bias;
      op = product.getDefiningOp();
    }
  projection.product = op;
  Value left;
  if (isa<onnx::MatMulOp>(op)) {
    left = op->getOperand(0);
    projection.weight = op->getOperand(1);
  } else if (auto gemm = dyn_cast<onnx::GemmOp>(op)) {
    if (gemm.getTransA() || gemm.getAlpha().convertToFloat() != 1)
      return std::nullopt;
    if (Value bias = gemm.getC(); !isa<NoneType>(bias.getType())) {
      if (raising.rank(bias) != 1 || gemm.getBeta().convertToFloat() != 1 ||
          raising.dims(bias)[0] != raising.dims(view.value).back())
        return std::nullopt;
      projection.bias = bias;
    }
    left = gemm.getA();
    projection.weight = gemm.getB();
  } else {
    return std::nullopt;
  }
  if (raising.rank(projection.weight) != 2 || raising.rank(left) < 2)
    return std::nullopt;
  projection.columns = view.index.back();
  for (unsigned dim : {batch, row})
    if (projection.columns.dependsOn(dim))
      return std::nullopt;
  for (const AffineIndex &index : ArrayRef(view.index).drop_back())
    if (index.dependsOn(head) || index.dependsOn(column))
      return std::nullopt;
  rank = rank ? rank : space.addDim(raising.dims(left).back());
  if (space.extent(rank) != raising.dims(left).back())
    return std::nullopt;
  projection.latent = View{left, view.index};
  projection.latent.index.back() = space.plain(rank);
  projection.latent = free(projection.latent, {batch, row, rank});
  return projection;
}

/// The earliest tensor that holds the view in this order.
View LatentMatch::free(View view, ArrayRef<unsigned> order) {
  View best = view;
  while (std::optional<View> next = space.back(view)) {
    view = space.normalize(*next);
    if (space.isInOrder(view, order))
      best = view;
  }
  return best;
}

bool LatentMatch::sameLatent(const View &a, const View &b) {
  View first = space.backAll(a), second = space.backAll(b);
  return first.value == second.value && first.index == second.index;
}

/// The columns of a weight [R, columns] that belong to (head, column), as
/// [R, heads, columns of a head].
Value LatentMatch::headWeight(const Projection &projection, unsigned column) {
  Operation *before = op;
  Value weight = projection.weight;
  if (auto gemm = dyn_cast<onnx::GemmOp>(projection.product);
      gemm && gemm.getTransB())
    weight = raising.transpose(before, weight, {1, 0});
  if (hasBias)
    weight = withBias(weight, projection.bias);
  AffineIndex columns = space.normalize(projection.columns);
  std::optional<int64_t> total = raising.dims(weight)[1].getConstant(),
                         rows = raising.dims(weight)[0].getConstant(),
                         heads = space.extent(head).getConstant(),
                         width = space.extent(column).getConstant(),
                         offset = columns.offset.getConstant();
  if (!total || !rows || !heads || !width || !offset)
    return nullptr;
  int64_t headStride = *heads == 1 ? *total : 0, columnStride = 0;
  for (const AffineIndex::Term &term : columns.terms) {
    std::optional<int64_t> stride = term.coefficient.getConstant();
    if (!stride || (term.dim != head && term.dim != column))
      return nullptr;
    (term.dim == head ? headStride : columnStride) = *stride;
  }
  if (*width == 1 && columnStride == 0)
    columnStride = 1;
  // Head by head, or column by column.
  bool isHeadMajor = columnStride == 1;
  int64_t outer = isHeadMajor ? headStride : columnStride,
          inner = isHeadMajor ? *width : *heads,
          count = isHeadMajor ? *heads : *width;
  if ((!isHeadMajor && headStride != 1) || outer <= 0 || inner > outer)
    return nullptr;
  // A range of `count` blocks of `outer` columns, each with the wanted ones at
  // the same place.
  int64_t begin = *offset / outer * outer, place = *offset % outer;
  if (place + inner > outer || begin + count * outer > *total) {
    begin = std::min(*offset, *total - count * outer);
    place = *offset - begin;
  }
  if (begin < 0 || place < 0 || place + inner > outer)
    return nullptr;
  if (count * outer != *total)
    weight = raising.slice(before, weight, 1, begin, begin + count * outer);
  // Keys and values often share one.
  Value &blocks = blocksOf[{
      (projection.bias ? projection.bias : projection.weight)
          .getAsOpaquePointer(),
      projection.product->getName().getStringRef(), begin, count, outer}];
  if (!blocks)
    blocks = raising.reshape(before, weight, {*rows, count, outer});
  weight = blocks;
  if (inner != outer)
    weight = raising.slice(before, weight, 2, place, place + inner);
  if (!isHeadMajor)
    weight = raising.transpose(before, weight, {0, 2, 1});
  return weight;
}

/// The weight [R, columns] with the bias as one more row: the latent then has
/// one more column, of ones.
Value LatentMatch::withBias(Value weight, Value bias) {
  std::optional<int64_t> columns = raising.dims(weight)[1].getConstant();
  if (!columns)
    return weight; // headWeight refuses it
  Value row;
  if (bias) {
    row = raising.reshape(op, bias, {1, *columns});
  } else {
    Builder b(raising.getContext());
    auto type = RankedTensorType::get({1, *columns},
                                      getElementTypeOrSelf(weight.getType()));
    row = raising.create(
        op, "Constant", {},
        b.getNamedAttr("value",
                       DenseElementsAttr::get(
                           type, b.getZeroAttr(type.getElementType()))));
  }
  return raising.concat(op, {weight, row}, 0);
}

/// The latent [B, T, R] with a column of ones behind it.
Value LatentMatch::withOnes(Value latent) {
  Builder b(raising.getContext());
  auto type =
      RankedTensorType::get({1, 1, 1}, getElementTypeOrSelf(latent.getType()));
  Value one = raising.create(
      op, "Constant", {},
      b.getNamedAttr("value", DenseElementsAttr::get(
                                  type, static_cast<Attribute>(b.getFloatAttr(
                                            type.getElementType(), 1.0)))));
  Value rows = raising.create(op, "Shape", latent,
                              {b.getNamedAttr("start", b.getI64IntegerAttr(0)),
                               b.getNamedAttr("end", b.getI64IntegerAttr(2))});
  Value shape = raising.concat(op, {rows, raising.integers(op, 1)}, 0);
  return raising.concat(
      op, {latent, raising.create(op, "Expand", {one, shape})}, 2);
}

bool LatentMatch::match() {
  if (raising.dims(op.getQuery())[1] != raising.dims(op.getKey())[1])
    return false;
  if (!readRows() || !splitKey())
    return isNear = !miss.reason.empty(), false;
  std::optional<Projection> up = project(nopeView, nope);
  if (!up)
    return false;
  // A product with a weight, split into heads, and a part that heads share.
  isNear = true;
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  if (dims[1] != space.extent(head) || dims[2] != space.extent(row))
    return fail(op, "values have other heads or rows than keys");
  valueColumn = space.addDim(dims[3]);
  valueView = space.backAll(factor(value, {batch, head, row, valueColumn}));
  std::optional<Projection> down = project(valueView, valueColumn);
  if (!down)
    return fail(valueView.value.getDefiningOp()
                    ? valueView.value.getDefiningOp()
                    : op.getOperation(),
                "values are no product with a weight");
  if (!sameLatent(up->latent, down->latent))
    return fail(down->product, "values come from another latent than keys");
  for (Projection *projection : {&*up, &*down}) {
    Operation *maker = projection->weight.getDefiningOp();
    if (!maker || !space.isInOrder(projection->latent, {batch, row, rank}))
      return fail(projection->product,
                  "the latent is no matrix of rows, or its weight no constant");
  }
  ropeView = free(ropeView, {batch, row, rope});
  if (ropeView.dependsOn(head))
    return fail(op, "the keys' shared part is laid out in another way");

  // The raised op makes the cache's new rows: it must stand before all that
  // uses them.
  if (pastKey)
    for (Value result : {op.getKey(), op.getValue()})
      for (Operation *user : result.getUsers())
        if (user != op &&
            (user->getBlock() != op->getBlock() || user->isBeforeInBlock(op)))
          return fail(user,
                      "cached keys or values are used before the attention");

  auto shaped = [&](const View &view, ArrayRef<SmallVector<unsigned>> groups) {
    return space.materialize(op, view, groups);
  };
  Value latent = shaped(up->latent, {{batch}, {row}, {rank}}),
        keyRope = shaped(ropeView, {{batch}, {row}, {rope}});
  hasBias = up->bias || down->bias;
  if (hasBias && latent)
    latent = withOnes(latent);
  Value upWeight = headWeight(*up, nope),
        downWeight = headWeight(*down, valueColumn);
  if (!latent || !keyRope || raising.dims(latent)[0] != space.extent(batch) ||
      raising.dims(keyRope)[0] != space.extent(batch))
    return fail(op, "the latent or the keys' shared part is laid out in "
                    "another way");
  if (!upWeight || !downWeight)
    return fail(up->product,
                "the weight's columns are neither head by head nor the heads' "
                "columns one by one");

  int64_t nopeWidth = *space.extent(nope).getConstant(),
          ropeWidth = *space.extent(rope).getConstant();
  // The query's parts, if they were joined just there.
  Value queries[2];
  auto joined = producer<onnx::ConcatOp>(op.getQuery());
  bool isJoined = joined && joined->getNumOperands() == 2 &&
                  raising.normalAxis(joined.getAxis(), op.getQuery()) == 3 &&
                  raising.dims(joined->getOperand(0))[3].isConstant(
                      nopeAt == 0 ? nopeWidth : ropeWidth);
  for (auto [i, begin, width] :
       {std::tuple(0, nopeAt, nopeWidth), {1, ropeAt, ropeWidth}})
    queries[i] =
        isJoined ? joined->getOperand(begin == 0 ? 0 : 1)
                 : raising.slice(op, op.getQuery(), 3, begin, begin + width);

  ImplicitLocOpBuilder builder = raising.builderBefore(op);
  bool isExpanded = static_cast<bool>(pastKey);
  SmallVector<Value> past;
  SmallVector<Type> present;
  if (isExpanded) {
    past = {pastKey, pastValue};
    present = {op.getKey().getType(), op.getValue().getType()};
  }
  auto raised = MLAAttentionOp::create(
      builder, op.getOutput().getType(), op.getLse().getType(), present,
      queries[0], queries[1], latent, keyRope, upWeight, downWeight, past,
      op.getMask(), op.getOffset(), op.getScale(), op.getMaskKind(),
      op.getMaskedRow(),
      isExpanded ? LatentForm::Decompressed : LatentForm::ByShape,
      isExpanded && nopeAt != 0, op.getSoftCapAttr());
  (void)raising.visit(raised);
  matched.append({up->product, down->product, op});
  SmallVector<Value> results = {op.getOutput(), op.getLse()};
  if (isExpanded)
    results.append({op.getKey(), op.getValue()});
  raising.replace(results, raised->getResults(), raised,
                  isExpanded ? kExpandedCache : kLatentCache, matched);
  return true;
}

namespace {
struct RaiseMLA : RaisingPass<trine::impl::TrineRaiseMLABase<RaiseMLA>> {
  void raise(Raising &raising) override {
    for (auto op : raising.opsOf<AttentionOp>()) {
      if (raiseAbsorbedLatent(raising, op)) {
        ++numRaised;
        continue;
      }
      LatentMatch match(raising, op);
      if (match.match()) {
        ++numRaised;
      } else if (match.isNear) {
        ++numMissed;
        raising.missed(op, "latent attention", match.miss);
      }
    }
  }
};
} // namespace
