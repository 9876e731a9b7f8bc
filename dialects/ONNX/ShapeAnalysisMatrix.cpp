// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products: MatMul, Gemm, Einsum.
#include "ShapeInference.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <array>

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::onnx;

using Expression = SymbolicExpression;

LogicalResult onnx::inferProduct(Inference &inference, unsigned left,
                                 unsigned right) {
  if (failed(inference.requireRankAtLeast(left, 1)) ||
      failed(inference.requireRankAtLeast(right, 1)))
    return failure();
  ArrayRef<Expression> a = inference.shape(left), b = inference.shape(right);
  // A vector is a row on the left and a column on the right, and its 1
  // disappears again.
  Expression inner = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (failed(inference.unify(a.back(), inner,
                             "the inner dimension of " + inference.name(left) +
                                 " " + printShape(a) + " and " +
                                 inference.name(right) + " " + printShape(b))))
    return failure();
  FailureOr<Dims> dims =
      inference.broadcastShapes({a.drop_back(std::min<size_t>(a.size(), 2)),
                                 b.drop_back(std::min<size_t>(b.size(), 2))},
                                "batch dimensions");
  if (failed(dims))
    return failure();
  if (a.size() > 1)
    dims->push_back(a[a.size() - 2]);
  if (b.size() > 1)
    dims->push_back(b.back());
  inference.setShape(0, *dims);
  return success();
}

static LogicalResult inferMatMul(Inference &inference) {
  return inferProduct(inference, 0, 1);
}

/// alpha * A' * B' + beta * C, where C broadcasts to the product, one way.
static LogicalResult inferGemm(Inference &inference) {
  auto op = cast<GemmOp>(inference.op);
  if (failed(inference.requireRank(0, 2)) ||
      failed(inference.requireRank(1, 2)))
    return failure();
  ArrayRef<Expression> a = inference.shape(0), b = inference.shape(1);
  bool transA = op.getTransA() != 0, transB = op.getTransB() != 0;
  if (failed(inference.unify(a[transA ? 0 : 1], b[transB ? 1 : 0],
                             "the inner dimension of 'A' " +
                                 Twine(printShape(a)) + " and 'B' " +
                                 Twine(printShape(b)))))
    return failure();
  Dims dims{a[transA ? 1 : 0], b[transB ? 0 : 1]};
  if (inference.isPresent(2)) {
    if (inference.rank(2) > 2)
      return inference.error()
             << "'C' must have at most rank 2, got " << inference.rank(2);
    FailureOr<Dims> common = inference.broadcastShapes(
        {dims, inference.shape(2)}, "the product and 'C'");
    if (failed(common))
      return failure();
    for (auto [kept, size] : llvm::zip_equal(*common, dims))
      if (size.isConstant(1) && !kept.isConstant(1))
        return inference.error()
               << "'C' of shape " << printShape(inference.shape(2))
               << " must not be larger than the product of shape "
               << printShape(dims);
  }
  inference.setShape(0, dims);
  return success();
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

namespace {
/// One side's subscript: letters before and after an ellipsis.
struct Subscript {
  std::string before, after;
  bool hasEllipsis = false;
};
} // namespace

static std::optional<Subscript> parseSubscript(StringRef text) {
  Subscript subscript;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("...") && !subscript.hasEllipsis) {
      subscript.hasEllipsis = true;
      i += 3;
      continue;
    }
    if (!llvm::isAlpha(text[i]))
      return std::nullopt;
    (subscript.hasEllipsis ? subscript.after : subscript.before) += text[i++];
  }
  return subscript;
}

