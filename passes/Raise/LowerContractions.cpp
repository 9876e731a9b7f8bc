// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MatMul and Gemm.
#include "LowerContractions.h"
#include "LoweringUtils.h"

using namespace mlir;
using namespace mlir::trine;

using Dims = SmallVector<SymbolicExpression>;

namespace {
/// Which operands a batch dimension of a product steps through.
enum class Batch { Left, Right, Both };
struct BatchGroup {
  Batch kind;
  SymbolicExpression size;
};
} // namespace

ONNXLowering::Operand mlir::trine::matrixProduct(ONNXLowering &lowering,
                                                 ONNXLowering::Operand a,
                                                 ONNXLowering::Operand b) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  SymbolicExpression m = a.dims[a.dims.size() - 2], k = a.dims.back(),
                     n = b.dims.back();

  // Sort batch dims into runs by who has them; runs of one kind become one
  // dimension.
  size_t batchRank = std::max(a.dims.size(), b.dims.size()) - 2;
  SymbolicExpression one = lowering.constantExpression(1);
  Dims resultDims;
  SmallVector<BatchGroup> groups;
  for (size_t i = 0; i < batchRank; ++i) {
    auto dimOf = [&](const Dims &dims) {
      return i + dims.size() - 2 >= batchRank
                 ? dims[i + dims.size() - 2 - batchRank]
                 : one;
    };
    SymbolicExpression left = dimOf(a.dims), right = dimOf(b.dims);
    resultDims.push_back(left.isConstant(1) ? right : left);
    if (left.isConstant(1) && right.isConstant(1))
      continue;
    Batch kind = left.isConstant(1)    ? Batch::Right
                 : right.isConstant(1) ? Batch::Left
                                       : Batch::Both;
    if (!groups.empty() && groups.back().kind == kind)
      groups.back().size = groups.back().size * resultDims.back();
    else
      groups.push_back({kind, resultDims.back()});
  }
  resultDims.append({m, n});

  // Batch dims that only the left side has and that stand next to its rows are
  // rows.
  SymbolicExpression rows = m;
  if (!groups.empty() && groups.back().kind == Batch::Left)
    rows = groups.pop_back_val().size * rows;

  Dims left, right, product;
  for (BatchGroup &group : groups) {
    if (group.kind != Batch::Right)
      left.push_back(group.size);
    if (group.kind != Batch::Left)
      right.push_back(group.size);
    product.push_back(group.size);
  }
  left.append({rows, k});
  right.append({b.dims[b.dims.size() - 2], n});
  product.append({rows, n});
  Value x = lowering.reshape(a.value, a.dims, left),
        w = lowering.reshape(b.value, b.dims, right);
  Type elementType = cast<RankedTensorType>(x.getType()).getElementType();
  Value init =
      lowering.filled(product, scalarConstant(lowering.builder, lowering.loc,
                                              getComputeType(elementType), 0));

  Value result;
  if (groups.empty()) {
    result = linalg::MatmulOp::create(builder, loc, TypeRange{init.getType()},
                                      ValueRange{x, w}, ValueRange{init})
                 .getResult(0);
  } else if (groups.size() == 1 && groups[0].kind == Batch::Both) {
    result =
        linalg::BatchMatmulOp::create(builder, loc, TypeRange{init.getType()},
                                      ValueRange{x, w}, ValueRange{init})
            .getResult(0);
  } else {
    unsigned batches = groups.size(), dimCount = batches + 3;
    auto dim = [&](unsigned i) { return builder.getAffineDimExpr(i); };
    SmallVector<AffineExpr> xMap, wMap, outMap;
    for (auto [i, group] : llvm::enumerate(groups)) {
      if (group.kind != Batch::Right)
        xMap.push_back(dim(i));
      if (group.kind != Batch::Left)
        wMap.push_back(dim(i));
      outMap.push_back(dim(i));
    }
    xMap.append({dim(batches), dim(batches + 2)});
    wMap.append({dim(batches + 2), dim(batches + 1)});
    outMap.append({dim(batches), dim(batches + 1)});
    SmallVector<utils::IteratorType> iterators(dimCount - 1,
                                               utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(dimCount, 0, exprs, builder.getContext());
    };
    result =
        linalg::GenericOp::create(
            builder, loc, TypeRange{init.getType()}, ValueRange{x, w},
            ValueRange{init}, {map(xMap), map(wMap), map(outMap)}, iterators,
            [](OpBuilder &b, Location l, ValueRange args) {
              linalg::YieldOp::create(
                  b, l, multiplyAdd(b, l, args[2], args[0], args[1]));
            })
            .getResult(0);
  }
  return {lowering.reshape(result, product, resultDims), resultDims};
}

