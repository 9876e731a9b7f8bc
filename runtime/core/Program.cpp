// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Program.h"
#include "trine/Runtime/PackageFormat.h"
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <sys/stat.h>

using namespace trine::runtime;

namespace {

/// dlopen gives a library that is already loaded from the same path, even when
/// the file has been replaced since: a package compiled again would silently
/// run its old code. So note which file each loaded path is.
struct LoadedFile {
  dev_t device;
  ino_t inode;
  timespec modified;
  off_t size;
  unsigned users = 0;
};

struct LoadedFiles {
  std::mutex mutex;
  std::map<std::string, LoadedFile> files;
};

} // namespace

/// Never destroyed: packages may be closed while the process exits.
static LoadedFiles &getLoadedFiles() {
  static LoadedFiles *loaded = new LoadedFiles;
  return *loaded;
}

static bool isSameFile(const LoadedFile &file, const struct stat &info) {
  return file.device == info.st_dev && file.inode == info.st_ino &&
         file.size == info.st_size &&
         file.modified.tv_sec == info.st_mtim.tv_sec &&
         file.modified.tv_nsec == info.st_mtim.tv_nsec;
}

Program::~Program() {
  if (library)
    dlclose(library);
  if (registered.empty())
    return;
  LoadedFiles &loaded = getLoadedFiles();
  std::lock_guard<std::mutex> lock(loaded.mutex);
  auto it = loaded.files.find(registered);
  if (--it->second.users == 0)
    loaded.files.erase(it);
}

Status Program::load(const std::string &path) {
  const std::string label = quote(TRINE_PACKAGE_PROGRAM);
  auto fail = [&](trine_status code, const std::string &text) {
    return Status(code, label + " " + text);
  };
  // dlopen searches elsewhere for names without a slash.
  char *canonical = realpath(path.c_str(), nullptr);
  struct stat info;
  if (!canonical || stat(canonical, &info) != 0) {
    int error = errno;
    free(canonical);
    return fail(TRINE_ERROR_NOT_FOUND,
                concat("cannot be opened: ", describeErrno(error)));
  }
  std::string realPath = canonical;
  free(canonical);

  LoadedFiles &loaded = getLoadedFiles();
  {
    std::lock_guard<std::mutex> lock(loaded.mutex);
    LoadedFile &file = loaded.files[realPath];
    if (file.users > 0 && !isSameFile(file, info))
      return fail(TRINE_ERROR_INVALID_ARGUMENT,
                  "has been replaced while this process has the old one open: "
                  "close all its packages and sessions first");
    file.device = info.st_dev;
    file.inode = info.st_ino;
    file.modified = info.st_mtim;
    file.size = info.st_size;
    ++file.users;
    registered = realPath;
  }

  library = dlopen(realPath.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return fail(TRINE_ERROR_BAD_PACKAGE,
                concat("cannot be loaded: ", reason ? reason : "no reason"));
  }
  auto query = reinterpret_cast<trine_program_query_function>(
      dlsym(library, TRINE_PROGRAM_QUERY_SYMBOL));
  if (!query)
    return fail(TRINE_ERROR_BAD_PACKAGE,
                concat("does not export ", quote(TRINE_PROGRAM_QUERY_SYMBOL)));
  program = query(TRINE_PROGRAM_ABI_VERSION);
  if (!program)
    return fail(TRINE_ERROR_VERSION, concat("does not speak program ABI ",
                                            TRINE_PROGRAM_ABI_VERSION));
  if (program->abi_version != TRINE_PROGRAM_ABI_VERSION)
    return fail(TRINE_ERROR_VERSION,
                concat("speaks program ABI ", program->abi_version,
                       ", expected ", TRINE_PROGRAM_ABI_VERSION));
  if (program->struct_size < sizeof(trine_program))
    return fail(TRINE_ERROR_BAD_PACKAGE,
                concat("describes itself with ", program->struct_size,
                       " bytes, expected at least ", sizeof(trine_program)));
  if (!program->run || (program->kernel_count && !program->kernels))
    return fail(TRINE_ERROR_BAD_PACKAGE, "has no code to run");
  return Status();
}
