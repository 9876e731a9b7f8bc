// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Types of instructions as floating-point formats.
#ifndef TRINE_RUNTIME_DEVICE_SIM_LANEFORMATS_H
#define TRINE_RUNTIME_DEVICE_SIM_LANEFORMATS_H

#include "FloatFormat.h"
#include "Program.h"

namespace trine::sim {

/// Of a type, or of the halves of a pair.
inline FloatFormat formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return FloatFormat::F16;
  case Type::BF16:
  case Type::BF16x2:
    return FloatFormat::BF16;
  case Type::TF32:
    return FloatFormat::TF32;
  case Type::F64:
    return FloatFormat::F64;
  case Type::E4M3:
  case Type::E4M3x2:
    return FloatFormat::E4M3;
  case Type::E5M2:
  case Type::E5M2x2:
    return FloatFormat::E5M2;
  default:
    return FloatFormat::F32;
  }
}

/// Whether a register has two numbers.
inline bool isPair(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 || type == Type::E4M3x2 ||
         type == Type::E5M2x2;
}

} // namespace trine::sim

#endif
