// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which loops of a product become rows, columns and the sum.
#include "MicroKernelEmitter.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::microkernel;

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
  SmallVector<int64_t> rows;
  for (auto [index, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel && left.uses(index) &&
        !right.uses(index) && extents[index] != 1)
      rows.push_back(index);
  if (!rows.empty())
    roles.row = rows.back();
  if (rows.size() > 1)
    roles.otherRow = rows[rows.size() - 2];
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
                                 Roles roles, unsigned vectorBytes) {
  ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
  builder.setInsertionPoint(op);
  auto emit = [&](const Roles &chosen) {
    Emitter(builder, op, chosen, vectorBytes).emit();
  };
  if (roles.otherRow < 0) {
    emit(roles);
    return rewriter.eraseOp(op);
  }
  // The longer of two loops over rows becomes the rows in registers; of equal
  // ones the inner.
  Roles other = roles;
  std::swap(other.row, other.otherRow);
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  int64_t mine = extents[roles.row], its = extents[other.row];
  if (!ShapedType::isDynamic(mine) && !ShapedType::isDynamic(its)) {
    emit(mine >= its ? roles : other);
    return rewriter.eraseOp(op);
  }
  SmallVector<Range> ranges = cast<linalg::LinalgOp>(op.getOperation())
                                  .createLoopRanges(builder, op.getLoc());
  auto extent = [&](int64_t loop) {
    return getValueOrCreateConstantIndexOp(builder, op.getLoc(),
                                           ranges[loop].size);
  };
  Value isLonger = arith::CmpIOp::create(builder, arith::CmpIPredicate::uge,
                                         extent(roles.row), extent(other.row));
  auto choice = scf::IfOp::create(builder, isLonger, /*withElseRegion=*/true);
  builder.setInsertionPointToStart(choice.thenBlock());
  emit(roles);
  builder.setInsertionPointToStart(choice.elseBlock());
  emit(other);
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
