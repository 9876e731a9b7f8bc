// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Operands that come into shared memory by tensor copies (sm_90a), and how the
/// device makes their tensor maps.
#ifndef TRINE_LIB_CODEGEN_CUDA_TENSORMAPS_H
#define TRINE_LIB_CODEGEN_CUDA_TENSORMAPS_H

#include "trine/Codegen/CUDA.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

namespace kernels = ::trine::kernels;
using ::trine::runtime::TensorMapRecord;
using ::trine::runtime::WordProduct;

/// Why no launch may copy by this map, or null: every size that is known is
/// within the limits, and the address and every stride are multiples of 16
/// bytes whatever the words are. A function of the record alone.
const char *refuseTensorMap(const TensorMapRecord &record);

/// What ElementWriter calls a size, or a product of such: "64 * a0_1". None for
/// other arithmetic.
std::optional<WordProduct> wordProduct(plan::KernelOp kernel, StringRef text);

/// An operand as the entry of a kernel sees it. Innermost dimension first.
struct MapOperand {
  kernels::Element element;
  /// "a1", "a1 + 64".
  StringRef pointer;
  SmallVector<std::string> sizes;
  /// Elements between neighbours of dimension 1 and so on.
  SmallVector<std::string> strides;
  SmallVector<uint32_t> box;
};

/// The record of a map that `operand` surely can have, if there is one.
std::optional<TensorMapRecord> findTensorMap(plan::KernelOp kernel,
                                             const MapOperand &operand);

/// The tensor maps of an entry: parameters behind all others, on sm_90a alone.
class MapParameters {
public:
  void add(StringRef name, const TensorMapRecord &record) {
    names.push_back(name.str());
    records.push_back(record);
  }
  bool empty() const { return names.empty(); }
  /// To follow the list of the other parameters.
  std::string parameterText() const;
  /// `statements` for sm_90a alone; nothing without maps.
  std::string guard(const std::string &statements) const;
  /// Gives the maps to the launches on architectures that have them.
  void describe(ArrayRef<std::string> architectures, CUDAKernel &kernel) const;

private:
  std::vector<std::string> names;
  std::vector<TensorMapRecord> records;
};

} // namespace mlir::trine::cuda

#endif
