/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/// A PTX device on the CPU: loads PTX text, executes its kernels with warps in
/// lock step, and checks what they do.
///
///   std::vector<trine::sim::Diagnostic> errors;
///   auto module = trine::sim::Module::load(text, "kernels.ptx", errors);
///   trine::sim::Machine machine;
///   float *x = static_cast<float *>(machine.allocate(4096, "x"));
///   int n = 1024;
///   const void *arguments[] = {&x, &n};
///   trine::sim::Launch launch;
///   launch.grid = {8, 1, 1};
///   launch.block = {128, 1, 1};
///   trine::sim::Result result = machine.launch(*module, "scale", launch,
///   arguments, 2); if (result.status != trine::sim::Status::Ok)
///     puts(result.text().c_str());
///
/// Device addresses are host addresses: memory from allocate() and memory named
/// by registerHost() can be read and written by the host between launches. No
/// exceptions are thrown, and no PTX text makes the library crash or hang. What
/// is modelled and checked: docs/simulator.md.
#ifndef TRINE_RUNTIME_PTXSIMULATOR_H
#define TRINE_RUNTIME_PTXSIMULATOR_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trine::sim {

/// One problem of a PTX text.
struct Diagnostic {
  std::string file;
  unsigned line = 0;
  std::string message;
  /// The source line.
  std::string text;
  /// "file:line: message\n  text".
  std::string str() const;
};

/// A parameter of a kernel: where it lies in the parameter buffer.
struct Parameter {
  std::string name;
  uint32_t bytes = 0;
  uint32_t alignment = 1;
  uint32_t offset = 0;
};

/// What a module says about one kernel.
struct KernelInfo {
  std::string name;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  uint32_t staticSharedBytes = 0;
  bool usesDynamicShared = false;
  /// .reqntid, .maxntid, .reqnctapercluster; zeros when absent.
  std::array<uint32_t, 3> requiredBlock{};
  std::array<uint32_t, 3> maximumBlock{};
  std::array<uint32_t, 3> requiredCluster{};
  /// Decoded instructions, device functions included.
  uint32_t instructions = 0;
  /// Distinct virtual registers.
  uint32_t registers = 0;
};

struct ModuleContents;

/// A loaded PTX text: decoded kernels, and the storage of its .global and
/// .const variables (at fixed addresses).
class Module {
public:
  /// Parses and decodes \p text. On failure returns null, and \p errors holds
  /// every problem found. \p name stands for the file.
  static std::shared_ptr<Module> load(std::string_view text,
                                      std::string_view name,
                                      std::vector<Diagnostic> &errors);
  ~Module();

