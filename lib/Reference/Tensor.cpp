// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Reference/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// What there is to know about each element type, in the order of the
/// enumeration.
struct TypeRecord {
  llvm::StringRef name;
  int64_t bytes;
  int64_t onnx;
};
} // namespace

static const TypeRecord typeRecords[] = {
    {"f64", 8, 11},        {"f32", 4, 1},      {"f16", 2, 10},
    {"bf16", 2, 16},       {"i8", 1, 3},       {"i16", 2, 5},
    {"i32", 4, 6},         {"i64", 8, 7},      {"u8", 1, 2},
    {"u16", 2, 4},         {"u32", 4, 12},     {"u64", 8, 13},
    {"bool", 1, 9},        {"i4", 1, 22},      {"i2", 1, 26},
    {"u4", 1, 21},         {"u2", 1, 25},      {"f8e4m3fn", 1, 17},
    {"f8e4m3fnuz", 1, 18}, {"f8e5m2", 1, 19},  {"f8e5m2fnuz", 1, 20},
    {"f8e8m0fnu", 1, 24},  {"f4e2m1fn", 1, 23}};

static const TypeRecord &recordOf(ElementType type) {
  return typeRecords[static_cast<unsigned>(type)];
}

llvm::StringRef reference::nameOf(ElementType type) {
  return recordOf(type).name;
}

int64_t reference::bytesPerElement(ElementType type) {
  return recordOf(type).bytes;
}

int64_t reference::bitsInFile(ElementType type) {
  switch (type) {
  case ElementType::I2:
  case ElementType::U2:
    return 2;
  case ElementType::I4:
  case ElementType::U4:
  case ElementType::F4E2M1FN:
    return 4;
  default:
    return 8 * bytesPerElement(type);
  }
}

int64_t reference::onnxDataType(ElementType type) {
  return recordOf(type).onnx;
}

std::optional<ElementType>
reference::elementTypeFromName(llvm::StringRef name) {
  for (auto [i, record] : llvm::enumerate(typeRecords))
    if (record.name == name)
      return static_cast<ElementType>(i);
  return std::nullopt;
}

std::optional<ElementType> reference::elementTypeFromONNX(int64_t dataType) {
  for (auto [i, record] : llvm::enumerate(typeRecords))
    if (record.onnx == dataType)
      return static_cast<ElementType>(i);
  return std::nullopt;
}

std::optional<ElementType> reference::elementTypeOf(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  if (type.isF64())
    return ElementType::F64;
  if (type.isF32())
    return ElementType::F32;
  if (type.isF16())
    return ElementType::F16;
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isIndex())
    return ElementType::I64;
  if (isa<Float8E4M3FNType>(type))
    return ElementType::F8E4M3FN;
  if (isa<Float8E4M3FNUZType>(type))
    return ElementType::F8E4M3FNUZ;
  if (isa<Float8E5M2Type>(type))
    return ElementType::F8E5M2;
  if (isa<Float8E5M2FNUZType>(type))
    return ElementType::F8E5M2FNUZ;
  if (isa<Float8E8M0FNUType>(type))
    return ElementType::F8E8M0FNU;
  if (isa<Float4E2M1FNType>(type))
    return ElementType::F4E2M1FN;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return ElementType::Bool;
  case 2:
    return isUnsigned ? ElementType::U2 : ElementType::I2;
  case 4:
    return isUnsigned ? ElementType::U4 : ElementType::I4;
  case 8:
    return isUnsigned ? ElementType::U8 : ElementType::I8;
  case 16:
    return isUnsigned ? ElementType::U16 : ElementType::I16;
  case 32:
    return isUnsigned ? ElementType::U32 : ElementType::I32;
  case 64:
    return isUnsigned ? ElementType::U64 : ElementType::I64;
  default:
    return std::nullopt;
  }
}

bool reference::isFloat(ElementType type) {
  return type <= ElementType::BF16 || isSmallFloat(type);
}

bool reference::isSmallFloat(ElementType type) {
  return type >= ElementType::F8E4M3FN;
}

