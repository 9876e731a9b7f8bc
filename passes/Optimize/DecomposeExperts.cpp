// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.moe.experts and its parts. Slots (a token and one of its experts) are
// sorted by expert; then each expert multiplies its own rows with its own
// weights, read where they are. Nothing is computed for experts that no token
// chose.
#include "DecomposeComposites.h"
#include "DecomposeMoE.h"

using namespace mlir;
using namespace mlir::trine;

/// Rows that one step of a product takes: as many as a micro kernel keeps in
/// registers. The rows that are left over go one by one. Static, so that the
/// temporaries of a tile are.
static constexpr int64_t kRows = 4;
/// Columns of a product's tile.
static constexpr int64_t kColumns = 32;
/// Columns of a tile that is too wide for several rows.
static constexpr int64_t kWideColumns = 2048;

namespace {

struct Slots {
  Value order;    ///< slot of each sorted row, [N·k]
  Value position; ///< row of each slot, [N, k]
  Value offsets;  ///< first row of each expert, and the end, [E + 1]
};

} // namespace

static Value toIndex(LinalgBuilder &b, Value integer) {
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}
static Value toInteger(LinalgBuilder &b, Value index) {
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}

static OpFoldResult multiply(LinalgBuilder &b, OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return b.getIndexAttr(*a * *c);
  if (a == 1 || c == 1)
    return a == 1 ? y : x;
  return b.createOrFold<arith::MulIOp>(b.indexOf(x), b.indexOf(y));
}

/// Stable order of the slots of `ids` [N, k] by expert. Ids beyond the experts
/// come last; others that are not in range count as the nearest expert.
static Slots groupSlots(LinalgBuilder &b, Value ids, OpFoldResult experts,
                        bool hasIdentities) {
  OpFoldResult tokens = b.size(ids, 0), k = b.size(ids, 1);
  OpFoldResult slots = multiply(b, tokens, k);
  Value tokenCount = b.indexOf(tokens), kCount = b.indexOf(k);
  Value expertCount = b.indexOf(experts), zero = b.index(0);
  Value end = b.createOrFold<arith::AddIOp>(expertCount, b.index(1));
  Value last = hasIdentities
                   ? expertCount
                   : b.createOrFold<arith::SubIOp>(expertCount, b.index(1));
  Type i64 = b.getI64Type();
  OpFoldResult offsetCount = getAsOpFoldResult(end);
  SmallVector<Value> state = buildLoop(
      b, zero, end,
      {b.empty(slots, i64), b.empty({tokens, k}, i64),
       b.empty(offsetCount, i64), zero},
      [&](Value expert, ValueRange outer) -> SmallVector<Value> {
        Value offsets = tensor::InsertOp::create(b, toInteger(b, outer[3]),
                                                 outer[2], expert);
        SmallVector<Value> inner = buildLoop(
            b, zero, tokenCount, {outer[0], outer[1], outer[3]},
            [&](Value token, ValueRange middle) {
              return buildLoop(
                  b, zero, kCount, middle,
                  [&](Value j, ValueRange args) -> SmallVector<Value> {
                    Value id = toIndex(b, tensor::ExtractOp::create(
                                              b, ids, ValueRange{token, j}));
                    id = arith::MaxSIOp::create(
                        b, arith::MinSIOp::create(b, id, last), zero);
                    Value own = arith::CmpIOp::create(
                        b, arith::CmpIPredicate::eq, id, expert);
                    auto branch = scf::IfOp::create(
                        b,
                        TypeRange{args[0].getType(), args[1].getType(),
                                  args[2].getType()},
                        own, /*withElseRegion=*/true);
                    OpBuilder::InsertionGuard guard(b);
                    b.setInsertionPointToStart(branch.thenBlock());
                    Value slot = arith::AddIOp::create(
                        b, arith::MulIOp::create(b, token, kCount), j);
                    Value order = tensor::InsertOp::create(
                        b, toInteger(b, slot), args[0], args[2]);
                    Value position =
                        tensor::InsertOp::create(b, toInteger(b, args[2]),
                                                 args[1], ValueRange{token, j});
                    scf::YieldOp::create(
                        b, ValueRange{
                               order, position,
                               arith::AddIOp::create(b, args[2], b.index(1))});
                    b.setInsertionPointToStart(branch.elseBlock());
                    scf::YieldOp::create(b, args);
                    return llvm::to_vector(ValueRange(branch.getResults()));
                  });
            });
        return {inner[0], inner[1], offsets, inner[2]};
      });
  return {state[0], state[1], state[2]};
}

