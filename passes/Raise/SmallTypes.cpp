// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversions of elements of few bits, as arithmetic on their codes: machines
// have no instructions for most of them, and vectors of integers are fast.
#include "SmallTypes.h"

#include "ONNXLowering.h"

using namespace mlir;
using namespace mlir::trine;

bool mlir::trine::isSmallFloat(Type type) {
  auto floatType = dyn_cast<FloatType>(type);
  return floatType && floatType.getWidth() <= 8;
}

bool mlir::trine::isSmallInteger(Type type) {
  return type.isInteger(2) || type.isInteger(4);
}

Type mlir::trine::getHeldType(Type type) {
  if (isSmallFloat(type) || isSmallInteger(type))
    return IntegerType::get(type.getContext(), 8);
  auto integer = dyn_cast<IntegerType>(type);
  return integer && !integer.isSignless()
             ? IntegerType::get(type.getContext(), integer.getWidth())
             : type;
}

DenseElementsAttr mlir::trine::holdConstant(DenseElementsAttr value) {
  Type type = value.getElementType(), held = getHeldType(type);
  if (type == held)
    return value;
  auto resultType =
      RankedTensorType::get(cast<ShapedType>(value.getType()).getShape(), held);
  SmallVector<APInt> elements;
  unsigned width = held.getIntOrFloatBitWidth();
  if (isSmallFloat(type)) {
    for (const APFloat &element : value.getValues<APFloat>())
      elements.push_back(element.bitcastToAPInt().zext(width));
    return DenseElementsAttr::get(resultType, elements);
  }
  bool isSigned = !type.isUnsignedInteger();
  for (const APInt &element : value.getValues<APInt>())
    elements.push_back(isSigned ? element.sextOrTrunc(width)
                                : element.zextOrTrunc(width));
  return DenseElementsAttr::get(resultType, elements);
}

namespace {
/// What the codes beyond the finite ones mean.
enum class Beyond {
  Infinities,   ///< f8E5M2: as in IEEE 754
  OneNaN,       ///< f8E4M3FN: all bits set is NaN
  NegativeZero, ///< the FNUZ types: only what would be -0 is NaN
  Nothing       ///< f4E2M1FN
};
struct Format {
  int exponentBits, fractionBits, bias;
  Beyond beyond;
  int largest, nan;
};

/// Builds integer arithmetic of one width.
class Bits {
public:
  Bits(OpBuilder &builder, Location loc, unsigned width)
      : b(builder), loc(loc), type(builder.getIntegerType(width)) {}

