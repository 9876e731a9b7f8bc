// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MicroKernel.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::trine;

/// Steps of the sum that one iteration of its loop takes.
static constexpr int64_t unrolledSteps = 4;

namespace {
/// One operand of the product: where its elements lie, by loop.
struct Access {
  Value memref;
  AffineMap map;
  /// Where the first coordinate of the memref comes from, by the loop that the
  /// map has there: rows that are gathered as they are read.
  Value gather = {};

  MemRefType type() const { return cast<MemRefType>(memref.getType()); }

  bool uses(unsigned loop) const { return map.isFunctionOfDim(loop); }

  /// Whether consecutive values of `loop` are neighbours in memory. Trailing
  /// dimensions of size one do not matter.
  bool isContiguous(unsigned loop) const {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type().getStridesAndOffset(strides, offset)) ||
        strides.empty() || strides.back() != 1)
      return false;
    for (int64_t dim = type().getRank() - 1; dim >= 0; --dim) {
      AffineExpr expr = map.getResult(dim);
      if (auto position = dyn_cast<AffineDimExpr>(expr))
        if (position.getPosition() == loop)
          return strides[dim] == 1;
      if (type().getDimSize(dim) != 1)
        return false;
    }
    return false;
  }

  /// Whether `row` is stored in pairs of rows next to each column: the last
  /// dimensions are (column, row mod 2), and row / 2 comes before.
  bool isPaired(unsigned row, unsigned column) const {
    int64_t rank = type().getRank();
    SmallVector<int64_t> strides;
    int64_t offset;
    if (rank < 3 || failed(type().getStridesAndOffset(strides, offset)) ||
        strides[rank - 1] != 1 || strides[rank - 2] != 2)
      return false;
    MLIRContext *context = map.getContext();
    AffineExpr position = getAffineDimExpr(row, context);
    if (map.getResult(rank - 1) != position % 2 ||
        map.getResult(rank - 2) != getAffineDimExpr(column, context))
      return false;
    unsigned halves = 0;
    for (AffineExpr expr : map.getResults().drop_back())
      halves += expr == position.floorDiv(2);
    return halves == 1;
  }

  /// Whether no loop occurs except as a plain coordinate.
  bool isPlain() const { return map.isProjectedPermutation(true); }
};

/// The product's loops by role. Loops without a role are plain outer loops.
struct Roles {
  Access left, right;
  /// -1: the loop does not exist.
  int64_t row = -1, column = -1, sum = -1;
  /// Vectors run along the columns (else along the sum).
  bool alongColumns = true;
  bool paired = false;
};

