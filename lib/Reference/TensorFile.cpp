// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The wire format of the one protobuf message that test data consists of, read
// without trust and without protobuf.
#include "trine/Reference/TensorFile.h"
#include "Quantization.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace mlir::trine;
using namespace mlir::trine::reference;

static llvm::Error problem(const llvm::Twine &message) {
  return llvm::createStringError(
      std::make_error_code(std::errc::invalid_argument), message);
}

namespace {
/// Field numbers of onnx.TensorProto.
enum Field : uint64_t {
  Dims = 1,
  DataType = 2,
  Segment = 3,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  Name = 8,
  RawData = 9,
  DoubleData = 10,
  UInt64Data = 11,
  ExternalData = 13,
  DataLocation = 14
};
enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// Reads base-128 numbers, fixed-width words and byte runs; remembers the first
/// overrun.
class WireReader {
public:
  explicit WireReader(llvm::StringRef bytes) : rest(bytes) {}

  bool done() const { return broken || rest.empty(); }
  bool isBroken() const { return broken; }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (rest.empty())
        break;
      auto byte = static_cast<uint8_t>(rest.front());
      rest = rest.drop_front();
      if (shift < 64)
        value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
    broken = true;
    return 0;
  }

  llvm::StringRef take(uint64_t size) {
    if (size > rest.size()) {
      broken = true;
      return {};
    }
    llvm::StringRef taken = rest.take_front(size);
    rest = rest.drop_front(size);
    return taken;
  }

private:
  llvm::StringRef rest;
  bool broken = false;
};

/// The fields of a message as they come.
struct TensorFields {
  llvm::SmallVector<int64_t> dims;
  uint64_t dataType = 0;
  std::string name;
  std::optional<llvm::StringRef> raw;
  /// Values of the typed fields: integers as they are, floats by their bits.
  std::vector<uint64_t> values;
  /// The typed field that the values came from.
  uint64_t valueField = 0;
  bool elsewhere = false;
};
} // namespace

/// Reads one element or, packed, all elements of a repeated numeric field.
static bool readNumbers(WireReader &reader, unsigned wire, unsigned elementWire,
                        llvm::function_ref<void(uint64_t)> add) {
  auto readOne = [&](WireReader &from) {
    if (elementWire == Varint)
      return from.varint();
    uint64_t word = 0;
    llvm::StringRef bytes = from.take(elementWire == Fixed32 ? 4 : 8);
    // The format is little-endian, as every host of this compiler.
    if (!bytes.empty())
      std::memcpy(&word, bytes.data(), bytes.size());
    return word;
  };
  if (wire == elementWire) {
    add(readOne(reader));
    return !reader.isBroken();
  }
  if (wire != Bytes)
    return false;
  WireReader packed(reader.take(reader.varint()));
  while (!packed.done()) {
    uint64_t value = readOne(packed);
    if (!packed.isBroken())
      add(value);
  }
  return !packed.isBroken() && !reader.isBroken();
}

static llvm::Error readField(WireReader &reader, uint64_t field, unsigned wire,
                             TensorFields &fields) {
  auto malformed = [&] {
    return problem("field " + llvm::Twine(field) + " is malformed");
  };
  switch (field) {
  case Dims:
    if (!readNumbers(reader, wire, Varint, [&](uint64_t v) {
          fields.dims.push_back(static_cast<int64_t>(v));
        }))
      return malformed();
    return llvm::Error::success();
  case FloatData:
  case Int32Data:
  case Int64Data:
  case DoubleData:
  case UInt64Data: {
    unsigned element = field == FloatData    ? Fixed32
                       : field == DoubleData ? Fixed64
                                             : Varint;
    fields.valueField = field;
    if (!readNumbers(reader, wire, element,
                     [&](uint64_t v) { fields.values.push_back(v); }))
      return malformed();
    return llvm::Error::success();
  }
  case Segment:
  case StringData:
  case ExternalData:
    fields.elsewhere = true;
    break;
  default:
    break;
  }
  uint64_t number = 0;
  llvm::StringRef bytes;
  switch (wire) {
  case Varint:
    number = reader.varint();
    break;
  case Fixed64:
    bytes = reader.take(8);
    break;
  case Bytes:
    bytes = reader.take(reader.varint());
    break;
  case Fixed32:
    bytes = reader.take(4);
    break;
  default:
    return malformed();
  }
  if (reader.isBroken())
    return malformed();
  if (field == DataType && wire == Varint)
    fields.dataType = number;
  else if (field == DataLocation && wire == Varint)
    fields.elsewhere |= number != 0;
  else if (field == Name && wire == Bytes)
    fields.name = bytes.str();
  else if (field == RawData && wire == Bytes)
    fields.raw = bytes;
  return llvm::Error::success();
}

