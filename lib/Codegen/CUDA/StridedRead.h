// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors of a kernel's body that are plain views of an argument.
#ifndef TRINE_LIB_CODEGEN_CUDA_STRIDEDREAD_H
#define TRINE_LIB_CODEGEN_CUDA_STRIDEDREAD_H

#include "ElementWriter.h"

namespace mlir::trine::cuda {

/// Element i of the tensor is argument[offset + Σ i_d · strides_d]. Texts are
/// those of sizes and numbers in the kernel's entry.
struct StridedRead {
  BlockArgument argument;
  std::string offset = "0";
  SmallVector<std::string> strides;

  bool operator==(const StridedRead &other) const {
    return argument == other.argument && offset == other.offset &&
           strides == other.strides;
  }
  /// "a1 + 16".
  std::string pointer() const;
};

/// Follows slices, permuting copies, broadcasts and reshapes to an argument;
/// none if something is computed on the way.
std::optional<StridedRead> findStridedRead(Value tensor, ElementWriter &sizes);

} // namespace mlir::trine::cuda

#endif
