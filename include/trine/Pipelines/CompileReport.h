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

  std::string model;
  std::string target;
  /// Types are written with their symbolic sizes: "f32[batch, seq, 160]".
  std::vector<Value> inputs, outputs;
  /// Operators of the model, by number of nodes.
  std::map<std::string, int64_t> operators;
  int64_t nodes = 0;
  /// Attention layers: softmaxes whose result multiplies values, and
  /// Attention operators.
  int64_t attentionLayers = 0;
  /// Expert layers: combinations of chosen experts (top-k choices whose
  /// indices gather weights or sort rows).
  int64_t expertLayers = 0;
  /// Lookups whose row ids come from a hash of token ids.
  int64_t hashedLookups = 0;
  int64_t weightBytes = 0;
  int64_t packedWeightBytes = 0;
  int64_t codeBytes = 0;
  int64_t kernels = 0;
  int64_t launches = 0;
  /// Kernels by skeleton.
  std::map<std::string, int64_t> skeletons;
  int64_t buffers = 0;
  int64_t arenaSlots = 0;
  std::vector<Stage> stages;
  /// Peak resident memory of the compiler, bytes.
  int64_t peakMemory = 0;

  void printText(llvm::raw_ostream &stream) const;
  llvm::json::Value toJSON() const;
};

} // namespace mlir::trine

#endif
