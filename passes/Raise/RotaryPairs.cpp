// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RotaryPairs.h"

using namespace mlir;
using namespace mlir::trine;

std::optional<NumberSlice> mlir::trine::matchNumberSlice(Value value,
                                                         Raising &raising) {
  auto slice = producer<onnx::SliceOp>(value);
  if (!slice)
    return std::nullopt;
  int64_t numbers[4];
  Value lists[] = {slice.getStarts(), slice.getEnds(), slice.getAxes(),
                   slice.getSteps()};
  for (auto [number, list] : llvm::zip_equal(numbers, lists)) {
    auto elements = constantIntegers(list);
    if (!elements || elements->size() != 1)
      return std::nullopt;
    number = elements->front();
  }
  NumberSlice result{slice.getData(),
                     raising.normalAxis(numbers[2], slice.getData()),
                     numbers[0], numbers[1], numbers[3]};
  if (result.axis < 0 || result.axis >= raising.rank(slice.getData()))
    return std::nullopt;
  std::optional<int64_t> size = raising.staticDim(slice.getData(), result.axis);
  if (!size || result.begin < 0 || result.begin > result.end ||
      result.end > *size || result.step < 1)
    return std::nullopt;
  return result;
}

/// x where `value` is x with the even elements of its last dimension in front:
/// Reshape(Transpose(Reshape(x, [..., m, 2])), [..., 2m]).
static Value matchEvensInFront(Value value, Raising &raising) {
  auto join = producer<onnx::ReshapeOp>(value);
  auto transpose =
      join ? producer<onnx::TransposeOp>(join.getData()) : onnx::TransposeOp();
  if (!transpose || !transpose.getPerm())
    return {};
  Value parted = transpose.getData();
  ArrayRef<int64_t> order = *transpose.getPerm();
  int64_t rank = order.size();
  ArrayRef<SymbolicExpression> from = raising.dims(parted),
                               to = raising.dims(value);
  if (rank < 2 || !from[rank - 1].isConstant(2) ||
      order[rank - 1] != rank - 2 || order[rank - 2] != rank - 1 ||
      !llvm::is_sorted(order.drop_back(2)) || to.empty() ||
      to.back() != from[rank - 2] * 2 || to.drop_back() != from.drop_back(2))
    return {};
  return parted;
}

