// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// An open package: manifest, mapped weights and loaded program.
#ifndef TRINE_RUNTIME_CORE_PACKAGE_H
#define TRINE_RUNTIME_CORE_PACKAGE_H

#include "Manifest.h"
#include "MappedFile.h"
#include "Program.h"
#include "Status.h"
#include "TableSet.h"
#include "trine/Runtime/ProgramABI.h"
#include <memory>
#include <string>
#include <vector>

namespace trine::runtime {

/// Immutable once open, so sessions on any thread share it.
class Package {
public:
  Package() = default;
  Package(const Package &) = delete;
  Package &operator=(const Package &) = delete;

  static Status open(const std::string &path, bool verifyHashes,
                     const TableOptions &tableOptions,
                     std::shared_ptr<const Package> &result);

  const Manifest &getManifest() const { return manifest; }
  const trine_program &getProgram() const { return program.get(); }
  const std::string &getTarget() const { return target; }

  /// The data section of the weights; some valid address when there are none.
  const void *getWeights() const;
  uint64_t getWeightsBytes() const;

  /// The package's Engram tables; null when it has none.
  const TableSet *getTables() const { return tables.get(); }

  /// What the manifest says about a kernel of the program.
  const ManifestKernel &getKernel(uint32_t index) const {
    return kernels[index];
  }

  /// Where a file of the package is.
  std::string getPath(const std::string &file) const;

private:
  Status load(const std::string &path, bool verifyHashes);
  Status checkFiles(bool verifyHashes) const;
  Status checkTarget();
  Status openWeights();
  Status openProgram();

  std::string folder;
  Manifest manifest;
  std::string target;
  MappedFile weights;
  Program program;
  std::unique_ptr<const TableSet> tables;
  std::vector<ManifestKernel> kernels; // by the program's index
};

} // namespace trine::runtime

#endif
