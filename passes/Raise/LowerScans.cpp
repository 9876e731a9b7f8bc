// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CumSum and CumProd: loops, as linalg has no prefix sums.
#include "LowerRecurrences.h"

using namespace mlir;
using namespace mlir::trine;

using Expression = ONNXLowering::Expression;

template <bool isProduct>
static LogicalResult lowerScan(Operation *op, ONNXLowering &lowering) {
  Value input = op->getOperand(0), result = op->getResult(0);
  SmallVector<Expression> dims = lowering.dims(input);
  int64_t rank = dims.size();
  auto axes = lowering.constantIntegers(op->getOperand(1));
  if (!axes || axes->size() != 1)
    return lowering.unsupported(op, "'axis' must be one constant");
  int64_t axis = axes->front() < 0 ? axes->front() + rank : axes->front();
  if (axis < 0 || axis >= rank)
    return ONNXLowering::unexpected(op);
  auto isSet = [&](StringRef name) {
    auto attribute = op->getAttrOfType<IntegerAttr>(name);
    return attribute && attribute.getInt() != 0;
  };
  bool exclusive = isSet("exclusive"), reverse = isSet("reverse");
  OpBuilder &b = lowering.builder;
  Location loc = lowering.loc;
  Type elementType = lowering.elementType(result);
  Type type = getComputeType(elementType);
  Value source = lowering.lookup(input);
  Value zero = lowering.indexConstant(0), one = lowering.indexConstant(1);

  // Rows outside, the scanned dim inside, where the accumulator is carried.
  SmallVector<int64_t> outer;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      outer.push_back(i);
  SmallVector<Value> upper;
  for (int64_t dim : outer)
    upper.push_back(lowering.sizeValue(dims[dim]));
  Value length = lowering.sizeValue(dims[axis]);
  Value last = arith::SubIOp::create(b, loc, length, one);
  Value initial = scalarConstant(b, loc, type, isProduct ? 1 : 0);
  SmallVector<Value> lower(outer.size(), zero), steps(outer.size(), one);

  auto scanRow = [&](OpBuilder &b, Location loc, ValueRange rows,
                     Value destination) -> Value {
    auto loop = scf::ForOp::create(
        b, loc, zero, length, one, ValueRange{destination, initial},
        [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
          Value place = i;
          if (reverse)
            place = arith::SubIOp::create(b, loc, last, i);
          SmallVector<Value> indices(rank);
          for (auto [dim, row] : llvm::zip_equal(outer, rows))
            indices[dim] = row;
          indices[axis] = place;
          Value next = toComputeType(
              b, loc, tensor::ExtractOp::create(b, loc, source, indices));
          Value sum;
          if (isa<FloatType>(type))
            sum = isProduct ? arith::MulFOp::create(b, loc, carried[1], next)
                                  .getResult()
                            : arith::AddFOp::create(b, loc, carried[1], next)
                                  .getResult();
          else
            sum = isProduct ? arith::MulIOp::create(b, loc, carried[1], next)
                                  .getResult()
                            : arith::AddIOp::create(b, loc, carried[1], next)
                                  .getResult();
          Value stored = fromComputeType(b, loc, exclusive ? carried[1] : sum,
                                         elementType);
          Value updated =
              tensor::InsertOp::create(b, loc, stored, carried[0], indices);
          scf::YieldOp::create(b, loc, ValueRange{updated, sum});
        });
    return loop.getResult(0);
  };

  Value destination = lowering.empty(result);
  if (outer.empty()) {
    lowering.map(result, scanRow(b, loc, {}, destination));
    return success();
  }
  scf::LoopNest nest =
      scf::buildLoopNest(b, loc, lower, upper, steps, destination,
                         [&](OpBuilder &b, Location loc, ValueRange rows,
                             ValueRange carried) -> scf::ValueVector {
                           return {scanRow(b, loc, rows, carried[0])};
                         });
  lowering.map(result, nest.results[0]);
  return success();
}

void mlir::trine::registerScanLowerings(ONNXLoweringRegistry &registry) {
  registry.add("CumSum", lowerScan<false>);
  registry.add("CumProd", lowerScan<true>);
  registry.add("Scan", lowerScanOperator);
  registry.add("LinearAttention", lowerLinearAttention);
}
