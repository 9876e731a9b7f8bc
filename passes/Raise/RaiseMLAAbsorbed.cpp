// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Latent attention that is written in the absorbed form: queries are multiplied
// with each head's weight of the keys, keys are [latent, k_rope] and values the
// latent for all heads, and the output is multiplied with each head's weight of
// the values.
#include "IndexViews.h"
#include "RaiseMLA.h"
#include "RaiseMoE.h"

using namespace mlir;
using namespace mlir::trine;

namespace {

/// left · right with one matrix of weights for each head.
struct HeadProduct {
  Operation *product = nullptr;
  View left, right;
  /// The dim that is summed.
  unsigned inner = 0;
};

class AbsorbedMatch {
public:
  AbsorbedMatch(Raising &raising, AttentionOp op)
      : raising(raising), space(raising), op(op) {}

  bool match();

private:
  View viewOf(Value value, ArrayRef<unsigned> dims) {
    View view{value, {}};
    for (unsigned dim : dims)
      view.index.push_back(space.plain(dim));
    return space.backAll(view);
  }
  bool readKeys();
  std::optional<HeadProduct> readProduct(const View &view);
  std::optional<View> part(const View &joined, unsigned all, unsigned which,
                           unsigned column);
  Operation *findOutputProduct();
  bool readOutput(Operation *product);

  Raising &raising;
  IndexSpace space;
  AttentionOp op;
  unsigned batch = 0, head = 0, one = 0, row = 0, keyRow = 0;
  /// Columns of the latent, of the rotated part, of the values.
  unsigned latent = 0, rope = 0, valueColumn = 0;
  /// Which part of the keys the latent is.
  unsigned latentPart = 0;
  View latentView, ropeView;
  HeadProduct query, output;
  /// The dims of the output's product that [B, H, S, V] are.
  SmallVector<int64_t> order;
};

} // namespace

/// The part of a Concat along `all` that is `which`, from `column`.
std::optional<View> AbsorbedMatch::part(const View &joined, unsigned all,
                                        unsigned which, unsigned column) {
  auto concat = producer<onnx::ConcatOp>(joined.value);
  if (!concat || concat->getNumOperands() != 2)
    return std::nullopt;
  int64_t axis = raising.normalAxis(concat.getAxis(), joined.value);
  if (joined.index[axis].getPlainDim() != all)
    return std::nullopt;
  View view{concat->getOperand(which), joined.index};
  if (raising.dims(view.value)[axis] != space.extent(column))
    return std::nullopt;
  view.index[axis] = space.plain(column);
  return space.backAll(view);
}

/// Keys [latent, k_rope] in either order, and values that are the same latent.
bool AbsorbedMatch::readKeys() {
  ArrayRef<SymbolicExpression> keys = raising.dims(op.getKey()),
                               values = raising.dims(op.getValue());
  std::optional<int64_t> width = keys[3].getConstant(),
                         rank = values[3].getConstant();
  if (keys[1] != values[1] || !width || !rank || *rank >= *width)
    return false;
  batch = space.addDim(keys[0]);
  one = space.addDim(keys[1]);
  keyRow = space.addDim(keys[2]);
  latent = space.addDim(values[3]);
  rope = space.addDim(space.number(*width - *rank));
  unsigned all = space.addDim(keys[3]);
  View joined = viewOf(op.getKey(), {batch, one, keyRow, all});
  View value = viewOf(op.getValue(), {batch, one, keyRow, latent});
  for (latentPart = 0; latentPart < 2; ++latentPart) {
    std::optional<View> source = part(joined, all, latentPart, latent),
                        rest = part(joined, all, 1 - latentPart, rope);
    // All heads share them, perhaps repeated.
    if (source && rest && source->value == value.value &&
        source->index == value.index && !source->dependsOn(one) &&
        !rest->dependsOn(one)) {
      latentView = *source;
      ropeView = *rest;
      return true;
    }
  }
  return false;
}

/// A product with a weight for each head, seen from `view`.
std::optional<HeadProduct> AbsorbedMatch::readProduct(const View &view) {
  auto matmul = producer<onnx::MatMulOp>(view.value);
  if (!matmul || raising.rank(matmul->getOperand(0)) < 2 ||
      raising.rank(matmul->getOperand(1)) < 2 ||
      !isWeight(matmul->getOperand(1)))
    return std::nullopt;
  HeadProduct result;
  result.product = matmul;
  result.inner = space.addDim(raising.dims(matmul->getOperand(0)).back());
  size_t rank = view.index.size();
  SmallVector<AffineIndex> index(ArrayRef(view.index).drop_back(2));
  index.append({view.index[rank - 2], space.plain(result.inner)});
  std::optional<View> left = space.broadcast(matmul->getOperand(0), index);
  index[rank - 2] = space.plain(result.inner);
  index[rank - 1] = view.index[rank - 1];
  std::optional<View> right = space.broadcast(matmul->getOperand(1), index);
  if (!left || !right)
    return std::nullopt;
  result.left = space.normalize(*left);
  result.right = space.normalize(*right);
  return result;
}

/// The product that alone uses the output.
Operation *AbsorbedMatch::findOutputProduct() {
  Value value = op.getOutput();
  for (unsigned steps = 0; steps < 8 && value.hasOneUse(); ++steps) {
    Operation *user = *value.user_begin();
    if (isa<onnx::MatMulOp>(user))
      return user->getOperand(0) == value ? user : nullptr;
    if (!isa<onnx::ReshapeOp, onnx::TransposeOp, onnx::SqueezeOp,
             onnx::UnsqueezeOp>(user))
      return nullptr;
    value = user->getResult(0);
  }
  return nullptr;
}

