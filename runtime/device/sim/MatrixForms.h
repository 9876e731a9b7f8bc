// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the decoder knows of one mma or wgmma.
#ifndef TRINE_SIM_MATRIXFORMS_H
#define TRINE_SIM_MATRIXFORMS_H

#include "MatrixMultiply.h"
#include "MatrixWarpgroup.h"
#include <vector>

namespace trine::sim {

struct MatrixForm {
  bool isWarpgroup = false;
  MmaForm mma;
  MmaRegisters mmaRegisters;
  WgmmaForm wgmma;
  WgmmaRegisters wgmmaRegisters;
  /// Numbers of the registers of A and D, for the checks of wgmma.
  std::vector<uint32_t> aRegisters, dRegisters;
};

} // namespace trine::sim

#endif
