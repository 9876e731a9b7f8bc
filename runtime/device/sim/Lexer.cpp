// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include <cstdlib>
#include <cstring>
#include <string>

using namespace trine::sim;

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || c == '%';
}
bool isName(char c) { return isNameStart(c) || isDigit(c); }
int digitOf(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 99;
}

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}
  std::vector<Token> run();

private:
  char at(size_t i) const { return i < text.size() ? text[i] : '\0'; }
  void add(TokenKind kind, size_t begin, size_t end, uint64_t value = 0) {
    Token token;
    token.kind = kind;
    token.line = line;
    token.text = text.substr(begin, end - begin);
    token.value = value;
    tokens.push_back(token);
    position = end;
  }
  bool skipSpace();
  void number();
  void word();
  void string();
  /// Digits of \p base from \p begin; sets \p end.
  uint64_t digits(size_t begin, int base, size_t &end, bool &overflow) const;

  std::string_view text;
  size_t position = 0;
  unsigned line = 1;
  std::vector<Token> tokens;
};

bool Lexer::skipSpace() {
  while (position < text.size()) {
    char c = text[position];
    if (c == '\n') {
      ++line;
      ++position;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' ||
               c == '\0') {
      ++position;
    } else if (c == '/' && at(position + 1) == '/') {
      while (position < text.size() && text[position] != '\n')
        ++position;
    } else if (c == '/' && at(position + 1) == '*') {
      size_t begin = position;
      unsigned firstLine = line;
      position += 2;
      while (position < text.size() &&
             !(text[position] == '*' && at(position + 1) == '/')) {
        if (text[position] == '\n')
          ++line;
        ++position;
      }
      if (position >= text.size()) {
        unsigned last = line;
        line = firstLine;
        add(TokenKind::Invalid, begin, begin + 2);
        line = last;
        position = text.size();
        return true;
      }
      position += 2;
    } else {
      return true;
    }
  }
  return false;
}

uint64_t Lexer::digits(size_t begin, int base, size_t &end,
                       bool &overflow) const {
  uint64_t value = 0;
  end = begin;
  overflow = false;
  while (digitOf(at(end)) < base) {
    if (value > (~0ull - unsigned(digitOf(at(end)))) / unsigned(base))
      overflow = true;
    value = value * unsigned(base) + unsigned(digitOf(at(end)));
    ++end;
  }
  return value;
}

void Lexer::number() {
  size_t begin = position, end = begin;
  bool overflow = false;
  char second = at(begin + 1);
  if (at(begin) == '0' &&
      (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
    bool isDouble = second == 'd' || second == 'D';
    uint64_t bits = digits(begin + 2, 16, end, overflow);
    if (end - begin - 2 != (isDouble ? 16u : 8u)) {
      add(TokenKind::Invalid, begin, end);
      return;
    }
    add(isDouble ? TokenKind::Float64 : TokenKind::Float32, begin, end, bits);
    return;
  }
  uint64_t value = 0;
  if (at(begin) == '0' && (second == 'x' || second == 'X')) {
    value = digits(begin + 2, 16, end, overflow);
    overflow |= end == begin + 2;
  } else if (at(begin) == '0' && (second == 'b' || second == 'B')) {
    value = digits(begin + 2, 2, end, overflow);
    overflow |= end == begin + 2;
  } else {
    digits(begin, 10, end, overflow);
    bool isFraction = (at(end) == '.' && isDigit(at(end + 1))) ||
                      at(end) == 'e' || at(end) == 'E';
    if (isFraction) {
      // At most 40 characters: strtod needs an end.
      size_t last = end;
      if (at(last) == '.') {
        ++last;
        while (isDigit(at(last)))
          ++last;
      }
      if (at(last) == 'e' || at(last) == 'E') {
        size_t exponent = last + 1;
        if (at(exponent) == '+' || at(exponent) == '-')
          ++exponent;
        if (isDigit(at(exponent))) {
          last = exponent;
          while (isDigit(at(last)))
            ++last;
        }
      }
      if (last - begin > 40 || last == end) {
        add(TokenKind::Invalid, begin, last == end ? end + 1 : last);
        return;
      }
      std::string copy(text.substr(begin, last - begin));
      double parsed = std::strtod(copy.c_str(), nullptr);
      uint64_t bits;
      std::memcpy(&bits, &parsed, 8);
      add(TokenKind::Float64, begin, last, bits);
      return;
    }
    bool octal = at(begin) == '0' && end > begin + 1;
    size_t octalEnd = end;
    value = digits(begin, octal ? 8 : 10, octalEnd, overflow);
    overflow |= octalEnd != end;
  }
  if (at(end) == 'U' || at(end) == 'u')
    ++end;
  add(overflow || isName(at(end)) ? TokenKind::Invalid : TokenKind::Integer,
      begin, end, value);
}

void Lexer::word() {
  size_t end = position;
  bool isDirective = at(end) == '.';
  if (isDirective)
    ++end;
  while (isName(at(end)))
    ++end;
  // Modifiers: `.shared::cta`, `.v4`, `.L2::128B`.
  while (!isDirective && at(end) == '.' && isName(at(end + 1))) {
    ++end;
    while (isName(at(end)) ||
           (at(end) == ':' && at(end + 1) == ':' && isName(at(end + 2))))
      end += at(end) == ':' ? 2 : 1;
  }
  if (isDirective && end == position + 1)
    add(TokenKind::Invalid, position, end);
  else
    add(isDirective ? TokenKind::Directive : TokenKind::Word, position, end);
}

void Lexer::string() {
  size_t end = position + 1;
  while (end < text.size() && text[end] != '"' && text[end] != '\n')
    end += text[end] == '\\' && end + 1 < text.size() && text[end + 1] != '\n'
               ? 2
               : 1;
  if (at(end) != '"') {
    add(TokenKind::Invalid, position, end < text.size() ? end : text.size());
    return;
  }
  add(TokenKind::String, position, end + 1);
}

std::vector<Token> Lexer::run() {
  while (skipSpace()) {
    if (position >= text.size())
      break;
    char c = text[position];
    if (isDigit(c))
      number();
    else if (isNameStart(c) || c == '.')
      word();
    else if (c == '"')
      string();
    else if (std::strchr("{}()[]<>,;:@!|=+-*", c))
      add(TokenKind::Punctuation, position, position + 1);
    else
      add(TokenKind::Invalid, position, position + 1);
  }
  add(TokenKind::End, text.size(), text.size());
  return std::move(tokens);
}

} // namespace

std::vector<Token> trine::sim::tokenize(std::string_view text) {
  return Lexer(text).run();
}
