// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Safetensors.h"
#include "ElementType.h"
#include "Json.h"
#include <algorithm>

using namespace trine::runtime;

namespace {
struct TypeName {
  const char *name;
  trine_type type;
  uint32_t bits;
};
} // namespace

static const TypeName typeNames[] = {
    {"F64", TRINE_TYPE_F64, 64},       {"F32", TRINE_TYPE_F32, 32},
    {"F16", TRINE_TYPE_F16, 16},       {"BF16", TRINE_TYPE_BF16, 16},
    {"I8", TRINE_TYPE_I8, 8},          {"I16", TRINE_TYPE_I16, 16},
    {"I32", TRINE_TYPE_I32, 32},       {"I64", TRINE_TYPE_I64, 64},
    {"U8", TRINE_TYPE_U8, 8},          {"U16", TRINE_TYPE_U16, 16},
    {"U32", TRINE_TYPE_U32, 32},       {"U64", TRINE_TYPE_U64, 64},
    {"BOOL", TRINE_TYPE_BOOL, 8},      {"F8_E4M3", TRINE_TYPE_F8E4M3FN, 8},
    {"F8_E5M2", TRINE_TYPE_F8E5M2, 8}, {"F8_E8M0", TRINE_TYPE_F8E8M0FNU, 8},
    {"C64", TRINE_TYPE_NONE, 64},
};

const char *trine::runtime::getSafetensorsTypeName(trine_type type) {
  for (const TypeName &entry : typeNames)
    if (type != TRINE_TYPE_NONE && entry.type == type)
      return entry.name;
  return nullptr;
}

/// Beyond so many, reading stops: a file can have a million entries that are
/// all wrong.
static constexpr size_t kMaximumProblems = 1000;
/// As of models (docs/security.md).
static constexpr size_t kMaximumRank = 32;

static void readEntry(const std::string &name, const JsonPlace &place,
                      uint64_t dataBytes, std::vector<std::string> &problems,
                      std::vector<SafetensorsEntry> &entries) {
  size_t before = problems.size();
  SafetensorsEntry entry;
  entry.name = name;
  entry.typeName = place["dtype"].getString();
  const TypeName *type =
      std::find_if(std::begin(typeNames), std::end(typeNames),
                   [&](const TypeName &t) { return entry.typeName == t.name; });
  if (place["dtype"].isString() && type == std::end(typeNames))
    place["dtype"].reportExpected("a known type");
  JsonPlace shape = place["shape"], offsets = place["data_offsets"];
  // Sizes first: a list can have millions of elements.
  if (shape.getSize() > kMaximumRank)
    shape.report(concat("must have at most ", kMaximumRank, " dimensions, got ",
                        shape.getSize()));
  else
    for (const JsonPlace &size : shape.getElements())
      entry.sizes.push_back(size.getInteger(0));
  if (offsets.getSize() == 2) {
    std::vector<JsonPlace> ends = offsets.getElements();
    entry.begin = ends[0].getInteger(0);
    entry.end = ends[1].getInteger(0);
  } else {
    offsets.report(concat("must have 2 elements, got ", offsets.getSize()));
  }
  if (problems.size() > before)
    return;
  entry.type = type->type;
  uint64_t bytes;
  if (entry.begin > entry.end || entry.end > dataBytes)
    problems.push_back(concat("tensor ", quote(name), " is at bytes [",
                              entry.begin, ", ", entry.end,
                              "), but the data has ", dataBytes));
  else if (!getTensorBytes(entry.sizes.data(),
                           static_cast<uint32_t>(entry.sizes.size()),
                           type->bits / 8, bytes))
    problems.push_back(concat("tensor ", quote(name), " is too large"));
  else if (bytes != entry.end - entry.begin)
    problems.push_back(concat("tensor ", quote(name), " needs ", bytes,
                              " bytes, but has ", entry.end - entry.begin));
  entries.push_back(std::move(entry));
}

Status trine::runtime::parseSafetensors(const uint8_t *data, uint64_t size,
                                        const std::string &label,
                                        bool allowGaps, trine_status code,
                                        SafetensorsHeader &header) {
  auto fail = [&](const std::string &text) {
    return Status(code, concat(quote(label), " ", text));
  };
  if (size < 8)
    return fail(concat("must have at least 8 bytes, got ", size));
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | data[i];
  if (length > size - 8)
    return fail(concat("has a header of ", length, " bytes, but only ",
                       size - 8, " follow"));
  // The format's own bound.
  constexpr uint64_t maximumHeader = 100'000'000;
  if (length > maximumHeader)
    return fail(concat("has a header of ", length, " bytes; at most ",
                       maximumHeader, " are allowed"));
  nlohmann::json json;
  std::string problem;
  std::string_view text(reinterpret_cast<const char *>(data) + 8, length);
  if (!parseJson(text, json, problem))
    return fail(concat("has a header that ", problem));
  std::vector<std::string> problems;
  JsonPlace root(json, problems);
  if (!root.isObject())
    return fail("has a header that is no JSON object");
  header.dataOffset = 8 + length;
  uint64_t dataBytes = size - header.dataOffset;
  for (auto it = json.begin(); it != json.end(); ++it)
    if (it.key() != "__metadata__" && problems.size() < kMaximumProblems)
      readEntry(it.key(), root[it.key().c_str()], dataBytes, problems,
                header.entries);
  std::sort(header.entries.begin(), header.entries.end(),
            [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
              return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
            });
  uint64_t position = 0;
  const SafetensorsEntry *last = nullptr;
  for (const SafetensorsEntry &entry : header.entries) {
    if (problems.size() >= kMaximumProblems)
      break;
    if (entry.begin < position)
      problems.push_back(concat("tensors ", quote(last->name), " and ",
                                quote(entry.name), " overlap"));
    else if (entry.begin > position && !allowGaps)
      problems.push_back(concat("bytes [", position, ", ", entry.begin,
                                ") belong to no tensor"));
    if (entry.end >= position) {
      position = entry.end;
      last = &entry;
    }
  }
  if (position < dataBytes && !allowGaps && problems.empty())
    problems.push_back(
        concat("bytes [", position, ", ", dataBytes, ") belong to no tensor"));
  if (problems.empty())
    return Status();
  return Status(code, joinProblems(quote(label), problems));
}