static LogicalResult lowerMatMul(Operation *op, ONNXLowering &lowering) {
  ONNXLowering::Operand a = lowering.operand(op->getOperand(0)),
                        b = lowering.operand(op->getOperand(1));
  Value onnxResult = op->getResult(0);
  SymbolicExpression one = lowering.constantExpression(1);
  if (a.dims.size() == 1)
    a = reshaped(lowering, a, {one, a.dims[0]});
  if (b.dims.size() == 1)
    b = reshaped(lowering, b, {b.dims[0], one});
  ONNXLowering::Operand product = matrixProduct(lowering, a, b);
  // Rows and columns that stood for a vector go again.
  product = reshaped(lowering, product, lowering.dims(onnxResult));
  lowering.map(onnxResult,
               roundTo(lowering, product, lowering.elementType(onnxResult)));
  return success();
}

static LogicalResult lowerGemm(Operation *op, ONNXLowering &lowering) {
  auto gemm = cast<onnx::GemmOp>(op);
  Value onnxResult = gemm.getY();
  ONNXLowering::Operand a = lowering.operand(gemm.getA()),
                        b = lowering.operand(gemm.getB());
  if (gemm.getTransA())
    a = transpose(lowering, a, {1, 0});
  if (gemm.getTransB())
    b = transpose(lowering, b, {1, 0});
  Type elementType = lowering.elementType(onnxResult);
  double alpha = gemm.getAlpha().convertToFloat(),
         beta = gemm.getBeta().convertToFloat();
  bool hasC = !ONNXLowering::isNone(gemm.getC()) && beta != 0;
  if (!isa<FloatType>(elementType) && (alpha != 1 || (hasC && beta != 1)))
    return lowering.unsupported(
        op, "'alpha' and 'beta' must be 1 for integers, got " +
                std::to_string(alpha) + " and " + std::to_string(beta));

  ONNXLowering::Operand product = matrixProduct(lowering, a, b);
  if (!hasC && alpha == 1) {
    lowering.map(onnxResult, roundTo(lowering, product, elementType));
    return success();
  }
  SmallVector<ONNXLowering::Operand> inputs{product};
  if (hasC)
    inputs.push_back(lowering.operand(gemm.getC()));
  Value result = lowering.elementwise(
      inputs, product.dims, elementType,
      [&](OpBuilder &b, Location l, ValueRange scalars) -> Value {
        Value sum = scalars[0];
        auto scaled = [&](Value value, double factor) -> Value {
          if (factor == 1)
            return value;
          Value constant = arith::ConstantOp::create(
              b, l, b.getFloatAttr(value.getType(), factor));
          return arith::MulFOp::create(b, l, value, constant);
        };
        sum = scaled(sum, alpha);
        if (!hasC)
          return sum;
        Value c = scaled(scalars[1], beta);
        if (isa<FloatType>(sum.getType()))
          return arith::AddFOp::create(b, l, sum, c);
        return arith::AddIOp::create(b, l, sum, c);
      });
  lowering.map(onnxResult, result);
  return success();
}

void mlir::trine::registerContractionLowerings(ONNXLoweringRegistry &registry) {
  registry.add("MatMul", lowerMatMul);
  registry.add("Gemm", lowerGemm);
}
