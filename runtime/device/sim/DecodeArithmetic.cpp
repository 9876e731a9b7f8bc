// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integer and floating-point arithmetic.
#include "Decoder.h"
#include "FloatApproximation.h"
#include "Handlers.h"

using namespace trine::sim;

namespace {
bool isPacked16(Type type) {
  return type == Type::S16x2 || type == Type::U16x2;
}
bool isArithmeticFloat(Type type) {
  return type == Type::F16 || type == Type::F16x2 || type == Type::BF16 ||
         type == Type::BF16x2 || type == Type::F32 || type == Type::F64;
}
} // namespace

/// add, sub, mul, fma of floats: `.rnd.ftz.sat.relu`.
void Decoder::arithmeticFloat(Type type) {
  const std::string &opcode = statement->opcode;
  bool isMad = opcode == "mad" || opcode == "fma";
  takeRounding();
  if (take("ftz"))
    made.flags |= FlagFtz;
  if (take("sat"))
    made.flags |= FlagSaturate;
  if (isMad && take("relu"))
    made.flags |= FlagRelu;
  take("noftz");
  if (type != Type::F32 && type != Type::F64 &&
      made.rounding != Rounding::NearestEven)
    return fail("'" + opcode +
                "' of half precision rounds to nearest even alone");
  if (!operandCount(isMad ? 4 : 3, isMad ? 4 : 3))
    return;
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  if (isMad)
    made.c = source(3, type);
  made.d = destination(0, type);
  FloatOp op = isMad             ? FloatOp::Fma
               : opcode == "add" ? FloatOp::Add
               : opcode == "sub" ? FloatOp::Sub
                                 : FloatOp::Mul;
  handler(findFloat(op, type, made));
}

void Decoder::arithmetic() {
  const std::string &opcode = statement->opcode;
  bool isAdd = opcode == "add" || opcode == "addc";
  if (take("cc")) {
    made.flags |= FlagCarryOut;
    return carryArithmetic(isAdd ? IntegerOp::AddCarry : IntegerOp::SubCarry);
  }
  if (opcode == "addc" || opcode == "subc")
    return carryArithmetic(isAdd ? IntegerOp::AddCarry : IntegerOp::SubCarry);
  Type type = takeType();
  if (isArithmeticFloat(type))
    return arithmeticFloat(type);
  if (type == Type::None || isFloat(type) || bytesOf(type) < 2 ||
      !operandCount(3, 3))
    return fail("'" + opcode + "' expects an arithmetic type");
  if (take("sat")) {
    if (type != Type::S32)
      return fail("'.sat' of integers is for '.s32' alone");
    made.flags |= FlagSaturate;
  }
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.d = destination(0, type);
  if (isPacked16(type)) {
    made.operation = uint8_t(IntegerOp::Add2);
    return handler(isAdd ? laneTable().integer(IntegerOp::Add2, type)
                         : nullptr);
  }
  if (made.has(FlagSaturate)) {
    made.operation = uint8_t(isAdd ? IntegerOp::Add : IntegerOp::Sub);
    return handler(handlers::saturateInteger);
  }
  handler(laneTable().integer(isAdd ? IntegerOp::Add : IntegerOp::Sub, type));
}

void Decoder::carryArithmetic(IntegerOp op) {
  const std::string &opcode = statement->opcode;
  if (opcode == "addc" || opcode == "subc" || opcode == "madc")
    made.flags |= FlagCarryIn;
  if (take("cc"))
    made.flags |= FlagCarryOut;
  Type type = takeType();
  bool isMad = op == IntegerOp::MadLoCarry || op == IntegerOp::MadHiCarry;
  if ((bytesOf(type) != 4 && bytesOf(type) != 8) || isFloat(type) ||
      !operandCount(isMad ? 4 : 3, isMad ? 4 : 3))
    return fail("carry arithmetic expects a 32-bit or 64-bit integer type");
  made.type = type;
  made.operation = uint8_t(op);
  made.a = source(1, type);
  made.b = source(2, type);
  if (isMad)
    made.c = source(3, type);
  made.d = destination(0, type);
  handler(laneTable().integer(op, type));
}

