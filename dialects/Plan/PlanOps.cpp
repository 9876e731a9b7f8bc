// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Dialect/Plan/Plan.h"

#include "mlir/Interfaces/FunctionImplementation.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Dialect/Trine/Trine.h"

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
  // symbol_c3: it is a dimension of an input.
  if (static_cast<int64_t>(getInput()) < 0 ||
      static_cast<int64_t>(getDimension()) < 0)
    return emitOpError() << "must be a dimension of an input, got input "
                         << static_cast<int64_t>(getInput()) << " dimension "
                         << static_cast<int64_t>(getDimension());
  return success();
}

LogicalResult WeightOp::verify() {
  auto source = cast<RankedTensorType>(getSourceType());
  auto stored = cast<RankedTensorType>(getStoredType());
  // weight_c1: the bytes come from a file, from a value or from pieces.
  if (getFile().has_value() + getValue().has_value() +
          getPieces().has_value() !=
      1)
    return emitOpError() << "must have either a file range, a value or pieces";
  // weight_c5: a range has as many bytes as the source; a value has its type.
  if (getFile()) {
    int64_t offset = getOffset(), length = getLength();
    Type element = source.getElementType();
    int64_t bytes = -1;
    if (element.isIntOrFloat() &&
        (element.getIntOrFloatBitWidth() % 8 == 0 || element.isInteger(1)))
      bytes = source.getNumElements() *
              std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
    if (offset < 0 || length < 0 || (bytes >= 0 && bytes != length))
      return emitOpError() << "range must have the bytes of " << source
                           << ", got offset " << offset << " and length "
                           << length;
  } else if (getPieces()) {
    if (!llvm::all_of(*getPieces(), llvm::IsaPred<trine::WeightPieceAttr>))
      return emitOpError() << "pieces must be #trine.piece attributes";
    if (failed(trine::verifyPieces(*this, *getPieces(), source)))
      return failure();
  } else if (getValue()->getShapedType() != source) {
    return emitOpError() << "value must have the source type " << source
                         << ", got " << getValue()->getType();
  }
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
  // weight_c3: the stored element type is the source's, or f32 is narrowed.
  Type from = source.getElementType(), to = stored.getElementType();
  if (from != to && !(from.isF32() && (to.isBF16() || to.isF16())))
    return emitOpError() << "stored element type must be " << from << ", got "
                         << to;
  // weight_c4: the stored shape is that of linalg.pack.
  SmallVector<int64_t> shape;
  for (int64_t dim : getPermutation())
    shape.push_back(source.getDimSize(dim));
  if (getInnerDimsPos().size() != getInnerTiles().size())
    return emitOpError() << "needs one inner tile per inner dimension, got "
                         << getInnerTiles().size() << " and "
                         << getInnerDimsPos().size();
  SmallVector<bool> tiled(source.getRank(), false);
  for (auto [dim, tile] : llvm::zip(getInnerDimsPos(), getInnerTiles())) {
    if (dim < 0 || dim >= source.getRank() || tile < 1 || tiled[dim])
      return emitOpError() << "inner dimension " << dim << " with tile " << tile
                           << " is out of range";
    tiled[dim] = true;
    shape[dim] = llvm::divideCeil(shape[dim], tile);
  }
  if (!getOuterDimsPerm().empty()) {
    if (static_cast<int64_t>(getOuterDimsPerm().size()) != source.getRank())
      return emitOpError() << "outer permutation must have " << source.getRank()
                           << " dimensions";
    SmallVector<int64_t> outer;
    seen.assign(source.getRank(), false);
    for (int64_t dim : getOuterDimsPerm()) {
      if (dim < 0 || dim >= source.getRank() || seen[dim])
        return emitOpError() << "outer permutation must be one of "
                             << source.getRank() << " dimensions";
      seen[dim] = true;
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

LogicalResult ConstantProgramOp::verifyRegions() {
  auto computed = dyn_cast<ComputedOp>(getBody().front().back());
  if (!computed)
    return emitOpError() << "body must end with 'plan.computed'";
  for (Operation &op : getBody().front()) {
    // constant_program_c1: the body is pure.
    if (!isMemoryEffectFree(&op)) {
      InFlightDiagnostic error = emitOpError() << "body must be pure";
      error.attachNote(op.getLoc()) << "'" << op.getName() << "' has effects";
      return error;
    }
    // constant_program_c2: no weight is a computed one.
    bool isComputed = false;
    if (auto weight = dyn_cast<trine::WeightOp>(op))
      isComputed = weight.getFile() == kFile;
    else if (auto weight = dyn_cast<trine::AssembledWeightOp>(op))
      for (auto piece : weight.getPieces().getAsRange<trine::WeightPieceAttr>())
        isComputed |= piece.getFile() == kFile;
    if (isComputed)
      return op.emitError() << "a constant program must not read the weights "
                               "that are computed";
  }
  return success();
}

LogicalResult ComputedOp::verify() {
  // computed_c1: one offset for each value.
  if (getOffsets().size() != getValues().size())
    return emitOpError() << "must have one offset for each value, got "
                         << getOffsets().size() << " for "
                         << getValues().size();
  int64_t end = 0;
  for (auto [value, offset] : llvm::zip(getValues(), getOffsets())) {
    auto type = cast<RankedTensorType>(value.getType());
    Type element = type.getElementType();
    // computed_c3: elements are whole bytes.
    if (!element.isInteger(1) &&
        (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0))
      return emitOpError() << "values must have elements of whole bytes, got "
                           << type;
    // computed_c2: aligned, and in order.
    int64_t next = 0;
    if (offset < end ||
        offset % static_cast<int64_t>(trine::kWeightAlignment) != 0 ||
        llvm::AddOverflow(offset, trine::getStoredBytes(type), next))
      return emitOpError() << "offset must be a multiple of "
                           << trine::kWeightAlignment << " from " << end
                           << " on, got " << offset;
    end = next;
  }
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
  auto returned = dyn_cast<ReturnOp>(getBody().front().back());
  if (!returned)
    return emitOpError() << "body must end with 'plan.return'";
  if (returned.getValues().getTypes() != TypeRange(type.getResults()))
    return emitOpError() << "body must return its result types";
  return success();
}

/// The device that an op names exists.
static LogicalResult verifyDevice(Operation *op, FlatSymbolRefAttr device,
                                  SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom<DeviceOp>(op, device))
    return op->emitOpError()
           << "device '" << device.getValue() << "' is not defined";
  return success();
}

/// Memory of the sequence is row-major and contiguous.
static LogicalResult verifyRowMajor(Operation *op, Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (memref && !memref.getLayout().isIdentity())
    return op->emitOpError()
           << "memory must be row-major and contiguous, got " << memref;
  return success();
}

/// There is one size per dynamic dimension of `type`.
static LogicalResult verifySizes(Operation *op, MemRefType type, size_t count) {
  if (count != static_cast<size_t>(type.getNumDynamicDims()))
    return op->emitOpError() << "needs " << type.getNumDynamicDims()
                             << " sizes for " << type << ", got " << count;
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
  if (failed(verifyDevice(*this, getDeviceAttr(), symbols)))
    return failure();
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
  // launch_c3: the last operands, one per result of the kernel, are the
  // destinations.
  if (getDestinations().size() != kernel.getNumDestinations())
    return emitOpError() << "needs " << kernel.getNumDestinations()
                         << " destinations, got " << getDestinations().size();
  return success();
}

LogicalResult LaunchOp::verify() {
  // launch_c4: operands are all tensors, with one result per destination, or
  // all memrefs, with none.
  auto isTensor = llvm::IsaPred<RankedTensorType>;
  auto isMemref = llvm::IsaPred<MemRefType>;
  if (llvm::any_of(getOperandTypes(), isTensor) &&
      llvm::any_of(getOperandTypes(), isMemref))
    return emitOpError() << "must work on tensors or on memrefs, not on both";
  // launch_c5: memrefs are row-major and contiguous.
  for (Type type : getOperandTypes())
    if (failed(verifyRowMajor(*this, type)))
      return failure();
  // launch_c6: a destination in memory is no other operand.
  for (Value destination : getDestinations())
    if (isMemref(destination.getType()) &&
        llvm::count(getOperands(), destination) != 1)
      return emitOpError() << "destinations must not be other operands: a "
                              "kernel's arguments never overlap what it writes";
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
  // load_weight_c3: memory is row-major and contiguous.
  return verifyRowMajor(*this, getResult().getType());
}

LogicalResult BufferOp::verify() {
  // buffer_c1: one size per dynamic dimension.
  auto type = cast<MemRefType>(getResult().getType());
  if (failed(verifySizes(*this, type, getSizes().size())))
    return failure();
  // buffer_c2: bounds are given for all dynamic sizes or for none.
  if (!getSizeBounds().empty() && getSizeBounds().size() != getSizes().size())
    return emitOpError() << "needs " << getSizes().size()
                         << " bounds or none, got " << getSizeBounds().size();
  // buffer_c3: memory is row-major and contiguous.
  return verifyRowMajor(*this, type);
}

LogicalResult BufferOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // buffer_c4: the device exists.
  return verifyDevice(*this, getDeviceAttr(), symbols);
}

LogicalResult ArenaOp::verify() {
  // arena_c1: an arena is bytes.
  auto type = cast<MemRefType>(getResult().getType());
  if (type.getRank() != 1 || !type.isDynamicDim(0) ||
      !type.getElementType().isInteger(8) || !type.getLayout().isIdentity())
    return emitOpError() << "must be 'memref<?xi8>', got " << type;
  return success();
}

LogicalResult ArenaOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // arena_c2: the device exists.
  return verifyDevice(*this, getDeviceAttr(), symbols);
}

