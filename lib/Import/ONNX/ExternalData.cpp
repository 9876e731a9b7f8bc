// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExternalData.h"
#include "trine/Support/Quote.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir::trine;
using namespace mlir::trine::importer;
using namespace llvm;

static Expected<uint64_t> parseDecimal(StringRef key, StringRef text) {
  uint64_t value;
  bool digits = !text.empty() &&
                all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  // Offsets are signed 64-bit numbers in the IR.
  if (!digits || text.getAsInteger(10, value) || value > uint64_t(INT64_MAX))
    return createStringError(
        "external data '" + key +
        "' must be a decimal number of at most 63 bits, got " + quote(text));
  return value;
}

static Expected<std::string> parseLocation(StringRef text) {
  std::string shown = quote(text);
  if (text.empty())
    return createStringError("external data 'location' must not be empty");
  if (text.contains('\0'))
    return createStringError(
        "external data 'location' must not contain a zero byte, got " + shown);
  if (text.front() == '/' || text.contains('\\') ||
      (text.size() > 1 && text[1] == ':'))
    return createStringError("external data 'location' must be a relative path "
                             "with '/' between its parts, got " +
                             shown);
  SmallVector<StringRef> parts, kept;
  text.split(parts, '/');
  for (StringRef part : parts) {
    if (part == "..")
      return createStringError(
          "external data 'location' must stay in the model's folder, got " +
          shown);
    if (!part.empty() && part != ".")
      kept.push_back(part);
  }
  if (kept.empty() || text.back() == '/')
    return createStringError("external data 'location' must name a file, got " +
                             shown);
  return llvm::join(kept, "/");
}

Expected<ExternalEntry> mlir::trine::importer::parseExternalEntry(
    ArrayRef<std::pair<StringRef, StringRef>> entries) {
  ExternalEntry entry;
  SmallVector<StringRef, 4> seen;
  for (auto [key, value] : entries) {
    if (is_contained(seen, key))
      return createStringError("external data has the key " + quote(key) +
                               " twice");
    // Only known keys get here a second time, so the list stays short.
    if (key == "location") {
      Expected<std::string> location = parseLocation(value);
      if (!location)
        return location.takeError();
      entry.location = *location;
    } else if (key == "offset" || key == "length") {
      Expected<uint64_t> number = parseDecimal(key, value);
      if (!number)
        return number.takeError();
      if (key == "offset")
        entry.offset = *number;
      else
        entry.length = *number;
    } else if (key != "checksum") {
      return createStringError("external data key must be location, offset, "
                               "length or checksum, got " +
                               quote(key));
    }
    seen.push_back(key);
  }
  if (entry.location.empty())
    return createStringError("external data has no 'location'");
  return entry;
}
