// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Source:
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "Formats.h"
#include "core/ElementType.h"
#include <cctype>
#include <cstring>

using namespace trine::runtime;

namespace {
struct NpyType {
  const char *descr;
  trine_type type;
};

/// Reads the header's Python dictionary: its writer always spells it like
/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class HeaderReader {
public:
  explicit HeaderReader(std::string_view text) : text(text) {}

  bool read() {
    if (!consume('{'))
      return false;
    while (!consume('}')) {
      std::string key;
      if (!readString(key) || !consume(':') || !readValue(key))
        return false;
      if (!consume(',') && peek() != '}')
        return false;
    }
    return peek() == '\0' && hasDescr && hasOrder && hasShape;
  }

  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;

private:
  char peek() {
    while (position < text.size() &&
           std::isspace(static_cast<unsigned char>(text[position])))
      ++position;
    return position < text.size() ? text[position] : '\0';
  }

  bool consume(char c) {
    if (peek() != c)
      return false;
    ++position;
    return true;
  }

  bool readString(std::string &result) {
    char mark = peek();
    if (mark != '\'' && mark != '"')
      return false;
    size_t end = text.find(mark, position + 1);
    if (end == std::string_view::npos)
      return false;
    result = text.substr(position + 1, end - position - 1);
    position = end + 1;
    return true;
  }

  bool readWord(std::string_view word) {
    peek();
    if (text.substr(position, word.size()) != word)
      return false;
    position += word.size();
    return true;
  }

  bool readValue(const std::string &key) {
    if (key == "descr") {
      hasDescr = true;
      return readString(descr);
    }
    if (key == "fortran_order") {
      hasOrder = true;
      fortranOrder = readWord("True");
      return fortranOrder || readWord("False");
    }
    if (key != "shape" || hasShape)
      return false;
    hasShape = true;
    return readShape();
  }

  bool readShape() {
    if (!consume('('))
      return false;
    while (!consume(')')) {
      int64_t size = 0;
      if (!std::isdigit(static_cast<unsigned char>(peek())))
        return false;
      while (position < text.size() &&
             std::isdigit(static_cast<unsigned char>(text[position])))
        if (__builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, text[position++] - '0', &size))
          return false;
      if (peek() == 'L') // written by Python 2
        ++position;
      shape.push_back(size);
      if (!consume(',') && peek() != ')')
        return false;
    }
    return true;
  }

  std::string_view text;
  size_t position = 0;
  bool hasDescr = false, hasOrder = false, hasShape = false;
};
} // namespace

/// Of two names for a type the last is written.
static const NpyType npyTypes[] = {
    // What numpy writes for the small types of ml_dtypes.
    {"|V1", TRINE_TYPE_U8},  {"<f8", TRINE_TYPE_F64},  {"<f4", TRINE_TYPE_F32},
    {"<f2", TRINE_TYPE_F16}, {"|V2", TRINE_TYPE_BF16}, {"|i1", TRINE_TYPE_I8},
    {"<i2", TRINE_TYPE_I16}, {"<i4", TRINE_TYPE_I32},  {"<i8", TRINE_TYPE_I64},
    {"|u1", TRINE_TYPE_U8},  {"<u2", TRINE_TYPE_U16},  {"<u4", TRINE_TYPE_U32},
    {"<u8", TRINE_TYPE_U64}, {"|b1", TRINE_TYPE_BOOL}};

/// Copies Fortran order to C order.
static void transpose(const uint8_t *source, HostTensor &tensor) {
  size_t rank = tensor.sizes.size(), width = trine_type_size(tensor.type);
  uint64_t count = tensor.bytes / width;
  std::vector<uint64_t> strides(rank);
  uint64_t stride = 1;
  for (size_t d = 0; d < rank; ++d) {
    strides[d] = stride;
    stride *= static_cast<uint64_t>(tensor.sizes[d]);
  }
  std::vector<int64_t> index(rank, 0);
  uint8_t *target = static_cast<uint8_t *>(tensor.getData());
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t offset = 0;
    for (size_t d = 0; d < rank; ++d)
      offset += static_cast<uint64_t>(index[d]) * strides[d];
    memcpy(target + i * width, source + offset * width, width);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < tensor.sizes[d])
        break;
      index[d] = 0;
    }
  }
}