class Emitter {
public:
  Emitter(ImplicitLocOpBuilder &builder, linalg::GenericOp op, Roles roles,
          unsigned vectorBytes)
      : builder(builder), op(op), roles(std::move(roles)),
        converter(op.getContext()) {
    result = {op.getDpsInits()[0],
              op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
    element = result.type().getElementType();
    lanes = vectorBytes / (element.getIntOrFloatBitWidth() / 8);
    vector = VectorType::get({lanes}, element);
    // Accumulators, one row of the right matrix and one broadcast must fit the
    // registers: 32 of 64 bytes, 16 of 32.
    wide = vectorBytes >= 64;
  }

  void emit();

private:
  struct Block {
    Value row, column;
    int64_t rows, columns; // in registers
    Value rest;            // columns left, when masked
  };
  using Body = llvm::function_ref<void(Value)>;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, value);
  }
  Value add(Value value, int64_t offset) {
    if (offset == 0)
      return value;
    return arith::AddIOp::create(builder, value, constant(offset),
                                 arith::IntegerOverflowFlags::nsw |
                                     arith::IntegerOverflowFlags::nuw);
  }
  Value roundDown(Value value, int64_t step) {
    if (std::optional<int64_t> known = getConstantIntValue(value))
      return constant(*known / step * step);
    Value rest = arith::RemUIOp::create(builder, value, constant(step));
    return arith::SubIOp::create(builder, value, rest);
  }
  /// Rows of a full block.
  int64_t fullRows() const { return wide ? 8 : 6; }
  void loop(Value begin, Value end, int64_t step, Body body);
  /// Runs `body` for blocks of `size`, then for one block of what is left, as
  /// wide as that is; or, with `ones`, for blocks of one.
  void split(int64_t role, int64_t size, bool ones,
             llvm::function_ref<void(Value, int64_t)> body);
  int64_t stepsAhead(const Access &access);
  void prefetch(const Access &access, int64_t steps);
  SmallVector<Value> indices(const Access &access);
  Value widen(Value value, Type type) {
    return value.getType() == type
               ? value
               : arith::ExtFOp::create(builder, type, value).getResult();
  }
  Value mask(Value rest, int64_t first, int64_t width);
  Value addressOf(const Access &access);
  Value loadVector(const Access &access, Value mask);
  Value loadIntegers(const Access &access, int64_t count, unsigned bits,
                     Value mask);
  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        builder,
        DenseElementsAttr::get(
            type, builder.getIntegerAttr(type.getElementType(), value)));
  }
  SmallVector<Value> scalarLefts(const Block &block);
  void prefetchRows(const Block &block);
  SmallVector<Value>
  sumLoop(ArrayRef<Value> accumulators, int64_t step, int64_t unrolled,
          llvm::function_ref<SmallVector<Value>(ValueRange)> body);
  void emitColumns(Value column, Value rest, int64_t columns);
  void emitBlock(const Block &block);
  SmallVector<Value> multiplyPlain(const Block &block, ValueRange sums);
  SmallVector<Value> multiplyPaired(const Block &block, ValueRange sums);
  void emitDots();
  void emitDotBlock(Value row, int64_t rows, Value column, int64_t columns);
  Value sumOfEach(ArrayRef<Value> sums);

  ImplicitLocOpBuilder &builder;
  linalg::GenericOp op;
  Roles roles;
  LLVMTypeConverter converter;
  Access result;
  Type element;
  int64_t lanes;
  VectorType vector;
  bool wide;
  SmallVector<Value> position, extent;
};
} // namespace

void Emitter::loop(Value begin, Value end, int64_t step, Body body) {
  std::optional<int64_t> first = getConstantIntValue(begin);
  std::optional<int64_t> last = getConstantIntValue(end);
  if (first && last && *first + step >= *last) {
    if (*first < *last)
      body(begin);
    return;
  }
  auto loop = scf::ForOp::create(builder, begin, end, constant(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void Emitter::split(int64_t role, int64_t size, bool ones,
                    llvm::function_ref<void(Value, int64_t)> body) {
  if (role < 0)
    return body(Value(), 1);
  Value end = extent[role];
  Value border = roundDown(end, size);
  loop(constant(0), border, size, [&](Value at) { body(at, size); });
  if (std::optional<int64_t> known = getConstantIntValue(end)) {
    if (*known % size != 0)
      body(border, *known % size);
    return;
  }
  if (ones)
    return loop(border, end, 1, [&](Value at) { body(at, 1); });
  // What is left is read once, whatever its size.
  SmallVector<int64_t> cases =
      llvm::to_vector(llvm::seq_inclusive<int64_t>(1, size - 1));
  Value rest = arith::SubIOp::create(builder, end, border);
  auto choice = scf::IndexSwitchOp::create(builder, TypeRange(), rest, cases,
                                           cases.size());
  OpBuilder::InsertionGuard guard(builder);
  auto fill = [&](Region &region, int64_t rows) {
    builder.setInsertionPointToStart(&region.emplaceBlock());
    if (rows > 0)
      body(border, rows);
    scf::YieldOp::create(builder);
  };
  fill(choice.getDefaultRegion(), 0);
  for (auto [region, rows] : llvm::zip_equal(choice.getCaseRegions(), cases))
    fill(region, rows);
}

SmallVector<Value> Emitter::indices(const Access &access) {
  SmallVector<Value> values;
  for (AffineExpr expr : access.map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      Value at = position[dim.getPosition()];
      if (access.gather && values.empty())
        at = memref::LoadOp::create(builder, access.gather, at);
      values.push_back(at);
      continue;
    }
    SmallVector<OpFoldResult> operands;
    for (Value value : position)
      operands.push_back(value ? OpFoldResult(value)
                               : OpFoldResult(builder.getIndexAttr(0)));
    OpFoldResult value = affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(),
        AffineMap::get(access.map.getNumDims(), 0, expr), operands);
    values.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), value));
  }
  return values;
}

