// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ops of arith. Integers wrap. Where the result is poison, which a select
// may still discard, it is the value named here; where the op is undefined, it
// fails.
#include "Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

using Instruction = ScalarInstruction;

/// The value of the low bits as an unsigned number.
static uint64_t unsignedOf(const Instruction &i, Scalar x) {
  return i.width == 64 ? static_cast<uint64_t>(x.integer)
                       : static_cast<uint64_t>(x.integer) &
                             ((uint64_t(1) << i.width) - 1);
}

static bool give(const Instruction &i, Scalar *results, uint64_t value) {
  results[0].integer = wrapTo(widthOf(i.result), static_cast<int64_t>(value));
  return true;
}

template <uint64_t (*function)(uint64_t, uint64_t)>
static bool onBits(const Instruction &i, const Scalar *x, Scalar *results) {
  return give(i, results,
              function(static_cast<uint64_t>(x[0].integer),
                       static_cast<uint64_t>(x[1].integer)));
}
static uint64_t add(uint64_t x, uint64_t y) { return x + y; }
static uint64_t subtract(uint64_t x, uint64_t y) { return x - y; }
static uint64_t multiply(uint64_t x, uint64_t y) { return x * y; }
static uint64_t bitAnd(uint64_t x, uint64_t y) { return x & y; }
static uint64_t bitOr(uint64_t x, uint64_t y) { return x | y; }
static uint64_t bitXor(uint64_t x, uint64_t y) { return x ^ y; }

template <bool largest, bool isSigned>
static bool extremum(const Instruction &i, const Scalar *x, Scalar *results) {
  bool less = isSigned ? x[0].integer < x[1].integer
                       : unsignedOf(i, x[0]) < unsignedOf(i, x[1]);
  results[0] = x[less == largest ? 1 : 0];
  return true;
}

/// Whether a signed division is undefined: by zero, or of the least value by
/// -1.
static bool isUndefined(const Instruction &i, const Scalar *x) {
  return x[1].integer == 0 ||
         (x[1].integer == -1 &&
          x[0].integer == wrapTo(i.width, int64_t(1) << (i.width - 1)));
}

enum class Rounding { Zero, Down, Up };

template <Rounding rounding>
static bool divideSigned(const Instruction &i, const Scalar *x,
                         Scalar *results) {
  if (isUndefined(i, x))
    return false;
  int64_t quotient = x[0].integer / x[1].integer,
          remainder = x[0].integer % x[1].integer;
  bool negative = (x[0].integer < 0) != (x[1].integer < 0);
  if (rounding == Rounding::Down && remainder != 0 && negative)
    --quotient;
  if (rounding == Rounding::Up && remainder != 0 && !negative)
    ++quotient;
  return give(i, results, static_cast<uint64_t>(quotient));
}

template <Rounding rounding>
static bool divideUnsigned(const Instruction &i, const Scalar *x,
                           Scalar *results) {
  uint64_t dividend = unsignedOf(i, x[0]), divisor = unsignedOf(i, x[1]);
  if (divisor == 0)
    return false;
  uint64_t quotient = dividend / divisor;
  if (rounding == Rounding::Up && dividend % divisor != 0)
    ++quotient;
  return give(i, results, quotient);
}

static bool remainderSigned(const Instruction &i, const Scalar *x,
                            Scalar *results) {
  if (x[1].integer == 0)
    return false;
  // The remainder by -1 is 0 also where the quotient overflows.
  return give(i, results,
              x[1].integer == -1
                  ? 0
                  : static_cast<uint64_t>(x[0].integer % x[1].integer));
}

static bool remainderUnsigned(const Instruction &i, const Scalar *x,
                              Scalar *results) {
  uint64_t divisor = unsignedOf(i, x[1]);
  return divisor != 0 && give(i, results, unsignedOf(i, x[0]) % divisor);
}

/// A shift by the width or more is poison: 0 here.
static bool shiftLeft(const Instruction &i, const Scalar *x, Scalar *results) {
  uint64_t amount = unsignedOf(i, x[1]);
  return give(i, results,
              amount >= i.width ? 0 : unsignedOf(i, x[0]) << amount);
}
static bool shiftRightUnsigned(const Instruction &i, const Scalar *x,
                               Scalar *results) {
  uint64_t amount = unsignedOf(i, x[1]);
  return give(i, results,
              amount >= i.width ? 0 : unsignedOf(i, x[0]) >> amount);
}
static bool shiftRightSigned(const Instruction &i, const Scalar *x,
                             Scalar *results) {
  uint64_t amount = unsignedOf(i, x[1]);
  return give(
      i, results,
      amount >= i.width ? 0 : static_cast<uint64_t>(x[0].integer >> amount));
}

static bool addExtended(const Instruction &i, const Scalar *x,
                        Scalar *results) {
  uint64_t sum = unsignedOf(i, x[0]) + unsignedOf(i, x[1]);
  results[1].integer =
      unsignedOf(i, scalarOf(static_cast<int64_t>(sum))) < unsignedOf(i, x[0])
          ? -1
          : 0;
  return give(i, results, sum);
}

