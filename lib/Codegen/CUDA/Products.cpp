// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Products.h"

#include "SkeletonWriter.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

kernels::GemmConfiguration
cuda::configureProduct(const ProductOperands &operands,
                       kernels::Architecture architecture) {
  using namespace kernels;
  GemmConfiguration result;
  result.architecture = architecture;
  result.element = operands.element;
  if (operands.element == Element::F32) {
    result.stages = 2;
    result.loadA = result.loadB = Load::Element;
    return result;
  }
  result.loadA = operands.copiesA ? Load::Vector : Load::Element;
  result.loadB = operands.copiesB ? Load::Vector : Load::Element;
  if (architecture == Architecture::SM90a && operands.mapsA)
    result.loadA = Load::TensorMap;
  if (architecture == Architecture::SM90a && operands.mapsB)
    result.loadB = Load::TensorMap;
  // A short sum has few tiles to hold in flight.
  int64_t steps = operands.k < 0 ? 4 : llvm::divideCeil(operands.k, 64);
  result.stages = static_cast<int>(std::clamp<int64_t>(steps, 2, 4));
  return result;
}

kernels::Element cuda::multipliedElement(Type a, Type b) {
  std::optional<kernels::Element> element = elementOf(a);
  return a == b && element ? *element : kernels::Element::F32;
}

void cuda::launchProduct(
    ArrayRef<std::string> architectures,
    llvm::function_ref<kernels::GemmConfiguration(kernels::Architecture)>
        configure,
    CUDAKernel &result) {
  for (auto [name, launch] : llvm::zip(architectures, result.launches)) {
    kernels::GemmConfiguration configuration =
        configure(name == "sm_90a" ? kernels::Architecture::SM90a
                                   : kernels::Architecture::SM80);
    launch = {static_cast<unsigned>(gemmThreads(configuration)),
              gemmSharedBytes(configuration),
              {}};
  }
}
