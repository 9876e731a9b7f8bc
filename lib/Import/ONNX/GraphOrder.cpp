// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GraphOrder.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <functional>
#include <queue>

using namespace mlir::trine;
using namespace mlir::trine::importer;

/// All names that the node uses, those inside its subgraphs too, unless they
/// are the subgraph's own. The nesting of graphs is bounded by that of
/// messages.
static void forEachUse(const Node &node,
                       llvm::function_ref<void(StringRef)> callback) {
  for (StringRef name : node.inputs)
    if (!name.empty())
      callback(name);
  for (const Attribute &attribute : node.attributes) {
    if (!attribute.graph)
      continue;
    const Graph &graph = *attribute.graph;
    llvm::DenseSet<StringRef> own;
    for (const ValueInfo &input : graph.inputs)
      own.insert(input.name);
    for (const Tensor &initializer : graph.initializers)
      own.insert(initializer.name);
    for (const Node &inner : graph.nodes)
      for (StringRef name : inner.outputs)
        own.insert(name);
    auto outside = [&](StringRef name) {
      if (!own.contains(name))
        callback(name);
    };
    for (const Node &inner : graph.nodes)
      forEachUse(inner, outside);
    for (const ValueInfo &output : graph.outputs)
      outside(output.name);
  }
}

GraphOrder importer::orderNodes(ArrayRef<Node> nodes,
                                llvm::function_ref<bool(StringRef)> isDefined) {
  GraphOrder order;
  unsigned count = nodes.size();
  llvm::DenseMap<StringRef, unsigned> producers;
  for (unsigned i = 0; i < count; ++i)
    for (StringRef name : nodes[i].outputs)
      if (!name.empty() && !isDefined(name))
        producers.try_emplace(name,
                              i); // a second definition is reported elsewhere

  // users[p]: the nodes that use a value of node p, once per use.
  std::vector<llvm::SmallVector<unsigned, 2>> users(count), sources;
  std::vector<unsigned> waiting(count);
  bool isOrdered = true;
  for (unsigned i = 0; i < count; ++i)
    forEachUse(nodes[i], [&](StringRef name) {
      auto found = producers.find(name);
      if (found == producers.end())
        return;
      users[found->second].push_back(i);
      ++waiting[i];
      isOrdered &= found->second < i;
    });
  order.nodes.reserve(count);
  if (isOrdered) {
    for (unsigned i = 0; i < count; ++i)
      order.nodes.push_back(i);
    return order;
  }

  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<unsigned>>
      ready;
  for (unsigned i = 0; i < count; ++i)
    if (waiting[i] == 0)
      ready.push(i);
  while (!ready.empty()) {
    unsigned node = ready.top();
    ready.pop();
    order.nodes.push_back(node);
    for (unsigned user : users[node])
      if (--waiting[user] == 0)
        ready.push(user);
  }
  if (order.nodes.size() == count)
    return order;

  // Every node that still waits has a source that waits: walking from source to
  // source must come back to where it was.
  unsigned current = 0;
  while (waiting[current] == 0)
    ++current;
  sources.resize(count);
  for (unsigned i = 0; i < count; ++i)
    if (waiting[i] != 0)
      for (unsigned user : users[i])
        sources[user].push_back(i);
  llvm::SmallVector<unsigned, 0> path;
  llvm::DenseMap<unsigned, unsigned> position;
  while (position.try_emplace(current, path.size()).second) {
    path.push_back(current);
    current = sources[current].front();
  }
  order.cycle.assign(path.begin() + position[current], path.end());
  return order;
}