  std::vector<KernelInfo> kernels() const;
  /// Address of a .global or .const variable and its size; null when there is
  /// none of that name.
  void *variable(std::string_view name, size_t *bytes = nullptr) const;
  const ModuleContents &contents() const { return *held; }

private:
  Module();
  std::unique_ptr<ModuleContents> held;
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

/// When asynchronous copies move their data.
enum class AsyncPolicy : uint8_t {
  /// At once.
  Early,
  /// As late as the rules allow: when a wait forces it. Their destinations read
  /// as uninitialised until then.
  Late,
  /// Either, by seed.
  Random
};

/// Checks, each selectable. Bounds are always checked: an access outside memory
/// is never made.
struct Checks {
  bool alignment = true;
  /// Registers, local and shared memory, and allocations made with
  /// trackInitialised.
  bool uninitialised = true;
  /// Shared memory: happens-before over barriers, mbarriers, bar.warp.sync and
  /// proxy fences; missing waits.
  bool races = true;
  /// Barrier misuse.
  bool barriers = true;
  static Checks all() { return {}; }
  static Checks none() { return {false, false, false, false}; }
};

/// How products are accumulated by mma and wgmma.
enum class MatrixMode : uint8_t { Exact, Slices, Truncate };

struct Options {
  Checks checks;
  AsyncPolicy async = AsyncPolicy::Late;
  uint64_t seed = 1;
  /// Host threads; 0: as many as the host has cores.
  unsigned threads = 0;
  /// CTAs (or clusters) that one host thread keeps alive and runs in turns.
  unsigned residentCtas = 8;
  /// Warp instructions that one CTA may execute.
  uint64_t stepLimit = 1ull << 30;
  /// Reports kept; equal ones (kind, instruction) are kept once per launch.
  unsigned reportLimit = 64;
  /// Ends the launch at the first report.
  bool stopAtFirstReport = false;
  /// Warps and fragments are chosen at random by seed, warps switch after
  /// random numbers of instructions, try_wait may fail spuriously.
  bool randomSchedule = false;
  /// Approximate instructions (ex2.approx and the like) give results at the
  /// edge of what they promise.
  bool perturbApproximations = false;
  MatrixMode matrix = MatrixMode::Exact;
};

enum class Status : uint8_t {
  Ok,
  /// The launch was not possible (no such kernel, sizes out of range); message
  /// says why.
  InvalidLaunch,
  /// At least one check fired.
  Reported,
  Deadlock,
  StepLimit,
  /// trap or a failed device assertion.
  Trap
};

enum class ReportKind : uint8_t {
  OutOfBounds,
  Misaligned,
  Uninitialised,
  Race,
  BarrierMisuse,
  MissingWait,
  Deadlock,
  StepLimit,
  Trap,
  Divergence,
  InvalidOperand
};

/// One finding.
struct Report {
  ReportKind kind = ReportKind::OutOfBounds;
  std::string kernel;
  /// Line of the PTX text and the line itself; source is "file:line" of the
  /// .loc in force, or empty.
  unsigned line = 0;
  std::string text;
  std::string source;
  Dim3 cta{0, 0, 0};
  Dim3 thread{0, 0, 0};
  uint64_t address = 0;
  std::string message;
  std::string str() const;
};

struct Statistics {
  uint64_t warpInstructions = 0;
  uint64_t threadInstructions = 0;
  uint64_t ctas = 0;
  double seconds = 0;
};

struct Result {
  Status status = Status::Ok;
  std::string message;
  std::vector<Report> reports;
  /// Reports that were not kept, repeats included.
  uint64_t reportsDropped = 0;
  Statistics statistics;
  /// What vprintf wrote.
  std::string output;
  /// Status and all reports, for people.
  std::string text() const;
};

struct Launch {
  Dim3 grid;
  Dim3 block;
  Dim3 cluster;
  uint32_t dynamicSharedBytes = 0;
  Options options;
};

class MemoryRegistry;

/// Memory and execution. Launches of one machine must not overlap; different
/// machines are independent.
class Machine {
public:
  Machine();
  ~Machine();
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  /// Device memory, 512-byte aligned, with guard space around it; null when the
  /// host has none left. With \p trackInitialised each byte is uninitialised
  /// until a kernel or markInitialised() writes it. \p name stands in reports.
  void *allocate(size_t bytes, std::string_view name = {},
                 bool trackInitialised = false);
  /// Ends an allocation or a registration. False when \p address begins
  /// neither.
  bool free(void *address);
  /// Makes host memory visible to kernels. False when it overlaps other memory.
  bool registerHost(void *address, size_t bytes, std::string_view name = {},
                    bool writable = true);
  void markInitialised(void *address, size_t bytes);

  /// Runs a kernel and waits for its end. \p arguments points to one value per
  /// parameter.
  Result launch(const Module &module, std::string_view kernel,
                const Launch &launch, const void *const *arguments,
                size_t count);
  /// The same, with the parameters laid out as KernelInfo says.
  Result launch(const Module &module, std::string_view kernel,
                const Launch &launch, const void *parameters, uint32_t bytes);

private:
  std::unique_ptr<MemoryRegistry> memory;
};

} // namespace trine::sim

#endif // TRINE_RUNTIME_PTXSIMULATOR_H
