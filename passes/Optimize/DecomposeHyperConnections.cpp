// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DecomposeComposites.h"

using namespace mlir;
using namespace mlir::trine;

using Sizes = LinalgBuilder::Sizes;

/// Matrices up to this size are balanced in registers.
static constexpr int64_t kMaximumStreams = 16;

static Value sigmoid(ImplicitLocOpBuilder &b, Value x) {
  Value one = arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), 1.0));
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, exp));
}

static OpFoldResult product(LinalgBuilder &b, OpFoldResult left,
                            OpFoldResult right) {
  std::optional<int64_t> x = getConstantIntValue(left),
                         y = getConstantIntValue(right);
  if (x && y)
    return b.getIndexAttr(*x * *y);
  return arith::MulIOp::create(b, b.indexOf(left), b.indexOf(right))
      .getResult();
}

/// Merges dims 0 and 1, and 2 and 3 where `mergesLast`.
static Value collapse(LinalgBuilder &b, Value tensor, bool mergesLast) {
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  int64_t rank = LinalgBuilder::typeOf(tensor).getRank();
  if (mergesLast)
    groups.push_back({2, 3});
  else
    for (int64_t i = 2; i < rank; ++i)
      groups.push_back({i});
  return tensor::CollapseShapeOp::create(b, tensor, groups);
}

/// Undoes the merge of dims 0 and 1.
static Value expand(LinalgBuilder &b, Value tensor,
                    ArrayRef<OpFoldResult> sizes,
                    ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  auto type = RankedTensorType::get(
      shape, LinalgBuilder::typeOf(tensor).getElementType());
  return tensor::ExpandShapeOp::create(b, type, tensor, groups, sizes);
}

/// The Sinkhorn rounds after the softmax on [tokens, M, M]: one matrix after
/// the other, its elements as scalars.
static Value balance(LinalgBuilder &b, Value matrices,
                     ArrayRef<OpFoldResult> sizes, int64_t rounds,
                     double epsilon) {
  int64_t size = LinalgBuilder::typeOf(matrices).getDimSize(2);
  Type type = LinalgBuilder::typeOf(matrices).getElementType();
  Value small = b.number(epsilon, type), zero = b.index(0), one = b.index(1),
        last = b.index(rounds);
  SmallVector<Value> places;
  for (int64_t i = 0; i < size; ++i)
    places.push_back(b.index(i));
  // Divides the rows, or the columns, by their sums.
  auto normalize = [&](ImplicitLocOpBuilder &b, MutableArrayRef<Value> matrix,
                       bool columns) {
    int64_t outer = columns ? 1 : size, step = columns ? size : 1;
    for (int64_t i = 0; i < size; ++i) {
      Value sum = matrix[i * outer];
      for (int64_t j = 1; j < size; ++j)
        sum = arith::AddFOp::create(b, sum, matrix[i * outer + j * step]);
      sum = arith::AddFOp::create(b, sum, small);
      for (int64_t j = 0; j < size; ++j) {
        Value &element = matrix[i * outer + j * step];
        element = arith::DivFOp::create(b, element, sum);
      }
    }
  };
  Value result = b.empty(sizes, type);
  auto loop = scf::ForallOp::create(
      b, ArrayRef<OpFoldResult>{sizes[0]}, result, std::nullopt,
      [&](OpBuilder &builder, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder b(loc, builder);
        Value token = arguments[0];
        SmallVector<Value> matrix;
        for (int64_t i = 0; i < size * size; ++i)
          matrix.push_back(tensor::ExtractOp::create(
              b, matrices,
              ValueRange{token, places[i / size], places[i % size]}));
        normalize(b, matrix, /*columns=*/true);
        auto further = scf::ForOp::create(
            b, one, last, one, matrix,
            [&](OpBuilder &builder, Location loc, Value, ValueRange carried) {
              ImplicitLocOpBuilder b(loc, builder);
              SmallVector<Value> matrix(carried);
              normalize(b, matrix, /*columns=*/false);
              normalize(b, matrix, /*columns=*/true);
              scf::YieldOp::create(b, matrix);
            });
        Sizes offsets = {token, b.getIndexAttr(0), b.getIndexAttr(0)},
              part = {b.getIndexAttr(1), sizes[1], sizes[2]},
              strides(3, b.getIndexAttr(1));
        Value out = tensor::ExtractSliceOp::create(b, arguments[1], offsets,
                                                   part, strides);
        for (int64_t i = 0; i < size * size; ++i)
          out = tensor::InsertOp::create(
              b, further.getResult(i), out,
              ValueRange{zero, places[i / size], places[i % size]});
        auto terminator = scf::InParallelOp::create(b);
        b.setInsertionPointToStart(terminator.getBody());
        tensor::ParallelInsertSliceOp::create(b, out, arguments[1], offsets,
                                              part, strides);
      });
  return loop.getResult(0);
}

