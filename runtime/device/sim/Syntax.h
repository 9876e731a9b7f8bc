// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the parser makes of a PTX text: statements whose registers and variables
// are resolved, but not yet typed by opcode.
#ifndef TRINE_SIM_SYNTAX_H
#define TRINE_SIM_SYNTAX_H

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace trine::sim {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  F32,
  F64,
  E4M3,
  E5M2,
  E4M3x2,
  E5M2x2,
  U16x2,
  S16x2,
  B1024
};

/// Bytes of a value of \p type; 0 for None and Pred.
unsigned bytesOf(Type type);
bool isFloat(Type type);
bool isSigned(Type type);
/// The type named by a modifier without its dot, or None.
Type typeNamed(std::string_view name);
std::string_view nameOf(Type type);

enum class Space : uint8_t { Generic, Global, Const, Shared, Local, Param };

/// A place in the text of a module or function.
struct Relocation {
  uint64_t offset = 0;
  std::string symbol;
  int64_t addend = 0;
  unsigned bytes = 8;
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::B8;
  uint32_t alignment = 1;
  uint64_t bytes = 0;
  bool isExtern = false;
  /// A formal parameter of a function, or a .param variable of its body.
  bool isParameter = false;
  std::vector<uint8_t> initial;
  std::vector<Relocation> relocations;
  unsigned line = 0;
};

struct Register {
  std::string name;
  Type type = Type::None;
};

struct Operand {
  enum class Kind : uint8_t {
    Register,
    Integer,
    Float32,
    Float64,
    /// A variable of the function (isModule false) or the module, plus offset.
    Variable,
    /// A special register: name.
    Special,
    /// A label, function, prototype or table: name, resolved by the decoder.
    Name,
    Vector,
    /// [elements[0] + offset]; further elements: coordinates and such.
    Address,
    /// (a, b, ...) of a call.
    List,
    /// a|b.
    Pair,
    Sink
  };
  Kind kind = Kind::Sink;
  bool negated = false;
  bool isModule = false;
  uint32_t index = 0;
  int64_t offset = 0;
  uint64_t value = 0;
  std::string name;
  std::vector<Operand> elements;
};

struct Statement {
  std::string opcode;
  std::vector<std::string> modifiers;
  std::vector<Operand> operands;
  /// Register index of the guard, or -1.
  int32_t guard = -1;
  bool guardNegated = false;
  uint32_t scope = 0;
  unsigned line = 0;
  /// .loc in force: file number and line; 0 when none.
  uint32_t sourceFile = 0, sourceLine = 0;
};

struct Symbol {
  enum class Kind : uint8_t {
    Register,
    Variable,
    Label,
    Table,
    Prototype
  } kind = Kind::Register;
  /// Of the register, variable, statement (label), table or prototype.
  uint32_t index = 0;
};

struct RegisterRange {
  std::string prefix;
  uint64_t count = 0;
  Type type = Type::None;
};

struct Scope {
  int32_t parent = -1;
  std::unordered_map<std::string, Symbol> symbols;
  std::vector<RegisterRange> ranges;
};

/// Types of a function's parameters and results, for indirect calls.
struct Prototype {
  std::vector<Variable> results, parameters;
};

struct FunctionSyntax {
  std::string name;
  bool isEntry = false;
  bool hasBody = false;
  unsigned line = 0;
  /// The first `results` variables are return parameters, the next `parameters`
  /// the formal ones.
  std::vector<Variable> variables;
  uint32_t results = 0, parameters = 0;
  std::vector<Register> registers;
  std::vector<Statement> statements;
  std::vector<Scope> scopes;
  std::vector<std::vector<std::string>> tables;
  std::vector<Prototype> prototypes;
  std::array<uint32_t, 3> requiredBlock{}, maximumBlock{}, requiredCluster{};
  bool explicitCluster = false;
  uint32_t maximumRegisters = 0;
  /// Looks \p name up from \p scope outwards; null when unknown.
  const Symbol *find(uint32_t scope, const std::string &name) const;
};

struct ModuleSyntax {
  unsigned versionMajor = 0, versionMinor = 0;
  std::string target;
  std::vector<Variable> variables;
  std::vector<FunctionSyntax> functions;
  std::map<uint32_t, std::string> files;
};

} // namespace trine::sim

#endif
