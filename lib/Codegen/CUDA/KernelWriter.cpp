// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelWriter.h"

#include "Scalars.h"
#include "SkeletonWriter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

void Accesses::add(const Accesses &other) {
  read.insert(other.read.begin(), other.read.end());
  written.insert(other.written.begin(), other.written.end());
  readsAny |= other.readsAny;
  writesAny |= other.writesAny;
}

bool Accesses::conflictsWith(const Accesses &next) const {
  auto meets = [](const llvm::SmallPtrSet<Value, 8> &a, bool anyOfA,
                  const llvm::SmallPtrSet<Value, 8> &b, bool anyOfB) {
    if ((anyOfA && (anyOfB || !b.empty())) || (anyOfB && !a.empty()))
      return true;
    return llvm::any_of(a, [&](Value value) { return b.contains(value); });
  };
  return meets(written, writesAny, next.read, next.readsAny) ||
         meets(written, writesAny, next.written, next.writesAny) ||
         meets(read, readsAny, next.written, next.writesAny);
}

Value cuda::rootOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (isa<memref::AllocaOp, memref::GetGlobalOp>(op))
      return buffer;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return nullptr;
    buffer = view.getViewSource();
  }
  auto argument = cast<BlockArgument>(buffer);
  return isa<func::FuncOp>(argument.getOwner()->getParentOp()) ? buffer
                                                               : nullptr;
}

Accesses cuda::accessesIn(Operation *op) {
  Accesses result;
  auto read = [&](Value buffer) {
    if (Value root = rootOf(buffer))
      result.read.insert(root);
    else
      result.readsAny = true;
  };
  auto write = [&](Value buffer) {
    if (Value root = rootOf(buffer))
      result.written.insert(root);
    else
      result.writesAny = true;
  };
  op->walk([&](Operation *inner) {
    if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      read(load.getMemRef());
    } else if (auto store = dyn_cast<memref::StoreOp>(inner)) {
      write(store.getMemRef());
    } else if (auto copy = dyn_cast<memref::CopyOp>(inner)) {
      read(copy.getSource());
      write(copy.getTarget());
    } else if (auto linalg = dyn_cast<linalg::LinalgOp>(inner)) {
      for (OpOperand &operand : linalg->getOpOperands()) {
        if (!isa<MemRefType>(operand.get().getType()))
          continue;
        if (linalg.isDpsInit(&operand))
          write(operand.get());
        if (linalg.payloadUsesValueFromOperand(&operand))
          read(operand.get());
      }
    }
  });
  return result;
}

KernelWriter::KernelWriter(func::FuncOp function,
                           const GenericConfiguration &configuration)
    : function(function), configuration(configuration) {}

void KernelWriter::emit(const llvm::Twine &line) {
  body.append(2 * indent, ' ');
  body += line.str();
  body += '\n';
}

SmallVector<std::string> KernelWriter::texts(ValueRange values) {
  SmallVector<std::string> result;
  for (Value value : values)
    result.push_back(scalar(value));
  return result;
}

std::string KernelWriter::text(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return std::to_string(cast<IntegerAttr>(attribute).getInt());
  return scalar(cast<Value>(value));
}

