// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine.rms_norm and trine.rope.
#include "Operator.h"
#include "trine/Dialect/Trine/Trine.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

static LogicalResult rmsNorm(OperatorCall &call) {
  auto op = cast<RMSNormOp>(call.op);
  const Tensor &input = call.operand(0), *weight = call.optional(1);
  int64_t width = input.getShape().back();
  if (weight && failed(call.requireShape(*weight, {width}, "weight")))
    return failure();
  ElementType type = input.getElementType();
  FailureOr<Tensor> result = call.allocate(type, input.getShape());
  if (failed(result))
    return failure();
  double epsilon = op.getEpsilon().convertToDouble();
  bool roundsFirst = op.getCast() == CastPosition::BeforeWeight;
  std::optional<ElementType> compute = elementTypeOf(op.getComputeType());
  // Steps of a 16-bit type are rounded one by one.
  bool isNarrow = op.getComputeType().getIntOrFloatBitWidth() == 16 && compute;
  auto round = [&](double x) { return isNarrow ? roundTo(*compute, x) : x; };
  for (int64_t at = 0; at < input.getNumElements(); at += width) {
    Accumulator squares(call.accumulateInSingle());
    for (int64_t i = 0; i < width; ++i)
      if (isNarrow)
        squares.add(round(input.real(at + i) * input.real(at + i)));
      else
        squares.addProduct(input.real(at + i), input.real(at + i));
    double mean = round(round(squares.get() / width) + round(epsilon));
    double factor = round(1 / round(std::sqrt(mean)));
    for (int64_t i = 0; i < width; ++i) {
      double x = round(input.real(at + i) * factor);
      if (weight)
        x = (roundsFirst ? roundTo(type, x) : x) * weight->real(i);
      result->setReal(at + i, x);
    }
  }
  return call.done(*result);
}

static LogicalResult rope(OperatorCall &call) {
  auto op = cast<RopeOp>(call.op);
  const Tensor &input = call.operand(0), &cos = call.operand(1),
               &sin = call.operand(2);
  int64_t width = input.getShape().back(), half = cos.getShape().back(),
          begin = op.getBegin();
  if (begin < 0 || begin > width || half > (width - begin) / 2)
    return call.fail("rotated range must lie within the last dimension " +
                     llvm::Twine(width) + ", got " + llvm::Twine(2 * half) +
                     " elements from " + llvm::Twine(begin));
  if (failed(call.requireShape(sin, cos.getShape(), "sin")))
    return failure();
  llvm::ArrayRef<int64_t> rows = input.getShape().drop_back(),
                          tableRows = cos.getShape().drop_back();
  std::optional<llvm::SmallVector<int64_t>> common =
      broadcastShapes(rows, tableRows);
  if (!common || llvm::ArrayRef<int64_t>(*common) != rows)
    return call.fail("'cos' must broadcast to " + describeShape(rows) +
                     ", got " + describeShape(tableRows));
  // Elements outside of the range pass.
  Tensor result = input;
  bool interleaved = op.getPairing() == RopePairing::Interleaved;
  bool pairsInPlace = interleaved && op.getLayout() == RopeLayout::InPlace;
  auto at = [&](bool together, int64_t i, bool second) {
    return together ? 2 * i + second : i + second * half;
  };
  forEachPosition(rows, {broadcastStrides(tableRows, rows)},
                  [&](int64_t row, llvm::ArrayRef<int64_t> tableRow) {
                    int64_t from = row * width + begin;
                    for (int64_t i = 0; i < half; ++i) {
                      double a = input.real(from + at(interleaved, i, false)),
                             b = input.real(from + at(interleaved, i, true)),
                             c = cos.real(tableRow[0] * half + i),
                             s = sin.real(tableRow[0] * half + i);
                      auto product = [&](double x, double y) {
                        return roundTo(input.getElementType(), x * y);
                      };
                      result.setReal(from + at(pairsInPlace, i, false),
                                     product(a, c) - product(b, s));
                      result.setReal(from + at(pairsInPlace, i, true),
                                     product(b, c) + product(a, s));
                    }
                  });
  return call.done(result);
}

void reference::addTrineNormalizationRules(OperatorTable &table) {
  table["trine.rms_norm"] = rmsNorm;
  table["trine.rope"] = rope;
}