/// input[order[r] / k] for each sorted row, [N·k, D].
static Value gatherRows(LinalgBuilder &b, Value input, Value order,
                        OpFoldResult rows, OpFoldResult k) {
  Value slotsPerToken = b.indexOf(k);
  Value last =
      b.createOrFold<arith::SubIOp>(b.indexOf(b.size(input, 0)), b.index(1));
  Value zero = b.index(0);
  return b.map(
      {{order, b.select(2, {0})}}, {rows, b.size(input, 1)},
      LinalgBuilder::typeOf(input).getElementType(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value slot = arith::IndexCastOp::create(b, b.getIndexType(), s[0]);
        Value token = arith::DivUIOp::create(b, slot, slotsPerToken);
        token = arith::MaxSIOp::create(
            b, arith::MinSIOp::create(b, token, last), zero);
        Value column = linalg::IndexOp::create(b, 1);
        return tensor::ExtractOp::create(b, input, ValueRange{token, column});
      });
}

/// One tile of a grouped product.
struct ProductTile {
  Value rows;         ///< [m, K]
  Value expert;       ///< index
  Value column;       ///< first column of the result
  int64_t m;          ///< rows of the tile
  OpFoldResult width; ///< columns of the tile
};

/// rows [m, K] times weight[expert, start : start + width, :] transposed, in
/// the compute type; every `step`-th row of the weight.
static Value multiplyTile(LinalgBuilder &b, const ProductTile &tile,
                          Value weight, OpFoldResult start, int64_t step,
                          Type type) {
  RankedTensorType weightType = LinalgBuilder::typeOf(weight);
  OpFoldResult depth = b.size(weight, 2);
  std::optional<int64_t> width = getConstantIntValue(tile.width);
  auto matrixType = RankedTensorType::get(
      {width.value_or(ShapedType::kDynamic), weightType.getDimSize(2)},
      weightType.getElementType());
  OpFoldResult one = b.getIndexAttr(1);
  Value matrix = tensor::ExtractSliceOp::create(
      b, matrixType, weight,
      ArrayRef<OpFoldResult>{tile.expert, start, b.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{one, tile.width, depth},
      ArrayRef<OpFoldResult>{one, b.getIndexAttr(step), one});
  return b.reduce(
      {{tile.rows, b.select(3, {0, 2})}, {matrix, b.select(3, {1, 2})}}, 3, {2},
      {b.getIndexAttr(tile.m), tile.width}, b.number(0, type),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value x = LinalgBuilder::convert(b, s[0], type);
        Value w = LinalgBuilder::convert(b, s[1], type);
        return arith::AddFOp::create(b, s[2], arith::MulFOp::create(b, x, w));
      });
}

/// `width` biases of an expert from `start` on, as an input of tiles; nothing
/// if there is no bias.
static void addBias(LinalgBuilder &b, const ProductTile &tile, Value bias,
                    OpFoldResult start, int64_t step,
                    SmallVectorImpl<LinalgBuilder::Input> &inputs) {
  if (!bias)
    return;
  auto type = RankedTensorType::get(
      {getConstantIntValue(tile.width).value_or(ShapedType::kDynamic)},
      LinalgBuilder::typeOf(bias).getElementType());
  OpFoldResult one = b.getIndexAttr(1);
  Value slice = tensor::ExtractSliceOp::create(
      b, type, bias, ArrayRef<OpFoldResult>{tile.expert, start},
      ArrayRef<OpFoldResult>{one, tile.width},
      ArrayRef<OpFoldResult>{one, b.getIndexAttr(step)});
  inputs.push_back({slice, b.select(2, {1})});
}

/// Columns of a tile: a divisor of the whole if there is a good one, so that
/// tiles are static.
static int64_t chooseColumns(OpFoldResult columns) {
  std::optional<int64_t> count = getConstantIntValue(columns);
  if (!count)
    return kColumns;
  if (*count <= kColumns)
    return std::max<int64_t>(*count, 1);
  for (int64_t size = kColumns; size >= 8; size -= 4)
    if (*count % size == 0)
      return size;
  for (int64_t size = kColumns; size >= 8; --size)
    if (*count % size == 0)
      return size;
  // A prime, or nearly: a tile of the least divisor that is not tiny.
  for (int64_t size = kColumns + 1; size * size <= *count; ++size)
    if (*count % size == 0)
      return size;
  for (int64_t other = std::min<int64_t>(kColumns, *count); other > 1; --other)
    if (*count % other == 0)
      return *count / other;
  return *count;
}

