// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Preloaded by tests: a disk on which FULL_DISK_BYTES more bytes fit below the
/// folder FULL_DISK_FOLDER.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_llong left = -1;

/// Whether so many more bytes of that file fit; says no with errno.
static int fits(int file, size_t bytes) {
  const char *folder = getenv("FULL_DISK_FOLDER");
  char link[64], path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, sizeof(path) - 1);
  if (!folder || size < 0)
    return 1;
  path[size] = 0;
  if (strncmp(path, folder, strlen(folder)) != 0)
    return 1;
  long long expected = -1;
  atomic_compare_exchange_strong(&left, &expected,
                                 atoll(getenv("FULL_DISK_BYTES")));
  if (atomic_fetch_sub(&left, (long long)bytes) >= (long long)bytes)
    return 1;
  atomic_store(&left, 0);
  errno = ENOSPC;
  return 0;
}

ssize_t write(int file, const void *data, size_t bytes) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "write");
  return fits(file, bytes) ? real(file, data, bytes) : -1;
}

int posix_fallocate(int file, off_t offset, off_t bytes) {
  static int (*real)(int, off_t, off_t);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "posix_fallocate");
  return fits(file, (size_t)bytes) ? real(file, offset, bytes) : ENOSPC;
}

int posix_fallocate64(int file, off_t offset, off_t bytes) {
  return posix_fallocate(file, offset, bytes);
}

int ftruncate(int file, off_t bytes) {
  static int (*real)(int, off_t);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "ftruncate");
  return fits(file, (size_t)bytes) ? real(file, bytes) : -1;
}

int ftruncate64(int file, off_t bytes) { return ftruncate(file, bytes); }
