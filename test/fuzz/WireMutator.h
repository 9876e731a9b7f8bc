// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Mutations that keep protobuf's wire format whole: fields are changed,
/// doubled, dropped, moved, and lengths around them follow.
#ifndef TRINE_TEST_FUZZ_WIREMUTATOR_H
#define TRINE_TEST_FUZZ_WIREMUTATOR_H

#include "FuzzTarget.h"
#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace trine::fuzz {

struct WireField {
  uint64_t number = 0;
  unsigned type = 0;  // 0 varint, 1 fixed64, 2 bytes, 5 fixed32
  uint64_t value = 0; // of a varint
  std::string bytes;  // of the others
};

inline void appendVarint(std::string &text, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    text += static_cast<char>(value | 0x80);
  text += static_cast<char>(value);
}

inline bool readVarint(const std::string &text, size_t &at, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at == text.size())
      return false;
    auto byte = static_cast<uint8_t>(text[at++]);
    value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

/// False when the text is no message.
inline bool parseMessage(const std::string &text,
                         std::vector<WireField> &fields) {
  for (size_t at = 0; at < text.size();) {
    WireField field;
    uint64_t tag, length = 0;
    if (!readVarint(text, at, tag))
      return false;
    field.number = tag >> 3;
    field.type = tag & 7;
    if (field.number == 0)
      return false;
    if (field.type == 0) {
      if (!readVarint(text, at, field.value))
        return false;
    } else {
      if (field.type == 2 ? !readVarint(text, at, length)
                          : field.type != 1 && field.type != 5)
        return false;
      if (field.type != 2)
        length = field.type == 1 ? 8 : 4;
      if (length > text.size() - at)
        return false;
      field.bytes = text.substr(at, length);
      at += length;
    }
    fields.push_back(std::move(field));
  }
  return true;
}

inline std::string printMessage(const std::vector<WireField> &fields) {
  std::string text;
  for (const WireField &field : fields) {
    appendVarint(text, field.number << 3 | field.type);
    if (field.type == 0)
      appendVarint(text, field.value);
    if (field.type == 2)
      appendVarint(text, field.bytes.size());
    text += field.bytes;
  }
  return text;
}

class WireMutator {
public:
  explicit WireMutator(unsigned seed) : random(seed) {}

  /// `donor`: another message, whose fields may be taken over.
  std::string mutate(const std::string &message, const std::string &donor) {
    donors.clear();
    collect(donor, 0);
    return mutateMessage(message, 0);
  }

private:
  size_t pick(size_t count) { return random() % count; }

  /// Fields of all depths.
  void collect(const std::string &text, unsigned depth) {
    std::vector<WireField> fields;
    if (depth > 12 || donors.size() > 1000 || !parseMessage(text, fields))
      return;
    for (WireField &field : fields) {
      if (field.type == 2 && field.bytes.size() > 1)
        collect(field.bytes, depth + 1);
      donors.push_back(std::move(field));
    }
  }

  uint64_t mutateNumber(uint64_t value) {
    static const uint64_t known[] = {0,          1,         2,
                                     7,          16,        64,
                                     1024,       INT32_MAX, 0x80000000u,
                                     UINT32_MAX, INT64_MAX, uint64_t(1) << 63,
                                     UINT64_MAX};
    switch (pick(4)) {
    case 0:
      return known[pick(std::size(known))];
    case 1:
      return value + pick(5) - 2;
    case 2:
      return value ^ (uint64_t(1) << pick(64));
    default:
      return pick(30);
    }
  }

  std::string mutateBytes(const std::string &bytes) {
    std::vector<uint8_t> buffer(bytes.begin(), bytes.end());
    size_t room = buffer.size() + 16;
    buffer.resize(room);
    size_t size = LLVMFuzzerMutate(buffer.data(), bytes.size(), room);
    return std::string(buffer.begin(), buffer.begin() + size);
  }

  std::string mutateMessage(const std::string &text, unsigned depth) {
    std::vector<WireField> fields;
    if (!parseMessage(text, fields) || fields.empty() || depth > 20)
      return mutateBytes(text);
    size_t i = pick(fields.size());
    WireField &field = fields[i];
    // Most messages are inside others.
    if (field.type == 2 && field.bytes.size() > 1 && pick(5) != 0) {
      field.bytes = mutateMessage(field.bytes, depth + 1);
      return printMessage(fields);
    }
    switch (pick(9)) {
    case 0:
      fields.erase(fields.begin() + i);
      break;
    case 1:
      fields.insert(fields.begin() + pick(fields.size() + 1),
                    WireField(fields[i]));
      break;
    case 2:
      std::swap(fields[i], fields[pick(fields.size())]);
      break;
    case 3:
      field.number = 1 + pick(26);
      break;
    case 4:
      if (!donors.empty())
        fields.insert(fields.begin() + i, donors[pick(donors.size())]);
      break;
    case 5: // the same place, another content
      for (unsigned attempt = 0; attempt < 8 && !donors.empty(); ++attempt) {
        const WireField &other = donors[pick(donors.size())];
        if (other.number == field.number && other.type == field.type) {
          field = WireField(other);
          break;
        }
      }
      break;
    case 6:
      fields.push_back({1 + pick(26), 0, mutateNumber(0), {}});
      break;
    default:
      if (field.type == 0)
        field.value = mutateNumber(field.value);
      else if (field.type == 2)
        field.bytes = mutateBytes(field.bytes);
      else
        for (char &byte : field.bytes)
          byte = static_cast<char>(random());
    }
    return printMessage(fields);
  }

  std::minstd_rand random;
  std::vector<WireField> donors;
};

} // namespace trine::fuzz

#ifndef TRINE_FUZZ_CORPUS // the unit test has no libFuzzer
/// libFuzzer calls these where they are there; one in five mutations stays
/// plain, so that broken files come, too.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maximumSize, unsigned seed) {
  if (seed % 5 == 0)
    return LLVMFuzzerMutate(data, size, maximumSize);
  std::string text(reinterpret_cast<const char *>(data), size);
  std::string result = trine::fuzz::WireMutator(seed).mutate(text, text);
  if (result.size() > maximumSize || result.empty())
    return LLVMFuzzerMutate(data, size, maximumSize);
  memcpy(data, result.data(), result.size());
  return result.size();
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *first,
                                            size_t firstSize,
                                            const uint8_t *second,
                                            size_t secondSize, uint8_t *out,
                                            size_t maximumSize, unsigned seed) {
  std::string a(reinterpret_cast<const char *>(first), firstSize);
  std::string b(reinterpret_cast<const char *>(second), secondSize);
  std::string result = trine::fuzz::WireMutator(seed).mutate(a, b);
  if (result.size() > maximumSize)
    return 0;
  memcpy(out, result.data(), result.size());
  return result.size();
}
#endif

#endif