/// How many steps of the sum ahead of their use elements are fetched: memory
/// answers late, and hardware does not look beyond a page. 0: not at all.
int64_t Emitter::stepsAhead(const Access &access) {
  constexpr int64_t distance = 4096;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(access.type().getStridesAndOffset(strides, offset)))
    return 0;
  unsigned bytes = access.type().getElementTypeBitWidth() / 8;
  for (auto [expr, stride] : llvm::zip(access.map.getResults(), strides)) {
    AffineExpr sum = getAffineDimExpr(roles.sum, access.map.getContext());
    bool isPair = expr == sum.floorDiv(2);
    if (expr != sum && !isPair)
      continue;
    // Longer rows are not those of a panel.
    if (ShapedType::isDynamic(stride) || stride <= 0 || stride * bytes > 256)
      return 0;
    return distance / (stride * bytes) * (isPair ? 2 : 1);
  }
  return 0;
}

/// Asks for the vector of `access` that is read `steps` of the sum later.
void Emitter::prefetch(const Access &access, int64_t steps) {
  Value now = position[roles.sum];
  position[roles.sum] = add(now, steps);
  memref::PrefetchOp::create(builder, access.memref, indices(access),
                             /*isWrite=*/false, /*localityHint=*/3,
                             /*isDataCache=*/true);
  position[roles.sum] = now;
}

Value Emitter::mask(Value rest, int64_t first, int64_t width) {
  if (!rest)
    return Value();
  auto type = VectorType::get({width}, builder.getI1Type());
  Value left = rest;
  if (first != 0)
    left = arith::SubIOp::create(builder, rest, constant(first));
  return vector::CreateMaskOp::create(builder, type, left);
}

/// The address of the current position of `access`.
Value Emitter::addressOf(const Access &access) {
  Value structure =
      UnrealizedConversionCastOp::create(
          builder, converter.convertType(access.type()), access.memref)
          .getResult(0);
  SmallVector<Value> at;
  for (Value index : indices(access))
    at.push_back(
        arith::IndexCastOp::create(builder, builder.getI64Type(), index));
  return LLVM::getStridedElementPtr(builder, builder.getLoc(), converter,
                                    access.type(), structure, at);
}

/// `count` integers of `bits` bits from the current position of `access` on.
/// 16-bit floats are loaded like this: processors without instructions for
/// them would take vectors of them apart.
Value Emitter::loadIntegers(const Access &access, int64_t count, unsigned bits,
                            Value mask) {
  Value pointer = addressOf(access);
  auto type = VectorType::get({count}, builder.getIntegerType(bits));
  if (!mask)
    return LLVM::LoadOp::create(builder, type, pointer, /*alignment=*/2);
  Value zeros = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
  return LLVM::MaskedLoadOp::create(builder, type, pointer, mask, zeros,
                                    builder.getI32IntegerAttr(2));
}

/// `lanes` elements of `access` from the current position on.
Value Emitter::loadVector(const Access &access, Value mask) {
  Type stored = access.type().getElementType();
  auto type = VectorType::get({lanes}, stored);
  if (stored.isBF16() && element.isF32()) {
    Value bits = loadIntegers(access, lanes, 16, mask);
    auto wideType = VectorType::get({lanes}, builder.getI32Type());
    Value wide = arith::ExtUIOp::create(builder, wideType, bits);
    return arith::BitcastOp::create(
        builder, vector,
        arith::ShLIOp::create(builder, wide, splat(wideType, 16)));
  }
  if (stored.isF16() && element.isF32())
    return widen(arith::BitcastOp::create(
                     builder, type, loadIntegers(access, lanes, 16, mask)),
                 vector);
  SmallVector<Value> at = indices(access);
  Value value;
  if (mask) {
    Value zeros = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
    value = vector::MaskedLoadOp::create(builder, type, access.memref, at, mask,
                                         zeros);
  } else {
    value = vector::LoadOp::create(builder, type, access.memref, at);
  }
  return widen(value, vector);
}

