// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// State that a session keeps per sequence slot.
#ifndef TRINE_DIALECT_TRINE_TRINESTATEOPS
#define TRINE_DIALECT_TRINE_TRINESTATEOPS

def Trine_StateOpenOp : Trine_Op<"state.open", [MemoryEffects<[MemRead]>]> {
  let summary = "The session's state of a name";
  let description = [{
    result = the state `name` of the running session, with at least `capacity` entries per slot

    ```mlir
    %s = trine.state.open "layer0.latent" capacity 4096 : !trine.state<tensor<?x?x512xf32>, axis 1>
    ```
  }];
  let arguments = (ins StrAttr:$name, DefaultValuedAttr<I64Attr, "0">:$capacity);
  let results = (outs Trine_StateType:$result);
  let assemblyFormat = "$name `capacity` $capacity attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

class Trine_StateUpdateOp<string mnemonic> : Trine_Op<mnemonic, [MemoryEffects<[MemRead, MemWrite]>, AllTypesMatch<["state", "result"]>]> {
  let results = (outs Trine_StateType:$result);
}

def Trine_StateAppendOp : Trine_StateUpdateOp<"state.append"> {
  let summary = "Appends new entries to each slot, in place";
  let description = [{
    for each slot b: storage[b, lengths[b] : lengths[b] + counts[b]] = values[b, 0 : counts[b]]; lengths += counts

    Costs O(new), not O(past). Without `counts` every slot takes all rows of `values`. A state with axis 0 is replaced by `values`.

    Constraints:
    - append_c1: `values` has the state's rank, element type and sizes except along slots and axis;
    - append_c2: `counts` has rank 1.

    ```mlir
    %s1 = trine.state.append %s, %new counts(%n : tensor<?xi64>) : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?x?x512xf32>
    ```
  }];
  let arguments = (ins Trine_StateType:$state, AnyRankedTensor:$values, Optional<1DTensorOf<[I64]>>:$counts);
  let assemblyFormat = "$state `,` $values (`counts` `(` $counts^ `:` type($counts) `)`)? attr-dict `:` qualified(type($state)) `,` type($values)";
  let hasVerifier = 1;
}

def Trine_StateReadOp : Trine_Op<"state.read", [MemoryEffects<[MemRead]>]> {
  let summary = "The entries of a state and how many each slot has";
  let description = [{
    values = storage[:, 0 : max(lengths)]; lengths = entries per slot

    Constraints:
    - read_c1: `values` has the state's rank and element type.

    ```mlir
    %v, %n = trine.state.read %s : !trine.state<tensor<?x?x512xf32>, axis 1> -> tensor<?x?x512xf32>, tensor<?xi64>
    ```
  }];
  let arguments = (ins Trine_StateType:$state);
  let results = (outs AnyRankedTensor:$values, 1DTensorOf<[I64]>:$lengths);
  let assemblyFormat = "$state attr-dict `:` qualified(type($state)) `->` type($values) `,` type($lengths)";
  let hasVerifier = 1;
}

def Trine_StateTruncateOp : Trine_StateUpdateOp<"state.truncate"> {
  let summary = "Drops the newest entries of each slot";
  let description = [{
    lengths = min(lengths, new_lengths)

    ```mlir
    %s1 = trine.state.truncate %s, %n : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
    ```
  }];
  let arguments = (ins Trine_StateType:$state, 1DTensorOf<[I64]>:$new_lengths);
  let assemblyFormat = "$state `,` $new_lengths attr-dict `:` qualified(type($state)) `,` type($new_lengths)";
}

def Trine_StateForkOp : Trine_StateUpdateOp<"state.fork"> {
  let summary = "Makes slots from other slots";
  let description = [{
    storage'[b] = storage[sources[b]]; lengths'[b] = lengths[sources[b]]

    ```mlir
    %s1 = trine.state.fork %s, %sources : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
    ```
  }];
  let arguments = (ins Trine_StateType:$state, 1DTensorOf<[I64]>:$sources);
  let assemblyFormat = "$state `,` $sources attr-dict `:` qualified(type($state)) `,` type($sources)";
}

def Trine_StateResetOp : Trine_StateUpdateOp<"state.reset"> {
  let summary = "Empties slots";
  let description = [{
    lengths[b] = 0 for every b in slots; a state with axis 0 gets its initial value

    ```mlir
    %s1 = trine.state.reset %s, %slots : !trine.state<tensor<?x?x512xf32>, axis 1>, tensor<?xi64>
    ```
  }];
  let arguments = (ins Trine_StateType:$state, 1DTensorOf<[I64]>:$slots);
  let assemblyFormat = "$state `,` $slots attr-dict `:` qualified(type($state)) `,` type($slots)";
}

#endif
