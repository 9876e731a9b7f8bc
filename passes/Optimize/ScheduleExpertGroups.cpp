// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// trine-schedule-expert-groups: experts become grouped products.
#include "mlir/IR/Remarks.h"
#include "trine/Passes/ExpertsBuilder.h"
#include "trine/Passes/Optimize.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINESCHEDULEEXPERTGROUPS
#include "trine/Passes/Optimize.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// [E, 2·I, ...] as [E, 2, I, ...]: the gates first, then what they gate.
static Value splitHalves(LinalgBuilder &b, Value tensor, GateUpLayout layout,
                         OpFoldResult inner) {
  RankedTensorType type = LinalgBuilder::typeOf(tensor);
  bool isInterleaved = layout == GateUpLayout::Interleaved;
  LinalgBuilder::Sizes sizes = b.sizes(tensor);
  OpFoldResult two = b.getIndexAttr(2);
  LinalgBuilder::Sizes expanded = {sizes[0], isInterleaved ? inner : two,
                                   isInterleaved ? two : inner};
  expanded.append(sizes.begin() + 2, sizes.end());
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  SmallVector<int64_t> shape, order;
  for (auto [dim, size] : llvm::enumerate(expanded)) {
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    order.push_back(dim);
    if (dim > 2)
      groups.push_back({static_cast<int64_t>(dim)});
  }
  Value split = tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), tensor, groups,
      expanded);
  if (!isInterleaved)
    return split;
  std::swap(order[1], order[2]);
  std::swap(expanded[1], expanded[2]);
  Value empty = b.empty(expanded, type.getElementType());
  return linalg::TransposeOp::create(b, split, empty, order)
      .getResult()
      .front();
}

static double megabytes(Value weight) {
  RankedTensorType type = LinalgBuilder::typeOf(weight);
  return type.hasStaticShape()
             ? type.getNumElements() * type.getElementTypeBitWidth() / 8e6
             : 0;
}

/// What a step costs, for people: the rows of an expert and the bytes read.
static void remarkOn(MoEExpertsOp op) {
  int64_t experts = LinalgBuilder::typeOf(op.getWDown()).getDimSize(0),
          k = LinalgBuilder::typeOf(op.getIds()).getDimSize(1),
          tokens = LinalgBuilder::typeOf(op.getIds()).getDimSize(0);
  double all = megabytes(op.getWGateUp()) + megabytes(op.getWDown());
  std::string rows =
      ShapedType::isDynamic(tokens)
          ? llvm::formatv("{0:f3} rows per expert and token",
                          static_cast<double>(k) / experts)
                .str()
          : llvm::formatv("{0:f1} rows per expert",
                          static_cast<double>(tokens * k) / experts)
                .str();
  remark::passed(op.getLoc(),
                 remark::RemarkOpts::name("grouped")
                     .category("trine-schedule-expert-groups")
                     .function(op->getParentOfType<func::FuncOp>().getName()))
      << remark::add(
             "{0} experts, {1} per token, in two grouped products: {2}; "
             "a chosen expert's {3:f2} MB are read once, at most {4:f1} "
             "MB; nothing for the others",
             experts, k, rows, all / experts, all);
}

static LogicalResult schedule(MoEExpertsOp op) {
  Value ids = op.getIds();
  RankedTensorType idsType = LinalgBuilder::typeOf(ids);
  int64_t tokens = idsType.getDimSize(0), k = idsType.getDimSize(1),
          experts = LinalgBuilder::typeOf(op.getWDown()).getDimSize(0),
          identities = op.getIdentityExperts();
  if (ShapedType::isDynamic(k) || ShapedType::isDynamic(experts))
    return op.emitError() << "the numbers of experts and of choices per token "
                             "must be known, got "
                          << idsType << " and " << op.getWDown().getType();
  remarkOn(op);
  LinalgBuilder b(op);
  bool isGated = op.getGateUp() != GateUpLayout::UpOnly;
  Type elementType = LinalgBuilder::typeOf(op.getInput()).getElementType();
  Type type = LinalgBuilder::computeType(elementType);
  Value first = op.getWGateUp(), firstBias = op.getBGateUp();
  if (isGated) {
    OpFoldResult inner = b.size(op.getWDown(), 2);
    first = splitHalves(b, first, op.getGateUp(), inner);
    if (firstBias)
      firstBias = splitHalves(b, firstBias, op.getGateUp(), inner);
  }
  int64_t rows = ShapedType::isDynamic(tokens) ? tokens : tokens * k;
  auto group =
      MoEGroupOp::create(b, RankedTensorType::get(rows, b.getI64Type()),
                         RankedTensorType::get(experts + 1, b.getI64Type()),
                         RankedTensorType::get({tokens, k}, b.getI64Type()),
                         ids, experts, identities);
  auto multiply = [&](Value input, Value weight, Value bias, Value order,
                      bool isFirst) -> Value {
    RankedTensorType weightType = LinalgBuilder::typeOf(weight);
    auto resultType = RankedTensorType::get(
        {rows, weightType.getDimSize(weightType.getRank() - 2)}, type);
    auto activation = ActivationAttr::get(b.getContext(), op.getActivation());
    return MoEGroupedMatMulOp::create(
        b, resultType, input, group.getOffsets(), weight, order, bias,
        order ? b.getI64IntegerAttr(k) : IntegerAttr(),
        isFirst ? activation : ActivationAttr(),
        isFirst ? op.getClampAttr() : FloatAttr(),
        isFirst ? op.getAlphaAttr() : b.getF64FloatAttr(1),
        isFirst ? op.getBetaAttr() : b.getF64FloatAttr(0),
        ShapedType::isDynamic(rows)
            ? FloatAttr()
            : b.getF64FloatAttr(static_cast<double>(rows) / experts),
        TileOrderAttr::get(b.getContext(), TileOrder::ColumnsFirst));
  };
  Value hidden = multiply(op.getInput(), first, firstBias, group.getOrder(),
                          /*isFirst=*/true);
  Value outputs = multiply(hidden, op.getWDown(), op.getBDown(), Value(),
                           /*isFirst=*/false);
  bool hasIdentity = identities > 0;
  auto combined = MoECombineOp::create(
      b, op.getResult().getType(), outputs, group.getPosition(),
      op.getWeights(), hasIdentity ? ids : Value(),
      hasIdentity ? op.getInput() : Value(),
      hasIdentity ? b.getI64IntegerAttr(experts) : IntegerAttr());
  op.replaceAllUsesWith(combined.getResult());
  op.erase();
  return success();
}

namespace {
struct ScheduleExpertGroups
    : trine::impl::TrineScheduleExpertGroupsBase<ScheduleExpertGroups> {
  void runOnOperation() override {
    SmallVector<MoEExpertsOp> work;
    getOperation().walk([&](MoEExpertsOp op) { work.push_back(op); });
    bool isBroken = false;
    for (MoEExpertsOp op : work) {
      isBroken |= failed(schedule(op));
      ++numScheduled;
    }
    if (isBroken)
      signalPassFailure();
  }
};
} // namespace
