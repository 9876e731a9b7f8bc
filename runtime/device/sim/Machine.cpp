// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The library's surface: modules, memory, launches.
#include "Cta.h"
#include "Parser.h"
#include "core/Thread.h"
#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

using namespace trine::sim;

Module::Module() : held(std::make_unique<ModuleContents>()) {}
Module::~Module() = default;

std::shared_ptr<Module> Module::load(std::string_view text,
                                     std::string_view name,
                                     std::vector<Diagnostic> &errors) {
  std::shared_ptr<Module> module(new Module());
  module->held->name = name;
  DiagnosticSink sink(text, name, errors);
  ModuleSyntax syntax = parseModule(text, sink);
  if (!sink.any())
    decodeModule(syntax, *module->held, sink);
  if (sink.any())
    return nullptr;
  unsigned count = unsigned(std::count(text.begin(), text.end(), '\n')) + 1;
  for (unsigned line = 1; line <= count; ++line)
    module->held->lines.push_back(sink.lineText(line));
  return module;
}

std::vector<KernelInfo> Module::kernels() const {
  std::vector<KernelInfo> all;
  for (const Kernel &kernel : held->kernels)
    all.push_back(kernel.info);
  return all;
}

void *Module::variable(std::string_view name, size_t *bytes) const {
  for (const ModuleVariable &variable : held->variables)
    if (variable.name == name && variable.address) {
      if (bytes)
        *bytes = size_t(variable.bytes);
      return variable.address;
    }
  return nullptr;
}

Machine::Machine() : memory(std::make_unique<MemoryRegistry>()) {}
Machine::~Machine() = default;

void *Machine::allocate(size_t bytes, std::string_view name,
                        bool trackInitialised) {
  return memory->allocate(bytes, name, trackInitialised);
}
bool Machine::free(void *address) { return memory->release(address); }
bool Machine::registerHost(void *address, size_t bytes, std::string_view name,
                           bool writable) {
  return memory->add(address, bytes, name, writable);
}
void Machine::markInitialised(void *address, size_t bytes) {
  memory->markDefined(address, bytes);
}

namespace {

Result invalid(std::string message) {
  Result result;
  result.status = Status::InvalidLaunch;
  result.message = std::move(message);
  return result;
}

const Kernel *findKernel(const Module &module, std::string_view name) {
  for (const Kernel &kernel : module.contents().kernels)
    if (kernel.info.name == name)
      return &kernel;
  return nullptr;
}

std::string describe(Status status) {
  switch (status) {
  case Status::Ok:
    return "ok";
  case Status::InvalidLaunch:
    return "invalid launch";
  case Status::Reported:
    return "checks fired";
  case Status::Deadlock:
    return "deadlock";
  case Status::StepLimit:
    return "the limit of instructions was reached";
  case Status::Trap:
    return "a trap was executed";
  }
  return "";
}

std::string checkLaunch(const Kernel &kernel, const Launch &launch) {
  auto product = [](Dim3 dim) { return uint64_t(dim.x) * dim.y * dim.z; };
  auto str = [](Dim3 dim) {
    return std::to_string(dim.x) + " x " + std::to_string(dim.y) + " x " +
           std::to_string(dim.z);
  };
  const Dim3 &block = launch.block, &grid = launch.grid,
             &cluster = launch.cluster;
  if (block.x == 0 || block.y == 0 || block.z == 0 || block.x > 1024 ||
      block.y > 1024 || block.z > 64 || product(block) > 1024)
    return "a block must have 1 to 1024 threads, got " + str(block);
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff ||
      grid.y > 65535 || grid.z > 65535)
    return "a grid must have 1 to 2147483647 x 65535 x 65535 blocks, got " +
           str(grid);
  if (product(cluster) == 0 || product(cluster) > 16 || grid.x % cluster.x ||
      grid.y % cluster.y || grid.z % cluster.z)
    return "a cluster must have 1 to 16 blocks and divide the grid, got " +
           str(cluster) + " for a grid of " + str(grid);
  const KernelInfo &info = kernel.info;
  if (info.requiredBlock[0] &&
      (info.requiredBlock[0] != block.x || info.requiredBlock[1] != block.y ||
       info.requiredBlock[2] != block.z))
    return "'" + info.name + "' requires blocks of " +
           str({info.requiredBlock[0], info.requiredBlock[1],
                info.requiredBlock[2]}) +
           ", got " + str(block);
  if (info.maximumBlock[0] && product(block) > uint64_t(info.maximumBlock[0]) *
                                                   info.maximumBlock[1] *
                                                   info.maximumBlock[2])
    return "'" + info.name + "' allows at most " +
           str({info.maximumBlock[0], info.maximumBlock[1],
                info.maximumBlock[2]}) +
           " threads, got " + str(block);
  if (info.requiredCluster[0] && (info.requiredCluster[0] != cluster.x ||
                                  info.requiredCluster[1] != cluster.y ||
                                  info.requiredCluster[2] != cluster.z))
    return "'" + info.name + "' requires clusters of " +
           str({info.requiredCluster[0], info.requiredCluster[1],
                info.requiredCluster[2]}) +
           ", got " + str(cluster);
  uint64_t sharedBytes =
      uint64_t(info.staticSharedBytes) + launch.dynamicSharedBytes;
  if (sharedBytes > 227 * 1024)
    return "'" + info.name + "' would use " + std::to_string(sharedBytes) +
           " bytes of shared memory; there are " + std::to_string(227 * 1024);
  return {};
}