void KernelWriter::define(Value value, StringRef expression) {
  // Names and numbers stand for themselves.
  bool isName = llvm::all_of(
      expression, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (isName) {
    scalars[value] = expression.str();
    return;
  }
  std::string name = freshName("v");
  emit("const " + typeName(value.getType()) + " " + name + " = " + expression +
       ";");
  scalars[value] = name;
}

void KernelWriter::meet(const Accesses &next) {
  if (!isCooperative())
    return;
  if (pending.conflictsWith(next)) {
    emit("__syncthreads();");
    pending = Accesses();
  }
  pending.add(next);
}

bool KernelWriter::isReadOnly(Value buffer) {
  Value root = rootOf(buffer);
  return root && !all.written.contains(root);
}

static SmallVector<std::string> denseStrides(ArrayRef<std::string> sizes) {
  SmallVector<std::string> strides(sizes.size());
  std::string stride = "1";
  for (size_t dim = sizes.size(); dim-- > 0;) {
    strides[dim] = stride;
    stride = productText(sizes[dim], stride);
  }
  return strides;
}

std::string KernelWriter::address(const View &view,
                                  ArrayRef<std::string> indices) {
  std::string offset = "0";
  for (auto [index, stride] : llvm::zip(indices, view.strides))
    offset = sumText(offset, productText(index, stride));
  return view.pointer + "[" + offset + "]";
}

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

LogicalResult KernelWriter::writeParameters(llvm::raw_ostream &stream) {
  bool first = true;
  for (BlockArgument argument : function.getArguments()) {
    std::string name = "a" + std::to_string(argument.getArgNumber());
    stream << (first ? "" : ", ");
    first = false;
    if (argument.getType().isIndex()) {
      stream << "Index " << name;
      scalars[argument] = name;
      continue;
    }
    auto type = dyn_cast<MemRefType>(argument.getType());
    std::string element = type ? typeName(type.getElementType()) : "";
    if (element.empty())
      return function.emitOpError()
             << "kernel has an argument without a CUDA form, of type "
             << argument.getType();
    stream << (isReadOnly(argument) ? "const " : "") << element
           << " *__restrict__ " << name;
    View view;
    view.pointer = name;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        view.sizes.push_back(std::to_string(size));
        continue;
      }
      view.sizes.push_back(name + "_" + std::to_string(dim));
      stream << ", Index " << view.sizes.back();
    }
    view.strides = denseStrides(view.sizes);
    views[argument] = view;
  }
  return success();
}

LogicalResult KernelWriter::writeGlobals(llvm::raw_ostream &stream) {
  llvm::StringMap<std::string> known;
  WalkResult result = function.walk([&](memref::GetGlobalOp op) {
    std::string &name = known[op.getName()];
    auto type = cast<MemRefType>(op.getType());
    if (name.empty()) {
      name = "constant" + std::to_string(known.size() - 1);
      auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
          op, op.getNameAttr());
      auto values = dyn_cast_or_null<DenseElementsAttr>(
          global ? global.getInitialValueAttr() : Attribute());
      std::string text = values ? constantText(name, values) : "";
      if (text.empty()) {
        op.emitOpError() << "constant of type " << type << " has no CUDA form";
        return WalkResult::interrupt();
      }
      stream << text;
    }
    View view;
    view.pointer = name;
    for (int64_t size : type.getShape())
      view.sizes.push_back(std::to_string(size));
    view.strides = denseStrides(view.sizes);
    views[op.getResult()] = view;
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult KernelWriter::writeTemporary(memref::AllocaOp op) {
  MemRefType type = op.getType();
  std::string element = typeName(type.getElementType());
  if (element.empty() || !type.hasStaticShape() ||
      !type.getLayout().isIdentity())
    return op.emitOpError()
           << "temporary of type " << type << " has no CUDA form";
  bool isShared = configuration.granularity == Granularity::Block;
  int64_t count = std::max<int64_t>(1, type.getNumElements());
  View view;
  view.pointer = freshName("t");
  for (int64_t size : type.getShape())
    view.sizes.push_back(std::to_string(size));
  view.strides = denseStrides(view.sizes);
  // Bytes hold views of any type. Others are not aligned to more than an
  // element, so that no compiler reads past the last one in a vector.
  bool isBytes = type.getElementType().isInteger(8);
  if (isShared && usesDynamicShared) {
    emit(element + " *" + view.pointer + " = reinterpret_cast<" + element +
         " *>(temporaries + " + llvm::Twine(sharedBytes) + ");");
    sharedBytes +=
        llvm::alignTo(count * elementBytes(type.getElementType()), 16);
    views[op.getResult()] = view;
    return success();
  }
  emit((isShared ? "__shared__ " : "") +
       std::string(isBytes ? "__align__(8) " : "") + element + " " +
       view.pointer + "[" + llvm::Twine(count) + "];");
  if (isShared)
    sharedBytes +=
        llvm::alignTo(count * elementBytes(type.getElementType()), 16);
  views[op.getResult()] = view;
  return success();
}

FailureOr<std::string> KernelWriter::write() {
  all = accessesIn(function);
  std::string head;
  llvm::raw_string_ostream stream(head);
  if (configuration.granularity == Granularity::Row)
    stream << "#include \"Rows.h\"\n";
  stream << "#include \"Scalar.h\"\nusing namespace trine::kernels;\n\n";
  if (failed(writeGlobals(stream)))
    return failure();
  stream << "extern \"C\" __global__ void __launch_bounds__("
         << configuration.threads << ") " << function.getSymName() << "(";
  if (failed(writeParameters(stream)))
    return failure();
  stream << ") {\n";
  // Shared memory is declared once, whatever loop it is used in. What is more
  // than declarations may have is given by the launch.
  int64_t total = 0;
  for (auto op : function.getOps<memref::AllocaOp>())
    total += llvm::alignTo(op.getType().getNumElements() *
                               elementBytes(op.getType().getElementType()),
                           16);
  usesDynamicShared = configuration.granularity == Granularity::Block &&
                      total > kStaticSharedBytes;
  if (usesDynamicShared)
    emit("extern __shared__ __align__(16) unsigned char temporaries[];");
  for (auto op : function.getOps<memref::AllocaOp>())
    if (failed(writeTemporary(op)))
      return failure();
  if (failed(writeBlock(function.getBody().front())))
    return failure();
  return head + body + "}\n";
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult KernelWriter::writeBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(writeOperation(op)))
      return failure();
  return success();
}

LogicalResult KernelWriter::writeScalar(Operation &op) {
  SmallVector<std::string> operands = texts(op.getOperands());
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::string value = literal(constant.getValue());
    if (!value.empty()) {
      scalars[constant.getResult()] = value;
      return success();
    }
  } else if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    ArrayRef<std::string> all(operands);
    unsigned dims = apply.getMap().getNumDims();
    define(apply.getResult(),
           affineText(apply.getMap().getResult(0), all.take_front(dims),
                      all.drop_front(dims)));
    return success();
  } else if (isa<affine::AffineMinOp, affine::AffineMaxOp>(op)) {
    AffineMap map = isa<affine::AffineMinOp>(op)
                        ? cast<affine::AffineMinOp>(op).getMap()
                        : cast<affine::AffineMaxOp>(op).getMap();
    ArrayRef<std::string> all(operands);
    unsigned dims = map.getNumDims();
    std::string text;
    for (AffineExpr expression : map.getResults()) {
      std::string next =
          affineText(expression, all.take_front(dims), all.drop_front(dims));
      text = text.empty()
                 ? next
                 : std::string(isa<affine::AffineMinOp>(op) ? "minimum("
                                                            : "maximum(") +
                       text + ", " + next + ")";
    }
    define(op.getResult(0), text);
    return success();
  } else if (std::optional<std::string> expression =
                 scalarExpression(&op, operands)) {
    define(op.getResult(0), *expression);
    return success();
  }
  return op.emitOpError() << "has no CUDA form";
}

