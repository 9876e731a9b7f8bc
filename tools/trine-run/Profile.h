// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Where the time of steps goes.
#ifndef TRINE_TOOLS_TRINE_RUN_PROFILE_H
#define TRINE_TOOLS_TRINE_RUN_PROFILE_H

#include "trine/Runtime/trine.h"
#include <string>
#include <vector>

namespace trine::run {

class Profile {
public:
  /// Takes the records of the session's last step, which began `start`
  /// nanoseconds after the first and took `duration`.
  void addStep(const trine_session *session, uint64_t start, uint64_t duration);

  /// Writes a Chrome trace; false with `error` when that fails.
  bool write(const std::string &path, const trine_package *package,
             std::string &error) const;

  /// Prints kernels by the time that threads spent in them.
  void print(const trine_package *package) const;

private:
  struct Step {
    uint64_t start, duration;
    std::vector<trine_profile_record> records;
  };
  std::vector<Step> steps;
};

} // namespace trine::run

#endif
