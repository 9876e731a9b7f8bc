// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Function bodies: scopes, declarations, labels, statements, operands.
#include "ParserState.h"

using namespace trine::sim;

namespace {
constexpr size_t maximumScopeDepth = 256;
constexpr unsigned maximumOperandDepth = 4;

constexpr const char *specialRegisters[] = {"%tid.x",
                                            "%tid.y",
                                            "%tid.z",
                                            "%ntid.x",
                                            "%ntid.y",
                                            "%ntid.z",
                                            "%ctaid.x",
                                            "%ctaid.y",
                                            "%ctaid.z",
                                            "%nctaid.x",
                                            "%nctaid.y",
                                            "%nctaid.z",
                                            "%laneid",
                                            "%warpid",
                                            "%nwarpid",
                                            "%smid",
                                            "%nsmid",
                                            "%gridid",
                                            "%clusterid.x",
                                            "%clusterid.y",
                                            "%clusterid.z",
                                            "%nclusterid.x",
                                            "%nclusterid.y",
                                            "%nclusterid.z",
                                            "%cluster_ctaid.x",
                                            "%cluster_ctaid.y",
                                            "%cluster_ctaid.z",
                                            "%cluster_nctaid.x",
                                            "%cluster_nctaid.y",
                                            "%cluster_nctaid.z",
                                            "%cluster_ctarank",
                                            "%cluster_nctarank",
                                            "%is_explicit_cluster",
                                            "%lanemask_eq",
                                            "%lanemask_le",
                                            "%lanemask_lt",
                                            "%lanemask_ge",
                                            "%lanemask_gt",
                                            "%clock",
                                            "%clock_hi",
                                            "%clock64",
                                            "%globaltimer",
                                            "%globaltimer_lo",
                                            "%globaltimer_hi",
                                            "%dynamic_smem_size",
                                            "%total_smem_size",
                                            "%aggr_smem_size",
                                            "WARP_SZ"};
} // namespace

bool Parser::declare(const Token &token, const std::string &name,
                     Symbol symbol) {
  auto inserted =
      function->scopes[openScopes.back()].symbols.emplace(name, symbol);
  if (inserted.second)
    return true;
  sink.error(token.line, "'" + name + "' is declared twice in one scope");
  return false;
}

void Parser::body() {
  function->scopes.clear();
  function->scopes.emplace_back();
  openScopes.assign(1, 0);
  for (size_t i = 0; i < function->variables.size(); ++i)
    declare(peek(), function->variables[i].name,
            {Symbol::Kind::Variable, uint32_t(i)});
  sourceFile = sourceLine = 0;
  next(); // '{'
  while (!atEnd() && !sink.full()) {
    if (peek().is("{")) {
      if (openScopes.size() >= maximumScopeDepth) {
        error(peek(), "blocks are nested too deep");
        return skipBraces();
      }
      next();
      Scope scope;
      scope.parent = int32_t(openScopes.back());
      function->scopes.push_back(std::move(scope));
      openScopes.push_back(uint32_t(function->scopes.size() - 1));
    } else if (peek().is("}")) {
      next();
      openScopes.pop_back();
      if (openScopes.empty())
        return;
    } else {
      bodyItem();
    }
  }
  if (atEnd())
    error(peek(), "expected '}' at the end of '" + function->name + "'");
}

void Parser::bodyItem() {
  const Token &token = peek();
  if (token.is(";")) {
    next();
    return;
  }
  if (token.kind == TokenKind::Word && peek(1).is(":"))
    return label();
  if (token.kind == TokenKind::Word || token.is("@"))
    return statement();
  if (token.kind != TokenKind::Directive) {
    error(token, "expected an instruction or a directive");
    next();
    return recover();
  }
  std::string_view name = token.text;
  if (name == ".reg") {
    next();
    return registerDeclaration();
  }
  if (name == ".loc")
    return location();
  if (name == ".file")
    return skipLine(token.line);
  if (name == ".pragma") {
    next();
    return recover();
  }
  bool isExtern = false;
  while (peek().text == ".extern" || peek().text == ".visible" ||
         peek().text == ".weak") {
    isExtern |= peek().text == ".extern";
    next();
  }
  Space space;
  if (peek().text == ".shared")
    space = Space::Shared;
  else if (peek().text == ".local")
    space = Space::Local;
  else if (peek().text == ".param")
    space = Space::Param;
  else if (peek().text == ".global")
    space = Space::Global;
  else if (peek().text == ".const")
    space = Space::Const;
  else {
    error(token, "expected a directive that is known in a function");
    next();
    return recover();
  }
  next();
  // Static .global and .const variables of a body live as long as the module's.
  bool isModule = space == Space::Global || space == Space::Const;
  std::vector<Variable> made;
  if (!variableDeclaration(space, isExtern, space == Space::Param, made))
    return recover();
  for (Variable &variable : made) {
    Token at = token;
    if (isModule) {
      moduleVariables[variable.name] = uint32_t(module.variables.size());
      module.variables.push_back(std::move(variable));
    } else {
      declare(at, variable.name,
              {Symbol::Kind::Variable, uint32_t(function->variables.size())});
      function->variables.push_back(std::move(variable));
    }
  }
  if (!expect(";"))
    recover();
}

