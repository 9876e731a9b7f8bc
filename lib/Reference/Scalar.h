// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalars of the interpreter: values of index, integer and float types, and the
// ops of arith and math on them.
#ifndef TRINE_LIB_REFERENCE_SCALAR_H
#define TRINE_LIB_REFERENCE_SCALAR_H

#include "mlir/IR/Operation.h"
#include "trine/Reference/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include <cstring>
#include <vector>

namespace mlir::trine::reference {

/// One scalar. Its type says which member counts: floats of every width are
/// held as doubles, integers sign-extended to 64 bits (true is -1).
union Scalar {
  double real;
  int64_t integer;
};

inline Scalar scalarOf(double real) {
  Scalar scalar;
  scalar.real = real;
  return scalar;
}
inline Scalar scalarOf(int64_t integer) {
  Scalar scalar;
  scalar.integer = integer;
  return scalar;
}

/// The element type that holds scalars of a type; index counts as i64. Nothing
/// for tensors, vectors and types without a counterpart.
std::optional<ElementType> scalarTypeOf(Type type);
/// The number of bits of an integer type.
unsigned widthOf(ElementType type);
/// The lower `width` bits of a value, sign-extended.
inline int64_t wrapTo(unsigned width, int64_t value) {
  unsigned unused = 64 - width;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
}

/// Element `i` of a row-major array of the type.
Scalar loadScalar(ElementType type, const char *bytes, int64_t i);
/// Stores a scalar of the type. Floats are rounded once, in case they carry
/// more than their type.
void storeScalar(ElementType type, char *bytes, int64_t i, Scalar value);

/// An op of arith or math, made ready to run.
struct ScalarInstruction {
  /// Computes the results from the operands. False where the op has no result:
  /// an integer division by zero, or one that overflows.
  using Function = bool (*)(const ScalarInstruction &instruction,
                            const Scalar *operands, Scalar *results);
  Function function = nullptr;
  /// The types of the first operand and of the first result.
  ElementType operand = ElementType::I64, result = ElementType::I64;
  /// The bits of integer operands.
  unsigned width = 64;
  /// The type that float results are rounded to; f64 rounds nothing.
  ElementType rounding = ElementType::F64;
  /// Of comparisons.
  int64_t predicate = 0;

  double round(double value) const {
    switch (rounding) {
    case ElementType::F32:
      return static_cast<float>(value);
    case ElementType::F64:
      return value;
    default:
      return roundTo(rounding, value);
    }
  }
};

/// The most operands and results that an instruction has.
constexpr unsigned maximumScalarOperands = 3, maximumScalarResults = 2;

/// Whether ops of that full name are scalar instructions.
bool isScalarOperation(llvm::StringRef name);
std::vector<llvm::StringRef> scalarOperations();
/// The instruction of an op whose operands and results are scalars, or tensors
/// that it works on element by element; nothing when a type is not supported.
/// With `keepSingle` results of type f32 are not rounded.
std::optional<ScalarInstruction> scalarInstruction(Operation *op,
                                                   bool keepSingle = false);

using ScalarTable = llvm::StringMap<ScalarInstruction::Function>;
void addScalarArithmetic(ScalarTable &table);
void addScalarMath(ScalarTable &table);

} // namespace mlir::trine::reference

#endif
