// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From blocks to steps: numbers for values, and where each tensor is read last.
#include "Execution.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// The value of a constant.
struct ConstantDetail : StepDetail {
  Tensor tensor;
};
} // namespace

/// The tensor of a constant attribute; nothing when its type has no
/// counterpart.
static std::optional<Tensor> tensorOf(ElementsAttr attribute) {
  std::optional<ElementType> type = elementTypeOf(attribute.getShapedType());
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!type || !dense || !attribute.getShapedType().hasStaticShape())
    return std::nullopt;
  std::optional<Tensor> tensor =
      Tensor::create(*type, attribute.getShapedType().getShape());
  if (!tensor)
    return std::nullopt;
  int64_t i = 0;
  if (isFloat(*type)) {
    for (llvm::APFloat value : dense.getValues<llvm::APFloat>()) {
      bool lost;
      value.convert(llvm::APFloat::IEEEdouble(),
                    llvm::APFloat::rmNearestTiesToEven, &lost);
      tensor->setReal(i++, value.convertToDouble());
    }
    return tensor;
  }
  for (const llvm::APInt &value : dense.getValues<llvm::APInt>())
    tensor->setInteger(i++, *type == ElementType::Bool
                                ? value.getBoolValue()
                                : value.sextOrTrunc(64).getSExtValue());
  return tensor;
}

/// The scalar of a constant attribute; nothing for tensors.
static std::optional<Scalar> constantScalar(TypedAttr attribute) {
  if (!scalarTypeOf(attribute.getType()))
    return std::nullopt;
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return scalarOf(integer.getValue().getSExtValue());
  auto real = dyn_cast<FloatAttr>(attribute);
  if (!real)
    return std::nullopt;
  llvm::APFloat value = real.getValue();
  bool lost;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return scalarOf(value.convertToDouble());
}

//===----------------------------------------------------------------------===//
// Actions of ops that are in no table
//===----------------------------------------------------------------------===//

static LogicalResult hasNoRule(Execution &execution, const Step &step) {
  return Invocation(execution, step)
      .fail("has no rule in the reference interpreter");
}

static LogicalResult hasUnsupportedType(Execution &execution,
                                        const Step &step) {
  InFlightDiagnostic diagnostic =
      step.op->emitOpError() << "works on types that the reference interpreter "
                                "does not have: (";
  llvm::interleaveComma(step.op->getOperandTypes(), diagnostic);
  diagnostic << ") -> (";
  llvm::interleaveComma(step.op->getResultTypes(), diagnostic);
  return diagnostic << ")";
}

static LogicalResult runConstant(Execution &execution, const Step &step) {
  return Invocation(execution, step)
      .done(static_cast<const ConstantDetail &>(*step.detail).tensor);
}

template <typename OpType>
static LogicalResult runWeight(Execution &execution, const Step &step) {
  auto op = cast<OpType>(step.op);
  FailureOr<Tensor> tensor =
      execution.readWeight(op, op.getFile(), op.getOffset(), op.getLength(),
                           cast<RankedTensorType>(op->getResult(0).getType()));
  if (failed(tensor))
    return failure();
  return Invocation(execution, step).done(std::move(*tensor));
}

static LogicalResult runAssembledWeight(Execution &execution,
                                        const Step &step) {
  FailureOr<Tensor> tensor = execution.assembleWeight(step.op);
  if (failed(tensor))
    return failure();
  return Invocation(execution, step).done(std::move(*tensor));
}

static LogicalResult divisionFails(const Step &step, const Scalar *operands) {
  InFlightDiagnostic diagnostic = step.op->emitOpError();
  if (operands[1].integer == 0)
    diagnostic << "divides by zero";
  else
    diagnostic << "divides " << operands[0].integer << " by "
               << operands[1].integer << ", which overflows";
  return diagnostic;
}

static LogicalResult runScalar(Execution &execution, const Step &step) {
  Scalar operands[maximumScalarOperands], results[maximumScalarResults];
  for (size_t i = 0, e = step.operands.size(); i < e; ++i)
    operands[i] = execution.scalars[step.operands[i].number];
  if (!step.scalar.function(step.scalar, operands, results))
    return divisionFails(step, operands);
  for (size_t i = 0, e = step.results.size(); i < e; ++i)
    execution.scalars[step.results[i].number] = results[i];
  return success();
}

