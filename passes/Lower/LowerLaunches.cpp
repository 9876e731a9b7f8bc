// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "trine/Passes/Lower.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"
#include "trine/Dialect/Plan/WeightLayout.h"
#include "trine/Runtime/ProgramABI.h"

#include <cstddef>

namespace mlir::trine {
#define GEN_PASS_DEF_LOWERLAUNCHES
#include "trine/Passes/Lower.h.inc"
} // namespace mlir::trine

using namespace mlir;
using namespace mlir::trine;

namespace {
/// Writes the body of the program's run function.
class SequenceLowering {
public:
  SequenceLowering(ModuleOp module, func::FuncOp main)
      : module(module), main(main), builder(main.getLoc(), main.getContext()),
        converter(main.getContext()),
        pointer(LLVM::LLVMPointerType::get(main.getContext())),
        word(builder.getI64Type()), status(builder.getI32Type()) {}

  LogicalResult run();

private:
  LogicalResult number();
  LogicalResult lower(Operation &op);
  LogicalResult lowerLaunch(plan::LaunchOp op);
  LogicalResult lowerSelect(plan::SelectOp op);
  void lowerRead(plan::ReadOp op);
  void lowerRequire(plan::RequireOp op);
  void lowerPrefetchIssue(plan::PrefetchIssueOp op);
  void lowerPrefetchAwait(plan::PrefetchAwaitOp op);
  void lowerHash(plan::EngramHashOp op);
  Value elementsOf(Value buffer);

  Value integer(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, type,
                                    builder.getIntegerAttr(type, value));
  }
  Value offset(Value base, uint64_t bytes) {
    return LLVM::GEPOp::create(
        builder, pointer, builder.getI8Type(), base,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
  }
  Value loadPointer(Value base, uint64_t bytes) {
    return LLVM::LoadOp::create(builder, pointer, offset(base, bytes));
  }
  /// Stack memory of `count` words, made once at the start.
  Value slots(uint64_t count);
  void storeWord(Value base, unsigned index, Value value) {
    LLVM::StoreOp::create(builder, value, offset(base, 8 * index));
  }
  Value asWord(Value index) {
    return arith::IndexCastOp::create(builder, word, index);
  }
  Value sizeWord(Value buffer, int64_t dim) {
    return asWord(memref::DimOp::create(builder, buffer, dim));
  }
  /// The address of a buffer's first element, as a word.
  Value address(Value buffer);
  Value toPointer(Value wordValue) {
    return LLVM::IntToPtrOp::create(builder, pointer, wordValue);
  }
  Value makeMemRef(Value data, MemRefType type, ArrayRef<Value> sizes);
  /// Calls a service, and returns its status from the program if it is not 0.
  void callService(uint64_t member, ArrayRef<Value> arguments);
  void returnIfFailed(Value code);
  /// Ends the program with a message unless `holds`; what follows the insertion
  /// point goes on in a block of its own.
  void failUnless(Value holds, StringRef message);
  /// An older runtime has fewer services than the program asks for.
  void checkServices();
  uint64_t device(StringRef name) { return devices.lookup(name); }

  ModuleOp module;
  func::FuncOp main;
  func::FuncOp program;
  ImplicitLocOpBuilder builder;
  LLVMTypeConverter converter;
  Type pointer, word, status;
  Value context, services, weights;
  DenseMap<StringRef, uint64_t> devices, kernels, tables;
  DenseMap<Operation *, Value> tickets; // what the issue got
  llvm::StringMap<uint64_t> offsets;
  unsigned messages = 0, rules = 0;
  /// Bytes of the services up to the last one that is called.
  uint64_t servicesBytes = 0;
};
} // namespace

Value SequenceLowering::slots(uint64_t count) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&program.getBody().front());
  return LLVM::AllocaOp::create(builder, pointer, word,
                                integer(word, std::max<uint64_t>(count, 1)),
                                /*alignment=*/8);
}

