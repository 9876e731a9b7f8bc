// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Assembler.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::trine;
using namespace mlir::trine::cuda;

namespace fs = llvm::sys::fs;

std::optional<Assembler> Assembler::find() {
  Assembler result;
  if (auto given = llvm::sys::Process::GetEnv("TRINE_PTXAS")) {
    if (!fs::can_execute(*given))
      return std::nullopt;
    result.program = *given;
    return result;
  }
  llvm::SmallVector<std::string> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (auto folder = llvm::sys::Process::GetEnv(variable))
      folders.push_back(*folder + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders)
    if (fs::can_execute(folder + "/ptxas")) {
      result.program = folder + "/ptxas";
      return result;
    }
  auto found = llvm::sys::findProgramByName("ptxas");
  if (!found)
    return std::nullopt;
  result.program = *found;
  return result;
}

/// The number before `what`, as "24 bytes spill stores"; 0 without one.
static int64_t numberBefore(llvm::StringRef text, llvm::StringRef what) {
  llvm::SmallVector<llvm::StringRef> groups;
  int64_t number = 0;
  if (llvm::Regex(("([0-9]+) " + what).str()).match(text, &groups))
    (void)groups[1].getAsInteger(10, number);
  return number;
}

std::optional<CUDAResources> Assembler::parse(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> groups;
  CUDAResources result;
  if (!llvm::Regex("Used ([0-9]+) registers").match(text, &groups) ||
      groups[1].getAsInteger(10, result.registers))
    return std::nullopt;
  result.sharedBytes = numberBefore(text, "bytes smem");
  result.stackBytes = numberBefore(text, "bytes stack frame");
  result.spillBytes = numberBefore(text, "bytes spill stores") +
                      numberBefore(text, "bytes spill loads");
  return result;
}

/// Runs ptxas: its words in `text`, its file in `code`.
llvm::Error Assembler::run(const std::string &ptx, llvm::StringRef name,
                           llvm::StringRef architecture, std::string &text,
                           std::string &code) const {
  llvm::SmallString<128> input, output, binary;
  int descriptor;
  auto fail = [&](llvm::StringRef why) {
    return llvm::createStringError(
        "'%s' refuses kernel '%s' for %s: %s", program.c_str(),
        name.str().c_str(), architecture.str().c_str(), why.str().c_str());
  };
  if (fs::createTemporaryFile("trine", "ptx", descriptor, input) ||
      fs::createTemporaryFile("trine", "txt", output) ||
      fs::createTemporaryFile("trine", "cubin", binary))
    // No test: no temporary folder.
    return fail("no temporary file can be made");
  llvm::FileRemover removeInput(input), removeOutput(output),
      removeBinary(binary);
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true) << ptx;
  std::string arch = ("-arch=" + architecture).str();
  std::optional<llvm::StringRef> redirects[] = {"", llvm::StringRef(output),
                                                llvm::StringRef(output)};
  int exit = llvm::sys::ExecuteAndWait(
      program, {program, "-v", "-O3", arch, input, "-o", binary}, std::nullopt,
      redirects);
  if (auto buffer = llvm::MemoryBuffer::getFile(output))
    text = (*buffer)->getBuffer().str();
  if (auto buffer =
          llvm::MemoryBuffer::getFile(binary, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false))
    code = (*buffer)->getBuffer().str();
  if (exit != 0 || !parse(text))
    return fail(llvm::StringRef(text).trim());
  return llvm::Error::success();
}

llvm::Expected<CUDAResources>
Assembler::measure(const std::string &ptx, llvm::StringRef name,
                   llvm::StringRef architecture,
                   const KernelCache &cache) const {
  // The same words for the same text by the same program.
  std::string key = KernelCache::key(ptx, architecture, "ptxas " + program);
  std::string text, code;
  if (cache.find(key, text))
    if (std::optional<CUDAResources> known = parse(text))
      return *known;
  if (llvm::Error error = run(ptx, name, architecture, text, code))
    return std::move(error);
  cache.store(key, text);
  return *parse(text);
}

llvm::Expected<std::string>
Assembler::assemble(const std::string &ptx, llvm::StringRef name,
                    llvm::StringRef architecture,
                    const KernelCache &cache) const {
  std::string key =
      KernelCache::key(ptx, architecture, "ptxas cubin " + program);
  std::string text, code;
  if (cache.find(key, code))
    return code;
  if (llvm::Error error = run(ptx, name, architecture, text, code))
    return std::move(error);
  cache.store(key, code);
  return code;
}
