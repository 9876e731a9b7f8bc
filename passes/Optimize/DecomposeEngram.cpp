// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hashes, lookups, gates and convolutions of Engram.
#include "DecomposeComposites.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

//===----------------------------------------------------------------------===//
// Reading by index
//===----------------------------------------------------------------------===//

/// Fails the step unless all of `indices` lie in [-size, size).
static void requireInRange(LinalgBuilder &b, Value indices, Value size,
                           const Twine &what) {
  unsigned rank = LinalgBuilder::typeOf(indices).getRank();
  Value upper = arith::IndexCastOp::create(b, b.getI64Type(), size);
  Value lower = arith::SubIOp::create(b, b.integer(0, b.getI64Type()), upper);
  SmallVector<int64_t> loops = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  Value all = b.reduce(
      {{indices, b.getMultiDimIdentityMap(rank)}}, rank, loops, {},
      b.integer(1, b.getI1Type()),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value above =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sge, s[0], lower);
        Value below =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, s[0], upper);
        return arith::AndIOp::create(b, s[1],
                                     arith::AndIOp::create(b, above, below));
      });
  RequireOp::create(b, all, what.str());
}

/// An index that is inside of [0, size) whatever the integer is; negative ones
/// count from the end.
static Value wrapIndex(ImplicitLocOpBuilder &b, Value integer, Value size) {
  Value index = arith::IndexCastOp::create(b, b.getIndexType(), integer);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value negative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, zero);
  index = arith::SelectOp::create(b, negative,
                                  arith::AddIOp::create(b, index, size), index);
  Value last =
      arith::SubIOp::create(b, size, arith::ConstantIndexOp::create(b, 1));
  index = arith::MinSIOp::create(b, index, last);
  return arith::MaxSIOp::create(b, index, zero);
}

/// table[position], or zero where the table may have no rows at all.
static Value extractRow(ImplicitLocOpBuilder &b, Value table,
                        ArrayRef<Value> position, Value size) {
  RankedTensorType type = LinalgBuilder::typeOf(table);
  if (!type.isDynamicDim(0) && type.getDimSize(0) > 0)
    return tensor::ExtractOp::create(b, table, position);
  Value hasRows = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, size,
                                        arith::ConstantIndexOp::create(b, 0));
  auto guarded = scf::IfOp::create(
      b, hasRows,
      [&](OpBuilder &builder, Location loc) {
        ImplicitLocOpBuilder b(loc, builder);
        scf::YieldOp::create(
            b, tensor::ExtractOp::create(b, table, position).getResult());
      },
      [&](OpBuilder &builder, Location loc) {
        ImplicitLocOpBuilder b(loc, builder);
        scf::YieldOp::create(b, arith::ConstantOp::create(
                                    b, b.getZeroAttr(type.getElementType()))
                                    .getResult());
      });
  return guarded.getResult(0);
}

static std::string describeRange(RankedTensorType table, StringRef unit) {
  if (table.isDynamicDim(0))
    return ("[-n, n) for the n " + unit).str();
  std::string size = std::to_string(table.getDimSize(0));
  return "[-" + size + ", " + size + ")";
}

/// Two tensors, one after the other along dimension 1.
static Value concatTime(LinalgBuilder &b, Value first, Value second) {
  Sizes firstSizes = b.sizes(first), secondSizes = b.sizes(second), sizes;
  sizes = secondSizes;
  std::optional<int64_t> before = getConstantIntValue(firstSizes[1]),
                         count = getConstantIntValue(secondSizes[1]);
  if (before && count)
    sizes[1] = b.getIndexAttr(*before + *count);
  else
    sizes[1] = arith::AddIOp::create(b, b.indexOf(firstSizes[1]),
                                     b.indexOf(secondSizes[1]))
                   .getResult();
  Value joined = b.empty(sizes, LinalgBuilder::typeOf(first).getElementType());
  Sizes offsets(sizes.size(), b.getIndexAttr(0)),
      strides(sizes.size(), b.getIndexAttr(1));
  joined = tensor::InsertSliceOp::create(b, first, joined, offsets, firstSizes,
                                         strides);
  offsets[1] = firstSizes[1];
  return tensor::InsertSliceOp::create(b, second, joined, offsets, secondSizes,
                                       strides);
}