Status trine::runtime::readNpy(const uint8_t *data, uint64_t size,
                               const std::string &label, HostTensor &tensor) {
  auto fail = [&](const std::string &text) {
    return Status(TRINE_ERROR_IO, concat(quote(label), " ", text));
  };
  if (size < 10 || memcmp(data, "\x93NUMPY", 6) != 0)
    return fail("is no .npy: it does not begin with \\x93NUMPY");
  unsigned version = data[6];
  if (version < 1 || version > 3)
    return fail(concat("is of .npy version ", version, ", expected 1 to 3"));
  uint64_t offset = version == 1 ? 10 : 12;
  if (size < offset)
    return fail("is truncated in its header");
  uint64_t length = data[8] | uint64_t(data[9]) << 8;
  if (version > 1)
    length |= uint64_t(data[10]) << 16 | uint64_t(data[11]) << 24;
  if (length > size - offset)
    return fail("is truncated in its header");
  HeaderReader header(
      std::string_view(reinterpret_cast<const char *>(data) + offset, length));
  if (!header.read())
    return fail("has a header that is not a .npy's, or an element type that is "
                "not simple");
  // '=' and '|' mean the same as '<' where it matters, and numpy writes either
  // for single bytes.
  std::string descr = header.descr;
  if (!descr.empty() && (descr[0] == '=' || descr[0] == '|'))
    descr[0] = '<';
  tensor.type = TRINE_TYPE_NONE;
  for (const NpyType &type : npyTypes)
    if (descr.substr(0, 1) == "<" && descr.substr(1) == type.descr + 1)
      tensor.type = type.type;
  if (tensor.type == TRINE_TYPE_NONE)
    return fail(concat("has element type ", quote(header.descr),
                       ", which Trine cannot take"));
  tensor.opaque = tensor.type == TRINE_TYPE_U16 ||
                  tensor.type == TRINE_TYPE_BF16 ||
                  tensor.type == TRINE_TYPE_U8;
  tensor.sizes = header.shape;
  if (tensor.sizes.size() > 64)
    return fail(concat("has ", tensor.sizes.size(), " dimensions"));
  uint64_t bytes, available = size - offset - length;
  if (!getTensorBytes(tensor.sizes.data(),
                      static_cast<uint32_t>(tensor.sizes.size()),
                      trine_type_size(tensor.type), bytes) ||
      bytes > available)
    return fail(concat("is truncated: its data has ", available,
                       " bytes, too few for ",
                       formatSizes(tensor.sizes.data(),
                                   static_cast<uint32_t>(tensor.sizes.size())),
                       " of ", trine_type_name(tensor.type)));
  if (!tensor.allocate())
    // No test: only when memory runs out.
    return fail(concat("needs ", bytes, " bytes, which are not there"));
  const uint8_t *source = data + offset + length;
  if (header.fortranOrder && tensor.sizes.size() > 1)
    transpose(source, tensor);
  else if (bytes)
    memcpy(tensor.getData(), source, bytes);
  return Status();
}

std::string trine::runtime::makeNpyHeader(const trine_tensor &tensor) {
  const char *descr = "|V1";
  for (const NpyType &type : npyTypes)
    if (type.type == tensor.type)
      descr = type.descr;
  std::string header =
      concat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (");
  for (uint32_t d = 0; d < tensor.rank; ++d)
    header += concat(d ? ", " : "", tensor.sizes[d]);
  header += tensor.rank == 1 ? ",), }" : "), }";
  // Data begins at a multiple of 64; a newline comes before it.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string result = "\x93NUMPY";
  result += '\x01';
  result += '\0';
  result += static_cast<char>(header.size() & 255);
  result += static_cast<char>(header.size() >> 8);
  return result + header;
}
