// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "InPlaceKernels.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::trine;

static linalg::GenericOp getRoot(plan::KernelOp kernel) {
  return kernel.getBody()
      .front()
      .getTerminator()
      ->getOperand(0)
      .getDefiningOp<linalg::GenericOp>();
}

bool mlir::trine::canOverwrite(plan::KernelOp kernel, unsigned input) {
  FunctionType type = kernel.getFunctionType();
  if (kernel.getSkeleton() != "elementwise" || type.getNumResults() != 1 ||
      type.getInput(input) != type.getResult(0))
    return false;
  Block &body = kernel.getBody().front();
  linalg::GenericOp root = getRoot(kernel);
  Value destination = body.getArguments().back();
  if (!root || root.getNumResults() != 1 || root.getNumReductionLoops() != 0)
    return false;
  OpOperand *init = root.getDpsInitOperand(0);
  if (init->get() != destination ||
      !root.getMatchingIndexingMap(init).isIdentity() ||
      root.payloadUsesValueFromOperand(init) ||
      !llvm::all_of(destination.getUses(), [&](OpOperand &use) {
        return &use == init || isa<tensor::DimOp>(use.getOwner());
      }))
    return false;
  return llvm::all_of(body.getArgument(input).getUses(), [&](OpOperand &use) {
    return use.getOwner() == root && root.isDpsInput(&use) &&
           root.getMatchingIndexingMap(&use).isIdentity();
  });
}

plan::KernelOp mlir::trine::makeInPlace(plan::KernelOp kernel, unsigned input,
                                        SymbolTable &table) {
  OpBuilder builder(kernel);
  plan::KernelOp clone = kernel.clone();
  clone.setSymName((kernel.getSymName() + "_in_place").str());
  table.insert(clone, ++Block::iterator(kernel)); // makes the name unique
  Block &body = clone.getBody().front();
  BlockArgument overwritten = body.getArgument(input);
  linalg::GenericOp root = getRoot(clone);
  Block &step = *root.getBody();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *operand : root.getDpsInputOperands()) {
    BlockArgument element = step.getArgument(inputs.size());
    if (operand->get() == overwritten) {
      element.replaceAllUsesWith(step.getArguments().back());
      step.eraseArgument(element.getArgNumber());
      continue;
    }
    inputs.push_back(operand->get());
    maps.push_back(root.getMatchingIndexingMap(operand));
  }
  maps.push_back(root.getMatchingIndexingMap(root.getDpsInitOperand(0)));
  builder.setInsertionPoint(root);
  auto shorter = linalg::GenericOp::create(
      builder, root.getLoc(), root.getResultTypes(), inputs, root.getDpsInits(),
      maps, root.getIteratorTypesArray());
  shorter.getRegion().takeBody(root.getRegion());
  root->replaceAllUsesWith(shorter);
  root.erase();
  body.eraseArgument(input);
  clone.setFunctionType(
      FunctionType::get(clone.getContext(), body.getArgumentTypes(),
                        clone.getFunctionType().getResults()));
  if (ArrayAttr attributes = clone.getArgAttrsAttr()) {
    SmallVector<Attribute> kept(attributes.getValue());
    kept.erase(kept.begin() + input);
    clone.setArgAttrsAttr(builder.getArrayAttr(kept));
  }
  return clone;
}
