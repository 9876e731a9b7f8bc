// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How hyper-connections are written: Sinkhorn rounds, the projection, and what
// reads and writes streams.
#include "RaiseHyperConnections.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::engram;

/// The value before Reshapes and Casts that only widen: 16-bit streams are
/// widened for what is computed from them.
static Value rootOf(Value value) {
  while (true) {
    Value next = skipWideningCasts(skipReshapes(value));
    if (next == value)
      return value;
    value = next;
  }
}

/// A weight of so many elements, under any sizes.
static bool isWeightOf(Raising &raising, Value value, int64_t count) {
  Operation *op = value.getDefiningOp();
  int64_t elements = 1;
  for (SymbolicExpression dim : raising.dims(value)) {
    int64_t size = dim.getConstant().value_or(0);
    if (size < 1 || size > count || elements > count)
      return false;
    elements *= size;
  }
  if (!op || elements != count)
    return false;
  for (unsigned steps = 0; op && steps < 4; ++steps) {
    if (isa<onnx::InitializerOp, onnx::ConstantOp>(op))
      return true;
    if (!isa<onnx::ReshapeOp, onnx::SliceOp>(op))
      return false;
    op = op->getOperand(0).getDefiningOp();
  }
  return false;
}

/// One element, as a weight or a number.
static bool isScalarWeight(Raising &raising, Value value) {
  return isWeightOf(raising, value, 1);
}

static bool isVectorWeight(Raising &raising, Value value, int64_t size) {
  ArrayRef<SymbolicExpression> dims = raising.dims(value);
  return !dims.empty() && dims.back().isConstant(size) &&
         isWeightOf(raising, value, size);
}

//===----------------------------------------------------------------------===//
// Sinkhorn rounds
//===----------------------------------------------------------------------===//

/// matrix / (sum(matrix, axis) + epsilon), if that is all that reads `matrix`.
Operation *SiteMatcher::nextDivision(Value matrix, int64_t axis,
                                     SiteForm &form) {
  Operation *sum = nullptr, *division = nullptr;
  for (Operation *user : matrix.getUsers()) {
    if (isa<onnx::ReduceSumOp>(user) && !sum)
      sum = user;
    else if (isa<onnx::DivOp>(user) && !division &&
             user->getOperand(0) == matrix)
      division = user;
    else
      return nullptr;
  }
  if (!sum || !division)
    return nullptr;
  auto axes = reducedAxes(raising, sum);
  if (!axes || axes->size() != 1 || (*axes)[0] != axis)
    return nullptr;
  Value divisor = division->getOperand(1);
  SmallVector<Operation *> nodes;
  // Without kept dimensions a reshape brings them back.
  auto skip = [&](Value value) {
    while (auto reshape = producer<onnx::ReshapeOp>(value)) {
      nodes.push_back(reshape);
      value = reshape->getOperand(0);
    }
    return value;
  };
  divisor = skip(divisor);
  double epsilon = 0;
  if (auto add = producer<onnx::AddOp>(divisor)) {
    auto parts = splitNumber(add);
    if (!parts)
      return nullptr;
    epsilon = parts->number;
    nodes.push_back(add);
    divisor = skip(parts->other);
  }
  if (divisor != sum->getResult(0))
    return nullptr;
  // The sum stands where its axis was.
  SmallVector<SymbolicExpression> kept(raising.dims(matrix));
  kept[axis] = raising.getShapes().getContext().getConstant(1);
  if (raising.dims(division->getOperand(1)) !=
      ArrayRef<SymbolicExpression>(kept))
    return nullptr;
  if (epsilon != form.epsilon) {
    fail(division, "a Sinkhorn round adds another epsilon");
    return nullptr;
  }
  form.matched.append(nodes);
  form.matched.append({sum, division});
  return division;
}

bool SiteMatcher::readRounds(onnx::SoftmaxOp op, SiteForm &form) {
  Value matrix = op.getOutput();
  form.matched.push_back(op);
  if (matrix.hasOneUse())
    if (auto add = dyn_cast<onnx::AddOp>(*matrix.getUsers().begin()))
      if (auto parts = splitNumber(add)) {
        form.epsilon = parts->number;
        form.matched.push_back(add);
        matrix = add->getResult(0);
      }
  int64_t divisions = 0;
  while (Operation *division =
             nextDivision(matrix, divisions % 2 == 0 ? 2 : 3, form)) {
    matrix = division->getResult(0);
    ++divisions;
  }
  if (divisions == 0)
    return false;
  if (divisions % 2 == 0)
    return fail(matrix.getDefiningOp(),
                "the last Sinkhorn division is one of rows");
  form.rounds = (divisions + 1) / 2;
  form.comb = matrix;
  return miss.reason.empty();
}