/// A scalar instruction on tensors of one shape; a scalar operand (the
/// condition of a select) counts for every element.
static LogicalResult runElementwise(Execution &execution, const Step &step) {
  Invocation call(execution, step);
  llvm::ArrayRef<int64_t> shape;
  std::optional<ElementType> types[maximumScalarOperands];
  for (auto [i, place] : llvm::enumerate(step.operands)) {
    types[i] = elementTypeOf(step.op->getOperand(i).getType());
    if (place.kind == Place::Kind::Tensor)
      shape = call.tensor(i).getShape();
  }
  for (auto [i, place] : llvm::enumerate(step.operands))
    if (place.kind == Place::Kind::Tensor && call.tensor(i).getShape() != shape)
      return call.fail("operands must have one shape, got " +
                       describeShape(call.tensor(i).getShape()) + " and " +
                       describeShape(shape));
  std::vector<Tensor> results;
  for (Value result : step.op->getResults()) {
    FailureOr<Tensor> tensor = call.allocate(call.typeOf(result), shape);
    if (failed(tensor))
      return failure();
    results.push_back(std::move(*tensor));
  }
  Scalar operands[maximumScalarOperands], given[maximumScalarResults];
  for (int64_t element = 0, e = results[0].getNumElements(); element < e;
       ++element) {
    for (auto [i, place] : llvm::enumerate(step.operands))
      operands[i] =
          place.kind == Place::Kind::Tensor
              ? loadScalar(*types[i], call.tensor(i).getBytes().data(), element)
              : call.scalar(i);
    if (!step.scalar.function(step.scalar, operands, given))
      return divisionFails(step, operands);
    for (auto [i, result] : llvm::enumerate(results))
      storeScalar(result.getElementType(), result.getMutableBytes().data(),
                  element, given[i]);
  }
  for (auto [i, result] : llvm::enumerate(results))
    execution.tensors[step.results[i].number] = std::move(result);
  return success();
}

static LogicalResult runIndex(Execution &execution, const Step &step) {
  return Invocation(execution, step)
      .done(execution.iteration[cast<linalg::IndexOp>(step.op).getDim()]);
}

/// The insertions at the end of one iteration of scf.forall.
static LogicalResult runInParallel(Execution &execution, const Step &step) {
  return execution.run(*step.regions[0]);
}

/// An op of the onnx or trine dialect.
static LogicalResult runRule(Execution &execution, const Step &step) {
  llvm::SmallVector<const Tensor *> operands;
  for (const Place &place : step.operands)
    operands.push_back(place.kind == Place::Kind::Tensor
                           ? &execution.tensors[place.number]
                           : nullptr);
  auto runRegion = [&](Region &region, llvm::ArrayRef<Tensor> arguments) {
    return execution.run(region, arguments);
  };
  OperatorCall call(step.op, operands, execution.options, runRegion);
  if (failed(step.rule(call)))
    return failure();
  for (auto [place, tensor] : llvm::zip(step.results, call.takeResults()))
    if (place.kind == Place::Kind::Tensor)
      execution.tensors[place.number] = std::move(tensor);
  return success();
}

//===----------------------------------------------------------------------===//
// The compiler
//===----------------------------------------------------------------------===//

namespace mlir::trine::reference {
/// Translates a function's blocks.
class Compiler {
public:
  explicit Compiler(Execution &execution) : execution(execution) {}

  FailureOr<const BlockProgram *> compileRegion(Region &region) {
    return compile(region, Context());
  }

private:
  /// What a block is told by the op around it.
  struct Context {
    /// Values of outer blocks that nothing reads after that op, which runs the
    /// block at most once.
    llvm::SmallDenseSet<Value> dying;
    /// The block's arguments keep their tensors from one run to the next.
    bool keepsArguments = false;
    /// Single precision is not rounded: the block computes terms of a sum.
    bool keepsSingle = false;
    int depth = 0;
  };

