// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module level: directives, variables, function heads.
#include "ParserState.h"
#include <algorithm>
#include <cstring>

using namespace trine::sim;

namespace {
constexpr uint64_t maximumVariableBytes = 1ull << 30;
constexpr size_t maximumDimensions = 8;

} // namespace

std::string Diagnostic::str() const {
  return file + ":" + std::to_string(line) + ": " + message +
         (text.empty() ? "" : "\n  " + text);
}

DiagnosticSink::DiagnosticSink(std::string_view text, std::string_view file,
                               std::vector<Diagnostic> &errors)
    : text(text), file(file), errors(errors) {
  lineStarts.push_back(0);
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n')
      lineStarts.push_back(i + 1);
}

std::string DiagnosticSink::lineText(unsigned line) const {
  if (line == 0 || line > lineStarts.size())
    return {};
  size_t begin = lineStarts[line - 1];
  size_t end = line < lineStarts.size() ? lineStarts[line] : text.size();
  while (begin < end && std::strchr(" \t\r\n", text[begin]))
    ++begin;
  while (end > begin && std::strchr(" \t\r\n", text[end - 1]))
    --end;
  return std::string(text.substr(begin, std::min<size_t>(end - begin, 200)));
}

void DiagnosticSink::error(unsigned line, std::string message) {
  ++count;
  if (count <= 100)
    errors.push_back({file, line, std::move(message), lineText(line)});
}

bool Parser::accept(std::string_view punctuation) {
  if (!peek().is(punctuation))
    return false;
  next();
  return true;
}

bool Parser::expect(std::string_view punctuation) {
  if (accept(punctuation))
    return true;
  error(peek(), "expected '" + std::string(punctuation) + "'");
  return false;
}

void Parser::error(const Token &token, std::string message) {
  if (token.kind == TokenKind::End)
    message += ", got the end of the text";
  else
    message += ", got '" + std::string(token.text.substr(0, 60)) + "'";
  sink.error(token.line, std::move(message));
}

void Parser::recover() {
  while (!atEnd() && !peek().is("}")) {
    if (next().is(";"))
      return;
  }
}

void Parser::skipLine(unsigned line) {
  while (!atEnd() && peek().line == line)
    next();
}

void Parser::skipBraces() {
  unsigned depth = 0;
  while (!atEnd()) {
    const Token &token = next();
    if (token.is("{"))
      ++depth;
    else if (token.is("}") && --depth == 0)
      return;
  }
}

bool Parser::wholeNumber(uint64_t &value, uint64_t maximum, const char *what) {
  const Token &token = peek();
  if (token.kind != TokenKind::Integer || token.value > maximum) {
    error(token, std::string("expected ") + what + " in [0, " +
                     std::to_string(maximum) + "]");
    return false;
  }
  value = next().value;
  return true;
}

bool Parser::signedNumber(int64_t &value) {
  // `-4`, `+4`, and `+-4` as compilers write it.
  accept("+");
  bool negative = accept("-");
  if (peek().kind != TokenKind::Integer) {
    error(peek(), "expected an integer");
    return false;
  }
  uint64_t bits = next().value;
  value = int64_t(negative ? 0 - bits : bits);
  return true;
}

ModuleSyntax Parser::run() {
  while (!atEnd() && !sink.full())
    moduleItem();
  if (!sink.any() && module.versionMajor == 0)
    sink.error(1, "expected a '.version' directive");
  return std::move(module);
}

void Parser::target() {
  if (peek().kind != TokenKind::Word) {
    error(peek(), "expected a target name");
    return;
  }
  module.target = std::string(next().text);
  while (accept(","))
    next();
}

void Parser::section() {
  unsigned line = peek().line;
  while (!atEnd() && !peek().is("{")) {
    if (peek().line > line + 1)
      return error(peek(), "expected '{' after '.section'");
    next();
  }
  skipBraces();
}

