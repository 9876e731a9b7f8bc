// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "NominalSizes.h"
#include "SizeBounds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "trine/Dialect/Plan/Plan.h"
#include "trine/Passes/Plan.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::trine {
#define GEN_PASS_DEF_TRINEPLANMEMORY
#include "trine/Passes/Plan.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

/// Arenas and slots start at multiples of this many bytes.
static constexpr int64_t slotAlignment = 64;

namespace {

/// A size in bytes: factor times the dynamic sizes. Equal keys are equal sizes.
struct SizeKey {
  int64_t factor = 1;
  SmallVector<Value> sizes;

  bool operator==(const SizeKey &other) const {
    return factor == other.factor && sizes == other.sizes;
  }
};

/// Memory that buffers use one after the other.
struct Slot {
  SmallVector<SizeKey> members; // distinct
  int64_t nominal = 0;          // size when symbols have the reported size
  unsigned freeAfter = 0;       // position of the last use so far
};

struct Buffer {
  plan::BufferOp op;
  SizeKey size;
  int64_t nominal = 0;
  unsigned begin = 0, end = 0;
  unsigned slot = 0;
};

struct PlanMemory : trine::impl::TrinePlanMemoryBase<PlanMemory> {
  using TrinePlanMemoryBase::TrinePlanMemoryBase;

  void runOnOperation() override;

private:
  void planSpace(Block &block, SizeBounds &bounds, StringAttr device,
                 plan::MemorySpace space, ArrayRef<plan::BufferOp> buffers);
  void giveOwnArena(plan::BufferOp buffer);
  SizeKey makeKey(MemRefType type, ValueRange sizes);
  std::optional<SizeKey> sizeOf(plan::BufferOp buffer,
                                const SizeBounds &bounds);
  void number(Block &block, unsigned &position);
  unsigned lastUse(Value buffer) const;
  int64_t nominal(const SizeKey &key);
  Value emit(OpBuilder &builder, Location loc, const SizeKey &key);

  llvm::DenseMap<Operation *, unsigned> positions;
  std::optional<NominalSizes> nominals;
  llvm::DenseMap<Value, unsigned> numbers;
  SmallVector<Attribute> report;
};

} // namespace

/// Bytes of one element in memory.
static int64_t elementBytes(Type type) {
  if (!type.isIntOrFloat())
    return 8; // index
  return std::max<int64_t>(1,
                           llvm::divideCeil(type.getIntOrFloatBitWidth(), 8));
}

SizeKey PlanMemory::makeKey(MemRefType type, ValueRange sizes) {
  SizeKey key;
  key.factor = elementBytes(type.getElementType());
  for (int64_t dim : type.getShape())
    if (!ShapedType::isDynamic(dim))
      key.factor *= dim;
  // Constants as sizes of dynamic dims count as static.
  for (Value size : sizes) {
    APInt constant;
    if (matchPattern(size, m_ConstantInt(&constant)))
      key.factor *= constant.getSExtValue();
    else
      key.sizes.push_back(size);
  }
  // Products are equal in any order; numbers of first sight make it one order.
  for (Value size : key.sizes)
    numbers.try_emplace(size, numbers.size());
  llvm::sort(key.sizes, [&](Value a, Value b) {
    return numbers.lookup(a) < numbers.lookup(b);
  });
  return key;
}

std::optional<SizeKey> PlanMemory::sizeOf(plan::BufferOp buffer,
                                          const SizeBounds &bounds) {
  ValueRange sizes = buffer.getSizeBounds().empty() ? buffer.getSizes()
                                                    : buffer.getSizeBounds();
  if (!llvm::all_of(sizes, [&](Value size) { return bounds.isKnown(size); }))
    return std::nullopt;
  return makeKey(cast<MemRefType>(buffer.getResult().getType()), sizes);
}

/// Numbers the ops of the sequence; the second region of a choice comes after
/// the first, so that what lives in one never lives in the other.
void PlanMemory::number(Block &block, unsigned &position) {
  for (Operation &op : block) {
    if (auto select = dyn_cast<plan::SelectOp>(op)) {
      positions[select] = position++;
      for (Region *region : select.getRegions())
        number(region->front(), position);
      continue;
    }
    op.walk([&](Operation *nested) { positions[nested] = position; });
    ++position;
  }
}

