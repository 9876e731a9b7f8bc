// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bf16 values as the integers that hold their bits.
//
// x86-64 processors without bf16 instructions keep a bf16 value that crosses a
// basic block as f32, and LLVM rounds it back by a function of its compiler
// library. All bf16 arithmetic was expanded to f32 before, so what is left only
// moves bits: loads, stores, selects, phis and vector elements. Moving integers
// needs no library.
#include "HostImpl.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace {
class Replacement {
public:
  explicit Replacement(Function &function) : function(function) {}

  void run();

private:
  static bool isBFloat(Type *type) {
    return type->getScalarType()->isBFloatTy();
  }
  /// The integer type with the same bits.
  static Type *integerType(Type *type) {
    Type *bits = Type::getInt16Ty(type->getContext());
    if (auto *vector = dyn_cast<VectorType>(type))
      return VectorType::get(bits, vector->getElementCount());
    return bits;
  }
  /// The bits of a value, at the builder's place when they must be made.
  Value *bitsOf(IRBuilder<> &builder, Value *value);
  /// An instruction that makes the bits of `instruction`; null when it is no
  /// mere move.
  Value *replace(IRBuilder<> &builder, Instruction &instruction);
  /// Rewrites an instruction that takes bf16 values and gives none.
  bool replaceUser(IRBuilder<> &builder, Instruction &instruction);

  Function &function;
  DenseMap<Value *, Value *> bits;
};
} // namespace

Value *Replacement::bitsOf(IRBuilder<> &builder, Value *value) {
  if (Value *known = bits.lookup(value))
    return known;
  return builder.CreateBitCast(value, integerType(value->getType()));
}

Value *Replacement::replace(IRBuilder<> &builder, Instruction &instruction) {
  Type *type = integerType(instruction.getType());
  if (auto *load = dyn_cast<LoadInst>(&instruction))
    return load->isSimple()
               ? builder.CreateAlignedLoad(type, load->getPointerOperand(),
                                           load->getAlign())
               : nullptr;
  if (auto *cast = dyn_cast<BitCastInst>(&instruction)) {
    Value *source = cast->getOperand(0);
    return source->getType()->isIntOrIntVectorTy()
               ? builder.CreateBitCast(source, type)
               : nullptr;
  }
  if (auto *select = dyn_cast<SelectInst>(&instruction))
    return builder.CreateSelect(select->getCondition(),
                                bitsOf(builder, select->getTrueValue()),
                                bitsOf(builder, select->getFalseValue()));
  if (auto *phi = dyn_cast<PHINode>(&instruction))
    return builder.CreatePHI(type, phi->getNumIncomingValues());
  if (auto *extract = dyn_cast<ExtractElementInst>(&instruction))
    return builder.CreateExtractElement(
        bitsOf(builder, extract->getVectorOperand()),
        extract->getIndexOperand());
  if (auto *insert = dyn_cast<InsertElementInst>(&instruction))
    return builder.CreateInsertElement(bitsOf(builder, insert->getOperand(0)),
                                       bitsOf(builder, insert->getOperand(1)),
                                       insert->getOperand(2));
  if (auto *shuffle = dyn_cast<ShuffleVectorInst>(&instruction))
    return builder.CreateShuffleVector(bitsOf(builder, shuffle->getOperand(0)),
                                       bitsOf(builder, shuffle->getOperand(1)),
                                       shuffle->getShuffleMask());
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    if (call->getIntrinsicID() == Intrinsic::masked_load)
      return builder.CreateMaskedLoad(
          type, call->getArgOperand(0), call->getParamAlign(0).valueOrOne(),
          call->getArgOperand(1), bitsOf(builder, call->getArgOperand(2)));
  return nullptr;
}

bool Replacement::replaceUser(IRBuilder<> &builder, Instruction &instruction) {
  if (auto *store = dyn_cast<StoreInst>(&instruction)) {
    if (!store->isSimple() || !isBFloat(store->getValueOperand()->getType()))
      return false;
    builder.CreateAlignedStore(bitsOf(builder, store->getValueOperand()),
                               store->getPointerOperand(), store->getAlign());
    return true;
  }
  if (auto *cast = dyn_cast<BitCastInst>(&instruction)) {
    if (!isBFloat(cast->getSrcTy()) || isBFloat(cast->getDestTy()))
      return false;
    cast->replaceAllUsesWith(builder.CreateBitCast(
        bitsOf(builder, cast->getOperand(0)), cast->getDestTy()));
    return true;
  }
  auto *call = dyn_cast<IntrinsicInst>(&instruction);
  if (!call || call->getIntrinsicID() != Intrinsic::masked_store ||
      !isBFloat(call->getArgOperand(0)->getType()))
    return false;
  builder.CreateMaskedStore(
      bitsOf(builder, call->getArgOperand(0)), call->getArgOperand(1),
      call->getParamAlign(1).valueOrOne(), call->getArgOperand(2));
  return true;
}

void Replacement::run() {
  SmallSetVector<Instruction *, 32> dead;
  SmallVector<PHINode *> phis;
  ReversePostOrderTraversal<Function *> order(&function);
  for (BasicBlock *block : order)
    for (Instruction &instruction : make_early_inc_range(*block)) {
      IRBuilder<> builder(&instruction);
      if (!isBFloat(instruction.getType())) {
        if (replaceUser(builder, instruction))
          dead.insert(&instruction);
        continue;
      }
      Value *replaced = replace(builder, instruction);
      if (!replaced)
        continue;
      bits[&instruction] = replaced;
      dead.insert(&instruction);
      if (auto *phi = dyn_cast<PHINode>(&instruction))
        phis.push_back(phi);
    }
  for (PHINode *phi : phis) {
    auto *replaced = cast<PHINode>(bits[phi]);
    for (unsigned i = 0; i < phi->getNumIncomingValues(); ++i) {
      IRBuilder<> builder(phi->getIncomingBlock(i)->getTerminator());
      replaced->addIncoming(bitsOf(builder, phi->getIncomingValue(i)),
                            phi->getIncomingBlock(i));
    }
  }
  // What still wants the value itself gets it back from its bits.
  for (Instruction *instruction : dead) {
    Value *replaced = bits.lookup(instruction);
    SmallVector<Use *> left;
    for (Use &use : instruction->uses())
      if (!dead.contains(cast<Instruction>(use.getUser())))
        left.push_back(&use);
    if (replaced && !left.empty()) {
      auto *from = dyn_cast<Instruction>(replaced);
      BasicBlock *block = from ? from->getParent() : &function.getEntryBlock();
      IRBuilder<> builder(block, !from || isa<PHINode>(from)
                                     ? block->getFirstInsertionPt()
                                     : std::next(from->getIterator()));
      Value *back = builder.CreateBitCast(replaced, instruction->getType());
      for (Use *use : left)
        use->set(back);
    }
  }
  for (Instruction *instruction : dead)
    if (!instruction->getType()->isVoidTy())
      instruction->replaceAllUsesWith(PoisonValue::get(instruction->getType()));
  for (Instruction *instruction : dead)
    instruction->eraseFromParent();
}

void mlir::trine::host::moveBFloatsAsIntegers(Function &function) {
  if (!function.isDeclaration())
    Replacement(function).run();
}
