// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Operator.h"
#include "Quantization.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

const Tensor &OperatorCall::operand(unsigned i) const {
  static const Tensor absent;
  return i < operands.size() && operands[i] ? *operands[i] : absent;
}

ElementType OperatorCall::resultType(unsigned i, ElementType fallback) const {
  if (i >= op->getNumResults())
    return fallback;
  return elementTypeOf(op->getResult(i).getType()).value_or(fallback);
}

LogicalResult OperatorCall::fail(const llvm::Twine &message) const {
  return failAt(op, message);
}

LogicalResult reference::failAt(Operation *op, const llvm::Twine &message) {
  InFlightDiagnostic diagnostic = op->emitOpError() << message;
  std::string node = nodeName(op);
  if (node != op->getName().getStringRef())
    diagnostic << ", in node '" << node << "'";
  return diagnostic;
}

std::string reference::nodeName(Operation *op) {
  std::string name;
  op->getLoc()->walk([&](Location location) {
    if (auto named = dyn_cast<NameLoc>(location))
      name = named.getName().str();
    return name.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return name.empty() ? op->getName().getStringRef().str() : name;
}

FailureOr<Tensor> OperatorCall::allocate(ElementType type,
                                         llvm::ArrayRef<int64_t> shape) const {
  return allocateAt(op, type, shape);
}

FailureOr<Tensor> reference::allocateAt(Operation *op, ElementType type,
                                        llvm::ArrayRef<int64_t> shape) {
  std::optional<Tensor> tensor = Tensor::create(type, shape);
  if (!tensor)
    return failAt(op, "no memory for a result of type " + nameOf(type) +
                          " and shape " + describeShape(shape));
  return *tensor;
}

FailureOr<int64_t> OperatorCall::normalizeAxis(int64_t axis, int64_t rank,
                                               llvm::StringRef what) const {
  if (axis < -rank || axis >= rank)
    return fail("'" + what + "' must be in [" + llvm::Twine(-rank) + ", " +
                llvm::Twine(rank) + "), got " + llvm::Twine(axis));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<llvm::SmallVector<int64_t>>
OperatorCall::integerList(unsigned i, llvm::StringRef what) const {
  const Tensor &tensor = operand(i);
  if (isFloat(tensor.getElementType()) || tensor.getRank() > 1)
    return fail("'" + what + "' must be integers of rank 0 or 1, got " +
                nameOf(tensor.getElementType()) + " of shape " +
                describeShape(tensor.getShape()));
  return tensor.integers();
}

LogicalResult OperatorCall::requireSameType(const Tensor &a, const Tensor &b,
                                            llvm::StringRef what) const {
  if (a.getElementType() == b.getElementType())
    return success();
  return fail("'" + what + "' must have element type " +
              nameOf(a.getElementType()) + ", got " +
              nameOf(b.getElementType()));
}

LogicalResult OperatorCall::requireShape(const Tensor &tensor,
                                         llvm::ArrayRef<int64_t> shape,
                                         llvm::StringRef what) const {
  if (tensor.getShape() == shape)
    return success();
  return fail("'" + what + "' must have shape " + describeShape(shape) +
              ", got " + describeShape(tensor.getShape()));
}

const OperatorTable &reference::operatorTable() {
  static const OperatorTable table = [] {
    OperatorTable rules;
    addElementwiseRules(rules);
    addArithmeticRules(rules);
    addConversionRules(rules);
    addQuantizationRules(rules);
    addShapeRules(rules);
    addMovementRules(rules);
    addIndexingRules(rules);
    addScatterRules(rules);
    addReductionRules(rules);
    addSelectionRules(rules);
    addProductRules(rules);
    addConvolutionRules(rules);
    addNormalizationRules(rules);
    addAttentionRules(rules);
    addRotaryRules(rules);
    addEngramRules(rules);
    addMixtureOfExpertsRules(rules);
    addControlFlowRules(rules);
    addTrineNormalizationRules(rules);
    addTrineAttentionRules(rules);
    addTrineExpertsRules(rules);
    addTrineEngramRules(rules);
    addTrineStateRules(rules);
    return rules;
  }();
  return table;
}

llvm::SmallVector<int64_t> reference::stridesOf(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

int64_t reference::productOf(llvm::ArrayRef<int64_t> shape, int64_t begin,
                             int64_t end) {
  int64_t product = 1;
  for (int64_t i = begin; i < end; ++i)
    product *= shape[i];
  return product;
}

std::optional<llvm::SmallVector<int64_t>>
reference::broadcastShapes(llvm::ArrayRef<int64_t> a,
                           llvm::ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  llvm::SmallVector<int64_t> result(a.begin(), a.end());
  size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &dim = result[lead + i];
    if (dim == b[i] || b[i] == 1)
      continue;
    if (dim != 1)
      return std::nullopt;
    dim = b[i];
  }
  return result;
}

llvm::SmallVector<int64_t>
reference::broadcastStrides(llvm::ArrayRef<int64_t> from,
                            llvm::ArrayRef<int64_t> to) {
  llvm::SmallVector<int64_t> own = stridesOf(from), strides(to.size(), 0);
  size_t lead = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

void reference::forEachPosition(
    llvm::ArrayRef<int64_t> shape,
    llvm::ArrayRef<llvm::SmallVector<int64_t>> strides,
    llvm::function_ref<void(int64_t, llvm::ArrayRef<int64_t>)> visit) {
  int64_t count = productOf(shape, 0, shape.size());
  llvm::SmallVector<int64_t> position(shape.size(), 0),
      offsets(strides.size(), 0);
  for (int64_t index = 0; index < count; ++index) {
    visit(index, offsets);
    for (size_t dim = shape.size(); dim-- > 0;) {
      if (++position[dim] < shape[dim]) {
        for (size_t k = 0; k < strides.size(); ++k)
          offsets[k] += strides[k][dim];
        break;
      }
      for (size_t k = 0; k < strides.size(); ++k)
        offsets[k] -= strides[k][dim] * (shape[dim] - 1);
      position[dim] = 0;
    }
  }
}