/// One element of the left matrix for each row of `block`, in all lanes. They
/// are read at constant distances from one address: an address per row would
/// take more registers than there are.
SmallVector<Value> Emitter::scalarLefts(const Block &block) {
  const Access &left = roles.left;
  int64_t distance = ShapedType::kDynamic;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (roles.row >= 0 && block.rows > 1 && !left.gather &&
      succeeded(left.type().getStridesAndOffset(strides, offset)))
    for (auto [expr, stride] : llvm::zip(left.map.getResults(), strides))
      if (expr == getAffineDimExpr(roles.row, left.map.getContext()))
        distance = stride;
  Type stored = left.type().getElementType();
  Value address;
  if (!ShapedType::isDynamic(distance)) {
    position[roles.row] = block.row;
    address = addressOf(left);
  }
  SmallVector<Value> values;
  for (int64_t row = 0; row < block.rows; ++row) {
    Value value;
    if (address) {
      Value at = address;
      if (row > 0)
        at = LLVM::GEPOp::create(
            builder, address.getType(), stored, address,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(row * distance)});
      value = LLVM::LoadOp::create(builder, stored, at,
                                   stored.getIntOrFloatBitWidth() / 8);
    } else {
      if (roles.row >= 0)
        position[roles.row] = add(block.row, row);
      value = memref::LoadOp::create(builder, left.memref, indices(left));
    }
    values.push_back(
        vector::BroadcastOp::create(builder, vector, widen(value, element)));
  }
  return values;
}

/// Asks for a part of the left rows behind those of `block`, so that all have
/// been asked for when the sum is complete. Rows are short beside a page, and
/// hardware learns each of them anew.
void Emitter::prefetchRows(const Block &block) {
  if (roles.row < 0 || roles.sum < 0 || !op->hasAttr(kStreamsRows) ||
      !roles.left.isContiguous(roles.sum) || block.rows < 2)
    return;
  // One line of each row per `line` steps.
  int64_t line =
      64 / (roles.left.type().getElementType().getIntOrFloatBitWidth() / 8);
  Value step = position[roles.sum];
  Value part = arith::AndIOp::create(builder, step, constant(line - 1));
  Value row = arith::DivUIOp::create(
      builder, arith::MulIOp::create(builder, part, constant(block.rows)),
      constant(line));
  position[roles.row] =
      arith::AddIOp::create(builder, add(block.row, block.rows), row);
  position[roles.sum] = arith::SubIOp::create(builder, step, part);
  memref::PrefetchOp::create(builder, roles.left.memref, indices(roles.left),
                             /*isWrite=*/false, /*localityHint=*/2,
                             /*isDataCache=*/true);
  position[roles.sum] = step;
}

SmallVector<Value>
Emitter::sumLoop(ArrayRef<Value> accumulators, int64_t step, int64_t unrolled,
                 llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  if (roles.sum < 0)
    return body(accumulators);
  Value end = roundDown(extent[roles.sum], step);
  SmallVector<Value> sums(accumulators);
  Value begin = constant(0);
  // Several steps at once, then what is left.
  SmallVector<int64_t, 2> counts = {1};
  if (unrolled > 1)
    counts.insert(counts.begin(), unrolled);
  for (int64_t count : counts) {
    std::optional<int64_t> first = getConstantIntValue(begin),
                           last = getConstantIntValue(end);
    if (first && last && *first == *last)
      break;
    if (count > 1 && first && last && *last - *first < count * step)
      continue;
    Value border = count == 1 ? end : roundDown(end, count * step);
    auto loop = scf::ForOp::create(builder, begin, border,
                                   constant(count * step), sums);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (int64_t i = 0; i < count; ++i) {
      position[roles.sum] = add(loop.getInductionVar(), i * step);
      next = body(next);
    }
    scf::YieldOp::create(builder, next);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
    begin = border;
  }
  return sums;
}

/// One step of the sum: a row of the right matrix times a column of the left.
SmallVector<Value> Emitter::multiplyPlain(const Block &block, ValueRange sums) {
  SmallVector<Value> rights, next;
  int64_t ahead = stepsAhead(roles.right);
  for (int64_t part = 0; part < block.columns; ++part) {
    position[roles.column] = add(block.column, part * lanes);
    if (ahead)
      prefetch(roles.right, ahead);
    rights.push_back(
        loadVector(roles.right, mask(block.rest, part * lanes, lanes)));
  }
  prefetchRows(block);
  for (auto [row, left] : llvm::enumerate(scalarLefts(block)))
    for (int64_t part = 0; part < block.columns; ++part)
      next.push_back(vector::FMAOp::create(builder, left, rights[part],
                                           sums[row * block.columns + part]));
  return next;
}