//===----------------------------------------------------------------------===//
// The projection
//===----------------------------------------------------------------------===//

/// z = projection · v · rsqrt(mean(v²) + epsilon).
bool SiteMatcher::readProjection(Value outputs, SiteForm &form) {
  Operation *op = outputs.getDefiningOp();
  Value linear, vector;
  bool normFirst = false;
  auto takeNorm = [&](Value squares, Operation *root) {
    auto norm = matchMeanSquare(raising, squares);
    if (!norm)
      return false;
    form.matched.append(norm->nodes);
    if (root)
      form.matched.push_back(root);
    vector = norm->input;
    form.normEpsilon = norm->epsilon;
    return true;
  };
  if (isa_and_nonnull<onnx::MulOp>(op)) {
    bool found = matchEitherOrder(op, [&](Value a, Value b) {
      Value squares = matchReciprocalRoot(b);
      if (!squares || !takeNorm(squares, nullptr))
        return false;
      form.matched.append({b.getDefiningOp(), squares.getDefiningOp(),
                           b.getDefiningOp()
                               ->getOperand(isa<onnx::DivOp>(b.getDefiningOp()))
                               .getDefiningOp()});
      linear = a;
      return true;
    });
    if (!found)
      return fail(op, "the projection is not divided by a root mean square");
  } else if (isa_and_nonnull<onnx::DivOp>(op)) {
    auto root = producer<onnx::SqrtOp>(op->getOperand(1));
    if (!root || !takeNorm(root->getOperand(0), root))
      return fail(op, "the projection is not divided by a root mean square");
    linear = op->getOperand(0);
  } else {
    linear = outputs;
    normFirst = true;
  }
  if (!normFirst)
    form.matched.push_back(op);

  Operation *product = nullptr;
  auto skip = [&](Value value) {
    while (auto reshape = producer<onnx::ReshapeOp>(value)) {
      form.matched.push_back(reshape);
      value = reshape->getOperand(0);
    }
    return value;
  };
  Value behind = skip(linear);
  product = behind.getDefiningOp();
  if (auto gemm = dyn_cast_or_null<onnx::GemmOp>(product)) {
    if (!isNone(gemm.getC()) || gemm.getTransA() ||
        gemm.getAlpha().convertToFloat() != 1)
      return fail(product, "the projection is no plain product");
    form.isTurned = gemm.getTransB() != 0;
  } else if (!isa_and_nonnull<onnx::MatMulOp>(product)) {
    return fail(product ? product : op, "the weights are no projection");
  }
  form.matched.push_back(product);
  form.projection = product->getOperand(1);
  Value rows = product->getOperand(0);
  if (raising.rank(form.projection) != 2)
    return fail(product, "the projection is no matrix");
  if (normFirst) {
    rows = skipReshapes(rows);
    auto norm = producer<RMSNormOp>(rows);
    if (!norm || norm.getWeight() ||
        norm.getComputeType() != getElementTypeOrSelf(rows.getType()))
      return fail(product, "the streams are not divided by their root mean "
                           "square");
    form.matched.push_back(norm);
    form.normEpsilon = norm.getEpsilon().convertToDouble();
    vector = norm.getInput();
    rows = vector;
  }
  // One vector for each token, of all streams.
  Value streams = rootOf(rows);
  if (streams != rootOf(vector))
    return fail(product, "the root mean square is that of another value");
  int64_t rank = raising.rank(vector);
  ArrayRef<SymbolicExpression> dims = raising.dims(vector);
  std::optional<int64_t> size =
      rank ? dims[rank - 1].getConstant() : std::nullopt;
  if (!size || *size % form.streams != 0)
    return fail(product, "the streams are not " + Twine(form.streams));
  // Streams as a dimension of their own; other ops read them so.
  auto isStreams = [&](Value value) {
    ArrayRef<SymbolicExpression> sizes = raising.dims(value);
    return sizes.size() == 4 && sizes[2].isConstant(form.streams) &&
           sizes[3].isConstant(*size / form.streams);
  };
  if (!isStreams(streams)) {
    streams = {};
    for (Value value = vector; value && !streams;) {
      if (isStreams(value))
        streams = value;
      auto reshape = producer<onnx::ReshapeOp>(value);
      Value widened = skipWideningCasts(value);
      value = reshape            ? reshape->getOperand(0)
              : widened != value ? widened
                                 : Value();
    }
  }
  if (!streams)
    return fail(product, "the streams are no dimension of a tensor");
  form.input = streams;
  return true;
}