template <bool isSigned>
static bool multiplyExtended(const Instruction &i, const Scalar *x,
                             Scalar *results) {
  unsigned __int128 product =
      isSigned ? static_cast<unsigned __int128>(
                     static_cast<__int128>(x[0].integer) * x[1].integer)
               : static_cast<unsigned __int128>(unsignedOf(i, x[0])) *
                     unsignedOf(i, x[1]);
  results[1].integer =
      wrapTo(i.width, static_cast<int64_t>(product >> i.width));
  return give(i, results, static_cast<uint64_t>(product));
}

template <double (*function)(double, double)>
static bool onReals(const Instruction &i, const Scalar *x, Scalar *results) {
  results[0].real = i.round(function(x[0].real, x[1].real));
  return true;
}
static double addReal(double x, double y) { return x + y; }
static double subtractReal(double x, double y) { return x - y; }
static double multiplyReal(double x, double y) { return x * y; }
static double divideReal(double x, double y) { return x / y; }
static double remainderReal(double x, double y) { return std::fmod(x, y); }
/// NaN wins, and 0 is larger than -0.
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  return x == y ? (std::signbit(x) ? y : x) : std::max(x, y);
}
static double minimum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  return x == y ? (std::signbit(x) ? x : y) : std::min(x, y);
}
/// The number wins over NaN.
static double maximumNumber(double x, double y) {
  return std::isnan(x) ? y : std::isnan(y) ? x : maximum(x, y);
}
static double minimumNumber(double x, double y) {
  return std::isnan(x) ? y : std::isnan(y) ? x : minimum(x, y);
}

static bool negateReal(const Instruction &, const Scalar *x, Scalar *results) {
  results[0].real = -x[0].real;
  return true;
}

static bool compareIntegers(const Instruction &i, const Scalar *x,
                            Scalar *results) {
  int64_t a = x[0].integer, b = x[1].integer;
  uint64_t u = unsignedOf(i, x[0]), v = unsignedOf(i, x[1]);
  auto holds = [&] {
    switch (static_cast<arith::CmpIPredicate>(i.predicate)) {
    case arith::CmpIPredicate::eq:
      return a == b;
    case arith::CmpIPredicate::ne:
      return a != b;
    case arith::CmpIPredicate::slt:
      return a < b;
    case arith::CmpIPredicate::sle:
      return a <= b;
    case arith::CmpIPredicate::sgt:
      return a > b;
    case arith::CmpIPredicate::sge:
      return a >= b;
    case arith::CmpIPredicate::ult:
      return u < v;
    case arith::CmpIPredicate::ule:
      return u <= v;
    case arith::CmpIPredicate::ugt:
      return u > v;
    case arith::CmpIPredicate::uge:
      return u >= v;
    }
    return false;
  };
  results[0].integer = holds() ? -1 : 0;
  return true;
}

static bool compareReals(const Instruction &i, const Scalar *x,
                         Scalar *results) {
  double a = x[0].real, b = x[1].real;
  bool unordered = std::isnan(a) || std::isnan(b);
  auto holds = [&] {
    switch (static_cast<arith::CmpFPredicate>(i.predicate)) {
    case arith::CmpFPredicate::AlwaysFalse:
      return false;
    case arith::CmpFPredicate::AlwaysTrue:
      return true;
    case arith::CmpFPredicate::ORD:
      return !unordered;
    case arith::CmpFPredicate::UNO:
      return unordered;
    case arith::CmpFPredicate::OEQ:
      return a == b;
    case arith::CmpFPredicate::ONE:
      return !unordered && a != b;
    case arith::CmpFPredicate::OLT:
      return a < b;
    case arith::CmpFPredicate::OLE:
      return a <= b;
    case arith::CmpFPredicate::OGT:
      return a > b;
    case arith::CmpFPredicate::OGE:
      return a >= b;
    case arith::CmpFPredicate::UEQ:
      return unordered || a == b;
    case arith::CmpFPredicate::UNE:
      return unordered || a != b;
    case arith::CmpFPredicate::ULT:
      return unordered || a < b;
    case arith::CmpFPredicate::ULE:
      return unordered || a <= b;
    case arith::CmpFPredicate::UGT:
      return unordered || a > b;
    case arith::CmpFPredicate::UGE:
      return unordered || a >= b;
    }
    return false;
  };
  results[0].integer = holds() ? -1 : 0;
  return true;
}

static bool select(const Instruction &, const Scalar *x, Scalar *results) {
  results[0] = x[0].integer ? x[1] : x[2];
  return true;
}

/// Sign extension, truncation, and casts between index and integers.
static bool castSigned(const Instruction &i, const Scalar *x, Scalar *results) {
  return give(i, results, static_cast<uint64_t>(x[0].integer));
}
static bool castUnsigned(const Instruction &i, const Scalar *x,
                         Scalar *results) {
  return give(i, results, unsignedOf(i, x[0]));
}

