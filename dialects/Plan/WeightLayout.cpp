// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Plan/WeightLayout.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::trine;

uint64_t trine::getStoredElementBytes(Type type) {
  if (type.isIndex())
    return 8;
  return type.isIntOrFloat() ? llvm::divideCeil(type.getIntOrFloatBitWidth(), 8)
                             : 1;
}

int64_t trine::getStoredBytes(RankedTensorType type) {
  return type.getNumElements() *
         static_cast<int64_t>(getStoredElementBytes(type.getElementType()));
}

SmallVector<ComputedRange>
trine::getComputedRanges(plan::ConstantProgramOp program) {
  auto computed = cast<plan::ComputedOp>(program.getBody().front().back());
  SmallVector<ComputedRange> ranges;
  for (auto [value, offset] :
       llvm::zip(computed.getValues(), computed.getOffsets()))
    ranges.push_back({value, offset,
                      getStoredBytes(cast<RankedTensorType>(value.getType()))});
  return ranges;
}

ComputedRanges::ComputedRanges(ModuleOp module) {
  for (auto program : module.getOps<plan::ConstantProgramOp>())
    llvm::append_range(ranges, getComputedRanges(program));
  llvm::sort(ranges, [](const ComputedRange &a, const ComputedRange &b) {
    return a.offset < b.offset;
  });
}

const ComputedRange *ComputedRanges::findFrom(int64_t offset) const {
  auto next = llvm::upper_bound(ranges, offset,
                                [](int64_t begin, const ComputedRange &range) {
                                  return begin < range.offset;
                                });
  return next == ranges.begin() ? nullptr : &*std::prev(next);
}

WeightLayout trine::placeWeights(ModuleOp module) {
  WeightLayout layout;
  llvm::DenseSet<StringAttr> inTables;
  for (auto table : module.getOps<plan::TableOp>()) {
    inTables.insert(table.getValuesAttr().getAttr());
    if (FlatSymbolRefAttr scales = table.getScalesAttr())
      inTables.insert(scales.getAttr());
  }
  for (auto weight : module.getOps<plan::WeightOp>()) {
    if (inTables.contains(weight.getSymNameAttr()))
      continue;
    auto type = cast<RankedTensorType>(weight.getStoredType());
    uint64_t bytes = getStoredBytes(type);
    layout.places.push_back({weight, layout.bytes, bytes});
    layout.bytes = llvm::alignTo(layout.bytes + bytes, kWeightAlignment);
  }
  return layout;
}