  Value constant(int64_t value) { return integerConstant(b, loc, type, value); }
  Value bitAnd(Value x, int64_t mask) {
    return arith::AndIOp::create(b, loc, x, constant(mask));
  }
  Value bitOr(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value bitXor(Value x, int64_t y) {
    return arith::XOrIOp::create(b, loc, x, constant(y));
  }
  Value left(Value x, int64_t by) {
    return arith::ShLIOp::create(b, loc, x, constant(by));
  }
  Value right(Value x, int64_t by) {
    return arith::ShRUIOp::create(b, loc, x, constant(by));
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return add(x, constant(y)); }
  Value subtract(Value x, Value y) {
    return arith::SubIOp::create(b, loc, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, predicate, x, constant(y));
  }
  Value isLess(Value x, int64_t y) {
    return compare(arith::CmpIPredicate::ult, x, y);
  }
  Value isGreater(Value x, int64_t y) {
    return compare(arith::CmpIPredicate::ugt, x, y);
  }
  Value isEqual(Value x, int64_t y) {
    return compare(arith::CmpIPredicate::eq, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value fromFloat(Value x) { return arith::BitcastOp::create(b, loc, type, x); }

  OpBuilder &b;
  Location loc;
  Type type;
};
} // namespace

static Format formatOf(FloatType type) {
  if (isa<Float8E4M3FNType>(type))
    return {4, 3, 7, Beyond::OneNaN, 0x7e, 0x7f};
  if (isa<Float8E4M3FNUZType>(type))
    return {4, 3, 8, Beyond::NegativeZero, 0x7f, 0x80};
  if (isa<Float8E5M2Type>(type))
    return {5, 2, 15, Beyond::Infinities, 0x7b, 0x7e};
  if (isa<Float8E5M2FNUZType>(type))
    return {5, 2, 16, Beyond::NegativeZero, 0x7f, 0x80};
  return {2, 1, 1, Beyond::Nothing, 0x7, 0x8};
}

/// Of IEEE's single and double precision.
static constexpr int64_t singleNaN = 0x7fc00000, singleInfinity = 0x7f800000;

/// 2^(code - 127).
static Value decodeScale(OpBuilder &b, Location loc, Value code) {
  Bits bits(b, loc, 32);
  Value wide = arith::ExtUIOp::create(b, loc, bits.type, code);
  Value result = bits.left(wide, 23);
  // 2^-127 is subnormal.
  result = bits.select(bits.isEqual(wide, 0), bits.constant(0x400000), result);
  result =
      bits.select(bits.isEqual(wide, 0xff), bits.constant(singleNaN), result);
  return arith::BitcastOp::create(b, loc, b.getF32Type(), result);
}

Value mlir::trine::decodeSmallFloat(OpBuilder &b, Location loc, Value code,
                                    FloatType type) {
  if (isa<Float8E8M0FNUType>(type))
    return decodeScale(b, loc, code);
  Format format = formatOf(type);
  Bits bits(b, loc, 32);
  int signBit = format.exponentBits + format.fractionBits;
  Value wide = arith::ExtUIOp::create(b, loc, bits.type, code);
  Value magnitude = bits.bitAnd(wide, (1 << signBit) - 1);
  Value sign = bits.left(bits.bitAnd(wide, 1 << signBit), 31 - signBit);
  Value normal = bits.add(bits.left(magnitude, 23 - format.fractionBits),
                          int64_t(127 - format.bias) << 23);
  // Without an exponent the magnitude is the fraction.
  Value small = arith::MulFOp::create(
      b, loc, arith::UIToFPOp::create(b, loc, b.getF32Type(), magnitude),
      scalarConstant(b, loc, b.getF32Type(),
                     std::ldexp(1.0, 1 - format.bias - format.fractionBits)));
  Value result = bits.select(bits.isLess(magnitude, 1 << format.fractionBits),
                             bits.fromFloat(small), normal);
  if (format.beyond == Beyond::OneNaN)
    result = bits.select(bits.isGreater(magnitude, format.largest),
                         bits.constant(singleNaN), result);
  if (format.beyond == Beyond::Infinities) {
    result = bits.select(bits.isGreater(magnitude, format.largest),
                         bits.constant(singleInfinity), result);
    result = bits.select(bits.isGreater(magnitude, format.largest + 1),
                         bits.constant(singleNaN), result);
  }
  result = bits.bitOr(result, sign);
  if (format.beyond == Beyond::NegativeZero)
    result = bits.select(bits.isEqual(bits.bitAnd(wide, 0xff), format.nan),
                         bits.constant(singleNaN), result);
  return arith::BitcastOp::create(b, loc, b.getF32Type(), result);
}

static Value encodeScale(OpBuilder &b, Location loc, Value number,
                         bool saturate, ScaleRounding rounding) {
  if (number.getType().isF64())
    number = arith::TruncFOp::create(b, loc, b.getF32Type(), number);
  Bits bits(b, loc, 32);
  Value magnitude = bits.bitAnd(bits.fromFloat(number), 0x7fffffff);
  Value exponent = bits.right(magnitude, 23),
        fraction = bits.bitAnd(magnitude, 0x7fffff);
  Value hasExponent = bits.isGreater(exponent, 0);
  Value result = exponent;
  if (rounding != ScaleRounding::Down) {
    Value half = bits.constant(0x400000), zero = bits.constant(0);
    auto isAbove = [&](Value limit) {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, fraction,
                                   limit);
    };
    // With exponent 0 the leading bit is explicit: 2^-127 is a fraction.
    Value increment =
        isAbove(rounding == ScaleRounding::Up
                    ? bits.select(hasExponent, zero, half)
                    : bits.select(hasExponent, bits.constant(0x3fffff), half));
    if (saturate)
      increment =
          arith::AndIOp::create(b, loc, increment, bits.isLess(exponent, 0xfe));
    result =
        bits.add(result, arith::ExtUIOp::create(b, loc, bits.type, increment));
  }
  Value beyond = bits.constant(saturate ? 0xfe : 0xff);
  result = bits.select(bits.isEqual(magnitude, singleInfinity), beyond, result);
  result = bits.select(bits.isGreater(magnitude, singleInfinity),
                       bits.constant(0xff), result);
  return arith::TruncIOp::create(b, loc, b.getI8Type(), result);
}

Value mlir::trine::encodeSmallFloat(OpBuilder &b, Location loc, Value number,
                                    FloatType type, bool saturate,
                                    ScaleRounding rounding) {
  if (isa<Float8E8M0FNUType>(type))
    return encodeScale(b, loc, number, saturate, rounding);
  Format format = formatOf(type);
  auto wideType = cast<FloatType>(number.getType());
  unsigned width = wideType.getWidth();
  int wideFraction = width == 64 ? 52 : 23, wideBias = width == 64 ? 1023 : 127;
  Bits bits(b, loc, width);
  int signBit = format.exponentBits + format.fractionBits;
  int64_t infinity = int64_t(2 * wideBias + 1) << wideFraction;

  Value all = bits.fromFloat(number);
  Value sign = bits.left(bits.right(all, width - 1), signBit);
  Value magnitude = bits.bitAnd(
      all, width == 64 ? std::numeric_limits<int64_t>::max() : 0x7fffffff);
  // A normal number: another bias, and the fraction's lower bits rounded to
  // even; a carry goes into the exponent, as it should.
  int shift = wideFraction - format.fractionBits;
  Value rebiased =
      bits.add(magnitude, -(int64_t(wideBias - format.bias) << wideFraction));
  Value odd = bits.bitAnd(bits.right(rebiased, shift), 1);
  Value normal = bits.right(
      bits.add(bits.add(rebiased, (int64_t(1) << (shift - 1)) - 1), odd),
      shift);
  // A subnormal one: added to the number whose last place is worth one unit,
  // the machine rounds.
  Value anchor = scalarConstant(
      b, loc, wideType,
      std::ldexp(1.0, 1 - format.bias - format.fractionBits + wideFraction));
  Value sum = arith::AddFOp::create(
      b, loc, arith::BitcastOp::create(b, loc, wideType, magnitude), anchor);
  Value subnormal = bits.subtract(bits.fromFloat(sum), bits.fromFloat(anchor));
  Value code =
      bits.select(bits.isLess(magnitude, int64_t(wideBias + 1 - format.bias)
                                             << wideFraction),
                  subnormal, normal);

  Value isTooLarge = bits.isGreater(code, format.largest);
  bool overflowIsNaN = false;
  if (saturate || format.beyond == Beyond::Nothing) {
    code = bits.select(isTooLarge, bits.constant(format.largest), code);
  } else if (format.beyond == Beyond::NegativeZero) {
    overflowIsNaN = true;
  } else {
    code = bits.select(isTooLarge, bits.constant(format.largest + 1), code);
  }
  Value isNaN = bits.isGreater(magnitude, infinity);
  Value result = bits.bitOr(code, sign);
  switch (format.beyond) {
  case Beyond::NegativeZero:
    result = bits.select(bits.isEqual(code, 0), code, result);
    if (overflowIsNaN)
      isNaN = arith::OrIOp::create(b, loc, isNaN, isTooLarge);
    result = bits.select(isNaN, bits.constant(format.nan), result);
    break;
  case Beyond::Nothing: // as the standard's tests have it
    result = bits.select(isNaN, bits.bitXor(sign, format.nan), result);
    break;
  default:
    result =
        bits.select(isNaN, bits.bitOr(bits.constant(format.nan), sign), result);
  }
  return arith::TruncIOp::create(b, loc, b.getI8Type(), result);
}

Value mlir::trine::decodeElement(OpBuilder &b, Location loc, Value held,
                                 Type type) {
  return isSmallFloat(type)
             ? decodeSmallFloat(b, loc, held, cast<FloatType>(type))
             : held;
}

/// The lower bits of an i8 that an integer of few bits keeps, as its value.
static Value wrapInteger(OpBuilder &b, Location loc, Value integer,
                         IntegerType to) {
  Bits bits(b, loc, 8);
  if (to.isUnsigned())
    return bits.bitAnd(integer, (1 << to.getWidth()) - 1);
  int64_t unused = 8 - to.getWidth();
  return arith::ShRSIOp::create(b, loc, bits.left(integer, unused),
                                bits.constant(unused));
}

Value mlir::trine::castElement(OpBuilder &b, Location loc, Value held,
                               Type from, Type to, CastRules rules) {
  if (from == to)
    return held;
  bool fromUnsigned = from.isUnsignedInteger(),
       toUnsigned = to.isUnsignedInteger();
  Value value = decodeElement(b, loc, held, from);
  auto cast = [&](Type type, bool isUnsigned = false) {
    return castScalar(b, loc, value, type, fromUnsigned, isUnsigned);
  };
  if (auto small = isSmallFloat(to) ? dyn_cast<FloatType>(to) : FloatType()) {
    // Integers of 32 bits are exact in double precision only; of larger ones
    // those that are not are out of range.
    unsigned width = value.getType().getIntOrFloatBitWidth();
    bool isWide = isa<FloatType>(value.getType()) ? width == 64 : width >= 32;
    value = cast(isWide ? Type(b.getF64Type()) : b.getF32Type());
    return encodeSmallFloat(b, loc, value, small, rules.saturate,
                            rules.rounding);
  }
  if (isSmallInteger(to)) {
    if (isa<FloatType>(value.getType())) {
      value = cast(b.getI64Type());
      fromUnsigned = false;
    }
    return wrapInteger(b, loc, cast(b.getI8Type()),
                       llvm::cast<IntegerType>(to));
  }
  return cast(getHeldType(to), toUnsigned);
}
