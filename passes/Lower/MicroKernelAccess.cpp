// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the operands of a product are read.
#include "MicroKernelEmitter.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::microkernel;

SmallVector<Value> Emitter::indices(const Access &access) {
  SmallVector<Value> values;
  for (AffineExpr expr : access.map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      Value at = position[dim.getPosition()];
      if (access.gather && values.empty())
        at = memref::LoadOp::create(builder, access.gather, at);
      values.push_back(at);
      continue;
    }
    SmallVector<OpFoldResult> operands;
    for (Value value : position)
      operands.push_back(value ? OpFoldResult(value)
                               : OpFoldResult(builder.getIndexAttr(0)));
    OpFoldResult value = affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(),
        AffineMap::get(access.map.getNumDims(), 0, expr), operands);
    values.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), value));
  }
  return values;
}

int64_t Emitter::bytesPerStep(const Access &access) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(access.type().getStridesAndOffset(strides, offset)))
    return 0;
  unsigned bytes = access.type().getElementTypeBitWidth() / 8;
  for (auto [expr, stride] : llvm::zip(access.map.getResults(), strides)) {
    AffineExpr sum = getAffineDimExpr(roles.sum, access.map.getContext());
    bool isPair = expr == sum.floorDiv(2);
    if (expr != sum && !isPair)
      continue;
    // Longer rows are not those of a panel.
    if (ShapedType::isDynamic(stride) || stride <= 0 || stride * bytes > 256)
      return 0;
    return stride * bytes / (isPair ? 2 : 1);
  }
  return 0;
}

/// Asks for what `access` reads some steps of the sum later: memory answers
/// late, and hardware does not look beyond a page.
void Emitter::prefetch(const Access &access) {
  constexpr int64_t distance = 2048;
  int64_t bytes = bytesPerStep(access);
  if (bytes == 0)
    return;
  Value now = position[roles.sum];
  position[roles.sum] = add(now, distance / bytes);
  memref::PrefetchOp::create(builder, access.memref, indices(access),
                             /*isWrite=*/false, /*localityHint=*/3,
                             /*isDataCache=*/true);
  position[roles.sum] = now;
}

/// Plans what the second-level cache is asked for. One block of rows alone
/// waits for memory: it looks far ahead. Of several, the first would wait for
/// memory and the rest for the multipliers: each asks for its share of the
/// panel that follows in memory instead, so that all of them find theirs.
void Emitter::planFar(int64_t rows) {
  constexpr int64_t distance = 16384;
  far = {};
  int64_t bytes = bytesPerStep(roles.right);
  if (bytes == 0)
    return;
  auto word = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, value, 64);
  };
  auto asWord = [&](Value value) {
    return builder.createOrFold<arith::IndexCastOp>(builder.getI64Type(),
                                                    value);
  };
  Value blocks = word(1);
  if (roles.row >= 0)
    blocks = builder.createOrFold<arith::CeilDivUIOp>(asWord(extent[roles.row]),
                                                      word(rows));
  Value panel = builder.createOrFold<arith::MulIOp>(
      asWord(builder.createOrFold<arith::SubIOp>(sumEnd, sumBegin)),
      word(bytes));
  Value isOne = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ule,
                                                    blocks, word(1));
  far.start =
      builder.createOrFold<arith::SelectOp>(isOne, word(distance), panel);
  // In equal parts by rows: the last block, which may have few, multiplies for
  // a shorter time.
  far.rows = roles.row < 0 ? word(1)
                           : builder.createOrFold<arith::MaxUIOp>(
                                 asWord(extent[roles.row]), word(1));
  far.perRow = builder.createOrFold<arith::DivUIOp>(panel, far.rows);
}

void Emitter::prefetchFar() {
  if (!far.address)
    return;
  Value step = arith::IndexCastOp::create(
      builder, builder.getI64Type(),
      builder.createOrFold<arith::SubIOp>(position[roles.sum], sumBegin));
  Value offset = arith::MulIOp::create(builder, step, far.perStep);
  Value address =
      LLVM::GEPOp::create(builder, far.address.getType(), builder.getI8Type(),
                          far.address, ArrayRef<LLVM::GEPArg>{offset});
  LLVM::Prefetch::create(builder, address, /*rw=*/0, /*hint=*/2, /*cache=*/1);
}

/// Plans what kStreams asks for. Blocks have equal shares, so that reading and
/// multiplying overlap all the time; hardware would learn each short row anew.
void Emitter::planStream(int64_t rows, int64_t columns) {
  stream = {};
  auto wanted = op->getAttrOfType<DenseI64ArrayAttr>(kStreams);
  if (!wanted || wanted.size() != 3 || wanted[0] < 0 ||
      wanted[0] >= op.getNumDpsInputs() || roles.row < 0)
    return;
  Value memref = op.getDpsInputs()[wanted[0]];
  auto type = dyn_cast<MemRefType>(memref.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || type.getRank() != 2 || type.isDynamicDim(1) ||
      failed(type.getStridesAndOffset(strides, offset)) || strides[1] != 1)
    return;
  stream.memref = memref;
  stream.width = type.getDimSize(1);
  stream.ahead = wanted[1];
  stream.rowBlocks = builder.createOrFold<arith::CeilDivUIOp>(extent[roles.row],
                                                              constant(rows));
  Value blocks = builder.createOrFold<arith::MulIOp>(
      stream.rowBlocks, builder.createOrFold<arith::CeilDivUIOp>(
                            extent[roles.column], constant(columns * lanes)));
  Value one = constant(1);
  blocks = builder.createOrFold<arith::MaxUIOp>(blocks, one);
  stream.perBlock = builder.createOrFold<arith::CeilDivUIOp>(
      constant(wanted[2] * stream.width), blocks);
  Value steps = builder.createOrFold<arith::MaxUIOp>(
      builder.createOrFold<arith::SubIOp>(sumEnd, sumBegin), one);
  stream.perStep =
      builder.createOrFold<arith::CeilDivUIOp>(stream.perBlock, steps);
  // No line twice, as far as the sizes are known.
  int64_t line = 64 / (type.getElementTypeBitWidth() / 8);
  std::optional<int64_t> perStep = getConstantIntValue(stream.perStep);
  stream.every = perStep ? std::max<int64_t>(line / *perStep, 1) : 2;
}

