// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What polynomials cannot say: rounded division, mod, max, min; and proofs of
// sign.
#include "SymbolicExpressionStorage.h"
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir::trine;
using namespace mlir::trine::detail;
using llvm::ArrayRef;
using llvm::SmallVector;
using Kind = SymbolicAtom::Kind;

static SymbolicExpression makeAtom(Kind kind,
                                   ArrayRef<SymbolicExpression> operands) {
  SymbolicContext &context = operands[0].getContext();
  return context.getImplementation().makeAtom(context, kind, operands);
}

static SymbolicExpression makeTerm(SymbolicContext &context,
                                   int64_t coefficient,
                                   ArrayRef<SymbolicAtom> factors) {
  if (coefficient == 0)
    return context.getConstant(0);
  return context.getImplementation().intern(
      context, {MutableTerm{coefficient, Factors(factors)}});
}

/// The only atom of a single-term expression with coefficient 1, if it is of
/// this kind.
static std::optional<SymbolicAtom> getAtom(SymbolicExpression e, Kind kind) {
  ArrayRef<SymbolicTerm> terms = e.getTerms();
  if (terms.size() == 1 && terms[0].coefficient == 1 &&
      terms[0].factors.size() == 1 && terms[0].factors[0].getKind() == kind)
    return terms[0].factors[0];
  return std::nullopt;
}

/// quotient and remainder with 0 <= remainder < divisor; divisor > 0.
static std::pair<int64_t, int64_t> divideFloor(int64_t a, int64_t divisor) {
  int64_t quotient = a / divisor, remainder = a % divisor;
  if (remainder < 0) {
    --quotient;
    remainder += divisor;
  }
  return {quotient, remainder};
}

static uint64_t getMagnitude(int64_t value) {
  return value < 0 ? -static_cast<uint64_t>(value)
                   : static_cast<uint64_t>(value);
}

/// Splits a = divisor * quotient + remainder, each coefficient of the remainder
/// in [0, divisor).
static void splitByConstant(SymbolicExpression a, int64_t divisor,
                            SymbolicExpression &quotient,
                            SymbolicExpression &remainder) {
  SymbolicContext &context = a.getContext();
  Polynomial quotients, remainders;
  for (const SymbolicTerm &term : a.getTerms()) {
    auto [q, r] = divideFloor(term.coefficient, divisor);
    if (q != 0)
      quotients.push_back({q, Factors(term.factors)});
    if (r != 0)
      remainders.push_back({r, Factors(term.factors)});
  }
  quotient = context.getImplementation().intern(context, quotients);
  remainder = context.getImplementation().intern(context, remainders);
}

static SymbolicExpression floorDivByConstant(SymbolicExpression a,
                                             int64_t divisor) {
  SymbolicContext &context = a.getContext();
  SymbolicExpression quotient, remainder;
  splitByConstant(a, divisor, quotient, remainder);
  if (remainder.isConstant()) // in [0, divisor)
    return quotient;
  // A common factor of the symbolic terms and the divisor cancels; the constant
  // rounds down: floor((2x+1)/4) = floor(x/2).
  uint64_t common = divisor;
  for (const SymbolicTerm &term : remainder.getTerms())
    if (!term.factors.empty())
      common = std::gcd(common, getMagnitude(term.coefficient));
  if (common > 1) {
    Polynomial reduced;
    for (const SymbolicTerm &term : remainder.getTerms())
      if (int64_t coefficient = term.coefficient / static_cast<int64_t>(common))
        reduced.push_back({coefficient, Factors(term.factors)});
    return quotient + floorDivByConstant(
                          context.getImplementation().intern(context, reduced),
                          divisor / static_cast<int64_t>(common));
  }
  // floor(floor(x/b)/c) = floor(x/(b*c)) for constants > 0.
  if (auto inner = getAtom(remainder, Kind::FloorDiv)) {
    std::optional<int64_t> innerDivisor = inner->getOperands()[1].getConstant();
    int64_t product;
    if (innerDivisor && *innerDivisor > 0 &&
        !llvm::MulOverflow(*innerDivisor, divisor, product))
      return quotient +
             floorDiv(inner->getOperands()[0], context.getConstant(product));
  }
  return quotient +
         makeAtom(Kind::FloorDiv, {remainder, context.getConstant(divisor)});
}