/// A [rows, columns] tensor, computed by tiles: workgroups are pairs of an
/// expert and a range of columns; each goes over the expert's rows of `input`.
static Value forEachExpert(
    LinalgBuilder &b, Value input, Value offsets, OpFoldResult experts,
    OpFoldResult columns, Type elementType,
    llvm::function_ref<Value(const ProductTile &tile, Value destination)>
        body) {
  OpFoldResult rows = b.size(input, 0), depth = b.size(input, 1);
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Value rowCount = b.indexOf(rows), zeroIndex = b.index(0);
  int64_t width = chooseColumns(columns);
  Value out = b.empty({rows, columns}, elementType);
  auto tiles =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{zero, zero},
                            ArrayRef<OpFoldResult>{experts, columns},
                            ArrayRef<OpFoldResult>{one, b.getIndexAttr(width)},
                            ValueRange(out), std::nullopt);
  b.setInsertionPoint(tiles.getTerminator());
  ProductTile tile;
  tile.expert = tiles.getInductionVar(0);
  tile.column = tiles.getInductionVar(1);
  std::optional<int64_t> all = getConstantIntValue(columns);
  if (all && *all % width == 0)
    tile.width = b.getIndexAttr(width);
  else
    tile.width = arith::MinSIOp::create(
                     b, b.index(width),
                     arith::SubIOp::create(b, b.indexOf(columns), tile.column))
                     .getResult();
  // Offsets come from memory: whatever they say, rows stay within `input`.
  auto offset = [&](Value expert, Value low) -> Value {
    Value value = toIndex(b, tensor::ExtractOp::create(b, offsets, expert));
    return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, value, rowCount),
                                  low);
  };
  Value begin = offset(tile.expert, zeroIndex);
  Value stop = offset(arith::AddIOp::create(b, tile.expert, b.index(1)), begin);
  Value count = arith::SubIOp::create(b, stop, begin);
  SmallVector<OpFoldResult> offsetsOfOut{begin, tile.column},
      sizesOfOut{count, tile.width}, ones(2, one);
  Value own = tensor::ExtractSliceOp::create(b, tiles.getRegionIterArgs()[0],
                                             offsetsOfOut, sizesOfOut, ones);
  auto rowsFrom = [&](Value from, Value to, Value state, int64_t step) {
    return buildLoop(
        b, from, to, {state},
        [&](Value row, ValueRange state) -> SmallVector<Value> {
          tile.m = step;
          OpFoldResult m = b.getIndexAttr(step);
          Value first = arith::AddIOp::create(b, begin, row);
          tile.rows = b.slice(input, {first, zero}, {m, depth});
          Value destination = b.slice(state[0], {row, zero}, {m, tile.width});
          Value value = body(tile, destination);
          return {tensor::InsertSliceOp::create(
              b, value, state[0], ArrayRef<OpFoldResult>{row, zero},
              ArrayRef<OpFoldResult>{m, tile.width}, ones)};
        },
        step)[0];
  };
  Value border = zeroIndex, done = own;
  // Temporaries of very wide tiles hold one row.
  if (width <= kWideColumns) {
    Value left = arith::RemUIOp::create(b, count, b.index(kRows));
    border = arith::SubIOp::create(b, count, left);
    done = rowsFrom(zeroIndex, border, own, kRows);
  }
  done = rowsFrom(border, count, done, 1);
  b.setInsertionPointToStart(tiles.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(b, done, tiles.getRegionIterArgs()[0],
                                        offsetsOfOut, sizesOfOut, ones);
  b.setInsertionPointAfter(tiles);
  return tiles.getResult(0);
}

/// Element-wise work of a tile, into its place in the result.
static Value mapTile(LinalgBuilder &b, ArrayRef<LinalgBuilder::Input> inputs,
                     Value destination, LinalgBuilder::Body body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const LinalgBuilder::Input &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(b.getMultiDimIdentityMap(2));
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, destination.getType(), tensors, destination, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder b(loc, builder);
               SmallVector<Value> scalars;
               for (Value argument : arguments.drop_back())
                 scalars.push_back(LinalgBuilder::convert(
                     b, argument,
                     LinalgBuilder::computeType(argument.getType())));
               linalg::YieldOp::create(
                   b, LinalgBuilder::convert(b, body(b, scalars),
                                             arguments.back().getType()));
             })
      .getResult(0);
}

