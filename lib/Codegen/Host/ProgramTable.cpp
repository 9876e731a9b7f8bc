// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostImpl.h"

#include "trine/Runtime/ProgramABI.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"

using namespace mlir::trine;
using namespace mlir::trine::host;

namespace {
/// Builds trine_program_query and what it gives.
class TableBuilder {
public:
  TableBuilder(llvm::Module &module)
      : module(module), builder(module.getContext()),
        pointer(llvm::PointerType::getUnqual(module.getContext())),
        word(builder.getInt32Ty()) {}

  void build(llvm::ArrayRef<HostKernel> kernels,
             llvm::ArrayRef<Target> targets);

private:
  llvm::Constant *string(llvm::StringRef text);
  llvm::GlobalVariable *constant(llvm::Constant *value,
                                 const llvm::Twine &name);
  llvm::GlobalVariable *program(llvm::ArrayRef<HostKernel> kernels,
                                llvm::ArrayRef<llvm::Constant *> names,
                                const Target *target);
  /// {eax, ebx, ecx, edx}
  llvm::Value *cpuid(uint32_t leaf);
  llvm::Value *hasBits(llvm::Value *value, uint32_t bits) {
    return builder.CreateICmpEQ(
        builder.CreateAnd(value, builder.getInt32(bits)),
        builder.getInt32(bits));
  }
  llvm::Function *detect();

  llvm::Module &module;
  llvm::IRBuilder<> builder;
  llvm::PointerType *pointer;
  llvm::Type *word;
};
} // namespace

llvm::GlobalVariable *TableBuilder::constant(llvm::Constant *value,
                                             const llvm::Twine &name) {
  return new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::PrivateLinkage, value,
                                  name);
}

llvm::Constant *TableBuilder::string(llvm::StringRef text) {
  return constant(llvm::ConstantDataArray::getString(module.getContext(), text),
                  "name");
}

llvm::GlobalVariable *
TableBuilder::program(llvm::ArrayRef<HostKernel> kernels,
                      llvm::ArrayRef<llvm::Constant *> names,
                      const Target *target) {
  auto *entryType = llvm::StructType::get(pointer, pointer);
  auto *functionType = llvm::FunctionType::get(
      builder.getVoidTy(),
      {pointer, builder.getInt64Ty(), builder.getInt64Ty()}, false);
  llvm::SmallVector<llvm::Constant *> entries;
  for (size_t index = 0; index < kernels.size(); ++index) {
    if (!target) {
      entries.push_back(llvm::ConstantStruct::get(
          entryType, {names[index], llvm::ConstantPointerNull::get(pointer)}));
      continue;
    }
    auto *function =
        llvm::Function::Create(functionType, llvm::GlobalValue::ExternalLinkage,
                               kernelSymbol(index, *target), module);
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->setDSOLocal(true);
    entries.push_back(
        llvm::ConstantStruct::get(entryType, {names[index], function}));
  }
  std::string suffix = target ? target->name : "device";
  auto *table =
      constant(llvm::ConstantArray::get(
                   llvm::ArrayType::get(entryType, entries.size()), entries),
               "kernels." + suffix);
  llvm::Constant *run = module.getFunction("trine_program_run");
  return constant(
      llvm::ConstantStruct::getAnon(
          {builder.getInt32(TRINE_PROGRAM_ABI_VERSION),
           builder.getInt32(sizeof(trine_program)),
           builder.getInt32(kernels.size()), builder.getInt32(0), table, run}),
      "program." + suffix);
}

llvm::Value *TableBuilder::cpuid(uint32_t leaf) {
  auto *type = llvm::StructType::get(word, word, word, word);
  auto *assembly = llvm::InlineAsm::get(
      llvm::FunctionType::get(type, {word, word}, false), "cpuid",
      "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
      /*hasSideEffects=*/false);
  return builder.CreateCall(assembly,
                            {builder.getInt32(leaf), builder.getInt32(0)});
}

