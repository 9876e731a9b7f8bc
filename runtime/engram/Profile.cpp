// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Profile.h"
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace trine::runtime;
using namespace trine::runtime::engram;

static constexpr char kFirstLine[] = "trine engram profile 1\n";

Status engram::readProfile(const std::string &path, const Table &table,
                           std::vector<HotRow> &rows) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return Status(
        errno == ENOENT ? TRINE_ERROR_NOT_FOUND : TRINE_ERROR_IO,
        concat(quote(path), " cannot be opened: ", describeErrno(errno)));
  struct stat info;
  FILE *file = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)
                   ? fdopen(descriptor, "r")
                   : nullptr;
  if (!file) {
    close(descriptor);
    return Status(TRINE_ERROR_IO,
                  concat(quote(path), " must be a regular file"));
  }
  char line[128];
  Status status;
  bool isProfile =
      fgets(line, sizeof(line), file) && strcmp(line, kFirstLine) == 0;
  if (!isProfile)
    status = Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                    concat(quote(path), " is no profile of an Engram table"));
  while (status.ok() && fgets(line, sizeof(line), file)) {
    HotRow hot = {};
    if (sscanf(line, "%" SCNd64 " %" SCNu32, &hot.row, &hot.count) != 2)
      status = Status(TRINE_ENGRAM_ERROR_BAD_TABLE,
                      concat(quote(path), ": line ", rows.size() + 2,
                             " must be a row and a count, got ", quote(line)));
    else
      status = table.checkRow(hot.row);
    rows.push_back(hot);
  }
  fclose(file);
  return status;
}

Status engram::writeProfile(const std::string &path,
                            const std::vector<HotRow> &rows) {
  FILE *file = fopen(path.c_str(), "we");
  bool written = file && fputs(kFirstLine, file) >= 0;
  for (const HotRow &hot : rows)
    written = written && fprintf(file, "%" PRId64 " %" PRIu32 "\n", hot.row,
                                 hot.count) > 0;
  if (file)
    written = fclose(file) == 0 && written;
  if (!written)
    return Status(TRINE_ERROR_IO, concat(quote(path), " cannot be written: ",
                                         describeErrno(errno)));
  return Status();
}

Status Table::saveProfile(const std::string &path) const {
  std::vector<HotRow> rows;
  cache.visit([&](uint64_t row, uint32_t count) {
    rows.push_back({static_cast<int64_t>(row), count});
  });
  std::sort(rows.begin(), rows.end(), [](const HotRow &a, const HotRow &b) {
    return a.count != b.count ? a.count > b.count : a.row < b.row;
  });
  return writeProfile(path, rows);
}