namespace {

/// What one layer of the experts does to its products.
struct Layer {
  Value weight; ///< [E, G, K]
  Value bias;   ///< [E, G], or none
  GateUpLayout layout;
  std::optional<Activation> activation;
  std::optional<double> clamp;
  double alpha = 1, beta = 0;
  OpFoldResult columns; ///< of the result
};

} // namespace

static std::optional<double> numberOf(std::optional<APFloat> value) {
  return value ? std::optional(value->convertToDouble()) : std::nullopt;
}

/// activation(weight[e] · row + bias[e]) of all rows, [rows, columns].
static Value multiplyRows(LinalgBuilder &b, const Layer &layer, Value rows,
                          Value offsets, Type type, Type resultType) {
  bool hasGate = layer.layout != GateUpLayout::UpOnly;
  AffineMap identity = b.getMultiDimIdentityMap(2);
  auto body = [&](const ProductTile &tile, Value destination) {
    int64_t step = layer.layout == GateUpLayout::Interleaved ? 2 : 1;
    Value start = tile.column;
    if (step == 2)
      start = arith::MulIOp::create(b, start, b.index(2));
    Value upStart =
        hasGate
            ? arith::AddIOp::create(
                  b, start, step == 2 ? b.index(1) : b.indexOf(layer.columns))
                  .getResult()
            : start;
    SmallVector<LinalgBuilder::Input> inputs;
    if (hasGate)
      inputs.push_back(
          {multiplyTile(b, tile, layer.weight, start, step, type), identity});
    inputs.push_back(
        {multiplyTile(b, tile, layer.weight, upStart, step, type), identity});
    if (hasGate)
      addBias(b, tile, layer.bias, start, step, inputs);
    addBias(b, tile, layer.bias, upStart, step, inputs);
    return mapTile(
        b, inputs, destination,
        [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
          unsigned products = hasGate ? 2 : 1;
          SmallVector<Value, 2> x(s.begin(), s.begin() + products);
          if (layer.bias)
            for (unsigned i = 0; i < products; ++i)
              x[i] = arith::AddFOp::create(
                  b, x[i], LinalgBuilder::convert(b, s[products + i], type));
          Value up = x.back();
          if (!layer.activation)
            return up;
          if (std::optional<double> clamp = layer.clamp) {
            up = arith::MaximumFOp::create(b, up, numberLike(b, -*clamp, up));
            up = arith::MinimumFOp::create(b, up, numberLike(b, *clamp, up));
          }
          if (!hasGate)
            return buildActivation(b, *layer.activation, up, layer.alpha);
          Value gate = x[0];
          if (layer.clamp)
            gate = arith::MinimumFOp::create(b, gate,
                                             numberLike(b, *layer.clamp, gate));
          if (layer.beta != 0)
            up = arith::AddFOp::create(b, up, numberLike(b, layer.beta, up));
          return arith::MulFOp::create(
              b, buildActivation(b, *layer.activation, gate, layer.alpha), up);
        });
  };
  return forEachExpert(b, rows, offsets, b.size(layer.weight, 0), layer.columns,
                       resultType, body);
}

namespace {

/// Slots whose id is `experts` or more take a row of `input`.
struct Identities {
  Value ids, input;
  OpFoldResult experts;
};

} // namespace

/// Σⱼ weights[n, j] · rows[position[n, j]], in slot order, [N, D]; slots of
/// identity experts take the token itself.
static Value combineRows(LinalgBuilder &b, Value rows, Value position,
                         Value weights, std::optional<Identities> identities,
                         Type type) {
  LinalgBuilder::Sizes sizes = {b.size(weights, 0), b.size(rows, 1)};
  Value last =
      b.createOrFold<arith::SubIOp>(b.indexOf(b.size(rows, 0)), b.index(1));
  Value zero = b.index(0);
  SmallVector<LinalgBuilder::Input> inputs = {{weights, b.select(3, {0, 1})},
                                              {position, b.select(3, {0, 1})}};
  Value count;
  if (identities) {
    inputs.push_back({identities->ids, b.select(3, {0, 1})});
    inputs.push_back({identities->input, b.select(3, {0, 2})});
    count = toInteger(b, b.indexOf(identities->experts));
  }
  // The columns are innermost, so that rows are read as they lie; their size
  // comes with the result.
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const LinalgBuilder::Input &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(b.select(3, {0, 2}));
  Value start = b.filled(sizes, b.number(0, type));
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::reduction,
                                                utils::IteratorType::parallel};
  return linalg::GenericOp::create(
             b, start.getType(), tensors, start, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange s) {
               ImplicitLocOpBuilder b(loc, builder);
               Value row =
                   arith::IndexCastOp::create(b, b.getIndexType(), s[1]);
               row = arith::MaxSIOp::create(
                   b, arith::MinSIOp::create(b, row, last), zero);
               Value column = linalg::IndexOp::create(b, 2);
               Value x = LinalgBuilder::convert(
                   b,
                   tensor::ExtractOp::create(b, rows, ValueRange{row, column}),
                   type);
               if (identities) {
                 Value isIdentity = arith::CmpIOp::create(
                     b, arith::CmpIPredicate::sge, s[2], count);
                 x = arith::SelectOp::create(
                     b, isIdentity, LinalgBuilder::convert(b, s[3], type), x);
               }
               Value weight = LinalgBuilder::convert(b, s[0], type);
               linalg::YieldOp::create(
                   b, arith::AddFOp::create(b, s.back(),
                                            arith::MulFOp::create(b, weight, x))
                          .getResult());
             })
      .getResult(0);
}

