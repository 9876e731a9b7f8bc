// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The walk over a function: values, constants, weights and the life of tensors.
#include "trine/Reference/Interpreter.h"
#include "Operator.h"
#include "mlir/IR/Matchers.h"
#include "trine/Dialect/ONNX/ONNX.h"
#include "trine/Dialect/Trine/Trine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::reference;

namespace {
/// One run of one function.
class Interpreter {
public:
  Interpreter(const InterpreterOptions &options) : options(options) {}

  FailureOr<std::vector<Tensor>> run(Region &region,
                                     llvm::ArrayRef<Tensor> arguments);

private:
  LogicalResult execute(Operation &op);
  FailureOr<std::shared_ptr<llvm::MemoryBuffer>> openFile(Operation *op,
                                                          llvm::StringRef file);
  FailureOr<Tensor> assembleWeight(AssembledWeightOp op);
  FailureOr<Tensor> readWeight(Operation *op, llvm::StringRef file,
                               int64_t offset, int64_t length,
                               RankedTensorType type);
  LogicalResult checkAgainstType(Operation *op, unsigned result,
                                 const Tensor &tensor);
  void release(Operation &op);

  const InterpreterOptions &options;
  llvm::DenseMap<Value, Tensor> values;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
  /// Guards the native stack against regions nested without end.
  int depth = 0;
};
} // namespace

/// Tables of 8-bit floats are held as their bytes: only the rule that reads
/// such a table knows their values.
static bool isHeldAsBytes(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  auto element =
      shaped ? dyn_cast<FloatType>(shaped.getElementType()) : nullptr;
  return element && element.getWidth() == 8;
}

static std::optional<ElementType> heldTypeOf(Type type) {
  return isHeldAsBytes(type) ? ElementType::U8 : elementTypeOf(type);
}

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

FailureOr<std::shared_ptr<llvm::MemoryBuffer>>
Interpreter::openFile(Operation *op, llvm::StringRef file) {
  std::shared_ptr<llvm::MemoryBuffer> &buffer = files[file];
  if (!buffer) {
    llvm::SmallString<128> path(options.weightFolder);
    llvm::sys::path::append(path, file);
    auto opened = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!opened)
      return op->emitOpError() << "cannot read the weights in '" << path
                               << "': " << opened.getError().message();
    buffer = std::move(*opened);
  }
  return buffer;
}

FailureOr<Tensor> Interpreter::assembleWeight(AssembledWeightOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  std::optional<ElementType> element = heldTypeOf(type);
  std::optional<Tensor> result =
      element ? Tensor::create(*element, type.getShape()) : std::nullopt;
  if (!result)
    return op->emitOpError() << "of type " << type << " is not supported";
  int64_t width = bytesPerElement(*element);
  llvm::MutableArrayRef<char> bytes = result->getMutableBytes();
  for (auto piece : op.getPieces().getAsRange<WeightPieceAttr>()) {
    FailureOr<std::shared_ptr<llvm::MemoryBuffer>> buffer =
        openFile(op, piece.getFile().getValue());
    if (failed(buffer))
      return failure();
    llvm::ArrayRef<int64_t> sizes = piece.getSizes();
    if (llvm::is_contained(sizes, 0))
      continue;
    llvm::SmallVector<int64_t> index(sizes.size(), 0);
    for (bool more = true; more;) {
      int64_t from = 0, to = 0;
      bool overflow = false;
      for (size_t i = 0; i < sizes.size(); ++i) {
        int64_t step;
        overflow |= llvm::MulOverflow(index[i], piece.getStrides()[i], step) ||
                    llvm::AddOverflow(from, step, from);
        to = to * type.getDimSize(i) + piece.getInto()[i] + index[i];
      }
      overflow |= llvm::MulOverflow(from, width, from) ||
                  llvm::AddOverflow(from, piece.getOffset(), from);
      int64_t available = (*buffer)->getBufferSize();
      if (overflow || from < 0 || from > available - width)
        return op->emitOpError()
               << "needs more bytes of '" << piece.getFile().getValue()
               << "' than its " << available << " for " << piece;
      std::memcpy(bytes.data() + to * width, (*buffer)->getBufferStart() + from,
                  width);
      more = false;
      for (size_t i = sizes.size(); i-- > 0;) {
        if (++index[i] < sizes[i]) {
          more = true;
          break;
        }
        index[i] = 0;
      }
    }
  }
  return *result;
}