/// `count` places along dimension 1, from `start`.
static Value sliceTime(LinalgBuilder &b, Value tensor, OpFoldResult start,
                       OpFoldResult count) {
  Sizes sizes = b.sizes(tensor), offsets(sizes.size(), b.getIndexAttr(0));
  // Nothing is taken from within bounds, which the end is not.
  offsets[1] = isZeroInteger(count) ? b.getIndexAttr(0) : start;
  sizes[1] = count;
  return b.slice(tensor, offsets, sizes);
}

//===----------------------------------------------------------------------===//
// Hash
//===----------------------------------------------------------------------===//

static Value integerTable(LinalgBuilder &b, ArrayRef<int64_t> shape,
                          ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(shape, b.getI64Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
}

/// token_map[token_ids].
static Value mapTokens(EngramHashOp op, LinalgBuilder &b) {
  Value ids = op.getTokenIds(), map = op.getTokenMap();
  if (!map)
    return ids;
  Value size = b.indexOf(b.size(map, 0));
  requireInRange(b, ids, size,
                 "token ids of an Engram hash must lie in " +
                     describeRange(LinalgBuilder::typeOf(map),
                                   "entries of its token map"));
  return b.map(
      {{ids, b.getMultiDimIdentityMap(2)}}, b.sizes(ids), b.getI64Type(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) {
        Value id = extractRow(b, map, wrapIndex(b, s[0], size), size);
        return id.getType() == b.getI64Type()
                   ? id
                   : arith::ExtSIOp::create(b, b.getI64Type(), id).getResult();
      });
}

/// One loop over the columns: the multipliers are a table in which those of
/// places that a column's order does not reach are 0, and 0 changes no
/// exclusive or.
Decomposed mlir::trine::decompose(EngramHashOp op, LinalgBuilder &b) {
  Type integer = b.getI64Type();
  int64_t order = op.getMaxOrder(), heads = op.getHeads(), before = order - 1,
          columns = before * heads;
  Value mapped = mapTokens(op, b), history = op.getHistory();
  OpFoldResult batch = b.size(mapped, 0), length = b.size(mapped, 1);
  if (!history)
    history = b.filled({batch, b.getIndexAttr(before)},
                       b.integer(op.getPad(), integer));
  Value sequence = concatTime(b, history, mapped);

  SmallVector<LinalgBuilder::Input> inputs;
  AffineMap token = b.select(3, {0, 1}), column = b.select(3, {2});
  for (int64_t s = 0; s < order; ++s)
    inputs.push_back(
        {sliceTime(b, sequence, b.getIndexAttr(before - s), length), token});
  for (int64_t s = 0; s < order; ++s) {
    SmallVector<int64_t> multipliers(columns, 0);
    for (int64_t c = 0; c < columns; ++c)
      if (s < c / heads + 2)
        multipliers[c] = op.getMultipliers()[s];
    inputs.push_back({integerTable(b, {columns}, multipliers), column});
  }
  inputs.push_back({integerTable(b, {columns}, op.getModuli()), column});
  inputs.push_back({integerTable(b, {columns}, op.getOffsets()), column});

  bool resets = op.getReset() == HashReset::AfterToken;
  Value zero = b.integer(0, integer), pad, resetToken;
  if (resets) {
    pad = b.integer(op.getPad(), integer);
    resetToken = b.integer(*op.getResetToken(), integer);
  }
  Value rows = b.map(
      inputs, {batch, length, b.getIndexAttr(columns)}, integer,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value mixed, forgotten;
        for (int64_t i = 0; i < order; ++i) {
          Value id = s[i];
          // The token itself counts; one some places back hides itself and
          // what lies before it.
          if (resets && i > 0) {
            Value ends = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, id,
                                               resetToken);
            forgotten = forgotten
                            ? Value(arith::OrIOp::create(b, forgotten, ends))
                            : ends;
            id = arith::SelectOp::create(b, forgotten, pad, id);
          }
          Value term = arith::MulIOp::create(b, id, s[order + i]);
          mixed = mixed ? Value(arith::XOrIOp::create(b, mixed, term)) : term;
        }
        Value modulus = s[2 * order], offset = s[2 * order + 1];
        Value remainder = arith::RemSIOp::create(b, mixed, modulus);
        // Also where products are said not to wrap: a row must never lie
        // outside of its column's range.
        Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                               remainder, zero);
        remainder = arith::SelectOp::create(
            b, negative, arith::AddIOp::create(b, remainder, modulus),
            remainder);
        return arith::AddIOp::create(b, remainder, offset);
      });
  Value present = sliceTime(b, sequence, length, b.getIndexAttr(before));
  return SmallVector<Value>{rows, present};
}

