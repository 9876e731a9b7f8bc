// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a function's steps: the observer, and the tensors that go in and out.
#include "trine/Reference/Interpreter.h"
#include "Execution.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

/// Whether a tensor has the rank and the known sizes of a type.
static bool fitsShape(Type type, const Tensor &tensor) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return true;
  bool fits = ranked.getRank() == tensor.getRank();
  for (int64_t i = 0; fits && i < ranked.getRank(); ++i)
    fits = ranked.isDynamicDim(i) || ranked.getDimSize(i) == tensor.getDim(i);
  return fits;
}

LogicalResult Execution::checkResults(const Step &step) {
  for (auto [i, place] : llvm::enumerate(step.results)) {
    if (place.kind != Place::Kind::Tensor)
      continue;
    Type type = step.op->getResult(i).getType();
    const Tensor &tensor = tensors[place.number];
    if (elementTypeOf(type) != tensor.getElementType())
      return step.op->emitOpError()
             << "result " << i << " must have element type "
             << getElementTypeOrSelf(type) << ", got "
             << nameOf(tensor.getElementType());
    if (!fitsShape(type, tensor))
      return step.op->emitOpError()
             << "result " << i << " must have the type " << type
             << ", got shape " << describeShape(tensor.getShape());
  }
  return success();
}

LogicalResult Execution::runObserved(const Step &step) {
  if (failed(step.action(*this, step)) ||
      (step.isChecked && failed(checkResults(step))))
    return failure();
  // Rules leave their operands alone; other actions may have taken them.
  llvm::SmallVector<const Tensor *> operands;
  for (const Place &place : step.operands)
    operands.push_back(place.kind == Place::Kind::Tensor &&
                               (step.rule || !place.last)
                           ? &tensors[place.number]
                           : nullptr);
  std::vector<Tensor> results(step.results.size());
  for (auto [place, tensor] : llvm::zip(step.results, results))
    if (place.kind == Place::Kind::Tensor)
      tensor = std::move(tensors[place.number]);
  options.observer(step.op, operands, results);
  for (auto [place, tensor] : llvm::zip(step.results, results))
    if (place.kind == Place::Kind::Tensor)
      tensors[place.number] = std::move(tensor);
  return success();
}

LogicalResult Execution::run(const BlockProgram &program) {
  for (const Step &step : program.steps) {
    if (step.isObserved && options.observer) {
      if (failed(runObserved(step)))
        return failure();
    } else if (failed(step.action(*this, step)) ||
               (step.isChecked && failed(checkResults(step)))) {
      return failure();
    }
    for (uint32_t number : step.released)
      tensors[number] = Tensor();
  }
  return success();
}

FailureOr<std::vector<Tensor>>
Execution::run(Region &region, llvm::ArrayRef<Tensor> arguments) {
  Operation *parent = region.getParentOp();
  const BlockProgram &program = *programs.at(&region.front());
  if (program.arguments.size() != arguments.size())
    return parent->emitOpError() << "expects " << program.arguments.size()
                                 << " inputs, got " << arguments.size();
  for (auto [place, tensor] : llvm::zip(program.arguments, arguments))
    if (place.kind == Place::Kind::Tensor)
      tensors[place.number] = tensor;
    else if (place.kind == Place::Kind::Scalar)
      scalars[place.number] =
          loadScalar(tensor.getElementType(), tensor.getBytes().data(), 0);
  if (failed(run(program)))
    return failure();
  std::vector<Tensor> results;
  Operation *terminator = region.front().getTerminator();
  for (auto [i, place] : llvm::enumerate(program.yields)) {
    if (place.kind == Place::Kind::None)
      return terminator->emitOpError() << "returns a value that is absent";
    if (place.kind == Place::Kind::Tensor) {
      Tensor &tensor = tensors[place.number];
      results.push_back(place.last ? std::move(tensor) : tensor);
      continue;
    }
    ElementType type = *scalarTypeOf(terminator->getOperand(i).getType());
    Tensor tensor = Tensor::fromIntegers(type, {}, {0});
    storeScalar(type, tensor.getMutableBytes().data(), 0,
                scalars[place.number]);
    results.push_back(std::move(tensor));
  }
  return results;
}

