// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Launches of a stream that are sent together. A sequence of kernels that
/// comes again becomes a graph; from then on a step costs one call, and one
/// more for each kernel whose sizes or addresses changed: lengths that grow
/// change the few that read them.
#ifndef TRINE_RUNTIME_DEVICE_CUDA_LAUNCHGRAPHS_H
#define TRINE_RUNTIME_DEVICE_CUDA_LAUNCHGRAPHS_H

#include "TensorMapEncoder.h"
#include <vector>

namespace trine::runtime::cuda {

/// A kernel with its grid; its words are in a list of all. Its tensor maps
/// follow from its words.
struct PendingLaunch {
  uint32_t kernel = 0;
  Function function = nullptr;
  unsigned blocks = 1, threads = 1, sharedBytes = 0;
  size_t firstWord = 0;
  uint32_t wordCount = 0;
  const std::vector<TensorMapRecord> *maps = nullptr;
};

class LaunchGraphs {
public:
  explicit LaunchGraphs(const Driver &driver)
      : driver(driver), encoder(driver) {}
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
  /// Sends one launch with these words at once.
  Result launch(const PendingLaunch &launch, const uint64_t *words,
                Stream stream);
  /// Why the tensor maps of a launch that failed could not be made; empty when
  /// it failed for another reason.
  const std::string &getMapProblem() const { return mapProblem; }
  /// Forgets what was noted.
  void drop();
  /// Gives all graphs back.
  void clear();

  /// Graphs that exist, and what was done with them: for tests and reports.
  struct Counts {
    uint64_t direct = 0, made = 0, replayed = 0, changed = 0;
  };
  const Counts &getCounts() const { return counts; }
  const TensorMapEncoder::Counts &getMapCounts() const {
    return encoder.getCounts();
  }
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
  Result build(Entry &entry, const PendingLaunch *&kernel);
  Result update(Entry &entry, const PendingLaunch *&kernel);
  void release(Entry &entry);
  /// Words and maps of a launch as the driver takes them, in `parameters`;
  /// valid until the next call. False: see getMapProblem().
  bool setParameters(const PendingLaunch &launch, const uint64_t *words);
  /// The node of a launch that waits. False: see getMapProblem().
  bool makeNode(const PendingLaunch &launch, KernelNode &node);

  const Driver &driver;
  TensorMapEncoder encoder;
  std::string mapProblem;
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
