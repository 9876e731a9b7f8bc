// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The error model of docs/tolerances.md: what one rounding, and one sum, adds
// to the variance of a relative error.
#ifndef TRINE_LIB_REFERENCE_ROUNDINGMODEL_H
#define TRINE_LIB_REFERENCE_ROUNDINGMODEL_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/APFloat.h"
#include <algorithm>
#include <cmath>

namespace mlir::trine::reference {

/// Half the distance from 1 to the next value of the type; 0 where nothing is
/// rounded.
inline double roundoff(Type type) {
  auto floatType = dyn_cast<FloatType>(getElementTypeOrSelf(type));
  return floatType ? std::ldexp(
                         1.0, -static_cast<int>(floatType.getFPMantissaWidth()))
                   : 0.0;
}

/// The same for the type that an operator computes in: at least single
/// precision.
inline double computeRoundoff(Type type) {
  double own = roundoff(type);
  return own == 0.0 ? 0.0 : std::min(own, 0x1p-24);
}

/// The variance of a rounding error that is uniform in [-u, u].
inline double varianceOf(double u) { return u * u / 3; }

/// A sum of n terms in any order rounds each partial sum: n / 2 roundings
/// relative to the result, and one per product.
inline double summed(double length) { return length / 2 + 1; }

/// An absolute error of a score is a relative one of its weight. The variance
/// of scores of queries and keys of unit variance; 1 or less is as good as 1.
inline double spreadOfScores(double scale, double width) {
  return std::max(1.0, scale * scale * width);
}

inline double toDouble(llvm::APFloat value) {
  bool lost;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return value.convertToDouble();
}

} // namespace mlir::trine::reference

#endif
