// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Support/ModelFolder.h"
#include "trine/Support/Quote.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::trine;
using namespace llvm;

std::string mlir::trine::quote(StringRef text) {
  constexpr size_t longest = 200;
  std::string result;
  raw_string_ostream stream(result);
  stream << '\'';
  printEscapedString(text.take_front(longest), stream);
  stream << (text.size() > longest ? "...'" : "'");
  return result;
}

static Error fail(StringRef location, const Twine &text) {
  return createStringError("file " + quote(location) + " " + text);
}

/// Whether the location says so itself that it stays in the folder.
static bool isInside(StringRef location) {
  if (location.empty() || location.contains('\0'))
    return false;
  for (StringRef part : split(location, '/'))
    if (part.empty() || part == "." || part == "..")
      return false;
  return true;
}

ModelFolder::~ModelFolder() {
  if (folder >= 0)
    ::close(folder);
}

Expected<int> ModelFolder::open(StringRef location, uint64_t &size) {
  if (auto own = added.find(location); own != added.end()) {
    int file = ::open(own->second.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (file < 0 || ::fstat(file, &status) != 0) {
      int code = errno;
      if (file >= 0)
        ::close(file);
      return fail(location, "cannot be opened: " + sys::StrError(code));
    }
    size = status.st_size;
    return file;
  }
  // Names of a model were checked when it was read; those of a program in text
  // form come here first.
  if (!isInside(location))
    return fail(location, "must be a relative path that stays in the model's "
                          "folder");
  if (folder < 0)
    folder = ::open(path.empty() ? "." : path.c_str(),
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return fail(location, "cannot be opened: its folder " + quote(path) + ": " +
                              sys::StrError(errno));
  int directory = folder;
  scope_exit close([&] {
    if (directory != folder)
      ::close(directory);
  });
  bool isOwn = !ownFile.empty() && location == ownFile;
  StringRef rest = location;
  while (true) {
    auto [part, next] = rest.split('/');
    bool last = next.empty();
    // O_NONBLOCK: opening a named pipe must not wait.
    int flags = O_RDONLY | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY) |
                (isOwn ? 0 : O_NOFOLLOW);
    int opened = ::openat(directory, part.str().c_str(), flags);
    if (opened < 0) {
      int code = errno;
      struct stat link;
      if (!isOwn &&
          ::fstatat(directory, part.str().c_str(), &link,
                    AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(link.st_mode))
        return fail(location, "is a symbolic link or lies behind one; put the "
                              "file itself into the model's folder");
      return fail(location, "cannot be opened: " + sys::StrError(code));
    }
    if (directory != folder)
      ::close(directory);
    directory = opened;
    if (last)
      break;
    rest = next;
  }
  struct stat status;
  if (::fstat(directory, &status) != 0 || !S_ISREG(status.st_mode))
    return fail(location, "is not a regular file");
  if (status.st_nlink > 1 && !allowHardLinks && !isOwn)
    return fail(location, "has " + Twine(uint64_t(status.st_nlink)) +
                              " hard links, so it may belong to another place; "
                              "copy it into the model's folder");
  size = status.st_size;
  return std::exchange(directory, folder);
}

Expected<uint64_t> ModelFolder::getSize(StringRef location) {
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

Error ModelFolder::read(StringRef location, uint64_t offset,
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
      return fail(location, "cannot be read at byte " + Twine(offset));
    bytes = bytes.drop_front(count);
    offset += count;
  }
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>>
ModelFolder::mapOpened(StringRef location, int file, uint64_t offset,
                       uint64_t length) {
  scope_exit close([&] { ::close(file); });
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getOpenFileSlice(file, location, length, offset);
  if (!buffer)
    // No test: only when memory or address space runs out.
    return fail(location, "cannot be read: " + buffer.getError().message());
  return std::move(*buffer);
}

Expected<std::unique_ptr<MemoryBuffer>>
ModelFolder::map(StringRef location, uint64_t offset, uint64_t length) {
  uint64_t size;
  Expected<int> file = open(location, size);
  if (!file)
    return file.takeError();
  // Pages behind the end cannot be touched.
  if (offset > size || length > size - offset) {
    ::close(*file);
    return fail(location, "has " + Twine(size) + " bytes, too few for " +
                              Twine(length) + " at " + Twine(offset));
  }
  return mapOpened(location, *file, offset, length);
}

Expected<std::unique_ptr<MemoryBuffer>> ModelFolder::map(StringRef location) {
  uint64_t size;
  Expected<int> file = open(location, size);
  if (!file)
    return file.takeError();
  return mapOpened(location, *file, 0, size);
}
