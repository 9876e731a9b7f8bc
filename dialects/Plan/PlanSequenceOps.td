// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the launch sequence.
#ifndef TRINE_DIALECT_PLAN_PLANSEQUENCEOPS
#define TRINE_DIALECT_PLAN_PLANSEQUENCEOPS

def Plan_LaunchOp : Plan_Op<"launch", [AttrSizedOperandSegments, DestinationStyleOpInterface, MemoryEffects<[MemRead, MemWrite]>,
                                       DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel on a device's queue";
  let description = [{
    outs = kernel(ins, outs). On tensors the op has one result per destination; on memrefs it has none and writes the destinations. Launches
    of one queue run in order.

    Constraints:
    - launch_c1: kernel and device exist;
    - launch_c2: operands have the kernel's types, as tensors or as memrefs of them;
    - launch_c3: the last operands, one for each result of the kernel, are the destinations;
    - launch_c4: operands are all tensors, with one result for each destination, or all memrefs, with none;
    - launch_c5: memrefs are row-major and contiguous;
    - launch_c6: a destination in memory is no other operand.

    ```mlir
    %y = plan.launch @scale on @device0 queue 0 ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
    plan.launch @scale on @device0 queue 0 ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, FlatSymbolRefAttr:$device, DefaultValuedAttr<I64Attr, "0">:$queue,
                   Variadic<AnyTypeOf<[AnyRankedTensor, AnyMemRef, Index]>>:$inputs, Variadic<Plan_Storage>:$destinations);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $kernel `on` $device `queue` $queue (`ins` `(` $inputs^ `:` type($inputs) `)`)?
    `outs` `(` $destinations `:` type($destinations) `)` attr-dict (`->` type($outputs)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() { return getDestinationsMutable(); }
  }];
}

def Plan_LoadWeightOp : Plan_Op<"load_weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The stored form of a weight, mapped from the package";
  let description = [{
    Constraints:
    - load_weight_c1: the weight exists;
    - load_weight_c2: the result is its stored form;
    - load_weight_c3: memory is row-major and contiguous.

    ```mlir
    %w = plan.load_weight @w3 : memref<1x64x32xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs Plan_Storage:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def Plan_BufferOp : Plan_Op<"buffer", [AttrSizedOperandSegments, MemoryEffects<[MemAlloc]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Memory for one value of the sequence";
  let description = [{
    A row-major buffer of the given dynamic sizes, alive from its first to its last use; `trine-plan-memory` turns buffers into
    views of one arena per space. `size_bound` operands, when present, replace the sizes that only a kernel knows
    (data-dependent) for planning.

    Constraints:
    - buffer_c1: there is one size for each dynamic dimension;
    - buffer_c2: bounds are given for all dynamic sizes or for none;
    - buffer_c3: memory is row-major and contiguous;
    - buffer_c4: the device exists.

    ```mlir
    %b = plan.buffer(%batch, %seq) on @device0 space <device> : memref<?x?x64xf32>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, FlatSymbolRefAttr:$device, Plan_MemorySpaceAttr:$space, Variadic<Index>:$size_bounds);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{ `(` $sizes `)` (`bounds` `(` $size_bounds^ `)`)? `on` $device `space` $space attr-dict `:` type($result) }];
  let hasVerifier = 1;
}
def Plan_ArenaOp : Plan_Op<"arena", [MemoryEffects<[MemAlloc]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The block of a space that holds the buffers of a step";
  let description = [{
    At least `bytes` bytes, aligned to 64, valid until the step ends; contents are undefined. A session keeps it between steps and
    grows it only when a step needs more than any before. A step may ask again, for what it only knows the size of later; arenas of one
    step do not overlap.

    Constraints:
    - arena_c1: an arena is memref<?xi8>;
    - arena_c2: the device exists.

    ```mlir
    %a = plan.arena(%bytes) on @device0 space <device> : memref<?xi8>
    ```
  }];
  let arguments = (ins Index:$bytes, FlatSymbolRefAttr:$device, Plan_MemorySpaceAttr:$space);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "`(` $bytes `)` `on` $device `space` $space attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_OutputOp : Plan_Op<"output", [MemoryEffects<[MemAlloc]>]> {
  let summary = "The caller's memory for a result of the model";
  let description = [{
    Tells the caller the sizes of result `index` and gets the memory to write it to.

    Constraints:
    - output_c1: the index is not negative;
    - output_c2: there is one size for each dynamic dimension;
    - output_c3: memory is row-major and contiguous.

    ```mlir
    %o = plan.output 0 (%batch, %seq) : memref<?x?x160xf32>
    ```
  }];
  let arguments = (ins I64Attr:$index, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$index `(` $sizes `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_ReadOp : Plan_Op<"read", [MemoryEffects<[MemRead]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Waits for a queue and reads one element of a buffer on the host";
  let description = [{
    For sizes that only a kernel can tell. Integers are read as they are.

    Constraints:
    - read_c1: there is one index for each dimension;
    - read_c2: the result is an element of the buffer;
    - read_c3: the device exists.

    ```mlir
    %n = plan.read %lengths[%c0] on @device0 queue 0 : memref<?xi64>
    ```
  }];
  let arguments = (ins Plan_Storage:$buffer, Variadic<Index>:$indices, FlatSymbolRefAttr:$device, DefaultValuedAttr<I64Attr, "0">:$queue);
  let results = (outs AnySignlessInteger:$result);
  let assemblyFormat = "$buffer `[` $indices `]` `on` $device `queue` $queue attr-dict `:` type($buffer) `->` type($result)";
  let hasVerifier = 1;
}

def Plan_RequireOp : Plan_Op<"require", [MemoryEffects<[MemRead, MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Ends the step with a message unless a flag in a buffer is set";
  let description = [{
    Constraints:
    - require_c1: the condition is one i1;
    - require_c2: the device exists.

    ```mlir
    plan.require %flag, "indices of node 7 (Gather) must lie in [-160, 160)" on @device0 queue 0 : memref<i1>
    ```
  }];
  let arguments = (ins Plan_Storage:$condition, StrAttr:$message, FlatSymbolRefAttr:$device, DefaultValuedAttr<I64Attr, "0">:$queue);
  let assemblyFormat = "$condition `,` $message `on` $device `queue` $queue attr-dict `:` type($condition)";
  let hasVerifier = 1;
}

def Plan_PrefetchIssueOp : Plan_Op<"prefetch_issue", [MemoryEffects<[MemRead, MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Starts to fetch rows of a table";
  let description = [{
    Waits for the queue, copies the row ids, and returns while the runtime fetches the rows, in the order asked for. A negative id counts from the end of the table.

    Constraints:
    - prefetch_issue_c1: table and device exist;
    - prefetch_issue_c2: rows are i64.

    ```mlir
    %t = plan.prefetch_issue @table0 rows(%rows : memref<?x?x4xi64>) on @device0 queue 0
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$table, Plan_Storage:$rows, FlatSymbolRefAttr:$device, DefaultValuedAttr<I64Attr, "0">:$queue);
  let results = (outs Plan_TicketType:$ticket);
  let assemblyFormat = "$table `rows` `(` $rows `:` type($rows) `)` `on` $device `queue` $queue attr-dict";
  let hasVerifier = 1;
}

def Plan_PrefetchAwaitOp : Plan_Op<"prefetch_await", [DestinationStyleOpInterface, MemoryEffects<[MemRead, MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Waits for rows of a table and writes them";
  let description = [{
    destination[..., :] = table[rows[...], :], rounded once to the destination's type

    A late row costs time; one that cannot be had ends the step with a message. On tensors the op has one result; on memrefs none.

    Constraints:
    - prefetch_await_c1: the destination is f32, f16 or bf16, and of the rows' sizes with the table's width appended;
    - prefetch_await_c2: the result, on tensors, has the destination's type;
    - prefetch_await_c3: the device exists.

    ```mlir
    plan.prefetch_await %t outs(%e : memref<?x?x4x16xf32>) on @device0 queue 0
    ```
  }];
  let arguments = (ins Plan_TicketType:$ticket, Plan_Storage:$destination, FlatSymbolRefAttr:$device, DefaultValuedAttr<I64Attr, "0">:$queue);
  let results = (outs Optional<AnyRankedTensor>:$output);
  let assemblyFormat = "$ticket `outs` `(` $destination `:` type($destination) `)` `on` $device `queue` $queue attr-dict (`->` type($output)^)?";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() { return getDestinationMutable(); }
  }];
}

def Plan_EngramHashOp : Plan_Op<"engram_hash", [AttrSizedOperandSegments, DestinationStyleOpInterface, MemoryEffects<[MemRead, MemWrite]>,
                                               DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Row ids of hashed n-grams, by the host's library";
  let description = [{
    rows, present = `trine.engram.hash` of the same operands and attributes, computed on the host, whatever the device: the ids that fetches need are there
    without a kernel. Waits for the queue. With `reset_token`, that token and everything before it count as `pad` for later tokens. Sums and products wrap.

    Constraints:
    - engram_hash_c1: all operands are i64, token_map also i32; token_ids, history and present have rank 2, rows rank 3, token_map rank 1;
    - engram_hash_c2: max_order is in [2, 64] and heads at least 1;
    - engram_hash_c3: there are max_order multipliers, and (max_order - 1) · heads, at most 65536, moduli and offsets;
    - engram_hash_c4: moduli are positive, offsets not negative, and modulus and offset fit in 63 bits together;
    - engram_hash_c5: history and present have max_order - 1 columns, rows (max_order - 1) · heads;
    - engram_hash_c6: results, on tensors, have the destinations' types; on memrefs there are none;
    - engram_hash_c7: the device exists.

    ```mlir
    %rows, %present = plan.engram_hash %ids history(%h : tensor<?x2xi64>) outs(%r, %p : tensor<?x?x4xi64>, tensor<?x2xi64>) order 3 heads 2
      multipliers [63280230511788609, 3996608348655193, 29694298745574697] moduli [211, 223, 227, 229] offsets [0, 211, 434, 661] pad 2
      on @device0 queue 0 : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
    ```
  }];
  let arguments = (ins Plan_Storage:$token_ids, Optional<Plan_Storage>:$history, Optional<Plan_Storage>:$token_map, Plan_Storage:$rows,
                   Plan_Storage:$present, I64Attr:$max_order, I64Attr:$heads, DenseI64ArrayAttr:$multipliers, DenseI64ArrayAttr:$moduli,
                   DenseI64ArrayAttr:$offsets, I64Attr:$pad, OptionalAttr<I64Attr>:$reset_token, FlatSymbolRefAttr:$device,
                   DefaultValuedAttr<I64Attr, "0">:$queue);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $token_ids (`history` `(` $history^ `:` type($history) `)`)? (`map` `(` $token_map^ `:` type($token_map) `)`)?
    `outs` `(` $rows `,` $present `:` type($rows) `,` type($present) `)` `order` $max_order `heads` $heads `multipliers` $multipliers `moduli` $moduli
    `offsets` $offsets `pad` $pad (`reset` $reset_token^)? `on` $device `queue` $queue attr-dict `:` type($token_ids) (`->` type($outputs)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() {
      return MutableOperandRange(getOperation(), getNumOperands() - 2, 2);
    }
  }];
}

def Plan_SelectOp : Plan_Op<"select", [RecursiveMemoryEffects, NoRegionArguments, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "A choice by shape at run time";
  let description = [{
    Runs the first region where `condition` holds, else the second. Both are parts of the launch sequence. The condition is computed from sizes alone, so
    the host decides without waiting for a queue. On tensors the results are what the region yields; on memrefs there are none, and
    both regions write the same destinations. Buffers of a region live only there, so the two share memory.

    Constraints:
    - select_c1: both regions yield the results.

    ```mlir
    %o = plan.select %few -> (tensor<?x64xf32>) {
      %a = plan.launch @absorbed ... -> tensor<?x64xf32>
      plan.yield %a : tensor<?x64xf32>
    } else {
      %d = plan.launch @decompressed ... -> tensor<?x64xf32>
      plan.yield %d : tensor<?x64xf32>
    }
    plan.select %few {
      plan.launch @absorbed ... outs(%o : memref<?x64xf32>)
    } else {
      plan.launch @decompressed ... outs(%o : memref<?x64xf32>)
    }
    ```
  }];
  let arguments = (ins I1:$condition);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$then_region, SizedRegion<1>:$else_region);
  let assemblyFormat = "$condition (`->` `(` type($outputs)^ `)`)? $then_region `else` $else_region attr-dict";
  let hasVerifier = 1;
}

def Plan_YieldOp : Plan_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"SelectOp">]> {
  let summary = "Ends a region of a choice with its results";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let builders = [OpBuilder<(ins), [{ /* yields nothing */ }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