LogicalResult KernelWriter::writeOperation(Operation &op) {
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return writeLinalg(linalg);
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return writeLoad(load);
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return writeStore(store);
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return writeCopy(copy);
  if (auto subview = dyn_cast<memref::SubViewOp>(op))
    return writeSubView(subview);
  if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp,
          memref::ViewOp, memref::ReinterpretCastOp>(op))
    return writeReshape(op);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return writeFor(loop);
  if (auto loop = dyn_cast<scf::ForallOp>(op))
    return writeForall(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return writeIf(branch);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return writeWhile(loop);
  if (isa<memref::GetGlobalOp>(op))
    return success();
  if (auto alloca = dyn_cast<memref::AllocaOp>(op)) {
    if (views.contains(alloca.getResult()))
      return success();
    return op.emitOpError() << "must be at the top of the kernel";
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    auto view = views.find(dim.getSource());
    if (!index || view == views.end() ||
        *index >= static_cast<int64_t>(view->second.sizes.size()))
      return op.emitOpError() << "has no CUDA form: the dimension must be "
                                 "known";
    scalars[dim.getResult()] = view->second.sizes[*index];
    return success();
  }
  return writeScalar(op);
}

LogicalResult KernelWriter::writeLoad(memref::LoadOp op) {
  std::string element = typeName(op.getType());
  if (element.empty())
    return op.emitOpError()
           << "loads a type without a CUDA form: " << op.getType();
  meet(accessesIn(op));
  std::string name = freshName("v");
  emit("const " + element + " " + name + " = " +
       address(views[op.getMemRef()], texts(op.getIndices())) + ";");
  scalars[op.getResult()] = name;
  return success();
}