/// `value` rounded to an element type.
static Value roundTo(LinalgBuilder &b, Value value, Type elementType) {
  if (LinalgBuilder::typeOf(value).getElementType() == elementType)
    return value;
  LinalgBuilder::Sizes sizes = b.sizes(value);
  return b.map({{value, b.getMultiDimIdentityMap(sizes.size())}}, sizes,
               elementType,
               [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
}

Decomposed mlir::trine::decompose(MoEExpertsOp op, LinalgBuilder &b) {
  Value ids = op.getIds();
  OpFoldResult experts = b.size(op.getWDown(), 0);
  int64_t identities = op.getIdentityExperts();
  // What a route chose is in range.
  if (!op->hasAttr(kIdsInRange)) {
    Value end =
        b.createOrFold<arith::AddIOp>(b.indexOf(experts), b.index(identities));
    requireInRange(b, ids, end, "ids of experts must be numbers of experts");
  }
  Type elementType = LinalgBuilder::typeOf(op.getInput()).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  OpFoldResult k = b.size(ids, 1);
  Slots slots = groupSlots(b, ids, experts, identities > 0);
  Value rows = gatherRows(b, op.getInput(), slots.order,
                          multiply(b, b.size(ids, 0), k), k);
  Layer first{op.getWGateUp(),
              op.getBGateUp(),
              op.getGateUp(),
              op.getActivation(),
              numberOf(op.getClamp()),
              op.getAlpha().convertToDouble(),
              op.getBeta().convertToDouble(),
              b.size(op.getWDown(), 2)};
  Value hidden = multiplyRows(b, first, rows, slots.offsets, type, type);
  Layer second{op.getWDown(),
               op.getBDown(),
               GateUpLayout::UpOnly,
               std::nullopt,
               std::nullopt,
               1,
               0,
               b.size(op.getWDown(), 1)};
  Value outputs = multiplyRows(b, second, hidden, slots.offsets, type, type);
  std::optional<Identities> identity;
  if (identities > 0)
    identity = Identities{ids, op.getInput(), experts};
  Value sum =
      combineRows(b, outputs, slots.position, op.getWeights(), identity, type);
  return SmallVector<Value>{roundTo(b, sum, elementType)};
}

Decomposed mlir::trine::decompose(MoEGroupOp op, LinalgBuilder &b) {
  OpFoldResult experts = b.getIndexAttr(op.getExperts());
  int64_t identities = op.getIdentityExperts();
  requireInRange(b, op.getIds(),
                 b.index(static_cast<int64_t>(op.getExperts()) + identities),
                 "ids of experts must be numbers of experts");
  Slots slots = groupSlots(b, op.getIds(), experts, identities > 0);
  return SmallVector<Value>{slots.order, slots.offsets, slots.position};
}

Decomposed mlir::trine::decompose(MoEGroupedMatMulOp op, LinalgBuilder &b) {
  Value rows = op.getInput();
  if (op.getOrder())
    rows = gatherRows(b, rows, op.getOrder(), b.size(op.getOrder(), 0),
                      b.getIndexAttr(*op.getSlots()));
  Type elementType = LinalgBuilder::typeOf(op.getResult()).getElementType();
  Type type = LinalgBuilder::computeType(
      LinalgBuilder::typeOf(op.getInput()).getElementType());
  Value weight = op.getWeight(), bias = op.getBias();
  OpFoldResult columns = b.size(weight, op.isGated() ? 2 : 1);
  if (op.isGated()) {
    weight = tensor::CollapseShapeOp::create(
        b, weight, ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}});
    if (bias)
      bias = tensor::CollapseShapeOp::create(
          b, bias, ArrayRef<ReassociationIndices>{{0}, {1, 2}});
  }
  Layer layer{weight,
              bias,
              op.isGated() ? GateUpLayout::Concatenated : GateUpLayout::UpOnly,
              op.getActivation(),
              numberOf(op.getClamp()),
              op.getAlpha().convertToDouble(),
              op.getBeta().convertToDouble(),
              columns};
  return SmallVector<Value>{
      multiplyRows(b, layer, rows, op.getOffsets(), type, elementType)};
}

