// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/Lower.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::trine {
#define GEN_PASS_DEF_DISTRIBUTEWORKGROUPS
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// The loop over tiles, if everything around it only computes sizes.
static scf::ForallOp findTiles(func::FuncOp function) {
  scf::ForallOp tiles;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (auto forall = dyn_cast<scf::ForallOp>(op)) {
      if (tiles)
        return nullptr;
      tiles = forall;
      continue;
    }
    if (isa<memref::AllocaOp>(op) || isMemoryEffectFree(&op))
      continue;
    return nullptr;
  }
  return tiles;
}

/// Number of iterations of each dimension, as values before the loop.
static SmallVector<Value> countTiles(ImplicitLocOpBuilder &builder,
                                     scf::ForallOp tiles) {
  SmallVector<Value> counts;
  AffineExpr low, high, step;
  bindSymbols(builder.getContext(), low, high, step);
  for (auto [begin, end, stride] :
       llvm::zip(tiles.getMixedLowerBound(), tiles.getMixedUpperBound(),
                 tiles.getMixedStep())) {
    OpFoldResult count = affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(), (high - low).ceilDiv(step),
        {begin, end, stride});
    counts.push_back(
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), count));
  }
  return counts;
}

/// Replaces the loop over tiles by a loop over workgroups [begin, end).
static void distribute(scf::ForallOp tiles, Value begin, Value end) {
  ImplicitLocOpBuilder builder(tiles.getLoc(), tiles);
  IRRewriter rewriter(tiles.getContext());
  SmallVector<Value> counts = countTiles(builder, tiles);
  Value one = arith::ConstantIndexOp::create(builder, 1);
  auto loop = scf::ForOp::create(builder, begin, end, one);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> position;
  if (counts.size() == 1) {
    position.push_back(loop.getInductionVar());
  } else {
    Value rest = loop.getInductionVar();
    position.resize(counts.size());
    for (int64_t dim = counts.size() - 1; dim > 0; --dim) {
      position[dim] = arith::RemUIOp::create(builder, rest, counts[dim]);
      rest = arith::DivUIOp::create(builder, rest, counts[dim]);
    }
    position[0] = rest;
  }
  SmallVector<Value> variables;
  for (auto [index, start, stride] :
       llvm::zip(position, tiles.getMixedLowerBound(), tiles.getMixedStep())) {
    Value scaled = arith::MulIOp::create(
        builder, index,
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), stride),
        arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw);
    if (isConstantIntValue(start, 0))
      variables.push_back(scaled);
    else
      variables.push_back(arith::AddIOp::create(
          builder, scaled,
          getValueOrCreateConstantIndexOp(builder, builder.getLoc(), start)));
  }
  rewriter.eraseOp(tiles.getBody()->getTerminator());
  rewriter.inlineBlockBefore(tiles.getBody(), loop.getBody()->getTerminator(),
                             variables);
  rewriter.eraseOp(tiles);
}

/// Reads a kernel's arguments from 64-bit words, as the program ABI packs
/// them: a buffer as its address and dynamic sizes, a size as itself.
static SmallVector<Value> readWords(ImplicitLocOpBuilder &builder, Value words,
                                    TypeRange types,
                                    const LLVMTypeConverter &converter) {
  unsigned next = 0;
  Type word = builder.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto read = [&](Type type) -> Value {
    Value address = LLVM::GEPOp::create(builder, pointer, word, words,
                                        ArrayRef<LLVM::GEPArg>{next++});
    return LLVM::LoadOp::create(builder, type, address, /*alignment=*/8);
  };
  SmallVector<Value> values;
  for (Type type : types) {
    if (isa<IndexType>(type)) {
      values.push_back(arith::IndexCastOp::create(builder, type, read(word)));
      continue;
    }
    auto memref = cast<MemRefType>(type);
    Value data = read(pointer);
    SmallVector<Value> sizes;
    for (int64_t size : memref.getShape())
      sizes.push_back(
          ShapedType::isDynamic(size)
              ? read(word)
              : Value(LLVM::ConstantOp::create(
                    builder, word, builder.getI64IntegerAttr(size))));
    Type structure = converter.convertType(memref);
    MemRefDescriptor descriptor =
        MemRefDescriptor::poison(builder, builder.getLoc(), structure);
    descriptor.setAllocatedPtr(builder, builder.getLoc(), data);
    descriptor.setAlignedPtr(builder, builder.getLoc(), data);
    descriptor.setConstantOffset(builder, builder.getLoc(), 0);
    Value stride =
        LLVM::ConstantOp::create(builder, word, builder.getI64IntegerAttr(1));
    for (int64_t dim = memref.getRank() - 1; dim >= 0; --dim) {
      descriptor.setSize(builder, builder.getLoc(), dim, sizes[dim]);
      descriptor.setStride(builder, builder.getLoc(), dim, stride);
      if (dim > 0)
        stride = LLVM::MulOp::create(builder, stride, sizes[dim]);
    }
    Value structureValue = descriptor;
    values.push_back(
        UnrealizedConversionCastOp::create(builder, memref, structureValue)
            .getResult(0));
  }
  return values;
}