void reference::assign(Execution &execution, llvm::ArrayRef<Place> from,
                       llvm::ArrayRef<Place> to) {
  llvm::SmallVector<Scalar, 8> scalars;
  llvm::SmallVector<Tensor, 4> tensors;
  for (const Place &place : from)
    if (place.kind == Place::Kind::Tensor) {
      Tensor &tensor = execution.tensors[place.number];
      tensors.push_back(place.last ? std::move(tensor) : tensor);
    } else {
      scalars.push_back(execution.scalars[place.number]);
    }
  size_t scalar = 0, tensor = 0;
  for (const Place &place : to)
    if (place.kind == Place::Kind::Tensor)
      execution.tensors[place.number] = std::move(tensors[tensor++]);
    else
      execution.scalars[place.number] = scalars[scalar++];
}

LogicalResult Invocation::fail(const llvm::Twine &message) const {
  return failAt(step.op, message);
}

FailureOr<Tensor> Invocation::allocate(ElementType type,
                                       llvm::ArrayRef<int64_t> shape) const {
  return allocateAt(step.op, type, shape);
}

llvm::SmallVector<int64_t> Invocation::mixed(llvm::ArrayRef<int64_t> statics,
                                             unsigned operand) const {
  llvm::SmallVector<int64_t> values(statics);
  for (int64_t &value : values)
    if (ShapedType::isDynamic(value))
      value = integer(operand++);
  return values;
}

/// The same bytes under the type of the same width that `type` has: programs
/// below the onnx level are signless, what the caller sees is not.
static Tensor withType(const Tensor &tensor, ElementType type) {
  return Tensor::borrow(type, tensor.getShape(), tensor.getBytes().data(),
                        std::make_shared<Tensor>(tensor));
}

/// The element type that the caller gives or gets, where the program's is
/// signless.
static std::optional<ElementType> callerType(Attribute attribute) {
  auto type = dyn_cast_or_null<TypeAttr>(attribute);
  return type ? elementTypeOf(type.getValue()) : std::nullopt;
}

FailureOr<std::vector<Tensor>>
reference::interpret(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                     const InterpreterOptions &options) {
  if (function.isExternal())
    return function.emitOpError() << "has no body to interpret";
  if (function.getNumArguments() != inputs.size())
    return function.emitOpError() << "expects " << function.getNumArguments()
                                  << " inputs, got " << inputs.size();
  std::vector<Tensor> arguments(inputs.begin(), inputs.end());
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Type type = function.getArgumentTypes()[i];
    std::optional<ElementType> held = elementTypeOf(type);
    if (held && callerType(function.getArgAttr(i, "onnx.element_type")) ==
                    argument.getElementType())
      argument = withType(argument, *held);
    bool fits = isa<TensorType>(type) ? fitsShape(type, argument)
                                      : argument.getNumElements() == 1;
    if (held != argument.getElementType() || !fits)
      return function.emitOpError()
             << "input " << i << " must have the type " << type << ", got "
             << nameOf(argument.getElementType()) << " of shape "
             << describeShape(argument.getShape());
  }
  Execution execution(options);
  if (failed(execution.compile(function.getBody())))
    return failure();
  FailureOr<std::vector<Tensor>> results =
      execution.run(function.getBody(), arguments);
  if (succeeded(results))
    for (auto [i, result] : llvm::enumerate(*results))
      if (std::optional<ElementType> type =
              callerType(function.getResultAttr(i, "onnx.element_type")))
        if (bytesPerElement(*type) == bytesPerElement(result.getElementType()))
          result = withType(result, *type);
  return results;
}

/// Ops that no table names.
static const char *const otherOperations[] = {
    "onnx.None",    "onnx.Constant",          "onnx.Initializer",
    "trine.weight", "trine.assembled_weight", "arith.constant",
    "linalg.index", "scf.forall.in_parallel"};

bool reference::canInterpret(llvm::StringRef operationName) {
  return operatorTable().contains(operationName) ||
         actionTable().contains(operationName) ||
         isScalarOperation(operationName) ||
         llvm::is_contained(otherOperations, operationName);
}

std::vector<std::string> reference::interpretableOperations() {
  std::vector<std::string> names(std::begin(otherOperations),
                                 std::end(otherOperations));
  for (const auto &entry : operatorTable())
    names.push_back(entry.getKey().str());
  for (const auto &entry : actionTable())
    names.push_back(entry.getKey().str());
  for (llvm::StringRef name : scalarOperations())
    names.push_back(name.str());
  llvm::sort(names);
  return names;
}
