// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Plan/Plan.h"

#include "mlir/Interfaces/FunctionImplementation.h"

#define GET_OP_CLASSES
#include "trine/Dialect/Plan/PlanOps.cpp.inc"

using namespace mlir;
using namespace mlir::trine::plan;

LogicalResult SymbolOp::verify() {
  // symbol_c1: the range is not empty.
  int64_t minimum = getMinimum(), maximum = getMaximum(),
          divisor = getDivisor();
  if (minimum < 0 || minimum > maximum)
    return emitOpError() << "range must be within 0 and its maximum, got ["
                         << minimum << ", " << maximum << "]";
  // symbol_c2: the divisor is positive.
  if (divisor < 1)
    return emitOpError() << "divisor must be positive, got " << divisor;
  return success();
}

LogicalResult WeightOp::verify() {
  auto source = cast<RankedTensorType>(getSourceType());
  auto stored = cast<RankedTensorType>(getStoredType());
  // weight_c1: the bytes come from a file or from a value, never both.
  if (getFile().has_value() == getValue().has_value())
    return emitOpError() << "must have either a file range or a value";
  // weight_c2: the permutation is one of the source's dimensions.
  SmallVector<bool> seen(source.getRank(), false);
  for (int64_t dim : getPermutation()) {
    if (dim < 0 || dim >= source.getRank() || seen[dim])
      return emitOpError() << "permutation must be one of " << source.getRank()
                           << " dimensions";
    seen[dim] = true;
  }
  if (static_cast<int64_t>(getPermutation().size()) != source.getRank())
    return emitOpError() << "permutation must be one of " << source.getRank()
                         << " dimensions";
  // weight_c3: the stored element type is the source's.
  if (source.getElementType() != stored.getElementType())
    return emitOpError() << "stored element type must be "
                         << source.getElementType() << ", got "
                         << stored.getElementType();
  // weight_c4: the stored shape is that of linalg.pack.
  SmallVector<int64_t> shape;
  for (int64_t dim : getPermutation())
    shape.push_back(source.getDimSize(dim));
  if (getInnerDimsPos().size() != getInnerTiles().size())
    return emitOpError() << "needs one inner tile per inner dimension, got "
                         << getInnerTiles().size() << " and "
                         << getInnerDimsPos().size();
  for (auto [dim, tile] : llvm::zip(getInnerDimsPos(), getInnerTiles())) {
    if (dim < 0 || dim >= source.getRank() || tile < 1)
      return emitOpError() << "inner dimension " << dim << " with tile " << tile
                           << " is out of range";
    shape[dim] = llvm::divideCeil(shape[dim], tile);
  }
  if (!getOuterDimsPerm().empty()) {
    if (static_cast<int64_t>(getOuterDimsPerm().size()) != source.getRank())
      return emitOpError() << "outer permutation must have " << source.getRank()
                           << " dimensions";
    SmallVector<int64_t> outer;
    for (int64_t dim : getOuterDimsPerm()) {
      if (dim < 0 || dim >= source.getRank())
        return emitOpError() << "outer permutation must be one of "
                             << source.getRank() << " dimensions";
      outer.push_back(shape[dim]);
    }
    shape = outer;
  }
  llvm::append_range(shape, getInnerTiles());
  if (ArrayRef<int64_t>(shape) != stored.getShape())
    return emitOpError() << "stored type must be "
                         << RankedTensorType::get(shape,
                                                  stored.getElementType())
                         << ", got " << stored;
  return success();
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments,
                      ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult KernelOp::verify() {
  FunctionType type = getFunctionType();
  // kernel_c1: there is one destination argument per result, of the same type.
  if (type.getNumInputs() < type.getNumResults() ||
      type.getInputs().take_back(type.getNumResults()) != type.getResults())
    return emitOpError() << "last arguments must be the destinations of its "
                         << type.getNumResults()
                         << " results, with the same types";
  // kernel_c2: arguments are ranked tensors and sizes.
  for (Type input : type.getInputs())
    if (!isa<RankedTensorType, IndexType>(input))
      return emitOpError() << "arguments must be ranked tensors or index, got "
                           << input;
  // kernel_c3: the body returns the results.
  if (auto returned = dyn_cast<ReturnOp>(getBody().front().back()))
    if (returned.getValues().getTypes() != TypeRange(type.getResults()))
      return emitOpError() << "body must return its result types";
  return success();
}

static Type asTensor(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    return RankedTensorType::get(memref.getShape(), memref.getElementType());
  return type;
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c1: kernel and device exist.
  auto kernel =
      symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError() << "kernel '" << getKernel() << "' is not defined";
  if (!symbols.lookupNearestSymbolFrom<DeviceOp>(*this, getDeviceAttr()))
    return emitOpError() << "device '" << getDevice() << "' is not defined";
  // launch_c2: operands have the kernel's types, as tensors or as memrefs of
  // the same shape.
  SmallVector<Type> given;
  for (Value operand : getOperands())
    given.push_back(asTensor(operand.getType()));
  if (ArrayRef<Type>(given) != kernel.getFunctionType().getInputs()) {
    InFlightDiagnostic error = emitOpError()
                               << "operands must have the kernel's types";
    error.attachNote(kernel.getLoc())
        << "kernel is " << kernel.getFunctionType();
    return error;
  }
  return success();
}

LogicalResult LoadWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // load_weight_c1: the weight exists.
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "weight '" << getWeight() << "' is not defined";
  // load_weight_c2: the result is its stored form.
  if (asTensor(getResult().getType()) != weight.getStoredType()) {
    InFlightDiagnostic error = emitOpError()
                               << "result must have the stored type "
                               << weight.getStoredType();
    error.attachNote(weight.getLoc()) << "weight declared here";
    return error;
  }
  return success();
}

LogicalResult BufferOp::verify() {
  // buffer_c1: one size per dynamic dimension.
  auto type = cast<MemRefType>(getResult().getType());
  if (static_cast<int64_t>(getSizes().size()) !=
      static_cast<int64_t>(type.getNumDynamicDims()))
    return emitOpError() << "needs " << type.getNumDynamicDims()
                         << " sizes for " << type << ", got "
                         << getSizes().size();
  // buffer_c2: bounds are given for all dynamic sizes or for none.
  if (!getSizeBounds().empty() && getSizeBounds().size() != getSizes().size())
    return emitOpError() << "needs " << getSizes().size()
                         << " bounds or none, got " << getSizeBounds().size();
  return success();
}