//===----------------------------------------------------------------------===//
// Lookup
//===----------------------------------------------------------------------===//

/// The hash whose rows `value` holds under whatever shape.
static EngramHashOp hashBehind(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto hash = dyn_cast<EngramHashOp>(op))
      return value == hash.getRows() ? hash : EngramHashOp();
    if (!isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             tensor::ReshapeOp, tensor::ExtractSliceOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

bool mlir::trine::areRowsInRange(EngramLookupOp op) {
  EngramHashOp hash = hashBehind(op.getRows());
  int64_t count = LinalgBuilder::typeOf(op.getTable()).getDimSize(0);
  if (!hash || ShapedType::isDynamic(count))
    return false;
  for (auto [modulus, offset] : llvm::zip(hash.getModuli(), hash.getOffsets()))
    if (offset > count || modulus > count - offset)
      return false;
  return true;
}

/// All values of an 8-bit float type as a table of f32.
static Value valuesOf(LinalgBuilder &b, FloatType type) {
  SmallVector<float> values;
  for (unsigned bits = 0; bits < 256; ++bits) {
    APFloat value(type.getFloatSemantics(), APInt(8, bits));
    bool lost;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lost);
    values.push_back(value.convertToFloat());
  }
  auto tableType = RankedTensorType::get(256, b.getF32Type());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(tableType, ArrayRef<float>(values)));
}

/// The f32 value of an 8-bit float: no target has to know the type.
static Value widen(ImplicitLocOpBuilder &b, Value scalar, Value values) {
  Value bits = arith::BitcastOp::create(b, b.getI8Type(), scalar);
  Value index = arith::IndexCastUIOp::create(b, b.getIndexType(), bits);
  return tensor::ExtractOp::create(b, values, index);
}