/// Two steps of the sum on 16-bit data stored in pairs of rows.
SmallVector<Value> Emitter::multiplyPaired(const Block &block,
                                           ValueRange sums) {
  Type stored = roles.right.type().getElementType();
  Value first = position[roles.sum];
  SmallVector<Value> even, odd;
  auto wideType = VectorType::get({lanes}, builder.getI32Type());
  int64_t ahead = stepsAhead(roles.right);
  for (int64_t part = 0; part < block.columns; ++part) {
    position[roles.column] = add(block.column, part * lanes);
    if (ahead)
      prefetch(roles.right, ahead);
    // A pair of rows is one 32-bit lane.
    Value pair = loadIntegers(roles.right, lanes, 32,
                              mask(block.rest, part * lanes, lanes));
    if (stored.isBF16()) {
      even.push_back(arith::BitcastOp::create(
          builder, vector,
          arith::ShLIOp::create(builder, pair, splat(wideType, 16))));
      odd.push_back(arith::BitcastOp::create(
          builder, vector,
          arith::AndIOp::create(builder, pair, splat(wideType, -65536))));
      continue;
    }
    auto halfType = VectorType::get({lanes}, builder.getI16Type());
    auto storedType = VectorType::get({lanes}, stored);
    Value high = arith::ShRUIOp::create(builder, pair, splat(wideType, 16));
    for (auto [bits, parts] : {std::pair{pair, &even}, std::pair{high, &odd}})
      parts->push_back(
          widen(arith::BitcastOp::create(
                    builder, storedType,
                    arith::TruncIOp::create(builder, halfType, bits)),
                vector));
  }
  SmallVector<Value> next(sums.begin(), sums.end());
  for (int64_t step = 0; step < 2; ++step) {
    position[roles.sum] = add(first, step);
    for (auto [row, left] : llvm::enumerate(scalarLefts(block))) {
      for (int64_t part = 0; part < block.columns; ++part) {
        Value &sum = next[row * block.columns + part];
        sum = vector::FMAOp::create(builder, left,
                                    step == 0 ? even[part] : odd[part], sum);
      }
    }
  }
  position[roles.sum] = first;
  return next;
}

void Emitter::emitBlock(const Block &block) {
  // Start from what the destination holds.
  SmallVector<Value> sums;
  auto each = [&](llvm::function_ref<void(int64_t, Value)> action) {
    for (int64_t row = 0; row < block.rows; ++row)
      for (int64_t part = 0; part < block.columns; ++part) {
        if (roles.row >= 0)
          position[roles.row] = add(block.row, row);
        position[roles.column] = add(block.column, part * lanes);
        action(row * block.columns + part,
               mask(block.rest, part * lanes, lanes));
      }
  };
  each([&](int64_t, Value mask) { sums.push_back(loadVector(result, mask)); });
  // Fewer rows wait for memory: longer loops would only be more code.
  int64_t unrolled =
      block.rows >= fullRows() && !block.rest ? unrolledSteps : 1;
  int64_t step = roles.paired ? 2 : 1;
  sums = sumLoop(sums, step, std::max<int64_t>(unrolled / step, 1),
                 [&](ValueRange values) {
                   return roles.paired ? multiplyPaired(block, values)
                                       : multiplyPlain(block, values);
                 });
  each([&](int64_t index, Value mask) {
    SmallVector<Value> at = indices(result);
    if (mask)
      vector::MaskedStoreOp::create(builder, result.memref, at, mask,
                                    sums[index]);
    else
      vector::StoreOp::create(builder, sums[index], result.memref, at);
  });
}

/// `columns` vectors from `column` on; one has twice the rows, so that as many
/// sums are under way.
void Emitter::emitColumns(Value column, Value rest, int64_t columns) {
  bool isMasked = rest != nullptr;
  int64_t rows = fullRows() * 2 / columns;
  split(roles.row, rows, /*ones=*/isMasked, [&](Value row, int64_t size) {
    emitBlock({row, column, size, columns, rest});
  });
}