void Parser::moduleItem() {
  const Token &first = next();
  if (first.is(";"))
    return;
  if (first.kind != TokenKind::Directive) {
    error(first, "expected a directive");
    while (!atEnd() && peek().kind != TokenKind::Directive)
      next();
    return;
  }
  std::string_view name = first.text;
  if (name == ".version") {
    const Token &version = next();
    size_t dot = version.text.find('.');
    if (version.kind != TokenKind::Float64 || dot == std::string_view::npos ||
        dot > 3)
      return error(version, "expected a version such as 9.0");
    module.versionMajor =
        unsigned(std::atoi(std::string(version.text.substr(0, dot)).c_str()));
    module.versionMinor = unsigned(
        std::atoi(std::string(version.text.substr(dot + 1, 3)).c_str()));
    return;
  }
  if (name == ".target")
    return target();
  if (name == ".address_size") {
    const Token &size = next();
    if (size.kind != TokenKind::Integer || size.value != 64)
      error(size, "expected 64 as the address size");
    return;
  }
  if (name == ".file") {
    if (peek().kind == TokenKind::Integer &&
        peek(1).kind == TokenKind::String) {
      std::string_view text = peek(1).text;
      module.files[uint32_t(peek().value)] =
          std::string(text.substr(1, text.size() - 2));
    }
    return skipLine(first.line);
  }
  if (name == ".loc")
    return skipLine(first.line);
  if (name == ".section")
    return section();
  if (name == ".pragma" || name == ".alias")
    return recover();

  // Linkage, then a variable or a function.
  bool isExtern = false;
  const Token *token = &first;
  while (token->text == ".visible" || token->text == ".extern" ||
         token->text == ".weak" || token->text == ".common") {
    isExtern |= token->text == ".extern";
    token = &next();
  }
  if (token->text == ".entry" || token->text == ".func")
    return functionItem(token->text == ".entry");
  Space space;
  if (token->text == ".global")
    space = Space::Global;
  else if (token->text == ".const")
    space = Space::Const;
  else if (token->text == ".shared")
    space = Space::Shared;
  else
    return error(*token, "expected a directive that is known at module level"),
           recover();
  size_t before = module.variables.size();
  if (!variableDeclaration(space, isExtern, false, module.variables))
    return recover();
  for (size_t i = before; i < module.variables.size(); ++i)
    moduleVariables[module.variables[i].name] = uint32_t(i);
  if (!expect(";"))
    recover();
}

bool Parser::variableDeclaration(Space space, bool isExtern, bool isParameter,
                                 std::vector<Variable> &into) {
  Variable common;
  common.space = space;
  common.isExtern = isExtern;
  common.isParameter = isParameter;
  common.type = Type::None;
  uint64_t explicitAlignment = 0;
  unsigned vector = 1;
  while (peek().kind == TokenKind::Directive) {
    const Token &token = next();
    std::string_view name = token.text.substr(1);
    if (name == "align") {
      if (!wholeNumber(explicitAlignment, 1 << 16, "an alignment"))
        return false;
      if (explicitAlignment == 0 ||
          (explicitAlignment & (explicitAlignment - 1))) {
        error(token, "an alignment must be a power of two");
        return false;
      }
    } else if (name == "v2" || name == "v4") {
      vector = name == "v2" ? 2 : 4;
    } else if (name == "ptr") {
      // `.ptr .global .align 16`: about what the parameter points to.
      if (peek().kind == TokenKind::Directive &&
          (peek().text == ".global" || peek().text == ".const" ||
           peek().text == ".shared" || peek().text == ".local"))
        next();
      if (peek().kind == TokenKind::Directive && peek().text == ".align") {
        next();
        uint64_t ignored;
        if (!wholeNumber(ignored, 1 << 16, "an alignment"))
          return false;
      }
    } else if (name == "attribute") {
      if (!expect("("))
        return false;
      while (!atEnd() && !accept(")"))
        next();
    } else if (typeNamed(name) != Type::None) {
      common.type = typeNamed(name);
    } else {
      error(token, "expected a type or '.align' in a declaration");
      return false;
    }
  }
  if (common.type == Type::None || bytesOf(common.type) == 0) {
    error(peek(), "expected a type with a size in a declaration");
    return false;
  }
  do {
    Variable variable = common;
    const Token &name = next();
    if (name.kind != TokenKind::Word) {
      error(name, "expected a variable's name");
      return false;
    }
    variable.name = std::string(name.text);
    variable.line = name.line;
    uint64_t element = uint64_t(bytesOf(common.type)) * vector;
    variable.alignment =
        uint32_t(explicitAlignment ? explicitAlignment : element);
    variable.bytes = element;
    std::vector<uint64_t> sizes;
    bool openEnded = false;
    while (accept("[")) {
      uint64_t size = 0;
      if (peek().is("]") && sizes.empty()) {
        openEnded = true;
        size = 0;
      } else if (!wholeNumber(size, maximumVariableBytes, "a size")) {
        return false;
      }
      if (!expect("]") || sizes.size() >= maximumDimensions)
        return false;
      if (size != 0 && variable.bytes > maximumVariableBytes / size) {
        error(name, "a variable may have at most " +
                        std::to_string(maximumVariableBytes) + " bytes");
        return false;
      }
      variable.bytes *= size;
      sizes.push_back(size);
    }
    if (accept("=")) {
      if (openEnded) {
        error(name, "a variable with an initialiser needs a size");
        return false;
      }
      if (space != Space::Global && space != Space::Const) {
        error(name, "only .global and .const variables may have initialisers");
        return false;
      }
      // A dimension of 0 also hides from the limit how large the others are.
      if (variable.bytes == 0) {
        error(name, "a variable of no bytes has no initialiser");
        return false;
      }
      variable.initial.assign(variable.bytes, 0);
      uint64_t offset = 0;
      if (!initialiser(variable, sizes, 0, offset))
        return false;
    }
    into.push_back(std::move(variable));
  } while (!isParameter && accept(","));
  return true;
}