/// The level of the processor: 4, 3, or 0 below that. It counts what the
/// operating system saves, too (XCR0).
llvm::Function *TableBuilder::detect() {
  auto *function = llvm::Function::Create(llvm::FunctionType::get(word, false),
                                          llvm::GlobalValue::InternalLinkage,
                                          "trine_processor_level", module);
  llvm::LLVMContext &context = module.getContext();
  auto *entry = llvm::BasicBlock::Create(context, "entry", function);
  auto *more = llvm::BasicBlock::Create(context, "more", function);
  auto *level3 = llvm::BasicBlock::Create(context, "level3", function);
  auto *level4 = llvm::BasicBlock::Create(context, "level4", function);
  auto *none = llvm::BasicBlock::Create(context, "none", function);
  builder.SetInsertPoint(none);
  builder.CreateRet(builder.getInt32(0));

  builder.SetInsertPoint(entry);
  llvm::Value *basic = builder.CreateExtractValue(cpuid(0), 0);
  llvm::Value *extended = builder.CreateExtractValue(cpuid(0x80000000u), 0);
  llvm::Value *first = builder.CreateExtractValue(cpuid(1), 2);
  // fma 12, movbe 22, osxsave 27, avx 28, f16c 29
  llvm::Value *usable =
      hasBits(first, 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29);
  usable = builder.CreateAnd(usable,
                             builder.CreateICmpUGE(basic, builder.getInt32(7)));
  usable = builder.CreateAnd(
      usable, builder.CreateICmpUGE(extended, builder.getInt32(0x80000001u)));
  builder.CreateCondBr(usable, more, none);

  builder.SetInsertPoint(more);
  auto *pair = llvm::StructType::get(word, word);
  auto *assembly = llvm::InlineAsm::get(
      llvm::FunctionType::get(pair, {word}, false), "xgetbv",
      "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", /*hasSideEffects=*/true);
  llvm::Value *saved = builder.CreateExtractValue(
      builder.CreateCall(assembly, {builder.getInt32(0)}), 0);
  llvm::Value *features = builder.CreateExtractValue(cpuid(7), 1);
  llvm::Value *others = builder.CreateExtractValue(cpuid(0x80000001u), 2);
  // xmm and ymm state; bmi 3, avx2 5, bmi2 8; lzcnt 5
  llvm::Value *three = builder.CreateAnd(
      hasBits(saved, 0x6),
      builder.CreateAnd(hasBits(features, 1u << 3 | 1u << 5 | 1u << 8),
                        hasBits(others, 1u << 5)));
  builder.CreateCondBr(three, level3, none);

  builder.SetInsertPoint(level3);
  // opmask and zmm state; avx512 f 16, dq 17, cd 28, bw 30, vl 31
  llvm::Value *four = builder.CreateAnd(
      hasBits(saved, 0xe6),
      hasBits(features, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31));
  auto *only3 = llvm::BasicBlock::Create(context, "only3", function);
  builder.CreateCondBr(four, level4, only3);
  builder.SetInsertPoint(only3);
  builder.CreateRet(builder.getInt32(3));
  builder.SetInsertPoint(level4);
  builder.CreateRet(builder.getInt32(4));
  return function;
}

void TableBuilder::build(llvm::ArrayRef<HostKernel> kernels,
                         llvm::ArrayRef<Target> targets) {
  llvm::SmallVector<llvm::Constant *> names;
  for (const HostKernel &kernel : kernels)
    names.push_back(string(kernel.name));
  auto *query = llvm::Function::Create(
      llvm::FunctionType::get(pointer, {word}, false),
      llvm::GlobalValue::ExternalLinkage, TRINE_PROGRAM_QUERY_SYMBOL, module);
  llvm::LLVMContext &context = module.getContext();
  auto *entry = llvm::BasicBlock::Create(context, "entry", query);
  auto *choose = llvm::BasicBlock::Create(context, "choose", query);
  auto *refuse = llvm::BasicBlock::Create(context, "refuse", query);
  builder.SetInsertPoint(refuse);
  builder.CreateRet(llvm::ConstantPointerNull::get(pointer));
  builder.SetInsertPoint(entry);
  builder.CreateCondBr(
      builder.CreateICmpEQ(query->getArg(0),
                           builder.getInt32(TRINE_PROGRAM_ABI_VERSION)),
      choose, refuse);
  builder.SetInsertPoint(choose);
  // The last variant that the processor can run.
  if (targets.empty()) {
    builder.CreateRet(program(kernels, names, nullptr));
    return;
  }
  llvm::BasicBlock *place = builder.GetInsertBlock();
  llvm::Function *level = detect();
  builder.SetInsertPoint(place);
  llvm::Value *found = builder.CreateCall(level, {});
  llvm::Value *chosen = llvm::ConstantPointerNull::get(pointer);
  for (const Target &target : targets) {
    uint32_t needed = target.vectorBytes == 64 ? 4 : 3;
    chosen = builder.CreateSelect(
        builder.CreateICmpUGE(found, builder.getInt32(needed)),
        program(kernels, names, &target), chosen);
  }
  builder.CreateRet(chosen);
}

void host::addProgramTable(llvm::Module &module,
                           llvm::ArrayRef<HostKernel> kernels,
                           llvm::ArrayRef<Target> targets) {
  TableBuilder(module).build(kernels, targets);
}