Value SequenceLowering::address(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  Value base =
      asWord(memref::ExtractAlignedPointerAsIndexOp::create(builder, buffer));
  if (type.getLayout().isIdentity())
    return base;
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, buffer);
  Type element = type.getElementType();
  int64_t bytes = element.isIndex()
                      ? 8
                      : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  Value shift = arith::MulIOp::create(builder, asWord(metadata.getOffset()),
                                      integer(word, bytes));
  return arith::AddIOp::create(builder, base, shift);
}

Value SequenceLowering::makeMemRef(Value data, MemRefType type,
                                   ArrayRef<Value> sizes) {
  Location loc = builder.getLoc();
  MemRefDescriptor descriptor =
      MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(builder, loc, data);
  descriptor.setAlignedPtr(builder, loc, data);
  descriptor.setConstantOffset(builder, loc, 0);
  SmallVector<Value> all;
  unsigned next = 0;
  for (int64_t size : type.getShape())
    all.push_back(ShapedType::isDynamic(size) ? sizes[next++]
                                              : integer(word, size));
  Value stride = integer(word, 1);
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    descriptor.setSize(builder, loc, dim, all[dim]);
    descriptor.setStride(builder, loc, dim, stride);
    if (dim > 0)
      stride = LLVM::MulOp::create(builder, stride, all[dim]);
  }
  Value structure = descriptor;
  return UnrealizedConversionCastOp::create(builder, type, structure)
      .getResult(0);
}

void SequenceLowering::returnIfFailed(Value code) {
  Value failed = arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, code,
                                       integer(status, 0));
  Block *current = builder.getInsertionBlock();
  Block *next = current->splitBlock(builder.getInsertionPoint());
  auto *leave = new Block;
  program.getBody().push_back(leave);
  builder.setInsertionPointToEnd(leave);
  func::ReturnOp::create(builder, code);
  builder.setInsertionPointToEnd(current);
  cf::CondBranchOp::create(builder, failed, leave, next);
  builder.setInsertionPointToStart(next);
}

void SequenceLowering::callService(uint64_t member, ArrayRef<Value> arguments) {
  servicesBytes = std::max(servicesBytes, member + sizeof(void *));
  SmallVector<Value> operands{loadPointer(services, member), context};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types;
  for (Value operand : ArrayRef<Value>(operands).drop_front())
    types.push_back(operand.getType());
  auto type = LLVM::LLVMFunctionType::get(status, types);
  auto call = LLVM::CallOp::create(builder, type, operands);
  returnIfFailed(call.getResult());
}

LogicalResult SequenceLowering::number() {
  for (auto op : module.getOps<plan::DeviceOp>())
    devices.insert({op.getSymName(), devices.size()});
  for (auto op : module.getOps<plan::KernelOp>())
    kernels.insert({op.getSymName(), kernels.size()});
  for (auto op : module.getOps<plan::TableOp>())
    tables.insert({op.getSymName(), tables.size()});
  WeightLayout layout = placeWeights(module);
  for (WeightPlace &place : layout.places)
    offsets[place.weight.getSymName()] = place.offset;
  return success();
}

LogicalResult SequenceLowering::lowerLaunch(plan::LaunchOp op) {
  SmallVector<Value> words;
  for (Value operand : op->getOperands()) {
    if (isa<IndexType>(operand.getType())) {
      words.push_back(asWord(operand));
      continue;
    }
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type)
      return op.emitOpError()
             << "operands must be memrefs, got " << operand.getType();
    words.push_back(address(operand));
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        words.push_back(sizeWord(operand, dim));
  }
  Value packed = slots(words.size());
  for (auto [index, value] : llvm::enumerate(words))
    storeWord(packed, index, value);
  std::string name = (op.getKernel() + ".workgroups").str();
  auto count = module.lookupSymbol<func::FuncOp>(name);
  if (!count) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    count = func::FuncOp::create(builder, name,
                                 builder.getFunctionType({pointer}, {word}));
    count.setPrivate();
  }
  Value workgroups =
      func::CallOp::create(builder, count, ValueRange(packed)).getResult(0);
  callService(offsetof(trine_program_services, launch),
              {integer(status, device(op.getDevice())),
               integer(status, op.getQueue()),
               integer(status, kernels.lookup(op.getKernel())), workgroups,
               packed, integer(status, words.size())});
  op.erase();
  return success();
}

