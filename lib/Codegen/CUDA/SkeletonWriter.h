// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the writers of skeleton kernels share.
#ifndef TRINE_LIB_CODEGEN_CUDA_SKELETONWRITER_H
#define TRINE_LIB_CODEGEN_CUDA_SKELETONWRITER_H

#include "ElementWriter.h"
#include "StridedRead.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Runtime/KernelConfiguration.h"

namespace mlir::trine::cuda {

namespace kernels = ::trine::kernels;

/// A kernel on its way to a skeleton.
class SkeletonWriter {
protected:
  SkeletonWriter(plan::KernelOp kernel, std::string &why)
      : kernel(kernel), why(why) {}

  /// The first reason counts. Always false.
  bool refuse(const llvm::Twine &reason);
  /// The one op of the trine dialect in the kernel's body; null: none, or
  /// several.
  Operation *findRoot();
  /// The destination that a result is copied to, or null.
  bool findDestination(Value result, BlockArgument &destination);
  /// The address of a tensor that lies in an argument's memory as a whole,
  /// rows behind one another; or of a constant, which goes to `globals`.
  bool readWhole(Value tensor, std::string &pointer);

  /// The source: headers, definitions, and the entry with `body`, whose threads
  /// are at most `bounds`. `mapParameters` follow the kernel's own.
  std::string sourceText(ArrayRef<StringRef> headers, StringRef definitions,
                         StringRef bounds, StringRef body,
                         StringRef mapParameters = "") const;

  plan::KernelOp kernel;
  std::string &why;
  ElementWriter sizes{1};
  /// Definitions of constants.
  std::string globals;
  unsigned constants = 0;
};

/// f32, f16 or bf16 as the skeletons call it; none for other types.
std::optional<kernels::Element> elementOf(Type type);

const char *elementName(kernels::Element element);
const char *loadName(kernels::Load load);
/// "true", "false".
const char *flagText(bool value);
/// A literal of exactly the float that is nearest.
std::string floatText(double value);

/// `constexpr Architecture architecture`: what the text is compiled for.
std::string architectureText();
/// How an operand is loaded, where tensor copies on sm_90a take the place of
/// cp.async.
std::string loadText(kernels::Load load, bool hasMap);
/// The definition of `constexpr GemmConfiguration configuration`: as given, but
/// on sm_90a with the tensor maps that there are.
std::string configurationText(const kernels::GemmConfiguration &configuration,
                              bool mapsA, bool mapsB);

/// `  arguments.MEMBER = VALUE;`
std::string assignText(StringRef member, StringRef value);

/// A functor with members by name and type, whose call has `parameters`.
std::string functorText(StringRef name, StringRef parameters,
                        const std::map<std::string, std::string> &members,
                        StringRef body, StringRef result = "float");
/// Its construction, where members have the names of what they are made from.
std::string constructText(StringRef name,
                          const std::map<std::string, std::string> &members);

/// `__device__ const TYPE name[] = {..}`; empty: an element without a literal.
std::string constantText(StringRef name, DenseElementsAttr values);

} // namespace mlir::trine::cuda

#endif
