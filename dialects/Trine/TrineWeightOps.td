// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops that tie a trine-level program to its files and its run-time checks.
#ifndef TRINE_DIALECT_TRINE_TRINEWEIGHTOPS
#define TRINE_DIALECT_TRINE_TRINEWEIGHTOPS

def Trine_WeightOp : Trine_Op<"weight", [Pure]> {
  let summary = "A weight, by reference to its bytes in a file";
  let description = [{
    result = the tensor whose little-endian, row-major bytes are `file[offset, offset + length)`; `file` is relative to the model's
    folder. `name` is for people. Weights never are attributes: a model may be larger than memory.

    ```mlir
    %w = trine.weight "emb" from "model.onnx" at 4096 length 40960 : tensor<160x64xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$file, I64Attr:$offset, I64Attr:$length);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$name `from` $file `at` $offset `length` $length attr-dict `:` type($result)";
}

def Trine_AssembledWeightOp : Trine_TensorOp<"assembled_weight"> {
  let summary = "A weight put together from pieces of files";
  let description = [{
    result[into + i] = the bytes that each piece names, see #trine.piece

    What transposes, slices, reshapes and joins of weights come to, so that they are done once, at compile time: the stacked matrices of experts that an
    exporter wrote one by one, the halves of a projection. The pieces cover the weight without overlap.

    Constraints:
    - assembled_weight_c1: each piece lies within the weight and has its rank, at least 1;
    - assembled_weight_c2: the pieces have as many elements as the weight;
    - assembled_weight_c3: an element is a whole number of bytes.

    ```mlir
    %w = trine.assembled_weight "gate_up" [#trine.piece<"m.onnx" at 0 strides [1, 8] into [0, 0] sizes [8, 4]>,
      #trine.piece<"m.onnx" at 128 strides [1, 8] into [8, 0] sizes [8, 4]>] : tensor<16x4xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, TypedArrayAttrBase<Trine_WeightPieceAttr, "weight pieces">:$pieces);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$name $pieces attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Trine_RequireOp : Trine_Op<"require"> {
  let summary = "Fails the step with a message unless a condition holds";
  let description = [{
    If `condition` is false the step ends with the status "invalid argument" and `message`; nothing after it can be relied on. Used where
    only run-time values can tell, such as an index that comes from the caller. What follows must stay memory-safe without it.

    ```mlir
    trine.require %all_in_range, "indices of node 7 (Gather) must lie in [-160, 160)" : tensor<i1>
    ```
  }];
  let arguments = (ins 0DTensorOf<[I1]>:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict `:` type($condition)";
}

#endif
