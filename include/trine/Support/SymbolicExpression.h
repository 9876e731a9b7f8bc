// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Integer expressions over named sizes, such as `past + seq` or `3*batch*seq`.
///
/// Every expression is kept as a polynomial with 64-bit coefficients over
/// atoms: symbols, and the operations that polynomials cannot say (floordiv,
/// ceildiv, mod, max, min). Equal polynomials are the same object, so `past +
/// seq` and `seq + past` compare equal by pointer. Symbols stand for sizes:
/// they are assumed to be at least 0, and simplifications use that.
#ifndef TRINE_SUPPORT_SYMBOLICEXPRESSION_H
#define TRINE_SUPPORT_SYMBOLICEXPRESSION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mlir::trine {

class SymbolicContext;
class SymbolicAtom;
struct SymbolicTerm;

namespace detail {
struct ExpressionStorage;
struct AtomStorage;
} // namespace detail

/// An interned expression, by reference; cheap to copy. A default-constructed
/// one is null ("not known") and only may be tested.
class SymbolicExpression {
public:
  SymbolicExpression() = default;
  explicit SymbolicExpression(const detail::ExpressionStorage *storage)
      : storage(storage) {}

  explicit operator bool() const { return storage != nullptr; }
  /// Equality of normal forms. Expressions that differ may still be equal for
  /// all values of their symbols, seldom.
  bool operator==(SymbolicExpression other) const {
    return storage == other.storage;
  }
  bool operator!=(SymbolicExpression other) const {
    return storage != other.storage;
  }

  /// The value, when there is no symbol in it.
  std::optional<int64_t> getConstant() const;
  bool isConstant(int64_t value) const;
  bool isConstant() const { return getConstant().has_value(); }
  /// The symbol's name when the expression is exactly one symbol; empty
  /// otherwise.
  llvm::StringRef getSymbolName() const;
  bool isSymbol() const { return !getSymbolName().empty(); }

  /// The sum's terms; none for 0. Sorted in an order that is fixed within a
  /// context.
  llvm::ArrayRef<SymbolicTerm> getTerms() const;
  SymbolicContext &getContext() const;
  /// How many nodes the expression has, written out as a tree; saturates.
  uint32_t getSize() const;

  /// Text that SymbolicContext::parse reads back: "past + seq", "3*batch*seq",
  /// "(seq + 1) floordiv 2", "max(seq - 1, 0)".
  std::string str() const;
  void print(llvm::raw_ostream &os) const;

  const detail::ExpressionStorage *getStorage() const { return storage; }

private:
  const detail::ExpressionStorage *storage = nullptr;
};

/// A factor of a term.
class SymbolicAtom {
public:
  enum class Kind : uint8_t {
    Symbol,   ///< a name
    FloorDiv, ///< operand 0 / operand 1, rounded down
    CeilDiv,  ///< operand 0 / operand 1, rounded up (divisor not constant:
              ///< otherwise it is written with FloorDiv)
    Mod,      ///< operand 0 - operand 1 * floordiv: sign of the divisor
    Max,      ///< of two or more operands
    Min,      ///< of two or more operands
    Sum, ///< of two operands, where the polynomial would not fit (coefficients
         ///< beyond 64 bits, too many terms)
    Product, ///< of two operands, likewise
  };

  explicit SymbolicAtom(const detail::AtomStorage *storage)
      : storage(storage) {}
  Kind getKind() const;
  /// Only for Symbol.
  llvm::StringRef getName() const;
  /// Empty for Symbol.
  llvm::ArrayRef<SymbolicExpression> getOperands() const;
  /// The atom as an expression.
  SymbolicExpression getExpression() const;
  bool operator==(SymbolicAtom other) const { return storage == other.storage; }
  bool operator!=(SymbolicAtom other) const { return storage != other.storage; }
  const detail::AtomStorage *getStorage() const { return storage; }

private:
  const detail::AtomStorage *storage;
};

/// coefficient * product of factors (repeated for powers). The constant term
/// has no factors. The coefficient is not 0.
struct SymbolicTerm {
  int64_t coefficient;
  llvm::ArrayRef<SymbolicAtom> factors;
};

/// Owns expressions and makes new ones. Expressions of two contexts must not be
/// mixed.
class SymbolicContext {
public:
  SymbolicContext();
  ~SymbolicContext();
  SymbolicContext(const SymbolicContext &) = delete;
  SymbolicContext &operator=(const SymbolicContext &) = delete;

