// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The Attention operator, with its masks.
#include "RaiseAttention.h"

using namespace mlir;
using namespace mlir::trine;

/// What an operator that masks in several ways at once adds to its scores;
/// null where its mask is shorter than the keys, or of another type.
Value AttentionMatch::joinMasks(onnx::AttentionOp op) {
  auto isNone = [](Value value) { return isa<NoneType>(value.getType()); };
  Builder b(raising.getContext());
  Type type = getElementTypeOrSelf(op.getQ().getType());
  Value mask = op.getAttnMask();
  if (!isNone(mask)) {
    ArrayRef<SymbolicExpression> dims = raising.dims(mask);
    if (dims.empty() ||
        (dims.back() != space.extent(column) && !dims.back().isConstant(1)) ||
        (isFloat(mask) && getElementTypeOrSelf(mask.getType()) != type))
      return Value();
  }
  auto constant = [&](TypedAttr element) {
    auto tensor = RankedTensorType::get({}, element.getType());
    return raising.create(
        op, "Constant", {},
        b.getNamedAttr("value", DenseElementsAttr::get(
                                    tensor, static_cast<Attribute>(element))));
  };
  Value one = constant(b.getI64IntegerAttr(1)),
        zero = constant(b.getI64IntegerAttr(0)),
        none = constant(
            b.getFloatAttr(type, -std::numeric_limits<double>::infinity()));
  auto size = [&](Value value, int64_t dimension) {
    Value shape = raising.create(
        op, "Shape", value,
        {b.getNamedAttr("start", b.getI64IntegerAttr(dimension)),
         b.getNamedAttr("end", b.getI64IntegerAttr(dimension + 1))});
    return raising.reshape(op, shape, ArrayRef<int64_t>());
  };
  auto range = [&](Value from, Value to) {
    return raising.create(op, "Range", {from, to, one});
  };
  auto add = [&](Value x, Value y) {
    return raising.create(op, "Add", {x, y});
  };
  int64_t time = raising.rank(op.getQ()) == 3 ? 1 : 2;
  Value past = isNone(op.getPastKey()) ? Value() : size(op.getPastKey(), 2);
  Value rows = size(op.getQ(), time), columns = size(op.getK(), time);
  Value values = constant(b.getFloatAttr(type, 0.0));
  if (!isNone(mask))
    values = isFloat(mask) ? mask
                           : raising.create(op, "Where", {mask, values, none});
  Value keys = range(zero, past ? add(past, columns) : columns);
  if (op.getIsCausal()) {
    Value queries = range(past ? past : zero, past ? add(past, rows) : rows);
    Value keep = raising.create(op, "LessOrEqual",
                                {keys, raising.reshape(op, queries, {-1, 1})});
    values = raising.create(op, "Where", {keep, values, none});
  }
  if (Value lengths = op.getNonpadKvSeqlen(); !isNone(lengths)) {
    Value keep = raising.create(
        op, "Less", {keys, raising.reshape(op, lengths, {-1, 1, 1, 1})});
    values = raising.create(op, "Where", {keep, values, none});
  }
  return values;
}