LogicalResult OutputOp::verify() {
  // output_c1: the index is one of a result.
  if (static_cast<int64_t>(getIndex()) < 0)
    return emitOpError() << "index must not be negative, got "
                         << static_cast<int64_t>(getIndex());
  // output_c2: one size per dynamic dimension.
  auto type = cast<MemRefType>(getResult().getType());
  if (failed(verifySizes(*this, type, getSizes().size())))
    return failure();
  // output_c3: memory is row-major and contiguous.
  return verifyRowMajor(*this, type);
}

LogicalResult ReadOp::verify() {
  // read_c1: one index per dimension.
  auto type = cast<ShapedType>(getBuffer().getType());
  if (static_cast<int64_t>(getIndices().size()) != type.getRank())
    return emitOpError() << "needs " << type.getRank() << " indices for "
                         << type << ", got " << getIndices().size();
  // read_c2: the result is an element.
  if (type.getElementType() != getResult().getType())
    return emitOpError() << "result must be an element of " << type << ", got "
                         << getResult().getType();
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // read_c3: the device exists.
  return verifyDevice(*this, getDeviceAttr(), symbols);
}

LogicalResult RequireOp::verify() {
  // require_c1: the condition is one flag.
  auto type = cast<ShapedType>(getCondition().getType());
  if (type.getRank() != 0 || !type.getElementType().isInteger(1))
    return emitOpError() << "condition must be one i1, got " << type;
  return success();
}

