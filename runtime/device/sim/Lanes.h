// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Handlers of lane-wise instructions. The loops are compiled for the baseline
// and for AVX2; the table is chosen at run time.
#ifndef TRINE_SIM_LANES_H
#define TRINE_SIM_LANES_H

#include "Program.h"

namespace trine::sim {

enum class IntegerOp : uint8_t {
  // a, b
  Add,
  Sub,
  MulLo,
  MulHi,
  Min,
  Max,
  And,
  Or,
  Xor,
  Shl,
  Shr,
  Div,
  Rem,
  // a
  Not,
  Neg,
  Abs,
  Cnot,
  Popc,
  Clz,
  Brev,
  Bfind,
  // a, b, c
  MadLo,
  MadHi,
  Sad,
  ShfLeft,
  ShfRight,
  Lop3,
  Prmt,
  Bfe,
  Bmsk,
  Szext,
  // results of twice the width
  MulWide,
  MadWide,
  // a, b, c, e
  Bfi,
  // carry
  AddCarry,
  SubCarry,
  MadLoCarry,
  MadHiCarry,
  // dp4a, dp2a: signs in `operation`
  Dp4a,
  Dp2a,
  // packed 16-bit halves
  Add2,
  Min2,
  Max2,
  Mul24,
  Mad24
};

enum class FloatOp : uint8_t {
  Add,
  Sub,
  Mul,
  Fma,
  Min,
  Max,
  Neg,
  Abs,
  CopySign,
  Div,
  Sqrt,
  Rcp,
  Approximate,
  ApproximateQuotient,
  Testp
};

struct LaneTable {
  /// Null when there is no such form.
  Handler (*integer)(IntegerOp op, Type type);
  /// Comparison of integers to predicates (setp); null for floats.
  Handler (*compare)(CompareOp op, Type type);
  Handler (*compareF32)(CompareOp op, bool ftz);
  Handler (*select)(unsigned bytes);
  Handler (*move)(unsigned bytes);
  /// cvt between integers: fromType -> type, registers of any width.
  Handler convertInteger;
  Handler (*f64)(FloatOp op);
};
const LaneTable &laneTable();

/// Handlers that are not vectorised by hand. FloatOp on any format; null when
/// there is no such form.
Handler findFloat(FloatOp op, Type type, const Instruction &instruction);
Handler compareFloatHandler();
/// \p instruction has its types and flags.
Handler convertHandler(const Instruction &instruction);

} // namespace trine::sim

#endif
