// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Reference/Compare.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Keeps the three largest differences.
static void keepWorst(std::vector<Difference> &worst, Difference difference) {
  auto size = [](const Difference &d) {
    double error = std::fabs(d.expected - d.actual);
    return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  };
  auto place = llvm::find_if(worst, [&](const Difference &other) {
    return size(difference) > size(other);
  });
  if (place == worst.end() && worst.size() >= 3)
    return;
  worst.insert(place, difference);
  if (worst.size() > 3)
    worst.pop_back();
}

static double quotient(double error, double allowed) {
  if (error == 0)
    return 0;
  return allowed > 0 ? error / allowed
                     : std::numeric_limits<double>::infinity();
}

Comparison reference::compareTensors(llvm::StringRef name,
                                     const Tensor &expected,
                                     const Tensor &actual,
                                     Tolerance tolerance) {
  Comparison result;
  result.name = name.str();
  result.type = expected.getElementType();
  result.shape.assign(expected.getShape().begin(), expected.getShape().end());
  result.tolerance = isFloat(result.type) ? tolerance : Tolerance();
  if (expected.getElementType() != actual.getElementType()) {
    result.problem =
        ("element type must be " + nameOf(expected.getElementType()) +
         ", got " + nameOf(actual.getElementType()))
            .str();
    return result;
  }
  if (expected.getShape() != actual.getShape()) {
    result.problem = "shape must be " + describeShape(expected.getShape()) +
                     ", got " + describeShape(actual.getShape());
    return result;
  }
  double squaredError = 0, squaredExpected = 0;
  int64_t finite = 0;
  for (int64_t i = 0, e = expected.getNumElements(); i < e; ++i) {
    if (!isFloat(result.type)) {
      if (expected.integer(i) == actual.integer(i))
        continue;
      ++result.mismatches;
      result.maximumError = std::max(
          result.maximumError, std::fabs(expected.real(i) - actual.real(i)));
      keepWorst(result.worst, {i, expected.real(i), actual.real(i)});
      continue;
    }
    double x = expected.real(i), y = actual.real(i);
    result.expectedNaN += std::isnan(x);
    result.actualNaN += std::isnan(y);
    result.expectedInfinite += std::isinf(x);
    result.actualInfinite += std::isinf(y);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      if (!(x == y || (std::isnan(x) && std::isnan(y)))) {
        ++result.mismatches;
        keepWorst(result.worst, {i, x, y});
      }
      continue;
    }
    ++finite;
    double error = std::fabs(x - y);
    result.maximumError = std::max(result.maximumError, error);
    result.maximumExpected = std::max(result.maximumExpected, std::fabs(x));
    squaredError += error * error;
    squaredExpected += x * x;
    if (error > 0)
      keepWorst(result.worst, {i, x, y});
  }
  if (finite > 0) {
    result.rootMeanSquareError = std::sqrt(squaredError / finite);
    result.rootMeanSquareExpected = std::sqrt(squaredExpected / finite);
  }
  if (isFloat(result.type))
    result.ratio =
        std::max(quotient(result.maximumError,
                          result.tolerance.relative * result.maximumExpected),
                 quotient(result.rootMeanSquareError,
                          result.tolerance.rootMeanSquare(finite) *
                              result.rootMeanSquareExpected));
  else if (result.mismatches > 0)
    result.ratio = std::numeric_limits<double>::infinity();
  return result;
}

/// The position of a row-major index, as [1, 2].
static std::string describePosition(int64_t index,
                                    llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> position(shape.size());
  for (size_t d = shape.size(); d-- > 0; index /= shape[d])
    position[d] = index % shape[d];
  return describeShape(position);
}

void reference::printComparisons(llvm::raw_ostream &stream,
                                 llvm::ArrayRef<Comparison> comparisons) {
  size_t names = 6, shapes = 5;
  for (const Comparison &c : comparisons) {
    names = std::max(names, c.name.size());
    shapes = std::max(shapes, describeShape(c.shape).size());
  }
  auto pad = [&](llvm::StringRef text, size_t width) {
    stream << text;
    stream.indent(width > text.size() ? width - text.size() : 0) << "  ";
  };
  auto number = [&](double value) {
    stream << llvm::format("%-10.3g", value) << "  ";
  };
  pad("output", names);
  pad("type", 4);
  pad("shape", shapes);
  stream << "max error   tolerance   ratio       rms error   NaN/Inf  result\n";
  for (const Comparison &c : comparisons) {
    pad(c.name, names);
    pad(nameOf(c.type), 4);
    pad(describeShape(c.shape), shapes);
    if (!c.problem.empty()) {
      stream << "FAILED: " << c.problem << "\n";
      continue;
    }
    number(c.maximumError);
    number(c.tolerance.relative * c.maximumExpected);
    number(c.ratio);
    number(c.rootMeanSquareError);
    pad((llvm::Twine(c.actualNaN) + "/" + llvm::Twine(c.actualInfinite)).str(),
        7);
    stream << (c.passed() ? "ok\n" : "FAILED\n");
    if (c.passed())
      continue;
    if (c.mismatches > 0)
      stream << "    " << c.mismatches << " elements differ that must be equal"
             << (isFloat(c.type) ? " (NaN or infinity on one side)" : "")
             << "\n";
    for (const Difference &d : c.worst)
      stream << "    at " << describePosition(d.index, c.shape) << ": expected "
             << llvm::format("%.9g", d.expected) << ", got "
             << llvm::format("%.9g", d.actual) << "\n";
  }
}
