// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Substitution, evaluation and upper bounds.
#include "SymbolicExpressionStorage.h"
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir::trine;
using namespace mlir::trine::detail;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using Kind = SymbolicAtom::Kind;

static SymbolicExpression rebuild(SymbolicAtom atom,
                                  ArrayRef<SymbolicExpression> operands) {
  switch (atom.getKind()) {
  case Kind::Symbol:
    return atom.getExpression();
  case Kind::FloorDiv:
    return floorDiv(operands[0], operands[1]);
  case Kind::CeilDiv:
    return ceilDiv(operands[0], operands[1]);
  case Kind::Mod:
    return mod(operands[0], operands[1]);
  case Kind::Sum:
    return operands[0] + operands[1];
  case Kind::Product:
    return operands[0] * operands[1];
  case Kind::Max:
  case Kind::Min: {
    SymbolicExpression result = operands[0];
    for (SymbolicExpression operand : operands.drop_front())
      result = atom.getKind() == Kind::Max ? max(result, operand)
                                           : min(result, operand);
    return result;
  }
  }
  return atom.getExpression();
}

SymbolicExpression mlir::trine::substitute(
    SymbolicExpression expression,
    llvm::function_ref<SymbolicExpression(SymbolicExpression)> replacement) {
  SymbolicContext &context = expression.getContext();
  SymbolicExpression sum = context.getConstant(0);
  for (const SymbolicTerm &term : expression.getTerms()) {
    SymbolicExpression product = context.getConstant(term.coefficient);
    for (SymbolicAtom factor : term.factors) {
      SymbolicExpression value = factor.getExpression();
      if (factor.getKind() == Kind::Symbol) {
        if (SymbolicExpression other = replacement(value))
          value = other;
      } else {
        SmallVector<SymbolicExpression> operands;
        for (SymbolicExpression operand : factor.getOperands())
          operands.push_back(substitute(operand, replacement));
        value = rebuild(factor, operands);
      }
      product = product * value;
    }
    sum = sum + product;
  }
  return sum;
}

bool mlir::trine::walkSymbols(
    SymbolicExpression expression,
    llvm::function_ref<bool(SymbolicExpression)> visit) {
  for (const SymbolicTerm &term : expression.getTerms())
    for (SymbolicAtom factor : term.factors) {
      if (factor.getKind() == Kind::Symbol) {
        if (!visit(factor.getExpression()))
          return false;
        continue;
      }
      for (SymbolicExpression operand : factor.getOperands())
        if (!walkSymbols(operand, visit))
          return false;
    }
  return true;
}

/// floor(a / b); nothing when it has no value in 64 bits.
static std::optional<int64_t> divideFloor(int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1))
    return std::nullopt;
  int64_t quotient = a / b;
  return quotient - (a % b != 0 && ((a < 0) != (b < 0)));
}

static std::optional<int64_t>
evaluateAtom(SymbolicAtom atom,
             llvm::function_ref<std::optional<int64_t>(StringRef)> value) {
  if (atom.getKind() == Kind::Symbol)
    return value(atom.getName());
  SmallVector<int64_t> operands;
  for (SymbolicExpression operand : atom.getOperands()) {
    std::optional<int64_t> result = evaluate(operand, value);
    if (!result)
      return std::nullopt;
    operands.push_back(*result);
  }
  int64_t a = operands[0], b = operands[1], result;
  switch (atom.getKind()) {
  case Kind::FloorDiv:
    return divideFloor(a, b);
  case Kind::CeilDiv:
    if (std::optional<int64_t> quotient = divideFloor(a, b))
      return *quotient + (a % b != 0);
    return std::nullopt;
  case Kind::Mod:
    if (b == 0)
      return std::nullopt;
    result = b == -1 ? 0 : a % b;
    return result != 0 && ((result < 0) != (b < 0)) ? result + b : result;
  case Kind::Max:
    return *llvm::max_element(operands);
  case Kind::Min:
    return *llvm::min_element(operands);
  case Kind::Sum:
    return llvm::AddOverflow(a, b, result) ? std::nullopt
                                           : std::optional(result);
  case Kind::Product:
    return llvm::MulOverflow(a, b, result) ? std::nullopt
                                           : std::optional(result);
  case Kind::Symbol:
    break;
  }
  return std::nullopt;
}

