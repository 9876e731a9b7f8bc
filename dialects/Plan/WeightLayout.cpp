// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Plan/WeightLayout.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::trine;

uint64_t trine::getStoredElementBytes(Type type) {
  if (type.isIndex())
    return 8;
  return type.isIntOrFloat() ? llvm::divideCeil(type.getIntOrFloatBitWidth(), 8)
                             : 1;
}

WeightLayout trine::placeWeights(ModuleOp module) {
  WeightLayout layout;
  for (auto weight : module.getOps<plan::WeightOp>()) {
    auto type = cast<RankedTensorType>(weight.getStoredType());
    uint64_t bytes = static_cast<uint64_t>(type.getNumElements()) *
                     getStoredElementBytes(type.getElementType());
    layout.places.push_back({weight, layout.bytes, bytes});
    layout.bytes = llvm::alignTo(layout.bytes + bytes, kWeightAlignment);
  }
  return layout;
}
