// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element types by name, and sizes of tensors in bytes.
#ifndef TRINE_RUNTIME_CORE_ELEMENTTYPE_H
#define TRINE_RUNTIME_CORE_ELEMENTTYPE_H

#include "trine/Runtime/trine.h"
#include <cstdint>
#include <string>
#include <string_view>

namespace trine::runtime {

/// The type of that name ("f32"), or TRINE_TYPE_NONE.
trine_type parseElementType(std::string_view name);

/// Bytes of a dense tensor; false when a size is negative or the product does
/// not fit in 63 bits. A size of 0 gives 0 even when the others would overflow.
bool getTensorBytes(const int64_t *sizes, uint32_t rank, uint64_t elementBytes,
                    uint64_t &bytes);

/// "[2, 5, 160]"
std::string formatSizes(const int64_t *sizes, uint32_t rank);

} // namespace trine::runtime

#endif