/// Vectors along the sum: several dot products at once.
void Emitter::emitDots() {
  int64_t rows = wide ? 4 : 2;
  split(roles.row, rows, /*ones=*/true, [&](Value row, int64_t rowCount) {
    split(roles.column, 4, /*ones=*/true,
          [&](Value column, int64_t columnCount) {
            emitDotBlock(row, rowCount, column, columnCount);
          });
  });
}

/// The sums of the lanes of four vectors, as one vector of four: neighbours are
/// added while the four are interleaved, which takes a third of the shuffles
/// of four reductions.
Value Emitter::sumOfEach(ArrayRef<Value> sums) {
  auto add = [&](Value a, Value b, ArrayRef<int64_t> first,
                 ArrayRef<int64_t> second) -> Value {
    return arith::AddFOp::create(
        builder, vector::ShuffleOp::create(builder, a, b, first),
        vector::ShuffleOp::create(builder, a, b, second));
  };
  // Groups of `width` lanes of each in turn, then those behind them.
  auto interleave = [&](Value a, Value b, int64_t width) {
    SmallVector<int64_t> first, second;
    for (int64_t group = 0; group < lanes; group += 2 * width)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t lane = 0; lane < width; ++lane) {
          first.push_back(source + group + lane);
          second.push_back(source + group + width + lane);
        }
    return add(a, b, first, second);
  };
  Value sum = interleave(interleave(sums[0], sums[1], 1),
                         interleave(sums[2], sums[3], 1), 2);
  for (int64_t width = lanes / 2; width >= 4; width /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < width; ++lane) {
      low.push_back(lane);
      high.push_back(width + lane);
    }
    sum = add(sum, sum, low, high);
  }
  return sum;
}

void Emitter::emitDotBlock(Value row, int64_t rows, Value column,
                           int64_t columns) {
  auto multiply = [&](ValueRange sums, Value mask) {
    SmallVector<Value> rights, next;
    for (int64_t at = 0; at < columns; ++at) {
      if (roles.column >= 0)
        position[roles.column] = add(column, at);
      rights.push_back(loadVector(roles.right, mask));
    }
    for (int64_t at = 0; at < rows; ++at) {
      if (roles.row >= 0)
        position[roles.row] = add(row, at);
      Value left = loadVector(roles.left, mask);
      for (int64_t part = 0; part < columns; ++part)
        next.push_back(vector::FMAOp::create(builder, left, rights[part],
                                             sums[at * columns + part]));
    }
    return next;
  };
  Value zeros = arith::ConstantOp::create(builder, builder.getZeroAttr(vector));
  SmallVector<Value> sums(rows * columns, zeros);
  sums = sumLoop(sums, lanes, /*unrolled=*/1,
                 [&](ValueRange values) { return multiply(values, Value()); });
  Value end = extent[roles.sum];
  std::optional<int64_t> known = getConstantIntValue(end);
  if (!known || *known % lanes != 0) {
    Value border = roundDown(end, lanes);
    Value rest = arith::SubIOp::create(builder, end, border);
    position[roles.sum] = border;
    sums = multiply(sums, mask(rest, 0, lanes));
  }
  // The order of the sum is fixed here, at compile time.
  if (columns == 4 && lanes >= 4 && result.isContiguous(roles.column)) {
    auto type = VectorType::get({columns}, element);
    for (int64_t at = 0; at < rows; ++at) {
      if (roles.row >= 0)
        position[roles.row] = add(row, at);
      position[roles.column] = column;
      Value sum = sumOfEach(ArrayRef(sums).slice(at * columns, columns));
      SmallVector<Value> where = indices(result);
      Value old = vector::LoadOp::create(builder, type, result.memref, where);
      vector::StoreOp::create(builder, arith::AddFOp::create(builder, old, sum),
                              result.memref, where);
    }
    return;
  }
  for (int64_t at = 0; at < rows; ++at)
    for (int64_t part = 0; part < columns; ++part) {
      if (roles.row >= 0)
        position[roles.row] = add(row, at);
      if (roles.column >= 0)
        position[roles.column] = add(column, part);
      Value sum = vector::ReductionOp::create(
          builder, vector::CombiningKind::ADD, sums[at * columns + part],
          arith::FastMathFlags::reassoc);
      SmallVector<Value> where = indices(result);
      Value old = memref::LoadOp::create(builder, result.memref, where);
      Value next = arith::AddFOp::create(builder, old, sum);
      memref::StoreOp::create(builder, next, result.memref, where);
    }
}

