// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WireScanner.h"

#include <algorithm>

using namespace mlir::trine;
using llvm::Error;

namespace {

/// The messages that are looked into. Copy and Drop say what happens to a field
/// that is not.
enum class Kind : uint8_t {
  Copy,
  Drop,
  Model,
  Graph,
  Node,
  Attribute,
  Tensor,
  SparseTensor,
  Function
};

enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

constexpr uint64_t segmentField = 3;
/// What replaces a payload takes fewer bytes than this, so that messages only
/// ever shrink.
constexpr uint64_t smallestPayload = 16;

/// What a length-delimited field of a message holds; numbers from
/// onnx-ml.proto.
Kind kindOf(Kind message, uint64_t field) {
  switch (message) {
  case Kind::Model:
    switch (field) {
    case 7:
      return Kind::Graph;
    case 25:
      return Kind::Function;
    case 6:  // doc_string
    case 14: // metadata_props
    case 20: // training_info
    case 26: // configuration
      return Kind::Drop;
    }
    break;
  case Kind::Graph:
    switch (field) {
    case 1:
      return Kind::Node;
    case 5:
      return Kind::Tensor;
    case 15:
      return Kind::SparseTensor;
    case 10: // doc_string
    case 13: // value_info: sizes in it are often wrong, types are inferred
    case 14: // quantization_annotation
    case 16: // metadata_props
      return Kind::Drop;
    }
    break;
  case Kind::Node:
    switch (field) {
    case 5:
      return Kind::Attribute;
    case 6:  // doc_string
    case 9:  // metadata_props
    case 10: // device_configurations
      return Kind::Drop;
    }
    break;
  case Kind::Attribute:
    switch (field) {
    case 5:
    case 10:
      return Kind::Tensor;
    case 6:
    case 11:
      return Kind::Graph;
    case 22:
    case 23:
      return Kind::SparseTensor;
    case 13: // doc_string
      return Kind::Drop;
    }
    break;
  case Kind::Tensor:
    if (field == 12 || field == 16) // doc_string, metadata_props
      return Kind::Drop;
    break;
  case Kind::SparseTensor:
    if (field == 1 || field == 2)
      return Kind::Tensor;
    break;
  case Kind::Function:
    switch (field) {
    case 7:
      return Kind::Node;
    case 11:
      return Kind::Attribute;
    case 8:  // doc_string
    case 12: // value_info
    case 14: // metadata_props
      return Kind::Drop;
    }
    break;
  case Kind::Copy:
  case Kind::Drop:
    break;
  }
  return Kind::Copy;
}

unsigned varintSize(uint64_t value) {
  unsigned size = 1;
  for (; value >= 0x80; value >>= 7)
    ++size;
  return size;
}

class Scanner {
public:
  Scanner(llvm::ArrayRef<uint8_t> file, const ScanLimits &limits)
      : file(file), limits(limits) {}

  llvm::Expected<StrippedModel> run() {
    if (Error error = scanMessage(Kind::Model, 0, file.size(), 0))
      return std::move(error);
    return std::move(model);
  }

private:
  /// One field: where its tag, its value and its end are.
  struct Field {
    uint64_t number = 0;
    unsigned wireType = 0;
    uint64_t start = 0, value = 0, end = 0;
  };

  Error fail(uint64_t position, const llvm::Twine &text) {
    return llvm::createStringError("byte " + llvm::Twine(position) + ": " +
                                   text);
  }

  Error readVarint(uint64_t &position, uint64_t end, uint64_t &result) {
    uint64_t start = position;
    result = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (position == end)
        return fail(start, "a number is cut off");
      uint8_t byte = file[position++];
      // The tenth byte has room for one bit.
      if (shift == 63 && (byte & 0x7e))
        return fail(start, "a number does not fit 64 bits");
      result |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return Error::success();
    }
    return fail(start, "a number does not fit 64 bits");
  }

  Error readField(uint64_t position, uint64_t end, Field &field) {
    field.start = position;
    if (++fields > limits.fields)
      return fail(position, "the model has more than " +
                                llvm::Twine(limits.fields) + " fields");
    uint64_t tag;
    if (Error error = readVarint(position, end, tag))
      return error;
    field.number = tag >> 3;
    field.wireType = tag & 7;
    if (field.number == 0 || field.number >= (1u << 29))
      return fail(field.start, "field number " + llvm::Twine(field.number) +
                                   " is not valid");
    uint64_t length = 0;
    switch (field.wireType) {
    case Varint: {
      field.value = position;
      uint64_t ignored;
      if (Error error = readVarint(position, end, ignored))
        return error;
      field.end = position;
      return Error::success();
    }
    case Fixed64:
      length = 8;
      break;
    case Fixed32:
      length = 4;
      break;
    case Bytes:
      if (Error error = readVarint(position, end, length))
        return error;
      break;
    default:
      return fail(field.start, "wire type " + llvm::Twine(field.wireType) +
                                   " is not valid in an ONNX model");
    }
    if (length > end - position)
      return fail(field.start, "field " + llvm::Twine(field.number) +
                                   " needs " + llvm::Twine(length) +
                                   " bytes, but " +
                                   llvm::Twine(end - position) + " are left");
    field.value = position;
    field.end = position + length;
    return Error::success();
  }

