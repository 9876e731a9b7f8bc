// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products and Einsum. Sums run over the contracted index in ascending
// order.
#include "Product.h"
#include "trine/Dialect/ONNX/ONNX.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// result[m][n] += sum over k of a[m][k] * b[k][n], for one pair of matrices.
/// Strides are in elements.
namespace {
struct MatrixView {
  const Tensor &tensor;
  int64_t offset, rowStride, columnStride;
  double real(int64_t row, int64_t column) const {
    return tensor.real(offset + row * rowStride + column * columnStride);
  }
  int64_t integer(int64_t row, int64_t column) const {
    return tensor.integer(offset + row * rowStride + column * columnStride);
  }
};
} // namespace

/// The product in double precision (or with every step rounded to single
/// precision), row by row.
static std::vector<double> multiplyReals(const MatrixView &a,
                                         const MatrixView &b, int64_t m,
                                         int64_t k, int64_t n, bool single) {
  std::vector<double> sums(m * n, 0.0), row(n);
  for (int64_t c = 0; c < k; ++c) {
    for (int64_t j = 0; j < n; ++j)
      row[j] = b.real(c, j);
    for (int64_t i = 0; i < m; ++i) {
      double factor = a.real(i, c), *out = sums.data() + i * n;
      if (single)
        for (int64_t j = 0; j < n; ++j)
          out[j] =
              static_cast<float>(out[j] + static_cast<float>(factor * row[j]));
      else
        for (int64_t j = 0; j < n; ++j)
          out[j] += factor * row[j];
    }
  }
  return sums;
}

static std::vector<uint64_t> multiplyIntegers(const MatrixView &a,
                                              const MatrixView &b, int64_t m,
                                              int64_t k, int64_t n) {
  std::vector<uint64_t> sums(m * n, 0);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t c = 0; c < k; ++c)
      for (int64_t j = 0; j < n; ++j)
        sums[i * n + j] += static_cast<uint64_t>(a.integer(i, c)) *
                           static_cast<uint64_t>(b.integer(c, j));
  return sums;
}

FailureOr<StackedProduct>
StackedProduct::create(OperatorCall &call, const Tensor &a, const Tensor &b) {
  if (a.getRank() == 0 || b.getRank() == 0)
    return call.fail("operands must not be scalars, got shapes " +
                     describeShape(a.getShape()) + " and " +
                     describeShape(b.getShape()));
  llvm::SmallVector<int64_t> shapeA(a.getShape()), shapeB(b.getShape());
  if (a.getRank() == 1)
    shapeA.insert(shapeA.begin(), 1);
  if (b.getRank() == 1)
    shapeB.push_back(1);
  int64_t k = shapeA.back(), n = shapeB.back(), m = shapeA[shapeA.size() - 2];
  llvm::ArrayRef<int64_t> batchA = llvm::ArrayRef(shapeA).drop_back(2),
                          batchB = llvm::ArrayRef(shapeB).drop_back(2);
  std::optional<llvm::SmallVector<int64_t>> batch =
      broadcastShapes(batchA, batchB);
  if (k != shapeB[shapeB.size() - 2] || !batch)
    return call.fail("cannot multiply shapes " + describeShape(a.getShape()) +
                     " and " + describeShape(b.getShape()));
  StackedProduct product{m, k, n, *batch, {}, *batch, *batch};
  product.strides = {broadcastStrides(batchA, *batch),
                     broadcastStrides(batchB, *batch)};
  if (a.getRank() > 1)
    product.shape.push_back(m);
  if (b.getRank() > 1)
    product.shape.push_back(n);
  product.full.append({m, n});
  return product;
}

static LogicalResult matMul(OperatorCall &call) {
  const Tensor &a = call.operand(0), &b = call.operand(1);
  if (failed(call.requireSameType(a, b, "B")))
    return failure();
  FailureOr<StackedProduct> product = StackedProduct::create(call, a, b);
  if (failed(product))
    return failure();
  FailureOr<Tensor> result = call.allocate(a.getElementType(), product->shape);
  if (failed(result))
    return failure();
  int64_t m = product->m, k = product->k, n = product->n;
  forEachPosition(
      product->batch, product->strides,
      [&](int64_t index, llvm::ArrayRef<int64_t> at) {
        MatrixView left{a, at[0] * m * k, k, 1}, right{b, at[1] * k * n, n, 1};
        if (isFloat(a.getElementType())) {
          std::vector<double> sums =
              multiplyReals(left, right, m, k, n, call.accumulateInSingle());
          for (int64_t i = 0; i < m * n; ++i)
            result->setReal(index * m * n + i, sums[i]);
        } else {
          std::vector<uint64_t> sums = multiplyIntegers(left, right, m, k, n);
          for (int64_t i = 0; i < m * n; ++i)
            result->setInteger(index * m * n + i,
                               static_cast<int64_t>(sums[i]));
        }
      });
  return call.done(*result);
}