void Emitter::emit() {
  auto structured = cast<linalg::LinalgOp>(op.getOperation());
  SmallVector<Range> ranges =
      structured.createLoopRanges(builder, builder.getLoc());
  position.assign(ranges.size(), Value());
  for (Range range : ranges)
    extent.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), range.size));
  OpBuilder::InsertionGuard guard(builder);
  // Loops without a role, outermost first. Sums among them accumulate in the
  // destination.
  for (unsigned index = 0; index < ranges.size(); ++index) {
    if (static_cast<int64_t>(index) == roles.row ||
        static_cast<int64_t>(index) == roles.column ||
        static_cast<int64_t>(index) == roles.sum)
      continue;
    if (getConstantIntValue(extent[index]) == 1) {
      position[index] = constant(0);
      continue;
    }
    auto outer =
        scf::ForOp::create(builder, constant(0), extent[index], constant(1));
    builder.setInsertionPointToStart(outer.getBody());
    position[index] = outer.getInductionVar();
  }
  if (!roles.alongColumns)
    return emitDots();
  int64_t width = 2 * lanes;
  Value end = extent[roles.column];
  Value border = roundDown(end, width);
  loop(constant(0), border, width,
       [&](Value column) { emitColumns(column, Value(), 2); });
  std::optional<int64_t> known = getConstantIntValue(end);
  if (known && *known % width == 0)
    return;
  Value rest = arith::SubIOp::create(builder, end, border);
  if (known)
    return emitColumns(border, rest, *known % width > lanes ? 2 : 1);
  auto emitIf = [&](arith::CmpIPredicate predicate, int64_t than,
                    llvm::function_ref<void()> body, bool withElse,
                    llvm::function_ref<void()> otherwise) {
    Value condition =
        arith::CmpIOp::create(builder, predicate, rest, constant(than));
    auto branch = scf::IfOp::create(builder, condition, withElse);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    body();
    if (withElse) {
      builder.setInsertionPointToStart(branch.elseBlock());
      otherwise();
    }
  };
  emitIf(
      arith::CmpIPredicate::ne, 0,
      [&] {
        emitIf(
            arith::CmpIPredicate::ugt, lanes,
            [&] { emitColumns(border, rest, 2); }, /*withElse=*/true,
            [&] { emitColumns(border, rest, 1); });
      },
      /*withElse=*/false, [] {});
}

