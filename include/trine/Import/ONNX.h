// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Reads ONNX models into the onnx dialect.
#ifndef TRINE_IMPORT_ONNX_H
#define TRINE_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace mlir::trine {

/// What the importer accepts. The limits keep a hostile file from taking the
/// machine; real models stay far below them.
struct ImportOptions {
  /// Tensors of at most this many bytes become `onnx.Constant`, others
  /// `onnx.Initializer`, which refers to the file.
  uint64_t maxConstantBytes = 1024;
  /// Tensors that have no byte image in a file (integers in `int32_data`,
  /// `int64_data`, `uint64_data`) must be `onnx.Constant` whatever their size;
  /// this many bytes at most.
  uint64_t maxEncodedTensorBytes = uint64_t(64) << 20;
  /// Nodes in all graphs, each function's nodes counted once per call. Each
  /// started KiB of a node's names and attributes counts as one.
  uint64_t maxNodes = 4000000;
  /// Fields of all messages in the file that are looked into (graphs, nodes,
  /// attributes, tensors): protobuf takes up to 200 times the bytes of the
  /// file for messages that are empty.
  uint64_t maxFields = 64000000;
  /// Bytes of the model without its large tensors.
  uint64_t maxModelBytes = uint64_t(1) << 30;
  /// Bytes of a name: of a node, a value, an operator, a domain, a size.
  uint64_t maxNameBytes = 4096;
  /// Subgraphs inside subgraphs and functions called by functions, together.
  unsigned maxNesting = 64;
  /// How many problems the report shows; it always says how many there are.
  unsigned maxProblems = 100;
  /// Accept weight files that have several hard links. Off, since a link is a
  /// way to make a model name a file outside its folder.
  bool allowHardLinks = false;
};

/// Imports the model at `path`: a module with one public `func.func @main`, in
/// the newest spelling of each operator, with types inferred from those of the
/// graph's inputs. The module carries `onnx.file` (the model's file name,
/// without its folder), `onnx.producer`, `onnx.ir_version` and `onnx.opsets`;
/// arguments and results carry `onnx.name` and `onnx.dims`. All problems of the
/// model are reported in one error; no file makes the importer crash.
///
/// Weights are not read: `onnx.Initializer` names a file relative to
/// getModelFolder(path), whose size was checked. Initialisers that are also
/// graph inputs are constants: the input is not an argument of the program.
FailureOr<OwningOpRef<ModuleOp>>
importONNXModel(MLIRContext &context, llvm::StringRef path,
                const ImportOptions &options = {});

/// The folder that the file names in `onnx.Initializer` are relative to: the
/// model's own, "." for a bare file name.
std::string getModelFolder(llvm::StringRef path);

} // namespace mlir::trine

#endif
