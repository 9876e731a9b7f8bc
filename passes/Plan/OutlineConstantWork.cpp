// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ConstantWork.h"
#include "WeightJoins.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEOUTLINECONSTANTWORK
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {

/// An op whose results become weights.
struct Site {
  Operation *op;
  ConstantCone cone;
  /// The results that the step reads.
  SmallVector<Value> values;
  int64_t bytes = 0;
};

struct OutlineConstantWork
    : trine::impl::TrineOutlineConstantWorkBase<OutlineConstantWork> {
  using TrineOutlineConstantWorkBase::TrineOutlineConstantWorkBase;

  void runOnOperation() override;

private:
  void findSites(const ConstantWork &work);
  bool isReadByStep(OpOperand &use, const ConstantWork &work) const;
  bool findCone(Site &site, const ConstantWork &work);
  bool pays(const Site &site);
  remark::RemarkOpts remarkOptions() const;
  std::vector<std::vector<Site *>> makeParts();
  void outline(ArrayRef<Site *> part, const ConstantWork &work,
               SymbolTable &symbols);

  std::vector<Site> sites;
  /// Constants that the step computes itself.
  llvm::DenseSet<Operation *> kept;
  size_t walked = 0; // ops of all cones
  int64_t end = 0;   // of what is computed so far
  unsigned programs = 0;
};

} // namespace

/// Types that a program can give back.
static bool isStorable(Type type) {
  constexpr int64_t mostDims = 8; // TRINE_MAX_RANK
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getNumElements() == 0 || tensor.getRank() > mostDims)
    return false;
  Type element = tensor.getElementType();
  return element.isInteger(1) || (element.isSignlessIntOrFloat() &&
                                  element.getIntOrFloatBitWidth() % 8 == 0);
}

bool OutlineConstantWork::isReadByStep(OpOperand &use,
                                       const ConstantWork &work) const {
  Operation *owner = work.ownerOf(use);
  return owner && (!work.isConstant(owner) || kept.contains(owner));
}

remark::RemarkOpts OutlineConstantWork::remarkOptions() const {
  return remark::RemarkOpts::name("constant-work")
      .category(getArgument())
      .function("main");
}

/// Whether the values are better read than made. Says what it found.
bool OutlineConstantWork::pays(const Site &site) {
  double elements = 0;
  for (Value value : site.values)
    elements += cast<RankedTensorType>(value.getType()).getNumElements();
  int64_t perElement =
      static_cast<int64_t>(std::min(site.cone.operations / elements, 1e15));
  // Indices and numbers are made where they are read.
  constexpr int64_t cheap = 8;
  if ((site.cone.bytes == 0 && !site.cone.hasWeight) &&
      (perElement <= cheap || elements == 1))
    return false;
  // What would take the compiler minutes, or a disk, is the step's own.
  constexpr double mostOperations = 1e13;
  StringRef rule;
  // A little more is still less than to read, to write and to read again.
  if (site.cone.operations > mostOperations)
    rule = "";
  else if (site.bytes <= site.cone.bytes + site.cone.bytes / 4)
    rule = "smaller";
  else if (site.bytes <= limit)
    rule = "small";
  else if (perElement >= cost && site.bytes <= part)
    rule = "costly";
  remark::RemarkOpts options = remarkOptions();
  if (rule.empty()) {
    remark::missed(site.op->getLoc(), options)
        << remark::add("{0} bytes would become {1}, with {2} operations for an "
                       "element: computed in each step",
                       site.cone.bytes, site.bytes, perElement);
    ++numLeft;
    return false;
  }
  remark::passed(site.op->getLoc(), options)
      << remark::add("{0} bytes become {1}, with {2} operations for an "
                     "element: computed once ({3})",
                     site.cone.bytes, site.bytes, perElement, rule);
  return true;
}

/// Finds what the values are made of. False if too much was walked through
/// before: work that values share is walked through for each of them.
bool OutlineConstantWork::findCone(Site &site, const ConstantWork &work) {
  constexpr size_t mostWalks = 64;
  if (walked > mostWalks * work.all().size()) {
    remark::missed(site.op->getLoc(), remarkOptions())
        << "shares its work with too many values: computed in each step";
    ++numLeft;
    return false;
  }
  site.cone = work.coneOf(site.op);
  walked += site.cone.work.size() + site.cone.leaves.size();
  return true;
}

