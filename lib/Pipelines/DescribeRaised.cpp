// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The part of the report that says what the model means.
#include "DescribeModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::trine;

/// The positions in the file of the nodes in a location, ascending. The
/// importer writes a node's position as the line.
static std::vector<int64_t> nodesOf(Location location) {
  std::vector<int64_t> nodes;
  location->walk([&](Location inner) {
    if (auto node = dyn_cast<FileLineColLoc>(inner))
      nodes.push_back(node.getLine());
    return WalkResult::advance();
  });
  llvm::sort(nodes);
  nodes.erase(llvm::unique(nodes), nodes.end());
  return nodes;
}

static bool isAttention(StringRef op) {
  return op == AttentionOp::getOperationName() ||
         op == MLAAttentionOp::getOperationName();
}

/// Numbers the layers: attention begins one in which nothing attended yet; what
/// stands between the experts or MLP of a layer and the next attention (its
/// norm, its memory) belongs to the next layer.
static void numberLayers(std::vector<CompileReport::Recognised> &entries) {
  int64_t layer = 0;
  size_t begin = 0; // of the entries whose layer is open
  size_t last = 0;  // behind the last expert block or MLP since attention
  bool hasAttended = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    StringRef op = entries[i].op;
    if (isAttention(op) && hasAttended) {
      size_t end = last > begin ? last : i;
      for (size_t j = begin; j < end; ++j)
        entries[j].layer = layer;
      begin = end;
      ++layer;
      last = 0;
    }
    hasAttended |= isAttention(op);
    if (op == MoEExpertsOp::getOperationName() || op.ends_with("gated_mlp"))
      last = i + 1;
  }
  for (size_t j = begin; j < entries.size(); ++j)
    entries[j].layer = layer;
}

/// What a weight is for, by the op that takes it.
static StringRef kindOf(OpOperand &use) {
  if (auto experts = dyn_cast<MoEExpertsOp>(use.getOwner()))
    return use.get() == experts.getInput() || use.get() == experts.getWeights()
               ? "other"
               : "experts";
  return isa<EngramLookupOp>(use.getOwner()) ? "tables" : "other";
}

/// Weights of the trine level are made once each, and every byte of a file
/// belongs to one of them or is not used.
static void describeWeights(ModuleOp module, CompileReport &report) {
  module.walk([&](Operation *op) {
    if (!isa<WeightOp, AssembledWeightOp>(op) || op->use_empty())
      return;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t bits = std::max<int64_t>(8, type.getElementTypeBitWidth());
    report.weightKinds[kindOf(*op->getUses().begin()).str()] +=
        type.getNumElements() * bits / 8;
  });
}

void mlir::trine::describeRaised(ModuleOp module, CompileReport &report) {
  describeWeights(module, report);
  module.walk([&](Operation *op) {
    if (auto form = op->getAttrOfType<StringAttr>("trine.form"))
      report.recognised.push_back({0, op->getName().getStringRef().str(),
                                   form.getValue().str(),
                                   nodesOf(op->getLoc())});
  });
  numberLayers(report.recognised);
}

namespace {
class NearMissCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit NearMissCollector(CompileReport &report) : report(report) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      if (argument.key == "Remark")
        report.nearMisses.push_back(
            {remark.getRemarkName().str(), argument.val});
  }

private:
  CompileReport &report;
};
} // namespace

void mlir::trine::collectNearMisses(MLIRContext &context,
                                    CompileReport &report) {
  remark::RemarkCategories categories;
  categories.missed = "trine-raise.*";
  // Fails only where the streamer cannot open its file; this one has none.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<NearMissCollector>(report),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}
