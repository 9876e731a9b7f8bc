// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensor maps of launches as the driver encodes them. What was encoded is
/// kept: maps of weights are the same in every step.
#ifndef TRINE_RUNTIME_DEVICE_CUDA_TENSORMAPENCODER_H
#define TRINE_RUNTIME_DEVICE_CUDA_TENSORMAPENCODER_H

#include "Driver.h"
#include "device/TensorMaps.h"
#include <unordered_map>

namespace trine::runtime::cuda {

class TensorMapEncoder {
public:
  explicit TensorMapEncoder(const Driver &driver) : driver(driver) {}

  /// The maps of a launch with these words, valid until the next call. Null,
  /// with a sentence in getProblem(), when one cannot be made.
  EncodedTensorMap *encode(const std::vector<TensorMapRecord> &records,
                           const uint64_t *words, uint32_t wordCount);
  const std::string &getProblem() const { return problem; }

  /// Calls of the driver, and maps that were there: for tests and reports.
  struct Counts {
    uint64_t encoded = 0, found = 0;
  };
  const Counts &getCounts() const { return counts; }

  /// The last this many that were used are kept; at most twice as many are.
  static constexpr size_t mostMaps = 4096;

private:
  struct Hash {
    size_t operator()(const TensorMapValues &values) const {
      return values.hash();
    }
  };
  using Maps = std::unordered_map<TensorMapValues, EncodedTensorMap, Hash>;

  bool find(const TensorMapValues &values, EncodedTensorMap &map);
  Result encodeTiled(const TensorMapValues &values, EncodedTensorMap &map);

  const Driver &driver;
  /// What was used since there were too many, and what was used before.
  Maps recent, older;
  std::vector<EncodedTensorMap> result;
  std::string problem;
  Counts counts;
};

} // namespace trine::runtime::cuda

#endif
