// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Compares two tensors within a tolerance, and says in a table what was found.
#ifndef TRINE_REFERENCE_COMPARE_H
#define TRINE_REFERENCE_COMPARE_H

#include "trine/Reference/Tensor.h"
#include "trine/Reference/Tolerance.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace mlir::trine::reference {

/// One pair of elements that differ.
struct Difference {
  int64_t index = 0; // row-major
  double expected = 0, actual = 0;
};

/// What comparing one output gave.
struct Comparison {
  std::string name;
  ElementType type = ElementType::F32;
  llvm::SmallVector<int64_t> shape;
  /// Why the tensors cannot be compared at all (type or shape), or empty.
  std::string problem;
  Tolerance tolerance;
  /// Largest error and largest expected magnitude over the elements that are
  /// finite on both sides.
  double maximumError = 0, maximumExpected = 0;
  double rootMeanSquareError = 0, rootMeanSquareExpected = 0;
  int64_t expectedNaN = 0, actualNaN = 0, expectedInfinite = 0,
          actualInfinite = 0;
  /// Elements that are NaN or infinite on one side and not the same on the
  /// other; for exact types, those that differ.
  int64_t mismatches = 0;
  /// The elements with the largest errors, worst first, at most three.
  std::vector<Difference> worst;
  /// Error divided by tolerance, the larger of the two forms; at most 1 passes.
  /// Infinite where nothing may differ and does.
  double ratio = 0;

  bool passed() const {
    return problem.empty() && mismatches == 0 && ratio <= 1.0;
  }
  /// Largest error relative to the largest expected value.
  double relativeError() const {
    return maximumExpected > 0 ? maximumError / maximumExpected : maximumError;
  }
};

/// Compares within the tolerance. Integers and booleans must be equal. NaN
/// agrees with NaN, infinity with the same infinity.
Comparison compareTensors(llvm::StringRef name, const Tensor &expected,
                          const Tensor &actual, Tolerance tolerance);

/// Prints one line per output, and below those that failed their worst
/// elements.
void printComparisons(llvm::raw_ostream &stream,
                      llvm::ArrayRef<Comparison> comparisons);

} // namespace mlir::trine::reference

#endif
