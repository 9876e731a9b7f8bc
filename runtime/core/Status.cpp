// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Status.h"
#include <cstring>

using namespace trine::runtime;

std::string trine::runtime::quote(std::string_view text) {
  constexpr size_t limit = 200;
  bool cut = text.size() > limit;
  std::string result = "'";
  for (char c : text.substr(0, limit))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  result += cut ? "...'" : "'";
  return result;
}

std::string trine::runtime::describeErrno(int error) {
  char buffer[256];
#if defined(__GLIBC__)
  return strerror_r(error, buffer, sizeof(buffer));
#else
  return strerror_r(error, buffer, sizeof(buffer)) == 0 ? buffer
                                                        : "unknown error";
#endif
}
