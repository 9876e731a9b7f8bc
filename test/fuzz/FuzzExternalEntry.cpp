// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The external_data entries of a tensor: lines "key=value".
#include "ExternalData.h"
#include "FuzzTarget.h"

using namespace mlir::trine::importer;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>> entries;
  llvm::StringRef rest(reinterpret_cast<const char *>(data), size);
  while (!rest.empty()) {
    auto [line, next] = rest.split('\n');
    entries.push_back(line.split('='));
    rest = next;
  }
  llvm::Expected<ExternalEntry> entry = parseExternalEntry(entries);
  if (!entry) {
    TRINE_FUZZ_EXPECT(!llvm::toString(entry.takeError()).empty());
    return 0;
  }
  // Whatever was accepted stays in the folder.
  const std::string &location = entry->location;
  TRINE_FUZZ_EXPECT(!location.empty() && location.find('\0') == location.npos);
  for (llvm::StringRef path = location; !path.empty();) {
    auto [part, next] = path.split('/');
    TRINE_FUZZ_EXPECT(!part.empty() && part != "." && part != "..");
    path = next;
  }
  TRINE_FUZZ_EXPECT(entry->offset <= uint64_t(INT64_MAX));
  TRINE_FUZZ_EXPECT(!entry->length || *entry->length <= uint64_t(INT64_MAX));
  return 0;
}
