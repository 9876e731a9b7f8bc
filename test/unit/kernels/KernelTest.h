// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Runs the checked-in PTX of the skeleton kernels (compile_kernels.py wrote
/// it) on the simulator, with all checks on, in several modes of asynchrony,
/// schedule and rounding. The environment variable TRINE_KERNEL_PTX names
/// another folder of PTX: mutation tests use it.
#ifndef TRINE_TEST_UNIT_KERNELS_KERNELTEST_H
#define TRINE_TEST_UNIT_KERNELS_KERNELTEST_H

#include "device/sim/FloatFormat.h"
#include "trine/Runtime/KernelConfiguration.h"
#include "trine/Runtime/PTXSimulator.h"
#include "trine/Runtime/PTXTensorMap.h"
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace kerneltest {

using trine::kernels::Architecture;
using trine::kernels::Element;
using trine::kernels::Index;

inline trine::sim::FloatFormat format(Element element) {
  return element == Element::F32   ? trine::sim::FloatFormat::F32
         : element == Element::F16 ? trine::sim::FloatFormat::F16
                                   : trine::sim::FloatFormat::BF16;
}
/// Half a unit in the last place, relative.
inline double rounding(Element element) {
  return element == Element::F32   ? 0x1p-24
         : element == Element::F16 ? 0x1p-11
                                   : 0x1p-8;
}

/// Device memory of floats: written as doubles, rounded to its type.
class Floats {
public:
  Floats(trine::sim::Machine &machine, Element element, size_t count,
         const char *name);
  /// Uniform in [-1, 1), by seed; \p scale times that.
  Floats &randomise(unsigned seed, double scale = 1);
  /// Rows of \p pitch elements: those from \p columns on become NaN, as the
  /// contents of padding may be anything.
  Floats &spoilPadding(Index columns, Index pitch);
  void set(size_t i, double value);
  double get(size_t i) const;
  size_t size() const { return count; }
  uint64_t address() const { return reinterpret_cast<uint64_t>(memory); }
  Element element;

private:
  trine::sim::Machine *machine;
  /// What the host wrote, decoded: empty when it wrote nothing.
  std::vector<double> written;
  size_t count;
  uint8_t *memory;
};

/// Device memory of integers.
template <class T>
struct Integers {
  Integers(trine::sim::Machine &machine, std::vector<T> values,
           const char *name)
      : count(values.size()) {
    memory = static_cast<T *>(
        machine.allocate(values.size() * sizeof(T) + 1, name, true));
    std::memcpy(memory, values.data(), values.size() * sizeof(T));
    machine.markInitialised(memory, values.size() * sizeof(T));
  }
  /// Contents undefined until a kernel writes them.
  Integers(trine::sim::Machine &machine, size_t count, const char *name)
      : count(count) {
    memory =
        static_cast<T *>(machine.allocate(count * sizeof(T) + 1, name, true));
    std::memset(memory, 0x5A, count * sizeof(T));
  }
  uint64_t address() const { return reinterpret_cast<uint64_t>(memory); }
  T operator[](size_t i) const { return memory[i]; }
  size_t count;
  T *memory;
};

/// What a kernel gets: words, then tensor maps.
struct Arguments {
  std::vector<uint64_t> words;
  std::vector<trine::sim::TensorMap> maps;
};

/// A map of [batches, rows, columns] with boxes of boxRows by 64, 128-byte
/// swizzle; pitches in elements.
trine::sim::TensorMap mapOf(const Floats &data, Index batches, Index rows,
                            Index columns, Index pitch, Index stride,
                            unsigned boxRows);

struct LaunchShape {
  Index workgroups = 0;
  int threads = 0, sharedBytes = 0;
};

/// The modes that every case runs in.
std::vector<trine::sim::Options> modes();

/// Executes a kernel of FILE.sm_XX.ptx; empty when no check fired. 0 workgroups
/// are not launched.
std::string run(trine::sim::Machine &machine, const std::string &file,
                Architecture architecture, const std::string &kernel,
                const LaunchShape &shape, const Arguments &arguments,
                const trine::sim::Options &options);

/// The text of a kernel in the checked-in PTX, from .entry to its end.
std::string kernelText(const std::string &file, Architecture architecture,
                       const std::string &kernel);

/// Whether to test a kernel: TRINE_KERNEL_ONLY names the one that mutation
/// tests want.
bool selected(const std::string &kernel);
template <class Case>
std::vector<Case> keepSelected(std::vector<Case> all) {
  std::vector<Case> kept;
  for (const Case &test : all)
    if (selected(test.kernel))
      kept.push_back(test);
  return kept;
}

/// Empty, or how `got` misses `expected`.
std::string compare(const std::string &where, double got, double expected,
                    double tolerance);

inline const char *nameOf(Architecture architecture) {
  return architecture == Architecture::SM80 ? "sm_80" : "sm_90a";
}

} // namespace kerneltest

#endif
