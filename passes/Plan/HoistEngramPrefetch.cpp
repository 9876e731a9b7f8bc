// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "NominalSizes.h"
#include "TensorSizes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEHOISTENGRAMPREFETCH
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// One fetch: what its rows are computed from, in the order of the block.
struct Site {
  plan::PrefetchIssueOp issue;
  plan::PrefetchAwaitOp await;
  SmallVector<Operation *> cone;
  int64_t rows = 0, rowBytes = 0;
};

struct HoistEngramPrefetch
    : trine::impl::TrineHoistEngramPrefetchBase<HoistEngramPrefetch> {
  using TrineHoistEngramPrefetchBase::TrineHoistEngramPrefetchBase;

  void runOnOperation() override;

private:
  void hoist(Site &site);
  bool findCone(Site &site);
  Operation *sinkAwait(Site &site);
  Operation *choosePlace(const Site &site, Operation *needed, double fetch,
                         double &hidden);
  void moveBefore(const Site &site, Operation *place);
  double secondsOf(plan::LaunchOp launch);
  double fetchSeconds(const Site &site) const;
  int64_t elementsOf(Value tensor);
  double bytesOf(Value tensor);

  SymbolTable *symbols = nullptr;
  TensorSizes sizes;
  std::optional<NominalSizes> nominals;
};

} // namespace

static bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
      op);
}

static bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

static auto remarkOptions(StringRef name) {
  return remark::RemarkOpts::name(name)
      .category("trine-hoist-engram-prefetch")
      .function("main");
}

int64_t HoistEngramPrefetch::elementsOf(Value tensor) {
  int64_t elements = 1;
  auto type = cast<RankedTensorType>(tensor.getType());
  ArrayRef<OpFoldResult> known = sizes.of(tensor);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    elements *= std::max<int64_t>(
        0, !type.isDynamicDim(dim)                    ? type.getDimSize(dim)
           : dim < static_cast<int64_t>(known.size()) ? nominals->of(known[dim])
                                                      : reportSize.getValue());
  return elements;
}

double HoistEngramPrefetch::bytesOf(Value tensor) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return static_cast<double>(elementsOf(tensor)) *
         static_cast<double>(getStoredElementBytes(element));
}

/// What a launch takes at least: the time to move its operands or to compute
/// its products, whichever is longer.
double HoistEngramPrefetch::secondsOf(plan::LaunchOp launch) {
  double bytes = 0, operations = 0;
  for (Value operand : launch->getOperands())
    if (isa<RankedTensorType>(operand.getType()))
      bytes += bytesOf(operand);
  if (auto kernel = symbols->lookup<plan::KernelOp>(launch.getKernel()))
    kernel.walk([&](linalg::LinalgOp op) {
      FailureOr<linalg::ContractionDimensions> dims =
          linalg::inferContractionDims(op);
      if (failed(dims) || dims->k.empty() || launch.getDestinations().empty())
        return;
      SmallVector<int64_t> ranges = op.getStaticLoopRanges();
      double terms = 2;
      for (unsigned loop : dims->k)
        terms *= static_cast<double>(ShapedType::isDynamic(ranges[loop])
                                         ? reportSize.getValue()
                                         : ranges[loop]);
      operations +=
          terms * static_cast<double>(elementsOf(launch.getDestinations()[0]));
    });
  return std::max(bytes / (memoryRate * 1e9), operations / (flopRate * 1e9));
}

/// From the order to fetch until the last row is there.
double HoistEngramPrefetch::fetchSeconds(const Site &site) const {
  double perRow = std::max(1.0 / rowRate, static_cast<double>(site.rowBytes) /
                                              (tableRate * 1e9));
  return latency * 1e-6 + static_cast<double>(site.rows) * perRow;
}