void SequenceLowering::lowerRead(plan::ReadOp op) {
  auto type = cast<MemRefType>(op.getBuffer().getType());
  Type element = type.getElementType();
  int64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  Value linear = integer(word, 0);
  for (auto [dim, index] : llvm::enumerate(op.getIndices())) {
    linear =
        arith::MulIOp::create(builder, linear, sizeWord(op.getBuffer(), dim));
    linear = arith::AddIOp::create(builder, linear, asWord(index));
  }
  Value source = arith::AddIOp::create(
      builder, address(op.getBuffer()),
      arith::MulIOp::create(builder, linear, integer(word, bytes)));
  Value slot = slots(1);
  callService(offsetof(trine_program_services, read),
              {integer(status, device(op.getDevice())),
               integer(status, op.getQueue()), toPointer(source), slot,
               integer(word, bytes)});
  Type stored = builder.getIntegerType(8 * bytes);
  Value value = LLVM::LoadOp::create(builder, stored, slot);
  if (stored != element)
    value = arith::TruncIOp::create(builder, element, value);
  op.replaceAllUsesWith(value);
  op.erase();
}

void SequenceLowering::failUnless(Value holds, StringRef message) {
  std::string name = "trine_message_" + std::to_string(messages++);
  std::string text = message.str();
  text.push_back('\0');
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    LLVM::GlobalOp::create(
        builder, LLVM::LLVMArrayType::get(builder.getI8Type(), text.size()),
        /*isConstant=*/true, LLVM::Linkage::Private, name,
        builder.getStringAttr(text));
  }
  Block *current = builder.getInsertionBlock();
  Block *next = current->splitBlock(builder.getInsertionPoint());
  auto *leave = new Block;
  program.getBody().push_back(leave);
  builder.setInsertionPointToEnd(leave);
  Value literal = LLVM::AddressOfOp::create(builder, pointer, name);
  auto type = LLVM::LLVMFunctionType::get(status, {pointer, pointer});
  Value fail = loadPointer(services, offsetof(trine_program_services, fail));
  auto call =
      LLVM::CallOp::create(builder, type, ValueRange{fail, context, literal});
  func::ReturnOp::create(builder, call.getResult());
  builder.setInsertionPointToEnd(current);
  cf::CondBranchOp::create(builder, holds, next, leave);
  builder.setInsertionPointToStart(next);
}

void SequenceLowering::checkServices() {
  // What the first programs had to call needs no check.
  if (servicesBytes <= offsetof(trine_program_services, prefetch_issue))
    return;
  builder.setLoc(program.getLoc());
  builder.setInsertionPointAfterValue(services);
  Value bytes = LLVM::LoadOp::create(
      builder, status,
      offset(services, offsetof(trine_program_services, struct_size)));
  failUnless(arith::CmpIOp::create(builder, arith::CmpIPredicate::uge, bytes,
                                   integer(status, servicesBytes)),
             "the program asks for services that this runtime does not have: "
             "use the runtime of the compiler that made the package, or a "
             "newer one");
}

void SequenceLowering::lowerRequire(plan::RequireOp op) {
  Value slot = slots(1);
  callService(offsetof(trine_program_services, read),
              {integer(status, device(op.getDevice())),
               integer(status, op.getQueue()),
               toPointer(address(op.getCondition())), slot, integer(word, 1)});
  Value flag = LLVM::LoadOp::create(builder, builder.getI8Type(), slot);
  Value holds = arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, flag,
                                      integer(builder.getI8Type(), 0));
  failUnless(holds, op.getMessage());
  op.erase();
}