static LogicalResult inferEinsum(Inference &inference) {
  auto op = cast<EinsumOp>(inference.op);
  std::string equation = op.getEquation().str();
  llvm::erase(equation, ' ');
  auto [left, right] = StringRef(equation).split("->");
  bool hasResult = equation.find("->") != std::string::npos;
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != op->getNumOperands())
    return inference.error() << "'equation' must have one term per operand, "
                             << op->getNumOperands() << ", got " << terms.size()
                             << " in '" << op.getEquation() << "'";
  // Sizes and number of uses per letter.
  std::array<Expression, 256> sizes{};
  std::array<unsigned, 256> uses{};
  SmallVector<ArrayRef<Expression>> ellipses;
  bool hasEllipsis = false;
  for (auto [operand, text] : llvm::enumerate(terms)) {
    std::optional<Subscript> subscript = parseSubscript(text);
    if (!subscript)
      return inference.error()
             << "'equation' must hold letters and '...' only, got '"
             << op.getEquation() << "'";
    ArrayRef<Expression> shape = inference.shape(operand);
    size_t named = subscript->before.size() + subscript->after.size();
    if (subscript->hasEllipsis ? shape.size() < named : shape.size() != named)
      return inference.error()
             << inference.name(operand) << " must have "
             << (subscript->hasEllipsis ? "at least " : "") << "rank " << named
             << " for '" << text << "', got " << shape.size();
    auto use = [&](char letter, Expression size) -> LogicalResult {
      auto index = static_cast<unsigned char>(letter);
      ++uses[index];
      if (!sizes[index]) {
        sizes[index] = size;
        return success();
      }
      FailureOr<Expression> common =
          inference.broadcastSize(sizes[index], size);
      if (failed(common))
        return inference.error() << "sizes of '" << Twine(letter) << "' in '"
                                 << op.getEquation() << "' must be equal, got "
                                 << sizes[index].str() << " and " << size.str();
      sizes[index] = *common;
      return success();
    };
    for (auto [position, letter] : llvm::enumerate(subscript->before))
      if (failed(use(letter, shape[position])))
        return failure();
    for (auto [position, letter] : llvm::enumerate(subscript->after))
      if (failed(use(letter,
                     shape[shape.size() - subscript->after.size() + position])))
        return failure();
    hasEllipsis |= subscript->hasEllipsis;
    ellipses.push_back(shape.drop_front(subscript->before.size())
                           .drop_back(subscript->after.size()));
    if (!subscript->hasEllipsis)
      ellipses.back() = {};
  }
  FailureOr<Dims> common =
      inference.broadcastShapes(ellipses, "dimensions of '...'");
  if (failed(common))
    return failure();
  // Without "->" the result has the ellipsis, then letters used once in
  // alphabetic order.
  Subscript result;
  if (hasResult) {
    std::optional<Subscript> parsed = parseSubscript(right);
    if (!parsed || (parsed->hasEllipsis && !hasEllipsis))
      return inference.error() << "'equation' must hold letters and '...' of "
                                  "its operands after '->', got '"
                               << op.getEquation() << "'";
    result = *parsed;
  } else {
    result.hasEllipsis = hasEllipsis;
    for (unsigned letter = 0; letter < 256; ++letter)
      if (uses[letter] == 1)
        result.after += static_cast<char>(letter);
  }
  Dims dims;
  std::string seen;
  auto append = [&](StringRef letters) -> LogicalResult {
    for (char letter : letters) {
      Expression size = sizes[static_cast<unsigned char>(letter)];
      if (!size || seen.find(letter) != std::string::npos)
        return inference.error() << "'" << Twine(letter)
                                 << "' must be a letter of the operands, named "
                                    "once after '->' in '"
                                 << op.getEquation() << "'";
      seen += letter;
      dims.push_back(size);
    }
    return success();
  };
  if (failed(append(result.before)))
    return failure();
  if (result.hasEllipsis)
    llvm::append_range(dims, *common);
  if (failed(append(result.after)))
    return failure();
  inference.setShape(0, dims);
  return success();
}

void mlir::trine::onnx::addMatrixInference(InferenceTable &table) {
  table["onnx.Einsum"] = inferEinsum;
  table["onnx.Gemm"] = inferGemm;
  table["onnx.MatMul"] = inferMatMul;
}
