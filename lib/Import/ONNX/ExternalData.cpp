// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExternalData.h"
#include "Problems.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

Expected<int> ModelFolder::open(const std::string &location,
                                uint64_t &size) const {
  auto fail = [&](const Twine &text) {
    return createStringError("external file " + quote(location) + " " + text);
  };
  int directory = ::open(path.empty() ? "." : path.c_str(),
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    // No test: the model was just read from that folder.
    return fail("cannot be opened: the model's folder: " +
                sys::StrError(errno));
  StringRef rest = location;
  while (true) {
    auto [part, next] = rest.split('/');
    bool last = next.empty();
    // O_NONBLOCK: opening a named pipe must not wait.
    int flags =
        O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    int opened = ::openat(directory, part.str().c_str(), flags);
    int code = errno;
    if (opened < 0) {
      struct stat link;
      bool isLink = ::fstatat(directory, part.str().c_str(), &link,
                              AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISLNK(link.st_mode);
      ::close(directory);
      if (isLink)
        return fail("is a symbolic link or lies behind one; put the file "
                    "itself into the model's folder");
      return fail("cannot be opened: " + sys::StrError(code));
    }
    ::close(directory);
    directory = opened;
    if (last)
      break;
    rest = next;
  }
  struct stat status;
  if (::fstat(directory, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(directory);
    return fail("is not a regular file");
  }
  if (status.st_nlink > 1 && !allowHardLinks) {
    ::close(directory);
    return fail("has " + Twine(uint64_t(status.st_nlink)) +
                " hard links, so it may belong to another place; copy it into "
                "the model's folder");
  }
  size = status.st_size;
  return directory;
}

Expected<uint64_t> ModelFolder::getSize(const std::string &location) {
  auto found = sizes.find(location);
  if (found != sizes.end())
    return found->second;
  uint64_t size;
  Expected<int> file = open(location, size);
  if (!file)
    return file.takeError();
  ::close(*file);
  sizes[location] = size;
  return size;
}

Error ModelFolder::read(const std::string &location, uint64_t offset,
                        MutableArrayRef<char> bytes) {
  uint64_t size;
  Expected<int> file = open(location, size);
  if (!file)
    return file.takeError();
  scope_exit close([&] { ::close(*file); });
  while (!bytes.empty()) {
    ssize_t count = ::pread(*file, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return createStringError("external file " + quote(location) +
                               " cannot be read at byte " + Twine(offset));
    bytes = bytes.drop_front(count);
    offset += count;
  }
  return Error::success();
}
