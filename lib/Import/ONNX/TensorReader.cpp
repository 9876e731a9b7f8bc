// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorReader.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::importer;
using llvm::createStringError;
using llvm::Error;

// A file's bytes are little-endian, an attribute's the host's.
static_assert(llvm::endianness::native == llvm::endianness::little,
              "the importer needs a little-endian machine");

Type importer::getElementType(DataType type, MLIRContext *context) {
  Builder builder(context);
  switch (type) {
  case DataType::Float:
    return builder.getF32Type();
  case DataType::Double:
    return builder.getF64Type();
  case DataType::Float16:
    return builder.getF16Type();
  case DataType::BFloat16:
    return builder.getBF16Type();
  case DataType::Bool:
    return builder.getI1Type();
  case DataType::Int8:
    return builder.getIntegerType(8);
  case DataType::Int16:
    return builder.getIntegerType(16);
  case DataType::Int32:
    return builder.getIntegerType(32);
  case DataType::Int64:
    return builder.getIntegerType(64);
  case DataType::UInt8:
    return builder.getIntegerType(8, /*isSigned=*/false);
  case DataType::UInt16:
    return builder.getIntegerType(16, false);
  case DataType::UInt32:
    return builder.getIntegerType(32, false);
  case DataType::UInt64:
    return builder.getIntegerType(64, false);
  case DataType::UInt4:
    return builder.getIntegerType(4, false);
  case DataType::Int4:
    return builder.getIntegerType(4);
  case DataType::UInt2:
    return builder.getIntegerType(2, false);
  case DataType::Int2:
    return builder.getIntegerType(2);
  case DataType::Float8E4M3FN:
    return builder.getType<Float8E4M3FNType>();
  case DataType::Float8E4M3FNUZ:
    return builder.getType<Float8E4M3FNUZType>();
  case DataType::Float8E5M2:
    return builder.getType<Float8E5M2Type>();
  case DataType::Float8E5M2FNUZ:
    return builder.getType<Float8E5M2FNUZType>();
  case DataType::Float8E8M0:
    return builder.getType<Float8E8M0FNUType>();
  case DataType::Float4E2M1:
    return builder.getType<Float4E2M1FNType>();
  case DataType::Undefined:
  case DataType::String:
    break;
  }
  return {};
}

std::string importer::describe(DataType type) {
  static constexpr const char *names[] = {
      "undefined",      "float",      "uint8",
      "int8",           "uint16",     "int16",
      "int32",          "int64",      "string",
      "bool",           "float16",    "double",
      "uint32",         "uint64",     "complex64",
      "complex128",     "bfloat16",   "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
      "uint4",          "int4",       "float4e2m1",
      "float8e8m0",     "uint2",      "int2"};
  if (size_t(type) < std::size(names))
    return names[size_t(type)];
  return "data type " + std::to_string(int32_t(type));
}

static std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

namespace {
/// The fields of a TensorProto that hold elements.
enum class Field { FloatData, Int32Data, Int64Data, DoubleData, UInt64Data };
} // namespace

static const char *nameOf(Field field) {
  static constexpr const char *names[] = {
      "float_data", "int32_data", "int64_data", "double_data", "uint64_data"};
  return names[size_t(field)];
}

/// Which field holds elements that are not in raw_data.
static Field getField(DataType type) {
  switch (type) {
  case DataType::Float:
    return Field::FloatData;
  case DataType::Double:
    return Field::DoubleData;
  case DataType::Int64:
    return Field::Int64Data;
  case DataType::UInt32:
  case DataType::UInt64:
    return Field::UInt64Data;
  default:
    return Field::Int32Data;
  }
}