/// Mul by a scale and Add of a bias; `part.result` is the sum.
bool SiteMatcher::readPart(Value slice, Part &part, SiteForm &form) {
  Value value = slice;
  form.matched.push_back(slice.getDefiningOp());
  int64_t size = *raising.staticDim(slice, 2);
  for (unsigned steps = 0; steps < 2; ++steps) {
    if (!value.hasOneUse())
      return fail(slice.getDefiningOp(), "a part of the weights is used twice");
    Operation *user = *value.getUsers().begin();
    if (user->getNumOperands() != 2)
      return fail(user, "no bias is added to the weights");
    Value other = user->getOperand(user->getOperand(0) == value ? 1 : 0);
    form.matched.push_back(user);
    if (isa<onnx::MulOp>(user) && !part.scale &&
        isScalarWeight(raising, other)) {
      part.scale = other;
      value = user->getResult(0);
      continue;
    }
    if (!isa<onnx::AddOp>(user) || !isVectorWeight(raising, other, size))
      return fail(user, "no bias is added to the weights");
    part.bias = other;
    part.result = user->getResult(0);
    return true;
  }
  return fail(slice.getDefiningOp(), "no bias is added to the weights");
}

/// The projection's outputs behind the bias and scale of the matrix; it becomes
/// one before they are applied or after.
Value SiteMatcher::readLogits(Value value, SiteForm &form) {
  auto skip = [&](Value value) {
    while (auto reshape = producer<onnx::ReshapeOp>(value)) {
      form.matched.push_back(reshape);
      value = reshape->getOperand(0);
    }
    return value;
  };
  int64_t size = form.streams * form.streams;
  Part &part = form.parts[2];
  auto add = producer<onnx::AddOp>(skip(value));
  if (!add)
    return {};
  form.matched.push_back(add);
  Value rest;
  for (unsigned i : {1u, 0u})
    if (!rest && isWeightOf(raising, add->getOperand(i), size)) {
      part.bias = add->getOperand(i);
      rest = skip(add->getOperand(1 - i));
    }
  if (!rest)
    return {};
  if (auto mul = producer<onnx::MulOp>(rest))
    for (unsigned i : {1u, 0u})
      if (!part.scale && isScalarWeight(raising, mul->getOperand(i))) {
        part.scale = mul->getOperand(i);
        form.matched.push_back(mul);
        rest = skip(mul->getOperand(1 - i));
      }
  auto cut = matchSlice(raising, rest);
  if (!cut || raising.rank(rest) != 3 || cut->axis != 2 ||
      !raising.dims(rest)[2].isConstant(size))
    return {};
  if (!cut->begin.isConstant(2 * form.streams) ||
      !raising.dims(cut->input)[2].isConstant(2 * form.streams + size)) {
    fail(rest.getDefiningOp(), "the matrix does not follow two vectors of " +
                                   Twine(form.streams) + " weights");
    return {};
  }
  form.matched.push_back(rest.getDefiningOp());
  part.result = add->getResult(0);
  return cut->input;
}

/// Σ_m weights_m · streams_m.
bool SiteMatcher::readMixed(Value weights, SiteForm &form) {
  if (!weights.hasOneUse())
    return fail(weights.getDefiningOp(), "the read weights are used twice");
  Operation *user = *weights.getUsers().begin();
  if (isa<onnx::ReshapeOp>(user) && user->getResult(0).hasOneUse()) {
    form.matched.push_back(user);
    weights = user->getResult(0);
    user = *weights.getUsers().begin();
  }
  form.matched.push_back(user);
  if (!isa<onnx::MulOp>(user))
    return fail(user, "the read weights do not multiply the streams");
  Value other = user->getOperand(user->getOperand(0) == weights ? 1 : 0);
  // Streams that all begin as one may stand there as that one.
  auto expand = producer<onnx::ExpandOp>(form.input);
  bool areStreams =
      (rootOf(other) == rootOf(form.input) &&
       raising.haveSameShape(other, form.input)) ||
      (expand && rootOf(expand->getOperand(0)) == rootOf(other) &&
       raising.rank(other) == 4 && raising.dims(other)[2].isConstant(1));
  if (!areStreams || raising.rank(weights) != 4 ||
      !raising.dims(weights)[3].isConstant(1))
    return fail(user, "the read weights multiply other values");
  if (!user->getResult(0).hasOneUse())
    return fail(user, "the weighted streams are used twice");
  Operation *sum = *user->getResult(0).getUsers().begin();
  auto axes =
      isa<onnx::ReduceSumOp>(sum) ? reducedAxes(raising, sum) : std::nullopt;
  if (!axes || axes->size() != 1 || (*axes)[0] != 2)
    return fail(sum, "the weighted streams are not summed");
  form.matched.push_back(sum);
  form.mixed = sum->getResult(0);
  return true;
}

