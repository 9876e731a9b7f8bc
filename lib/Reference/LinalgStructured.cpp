// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linalg ops with indexing maps: the body is run for every point of the
// iteration space, in row-major order.
#include "Execution.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// How an operand is read and written.
struct OperandAccess {
  AffineMap map;
  bool isTensor = false;
  /// Whether the body reads it.
  bool isRead = false;
  /// Coefficients of the loops and constants, one row for each dimension, when
  /// the map is linear.
  bool isLinear = true;
  llvm::SmallVector<llvm::SmallVector<int64_t>> coefficients;
  llvm::SmallVector<int64_t> constants;
};

struct StructuredDetail : StepDetail {
  llvm::SmallVector<OperandAccess> operands;
  AffineMap shapesToLoops;
  unsigned loops = 0, inputs = 0;
  bool isReducing = false;
};
} // namespace

bool reference::isReducing(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  return structured && structured.getNumReductionLoops() > 0;
}

/// Adds `factor` times an expression to a row of coefficients; false when it is
/// not linear, or overflows.
static bool addTerms(AffineExpr expression, int64_t factor,
                     llvm::MutableArrayRef<int64_t> coefficients,
                     int64_t &constant) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    int64_t &sum = coefficients[dim.getPosition()];
    return !__builtin_add_overflow(sum, factor, &sum);
  }
  if (auto value = dyn_cast<AffineConstantExpr>(expression)) {
    int64_t term = 0;
    return !__builtin_mul_overflow(factor, value.getValue(), &term) &&
           !__builtin_add_overflow(constant, term, &constant);
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addTerms(binary.getLHS(), factor, coefficients, constant) &&
           addTerms(binary.getRHS(), factor, coefficients, constant);
  // Canonical products have their constant on the right.
  auto scale = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && scale &&
         !__builtin_mul_overflow(factor, scale.getValue(), &factor) &&
         addTerms(binary.getLHS(), factor, coefficients, constant);
}

/// The value of an expression at a point; nothing when it overflows or divides
/// by zero.
static std::optional<int64_t> evaluate(AffineExpr expression,
                                       llvm::ArrayRef<int64_t> position) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return position[dim.getPosition()];
  if (auto value = dyn_cast<AffineConstantExpr>(expression))
    return value.getValue();
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return std::nullopt;
  std::optional<int64_t> left = evaluate(binary.getLHS(), position),
                         right = evaluate(binary.getRHS(), position);
  int64_t result = 0;
  if (!left || !right)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add)
    return __builtin_add_overflow(*left, *right, &result)
               ? std::nullopt
               : std::optional(result);
  if (binary.getKind() == AffineExprKind::Mul)
    return __builtin_mul_overflow(*left, *right, &result)
               ? std::nullopt
               : std::optional(result);
  // What is left divides, by a positive number.
  if (*right <= 0)
    return std::nullopt;
  int64_t remainder = *left % *right, floor = *left / *right;
  if (remainder < 0) {
    remainder += *right;
    --floor;
  }
  return binary.getKind() == AffineExprKind::Mod ? remainder
         : binary.getKind() == AffineExprKind::FloorDiv
             ? floor
             : floor + (remainder != 0);
}

std::shared_ptr<const StepDetail> reference::describeStructured(Operation *op) {
  auto structured = cast<linalg::LinalgOp>(op);
  auto detail = std::make_shared<StructuredDetail>();
  detail->shapesToLoops = structured.getShapesToLoopsMap();
  detail->loops = structured.getNumLoops();
  detail->inputs = structured.getNumDpsInputs();
  detail->isReducing = isReducing(op);
  Block *body = structured.getBlock();
  llvm::SmallVector<AffineMap> maps = structured.getIndexingMapsArray();
  for (OpOperand &operand : op->getOpOperands()) {
    OperandAccess access;
    unsigned i = operand.getOperandNumber();
    access.map = maps[i];
    access.isTensor = isa<TensorType>(operand.get().getType());
    access.isRead =
        i < body->getNumArguments() && !body->getArgument(i).use_empty();
    for (AffineExpr expression : access.map.getResults()) {
      access.coefficients.emplace_back(detail->loops, 0);
      access.constants.push_back(0);
      access.isLinear &= addTerms(expression, 1, access.coefficients.back(),
                                  access.constants.back());
    }
    detail->operands.push_back(std::move(access));
  }
  return detail;
}

