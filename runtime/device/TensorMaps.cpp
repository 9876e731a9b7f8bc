// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TensorMaps.h"
#include <algorithm>
#include <iterator>

using namespace trine::runtime;

bool TensorMapValues::operator==(const TensorMapValues &other) const {
  return address == other.address && rank == other.rank &&
         element == other.element &&
         std::equal(std::begin(sizes), std::end(sizes), other.sizes) &&
         std::equal(std::begin(strides), std::end(strides), other.strides) &&
         std::equal(std::begin(box), std::end(box), other.box);
}

uint64_t TensorMapValues::hash() const {
  uint64_t result = 0xCBF29CE484222325;
  auto add = [&](uint64_t value) {
    result = (result ^ value) * 0x9E3779B97F4A7C15;
    result ^= result >> 29;
  };
  add(address);
  for (uint64_t size : sizes)
    add(size);
  for (uint64_t stride : strides)
    add(stride);
  for (uint32_t each : box)
    add(each);
  add(rank * 256 + static_cast<uint64_t>(element));
  return result;
}

/// False: it is no number of 0 .. `most`.
static bool multiply(const WordProduct &product, const uint64_t *words,
                     uint32_t wordCount, int64_t most, uint64_t &result) {
  int64_t value = product.factor;
  for (uint32_t word : product.words)
    if (word >= wordCount ||
        __builtin_mul_overflow(value, static_cast<int64_t>(words[word]),
                               &value))
      return false;
  result = static_cast<uint64_t>(value);
  return value >= 0 && value <= most;
}

bool trine::runtime::evaluateTensorMap(const TensorMapRecord &record,
                                       const uint64_t *words,
                                       uint32_t wordCount,
                                       TensorMapValues &values,
                                       std::string &problem) {
  values = TensorMapValues();
  values.element = record.element;
  values.rank = static_cast<uint32_t>(record.sizes.size());
  auto fail = [&](const std::string &text) {
    problem = text;
    return false;
  };
  if (values.rank < leastMapRank || values.rank > mostMapRank ||
      record.strides.size() + 1 != values.rank ||
      record.box.size() != values.rank)
    return fail("it has " + std::to_string(values.rank) + " sizes, " +
                std::to_string(record.strides.size()) +
                " strides and a box of " + std::to_string(record.box.size()));
  uint64_t offset = 0;
  if (record.word >= wordCount ||
      !multiply(record.offset, words, wordCount, INT64_MAX, offset))
    return fail("its address is not in the words of the launch");
  values.address = words[record.word] + offset;
  if (values.address % mapAlignment)
    return fail("its address is no multiple of 16 bytes");
  std::copy(record.box.begin(), record.box.end(), values.box);
  // Bytes from the first element to behind the last one, as far as a stride
  // can say them.
  constexpr uint64_t mostExtent = uint64_t(1) << 39;
  uint64_t extent = 0;
  for (uint32_t dim = 0; dim < values.rank; ++dim) {
    uint64_t &size = values.sizes[dim];
    if (!multiply(record.sizes[dim], words, wordCount, mostMapSize, size))
      return fail("dimension " + std::to_string(dim) +
                  " has more than 2147483647 elements");
    size = std::max<uint64_t>(size, 1);
    if (dim == 0) {
      extent = size * mapElementBytes;
      continue;
    }
    uint64_t &stride = values.strides[dim - 1];
    if (size == 1) {
      stride = (extent + mapAlignment - 1) / mapAlignment * mapAlignment;
      continue;
    }
    if (!multiply(record.strides[dim - 1], words, wordCount, mostMapStride,
                  stride) ||
        stride % mapAlignment)
      return fail("the stride of dimension " + std::to_string(dim) +
                  " is no multiple of 16 bytes below 2^40");
    if (stride && size - 1 > mostExtent / stride)
      extent = mostExtent;
    else
      extent = std::min(extent + (size - 1) * stride, mostExtent);
  }
  return true;
}
