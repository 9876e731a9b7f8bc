// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What a runtime function that can fail returns: a code and a sentence.
#ifndef TRINE_RUNTIME_CORE_STATUS_H
#define TRINE_RUNTIME_CORE_STATUS_H

#include "trine/Runtime/trine.h"
#include <string>
#include <string_view>
#include <utility>

namespace trine::runtime {

/// Success costs nothing: no allocation happens before there is a message.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(trine_status code, std::string message)
      : code(code), message(std::move(message)) {}

  bool ok() const { return code == TRINE_OK; }
  trine_status getCode() const { return code; }
  const std::string &getMessage() const { return message; }

private:
  trine_status code = TRINE_OK;
  std::string message;
};

/// Joins strings and integers to one message.
inline std::string toText(std::string_view text) { return std::string(text); }
template <typename Integer,
          typename = std::enable_if_t<std::is_integral_v<Integer>>>
std::string toText(Integer value) {
  return std::to_string(value);
}
template <typename... Parts>
std::string concat(const Parts &...parts) {
  std::string result;
  ((result += toText(parts)), ...);
  return result;
}

/// 'text', cut when it is too long to be helpful; control characters, which a
/// bad file may contain, become '?'.
std::string quote(std::string_view text);

/// The text of an errno value.
std::string describeErrno(int error);

} // namespace trine::runtime

#endif
