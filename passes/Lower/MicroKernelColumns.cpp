// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products whose vectors run along the columns of the right matrix.
#include "MicroKernelEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::microkernel;

/// Steps of the sum that one iteration of its loop takes.
static constexpr int64_t unrolledSteps = 4;

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

/// One step of the sum: a row of the right matrix times a column of the left.
SmallVector<Value> Emitter::multiplyPlain(const Block &block, ValueRange sums) {
  SmallVector<Value> rights, next;
  for (int64_t part = 0; part < block.columns; ++part) {
    position[roles.column] = add(block.column, part * lanes);
    prefetch(roles.right);
    rights.push_back(
        loadVector(roles.right, mask(block.rest, part * lanes, lanes)));
  }
  prefetchFar();
  prefetchStream();
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
  for (int64_t part = 0; part < block.columns; ++part) {
    position[roles.column] = add(block.column, part * lanes);
    prefetch(roles.right);
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
  prefetchFar();
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
  far.address = Value();
  if (far.start) {
    Value offset = far.start;
    if (roles.row >= 0)
      offset = arith::AddIOp::create(
          builder, offset,
          arith::MulIOp::create(builder,
                                arith::IndexCastOp::create(
                                    builder, builder.getI64Type(), block.row),
                                far.perRow));
    position[roles.column] = block.column;
    position[roles.sum] = sumBegin;
    Value first = addressOf(roles.right);
    far.address =
        LLVM::GEPOp::create(builder, first.getType(), builder.getI8Type(),
                            first, ArrayRef<LLVM::GEPArg>{offset});
    far.perStep = builder.createOrFold<arith::DivUIOp>(
        arith::ConstantIntOp::create(
            builder, bytesPerStep(roles.right) * block.rows, 64),
        far.rows);
  }
  startStream(block);
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

/// Long sums are computed in parts, so that the rows of a part stay in the
/// second-level cache from panel to panel.
void Emitter::forSumBlocks(llvm::function_ref<void()> body) {
  constexpr int64_t most = 2048;
  Value whole = sumEnd;
  std::optional<int64_t> length = getConstantIntValue(whole);
  std::optional<int64_t> rows =
      roles.row < 0 ? 1 : getConstantIntValue(extent[roles.row]);
  bool isOneBlock = rows && *rows <= fullRows();
  if (!length || *length <= most + most / 2 || isOneBlock)
    return body();
  int64_t size =
      llvm::alignTo(llvm::divideCeil(*length, llvm::divideCeil(*length, most)),
                    2 * unrolledSteps);
  auto parts = scf::ForOp::create(builder, sumBegin, whole, constant(size));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(parts.getBody());
    Value begin = parts.getInductionVar(), before = sumBegin;
    sumBegin = begin;
    sumEnd = add(begin, size);
    sumLength = size;
    if (*length % size != 0) {
      sumEnd = arith::MinUIOp::create(builder, sumEnd, whole);
      sumLength = std::nullopt;
    }
    body();
    sumBegin = before;
    sumEnd = whole;
    sumLength = length;
  }
}

/// `columns` vectors from `column` on; one has twice the rows, so that as many
/// sums are under way.
void Emitter::emitColumns(Value column, Value rest, int64_t columns) {
  bool isMasked = rest != nullptr;
  int64_t rows = fullRows() * 2 / columns;
  forSumBlocks([&] {
    planFar(rows);
    planStream(rows, columns);
    split(roles.row, rows, /*ones=*/isMasked, [&](Value row, int64_t size) {
      emitBlock({row, column, size, columns, rest});
    });
  });
}