  void copy(uint64_t begin, uint64_t end) {
    model.bytes.append(reinterpret_cast<const char *>(file.data()) + begin,
                       end - begin);
  }

  void appendVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      model.bytes.push_back(char(value | 0x80));
    model.bytes.push_back(char(value));
  }

  /// Copies a nested message's tag and scans its content; the length is patched
  /// afterwards, padded to the old one's size, since the content only ever
  /// shrinks.
  Error scanNested(Kind kind, const Field &field, unsigned depth) {
    appendVarint(field.number << 3 | Bytes);
    uint64_t oldLength = field.end - field.value;
    unsigned size = varintSize(oldLength);
    size_t lengthAt = model.bytes.size();
    model.bytes.append(size, '\0');
    size_t contentAt = model.bytes.size();
    if (Error error = scanMessage(kind, field.value, field.end, depth + 1))
      return error;
    uint64_t length = model.bytes.size() - contentAt;
    for (unsigned i = 0; i < size; ++i, length >>= 7)
      model.bytes[lengthAt + i] =
          char((length & 0x7f) | (i + 1 < size ? 0x80 : 0));
    return Error::success();
  }

  Error scanMessage(Kind kind, uint64_t position, uint64_t end,
                    unsigned depth) {
    if (depth >= limits.nesting)
      return fail(position, "messages nest deeper than " +
                                llvm::Twine(limits.nesting) + " levels");
    if (kind == Kind::Tensor)
      return scanTensor(position, end);
    uint64_t copied = position; // all before it is dealt with
    while (position < end) {
      Field field;
      if (Error error = readField(position, end, field))
        return error;
      position = field.end;
      Kind child =
          field.wireType == Bytes ? kindOf(kind, field.number) : Kind::Copy;
      if (child == Kind::Copy)
        continue;
      copy(copied, field.start);
      copied = field.end;
      if (child == Kind::Drop)
        continue;
      if (Error error = scanNested(child, field, depth))
        return error;
    }
    copy(copied, end);
    return Error::success();
  }

  static bool isData(uint64_t number) {
    return number == 4 || number == 5 || number == 6 || number == 7 ||
           number == 9 || number == 10 || number == 11;
  }

  Error scanTensor(uint64_t begin, uint64_t end) {
    // Data that comes in several fields is left alone: protobuf and the tensor
    // reader say what it means.
    unsigned dataFields = 0;
    Field data;
    for (uint64_t position = begin; position < end;) {
      Field field;
      if (Error error = readField(position, end, field))
        return error;
      position = field.end;
      if (field.number == segmentField)
        return fail(field.start,
                    "tensors stored in segments are not supported");
      if (isData(field.number)) {
        ++dataFields;
        data = field;
      }
    }
    bool image = data.number == uint64_t(PayloadField::RawData) ||
                 data.number == uint64_t(PayloadField::FloatData) ||
                 data.number == uint64_t(PayloadField::DoubleData);
    bool strip =
        dataFields == 1 && image && data.wireType == Bytes &&
        data.end - data.value > std::max(limits.inlineBytes, smallestPayload);

    uint64_t copied = begin;
    for (uint64_t position = begin; position < end;) {
      Field field;
      if (Error error = readField(position, end, field))
        return error;
      position = field.end;
      bool isPayload = strip && field.start == data.start;
      if (!isPayload && (field.wireType != Bytes ||
                         kindOf(Kind::Tensor, field.number) != Kind::Drop))
        continue;
      copy(copied, field.start);
      copied = field.end;
      if (!isPayload)
        continue;
      uint64_t index = model.payloads.size();
      model.payloads.push_back(
          {data.value, data.end - data.value, PayloadField(data.number)});
      appendVarint(segmentField << 3 | Bytes);
      appendVarint(1 + varintSize(index));
      appendVarint(1 << 3 | Varint);
      appendVarint(index);
    }
    copy(copied, end);
    return Error::success();
  }

  llvm::ArrayRef<uint8_t> file;
  ScanLimits limits;
  uint64_t fields = 0;
  StrippedModel model;
};

} // namespace

llvm::Expected<StrippedModel>
mlir::trine::scanModel(llvm::ArrayRef<uint8_t> file, const ScanLimits &limits) {
  return Scanner(file, limits).run();
}