/// From the last op to the first, so that what reads an op is judged before.
void OutlineConstantWork::findSites(const ConstantWork &work) {
  for (Operation *op : llvm::reverse(work.all())) {
    if (!work.isConstant(op))
      continue;
    Site site{op, {}, {}, 0};
    bool isRead = false, storable = true;
    for (Value result : op->getResults()) {
      bool read = llvm::any_of(result.getUses(), [&](OpOperand &use) {
        return isReadByStep(use, work);
      });
      isRead |= read;
      if (!read)
        continue;
      storable &= isStorable(result.getType());
      if (!storable)
        break;
      site.values.push_back(result);
      site.bytes += getStoredBytes(cast<RankedTensorType>(result.getType()));
    }
    if (!isRead)
      continue;
    if (storable && countOperations(op) > 0 && findCone(site, work) &&
        pays(site))
      sites.push_back(std::move(site));
    else
      kept.insert(op);
  }
  std::reverse(sites.begin(), sites.end());
}

/// Sites that share work stay together; others until a part is full.
std::vector<std::vector<Site *>> OutlineConstantWork::makeParts() {
  llvm::EquivalenceClasses<Operation *> shared;
  for (Site &site : sites)
    for (Operation *op : site.cone.work)
      if (countOperations(op) > 0)
        shared.unionSets(site.op, op);
  llvm::MapVector<Operation *, std::vector<Site *>> groups;
  for (Site &site : sites)
    groups[shared.getLeaderValue(site.op)].push_back(&site);
  std::vector<std::vector<Site *>> parts;
  int64_t bytes = 0;
  for (auto &[leader, group] : groups) {
    llvm::DenseSet<Operation *> leaves;
    int64_t added = 0;
    for (Site *site : group) {
      added += site->bytes;
      for (Operation *leaf : site->cone.leaves)
        if (leaves.insert(leaf).second)
          added += dataBytes(leaf);
    }
    if (parts.empty() || bytes + added > part) {
      parts.emplace_back();
      bytes = 0;
    }
    bytes += added;
    llvm::append_range(parts.back(), group);
  }
  return parts;
}

/// Names a computed value after a weight that it is made of.
static std::string nameOf(const Site &site, unsigned number) {
  for (Operation *leaf : site.cone.leaves) {
    if (auto weight = dyn_cast<WeightOp>(leaf))
      return (weight.getName() + " (computed)").str();
    if (auto weight = dyn_cast<AssembledWeightOp>(leaf))
      return (weight.getName() + " (computed)").str();
  }
  return "computed_" + std::to_string(number);
}

void OutlineConstantWork::outline(ArrayRef<Site *> part,
                                  const ConstantWork &work,
                                  SymbolTable &symbols) {
  auto main = symbols.lookup<func::FuncOp>("main");
  SmallVector<Operation *> moved;
  llvm::DenseSet<Operation *> seen;
  for (Site *site : part)
    for (const llvm::SetVector<Operation *> &list :
         {site->cone.leaves, site->cone.work})
      for (Operation *op : list)
        if (seen.insert(op).second)
          moved.push_back(op);
  llvm::sort(moved, [&](Operation *a, Operation *b) {
    return work.positionOf(a) < work.positionOf(b);
  });

  OpBuilder builder(main);
  auto program =
      plan::ConstantProgramOp::create(builder, part.front()->op->getLoc(),
                                      "constants" + std::to_string(programs));
  symbols.insert(program);
  ++programs;
  ++numPrograms;
  builder.createBlock(&program.getBody());
  IRMapping mapping;
  for (Operation *op : moved)
    builder.clone(*op, mapping);

  OpBuilder weights = OpBuilder::atBlockBegin(&main.getBody().front());
  SmallVector<Value> values;
  SmallVector<int64_t> offsets;
  for (Site *site : part) {
    for (Value value : site->values) {
      auto type = cast<RankedTensorType>(value.getType());
      int64_t bytes = getStoredBytes(type);
      values.push_back(mapping.lookup(value));
      offsets.push_back(end);
      auto weight = WeightOp::create(
          weights, site->op->getLoc(), type, nameOf(*site, offsets.size()),
          plan::ConstantProgramOp::kFile, end, bytes);
      value.replaceUsesWithIf(weight.getResult(), [&](OpOperand &use) {
        return isReadByStep(use, work);
      });
      end = llvm::alignTo(end + bytes, kWeightAlignment);
      ++numComputed;
    }
  }
  plan::ComputedOp::create(builder, program.getLoc(), values, offsets);
}

void OutlineConstantWork::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  if (limit < 0 || !llvm::hasSingleElement(main.getBody()))
    return;
  sites.clear();
  kept.clear();
  walked = 0;
  end = 0;
  programs = 0;
  // What weights side by side are is said, not computed.
  joinWeights(main.getBody().front());
  ConstantWork work(main);
  findSites(work);
  SymbolTable symbols(getOperation());
  for (const std::vector<Site *> &part : makeParts())
    outline(part, work, symbols);
  for (Operation *op : llvm::reverse(work.all()))
    if (work.isConstant(op) && isOpTriviallyDead(op))
      op->erase();
}
