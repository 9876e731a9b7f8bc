// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the Engram tables of a package did, for --stats.
#ifndef TRINE_TOOLS_TRINE_RUN_STATISTICS_H
#define TRINE_TOOLS_TRINE_RUN_STATISTICS_H

#include "trine/Runtime/trine.h"

namespace trine::run {

/// Prints a paragraph for each table: rows, where they came from, bytes, time
/// waited.
void printStatistics(const trine_package *package);

} // namespace trine::run

#endif
