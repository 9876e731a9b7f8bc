// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SizeExpression.h"
#include <algorithm>
#include <cctype>

namespace trine::runtime {

/// Recursive descent with a bound on the depth:
///   sum := product (('+' | '-') product)*; product := leaf ('*' leaf)*
///   leaf := integer | symbol | '-' leaf | '(' sum ')'
class SizeParser {
public:
  SizeParser(std::string_view text, SizeExpression &result,
             std::vector<std::string> &symbols)
      : text(text), result(result), symbols(symbols) {}

  bool parse() { return parseSum(0) && (skipSpace(), position == text.size()); }

private:
  using Kind = SizeExpression::Kind;

  void skipSpace() {
    while (position < text.size() && text[position] == ' ')
      ++position;
  }

  bool consume(char c) {
    skipSpace();
    if (position >= text.size() || text[position] != c)
      return false;
    ++position;
    return true;
  }

  bool parseSum(unsigned depth) {
    if (!parseProduct(depth))
      return false;
    while (true) {
      Kind kind;
      if (consume('+'))
        kind = Kind::Add;
      else if (consume('-'))
        kind = Kind::Subtract;
      else
        return true;
      if (!parseProduct(depth))
        return false;
      result.tokens.push_back({kind, 0});
    }
  }

  bool parseProduct(unsigned depth) {
    if (!parseLeaf(depth))
      return false;
    while (consume('*')) {
      if (!parseLeaf(depth))
        return false;
      result.tokens.push_back({Kind::Multiply, 0});
    }
    return true;
  }

  bool parseLeaf(unsigned depth) {
    // Each level of parentheses can hold two pending values.
    if (depth >= SizeExpression::maximumDepth / 4)
      return false;
    if (consume('('))
      return parseSum(depth + 1) && consume(')');
    if (consume('-')) {
      result.tokens.push_back({Kind::Constant, 0});
      if (!parseLeaf(depth + 1))
        return false;
      result.tokens.push_back({Kind::Subtract, 0});
      return true;
    }
    skipSpace();
    size_t begin = position;
    while (position < text.size() && isWordCharacter(text[position]))
      ++position;
    std::string_view word = text.substr(begin, position - begin);
    if (word.empty())
      return false;
    if (std::isdigit(static_cast<unsigned char>(word[0])))
      return parseInteger(word);
    auto it = std::find(symbols.begin(), symbols.end(), word);
    result.tokens.push_back({Kind::Symbol, it - symbols.begin()});
    if (it == symbols.end())
      symbols.emplace_back(word);
    return true;
  }

  bool parseInteger(std::string_view word) {
    int64_t value = 0;
    for (char c : word)
      if (!std::isdigit(static_cast<unsigned char>(c)) ||
          __builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, c - '0', &value))
        return false;
    result.tokens.push_back({Kind::Constant, value});
    return true;
  }

  /// Exporters name symbols freely ("past.seq", "s77", "batch_size/2" is none).
  static bool isWordCharacter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
           c == '.' || c == ':' || c == '$';
  }

  std::string_view text;
  SizeExpression &result;
  std::vector<std::string> &symbols;
  size_t position = 0;
};

SizeExpression SizeExpression::parse(std::string_view text,
                                     std::vector<std::string> &symbols) {
  SizeExpression result;
  // A declared symbol may have any name at all.
  auto it = std::find(symbols.begin(), symbols.end(), text);
  if (it != symbols.end()) {
    result.tokens.push_back({Kind::Symbol, it - symbols.begin()});
    return result;
  }
  size_t known = symbols.size();
  if (!SizeParser(text, result, symbols).parse()) {
    result.tokens.clear();
    symbols.resize(known);
  }
  return result;
}

int32_t SizeExpression::getSymbol() const {
  if (tokens.size() != 1 || tokens[0].kind != Kind::Symbol)
    return -1;
  return static_cast<int32_t>(tokens[0].value);
}

int64_t SizeExpression::evaluate(const std::vector<int64_t> &values) const {
  int64_t stack[maximumDepth];
  unsigned depth = 0;
  for (const Token &token : tokens) {
    if (token.kind == Kind::Constant || token.kind == Kind::Symbol) {
      int64_t value = token.value;
      if (token.kind == Kind::Symbol) {
        if (static_cast<uint64_t>(value) >= values.size() || values[value] < 0)
          return -1;
        value = values[value];
      }
      if (depth == maximumDepth)
        return -1;
      stack[depth++] = value;
      continue;
    }
    int64_t right = stack[--depth], &left = stack[depth - 1];
    bool overflow = token.kind == Kind::Add
                        ? __builtin_add_overflow(left, right, &left)
                    : token.kind == Kind::Subtract
                        ? __builtin_sub_overflow(left, right, &left)
                        : __builtin_mul_overflow(left, right, &left);
    if (overflow)
      return -1;
  }
  return depth == 1 && stack[0] >= 0 ? stack[0] : -1;
}

} // namespace trine::runtime
