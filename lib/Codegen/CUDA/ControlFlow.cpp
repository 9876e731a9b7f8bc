// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops and branches of kernels.
#include "KernelWriter.h"

#include "Scalars.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

LogicalResult KernelWriter::declare(ValueRange values, ValueRange initial) {
  for (auto [index, value] : llvm::enumerate(values)) {
    if (auto type = dyn_cast<MemRefType>(value.getType())) {
      View view;
      std::string name = freshName("p");
      const View *from = initial.empty() ? nullptr : &views[initial[index]];
      emit(typeName(type.getElementType()) + " *" + name +
           (from ? " = " + from->pointer : "") + ";");
      view.pointer = name;
      SmallVector<int64_t> strides;
      int64_t offset;
      if (failed(type.getStridesAndOffset(strides, offset)))
        return function.emitOpError()
               << "carries a buffer without strides: " << type;
      auto size = [&](int64_t known, StringRef initialText) {
        if (!ShapedType::isDynamic(known))
          return std::to_string(known);
        std::string variable = freshName("n");
        emit("Index " + variable +
             (from ? (" = " + initialText).str() : std::string()) + ";");
        return variable;
      };
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        view.sizes.push_back(
            size(type.getDimSize(dim), from ? from->sizes[dim] : ""));
        view.strides.push_back(
            size(strides[dim], from ? from->strides[dim] : ""));
      }
      views[value] = view;
      continue;
    }
    std::string type = typeName(value.getType());
    if (type.empty())
      return function.emitOpError()
             << "carries a value without a CUDA form, of type "
             << value.getType();
    std::string name = freshName("v");
    emit(type + " " + name +
         (initial.empty() ? std::string() : " = " + scalar(initial[index])) +
         ";");
    scalars[value] = name;
  }
  return success();
}

LogicalResult KernelWriter::assign(ValueRange targets, ValueRange sources) {
  // All sources are read before a target is written.
  SmallVector<std::pair<std::string, std::string>> moves;
  for (auto [target, source] : llvm::zip(targets, sources)) {
    if (!isa<MemRefType>(target.getType())) {
      moves.push_back({scalar(target), scalar(source)});
      continue;
    }
    const View &to = views[target], &from = views[source];
    moves.push_back({to.pointer, from.pointer});
    for (auto [a, b] : llvm::zip(to.sizes, from.sizes))
      moves.push_back({a, b});
    for (auto [a, b] : llvm::zip(to.strides, from.strides))
      moves.push_back({a, b});
  }
  llvm::erase_if(moves, [](auto &move) { return move.first == move.second; });
  for (auto [index, move] : llvm::enumerate(moves)) {
    const auto &source = move.second;
    bool isOverwritten =
        llvm::any_of(ArrayRef(moves).take_front(index),
                     [&](auto &earlier) { return earlier.first == source; });
    if (!isOverwritten)
      continue;
    std::string name = freshName("v");
    emit("const auto " + name + " = " + move.second + ";");
    move.second = name;
  }
  for (auto &[target, source] : moves)
    emit(target + " = " + source + ";");
  return success();
}

static bool writesInside(Block &block) {
  bool writes = false;
  for (Operation &op : block) {
    Accesses inside = accessesIn(&op);
    writes |= inside.writesAny || !inside.written.empty();
  }
  return writes;
}

/// Threads meet at the top of every iteration, so that the last one is over.
LogicalResult KernelWriter::writeLoopBody(Block &block) {
  if (!isCooperative() || !writesInside(block))
    return writeBlock(block);
  Accesses before = pending;
  emit("__syncthreads();");
  pending = Accesses();
  LogicalResult result = writeBlock(block);
  pending.add(before);
  return result;
}