void Decoder::multiply() {
  bool wide = take("wide"), high = take("hi");
  take("lo");
  Type type = takeType();
  if (isArithmeticFloat(type))
    return arithmeticFloat(type);
  if (type == Type::None || !operandCount(3, 3))
    return fail("'mul' expects an arithmetic type");
  Type result = type;
  if (wide)
    result = bytesOf(type) == 2 ? (isSigned(type) ? Type::S32 : Type::U32)
             : isSigned(type)   ? Type::S64
                                : Type::U64;
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.d = destination(0, result);
  handler(laneTable().integer(wide   ? IntegerOp::MulWide
                              : high ? IntegerOp::MulHi
                                     : IntegerOp::MulLo,
                              type));
}

void Decoder::multiplyAdd() {
  const std::string &opcode = statement->opcode;
  if (opcode == "madc" || take("cc")) {
    if (opcode != "madc")
      made.flags |= FlagCarryOut;
    bool high = take("hi");
    take("lo");
    return carryArithmetic(high ? IntegerOp::MadHiCarry
                                : IntegerOp::MadLoCarry);
  }
  bool wide = take("wide"), high = take("hi");
  take("lo");
  Type type = takeType();
  if (isArithmeticFloat(type))
    return arithmeticFloat(type);
  if (opcode == "fma" || type == Type::None || !operandCount(4, 4))
    return fail("'" + opcode + "' expects an arithmetic type");
  Type result = type;
  if (wide)
    result = bytesOf(type) == 2 ? (isSigned(type) ? Type::S32 : Type::U32)
             : isSigned(type)   ? Type::S64
                                : Type::U64;
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, result);
  made.d = destination(0, result);
  if (high && type == Type::S32 && take("sat")) {
    made.operation = uint8_t(IntegerOp::MadHi);
    return handler(handlers::saturateInteger);
  }
  handler(laneTable().integer(wide   ? IntegerOp::MadWide
                              : high ? IntegerOp::MadHi
                                     : IntegerOp::MadLo,
                              type));
}

void Decoder::divideOrRemainder() {
  bool isDivision = statement->opcode == "div";
  bool approx = take("approx"), full = take("full");
  takeRounding();
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType();
  if (type == Type::None || !operandCount(3, 3))
    return fail("'" + statement->opcode + "' expects an arithmetic type");
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.d = destination(0, type);
  if (isFloat(type)) {
    if (!isDivision || (type != Type::F32 && type != Type::F64) ||
        ((approx || full) && type != Type::F32))
      return fail("this form of '" + statement->opcode + "' is not known");
    if (full)
      made.flags |= FlagFull;
    return handler(
        findFloat(approx || full ? FloatOp::ApproximateQuotient : FloatOp::Div,
                  type, made));
  }
  handler(
      laneTable().integer(isDivision ? IntegerOp::Div : IntegerOp::Rem, type));
}

void Decoder::negateOrAbsolute() {
  bool isNegate = statement->opcode == "neg";
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType();
  if (type == Type::None || !operandCount(2, 2))
    return fail("'" + statement->opcode + "' expects an arithmetic type");
  made.type = type;
  made.a = source(1, type);
  made.d = destination(0, type);
  if (isArithmeticFloat(type))
    return handler(
        findFloat(isNegate ? FloatOp::Neg : FloatOp::Abs, type, made));
  if (!isSigned(type))
    return fail("'" + statement->opcode + "' expects a signed type");
  handler(
      laneTable().integer(isNegate ? IntegerOp::Neg : IntegerOp::Abs, type));
}

