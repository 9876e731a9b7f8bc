// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operations on whole buffers: which thread computes what.
#include "Joining.h"
#include "KernelWriter.h"

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

/// A linalg op on the way to text.
struct KernelWriter::Iteration {
  linalg::LinalgOp op;
  SmallVector<AffineMap> maps;
  /// By loop: its size, and the name of its index once it is open.
  SmallVector<std::string> sizes, indices;
  SmallVector<unsigned> parallel, reduction;
  /// Indices and offsets fit in 32 bits.
  bool isSmall = false;
};

FailureOr<SmallVector<std::string>>
KernelWriter::loopSizes(linalg::LinalgOp op) {
  SmallVector<std::string> sizes(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto view = views.find(operand.get());
    if (view == views.end())
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expression] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expression);
      if (!loop)
        continue;
      std::string &size = sizes[loop.getPosition()];
      // A number says more than a name.
      if (size.empty() || !asNumber(size))
        size = view->second.sizes[dim];
    }
  }
  for (std::string &size : sizes)
    if (size.empty())
      return op->emitOpError() << "has no CUDA form: no operand gives the size "
                                  "of one of its loops";
  return sizes;
}

static bool fitsInInt(linalg::LinalgOp op, ArrayRef<std::string> sizes) {
  constexpr int64_t limit = int64_t(1) << 31;
  int64_t points = 1;
  for (const std::string &size : sizes) {
    std::optional<int64_t> number = asNumber(size);
    if (!number)
      return false;
    points *= std::max<int64_t>(1, *number);
    if (points >= limit)
      return false;
  }
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type)
      continue;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)))
      return false;
    int64_t last = 1;
    for (auto [size, stride] : llvm::zip(type.getShape(), strides)) {
      // A dynamic stride is 64 bits wide and makes the product so.
      if (ShapedType::isDynamic(stride))
        continue;
      if (ShapedType::isDynamic(size))
        return false;
      last += std::max<int64_t>(0, size - 1) * stride;
      if (last >= limit)
        return false;
    }
  }
  return true;
}

/// Like affineText, but operands of divisions are not negative here.
static std::string indexText(AffineExpr expression,
                             ArrayRef<std::string> indices) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return affineText(expression, indices, {});
  std::string left = indexText(binary.getLHS(), indices);
  std::string right = indexText(binary.getRHS(), indices);
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return sumText(left, right);
  case AffineExprKind::Mul:
    return productText(left, right);
  case AffineExprKind::FloorDiv:
    return left == "0" ? left : "(" + left + ") / " + right;
  case AffineExprKind::CeilDiv:
    return "ceilDivide(" + left + ", " + right + ")";
  default:
    return left == "0" ? left : "(" + left + ") % " + right;
  }
}

std::string KernelWriter::elementAt(const View &view, AffineMap map,
                                    ArrayRef<std::string> indices) {
  SmallVector<std::string> position;
  for (AffineExpr expression : map.getResults())
    position.push_back(indexText(expression, indices));
  return address(view, position);
}

void KernelWriter::closeLoops(unsigned count) {
  while (count--) {
    --indent;
    emit("}");
  }
}

void KernelWriter::openSerialLoops(Iteration &iteration,
                                   ArrayRef<unsigned> loops) {
  for (unsigned loop : loops) {
    std::string name = freshName("i");
    emit(llvm::Twine("for (") + (iteration.isSmall ? "int " : "Index ") + name +
         " = 0; " + name + " < " + iteration.sizes[loop] + "; ++" + name +
         ") {");
    ++indent;
    iteration.indices[loop] = name;
  }
}

