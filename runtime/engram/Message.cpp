// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Api.h"
#include "trine/Runtime/engram.h"

using namespace trine::runtime;

static thread_local std::string lastMessage;

trine_status engram::setError(trine_status code, std::string message) {
  lastMessage = std::move(message);
  return code;
}

trine_status engram::setError(const Status &status) {
  return status.ok() ? TRINE_OK
                     : setError(status.getCode(), status.getMessage());
}

extern "C" const char *trine_engram_message(void) {
  return lastMessage.c_str();
}