SymbolicExpression mlir::trine::floorDiv(SymbolicExpression a,
                                         SymbolicExpression b) {
  if (SymbolicExpression exact = divideExactly(a, b))
    return exact;
  std::optional<int64_t> divisor = b.getConstant();
  if (divisor && *divisor > 0)
    return floorDivByConstant(a, *divisor);
  if (divisor && *divisor < 0 && *divisor != INT64_MIN)
    return floorDivByConstant(a * -1, -*divisor);
  if (!divisor && isKnownNonNegative(a) && isKnownLessOrEqual(a + 1, b))
    return a.getContext().getConstant(0);
  return makeAtom(Kind::FloorDiv, {a, b});
}

SymbolicExpression mlir::trine::ceilDiv(SymbolicExpression a,
                                        SymbolicExpression b) {
  if (SymbolicExpression exact = divideExactly(a, b))
    return exact;
  std::optional<int64_t> divisor = b.getConstant();
  if (divisor && *divisor > 0)
    return floorDiv(a + (*divisor - 1), b);
  if (divisor && *divisor < 0 && *divisor != INT64_MIN)
    return ceilDiv(a * -1, a.getContext().getConstant(-*divisor));
  return makeAtom(Kind::CeilDiv, {a, b});
}

SymbolicExpression mlir::trine::mod(SymbolicExpression a,
                                    SymbolicExpression b) {
  SymbolicContext &context = a.getContext();
  if (divideExactly(a, b))
    return context.getConstant(0);
  std::optional<int64_t> divisor = b.getConstant();
  if (divisor && *divisor > 0) {
    SymbolicExpression quotient, remainder;
    splitByConstant(a, *divisor, quotient, remainder);
    if (remainder.isConstant())
      return remainder;
    if (auto inner = getAtom(remainder, Kind::Mod);
        inner && inner->getOperands()[1] == b)
      return remainder;
    return makeAtom(Kind::Mod, {remainder, b});
  }
  if (isKnownNonNegative(a) && isKnownLessOrEqual(a + 1, b))
    return a;
  return makeAtom(Kind::Mod, {a, b});
}

/// Beyond this many operands of a max or min they are not compared with one
/// another.
constexpr size_t maximumCompared = 8;

static SymbolicExpression makeExtremum(Kind kind, SymbolicExpression a,
                                       SymbolicExpression b) {
  if (a == b)
    return a;
  SymbolicContext &context = a.getContext();
  SmallVector<SymbolicExpression> operands;
  for (SymbolicExpression operand : {a, b}) {
    if (auto inner = getAtom(operand, kind))
      llvm::append_range(operands, inner->getOperands());
    else
      operands.push_back(operand);
  }
  // Keep what no other operand covers.
  SmallVector<SymbolicExpression> kept;
  for (SymbolicExpression operand : operands) {
    auto covers = [&](SymbolicExpression x, SymbolicExpression y) {
      if (x == y)
        return true;
      if (operands.size() > maximumCompared &&
          !(x.isConstant() && y.isConstant()))
        return false;
      return kind == Kind::Max ? isKnownLessOrEqual(y, x)
                               : isKnownLessOrEqual(x, y);
    };
    if (llvm::any_of(kept, [&](SymbolicExpression other) {
          return covers(other, operand);
        }))
      continue;
    llvm::erase_if(
        kept, [&](SymbolicExpression other) { return covers(operand, other); });
    kept.push_back(operand);
  }
  if (kept.size() == 1)
    return kept[0];
  // One order for max(a, b) and max(b, a): by normal form, term by term.
  llvm::sort(kept, [](SymbolicExpression x, SymbolicExpression y) {
    auto key = [](const SymbolicTerm &t) {
      return std::make_pair(t.factors.size(), t.coefficient);
    };
    ArrayRef<SymbolicTerm> left = x.getTerms(), right = y.getTerms();
    for (auto [l, r] : llvm::zip(left, right)) {
      for (auto [p, q] : llvm::zip(l.factors, r.factors))
        if (p != q)
          return p.getStorage()->id < q.getStorage()->id;
      if (key(l) != key(r))
        return key(l) > key(r);
    }
    return left.size() > right.size();
  });
  return context.getImplementation().makeAtom(context, kind, kept);
}

SymbolicExpression mlir::trine::max(SymbolicExpression a,
                                    SymbolicExpression b) {
  return makeExtremum(Kind::Max, a, b);
}
SymbolicExpression mlir::trine::min(SymbolicExpression a,
                                    SymbolicExpression b) {
  return makeExtremum(Kind::Min, a, b);
}

//===----------------------------------------------------------------------===//
// Signs
//===----------------------------------------------------------------------===//