/// The typed field that the standard gives a type.
static uint64_t fieldOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return FloatData;
  case ElementType::F64:
    return DoubleData;
  case ElementType::I64:
    return Int64Data;
  case ElementType::U32:
  case ElementType::U64:
    return UInt64Data;
  default:
    return Int32Data;
  }
}

static llvm::Error noMemory(llvm::ArrayRef<int64_t> shape) {
  // No test: the values are in memory already, so a copy of them fits too.
  return problem("no memory for a tensor of shape " + describeShape(shape));
}

std::vector<char> reference::unpackElements(ElementType type, int64_t count,
                                            llvm::ArrayRef<char> packed) {
  int64_t bits = bitsInFile(type);
  if (bits >= 8)
    return {packed.begin(), packed.end()};
  std::vector<char> bytes(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t bit = i * bits;
    unsigned code = (static_cast<uint8_t>(packed[bit / 8]) >> (bit % 8)) &
                    ((1 << bits) - 1);
    // The value of an integer, the code of a float.
    bytes[i] = isSignedInteger(type) && code >> (bits - 1)
                   ? static_cast<char>(code - (1 << bits))
                   : static_cast<char>(code);
  }
  return bytes;
}

static std::string pack(const Tensor &tensor) {
  llvm::ArrayRef<char> bytes = tensor.getBytes();
  int64_t bits = bitsInFile(tensor.getElementType());
  if (bits >= 8)
    return {bytes.begin(), bytes.end()};
  std::string packed(llvm::divideCeil(bytes.size() * bits, 8), '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    packed[i * bits / 8] |= (bytes[i] & ((1 << bits) - 1)) << (i * bits % 8);
  return packed;
}

llvm::Expected<NamedTensor> reference::parseTensor(llvm::StringRef bytes) {
  TensorFields fields;
  WireReader reader(bytes);
  while (!reader.done()) {
    uint64_t tag = reader.varint();
    if (reader.isBroken() || tag >> 3 == 0)
      return problem("not a TensorProto: a field's tag is malformed");
    if (llvm::Error error = readField(reader, tag >> 3, tag & 7, fields))
      return std::move(error);
  }
  std::optional<ElementType> type =
      elementTypeFromONNX(static_cast<int64_t>(fields.dataType));
  if (!type)
    return problem("'data_type' must be a supported type, got " +
                   llvm::Twine(fields.dataType));
  if (fields.elsewhere)
    return problem("the values must be in the file itself, not segmented, "
                   "strings or external data");
  std::optional<int64_t> count = countElements(fields.dims);
  if (!count)
    return problem("'dims' must be a valid shape, got " +
                   describeShape(fields.dims));
  // At most 2^48 elements of 64 bits: no overflow.
  int64_t size = bytesPerElement(*type),
          fileBytes = llvm::divideCeil(*count * bitsInFile(*type), 8);
  if (fields.raw) {
    if (static_cast<int64_t>(fields.raw->size()) != fileBytes)
      return problem("'raw_data' must have " + llvm::Twine(fileBytes) +
                     " bytes, got " + llvm::Twine(fields.raw->size()));
    std::optional<Tensor> tensor = Tensor::fromBytes(
        *type, fields.dims,
        unpackElements(*type, *count,
                       {fields.raw->data(), fields.raw->size()}));
    if (!tensor)
      return noMemory(fields.dims);
    return NamedTensor{fields.name, *tensor};
  }
  bool isPacked = bitsInFile(*type) < 8;
  // Of packed elements a value of the typed field has one byte.
  int64_t expected = isPacked ? fileBytes : *count;
  if (static_cast<int64_t>(fields.values.size()) != expected ||
      (*count > 0 && fields.valueField != fieldOf(*type)))
    return problem("expected " + llvm::Twine(expected) + " values of type " +
                   nameOf(*type) + ", got " +
                   llvm::Twine(fields.values.size()) + " in field " +
                   llvm::Twine(fields.valueField));
  std::optional<Tensor> tensor = Tensor::create(*type, fields.dims);
  if (!tensor)
    return noMemory(fields.dims);
  char *data = tensor->getMutableBytes().data();
  if (isPacked) {
    std::vector<char> packed(fields.values.begin(), fields.values.end());
    llvm::copy(unpackElements(*type, *count, packed), data);
    return NamedTensor{fields.name, *tensor};
  }
  for (int64_t i = 0; i < *count;
       ++i) // the low bytes hold integers, and the bits of floats
    std::memcpy(data + i * size, &fields.values[i], size);
  return NamedTensor{fields.name, *tensor};
}

static void writeVarint(llvm::raw_ostream &stream, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    stream << static_cast<char>(value | 0x80);
  stream << static_cast<char>(value);
}

static void writeBytes(llvm::raw_ostream &stream, uint64_t field,
                       llvm::StringRef bytes) {
  writeVarint(stream, field << 3 | Bytes);
  writeVarint(stream, bytes.size());
  stream << bytes;
}

std::string reference::serializeTensor(llvm::StringRef name,
                                       const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (int64_t dim : tensor.getShape()) {
    writeVarint(stream, Dims << 3 | Varint);
    writeVarint(stream, static_cast<uint64_t>(dim));
  }
  writeVarint(stream, DataType << 3 | Varint);
  writeVarint(stream,
              static_cast<uint64_t>(onnxDataType(tensor.getElementType())));
  writeBytes(stream, Name, name);
  writeBytes(stream, RawData, pack(tensor));
  return text;
}

llvm::Expected<NamedTensor> reference::readTensorFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return problem("cannot read '" + path +
                   "': " + buffer.getError().message());
  llvm::Expected<NamedTensor> tensor = parseTensor((*buffer)->getBuffer());
  if (!tensor)
    return problem("cannot read '" + path +
                   "': " + llvm::toString(tensor.takeError()));
  return tensor;
}

