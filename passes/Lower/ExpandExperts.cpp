// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Groups and grouped products of experts as loops. Workgroups of a product are
// pairs of a block of rows of one expert and a panel of columns; which expert
// a block belongs to is found from the offsets, so that the number of
// workgroups follows from the sizes alone, and does not grow with the experts.
#include "ExpandKernels.h"

#include "trine/Passes/ExpertsBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace mlir::trine;

/// Most rows of a workgroup: its panel is read from memory once per this many,
/// and the rows stay in the second-level cache for all panels.
static constexpr int64_t kBlockRows = 128;
/// Rows whose products wait for their activation in the first-level cache.
static constexpr int64_t kStripRows = 32;
/// Columns of a panel, as trine-plan-weights packs them.
static constexpr int64_t kPanelColumns = 32;
/// Least bytes of weights that a workgroup reads, for small matrices.
static constexpr int64_t kWorkgroupBytes = 64 * 1024;
/// Most panels of a workgroup.
static constexpr int64_t kMostPanels = 8;

static Value toIndex(LinalgBuilder &b, Value integer) {
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}
static Value toInteger(LinalgBuilder &b, Value index) {
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}
static Value add(LinalgBuilder &b, Value x, Value y) {
  return b.createOrFold<arith::AddIOp>(x, y);
}
static Value subtract(LinalgBuilder &b, Value x, Value y) {
  return b.createOrFold<arith::SubIOp>(x, y);
}
static Value clamp(LinalgBuilder &b, Value x, Value low, Value high) {
  return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, x, high), low);
}

static SmallVector<Value> expandGroup(MoEGroupOp op, LinalgBuilder &b,
                                      ValueRange destinations) {
  Value ids = op.getIds(), zero = b.index(0), one = b.index(1);
  Value tokens = b.indexOf(b.size(ids, 0)), k = b.indexOf(b.size(ids, 1));
  int64_t experts = op.getExperts();
  bool hasIdentities = static_cast<int64_t>(op.getIdentityExperts()) > 0;
  Value end = b.index(experts + 1), last = b.index(experts);
  Value highest = b.index(hasIdentities ? experts : experts - 1);
  auto forEachSlot = [&](ValueRange inits,
                         llvm::function_ref<SmallVector<Value>(
                             Value, Value, Value, ValueRange)>
                             body) {
    return buildLoop(
        b, zero, tokens, inits, [&](Value token, ValueRange outer) {
          return buildLoop(b, zero, k, outer, [&](Value j, ValueRange state) {
            Value id = toIndex(
                b, tensor::ExtractOp::create(b, ids, ValueRange{token, j}));
            return body(token, j, clamp(b, id, zero, highest), state);
          });
        });
  };
  auto read = [&](Value tensor, Value at) {
    return toIndex(b, tensor::ExtractOp::create(b, tensor, at));
  };
  auto write = [&](Value value, Value tensor, ValueRange at) -> Value {
    return tensor::InsertOp::create(b, toInteger(b, value), tensor, at);
  };
  // How many slots each expert has, one place to the right.
  Value offsets =
      linalg::FillOp::create(b, b.integer(0, b.getI64Type()), destinations[1])
          .getResult(0);
  offsets = forEachSlot(
      offsets,
      [&](Value, Value, Value expert, ValueRange state) -> SmallVector<Value> {
        Value at = add(b, expert, one), count = one;
        if (hasIdentities) {
          // Identities are not counted.
          at = arith::MinSIOp::create(b, at, last);
          count = subtract(b, at, expert);
        }
        return {write(add(b, read(state[0], at), count), state[0], at)};
      })[0];
  // Where each expert begins.
  offsets =
      buildLoop(b, one, end, {offsets, zero},
                [&](Value expert, ValueRange state) -> SmallVector<Value> {
                  Value sum = add(b, read(state[0], expert), state[1]);
                  return {write(sum, state[0], expert), sum};
                })[0];
  // Each slot takes the next place of its expert, which moves the beginning of
  // each expert to its end.
  SmallVector<Value> placed = forEachSlot(
      {offsets, destinations[0], destinations[2]},
      [&](Value token, Value j, Value expert,
          ValueRange state) -> SmallVector<Value> {
        Value row = read(state[0], expert);
        Value slot = add(b, arith::MulIOp::create(b, token, k), j);
        return {write(add(b, row, one), state[0], expert),
                write(slot, state[1], row), write(row, state[2], {token, j})};
      });
  offsets = buildLoop(b, zero, last, placed[0],
                      [&](Value i, ValueRange state) -> SmallVector<Value> {
                        Value expert = subtract(b, last, i);
                        Value begin = read(state[0], subtract(b, expert, one));
                        return {write(begin, state[0], expert)};
                      })[0];
  return {placed[1], write(zero, offsets, zero), placed[2]};
}

