// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Which device a session runs on.
#ifndef TRINE_RUNTIME_CORE_SESSIONDEVICE_H
#define TRINE_RUNTIME_CORE_SESSIONDEVICE_H

#include "Session.h"

namespace trine::runtime {

/// Makes the device that `options.device` asks for: "host", "cuda" or "sim",
/// behind a colon what it is made with: "sim:sm_80", "sim:sm_90a,unchecked".
Status createDevice(const Package &package, const SessionOptions &options,
                    std::unique_ptr<Device> &result);

} // namespace trine::runtime

#endif
