// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ProgramRunner.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "trine/Pipelines/Registration.h"
#include "llvm/Support/FileSystem.h"

#include <cstring>
#include <dlfcn.h>

using namespace mlir;

struct Services {
  static ProgramRunner &self(void *context) {
    return *static_cast<ProgramRunner *>(context);
  }
  static int32_t arena(void *context, uint32_t, uint32_t, uint64_t bytes,
                       void **base) {
    auto block = std::make_unique<std::vector<char>>(bytes + 64, char(0x7f));
    auto address = reinterpret_cast<uintptr_t>(block->data());
    *base = reinterpret_cast<void *>((address + 63) / 64 * 64);
    self(context).arenas.push_back(std::move(block));
    return 0;
  }
  static int32_t output(void *context, uint32_t index, uint32_t rank,
                        const int64_t *sizes, void **data) {
    ProgramRunner &runner = self(context);
    if (runner.outputs.size() <= index)
      runner.outputs.resize(index + 1);
    Tensor &tensor = runner.outputs[index];
    tensor.sizes.assign(sizes, sizes + rank);
    size_t bytes = runner.outputElementBytes.at(index);
    for (int64_t size : tensor.sizes)
      bytes *= size;
    tensor.bytes.assign(bytes, char(0x7f));
    *data = tensor.bytes.data();
    return 0;
  }
  static int32_t launch(void *context, uint32_t, uint32_t, uint32_t kernel,
                        uint64_t workgroups, const uint64_t *arguments,
                        uint32_t count) {
    ProgramRunner &runner = self(context);
    if (kernel >= runner.program->kernel_count)
      return 7;
    const trine_program_kernel &entry = runner.program->kernels[kernel];
    runner.launched.push_back(entry.name);
    runner.workgroups.push_back(workgroups);
    std::vector<uint64_t> words(arguments, arguments + count);
    uint64_t step = runner.chunk ? runner.chunk : workgroups;
    // Backwards, since no order is promised.
    std::vector<uint64_t> begins;
    for (uint64_t begin = 0; begin < workgroups; begin += step)
      begins.push_back(begin);
    for (size_t at = begins.size(); at-- > 0;)
      entry.function(words.data(), begins[at],
                     std::min(begins[at] + step, workgroups));
    return 0;
  }
  static int32_t read(void *, uint32_t, uint32_t, const void *source,
                      void *host, uint64_t bytes) {
    std::memcpy(host, source, bytes);
    return 0;
  }
  static int32_t fail(void *context, const char *message) {
    self(context).failure = message;
    return 3;
  }
};

ProgramRunner::ProgramRunner() {
  DialectRegistry registry;
  trine::registerAllDialects(registry);
  context.appendDialectRegistry(registry);
}

ProgramRunner::~ProgramRunner() {
  if (library)
    dlclose(library);
}

bool ProgramRunner::compile(const std::string &text,
                            const trine::HostOptions &options) {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module || failed(trine::generateHostProgram(*module, options,
                                                   sharedObject, report)))
    return false;
  llvm::SmallString<128> path;
  int descriptor;
  if (llvm::sys::fs::createTemporaryFile("program", "so", descriptor, path))
    return false;
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream.write(sharedObject.data(), sharedObject.size());
  stream.close();
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    messages += dlerror();
  llvm::sys::fs::remove(path);
  if (!library)
    return false;
  query = reinterpret_cast<trine_program_query_function>(
      dlsym(library, TRINE_PROGRAM_QUERY_SYMBOL));
  if (query)
    program = query(TRINE_PROGRAM_ABI_VERSION);
  return program != nullptr;
}

int32_t ProgramRunner::run(const std::vector<Tensor> &inputs,
                           const std::vector<size_t> &elementBytes,
                           uint64_t chunkSize) {
  chunk = chunkSize;
  outputElementBytes = elementBytes;
  outputs.clear();
  launched.clear();
  workgroups.clear();
  arenas.clear();
  std::vector<trine_program_tensor> tensors;
  for (const Tensor &input : inputs) {
    trine_program_tensor tensor = {};
    tensor.data = input.bytes.data();
    std::copy(input.sizes.begin(), input.sizes.end(), tensor.sizes);
    tensors.push_back(tensor);
  }
  trine_program_services services = {TRINE_PROGRAM_ABI_VERSION,
                                     servicesBytes,
                                     Services::arena,
                                     Services::output,
                                     Services::launch,
                                     Services::read,
                                     Services::fail,
                                     /*prefetch_issue=*/nullptr,
                                     /*prefetch_await=*/nullptr,
                                     /*engram_hash=*/nullptr,
                                     /*prefetch_send=*/nullptr};
  trine_program_call call = {sizeof(trine_program_call),
                             static_cast<uint32_t>(tensors.size()),
                             this,
                             &services,
                             tensors.data(),
                             weights.data()};
  return program->run(&call);
}