namespace {

/// A grouped product and how its weight is stored.
struct GroupedProduct {
  MoEGroupedMatMulOp op;
  /// As the op has it, or panels: [E, (2,) panels, K, 32], or pairs of rows,
  /// [E, (2,) panels, K/2, 32, 2].
  Value weight;
  bool isPacked = false, isPaired = false;
  Type compute;
  Value rowCount, inputRows;

  int64_t products() { return op.isGated() ? 2 : 1; }
};

/// Rows of one expert, and columns.
struct Tile {
  Value expert;       ///< index
  Value row;          ///< first row of the result
  OpFoldResult rows;  ///< how many
  Value column;       ///< first column
  OpFoldResult width; ///< columns of the result
};

} // namespace

static GroupedProduct describe(MoEGroupedMatMulOp op, LinalgBuilder &b,
                               Value destination) {
  GroupedProduct product;
  product.op = op;
  product.weight = op.getWeight();
  product.compute = LinalgBuilder::computeType(
      LinalgBuilder::typeOf(op.getInput()).getElementType());
  product.rowCount = b.indexOf(b.size(destination, 0));
  product.inputRows = b.indexOf(b.size(op.getInput(), 0));
  auto unpack = op.getWeight().getDefiningOp<linalg::UnPackOp>();
  if (!unpack || !unpack.getOuterDimsPerm().empty() ||
      unpack.getInnerDimsPos().empty())
    return product;
  int64_t rank = unpack.getDestRank();
  ArrayRef<int64_t> positions = unpack.getInnerDimsPos(),
                    tiles = unpack.getStaticInnerTiles();
  if (positions[0] != rank - 2 || tiles[0] != kPanelColumns)
    return product;
  if (positions.size() == 2 && (positions[1] != rank - 1 || tiles[1] != 2))
    return product;
  product.isPacked = true;
  product.isPaired = positions.size() == 2;
  product.weight = unpack.getSource();
  return product;
}

/// The matrix of `tile` for the gates (0) or what they gate (1), and the map
/// from (row, column, sum) to its elements.
static LinalgBuilder::Input sliceWeight(GroupedProduct &product,
                                        LinalgBuilder &b, const Tile &tile,
                                        int64_t part) {
  RankedTensorType type = LinalgBuilder::typeOf(product.weight);
  OpFoldResult one = b.getIndexAttr(1), zero = b.getIndexAttr(0);
  SmallVector<OpFoldResult> offsets = {tile.expert}, sizes = {one};
  if (product.op.isGated()) {
    offsets.push_back(b.getIndexAttr(part));
    sizes.push_back(one);
  }
  AffineExpr column = getAffineDimExpr(1, b.getContext()),
             sum = getAffineDimExpr(2, b.getContext());
  SmallVector<AffineExpr> results;
  if (product.isPacked) {
    offsets.push_back(
        b.createOrFold<arith::DivUIOp>(tile.column, b.index(kPanelColumns)));
    sizes.push_back(one);
    results = {product.isPaired ? sum.floorDiv(2) : sum, column};
    if (product.isPaired)
      results.push_back(sum % 2);
  } else {
    offsets.push_back(tile.column);
    sizes.push_back(tile.width);
    results = {column, sum};
  }
  SmallVector<int64_t> shape;
  for (int64_t dim = offsets.size(); dim < type.getRank(); ++dim) {
    offsets.push_back(zero);
    sizes.push_back(b.size(product.weight, dim));
  }
  int64_t rank = results.size();
  for (OpFoldResult size : ArrayRef(sizes).take_back(rank))
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  SmallVector<OpFoldResult> strides(offsets.size(), one);
  Value matrix = tensor::ExtractSliceOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), product.weight,
      offsets, sizes, strides);
  return {matrix, AffineMap::get(3, 0, results, b.getContext())};
}

