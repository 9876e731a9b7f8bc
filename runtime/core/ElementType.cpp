// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ElementType.h"

using namespace trine::runtime;

namespace {
struct ElementType {
  const char *name;
  uint32_t size;
};
} // namespace

/// Indexed by trine_type.
static const ElementType elementTypes[] = {
    {nullptr, 0},  {"f64", 8},        {"f32", 4},       {"f16", 2},
    {"bf16", 2},   {"i8", 1},         {"i16", 2},       {"i32", 4},
    {"i64", 8},    {"u8", 1},         {"u16", 2},       {"u32", 4},
    {"u64", 8},    {"bool", 1},       {"i4", 1},        {"u4", 1},
    {"i2", 1},     {"u2", 1},         {"f8e4m3fn", 1},  {"f8e4m3fnuz", 1},
    {"f8e5m2", 1}, {"f8e5m2fnuz", 1}, {"f8e8m0fnu", 1}, {"f4e2m1fn", 1}};
static constexpr trine_type typeCount =
    sizeof(elementTypes) / sizeof(elementTypes[0]);
static_assert(typeCount == TRINE_TYPE_F4E2M1FN + 1);

const char *trine_type_name(trine_type type) {
  return type > 0 && type < typeCount ? elementTypes[type].name : nullptr;
}

uint32_t trine_type_size(trine_type type) {
  return type > 0 && type < typeCount ? elementTypes[type].size : 0;
}

trine_type trine::runtime::parseElementType(std::string_view name) {
  for (trine_type type = 1; type < typeCount; ++type)
    if (name == elementTypes[type].name)
      return type;
  return TRINE_TYPE_NONE;
}

bool trine::runtime::getTensorBytes(const int64_t *sizes, uint32_t rank,
                                    uint64_t elementBytes, uint64_t &bytes) {
  bool empty = false, overflow = false;
  uint64_t product = elementBytes;
  for (uint32_t i = 0; i < rank; ++i) {
    if (sizes[i] < 0)
      return false;
    empty |= sizes[i] == 0;
    overflow |= __builtin_mul_overflow(product, static_cast<uint64_t>(sizes[i]),
                                       &product) ||
                product > INT64_MAX;
  }
  bytes = empty ? 0 : product;
  return empty || !overflow;
}

std::string trine::runtime::formatSizes(const int64_t *sizes, uint32_t rank) {
  std::string result = "[";
  for (uint32_t i = 0; i < rank; ++i)
    result += (i ? ", " : "") + std::to_string(sizes[i]);
  return result + "]";
}
