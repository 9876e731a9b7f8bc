// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "NVRTC.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace mlir::trine::cuda;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static const KernelHeader kHeaders[] = {
#include "KernelHeaders.inc"
};

llvm::ArrayRef<KernelHeader> mlir::trine::cuda::kernelHeaders() {
  return kHeaders;
}

/// Folders of a Python's packages: NVIDIA's wheels lie there.
static void addPythonFolders(llvm::StringRef prefix,
                             std::vector<std::string> &folders) {
  std::error_code error;
  for (fs::directory_iterator entry(prefix + "/lib", error), end;
       !error && entry != end; entry.increment(error))
    if (path::filename(entry->path()).starts_with("python3"))
      for (const char *packages : {"/site-packages", "/dist-packages"})
        for (const char *wheel : {"/nvidia/cu13/lib", "/nvidia/cuda_nvrtc/lib"})
          folders.push_back(entry->path() + packages + wheel);
}

std::vector<std::string> mlir::trine::cuda::nvrtcCandidates() {
  static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12",
                                      "libnvrtc.so"};
  // Names alone are looked for where the system's linker looks.
  std::vector<std::string> candidates(std::begin(names), std::end(names));
  std::vector<std::string> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (auto root = llvm::sys::Process::GetEnv(variable))
      for (const char *folder : {"/lib64", "/lib"})
        folders.push_back(*root + folder);
  for (const char *folder : {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"})
    folders.push_back(folder);
  if (auto root = llvm::sys::Process::GetEnv("VIRTUAL_ENV"))
    addPythonFolders(*root, folders);
  if (auto home = llvm::sys::Process::GetEnv("HOME"))
    addPythonFolders(*home + "/.local", folders);
  addPythonFolders("/usr/local", folders);
  addPythonFolders("/usr", folders);
  for (const std::string &folder : folders)
    for (const char *name : names)
      candidates.push_back(folder + "/" + name);
  return candidates;
}

template <typename Function>
static bool bind(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

/// What is wrong with a library that was opened; empty for nothing.
std::string NVRTC::bindAll(void *library, const std::string &path) {
  int (*getVersion)(int *, int *) = nullptr;
  const char *missing = nullptr;
  auto need = [&](const char *name, auto &function) {
    if (!bind(library, name, function) && !missing)
      missing = name;
  };
  need("nvrtcVersion", getVersion);
  need("nvrtcCreateProgram", createProgram);
  need("nvrtcCompileProgram", compileProgram);
  need("nvrtcGetPTXSize", getPTXSize);
  need("nvrtcGetPTX", getPTX);
  need("nvrtcGetCUBINSize", getCUBINSize);
  need("nvrtcGetCUBIN", getCUBIN);
  need("nvrtcGetProgramLogSize", getLogSize);
  need("nvrtcGetProgramLog", getLog);
  need("nvrtcDestroyProgram", destroyProgram);
  need("nvrtcGetErrorString", getErrorString);
  if (missing)
    return "'" + path + "' is no NVRTC: it lacks '" + missing + "'";
  int major = 0, minor = 0;
  bool isKnown = getVersion(&major, &minor) == 0;
  version = std::to_string(major) + "." + std::to_string(minor);
  if (!isKnown || major < 12)
    return "NVRTC must be of CUDA 12 or newer, got " + version + " in '" +
           path + "'";
  return "";
}

llvm::Expected<NVRTC> NVRTC::open(llvm::StringRef given) {
  if (!given.empty())
    return open(std::vector<std::string>{given.str()});
  if (auto variable = llvm::sys::Process::GetEnv("TRINE_NVRTC"))
    return open(std::vector<std::string>{*variable});
  return open(nvrtcCandidates());
}

llvm::Expected<NVRTC> NVRTC::open(const std::vector<std::string> &candidates) {
  std::string tried, problems;
  for (const std::string &candidate : candidates) {
    tried += (tried.empty() ? "" : ", ") + candidate;
    void *library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      continue;
    NVRTC result;
    std::string problem = result.bindAll(library, candidate);
    if (problem.empty())
      return result;
    // An old toolkit of the system may hide a newer one.
    dlclose(library);
    problems += (problems.empty() ? "" : "; ") + problem;
  }
  if (!problems.empty())
    return llvm::createStringError("%s", problems.c_str());
  return llvm::createStringError(
      "NVRTC, which compiles CUDA kernels, was not found. Install the CUDA "
      "toolkit or the Python package nvidia-cuda-nvrtc, or set TRINE_NVRTC "
      "to the library. Tried: %s",
      tried.c_str());
}

std::vector<std::string> NVRTC::optionsFor(llvm::StringRef architecture) {
  // No contraction: rounding is part of a model's result. What may be fused is
  // written as fma.
  return {"--gpu-architecture=compute_" + architecture.substr(3).str(),
          "--std=c++20", "-default-device", "--fmad=false", "-lineinfo"};
}

llvm::Expected<std::string> NVRTC::compile(llvm::StringRef source,
                                           llvm::StringRef name,
                                           llvm::StringRef architecture) const {
  return make(source, name, architecture, /*assembled=*/false);
}

llvm::Expected<std::string>
NVRTC::assemble(llvm::StringRef source, llvm::StringRef name,
                llvm::StringRef architecture) const {
  return make(source, name, architecture, /*assembled=*/true);
}

llvm::Expected<std::string> NVRTC::make(llvm::StringRef source,
                                        llvm::StringRef name,
                                        llvm::StringRef architecture,
                                        bool assembled) const {
  std::vector<const char *> headerNames, headerTexts, options;
  for (const KernelHeader &header : kernelHeaders()) {
    headerNames.push_back(header.name);
    headerTexts.push_back(header.text);
  }
  std::vector<std::string> texts = optionsFor(architecture);
  // A real architecture in place of a virtual one.
  if (assembled)
    texts[0] = "--gpu-architecture=" + architecture.str();
  for (const std::string &text : texts)
    options.push_back(text.c_str());
  // An absolute name: to others NVRTC adds the current folder, and the PTX
  // would depend on it.
  std::string sourceText = source.str(),
              fileName = "/kernels/" + name.str() + ".cu";
  Program program = nullptr;
  int code = createProgram(&program, sourceText.c_str(), fileName.c_str(),
                           static_cast<int>(headerNames.size()),
                           headerTexts.data(), headerNames.data());
  auto fail = [&](const std::string &log) {
    return llvm::createStringError(
        "kernel '%s' does not compile for %s: %s%s%s", name.str().c_str(),
        architecture.str().c_str(), getErrorString(code),
        log.empty() ? "" : "\n", log.c_str());
  };
  if (code != 0)
    return fail("");
  llvm::scope_exit destroy([&] { destroyProgram(&program); });
  code =
      compileProgram(program, static_cast<int>(options.size()), options.data());
  if (code != 0) {
    size_t size = 0;
    std::string log;
    if (getLogSize(program, &size) == 0 && size > 1) {
      log.resize(size);
      getLog(program, log.data());
      log.resize(log.find('\0') == std::string::npos ? size : log.find('\0'));
    }
    return fail(log);
  }
  size_t size = 0;
  code = assembled ? getCUBINSize(program, &size) : getPTXSize(program, &size);
  std::string ptx(size, '\0');
  if (code == 0)
    code =
        assembled ? getCUBIN(program, ptx.data()) : getPTX(program, ptx.data());
  if (code != 0)
    return fail("");
  while (!assembled && !ptx.empty() && ptx.back() == '\0')
    ptx.pop_back();
  return ptx;
}

std::string KernelCache::key(llvm::StringRef source,
                             llvm::StringRef architecture,
                             llvm::StringRef nvrtcVersion) {
  llvm::SHA256 hash;
  auto add = [&](llvm::StringRef text) {
    hash.update(text);
    hash.update(llvm::StringRef("\0", 1));
  };
  add(source);
  for (const KernelHeader &header : kernelHeaders()) {
    add(header.name);
    add(header.text);
  }
  for (const std::string &option : NVRTC::optionsFor(architecture))
    add(option);
  add(nvrtcVersion);
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

bool KernelCache::find(llvm::StringRef key, std::string &ptx) const {
  if (folder.empty())
    return false;
  auto buffer = llvm::MemoryBuffer::getFile(folder + "/" + key + ".ptx");
  if (!buffer)
    return false;
  ptx = (*buffer)->getBuffer().str();
  return true;
}

void KernelCache::store(llvm::StringRef key, llvm::StringRef ptx) const {
  if (folder.empty() || fs::create_directories(folder))
    return;
  // LLVM's own function would take '%' in the path for a digit to choose.
  std::string temporary = folder + "/" + key.str() + ".XXXXXX";
  int descriptor = ::mkstemp(temporary.data());
  if (descriptor < 0)
    return;
  bool written;
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << ptx;
    stream.flush();
    written = !stream.has_error();
    stream.clear_error();
  }
  if (!written || fs::rename(temporary, folder + "/" + key + ".ptx"))
    fs::remove(temporary);
}
