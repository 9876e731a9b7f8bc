// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products whose vectors run along the sum: several dot products at once.
#include "MicroKernelEmitter.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::microkernel;

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
