// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DecomposeComposites.h"

using namespace mlir;
using namespace mlir::trine;

Decomposed mlir::trine::decompose(RMSNormOp op, LinalgBuilder &b) {
  Value input = op.getInput(), weight = op.getWeight();
  LinalgBuilder::Sizes sizes = b.sizes(input);
  unsigned rank = sizes.size();
  Type elementType = LinalgBuilder::typeOf(input).getElementType();
  Type type = op.getComputeType();
  AffineMap identity = b.getMultiDimIdentityMap(rank);

  auto squares = [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
    Value x = LinalgBuilder::convert(b, s[0], type);
    return arith::AddFOp::create(b, s[1], arith::MulFOp::create(b, x, x));
  };
  Value sum = b.reduce({{input, identity}}, rank, rank - 1,
                       ArrayRef(sizes).drop_back(), b.number(0, type), squares);

  Value count = arith::UIToFPOp::create(
      b, type,
      arith::IndexCastOp::create(b, b.getI64Type(), b.indexOf(sizes.back())));
  Value epsilon = b.number(op.getEpsilon().convertToDouble(), type);
  SmallVector<int64_t> outer;
  for (unsigned i = 0; i + 1 < rank; ++i)
    outer.push_back(i);
  SmallVector<LinalgBuilder::Input> inputs = {{input, identity},
                                              {sum, b.select(rank, outer)}};
  if (weight)
    inputs.push_back(b.broadcast(weight, rank));
  bool roundsFirst = op.getCast() == CastPosition::BeforeWeight;
  return SmallVector<Value>{b.map(
      inputs, sizes, elementType,
      [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value mean = arith::DivFOp::create(b, s[1], count);
        Value scale =
            math::RsqrtOp::create(b, arith::AddFOp::create(b, mean, epsilon));
        Value x = arith::MulFOp::create(
            b, LinalgBuilder::convert(b, s[0], type), scale);
        if (!weight)
          return x;
        if (roundsFirst)
          x = LinalgBuilder::convert(b, x, elementType);
        return arith::MulFOp::create(b, LinalgBuilder::convert(b, x, type),
                                     LinalgBuilder::convert(b, s[2], type));
      })};
}