void Decoder::minimumOrMaximum() {
  bool isMaximum = statement->opcode == "max";
  if (take("ftz"))
    made.flags |= FlagFtz;
  if (take("NaN"))
    made.flags |= FlagNaN;
  if (take("xorsign") && take("abs"))
    made.flags |= FlagXorSign;
  if (take("relu"))
    made.flags |= FlagRelu;
  Type type = takeType();
  if (type == Type::None || !operandCount(3, 3))
    return fail("'" + statement->opcode +
                "' expects an arithmetic type with two operands");
  if (made.has(FlagRelu) && type != Type::S32 && type != Type::S16x2)
    return fail("'.relu' of '" + statement->opcode +
                "' is for '.s32' and '.s16x2' alone");
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.d = destination(0, type);
  if (isArithmeticFloat(type))
    return handler(
        findFloat(isMaximum ? FloatOp::Max : FloatOp::Min, type, made));
  if (made.has(FlagRelu)) {
    made.operation = isMaximum;
    return handler(handlers::clampExtremum);
  }
  if (isPacked16(type)) {
    made.operation = uint8_t(isMaximum ? IntegerOp::Max2 : IntegerOp::Min2);
    return handler(laneTable().integer(IntegerOp(made.operation), type));
  }
  handler(
      laneTable().integer(isMaximum ? IntegerOp::Max : IntegerOp::Min, type));
}

void Decoder::sumOfDifferences() {
  Type type = takeType();
  if (type == Type::None || isFloat(type) || !operandCount(4, 4))
    return fail("'sad' expects an integer type");
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.c = source(3, type);
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp::Sad, type));
}

void Decoder::multiply24() {
  bool isMad = statement->opcode == "mad24";
  if (take("hi"))
    made.flags |= FlagHigh;
  take("lo");
  Type type = takeType();
  if ((type != Type::U32 && type != Type::S32) ||
      !operandCount(isMad ? 4 : 3, isMad ? 4 : 3))
    return fail("'" + statement->opcode + "' expects '.u32' or '.s32'");
  made.type = type;
  made.operation = uint8_t(isMad ? IntegerOp::Mad24 : IntegerOp::Mul24);
  made.a = source(1, type);
  made.b = source(2, type);
  if (isMad)
    made.c = source(3, type);
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp(made.operation), type));
}

/// ex2, lg2, sin, cos, tanh, rsqrt.
void Decoder::approximation() {
  static const std::unordered_map<std::string, Approximation> functions = {
      {"ex2", Approximation::Exp2},  {"lg2", Approximation::Log2},
      {"sin", Approximation::Sine},  {"cos", Approximation::Cosine},
      {"tanh", Approximation::Tanh}, {"rsqrt", Approximation::ReciprocalSqrt}};
  if (!take("approx"))
    return fail("'" + statement->opcode + "' expects '.approx'");
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType();
  if (!isArithmeticFloat(type) || !operandCount(2, 2))
    return fail("'" + statement->opcode + "' expects a floating-point type");
  made.type = type;
  made.operation = uint8_t(functions.at(statement->opcode));
  made.a = source(1, type);
  made.d = destination(0, type);
  handler(findFloat(FloatOp::Approximate, type, made));
}

/// sqrt and rcp, approximate or rounded.
void Decoder::squareRootOrReciprocal() {
  bool isRoot = statement->opcode == "sqrt";
  bool approx = take("approx");
  bool rounded = takeRounding();
  if (take("ftz"))
    made.flags |= FlagFtz;
  Type type = takeType();
  if ((type != Type::F32 && type != Type::F64) || approx == rounded ||
      !operandCount(2, 2))
    return fail("'" + statement->opcode +
                "' expects '.approx' or a rounding, and '.f32' or '.f64'");
  made.type = type;
  made.a = source(1, type);
  made.d = destination(0, type);
  if (approx) {
    made.operation =
        uint8_t(isRoot ? Approximation::SquareRoot : Approximation::Reciprocal);
    return handler(findFloat(FloatOp::Approximate, type, made));
  }
  handler(findFloat(isRoot ? FloatOp::Sqrt : FloatOp::Rcp, type, made));
}

void Decoder::copySign() {
  Type type = takeType();
  if ((type != Type::F32 && type != Type::F64) || !operandCount(3, 3))
    return fail("'copysign' expects '.f32' or '.f64'");
  made.type = type;
  made.a = source(1, type);
  made.b = source(2, type);
  made.d = destination(0, type);
  handler(findFloat(FloatOp::CopySign, type, made));
}