LogicalResult KernelWriter::writeStore(memref::StoreOp op) {
  std::string line = address(views[op.getMemRef()], texts(op.getIndices())) +
                     " = " + scalar(op.getValue()) + ";";
  meet(accessesIn(op));
  emit((isCooperative() ? "if (threadIdx.x == 0) " : "") + line);
  return success();
}

void KernelWriter::writeView(Value result, View view) {
  auto type = cast<MemRefType>(result.getType());
  bool isName = llvm::all_of(
      view.pointer, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (!isName) {
    std::string name = freshName("p");
    emit((isReadOnly(result) ? "const " : "") +
         typeName(type.getElementType()) + " *" + name + " = " + view.pointer +
         ";");
    view.pointer = name;
  }
  for (SmallVector<std::string> *list : {&view.sizes, &view.strides})
    for (std::string &entry : *list)
      if (StringRef(entry).contains(' ')) {
        std::string name = freshName("n");
        emit("const Index " + name + " = " + entry + ";");
        entry = name;
      }
  // What the type knows is better than what was computed.
  SmallVector<int64_t> strides;
  int64_t offset;
  bool known = succeeded(type.getStridesAndOffset(strides, offset));
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim))
      view.sizes[dim] = std::to_string(type.getDimSize(dim));
    if (known && !ShapedType::isDynamic(strides[dim]))
      view.strides[dim] = std::to_string(strides[dim]);
  }
  views[result] = view;
}

LogicalResult KernelWriter::writeSubView(memref::SubViewOp op) {
  View &source = views[op.getSource()], view;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  std::string offset = "0";
  for (auto [dim, start, size, stride] : llvm::enumerate(
           op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides())) {
    offset = sumText(offset, productText(text(start), source.strides[dim]));
    if (dropped[dim])
      continue;
    view.sizes.push_back(text(size));
    view.strides.push_back(productText(text(stride), source.strides[dim]));
  }
  view.pointer = sumText(source.pointer, offset);
  writeView(op.getResult(), view);
  return success();
}

LogicalResult KernelWriter::writeReshape(Operation &op) {
  View source = views[op.getOperand(0)], view;
  view.pointer = source.pointer;
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    for (OpFoldResult size : expand.getMixedOutputShape())
      view.sizes.push_back(text(size));
    view.strides.resize(view.sizes.size());
    for (auto [dim, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      std::string stride = source.strides[dim];
      for (int64_t inner : llvm::reverse(group)) {
        view.strides[inner] = stride;
        stride = productText(view.sizes[inner], stride);
      }
    }
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    for (ReassociationIndices group : collapse.getReassociationIndices()) {
      std::string size = "1", stride = source.strides[group.back()];
      for (int64_t dim : group) {
        size = productText(size, source.sizes[dim]);
        if (source.sizes[dim] != "1")
          stride = source.strides[dim];
      }
      view.sizes.push_back(size);
      view.strides.push_back(stride);
    }
  } else if (auto cast = dyn_cast<memref::ReinterpretCastOp>(op)) {
    if (!cast.getMixedOffsets().empty())
      view.pointer = sumText(view.pointer, text(cast.getMixedOffsets()[0]));
    for (OpFoldResult size : cast.getMixedSizes())
      view.sizes.push_back(text(size));
    for (OpFoldResult stride : cast.getMixedStrides())
      view.strides.push_back(text(stride));
  } else if (auto bytes = dyn_cast<memref::ViewOp>(op)) {
    unsigned next = 0;
    for (int64_t size : bytes.getType().getShape())
      view.sizes.push_back(ShapedType::isDynamic(size)
                               ? scalar(bytes.getSizes()[next++])
                               : std::to_string(size));
    view.strides = denseStrides(view.sizes);
    view.pointer = "reinterpret_cast<" +
                   typeName(bytes.getType().getElementType()) + " *>(" +
                   sumText(view.pointer, scalar(bytes.getByteShift())) + ")";
  } else {
    view = source;
  }
  writeView(op.getResult(0), view);
  return success();
}
