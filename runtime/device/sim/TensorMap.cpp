// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorMap.h"
#include <cstring>

using namespace trine::sim;

static const uint8_t elementTypes = 13;
static const unsigned hashOffset = 120;

unsigned trine::sim::getElementBytes(TensorElement element) {
  switch (element) {
  case TensorElement::U8:
    return 1;
  case TensorElement::U16:
  case TensorElement::F16:
  case TensorElement::BF16:
    return 2;
  case TensorElement::U32:
  case TensorElement::S32:
  case TensorElement::F32:
  case TensorElement::F32Flush:
  case TensorElement::TF32:
  case TensorElement::TF32Flush:
    return 4;
  case TensorElement::U64:
  case TensorElement::S64:
  case TensorElement::F64:
    return 8;
  }
  return 1;
}

bool trine::sim::isFloatElement(TensorElement element) {
  return element >= TensorElement::F16;
}

namespace {

/// Collects complaints.
struct Complaints {
  std::string &text;
  void add(const std::string &complaint) {
    text += (text.empty() ? "" : "; ") + complaint;
  }
  static std::string name(const char *field, unsigned dimension) {
    return std::string("'") + field + "[" + std::to_string(dimension) + "]'";
  }
};

} // namespace

static void checkDimensions(const TensorMap &map, Complaints &complaints) {
  for (unsigned i = 0; i < map.rank; ++i) {
    if (map.globalDim[i] == 0 || map.globalDim[i] > uint64_t(1) << 32)
      complaints.add(Complaints::name("globalDim", i) +
                     " must be in [1, 2^32], got " +
                     std::to_string(map.globalDim[i]));
    if (map.boxDim[i] == 0 || map.boxDim[i] > 256)
      complaints.add(Complaints::name("boxDim", i) +
                     " must be in [1, 256], got " +
                     std::to_string(map.boxDim[i]));
    if (map.elementStride[i] == 0 || map.elementStride[i] > 8)
      complaints.add(Complaints::name("elementStrides", i) +
                     " must be in [1, 8], got " +
                     std::to_string(map.elementStride[i]));
  }
  for (unsigned i = 0; i + 1 < map.rank; ++i)
    if (map.globalStride[i] % 16 || map.globalStride[i] >= uint64_t(1) << 40)
      complaints.add(Complaints::name("globalStrides", i) +
                     " must be a multiple of 16 below 2^40, got " +
                     std::to_string(map.globalStride[i]));
}

bool trine::sim::checkTensorMap(const TensorMap &map, std::string &error) {
  error.clear();
  Complaints complaints = {error};
  if (static_cast<uint8_t>(map.element) >= elementTypes) {
    complaints.add("'tensorDataType' must be below 13 (packed types are not "
                   "supported), got " +
                   std::to_string(static_cast<unsigned>(map.element)));
    return false;
  }
  if (map.rank < 1 || map.rank > maxTensorRank) {
    complaints.add("'tensorRank' must be in [1, 5], got " +
                   std::to_string(map.rank));
    return false;
  }
  if (map.globalAddress % 16)
    complaints.add("'globalAddress' must be a multiple of 16");
  checkDimensions(map, complaints);
  if (map.interleave)
    complaints.add("'interleave' must be 0 (none); the interleaved layouts are "
                   "not supported");
  if (map.fill > 1)
    complaints.add("'oobFill' must be 0 or 1, got " + std::to_string(map.fill));
  else if (map.fill == 1 && !isFloatElement(map.element))
    complaints.add("'oobFill' of NaN needs a floating-point 'tensorDataType'");
  uint64_t rowBytes = uint64_t(map.boxDim[0]) * getElementBytes(map.element);
  if (rowBytes % 16)
    complaints.add("'boxDim[0]' must be a multiple of 16 bytes, got " +
                   std::to_string(rowBytes));
  if (map.swizzle > 3) {
    complaints.add(
        "'swizzle' must be 0 (none), 1 (32 B), 2 (64 B) or 3 (128 B), got " +
        std::to_string(map.swizzle));
  } else if (map.swizzle) {
    // Shorter rows are legal for the driver; how they are packed has not been
    // measured.
    unsigned span = 16 * getSwizzleWidth(static_cast<Swizzle>(map.swizzle));
    if (rowBytes != span)
      complaints.add("'boxDim[0]' must be the " + std::to_string(span) +
                     " bytes of the swizzle, got " + std::to_string(rowBytes));
  }
  return error.empty();
}

template <typename T>
static void writeField(uint8_t *bytes, unsigned offset, T value,
                       unsigned width = sizeof(T)) {
  for (unsigned i = 0; i < width; ++i)
    bytes[offset + i] =
        static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i));
}

static uint64_t readField(const uint8_t *bytes, unsigned offset,
                          unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i)
    value |= uint64_t(bytes[offset + i]) << (8 * i);
  return value;
}

/// FNV-1a.
static uint64_t hashBytes(const uint8_t *bytes, unsigned count) {
  uint64_t hash = 0xCBF29CE484222325;
  for (unsigned i = 0; i < count; ++i)
    hash = (hash ^ bytes[i]) * 0x100000001B3;
  return hash;
}

