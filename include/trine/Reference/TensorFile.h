// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Tensors in files: one serialised ONNX TensorProto each, and the folder
/// layout of ONNX tests (test_data_set_K/input_I.pb and output_J.pb, in the
/// order of the graph's inputs and outputs).
#ifndef TRINE_REFERENCE_TENSORFILE_H
#define TRINE_REFERENCE_TENSORFILE_H

#include "trine/Reference/Tensor.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::trine::reference {

/// A tensor and the name that its file gives it, which may be empty.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Reads a serialised TensorProto. Errors say what is wrong with the bytes;
/// they never name a path.
llvm::Expected<NamedTensor> parseTensor(llvm::StringRef bytes);
/// The bytes of a TensorProto with raw data.
std::string serializeTensor(llvm::StringRef name, const Tensor &tensor);

llvm::Expected<NamedTensor> readTensorFile(llvm::StringRef path);
llvm::Error writeTensorFile(llvm::StringRef path, llvm::StringRef name,
                            const Tensor &tensor);

/// One set of test data.
struct DataSet {
  std::string folder;
  std::vector<NamedTensor> inputs, outputs;
};

/// Reads input_0.pb, input_1.pb, ... and output_0.pb, ... of a folder; an error
/// when there is neither.
llvm::Expected<DataSet> readDataSet(llvm::StringRef folder);
/// The folders with data: `folder` itself when it has some, else its folders
/// test_data_set_K in the order of K.
llvm::Expected<std::vector<std::string>> findDataSets(llvm::StringRef folder);

} // namespace mlir::trine::reference

#endif
