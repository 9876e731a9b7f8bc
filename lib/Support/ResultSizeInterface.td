// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an op's result sizes are, in terms of its operands' sizes.
#ifndef TRINE_SUPPORT_RESULTSIZEINTERFACE
#define TRINE_SUPPORT_RESULTSIZEINTERFACE

include "mlir/IR/OpBase.td"

def ResultSizeOpInterface : OpInterface<"ResultSizeOpInterface"> {
  let cppNamespace = "::mlir::trine";
  let description = [{
    Ops whose result sizes are sums of products of operand sizes and constants. From this one method follow symbolic shapes (the shape analysis of the onnx level),
    reified shapes (index values), and static types.
  }];
  let methods = [InterfaceMethod<
    /*desc=*/"The sizes of each result: one list per result, one entry per dimension.",
    /*retTy=*/"::llvm::SmallVector<::llvm::SmallVector<::mlir::trine::ResultSize>>",
    /*methodName=*/"getResultSizes", /*args=*/(ins)>];
}

#endif
