// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LaunchGraphs.h"
#include <algorithm>

using namespace trine::runtime::cuda;

/// CUDA_ERROR_INVALID_VALUE
static constexpr Result invalidValue = 1;

LaunchGraphs::~LaunchGraphs() { clear(); }

void LaunchGraphs::clear() {
  for (Entry &entry : graphs)
    release(entry);
  graphs.clear();
}

void LaunchGraphs::release(Entry &entry) {
  if (entry.executable)
    driver.cuGraphExecDestroy(entry.executable);
  if (entry.graph)
    driver.cuGraphDestroy(entry.graph);
  entry.executable = nullptr;
  entry.graph = nullptr;
  entry.nodes.clear();
}

void LaunchGraphs::add(PendingLaunch launch, const uint64_t *given) {
  launch.firstWord = words.size();
  words.insert(words.end(), given, given + launch.wordCount);
  pending.push_back(launch);
}

void LaunchGraphs::drop() {
  pending.clear();
  words.clear();
}

bool LaunchGraphs::setParameters(const PendingLaunch &launch,
                                 const uint64_t *words) {
  size_t maps = launch.maps ? launch.maps->size() : 0;
  // A kernel without parameters has a list, too.
  parameters.resize(launch.wordCount + maps + 1);
  for (uint32_t i = 0; i < launch.wordCount; ++i)
    parameters[i] = const_cast<uint64_t *>(words + i);
  if (!maps)
    return true;
  EncodedTensorMap *encoded =
      encoder.encode(*launch.maps, words, launch.wordCount);
  if (!encoded) {
    mapProblem = encoder.getProblem();
    return false;
  }
  for (size_t i = 0; i < maps; ++i)
    parameters[launch.wordCount + i] = encoded + i;
  return true;
}

bool LaunchGraphs::makeNode(const PendingLaunch &launch, KernelNode &node) {
  node = {};
  node.function = launch.function;
  node.gridX = launch.blocks;
  node.gridY = node.gridZ = node.blockY = node.blockZ = 1;
  node.blockX = launch.threads;
  node.sharedBytes = launch.sharedBytes;
  if (!setParameters(launch, words.data() + launch.firstWord))
    return false;
  node.parameters = parameters.data();
  return true;
}

Result LaunchGraphs::launch(const PendingLaunch &launch, const uint64_t *words,
                            Stream stream) {
  mapProblem.clear();
  if (!setParameters(launch, words))
    return invalidValue;
  return driver.cuLaunchKernel(launch.function, launch.blocks, 1, 1,
                               launch.threads, 1, 1, launch.sharedBytes, stream,
                               parameters.data(), nullptr);
}

Result LaunchGraphs::launchEach(Stream stream, const PendingLaunch *&kernel) {
  for (const PendingLaunch &launch : pending) {
    kernel = &launch;
    if (Result error =
            this->launch(launch, words.data() + launch.firstWord, stream))
      return error;
    ++counts.direct;
  }
  return 0;
}

/// Each kernel after the one before it, as on a stream.
Result LaunchGraphs::build(Entry &entry, const PendingLaunch *&kernel) {
  if (Result error = driver.cuGraphCreate(&entry.graph, 0))
    return error;
  for (const PendingLaunch &launch : pending) {
    KernelNode node;
    if (!makeNode(launch, node)) {
      kernel = &launch;
      return invalidValue;
    }
    GraphNode made = nullptr;
    const GraphNode *before =
        entry.nodes.empty() ? nullptr : &entry.nodes.back();
    if (Result error = driver.cuGraphAddKernelNode_v2(
            &made, entry.graph, before, before ? 1 : 0, &node))
      return error;
    entry.nodes.push_back(made);
  }
  if (Result error =
          driver.cuGraphInstantiateWithFlags(&entry.executable, entry.graph, 0))
    return error;
  ++counts.made;
  return 0;
}

/// Nodes get the grids and words of this step, where they are others.
Result LaunchGraphs::update(Entry &entry, const PendingLaunch *&kernel) {
  for (size_t i = 0; i < pending.size(); ++i) {
    const PendingLaunch &now = pending[i], &then = entry.launches[i];
    const uint64_t *a = words.data() + now.firstWord,
                   *b = entry.words.data() + then.firstWord;
    if (now.blocks == then.blocks && std::equal(a, a + now.wordCount, b))
      continue;
    KernelNode node;
    if (!makeNode(now, node)) {
      kernel = &now;
      return invalidValue;
    }
    if (Result error = driver.cuGraphExecKernelNodeSetParams_v2(
            entry.executable, entry.nodes[i], &node))
      return error;
    ++counts.changed;
  }
  return 0;
}

Result LaunchGraphs::flush(Stream stream, const PendingLaunch *&kernel) {
  kernel = nullptr;
  mapProblem.clear();
  if (pending.empty())
    return 0;
  auto isSame = [&](const Entry &entry) {
    return std::equal(pending.begin(), pending.end(), entry.launches.begin(),
                      entry.launches.end(),
                      [](const PendingLaunch &a, const PendingLaunch &b) {
                        return a.kernel == b.kernel &&
                               a.wordCount == b.wordCount;
                      });
  };
  Result error = 0;
  auto found = graphs.end();
  if (isEnabled && pending.size() >= leastLaunches)
    found = std::find_if(graphs.begin(), graphs.end(), isSame);
  if (found == graphs.end()) {
    error = launchEach(stream, kernel);
    if (!error && isEnabled && pending.size() >= leastLaunches) {
      if (graphs.size() == mostGraphs) {
        auto oldest = std::min_element(graphs.begin(), graphs.end(),
                                       [](const Entry &a, const Entry &b) {
                                         return a.lastUse < b.lastUse;
                                       });
        release(*oldest);
        graphs.erase(oldest);
      }
      graphs.emplace_back();
      graphs.back().launches = pending;
      graphs.back().lastUse = ++uses;
    }
  } else {
    found->lastUse = ++uses;
    error = found->executable ? update(*found, kernel) : build(*found, kernel);
    if (!error) {
      found->launches = pending;
      found->words = words;
      error = driver.cuGraphLaunch(found->executable, stream);
      ++counts.replayed;
    }
    // A graph that failed half-way has nodes of two steps.
    if (error) {
      release(*found);
      graphs.erase(found);
    }
  }
  if (!error)
    drop();
  return error;
}