/// alpha A' B' + beta C, rounded once.
static LogicalResult gemm(OperatorCall &call) {
  auto op = cast<onnx::GemmOp>(call.op);
  const Tensor &a = call.operand(0), &b = call.operand(1),
               *c = call.optional(2);
  if (failed(call.requireSameType(a, b, "B")))
    return failure();
  if (a.getRank() != 2 || b.getRank() != 2)
    return call.fail("'A' and 'B' must have rank 2, got shapes " +
                     describeShape(a.getShape()) + " and " +
                     describeShape(b.getShape()));
  bool transA = op.getTransA(), transB = op.getTransB();
  int64_t m = a.getDim(transA), k = a.getDim(!transA), n = b.getDim(!transB);
  if (k != b.getDim(transB))
    return call.fail("cannot multiply shapes " + describeShape(a.getShape()) +
                     " and " + describeShape(b.getShape()) +
                     (transA || transB ? " with transposition" : ""));
  llvm::SmallVector<int64_t> shape = {m, n}, strides = {0, 0};
  if (c) {
    if (broadcastShapes(shape, c->getShape()) != shape)
      return call.fail("'C' must broadcast to " + describeShape(shape) +
                       ", got " + describeShape(c->getShape()));
    strides = broadcastStrides(c->getShape(), shape);
  }
  FailureOr<Tensor> result = call.allocate(a.getElementType(), shape);
  if (failed(result))
    return failure();
  MatrixView left{a, 0, transA ? 1 : k, transA ? m : 1},
      right{b, 0, transB ? 1 : n, transB ? k : 1};
  double alpha = op.getAlpha().convertToFloat(),
         beta = op.getBeta().convertToFloat();
  if (isFloat(a.getElementType())) {
    std::vector<double> sums =
        multiplyReals(left, right, m, k, n, call.accumulateInSingle());
    forEachPosition(shape, {strides},
                    [&](int64_t i, llvm::ArrayRef<int64_t> at) {
                      result->setReal(i, alpha * sums[i] +
                                             (c ? beta * c->real(at[0]) : 0.0));
                    });
    return call.done(*result);
  }
  std::vector<uint64_t> sums = multiplyIntegers(left, right, m, k, n);
  forEachPosition(shape, {strides}, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    uint64_t term = c ? static_cast<uint64_t>(c->integer(at[0])) : 0;
    if (alpha == 1 && beta == 1)
      result->setInteger(i, static_cast<int64_t>(sums[i] + term));
    else
      result->setReal(
          i, alpha * static_cast<double>(static_cast<int64_t>(sums[i])) +
                 beta * static_cast<double>(static_cast<int64_t>(term)));
  });
  return call.done(*result);
}

namespace {
/// One Einsum equation, every index named by a number: letters first, then the
/// dimensions of the ellipsis.
struct Equation {
  llvm::SmallVector<llvm::SmallVector<int>> operands;
  llvm::SmallVector<int> result;
};
} // namespace

static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The number of letters, or nothing when there is something else than letters
/// and one ellipsis.
static std::optional<int64_t> countLetters(llvm::StringRef term,
                                           bool &hasEllipsis) {
  size_t dots = term.find("...");
  hasEllipsis = dots != llvm::StringRef::npos;
  int64_t letters = 0;
  for (size_t i = 0; i < term.size(); ++i) {
    if (hasEllipsis && i >= dots && i < dots + 3)
      continue;
    if (!isLetter(term[i]))
      return std::nullopt;
    ++letters;
  }
  return letters;
}

