// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the running CPU can do, by LLVM's names of target features.
#ifndef TRINE_RUNTIME_CORE_CPUFEATURES_H
#define TRINE_RUNTIME_CORE_CPUFEATURES_H

#include <string_view>

namespace trine::runtime {

/// Architecture of this process as in an LLVM triple: "x86_64", "aarch64".
const char *getArchitecture();

/// Whether CPU and operating system support the feature ("avx2"). A name that
/// this runtime does not know counts as missing.
bool hasCpuFeature(std::string_view name);

} // namespace trine::runtime

#endif