static bool castReal(const Instruction &i, const Scalar *x, Scalar *results) {
  results[0].real = i.round(x[0].real);
  return true;
}

/// Rounds once, also for integers that a double cannot hold.
template <bool isSigned>
static bool integerToReal(const Instruction &i, const Scalar *x,
                          Scalar *results) {
  const llvm::fltSemantics &semantics =
      i.result == ElementType::F64    ? llvm::APFloat::IEEEdouble()
      : i.result == ElementType::F32  ? llvm::APFloat::IEEEsingle()
      : i.result == ElementType::BF16 ? llvm::APFloat::BFloat()
                                      : llvm::APFloat::IEEEhalf();
  llvm::APFloat value(semantics);
  value.convertFromAPInt(
      llvm::APInt(64, isSigned ? static_cast<uint64_t>(x[0].integer)
                               : unsignedOf(i, x[0])),
      isSigned, llvm::APFloat::rmNearestTiesToEven);
  results[0].real = value.convertToDouble();
  return true;
}

/// Truncates; out of range, where the op gives poison, the nearest integer of
/// the type, and 0 for NaN.
template <bool isSigned>
static bool realToInteger(const Instruction &i, const Scalar *x,
                          Scalar *results) {
  unsigned width = widthOf(i.result);
  double value = std::isnan(x[0].real) ? 0.0 : std::trunc(x[0].real);
  double limit = std::ldexp(1.0, isSigned ? width - 1 : width);
  uint64_t allBits = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  if (isSigned)
    return give(i, results,
                value >= limit ? allBits >> 1
                : value <= -limit
                    ? uint64_t(1) << (width - 1)
                    : static_cast<uint64_t>(static_cast<int64_t>(value)));
  return give(i, results,
              value >= limit ? allBits
              : value <= 0   ? 0
                             : static_cast<uint64_t>(value));
}

/// The same bits under another type of the same width.
static bool bitcast(const Instruction &i, const Scalar *x, Scalar *results) {
  char bytes[8];
  storeScalar(i.operand, bytes, 0, x[0]);
  results[0] = loadScalar(i.result, bytes, 0);
  return true;
}

void reference::addScalarArithmetic(ScalarTable &table) {
  table["arith.addi"] = onBits<add>;
  table["arith.subi"] = onBits<subtract>;
  table["arith.muli"] = onBits<multiply>;
  table["arith.andi"] = onBits<bitAnd>;
  table["arith.ori"] = onBits<bitOr>;
  table["arith.xori"] = onBits<bitXor>;
  table["arith.maxsi"] = extremum<true, true>;
  table["arith.maxui"] = extremum<true, false>;
  table["arith.minsi"] = extremum<false, true>;
  table["arith.minui"] = extremum<false, false>;
  table["arith.divsi"] = divideSigned<Rounding::Zero>;
  table["arith.floordivsi"] = divideSigned<Rounding::Down>;
  table["arith.ceildivsi"] = divideSigned<Rounding::Up>;
  table["arith.divui"] = divideUnsigned<Rounding::Zero>;
  table["arith.ceildivui"] = divideUnsigned<Rounding::Up>;
  table["arith.remsi"] = remainderSigned;
  table["arith.remui"] = remainderUnsigned;
  table["arith.shli"] = shiftLeft;
  table["arith.shrui"] = shiftRightUnsigned;
  table["arith.shrsi"] = shiftRightSigned;
  table["arith.addui_extended"] = addExtended;
  table["arith.mulsi_extended"] = multiplyExtended<true>;
  table["arith.mului_extended"] = multiplyExtended<false>;
  table["arith.addf"] = onReals<addReal>;
  table["arith.subf"] = onReals<subtractReal>;
  table["arith.mulf"] = onReals<multiplyReal>;
  table["arith.divf"] = onReals<divideReal>;
  table["arith.remf"] = onReals<remainderReal>;
  table["arith.maximumf"] = onReals<maximum>;
  table["arith.minimumf"] = onReals<minimum>;
  table["arith.maxnumf"] = onReals<maximumNumber>;
  table["arith.minnumf"] = onReals<minimumNumber>;
  table["arith.negf"] = negateReal;
  table["arith.cmpi"] = compareIntegers;
  table["arith.cmpf"] = compareReals;
  table["arith.select"] = select;
  table["arith.extsi"] = castSigned;
  table["arith.trunci"] = castSigned;
  table["arith.index_cast"] = castSigned;
  table["arith.extui"] = castUnsigned;
  table["arith.index_castui"] = castUnsigned;
  table["arith.extf"] = castReal;
  table["arith.truncf"] = castReal;
  table["arith.sitofp"] = integerToReal<true>;
  table["arith.uitofp"] = integerToReal<false>;
  table["arith.fptosi"] = realToInteger<true>;
  table["arith.fptoui"] = realToInteger<false>;
  table["arith.bitcast"] = bitcast;
}