/// input[row(r)] · matrix for the rows of the tile, in the compute type. Rows
/// that an order names are gathered as they are read.
static Value multiplyTile(GroupedProduct &product, LinalgBuilder &b,
                          const Tile &tile, Value tokens, int64_t part) {
  LinalgBuilder::Input matrix = sliceWeight(product, b, tile, part);
  Value input = product.op.getInput();
  Type type = product.compute;
  OpFoldResult depth = b.size(input, 1);
  OpFoldResult columns = product.isPacked
                             ? OpFoldResult(b.getIndexAttr(kPanelColumns))
                             : tile.width;
  auto multiplyAdd = [&](ImplicitLocOpBuilder &b, Value x, Value w,
                         Value sum) -> Value {
    x = LinalgBuilder::convert(b, x, type);
    w = LinalgBuilder::convert(b, w, type);
    return arith::AddFOp::create(b, sum, arith::MulFOp::create(b, x, w));
  };
  if (!tokens) {
    Value rows =
        b.slice(input, {tile.row, b.getIndexAttr(0)}, {tile.rows, depth});
    Value start = b.filled({tile.rows, columns}, b.number(0, type));
    SmallVector<utils::IteratorType> iterators = {
        utils::IteratorType::parallel, utils::IteratorType::parallel,
        utils::IteratorType::reduction};
    return linalg::GenericOp::create(
               b, start.getType(), ValueRange{rows, matrix.tensor}, start,
               ArrayRef<AffineMap>{b.select(3, {0, 2}), matrix.map,
                                   b.select(3, {0, 1})},
               iterators,
               [&](OpBuilder &builder, Location loc, ValueRange s) {
                 ImplicitLocOpBuilder b(loc, builder);
                 linalg::YieldOp::create(b, multiplyAdd(b, s[0], s[1], s[2]));
               })
        .getResult(0);
  }
  Value start = b.filled({tile.rows, columns}, b.number(0, type));
  // Its element is not used; its size is that of the sum.
  auto rowType =
      RankedTensorType::get({LinalgBuilder::typeOf(input).getDimSize(1)},
                            LinalgBuilder::typeOf(input).getElementType());
  OpFoldResult one = b.getIndexAttr(1), zero = b.getIndexAttr(0);
  Value row = tensor::ExtractSliceOp::create(
      b, rowType, input, ArrayRef<OpFoldResult>{zero, zero},
      ArrayRef<OpFoldResult>{one, depth}, ArrayRef<OpFoldResult>{one, one});
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::parallel,
                                                utils::IteratorType::reduction};
  return linalg::GenericOp::create(
             b, start.getType(), ValueRange{tokens, matrix.tensor, row}, start,
             ArrayRef<AffineMap>{b.select(3, {0}), matrix.map, b.select(3, {2}),
                                 b.select(3, {0, 1})},
             iterators,
             [&](OpBuilder &builder, Location loc, ValueRange s) {
               ImplicitLocOpBuilder b(loc, builder);
               Value k = linalg::IndexOp::create(b, 2);
               Value x =
                   tensor::ExtractOp::create(b, input, ValueRange{s[0], k});
               linalg::YieldOp::create(b, multiplyAdd(b, x, s[1], s[3]));
             })
      .getResult(0);
}

