// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Finds the large tensors of a serialised ONNX model without copying them, and
/// makes a small copy of the rest.
#ifndef TRINE_LIB_IMPORT_ONNX_WIRESCANNER_H
#define TRINE_LIB_IMPORT_ONNX_WIRESCANNER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::trine {

/// The field of a TensorProto that a payload came from; the numbers are those
/// of onnx-ml.proto.
enum class PayloadField : uint8_t {
  FloatData = 4,
  RawData = 9,
  DoubleData = 10
};

/// A tensor's bytes inside the file.
struct Payload {
  uint64_t offset = 0; ///< of the first byte, from the start of the file
  uint64_t length = 0; ///< in bytes
  PayloadField field = PayloadField::RawData;
};

/// A model without its large tensors. A tensor whose bytes were taken out has,
/// in their place, the field `segment` with `begin` = the index of its payload;
/// the scanner refuses files that use `segment` themselves, so there is no
/// other meaning.
struct StrippedModel {
  std::string bytes;
  std::vector<Payload> payloads;
};

/// Limits of the scan.
struct ScanLimits {
  /// Data of at most this many bytes stays in the message.
  uint64_t inlineBytes = 1024;
  /// Messages inside messages; protobuf itself stops at 100.
  unsigned nesting = 100;
  /// Fields of all messages that are looked into.
  uint64_t fields = UINT64_MAX;
};

/// Scans the wire format of a ModelProto. Takes out the data of each tensor
/// (initialisers, attributes, sparse tensors, in subgraphs and functions too)
/// that is one contiguous little-endian image in the file: `raw_data`, packed
/// `float_data` or `double_data`. Also drops what the importer never looks at:
/// documentation strings, metadata, value_info, annotations and training
/// information.
///
/// Any bytes are accepted: what is not well formed gives an error with the byte
/// offset. Linear in the size of what is kept.
llvm::Expected<StrippedModel> scanModel(llvm::ArrayRef<uint8_t> file,
                                        const ScanLimits &limits = {});

} // namespace mlir::trine

#endif