bool SiteMatcher::readPre(SiteForm &form) {
  Value sum = form.parts[0].result;
  Operation *sigmoid = sum.hasOneUse() ? *sum.getUsers().begin() : nullptr;
  if (!isa_and_nonnull<onnx::SigmoidOp>(sigmoid))
    return fail(sum.getDefiningOp(), "the read weights are no sigmoid");
  form.matched.push_back(sigmoid);
  Value weights = sigmoid->getResult(0);
  double epsilon = 0;
  if (weights.hasOneUse())
    if (auto add = dyn_cast<onnx::AddOp>(*weights.getUsers().begin()))
      if (auto parts = splitNumber(add)) {
        epsilon = parts->number;
        form.matched.push_back(add);
        weights = add->getResult(0);
      }
  if (epsilon != form.epsilon)
    return fail(weights.getDefiningOp(),
                "the read weights add " + describe(epsilon) + ", the matrix " +
                    describe(form.epsilon));
  return readMixed(weights, form);
}

bool SiteMatcher::readPost(SiteForm &form) {
  Value sum = form.parts[1].result;
  Operation *sigmoid = sum.hasOneUse() ? *sum.getUsers().begin() : nullptr;
  if (!isa_and_nonnull<onnx::SigmoidOp>(sigmoid))
    return fail(sum.getDefiningOp(), "the write weights are no sigmoid");
  form.matched.push_back(sigmoid);
  Value weights = sigmoid->getResult(0);
  Operation *twice =
      weights.hasOneUse() ? *weights.getUsers().begin() : nullptr;
  auto parts =
      isa_and_nonnull<onnx::MulOp>(twice) ? splitNumber(twice) : std::nullopt;
  if (!parts || parts->number != 2)
    return fail(sigmoid, "the write weights are not twice a sigmoid");
  form.matched.push_back(twice);
  form.post = twice->getResult(0);
  return true;
}

bool SiteMatcher::match(onnx::SoftmaxOp op, SiteForm &form) {
  miss = {};
  Value matrix = op.getOutput();
  if (raising.rank(matrix) != 4 ||
      raising.normalAxis(op.getAxis(), matrix) != 3)
    return false;
  std::optional<int64_t> streams = raising.staticDim(matrix, 3);
  if (!streams || *streams < 2 || *streams > 16 ||
      !raising.dims(matrix)[2].isConstant(*streams))
    return false;
  form.streams = *streams;
  if (!readRounds(op, form))
    return false;
  Value outputs = readLogits(op.getInput(), form);
  if (!outputs)
    return fail(op, "its logits are no part of a projection with a bias");
  if (!readProjection(outputs, form))
    return false;
  // The other users of the outputs.
  for (Operation *user : outputs.getUsers()) {
    auto cut = user->getNumResults() == 1
                   ? matchSlice(raising, user->getResult(0))
                   : std::nullopt;
    if (!cut || cut->axis != 2)
      return fail(user, "the projection's outputs are used elsewhere");
    if (llvm::is_contained(form.matched, user))
      continue;
    bool isPre = cut->begin.isConstant(0);
    if (!(isPre || cut->begin.isConstant(form.streams)) ||
        !raising.dims(user->getResult(0))[2].isConstant(form.streams) ||
        form.parts[!isPre].result)
      return fail(user, "the weights are cut elsewhere");
    if (!readPart(user->getResult(0), form.parts[!isPre], form))
      return false;
  }
  if (!form.parts[0].result || !form.parts[1].result)
    return fail(op, "the read or write weights are missing");
  if (!readPre(form) || !readPost(form))
    return false;
  SmallVector<Value> results = {form.mixed, form.post, form.comb};
  if (Operation *user = raising.findOutsideUse(form.matched, results)) {
    // Views of the streams serve others too.
    if (llvm::any_of(user->getOperands(), [&](Value operand) {
          return rootOf(operand) == rootOf(form.input);
        })) {
      llvm::erase_if(form.matched, [&](Operation *node) {
        return isa<onnx::ReshapeOp>(node) &&
               rootOf(node->getResult(0)) == rootOf(form.input);
      });
      user = raising.findOutsideUse(form.matched, results);
    }
    if (user)
      return fail(user, "a part of it is used elsewhere");
  }
  return true;
}