void Parser::registerDeclaration() {
  if (peek().text == ".v2" || peek().text == ".v4") {
    error(peek(), "vector registers are not supported");
    return recover();
  }
  const Token &typeToken = next();
  Type type = typeToken.kind == TokenKind::Directive
                  ? typeNamed(typeToken.text.substr(1))
                  : Type::None;
  if (type == Type::None || bytesOf(type) > 16) {
    error(typeToken, "expected a register type");
    return recover();
  }
  do {
    const Token &name = next();
    if (name.kind != TokenKind::Word) {
      error(name, "expected a register's name");
      return recover();
    }
    if (accept("<")) {
      uint64_t count = 0;
      if (!wholeNumber(count, 1u << 24, "a number of registers") ||
          !expect(">"))
        return recover();
      function->scopes[openScopes.back()].ranges.push_back(
          {std::string(name.text), count, type});
    } else if (declare(name, std::string(name.text),
                       {Symbol::Kind::Register,
                        uint32_t(function->registers.size())})) {
      function->registers.push_back({std::string(name.text), type});
    }
  } while (accept(","));
  if (!expect(";"))
    recover();
}

bool Parser::findRegister(const std::string &name, uint32_t &index) {
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
    --digits;
  bool isNumbered = digits < name.size() && name.size() - digits <= 9 &&
                    (name[digits] != '0' || name.size() - digits == 1);
  uint64_t number = isNumbered ? std::stoul(name.substr(digits)) : 0;
  std::string prefix = name.substr(0, digits);
  for (size_t i = openScopes.size(); i-- > 0;) {
    Scope &scope = function->scopes[openScopes[i]];
    auto found = scope.symbols.find(name);
    if (found != scope.symbols.end()) {
      index = found->second.index;
      return found->second.kind == Symbol::Kind::Register;
    }
    if (!isNumbered)
      continue;
    for (const RegisterRange &range : scope.ranges) {
      if (range.prefix != prefix || number >= range.count)
        continue;
      index = uint32_t(function->registers.size());
      function->registers.push_back({name, range.type});
      scope.symbols[name] = {Symbol::Kind::Register, index};
      return true;
    }
  }
  return false;
}

int Parser::findModuleVariable(const std::string &name) const {
  auto found = moduleVariables.find(name);
  return found == moduleVariables.end() ? -1 : int(found->second);
}

void Parser::label() {
  const Token &name = next();
  next(); // ':'
  if (peek().kind == TokenKind::Directive &&
      (peek().text == ".branchtargets" || peek().text == ".calltargets")) {
    declare(name, std::string(name.text),
            {Symbol::Kind::Table, uint32_t(function->tables.size())});
    return table();
  }
  if (peek().kind == TokenKind::Directive && peek().text == ".callprototype")
    return prototype(std::string(name.text));
  declare(name, std::string(name.text),
          {Symbol::Kind::Label, uint32_t(function->statements.size())});
}

void Parser::table() {
  next();
  std::vector<std::string> names;
  do {
    const Token &name = next();
    if (name.kind != TokenKind::Word) {
      error(name, "expected a label");
      return recover();
    }
    names.emplace_back(name.text);
  } while (accept(","));
  function->tables.push_back(std::move(names));
  if (!expect(";"))
    recover();
}

void Parser::prototype(const std::string &name) {
  const Token &directive = next();
  Prototype made;
  if (peek().is("(") && !parameterList(made.results))
    return recover();
  if (next().text != "_") {
    error(directive, "expected '_' in a '.callprototype'");
    return recover();
  }
  if (peek().is("(") && !parameterList(made.parameters))
    return recover();
  while (peek().kind == TokenKind::Directive)
    next();
  declare(directive, name,
          {Symbol::Kind::Prototype, uint32_t(function->prototypes.size())});
  function->prototypes.push_back(std::move(made));
  if (!expect(";"))
    recover();
}

void Parser::location() {
  unsigned line = next().line;
  if (peek().kind == TokenKind::Integer && peek(1).kind == TokenKind::Integer) {
    sourceFile = uint32_t(peek().value);
    sourceLine = uint32_t(peek(1).value);
  }
  skipLine(line);
}

bool Parser::guard(Statement &into) {
  next(); // '@'
  into.guardNegated = accept("!");
  const Token &name = next();
  uint32_t index = 0;
  if (name.kind != TokenKind::Word ||
      !findRegister(std::string(name.text), index) ||
      function->registers[index].type != Type::Pred) {
    error(name, "expected a predicate register after '@'");
    return false;
  }
  into.guard = int32_t(index);
  return true;
}