Decomposed mlir::trine::decompose(EngramLookupOp op, LinalgBuilder &b) {
  Value rows = op.getRows(), table = op.getTable(), scales = op.getScales();
  RankedTensorType tableType = LinalgBuilder::typeOf(table);
  Value count = b.indexOf(b.size(table, 0));
  if (!op->hasAttr(kRowsInRange))
    requireInRange(b, rows, count,
                   "rows of an Engram lookup must lie in " +
                       describeRange(tableType, "rows of its table"));
  Sizes sizes = b.sizes(rows);
  unsigned outer = sizes.size();
  sizes.push_back(b.size(table, 1));
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, outer));
  Type elementType = LinalgBuilder::typeOf(op.getResult()).getElementType();

  Value values, scaleValues, blockWidth;
  if (scales) {
    values = valuesOf(b, cast<FloatType>(tableType.getElementType()));
    auto scaleType =
        cast<FloatType>(LinalgBuilder::typeOf(scales).getElementType());
    if (scaleType.getWidth() == 8)
      scaleValues = valuesOf(b, scaleType);
    blockWidth = arith::DivUIOp::create(b, b.indexOf(sizes.back()),
                                        b.indexOf(b.size(scales, 1)));
  }
  return SmallVector<Value>{b.map(
      {{rows, b.select(outer + 1, dims)}}, sizes, elementType,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value row = wrapIndex(b, s[0], count);
        Value at = linalg::IndexOp::create(b, outer);
        Value value = extractRow(b, table, {row, at}, count);
        if (!scales)
          return value;
        Value block = arith::DivUIOp::create(b, at, blockWidth);
        Value scale = extractRow(b, scales, {row, block}, count);
        scale = scaleValues ? widen(b, scale, scaleValues)
                            : LinalgBuilder::convert(b, scale, b.getF32Type());
        return arith::MulFOp::create(b, widen(b, value, values), scale);
      })};
}

//===----------------------------------------------------------------------===//
// Gate
//===----------------------------------------------------------------------===//

static Value sigmoid(ImplicitLocOpBuilder &b, Value x) {
  Value one = arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), 1.0));
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, exp));
}

/// The signed root of a scalar.
static Value signedRoot(ImplicitLocOpBuilder &b, SignedRoot root, Value x,
                        double floor) {
  if (root == SignedRoot::None)
    return x;
  Type type = x.getType();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  };
  Value size = math::SqrtOp::create(
      b,
      arith::MaximumFOp::create(b, math::AbsFOp::create(b, x), number(floor)));
  if (root == SignedRoot::CopySign)
    return math::CopySignOp::create(b, size, x);
  Value zero = number(0);
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, zero);
  // Neither: zero, or not a number.
  Value negative =
      arith::SelectOp::create(b, below, arith::NegFOp::create(b, size), x);
  return arith::SelectOp::create(b, above, size, negative);
}

Decomposed mlir::trine::decompose(EngramGateOp op, LinalgBuilder &b) {
  Value key = op.getKey(), query = op.getQuery();
  Sizes sizes = b.sizes(key), outer(sizes.begin(), sizes.end() - 1);
  Type elementType = LinalgBuilder::typeOf(key).getElementType(),
       type = LinalgBuilder::computeType(elementType);
  AffineMap identity = b.getMultiDimIdentityMap(4),
            weights = b.select(4, {2, 3});
  Value zero = b.number(0, type);
  auto sumOfSquares = [&](Value tensor) {
    return b.reduce({{tensor, identity}}, 4, 3, outer, zero,
                    [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                      return arith::AddFOp::create(
                          b, s[1], arith::MulFOp::create(b, s[0], s[0]));
                    });
  };
  Value keySum = sumOfSquares(key), querySum = sumOfSquares(query);
  Value dot = b.reduce(
      {{key, identity},
       {op.getKeyWeight(), weights},
       {query, identity},
       {op.getQueryWeight(), weights}},
      4, 3, outer, zero, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        auto scaled = [&](Value x, Value weight) {
          return arith::MulFOp::create(b, x,
                                       LinalgBuilder::convert(b, weight, type));
        };
        return arith::AddFOp::create(
            b, s[4],
            arith::MulFOp::create(b, scaled(s[0], s[1]), scaled(s[2], s[3])));
      });

  Value width = arith::SIToFPOp::create(
      b, type,
      arith::IndexCastOp::create(b, b.getI64Type(), b.indexOf(sizes.back())));
  Value rootOfWidth = math::SqrtOp::create(b, width);
  Value epsilon = b.number(op.getEpsilon().convertToDouble(), type);
  double floor = op.getFloor().convertToDouble();
  AffineMap rows = b.getMultiDimIdentityMap(3);
  Value gate = b.map({{keySum, rows}, {querySum, rows}, {dot, rows}}, outer,
                     type, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                       auto inverseNorm = [&](Value sum) -> Value {
                         Value mean = arith::DivFOp::create(b, sum, width);
                         return math::RsqrtOp::create(
                             b, arith::AddFOp::create(b, mean, epsilon));
                       };
                       // One norm after the other: their product may be out of
                       // range.
                       Value g =
                           arith::MulFOp::create(b, s[2], inverseNorm(s[0]));
                       g = arith::MulFOp::create(b, g, inverseNorm(s[1]));
                       g = arith::DivFOp::create(b, g, rootOfWidth);
                       return sigmoid(b, signedRoot(b, op.getRoot(), g, floor));
                     });
  return SmallVector<Value>{b.map(
      {{gate, b.select(4, {0, 1, 2})}, {op.getValue(), b.select(4, {0, 1, 3})}},
      sizes, elementType, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        return arith::MulFOp::create(b, s[0],
                                     LinalgBuilder::convert(b, s[1], type));
      })};
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// More taps than this are a loop.
static constexpr int64_t kUnrolledTaps = 8;