llvm::Error reference::writeTensorFile(llvm::StringRef path,
                                       llvm::StringRef name,
                                       const Tensor &tensor) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return problem("cannot write '" + path + "': " + error.message());
  stream << serializeTensor(name, tensor);
  stream.close();
  if (stream.has_error()) {
    std::string message = stream.error().message();
    stream.clear_error();
    return problem("cannot write '" + path + "': " + message);
  }
  return llvm::Error::success();
}

static llvm::Error readSequence(llvm::StringRef folder, llvm::StringRef prefix,
                                std::vector<NamedTensor> &tensors) {
  for (size_t i = 0;; ++i) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, prefix + llvm::Twine(i) + ".pb");
    if (!llvm::sys::fs::exists(path))
      return llvm::Error::success();
    llvm::Expected<NamedTensor> tensor = readTensorFile(path);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
}

llvm::Expected<DataSet> reference::readDataSet(llvm::StringRef folder) {
  DataSet set;
  set.folder = folder.str();
  if (llvm::Error error = readSequence(folder, "input_", set.inputs))
    return std::move(error);
  if (llvm::Error error = readSequence(folder, "output_", set.outputs))
    return std::move(error);
  if (set.inputs.empty() && set.outputs.empty())
    return problem("'" + folder + "' has no input_0.pb and no output_0.pb");
  return set;
}

llvm::Expected<std::vector<std::string>>
reference::findDataSets(llvm::StringRef folder) {
  auto has = [&](llvm::StringRef name) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return llvm::sys::fs::exists(path);
  };
  if (!llvm::sys::fs::is_directory(folder))
    return problem("'" + folder + "' is not a folder");
  if (has("input_0.pb") || has("output_0.pb"))
    return std::vector<std::string>{folder.str()};
  std::vector<std::pair<uint64_t, std::string>> found;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(folder, error), end;
       it != end && !error; it.increment(error)) {
    llvm::StringRef name = llvm::sys::path::filename(it->path());
    uint64_t number;
    if (name.consume_front("test_data_set_") && !name.getAsInteger(10, number))
      found.emplace_back(number, it->path());
  }
  if (found.empty())
    return problem("'" + folder +
                   "' has no input_0.pb and no folders test_data_set_0, "
                   "test_data_set_1, ...");
  llvm::sort(found);
  std::vector<std::string> folders;
  for (auto &entry : found)
    folders.push_back(entry.second);
  return folders;
}