/// `@NAME.workgroups`: the number of tiles, from the packed arguments alone.
static void makeCount(func::FuncOp function, TypeRange argumentTypes,
                      scf::ForallOp tiles, const LLVMTypeConverter &converter) {
  ImplicitLocOpBuilder builder(function.getLoc(), function.getContext());
  builder.setInsertionPointAfter(function);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type word = builder.getI64Type();
  std::string name = (function.getSymName() + ".workgroups").str();
  // The launch sequence has declared it already.
  if (Operation *declared =
          SymbolTable::lookupSymbolIn(function->getParentOp(), name))
    declared->erase();
  auto count = func::FuncOp::create(builder, name,
                                    builder.getFunctionType({pointer}, {word}));
  Block *entry = count.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  Value result;
  if (!tiles) {
    result = arith::ConstantIntOp::create(builder, word, 1);
  } else {
    // The bounds and all they depend on, on the arguments read anew.
    SmallVector<Value> arguments =
        readWords(builder, entry->getArgument(0), argumentTypes, converter);
    IRMapping mapping;
    for (auto [from, to] : llvm::zip(function.getArguments(), arguments))
      mapping.map(from, to);
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    options.omitUsesFromAbove = false;
    options.omitBlockArguments = true;
    for (Value operand : tiles.getOperands())
      if (isa<IndexType>(operand.getType()) && operand.getDefiningOp())
        (void)getBackwardSlice(operand, &slice, options);
    for (Operation &op : function.getBody().front())
      if (slice.contains(&op))
        builder.clone(op, mapping);
    auto map = [&](ArrayRef<OpFoldResult> values) {
      SmallVector<OpFoldResult> mapped;
      for (OpFoldResult value : values)
        mapped.push_back(
            isa<Attribute>(value)
                ? value
                : OpFoldResult(mapping.lookupOrDefault(cast<Value>(value))));
      return mapped;
    };
    AffineExpr low, high, step;
    bindSymbols(builder.getContext(), low, high, step);
    Value product = arith::ConstantIndexOp::create(builder, 1);
    for (auto [begin, end, stride] : llvm::zip(map(tiles.getMixedLowerBound()),
                                               map(tiles.getMixedUpperBound()),
                                               map(tiles.getMixedStep()))) {
      OpFoldResult extent = affine::makeComposedFoldedAffineApply(
          builder, builder.getLoc(), (high - low).ceilDiv(step),
          {begin, end, stride});
      product = arith::MulIOp::create(
          builder, product,
          getValueOrCreateConstantIndexOp(builder, builder.getLoc(), extent));
    }
    result = arith::IndexCastOp::create(builder, word, product);
  }
  func::ReturnOp::create(builder, result);
}

/// `@NAME.entry`: the kernel function of the program ABI.
static void makeEntry(func::FuncOp function,
                      const LLVMTypeConverter &converter) {
  ImplicitLocOpBuilder builder(function.getLoc(), function.getContext());
  builder.setInsertionPointAfter(function);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type word = builder.getI64Type();
  auto entry =
      func::FuncOp::create(builder, (function.getSymName() + ".entry").str(),
                           builder.getFunctionType({pointer, word, word}, {}));
  Block *block = entry.addEntryBlock();
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments =
      readWords(builder, block->getArgument(0),
                function.getFunctionType().getInputs().drop_back(2), converter);
  for (unsigned index : {1u, 2u})
    arguments.push_back(arith::IndexCastOp::create(
        builder, builder.getIndexType(), block->getArgument(index)));
  func::CallOp::create(builder, function, arguments);
  func::ReturnOp::create(builder);
}

namespace {
struct DistributeWorkgroups
    : trine::impl::DistributeWorkgroupsBase<DistributeWorkgroups> {
  using DistributeWorkgroupsBase::DistributeWorkgroupsBase;

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    SmallVector<func::FuncOp> functions;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr("plan.skeleton"))
        functions.push_back(function);
    for (func::FuncOp function : functions) {
      TypeRange argumentTypes = function.getArgumentTypes();
      if (countsOnly) {
        scf::ForallOp tiles = findTiles(function);
        makeCount(function, argumentTypes, tiles, converter);
        if (tiles)
          tiles->setAttr(kWorkgroupsAttr, UnitAttr::get(&getContext()));
        continue;
      }
      Type index = IndexType::get(&getContext());
      unsigned count = function.getNumArguments();
      (void)function.insertArguments({count, count}, {index, index}, {{}, {}},
                                     {function.getLoc(), function.getLoc()});
      scf::ForallOp tiles = findTiles(function);
      makeCount(function, argumentTypes, tiles, converter);
      if (tiles)
        distribute(tiles, function.getArgument(count),
                   function.getArgument(count + 1));
      // What remains are loops within a tile, or of a kernel that is one
      // workgroup.
      SmallVector<scf::ForallOp> inner;
      function.walk([&](scf::ForallOp op) { inner.push_back(op); });
      IRRewriter rewriter(&getContext());
      for (scf::ForallOp op : inner) {
        rewriter.setInsertionPoint(op);
        if (failed(scf::forallToForLoop(rewriter, op))) {
          // No test: only a defect upstream leads here.
          op.emitOpError() << "cannot become a loop";
          return signalPassFailure();
        }
      }
      makeEntry(function, converter);
    }
  }
};
} // namespace
