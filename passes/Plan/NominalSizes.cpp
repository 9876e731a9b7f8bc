// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "NominalSizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "trine/Dialect/Plan/Plan.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::trine;

/// The argument and dimension whose size an op gives.
static std::optional<std::pair<unsigned, int64_t>>
dimOfArgument(Operation *op) {
  Value source;
  std::optional<int64_t> index;
  if (auto dim = dyn_cast_or_null<memref::DimOp>(op)) {
    source = dim.getSource();
    index = dim.getConstantIndex();
  } else if (auto dim = dyn_cast_or_null<tensor::DimOp>(op)) {
    source = dim.getSource();
    index = dim.getConstantIndex();
  }
  auto argument = dyn_cast_or_null<BlockArgument>(source);
  if (!argument || !index)
    return std::nullopt;
  return std::pair(argument.getArgNumber(), *index);
}

LogicalResult NominalSizes::read(ModuleOp module, func::FuncOp main,
                                 ArrayRef<std::string> sizes) {
  llvm::StringMap<plan::SymbolOp> symbols;
  for (auto symbol : module.getOps<plan::SymbolOp>())
    symbols[symbol.getSymName()] = symbol;
  for (const std::string &size : sizes) {
    auto [name, text] = StringRef(size).split('=');
    int64_t value;
    if (text.getAsInteger(10, value) || value < 0)
      return emitError(module.getLoc())
             << "size '" << size
             << "' must be a symbol and a number that is not negative, as "
                "past=4096";
    auto symbol = symbols.find(name);
    if (symbol == symbols.end()) {
      InFlightDiagnostic error = emitError(module.getLoc());
      error << "size '" << size << "' names no symbol; the model has ";
      if (symbols.empty())
        error << "none";
      llvm::interleaveComma(module.getOps<plan::SymbolOp>(), error,
                            [&](plan::SymbolOp known) {
                              error << "'" << known.getSymName() << "'";
                            });
      return error;
    }
    for (Operation &op : main.getBody().front())
      if (auto dim = dimOfArgument(&op);
          dim && dim->first == symbol->second.getInput() &&
          dim->second == static_cast<int64_t>(symbol->second.getDimension()))
        known[op.getResult(0)] = value;
  }
  return success();
}

int64_t NominalSizes::of(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant;
  return of(cast<Value>(size));
}

int64_t NominalSizes::of(Value size) {
  auto found = known.find(size);
  if (found != known.end())
    return found->second;
  known[size] = otherwise; // also ends cycles, which SSA has not
  Operation *op = size.getDefiningOp();
  APInt constant;
  int64_t result = otherwise;
  if (matchPattern(size, m_ConstantInt(&constant))) {
    result = constant.getSExtValue();
  } else if (op && op->getNumOperands() == 2 &&
             !isa<memref::DimOp, tensor::DimOp>(op) &&
             llvm::all_of(op->getOperandTypes(),
                          [](Type type) { return type.isIntOrIndex(); })) {
    int64_t a = of(op->getOperand(0)), b = of(op->getOperand(1));
    result = llvm::TypeSwitch<Operation *, int64_t>(op)
                 .Case([&](arith::AddIOp) { return a + b; })
                 .Case([&](arith::SubIOp) { return a - b; })
                 .Case([&](arith::MulIOp) { return a * b; })
                 .Case([&](arith::MinSIOp) { return std::min(a, b); })
                 .Case([&](arith::MaxSIOp) { return std::max(a, b); })
                 .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
                     [&](auto) { return b > 0 ? a / b : 0; })
                 .Case([&](arith::CeilDivSIOp) {
                   return b > 0 ? (a + b - 1) / b : 0;
                 })
                 .Default([&](Operation *) { return otherwise; });
  } else if (op && isa<arith::IndexCastOp>(op)) {
    result = of(op->getOperand(0));
  }
  return known[size] = result;
}
