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
  void hoistProjection(Site &site, double fetch);
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

//===----------------------------------------------------------------------===//
// What depends on rows and weights alone
//===----------------------------------------------------------------------===//

/// Whether an op of the sequence gives nothing but what is known once a fetch
/// is over, if its operands do.
static bool keepsFree(Operation *op, plan::PrefetchAwaitOp await) {
  if (op == await.getOperation() || op == await.getTicket().getDefiningOp())
    return true;
  if (isa<plan::LaunchOp, plan::LoadWeightOp, plan::EngramHashOp,
          tensor::EmptyOp, tensor::DimOp>(op) ||
      isView(op))
    return true;
  return isPure(op) && op->getNumRegions() == 0 &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// The ops whose results are known once the fetch is over: computed from its
/// rows, weights, sizes and integers. A value of floating-point numbers from
/// anywhere else is an activation, or a state.
static llvm::SmallDenseSet<Operation *>
findFreeOfActivations(plan::PrefetchAwaitOp await) {
  llvm::SmallDenseSet<Operation *> free;
  for (Operation &op : *await->getBlock()) {
    auto isKnown = [&](Value operand) {
      if (Operation *source = operand.getDefiningOp())
        return free.contains(source);
      return !isFloatTensor(operand.getType()) || isa<tensor::DimOp>(op);
    };
    if (keepsFree(&op, await) && (&op == await.getOperation() ||
                                  llvm::all_of(op.getOperands(), isKnown)))
      free.insert(&op);
  }
  return free;
}

/// The ops of `wanted` and what they are computed from, as far as that comes
/// after `place`, in the order of the block.
static SmallVector<Operation *> sliceAfter(Operation *place,
                                           ArrayRef<Operation *> wanted) {
  llvm::SetVector<Operation *> slice;
  slice.insert(wanted.begin(), wanted.end());
  for (unsigned i = 0; i < slice.size(); ++i)
    for (Value operand : slice[i]->getOperands())
      if (Operation *op = operand.getDefiningOp();
          op && op->getBlock() == place->getBlock() &&
          place->isBeforeInBlock(op))
        slice.insert(op);
  SmallVector<Operation *> ordered = slice.takeVector();
  llvm::sort(ordered,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ordered;
}

/// Computes launches that depend on the rows alone (projections to keys and
/// values, norms) as soon as the fetch is over. On the processor that computes
/// all else this hides nothing; on one of its own, as much as other launches
/// take between there and where they are now.
void HoistEngramPrefetch::hoistProjection(Site &site, double fetch) {
  llvm::SmallDenseSet<Operation *> free = findFreeOfActivations(site.await);
  llvm::SmallDenseSet<Operation *> dependent = {site.await};
  SmallVector<Operation *> launches;
  double time = 0;
  for (Operation *op = site.await->getNextNode(); op; op = op->getNextNode()) {
    bool usesRows = llvm::any_of(op->getOperands(), [&](Value operand) {
      return dependent.contains(operand.getDefiningOp());
    });
    if (!usesRows || !free.contains(op))
      continue;
    dependent.insert(op);
    if (auto launch = dyn_cast<plan::LaunchOp>(op)) {
      launches.push_back(launch);
      time += secondsOf(launch);
    }
  }
  if (launches.empty())
    return;
  // The first launch before which the fetch is over.
  Operation *place = nullptr;
  double passed = 0, between = 0;
  for (Operation *op = site.issue->getNextNode(); op != site.await;
       op = op->getNextNode())
    if (auto launch = dyn_cast<plan::LaunchOp>(op)) {
      if (passed >= fetch) {
        place = place ? place : op;
        between += secondsOf(launch);
      }
      passed += secondsOf(launch);
    }
  double gain = place ? std::min(overlap * time, between) : 0;
  auto microseconds = [](double seconds) {
    return static_cast<int64_t>(seconds * 1e6);
  };
  bool moves =
      place && (projection == "always" || (projection == "auto" && gain > 0));
  auto options =
      remarkOptions(moves ? "projection-hoisted" : "projection-not-hoisted");
  auto report = moves ? remark::passed(site.await.getLoc(), options)
                      : remark::missed(site.await.getLoc(), options);
  report << remark::add(
      "{0} launches of {1} us depend on rows of '{2}' alone: ahead of {3} us "
      "of launches they hide {4} us: {5}",
      launches.size(), microseconds(time), site.issue.getTable(),
      microseconds(between), microseconds(gain),
      moves                   ? "they are computed ahead"
      : !place                ? "they stay, as the fetch is not over before"
      : projection == "never" ? "they stay, as was asked"
                              : "they stay");
  if (!moves)
    return;
  numProjections += launches.size();
  SmallVector<Operation *> moved = launches;
  moved.push_back(site.await);
  for (Operation *op : sliceAfter(place, moved))
    op->moveBefore(place);
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
  hoistProjection(site, fetch);
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
  if (projection != "auto" && projection != "always" && projection != "never") {
    emitError(getOperation().getLoc())
        << "projection '" << projection.getValue()
        << "' is not known; expected auto, always or never";
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