void Decoder::testProperty() {
  static const char *const properties[] = {
      "finite", "infinite", "number", "notanumber", "normal", "subnormal"};
  made.operation = 255;
  for (uint8_t i = 0; i < 6; ++i)
    if (take(properties[i]))
      made.operation = i;
  Type type = takeType();
  if ((type != Type::F32 && type != Type::F64) || made.operation == 255 ||
      !operandCount(2, 2))
    return fail("'testp' expects a property, and '.f32' or '.f64'");
  made.type = type;
  made.a = source(1, type);
  made.d = destination(0, Type::Pred);
  handler(findFloat(FloatOp::Testp, type, made));
}

void Decoder::countBits() {
  static const std::unordered_map<std::string, IntegerOp> ops = {
      {"popc", IntegerOp::Popc},
      {"clz", IntegerOp::Clz},
      {"brev", IntegerOp::Brev},
      {"bfind", IntegerOp::Bfind}};
  IntegerOp op = ops.at(statement->opcode);
  if (op == IntegerOp::Bfind && take("shiftamt"))
    made.flags |= FlagShiftAmount;
  Type type = takeType();
  if ((bytesOf(type) != 4 && bytesOf(type) != 8) || isFloat(type) ||
      !operandCount(2, 2))
    return fail("'" + statement->opcode + "' expects a 32-bit or 64-bit type");
  made.type = type;
  made.operation = uint8_t(op);
  made.a = source(1, type);
  made.d = destination(0, op == IntegerOp::Brev ? type : Type::U32);
  handler(laneTable().integer(op, type));
}

void Decoder::bitField() {
  bool isInsert = statement->opcode == "bfi";
  Type type = takeType();
  if ((bytesOf(type) != 4 && bytesOf(type) != 8) || isFloat(type) ||
      !operandCount(isInsert ? 5 : 4, isInsert ? 5 : 4))
    return fail("'" + statement->opcode + "' expects a 32-bit or 64-bit type");
  made.type = type;
  made.operation = uint8_t(isInsert ? IntegerOp::Bfi : IntegerOp::Bfe);
  made.a = source(1, type);
  if (isInsert) {
    made.b = source(2, type);
    made.c = source(3, Type::U32);
    made.e = source(4, Type::U32);
  } else {
    made.b = source(2, Type::U32);
    made.c = source(3, Type::U32);
  }
  made.d = destination(0, type);
  handler(laneTable().integer(IntegerOp(made.operation), type));
}

void Decoder::dotProduct() {
  bool isDp2a = statement->opcode == "dp2a";
  if (isDp2a) {
    if (take("hi"))
      made.flags |= FlagHigh;
    else if (!take("lo"))
      return fail("'dp2a' expects '.lo' or '.hi'");
  }
  made.type = takeType();
  made.fromType = takeType();
  auto isWord = [](Type type) {
    return type == Type::U32 || type == Type::S32;
  };
  if (!isWord(made.type) || !isWord(made.fromType) || !operandCount(4, 4))
    return fail("'" + statement->opcode + "' expects two types of 32 bits");
  made.operation = uint8_t(isDp2a ? IntegerOp::Dp2a : IntegerOp::Dp4a);
  made.a = source(1, Type::U32);
  made.b = source(2, Type::U32);
  made.c = source(3, Type::U32);
  made.d = destination(0, Type::U32);
  handler(laneTable().integer(IntegerOp(made.operation), Type::U32));
}

void Decoder::bitMask() {
  if (take("clamp"))
    made.flags |= FlagClamp;
  else if (!take("wrap"))
    return fail("'" + statement->opcode + "' expects '.clamp' or '.wrap'");
  made.type = takeType();
  if (bytesOf(made.type) != 4 || !operandCount(3, 3))
    return fail("'" + statement->opcode + "' expects a 32-bit type");
  made.a = source(1, Type::U32);
  made.b = source(2, Type::U32);
  made.d = destination(0, Type::U32);
  handler(laneTable().integer(statement->opcode == "bmsk" ? IntegerOp::Bmsk
                                                          : IntegerOp::Szext,
                              Type::U32));
}
