// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Scalar types, constants and operations as CUDA C++ text.
#ifndef TRINE_LIB_CODEGEN_CUDA_SCALARS_H
#define TRINE_LIB_CODEGEN_CUDA_SCALARS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Operation.h"
#include <optional>
#include <string>

namespace mlir::trine::cuda {

/// "float", "bfloat", "Index"; empty for a type that has no CUDA form.
std::string typeName(Type type);

/// The unsigned integer of the same width: "unsigned"; empty for other types.
std::string unsignedTypeName(Type type);

/// Bytes of an element in memory; 0 for a type without a CUDA form.
int64_t elementBytes(Type type);

/// A literal of exactly this value; empty when there is none.
std::string literal(TypedAttr value);

/// The expression for a scalar op of arith or math whose operands read as
/// `operands`; none for an op or type without a form.
std::optional<std::string> scalarExpression(Operation *op,
                                            ArrayRef<std::string> operands);

/// `expression` with its dimensions and symbols replaced. Division rounds
/// down whatever the signs.
std::string affineText(AffineExpr expression, ArrayRef<std::string> dims,
                       ArrayRef<std::string> symbols);

/// a + b and a * b, folded where both are numbers or one changes nothing.
std::string sumText(const std::string &a, const std::string &b);
std::string productText(const std::string &a, const std::string &b);

/// The number that `text` is, if it is one.
std::optional<int64_t> asNumber(StringRef text);

/// Whether a size is surely a multiple of 8: a number, or a product with one.
bool isMultipleOfEight(StringRef text);

} // namespace mlir::trine::cuda

#endif
