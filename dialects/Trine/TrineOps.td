// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_DIALECT_TRINE_TRINEOPS
#define TRINE_DIALECT_TRINE_TRINEOPS

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "ResultSizeInterface.td"

def Trine_Dialect : Dialect {
  let name = "trine";
  let cppNamespace = "::mlir::trine";
  let summary = "What a model means: attention on latents, routes, experts, hashes, state";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

class Trine_Op<string mnemonic, list<Trait> traits = []> : Op<Trine_Dialect, mnemonic, traits>;

// Ops on tensors: result sizes are products of operand sizes (getResultSizes, in ResultSizes.cpp).
class Trine_TensorOp<string mnemonic, list<Trait> traits = []>
    : Trine_Op<mnemonic, traits # [Pure, DeclareOpInterfaceMethods<ResultSizeOpInterface>, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &sizes) {
      return ::mlir::trine::reifyResultSizes(getOperation(), builder, sizes);
    }
  }];
}

include "TrineAttributes.td"
include "TrineWeightOps.td"
include "TrineNormOps.td"
include "TrineAttentionOps.td"
include "TrineMoEOps.td"
include "TrineEngramOps.td"
include "TrineStateOps.td"

#endif
