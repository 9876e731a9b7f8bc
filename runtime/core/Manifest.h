// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// manifest.json: what a package is.
#ifndef TRINE_RUNTIME_CORE_MANIFEST_H
#define TRINE_RUNTIME_CORE_MANIFEST_H

#include "SizeExpression.h"
#include "Status.h"
#include "trine/Runtime/TensorMapRecord.h"
#include <cstdint>
#include <string>
#include <vector>

namespace trine::runtime {

struct ManifestTensor {
  std::string name;
  trine_type type = TRINE_TYPE_NONE;
  std::vector<int64_t> sizes;              // -1: see `expressions`
  std::vector<std::string> symbols;        // "" for constants
  std::vector<SizeExpression> expressions; // empty ones for constants
  std::vector<const char *> symbolTexts;   // of `symbols`, NULL for constants
  double relativeTolerance = 0;
};

struct ManifestSymbol {
  std::string name;
  int32_t input = -1, dimension = -1;
  int64_t minimum = 0, maximum = -1, divisor = 1;
};

/// What a session keeps of each sequence (docs/state.md). Dimension 0 is the
/// slot; the others but `axis` are numbers.
struct ManifestState {
  ManifestTensor tensor;  // as before a step
  std::string present;    // the model's name after it
  int64_t axis = 0;       // that grows; 0: the value is replaced
  SizeExpression next;    // of `axis` after a step
  uint64_t slotBytes = 0; // of a value that is replaced
  uint64_t initial = 0;   // bits of an element before any step
};

struct ManifestFile {
  std::string path;
  uint64_t bytes = 0;
  std::string sha256;
};

struct ManifestCode {
  std::string architecture, path;
  std::string binary; // empty: none
  int64_t threads = 1, sharedBytes = 0;
  std::vector<TensorMapRecord> maps;
};

struct ManifestKernel {
  std::string name, skeleton;
  std::vector<ManifestCode> code; // empty: in program.so
  int64_t workgroupsPerBlock = 1;
  std::vector<std::string> nodes;
  std::vector<const char *> nodeTexts; // of `nodes`
};

/// An Engram table in a file of its own, opened by the table store.
struct ManifestTable {
  std::string name, path;
  uint64_t rows = 0, width = 0, bytes = 0;
  /// A table that stays where it is: `path` is relative to a folder that the
  /// user allows, and the rest says which file was meant, and where its rows
  /// are (trine_engram_reference).
  bool isReference = false;
  int32_t type = 0; // a trine_engram_type
  uint64_t offset = 0, stride = 0, scaleOffset = 0, scaleStride = 0;
  uint64_t fileBytes = 0;
  int64_t modified = 0; // nanoseconds
  std::string headerSha256;
};

struct ManifestVariant {
  std::string name;
  std::vector<std::string> features;
};

struct Manifest {
  uint32_t formatMajor = 0, formatMinor = 0, abi = 0;
  std::string producer, name;
  std::string targetKind, targetArchitecture;
  std::vector<std::string> deviceArchitectures; // of kernels' code
  std::vector<ManifestVariant> variants;
  std::vector<ManifestSymbol> symbols; // the first `declaredSymbols` are listed
                                       // in the file, others only used there
  size_t declaredSymbols = 0;
  std::vector<ManifestTensor> inputs, outputs;
  /// The program takes `lengths` [slots], a size that is the past, and each
  /// state behind the inputs, and gives states that are replaced behind the
  /// outputs, in this order.
  std::vector<ManifestState> states;
  bool isRagged = false;   // slots of a step may have different lengths
  int32_t pastSymbol = -1; // of the entries that slots have, -1: in no size
  std::vector<ManifestFile> files;
  std::vector<ManifestKernel> kernels;
  std::vector<ManifestTable> tables; // in the program's order
  bool hasWeights = false;
  std::string weightsPath;
  uint64_t weightsDataOffset = 0;

  const ManifestFile *findFile(const std::string &path) const;
};

/// Reads and checks a manifest's text. Everything wrong is reported at once;
/// keys that this version does not know are ignored. Versions are judged first:
/// the rest of a newer major format may mean anything.
Status parseManifest(std::string_view text, Manifest &manifest);

} // namespace trine::runtime

#endif