namespace {
/// Proves e >= 0 by replacing atoms by their bounds, with a budget of steps.
class SignProver {
public:
  bool isNonNegative(SymbolicExpression e, unsigned depth) {
    if (budget == 0 || depth == 0 || e.getSize() > 4096)
      return false;
    --budget;
    bool allPositive = true;
    for (const SymbolicTerm &term : e.getTerms())
      allPositive &= term.coefficient > 0 &&
                     llvm::all_of(term.factors, [&](SymbolicAtom f) {
                       return isNonNegative(f, depth);
                     });
    if (allPositive)
      return true;
    // Replace one factor of one term by something that makes the whole smaller;
    // enough if any replacement works.
    for (const SymbolicTerm &term : e.getTerms()) {
      for (auto [position, factor] : llvm::enumerate(term.factors)) {
        if (factor.getKind() == Kind::Symbol)
          continue;
        Factors others(term.factors);
        others.erase(others.begin() + position);
        if (!llvm::all_of(others, [&](SymbolicAtom f) {
              return isNonNegative(f, depth);
            }))
          continue;
        SymbolicExpression scale =
            makeTerm(e.getContext(), term.coefficient, others);
        SymbolicExpression rest =
            e - makeTerm(e.getContext(), term.coefficient, term.factors);
        return replaceFactor(rest, scale, term.coefficient > 0, factor,
                             depth - 1);
      }
    }
    return false;
  }

private:
  unsigned budget = 64;

  bool isNonNegative(SymbolicAtom atom, unsigned depth) {
    ArrayRef<SymbolicExpression> operands = atom.getOperands();
    auto nonNegative = [&](SymbolicExpression e) {
      return isNonNegative(e, depth - 1);
    };
    switch (atom.getKind()) {
    case Kind::Symbol:
      return true;
    case Kind::FloorDiv:
    case Kind::CeilDiv:
      return nonNegative(operands[0]) && nonNegative(operands[1]);
    case Kind::Mod:
      return nonNegative(operands[1]);
    case Kind::Max:
      return llvm::any_of(operands, nonNegative);
    case Kind::Min:
    case Kind::Sum:
    case Kind::Product:
      return llvm::all_of(operands, nonNegative);
    }
    return false;
  }

  /// rest + scale * factor >= 0, where scale / coefficient >= 0. `positive`:
  /// scale is not negative.
  bool replaceFactor(SymbolicExpression rest, SymbolicExpression scale,
                     bool positive, SymbolicAtom factor, unsigned depth) {
    ArrayRef<SymbolicExpression> operands = factor.getOperands();
    auto holds = [&](SymbolicExpression bound) {
      return isNonNegative(rest + scale * bound, depth);
    };
    switch (factor.getKind()) {
    case Kind::Max:
      return positive ? llvm::any_of(operands, holds)
                      : llvm::all_of(operands, holds);
    case Kind::Min:
      return positive ? llvm::all_of(operands, holds)
                      : llvm::any_of(operands, holds);
    case Kind::Mod: {
      if (!isKnownPositiveConstant(operands[1]))
        return false;
      if (positive)
        return holds(rest.getContext().getConstant(0));
      return holds(operands[1] - 1) ||
             (isNonNegative(operands[0], depth) && holds(operands[0]));
    }
    case Kind::FloorDiv: {
      // c*floor(a/c) <= a and c*floor(a/c) >= a - c + 1: multiply the whole
      // inequality by c.
      std::optional<int64_t> divisor = operands[1].getConstant();
      if (!divisor || *divisor <= 0)
        return !positive && isNonNegative(operands[0], depth) &&
               isNonNegative(operands[1] - 1, depth) && holds(operands[0]);
      SymbolicExpression bound =
          positive ? operands[0] - (*divisor - 1) : operands[0];
      return isNonNegative(rest * *divisor + scale * bound, depth);
    }
    case Kind::CeilDiv:
      return !positive && isNonNegative(operands[0], depth) &&
             isNonNegative(operands[1] - 1, depth) && holds(operands[0]);
    case Kind::Symbol:
    case Kind::Sum:
    case Kind::Product:
      return false;
    }
    return false;
  }

  static bool isKnownPositiveConstant(SymbolicExpression e) {
    std::optional<int64_t> value = e.getConstant();
    return value && *value > 0;
  }
};
} // namespace

bool mlir::trine::isKnownNonNegative(SymbolicExpression expression) {
  return SignProver().isNonNegative(expression, /*depth=*/6);
}

bool mlir::trine::isKnownLessOrEqual(SymbolicExpression a,
                                     SymbolicExpression b) {
  return a == b || isKnownNonNegative(b - a);
}
bool mlir::trine::isKnownPositive(SymbolicExpression expression) {
  return isKnownNonNegative(expression - 1);
}
