// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weighted sum of experts' rows, as trine.moe.combine is decomposed.
#include "ElementWriter.h"
#include "Scalars.h"
#include "SkeletonWriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

namespace {
/// sum over slots of weight[token, slot] · rows[position[token, slot], column].
struct CombinedSum {
  BlockArgument weights, positions, rows;
  /// The last row; a value of the kernel.
  Value last;
  /// A slot whose id is at least `experts` takes input[token, column]; null:
  /// there are none.
  BlockArgument ids;
  Value experts, input;
};
} // namespace

static Value withoutExtension(Value value) {
  auto extension = value.getDefiningOp<arith::ExtFOp>();
  return extension ? extension.getIn() : value;
}

/// The argument of the kernel that a region's argument reads at [token, slot].
static BlockArgument readsSlots(linalg::GenericOp op, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return {};
  OpOperand *operand = op.getMatchingOpOperand(argument);
  AffineMap slots = AffineMap::get(3, 0,
                                   {getAffineDimExpr(0, op.getContext()),
                                    getAffineDimExpr(1, op.getContext())},
                                   op.getContext());
  return op.getMatchingIndexingMap(operand) == slots
             ? dyn_cast<BlockArgument>(operand->get())
             : BlockArgument();
}

static std::optional<CombinedSum> matchCombined(linalg::LinalgOp linalgOp) {
  auto op = dyn_cast<linalg::GenericOp>(linalgOp.getOperation());
  using utils::IteratorType;
  if (!op || op.getNumDpsInits() != 1 ||
      op.getIteratorTypesArray() !=
          SmallVector<IteratorType>{IteratorType::parallel,
                                    IteratorType::reduction,
                                    IteratorType::parallel} ||
      !getElementTypeOrSelf(op.getType(0)).isF32())
    return std::nullopt;
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_PosZeroFloat()))
    return std::nullopt;
  AffineMap output = op.getIndexingMapsArray().back();
  if (output.getNumResults() != 2 || !output.getResult(0).isFunctionOfDim(0) ||
      output.getResult(1) != getAffineDimExpr(2, op.getContext()))
    return std::nullopt;
  Block *body = op.getBlock();
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || sum.getLhs() != body->getArguments().back())
    return std::nullopt;
  auto product = sum.getRhs().getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  CombinedSum result;
  result.weights = readsSlots(op, withoutExtension(product.getLhs()));
  Value term = withoutExtension(product.getRhs());
  if (auto choice = term.getDefiningOp<arith::SelectOp>()) {
    auto compare = choice.getCondition().getDefiningOp<arith::CmpIOp>();
    auto own = dyn_cast<BlockArgument>(withoutExtension(choice.getTrueValue()));
    if (!compare || compare.getPredicate() != arith::CmpIPredicate::sge ||
        !own || own.getOwner() != body ||
        own.getArgNumber() >= op.getNumDpsInputs())
      return std::nullopt;
    OpOperand *operand = op.getMatchingOpOperand(own);
    if (op.getMatchingIndexingMap(operand) != output)
      return std::nullopt;
    result.ids = readsSlots(op, compare.getLhs());
    result.experts = compare.getRhs();
    result.input = operand->get();
    if (!result.ids || result.experts.getParentBlock() == body ||
        !elementOf(getElementTypeOrSelf(result.input)) ||
        !getElementTypeOrSelf(result.ids.getType()).isInteger(64))
      return std::nullopt;
    term = withoutExtension(choice.getFalseValue());
  }
  auto extract = term.getDefiningOp<tensor::ExtractOp>();
  if (!result.weights || !extract || extract.getIndices().size() != 2)
    return std::nullopt;
  auto column = extract.getIndices()[1].getDefiningOp<linalg::IndexOp>();
  // The row, kept within the rows that there are.
  auto atLeast = extract.getIndices()[0].getDefiningOp<arith::MaxSIOp>();
  auto atMost = atLeast ? atLeast.getLhs().getDefiningOp<arith::MinSIOp>()
                        : arith::MinSIOp();
  auto cast = atMost ? atMost.getLhs().getDefiningOp<arith::IndexCastOp>()
                     : arith::IndexCastOp();
  if (!column || column.getDim() != 2 || !cast ||
      !matchPattern(atLeast.getRhs(), m_Zero()))
    return std::nullopt;
  result.last = atMost.getRhs();
  result.positions = readsSlots(op, cast.getIn());
  result.rows = dyn_cast<BlockArgument>(extract.getTensor());
  auto isOfKernel = [](BlockArgument argument) {
    return argument && isa<plan::KernelOp>(argument.getOwner()->getParentOp());
  };
  auto isFloat = [](Value tensor) {
    return isa<Float32Type, Float16Type, BFloat16Type>(
        getElementTypeOrSelf(tensor.getType()));
  };
  if (!isOfKernel(result.weights) || !isOfKernel(result.positions) ||
      !isOfKernel(result.rows) || !isFloat(result.weights) ||
      !isFloat(result.rows) ||
      !getElementTypeOrSelf(result.positions.getType()).isInteger(64))
    return std::nullopt;
  return result;
}

std::optional<FailureOr<std::string>>
ElementWriter::combined(linalg::LinalgOp op, ArrayRef<std::string> loops) {
  std::optional<CombinedSum> sum = matchCombined(op);
  if (!sum)
    return std::nullopt;
  FailureOr<std::string> last = size(sum->last),
                         slots = dimension(sum->weights, 1),
                         columns = dimension(sum->rows, 1);
  if (failed(last) || failed(slots) || failed(columns))
    return std::nullopt;
  std::string arguments, identity;
  if (sum->ids) {
    FailureOr<std::string> experts = size(sum->experts),
                           own = element(sum->input, {loops[0], loops[2]});
    if (failed(experts) || failed(own))
      return std::nullopt;
    identity = ", " + argumentName(sum->ids) + ", " + *experts + ", toFloat(" +
               *own + ")";
    members[argumentName(sum->ids)] = "const long long *";
    reads.push_back({sum->ids, "all"});
  }
  for (BlockArgument argument : {sum->rows, sum->positions, sum->weights}) {
    auto type = cast<RankedTensorType>(argument.getType());
    members[argumentName(argument)] =
        "const " + typeName(type.getElementType()) + " *";
    arguments += argumentName(argument) + ", ";
    // It reads much of the argument.
    reads.push_back({argument, "all"});
  }
  combines = true;
  return FailureOr<std::string>(
      define(getElementTypeOrSelf(op->getResultTypes()[0]),
             "combined(" + arguments + *slots + ", " + *columns + ", " + *last +
                 ", " + loops[0] + ", " + loops[2] + identity + ")"));
}
