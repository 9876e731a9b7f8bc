// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Collects all that is wrong with a model, so that one report says it at once.
#ifndef TRINE_LIB_IMPORT_ONNX_PROBLEMS_H
#define TRINE_LIB_IMPORT_ONNX_PROBLEMS_H

#include "mlir/IR/Location.h"
#include "trine/Support/Quote.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"
#include <string>
#include <vector>

namespace mlir::trine::importer {

class Problems {
public:
  explicit Problems(unsigned maxShown) : maxShown(maxShown) {}

  /// `where` names a node, input, ...; `what` is the message.
  void add(const llvm::Twine &where, const llvm::Twine &what);
  /// An operator that has no op. Nodes of the same `op` and `reason` are
  /// grouped.
  void addUnsupported(const std::string &op, const std::string &reason,
                      llvm::function_ref<std::string()> where);

  /// Problems so far, unsupported operators not counted.
  uint64_t getCount() const { return count; }
  bool empty() const { return count == 0 && unsupported.empty(); }
  /// Emits one error: a line that says what failed and how many problems there
  /// are, then a line for each.
  void emit(Location location, const llvm::Twine &what) const;

private:
  unsigned maxShown;
  uint64_t count = 0;
  std::vector<std::string> lines;
  struct Group {
    std::string what, first;
    uint64_t nodes = 0;
  };
  std::vector<Group> unsupported;
  llvm::StringMap<size_t> groupIndex;
};

} // namespace mlir::trine::importer

#endif
