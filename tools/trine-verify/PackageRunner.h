// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a compiled package on tensors of the reference interpreter, through the
// runtime's C interface.
#ifndef TRINE_TOOLS_TRINE_VERIFY_PACKAGERUNNER_H
#define TRINE_TOOLS_TRINE_VERIFY_PACKAGERUNNER_H

#include "trine/Reference/Tensor.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

struct trine_package;
struct trine_session;

namespace mlir::trine {

class PackageRunner {
public:
  /// Opens the package on a device with a number of threads (0: as many as
  /// there are CPUs).
  static llvm::Expected<PackageRunner>
  open(llvm::StringRef folder, llvm::StringRef device, unsigned threads);

  const std::vector<std::string> &getInputNames() const { return inputNames; }
  const std::vector<std::string> &getOutputNames() const { return outputNames; }
  /// What the manifest promises for each output; 0 where it says nothing.
  const std::vector<double> &getTolerances() const { return tolerances; }

  /// Runs one step; inputs and results in the order of the model.
  llvm::Expected<std::vector<reference::Tensor>>
  run(llvm::ArrayRef<reference::Tensor> inputs);

private:
  std::shared_ptr<trine_package> package;
  std::shared_ptr<trine_session> session;
  std::vector<std::string> inputNames, outputNames;
  std::vector<double> tolerances;
};

} // namespace mlir::trine

#endif