namespace {
/// One run of one op.
class StructuredRun {
public:
  StructuredRun(Execution &execution, const Step &step)
      : call(execution, step), body(*step.regions[0]),
        detail(static_cast<const StructuredDetail &>(*step.detail)),
        isDouble(detail.isReducing &&
                 execution.options.accumulation == Accumulation::F64) {}

  LogicalResult run();

private:
  /// Where an operand's next element is, and how far one step along each loop
  /// moves that.
  struct Cursor {
    const OperandAccess *access;
    Place argument;
    ElementType type = ElementType::I64;
    llvm::SmallVector<int64_t> shape;
    const char *input = nullptr;
    char *output = nullptr;
    /// Sums in double precision stand in for a float output.
    double *sums = nullptr;
    int64_t at = 0;
    llvm::SmallVector<int64_t> strides;
  };

  void findSizes();
  LogicalResult checkBounds(unsigned operand, const Cursor &cursor);
  LogicalResult locate(unsigned operand, Cursor &cursor);
  LogicalResult runPoint();
  bool advance();

  Invocation call;
  const BlockProgram &body;
  const StructuredDetail &detail;
  const bool isDouble;
  llvm::SmallVector<int64_t> sizes, position;
  std::vector<Cursor> cursors;
  std::vector<Tensor> outputs;
  std::vector<std::vector<double>> sums;
};
} // namespace

/// Every loop's size follows from the operands' shapes, and all of them must
/// agree.
void StructuredRun::findSizes() {
  llvm::SmallVector<int64_t> shapes;
  for (auto [i, access] : llvm::enumerate(detail.operands))
    if (access.isTensor)
      llvm::append_range(shapes, call.tensor(i).getShape());
  sizes = detail.shapesToLoops.compose(shapes);
  position.assign(sizes.size(), 0);
}

/// Checks once that all of an operand's indices are within its shape; what a
/// plain loop indexes has that loop's size.
LogicalResult StructuredRun::checkBounds(unsigned operand,
                                         const Cursor &cursor) {
  for (auto [d, size] : llvm::enumerate(cursor.shape)) {
    AffineExpr expression = cursor.access->map.getResult(d);
    if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
      if (sizes[dim.getPosition()] != size)
        return call.fail(
            "operand " + llvm::Twine(operand) + " must have size " +
            llvm::Twine(sizes[dim.getPosition()]) + " in dimension " +
            llvm::Twine(d) + ", got " + llvm::Twine(size));
      continue;
    }
    // Within 128 bits nothing overflows.
    __int128 lowest = cursor.access->constants[d], highest = lowest;
    for (auto [loop, factor] : llvm::enumerate(cursor.access->coefficients[d]))
      (factor < 0 ? lowest : highest) +=
          static_cast<__int128>(factor) * (sizes[loop] - 1);
    if (lowest < 0 || highest >= size)
      return call.fail("reads indices beyond [0, " + llvm::Twine(size) +
                       ") of operand " + llvm::Twine(operand) +
                       " in dimension " + llvm::Twine(d));
  }
  return success();
}

/// Finds the element for the current point, for maps that are not linear.
LogicalResult StructuredRun::locate(unsigned operand, Cursor &cursor) {
  cursor.at = 0;
  for (auto [d, size] : llvm::enumerate(cursor.shape)) {
    std::optional<int64_t> index =
        evaluate(cursor.access->map.getResult(d), position);
    if (!index)
      return call.fail("has an index that overflows");
    if (*index < 0 || *index >= size)
      return call.fail("reads index " + llvm::Twine(*index) + " of operand " +
                       llvm::Twine(operand) + " in dimension " +
                       llvm::Twine(d) + " of size " + llvm::Twine(size));
    cursor.at = cursor.at * size + *index;
  }
  return success();
}

