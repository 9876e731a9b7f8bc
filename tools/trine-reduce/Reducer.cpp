// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Reducer.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace {

class Reducer {
public:
  Reducer(ModuleOp module, llvm::function_ref<bool(ModuleOp)> isInteresting)
      : best(module.clone()), isInteresting(isInteresting) {}

  OwningOpRef<ModuleOp> run() {
    for (bool changed = true; changed;) {
      changed = false;
      changed |= removeInChunks(&Reducer::eraseSymbol);
      changed |= removeInChunks(&Reducer::eraseOp);
      changed |= removeInChunks(&Reducer::eraseReturned);
      changed |= removeInChunks(&Reducer::eraseArgument);
    }
    return std::move(best);
  }

private:
  using Step = bool (Reducer::*)(ModuleOp module, unsigned index, bool dryRun);

  /// Tries to take out things by their number, the last first: half of them at
  /// once, a quarter, ..., one.
  bool removeInChunks(Step step) {
    auto count = [&] {
      unsigned result = 0;
      while ((this->*step)(*best, result, /*dryRun=*/true))
        ++result;
      return result;
    };
    bool changed = false;
    unsigned total = count();
    for (unsigned size = std::max(total / 2, 1u); size && total; size /= 2) {
      for (unsigned end = total; end;) {
        unsigned begin = end > size ? end - size : 0;
        OwningOpRef<ModuleOp> candidate = best->clone();
        bool removed = false;
        for (unsigned i = end; i-- > begin;)
          removed |= (this->*step)(*candidate, i, /*dryRun=*/false);
        if (removed && accept(std::move(candidate)))
          changed = true;
        end = begin;
      }
      total = count();
    }
    return changed;
  }

  bool accept(OwningOpRef<ModuleOp> candidate) {
    {
      ScopedDiagnosticHandler silent(candidate->getContext(),
                                     [](Diagnostic &) { return success(); });
      if (failed(verify(*candidate)) || !isInteresting(*candidate))
        return false;
    }
    best = std::move(candidate);
    return true;
  }

  /// The op at a place of a walk that leaves out symbols and terminators.
  static Operation *findOp(ModuleOp module, unsigned index) {
    Operation *found = nullptr;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == module.getOperation() || isa<SymbolOpInterface>(op) ||
          op->hasTrait<OpTrait::IsTerminator>())
        return WalkResult::advance();
      if (index-- != 0)
        return WalkResult::advance();
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  }

  static Value findReplacement(Operation *op, Type type) {
    auto first = [&](auto &&values) {
      for (Value value : values)
        if (value.getType() == type && value.getDefiningOp() != op)
          return value;
      return Value();
    };
    if (Value value = first(op->getOperands()))
      return value;
    for (Block *block = op->getBlock(); block;
         block = block->getParentOp() ? block->getParentOp()->getBlock()
                                      : nullptr) {
      if (Value value = first(block->getArguments()))
        return value;
      if (auto function =
              dyn_cast_or_null<FunctionOpInterface>(block->getParentOp()))
        break;
    }
    // A constant or another value before it.
    for (Operation *before = op->getPrevNode(); before;
         before = before->getPrevNode())
      if (Value value = first(before->getResults()))
        return value;
    return {};
  }

  bool eraseOp(ModuleOp module, unsigned index, bool dryRun) {
    Operation *op = findOp(module, index);
    if (!op || dryRun)
      return op;
    SmallVector<Value> replacements;
    for (Value result : op->getResults()) {
      Value replacement =
          result.use_empty() ? Value() : findReplacement(op, result.getType());
      if (!replacement && !result.use_empty())
        return false;
      replacements.push_back(replacement);
    }
    for (auto [result, replacement] : llvm::zip(op->getResults(), replacements))
      if (replacement)
        result.replaceAllUsesWith(replacement);
    op->erase();
    return true;
  }

  bool eraseSymbol(ModuleOp module, unsigned index, bool dryRun) {
    for (Operation &op : *module.getBody()) {
      if (!isa<SymbolOpInterface>(op) || index-- != 0)
        continue;
      if (!dryRun)
        op.erase();
      return true;
    }
    return false;
  }

  bool eraseReturned(ModuleOp module, unsigned index, bool dryRun) {
    for (auto function : module.getOps<FunctionOpInterface>()) {
      unsigned count = function.getNumResults();
      if (index >= count) {
        index -= count;
        continue;
      }
      if (dryRun)
        return true;
      for (Block &block : function.getFunctionBody()) {
        if (block.getTerminator()->getNumOperands() != count)
          return false;
        block.getTerminator()->eraseOperand(index);
      }
      return succeeded(function.eraseResult(index));
    }
    return false;
  }

  bool eraseArgument(ModuleOp module, unsigned index, bool dryRun) {
    for (auto function : module.getOps<FunctionOpInterface>()) {
      unsigned count = function.getNumArguments();
      if (index >= count) {
        index -= count;
        continue;
      }
      if (dryRun)
        return true;
      return !function.isExternal() &&
             function.getArgument(index).use_empty() &&
             succeeded(function.eraseArgument(index));
    }
    return false;
  }

  OwningOpRef<ModuleOp> best;
  llvm::function_ref<bool(ModuleOp)> isInteresting;
};

} // namespace

OwningOpRef<ModuleOp>
mlir::trine::reduceModule(ModuleOp module,
                          llvm::function_ref<bool(ModuleOp)> isInteresting) {
  return Reducer(module, isInteresting).run();
}
