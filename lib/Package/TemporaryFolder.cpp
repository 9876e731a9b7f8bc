// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TemporaryFolder.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::trine;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static constexpr char kPrefix[] = ".trine-writing";

/// Opens and locks a folder; -1 when it is gone or somebody else's.
static int lockFolder(llvm::StringRef folder) {
  int descriptor = ::open(folder.str().c_str(),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

/// Removes folders whose writers are gone.
static void removeLeftovers(llvm::StringRef parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end;
       it.increment(error)) {
    if (!path::filename(it->path()).starts_with(kPrefix))
      continue;
    int descriptor = lockFolder(it->path());
    if (descriptor < 0)
      continue;
    fs::remove_directories(it->path());
    ::close(descriptor);
  }
}

llvm::Expected<std::unique_ptr<TemporaryFolder>>
TemporaryFolder::create(llvm::StringRef output) {
  llvm::StringRef parent = path::parent_path(output);
  removeLeftovers(parent);
  llvm::SmallString<256> model(parent);
  path::append(model, llvm::Twine(kPrefix) + "-XXXXXX");
  // Somebody who cleans up may take the new folder before it is locked.
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    // LLVM's own function would take '%' in the path for a digit to choose.
    std::string folder(model);
    if (!::mkdtemp(folder.data()))
      return llvm::errorCodeToError(
          std::error_code(errno, std::generic_category()));
    int descriptor = lockFolder(folder);
    struct stat status;
    if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 &&
        status.st_nlink > 0 && fs::exists(folder))
      return std::unique_ptr<TemporaryFolder>(
          new TemporaryFolder(folder, descriptor));
    if (descriptor >= 0)
      ::close(descriptor);
  }
  // No test: only when others lock every folder at once.
  return llvm::createStringError("its folder cannot be locked");
}

TemporaryFolder::~TemporaryFolder() {
  fs::remove_directories(path);
  ::close(descriptor);
}
