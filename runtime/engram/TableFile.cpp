// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TableFile.h"
#include "trine/Runtime/Sha256.h"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace trine::runtime;
using namespace trine::runtime::engram;

static Status failToOpen(const std::string &path, int error) {
  bool missing = error == ENOENT || error == ENOTDIR;
  if (error == ELOOP || error == EMLINK)
    return Status(TRINE_ERROR_IO,
                  concat(quote(path), " must not lead through a link"));
  return Status(
      missing ? TRINE_ERROR_NOT_FOUND : TRINE_ERROR_IO,
      concat(quote(path), " cannot be opened: ", describeErrno(error)));
}

TableFile::~TableFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (direct >= 0)
    close(direct);
}

Status TableFile::open(const std::string &newPath) {
  path = newPath;
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return failToOpen(path, errno);
  return adopt(file);
}

Status TableFile::openBelow(const std::string &folder,
                            const std::string &relative) {
  path = folder + "/" + relative;
  if (relative.empty() || relative[0] == '/')
    return Status(
        TRINE_ERROR_INVALID_ARGUMENT,
        concat(quote(relative), " must be a path relative to its folder"));
  int at = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return failToOpen(folder, errno);
  for (size_t begin = 0; begin <= relative.size();) {
    size_t end = std::min(relative.find('/', begin), relative.size());
    std::string part = relative.substr(begin, end - begin);
    bool isLast = end == relative.size();
    if (part.empty() || part == "." || part == "..") {
      close(at);
      return Status(TRINE_ERROR_INVALID_ARGUMENT,
                    concat(quote(relative),
                           " must not contain '', '.' or '..' as a part"));
    }
    int flags = isLast ? O_RDONLY | O_NONBLOCK : O_RDONLY | O_DIRECTORY;
    int next = openat(at, part.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
    // A link in place of a folder shows as ENOTDIR.
    int error = errno;
    struct stat info;
    if (next < 0 && error == ENOTDIR &&
        fstatat(at, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(info.st_mode))
      error = ELOOP;
    close(at);
    if (next < 0)
      return failToOpen(path, error);
    at = next;
    begin = end + 1;
  }
  return adopt(at);
}

static FileIdentity identify(const struct stat &info) {
  FileIdentity identity;
  identity.device = info.st_dev;
  identity.inode = info.st_ino;
  identity.bytes = static_cast<uint64_t>(info.st_size);
  identity.modified =
      info.st_mtim.tv_sec * int64_t(1000000000) + info.st_mtim.tv_nsec;
  return identity;
}

/// Whether direct reads of this unit work: file systems and devices differ, and
/// not all say so beforehand.
static bool canReadDirectly(int file, uint64_t unit) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 4096, unit) != 0)
    return false;
  ssize_t got = pread(file, memory, unit, 0);
  free(memory);
  return got >= 0;
}

Status TableFile::adopt(int file) {
  descriptor = file;
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
    return Status(TRINE_ERROR_IO,
                  concat(quote(path), " must be a regular file"));
  identity = identify(info);
  // The same file once more, whatever its path leads to by now.
  std::string self = concat("/proc/self/fd/", file);
  direct = ::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (direct < 0)
    return Status();
  if (canReadDirectly(direct, 512)) {
    readUnit = 512;
  } else if (canReadDirectly(direct, 4096)) {
    readUnit = 4096;
  } else {
    close(direct);
    direct = -1;
  }
  return Status();
}

Status TableFile::checkUnchanged(const std::string &table) const {
  struct stat info;
  if (fstat(descriptor, &info) !=
      0) // No test: only when the descriptor is bad.
    return Status(TRINE_ERROR_IO,
                  concat(quote(path), ": ", describeErrno(errno)));
  FileIdentity now = identify(info);
  if (now.bytes != identity.bytes)
    return Status(TRINE_ENGRAM_ERROR_CHANGED,
                  concat("table ", quote(table), ": file ", quote(path),
                         " had ", identity.bytes,
                         " bytes when it was opened, and has ", now.bytes));
  if (now.modified != identity.modified)
    return Status(TRINE_ENGRAM_ERROR_CHANGED,
                  concat("table ", quote(table), ": file ", quote(path),
                         " was modified after it was opened"));
  return Status();
}

Status TableFile::readAll(Extent extent, void *buffer) const {
  uint8_t *target = static_cast<uint8_t *>(buffer);
  while (extent.bytes > 0) {
    ssize_t got = pread(descriptor, target, extent.bytes,
                        static_cast<off_t>(extent.offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return Status(TRINE_ERROR_IO, concat(quote(path), " cannot be read: ",
                                           describeErrno(errno)));
    if (got == 0)
      return Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                    concat(quote(path), " ends at byte ", extent.offset, ", ",
                           extent.bytes, " bytes too early"));
    extent.offset += static_cast<uint64_t>(got);
    extent.bytes -= static_cast<uint64_t>(got);
    target += got;
  }
  return Status();
}

Status TableFile::hashHeader(std::string &digits) const {
  std::vector<uint8_t> header(std::min(identity.bytes, kHeaderHashBytes));
  if (Status status = readAll({0, header.size()}, header.data()); !status.ok())
    return status;
  digits = computeSha256(header.data(), header.size());
  return Status();
}
