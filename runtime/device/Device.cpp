// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Device.h"

trine::runtime::Device::~Device() = default;