  SymbolicExpression getConstant(int64_t value);
  /// The symbol `name`, any not empty text.
  SymbolicExpression getSymbol(llvm::StringRef name);
  /// A symbol `prefix` followed by the first number that makes it new.
  SymbolicExpression makeFreshSymbol(llvm::StringRef prefix);

  /// Reads what print writes, and what exporters write: decimal numbers, names,
  /// + - *, // and floordiv, ceildiv, % and mod, max(a, b), min(a, b),
  /// parentheses. Any other text becomes one symbol of that spelling. Never
  /// fails; an empty text gives null.
  SymbolicExpression parse(llvm::StringRef text);

  /// A data-dependent symbol's upper bound (inclusive), an expression without
  /// that symbol; replaces an earlier one.
  void setUpperBound(SymbolicExpression symbol, SymbolicExpression bound);
  /// The bound set for a symbol; null when none is.
  SymbolicExpression getSymbolUpperBound(SymbolicExpression symbol) const;
  /// An expression that is at least `expression` and in which bounded symbols
  /// are replaced by their bounds; null when none is found.
  SymbolicExpression getUpperBound(SymbolicExpression expression);

  struct Implementation;
  Implementation &getImplementation() { return *implementation; }

private:
  std::unique_ptr<Implementation> implementation;
};

SymbolicExpression operator+(SymbolicExpression a, SymbolicExpression b);
SymbolicExpression operator-(SymbolicExpression a, SymbolicExpression b);
SymbolicExpression operator*(SymbolicExpression a, SymbolicExpression b);
SymbolicExpression operator+(SymbolicExpression a, int64_t b);
SymbolicExpression operator-(SymbolicExpression a, int64_t b);
SymbolicExpression operator*(SymbolicExpression a, int64_t b);
/// a / b rounded down; a division by 0 stays an atom whose evaluation fails.
/// Exact divisions disappear: (64*batch*seq) / (64*seq) = batch.
SymbolicExpression floorDiv(SymbolicExpression a, SymbolicExpression b);
/// a / b rounded up.
SymbolicExpression ceilDiv(SymbolicExpression a, SymbolicExpression b);
/// a - b * floorDiv(a, b).
SymbolicExpression mod(SymbolicExpression a, SymbolicExpression b);
SymbolicExpression max(SymbolicExpression a, SymbolicExpression b);
SymbolicExpression min(SymbolicExpression a, SymbolicExpression b);

/// a / b when b divides a as a polynomial with integer coefficients; null
/// otherwise.
SymbolicExpression divideExactly(SymbolicExpression a, SymbolicExpression b);

/// True when the value is at least 0 for all symbols >= 0, as far as simple
/// rules see.
bool isKnownNonNegative(SymbolicExpression expression);
/// True when a <= b, likewise.
bool isKnownLessOrEqual(SymbolicExpression a, SymbolicExpression b);
/// True when the value is at least 1, likewise.
bool isKnownPositive(SymbolicExpression expression);

/// Replaces symbols: `replacement` returns what stands for a symbol, or null to
/// keep it.
SymbolicExpression
substitute(SymbolicExpression expression,
           llvm::function_ref<SymbolicExpression(SymbolicExpression symbol)>
               replacement);
/// The value for given symbols; nothing when a symbol has no value, on overflow
/// of 64 bits and on division by 0.
std::optional<int64_t> evaluate(
    SymbolicExpression expression,
    llvm::function_ref<std::optional<int64_t>(llvm::StringRef symbol)> value);
/// Calls `visit` for each symbol in the expression, more than once for repeated
/// ones; stops when it returns false. Returns false when stopped.
bool walkSymbols(SymbolicExpression expression,
                 llvm::function_ref<bool(SymbolicExpression symbol)> visit);

llvm::raw_ostream &operator<<(llvm::raw_ostream &os,
                              SymbolicExpression expression);

} // namespace mlir::trine

namespace llvm {
template <>
struct DenseMapInfo<mlir::trine::SymbolicExpression> {
  using Pointer = DenseMapInfo<const mlir::trine::detail::ExpressionStorage *>;
  static mlir::trine::SymbolicExpression getEmptyKey() {
    return mlir::trine::SymbolicExpression(Pointer::getEmptyKey());
  }
  static mlir::trine::SymbolicExpression getTombstoneKey() {
    return mlir::trine::SymbolicExpression(Pointer::getTombstoneKey());
  }
  static unsigned getHashValue(mlir::trine::SymbolicExpression e) {
    return Pointer::getHashValue(e.getStorage());
  }
  static bool isEqual(mlir::trine::SymbolicExpression a,
                      mlir::trine::SymbolicExpression b) {
    return a == b;
  }
};
} // namespace llvm

#endif
