// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// What the parts of MicroKernel.cpp share: the operands of a product, the
/// roles of its loops, and the code that is written for them.
#ifndef TRINE_PASSES_LOWER_MICROKERNELEMITTER_H
#define TRINE_PASSES_LOWER_MICROKERNELEMITTER_H

#include "MicroKernel.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::trine::microkernel {

/// One operand of the product: where its elements lie, by loop.
struct Access {
  Value memref;
  AffineMap map;
  /// Where the first coordinate of the memref comes from, by the loop that the
  /// map has there: rows that are gathered as they are read.
  Value gather = {};

  MemRefType type() const { return cast<MemRefType>(memref.getType()); }

  bool uses(unsigned loop) const { return map.isFunctionOfDim(loop); }

  /// Whether consecutive values of `loop` are neighbours in memory. Trailing
  /// dimensions of size one do not matter.
  bool isContiguous(unsigned loop) const;

  /// Whether `row` is stored in pairs of rows next to each column: the last
  /// dimensions are (column, row mod 2), and row / 2 comes before.
  bool isPaired(unsigned row, unsigned column) const;

  /// Whether no loop occurs except as a plain coordinate.
  bool isPlain() const { return map.isProjectedPermutation(true); }
};

/// The product's loops by role. Loops without a role are plain outer loops.
struct Roles {
  Access left, right;
  /// -1: the loop does not exist.
  int64_t row = -1, column = -1, sum = -1;
  /// A second loop over rows. Which is the longer one may be known only when
  /// the code runs.
  int64_t otherRow = -1;
  /// Vectors run along the columns (else along the sum).
  bool alongColumns = true;
  bool paired = false;
};

/// Writes register-tiled vector code in place of a product.
class Emitter {
public:
  Emitter(ImplicitLocOpBuilder &builder, linalg::GenericOp op, Roles roles,
          unsigned vectorBytes);

  void emit();

private:
  struct Block {
    Value row, column;
    int64_t rows, columns; // in registers
    Value rest;            // columns left, when masked
  };
  using Body = llvm::function_ref<void(Value)>;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, value);
  }
  Value add(Value value, int64_t offset);
  Value roundDown(Value value, int64_t step);
  /// Rows of a full block.
  int64_t fullRows() const { return wide ? 8 : 6; }
  void loop(Value begin, Value end, int64_t step, Body body);
  /// Runs `body` for blocks of `size`, then for one block of what is left, as
  /// wide as that is; or, with `ones`, for blocks of one.
  void split(int64_t role, int64_t size, bool ones,
             llvm::function_ref<void(Value, int64_t)> body);
  /// Bytes from one step of the sum to the next where `access` reads a panel;
  /// 0 where its steps lie farther apart.
  int64_t bytesPerStep(const Access &access);
  void prefetch(const Access &access);
  void prefetchFar();
  void planFar(int64_t rows);
  SmallVector<Value> indices(const Access &access);
  Value widen(Value value, Type type) {
    return value.getType() == type
               ? value
               : arith::ExtFOp::create(builder, type, value).getResult();
  }
  Value mask(Value rest, int64_t first, int64_t width);
  Value addressOf(const Access &access);
  Value loadVector(const Access &access, Value mask);
  Value loadIntegers(const Access &access, int64_t count, unsigned bits,
                     Value mask);
  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        builder,
        DenseElementsAttr::get(
            type, builder.getIntegerAttr(type.getElementType(), value)));
  }
  SmallVector<Value> scalarLefts(const Block &block);
  void planStream(int64_t rows, int64_t columns);
  void startStream(const Block &block);
  void prefetchStream();
  SmallVector<Value>
  sumLoop(ArrayRef<Value> accumulators, int64_t step, int64_t unrolled,
          llvm::function_ref<SmallVector<Value>(ValueRange)> body);
  void emitColumns(Value column, Value rest, int64_t columns);
  void forSumBlocks(llvm::function_ref<void()> body);
  void emitBlock(const Block &block);
  SmallVector<Value> multiplyPlain(const Block &block, ValueRange sums);
  SmallVector<Value> multiplyPaired(const Block &block, ValueRange sums);
  void emitDots();
  void emitDotBlock(Value row, int64_t rows, Value column, int64_t columns);
  Value sumOfEach(ArrayRef<Value> sums);

  ImplicitLocOpBuilder &builder;
  linalg::GenericOp op;
  Roles roles;
  LLVMTypeConverter converter;
  Access result;
  Type element;
  int64_t lanes;
  VectorType vector;
  bool wide;
  SmallVector<Value> position, extent;
  /// The part of the sum that is computed now.
  Value sumBegin, sumEnd;
  std::optional<int64_t> sumLength;
  /// What a block of rows fetches for those that follow (planFar), all i64:
  /// bytes from the block's first element of the right matrix on, the same for
  /// each row before it, how many rows share, and the block's bytes per step.
  struct {
    Value start, rows, perRow, perStep, address;
  } far;
  /// What the blocks of a product with kStreams fetch, in elements: a block's
  /// share, and how many each step of the sum; where the block at hand begins.
  struct {
    Value memref, perBlock, perStep, rowBlocks, begin, address;
    int64_t width, ahead, every;
  } stream = {};
  /// Which step of one iteration of the loop over the sum is written.
  int64_t unrolledStep = 0;
};

} // namespace mlir::trine::microkernel

#endif
