// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Turns a model's tensors into attributes (small ones) or references to bytes
/// in files (weights).
#ifndef TRINE_LIB_IMPORT_ONNX_TENSORREADER_H
#define TRINE_LIB_IMPORT_ONNX_TENSORREADER_H

#include "ExternalData.h"
#include "Model.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "trine/Import/ONNX.h"
#include "trine/Support/ModelFolder.h"

namespace mlir::trine::importer {

/// The MLIR type of a supported element type, null otherwise: signed integers
/// are signless, bool is i1.
Type getElementType(DataType type, MLIRContext *context);
/// The format's name of an element type, for messages: "string",
/// "float8e4m3fn"; "data type 99" if there is no such type.
std::string describe(DataType type);

/// Highest rank of a tensor.
constexpr size_t maxRank = 32;

struct TensorValue {
  RankedTensorType type;
  /// The elements; null for a reference.
  DenseElementsAttr elements;
  /// A reference: `file` is relative to the model's folder.
  std::string file;
  uint64_t offset = 0, length = 0;
  /// Of a reference: whether each row holds its elements twice, as tables of
  /// rotary embeddings do: "halves" one behind the other, "pairs" side by side;
  /// else empty.
  StringRef repeats;
};

class TensorReader {
public:
  /// `modelFile` is the name of the model's own file in its folder.
  TensorReader(MLIRContext *context, const ImportOptions &options,
               ModelFolder &folder, StringRef modelFile)
      : context(context), options(options), folder(folder),
        modelFile(modelFile) {}

  /// Checks the tensor completely; the error says what is wrong, without the
  /// tensor's name.
  llvm::Expected<TensorValue> read(const Tensor &tensor);

private:
  llvm::Error checkFields(const Tensor &tensor, uint64_t elements) const;
  llvm::Error readExternal(const Tensor &tensor, uint64_t bytes,
                           TensorValue &value);
  llvm::Error gatherBytes(const Tensor &tensor, uint64_t elements,
                          uint64_t fileBytes,
                          SmallVectorImpl<char> &bytes) const;
  void setElements(TensorValue &value, ArrayRef<char> bytes) const;
  StringRef findRepeats(const TensorValue &value);

  MLIRContext *context;
  const ImportOptions &options;
  ModelFolder &folder;
  /// What findRepeats may still read.
  uint64_t repeatBytes = uint64_t(1) << 30;
  StringRef modelFile;
};

} // namespace mlir::trine::importer

#endif