  FailureOr<const BlockProgram *> compile(Region &region,
                                          const Context &context);
  LogicalResult compileOp(Operation &op, const Context &context,
                          llvm::ArrayRef<Value> dying, BlockProgram &program);
  LogicalResult compileRegions(Step &step, const Context &context,
                               const llvm::SmallDenseSet<Value> &dying);
  LogicalResult choose(Step &step, const Context &context);
  Place placeOf(Value value);

  Execution &execution;
  llvm::DenseMap<Value, Place> places;
};
} // namespace mlir::trine::reference

Place Compiler::placeOf(Value value) {
  auto [it, isNew] = places.try_emplace(value);
  Place &place = it->second;
  if (!isNew)
    return place;
  if (isa<TensorType>(value.getType())) {
    place.kind = Place::Kind::Tensor;
    place.number = execution.tensors.size();
    execution.tensors.emplace_back();
  } else if (scalarTypeOf(value.getType())) {
    place.kind = Place::Kind::Scalar;
    place.number = execution.scalars.size();
    execution.scalars.push_back(scalarOf(int64_t(0)));
  }
  return place;
}

FailureOr<const BlockProgram *> Compiler::compile(Region &region,
                                                  const Context &context) {
  Operation *parent = region.getParentOp();
  if (!region.hasOneBlock())
    return parent->emitOpError() << "must have regions of one block, got "
                                 << region.getBlocks().size();
  if (context.depth > 64)
    return parent->emitOpError() << "is nested more than 64 levels deep";
  Block &block = region.front();
  auto owned = std::make_unique<BlockProgram>();
  BlockProgram &program = *owned;
  program.block = &block;
  for (BlockArgument argument : block.getArguments())
    program.arguments.push_back(placeOf(argument));
  // The last reader of each tensor.
  llvm::DenseMap<Operation *, llvm::SmallVector<Value, 2>> dyingAt;
  llvm::SmallDenseSet<Value> read;
  for (Operation &op : llvm::reverse(block))
    op.walk([&](Operation *reader) {
      for (Value value : reader->getOperands()) {
        bool isOwn = value.getParentBlock() == &block &&
                     !(context.keepsArguments && isa<BlockArgument>(value));
        if ((isOwn || context.dying.contains(value)) &&
            isa<TensorType>(value.getType()) && read.insert(value).second)
          dyingAt[&op].push_back(value);
      }
    });
  for (Operation &op : block) {
    if (isa<onnx::NoneOp>(op))
      continue;
    llvm::SmallVector<Value, 2> dying = dyingAt.lookup(&op);
    for (Value result : op.getResults())
      if (!read.contains(result) && isa<TensorType>(result.getType()))
        dying.push_back(result);
    if (failed(compileOp(op, context, dying, program)))
      return failure();
  }
  execution.programs[&block] = std::move(owned);
  return &program;
}

LogicalResult Compiler::compileOp(Operation &op, const Context &context,
                                  llvm::ArrayRef<Value> dying,
                                  BlockProgram &program) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    if (std::optional<Scalar> scalar = constantScalar(constant.getValue())) {
      execution.scalars[placeOf(constant).number] = *scalar;
      return success();
    }
  Step step;
  step.op = &op;
  llvm::SmallDenseSet<Value> ends(dying.begin(), dying.end()), readInside;
  for (Region &region : op.getRegions())
    region.walk([&](Operation *inner) {
      readInside.insert(inner->operand_begin(), inner->operand_end());
    });
  for (Value operand : op.getOperands()) {
    Place place = placeOf(operand);
    place.last = ends.contains(operand) && !readInside.contains(operand) &&
                 llvm::count(op.getOperands(), operand) == 1;
    step.operands.push_back(place);
  }
  if (op.hasTrait<OpTrait::IsTerminator>() && !isa<scf::InParallelOp>(op)) {
    program.yields.assign(step.operands.begin(), step.operands.end());
    return success();
  }
  for (Value result : op.getResults())
    step.results.push_back(placeOf(result));
  for (Value value : dying)
    step.released.push_back(placeOf(value).number);
  if (failed(choose(step, context)) ||
      failed(compileRegions(step, context, ends)))
    return failure();
  program.steps.push_back(std::move(step));
  return success();
}