LogicalResult SequenceLowering::lowerSelect(plan::SelectOp op) {
  if (op.getNumResults() != 0)
    return op.emitOpError()
           << "must have no results here: run trine-assign-buffers first";
  builder.setLoc(op.getLoc());
  builder.setInsertionPoint(op);
  auto branch = scf::IfOp::create(builder, TypeRange(), op.getCondition(),
                                  /*addThenBlock=*/false,
                                  /*addElseBlock=*/false);
  for (auto [from, to] : llvm::zip(op.getRegions(), branch->getRegions())) {
    to.takeBody(*from);
    Operation *yield = to.front().getTerminator();
    builder.setInsertionPoint(yield);
    scf::YieldOp::create(builder);
    yield->erase();
  }
  op.erase();
  return success();
}

/// How many elements a buffer has.
Value SequenceLowering::elementsOf(Value buffer) {
  Value count = integer(word, 1);
  for (int64_t dim = 0; dim < cast<MemRefType>(buffer.getType()).getRank();
       ++dim)
    count = arith::MulIOp::create(builder, count, sizeWord(buffer, dim));
  return count;
}

/// The element type that a wait wants, as the services have it.
static uint32_t tableType(plan::PrefetchAwaitOp op) {
  Type element =
      cast<MemRefType>(op.getDestination().getType()).getElementType();
  return element.isF32()   ? TRINE_TABLE_F32
         : element.isF16() ? TRINE_TABLE_F16
                           : TRINE_TABLE_BF16;
}

void SequenceLowering::lowerPrefetchIssue(plan::PrefetchIssueOp op) {
  Value slot = slots(1);
  callService(
      offsetof(trine_program_services, prefetch_issue),
      {integer(status, device(op.getDevice())), integer(status, op.getQueue()),
       integer(status, tables.lookup(op.getTable())),
       toPointer(address(op.getRows())), elementsOf(op.getRows()), slot});
  // Tickets are numbers below this level; the wait is the only user.
  Value ticket = LLVM::LoadOp::create(builder, word, slot);
  tickets[op] = ticket;
  for (Operation *user : op.getTicket().getUsers())
    if (auto await = dyn_cast<plan::PrefetchAwaitOp>(user))
      callService(offsetof(trine_program_services, prefetch_send),
                  {integer(status, device(op.getDevice())), ticket,
                   integer(status, tableType(await))});
}

void SequenceLowering::lowerPrefetchAwait(plan::PrefetchAwaitOp op) {
  Value destination = op.getDestination();
  Type element = cast<MemRefType>(destination.getType()).getElementType();
  Value bytes = arith::MulIOp::create(
      builder, elementsOf(destination),
      integer(word, llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)));
  Operation *issue = op.getTicket().getDefiningOp();
  callService(offsetof(trine_program_services, prefetch_await),
              {integer(status, device(op.getDevice())),
               integer(status, op.getQueue()), tickets.lookup(issue),
               integer(status, tableType(op)), toPointer(address(destination)),
               bytes});
  op.erase();
  issue->erase();
}

void SequenceLowering::lowerHash(plan::EngramHashOp op) {
  SmallVector<int64_t> rule(TRINE_RULE_CONSTANTS);
  rule[TRINE_RULE_ORDER] = op.getMaxOrder();
  rule[TRINE_RULE_HEADS] = op.getHeads();
  rule[TRINE_RULE_PAD] = op.getPad();
  rule[TRINE_RULE_RESETS] = op.getResetToken().has_value();
  rule[TRINE_RULE_RESET_TOKEN] = op.getResetToken().value_or(0);
  rule[TRINE_RULE_MAP_BYTES] =
      op.getTokenMap() && cast<MemRefType>(op.getTokenMap().getType())
                              .getElementType()
                              .isInteger(32)
          ? 4
          : 8;
  llvm::append_range(rule, op.getMultipliers());
  llvm::append_range(rule, op.getModuli());
  llvm::append_range(rule, op.getOffsets());
  std::string name = "trine_hash_rule_" + std::to_string(rules++);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    auto tensor = RankedTensorType::get(rule.size(), word);
    LLVM::GlobalOp::create(builder, LLVM::LLVMArrayType::get(word, rule.size()),
                           /*isConstant=*/true, LLVM::Linkage::Private, name,
                           DenseElementsAttr::get(tensor, ArrayRef(rule)));
  }
  auto pointerTo = [&](Value buffer) -> Value {
    if (!buffer)
      return LLVM::ZeroOp::create(builder, pointer);
    return toPointer(address(buffer));
  };
  Value map = op.getTokenMap(), ids = op.getTokenIds();
  callService(
      offsetof(trine_program_services, engram_hash),
      {integer(status, device(op.getDevice())), integer(status, op.getQueue()),
       LLVM::AddressOfOp::create(builder, pointer, name), pointerTo(map),
       map ? sizeWord(map, 0) : integer(word, 0), pointerTo(ids),
       sizeWord(ids, 0), sizeWord(ids, 1), pointerTo(op.getHistory()),
       pointerTo(op.getRows()), pointerTo(op.getPresent())});
  op.erase();
}

