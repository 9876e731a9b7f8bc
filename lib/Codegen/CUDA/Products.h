// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What products and grouped products of experts share.
#ifndef TRINE_LIB_CODEGEN_CUDA_PRODUCTS_H
#define TRINE_LIB_CODEGEN_CUDA_PRODUCTS_H

#include "trine/Codegen/CUDA.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

namespace kernels = ::trine::kernels;

/// The operands of a product, as a configuration is chosen by them.
struct ProductOperands {
  kernels::Element element = kernels::Element::F32;
  /// Terms of a sum; -1 when only the step knows.
  int64_t k = -1;
  /// Operands that can be copied in pieces of 16 bytes.
  bool copiesA = false, copiesB = false;
  /// Of these, operands that have tensor maps on sm_90a.
  bool mapsA = false, mapsB = false;
};

/// How operands are loaded, and how many steps of the sum are in flight. Tiles
/// are the caller's choice, in 16 bits.
kernels::GemmConfiguration configureProduct(const ProductOperands &operands,
                                            kernels::Architecture architecture);

/// What operands of these types are multiplied in: f32 unless they are alike.
kernels::Element multipliedElement(Type a, Type b);

/// The launches of a product for each architecture.
void launchProduct(
    ArrayRef<std::string> architectures,
    llvm::function_ref<kernels::GemmConfiguration(kernels::Architecture)>
        configure,
    CUDAKernel &result);

} // namespace mlir::trine::cuda

#endif
