// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_DIALECT_ONNX_ONNXOPS
#define TRINE_DIALECT_ONNX_ONNXOPS

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::mlir::trine::onnx";
  let summary = "What an ONNX file says: one op per node";
  let description = [{
    Operators carry the semantics of the newest version of their schema in the accepted window (opsets 1 to 27); the importer
    rewrites older spellings, such as an `axes` attribute that became an operand. An absent optional operand is an `onnx.None`
    value, an absent optional result has type `none`. Integer tensors are signless when signed and `ui*` when unsigned; booleans
    are `i1`. Static sizes are in the tensor types; symbolic sizes come from `onnx::ShapeAnalysis`.

    A model is one `func.func @main`. Its arguments and results carry `onnx.name` (string) and `onnx.dims` (array with one
    entry per dimension: an integer, or the symbolic expression as a string).
  }];
  let useDefaultAttributePrinterParser = 0;
  let hasConstantMaterializer = 1;
}

def ONNX_Operand : AnyTypeOf<[AnyTensor]>;
def ONNX_OptionalOperand : AnyTypeOf<[AnyTensor, NoneType]>;
def ONNX_Result : AnyTypeOf<[AnyTensor]>;
def ONNX_OptionalResult : AnyTypeOf<[AnyTensor, NoneType]>;

class ONNX_Operator<string mnemonic, list<Trait> traits = []> : Op<ONNX_Dialect, mnemonic, traits> {
  let assemblyFormat = [{ `(` operands `)` attr-dict `:` functional-type(operands, results) }];
}

def ONNX_NoneOp : Op<ONNX_Dialect, "None", [Pure]> {
  let summary = "Stands for an absent optional operand";
  let results = (outs NoneType:$none);
  let assemblyFormat = "attr-dict";
}

def ONNX_ConstantOp : Op<ONNX_Dialect, "Constant", [Pure, ConstantLike, AllTypesMatch<["value", "output"]>]> {
  let summary = "A small constant: sizes, axes, scalars, up to 1 KiB";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyTensor:$output);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def ONNX_InitializerOp : Op<ONNX_Dialect, "Initializer", [Pure]> {
  let summary = "A weight, by reference to its bytes in a file";
  let description = [{
    The tensor whose little-endian, row-major bytes are `file[offset, offset + length)`. `file` is relative to the model's folder;
    the importer has checked that the range lies in the file and that `length` matches the type. `name` is the initialiser's name,
    for people: nothing may depend on it.

    ```mlir
    %w = onnx.Initializer "emb" from "model.onnx" at 4096 length 40960 : tensor<160x64xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$file, I64Attr:$offset, I64Attr:$length);
  let results = (outs AnyStaticShapeTensor:$output);
  let assemblyFormat = "$name `from` $file `at` $offset `length` $length attr-dict `:` type($output)";
  let hasVerifier = 1;
}

def ONNX_YieldOp : Op<ONNX_Dialect, "Yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Ends a subgraph";
  let arguments = (ins Variadic<AnyType>:$operands_list);
  let assemblyFormat = "attr-dict ($operands_list^ `:` type($operands_list))?";
}

include "ONNXOperators.td"

#endif
