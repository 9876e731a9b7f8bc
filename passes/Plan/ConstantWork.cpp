// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ConstantWork.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"

using namespace mlir;
using namespace mlir::trine;

static bool isLeaf(Operation *op) {
  return isa<WeightOp, AssembledWeightOp, arith::ConstantOp>(op);
}

/// A body that gives back what it reads, or the same in more bits.
static bool copiesOrWidens(linalg::GenericOp op) {
  if (op.getNumLoops() != op.getNumParallelLoops())
    return false;
  Block &body = *op.getBody();
  auto isArgument = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &body;
  };
  Operation *yield = body.getTerminator();
  if (llvm::hasSingleElement(body))
    return llvm::all_of(yield->getOperands(), isArgument);
  Operation &first = body.front();
  if (first.getNextNode() != yield || yield->getNumOperands() != 1 ||
      yield->getOperand(0).getDefiningOp() != &first ||
      !isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, arith::SIToFPOp,
           arith::UIToFPOp>(first))
    return false;
  return isArgument(first.getOperand(0)) &&
         first.getOperand(0).getType().getIntOrFloatBitWidth() <
             first.getResult(0).getType().getIntOrFloatBitWidth();
}

bool mlir::trine::isMove(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return copiesOrWidens(generic);
  return isa<tensor::EmptyOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp, tensor::CastOp, tensor::FromElementsOp,
             tensor::SplatOp, linalg::FillOp, linalg::CopyOp,
             linalg::TransposeOp, linalg::BroadcastOp>(op);
}

/// Elements of all results.
static double countElements(Operation *op) {
  double elements = 0;
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    elements += tensor ? static_cast<double>(tensor.getNumElements()) : 1;
  }
  return elements;
}

/// Iterations of one loop; none if they are not known.
static std::optional<double> countIterations(Operation *op) {
  SmallVector<OpFoldResult> lower, upper, steps;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    lower = {loop.getLowerBound()};
    upper = {loop.getUpperBound()};
    steps = {loop.getStep()};
  } else if (auto loop = dyn_cast<scf::ForallOp>(op)) {
    lower = loop.getMixedLowerBound();
    upper = loop.getMixedUpperBound();
    steps = loop.getMixedStep();
  } else {
    return 1; // a choice
  }
  double iterations = 1;
  for (auto [from, to, by] : llvm::zip(lower, upper, steps)) {
    std::optional<int64_t> begin = getConstantIntValue(from),
                           end = getConstantIntValue(to),
                           step = getConstantIntValue(by);
    if (!begin || !end || !step || *step <= 0)
      return std::nullopt;
    iterations *= std::max(
        0.0, (static_cast<double>(*end) - static_cast<double>(*begin)) /
                 static_cast<double>(*step));
  }
  return iterations;
}

/// Ops that loops execute.
static std::optional<double> countLoopOperations(Operation *op) {
  double inside = 0;
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps()) {
      std::optional<double> count = countLoopOperations(&inner);
      if (!count)
        return std::nullopt;
      inside += *count;
    }
  std::optional<double> iterations = countIterations(op);
  if (!iterations)
    return std::nullopt;
  return 1 + *iterations * inside;
}

double mlir::trine::countOperations(Operation *op) {
  if (isMove(op) || isLeaf(op))
    return 0;
  if (isa<scf::SCFDialect>(op->getDialect()))
    return countLoopOperations(op).value_or(0);
  // Copied through memory, as it fuses with nothing.
  constexpr double copyOperations = 8;
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return copyOperations * insert.getSourceType().getNumElements();
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return isa<tensor::TensorDialect>(op->getDialect())
               ? copyOperations * countElements(op)
               : countElements(op);
  double iterations = 1, operations = 0;
  for (int64_t range : linalgOp.getStaticLoopRanges())
    iterations *= static_cast<double>(range);
  for (Operation &scalar : linalgOp.getBlock()->without_terminator()) {
    if (isa<linalg::IndexOp, arith::ConstantOp, arith::IndexCastOp>(scalar))
      continue;
    bool slow =
        isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
            arith::RemUIOp, arith::RemFOp, arith::FloorDivSIOp,
            arith::CeilDivSIOp, tensor::ExtractOp>(scalar) ||
        scalar.getNumRegions() > 0 ||
        isa<math::MathDialect>(scalar.getDialect());
    operations += slow ? 16 : 1;
  }
  return iterations * operations;
}

