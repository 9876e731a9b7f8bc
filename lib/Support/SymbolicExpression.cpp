// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Interning, and the ring operations: addition, multiplication, exact division.
#include "trine/Support/SymbolicExpression.h"
#include "SymbolicExpressionStorage.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir::trine;
using namespace mlir::trine::detail;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

void AtomStorage::profile(llvm::FoldingSetNodeID &id, SymbolicAtom::Kind kind,
                          ArrayRef<SymbolicExpression> operands) {
  id.AddInteger(static_cast<unsigned>(kind));
  for (SymbolicExpression operand : operands)
    id.AddPointer(operand.getStorage());
}

void ExpressionStorage::profile(llvm::FoldingSetNodeID &id,
                                ArrayRef<SymbolicTerm> terms) {
  for (const SymbolicTerm &term : terms) {
    id.AddInteger(term.coefficient);
    id.AddInteger(static_cast<unsigned>(term.factors.size()));
    for (SymbolicAtom factor : term.factors)
      id.AddPointer(factor.getStorage());
  }
}

static uint32_t addSizes(uint32_t a, uint32_t b) {
  return std::min(maximumSize, llvm::SaturatingAdd(a, b));
}

/// Graded lexicographic order: the first term is the leading one, which makes
/// polynomial division work.
static bool isBefore(ArrayRef<SymbolicAtom> a, ArrayRef<SymbolicAtom> b) {
  if (a.size() != b.size())
    return a.size() > b.size();
  for (auto [x, y] : llvm::zip_equal(a, b))
    if (x != y)
      return x.getStorage()->id < y.getStorage()->id;
  return false;
}

/// Sorts and merges; false on overflow or when there are too many terms.
static bool normalise(Polynomial &terms) {
  for (MutableTerm &term : terms)
    if (term.factors.size() > maximumDegree)
      return false;
  llvm::sort(terms, [](const MutableTerm &a, const MutableTerm &b) {
    return isBefore(a.factors, b.factors);
  });
  Polynomial merged;
  for (MutableTerm &term : terms) {
    if (!merged.empty() && merged.back().factors == term.factors) {
      int64_t sum;
      if (llvm::AddOverflow(merged.back().coefficient, term.coefficient, sum))
        return false;
      merged.back().coefficient = sum;
      continue;
    }
    if (!merged.empty() && merged.back().coefficient == 0)
      merged.pop_back();
    merged.push_back(std::move(term));
  }
  if (!merged.empty() && merged.back().coefficient == 0)
    merged.pop_back();
  terms = std::move(merged);
  return terms.size() <= maximumTerms;
}

static Polynomial toPolynomial(SymbolicExpression expression) {
  Polynomial terms;
  for (const SymbolicTerm &term : expression.getTerms())
    terms.push_back({term.coefficient, Factors(term.factors)});
  return terms;
}

SymbolicExpression
SymbolicContext::Implementation::intern(SymbolicContext &context,
                                        const Polynomial &polynomial) {
  SmallVector<SymbolicTerm, 4> terms;
  for (const MutableTerm &term : polynomial)
    terms.push_back({term.coefficient, term.factors});
  llvm::FoldingSetNodeID id;
  ExpressionStorage::profile(id, terms);
  void *position;
  if (ExpressionStorage *found = expressions.FindNodeOrInsertPos(id, position))
    return SymbolicExpression(found);
  auto *storage =
      new (allocator.Allocate<ExpressionStorage>()) ExpressionStorage();
  storage->context = &context;
  storage->hash = id.ComputeHash();
  storage->size = 1;
  for (SymbolicTerm &term : terms) {
    term.factors = term.factors.copy(allocator);
    storage->size = addSizes(storage->size, 1);
    for (SymbolicAtom factor : term.factors)
      storage->size = addSizes(storage->size, factor.getStorage()->size);
  }
  storage->terms = ArrayRef<SymbolicTerm>(terms).copy(allocator);
  expressions.InsertNode(storage, position);
  return SymbolicExpression(storage);
}