/// One loop over all points of `loops`, from `first` on in steps of `step`.
void KernelWriter::openParallelLoop(Iteration &iteration,
                                    ArrayRef<unsigned> loops, StringRef first,
                                    StringRef step) {
  StringRef type = iteration.isSmall ? "int" : "Index";
  std::string total = "1";
  SmallVector<unsigned> open;
  for (unsigned loop : loops) {
    total = productText(total, iteration.sizes[loop]);
    if (iteration.sizes[loop] == "1")
      iteration.indices[loop] = "0";
    else
      open.push_back(loop);
  }
  std::string name = freshName("i");
  emit("for (" + type + " " + name + " = " + first + "; " + name + " < " +
       total + "; " + name + " += " + step + ") {");
  ++indent;
  std::string rest = name;
  for (size_t k = open.size(); k-- > 0;) {
    unsigned loop = open[k];
    if (k == 0) {
      iteration.indices[loop] = rest;
      break;
    }
    std::string index = freshName("i"), next = freshName("i");
    emit("const " + type + " " + index + " = " + rest + " % " +
         iteration.sizes[loop] + ", " + next + " = " + rest + " / " +
         iteration.sizes[loop] + ";");
    iteration.indices[loop] = index;
    rest = next;
  }
}

/// The scalar body at the open indices. `results` is what stands for the
/// outputs: variables, or empty for the elements themselves.
LogicalResult KernelWriter::writePayload(Iteration &iteration,
                                         ArrayRef<std::string> results) {
  linalg::LinalgOp op = iteration.op;
  Block *payload = op.getBlock();
  for (BlockArgument argument : payload->getArguments()) {
    if (argument.use_empty())
      continue;
    OpOperand *operand = op.getMatchingOpOperand(argument);
    if (op.isDpsInit(operand) && !results.empty()) {
      scalars[argument] =
          results[operand->getOperandNumber() - op.getNumDpsInputs()];
      continue;
    }
    if (!isa<MemRefType>(operand->get().getType())) {
      scalars[argument] = scalar(operand->get());
      continue;
    }
    std::string name = freshName("v");
    emit("const " + typeName(argument.getType()) + " " + name + " = " +
         elementAt(views[operand->get()],
                   iteration.maps[operand->getOperandNumber()],
                   iteration.indices) +
         ";");
    scalars[argument] = name;
  }
  for (Operation &inner : payload->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      scalars[index.getResult()] = iteration.indices[index.getDim()];
      continue;
    }
    // The sum of a product is rounded once.
    if (auto add = dyn_cast<arith::AddFOp>(inner);
        add && !results.empty() &&
        isa<Float32Type, Float64Type>(add.getType())) {
      auto product = add.getRhs().getDefiningOp<arith::MulFOp>();
      Value sum = add.getLhs();
      if (!product || !isa<BlockArgument>(sum)) {
        product = add.getLhs().getDefiningOp<arith::MulFOp>();
        sum = add.getRhs();
      }
      if (product && isa<BlockArgument>(sum)) {
        define(add.getResult(), (add.getType().isF32() ? "fmaf(" : "fma(") +
                                    scalar(product.getLhs()) + ", " +
                                    scalar(product.getRhs()) + ", " +
                                    scalar(sum) + ")");
        continue;
      }
    }
    if (auto product = dyn_cast<arith::MulFOp>(inner);
        product && !results.empty() && product->hasOneUse() &&
        isa<arith::AddFOp>(*product->user_begin()) &&
        isa<Float32Type, Float64Type>(product.getType())) {
      auto add = cast<arith::AddFOp>(*product->user_begin());
      if (isa<BlockArgument>(add.getLhs()) || isa<BlockArgument>(add.getRhs()))
        continue;
    }
    if (failed(writeOperation(inner)))
      return failure();
  }
  OperandRange yielded = payload->getTerminator()->getOperands();
  if (!results.empty()) {
    for (auto [result, value] : llvm::zip(results, yielded))
      emit(result + " = " + scalar(value) + ";");
    return success();
  }
  SmallVector<std::string> lines;
  for (auto [index, value] : llvm::enumerate(yielded)) {
    OpOperand *operand = op.getDpsInitOperand(index);
    lines.push_back(elementAt(views[operand->get()],
                              iteration.maps[operand->getOperandNumber()],
                              iteration.indices) +
                    " = " + scalar(value) + ";");
  }
  for (const std::string &line : lines)
    emit(line);
  return success();
}