Decomposed mlir::trine::decompose(EngramConvOp op, LinalgBuilder &b) {
  Value input = op.getInput(), weight = op.getWeight();
  RankedTensorType weightType = LinalgBuilder::typeOf(weight);
  int64_t taps = weightType.getDimSize(1), dilation = op.getDilation();
  if (ShapedType::isDynamic(taps) || taps < 1)
    return op.emitOpError()
           << "has no decomposition when the number of taps is not known";
  Sizes sizes = b.sizes(input);
  Type elementType = LinalgBuilder::typeOf(input).getElementType(),
       type = LinalgBuilder::computeType(elementType);
  Value sequence = concatTime(b, op.getState(), input);
  Value present = sliceTime(b, sequence, sizes[1], b.size(op.getState(), 1));

  // Channels innermost, as they lie in memory: taps become rows.
  Value turned = linalg::TransposeOp::create(
                     b, weight,
                     b.empty({b.size(weight, 1), b.size(weight, 0)},
                             weightType.getElementType()),
                     ArrayRef<int64_t>{1, 0})
                     ->getResult(0);
  if (taps <= kUnrolledTaps) {
    SmallVector<LinalgBuilder::Input> inputs;
    for (int64_t i = 0; i < taps; ++i)
      inputs.push_back(
          {sliceTime(b, sequence, b.getIndexAttr(i * dilation), sizes[1]),
           b.getMultiDimIdentityMap(3)});
    for (int64_t i = 0; i < taps; ++i) {
      Value tap = b.slice(turned, {b.getIndexAttr(i), b.getIndexAttr(0)},
                          {b.getIndexAttr(1), sizes[2]});
      inputs.push_back({tap, b.select(3, {-1, 2})});
    }
    Value result =
        b.map(inputs, sizes, elementType,
              [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                Value sum;
                for (int64_t i = 0; i < taps; ++i) {
                  Value term = arith::MulFOp::create(
                      b, LinalgBuilder::convert(b, s[taps + i], type), s[i]);
                  sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
                }
                return sum;
              });
    return SmallVector<Value>{result, present};
  }
  AffineExpr batch, time, channel, tap;
  bindDims(b.getContext(), batch, time, channel, tap);
  AffineMap places = AffineMap::get(
      4, 0, {batch, time + tap * dilation, channel}, b.getContext());
  Value sum = b.reduce(
      {{sequence, places}, {turned, b.select(4, {3, 2})}}, 4, 3, sizes,
      b.number(0, type), [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        return arith::AddFOp::create(
            b, s[2],
            arith::MulFOp::create(b, LinalgBuilder::convert(b, s[1], type),
                                  s[0]));
      });
  if (type != elementType)
    sum = b.map({{sum, b.getMultiDimIdentityMap(3)}}, sizes, elementType,
                [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
  return SmallVector<Value>{sum, present};
}
