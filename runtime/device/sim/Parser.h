// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PTX text to syntax.
#ifndef TRINE_SIM_PARSER_H
#define TRINE_SIM_PARSER_H

#include "Lexer.h"
#include "Syntax.h"
#include "trine/Runtime/PTXSimulator.h"

namespace trine::sim {

/// Collects located problems of one text.
class DiagnosticSink {
public:
  DiagnosticSink(std::string_view text, std::string_view file,
                 std::vector<Diagnostic> &errors);
  void error(unsigned line, std::string message);
  bool any() const { return count != 0; }
  /// Whether so many problems were found that going on is of no use.
  bool full() const { return count >= 100; }
  /// Line \p line of the text, without leading and trailing space.
  std::string lineText(unsigned line) const;

private:
  std::string_view text;
  std::string file;
  std::vector<size_t> lineStarts;
  std::vector<Diagnostic> &errors;
  unsigned count = 0;
};

/// Parses a whole module. What is returned is usable only if \p sink got no
/// error.
ModuleSyntax parseModule(std::string_view text, DiagnosticSink &sink);

} // namespace trine::sim

#endif