unsigned PlanMemory::lastUse(Value buffer) const {
  unsigned last = 0;
  SmallVector<Value> views = {buffer};
  while (!views.empty()) {
    Value value = views.pop_back_val();
    for (Operation *user : value.getUsers()) {
      last = std::max(last, positions.lookup(user));
      if (isa<ViewLikeOpInterface>(user))
        llvm::append_range(views, user->getResults());
    }
  }
  return last;
}

int64_t PlanMemory::nominal(const SizeKey &key) {
  int64_t bytes = key.factor;
  for (Value size : key.sizes)
    bytes *= std::max<int64_t>(0, nominals->of(size));
  return llvm::alignTo(std::max<int64_t>(0, bytes), slotAlignment);
}

/// The bytes of a size, rounded up to the alignment of slots.
Value PlanMemory::emit(OpBuilder &builder, Location loc, const SizeKey &key) {
  if (key.sizes.empty())
    return arith::ConstantIndexOp::create(
        builder, loc,
        llvm::alignTo(std::max<int64_t>(0, key.factor), slotAlignment));
  Value bytes = arith::ConstantIndexOp::create(builder, loc, key.factor);
  for (Value size : key.sizes)
    bytes = arith::MulIOp::create(builder, loc, size, bytes);
  if (key.factor % slotAlignment == 0)
    return bytes;
  Value add = arith::ConstantIndexOp::create(builder, loc, slotAlignment - 1);
  Value mask = arith::ConstantIndexOp::create(builder, loc, -slotAlignment);
  bytes = arith::AddIOp::create(builder, loc, bytes, add);
  return arith::AndIOp::create(builder, loc, bytes, mask);
}

void PlanMemory::giveOwnArena(plan::BufferOp buffer) {
  OpBuilder builder(buffer);
  Location loc = buffer.getLoc();
  auto type = cast<MemRefType>(buffer.getResult().getType());
  Value bytes = emit(builder, loc, makeKey(type, buffer.getSizes()));
  auto bytesType = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Value arena =
      plan::ArenaOp::create(builder, loc, bytesType, bytes,
                            buffer.getDeviceAttr(), buffer.getSpaceAttr());
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value view = memref::ViewOp::create(builder, loc, type, arena, zero,
                                      buffer.getSizes());
  buffer.replaceAllUsesWith(view);
  buffer.erase();
}