/// The token of each row of the tile: order[r] / slots.
static Value tokensOf(GroupedProduct &product, LinalgBuilder &b,
                      const Tile &tile) {
  Value order = product.op.getOrder();
  if (!order)
    return {};
  Value slots = b.slice(order, {tile.row}, {tile.rows});
  Value perToken = b.index(static_cast<int64_t>(*product.op.getSlots()));
  Value last = subtract(b, product.inputRows, b.index(1)), zero = b.index(0);
  return b.map(
      {{slots, b.getMultiDimIdentityMap(1)}}, {tile.rows}, b.getIndexType(),
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value slot = arith::IndexCastOp::create(b, b.getIndexType(), s[0]);
        Value token = arith::DivUIOp::create(b, slot, perToken);
        return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, token, last),
                                      zero);
      });
}

/// The result of the tile, written into `destination`.
static Value computeTile(GroupedProduct &product, LinalgBuilder &b,
                         const Tile &tile, Value destination) {
  MoEGroupedMatMulOp op = product.op;
  Value tokens = tokensOf(product, b, tile);
  OpFoldResult one = b.getIndexAttr(1), zero = b.getIndexAttr(0);
  AffineMap identity = b.getMultiDimIdentityMap(2);
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  int64_t count = product.products();
  for (int64_t part = 0; part < count; ++part) {
    Value value = multiplyTile(product, b, tile, tokens, part);
    // Panels may be wider than what is left of the result.
    if (getConstantIntValue(tile.width) != kPanelColumns && product.isPacked)
      value = b.slice(value, {zero, zero}, {tile.rows, tile.width});
    tensors.push_back(value);
    maps.push_back(identity);
  }
  for (int64_t part = 0; op.getBias() && part < count; ++part) {
    Value bias = op.getBias();
    SmallVector<OpFoldResult> offsets = {tile.expert}, sizes = {one};
    if (op.isGated()) {
      offsets.push_back(b.getIndexAttr(part));
      sizes.push_back(one);
    }
    offsets.push_back(tile.column);
    sizes.push_back(tile.width);
    SmallVector<OpFoldResult> strides(offsets.size(), one);
    auto type = RankedTensorType::get(
        {getConstantIntValue(tile.width).value_or(ShapedType::kDynamic)},
        LinalgBuilder::typeOf(bias).getElementType());
    tensors.push_back(
        tensor::ExtractSliceOp::create(b, type, bias, offsets, sizes, strides));
    maps.push_back(b.select(2, {1}));
  }
  maps.push_back(identity);
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  std::optional<double> limit;
  if (op.getClamp())
    limit = op.getClamp()->convertToDouble();
  double alpha = op.getAlpha().convertToDouble(),
         beta = op.getBeta().convertToDouble();
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
    SmallVector<Value, 2> x(s.begin(), s.begin() + count);
    for (int64_t part = 0; op.getBias() && part < count; ++part)
      x[part] = arith::AddFOp::create(
          b, x[part],
          LinalgBuilder::convert(b, s[count + part], product.compute));
    Value up = x.back();
    if (!op.getActivation())
      return up;
    if (op.isGated())
      return buildGated(b, *op.getActivation(), x[0], up, limit, alpha, beta);
    return buildActivation(b, *op.getActivation(),
                           limit ? buildLimit(b, up, *limit) : up, alpha);
  };
  return linalg::GenericOp::create(
             b, destination.getType(), tensors, destination, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange s) {
               ImplicitLocOpBuilder b(loc, builder);
               linalg::YieldOp::create(
                   b,
                   LinalgBuilder::convert(b, body(b, s), s.back().getType()));
             })
      .getResult(0);
}

