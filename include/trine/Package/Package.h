// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes packages: a folder with manifest.json, program.so and
/// weights.safetensors, as include/trine/Runtime/PackageFormat.h names them,
/// and for CUDA devices kernels/NAME.cu and kernels/NAME.ARCHITECTURE.ptx.
#ifndef TRINE_PACKAGE_PACKAGE_H
#define TRINE_PACKAGE_PACKAGE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Codegen/Host.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::trine {

/// A `plan.constant_program`, compiled: a program without inputs for this
/// machine.
struct ConstantProgram {
  /// Plan level, memref form; result i is named `computed_<i>`.
  OwningOpRef<ModuleOp> planned;
  SmallVector<char, 0> program;
  HostReport host;
  /// Where each result begins in the file of computed weights, ascending, and
  /// how many bytes it has.
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
};

struct PackageOptions {
  /// The package's folder. It is written aside and renamed, so that it is
  /// either the old one or the new one, whole.
  std::string output;
  /// The folder that weight references are relative to.
  std::string modelFolder;
  /// The file there that the user named, which may be a link.
  std::string modelFile;
  /// Accept weight files that have several hard links.
  bool allowHardLinks = false;
  /// What the manifest calls the model.
  std::string name;
  /// Tolerance of each output relative to its scale; none: not known.
  std::vector<double> relativeTolerances;
  /// Whether Engram tables stay in the model's files: the manifest then says
  /// which files, and where in them.
  bool referenceTables = false;
  /// What computes weights that others are made of. They run one after the
  /// other, and what they write is gone when the package is there.
  ArrayRef<ConstantProgram> constants;
  /// Threads that they run on; 0: one per core. The result does not depend on
  /// it.
  unsigned threads = 0;
  /// The kernels of a package for CUDA devices; null: they are in the program.
  const CUDAProgram *cuda = nullptr;
};

struct PackageReport {
  uint64_t weightBytes = 0;
  uint64_t programBytes = 0;
};

/// Writes the package of a planned module (plan level, memref form) with its
/// compiled `program`. Weights are streamed from the model's files, in the
/// layout that the program reads, without holding them in memory. The same
/// input gives the same bytes. Problems are diagnostics; a failure leaves
/// `output` as it was.
LogicalResult writePackage(ModuleOp planned, ArrayRef<char> program,
                           const HostReport &host,
                           const PackageOptions &options,
                           PackageReport &report);

} // namespace mlir::trine

#endif