bool AttentionMatch::matchOperator(onnx::AttentionOp op) {
  isNear = true;
  auto isNone = [](Value value) { return isa<NoneType>(value.getType()); };
  if (!isNone(op.getQkMatmulOutput()) && !op.getQkMatmulOutput().use_empty())
    return fail(op, "scores or weights are used elsewhere");
  Type type = getElementTypeOrSelf(op.getQ().getType());
  for (Value value : {op.getK(), op.getV()})
    if (getElementTypeOrSelf(value.getType()) != type)
      return fail(op, "queries, keys and values are of several types");
  bool isFlat = raising.rank(op.getQ()) == 3,
       hasPast = !isNone(op.getPastKey());
  bool hasMask = !isNone(op.getAttnMask());
  // All that can fail comes before anything is built.
  auto headSize = [&](Value value,
                      std::optional<int64_t> heads) -> std::optional<int64_t> {
    if (!isFlat)
      return raising.dims(value)[3].getConstant();
    std::optional<int64_t> width = raising.dims(value)[2].getConstant();
    if (!width || !heads || *heads <= 0 || *width % *heads != 0)
      return std::nullopt;
    return *width / *heads;
  };
  std::optional<int64_t> queryHeads = op.getQNumHeads(),
                         keyHeads = op.getKvNumHeads(),
                         width = headSize(op.getQ(), queryHeads);
  if (!width || !headSize(op.getV(), keyHeads) ||
      !headSize(op.getK(), keyHeads))
    return fail(op, "the size of a head is not a number");
  if (!isFlat && (!raising.dims(op.getQ())[1].isConstant() ||
                  !raising.dims(op.getK())[1].isConstant()))
    return fail(op, "the number of heads is not a number");
  scale = op.getScale() ? op.getScale()->convertToFloat()
                        : 1 / std::sqrt(static_cast<double>(*width));
  softCap = op.getSoftcap().convertToDouble();

  SymbolicExpression rows = raising.dims(op.getQ())[isFlat ? 1 : 2],
                     added = raising.dims(op.getK())[isFlat ? 1 : 2],
                     columns = added;
  if (hasPast)
    columns = raising.dims(op.getPastKey())[2] + added;
  outer.push_back(space.addDim(raising.dims(op.getQ())[0]));
  outer.push_back(space.addDim(isFlat ? space.number(*queryHeads)
                                      : raising.dims(op.getQ())[1]));
  batchDims = {outer[0]};
  keyHeadDims = {outer[1]};
  row = productRow = space.addDim(rows);
  column = space.addDim(columns);
  valueColumn = space.addDim(space.number(*headSize(op.getV(), keyHeads)));
  valueProduct = op;
  matched.push_back(op);
  if (!isFlat && !readRowGuard())
    return false;
  if (isFlat)
    result = op.getY();

  // Rows without a key give 0, but causal masks alone leave none.
  MaskPlan plan;
  plan.maskedRow = MaskedRow::Zero;
  SymbolicExpression offset =
      hasPast ? raising.dims(op.getPastKey())[2] : space.number(0);
  if ((op.getIsCausal() && hasMask) || !isNone(op.getNonpadKvSeqlen())) {
    plan.kind = MaskKind::Additive;
    plan.mask = joinMasks(op);
    if (!plan.mask)
      return fail(op, "the mask is shorter than the keys");
  } else if (op.getIsCausal()) {
    plan.kind = MaskKind::Causal;
    if (offset != columns - rows) {
      plan.offset = masks.makeScalar(op, offset);
      if (!plan.offset)
        return fail(op, "the number of past keys is not an input's size");
    }
  } else if (hasMask) {
    SmallVector<AffineIndex> index = {space.plain(outer[0]),
                                      space.plain(outer[1]), space.plain(row),
                                      space.plain(column)};
    std::optional<View> view = space.broadcast(op.getAttnMask(), index);
    ArrayRef<SymbolicExpression> dims = raising.dims(op.getAttnMask());
    if (!view || dims.empty() ||
        (dims.back() != columns && !dims.back().isConstant(1)))
      return fail(op, "the mask is shorter than the keys");
    MaskTerm term;
    term.op = op;
    if (isFloat(op.getAttnMask())) {
      term.added = view;
    } else {
      term.keep = masks.analyzeCondition(*view);
      term.fill = -std::numeric_limits<double>::infinity();
    }
    terms.push_back(term);
    nanGuard = true;
    if (!planMask(plan, op))
      return false;
    if (terms[0].added && plan.kind == MaskKind::Causal)
      plan.maskedRow = rowGuard ? MaskedRow::Zero : MaskedRow::Uniform;
  }

  auto toHeads = [&](Value value, std::optional<int64_t> heads) {
    if (!isFlat)
      return value;
    ArrayRef<SymbolicExpression> dims = raising.dims(value);
    Value split = space.reshapeTo(op, value,
                                  {dims[0], dims[1], space.number(*heads),
                                   space.number(*headSize(value, heads))});
    return split ? raising.transpose(op, split, {0, 2, 1, 3}) : Value();
  };
  Value q = toHeads(op.getQ(), queryHeads), k = toHeads(op.getK(), keyHeads),
        v = toHeads(op.getV(), keyHeads);
  if (!q || !k || !v)
    // No test: heads were counted before.
    return fail(op, "sizes are unknown");
  Builder attributes(raising.getContext());
  if (hasPast) {
    k = raising.concat(op, {op.getPastKey(), k}, 2);
    v = raising.concat(op, {op.getPastValue(), v}, 2);
  }
  AttentionOp attention = build(op, q, k, v, plan);
  Value replacement = attention.getOutput();
  if (isFlat) {
    replacement = raising.transpose(op, replacement, {0, 2, 1, 3});
    replacement = space.reshapeTo(op, replacement, raising.dims(op.getY()));
    if (!replacement)
      // No test: they are those of the operands.
      return fail(op, "sizes are unknown");
  }
  SmallVector<Value> results = {result}, values = {replacement};
  for (auto [present, made] :
       {std::pair<Value, Value>(op.getPresentKey(), k),
        std::pair<Value, Value>(op.getPresentValue(), v)})
    if (!isNone(present)) {
      results.push_back(present);
      values.push_back(made);
    }
  raising.replace(results, values, attention, kOperator, matched);
  return true;
}