AtomStorage *SymbolicContext::Implementation::addAtom(
    SymbolicContext &context, SymbolicAtom::Kind kind, StringRef name,
    ArrayRef<SymbolicExpression> operands) {
  auto *atom = new (allocator.Allocate<AtomStorage>()) AtomStorage();
  atom->kind = kind;
  atom->id = numAtoms++;
  atom->size = 1;
  for (SymbolicExpression operand : operands)
    atom->size = addSizes(atom->size, operand.getSize());
  atom->name = name.copy(allocator);
  atom->operands = operands.copy(allocator);
  atom->expression =
      intern(context, {MutableTerm{1, {SymbolicAtom(atom)}}}).getStorage();
  return atom;
}

SymbolicExpression SymbolicContext::Implementation::makeAtom(
    SymbolicContext &context, SymbolicAtom::Kind kind,
    ArrayRef<SymbolicExpression> operands) {
  llvm::FoldingSetNodeID id;
  AtomStorage::profile(id, kind, operands);
  void *position;
  if (AtomStorage *found = atoms.FindNodeOrInsertPos(id, position))
    return SymbolicExpression(found->expression);
  AtomStorage *atom = addAtom(context, kind, "", operands);
  atoms.InsertNode(atom, position);
  return SymbolicExpression(atom->expression);
}

SymbolicContext::SymbolicContext()
    : implementation(std::make_unique<Implementation>()) {}
SymbolicContext::~SymbolicContext() = default;

SymbolicExpression SymbolicContext::getConstant(int64_t value) {
  // The largest keys mean an empty slot to the map.
  if (value == -1 || value == -2)
    return implementation->intern(*this, {MutableTerm{value, {}}});
  SymbolicExpression &constant = implementation->constants[value];
  if (!constant && value == 0)
    constant = implementation->intern(*this, {});
  else if (!constant)
    constant = implementation->intern(*this, {MutableTerm{value, {}}});
  return constant;
}

SymbolicExpression SymbolicContext::getSymbol(StringRef name) {
  AtomStorage *&atom = implementation->symbols[name];
  if (!atom)
    atom = implementation->addAtom(*this, SymbolicAtom::Kind::Symbol, name, {});
  return SymbolicExpression(atom->expression);
}

SymbolicExpression SymbolicContext::makeFreshSymbol(StringRef prefix) {
  unsigned &number = implementation->nextNumber[prefix];
  std::string name;
  do
    name = (prefix + llvm::Twine(number++)).str();
  while (implementation->symbols.contains(name));
  return getSymbol(name);
}

void SymbolicContext::setUpperBound(SymbolicExpression symbol,
                                    SymbolicExpression bound) {
  if (symbol && symbol.isSymbol())
    implementation->symbols[symbol.getSymbolName()]->upperBound = bound;
}

SymbolicExpression
SymbolicContext::getSymbolUpperBound(SymbolicExpression symbol) const {
  if (!symbol || !symbol.isSymbol())
    return {};
  return implementation->symbols[symbol.getSymbolName()]->upperBound;
}

std::optional<int64_t> SymbolicExpression::getConstant() const {
  ArrayRef<SymbolicTerm> terms = getTerms();
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms[0].factors.empty())
    return terms[0].coefficient;
  return std::nullopt;
}

bool SymbolicExpression::isConstant(int64_t value) const {
  return getConstant() == value;
}

StringRef SymbolicExpression::getSymbolName() const {
  ArrayRef<SymbolicTerm> terms = getTerms();
  if (terms.size() == 1 && terms[0].coefficient == 1 &&
      terms[0].factors.size() == 1)
    return terms[0].factors[0].getName();
  return {};
}

ArrayRef<SymbolicTerm> SymbolicExpression::getTerms() const {
  return storage->terms;
}
SymbolicContext &SymbolicExpression::getContext() const {
  return *storage->context;
}
uint32_t SymbolicExpression::getSize() const { return storage->size; }

SymbolicAtom::Kind SymbolicAtom::getKind() const { return storage->kind; }
StringRef SymbolicAtom::getName() const { return storage->name; }
ArrayRef<SymbolicExpression> SymbolicAtom::getOperands() const {
  return storage->operands;
}
SymbolicExpression SymbolicAtom::getExpression() const {
  return SymbolicExpression(storage->expression);
}

