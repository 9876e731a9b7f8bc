// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Evaluates the integer work of an n-gram hash column by column.
#ifndef TRINE_PASSES_RAISE_ENGRAMLANES_H
#define TRINE_PASSES_RAISE_ENGRAMLANES_H

#include "RaiseEngram.h"
#include <memory>

namespace mlir::trine::engram {

/// Where the tokens of a hash come from. Parts that nothing told yet are null.
struct TokenSource {
  Value tokens;  ///< [B, S]
  Value history; ///< [B, n]: the ids before the first token
  /// What stands before the first token where there is no history.
  std::optional<int64_t> pad;
  /// The id that hides what lies before it, and what is put in their place.
  std::optional<int64_t> resetToken, resetPad;

  /// Joins what two parts of one hash know; false where they contradict.
  bool unify(const TokenSource &other);
  bool operator==(const TokenSource &other) const;
};

/// One column: a token, a product, an exclusive or of products, a remainder.
struct Lane {
  enum class Stage { Token, Mixed, Row };
  struct Term {
    int64_t shift;      ///< places back
    int64_t multiplier; ///< 1 while the token is not multiplied
    bool resets;        ///< hidden behind a reset token
  };

  Stage stage = Stage::Token;
  SmallVector<Term, 4> terms;
  int64_t modulus = 0, offset = 0;
  TokenSource source;

  /// The order of the n-gram: the tokens it reads.
  int64_t order() const { return terms.size(); }
};

/// A tensor [B, S, shape...] of lanes, row-major.
struct Lanes {
  SmallVector<int64_t> shape;
  std::vector<Lane> lanes;
};

/// A tensor [B, n + S] of what stands before the first token, n columns, and
/// the tokens.
std::optional<TokenSource> readSequence(Raising &raising, Value value,
                                        int64_t &before);

/// Evaluates values of one function, each once.
class LaneEvaluator {
public:
  explicit LaneEvaluator(Raising &raising) : raising(raising) {}

  /// Null where `value` is not such work; `getMiss` then says why, for values
  /// that come from it.
  const Lanes *evaluate(Value value);
  /// The first reason for a failure since the last call.
  NearMiss takeMiss() { return std::exchange(attempt.miss, NearMiss()); }

private:
  std::unique_ptr<Lanes> compute(Value value);
  std::unique_ptr<Lanes> token(Value value);
  std::unique_ptr<Lanes> join(Operation *op, const Lanes &a, const Lanes &b,
                              ArrayRef<int64_t> shape);
  std::unique_ptr<Lanes> withConstant(Operation *op, ArrayRef<int64_t> shape);
  std::unique_ptr<Lanes> resetToken(onnx::WhereOp op);
  std::unique_ptr<Lanes> contrib(onnx::NGramHashMappingOp op);
  /// Sets `ends` to the shifts that end the text and `token` to the id.
  bool readEnds(Value condition, bool negated, SmallVectorImpl<int64_t> &ends,
                std::optional<int64_t> &token,
                llvm::DenseSet<std::pair<Value, unsigned>> &seen,
                unsigned depth);
  std::nullptr_t fail(Operation *op, const Twine &reason) {
    attempt.fail(op, reason);
    return nullptr;
  }

  Raising &raising;
  llvm::DenseMap<Value, std::unique_ptr<Lanes>> known;
  unsigned depth = 0;
  /// Lanes that may still be made: no model has so many, but a file may.
  int64_t budget = 1 << 20;
  Attempt attempt;
};

} // namespace mlir::trine::engram

#endif
