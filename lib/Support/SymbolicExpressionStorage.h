// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// How expressions are stored; private to lib/Support.
#ifndef TRINE_LIB_SUPPORT_SYMBOLICEXPRESSIONSTORAGE_H
#define TRINE_LIB_SUPPORT_SYMBOLICEXPRESSIONSTORAGE_H

#include "trine/Support/SymbolicExpression.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Allocator.h"

namespace mlir::trine::detail {

struct AtomStorage : llvm::FoldingSetNode {
  SymbolicAtom::Kind kind;
  unsigned id;
  uint32_t size;
  llvm::StringRef name;
  llvm::ArrayRef<SymbolicExpression> operands;
  /// The expression 1 * atom.
  const ExpressionStorage *expression = nullptr;
  /// Symbols only: set by setUpperBound.
  SymbolicExpression upperBound;

  static void profile(llvm::FoldingSetNodeID &id, SymbolicAtom::Kind kind,
                      llvm::ArrayRef<SymbolicExpression> operands);
  void Profile(llvm::FoldingSetNodeID &node) const {
    profile(node, kind, operands);
  }
};

struct ExpressionStorage : llvm::FoldingSetNode {
  SymbolicContext *context;
  uint32_t size;
  /// Of the profile: sums of many sizes are long.
  unsigned hash;
  llvm::ArrayRef<SymbolicTerm> terms;

  static void profile(llvm::FoldingSetNodeID &id,
                      llvm::ArrayRef<SymbolicTerm> terms);
  void Profile(llvm::FoldingSetNodeID &node) const { profile(node, terms); }
};

using Factors = llvm::SmallVector<SymbolicAtom, 4>;

/// A term that owns its factors, sorted by id.
struct MutableTerm {
  int64_t coefficient;
  Factors factors;
};
using Polynomial = llvm::SmallVector<MutableTerm, 4>;

/// Beyond these a polynomial is not expanded: it becomes a Sum or Product atom.
constexpr size_t maximumTerms = 1024;
constexpr size_t maximumDegree = 16;
/// Trees beyond this are not searched by the rules.
constexpr uint32_t maximumSize = 1u << 30;

} // namespace mlir::trine::detail

template <>
struct llvm::FoldingSetTrait<mlir::trine::detail::ExpressionStorage>
    : DefaultFoldingSetTrait<mlir::trine::detail::ExpressionStorage> {
  using Storage = mlir::trine::detail::ExpressionStorage;
  static bool Equals(Storage &storage, const FoldingSetNodeID &id,
                     unsigned hash, FoldingSetNodeID &scratch) {
    if (storage.hash != hash)
      return false;
    storage.Profile(scratch);
    return scratch == id;
  }
  static unsigned ComputeHash(Storage &storage, FoldingSetNodeID &) {
    return storage.hash;
  }
};

struct mlir::trine::SymbolicContext::Implementation {
  llvm::BumpPtrAllocator allocator;
  llvm::FoldingSet<detail::ExpressionStorage> expressions;
  llvm::FoldingSet<detail::AtomStorage> atoms;
  llvm::DenseMap<uint64_t, SymbolicExpression> constants;
  llvm::StringMap<detail::AtomStorage *> symbols;
  llvm::StringMap<unsigned> nextNumber;
  unsigned numAtoms = 0;

  /// The expression of terms that are sorted, merged and not 0.
  SymbolicExpression intern(SymbolicContext &context,
                            const detail::Polynomial &terms);
  SymbolicExpression makeAtom(SymbolicContext &context, SymbolicAtom::Kind kind,
                              llvm::ArrayRef<SymbolicExpression> operands);
  detail::AtomStorage *addAtom(SymbolicContext &context,
                               SymbolicAtom::Kind kind, llvm::StringRef name,
                               llvm::ArrayRef<SymbolicExpression> operands);
};

#endif