void PlanMemory::planSpace(Block &block, SizeBounds &bounds, StringAttr device,
                           plan::MemorySpace space,
                           ArrayRef<plan::BufferOp> ops) {
  SmallVector<Buffer> buffers;
  unsigned separate = 0;
  for (plan::BufferOp op : ops) {
    std::optional<SizeKey> size = sizeOf(op, bounds);
    if (!size) {
      giveOwnArena(op);
      ++separate;
      continue;
    }
    Buffer buffer;
    buffer.op = op;
    buffer.nominal = nominal(*size);
    buffer.size = std::move(*size);
    buffer.begin = positions.lookup(op);
    buffer.end = std::max(buffer.begin, lastUse(op.getResult()));
    buffers.push_back(std::move(buffer));
  }

  SmallVector<Slot> slots;
  int64_t total = 0, packed = 0;
  for (Buffer &buffer : buffers) {
    total += buffer.nominal;
    // The free slot of the same size, or else the nearest in size.
    std::optional<unsigned> best;
    int64_t bestDistance = 0;
    for (auto [index, slot] : llvm::enumerate(slots)) {
      if (slot.freeAfter >= buffer.begin)
        continue;
      if (llvm::is_contained(slot.members, buffer.size)) {
        best = index;
        break;
      }
      int64_t distance = std::abs(slot.nominal - buffer.nominal);
      if (!best || distance < bestDistance) {
        best = index;
        bestDistance = distance;
      }
    }
    if (!best) {
      best = slots.size();
      slots.emplace_back();
    }
    Slot &slot = slots[*best];
    if (!llvm::is_contained(slot.members, buffer.size))
      slot.members.push_back(buffer.size);
    slot.nominal = std::max(slot.nominal, buffer.nominal);
    slot.freeAfter = buffer.end;
    buffer.slot = *best;
  }

  Builder attributes(&getContext());
  for (const Slot &slot : slots)
    packed += slot.nominal;
  numSlots += slots.size();
  report.push_back(attributes.getDictionaryAttr({
      attributes.getNamedAttr("device", device),
      attributes.getNamedAttr(
          "space", attributes.getStringAttr(plan::stringifyMemorySpace(space))),
      attributes.getNamedAttr("buffers",
                              attributes.getI64IntegerAttr(ops.size())),
      attributes.getNamedAttr("slots",
                              attributes.getI64IntegerAttr(slots.size())),
      attributes.getNamedAttr("unbounded",
                              attributes.getI64IntegerAttr(separate)),
      attributes.getNamedAttr("symbol_size",
                              attributes.getI64IntegerAttr(reportSize)),
      attributes.getNamedAttr("bytes", attributes.getI64IntegerAttr(packed)),
      attributes.getNamedAttr("bytes_without_sharing",
                              attributes.getI64IntegerAttr(total)),
  }));
  if (buffers.empty())
    return;

  OpBuilder &builder = bounds.builder();
  Location loc = block.getParentOp()->getLoc();
  Value end = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> offsets;
  // Equal sizes are computed once.
  SmallVector<std::pair<SizeKey, Value>> emitted;
  llvm::DenseMap<llvm::hash_code, SmallVector<unsigned, 1>> lookup;
  auto bytesOf = [&](const SizeKey &key) {
    llvm::hash_code hash = llvm::hash_value(key.factor);
    for (Value size : key.sizes)
      hash = llvm::hash_combine(hash, size.getAsOpaquePointer());
    for (unsigned index : lookup[hash])
      if (emitted[index].first == key)
        return emitted[index].second;
    lookup[hash].push_back(emitted.size());
    emitted.push_back({key, emit(builder, loc, key)});
    return emitted.back().second;
  };
  for (const Slot &slot : slots) {
    offsets.push_back(end);
    Value bytes;
    for (const SizeKey &key : slot.members) {
      Value member = bytesOf(key);
      bytes =
          bytes
              ? arith::MaxSIOp::create(builder, loc, bytes, member).getResult()
              : member;
    }
    end = arith::AddIOp::create(builder, loc, end, bytes);
  }
  auto bytesType = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Value arena = plan::ArenaOp::create(
      builder, loc, bytesType, end, FlatSymbolRefAttr::get(device),
      plan::MemorySpaceAttr::get(&getContext(), space));
  for (Buffer &buffer : buffers) {
    OpBuilder views(buffer.op);
    Value view = memref::ViewOp::create(
        views, buffer.op.getLoc(),
        cast<MemRefType>(buffer.op.getResult().getType()), arena,
        offsets[buffer.slot], buffer.op.getSizes());
    buffer.op.replaceAllUsesWith(view);
    buffer.op.erase();
  }
}

void PlanMemory::runOnOperation() {
  auto function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    getOperation().emitError() << "module must have a function '@main'";
    return signalPassFailure();
  }
  if (!llvm::hasSingleElement(function.getBody())) {
    function.emitOpError() << "must have one block";
    return signalPassFailure();
  }
  Block &block = function.getBody().front();
  SizeBounds bounds(block, hoistSizes(block));
  positions.clear();
  nominals.emplace(reportSize);
  numbers.clear();
  report.clear();
  if (failed(nominals->read(getOperation(), function, sizes)))
    return signalPassFailure();
  unsigned position = 0;
  number(block, position);
  llvm::MapVector<std::pair<StringAttr, plan::MemorySpace>,
                  SmallVector<plan::BufferOp>>
      spaces;
  block.walk<WalkOrder::PreOrder>([&](plan::BufferOp buffer) {
    spaces[{buffer.getDeviceAttr().getAttr(), buffer.getSpace()}].push_back(
        buffer);
  });
  for (auto &[key, buffers] : spaces)
    planSpace(block, bounds, key.first, key.second, buffers);
  function->setAttr("plan.memory", ArrayAttr::get(&getContext(), report));
}
