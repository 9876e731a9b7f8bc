// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Sizes as the manifest writes them: integers, symbols, and + - * of these.
#ifndef TRINE_RUNTIME_CORE_SIZEEXPRESSION_H
#define TRINE_RUNTIME_CORE_SIZEEXPRESSION_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trine::runtime {

/// An expression in postfix form, so that evaluation needs no recursion. What
/// this does not understand (floor division, functions) stays text, and is
/// never known.
class SizeExpression {
public:
  /// Parses `text`; symbols are found in `symbols` by name, and added to it
  /// when they are not there.
  static SizeExpression parse(std::string_view text,
                              std::vector<std::string> &symbols);

  /// Index of the symbol that the whole expression is, or -1.
  int32_t getSymbol() const;

  /// The value for these sizes of the symbols (-1: not known), or -1 when it is
  /// not known or does not fit. Allocates nothing.
  int64_t evaluate(const std::vector<int64_t> &values) const;

private:
  friend class SizeParser;
  enum class Kind : uint8_t { Constant, Symbol, Add, Subtract, Multiply };
  struct Token {
    Kind kind;
    int64_t value; // of a constant; index of a symbol
  };
  /// Deeper expressions stay unchecked.
  static constexpr unsigned maximumDepth = 32;
  std::vector<Token> tokens; // empty: not understood
};

} // namespace trine::runtime

#endif