int64_t mlir::trine::dataBytes(Operation *leaf) {
  auto type = dyn_cast<RankedTensorType>(leaf->getResult(0).getType());
  if (!type || type.getNumElements() == 1)
    return 0;
  if (auto constant = dyn_cast<arith::ConstantOp>(leaf))
    if (auto value = dyn_cast<ElementsAttr>(constant.getValue());
        !value || value.isSplat())
      return 0;
  return getStoredBytes(type);
}

ConstantWork::ConstantWork(func::FuncOp function) {
  collect(function.getBody().front());
  for (Operation *op : ops)
    if (readsConstants(op))
      constants.insert(op);
}

void ConstantWork::collect(Block &block) {
  for (Operation &op : block) {
    positions[&op] = ops.size();
    ops.push_back(&op);
    if (auto choice = dyn_cast<scf::IfOp>(op))
      for (Region *region : choice.getRegions())
        for (Block &inner : *region)
          collect(inner);
  }
}

Operation *ConstantWork::ownerOf(OpOperand &use) const {
  Operation *owner = use.getOwner();
  while (owner && !positions.contains(owner))
    owner = owner->getParentOp();
  return owner;
}

static bool isComputing(Operation *op) {
  return isa_and_nonnull<linalg::LinalgDialect, tensor::TensorDialect,
                         arith::ArithDialect, math::MathDialect,
                         scf::SCFDialect>(op->getDialect()) &&
         !isa<scf::WhileOp>(op);
}

/// Operands, and what regions read from outside.
static llvm::SetVector<Value> valuesReadBy(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

bool ConstantWork::readsConstants(Operation *op) const {
  if (isLeaf(op))
    return true;
  // A choice is the step's own.
  if (op->getNumResults() == 0 || isa<scf::IfOp>(op) || !isMemoryEffectFree(op))
    return false;
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor ? !tensor.hasStaticShape() : !type.isIntOrIndexOrFloat())
      return false;
  }
  // Loops must end, and soon.
  if (isa<scf::SCFDialect>(op->getDialect()) && !countLoopOperations(op))
    return false;
  bool computing = !op->walk([](Operation *inner) {
                        return isComputing(inner) ? WalkResult::advance()
                                                  : WalkResult::interrupt();
                      }).wasInterrupted();
  if (!computing)
    return false;
  return llvm::all_of(valuesReadBy(op), [&](Value value) {
    return value.getDefiningOp() && isConstant(value.getDefiningOp());
  });
}

SmallVector<Operation *> ConstantWork::producersOf(Operation *op) const {
  SmallVector<Operation *> producers;
  for (Value value : valuesReadBy(op))
    producers.push_back(value.getDefiningOp());
  return producers;
}

ConstantCone ConstantWork::coneOf(Operation *op) const {
  ConstantCone cone;
  SmallVector<Operation *> waiting = {op};
  while (!waiting.empty()) {
    Operation *next = waiting.pop_back_val();
    if (!(isLeaf(next) ? cone.leaves : cone.work).insert(next))
      continue;
    if (isLeaf(next)) {
      cone.bytes += dataBytes(next);
      cone.hasWeight |= !isa<arith::ConstantOp>(next);
      continue;
    }
    cone.operations += countOperations(next);
    waiting.append(producersOf(next));
  }
  return cone;
}

static bool isMatrix(Operation *op) {
  if (!isa<WeightOp, AssembledWeightOp>(op))
    return false;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return type.getRank() >= 2 && type.getElementType().isF32();
}

ComputedMatrices::ComputedMatrices(ModuleOp module) : ranges(module) {
  for (auto program : module.getOps<plan::ConstantProgramOp>())
    for (Operation &op : program.getBody().front())
      if (isMatrix(&op) || llvm::any_of(valuesReadBy(&op), [&](Value value) {
            return madeOfMatrices.contains(value.getDefiningOp());
          }))
        madeOfMatrices.insert(&op);
}

bool ComputedMatrices::mayNarrow(StringRef file, int64_t offset) const {
  if (file != plan::ConstantProgramOp::kFile)
    return true;
  const ComputedRange *range = ranges.findFrom(offset);
  return range && offset < range->offset + range->bytes &&
         madeOfMatrices.contains(range->value.getDefiningOp());
}
