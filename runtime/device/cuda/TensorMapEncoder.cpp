// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorMapEncoder.h"

using namespace trine::runtime;
using namespace trine::runtime::cuda;

Result TensorMapEncoder::encodeTiled(const TensorMapValues &values,
                                     EncodedTensorMap &map) {
  // CU_TENSOR_MAP_DATA_TYPE_FLOAT16 and BFLOAT16, INTERLEAVE_NONE,
  // SWIZZLE_128B, L2_PROMOTION_L2_256B, FLOAT_OOB_FILL_NONE (zeros).
  const int type = values.element == MapElement::F16 ? 6 : 9;
  const uint32_t steps[mostMapRank] = {1, 1, 1, 1, 1};
  return driver.cuTensorMapEncodeTiled(
      &map, type, values.rank, reinterpret_cast<void *>(values.address),
      values.sizes, values.strides, values.box, steps, 0, 3, 3, 0);
}

/// False: it was not made before.
bool TensorMapEncoder::find(const TensorMapValues &values,
                            EncodedTensorMap &map) {
  auto known = recent.find(values);
  if (known != recent.end()) {
    map = known->second;
    return true;
  }
  known = older.find(values);
  if (known == older.end())
    return false;
  map = known->second;
  return true;
}

EncodedTensorMap *
TensorMapEncoder::encode(const std::vector<TensorMapRecord> &records,
                         const uint64_t *words, uint32_t wordCount) {
  result.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    TensorMapValues values;
    std::string why;
    if (!evaluateTensorMap(records[i], words, wordCount, values, why)) {
      problem = "tensor map " + std::to_string(i) + ": " + why;
      return nullptr;
    }
    if (find(values, result[i])) {
      ++counts.found;
    } else {
      ++counts.encoded;
      if (Result error = encodeTiled(values, result[i])) {
        problem =
            "tensor map " + std::to_string(i) + ": " + driver.describe(error);
        return nullptr;
      }
    }
    if (recent.size() >= mostMaps) {
      older = std::move(recent);
      recent.clear();
    }
    recent.emplace(values, result[i]);
  }
  return result.data();
}
