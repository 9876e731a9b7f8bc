// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Where each weight of a planned module lies in the package's data section.
#ifndef TRINE_DIALECT_PLAN_WEIGHTLAYOUT_H
#define TRINE_DIALECT_PLAN_WEIGHTLAYOUT_H

#include "mlir/IR/BuiltinOps.h"
#include "trine/Dialect/Plan/Plan.h"

namespace mlir::trine {

/// Weights start at multiples of this many bytes.
inline constexpr uint64_t kWeightAlignment = 64;

struct WeightPlace {
  plan::WeightOp weight;
  /// Bytes from the start of the data section.
  uint64_t offset = 0;
  /// Bytes of the stored form.
  uint64_t bytes = 0;
};

struct WeightLayout {
  SmallVector<WeightPlace> places;
  /// Size of the data section, a multiple of kWeightAlignment.
  uint64_t bytes = 0;
};

/// Weights in the order of the module, each at the next aligned offset; those
/// of tables are in files of their own. The program and the package's writer
/// both use this.
WeightLayout placeWeights(ModuleOp module);

/// Bytes of a tensor of known sizes as stored.
int64_t getStoredBytes(RankedTensorType type);

/// Bytes of one element as stored: 1 for i1 and other sub-byte types.
uint64_t getStoredElementBytes(Type type);

/// What a constant program computes, and where it lies in the file of computed
/// weights.
struct ComputedRange {
  Value value;
  int64_t offset = 0, bytes = 0;
};

/// The values of a constant program of verified IR, in order of their offsets.
SmallVector<ComputedRange> getComputedRanges(plan::ConstantProgramOp program);

/// What all constant programs of a module compute.
class ComputedRanges {
public:
  explicit ComputedRanges(ModuleOp module);

  /// In order of their offsets.
  ArrayRef<ComputedRange> all() const { return ranges; }
  /// The last that begins at `offset` or before; null if none does.
  const ComputedRange *findFrom(int64_t offset) const;

private:
  SmallVector<ComputedRange> ranges;
};

} // namespace mlir::trine

#endif