LogicalResult
Compiler::compileRegions(Step &step, const Context &context,
                         const llvm::SmallDenseSet<Value> &dying) {
  Context inner;
  inner.depth = context.depth + 1;
  inner.keepsSingle = context.keepsSingle;
  if (isa<linalg::LinalgOp>(step.op))
    inner.keepsSingle = execution.options.accumulation == Accumulation::F64 &&
                        isReducing(step.op);
  inner.keepsArguments = isa<scf::ForallOp>(step.op);
  if (isa<scf::IfOp>(step.op))
    inner.dying = dying;
  for (Region &region : step.op->getRegions()) {
    step.regions.push_back(nullptr);
    if (region.empty())
      continue;
    FailureOr<const BlockProgram *> program = compile(region, inner);
    if (failed(program))
      return failure();
    step.regions.back() = *program;
  }
  return success();
}

/// Whether values of a type have a place, and elements that scalar steps read.
static bool isSupported(Type type) {
  if (isa<TensorType>(type))
    return elementTypeOf(type).has_value();
  return scalarTypeOf(type).has_value();
}

/// Finds the action of an op. An op without one fails only if it is run.
LogicalResult Compiler::choose(Step &step, const Context &context) {
  Operation *op = step.op;
  llvm::StringRef name = op->getName().getStringRef();
  bool hasTensors = llvm::any_of(step.results, [](const Place &place) {
    return place.kind == Place::Kind::Tensor;
  });
  step.isObserved = hasTensors && !isa<tensor::InsertOp>(op);
  const bool isPlain = llvm::all_of(op->getOperandTypes(), isSupported) &&
                       llvm::all_of(op->getResultTypes(), isSupported);
  if (isa<onnx::ConstantOp, arith::ConstantOp>(op)) {
    auto value = dyn_cast_or_null<ElementsAttr>(op->getAttr("value"));
    std::optional<Tensor> tensor =
        value ? tensorOf(value) : std::optional<Tensor>();
    if (!tensor)
      return op->emitOpError() << "value of type " << op->getResult(0).getType()
                               << " is not supported";
    auto detail = std::make_shared<ConstantDetail>();
    detail->tensor = std::move(*tensor);
    step.detail = detail;
    step.action = runConstant;
  } else if (isa<onnx::InitializerOp>(op)) {
    step.action = runWeight<onnx::InitializerOp>;
  } else if (isa<WeightOp>(op)) {
    step.action = runWeight<WeightOp>;
  } else if (isa<AssembledWeightOp>(op)) {
    step.action = runAssembledWeight;
  } else if (!isPlain &&
             (isa<linalg::LinalgOp>(op) || actionTable().contains(name))) {
    step.action = hasUnsupportedType;
  } else if (isa<linalg::LinalgOp>(op)) {
    step.action = runStructured;
    step.detail = describeStructured(op);
    step.isChecked = true;
  } else if (isa<linalg::IndexOp>(op)) {
    step.action = runIndex;
  } else if (isa<scf::InParallelOp>(op)) {
    step.action = runInParallel;
  } else if (isScalarOperation(name)) {
    std::optional<ScalarInstruction> instruction =
        scalarInstruction(op, context.keepsSingle);
    step.action = !instruction ? hasUnsupportedType
                  : hasTensors ? runElementwise
                               : runScalar;
    step.scalar = instruction.value_or(ScalarInstruction());
    step.isChecked = hasTensors;
  } else if (Action action = actionTable().lookup(name)) {
    step.action = action;
    step.isChecked = hasTensors && !isa<tensor::InsertOp, scf::ForOp>(op);
  } else {
    step.rule = operatorTable().lookup(name);
    step.action = step.rule ? runRule : hasNoRule;
    step.isChecked = true;
    step.isObserved = true;
  }
  return success();
}

FailureOr<const BlockProgram *> Execution::compile(Region &region) {
  return Compiler(*this).compileRegion(region);
}

const ActionTable &reference::actionTable() {
  static const ActionTable table = [] {
    ActionTable actions;
    addTensorActions(actions);
    addTensorSliceActions(actions);
    addStructuredControlFlowActions(actions);
    addLinalgActions(actions);
    return actions;
  }();
  return table;
}
