// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The one source that sees protobuf: parses what the scanner leaves of a file,
// and turns it into plain views.
#include "Model.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include "onnx-ml.pb.h"

using namespace mlir::trine;
using namespace mlir::trine::importer;

struct Model::Storage {
  google::protobuf::Arena arena;
  llvm::BumpPtrAllocator allocator;
};

Model::Model() : storage(std::make_unique<Storage>()) {}
Model::~Model() = default;

namespace {

class Converter {
public:
  Converter(llvm::BumpPtrAllocator &allocator,
            const std::vector<Payload> &payloads)
      : allocator(allocator), payloads(payloads) {}

  /// The longest of all names.
  uint64_t getLongestName() const { return longestName; }

  Graph convert(const ::onnx::GraphProto &proto) {
    Graph graph;
    graph.name = name(proto.name());
    graph.nodes = convertAll<Node>(proto.node());
    graph.initializers = convertAll<Tensor>(proto.initializer());
    graph.inputs = convertAll<ValueInfo>(proto.input());
    graph.outputs = convertAll<ValueInfo>(proto.output());
    auto sparse = allocate<StringRef>(proto.sparse_initializer_size());
    for (int i = 0; i < proto.sparse_initializer_size(); ++i)
      sparse[i] = name(proto.sparse_initializer(i).values().name());
    graph.sparseInitializers = sparse;
    return graph;
  }

  Function convert(const ::onnx::FunctionProto &proto) {
    Function function;
    function.domain = name(proto.domain());
    function.name = name(proto.name());
    function.overload = name(proto.overload());
    function.inputs = names(proto.input());
    function.outputs = names(proto.output());
    function.attributeNames = names(proto.attribute());
    function.attributeDefaults = convertAll<Attribute>(proto.attribute_proto());
    function.nodes = convertAll<Node>(proto.node());
    function.opsets = convertAll<OpsetImport>(proto.opset_import());
    return function;
  }

  OpsetImport convert(const ::onnx::OperatorSetIdProto &proto) {
    return {name(proto.domain()), proto.version()};
  }

  template <typename Result, typename Repeated>
  ArrayRef<Result> convertAll(const Repeated &repeated) {
    auto results = allocate<Result>(repeated.size());
    for (int i = 0; i < repeated.size(); ++i)
      results[i] = convert(repeated.Get(i));
    return results;
  }

private:
  StringRef name(const std::string &text) {
    longestName = std::max<uint64_t>(longestName, text.size());
    return text;
  }

  template <typename T>
  llvm::MutableArrayRef<T> allocate(size_t count) {
    T *data = allocator.Allocate<T>(count);
    std::uninitialized_value_construct_n(data, count);
    return {data, count};
  }

  template <typename Repeated>
  ArrayRef<StringRef> strings(const Repeated &repeated) {
    auto results = allocate<StringRef>(repeated.size());
    for (int i = 0; i < repeated.size(); ++i)
      results[i] = repeated.Get(i);
    return results;
  }
  template <typename Repeated>
  ArrayRef<StringRef> names(const Repeated &repeated) {
    for (const std::string &text : repeated)
      name(text);
    return strings(repeated);
  }

  template <typename Repeated>
  static auto numbers(const Repeated &repeated) {
    return ArrayRef(repeated.data(), repeated.size());
  }

  Node convert(const ::onnx::NodeProto &proto) {
    Node node;
    node.name = name(proto.name());
    node.type = name(proto.op_type());
    node.domain = name(proto.domain());
    node.overload = name(proto.overload());
    node.inputs = names(proto.input());
    node.outputs = names(proto.output());
    node.attributes = convertAll<Attribute>(proto.attribute());
    node.bytes = node.name.size() + node.type.size() + node.domain.size() +
                 node.overload.size();
    for (ArrayRef<StringRef> list : {node.inputs, node.outputs})
      for (StringRef text : list)
        node.bytes += text.size();
    for (const ::onnx::AttributeProto &attribute : proto.attribute())
      if (!attribute.has_g())
        node.bytes += attribute.ByteSizeLong();
    return node;
  }

  Attribute convert(const ::onnx::AttributeProto &proto) {
    Attribute attribute;
    attribute.name = name(proto.name());
    attribute.referenceName = name(proto.ref_attr_name());
    attribute.type = AttributeType(int32_t(proto.type()));
    attribute.f = proto.f();
    attribute.i = proto.i();
    attribute.s = proto.s();
    attribute.floats = numbers(proto.floats());
    attribute.ints = numbers(proto.ints());
    attribute.strings = strings(proto.strings());
    if (proto.has_t())
      attribute.tensor = new (allocator) Tensor(convert(proto.t()));
    if (proto.has_g())
      attribute.graph = new (allocator) Graph(convert(proto.g()));
    return attribute;
  }