LogicalResult KernelWriter::writeFor(scf::ForOp op) {
  if (failed(declare(op.getRegionIterArgs(), op.getInitArgs())))
    return failure();
  std::string name = freshName("i");
  std::string type = typeName(op.getInductionVar().getType());
  emit("for (" + type + " " + name + " = " + scalar(op.getLowerBound()) + "; " +
       name + " < " + scalar(op.getUpperBound()) + "; " +
       (scalar(op.getStep()) == "1" ? "++" + name
                                    : name + " += " + scalar(op.getStep())) +
       ") {");
  ++indent;
  scalars[op.getInductionVar()] = name;
  if (failed(writeLoopBody(*op.getBody())) ||
      failed(assign(op.getRegionIterArgs(),
                    op.getBody()->getTerminator()->getOperands())))
    return failure();
  --indent;
  emit("}");
  for (auto [result, argument] :
       llvm::zip(op.getResults(), op.getRegionIterArgs())) {
    if (isa<MemRefType>(result.getType()))
      views[result] = views[argument];
    else
      scalars[result] = scalar(argument);
  }
  return success();
}

/// Iterations are independent. One that works on whole buffers is for all
/// threads; scalar ones are a thread's each.
LogicalResult KernelWriter::writeForall(scf::ForallOp op) {
  if (op->hasAttr(kWorkgroupsAttr))
    return writeTiles(op);
  bool isForBlock = false;
  op.walk([&](Operation *inner) {
    isForBlock |= isa<linalg::LinalgOp, memref::CopyOp>(inner);
  });
  bool distribute = isCooperative() && !isForBlock;
  if (distribute)
    meet(accessesIn(op));
  SmallVector<std::string> counts;
  std::string total = "1";
  for (auto [begin, end, step] :
       llvm::zip(op.getMixedLowerBound(), op.getMixedUpperBound(),
                 op.getMixedStep())) {
    if (!distribute) {
      std::string name = freshName("i");
      emit("for (Index " + name + " = " + text(begin) + "; " + name + " < " +
           text(end) + "; " + name + " += " + text(step) + ") {");
      ++indent;
      scalars[op.getInductionVar(counts.size())] = name;
    }
    std::string extent =
        sumText(text(end), text(begin) == "0" ? "0" : "-1 * " + text(begin));
    counts.push_back(text(step) == "1"
                         ? extent
                         : "ceilDivide(" + extent + ", " + text(step) + ")");
    total = productText(total, counts.back());
  }
  if (distribute) {
    std::string name = freshName("i"), rest = name;
    emit("for (Index " + name + " = threadIdx.x; " + name + " < " + total +
         "; " + name + " += " + llvm::Twine(configuration.threads) + ") {");
    ++indent;
    for (size_t dim = counts.size(); dim-- > 0;) {
      std::string position =
          dim ? "(" + rest + ") % (" + counts[dim] + ")" : rest;
      rest = "(" + rest + ") / (" + counts[dim] + ")";
      define(op.getInductionVar(dim),
             sumText(productText(position, text(op.getMixedStep()[dim])),
                     text(op.getMixedLowerBound()[dim])));
    }
  }
  bool wasWithin = isWithinThread;
  isWithinThread |= distribute;
  LogicalResult result = writeLoopBody(*op.getBody());
  isWithinThread = wasWithin;
  for (size_t level = 0; level < (distribute ? 1 : counts.size()); ++level) {
    --indent;
    emit("}");
  }
  return result;
}