Decomposed mlir::trine::decompose(MoECombineOp op, LinalgBuilder &b) {
  Type elementType = LinalgBuilder::typeOf(op.getResult()).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  std::optional<Identities> identity;
  if (op.getIds())
    identity =
        Identities{op.getIds(), op.getInput(),
                   b.getIndexAttr(static_cast<int64_t>(*op.getExperts()))};
  Value sum = combineRows(b, op.getRows(), op.getPosition(), op.getWeights(),
                          identity, type);
  return SmallVector<Value>{roundTo(b, sum, elementType)};
}

Decomposed mlir::trine::decompose(GatedMLPOp op, LinalgBuilder &b) {
  Value input = op.getInput();
  LinalgBuilder::Sizes allSizes = b.sizes(input);
  LinalgBuilder::Sizes sizes = allSizes;
  // All leading dims are rows of one matrix, so that a weight's tile serves
  // many of them.
  SmallVector<ReassociationIndices> groups(2);
  if (allSizes.size() > 2) {
    OpFoldResult rows = b.getIndexAttr(1);
    for (unsigned i = 0; i + 1 < allSizes.size(); ++i) {
      groups[0].push_back(i);
      rows = multiply(b, rows, allSizes[i]);
    }
    groups[1].push_back(allSizes.size() - 1);
    input = tensor::CollapseShapeOp::create(b, input, groups);
    sizes = {rows, allSizes.back()};
  }
  Type elementType = LinalgBuilder::typeOf(input).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  unsigned rank = sizes.size();
  SmallVector<int64_t> outer;
  for (unsigned i = 0; i + 1 < rank; ++i)
    outer.push_back(i);
  auto multiplyBy = [&](Value x, Value weight) {
    SmallVector<int64_t> left(outer);
    left.push_back(rank);
    LinalgBuilder::Sizes result(ArrayRef(sizes).drop_back());
    result.push_back(b.size(weight, 1));
    Value product = b.reduce(
        {{x, b.select(rank + 1, left)},
         {weight, b.select(rank + 1, {rank, rank - 1})}},
        rank + 1, {rank}, result, b.number(0, type),
        [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
          return arith::AddFOp::create(
              b, s[2],
              arith::MulFOp::create(b, LinalgBuilder::convert(b, s[0], type),
                                    LinalgBuilder::convert(b, s[1], type)));
        });
    return roundTo(b, product, elementType);
  };
  Value gate = multiplyBy(input, op.getWGate()), up;
  LinalgBuilder::Sizes hiddenSizes(ArrayRef(sizes).drop_back());
  hiddenSizes.push_back(b.size(op.getWDown(), 0));
  if (op.getWUp()) {
    up = multiplyBy(input, op.getWUp());
  } else {
    bool interleaved = op.getGateUp() == GateUpLayout::Interleaved;
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
        steps(rank, b.getIndexAttr(1));
    if (interleaved)
      steps.back() = b.getIndexAttr(2);
    Value both = gate;
    gate = tensor::ExtractSliceOp::create(b, both, offsets, hiddenSizes, steps);
    offsets.back() =
        interleaved ? OpFoldResult(b.getIndexAttr(1)) : hiddenSizes.back();
    up = tensor::ExtractSliceOp::create(b, both, offsets, hiddenSizes, steps);
  }
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  Value hidden =
      b.map({{gate, identity}, {up, identity}}, hiddenSizes, elementType,
            [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
              return arith::MulFOp::create(
                  b, buildActivation(b, op.getActivation(), s[0]), s[1]);
            });
  Value result = multiplyBy(hidden, op.getWDown());
  if (allSizes.size() > 2) {
    allSizes.back() = b.size(op.getWDown(), 1);
    result = tensor::ExpandShapeOp::create(b, op.getResult().getType(), result,
                                           groups, allSizes);
  }
  return SmallVector<Value>{result};
}
