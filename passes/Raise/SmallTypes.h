// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Element types that programs hold in one byte per element, without MLIR's own
/// type: integers of 2 and 4 bits as their value, floats of 8 and 4 bits as
/// their code. The onnx level says the type, below it is i8.
#ifndef TRINE_PASSES_RAISE_SMALLTYPES_H
#define TRINE_PASSES_RAISE_SMALLTYPES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::trine {

/// Floats of 8 and 4 bits.
bool isSmallFloat(Type type);
/// Integers of 2 and 4 bits.
bool isSmallInteger(Type type);
/// What elements of an onnx type are held as: i8 for the types above, signless
/// integers for unsigned ones, others as they are.
Type getHeldType(Type type);
/// A constant of an onnx type as it is held.
DenseElementsAttr holdConstant(DenseElementsAttr value);

/// The number of a code, as f32: every one is exact.
Value decodeSmallFloat(OpBuilder &builder, Location loc, Value code,
                       FloatType type);
enum class ScaleRounding { Up, Down, Nearest };
/// The code of a number (f32 or f64), to nearest even in one rounding; out of
/// range by the tables of ONNX Cast. `rounding` is for f8E8M0FNU, which has
/// powers of two only.
Value encodeSmallFloat(OpBuilder &builder, Location loc, Value number,
                       FloatType type, bool saturate,
                       ScaleRounding rounding = ScaleRounding::Up);
/// The value of a held element: small floats as f32, others as they are.
Value decodeElement(OpBuilder &builder, Location loc, Value held, Type type);

/// How ONNX Cast goes to small floats.
struct CastRules {
  bool saturate = true;
  ScaleRounding rounding = ScaleRounding::Up;
};
/// Cast between any two onnx types of held elements. Integers of few bits keep
/// the lower bits, also of floats that are out of range.
Value castElement(OpBuilder &builder, Location loc, Value held, Type from,
                  Type to, CastRules rules = {});

class ONNXLoweringRegistry;
/// QuantizeLinear and its kin, and BitCast.
void registerQuantizationLowerings(ONNXLoweringRegistry &registry);

} // namespace mlir::trine

#endif
