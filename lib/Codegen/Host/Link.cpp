// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostImpl.h"

#include "lld/Common/Driver.h"
#include "trine/Runtime/ProgramABI.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <map>
#include <mutex>
#include <set>

LLD_HAS_DRIVER(elf)

using namespace mlir::trine;
using namespace mlir::trine::host;

namespace {
/// A folder that vanishes with its contents.
struct TemporaryFolder {
  llvm::SmallString<128> path;
  ~TemporaryFolder() {
    if (!path.empty())
      llvm::sys::fs::remove_directories(path);
  }
  std::string file(const llvm::Twine &name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }
};
} // namespace

static llvm::Error writeFile(const std::string &path,
                             llvm::ArrayRef<char> bytes) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (code)
    return llvm::createStringError(code, "cannot write '%s': %s", path.c_str(),
                                   code.message().c_str());
  stream.write(bytes.data(), bytes.size());
  stream.close();
  if (stream.has_error()) {
    code = stream.error();
    stream.clear_error();
    return llvm::createStringError(code, "cannot write '%s': %s", path.c_str(),
                                   code.message().c_str());
  }
  return llvm::Error::success();
}

static llvm::Error runLinker(llvm::ArrayRef<std::string> arguments) {
  // The linker keeps global state.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  llvm::SmallVector<const char *> list;
  for (const std::string &argument : arguments)
    list.push_back(argument.c_str());
  std::string output, errors;
  llvm::raw_string_ostream outputStream(output), errorStream(errors);
  lld::Result result = lld::lldMain(list, outputStream, errorStream,
                                    {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return llvm::createStringError("the linker failed: %s",
                                   errorStream.str().c_str());
  return llvm::Error::success();
}

/// Functions that code generation and temporaries may call, by library.
static bool isFromC(llvm::StringRef name) {
  static const llvm::StringSet<> names = {"malloc", "free",   "aligned_alloc",
                                          "memcpy", "memset", "memmove",
                                          "memcmp", "bcmp",   "abort"};
  return names.contains(name);
}
static bool isFromMath(llvm::StringRef name) {
  static const llvm::StringSet<> names = {
      "acos", "acosh", "asin",      "asinh", "atan",   "atan2",     "atanh",
      "cbrt", "ceil",  "cos",       "cosh",  "erf",    "erfc",      "exp",
      "exp2", "exp10", "expm1",     "floor", "fma",    "fmax",      "fmin",
      "fmod", "log",   "log10",     "log1p", "log2",   "nearbyint", "pow",
      "rint", "round", "roundeven", "sin",   "sincos", "sinh",      "sqrt",
      "tan",  "tanh",  "tgamma",    "trunc"};
  return names.contains(name) ||
         (name.ends_with("f") && names.contains(name.drop_back()));
}

/// A shared object that defines `symbols` and calls itself `library`, so that
/// the program records its need of the real one.
static llvm::Error makeStub(const TemporaryFolder &folder,
                            const std::string &library,
                            const std::set<std::string> &symbols) {
  llvm::LLVMContext context;
  llvm::Module module("stub", context);
  llvm::IRBuilder<> builder(context);
  for (const std::string &symbol : symbols) {
    auto *function = llvm::Function::Create(
        llvm::FunctionType::get(builder.getVoidTy(), false),
        llvm::GlobalValue::ExternalLinkage, symbol, module);
    builder.SetInsertPoint(
        llvm::BasicBlock::Create(context, "entry", function));
    builder.CreateUnreachable();
  }
  Target baseline{"stub", "x86-64", "", 16, {}};
  auto machine = createMachine(baseline);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  auto object = emitObject(module, **machine, llvm::OptimizationLevel::O0);
  if (!object)
    return object.takeError();
  std::string path = folder.file(library + ".o");
  if (llvm::Error error = writeFile(path, *object))
    return error;
  return runLinker({"ld.lld", "-shared", "-soname", library, "-o",
                    folder.file(library), path});
}

llvm::Error host::linkProgram(llvm::ArrayRef<Object> objects,
                              llvm::SmallVectorImpl<char> &sharedObject) {
  TemporaryFolder folder;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("trine-link", folder.path)) {
    llvm::SmallString<128> parent;
    llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, parent);
    return llvm::createStringError(
        code, "cannot make a folder for temporary files in '%s': %s",
        parent.c_str(), code.message().c_str());
  }
  std::set<std::string> defined, needed;
  std::vector<std::string> arguments{"ld.lld",
                                     "-shared",
                                     "--gc-sections",
                                     "--build-id=none",
                                     "-z",
                                     "defs",
                                     "-z",
                                     "now",
                                     "-z",
                                     "noexecstack",
                                     "--hash-style=gnu",
                                     "--strip-all",
                                     "-soname",
                                     "program.so",
                                     "-o",
                                     folder.file("program.so")};
  std::string script = folder.file("exports");
  llvm::StringRef exported =
      "{ global: " TRINE_PROGRAM_QUERY_SYMBOL "; local: *; };\n";
  if (llvm::Error error =
          writeFile(script, llvm::ArrayRef(exported.data(), exported.size())))
    return error;
  arguments.push_back("--version-script=" + script);
  for (auto [index, object] : llvm::enumerate(objects)) {
    std::string path = folder.file("object" + std::to_string(index) + ".o");
    if (llvm::Error error = writeFile(path, object))
      return error;
    arguments.push_back(path);
    auto parsed =
        llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(
            llvm::StringRef(object.data(), object.size()), path));
    if (!parsed)
      return parsed.takeError();
    for (const llvm::object::SymbolRef &symbol : (*parsed)->symbols()) {
      auto name = symbol.getName();
      auto flags = symbol.getFlags();
      if (!name)
        return name.takeError();
      if (!flags)
        return flags.takeError();
      if (name->empty() || *name == "_GLOBAL_OFFSET_TABLE_")
        continue;
      ((*flags & llvm::object::SymbolRef::SF_Undefined) ? needed : defined)
          .insert(name->str());
    }
  }
  std::map<std::string, std::set<std::string>> libraries;
  for (const std::string &name : needed) {
    if (defined.count(name))
      continue;
    if (isFromC(name))
      libraries["libc.so.6"].insert(name);
    else if (isFromMath(name))
      libraries["libm.so.6"].insert(name);
    else
      return llvm::createStringError(
          "the program calls '%s', which is not a function of libc or libm",
          name.c_str());
  }
  for (auto &[library, symbols] : libraries) {
    if (llvm::Error error = makeStub(folder, library, symbols))
      return error;
    arguments.push_back(folder.file(library));
  }
  if (llvm::Error error = runLinker(arguments))
    return error;
  auto buffer = llvm::MemoryBuffer::getFile(folder.file("program.so"),
                                            /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read the linked program");
  sharedObject.assign((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
  return llvm::Error::success();
}
