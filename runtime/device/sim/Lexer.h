// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens of PTX text.
#ifndef TRINE_SIM_LEXER_H
#define TRINE_SIM_LEXER_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace trine::sim {

enum class TokenKind : uint8_t {
  End,
  /// A name with its modifiers: `ld.global.f32`, `%tid.x`, `$L__BB0_1`, `_`.
  Word,
  /// A directive: `.reg`, `.b32`.
  Directive,
  Integer,
  /// `0f`: value holds the 32 bits.
  Float32,
  /// `0d` or a decimal fraction: value holds the 64 bits.
  Float64,
  String,
  Punctuation,
  /// Not PTX: text says what.
  Invalid
};

struct Token {
  TokenKind kind = TokenKind::End;
  unsigned line = 0;
  std::string_view text;
  uint64_t value = 0;
  bool is(std::string_view punctuation) const {
    return kind == TokenKind::Punctuation && text == punctuation;
  }
};

/// Splits \p text; the tokens point into it. The last token is End.
std::vector<Token> tokenize(std::string_view text);

} // namespace trine::sim

#endif
