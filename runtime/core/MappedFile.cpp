// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MappedFile.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace trine::runtime;

MappedFile::~MappedFile() {
  if (data)
    munmap(const_cast<uint8_t *>(data), size);
}

Status MappedFile::open(const std::string &path, const std::string &label) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    int error = errno;
    bool missing = error == ENOENT || error == ENOTDIR;
    return Status(
        missing ? TRINE_ERROR_NOT_FOUND : TRINE_ERROR_IO,
        concat(quote(label), " cannot be opened: ", describeErrno(error)));
  }
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return Status(TRINE_ERROR_IO,
                  concat(quote(label), " must be a regular file"));
  }
  size = static_cast<uint64_t>(info.st_size);
  if (size > 0) {
    void *memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
      int error = errno;
      close(file);
      size = 0;
      return Status(TRINE_ERROR_IO, concat(quote(label), " cannot be mapped: ",
                                           describeErrno(error)));
    }
    data = static_cast<const uint8_t *>(memory);
  }
  close(file);
  return Status();
}
