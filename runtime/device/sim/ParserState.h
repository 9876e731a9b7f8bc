// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's own state, shared by its parts: directives and declarations, and
// function bodies.
#ifndef TRINE_SIM_PARSERSTATE_H
#define TRINE_SIM_PARSERSTATE_H

#include "Parser.h"

namespace trine::sim {

class Parser {
public:
  Parser(std::string_view text, DiagnosticSink &sink)
      : tokens(tokenize(text)), sink(sink) {}
  ModuleSyntax run();

private:
  // Tokens.
  const Token &peek(size_t ahead = 0) const {
    return tokens[position + ahead < tokens.size() ? position + ahead
                                                   : tokens.size() - 1];
  }
  const Token &next() {
    const Token &token = peek();
    if (position + 1 < tokens.size())
      ++position;
    return token;
  }
  bool accept(std::string_view punctuation);
  bool expect(std::string_view punctuation);
  bool atEnd() const { return peek().kind == TokenKind::End; }
  void error(const Token &token, std::string message);
  /// Skips to the end of the statement, or before a '}'.
  void recover();
  void skipLine(unsigned line);
  void skipBraces();

  // Declarations.
  void moduleItem();
  void target();
  void section();
  bool wholeNumber(uint64_t &value, uint64_t maximum, const char *what);
  bool signedNumber(int64_t &value);
  bool variableDeclaration(Space space, bool isExtern, bool isParameter,
                           std::vector<Variable> &into);
  bool tooManyValues(const Token &token, const Variable &variable);
  bool initialiser(Variable &variable, const std::vector<uint64_t> &sizes,
                   size_t depth, uint64_t &offset);
  bool initialValue(Variable &variable, uint64_t &offset);
  bool parameterList(std::vector<Variable> &into);
  void functionItem(bool isEntry);
  bool performanceDirective(FunctionSyntax &into);
  bool dimensions(std::array<uint32_t, 3> &into);

  // Bodies.
  void body();
  void bodyItem();
  void registerDeclaration();
  void label();
  void location();
  void statement();
  bool guard(Statement &into);
  bool operand(Operand &into, unsigned depth);
  bool primary(Operand &into, unsigned depth);
  bool named(Operand &into);
  bool address(Operand &into, unsigned depth);
  bool list(Operand &into, std::string_view close, unsigned depth);
  void table();
  void prototype(const std::string &name);
  bool declare(const Token &token, const std::string &name, Symbol symbol);
  bool findRegister(const std::string &name, uint32_t &index);
  int findModuleVariable(const std::string &name) const;

  std::vector<Token> tokens;
  size_t position = 0;
  DiagnosticSink &sink;
  ModuleSyntax module;
  std::unordered_map<std::string, uint32_t> moduleVariables;
  FunctionSyntax *function = nullptr;
  std::vector<uint32_t> openScopes;
  uint32_t sourceFile = 0, sourceLine = 0;
};

} // namespace trine::sim

#endif
