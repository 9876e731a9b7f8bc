// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Package/Package.h"

#include "ComputedWeights.h"
#include "HashedFile.h"
#include "Manifest.h"
#include "TableFiles.h"
#include "TemporaryFolder.h"
#include "WeightsFile.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Runtime/PackageFormat.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <cstdio>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace mlir;
using namespace mlir::trine;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// Puts folder `from` where `to` is; what was there is removed. Readers see the
/// old folder or the new one. The folder must be empty or a package.
static llvm::Error replaceFolder(StringRef from, StringRef to) {
  auto fail = [&](std::error_code error) {
    return llvm::createStringError(error, "cannot write '%s': %s",
                                   to.str().c_str(), error.message().c_str());
  };
  std::string fromText = from.str(), toText = to.str();
  if (std::rename(fromText.c_str(), toText.c_str()) == 0)
    return llvm::Error::success();
  // rename does not replace a folder that has files; exchanging the two does,
  // and leaves the old one under the temporary name.
  constexpr unsigned exchange = 2; // RENAME_EXCHANGE
  if (syscall(SYS_renameat2, AT_FDCWD, fromText.c_str(), AT_FDCWD,
              toText.c_str(), exchange) == 0)
    return llvm::Error::success();
  // File systems without exchange: a short moment without a package.
  std::string aside = fromText + ".old";
  if (std::rename(toText.c_str(), aside.c_str()) != 0)
    return fail(std::error_code(errno, std::generic_category()));
  if (std::rename(fromText.c_str(), toText.c_str()) != 0) {
    std::error_code error(errno, std::generic_category());
    std::rename(aside.c_str(), toText.c_str());
    return fail(error);
  }
  fs::remove_directories(aside);
  return llvm::Error::success();
}

/// A folder that is neither empty nor a package is somebody's data.
static llvm::Error checkDestination(StringRef output) {
  if (!fs::exists(output))
    return llvm::Error::success();
  SmallString<256> manifest(output);
  path::append(manifest, TRINE_PACKAGE_MANIFEST);
  std::error_code error;
  bool empty =
      fs::is_directory(output) &&
      fs::directory_iterator(output, error) == fs::directory_iterator();
  if (empty || (fs::is_directory(output) && fs::exists(manifest)))
    return llvm::Error::success();
  return llvm::createStringError(
      std::make_error_code(std::errc::file_exists),
      "'%s' exists and is not a package; remove it or choose another path",
      output.str().c_str());
}

LogicalResult mlir::trine::writePackage(ModuleOp planned,
                                        ArrayRef<char> program,
                                        const HostReport &host,
                                        const PackageOptions &options,
                                        PackageReport &report) {
  Location loc = UnknownLoc::get(planned.getContext());
  auto fail = [&](llvm::Error error) -> LogicalResult {
    return emitError(loc) << llvm::toString(std::move(error));
  };
  SmallString<256> output(StringRef(options.output).rtrim('/'));
  if (output.empty())
    return emitError(loc) << "the package needs a path";
  // The temporary folder must be beside the package to be renamed.
  fs::make_absolute(output);
  if (llvm::Error error = checkDestination(output))
    return fail(std::move(error));

  auto temporary = TemporaryFolder::create(output);
  if (!temporary)
    return emitError(loc) << "cannot write '" << options.output
                          << "': " << llvm::toString(temporary.takeError());
  SmallString<256> folder((*temporary)->getPath());

  SmallVector<PackagedFile> files;
  auto write = [&](StringRef name, auto body) -> LogicalResult {
    SmallString<256> filePath(folder);
    path::append(filePath, name);
    auto file = HashedFile::create(filePath);
    if (!file)
      return fail(file.takeError());
    if (failed(body(**file)))
      return failure();
    llvm::Expected<std::string> hash = (*file)->finish();
    if (!hash)
      return fail(hash.takeError());
    files.push_back({name.str(), (*file)->size(), *hash});
    return success();
  };

  ModelFolder modelFolder(options.modelFolder, options.allowHardLinks,
                          options.modelFile);
  SmallString<256> computed;
  if (!options.constants.empty()) {
    FailureOr<std::string> file = computeWeights(options, folder);
    if (failed(file))
      return failure();
    computed = *file;
    modelFolder.addFile(plan::ConstantProgramOp::kFile, computed);
  }
  uint64_t dataOffset = 0;
  if (failed(write(TRINE_PACKAGE_PROGRAM,
                   [&](HashedFile &file) {
                     file.write(StringRef(program.data(), program.size()));
                     return success();
                   })) ||
      failed(write(TRINE_PACKAGE_WEIGHTS, [&](HashedFile &file) {
        return writeWeights(planned, modelFolder, file, dataOffset);
      })))
    return failure();
  if (options.cuda) {
    SmallString<256> kernels(folder);
    path::append(kernels, TRINE_PACKAGE_KERNELS);
    if (std::error_code error = fs::create_directory(kernels))
      return emitError(loc)
             << "cannot write '" << options.output << "': " << error.message();
    for (const CUDAKernel &kernel : options.cuda->kernels) {
      auto writeText = [&](const std::string &suffix, StringRef text) {
        return write(TRINE_PACKAGE_KERNELS "/" + kernel.name + suffix,
                     [&](HashedFile &file) {
                       file.write(text);
                       return success();
                     });
      };
      if (failed(writeText(".cu", kernel.source)))
        return failure();
      for (auto [architecture, ptx] :
           llvm::zip(options.cuda->architectures, kernel.ptx))
        if (failed(writeText("." + architecture + ".ptx", ptx)))
          return failure();
      for (auto [index, cubin] : llvm::enumerate(kernel.cubins))
        if (failed(writeText(
                "." + options.cuda->architectures[index] + ".cubin", cubin)))
          return failure();
    }
  }
  FailureOr<llvm::json::Array> tables = writeTables(
      planned, modelFolder, folder,
      options.referenceTables ? std::optional<StringRef>(options.modelFolder)
                              : std::nullopt);
  if (failed(tables))
    return failure();
  if (!computed.empty())
    fs::remove(computed);
  FailureOr<llvm::json::Value> manifest = makeManifest(
      planned, host, options, files, dataOffset, std::move(*tables));
  if (failed(manifest))
    return failure();
  report.programBytes = files[0].bytes;
  report.weightBytes = files[1].bytes;
  if (failed(write(TRINE_PACKAGE_MANIFEST, [&](HashedFile &file) {
        file.write(StringRef(llvm::formatv("{0:2}\n", *manifest).str()));
        return success();
      })))
    return failure();

  fs::setPermissions(folder, fs::perms(0755));
  if (llvm::Error error = replaceFolder(folder, output))
    return fail(std::move(error));
  return success();
}