bool Parser::tooManyValues(const Token &token, const Variable &variable) {
  error(token, "the initialiser of '" + variable.name +
                   "' has more values than the variable");
  return false;
}

bool Parser::initialiser(Variable &variable, const std::vector<uint64_t> &sizes,
                         size_t depth, uint64_t &offset) {
  if (!peek().is("{"))
    return initialValue(variable, offset);
  if (depth > maximumDimensions) {
    error(peek(), "braces are nested too deep in an initialiser");
    return false;
  }
  next();
  uint64_t begin = offset;
  // A nested list fills its own row, whatever it leaves out. No product wraps:
  // a row is at most the variable, whose size was checked.
  uint64_t row = bytesOf(variable.type);
  for (size_t i = depth + 1; i < sizes.size(); ++i)
    row *= sizes[i];
  if (!peek().is("}")) {
    uint64_t count = 0;
    do {
      bool nested = peek().is("{");
      if (nested)
        offset = begin + count * row;
      if (nested && offset >= variable.initial.size())
        return tooManyValues(peek(), variable);
      if (!initialiser(variable, sizes, depth + 1, offset))
        return false;
      ++count;
    } while (accept(","));
  }
  return expect("}");
}

bool Parser::initialValue(Variable &variable, uint64_t &offset) {
  unsigned bytes = bytesOf(variable.type);
  const Token &token = peek();
  uint64_t bits = 0;
  bool isMinus = accept("-");
  const Token &value = next();
  if (value.kind == TokenKind::Integer) {
    bits = isMinus ? 0 - value.value : value.value;
    if (isFloat(variable.type)) {
      double asDouble = isMinus ? -double(value.value) : double(value.value);
      float asFloat = float(asDouble);
      if (bytes == 8)
        std::memcpy(&bits, &asDouble, 8);
      else if (bytes == 4)
        std::memcpy(&bits, &asFloat, 4);
    }
  } else if (value.kind == TokenKind::Float32 ||
             value.kind == TokenKind::Float64) {
    double asDouble = 0;
    float asFloat = 0;
    if (value.kind == TokenKind::Float32) {
      std::memcpy(&asFloat, &value.value, 4);
      asDouble = asFloat;
    } else {
      std::memcpy(&asDouble, &value.value, 8);
      asFloat = float(asDouble);
    }
    if (isMinus)
      asDouble = -asDouble, asFloat = -asFloat;
    if (bytes == 8)
      std::memcpy(&bits, &asDouble, 8);
    else if (bytes == 4)
      std::memcpy(&bits, &asFloat, 4);
  } else if (value.kind == TokenKind::Word && !isMinus) {
    Relocation relocation;
    relocation.offset = offset;
    relocation.symbol = std::string(value.text);
    relocation.bytes = bytes;
    if (value.text == "generic" && accept("(")) {
      relocation.symbol = std::string(next().text);
      if (!expect(")"))
        return false;
    }
    if (peek().is("+") || peek().is("-"))
      if (!signedNumber(relocation.addend))
        return false;
    if (bytes != 8) {
      error(value, "an address needs a 64-bit element in an initialiser");
      return false;
    }
    variable.relocations.push_back(std::move(relocation));
  } else {
    error(token, "expected a value in an initialiser");
    return false;
  }
  uint64_t size = variable.initial.size();
  if (bytes > size || offset > size - bytes)
    return tooManyValues(token, variable);
  std::memcpy(&variable.initial[offset], &bits, std::min(bytes, 8u));
  offset += bytes;
  return true;
}