  Tensor convert(const ::onnx::TensorProto &proto) {
    Tensor tensor;
    tensor.name = name(proto.name());
    tensor.dataType = DataType(proto.data_type());
    tensor.dims = numbers(proto.dims());
    tensor.isExternal = proto.data_location() == ::onnx::TensorProto::EXTERNAL;
    if (proto.has_raw_data())
      tensor.raw = proto.raw_data();
    // Only the scanner writes segments, see StrippedModel.
    if (proto.has_segment() &&
        uint64_t(proto.segment().begin()) < payloads.size())
      tensor.payload = payloads[proto.segment().begin()];
    tensor.floats = numbers(proto.float_data());
    tensor.int32s = numbers(proto.int32_data());
    tensor.int64s = numbers(proto.int64_data());
    tensor.doubles = numbers(proto.double_data());
    tensor.uint64s = numbers(proto.uint64_data());
    tensor.stringCount = proto.string_data_size();
    auto external =
        allocate<std::pair<StringRef, StringRef>>(proto.external_data_size());
    for (int i = 0; i < proto.external_data_size(); ++i)
      external[i] = {proto.external_data(i).key(),
                     proto.external_data(i).value()};
    tensor.externalData = external;
    return tensor;
  }

  ValueInfo convert(const ::onnx::ValueInfoProto &proto) {
    ValueInfo info;
    info.name = name(proto.name());
    switch (proto.type().value_case()) {
    case ::onnx::TypeProto::VALUE_NOT_SET:
      return info;
    case ::onnx::TypeProto::kTensorType:
      break;
    case ::onnx::TypeProto::kSequenceType:
      return other(info, "sequence");
    case ::onnx::TypeProto::kMapType:
      return other(info, "map");
    case ::onnx::TypeProto::kOptionalType:
      return other(info, "optional");
    case ::onnx::TypeProto::kSparseTensorType:
      return other(info, "sparse tensor");
    case ::onnx::TypeProto::kOpaqueType:
      return other(info, "opaque");
    }
    const ::onnx::TypeProto::Tensor &type = proto.type().tensor_type();
    info.kind = ValueInfo::TypeKind::Tensor;
    info.elementType = DataType(type.elem_type());
    info.hasShape = type.has_shape();
    auto shape = allocate<Dimension>(type.shape().dim_size());
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const ::onnx::TensorShapeProto::Dimension &dimension =
          type.shape().dim(i);
      if (dimension.has_dim_value())
        shape[i].value = dimension.dim_value();
      else
        shape[i].parameter = name(dimension.dim_param());
    }
    info.shape = shape;
    return info;
  }

  static ValueInfo other(ValueInfo info, StringRef type) {
    info.kind = ValueInfo::TypeKind::Other;
    info.otherType = type;
    return info;
  }

  llvm::BumpPtrAllocator &allocator;
  const std::vector<Payload> &payloads;
  uint64_t longestName = 0;
};

} // namespace

llvm::Expected<std::unique_ptr<Model>>
importer::readModel(StringRef path, const ImportOptions &options) {
  // Only the pages that are looked at are read; a weight's are not.
  llvm::Expected<llvm::sys::fs::file_t> handle =
      llvm::sys::fs::openNativeFileForRead(path);
  if (!handle)
    return handle.takeError();
  llvm::scope_exit close([&] { llvm::sys::fs::closeFile(*handle); });
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(*handle, status))
    return llvm::createStringError(error, error.message());
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return llvm::createStringError("not a regular file");
  uint64_t size = status.getSize();
  if (size == 0)
    return llvm::createStringError("the file is empty");
  std::error_code error;
  llvm::sys::fs::mapped_file_region file(
      *handle, llvm::sys::fs::mapped_file_region::readonly, size, 0, error);
  if (error)
    return llvm::createStringError(error, error.message());
  return readModel(
      ArrayRef(reinterpret_cast<const uint8_t *>(file.const_data()), size),
      options);
}

llvm::Expected<std::unique_ptr<Model>>
importer::readModel(ArrayRef<uint8_t> bytes, const ImportOptions &options) {
  ScanLimits limits;
  limits.inlineBytes = options.maxConstantBytes;
  limits.fields = options.maxFields;
  llvm::Expected<StrippedModel> stripped = scanModel(bytes, limits);
  if (!stripped)
    return llvm::createStringError("not an ONNX model: " +
                                   llvm::toString(stripped.takeError()));
  uint64_t most = std::min<uint64_t>(options.maxModelBytes, INT32_MAX);
  if (stripped->bytes.size() > most)
    return llvm::createStringError(
        "without its large tensors the model takes " +
        llvm::Twine(stripped->bytes.size()) + " bytes; at most " +
        llvm::Twine(most) + " are supported");
  auto model = std::make_unique<Model>();
  auto *proto = google::protobuf::Arena::CreateMessage<::onnx::ModelProto>(
      &model->storage->arena);
  if (!proto->ParseFromArray(stripped->bytes.data(), stripped->bytes.size()))
    return llvm::createStringError(
        "not an ONNX model: protobuf cannot parse it");

  Converter converter(model->storage->allocator, stripped->payloads);
  model->fileSize = bytes.size();
  if (proto->has_ir_version())
    model->irVersion = proto->ir_version();
  model->producerName = proto->producer_name();
  model->producerVersion = proto->producer_version();
  model->opsets = converter.convertAll<OpsetImport>(proto->opset_import());
  model->functions = converter.convertAll<Function>(proto->functions());
  if (proto->has_graph())
    model->graph = converter.convert(proto->graph());
  if (converter.getLongestName() > options.maxNameBytes)
    return llvm::createStringError(
        "has a name of " + llvm::Twine(converter.getLongestName()) +
        " bytes; at most " + llvm::Twine(options.maxNameBytes) +
        " are supported");
  return std::move(model);
}
