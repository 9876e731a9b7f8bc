// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors of the reference interpreter: plain row-major values with a type and
/// a shape.
#ifndef TRINE_REFERENCE_TENSOR_H
#define TRINE_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <memory>
#include <optional>

namespace mlir::trine::reference {

/// Element types of tensors. A boolean is one byte, 0 or 1. An integer of 2 or
/// 4 bits is one byte, its value; a float of 8 or 4 bits is one byte, its code.
enum class ElementType : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64,
  Bool,
  I4,
  I2,
  U4,
  U2,
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  F8E8M0FNU,
  F4E2M1FN
};

/// The short name used in messages and in the package's manifest, such as
/// "f32", "u8" or "bool".
llvm::StringRef nameOf(ElementType type);
/// The type with that short name, if there is one.
std::optional<ElementType> elementTypeFromName(llvm::StringRef name);
/// The size of one element in bytes.
int64_t bytesPerElement(ElementType type);
/// The bits that an element of the type has in an ONNX file: 2 or 4 where
/// elements are packed there, first one in the low bits; a boolean has 8.
int64_t bitsInFile(ElementType type);
/// The element type of an MLIR type, if this library has it: signless and
/// signed integers are signed, i1 is a boolean, index is i64.
std::optional<ElementType> elementTypeOf(Type type);
/// The element type of an ONNX TensorProto.DataType number, if this library has
/// it.
std::optional<ElementType> elementTypeFromONNX(int64_t dataType);
/// The ONNX TensorProto.DataType number of an element type.
int64_t onnxDataType(ElementType type);

bool isFloat(ElementType type);
/// Floats of 8 or 4 bits.
bool isSmallFloat(ElementType type);
/// Integers with a sign; neither unsigned ones nor booleans.
bool isSignedInteger(ElementType type);
bool isUnsignedInteger(ElementType type);

/// Nearest half-precision or bfloat16 value, ties to even, in one rounding; NaN
/// stays NaN, overflow becomes infinity.
uint16_t roundToHalf(double value);
uint16_t roundToBFloat16(double value);
double halfToDouble(uint16_t bits);
double bfloat16ToDouble(uint16_t bits);
/// The code of a small float nearest to `value`, ties to even, in one rounding.
/// What the type cannot hold becomes its largest value with `saturate`, else
/// infinity or NaN, whatever the type has (ONNX Cast has the tables). A float
/// of 4 bits always saturates, and NaN becomes 0. f8e8m0fnu is rounded up.
uint8_t roundToSmallFloat(ElementType type, double value, bool saturate = true);
/// How a value between two powers of two becomes one.
enum class ScaleRounding : uint8_t { Up, Down, Nearest };
/// The code of `value` as f8e8m0fnu, a power of two; the sign is dropped.
uint8_t roundToScale(double value, ScaleRounding rounding,
                     bool saturate = true);
/// The value of a small float's code; the bits above the type's are ignored.
double smallFloatToDouble(ElementType type, uint8_t code);
/// `value` rounded to the precision of a float type (the value itself for other
/// types).
double roundTo(ElementType type, double value);
/// The unit roundoff 2^-p of a float type: half the distance from 1 to the next
/// larger value. 0 for other types.
double unitRoundoff(ElementType type);

/// The number of elements of a shape; nothing when a dimension is negative or
/// the product is more than 2^48.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// A tensor value. Copies share their storage; writing to a shared one copies
/// it first.
class Tensor {
public:
  /// An i64 tensor of shape [0], the state before anything is assigned.
  Tensor() : shape({0}) {}

  /// A tensor of zeros; nothing when the shape is not valid or there is no
  /// memory for it.
  static std::optional<Tensor> create(ElementType type,
                                      llvm::ArrayRef<int64_t> shape);
  /// A tensor on bytes that somebody else holds, kept alive by `owner`. `bytes`
  /// must be what type and shape need.
  static Tensor borrow(ElementType type, llvm::ArrayRef<int64_t> shape,
                       const char *bytes, std::shared_ptr<const void> owner);
  /// A copy of the given bytes, in memory order; nothing when their number is
  /// not what type and shape need.
  static std::optional<Tensor> fromBytes(ElementType type,
                                         llvm::ArrayRef<int64_t> shape,
                                         llvm::ArrayRef<char> bytes);
  /// For tests and small values: rounds each value once to the type. `values`
  /// has one value per element, or one for all.
  static Tensor fromReals(ElementType type, llvm::ArrayRef<int64_t> shape,
                          llvm::ArrayRef<double> values);
  static Tensor fromIntegers(ElementType type, llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<int64_t> values);

  ElementType getElementType() const { return type; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getDim(int64_t i) const { return shape[i]; }
  int64_t getNumElements() const { return count; }
  llvm::ArrayRef<char> getBytes() const {
    return {bytes, static_cast<size_t>(count * bytesPerElement(type))};
  }
  /// The bytes for writing; copies them first when they are shared or borrowed.
  llvm::MutableArrayRef<char> getMutableBytes();

  /// Element `i` in row-major order as a real number; exact but for 64-bit
  /// integers beyond 2^53.
  double real(int64_t i) const;
  /// Element `i` as a 64-bit integer: floats truncated (saturating), unsigned
  /// 64-bit values by their bits.
  int64_t integer(int64_t i) const;
  /// Sets element `i`, rounding once to nearest even; integers truncate towards
  /// zero and then wrap.
  void setReal(int64_t i, double value);
  /// Sets element `i`, wrapping around to the width of the type.
  void setInteger(int64_t i, int64_t value);
  /// Copies one element of a tensor of the same type, bit for bit.
  void copyElement(int64_t i, const Tensor &from, int64_t j);

  std::vector<double> reals() const;
  llvm::SmallVector<int64_t> integers() const;

  /// The same elements under another shape with as many elements.
  Tensor reshaped(llvm::ArrayRef<int64_t> newShape) const;

private:
  ElementType type = ElementType::I64;
  llvm::SmallVector<int64_t, 4> shape;
  int64_t count = 0;
  const char *bytes = nullptr;
  std::shared_ptr<const void> owner;
  bool writable = false;
};

/// A printable form of a shape, such as [2, 3].
std::string describeShape(llvm::ArrayRef<int64_t> shape);

} // namespace mlir::trine::reference

#endif