bool reference::isSignedInteger(ElementType type) {
  return (type >= ElementType::I8 && type <= ElementType::I64) ||
         type == ElementType::I4 || type == ElementType::I2;
}

bool reference::isUnsignedInteger(ElementType type) {
  return (type >= ElementType::U8 && type <= ElementType::U64) ||
         type == ElementType::U4 || type == ElementType::U2;
}

std::optional<int64_t> reference::countElements(llvm::ArrayRef<int64_t> shape) {
  constexpr int64_t limit = int64_t(1) << 48;
  if (llvm::any_of(shape, [](int64_t dim) { return dim < 0; }))
    return std::nullopt;
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (count > limit / dim)
      return std::nullopt;
    count *= dim;
  }
  return count;
}

std::string reference::describeShape(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << '[';
  llvm::interleaveComma(shape, stream);
  stream << ']';
  return text;
}

std::optional<Tensor> Tensor::create(ElementType type,
                                     llvm::ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return std::nullopt;
  // calloc leaves large blocks to the system, which gives zeroed pages on first
  // use.
  void *memory =
      std::calloc(std::max<int64_t>(*count, 1), bytesPerElement(type));
  if (!memory)
    return std::nullopt;
  Tensor tensor;
  tensor.type = type;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.count = *count;
  tensor.bytes = static_cast<const char *>(memory);
  tensor.owner = std::shared_ptr<void>(memory, std::free);
  tensor.writable = true;
  return tensor;
}

Tensor Tensor::borrow(ElementType type, llvm::ArrayRef<int64_t> shape,
                      const char *bytes, std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.count = countElements(shape).value_or(0);
  tensor.bytes = bytes;
  tensor.owner = std::move(owner);
  return tensor;
}

std::optional<Tensor> Tensor::fromBytes(ElementType type,
                                        llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<char> bytes) {
  std::optional<Tensor> tensor = create(type, shape);
  if (!tensor || tensor->getBytes().size() != bytes.size())
    return std::nullopt;
  llvm::copy(bytes, tensor->getMutableBytes().begin());
  return tensor;
}

Tensor Tensor::fromReals(ElementType type, llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<double> values) {
  Tensor tensor = create(type, shape).value_or(Tensor());
  for (int64_t i = 0; i < tensor.count && !values.empty(); ++i)
    tensor.setReal(i, values[i % values.size()]);
  return tensor;
}

Tensor Tensor::fromIntegers(ElementType type, llvm::ArrayRef<int64_t> shape,
                            llvm::ArrayRef<int64_t> values) {
  Tensor tensor = create(type, shape).value_or(Tensor());
  for (int64_t i = 0; i < tensor.count && !values.empty(); ++i)
    tensor.setInteger(i, values[i % values.size()]);
  return tensor;
}

llvm::MutableArrayRef<char> Tensor::getMutableBytes() {
  llvm::ArrayRef<char> old = getBytes();
  if (!writable || owner.use_count() > 1) {
    size_t size = std::max<size_t>(old.size(), 1);
    void *memory = std::malloc(size);
    if (!memory)
      llvm::report_bad_alloc_error("no memory for a copy of a tensor");
    if (!old.empty())
      std::memcpy(memory, old.data(), old.size());
    owner = std::shared_ptr<void>(memory, std::free);
    bytes = static_cast<const char *>(memory);
    writable = true;
  }
  return {const_cast<char *>(bytes), old.size()};
}

