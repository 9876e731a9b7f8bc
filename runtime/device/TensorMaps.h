// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The tensor maps of a launch as numbers, before a device encodes them.
#ifndef TRINE_RUNTIME_DEVICE_TENSORMAPS_H
#define TRINE_RUNTIME_DEVICE_TENSORMAPS_H

#include "trine/Runtime/TensorMapRecord.h"
#include <string>

namespace trine::runtime {

/// A map for the words of one launch. Unused dimensions are 1 (box, sizes) and
/// 0 (strides), so that equal maps are equal in all members.
struct TensorMapValues {
  uint64_t address = 0;
  uint64_t sizes[mostMapRank] = {1, 1, 1, 1, 1};
  uint64_t strides[mostMapRank - 1] = {};
  uint32_t box[mostMapRank] = {1, 1, 1, 1, 1};
  uint32_t rank = 0;
  MapElement element = MapElement::BF16;

  bool operator==(const TensorMapValues &other) const;
  /// Of all members.
  uint64_t hash() const;
};

/// The map that `record` means in a launch with these words. Sizes of 0 become
/// 1, because no map is empty: kernels read nothing there. A dimension of one
/// element has the stride of what lies within it. False, with a sentence in
/// `problem`: it is beyond what a map can say.
bool evaluateTensorMap(const TensorMapRecord &record, const uint64_t *words,
                       uint32_t wordCount, TensorMapValues &values,
                       std::string &problem);

} // namespace trine::runtime

#endif
