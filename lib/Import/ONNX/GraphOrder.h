// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// An order of a graph's nodes in which every value is computed before it is
/// used.
#ifndef TRINE_LIB_IMPORT_ONNX_GRAPHORDER_H
#define TRINE_LIB_IMPORT_ONNX_GRAPHORDER_H

#include "Model.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::trine::importer {

struct GraphOrder {
  /// Indices into the nodes; those on a cycle, or behind one, are missing. The
  /// file's own order where that is possible.
  llvm::SmallVector<unsigned, 0> nodes;
  /// The nodes of one cycle, each using a value of the one after it (the last
  /// one of the first); empty if there is none.
  llvm::SmallVector<unsigned> cycle;
};

/// Takes time n log n for n uses. Values that subgraphs capture count as uses
/// of the node that has the subgraph. `isDefined` says which names have a value
/// before the first node.
GraphOrder orderNodes(ArrayRef<Node> nodes,
                      llvm::function_ref<bool(StringRef)> isDefined);

} // namespace mlir::trine::importer

#endif