/// The expert and the rows of block `item`: experts with rows have one block
/// per kBlockRows of them, of nearly equal size, in the order of experts.
/// Blocks behind the last are empty.
static Tile findBlock(GroupedProduct &product, LinalgBuilder &b, Value item) {
  Value zero = b.index(0), offsets = product.op.getOffsets();
  Value experts = b.indexOf(b.size(product.weight, 0));
  // Offsets come from memory: whatever they say, rows stay within the result.
  auto offset = [&](Value expert, Value low) {
    Value value = toIndex(b, tensor::ExtractOp::create(b, offsets, expert));
    return clamp(b, value, low, product.rowCount);
  };
  auto blocksOf = [&](Value count) -> Value {
    return arith::DivUIOp::create(b, add(b, count, b.index(kBlockRows - 1)),
                                  b.index(kBlockRows));
  };
  Value start = offset(zero, zero);
  // The blocks that are still to pass, the end of the expert before, and once
  // it is found the expert with its rows and the number of the block in it.
  SmallVector<Value> found = buildLoop(
      b, zero, experts, {item, start, zero, zero, zero, zero},
      [&](Value expert, ValueRange state) -> SmallVector<Value> {
        Value stop = offset(add(b, expert, b.index(1)), state[1]);
        Value count = subtract(b, stop, state[1]), blocks = blocksOf(count);
        // Signed: once found it is negative, and stays so.
        Value isAhead =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sge, state[0], zero);
        Value isHere = arith::AndIOp::create(
            b, isAhead,
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, state[0],
                                  blocks));
        auto choose = [&](Value here, Value before) -> Value {
          return arith::SelectOp::create(b, isHere, here, before);
        };
        return {subtract(b, state[0], blocks), stop,
                choose(expert, state[2]),      choose(state[1], state[3]),
                choose(count, state[4]),       choose(state[0], state[5])};
      });
  Tile tile;
  tile.expert = found[2];
  Value count = found[4];
  Value blocks = arith::MaxSIOp::create(b, blocksOf(count), b.index(1));
  Value size = arith::DivUIOp::create(
      b, subtract(b, add(b, count, blocks), b.index(1)), blocks);
  Value begin = arith::MinSIOp::create(
      b, arith::MulIOp::create(b, size, found[5]), count);
  tile.row = add(b, found[3], begin);
  tile.rows =
      arith::MinSIOp::create(b, size, subtract(b, count, begin)).getResult();
  return tile;
}

/// Panels of one workgroup: several where a matrix is small.
static int64_t choosePanels(GroupedProduct &product) {
  RankedTensorType type = LinalgBuilder::typeOf(product.weight);
  RankedTensorType input = LinalgBuilder::typeOf(product.op.getInput());
  int64_t depth = input.getDimSize(1);
  if (ShapedType::isDynamic(depth))
    return 1;
  int64_t bytes = std::max<int64_t>(depth * kPanelColumns * product.products() *
                                        type.getElementTypeBitWidth() / 8,
                                    1);
  return std::clamp<int64_t>(kWorkgroupBytes / bytes, 1, kMostPanels);
}

