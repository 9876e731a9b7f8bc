// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WorkgroupCount.h"

#include "ElementWriter.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::trine;
using namespace mlir::trine::cuda;

bool LaunchSize::multiply(plan::KernelOp kernel, StringRef text) {
  if (std::optional<int64_t> number = asNumber(text)) {
    constant *= *number;
    return true;
  }
  unsigned argument, dim = 0;
  if (!text.consume_front("a") || text.consumeInteger(10, argument) ||
      argument >= kernel.getArgumentTypes().size())
    return false;
  unsigned word = firstWord(kernel, argument);
  auto tensor = dyn_cast<RankedTensorType>(kernel.getArgumentTypes()[argument]);
  if (text.empty() && !tensor) {
    words.push_back(word);
    return true;
  }
  if (!tensor || !text.consume_front("_") || text.getAsInteger(10, dim) ||
      dim >= tensor.getRank() || !tensor.isDynamicDim(dim))
    return false;
  words.push_back(word + 1 + tensor.getDynamicDimIndex(dim));
  return true;
}

void cuda::defineWorkgroups(
    plan::KernelOp kernel, ModuleOp module,
    function_ref<Value(ImplicitLocOpBuilder &, Value words)> count) {
  std::string name = (kernel.getSymName() + ".workgroups").str();
  // The launch sequence has declared it already.
  if (Operation *declared = SymbolTable::lookupSymbolIn(module, name))
    declared->erase();
  ImplicitLocOpBuilder builder(kernel.getLoc(), kernel.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto function = func::FuncOp::create(
      builder, name,
      builder.getFunctionType({pointer}, {builder.getI64Type()}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  Value result = count(builder, entry->getArgument(0));
  func::ReturnOp::create(builder, result);
}

Value cuda::materialize(ImplicitLocOpBuilder &builder, Value words,
                        const LaunchSize &size) {
  Type word = builder.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value value = arith::ConstantIntOp::create(builder, word, size.constant);
  for (unsigned index : size.words) {
    Value address = LLVM::GEPOp::create(
        builder, pointer, word, words,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
    value = arith::MulIOp::create(
        builder, value,
        LLVM::LoadOp::create(builder, word, address, /*alignment=*/8));
  }
  return value;
}

Value cuda::divideUp(ImplicitLocOpBuilder &builder, Value value,
                     int64_t divisor) {
  Type word = builder.getI64Type();
  return arith::CeilDivSIOp::create(
      builder, value, arith::ConstantIntOp::create(builder, word, divisor));
}