LogicalResult SequenceLowering::lower(Operation &op) {
  builder.setLoc(op.getLoc());
  builder.setInsertionPoint(&op);
  auto replace = [&](Value value) {
    op.getResult(0).replaceAllUsesWith(value);
    op.erase();
    return success();
  };
  if (auto launch = dyn_cast<plan::LaunchOp>(op))
    return lowerLaunch(launch);
  if (auto load = dyn_cast<plan::LoadWeightOp>(op)) {
    auto type = dyn_cast<MemRefType>(load.getResult().getType());
    if (!type)
      return op.emitOpError() << "result must be a memref";
    Value data =
        LLVM::GEPOp::create(builder, pointer, builder.getI8Type(), weights,
                            ArrayRef<LLVM::GEPArg>{integer(
                                word, offsets.lookup(load.getWeight()))});
    return replace(makeMemRef(data, type, {}));
  }
  if (auto arena = dyn_cast<plan::ArenaOp>(op)) {
    Value slot = slots(1), bytes = asWord(arena.getBytes());
    callService(offsetof(trine_program_services, arena),
                {integer(status, device(arena.getDevice())),
                 integer(status, static_cast<int64_t>(arena.getSpace())), bytes,
                 slot});
    Value data = LLVM::LoadOp::create(builder, pointer, slot);
    auto type = cast<MemRefType>(arena.getResult().getType());
    return replace(makeMemRef(data, type, bytes));
  }
  if (auto output = dyn_cast<plan::OutputOp>(op)) {
    auto type = cast<MemRefType>(output.getResult().getType());
    Value sizes = slots(type.getRank()), slot = slots(1);
    SmallVector<Value> dynamic;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      Value value = integer(word, size);
      if (ShapedType::isDynamic(size)) {
        value = asWord(output.getSizes()[dynamic.size()]);
        dynamic.push_back(value);
      }
      storeWord(sizes, dim, value);
    }
    callService(offsetof(trine_program_services, output),
                {integer(status, output.getIndex()),
                 integer(status, type.getRank()), sizes, slot});
    Value data = LLVM::LoadOp::create(builder, pointer, slot);
    return replace(makeMemRef(data, type, dynamic));
  }
  if (auto read = dyn_cast<plan::ReadOp>(op)) {
    lowerRead(read);
    return success();
  }
  if (auto require = dyn_cast<plan::RequireOp>(op)) {
    lowerRequire(require);
    return success();
  }
  if (auto issue = dyn_cast<plan::PrefetchIssueOp>(op)) {
    lowerPrefetchIssue(issue);
    return success();
  }
  if (auto await = dyn_cast<plan::PrefetchAwaitOp>(op)) {
    if (!await.getTicket().hasOneUse() ||
        !tickets.contains(await.getTicket().getDefiningOp()))
      return op.emitOpError() << "must be the only wait for its ticket, and "
                                 "come after 'plan.prefetch_issue'";
    lowerPrefetchAwait(await);
    return success();
  }
  if (auto hash = dyn_cast<plan::EngramHashOp>(op)) {
    lowerHash(hash);
    return success();
  }
  if (isa<plan::BufferOp>(op))
    return op.emitOpError()
           << "must be a view of the arena here: run trine-plan-memory first";
  return success();
}

