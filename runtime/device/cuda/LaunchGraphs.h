// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Launches of a stream that are sent together. A sequence of kernels that
/// comes again becomes a graph; from then on a step costs one call, and one
/// more for each kernel whose sizes or addresses changed: lengths that grow
/// change the few that read them.
#ifndef TRINE_RUNTIME_DEVICE_CUDA_LAUNCHGRAPHS_H
#define TRINE_RUNTIME_DEVICE_CUDA_LAUNCHGRAPHS_H

#include "Driver.h"
#include <vector>

namespace trine::runtime::cuda {

/// A kernel with its grid; its words are in a list of all.
struct PendingLaunch {
  uint32_t kernel = 0;
  Function function = nullptr;
  unsigned blocks = 1, threads = 1, sharedBytes = 0;
  size_t firstWord = 0;
  uint32_t wordCount = 0;
};

class LaunchGraphs {
public:
  explicit LaunchGraphs(const Driver &driver) : driver(driver) {}
  ~LaunchGraphs();
  LaunchGraphs(const LaunchGraphs &) = delete;
  LaunchGraphs &operator=(const LaunchGraphs &) = delete;

  /// Without graphs every launch is a call of its own.
  void setEnabled(bool enabled) { isEnabled = enabled; }

  /// Notes a launch; its words are copied.
  void add(PendingLaunch launch, const uint64_t *words);
  bool empty() const { return pending.empty(); }

  /// Sends what was noted to `stream`. `kernel` is the one that failed; none
  /// when a graph did.
  Result flush(Stream stream, const PendingLaunch *&kernel);
  /// Forgets what was noted.
  void drop();
  /// Gives all graphs back.
  void clear();

  /// Graphs that exist, and what was done with them: for tests and reports.
  struct Counts {
    uint64_t direct = 0, made = 0, replayed = 0, changed = 0;
  };
  const Counts &getCounts() const { return counts; }
  size_t size() const { return graphs.size(); }

  /// Most graphs that are kept; the one that was not used for longest goes.
  static constexpr size_t mostGraphs = 16;
  /// Shorter sequences are not worth a graph.
  static constexpr size_t leastLaunches = 4;

private:
  /// A sequence of kernels, and once it came again its graph, with the
  /// parameters that its nodes have.
  struct Entry {
    std::vector<PendingLaunch> launches;
    std::vector<uint64_t> words;
    std::vector<GraphNode> nodes;
    Graph graph = nullptr;
    GraphExec executable = nullptr;
    uint64_t lastUse = 0;
  };

  Result launchEach(Stream stream, const PendingLaunch *&kernel);
  Result build(Entry &entry);
  Result update(Entry &entry);
  void release(Entry &entry);
  /// The words of a launch as the driver takes them; valid until the next call.
  void **parametersOf(const PendingLaunch &launch);
  KernelNode nodeOf(const PendingLaunch &launch);

  const Driver &driver;
  bool isEnabled = true;
  std::vector<PendingLaunch> pending;
  std::vector<uint64_t> words;
  std::vector<void *> parameters;
  std::vector<Entry> graphs;
  uint64_t uses = 0;
  Counts counts;
};

} // namespace trine::runtime::cuda

#endif
