// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Files of hot rows: "trine engram profile 1", then a line "row count" for
/// each.
#ifndef TRINE_RUNTIME_ENGRAM_PROFILE_H
#define TRINE_RUNTIME_ENGRAM_PROFILE_H

#include "Table.h"
#include <vector>

namespace trine::runtime::engram {

struct HotRow {
  int64_t row;
  uint32_t count;
};

Status readProfile(const std::string &path, const Table &table,
                   std::vector<HotRow> &rows);
Status writeProfile(const std::string &path, const std::vector<HotRow> &rows);

} // namespace trine::runtime::engram

#endif
