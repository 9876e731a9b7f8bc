// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Problems.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;

void Problems::add(const Twine &where, const Twine &what) {
  ++count;
  if (lines.size() < maxShown)
    lines.push_back((where + ": " + what).str());
}

void Problems::addUnsupported(const std::string &op, const std::string &reason,
                              llvm::function_ref<std::string()> where) {
  std::string what = op + " " + reason;
  auto [entry, isNew] = groupIndex.try_emplace(what, unsupported.size());
  if (isNew)
    unsupported.push_back({what, where()});
  ++unsupported[entry->second].nodes;
}

void Problems::emit(Location location, const Twine &what) const {
  uint64_t total = count + unsupported.size();
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << what << ": " << total << (total == 1 ? " problem" : " problems");
  unsigned shown = 0;
  for (const Group &group : unsupported) {
    if (shown++ == maxShown)
      break;
    stream << "\n  operator " << group.what << ": " << group.nodes
           << (group.nodes == 1 ? " node, " : " nodes, first ") << group.first;
  }
  for (const std::string &line : lines) {
    if (shown++ >= maxShown)
      break;
    stream << "\n  " << line;
  }
  if (total > maxShown)
    stream << "\n  and " << total - maxShown << " more";
  emitError(location) << text;
}
