// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that PTX declares but the device provides: vprintf and
// __assertfail.
#include "Cta.h"
#include <cstdio>

using namespace trine::sim;

namespace {

constexpr size_t maximumText = 1 << 20;

class Builtin {
public:
  Builtin(Cta &cta, Warp &warp, const Instruction &i, unsigned lane)
      : cta(cta), warp(warp), i(i), lane(lane) {}

  uint64_t argument(size_t index) const {
    const ParameterSlot &slot =
        warp.frame->function->calls[i.target].arguments[index];
    uint64_t value = 0;
    std::memcpy(&value,
                &warp.local[size_t(lane) * warp.localStride +
                            warp.frame->localBase + slot.offset],
                slot.bytes);
    return value;
  }
  /// Bytes at a generic address; false when they are not all in memory.
  bool read(uint64_t address, void *into, size_t bytes) {
    const uint8_t *from = nullptr;
    if ((address & genericTagMask) == genericLocal) {
      uint64_t offset = address & ~genericTagMask;
      if (offset + bytes > warp.localStride)
        return false;
      from = &warp.local[size_t(lane) * warp.localStride + offset];
    } else if ((address & genericTagMask) == genericShared) {
      uint32_t offset = uint32_t(address) & sharedOffsetMask;
      if (offset < sharedReserved || offset + bytes > cta.sharedEnd)
        return false;
      from = cta.shared + offset;
    } else {
      const Allocation *found = cta.context.memory.find(address);
      if (!found || bytes > found->end - address)
        return false;
      from = reinterpret_cast<const uint8_t *>(uintptr_t(address));
    }
    std::memcpy(into, from, bytes);
    return true;
  }
  std::string text(uint64_t address) {
    std::string made;
    for (char c = 0;
         made.size() < 4096 && read(address + made.size(), &c, 1) && c;)
      made += c;
    return made;
  }
  std::string format();

private:
  Cta &cta;
  Warp &warp;
  const Instruction &i;
  unsigned lane;
};

/// The arguments lie one after the other, each aligned to its size: 32-bit
/// integers, 64-bit integers, doubles and pointers.
std::string Builtin::format() {
  std::string pattern = text(argument(0)), out;
  uint64_t at = argument(1);
  auto take = [&](unsigned bytes) {
    at = (at + bytes - 1) / bytes * bytes;
    uint64_t value = 0;
    read(at, &value, bytes);
    at += bytes;
    return value;
  };
  for (size_t n = 0; n < pattern.size(); ++n) {
    if (pattern[n] != '%') {
      out += pattern[n];
      continue;
    }
    std::string spec = "%";
    bool isLong = false;
    size_t m = n + 1;
    for (; m < pattern.size() && spec.size() < 24; ++m) {
      char c = pattern[m];
      if (c == 'l' || c == 'z' || c == 'j') {
        isLong = true;
      } else if (std::strchr("-+ #0123456789.", c)) {
        spec += c;
      } else if (c != 'h') {
        break;
      }
    }
    if (m >= pattern.size())
      return out;
    char conversion = pattern[m], buffer[512];
    n = m;
    buffer[0] = 0;
    switch (conversion) {
    case '%':
      out += '%';
      continue;
    case 'd':
    case 'i': {
      long long value =
          isLong ? (long long)(take(8)) : (long long)(int32_t(take(4)));
      snprintf(buffer, sizeof buffer, (spec + "lld").c_str(), value);
      break;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      unsigned long long value = isLong ? take(8) : take(4);
      snprintf(buffer, sizeof buffer, (spec + "ll" + conversion).c_str(),
               value);
      break;
    }
    case 'c':
      out += char(take(4));
      continue;
    case 'p':
      snprintf(buffer, sizeof buffer, "0x%llx",
               static_cast<unsigned long long>(take(8)));
      break;
    case 's':
      out += text(take(8));
      continue;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
    case 'a':
    case 'A': {
      uint64_t bits = take(8);
      snprintf(buffer, sizeof buffer, (spec + conversion).c_str(),
               doubleFromBits(bits));
      break;
    }
    default:
      out += spec + conversion;
      continue;
    }
    out += buffer;
  }
  return out;
}

} // namespace

void Cta::callBuiltin(Warp &warp, const Instruction &i) {
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    unsigned lane = unsigned(__builtin_ctz(left));
    Builtin builtin(*this, warp, i, lane);
    if (i.operation == 0) {
      std::string text = builtin.format();
      std::lock_guard<std::mutex> guard(context.mutex);
      if (context.result.output.size() + text.size() <= maximumText)
        context.result.output += text;
      for (const ParameterSlot &slot :
           warp.frame->function->calls[i.target].results) {
        uint64_t length = text.size();
        size_t at = size_t(lane) * warp.localStride + warp.frame->localBase +
                    slot.offset;
        std::memcpy(&warp.local[at], &length, std::min<size_t>(slot.bytes, 8));
        if (checks.uninitialised)
          std::memset(&warp.localDefined[at], 1, slot.bytes);
      }
      continue;
    }
    // __assertfail(message, file, line, function, char size)
    report(ReportKind::Trap, warp, i, lane, 0,
           "device assertion '" + builtin.text(builtin.argument(0)) +
               "' failed (" + builtin.text(builtin.argument(1)) + ":" +
               std::to_string(uint32_t(builtin.argument(2))) + ")");
    context.raise(Status::Trap);
    context.stop = true;
  }
}
