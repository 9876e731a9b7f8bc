// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// Writes a kernel's function (memrefs, linalg, scf, arith, math) as CUDA C++.
#ifndef TRINE_LIB_CODEGEN_CUDA_KERNELWRITER_H
#define TRINE_LIB_CODEGEN_CUDA_KERNELWRITER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "trine/Codegen/CUDA.h"
#include "trine/Passes/Lower.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace mlir::trine::cuda {

/// Shared memory that the declarations of a kernel may have, and what a launch
/// may give on every architecture.
inline constexpr int64_t kStaticSharedBytes = 48 * 1024;
inline constexpr int64_t kMostSharedBytes = 163 * 1024;

/// A buffer as the text sees it.
struct View {
  /// Expression of the address of the first element.
  std::string pointer;
  SmallVector<std::string> sizes, strides;
};

/// Buffers that threads of the block have accessed since they last met.
struct Accesses {
  llvm::SmallPtrSet<Value, 8> read, written;
  /// Of buffers that are not known.
  bool readsAny = false, writesAny = false;

  bool any() const {
    return !read.empty() || !written.empty() || readsAny || writesAny;
  }
  void add(const Accesses &other);
  /// Whether `next` may only happen when these are visible to all threads.
  bool conflictsWith(const Accesses &next) const;
};

/// The argument, temporary or constant that `buffer` is a part of; null when it
/// may be one of several.
Value rootOf(Value buffer);

/// What `op` and everything in it reads and writes.
Accesses accessesIn(Operation *op);

/// The text of one kernel. A workgroup is a block, whose threads share each
/// linalg op and do everything else alike, or, where the order of a scalar
/// loop matters, a thread.
class KernelWriter {
public:
  KernelWriter(func::FuncOp function,
               const GenericConfiguration &configuration);

  /// The whole kernel; a diagnostic names the op that has no CUDA form.
  FailureOr<std::string> write();

  /// Bytes of the block's temporaries.
  int64_t getSharedBytes() const { return sharedBytes; }
  /// Whether the launch gives them.
  bool takesDynamicShared() const { return usesDynamicShared; }

private:
  // KernelWriter.cpp: the function, buffers, control flow.
  LogicalResult writeParameters(llvm::raw_ostream &stream);
  LogicalResult writeGlobals(llvm::raw_ostream &stream);
  LogicalResult writeTemporary(memref::AllocaOp op);
  LogicalResult writeBlock(Block &block);
  /// The body of a loop that all threads go through together.
  LogicalResult writeLoopBody(Block &block);
  bool isReadOnly(Value buffer);
  LogicalResult writeOperation(Operation &op);
  LogicalResult writeScalar(Operation &op);
  LogicalResult writeTiles(scf::ForallOp op);
  LogicalResult writeFor(scf::ForOp op);
  LogicalResult writeForall(scf::ForallOp op);
  LogicalResult writeIf(scf::IfOp op);
  LogicalResult writeWhile(scf::WhileOp op);
  LogicalResult writeLoad(memref::LoadOp op);
  LogicalResult writeStore(memref::StoreOp op);
  void writeView(Value result, View view);
  LogicalResult writeSubView(memref::SubViewOp op);
  LogicalResult writeReshape(Operation &op);

  // LinalgWriter.cpp: operations on whole buffers.
  struct Iteration;
  LogicalResult writeLinalg(linalg::LinalgOp op);
  LogicalResult writeCopy(memref::CopyOp op);
  FailureOr<SmallVector<std::string>> loopSizes(linalg::LinalgOp op);
  LogicalResult writeElements(Iteration &iteration);
  LogicalResult writeSums(Iteration &iteration);
  unsigned openElementLoops(Iteration &iteration);
  LogicalResult writeWarpSums(Iteration &iteration);
  LogicalResult writePayload(Iteration &iteration,
                             ArrayRef<std::string> results);
  void openParallelLoop(Iteration &iteration, ArrayRef<unsigned> loops,
                        StringRef first, StringRef step);
  void openSerialLoops(Iteration &iteration, ArrayRef<unsigned> loops);
  void closeLoops(unsigned count);
  std::string elementAt(const View &view, AffineMap map,
                        ArrayRef<std::string> indices);

  // Names and text.
  std::string freshName(StringRef stem) {
    return (stem + llvm::Twine(nextName++)).str();
  }
  std::string scalar(Value value) { return scalars.lookup(value); }
  SmallVector<std::string> texts(ValueRange values);
  std::string text(OpFoldResult value);
  /// Gives `value` a name and writes its definition.
  void define(Value value, StringRef expression);
  void emit(const llvm::Twine &line);
  std::string address(const View &view, ArrayRef<std::string> indices);
  /// Declares variables that a loop or a branch assigns; false: a type without
  /// a CUDA form.
  LogicalResult declare(ValueRange values, ValueRange initial);
  LogicalResult assign(ValueRange targets, ValueRange sources);

  /// Waits for the block where `next` needs it, and notes `next`.
  void meet(const Accesses &next);
  bool isCooperative() const {
    return configuration.granularity == Granularity::Block && !isWithinThread;
  }

  func::FuncOp function;
  GenericConfiguration configuration;
  DenseMap<Value, std::string> scalars;
  DenseMap<Value, View> views;
  /// Arguments and temporaries that the kernel writes.
  Accesses all;
  Accesses pending;
  std::string body;
  unsigned indent = 1;
  unsigned nextName = 0;
  int64_t sharedBytes = 0;
  bool usesDynamicShared = false;
  /// Inside of what one thread does alone.
  bool isWithinThread = false;
};

} // namespace mlir::trine::cuda

#endif