Error TensorReader::checkFields(const Tensor &tensor, uint64_t elements) const {
  SmallVector<StringRef, 4> present;
  if (tensor.raw)
    present.push_back("raw_data");
  if (tensor.payload)
    present.push_back(
        tensor.payload->field == PayloadField::RawData     ? "raw_data"
        : tensor.payload->field == PayloadField::FloatData ? "float_data"
                                                           : "double_data");
  std::pair<Field, size_t> typed[] = {
      {Field::FloatData, tensor.floats.size()},
      {Field::Int32Data, tensor.int32s.size()},
      {Field::Int64Data, tensor.int64s.size()},
      {Field::DoubleData, tensor.doubles.size()},
      {Field::UInt64Data, tensor.uint64s.size()}};
  for (auto [field, size] : typed)
    if (size)
      present.push_back(nameOf(field));
  if (tensor.stringCount)
    present.push_back("string_data");
  if (tensor.isExternal)
    present.push_back("external_data");
  else if (!tensor.externalData.empty())
    return createStringError(
        "has external_data, but data_location is not EXTERNAL");
  if (present.size() > 1)
    return createStringError("has its elements in both " + present[0] +
                             " and " + present[1]);
  if (present.empty() && elements != 0)
    return createStringError("has no data for its " + Twine(elements) +
                             " elements");
  if (!present.empty() && present[0] != "raw_data" &&
      present[0] != "external_data") {
    StringRef expected = nameOf(getField(tensor.dataType));
    if (present[0] != expected)
      return createStringError(
          "has elements of type " + importer::describe(tensor.dataType) +
          " in " + present[0] + ", expected raw_data or " + expected);
  }
  return Error::success();
}

Error TensorReader::readExternal(const Tensor &tensor, uint64_t bytes,
                                 TensorValue &value) {
  llvm::Expected<ExternalEntry> entry = parseExternalEntry(tensor.externalData);
  if (!entry)
    return entry.takeError();
  if (entry->length && *entry->length != bytes)
    return createStringError("external data 'length' must be " + Twine(bytes) +
                             " bytes for " + ::describe(value.type) + ", got " +
                             Twine(*entry->length));
  llvm::Expected<uint64_t> size = folder.getSize(entry->location);
  if (!size)
    return size.takeError();
  if (entry->offset > *size || bytes > *size - entry->offset)
    return createStringError("external data needs bytes " +
                             Twine(entry->offset) + " to " +
                             Twine(entry->offset + bytes) + " of '" +
                             entry->location + "', which has " + Twine(*size));
  if (bytes > options.maxConstantBytes) {
    value.file = entry->location;
    value.offset = entry->offset;
    value.length = bytes;
    return Error::success();
  }
  // Small: sizes and axes must be known to infer types.
  SmallVector<char> buffer(bytes);
  if (Error error = folder.read(entry->location, entry->offset, buffer))
    return error;
  setElements(value, buffer);
  return Error::success();
}

template <typename To, typename From>
static Error append(ArrayRef<From> from, const char *field, DataType type,
                    SmallVectorImpl<char> &bytes) {
  for (size_t i = 0; i < from.size(); ++i) {
    if constexpr (std::is_integral_v<From>) {
      bool fits;
      if constexpr (std::is_signed_v<From>)
        fits = from[i] >= int64_t(std::numeric_limits<To>::min()) &&
               (from[i] < 0 ||
                uint64_t(from[i]) <= uint64_t(std::numeric_limits<To>::max()));
      else
        fits = from[i] <= uint64_t(std::numeric_limits<To>::max());
      if (!fits)
        return createStringError(Twine(field) + "[" + Twine(i) + "] must fit " +
                                 importer::describe(type) + ", got " +
                                 Twine(from[i]));
    }
    To value = To(from[i]);
    bytes.append(reinterpret_cast<const char *>(&value),
                 reinterpret_cast<const char *>(&value + 1));
  }
  return Error::success();
}

