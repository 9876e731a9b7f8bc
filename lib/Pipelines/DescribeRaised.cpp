// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The part of the report that says what the model means.
#include "DescribeModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Plan/WeightLayout.h"
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
    report.weightKinds[kindOf(*op->getUses().begin()).str()] +=
        getStoredBytes(type);
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

static StringRef kindOf(const remark::detail::Remark &remark) {
  switch (remark.getRemarkType()) {
  case llvm::remarks::Type::Passed:
    return "done";
  case llvm::remarks::Type::Missed:
    return "left";
  case llvm::remarks::Type::Failure:
    return "failed";
  default:
    return "note";
  }
}

namespace {
class RemarkCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  RemarkCollector(CompileReport &report, bool all) : report(report), all(all) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text;
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      if (argument.key == "Remark")
        text += argument.val;
    StringRef pass = remark.getCategoryName();
    if (remark.getRemarkType() == llvm::remarks::Type::Missed &&
        pass.starts_with("trine-raise"))
      report.nearMisses.push_back({remark.getRemarkName().str(), text});
    if (all)
      report.remarks.push_back({pass.str(), kindOf(remark).str(),
                                remark.getRemarkName().str(), text,
                                nodesOf(remark.getLocation())});
  }

private:
  CompileReport &report;
  bool all;
};
} // namespace

void mlir::trine::collectRemarks(MLIRContext &context, CompileReport &report,
                                 bool all) {
  remark::RemarkCategories categories;
  categories.missed = "trine-raise.*";
  if (all)
    categories.missed = categories.passed = categories.analysis =
        categories.failed = "trine-.*";
  // Fails only where the streamer cannot open its file; this one has none.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkCollector>(report, all),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}