std::optional<int64_t> mlir::trine::evaluate(
    SymbolicExpression expression,
    llvm::function_ref<std::optional<int64_t>(StringRef)> value) {
  int64_t sum = 0;
  for (const SymbolicTerm &term : expression.getTerms()) {
    int64_t product = term.coefficient;
    for (SymbolicAtom factor : term.factors) {
      std::optional<int64_t> result = evaluateAtom(factor, value);
      if (!result || llvm::MulOverflow(product, *result, product))
        return std::nullopt;
    }
    if (llvm::AddOverflow(sum, product, sum))
      return std::nullopt;
  }
  return sum;
}

static bool hasBoundedSymbol(SymbolicContext &context,
                             SymbolicExpression expression) {
  return !walkSymbols(expression, [&](SymbolicExpression symbol) {
    return !context.getSymbolUpperBound(symbol);
  });
}

static SymbolicExpression getUpperBoundOfAtom(SymbolicContext &context,
                                              SymbolicAtom atom) {
  ArrayRef<SymbolicExpression> operands = atom.getOperands();
  switch (atom.getKind()) {
  case Kind::Symbol: {
    SymbolicExpression bound =
        context.getSymbolUpperBound(atom.getExpression());
    return bound ? bound : atom.getExpression();
  }
  case Kind::FloorDiv:
  case Kind::CeilDiv: {
    SymbolicExpression dividend = context.getUpperBound(operands[0]);
    if (!dividend || !isKnownNonNegative(operands[0]) ||
        !isKnownNonNegative(operands[1]))
      return {};
    // With a divisor that varies the quotient is largest where the divisor
    // is 1.
    if (hasBoundedSymbol(context, operands[1]))
      return dividend;
    return rebuild(atom, {dividend, operands[1]});
  }
  case Kind::Mod: {
    SymbolicExpression divisor = context.getUpperBound(operands[1]);
    return divisor && isKnownPositive(operands[1]) ? divisor - 1
                                                   : SymbolicExpression();
  }
  case Kind::Max:
  case Kind::Min:
  case Kind::Sum:
  case Kind::Product: {
    SmallVector<SymbolicExpression> bounds;
    for (SymbolicExpression operand : operands) {
      if (atom.getKind() == Kind::Product && !isKnownNonNegative(operand))
        return {};
      SymbolicExpression bound = context.getUpperBound(operand);
      if (!bound && atom.getKind() != Kind::Min)
        return {};
      if (bound)
        bounds.push_back(bound);
    }
    return bounds.empty() ? SymbolicExpression() : rebuild(atom, bounds);
  }
  }
  return {};
}

SymbolicExpression
SymbolicContext::getUpperBound(SymbolicExpression expression) {
  if (!hasBoundedSymbol(*this, expression))
    return expression;
  SymbolicExpression sum = getConstant(0);
  for (const SymbolicTerm &term : expression.getTerms()) {
    SymbolicExpression product = getConstant(term.coefficient);
    bool isVarying = false, isNonNegative = true;
    for (SymbolicAtom factor : term.factors) {
      isVarying |= hasBoundedSymbol(*this, factor.getExpression());
      isNonNegative &= isKnownNonNegative(factor.getExpression());
    }
    if (isVarying && !isNonNegative)
      return {};
    // A subtracted size is at least 0.
    if (isVarying && term.coefficient < 0)
      continue;
    for (SymbolicAtom factor : term.factors) {
      SymbolicExpression bound = isVarying ? getUpperBoundOfAtom(*this, factor)
                                           : factor.getExpression();
      if (!bound)
        return {};
      product = product * bound;
    }
    sum = sum + product;
  }
  return sum;
}