static FailureOr<Equation> parseEquation(OperatorCall &call) {
  std::string text = cast<onnx::EinsumOp>(call.op).getEquation().str();
  llvm::erase(text, ' ');
  auto [left, right] = llvm::StringRef(text).split("->");
  bool isExplicit = llvm::StringRef(text).contains("->");
  llvm::SmallVector<llvm::StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != call.numOperands())
    return call.fail("'equation' must have " + llvm::Twine(call.numOperands()) +
                     " terms, got '" + text + "'");
  // Ellipsis dimensions are numbered from the right, so that they broadcast.
  const int firstEllipsis = 128;
  int64_t ellipsisRank = 0;
  Equation equation;
  int uses[128] = {};
  auto expand = [&](llvm::StringRef term, int64_t dots) {
    llvm::SmallVector<int> indices;
    for (size_t i = 0; i < term.size(); ++i) {
      if (isLetter(term[i])) {
        indices.push_back(term[i]);
        continue;
      }
      for (int64_t d = dots; d-- > 0;)
        indices.push_back(firstEllipsis + d);
      i += 2;
    }
    return indices;
  };
  for (auto [k, term] : llvm::enumerate(terms)) {
    bool hasEllipsis;
    std::optional<int64_t> letters = countLetters(term, hasEllipsis);
    int64_t rank = call.operand(k).getRank();
    if (!letters || (hasEllipsis ? *letters > rank : *letters != rank))
      return call.fail("term '" + term + "' of 'equation' must have " +
                       llvm::Twine(rank) + " indices");
    equation.operands.push_back(expand(term, rank - *letters));
    if (hasEllipsis)
      ellipsisRank = std::max(ellipsisRank, rank - *letters);
    for (char c : term)
      if (isLetter(c))
        ++uses[static_cast<int>(c)];
  }
  if (isExplicit) {
    bool hasEllipsis;
    if (!countLetters(right, hasEllipsis))
      return call.fail("'equation' must have letters and one ellipsis at most "
                       "after '->', got '" +
                       right + "'");
    for (char c : right)
      if (isLetter(c) && !uses[static_cast<int>(c)])
        return call.fail("index '" + llvm::Twine(c) +
                         "' of the result of 'equation' is in no operand");
    equation.result = expand(right, ellipsisRank);
  } else {
    for (int64_t d = ellipsisRank; d-- > 0;)
      equation.result.push_back(firstEllipsis + d);
    for (int c = 0; c < 128; ++c)
      if (uses[c] == 1)
        equation.result.push_back(c);
  }
  return equation;
}

static LogicalResult einsum(OperatorCall &call) {
  FailureOr<Equation> equation = parseEquation(call);
  if (failed(equation))
    return failure();
  // All indices: those of the result, then the contracted ones.
  llvm::SmallVector<int> indices = equation->result;
  for (const auto &operand : equation->operands)
    for (int index : operand)
      if (!llvm::is_contained(indices, index))
        indices.push_back(index);
  llvm::SmallVector<int64_t> sizes(indices.size(), 1);
  llvm::SmallVector<llvm::SmallVector<int64_t>> strides;
  for (unsigned k = 0; k < call.numOperands(); ++k)
    for (auto [d, index] : llvm::enumerate(equation->operands[k])) {
      int64_t dim = call.operand(k).getDim(d),
              &size = sizes[llvm::find(indices, index) - indices.begin()];
      if (dim != size && dim != 1 && size != 1)
        return call.fail("sizes of one index of 'equation' must agree, got " +
                         llvm::Twine(size) + " and " + llvm::Twine(dim));
      size = dim == 1 ? size : dim;
    }
  for (unsigned k = 0; k < call.numOperands(); ++k) {
    if (failed(
            call.requireSameType(call.operand(0), call.operand(k), "Inputs")))
      return failure();
    llvm::SmallVector<int64_t> own = stridesOf(call.operand(k).getShape()),
                               along(indices.size(), 0);
    for (auto [d, index] : llvm::enumerate(equation->operands[k]))
      if (call.operand(k).getDim(d) != 1) // a repeated index walks the diagonal
        along[llvm::find(indices, index) - indices.begin()] += own[d];
    strides.push_back(along);
  }
  size_t kept = equation->result.size();
  ElementType type = call.operand(0).getElementType();
  FailureOr<Tensor> result =
      call.allocate(type, llvm::ArrayRef(sizes).take_front(kept));
  if (failed(result))
    return failure();
  int64_t contracted = productOf(sizes, kept, sizes.size());
  if (contracted == 0)
    return call.done(*result);
  Accumulator sum(call.accumulateInSingle());
  uint64_t integerSum = 0;
  forEachPosition(sizes, strides, [&](int64_t i, llvm::ArrayRef<int64_t> at) {
    if (i % contracted == 0) {
      sum = Accumulator(call.accumulateInSingle());
      integerSum = 0;
    }
    double product = 1;
    uint64_t integerProduct = 1;
    for (size_t k = 0; k < at.size(); ++k)
      if (isFloat(type))
        product =
            call.accumulateInSingle()
                ? static_cast<float>(product * call.operand(k).real(at[k]))
                : product * call.operand(k).real(at[k]);
      else
        integerProduct *= static_cast<uint64_t>(call.operand(k).integer(at[k]));
    sum.add(product);
    integerSum += integerProduct;
    if (i % contracted != contracted - 1)
      return;
    if (isFloat(type))
      result->setReal(i / contracted, sum.get());
    else
      result->setInteger(i / contracted, static_cast<int64_t>(integerSum));
  });
  return call.done(*result);
}

void reference::addProductRules(OperatorTable &table) {
  table["onnx.Einsum"] = einsum;
  table["onnx.Gemm"] = gemm;
  table["onnx.MatMul"] = matMul;
}