bool Parser::parameterList(std::vector<Variable> &into) {
  if (!expect("("))
    return false;
  if (accept(")"))
    return true;
  do {
    const Token &token = peek();
    if (token.kind != TokenKind::Directive || token.text != ".param") {
      error(token, "expected a '.param' parameter");
      return false;
    }
    next();
    if (!variableDeclaration(Space::Param, false, true, into))
      return false;
  } while (accept(","));
  return expect(")");
}

bool Parser::dimensions(std::array<uint32_t, 3> &into) {
  into = {1, 1, 1};
  for (size_t i = 0; i < 3; ++i) {
    uint64_t value = 0;
    if (!wholeNumber(value, 1u << 31, "a dimension"))
      return false;
    into[i] = uint32_t(value);
    if (!accept(","))
      return true;
  }
  return true;
}

bool Parser::performanceDirective(FunctionSyntax &into) {
  const Token &token = next();
  std::string_view name = token.text;
  uint64_t ignored = 0;
  if (name == ".maxntid")
    return dimensions(into.maximumBlock);
  if (name == ".reqntid")
    return dimensions(into.requiredBlock);
  if (name == ".reqnctapercluster")
    return dimensions(into.requiredCluster);
  if (name == ".explicitcluster")
    return into.explicitCluster = true;
  if (name == ".maxnreg") {
    if (!wholeNumber(ignored, 1 << 16, "a number of registers"))
      return false;
    into.maximumRegisters = uint32_t(ignored);
    return true;
  }
  if (name == ".minnctapersm" || name == ".maxnctapersm" ||
      name == ".maxclusterrank")
    return wholeNumber(ignored, 1 << 16, "a number");
  if (name == ".noreturn" || name == ".unique" || name == ".blocksareclusters")
    return true;
  if (name == ".pragma") {
    next();
    return expect(";");
  }
  error(token, "expected '{' or a directive about the function");
  return false;
}

void Parser::functionItem(bool isEntry) {
  FunctionSyntax made;
  made.isEntry = isEntry;
  if (!isEntry && peek().is("(") && !parameterList(made.variables))
    return recover();
  made.results = uint32_t(made.variables.size());
  const Token &name = next();
  if (name.kind != TokenKind::Word)
    return error(name, "expected a function's name"), recover();
  made.name = std::string(name.text);
  made.line = name.line;
  if (peek().is("(") && !parameterList(made.variables))
    return recover();
  made.parameters = uint32_t(made.variables.size()) - made.results;
  while (peek().kind == TokenKind::Directive)
    if (!performanceDirective(made))
      return recover();
  if (accept(";")) {
    // A declaration; the definition may follow.
    for (const FunctionSyntax &other : module.functions)
      if (other.name == made.name)
        return;
    module.functions.push_back(std::move(made));
    return;
  }
  if (!peek().is("{"))
    return error(peek(), "expected '{' or ';' after the head of a function"),
           recover();
  FunctionSyntax *place = nullptr;
  for (FunctionSyntax &other : module.functions)
    if (other.name == made.name)
      place = &other;
  if (place && place->hasBody) {
    error(name, "'" + made.name + "' is defined twice");
    return skipBraces();
  }
  made.hasBody = true;
  if (!place) {
    module.functions.emplace_back();
    place = &module.functions.back();
  }
  *place = std::move(made);
  function = place;
  body();
  function = nullptr;
}

ModuleSyntax trine::sim::parseModule(std::string_view text,
                                     DiagnosticSink &sink) {
  return Parser(text, sink).run();
}
