// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#define LANES_NAMESPACE baseline
// clang-format off: the second part uses the first.
#include "LaneSelects.inc"
#include "LaneIntegers.inc"