LogicalResult StructuredRun::runPoint() {
  Execution &execution = call.execution;
  for (auto [i, cursor] : llvm::enumerate(cursors)) {
    if (!cursor.access->isLinear && failed(locate(i, cursor)))
      return failure();
    if (cursor.access->isRead && cursor.access->isTensor)
      execution.scalars[cursor.argument.number] =
          cursor.sums ? scalarOf(cursor.sums[cursor.at])
                      : loadScalar(cursor.type, cursor.input, cursor.at);
  }
  if (failed(execution.run(body)))
    return failure();
  for (size_t k = 0; k < outputs.size(); ++k) {
    Cursor &cursor = cursors[detail.inputs + k];
    Scalar value = execution.scalars[body.yields[k].number];
    if (cursor.sums)
      cursor.sums[cursor.at] = value.real;
    else
      storeScalar(cursor.type, cursor.output, cursor.at, value);
  }
  return success();
}

/// Goes to the next point; false after the last.
bool StructuredRun::advance() {
  for (size_t loop = sizes.size(); loop-- > 0;) {
    if (++position[loop] < sizes[loop]) {
      for (Cursor &cursor : cursors)
        cursor.at += cursor.strides[loop];
      return true;
    }
    position[loop] = 0;
    for (Cursor &cursor : cursors)
      cursor.at -= cursor.strides[loop] * (sizes[loop] - 1);
  }
  return false;
}

LogicalResult StructuredRun::run() {
  Execution &execution = call.execution;
  findSizes();
  bool isEmpty = llvm::any_of(sizes, [](int64_t size) { return size <= 0; });
  for (unsigned i = detail.inputs; i < call.step.operands.size(); ++i)
    outputs.push_back(call.take(i));
  sums.resize(outputs.size());
  for (auto [i, access] : llvm::enumerate(detail.operands)) {
    Cursor cursor;
    cursor.access = &access;
    if (i < body.arguments.size())
      cursor.argument = body.arguments[i];
    cursor.strides.assign(sizes.size(), 0);
    if (!access.isTensor) {
      if (access.isRead)
        execution.scalars[cursor.argument.number] = call.scalar(i);
      cursors.push_back(std::move(cursor));
      continue;
    }
    bool isOutput = i >= detail.inputs;
    const Tensor &tensor =
        isOutput ? outputs[i - detail.inputs] : call.tensor(i);
    cursor.type = tensor.getElementType();
    cursor.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
    if (!isEmpty && access.isLinear && failed(checkBounds(i, cursor)))
      return failure();
    if (isOutput) {
      cursor.output = outputs[i - detail.inputs].getMutableBytes().data();
      if (isDouble && isFloat(cursor.type)) {
        sums[i - detail.inputs] = tensor.reals();
        cursor.sums = sums[i - detail.inputs].data();
      }
    }
    cursor.input = tensor.getBytes().data();
    llvm::SmallVector<int64_t> own = stridesOf(tensor.getShape());
    for (size_t d = 0; d < own.size() && access.isLinear && !isEmpty; ++d) {
      cursor.at += own[d] * access.constants[d];
      for (size_t loop = 0; loop < sizes.size(); ++loop)
        if (sizes[loop] > 1) // else nothing moves along it
          cursor.strides[loop] += own[d] * access.coefficients[d][loop];
    }
    cursors.push_back(std::move(cursor));
  }
  const int64_t *outer = std::exchange(execution.iteration, position.data());
  for (bool more = !isEmpty; more; more = advance())
    if (failed(runPoint()))
      return failure();
  execution.iteration = outer;
  for (auto [k, output] : llvm::enumerate(outputs)) {
    for (int64_t i = 0, e = sums[k].size(); i < e; ++i)
      output.setReal(i, sums[k][i]);
    execution.tensors[call.step.results[k].number] = std::move(output);
  }
  return success();
}

LogicalResult reference::runStructured(Execution &execution, const Step &step) {
  return StructuredRun(execution, step).run();
}