FailureOr<Tensor> Interpreter::readWeight(Operation *op, llvm::StringRef file,
                                          int64_t offset, int64_t length,
                                          RankedTensorType type) {
  FailureOr<std::shared_ptr<llvm::MemoryBuffer>> opened = openFile(op, file);
  if (failed(opened))
    return failure();
  std::shared_ptr<llvm::MemoryBuffer> buffer = *opened;
  std::optional<ElementType> element = heldTypeOf(type);
  if (!element)
    return op->emitOpError()
           << "element type " << type.getElementType() << " is not supported";
  std::optional<int64_t> count = countElements(type.getShape());
  if (!count || *count * bytesPerElement(*element) != length)
    return op->emitOpError() << "length must be that of " << type << ", got "
                             << length << " bytes";
  int64_t size = buffer->getBufferSize();
  if (offset < 0 || offset > size || length > size - offset)
    return op->emitOpError()
           << "needs bytes [" << offset << ", " << offset + length << ") of '"
           << file << "', which has " << size << " bytes";
  return Tensor::borrow(*element, type.getShape(),
                        buffer->getBufferStart() + offset, buffer);
}

LogicalResult Interpreter::checkAgainstType(Operation *op, unsigned result,
                                            const Tensor &tensor) {
  auto type = dyn_cast<TensorType>(op->getResult(result).getType());
  if (!type)
    return success();
  if (elementTypeOf(type) != tensor.getElementType())
    return op->emitOpError()
           << "result " << result << " must have element type "
           << type.getElementType() << ", got "
           << nameOf(tensor.getElementType());
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return success();
  bool fits = ranked.getRank() == tensor.getRank();
  for (int64_t i = 0; fits && i < ranked.getRank(); ++i)
    fits = ranked.isDynamicDim(i) || ranked.getDimSize(i) == tensor.getDim(i);
  if (!fits)
    return op->emitOpError()
           << "result " << result << " must have the type " << type
           << ", got shape " << describeShape(tensor.getShape());
  return success();
}

LogicalResult Interpreter::execute(Operation &op) {
  std::vector<Tensor> results, copies;
  std::vector<const Tensor *> operands;
  if (isa<onnx::NoneOp>(op))
    return success();
  if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
    std::optional<Tensor> tensor = tensorOf(constant.getValue());
    if (!tensor)
      return op.emitOpError()
             << "value of type " << constant.getValue().getShapedType()
             << " is not supported";
    results.push_back(*tensor);
  } else if (auto weight = dyn_cast<onnx::InitializerOp>(op)) {
    FailureOr<Tensor> tensor = readWeight(
        &op, weight.getFile(), weight.getOffset(), weight.getLength(),
        cast<RankedTensorType>(weight.getOutput().getType()));
    if (failed(tensor))
      return failure();
    results.push_back(*tensor);
  } else if (auto weight = dyn_cast<WeightOp>(op)) {
    FailureOr<Tensor> tensor = readWeight(
        &op, weight.getFile(), weight.getOffset(), weight.getLength(),
        cast<RankedTensorType>(weight.getResult().getType()));
    if (failed(tensor))
      return failure();
    results.push_back(*tensor);
  } else if (auto weight = dyn_cast<AssembledWeightOp>(op)) {
    FailureOr<Tensor> tensor = assembleWeight(weight);
    if (failed(tensor))
      return failure();
    results.push_back(*tensor);
  } else {
    auto rule = operatorTable().find(op.getName().getStringRef());
    if (rule == operatorTable().end())
      return op.emitOpError() << "has no rule in the reference interpreter";
    for (auto [i, operand] : llvm::enumerate(op.getOperands())) {
      auto it = values.find(operand);
      operands.push_back(it == values.end() ? nullptr : &it->second);
      if (it == values.end() && !isa<NoneType>(operand.getType()))
        return op.emitOpError() << "operand " << i << " has no value";
      if (isHeldAsBytes(operand.getType()) && !isa<EngramLookupOp>(op))
        return op.emitOpError()
               << "operand " << i << " has type " << operand.getType()
               << ", whose elements only 'trine.engram.lookup' reads";
    }
    // A subgraph adds values, which may move the others in the map: rules with
    // regions get copies (sharing storage).
    if (op.getNumRegions() > 0) {
      copies.reserve(operands.size());
      for (const Tensor *&operand : operands)
        if (operand) {
          copies.push_back(*operand);
          operand = &copies.back();
        }
    }
    auto runRegion = [&](Region &region, llvm::ArrayRef<Tensor> arguments) {
      return run(region, arguments);
    };
    OperatorCall call(&op, operands, options, runRegion);
    if (failed(rule->second(call)))
      return failure();
    results = call.takeResults();
    for (unsigned i = 0; i < results.size(); ++i)
      if (failed(checkAgainstType(&op, i, results[i])))
        return failure();
  }
  if (options.observer)
    options.observer(&op, operands, results);
  for (auto [value, tensor] : llvm::zip(op.getResults(), results))
    if (!isa<NoneType>(value.getType()))
      values[value] = std::move(tensor);
  return success();
}

