// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elements that files pack several to a byte, and the rules of quantised
// operators.
#ifndef TRINE_LIB_REFERENCE_QUANTIZATION_H
#define TRINE_LIB_REFERENCE_QUANTIZATION_H

#include "Operator.h"

namespace mlir::trine::reference {

/// One byte per element from the bytes of a file, where elements of 2 and 4
/// bits are packed, the first one in the low bits: the value of an integer, the
/// code of a float. What follows the last element means nothing. Other types
/// stay as they are.
std::vector<char> unpackElements(ElementType type, int64_t count,
                                 llvm::ArrayRef<char> packed);

/// QuantizeLinear and its kin, and BitCast.
void addQuantizationRules(OperatorTable &table);

} // namespace mlir::trine::reference

#endif