LogicalResult SequenceLowering::run() {
  if (failed(number()))
    return failure();
  for (Type type : main.getArgumentTypes()) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref || !memref.getLayout().isIdentity())
      return main.emitOpError()
             << "arguments must be contiguous memrefs, got " << type;
    if (memref.getRank() > TRINE_MAX_RANK)
      return main.emitOpError()
             << "arguments must have at most " << TRINE_MAX_RANK
             << " dimensions, got " << type;
  }
  builder.setInsertionPoint(main);
  program = func::FuncOp::create(builder, "trine_program_run",
                                 builder.getFunctionType({pointer}, {status}));
  Block *entry = program.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  Value call = entry->getArgument(0);
  context = loadPointer(call, offsetof(trine_program_call, context));
  services = loadPointer(call, offsetof(trine_program_call, services));
  weights = loadPointer(call, offsetof(trine_program_call, weights));
  Value inputs = loadPointer(call, offsetof(trine_program_call, inputs));
  SmallVector<Value> arguments;
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto memref = cast<MemRefType>(type);
    Value tensor = offset(inputs, index * sizeof(trine_program_tensor));
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(memref.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(LLVM::LoadOp::create(
            builder, word,
            offset(tensor, offsetof(trine_program_tensor, sizes) + 8 * dim)));
    arguments.push_back(
        makeMemRef(loadPointer(tensor, offsetof(trine_program_tensor, data)),
                   memref, sizes));
  }
  // Control flow first: a failing service leaves from anywhere.
  SmallVector<plan::SelectOp> choices;
  main.walk([&](plan::SelectOp select) { choices.push_back(select); });
  for (plan::SelectOp select : choices)
    if (failed(lowerSelect(select)))
      return failure();
  RewritePatternSet patterns(main.getContext());
  populateSCFToControlFlowConversionPatterns(patterns);
  ConversionTarget target(*main.getContext());
  target.addIllegalOp<scf::ForOp, scf::IfOp, scf::WhileOp,
                      scf::ExecuteRegionOp>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  if (failed(applyPartialConversion(main, target, std::move(patterns))))
    // No test: only a defect upstream leads here.
    return main.emitOpError() << "has control flow that cannot be lowered";
  IRRewriter rewriter(main.getContext());
  Region &body = main.getBody();
  Block *first = &body.front();
  SmallVector<Block *> others;
  for (Block &block : llvm::drop_begin(body))
    others.push_back(&block);
  rewriter.inlineBlockBefore(first, entry, entry->end(), arguments);
  for (Block *block : others)
    block->moveBefore(&program.getBody(), program.getBody().end());
  SmallVector<Operation *> operations;
  program.walk([&](Operation *op) {
    if (isa<func::ReturnOp>(op) ||
        isa_and_nonnull<plan::PlanDialect>(op->getDialect()))
      operations.push_back(op);
  });
  for (Operation *op : operations) {
    if (auto leave = dyn_cast<func::ReturnOp>(op)) {
      builder.setLoc(op->getLoc());
      builder.setInsertionPoint(op);
      func::ReturnOp::create(builder, integer(status, 0));
      op->erase();
      continue;
    }
    if (failed(lower(*op)))
      return failure();
  }
  checkServices();
  main.erase();
  return success();
}

namespace {
struct LowerLaunches : trine::impl::LowerLaunchesBase<LowerLaunches> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isDeclaration()) {
      getOperation().emitError() << "module has no launch sequence '@main'";
      return signalPassFailure();
    }
    if (failed(SequenceLowering(getOperation(), main).run()))
      return signalPassFailure();
    // Weights and sizes are part of the sequence now.
    SmallVector<Operation *> symbols;
    for (Operation &op : getOperation().getOps())
      if (isa<plan::DeviceOp, plan::SymbolOp, plan::WeightOp, plan::TableOp>(
              op))
        symbols.push_back(&op);
    for (Operation *op : symbols)
      op->erase();
  }
};
} // namespace
