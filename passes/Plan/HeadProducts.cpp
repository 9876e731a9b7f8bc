// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HeadProducts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;

/// The dimension of a tensor with `map` that loop `loop` runs over.
static std::optional<unsigned> dimensionOf(AffineMap map, unsigned loop) {
  return map.getResultPosition(getAffineDimExpr(loop, map.getContext()));
}

bool mlir::trine::isHeadProduct(OpOperand &use, int64_t columns) {
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!op || !op.isDpsInput(&use) || op.getNumDpsInits() != 1 ||
      !op.hasPureTensorSemantics() || !linalg::isaContractionOpInterface(op))
    return false;
  AffineMap map = op.getMatchingIndexingMap(&use);
  auto type = dyn_cast<RankedTensorType>(use.get().getType());
  if (!type || type.getRank() != 3 || !type.hasStaticShape() ||
      type.getDimSize(2) % columns != 0)
    return false;
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  if (kinds[map.getDimPosition(1)] != utils::IteratorType::parallel)
    return false;
  // What else the split loop runs over is split, too.
  unsigned loop = map.getDimPosition(2);
  for (OpOperand &other : op->getOpOperands())
    if (std::optional<unsigned> dim =
            dimensionOf(op.getMatchingIndexingMap(&other), loop))
      if (cast<RankedTensorType>(other.get().getType()).isDynamicDim(*dim))
        return false;
  return true;
}

void mlir::trine::widenElements(linalg::GenericOp op, unsigned operand) {
  BlockArgument element = op.getBody()->getArgument(operand);
  Type wide = element.getType(),
       stored = getElementTypeOrSelf(op->getOperand(operand).getType());
  if (wide == stored)
    return;
  element.setType(stored);
  OpBuilder builder = OpBuilder::atBlockBegin(op.getBody());
  auto widened = arith::ExtFOp::create(builder, op.getLoc(), wide, element);
  element.replaceAllUsesExcept(widened, widened);
}

namespace {
/// Dimension `dim` of a tensor as two, of which the inner has `columns`.
struct Split {
  SmallVector<ReassociationIndices> groups;
  SmallVector<OpFoldResult> sizes;
  RankedTensorType type;
};
} // namespace

static Split splitDimension(OpBuilder &builder, Value tensor, unsigned dim,
                            int64_t columns) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Split split;
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    ReassociationIndices &group = split.groups.emplace_back();
    group.push_back(shape.size());
    if (i == dim) {
      int64_t panels = type.getDimSize(i) / columns;
      group.push_back(shape.size() + 1);
      shape.append({panels, columns});
      split.sizes.append(
          {builder.getIndexAttr(panels), builder.getIndexAttr(columns)});
      continue;
    }
    shape.push_back(type.getDimSize(i));
    split.sizes.push_back(
        tensor::getMixedSize(builder, tensor.getLoc(), tensor, i));
  }
  split.type = RankedTensorType::get(shape, type.getElementType());
  return split;
}

void mlir::trine::readHeadPanels(OpOperand &use, Value panels, int64_t first) {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  Location loc = op.getLoc();
  OpBuilder builder(op);
  MLIRContext *context = op.getContext();
  auto stored = cast<RankedTensorType>(panels.getType());
  auto type = cast<RankedTensorType>(use.get().getType());
  AffineMap old = op.getMatchingIndexingMap(&use);
  int64_t columns = stored.getDimSize(2), depth = stored.getDimSize(1),
          heads = type.getDimSize(1), count = type.getDimSize(2) / columns,
          all = stored.getDimSize(0) / heads;
  unsigned loop = old.getDimPosition(2), loops = op.getNumLoops();

  // Each head's panels, and those of its columns that are read.
  auto byHead = RankedTensorType::get({heads, all, depth, columns},
                                      stored.getElementType());
  Value read = tensor::ExpandShapeOp::create(
      builder, loc, byHead, panels,
      ArrayRef<ReassociationIndices>{{0, 1}, {2}, {3}});
  if (count != all) {
    auto attributes = [&](ArrayRef<int64_t> values) {
      return getAsIndexOpFoldResult(context, values);
    };
    read = tensor::ExtractSliceOp::create(
        builder, loc, read, attributes({0, first / columns, 0, 0}),
        attributes({heads, count, depth, columns}), attributes({1, 1, 1, 1}));
  }

  // Loops behind the split one move up by one.
  auto shifted = [&](unsigned position) {
    return getAffineDimExpr(position > loop ? position + 1 : position, context);
  };
  AffineExpr panel = getAffineDimExpr(loop, context),
             column = getAffineDimExpr(loop + 1, context);
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  Value init;
  std::optional<Split> result;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (&operand == &use) {
      maps.push_back(AffineMap::get(loops + 1, 0,
                                    {shifted(map.getDimPosition(1)), panel,
                                     shifted(map.getDimPosition(0)), column},
                                    context));
      inputs.push_back(read);
      continue;
    }
    SmallVector<AffineExpr> results;
    for (AffineExpr expression : map.getResults()) {
      unsigned position = cast<AffineDimExpr>(expression).getPosition();
      results.push_back(shifted(position));
      if (position == loop)
        results.push_back(column);
    }
    maps.push_back(AffineMap::get(loops + 1, 0, results, context));
    Value tensor = operand.get();
    std::optional<unsigned> dim = dimensionOf(map, loop);
    if (dim) {
      Split split = splitDimension(builder, tensor, *dim, columns);
      auto fill = tensor.getDefiningOp<linalg::FillOp>();
      if (op.isDpsInit(&operand)) {
        result = split;
        if (fill) {
          Value empty = tensor::EmptyOp::create(builder, loc, split.sizes,
                                                split.type.getElementType());
          tensor = linalg::FillOp::create(builder, loc,
                                          fill.getInputs().front(), empty)
                       .getResult(0);
        }
      }
      if (tensor == operand.get())
        tensor = tensor::ExpandShapeOp::create(builder, loc, split.type, tensor,
                                               split.groups, split.sizes);
    }
    if (op.isDpsInit(&operand))
      init = tensor;
    else
      inputs.push_back(tensor);
  }
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  kinds.insert(kinds.begin() + loop, kinds[loop]);
  auto product = linalg::GenericOp::create(builder, loc, init.getType(), inputs,
                                           init, maps, kinds);
  product.getRegion().takeBody(op.getRegion());
  widenElements(product, use.getOperandNumber());
  Value value = product.getResult(0);
  if (result)
    value = tensor::CollapseShapeOp::create(
        builder, loc, op.getResult(0).getType(), value, result->groups);
  op.getResult(0).replaceAllUsesWith(value);
  op.erase();
}