/// Loops over the parallel points, shared by the block's threads where they
/// work together; gives how many are open.
unsigned KernelWriter::openElementLoops(Iteration &iteration) {
  if (!isCooperative()) {
    openSerialLoops(iteration, iteration.parallel);
    return iteration.parallel.size();
  }
  openParallelLoop(iteration, iteration.parallel, "threadIdx.x",
                   std::to_string(configuration.threads));
  return 1;
}

/// Every point stores its elements.
LogicalResult KernelWriter::writeElements(Iteration &iteration) {
  unsigned loops = openElementLoops(iteration);
  openSerialLoops(iteration, iteration.reduction);
  loops += iteration.reduction.size();
  bool wasWithin = isWithinThread;
  isWithinThread = true;
  LogicalResult result = writePayload(iteration, {});
  isWithinThread = wasWithin;
  closeLoops(loops);
  return result;
}

/// Each element of the result is one thread's sum.
LogicalResult KernelWriter::writeSums(Iteration &iteration) {
  linalg::LinalgOp op = iteration.op;
  unsigned loops = openElementLoops(iteration);
  SmallVector<std::string> sums, places;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    Type element = cast<MemRefType>(init.get().getType()).getElementType();
    places.push_back(elementAt(views[init.get()],
                               iteration.maps[init.getOperandNumber()],
                               iteration.indices));
    sums.push_back(freshName("sum"));
    bool isRead = op.payloadUsesValueFromOperand(&init);
    emit(typeName(element) + " " + sums.back() +
         (isRead ? " = " + places.back() : std::string()) + ";");
  }
  openSerialLoops(iteration, iteration.reduction);
  bool wasWithin = isWithinThread;
  isWithinThread = true;
  LogicalResult result = writePayload(iteration, sums);
  isWithinThread = wasWithin;
  closeLoops(iteration.reduction.size());
  for (auto [place, sum] : llvm::zip(places, sums))
    emit(place + " = " + sum + ";");
  closeLoops(loops);
  return result;
}

/// A warp shares each element's sum: rows are read in order by neighbours.
LogicalResult KernelWriter::writeWarpSums(Iteration &iteration) {
  linalg::LinalgOp op = iteration.op;
  unsigned warps = configuration.threads / 32;
  openParallelLoop(iteration, iteration.parallel, "threadIdx.x / 32",
                   std::to_string(warps));
  SmallVector<std::string> sums, places;
  SmallVector<Joining> joinings;
  for (auto [index, init] : llvm::enumerate(op.getDpsInitsMutable())) {
    joinings.push_back(findJoining(op, index));
    places.push_back(elementAt(views[init.get()],
                               iteration.maps[init.getOperandNumber()],
                               iteration.indices));
    sums.push_back(freshName("sum"));
    Type element = cast<MemRefType>(init.get().getType()).getElementType();
    emit(typeName(element) + " " + sums.back() + " = " +
         joinings.back().neutral + ";");
  }
  openParallelLoop(iteration, iteration.reduction, "threadIdx.x % 32", "32");
  bool wasWithin = isWithinThread;
  isWithinThread = true;
  LogicalResult result = writePayload(iteration, sums);
  isWithinThread = wasWithin;
  closeLoops(1);
  auto join = [&](Operation *op, const std::string &a, const std::string &b) {
    return *scalarExpression(op, {a, b});
  };
  std::string lane = freshName("lane");
  emit("for (int " + lane + " = 16; " + lane + " > 0; " + lane + " /= 2) {");
  ++indent;
  for (auto [sum, joining] : llvm::zip(sums, joinings))
    emit(sum + " = " +
         join(joining.op, sum,
              "__shfl_xor_sync(0xFFFFFFFFu, " + sum + ", " + lane + ")") +
         ";");
  closeLoops(1);
  emit("if (threadIdx.x % 32 == 0) {");
  ++indent;
  for (auto [place, sum, joining] : llvm::zip(places, sums, joinings))
    emit(place + " = " + join(joining.op, place, sum) + ";");
  closeLoops(2);
  return result;
}