/// Chooses the loops for `left` times `right` in this order, if any suit.
static std::optional<Roles> chooseRoles(linalg::GenericOp op, Access left,
                                        Access right) {
  Access result{op.getDpsInits()[0],
                op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
  if (!left.isPlain() || !result.isPlain())
    return std::nullopt;
  Roles roles;
  roles.left = left;
  roles.right = right;
  int64_t rowColumn = -1;
  for (auto [index, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    int64_t loop = index;
    if (kind == utils::IteratorType::parallel) {
      if (!left.uses(loop) && right.uses(loop) && result.isContiguous(loop))
        roles.column = loop;
      if (!left.uses(loop) && right.uses(loop))
        rowColumn = loop;
      if (left.uses(loop) && !right.uses(loop))
        roles.row = loop;
      continue;
    }
    if (left.uses(loop) && right.uses(loop))
      roles.sum = loop;
  }
  if (roles.sum < 0)
    return std::nullopt;
  // Rows with more than one value are worth more than the last loop.
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (auto [index, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel && left.uses(index) &&
        !right.uses(index) && extents[index] != 1 &&
        (roles.row < 0 || extents[roles.row] == 1))
      roles.row = index;
  if (roles.column >= 0 && right.isPaired(roles.sum, roles.column)) {
    int64_t length = extents[roles.sum];
    roles.paired = true;
    Type stored = right.type().getElementType();
    if (!ShapedType::isDynamic(length) && length % 2 == 0 &&
        result.type().getElementType().isF32() &&
        (stored.isBF16() || stored.isF16()))
      return roles;
    return std::nullopt;
  }
  if (!right.isPlain())
    return std::nullopt;
  if (roles.column >= 0 && right.isContiguous(roles.column))
    return roles;
  for (auto [index, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    int64_t loop = index;
    if (kind != utils::IteratorType::reduction || !left.isContiguous(loop) ||
        !right.isContiguous(loop))
      continue;
    roles.sum = loop;
    roles.column = rowColumn;
    roles.alongColumns = false;
    return roles;
  }
  return std::nullopt;
}

/// The operands of a product whose left rows are gathered: its body reads
/// x[row, k] for a row that an operand names.
static std::optional<std::pair<Access, Access>>
matchGatheredProduct(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1)
    return std::nullopt;
  Block *body = op.getBody();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  auto add = yield.getValues()[0].getDefiningOp<arith::AddFOp>();
  if (!add || !isa<Float32Type, Float64Type>(add.getType()) ||
      add.getLhs() != body->getArguments().back())
    return std::nullopt;
  auto product = add.getRhs().getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  auto narrow = [](Value value) {
    auto extension = value.getDefiningOp<arith::ExtFOp>();
    return extension ? extension.getIn() : value;
  };
  auto load = narrow(product.getLhs()).getDefiningOp<memref::LoadOp>();
  auto right = dyn_cast<BlockArgument>(narrow(product.getRhs()));
  if (!load || load.getIndices().size() != 2 || !right ||
      right.getOwner() != body ||
      op->isAncestor(load.getMemRef().getParentBlock()->getParentOp()))
    return std::nullopt;
  auto row = dyn_cast<BlockArgument>(load.getIndices()[0]);
  auto sum = load.getIndices()[1].getDefiningOp<linalg::IndexOp>();
  if (!row || row.getOwner() != body || !row.getType().isIndex() || !sum)
    return std::nullopt;
  OpOperand *rows = op.getMatchingOpOperand(row);
  OpOperand *matrix = op.getMatchingOpOperand(right);
  AffineMap rowMap = op.getMatchingIndexingMap(rows);
  if (rowMap.getNumResults() != 1 || !rowMap.isProjectedPermutation())
    return std::nullopt;
  MLIRContext *context = op.getContext();
  Access left{load.getMemRef(),
              AffineMap::get(rowMap.getNumDims(), 0,
                             {rowMap.getResult(0),
                              getAffineDimExpr(sum.getDim(), context)},
                             context),
              rows->get()};
  return std::pair(left,
                   Access{matrix->get(), op.getMatchingIndexingMap(matrix)});
}

static void replaceByMicroKernel(RewriterBase &rewriter, linalg::GenericOp op,
                                 const Roles &roles, unsigned vectorBytes) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  builder.setInsertionPoint(op);
  Emitter(builder, op, roles, vectorBytes).emit();
  rewriter.eraseOp(op);
}

LogicalResult trine::emitGatheredMicroKernel(RewriterBase &rewriter,
                                             linalg::GenericOp op,
                                             unsigned vectorBytes) {
  std::optional<std::pair<Access, Access>> operands = matchGatheredProduct(op);
  if (!operands || !isa<MemRefType>(operands->first.gather.getType()))
    return failure();
  std::optional<Roles> roles =
      chooseRoles(op, operands->first, operands->second);
  if (!roles)
    return failure();
  replaceByMicroKernel(rewriter, op, *roles, vectorBytes);
  return success();
}

LogicalResult trine::emitMicroKernel(RewriterBase &rewriter,
                                     linalg::GenericOp op,
                                     unsigned vectorBytes) {
  Access first{op.getDpsInputs()[0],
               op.getMatchingIndexingMap(op.getDpsInputOperand(0))};
  Access second{op.getDpsInputs()[1],
                op.getMatchingIndexingMap(op.getDpsInputOperand(1))};
  for (Access *access : {&first, &second})
    if (!isa<MemRefType>(access->memref.getType()) ||
        access->type().getRank() == 0)
      return failure();
  std::optional<Roles> roles = chooseRoles(op, first, second);
  if (!roles || !roles->alongColumns) {
    std::optional<Roles> swapped = chooseRoles(op, second, first);
    if (!roles || (swapped && swapped->alongColumns))
      roles = swapped;
  }
  if (!roles)
    return failure();
  replaceByMicroKernel(rewriter, op, *roles, vectorBytes);
  return success();
}