Error TensorReader::gatherBytes(const Tensor &tensor, uint64_t elements,
                                uint64_t fileBytes,
                                SmallVectorImpl<char> &bytes) const {
  if (tensor.raw) {
    if (tensor.raw->size() != fileBytes)
      return createStringError("has " + Twine(tensor.raw->size()) +
                               " bytes of raw_data, expected " +
                               Twine(fileBytes));
    bytes.append(tensor.raw->begin(), tensor.raw->end());
    return Error::success();
  }
  Field field = getField(tensor.dataType);
  // Of packed elements a value has one byte of them.
  elements = std::min(elements, fileBytes);
  size_t sizes[] = {tensor.floats.size(), tensor.int32s.size(),
                    tensor.int64s.size(), tensor.doubles.size(),
                    tensor.uint64s.size()};
  if (sizes[size_t(field)] != elements)
    return createStringError("has " + Twine(sizes[size_t(field)]) +
                             " elements in " + nameOf(field) + ", expected " +
                             Twine(elements));
  bytes.reserve(fileBytes);
  DataType type = tensor.dataType;
  const char *name = nameOf(field);
  switch (type) {
  case DataType::Float:
    return append<float>(tensor.floats, name, type, bytes);
  case DataType::Double:
    return append<double>(tensor.doubles, name, type, bytes);
  case DataType::Int64:
    return append<int64_t>(tensor.int64s, name, type, bytes);
  case DataType::UInt64:
    return append<uint64_t>(tensor.uint64s, name, type, bytes);
  case DataType::UInt32:
    return append<uint32_t>(tensor.uint64s, name, type, bytes);
  case DataType::Int32:
    return append<int32_t>(tensor.int32s, name, type, bytes);
  case DataType::Int16:
    return append<int16_t>(tensor.int32s, name, type, bytes);
  case DataType::Int8:
    return append<int8_t>(tensor.int32s, name, type, bytes);
  case DataType::UInt8:
  case DataType::Float8E4M3FN:
  case DataType::Float8E4M3FNUZ:
  case DataType::Float8E5M2:
  case DataType::Float8E5M2FNUZ:
  case DataType::Float8E8M0:
  case DataType::Float4E2M1:
  case DataType::UInt4:
  case DataType::Int4:
  case DataType::UInt2:
  case DataType::Int2:
    return append<uint8_t>(tensor.int32s, name, type, bytes);
  case DataType::Bool:
    return append<uint8_t>(tensor.int32s, name, type, bytes);
  default: // uint16, and the 16-bit floats by their bits
    return append<uint16_t>(tensor.int32s, name, type, bytes);
  }
}

void TensorReader::setElements(TensorValue &value, ArrayRef<char> bytes) const {
  if (value.type.getElementType().isInteger(1)) {
    SmallVector<bool> bits;
    for (char byte : bytes)
      bits.push_back(byte != 0);
    value.elements = DenseElementsAttr::get(value.type, ArrayRef<bool>(bits));
    return;
  }
  Type type = value.type.getElementType();
  if (unsigned width = type.getIntOrFloatBitWidth(); width < 8) {
    // Packed, the first element in the low bits.
    SmallVector<APInt> elements;
    for (int64_t i = 0, e = value.type.getNumElements(); i < e; ++i)
      elements.push_back(APInt(8, static_cast<uint8_t>(bytes[i * width / 8]))
                             .extractBits(width, i * width % 8));
    if (auto floatType = dyn_cast<FloatType>(type)) {
      SmallVector<APFloat> numbers;
      for (const APInt &element : elements)
        numbers.emplace_back(floatType.getFloatSemantics(), element);
      value.elements = DenseElementsAttr::get(value.type, numbers);
    } else {
      value.elements = DenseElementsAttr::get(value.type, elements);
    }
    return;
  }
  value.elements = DenseElementsAttr::getFromRawBuffer(value.type, bytes);
}

/// Other tensors are no tables of positions.
static constexpr int64_t kMinimumTableRows = 64, kMaximumTableColumns = 1024;