/// Whether a warp should share the sums of one element: their terms are
/// neighbours in memory, or there are too few elements for all threads.
static bool sumsByWarp(linalg::LinalgOp op, ArrayRef<unsigned> parallel,
                       ArrayRef<unsigned> reduction,
                       ArrayRef<std::string> sizes, unsigned threads) {
  int64_t elements = 1;
  for (unsigned loop : parallel) {
    std::optional<int64_t> size = asNumber(sizes[loop]);
    // A dynamic size may be anything: take it for a tile's rows.
    elements *= size ? *size : 64;
  }
  if (elements * 8 <= threads)
    return true;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (map.getNumResults() == 0)
      continue;
    auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
    if (!last || !llvm::is_contained(reduction, last.getPosition()))
      return false;
  }
  return op.getNumDpsInputs() == 1;
}

LogicalResult KernelWriter::writeLinalg(linalg::LinalgOp op) {
  Iteration iteration;
  iteration.op = op;
  iteration.maps = op.getIndexingMapsArray();
  if (!op.hasPureBufferSemantics())
    return op->emitOpError() << "has no CUDA form: it must be on buffers";
  FailureOr<SmallVector<std::string>> sizes = loopSizes(op);
  if (failed(sizes))
    return failure();
  iteration.sizes = *sizes;
  iteration.indices.resize(op.getNumLoops());
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? iteration.parallel
                                           : iteration.reduction)
        .push_back(loop);
  iteration.isSmall = fitsInInt(op, iteration.sizes);
  meet(accessesIn(op));
  if (iteration.reduction.empty())
    return writeElements(iteration);
  // Sums need an element that the reduction loops do not move.
  for (OpOperand &init : op.getDpsInitsMutable())
    for (unsigned loop : iteration.reduction)
      if (iteration.maps[init.getOperandNumber()].isFunctionOfDim(loop))
        return writeElements(iteration);
  bool joinable = isCooperative() && configuration.threads % 32 == 0;
  for (int64_t index = 0; joinable && index < op.getNumDpsInits(); ++index)
    joinable = findJoining(op, index).op != nullptr;
  if (joinable && sumsByWarp(op, iteration.parallel, iteration.reduction,
                             iteration.sizes, configuration.threads))
    return writeWarpSums(iteration);
  return writeSums(iteration);
}

LogicalResult KernelWriter::writeCopy(memref::CopyOp op) {
  View &source = views[op.getSource()], &target = views[op.getTarget()];
  meet(accessesIn(op));
  SmallVector<std::string> indices;
  unsigned loops = 0;
  if (isCooperative()) {
    std::string total = "1";
    for (const std::string &size : target.sizes)
      total = productText(total, size);
    std::string rest = freshName("i");
    emit("for (Index " + rest + " = threadIdx.x; " + rest + " < " + total +
         "; " + rest + " += " + llvm::Twine(configuration.threads) + ") {");
    ++indent;
    loops = 1;
    indices.resize(target.sizes.size());
    for (size_t dim = target.sizes.size(); dim-- > 0;) {
      if (dim == 0) {
        indices[dim] = rest;
        break;
      }
      std::string index = freshName("i"), next = freshName("i");
      emit("const Index " + index + " = " + rest + " % " + target.sizes[dim] +
           ", " + next + " = " + rest + " / " + target.sizes[dim] + ";");
      indices[dim] = index;
      rest = next;
    }
  } else {
    for (const std::string &size : target.sizes) {
      indices.push_back(freshName("i"));
      emit("for (Index " + indices.back() + " = 0; " + indices.back() + " < " +
           size + "; ++" + indices.back() + ") {");
      ++indent;
      ++loops;
    }
  }
  emit(address(target, indices) + " = " + address(source, indices) + ";");
  closeLoops(loops);
  return success();
}