/// Drops the operands that no later op of this block reads, so that memory
/// stays near what a step needs.
void Interpreter::release(Operation &op) {
  llvm::SmallVector<Value> candidates(op.getOperands());
  op.walk([&](Operation *inner) {
    llvm::append_range(candidates, inner->getOperands());
  });
  llvm::append_range(candidates, op.getResults());
  for (Value value : candidates) {
    if (value.getParentBlock() != op.getBlock())
      continue;
    bool usedLater = llvm::any_of(value.getUsers(), [&](Operation *user) {
      Operation *ancestor = op.getBlock()->findAncestorOpInBlock(*user);
      return ancestor && op.isBeforeInBlock(ancestor);
    });
    if (!usedLater)
      values.erase(value);
  }
}

FailureOr<std::vector<Tensor>>
Interpreter::run(Region &region, llvm::ArrayRef<Tensor> arguments) {
  Operation *parent = region.getParentOp();
  if (!region.hasOneBlock())
    return parent->emitOpError() << "must have regions of one block, got "
                                 << region.getBlocks().size();
  if (++depth > 64)
    return parent->emitOpError() << "is nested more than 64 levels deep";
  Block &block = region.front();
  if (block.getNumArguments() != arguments.size())
    return parent->emitOpError() << "expects " << block.getNumArguments()
                                 << " inputs, got " << arguments.size();
  for (auto [argument, tensor] : llvm::zip(block.getArguments(), arguments))
    values[argument] = tensor;
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>()) {
      std::vector<Tensor> results;
      for (Value operand : op.getOperands()) {
        auto it = values.find(operand);
        if (it == values.end())
          return op.emitOpError() << "returns a value that is absent";
        results.push_back(it->second);
      }
      release(op);
      --depth;
      return results;
    }
    if (failed(execute(op)))
      return failure();
    release(op);
  }
  return parent->emitOpError() << "has a block without a terminator";
}

FailureOr<std::vector<Tensor>>
reference::interpret(func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                     const InterpreterOptions &options) {
  if (function.isExternal())
    return function.emitOpError() << "has no body to interpret";
  if (function.getNumArguments() != inputs.size())
    return function.emitOpError() << "expects " << function.getNumArguments()
                                  << " inputs, got " << inputs.size();
  for (auto [i, pair] :
       llvm::enumerate(llvm::zip(function.getArgumentTypes(), inputs))) {
    auto [type, tensor] = pair;
    if (heldTypeOf(type) != tensor.getElementType())
      return function.emitOpError()
             << "input " << i << " must have the type " << type << ", got "
             << nameOf(tensor.getElementType());
    auto ranked = dyn_cast<RankedTensorType>(type);
    bool fits = !ranked || ranked.getRank() == tensor.getRank();
    for (int64_t d = 0; ranked && fits && d < ranked.getRank(); ++d)
      fits = ranked.isDynamicDim(d) || ranked.getDimSize(d) == tensor.getDim(d);
    if (!fits)
      return function.emitOpError()
             << "input " << i << " must have the type " << type
             << ", got shape " << describeShape(tensor.getShape());
  }
  return Interpreter(options).run(function.getBody(), inputs);
}

bool reference::canInterpret(llvm::StringRef operationName) {
  return operatorTable().contains(operationName) ||
         operationName == "onnx.None" || operationName == "onnx.Constant" ||
         operationName == "onnx.Initializer" || operationName == "trine.weight";
}

std::vector<std::string> reference::interpretableOperations() {
  std::vector<std::string> names = {"onnx.None", "onnx.Constant",
                                    "onnx.Initializer", "trine.weight"};
  for (const auto &entry : operatorTable())
    names.push_back(entry.getKey().str());
  llvm::sort(names);
  return names;
}