/// Everything that the rows are computed from. False, with a remark, where
/// that is more than token ids, history and constants.
bool HoistEngramPrefetch::findCone(Site &site) {
  Block *block = site.issue->getBlock();
  llvm::SetVector<Operation *> found;
  SmallVector<Value> waiting = {site.issue.getRows()};
  while (!waiting.empty()) {
    Value value = waiting.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (isFloatTensor(value.getType()) &&
        !isa_and_nonnull<tensor::EmptyOp>(op)) {
      Location where = op ? op->getLoc() : value.getLoc();
      remark::missed(where, remarkOptions("prefetch-not-hoisted"))
          << remark::add("rows of '{0}' depend on activations: on a value of "
                         "floating-point numbers",
                         site.issue.getTable());
      return false;
    }
    if (!op || !found.insert(op))
      continue;
    if (op->getNumRegions() > 0 || op->getBlock() != block) {
      remark::missed(op->getLoc(), remarkOptions("prefetch-not-hoisted"))
          << remark::add("rows of '{0}' are computed in a branch or loop",
                         site.issue.getTable());
      return false;
    }
    llvm::append_range(waiting, op->getOperands());
  }
  site.cone = found.takeVector();
  llvm::sort(site.cone,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return true;
}

/// Moves the await, and views of its result, to the first op that reads the
/// rows; gives that op, null if there is none in the block.
Operation *HoistEngramPrefetch::sinkAwait(Site &site) {
  Block *block = site.await->getBlock();
  Operation *first = nullptr;
  SmallVector<Operation *> moved = {site.await};
  for (unsigned i = 0; i < moved.size(); ++i)
    for (Operation *user : moved[i]->getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!ancestor)
        return nullptr;
      if (isView(ancestor)) {
        if (!llvm::is_contained(moved, ancestor))
          moved.push_back(ancestor);
      } else if (!first || ancestor->isBeforeInBlock(first)) {
        first = ancestor;
      }
    }
  if (!first)
    return nullptr;
  llvm::sort(moved,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  for (Operation *op : moved)
    op->moveBefore(first);
  return first;
}

/// The launch to issue before: the last one after which enough work is left to
/// hide the fetch, the first of all if there is never enough. `hidden` is the
/// time of the launches in between.
Operation *HoistEngramPrefetch::choosePlace(const Site &site, Operation *needed,
                                            double fetch, double &hidden) {
  llvm::SmallDenseSet<Operation *> cone(site.cone.begin(), site.cone.end());
  Operation *place = nullptr;
  hidden = 0;
  for (Operation *op = needed->getPrevNode(); op; op = op->getPrevNode()) {
    auto launch = dyn_cast<plan::LaunchOp>(op);
    if (!launch || cone.contains(op))
      continue;
    place = op;
    hidden += secondsOf(launch);
    if (position == "auto" && hidden >= margin * fetch)
      break;
  }
  return place;
}

void HoistEngramPrefetch::moveBefore(const Site &site, Operation *place) {
  for (Operation *op : site.cone)
    if (place->isBeforeInBlock(op))
      op->moveBefore(place);
  if (place->isBeforeInBlock(site.issue))
    site.issue->moveBefore(place);
}

void HoistEngramPrefetch::hoist(Site &site) {
  if (!findCone(site))
    return;
  Operation *needed = sinkAwait(site);
  if (!needed || position == "inline") {
    remark::missed(site.issue.getLoc(), remarkOptions("prefetch-not-hoisted"))
        << remark::add("rows of '{0}' are fetched where they are needed",
                       site.issue.getTable());
    return;
  }
  double fetch = fetchSeconds(site), hidden = 0;
  Operation *place = choosePlace(site, needed, fetch, hidden);
  if (!place) {
    remark::missed(site.issue.getLoc(), remarkOptions("prefetch-not-hoisted"))
        << remark::add("rows of '{0}' are needed before anything else is done",
                       site.issue.getTable());
    return;
  }
  moveBefore(site, place);
  unsigned between = 0;
  for (Operation *op = site.issue->getNextNode(); op != needed;
       op = op->getNextNode())
    between += isa<plan::LaunchOp>(op);
  ++numHoisted;
  remark::passed(site.issue.getLoc(), remarkOptions("prefetch-hoisted"))
      << remark::add("{0} rows of {1} bytes of '{2}' are fetched in {3} us "
                     "behind {4} launches of {5} us",
                     site.rows, site.rowBytes, site.issue.getTable(),
                     static_cast<int64_t>(fetch * 1e6), between,
                     static_cast<int64_t>(hidden * 1e6));
}

void HoistEngramPrefetch::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || !llvm::hasSingleElement(main.getBody()))
    return;
  if (position != "auto" && position != "early" && position != "inline") {
    emitError(getOperation().getLoc())
        << "position '" << position.getValue()
        << "' is not known; expected auto, early or inline";
    return signalPassFailure();
  }
  SmallVector<Site> sites;
  for (auto await : main.getBody().front().getOps<plan::PrefetchAwaitOp>())
    if (auto issue = await.getTicket().getDefiningOp<plan::PrefetchIssueOp>();
        issue && issue->getBlock() == await->getBlock())
      sites.push_back({issue, await, {}, 0, 0});
  if (sites.empty())
    return;
  SymbolTable table(getOperation());
  symbols = &table;
  sizes = TensorSizes();
  nominals.emplace(reportSize);
  if (failed(sizes.analyse(main)) ||
      failed(nominals->read(getOperation(), main, symbolSizes)))
    return signalPassFailure();
  for (Site &site : sites) {
    site.rows = elementsOf(site.issue.getRows());
    if (auto planned = table.lookup<plan::TableOp>(site.issue.getTable()))
      for (FlatSymbolRefAttr name :
           {planned.getValuesAttr(), planned.getScalesAttr()})
        if (auto weight = name ? table.lookup<plan::WeightOp>(name.getValue())
                               : plan::WeightOp()) {
          auto type = cast<RankedTensorType>(weight.getSourceType());
          site.rowBytes += type.getDimSize(1) *
                           static_cast<int64_t>(
                               getStoredElementBytes(type.getElementType()));
        }
    hoist(site);
  }
  symbols = nullptr;
}