LogicalResult RequireOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // require_c2: the device exists.
  return verifyDevice(*this, getDeviceAttr(), symbols);
}

LogicalResult SelectOp::verify() {
  // select_c1: both regions yield the results.
  for (Region *region : getRegions()) {
    auto yield = dyn_cast<YieldOp>(region->front().getTerminator());
    if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
      return emitOpError() << "both regions must yield its result types";
  }
  return success();
}

/// A weight of a table: stored as it is, of rank 2.
static LogicalResult verifyTableWeight(TableOp table, FlatSymbolRefAttr name,
                                       SymbolTableCollection &symbols,
                                       RankedTensorType &type) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(table, name);
  // table_c1: the weight exists and is stored as it is.
  if (!weight)
    return table.emitOpError()
           << "weight '" << name.getValue() << "' is not defined";
  type = cast<RankedTensorType>(weight.getSourceType());
  if (weight.getStoredType() != type || type.getRank() != 2) {
    InFlightDiagnostic error = table.emitOpError()
                               << "weight '" << name.getValue()
                               << "' must have rank 2 and be stored as it is";
    error.attachNote(weight.getLoc()) << "weight declared here";
    return error;
  }
  return success();
}

LogicalResult TableOp::verifySymbolUses(SymbolTableCollection &symbols) {
  RankedTensorType values, scales;
  if (failed(verifyTableWeight(*this, getValuesAttr(), symbols, values)))
    return failure();
  // table_c2: a store holds the type.
  Type element = values.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !isa<Float8E4M3FNType>(element))
    return emitOpError() << "values must be f32, f16, bf16 or f8E4M3FN, got "
                         << element;
  // table_c3: 8-bit floats have scales for blocks of 32.
  if (getScales().has_value() != isa<Float8E4M3FNType>(element))
    return emitOpError() << "scales must be given exactly for f8E4M3FN, got "
                         << element << (getScales() ? " with" : " without")
                         << " scales";
  if (!getScales())
    return success();
  if (failed(verifyTableWeight(*this, getScalesAttr(), symbols, scales)))
    return failure();
  if (!isa<Float8E8M0FNUType>(scales.getElementType()) ||
      scales.getDimSize(0) != values.getDimSize(0) ||
      scales.getDimSize(1) * 32 != values.getDimSize(1))
    return emitOpError() << "scales must be " << values.getDimSize(0) << " x "
                         << values.getDimSize(1) / 32
                         << " of f8E8M0FNU, one for 32 values of " << values
                         << ", got " << scales;
  return success();
}

LogicalResult PrefetchIssueOp::verify() {
  // prefetch_issue_c2: rows are i64.
  Type element = cast<ShapedType>(getRows().getType()).getElementType();
  if (!element.isInteger(64))
    return emitOpError() << "rows must be i64, got " << element;
  return verifyRowMajor(*this, getRows().getType());
}

LogicalResult
PrefetchIssueOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // prefetch_issue_c1: table and device exist.
  if (!symbols.lookupNearestSymbolFrom<TableOp>(*this, getTableAttr()))
    return emitOpError() << "table '" << getTable() << "' is not defined";
  return verifyDevice(*this, getDeviceAttr(), symbols);
}