/// The kernel's workgroups: which one is ours.
LogicalResult KernelWriter::writeTiles(scf::ForallOp op) {
  SmallVector<std::string> counts;
  std::string total = "1";
  for (auto [begin, end, step] :
       llvm::zip(op.getMixedLowerBound(), op.getMixedUpperBound(),
                 op.getMixedStep())) {
    if (text(begin) != "0")
      return op.emitOpError() << "must begin at 0";
    std::optional<int64_t> extent = asNumber(text(end)),
                           stride = asNumber(text(step));
    std::string count = text(end);
    if (extent && stride && *stride > 0)
      count = std::to_string(llvm::divideCeil(*extent, *stride));
    else if (text(step) != "1")
      count = "ceilDivide(" + text(end) + ", " + text(step) + ")";
    if (!asNumber(count) && StringRef(count).contains('(')) {
      std::string name = freshName("n");
      emit("const Index " + name + " = " + count + ";");
      count = name;
    }
    counts.push_back(count);
    total = productText(total, count);
  }
  std::string group = freshName("w");
  if (configuration.granularity == Granularity::Block)
    emit("const Index " + group + " = blockIdx.x;");
  if (configuration.granularity == Granularity::Thread) {
    emit("const Index " + group + " = blockIdx.x * " +
         llvm::Twine(configuration.threads) + "ll + threadIdx.x;");
    emit("if (" + group + " >= " + total + ")");
    emit("  return;");
  }
  bool isRow = configuration.granularity == Granularity::Row;
  if (isRow) {
    emit("rowsInRegisters<" + llvm::Twine(configuration.threads) + ">(" +
         total + ", [&](const Index " + group + ") {");
    ++indent;
  }
  std::string rest = group;
  for (size_t dim = counts.size(); dim-- > 0;) {
    std::string position = rest;
    if (dim)
      position = rest + " % " + counts[dim];
    std::string name = freshName("i");
    std::string scaled = productText(position, text(op.getMixedStep()[dim]));
    emit("const Index " + name + " = " + scaled + ";");
    scalars[op.getInductionVar(dim)] = name;
    if (dim) {
      std::string next = freshName("w");
      emit("const Index " + next + " = " + rest + " / " + counts[dim] + ";");
      rest = next;
    }
  }
  if (failed(writeBlock(*op.getBody())))
    return failure();
  if (isRow) {
    --indent;
    emit("});");
  }
  return success();
}

LogicalResult KernelWriter::writeIf(scf::IfOp op) {
  if (failed(declare(op.getResults(), {})))
    return failure();
  emit("if (" + scalar(op.getCondition()) + ") {");
  Accesses before = pending, after = pending;
  for (Region *region : {&op.getThenRegion(), &op.getElseRegion()}) {
    if (region->empty())
      continue;
    if (region == &op.getElseRegion()) {
      if (region->front().without_terminator().empty() &&
          op.getNumResults() == 0)
        continue;
      emit("} else {");
    }
    ++indent;
    pending = before;
    if (failed(writeBlock(region->front())) ||
        failed(assign(op.getResults(),
                      region->front().getTerminator()->getOperands())))
      return failure();
    after.add(pending);
    --indent;
  }
  pending = after;
  emit("}");
  return success();
}

LogicalResult KernelWriter::writeWhile(scf::WhileOp op) {
  Block &test = *op.getBeforeBody(), &loop = *op.getAfterBody();
  if (failed(declare(test.getArguments(), op.getInits())) ||
      failed(declare(op.getResults(), {})))
    return failure();
  emit("while (true) {");
  ++indent;
  Accesses before = pending;
  // Threads meet at the top of every iteration, so that the last one is over.
  if (isCooperative() && (writesInside(test) || writesInside(loop))) {
    emit("__syncthreads();");
    pending = Accesses();
  }
  if (failed(writeBlock(test)))
    return failure();
  scf::ConditionOp condition = op.getConditionOp();
  if (failed(assign(op.getResults(), condition.getArgs())))
    return failure();
  emit("if (!" + scalar(condition.getCondition()) + ")");
  emit("  break;");
  for (auto [argument, result] :
       llvm::zip(loop.getArguments(), op.getResults())) {
    if (isa<MemRefType>(result.getType()))
      views[argument] = views[result];
    else
      scalars[argument] = scalar(result);
  }
  if (failed(writeBlock(loop)) ||
      failed(assign(test.getArguments(), loop.getTerminator()->getOperands())))
    return failure();
  --indent;
  emit("}");
  pending.add(before);
  return success();
}