Decomposed mlir::trine::decompose(HyperMixOp op, LinalgBuilder &b) {
  Value streams = op.getStreams(), bias = op.getBias(), scale = op.getScale();
  RankedTensorType type = LinalgBuilder::typeOf(streams);
  int64_t count = type.getDimSize(2);
  if (ShapedType::isDynamic(count) || count < 1 || count > kMaximumStreams)
    return op.emitOpError()
           << "has a decomposition for 1 to " << kMaximumStreams
           << " streams, got "
           << (ShapedType::isDynamic(count) ? "?" : std::to_string(count));
  Type compute = LinalgBuilder::computeType(type.getElementType());
  Sizes sizes = b.sizes(streams);
  AffineMap pairs = b.getMultiDimIdentityMap(2),
            triples = b.getMultiDimIdentityMap(3);
  double epsilon = op.getEpsilon().convertToDouble();
  Value zero = b.number(0, compute);

  // [tokens, M·D], in the type of the computation.
  Value vectors = collapse(b, streams, /*mergesLast=*/true);
  OpFoldResult tokens = product(b, sizes[0], sizes[1]),
               elements = product(b, sizes[2], sizes[3]);
  Value wide = vectors, projection = op.getProjection();
  auto widened = [&](Value matrix, ArrayRef<OpFoldResult> sizes) {
    if (LinalgBuilder::typeOf(matrix).getElementType() == compute)
      return matrix;
    return b.map({{matrix, pairs}}, sizes, compute,
                 [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
  };
  // A product takes sides of one type.
  if (LinalgBuilder::typeOf(projection).getElementType() !=
      type.getElementType()) {
    wide = widened(vectors, {tokens, elements});
    projection = widened(projection, b.sizes(projection));
  }
  Value turned =
      linalg::TransposeOp::create(
          b, projection,
          b.empty({b.size(projection, 1), b.size(projection, 0)},
                  LinalgBuilder::typeOf(projection).getElementType()),
          ArrayRef<int64_t>{1, 0})
          ->getResult(0);
  OpFoldResult outputs = b.getIndexAttr(2 * count + count * count);
  Value outcome =
      linalg::MatmulOp::create(b, ValueRange{wide, turned},
                               ValueRange{b.filled({tokens, outputs}, zero)})
          .getResult(0);
  Value squares = b.reduce({{vectors, pairs}}, 2, 1, tokens, zero,
                           [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                             return arith::AddFOp::create(
                                 b, s[1], arith::MulFOp::create(b, s[0], s[0]));
                           });
  Value divisor = arith::SIToFPOp::create(
      b, compute,
      arith::IndexCastOp::create(b, b.getI64Type(), b.indexOf(elements)));
  Value normEpsilon = b.number(op.getNormEpsilon().convertToDouble(), compute);
  Value norm = b.map({{squares, b.getMultiDimIdentityMap(1)}}, tokens, compute,
                     [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                       Value mean = arith::DivFOp::create(b, s[0], divisor);
                       return math::RsqrtOp::create(
                           b, arith::AddFOp::create(b, mean, normEpsilon));
                     });

  // scale · z + bias of some outputs, then `body`.
  auto part =
      [&](int64_t begin, int64_t width, int64_t number,
          llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
        OpFoldResult size = b.getIndexAttr(width),
                     start = b.getIndexAttr(begin);
        SmallVector<LinalgBuilder::Input> inputs = {
            {b.slice(outcome, {b.getIndexAttr(0), start}, {tokens, size}),
             pairs},
            {norm, b.select(2, {0})},
            {b.slice(bias, {start}, {size}), b.select(2, {1})}};
        if (scale)
          inputs.push_back(
              {b.slice(scale, {b.getIndexAttr(number)}, {b.getIndexAttr(1)}),
               b.select(2, {-1})});
        return b.map(inputs, {tokens, size}, compute,
                     [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                       Value z = arith::MulFOp::create(b, s[0], s[1]);
                       if (scale)
                         z = arith::MulFOp::create(
                             b, LinalgBuilder::convert(b, s[3], compute), z);
                       z = arith::AddFOp::create(
                           b, z, LinalgBuilder::convert(b, s[2], compute));
                       return body(b, z);
                     });
      };
  Value small = b.number(epsilon, compute), two = b.number(2, compute);
  Value pre = part(0, count, 0, [&](ImplicitLocOpBuilder &b, Value z) -> Value {
    return arith::AddFOp::create(b, sigmoid(b, z), small);
  });
  Value post =
      part(count, count, 1, [&](ImplicitLocOpBuilder &b, Value z) -> Value {
        return arith::MulFOp::create(b, two, sigmoid(b, z));
      });
  Value logits = part(2 * count, count * count, 2,
                      [](ImplicitLocOpBuilder &, Value z) { return z; });

  // Softmax of each row.
  OpFoldResult side = b.getIndexAttr(count);
  Sizes matrixSizes = {tokens, side, side};
  logits = expand(b, logits, matrixSizes, {{0}, {1, 2}});
  AffineMap rows = b.select(3, {0, 1});
  auto infinity = cast<FloatType>(compute);
  Value lowest = arith::ConstantOp::create(
      b, b.getFloatAttr(compute, APFloat::getInf(infinity.getFloatSemantics(),
                                                 /*Negative=*/true)));
  Value top = b.reduce({{logits, triples}}, 3, 2, {tokens, side}, lowest,
                       [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                         return arith::MaximumFOp::create(b, s[1], s[0]);
                       });
  Value exponentials = b.map(
      {{logits, triples}, {top, rows}}, matrixSizes, compute,
      [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        return math::ExpOp::create(b, arith::SubFOp::create(b, s[0], s[1]));
      });
  Value sums = b.reduce({{exponentials, triples}}, 3, 2, {tokens, side}, zero,
                        [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                          return arith::AddFOp::create(b, s[1], s[0]);
                        });
  Value matrices =
      b.map({{exponentials, triples}, {sums, rows}}, matrixSizes, compute,
            [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
              return arith::AddFOp::create(
                  b, arith::DivFOp::create(b, s[0], s[1]), small);
            });
  matrices = balance(b, matrices, matrixSizes, op.getRounds(), epsilon);

  // The mixed input: Σ_m pre_m · streams_m.
  Value perToken = collapse(b, streams, /*mergesLast=*/false);
  Value mixed = b.reduce({{pre, b.select(3, {0, 1})}, {perToken, triples}}, 3,
                         1, {tokens, sizes[3]}, zero,
                         [](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                           return arith::AddFOp::create(
                               b, s[2], arith::MulFOp::create(b, s[0], s[1]));
                         });

  auto finish = [&](Value value, Value result, ArrayRef<OpFoldResult> inner) {
    Type elementType = LinalgBuilder::typeOf(result).getElementType();
    Sizes flat = {tokens};
    flat.append(inner.begin(), inner.end());
    if (LinalgBuilder::typeOf(value).getElementType() != elementType)
      value = b.map({{value, b.getMultiDimIdentityMap(flat.size())}}, flat,
                    elementType,
                    [](ImplicitLocOpBuilder &, ValueRange s) { return s[0]; });
    Sizes all = {sizes[0], sizes[1]};
    SmallVector<ReassociationIndices> groups = {{0, 1}};
    for (OpFoldResult size : inner) {
      groups.push_back({static_cast<int64_t>(all.size())});
      all.push_back(size);
    }
    return expand(b, value, all, groups);
  };
  return SmallVector<Value>{finish(mixed, op.getMixed(), {sizes[3]}),
                            finish(post, op.getPost(), {side}),
                            finish(matrices, op.getComb(), {side, side})};
}

Decomposed mlir::trine::decompose(HyperCombineOp op, LinalgBuilder &b) {
  Value streams = op.getStreams();
  Sizes sizes = b.sizes(streams);
  Type elementType = LinalgBuilder::typeOf(streams).getElementType(),
       type = LinalgBuilder::computeType(elementType);
  // Loops: batch, sequence, stream, stream that is read, channel.
  Value kept =
      b.reduce({{op.getComb(), b.select(5, {0, 1, 2, 3})},
                {streams, b.select(5, {0, 1, 3, 4})}},
               5, 3, sizes, b.number(0, type),
               [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
                 return arith::AddFOp::create(
                     b, s[2],
                     arith::MulFOp::create(
                         b, LinalgBuilder::convert(b, s[0], type), s[1]));
               });
  return SmallVector<Value>{b.map(
      {{op.getPost(), b.select(4, {0, 1, 2})},
       {op.getOutput(), b.select(4, {0, 1, 3})},
       {kept, b.getMultiDimIdentityMap(4)}},
      sizes, elementType, [&](ImplicitLocOpBuilder &b, ValueRange s) -> Value {
        Value term =
            arith::MulFOp::create(b, LinalgBuilder::convert(b, s[0], type),
                                  LinalgBuilder::convert(b, s[1], type));
        return arith::AddFOp::create(b, term, s[2]);
      })};
}
