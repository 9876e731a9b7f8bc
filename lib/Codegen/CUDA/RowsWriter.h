// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// The writer of kernels on the skeleton for rows.
#ifndef TRINE_LIB_CODEGEN_CUDA_ROWSWRITER_H
#define TRINE_LIB_CODEGEN_CUDA_ROWSWRITER_H

#include "Joining.h"
#include "Rows.h"
#include "SkeletonWriter.h"
#include "WorkgroupCount.h"

namespace mlir::trine::cuda {

/// A reduction of each row, in one of the passes.
struct RowReduction {
  linalg::LinalgOp op;
  Joining joining;
  unsigned pass = 0;
  /// Its member of Value.
  std::string member;
  std::string valueType;
};

/// A result that has an element for each column, or for each row.
struct RowResult {
  Value value;
  BlockArgument destination;
  bool hasColumns = false;
};

/// What one call of the functor does: a pass, the elements, or the row.
struct RowPhase {
  explicit RowPhase(unsigned indent) : writer(indent) {}

  ElementWriter writer;
  /// The sizes of the columns' dimensions.
  SmallVector<std::string> sizes;
  SmallVector<std::string> names;
  std::string columns = "1";
  /// What is kept for later phases, by name, and its member of Kept.
  std::map<std::string, std::string> kept;
  std::string tail;
};

class RowsWriter : SkeletonWriter {
public:
  RowsWriter(plan::KernelOp kernel, std::string &why)
      : SkeletonWriter(kernel, why) {}
  bool write(ModuleOp module, CUDAKernel &result);

private:
  bool findReductions();
  bool findResults();
  bool findRows();
  bool writePhases(bool keep);
  bool writePass(unsigned pass);
  bool writeFinish(bool hasColumns);
  bool startPhase(RowPhase &phase, ArrayRef<std::string> sizes);
  std::optional<FailureOr<std::string>> lookUp(size_t phase, Value value,
                                               ArrayRef<std::string> indices);
  std::string phaseText(const RowPhase &phase) const;
  std::string functor() const;
  bool isContiguous() const;
  bool checkDestinations();

  std::vector<RowReduction> reductions;
  std::vector<RowResult> results;
  unsigned passes = 0, rank = 0;
  /// Of the rows' dimensions, as the launch knows them.
  SmallVector<std::string> rowSizes, rowNames;
  std::string rowHead, rowCount = "1";
  LaunchSize rowLaunch;
  std::vector<std::unique_ptr<RowPhase>> phases;
  ConstantNames constantNames;
  std::vector<std::string> keptTypes;
  int64_t keptWords = 0;
  bool keeps = false;
};

} // namespace mlir::trine::cuda

#endif
