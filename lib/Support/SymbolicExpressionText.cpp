// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Printing and parsing.
#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::trine;
using llvm::SmallVector;
using llvm::StringRef;
using Kind = SymbolicAtom::Kind;

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string join(llvm::ArrayRef<SymbolicExpression> operands) {
  std::vector<std::string> texts;
  for (SymbolicExpression operand : operands)
    texts.push_back(operand.str());
  llvm::sort(texts);
  return llvm::join(texts, ", ");
}

/// An operand of a binary operator: parenthesised unless it is a number or a
/// name.
static std::string printOperand(SymbolicExpression e) {
  if (e.isSymbol() || (e.getConstant() && *e.getConstant() >= 0))
    return e.str();
  return "(" + e.str() + ")";
}

static std::string printAtom(SymbolicAtom atom, bool isAlone) {
  auto binary = [&](StringRef name, bool sorted = false) {
    std::string a = printOperand(atom.getOperands()[0]),
                b = printOperand(atom.getOperands()[1]);
    if (sorted && b < a)
      std::swap(a, b);
    std::string text = a + " " + name.str() + " " + b;
    return isAlone ? text : "(" + text + ")";
  };
  switch (atom.getKind()) {
  case Kind::Symbol:
    return atom.getName().str();
  case Kind::FloorDiv:
    return binary("floordiv");
  case Kind::CeilDiv:
    return binary("ceildiv");
  case Kind::Mod:
    return binary("mod");
  case Kind::Max:
    return "max(" + join(atom.getOperands()) + ")";
  case Kind::Min:
    return "min(" + join(atom.getOperands()) + ")";
  case Kind::Sum:
    return binary("+", /*sorted=*/true);
  case Kind::Product:
    return binary("*", /*sorted=*/true);
  }
  return "";
}

void SymbolicExpression::print(llvm::raw_ostream &os) const {
  if (!storage) {
    os << "?";
    return;
  }
  // By spelling, not by the order of interning; the constant comes last, and a
  // term that is added first.
  SmallVector<std::pair<std::string, int64_t>> texts;
  for (const SymbolicTerm &term : getTerms()) {
    SmallVector<std::string> factors;
    bool isAlone = getTerms().size() == 1 && term.factors.size() == 1 &&
                   term.coefficient == 1;
    for (SymbolicAtom factor : term.factors)
      factors.push_back(printAtom(factor, isAlone));
    llvm::sort(factors);
    texts.push_back({llvm::join(factors, "*"), term.coefficient});
  }
  llvm::sort(texts, [](const auto &a, const auto &b) {
    return std::make_tuple(a.first.empty(), a.second < 0, StringRef(a.first)) <
           std::make_tuple(b.first.empty(), b.second < 0, StringRef(b.first));
  });
  if (texts.empty())
    os << "0";
  for (auto [index, text] : llvm::enumerate(texts)) {
    bool isNegative = text.second < 0;
    uint64_t magnitude = isNegative ? -static_cast<uint64_t>(text.second)
                                    : static_cast<uint64_t>(text.second);
    if (index > 0)
      os << (isNegative ? " - " : " + ");
    else if (isNegative)
      os << "-";
    if (text.first.empty())
      os << magnitude;
    else if (magnitude != 1)
      os << magnitude << "*" << text.first;
    else
      os << text.first;
  }
}

std::string SymbolicExpression::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os);
  return text;
}

llvm::raw_ostream &mlir::trine::operator<<(llvm::raw_ostream &os,
                                           SymbolicExpression expression) {
  expression.print(os);
  return os;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {
/// sum := product (('+' | '-') product)*;  product := factor (operator
/// factor)*;  factor := number | name | '-' factor |
/// '(' sum ')' | ('max' | 'min') '(' sum (',' sum)* ')'. Results are null on
/// anything else.
class Parser {
public:
  Parser(SymbolicContext &context, StringRef text)
      : context(context), rest(text) {}

  SymbolicExpression parseAll() {
    SymbolicExpression result = parseSum();
    return result && rest.trim().empty() ? result : SymbolicExpression();
  }

private:
  SymbolicContext &context;
  StringRef rest;
  unsigned depth = 0;

  bool consume(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  static bool isNameStart(char c) { return llvm::isAlpha(c) || c == '_'; }
  static bool isNamePart(char c) {
    return llvm::isAlnum(c) || c == '_' || c == '.';
  }

  StringRef peekName() {
    rest = rest.ltrim();
    if (rest.empty() || !isNameStart(rest.front()))
      return {};
    return rest.take_while(isNamePart);
  }

  SymbolicExpression parseSum() {
    if (depth > 64)
      return {};
    ++depth;
    SymbolicExpression result = parseProduct();
    while (result) {
      bool isPlus = consume("+");
      if (!isPlus && !consume("-"))
        break;
      SymbolicExpression other = parseProduct();
      if (!other)
        return {};
      result = isPlus ? result + other : result - other;
    }
    --depth;
    return result;
  }

  SymbolicExpression parseProduct() {
    SymbolicExpression result = parseFactor();
    while (result) {
      SymbolicExpression (*operation)(SymbolicExpression, SymbolicExpression) =
          nullptr;
      StringRef name = peekName();
      if (name == "floordiv" || name == "ceildiv" || name == "mod") {
        operation = name == "mod"        ? mod
                    : name == "floordiv" ? floorDiv
                                         : ceilDiv;
        rest = rest.drop_front(name.size());
      } else if (consume("//")) {
        operation = floorDiv;
      } else if (consume("%")) {
        operation = mod;
      } else if (consume("*")) {
        operation = operator*;
      } else {
        break;
      }
      SymbolicExpression other = parseFactor();
      if (!other)
        return {};
      result = operation(result, other);
    }
    return result;
  }

  SymbolicExpression parseFactor() {
    bool isNegative = false;
    while (consume("-"))
      isNegative = !isNegative;
    SymbolicExpression result = parsePositive();
    return result && isNegative ? result * -1 : result;
  }

  SymbolicExpression parsePositive() {
    if (consume("(")) {
      SymbolicExpression result = parseSum();
      return result && consume(")") ? result : SymbolicExpression();
    }
    if (!rest.empty() && llvm::isDigit(rest.front())) {
      StringRef digits =
          rest.take_while([](char c) { return llvm::isDigit(c); });
      int64_t value;
      rest = rest.drop_front(digits.size());
      if (digits.getAsInteger(10, value) ||
          (!rest.empty() && isNamePart(rest.front())))
        return {};
      return context.getConstant(value);
    }
    StringRef name = peekName();
    if (name.empty())
      return {};
    rest = rest.drop_front(name.size());
    if (!rest.ltrim().starts_with("("))
      return isOperator(name) ? SymbolicExpression() : context.getSymbol(name);
    bool isMax = name.equals_insensitive("max");
    if (!isMax && !name.equals_insensitive("min"))
      return {};
    consume("(");
    SymbolicExpression result = parseSum();
    while (result && consume(",")) {
      SymbolicExpression other = parseSum();
      if (!other)
        return {};
      result = isMax ? max(result, other) : min(result, other);
    }
    return result && consume(")") ? result : SymbolicExpression();
  }

  static bool isOperator(StringRef name) {
    return name == "floordiv" || name == "ceildiv" || name == "mod";
  }
};
} // namespace

SymbolicExpression SymbolicContext::parse(StringRef text) {
  text = text.trim();
  if (text.empty())
    return {};
  if (text.size() <= 4096)
    if (SymbolicExpression result = Parser(*this, text).parseAll())
      return result;
  return getSymbol(text);
}