StringRef TensorReader::findRepeats(const TensorValue &value) {
  ArrayRef<int64_t> shape = value.type.getShape();
  if (shape.size() < 2 || !isa<FloatType>(value.type.getElementType()) ||
      value.type.getElementTypeBitWidth() < 16 || shape.back() < 4 ||
      shape.back() % 2 != 0 || shape.back() > kMaximumTableColumns ||
      value.type.getNumElements() / shape.back() < kMinimumTableRows)
    return {};
  // A sparse file of zeros repeats for ever.
  if (value.length > repeatBytes)
    return {};
  uint64_t elementBytes = value.length / value.type.getNumElements(),
           rowBytes = elementBytes * shape.back(), half = rowBytes / 2;
  bool halves = true, pairs = true;
  // Most weights fail in their first row.
  SmallVector<char> buffer;
  uint64_t read = 0;
  for (uint64_t at = 0, rows = 1; at < value.length && (halves || pairs);
       at += buffer.size(), rows = 256) {
    buffer.resize(std::min(rows * rowBytes, value.length - at));
    read += buffer.size();
    if (Error error = folder.read(value.file, value.offset + at, buffer)) {
      llvm::consumeError(std::move(error));
      return {};
    }
    for (const char *row = buffer.begin(); row < buffer.end();
         row += rowBytes) {
      halves = halves && std::memcmp(row, row + half, half) == 0;
      for (uint64_t i = 0; pairs && i < rowBytes; i += 2 * elementBytes)
        pairs = std::memcmp(row + i, row + i + elementBytes, elementBytes) == 0;
    }
  }
  repeatBytes -= read;
  return halves ? "halves" : pairs ? "pairs" : "";
}

llvm::Expected<TensorValue> TensorReader::read(const Tensor &tensor) {
  Type elementType = getElementType(tensor.dataType, context);
  if (!elementType)
    return createStringError("has elements of type " +
                             importer::describe(tensor.dataType) +
                             ", which is not supported");
  if (tensor.dims.size() > maxRank)
    return createStringError("has " + Twine(tensor.dims.size()) +
                             " dimensions; at most " + Twine(maxRank) +
                             " are supported");
  uint64_t elementBits =
      elementType.isInteger(1) ? 8 : elementType.getIntOrFloatBitWidth();
  // All sizes are taken as if no other were 0, so that later arithmetic on some
  // of them cannot overflow either.
  int64_t bytesIfNotEmpty = llvm::divideCeil(elementBits, 8);
  uint64_t elements = 1;
  for (int64_t size : tensor.dims) {
    if (size < 0)
      return createStringError("has a negative size " + Twine(size));
    elements *= size; // not larger than the product that is checked
    std::optional<int64_t> product =
        llvm::checkedMul(bytesIfNotEmpty, std::max<int64_t>(size, 1));
    if (!product)
      return createStringError("has more than 2^63 bytes");
    bytesIfNotEmpty = *product;
  }
  // Of elements of 2 and 4 bits there are fewer than 2^63, too.
  uint64_t bytes = elementBits < 8 ? llvm::divideCeil(elements, 8 / elementBits)
                                   : elements * (elementBits / 8);
  if (Error error = checkFields(tensor, elements))
    return std::move(error);

  TensorValue value;
  value.type = RankedTensorType::get(tensor.dims, elementType);
  if (tensor.isExternal) {
    if (Error error = readExternal(tensor, bytes, value))
      return std::move(error);
    if (!value.elements)
      value.repeats = findRepeats(value);
    return value;
  }
  if (tensor.payload) {
    if (tensor.payload->length != bytes)
      return createStringError("has " + Twine(tensor.payload->length) +
                               " bytes of data, expected " + Twine(bytes) +
                               " for " + ::describe(value.type));
    value.file = modelFile.str();
    value.offset = tensor.payload->offset;
    value.length = bytes;
    value.repeats = findRepeats(value);
    return value;
  }
  if (bytes > options.maxEncodedTensorBytes)
    return createStringError("has " + Twine(bytes) + " bytes in " +
                             nameOf(getField(tensor.dataType)) + "; at most " +
                             Twine(options.maxEncodedTensorBytes) +
                             " are supported, use raw_data");
  SmallVector<char> buffer;
  if (Error error = gatherBytes(tensor, elements, bytes, buffer))
    return std::move(error);
  setElements(value, buffer);
  return value;
}