/// Takes clusters one by one; each host thread keeps a few alive and runs them
/// in turns.
class Worker {
public:
  Worker(LaunchContext &context, std::atomic<uint64_t> &next, uint64_t count)
      : context(context), next(next), count(count) {}
  void run() {
    std::deque<std::unique_ptr<Cluster>> alive;
    while (!context.stop.load(std::memory_order_relaxed)) {
      if (alive.empty() && !start(alive))
        break;
      std::unique_ptr<Cluster> cluster = std::move(alive.front());
      alive.pop_front();
      bool ended = cluster->run(1u << 20);
      if (ended) {
        finish(*cluster);
        continue;
      }
      alive.push_back(std::move(cluster));
      if (alive.size() < std::max(context.launch.options.residentCtas, 1u))
        start(alive);
    }
    for (auto &cluster : alive)
      finish(*cluster);
  }

private:
  bool start(std::deque<std::unique_ptr<Cluster>> &alive) {
    uint64_t number = next.fetch_add(1);
    if (number >= count)
      return false;
    const Launch &launch = context.launch;
    uint64_t nx = launch.grid.x / launch.cluster.x,
             ny = launch.grid.y / launch.cluster.y;
    Dim3 first{uint32_t(number % nx) * launch.cluster.x,
               uint32_t(number / nx % ny) * launch.cluster.y,
               uint32_t(number / nx / ny) * launch.cluster.z};
    alive.push_front(
        std::make_unique<Cluster>(context, first, launch.cluster, number));
    return true;
  }
  void finish(Cluster &cluster) {
    uint64_t warpInstructions = 0, threadInstructions = 0;
    for (auto &cta : cluster.ctas) {
      ++context.ctas;
      for (auto &warp : cta->warps) {
        warpInstructions += warp->instructions;
        threadInstructions += warp->threadInstructions;
      }
    }
    context.warpInstructions += warpInstructions;
    context.threadInstructions += threadInstructions;
  }

  LaunchContext &context;
  std::atomic<uint64_t> &next;
  uint64_t count;
};

} // namespace

Result Machine::launch(const Module &module, std::string_view name,
                       const Launch &launch, const void *const *arguments,
                       size_t count) {
  const Kernel *kernel = findKernel(module, name);
  if (!kernel)
    return invalid("the module has no kernel '" + std::string(name) + "'");
  if (kernel->info.parameters.size() != count)
    return invalid("'" + kernel->info.name + "' has " +
                   std::to_string(kernel->info.parameters.size()) +
                   " parameters, got " + std::to_string(count));
  std::vector<uint8_t> buffer(kernel->info.parameterBytes);
  for (size_t i = 0; i < count; ++i)
    std::memcpy(buffer.data() + kernel->info.parameters[i].offset, arguments[i],
                kernel->info.parameters[i].bytes);
  return this->launch(module, name, launch, buffer.data(),
                      uint32_t(buffer.size()));
}

Result Machine::launch(const Module &module, std::string_view name,
                       const Launch &launch, const void *parameters,
                       uint32_t bytes) {
  const Kernel *kernel = findKernel(module, name);
  if (!kernel)
    return invalid("the module has no kernel '" + std::string(name) + "'");
  if (bytes != kernel->info.parameterBytes)
    return invalid("'" + kernel->info.name + "' has " +
                   std::to_string(kernel->info.parameterBytes) +
                   " bytes of parameters, got " + std::to_string(bytes));
  std::string problem = checkLaunch(*kernel, launch);
  if (!problem.empty())
    return invalid(std::move(problem));

  // The module's variables are memory for the time of the launch.
  for (const ModuleVariable &variable : module.contents().variables)
    if (variable.address && variable.bytes)
      memory->add(variable.address, variable.bytes, variable.name,
                  !variable.isConst);

  LaunchContext context(module.contents(), *kernel, *memory, launch);
  // Tensor maps want 64 bytes of alignment; parameters are addressed by offset,
  // so any storage does.
  context.parameters.assign(static_cast<const uint8_t *>(parameters),
                            static_cast<const uint8_t *>(parameters) + bytes);
  auto begin = std::chrono::steady_clock::now();
  uint64_t clusters = uint64_t(launch.grid.x / launch.cluster.x) *
                      (launch.grid.y / launch.cluster.y) *
                      (launch.grid.z / launch.cluster.z);
  std::atomic<uint64_t> next{0};
  unsigned threads = launch.options.threads
                         ? launch.options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  threads = unsigned(std::min<uint64_t>(threads, clusters));
  // With fewer of them, or none, the same work takes longer.
  std::vector<runtime::Thread> helpers(threads - 1);
  for (runtime::Thread &helper : helpers)
    if (helper.start([&] { Worker(context, next, clusters).run(); }))
      break;
  Worker(context, next, clusters).run();
  for (runtime::Thread &helper : helpers)
    helper.join();

  for (const ModuleVariable &variable : module.contents().variables)
    if (variable.address && variable.bytes)
      memory->release(variable.address);
  Result result = std::move(context.result);
  result.message = describe(result.status);
  result.statistics.warpInstructions = context.warpInstructions;
  result.statistics.threadInstructions = context.threadInstructions;
  result.statistics.ctas = context.ctas;
  result.statistics.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return result;
}