bool AbsorbedMatch::readOutput(Operation *product) {
  ArrayRef<SymbolicExpression> dims = raising.dims(product->getResult(0));
  SmallVector<unsigned> all;
  for (SymbolicExpression size : dims)
    all.push_back(space.addDim(size));
  View view{product->getResult(0), {}};
  for (unsigned dim : all)
    view.index.push_back(space.plain(dim));
  std::optional<HeadProduct> read = readProduct(view);
  if (!read)
    return false;
  output = *read;
  View source = space.backAll(output.left);
  if (source.value != op.getOutput())
    return false;
  // Where the dims of the attention's output are among those of the product.
  ArrayRef<SymbolicExpression> sizes = raising.dims(op.getOutput());
  SmallVector<std::optional<unsigned>> own;
  for (auto [index, size] : llvm::zip_equal(source.index, sizes)) {
    if (!index.getPlainDim() && !size.isConstant(1))
      return false;
    own.push_back(index.getPlainDim());
  }
  if (own[3] != output.inner || !own[1])
    return false;
  head = *own[1];
  valueColumn = all.back();
  own[3] = valueColumn;
  for (unsigned dim : all) {
    if (space.extent(dim).isConstant(1) && dim != head && dim != valueColumn)
      continue;
    auto found = llvm::find(own, std::optional(dim));
    if (found == own.end())
      return false;
    order.push_back(found - own.begin());
  }
  // Dims of 1 go anywhere.
  for (int64_t dim = 0; dim < 4; ++dim)
    if (!llvm::is_contained(order, dim)) {
      if (!sizes[dim].isConstant(1))
        return false;
      order.insert(order.begin(), dim);
    }
  for (unsigned dim : all)
    if (dim != head && dim != valueColumn && output.right.dependsOn(dim))
      return false;
  return true;
}

bool AbsorbedMatch::match() {
  if (!op.getLse().use_empty() || !readKeys())
    return false;
  Operation *last = findOutputProduct();
  if (!last || !readOutput(last))
    return false;
  ArrayRef<SymbolicExpression> sizes = raising.dims(op.getQuery());
  if (sizes[1] != space.extent(head))
    return false;
  // The queries' dims; their heads are those of the output.
  unsigned queryBatch = space.addDim(sizes[0]);
  row = space.addDim(sizes[2]);
  unsigned all = space.addDim(sizes[3]);
  View joined = viewOf(op.getQuery(), {queryBatch, head, row, all});
  std::optional<View> absorbed = part(joined, all, latentPart, latent),
                      rotated = part(joined, all, 1 - latentPart, rope);
  std::optional<HeadProduct> read =
      absorbed ? readProduct(*absorbed) : std::nullopt;
  if (!read || !rotated)
    return false;
  query = *read;
  for (unsigned dim : {queryBatch, row})
    if (query.right.dependsOn(dim))
      return false;
  if (query.left.dependsOn(latent))
    return false;
  SymbolicExpression width = raising.dims(last->getResult(0)).back();
  if (!width.isConstant() || !space.extent(query.inner).isConstant())
    return false;

  Value q = space.materialize(last, query.left,
                              {{queryBatch}, {head}, {row}, {query.inner}});
  Value qRope =
      space.materialize(last, *rotated, {{queryBatch}, {head}, {row}, {rope}});
  Value rows =
      space.materialize(last, latentView, {{batch}, {keyRow}, {latent}});
  Value keyRope =
      space.materialize(last, ropeView, {{batch}, {keyRow}, {rope}});
  Value up =
      space.materialize(last, query.right, {{latent}, {head}, {query.inner}});
  Value down = space.materialize(last, output.right,
                                 {{output.inner}, {head}, {valueColumn}});
  auto fits = [&](Value value, std::initializer_list<SymbolicExpression> want) {
    return value && raising.dims(value) == ArrayRef<SymbolicExpression>(want);
  };
  SymbolicExpression heads = space.extent(head),
                     inner = space.extent(query.inner),
                     rank = space.extent(latent);
  if (!fits(q, {sizes[0], heads, sizes[2], inner}) ||
      !fits(qRope, {sizes[0], heads, sizes[2], space.extent(rope)}) ||
      !fits(rows, {space.extent(batch), space.extent(keyRow), rank}) ||
      !fits(keyRope,
            {space.extent(batch), space.extent(keyRow), space.extent(rope)}) ||
      !fits(up, {rank, heads, inner}) || !fits(down, {rank, heads, width}))
    return false;
  Type type = getElementTypeOrSelf(op.getOutput().getType());
  for (Value value :
       {q, qRope, rows, keyRope, up, down, Value(last->getResult(0))})
    if (getElementTypeOrSelf(value.getType()) != type)
      return false;

  ImplicitLocOpBuilder builder = raising.builderBefore(last);
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(op.getOutput().getType()).getShape());
  shape[3] = *width.getConstant();
  auto raised = MLAAttentionOp::create(
      builder, RankedTensorType::get(shape, type), op.getLse().getType(),
      TypeRange(), q, qRope, rows, keyRope, up, down, ValueRange(),
      op.getMask(), op.getOffset(), op.getScale(), op.getMaskKind(),
      op.getMaskedRow(), LatentForm::ByShape, /*rope_first=*/false,
      op.getSoftCapAttr());
  (void)raising.visit(raised);
  Value result = raised.getOutput();
  if (!llvm::is_sorted(order))
    result = raising.transpose(last, result, order);
  result = space.reshapeTo(last, result, raising.dims(last->getResult(0)));
  if (!result)
    return false;
  raising.replace(last->getResult(0), result, raised, "mla-absorbed",
                  {op, query.product, last});
  return true;
}

bool mlir::trine::raiseAbsorbedLatent(Raising &raising, AttentionOp op) {
  return AbsorbedMatch(raising, op).match();
}
