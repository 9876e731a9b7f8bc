// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ComputedWeights.h"

#include "mlir/IR/Diagnostics.h"
#include "trine/Runtime/trine.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::trine;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace {
/// The file of computed weights, open for as long as it grows.
class ComputedFile {
public:
  ComputedFile(MLIRContext *context, StringRef path)
      : context(context), path(path) {}
  ~ComputedFile() {
    if (file >= 0)
      ::close(file);
  }
  LogicalResult open();
  /// Runs a package; its results are these ranges of the file.
  LogicalResult run(StringRef package, unsigned threads,
                    ArrayRef<std::pair<uint64_t, uint64_t>> ranges);

private:
  InFlightDiagnostic fail() { return emitError(UnknownLoc::get(context)); }
  LogicalResult failToWrite(int code) {
    return fail() << "cannot write computed weights: "
                  << llvm::sys::StrError(code);
  }

  MLIRContext *context;
  std::string path;
  int file = -1;
};
} // namespace

LogicalResult ComputedFile::open() {
  file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return file >= 0 ? success() : failToWrite(errno);
}

LogicalResult
ComputedFile::run(StringRef package, unsigned threads,
                  ArrayRef<std::pair<uint64_t, uint64_t>> ranges) {
  trine_package *opened = nullptr;
  trine_session *session = nullptr;
  void *memory = MAP_FAILED;
  uint64_t begin = 0, length = 0;
  llvm::scope_exit close([&] {
    trine_session_destroy(session);
    trine_package_close(opened);
    if (memory != MAP_FAILED)
      ::munmap(memory, length);
  });
  // This process has just written it.
  trine_package_options openOptions = TRINE_PACKAGE_OPTIONS_INIT;
  openOptions.verify_hashes = 0;
  trine_session_options sessionOptions = TRINE_SESSION_OPTIONS_INIT;
  sessionOptions.threads = threads;
  // No test: only where memory ends, or the processor lacks what host packages
  // need.
  auto failToRun = [&]() -> LogicalResult {
    return fail() << "weights cannot be computed at compile time: "
                  << trine_status_message()
                  << " ('--constant-limit=-1' computes them in each step)";
  };
  if (trine_package_open(package.str().c_str(), &openOptions, &opened) ||
      trine_session_create(opened, &sessionOptions, &session))
    return failToRun();

  if (ranges.empty())
    return success();
  uint64_t page = llvm::sys::Process::getPageSizeEstimate();
  begin = ranges.front().first / page * page;
  length = ranges.back().first + ranges.back().second - begin;
  // Where the disk is full, a mapped page would be an error too late.
  if (int code = ::posix_fallocate(file, begin, length))
    return failToWrite(code);
  memory =
      ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, begin);
  if (memory == MAP_FAILED)
    return failToWrite(errno);
  std::vector<std::string> names;
  for (size_t i = 0; i < ranges.size(); ++i)
    names.push_back("computed_" + std::to_string(i));
  std::vector<trine_tensor> outputs(ranges.size());
  for (auto [index, range] : llvm::enumerate(ranges)) {
    outputs[index] = {};
    outputs[index].name = names[index].c_str();
    outputs[index].data =
        static_cast<uint8_t *>(memory) + (range.first - begin);
    outputs[index].bytes = range.second;
  }
  if (trine_session_run(session, nullptr, 0, outputs.data(), outputs.size()))
    return failToRun();
  return success();
}

FailureOr<std::string>
mlir::trine::computeWeights(const PackageOptions &options, StringRef folder) {
  SmallString<256> result(folder), package(folder);
  path::append(result, "computed");
  path::append(package, "constants");
  MLIRContext *context = options.constants.front().planned.get().getContext();
  ComputedFile file(context, result);
  if (failed(file.open()))
    return failure();
  for (const ConstantProgram &constants : options.constants) {
    PackageOptions inner;
    inner.output = package.str();
    inner.modelFolder = options.modelFolder;
    inner.modelFile = options.modelFile;
    inner.allowHardLinks = options.allowHardLinks;
    inner.name = "constants";
    PackageReport written;
    if (failed(writePackage(constants.planned.get(), constants.program,
                            constants.host, inner, written)) ||
        failed(file.run(package, options.threads, constants.ranges)))
      return failure();
    fs::remove_directories(package);
  }
  return std::string(result);
}
