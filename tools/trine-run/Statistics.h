// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the Engram tables of a package did, for --stats.
#ifndef TRINE_TOOLS_TRINE_RUN_STATISTICS_H
#define TRINE_TOOLS_TRINE_RUN_STATISTICS_H

#include "trine/Runtime/trine.h"
#include <string>

namespace trine::run {

/// Prints a paragraph for each table: rows, where they came from, bytes, time
/// waited.
void printStatistics(const trine_package *package);

/// Compares all blocks of all tables with their checksums. False, with the
/// reasons on stderr, when some differ.
bool verifyTables(const trine_package *package);

/// Writes what is known of the checksums of referenced tables into `folder`,
/// where the package option `table_checksums` finds it; "": does nothing.
bool saveChecksums(const std::string &folder, const trine_package *package);

} // namespace trine::run

#endif
