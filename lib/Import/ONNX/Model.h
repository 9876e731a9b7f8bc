// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// An ONNX model as the importer sees it: plain views into a parsed file, with
/// nothing of protobuf.
#ifndef TRINE_LIB_IMPORT_ONNX_MODEL_H
#define TRINE_LIB_IMPORT_ONNX_MODEL_H

#include "WireScanner.h"

#include "trine/Import/ONNX.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace mlir::trine::importer {

using llvm::ArrayRef;
using llvm::StringRef;

/// TensorProto.DataType: the numbers are the file format's.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
};

struct Tensor {
  StringRef name;
  DataType dataType = DataType::Undefined;
  ArrayRef<int64_t> dims;
  bool isExternal = false;
  std::optional<StringRef> raw;
  /// Large data that stayed in the file.
  std::optional<Payload> payload;
  ArrayRef<float> floats;
  ArrayRef<int32_t> int32s;
  ArrayRef<int64_t> int64s;
  ArrayRef<double> doubles;
  ArrayRef<uint64_t> uint64s;
  unsigned stringCount = 0;
  ArrayRef<std::pair<StringRef, StringRef>> externalData;
};

struct Graph;

/// AttributeProto.AttributeType: the numbers are the file format's.
enum class AttributeType : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
};

struct Attribute {
  StringRef name;
  /// Inside a function: the function's attribute whose value this one takes.
  StringRef referenceName;
  AttributeType type = AttributeType::Undefined;
  float f = 0;
  int64_t i = 0;
  StringRef s;
  ArrayRef<float> floats;
  ArrayRef<int64_t> ints;
  ArrayRef<StringRef> strings;
  const Tensor *tensor = nullptr;
  const Graph *graph = nullptr;
};

struct Node {
  StringRef name, type, domain, overload;
  ArrayRef<StringRef> inputs, outputs;
  ArrayRef<Attribute> attributes;
  /// Bytes of the names and attributes, those of graphs inside not counted.
  uint64_t bytes = 0;
};

/// One size of a declared type.
struct Dimension {
  std::optional<int64_t> value;
  StringRef parameter;
};

/// A declared input or output.
struct ValueInfo {
  enum class TypeKind { None, Tensor, Other };
  StringRef name;
  TypeKind kind = TypeKind::None;
  /// "sequence", "map", ... when the kind is Other.
  StringRef otherType;
  DataType elementType = DataType::Undefined;
  bool hasShape = false;
  ArrayRef<Dimension> shape;
};

struct Graph {
  StringRef name;
  ArrayRef<Node> nodes;
  ArrayRef<Tensor> initializers;
  /// Names of sparse initialisers.
  ArrayRef<StringRef> sparseInitializers;
  ArrayRef<ValueInfo> inputs, outputs;
};

struct OpsetImport {
  StringRef domain;
  int64_t version = 0;
};

struct Function {
  StringRef domain, name, overload;
  ArrayRef<StringRef> inputs, outputs;
  /// Attributes without a default, and those with one.
  ArrayRef<StringRef> attributeNames;
  ArrayRef<Attribute> attributeDefaults;
  ArrayRef<Node> nodes;
  ArrayRef<OpsetImport> opsets;
};

/// Owns all that the views above point to.
class Model {
public:
  Model();
  ~Model();

  std::optional<int64_t> irVersion;
  StringRef producerName, producerVersion;
  ArrayRef<OpsetImport> opsets;
  ArrayRef<Function> functions;
  std::optional<Graph> graph;
  /// Bytes of the model's own file.
  uint64_t fileSize = 0;

  struct Storage;
  std::unique_ptr<Storage> storage;
};

/// Maps and parses the file. The error says what is wrong with it, without its
/// name.
llvm::Expected<std::unique_ptr<Model>> readModel(StringRef path,
                                                 const ImportOptions &options);
/// The same for bytes.
llvm::Expected<std::unique_ptr<Model>> readModel(llvm::ArrayRef<uint8_t> bytes,
                                                 const ImportOptions &options);

} // namespace mlir::trine::importer

#endif