static SmallVector<Value> expandGroupedMatMul(MoEGroupedMatMulOp op,
                                              LinalgBuilder &b,
                                              ValueRange destinations) {
  Value destination = destinations[0];
  GroupedProduct product = describe(op, b, destination);
  OpFoldResult columns = b.size(destination, 1), one = b.getIndexAttr(1),
               zero = b.getIndexAttr(0);
  // At most so many blocks have rows: one for each expert that has any, and
  // one more for each kBlockRows rows.
  AffineExpr rows, experts;
  bindSymbols(b.getContext(), rows, experts);
  OpFoldResult blockSizes[] = {product.rowCount, b.size(product.weight, 0)};
  OpFoldResult atMost = affine::makeComposedFoldedAffineApply(
      b, b.getLoc(), rows.floorDiv(kBlockRows) + experts, blockSizes);
  Value blocks = arith::MinSIOp::create(b, product.rowCount, b.indexOf(atMost));
  int64_t step = choosePanels(product) * kPanelColumns;
  auto tiles =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{zero, zero},
                            ArrayRef<OpFoldResult>{blocks, columns},
                            ArrayRef<OpFoldResult>{one, b.getIndexAttr(step)},
                            ValueRange(destination), std::nullopt);
  b.setInsertionPoint(tiles.getTerminator());
  Tile block = findBlock(product, b, tiles.getInductionVar(0));
  Value firstColumn = tiles.getInductionVar(1);
  auto widthFrom = [&](Value column, int64_t most) -> OpFoldResult {
    std::optional<int64_t> all = getConstantIntValue(columns);
    if (all && (*all % most == 0 || *all <= most))
      return b.getIndexAttr(std::min(*all, most));
    AffineExpr from, size;
    bindSymbols(b.getContext(), from, size);
    return affine::makeComposedFoldedAffineMin(
        b, b.getLoc(),
        AffineMap::get(0, 2, {size - from, b.getAffineConstantExpr(most)},
                       b.getContext()),
        {column, columns});
  };
  OpFoldResult width = widthFrom(firstColumn, step);
  SmallVector<OpFoldResult> ones(2, one), begin = {block.row, firstColumn},
                                          sizes = {block.rows, width};
  Value own = tensor::ExtractSliceOp::create(b, tiles.getRegionIterArgs()[0],
                                             begin, sizes, ones);
  Value done = buildLoop(
      b, b.index(0), b.indexOf(width), {own},
      [&](Value column, ValueRange outer) -> SmallVector<Value> {
        Tile tile = block;
        tile.column = add(b, firstColumn, column);
        tile.width = step == kPanelColumns
                         ? width
                         : widthFrom(tile.column, kPanelColumns);
        return buildLoop(
            b, b.index(0), b.indexOf(block.rows), outer,
            [&](Value row, ValueRange state) -> SmallVector<Value> {
              AffineExpr from, size;
              bindSymbols(b.getContext(), from, size);
              tile.row = add(b, block.row, row);
              tile.rows = affine::makeComposedFoldedAffineMin(
                  b, b.getLoc(),
                  AffineMap::get(
                      0, 2, {size - from, b.getAffineConstantExpr(kStripRows)},
                      b.getContext()),
                  {row, block.rows});
              SmallVector<OpFoldResult> at = {row, column},
                                        extent = {tile.rows, tile.width};
              Value target =
                  tensor::ExtractSliceOp::create(b, state[0], at, extent, ones);
              Value value = computeTile(product, b, tile, target);
              return {tensor::InsertSliceOp::create(b, value, state[0], at,
                                                    extent, ones)};
            },
            kStripRows);
      },
      kPanelColumns)[0];
  b.setInsertionPointToStart(tiles.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(b, done, tiles.getRegionIterArgs()[0],
                                        begin, sizes, ones);
  b.setInsertionPointAfter(tiles);
  return {tiles.getResult(0)};
}

/// Replaces `op` by what `build` writes into the kernel's destinations.
template <typename Op, typename Build>
static LogicalResult replaceOp(Op op, RewriterBase &rewriter, Build build) {
  FailureOr<SmallVector<Value>> destinations = takeDestinations(op, rewriter);
  if (failed(destinations))
    return failure();
  LinalgBuilder b(op);
  // Results that nobody uses have no destination; loops write all.
  ReifiedRankedShapedTypeDims sizes;
  if (llvm::is_contained(*destinations, Value()) &&
      failed(reifyResultShapes(b, op, sizes)))
    return failure();
  for (auto [index, destination] : llvm::enumerate(*destinations))
    if (!destination)
      destination = b.empty(
          sizes[index], cast<RankedTensorType>(op->getResult(index).getType())
                            .getElementType());
  SmallVector<Value> values = build(op, b, *destinations);
  for (auto [result, value] : llvm::zip_equal(op->getResults(), values))
    value = b.castTo(value, result.getType());
  rewriter.replaceOp(op, values);
  return success();
}

LogicalResult mlir::trine::expand(MoERouteOp op, RewriterBase &rewriter) {
  return replaceOp(op, rewriter, expandRoute);
}
LogicalResult mlir::trine::expand(MoEGroupOp op, RewriterBase &rewriter) {
  return replaceOp(op, rewriter, expandGroup);
}
LogicalResult mlir::trine::expand(MoEGroupedMatMulOp op,
                                  RewriterBase &rewriter) {
  return replaceOp(op, rewriter, expandGroupedMatMul);
}