std::optional<RotaryPairs> mlir::trine::matchRotaryPairs(Value a, Value b,
                                                         int64_t half,
                                                         Raising &raising) {
  std::optional<NumberSlice> first = matchNumberSlice(
                                 raising.skipUnitReshapes(a), raising),
                             second = matchNumberSlice(
                                 raising.skipUnitReshapes(b), raising);
  if (!first || !second || first->data != second->data ||
      first->axis != second->axis || first->step != second->step)
    return std::nullopt;
  Value data = first->data;
  int64_t rank = raising.rank(data), axis = first->axis;
  auto count = [](const NumberSlice &slice) {
    return llvm::divideCeil(slice.end - slice.begin, slice.step);
  };
  int64_t size = count(*first);
  if (static_cast<int64_t>(count(*second)) != size)
    return std::nullopt;
  RotaryPairs pairs;
  pairs.source = pairs.cut = data;
  pairs.half = half;
  pairs.begin = first->begin;
  if (axis == rank - 1 && size == half) {
    if (first->step == 2 && second->begin == first->begin + 1) {
      pairs.pairing = RopePairing::Interleaved;
      return pairs;
    }
    if (first->step != 1 || second->begin != first->begin + half)
      return std::nullopt;
    // The halves of evens and odds.
    if (Value parted = matchEvensInFront(data, raising);
        parted && first->begin == 0 &&
        raising.staticDim(parted, raising.rank(parted) - 2) == half) {
      pairs.source = parted;
      pairs.isView = true;
      pairs.pairing = RopePairing::Interleaved;
    }
    return pairs;
  }
  // One of the two of a dimension of size 2, next to one of pairs.
  if (size != 1 || raising.staticDim(data, axis) != 2 || first->begin != 0 ||
      second->begin != 1 || rank < 2)
    return std::nullopt;
  pairs.isView = true;
  if (axis == rank - 1 && raising.staticDim(data, rank - 2) == half) {
    pairs.pairing = RopePairing::Interleaved;
    return pairs;
  }
  if (axis == rank - 2 && raising.staticDim(data, rank - 1) == half)
    return pairs;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// x of a table [..., 2m]: Concat(x, x), or Reshape of [..., m, 2] whose last
/// dimension holds x twice.
static Value matchRepeated(Value table, bool interleaved, Raising &raising) {
  auto isTwice = [&](Value value, Value &part) {
    int64_t last = raising.rank(value) - 1;
    if (auto concat = producer<onnx::ConcatOp>(value)) {
      part = concat.getInputs().front();
      return concat.getInputs().size() == 2 &&
             concat.getInputs().back() == part &&
             raising.normalAxis(concat.getAxis(), value) == last;
    }
    if (auto expand = producer<onnx::ExpandOp>(value)) {
      part = expand.getInput();
      ArrayRef<SymbolicExpression> from = raising.dims(part);
      return interleaved && !from.empty() && from.back().isConstant(1) &&
             static_cast<int64_t>(from.size()) == last + 1 &&
             from.drop_back() == raising.dims(value).drop_back();
    }
    return false;
  };
  Value part;
  if (!interleaved)
    return isTwice(table, part) ? part : Value();
  auto join = producer<onnx::ReshapeOp>(table);
  if (!join)
    return {};
  Value stacked = join.getData();
  ArrayRef<SymbolicExpression> from = raising.dims(stacked);
  if (from.size() < 2 || !from.back().isConstant(2) ||
      raising.dims(table).empty() ||
      raising.dims(table).back() != from[from.size() - 2] * 2 ||
      !isTwice(stacked, part) || !raising.dims(part).back().isConstant(1))
    return {};
  return part;
}

Value RotaryTables::find(Value table, bool interleaved) {
  Operation *op = table.getDefiningOp();
  if (!op || raising.rank(table) < 1)
    return {};
  if (Value part = matchRepeated(table, interleaved, raising)) {
    // [..., m, 1] as [..., m], and sizes of 1 as the table has them.
    SmallVector<SymbolicExpression> sizes(raising.dims(table));
    SymbolicContext &context = sizes.back().getContext();
    sizes.back() = floorDiv(sizes.back(), context.getConstant(2));
    return raising.reshape(op, part, sizes);
  }
  // A table that is a weight; the importer has compared its halves.
  if (auto weight = dyn_cast<onnx::InitializerOp>(op)) {
    auto repeats = op->getAttrOfType<StringAttr>("onnx.repeats");
    std::optional<int64_t> width =
        raising.staticDim(table, raising.rank(table) - 1);
    if (!repeats || !width ||
        repeats.getValue() != (interleaved ? "pairs" : "halves"))
      return {};
    Operation *before = op->getNextNode();
    int64_t last = raising.rank(table) - 1;
    if (!interleaved)
      return raising.slice(before, table, last, 0, *width / 2);
    return raising.create(
        before, "Slice",
        {table, raising.integers(before, 0), raising.integers(before, *width),
         raising.integers(before, last), raising.integers(before, 2)});
  }
  // The same work on half of the elements.
  SmallVector<Value> operands(op->getOperands());
  if (isa<onnx::CastOp, onnx::CosOp, onnx::SinOp, onnx::NegOp>(op)) {
    operands[0] = halfOf(operands[0], interleaved);
  } else if (isa<onnx::MulOp, onnx::AddOp, onnx::DivOp, onnx::SubOp>(op)) {
    std::optional<NumberOperand> parts = splitNumber(op);
    if (!parts || !raising.haveSameShape(parts->other, table))
      return {};
    for (Value &operand : operands)
      if (operand == parts->other)
        operand = halfOf(operand, interleaved);
  } else if (auto gather = dyn_cast<onnx::GatherOp>(op)) {
    // Rows of a table.
    if (raising.normalAxis(gather.getAxis(), gather.getData()) ==
        raising.rank(gather.getData()) - 1)
      return {};
    operands[0] = halfOf(operands[0], interleaved);
  } else if (auto reshape = dyn_cast<onnx::ReshapeOp>(op)) {
    Value input = reshape.getData();
    if (wideSizes(raising.dims(input)) != wideSizes(raising.dims(table)) ||
        raising.dims(input).empty() ||
        raising.dims(input).back() != raising.dims(table).back())
      return {};
    Value half = halfOf(input, interleaved);
    if (!half)
      return {};
    SmallVector<SymbolicExpression> sizes(raising.dims(table));
    sizes.back() = raising.dims(half).back();
    return raising.reshape(op, half, sizes);
  } else {
    return {};
  }
  if (llvm::is_contained(operands, Value()))
    return {};
  return raising.create(op, op->getName().stripDialect(), operands,
                        llvm::to_vector(op->getAttrs()));
}

Value RotaryTables::halfOf(Value table, bool interleaved) {
  auto known = halves.find({table, unsigned(interleaved)});
  if (known != halves.end())
    return known->second;
  // Chains are short; this bounds what a file can make of them.
  if (depth >= 8)
    return {};
  ++depth;
  Value half = find(table, interleaved);
  --depth;
  halves[{table, unsigned(interleaved)}] = half;
  return half;
}