LogicalResult PrefetchAwaitOp::verify() {
  // prefetch_await_c2: on tensors there is a result of the destination's type.
  Type type = getDestination().getType();
  bool isTensor = isa<RankedTensorType>(type);
  if (isTensor != (getOutput() != nullptr) ||
      (isTensor && getOutput().getType() != type))
    return emitOpError() << (isTensor ? "must have a result of type "
                                      : "must have no result for memory ")
                         << type;
  return verifyRowMajor(*this, type);
}

LogicalResult
PrefetchAwaitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // prefetch_await_c3: the device exists.
  if (failed(verifyDevice(*this, getDeviceAttr(), symbols)))
    return failure();
  // prefetch_await_c1: the destination holds the rows.
  auto type = cast<ShapedType>(getDestination().getType());
  Type element = type.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return emitOpError() << "destination must be f32, f16 or bf16, got "
                         << element;
  auto issue = getTicket().getDefiningOp<PrefetchIssueOp>();
  auto table = issue ? symbols.lookupNearestSymbolFrom<TableOp>(
                           issue, issue.getTableAttr())
                     : TableOp();
  auto values = table ? symbols.lookupNearestSymbolFrom<WeightOp>(
                            table, table.getValuesAttr())
                      : WeightOp();
  if (!values)
    return success();
  auto rows = cast<ShapedType>(issue.getRows().getType());
  SmallVector<int64_t> expected(rows.getShape());
  expected.push_back(
      cast<RankedTensorType>(values.getSourceType()).getShape().back());
  if (failed(verifyCompatibleShape(expected, type.getShape())))
    return emitOpError() << "destination must have the sizes of " << rows
                         << " and " << expected.back() << " values, got "
                         << type;
  return success();
}

LogicalResult EngramHashOp::verify() {
  // engram_hash_c1: types and ranks.
  for (auto [name, value, rank] :
       {std::tuple<StringRef, Value, int64_t>{"token_ids", getTokenIds(), 2},
        {"history", getHistory(), 2},
        {"token_map", getTokenMap(), 1},
        {"rows", getRows(), 3},
        {"present", getPresent(), 2}}) {
    if (!value)
      continue;
    auto type = cast<ShapedType>(value.getType());
    bool isKnown = type.getElementType().isInteger(64) ||
                   (rank == 1 && type.getElementType().isInteger(32));
    if (!isKnown || type.getRank() != rank)
      return emitOpError() << name << " must be i64 of rank " << rank
                           << ", got " << type;
    if (failed(verifyRowMajor(*this, type)))
      return failure();
  }
  // engram_hash_c2: orders and heads.
  int64_t order = getMaxOrder(), heads = getHeads();
  if (order < 2 || order > 64 || heads < 1)
    return emitOpError() << "order must be in [2, 64] and heads positive, got "
                         << order << " and " << heads;
  // engram_hash_c3: as many constants as these say.
  int64_t columns = heads > 65536 ? 65537 : (order - 1) * heads;
  if (columns > 65536 ||
      static_cast<int64_t>(getMultipliers().size()) != order ||
      static_cast<int64_t>(getModuli().size()) != columns ||
      static_cast<int64_t>(getOffsets().size()) != columns)
    return emitOpError() << "must have " << order << " multipliers and "
                         << columns << " moduli and offsets, at most 65536";
  // engram_hash_c4: rows are not negative.
  for (auto [modulus, offset] : llvm::zip(getModuli(), getOffsets()))
    if (modulus < 1 || offset < 0 ||
        offset > std::numeric_limits<int64_t>::max() - modulus)
      return emitOpError() << "moduli must be positive and offsets not "
                              "negative, in 63 bits together, got "
                           << modulus << " and " << offset;
  // engram_hash_c5: columns.
  for (auto [name, value, expected] : {std::tuple<StringRef, Value, int64_t>{
                                           "history", getHistory(), order - 1},
                                       {"present", getPresent(), order - 1},
                                       {"rows", getRows(), columns}})
    if (value) {
      int64_t last = cast<ShapedType>(value.getType()).getShape().back();
      if (!ShapedType::isDynamic(last) && last != expected)
        return emitOpError()
               << name << " must have " << expected << " columns, got " << last;
    }
  // engram_hash_c6: on tensors there are results of the destinations' types.
  bool isTensor = isa<RankedTensorType>(getRows().getType());
  SmallVector<Type> expected;
  if (isTensor)
    expected = {getRows().getType(), getPresent().getType()};
  if (!llvm::equal(getResultTypes(), expected))
    return emitOpError()
           << (isTensor ? "must have results of the destinations' types"
                        : "must have no results for memory");
  return success();
}

LogicalResult EngramHashOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // engram_hash_c7: the device exists.
  return verifyDevice(*this, getDeviceAttr(), symbols);
}