/// Where the share of `block` begins.
void Emitter::startStream(const Block &block) {
  if (!stream.memref)
    return;
  Value column = arith::DivUIOp::create(builder, block.column,
                                        constant(block.columns * lanes)),
        row = arith::DivUIOp::create(builder, block.row, constant(block.rows));
  Value number = arith::AddIOp::create(
      builder, arith::MulIOp::create(builder, column, stream.rowBlocks), row);
  stream.begin = arith::MulIOp::create(builder, number, stream.perBlock);
  stream.address = Value();
  auto type = cast<MemRefType>(stream.memref.getType());
  if (type.getStridesAndOffset().first[0] != stream.width)
    return;
  // Rows without gaps: one address, which steps move evenly.
  Value structure = UnrealizedConversionCastOp::create(
                        builder, converter.convertType(type), stream.memref)
                        .getResult(0);
  Value first = arith::AddIOp::create(builder, stream.begin,
                                      constant(stream.ahead * stream.width));
  auto word = builder.getI64Type();
  stream.address = LLVM::getStridedElementPtr(
      builder, builder.getLoc(), converter, type, structure,
      {arith::ConstantIntOp::create(builder, 0, 64).getResult(),
       arith::IndexCastOp::create(builder, word, first).getResult()});
}

void Emitter::prefetchStream() {
  if (!stream.memref || unrolledStep % stream.every != 0)
    return;
  Value step =
      builder.createOrFold<arith::SubIOp>(position[roles.sum], sumBegin);
  Value distance = arith::MulIOp::create(builder, step, stream.perStep);
  if (stream.address) {
    Value at = LLVM::GEPOp::create(
        builder, stream.address.getType(),
        cast<MemRefType>(stream.memref.getType()).getElementType(),
        stream.address,
        ArrayRef<LLVM::GEPArg>{
            arith::IndexCastOp::create(builder, builder.getI64Type(), distance)
                .getResult()});
    LLVM::Prefetch::create(builder, at, /*rw=*/0, /*hint=*/2, /*cache=*/1);
    return;
  }
  Value element = arith::AddIOp::create(builder, stream.begin, distance);
  Value width = constant(stream.width);
  Value row = arith::AddIOp::create(
      builder, arith::DivUIOp::create(builder, element, width),
      constant(stream.ahead));
  Value column = arith::RemUIOp::create(builder, element, width);
  memref::PrefetchOp::create(builder, stream.memref, ValueRange{row, column},
                             /*isWrite=*/false, /*localityHint=*/2,
                             /*isDataCache=*/true);
}

Value Emitter::mask(Value rest, int64_t first, int64_t width) {
  if (!rest)
    return Value();
  auto type = VectorType::get({width}, builder.getI1Type());
  Value left = rest;
  if (first != 0)
    left = arith::SubIOp::create(builder, rest, constant(first));
  return vector::CreateMaskOp::create(builder, type, left);
}

/// The address of the current position of `access`.
Value Emitter::addressOf(const Access &access) {
  Value structure =
      UnrealizedConversionCastOp::create(
          builder, converter.convertType(access.type()), access.memref)
          .getResult(0);
  SmallVector<Value> at;
  for (Value index : indices(access))
    at.push_back(
        arith::IndexCastOp::create(builder, builder.getI64Type(), index));
  return LLVM::getStridedElementPtr(builder, builder.getLoc(), converter,
                                    access.type(), structure, at);
}

/// `count` integers of `bits` bits from the current position of `access` on.
/// 16-bit floats are loaded like this: processors without instructions for
/// them would take vectors of them apart.
Value Emitter::loadIntegers(const Access &access, int64_t count, unsigned bits,
                            Value mask) {
  Value pointer = addressOf(access);
  auto type = VectorType::get({count}, builder.getIntegerType(bits));
  if (!mask)
    return LLVM::LoadOp::create(builder, type, pointer, /*alignment=*/2);
  Value zeros = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
  return LLVM::MaskedLoadOp::create(builder, type, pointer, mask, zeros,
                                    builder.getI32IntegerAttr(2));
}

/// `lanes` elements of `access` from the current position on.
Value Emitter::loadVector(const Access &access, Value mask) {
  Type stored = access.type().getElementType();
  auto type = VectorType::get({lanes}, stored);
  if (stored.isBF16() && element.isF32()) {
    Value bits = loadIntegers(access, lanes, 16, mask);
    auto wideType = VectorType::get({lanes}, builder.getI32Type());
    Value wide = arith::ExtUIOp::create(builder, wideType, bits);
    return arith::BitcastOp::create(
        builder, vector,
        arith::ShLIOp::create(builder, wide, splat(wideType, 16)));
  }
  if (stored.isF16() && element.isF32())
    return widen(arith::BitcastOp::create(
                     builder, type, loadIntegers(access, lanes, 16, mask)),
                 vector);
  SmallVector<Value> at = indices(access);
  Value value;
  if (mask) {
    Value zeros = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
    value = vector::MaskedLoadOp::create(builder, type, access.memref, at, mask,
                                         zeros);
  } else {
    value = vector::LoadOp::create(builder, type, access.memref, at);
  }
  return widen(value, vector);
}
