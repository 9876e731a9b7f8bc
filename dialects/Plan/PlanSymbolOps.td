// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module-level symbols of a planned program: devices, sizes, weights, kernels, constant programs.
#ifndef TRINE_DIALECT_PLAN_PLANSYMBOLOPS
#define TRINE_DIALECT_PLAN_PLANSYMBOLOPS

def Plan_DeviceOp : Plan_Op<"device", [Symbol]> {
  let summary = "A device that queues, buffers and launches name";
  let description = [{
    ```mlir
    plan.device @device0
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let assemblyFormat = "$sym_name attr-dict";
}

def Plan_SymbolOp : Plan_Op<"symbol", [Symbol]> {
  let summary = "A size that is known only when a step starts";
  let description = [{
    The value of dimension `dimension` of input `input`, within [minimum, maximum] and a multiple of `divisor`. Package-wide.

    Constraints:
    - symbol_c1: 0 <= minimum <= maximum;
    - symbol_c2: the divisor is positive;
    - symbol_c3: input and dimension are not negative.

    ```mlir
    plan.symbol @batch = input 0 dimension 0 range [0, 9223372036854775807] divisor 1
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$input, I64Attr:$dimension,
                   DefaultValuedAttr<I64Attr, "0">:$minimum,
                   DefaultValuedAttr<I64Attr, "std::numeric_limits<int64_t>::max()">:$maximum,
                   DefaultValuedAttr<I64Attr, "1">:$divisor);
  let assemblyFormat = [{
    $sym_name `=` `input` $input `dimension` $dimension `range` `[` $minimum `,` $maximum `]` `divisor` $divisor attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_WeightOp : Plan_Op<"weight", [Symbol]> {
  let summary = "A weight of the package: where its bytes come from and how they are stored";
  let description = [{
    stored = pack(transpose(source, permutation), inner tiles). The source is a byte range of a file (or, for a small computed
    constant, `value`; or, for a weight made of others, its `pieces`, see #trine.piece). With empty `inner_tiles` the stored tensor is the transposed source. Otherwise it is what
    `linalg.pack` makes with `outer_dims_perm`, `inner_dims_pos`, `inner_tiles` and zero padding: matrix products read
    panels of 32 columns ([N/32][K][32]; 16-bit types in pairs of rows, [N/32][K/2][32][2]). A source in f32 may be stored in bf16 or f16, each element rounded
    to nearest. The package holds stored bytes only.

    Constraints:
    - weight_c1: the bytes come from a file, from a value or from pieces: exactly one of them;
    - weight_c2: the permutation is one of the source's dimensions;
    - weight_c3: the stored element type is the source's, or bf16 or f16 where that is f32;
    - weight_c4: the stored shape is that of linalg.pack;
    - weight_c5: a range has as many bytes as the source, a value has its type, pieces lie within it.

    ```mlir
    plan.weight @w3 "val_90" from "model.onnx" at 4096 length 6144 : tensor<64x24xf32>
      permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$name, OptionalAttr<StrAttr>:$file, DefaultValuedAttr<I64Attr, "0">:$offset,
                   DefaultValuedAttr<I64Attr, "0">:$length, OptionalAttr<ElementsAttr>:$value, OptionalAttr<ArrayAttr>:$pieces,
                   TypeAttrOf<AnyStaticShapeTensor>:$source_type,
                   DenseI64ArrayAttr:$permutation, DenseI64ArrayAttr:$outer_dims_perm, DenseI64ArrayAttr:$inner_dims_pos,
                   DenseI64ArrayAttr:$inner_tiles, TypeAttrOf<AnyStaticShapeTensor>:$stored_type);
  let assemblyFormat = [{
    $sym_name $name (`from` $file^ `at` $offset `length` $length)? (`value` $value^)? (`pieces` $pieces^)? `:` $source_type
    `permutation` $permutation `outer` $outer_dims_perm `inner` $inner_dims_pos `tiles` $inner_tiles `stored` $stored_type attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_TableOp : Plan_Op<"table", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A table of Engram rows in a file of its own";
  let description = [{
    Row r is values[r, :], times scales[r, :] per block for 8-bit floats. The two weights say where the bytes come from; they are not in the weights file.
    The runtime's table store serves the rows from memory or from disk.

    Constraints:
    - table_c1: values and scales are weights that are stored as they are;
    - table_c2: values has rank 2 and a type that a store holds: f32, f16, bf16, or f8E4M3FN;
    - table_c3: scales, [rows, width / 32] of f8E8M0FNU, is given exactly for f8E4M3FN.

    ```mlir
    plan.table @table0 "blocks.1.engram.table" values @table0_values
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$name, FlatSymbolRefAttr:$values, OptionalAttr<FlatSymbolRefAttr>:$scales);
  let assemblyFormat = "$sym_name $name `values` $values (`scales` $scales^)? attr-dict";
}

def Plan_KernelOp : Plan_Op<"kernel", [Symbol, IsolatedFromAbove, FunctionOpInterface, SingleBlock]> {
  let summary = "A pure function of tensors that one launch computes";
  let description = [{
    results = body(arguments). Arguments are tensors and sizes (index); results are tensors, written to the launch's `outs`. The body holds
    linalg, tensor, arith, math, scf and trine's online forms on whole tensors. `skeleton` names the form of the root (matmul,
    reduction, elementwise, gather, ...): reports count by it. Kernels with equal bodies are one kernel.

    The last arguments, one for each result, are the destinations: a body computes into them.

    Constraints:
    - kernel_c1: there is one destination argument for each result, of the same type;
    - kernel_c2: arguments are ranked tensors and sizes;
    - kernel_c3: the body ends with plan.return of the results.

    ```mlir
    plan.kernel @scale(%x: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {skeleton = "elementwise"} {
      %y = linalg.generic ... ins(%x) outs(%out)
      plan.return %y : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type, StrAttr:$skeleton,
                   OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ArrayRef<Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ArrayRef<Type> getResultTypes() { return getFunctionType().getResults(); }
    Region *getCallableRegion() { return &getBody(); }
    /// How many of the last arguments are destinations: one per result.
    unsigned getNumDestinations() { return getFunctionType().getNumResults(); }
  }];
}

def Plan_ReturnOp : Plan_Op<"return", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "Ends a kernel's body with its results";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def Plan_ConstantProgramOp : Plan_Op<"constant_program", [Symbol, IsolatedFromAbove, SingleBlock, NoRegionArguments]> {
  let summary = "Weights that are computed once, when the package is written";
  let description = [{
    The body computes tensors from weights in the model's files and from constants alone, at the trine level. lib/Package runs it, compiled for the host whatever
    the target, and puts its results into a file that is there only while the package is written: value i of `plan.computed` is the bytes from its offset on,
    little-endian and row-major, of the file `/computed`, a name that no file of a model can have. The weights of the model read that file as they
    read others: whole, in parts, transposed, packed or narrowed. A module may have several such programs, which run one after the other.

    Constraints:
    - constant_program_c1: the body is pure;
    - constant_program_c2: it reads weights of the model's files, not computed ones.

    ```mlir
    plan.constant_program @constants0 {
      %w = trine.weight "gate" from "model.onnx" at 4096 length 16384 : tensor<64x64xf32>
      %y = linalg.generic ... ins(%w) outs(%empty)
      plan.computed %y at [0] : tensor<64x64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The file that weights name whose bytes a constant program computes.
    static constexpr ::llvm::StringLiteral kFile = "/computed";
  }];
}

def Plan_ComputedOp : Plan_Op<"computed", [Pure, Terminator, ReturnLike, HasParent<"ConstantProgramOp">]> {
  let summary = "Ends a constant program with the weights that it computes";
  let description = [{
    Constraints:
    - computed_c1: there is one offset for each value;
    - computed_c2: offsets are multiples of 64, and values do not overlap: each begins at or behind the end of the one before;
    - computed_c3: an element is i1 (stored as a byte) or a number of a whole number of bytes.
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$values, DenseI64ArrayAttr:$offsets);
  let assemblyFormat = "$values `at` $offsets attr-dict (`:` type($values)^)?";
  let hasVerifier = 1;
}

#endif