/// What stands for a + b or a * b when the polynomial does not fit.
static SymbolicExpression makeOpaque(SymbolicAtom::Kind kind,
                                     SymbolicExpression a,
                                     SymbolicExpression b) {
  SymbolicContext &context = a.getContext();
  // An order that does not hang on addresses: by the leading atom, constants
  // first.
  auto key = [](SymbolicExpression e) {
    ArrayRef<SymbolicTerm> terms = e.getTerms();
    int64_t lead = terms.empty() || terms[0].factors.empty()
                       ? -1
                       : terms[0].factors[0].getStorage()->id;
    return std::make_tuple(lead, terms.size(),
                           terms.empty() ? 0 : terms[0].coefficient);
  };
  if (key(b) < key(a))
    std::swap(a, b);
  return context.getImplementation().makeAtom(context, kind, {a, b});
}

SymbolicExpression mlir::trine::operator+(SymbolicExpression a,
                                          SymbolicExpression b) {
  Polynomial sum = toPolynomial(a);
  llvm::append_range(sum, toPolynomial(b));
  if (!normalise(sum))
    return makeOpaque(SymbolicAtom::Kind::Sum, a, b);
  return a.getContext().getImplementation().intern(a.getContext(), sum);
}

/// a * b as a polynomial; false when it does not fit.
static bool multiply(ArrayRef<MutableTerm> a, ArrayRef<MutableTerm> b,
                     Polynomial &product) {
  if (a.size() * b.size() > 4 * maximumTerms)
    return false;
  for (const MutableTerm &x : a)
    for (const MutableTerm &y : b) {
      MutableTerm term;
      if (llvm::MulOverflow(x.coefficient, y.coefficient, term.coefficient))
        return false;
      term.factors = x.factors;
      llvm::append_range(term.factors, y.factors);
      llvm::sort(term.factors, [](SymbolicAtom l, SymbolicAtom r) {
        return l.getStorage()->id < r.getStorage()->id;
      });
      product.push_back(std::move(term));
    }
  return normalise(product);
}

SymbolicExpression mlir::trine::operator*(SymbolicExpression a,
                                          SymbolicExpression b) {
  Polynomial product;
  if (!multiply(toPolynomial(a), toPolynomial(b), product))
    return makeOpaque(SymbolicAtom::Kind::Product, a, b);
  return a.getContext().getImplementation().intern(a.getContext(), product);
}

SymbolicExpression mlir::trine::operator+(SymbolicExpression a, int64_t b) {
  return a + a.getContext().getConstant(b);
}
SymbolicExpression mlir::trine::operator-(SymbolicExpression a, int64_t b) {
  return a - a.getContext().getConstant(b);
}
SymbolicExpression mlir::trine::operator*(SymbolicExpression a, int64_t b) {
  return a * a.getContext().getConstant(b);
}
SymbolicExpression mlir::trine::operator-(SymbolicExpression a,
                                          SymbolicExpression b) {
  return a + b * -1;
}

/// x / y when y's factors all occur in x and the coefficients divide.
static bool divideTerm(const MutableTerm &x, const MutableTerm &y,
                       MutableTerm &quotient) {
  if (y.coefficient == -1 ? x.coefficient == INT64_MIN
                          : x.coefficient % y.coefficient != 0)
    return false;
  quotient = {x.coefficient / y.coefficient, {}};
  const SymbolicAtom *divisor = y.factors.begin();
  for (SymbolicAtom factor : x.factors) {
    if (divisor != y.factors.end() && *divisor == factor)
      ++divisor;
    else
      quotient.factors.push_back(factor);
  }
  return divisor == y.factors.end();
}

SymbolicExpression mlir::trine::divideExactly(SymbolicExpression a,
                                              SymbolicExpression b) {
  Polynomial remainder = toPolynomial(a), divisor = toPolynomial(b), quotient;
  if (divisor.empty())
    return {};
  // Each step removes the leading term; quotients of more terms than this are
  // not worth the search.
  for (unsigned step = 0; !remainder.empty(); ++step) {
    MutableTerm term;
    if (step > maximumTerms || !divideTerm(remainder[0], divisor[0], term) ||
        term.coefficient == INT64_MIN)
      return {};
    Polynomial product;
    if (!multiply({MutableTerm{-term.coefficient, term.factors}}, divisor,
                  product))
      return {};
    quotient.push_back(std::move(term));
    llvm::append_range(remainder, product);
    if (!normalise(remainder))
      return {};
  }
  if (!normalise(quotient))
    return {};
  return a.getContext().getImplementation().intern(a.getContext(), quotient);
}