void Parser::statement() {
  Statement made;
  if (peek().is("@") && !guard(made))
    return recover();
  const Token &opcode = next();
  if (opcode.kind != TokenKind::Word) {
    error(opcode, "expected an instruction");
    return recover();
  }
  made.line = opcode.line;
  made.scope = openScopes.back();
  made.sourceFile = sourceFile;
  made.sourceLine = sourceLine;
  std::string_view text = opcode.text;
  size_t dot = text.find('.');
  made.opcode = std::string(text.substr(0, dot));
  while (dot != std::string_view::npos) {
    size_t end = text.find('.', dot + 1);
    made.modifiers.emplace_back(text.substr(
        dot + 1, end == std::string_view::npos ? end : end - dot - 1));
    dot = end;
  }
  if (!peek().is(";")) {
    do {
      made.operands.emplace_back();
      if (!operand(made.operands.back(), 0))
        return recover();
      if (made.operands.size() > 64) {
        error(peek(), "an instruction has too many operands");
        return recover();
      }
    } while (accept(","));
  }
  if (!expect(";"))
    return recover();
  function->statements.push_back(std::move(made));
}

bool Parser::operand(Operand &into, unsigned depth) {
  if (!primary(into, depth))
    return false;
  if (!peek().is("|"))
    return true;
  next();
  Operand second;
  if (!primary(second, depth))
    return false;
  Operand pair;
  pair.kind = Operand::Kind::Pair;
  pair.elements.push_back(std::move(into));
  pair.elements.push_back(std::move(second));
  into = std::move(pair);
  return true;
}

bool Parser::list(Operand &into, std::string_view close, unsigned depth) {
  next();
  if (depth >= maximumOperandDepth) {
    error(peek(), "an operand is nested too deep");
    return false;
  }
  if (accept(close))
    return true;
  do {
    into.elements.emplace_back();
    if (!operand(into.elements.back(), depth + 1))
      return false;
    if (into.elements.size() > 1024) {
      error(peek(), "an operand has too many elements");
      return false;
    }
  } while (accept(","));
  return expect(close);
}

bool Parser::primary(Operand &into, unsigned depth) {
  const Token &token = peek();
  if (token.is("{")) {
    into.kind = Operand::Kind::Vector;
    return list(into, "}", depth);
  }
  if (token.is("(")) {
    into.kind = Operand::Kind::List;
    return list(into, ")", depth);
  }
  if (token.is("["))
    return address(into, depth);
  if (token.is("!")) {
    next();
    into.negated = true;
    return named(into);
  }
  if (token.kind == TokenKind::Word)
    return named(into);
  bool isMinus = accept("-");
  if (!isMinus)
    accept("+");
  const Token &number = peek();
  switch (number.kind) {
  case TokenKind::Integer:
    into.kind = Operand::Kind::Integer;
    into.value = isMinus ? 0 - number.value : number.value;
    break;
  case TokenKind::Float32:
    into.kind = Operand::Kind::Float32;
    into.value = number.value ^ (isMinus ? 0x80000000ull : 0);
    break;
  case TokenKind::Float64:
    into.kind = Operand::Kind::Float64;
    into.value = number.value ^ (isMinus ? 1ull << 63 : 0);
    break;
  default:
    error(number, "expected an operand");
    return false;
  }
  next();
  return true;
}

bool Parser::named(Operand &into) {
  const Token &token = next();
  if (token.kind != TokenKind::Word) {
    error(token, "expected a name");
    return false;
  }
  std::string name(token.text);
  if (name == "_") {
    into.kind = Operand::Kind::Sink;
    return true;
  }
  uint32_t index = 0;
  if (findRegister(name, index)) {
    into.kind = Operand::Kind::Register;
    into.index = index;
  } else if (const Symbol *symbol = function->find(openScopes.back(), name);
             symbol && symbol->kind == Symbol::Kind::Variable) {
    into.kind = Operand::Kind::Variable;
    into.index = symbol->index;
  } else if (int variable = findModuleVariable(name); variable >= 0) {
    into.kind = Operand::Kind::Variable;
    into.isModule = true;
    into.index = uint32_t(variable);
  } else {
    into.kind = Operand::Kind::Name;
    for (const char *special : specialRegisters)
      if (name == special)
        into.kind = Operand::Kind::Special;
    if (into.kind == Operand::Kind::Name && name[0] == '%') {
      error(token, "expected a declared register or a known special register");
      return false;
    }
    into.name = std::move(name);
  }
  if (!into.negated &&
      (peek().is("+") ||
       (peek().is("-") && into.kind != Operand::Kind::Register)))
    return signedNumber(into.offset);
  return true;
}

bool Parser::address(Operand &into, unsigned depth) {
  into.kind = Operand::Kind::Address;
  next(); // '['
  if (depth >= maximumOperandDepth) {
    error(peek(), "an operand is nested too deep");
    return false;
  }
  into.elements.emplace_back();
  if (!primary(into.elements.back(), depth + 1))
    return false;
  Operand &base = into.elements.front();
  // named() takes `+4`; also `+-4`, and `-4` after a register.
  if (peek().is("+") || peek().is("-")) {
    int64_t more = 0;
    if (!signedNumber(more))
      return false;
    base.offset += more;
  }
  into.offset = base.offset;
  base.offset = 0;
  while (accept(",")) {
    into.elements.emplace_back();
    if (!primary(into.elements.back(), depth + 1))
      return false;
  }
  return expect("]");
}
