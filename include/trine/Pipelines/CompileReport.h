// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a compile did: for people as text, for programs as JSON.
#ifndef TRINE_PIPELINES_COMPILEREPORT_H
#define TRINE_PIPELINES_COMPILEREPORT_H

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mlir::trine {

struct CompileReport {
  struct Stage {
    std::string name;
    double seconds;
  };
  struct Value {
    std::string name;
    std::string type;
  };

  /// A structure that was raised: an op of the trine dialect.
  struct Recognised {
    /// Layers are counted from 0; a layer ends after its experts or MLP.
    int64_t layer;
    /// "trine.mla.attention".
    std::string op;
    /// A row of docs/forms.md.
    std::string form;
    /// Positions in the file of the nodes that it stands for, ascending.
    std::vector<int64_t> nodes;
  };
  /// A structure that looked like a form but was not taken.
  struct NearMiss {
    std::string form;
    /// "node 412 (Where): looks like group-limited routing, but ...".
    std::string reason;
  };

  /// What a pass says about one place: what it did there or why it left it,
  /// with the figures that it went by.
  struct Remark {
    /// "trine-fuse-latent-decompression".
    std::string pass;
    /// "done", "left", "failed" or "note".
    std::string kind;
    std::string name;
    std::string text;
    /// Positions in the file of the nodes that it is about, ascending.
    std::vector<int64_t> nodes;
  };
  /// Choices by shape at run time, by the names of their forms.
  struct Choice {
    std::string forms;
    int64_t count;
    /// Launches of both sequences, over all such choices.
    int64_t first, second;
  };

  std::string model;
  std::string target;
  /// Types are written with their symbolic sizes: "f32[batch, seq, 160]".
  std::vector<Value> inputs, outputs;
  /// Operators of the model, by number of nodes.
  std::map<std::string, int64_t> operators;
  int64_t nodes = 0;
  std::vector<Recognised> recognised;
  std::vector<NearMiss> nearMisses;
  /// Filled if asked for.
  std::vector<Remark> remarks;
  int64_t weightBytes = 0;
  /// Of weights that are computed from others when the package is written, and
  /// how many they are.
  int64_t computedWeightBytes = 0, computedWeights = 0;
  /// Bytes of weights in the model by what they are for: "experts", "tables"
  /// (of Engram), "other".
  std::map<std::string, int64_t> weightKinds;
  int64_t packedWeightBytes = 0;
  /// What f32 matrices were stored as; empty: as they were.
  std::string matrixType;
  /// Working memory of a step by space, bytes, when symbols are what the
  /// options say.
  std::map<std::string, int64_t> workspaceBytes;
  int64_t codeBytes = 0;
  int64_t kernels = 0;
  int64_t launches = 0;
  std::vector<Choice> choices;
  /// Kernels by skeleton.
  std::map<std::string, int64_t> skeletons;
  /// Target cuda: the compiler of kernels, and how many it did not have to
  /// compile again.
  std::string nvrtcVersion;
  int64_t cachedKernels = 0, compiledKernels = 0;
  /// What a kernel takes, as ptxas says; empty where that was not found.
  struct Resources {
    std::string kernel, skeleton, architecture;
    int64_t threads = 0, registers = 0, staticShared = 0, dynamicShared = 0,
            spillBytes = 0;
  };
  std::vector<Resources> resources;
  int64_t buffers = 0;
  int64_t arenaSlots = 0;
  std::vector<Stage> stages;
  /// Peak resident memory of the compiler, bytes.
  int64_t peakMemory = 0;

  void printText(llvm::raw_ostream &stream) const;
  void printRemarks(llvm::raw_ostream &stream) const;
  llvm::json::Value toJSON() const;
};

} // namespace mlir::trine

#endif
