// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops and blocks of a product.
#include "MicroKernelEmitter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::microkernel;

bool Access::isContiguous(unsigned loop) const {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type().getStridesAndOffset(strides, offset)) || strides.empty() ||
      strides.back() != 1)
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

bool Access::isPaired(unsigned row, unsigned column) const {
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

Emitter::Emitter(ImplicitLocOpBuilder &builder, linalg::GenericOp op,
                 Roles roles, unsigned vectorBytes)
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

Value Emitter::add(Value value, int64_t offset) {
  if (offset == 0)
    return value;
  return arith::AddIOp::create(builder, value, constant(offset),
                               arith::IntegerOverflowFlags::nsw |
                                   arith::IntegerOverflowFlags::nuw);
}

Value Emitter::roundDown(Value value, int64_t step) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return constant(*known / step * step);
  Value rest = arith::RemUIOp::create(builder, value, constant(step));
  return arith::SubIOp::create(builder, value, rest);
}

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

SmallVector<Value>
Emitter::sumLoop(ArrayRef<Value> accumulators, int64_t step, int64_t unrolled,
                 llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  if (roles.sum < 0)
    return body(accumulators);
  Value end = sumEnd;
  if (!sumLength || *sumLength % step != 0)
    end = roundDown(sumEnd, step);
  SmallVector<Value> sums(accumulators);
  Value begin = sumBegin;
  // Several steps at once, then what is left.
  SmallVector<int64_t, 2> counts = {1};
  if (unrolled > 1 && (!sumLength || *sumLength >= unrolled * step))
    counts.insert(counts.begin(), unrolled);
  int64_t done = 0;
  for (int64_t count : counts) {
    if (sumLength && *sumLength - done < step)
      break;
    Value border = end;
    if (count > 1 && sumLength)
      done = *sumLength / (count * step) * (count * step);
    if (count > 1 && (!sumLength || done + step <= *sumLength))
      border = roundDown(end, count * step);
    auto loop = scf::ForOp::create(builder, begin, border,
                                   constant(count * step), sums);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (int64_t i = 0; i < count; ++i) {
      position[roles.sum] = add(loop.getInductionVar(), i * step);
      unrolledStep = i;
      next = body(next);
    }
    unrolledStep = 0;
    scf::YieldOp::create(builder, next);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
    begin = border;
  }
  return sums;
}

void Emitter::emit() {
  auto structured = cast<linalg::LinalgOp>(op.getOperation());
  SmallVector<Range> ranges =
      structured.createLoopRanges(builder, builder.getLoc());
  position.assign(ranges.size(), Value());
  for (Range range : ranges)
    extent.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), range.size));
  sumBegin = constant(0);
  sumEnd = extent[roles.sum];
  sumLength = getConstantIntValue(sumEnd);
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
  if (op->hasAttr(kWholeVectors))
    return loop(border, end, lanes,
                [&](Value column) { emitColumns(column, Value(), 1); });
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