void trine::sim::encodeTensorMap(const TensorMap &map,
                                 uint8_t (&bytes)[tensorMapBytes]) {
  std::memset(bytes, 0, sizeof(bytes));
  std::memcpy(bytes, "TRTM", 4);
  bytes[4] = 1;
  bytes[5] = static_cast<uint8_t>(map.element);
  bytes[6] = static_cast<uint8_t>(map.rank - 1);
  bytes[7] =
      static_cast<uint8_t>((map.interleave & 3) | (map.swizzle & 7) << 2 |
                           (map.promotion & 3) << 5 | (map.fill & 1) << 7);
  writeField(bytes, 8, map.globalAddress);
  for (unsigned i = 0; i < maxTensorRank; ++i) {
    writeField(bytes, 16 + 4 * i, map.globalDim[i] - 1, 4);
    writeField(bytes, 36 + 2 * i, map.boxDim[i], 2);
    writeField(bytes, 46 + i, map.elementStride[i], 1);
  }
  for (unsigned i = 0; i + 1 < maxTensorRank; ++i)
    writeField(bytes, 51 + 5 * i, map.globalStride[i] >> 4, 5);
  writeField(bytes, hashOffset, hashBytes(bytes, hashOffset));
}

bool trine::sim::decodeTensorMap(const uint8_t *bytes, TensorMap &map,
                                 std::string &error) {
  if (std::memcmp(bytes, "TRTM", 4) != 0 || bytes[4] != 1) {
    error = "the 128 bytes are not a tensor map of this device (was it encoded "
            "for another one?)";
    return false;
  }
  if (readField(bytes, hashOffset, 8) != hashBytes(bytes, hashOffset)) {
    error = "the tensor map was overwritten after it was encoded";
    return false;
  }
  map.element = static_cast<TensorElement>(bytes[5]);
  map.rank = static_cast<uint8_t>(bytes[6] + 1);
  map.interleave = bytes[7] & 3;
  map.swizzle = (bytes[7] >> 2) & 7;
  map.promotion = (bytes[7] >> 5) & 3;
  map.fill = bytes[7] >> 7;
  map.globalAddress = readField(bytes, 8, 8);
  for (unsigned i = 0; i < maxTensorRank; ++i) {
    map.globalDim[i] = readField(bytes, 16 + 4 * i, 4) + 1;
    map.boxDim[i] = static_cast<uint32_t>(readField(bytes, 36 + 2 * i, 2));
    map.elementStride[i] = bytes[46 + i];
  }
  for (unsigned i = 0; i + 1 < maxTensorRank; ++i)
    map.globalStride[i] = readField(bytes, 51 + 5 * i, 5) << 4;
  return true;
}

static bool failField(const char *field, uint64_t value, const char *range,
                      std::string &error) {
  error = std::string("tensormap.replace of '.") + field + "' must be in " +
          range + ", got " + std::to_string(value);
  return false;
}

bool trine::sim::replaceTensorMapField(uint8_t *bytes, TensorMapField field,
                                       unsigned ordinal, uint64_t value,
                                       std::string &error) {
  TensorMap map;
  if (!decodeTensorMap(bytes, map, error))
    return false;
  unsigned limit =
      field == TensorMapField::GlobalStride ? maxTensorRank - 1 : maxTensorRank;
  if (ordinal >= limit) {
    error = "tensormap.replace of dimension " + std::to_string(ordinal) +
            ", expected one below " + std::to_string(limit);
    return false;
  }
  switch (field) {
  case TensorMapField::GlobalAddress:
    map.globalAddress = value;
    break;
  case TensorMapField::Rank:
    if (value >= maxTensorRank)
      return failField("rank", value, "[0, 4]", error);
    map.rank = static_cast<uint8_t>(value + 1);
    break;
  case TensorMapField::BoxDim:
    if (value < 1 || value > 256)
      return failField("box_dim", value, "[1, 256]", error);
    map.boxDim[ordinal] = static_cast<uint32_t>(value);
    break;
  case TensorMapField::GlobalDim:
    if (value < 1 || value > uint64_t(1) << 32)
      return failField("global_dim", value, "[1, 2^32]", error);
    map.globalDim[ordinal] = value;
    break;
  case TensorMapField::GlobalStride:
    if (value % 16 || value >= uint64_t(1) << 40)
      return failField("global_stride", value, "the multiples of 16 below 2^40",
                       error);
    map.globalStride[ordinal] = value;
    break;
  case TensorMapField::ElementStride:
    if (value < 1 || value > 8)
      return failField("element_stride", value, "[1, 8]", error);
    map.elementStride[ordinal] = static_cast<uint32_t>(value);
    break;
  case TensorMapField::ElementType:
    if (value >= elementTypes)
      return failField("elemtype", value, "[0, 12]", error);
    map.element = static_cast<TensorElement>(value);
    break;
  case TensorMapField::InterleaveLayout:
    if (value > 2)
      return failField("interleave_layout", value, "[0, 2]", error);
    map.interleave = static_cast<uint8_t>(value);
    break;
  case TensorMapField::SwizzleMode:
    if (value > 4)
      return failField("swizzle_mode", value, "[0, 4]", error);
    map.swizzle = static_cast<uint8_t>(value);
    break;
  case TensorMapField::FillMode:
    if (value > 1)
      return failField("fill_mode", value, "[0, 1]", error);
    map.fill = static_cast<uint8_t>(value);
    break;
  }
  uint8_t encoded[tensorMapBytes];
  encodeTensorMap(map, encoded);
  std::memcpy(bytes, encoded, sizeof(encoded));
  return true;
}