/// Reads one element; the bytes of a mapped file need not be aligned.
template <typename T>
static T load(const char *bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
static void store(char *bytes, int64_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

double Tensor::real(int64_t i) const {
  switch (type) {
  case ElementType::F64:
    return load<double>(bytes, i);
  case ElementType::F32:
    return load<float>(bytes, i);
  case ElementType::F16:
    return halfToDouble(load<uint16_t>(bytes, i));
  case ElementType::BF16:
    return bfloat16ToDouble(load<uint16_t>(bytes, i));
  case ElementType::U64:
    return static_cast<double>(load<uint64_t>(bytes, i));
  default:
    if (isSmallFloat(type))
      return smallFloatToDouble(type, load<uint8_t>(bytes, i));
    return static_cast<double>(integer(i));
  }
}

/// Truncates towards zero; values beyond the range give its ends, NaN gives 0.
static int64_t truncateReal(double value) {
  if (std::isnan(value))
    return 0;
  if (value >= 0x1p63)
    return std::numeric_limits<int64_t>::max();
  if (value < -0x1p63)
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

int64_t Tensor::integer(int64_t i) const {
  switch (type) {
  case ElementType::I8:
  case ElementType::I4:
  case ElementType::I2:
    return load<int8_t>(bytes, i);
  case ElementType::I16:
    return load<int16_t>(bytes, i);
  case ElementType::I32:
    return load<int32_t>(bytes, i);
  case ElementType::I64:
  case ElementType::U64:
    return load<int64_t>(bytes, i);
  case ElementType::U8:
  case ElementType::U4:
  case ElementType::U2:
    return load<uint8_t>(bytes, i);
  case ElementType::U16:
    return load<uint16_t>(bytes, i);
  case ElementType::U32:
    return load<uint32_t>(bytes, i);
  case ElementType::Bool:
    return load<uint8_t>(bytes, i) != 0;
  default:
    return truncateReal(real(i));
  }
}

void Tensor::setReal(int64_t i, double value) {
  char *data = getMutableBytes().data();
  switch (type) {
  case ElementType::F64:
    return store<double>(data, i, value);
  case ElementType::F32:
    return store<float>(data, i, static_cast<float>(value));
  case ElementType::F16:
    return store<uint16_t>(data, i, roundToHalf(value));
  case ElementType::BF16:
    return store<uint16_t>(data, i, roundToBFloat16(value));
  case ElementType::Bool:
    return store<uint8_t>(data, i, value != 0.0);
  case ElementType::U64:
    if (value >= 0x1p63)
      return store<uint64_t>(data, i,
                             value >= 0x1p64 ? ~uint64_t(0)
                                             : static_cast<uint64_t>(value));
    return store<int64_t>(data, i, truncateReal(value));
  default:
    if (isSmallFloat(type))
      return store<uint8_t>(data, i, roundToSmallFloat(type, value));
    return setInteger(i, truncateReal(value));
  }
}

void Tensor::setInteger(int64_t i, int64_t value) {
  char *data = getMutableBytes().data();
  switch (type) {
  case ElementType::I8:
  case ElementType::U8:
    return store<uint8_t>(data, i, static_cast<uint8_t>(value));
  case ElementType::I16:
  case ElementType::U16:
    return store<uint16_t>(data, i, static_cast<uint16_t>(value));
  case ElementType::I32:
  case ElementType::U32:
    return store<uint32_t>(data, i, static_cast<uint32_t>(value));
  case ElementType::I64:
  case ElementType::U64:
    return store<int64_t>(data, i, value);
  case ElementType::Bool:
    return store<uint8_t>(data, i, value != 0);
  case ElementType::I4:
  case ElementType::I2: {
    unsigned unused = 64 - bitsInFile(type);
    return store<int8_t>(
        data, i,
        static_cast<int8_t>(
            static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >>
            unused));
  }
  case ElementType::U4:
  case ElementType::U2:
    return store<uint8_t>(
        data, i, static_cast<uint8_t>(value & ((1 << bitsInFile(type)) - 1)));
  case ElementType::F32: // one rounding, also beyond 2^53
    return store<float>(data, i, static_cast<float>(value));
  default:
    return setReal(i, static_cast<double>(value));
  }
}

void Tensor::copyElement(int64_t i, const Tensor &from, int64_t j) {
  int64_t size = bytesPerElement(type);
  std::memcpy(getMutableBytes().data() + i * size, from.bytes + j * size, size);
}

std::vector<double> Tensor::reals() const {
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = real(i);
  return values;
}

llvm::SmallVector<int64_t> Tensor::integers() const {
  llvm::SmallVector<int64_t> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = integer(i);
  return values;
}

Tensor Tensor::reshaped(llvm::ArrayRef<int64_t> newShape) const {
  Tensor result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}
