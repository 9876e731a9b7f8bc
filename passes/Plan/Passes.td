// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes from the linalg level to the plan level, in the order of the flow.
#ifndef TRINE_PASSES_PLAN_PASSES
#define TRINE_PASSES_PLAN_PASSES

include "mlir/Pass/PassBase.td"

def TrinePlanState : Pass<"trine-plan-state", "func::FuncOp"> {
  let summary = "Make states of a session arguments of the program";
  let description = [{
    A state that grows becomes an argument of its storage, [slots, ..., capacity, ...], which the program alone writes to (`plan.storage`): new rows
    go in behind each slot's length, and what is read is a slice, which kernels read where it lies. A state that is replaced becomes an
    argument and a result, which the runtime exchanges after the step. Two more arguments: `state.lengths`, the entries of each slot, and
    `state.past`, without data, whose size is the most entries of a slot. `plan.states` lists them for the manifest. Does nothing where
    nothing is promoted.

    ```mlir
    %s = trine.state.open "past" capacity 0 {...} : !trine.state<tensor<?x?x8xf32>, axis 1>
    %s1 = trine.state.append %s, %new : ...
    %present, %lengths = trine.state.read %s1 : ...
    // becomes, with arguments %lengths: tensor<?xi64>, %past: tensor<?xi8>, %storage: tensor<?x?x8xf32>
    %s1 = scf.forall (%b) in (%slots) shared_outs(%o = %storage) -> (tensor<?x?x8xf32>) {
      %l = tensor.extract %lengths[%b] : tensor<?xi64>
      ... tensor.parallel_insert_slice %rows into %o[%b, %l, 0] [1, %new_rows, 8] [1, 1, 1]
    }
    %present = tensor.extract_slice %s1[0, 0, 0] [%slots, %all, 8] [1, 1, 1] : ...
    ```
  }];
  let statistics = [Statistic<"numStates", "states", "States planned">];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect", "scf::SCFDialect", "tensor::TensorDialect"];
}

def TrinePlanWeights : Pass<"trine-plan-weights", "ModuleOp"> {
  let summary = "Give each weight a stored layout and a package symbol";
  let description = [{
    Every `trine.weight` of `@main`, and every dense constant above `constant-limit` bytes, becomes a `plan.weight` and a
    `plan.load_weight`. Transposes of weights are folded into `permutation`; contiguous static slices become weights with a smaller
    byte range. A matrix that is only the right side of matrix products is stored in panels ([N/32][K][32]; 16-bit types in pairs of
    rows, [N/32][K/2][32][2]), and the function sees it through `linalg.unpack`. A product of each head with its columns of a matrix [K, heads * X]
    (the absorbed form of latent attention) reads the same panels, [heads][X/32][K][32], without pairs then: both forms share one stored weight. Weights of grouped products are stored in panels
    too, [E](..)[C/32][K][32]. With `matrix-type` f32 matrices of products become that type, and products widen them. Equal byte ranges with equal layouts are one symbol.
    Joins of weights alone are weights: pieces of files, or constants.

    ```mlir
    %w = trine.weight "w" from "model.onnx" at 64 length 6144 : tensor<64x24xf32>
    %y = linalg.matmul ins(%x, %w : ...) outs(%init : ...)
    // becomes
    plan.weight @w "w" from "model.onnx" at 64 length 6144 : tensor<64x24xf32>
      permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
    %s = plan.load_weight @w : tensor<1x64x32xf32>
    %e = tensor.empty() : tensor<64x24xf32>
    %w = linalg.unpack %s outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %e : ...
    %y = linalg.matmul ins(%x, %w : ...) outs(%init : ...)
    ```
  }];
  let options = [Option<"constantLimit", "constant-limit", "int64_t", "64",
                        "Dense constants of more bytes than this are stored in the package, so that layers that differ in them share kernels">,
                 Option<"packMatrices", "pack-matrices", "bool", "true", "Store right sides of matrix products in panels">,
                 Option<"matrixType", "matrix-type", "std::string", "\"\"", "Store f32 matrices of products as this type: bf16 or f16">];
  let statistics = [Statistic<"numWeights", "weights", "Symbols made">,
                    Statistic<"numJoined", "joined", "Joins of weights that are weights">,
                    Statistic<"numPacked", "packed", "Symbols stored in panels">,
                    Statistic<"numNarrowed", "narrowed", "Symbols stored in a narrower type than their source">,
                    Statistic<"numTwice", "stored-twice", "Weights that are stored in two layouts">,
                    Statistic<"numHeadProducts", "head-products", "Products of heads that read the panels of a whole matrix">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "linalg::LinalgDialect", "tensor::TensorDialect"];
}

def TrineOutlineConstantWork : Pass<"trine-outline-constant-work", "ModuleOp"> {
  let summary = "Compute what depends on weights alone when the package is written";
  let description = [{
    Values of `@main` that are computed from weights and constants alone move to `plan.constant_program` ops, and become weights themselves: of the file of what these
    programs compute. Views (slices, reshapes, transposes), joins that `plan.weight` can say, and copies and widening casts that fuse with what reads them, are no work: they
    stay, of the weight or of the computed value. What is left moves if

    - it has at most as many bytes as what it is computed from (`smaller`: a scaled or a normalised matrix, a product of two), or
    - it has at most `limit` bytes (`small`), or
    - an element of it takes at least `cost` operations (`costly`: a table of cosines, a sum): reading it is cheaper than making it again. No more
      than `part` bytes, though.

    Loops move if it is known how often they run; nothing moves that takes 10^13 operations or more.

    A large matrix of 8-bit integers thus stays one, and is dequantised in the step. Values without weights that take 8 operations or less are made where they are read.
    Values that share work are in one program; programs hold values until they and the weights they read have `part` bytes, so that
    the memory that computing them takes does not grow with the model. Remarks give the figures.

    ```mlir
    func.func @main(...) {
      %w = trine.weight "gate" from "m.onnx" at 0 length 16384 : tensor<64x64xf32>
      %y = linalg.generic ... ins(%w) { arith.mulf }
    // becomes
    plan.constant_program @constants0 {
      %w = trine.weight "gate" from "m.onnx" at 0 length 16384 : tensor<64x64xf32>
      %y = linalg.generic ... ins(%w) { arith.mulf }
      plan.computed %y at [0] : tensor<64x64xf32>
    }
    func.func @main(...) {
      %y = trine.weight "gate (computed)" from "/computed" at 0 length 16384 : tensor<64x64xf32>
    ```
  }];
  let options = [Option<"limit", "limit", "int64_t", "65536", "Values of at most this many bytes are computed whatever they are made of; -1: nothing is computed">,
                 Option<"cost", "cost", "int64_t", "16", "Operations for one element from which on it is computed whatever it is made of">,
                 Option<"part", "part", "int64_t", "268435456", "Bytes that one program reads and computes; more only for one value">];
  let statistics = [Statistic<"numComputed", "computed", "Values that are computed once">,
                    Statistic<"numLeft", "left", "Values that are computed in each step, as they would grow">,
                    Statistic<"numPrograms", "programs", "Programs made">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect"];
}

def TrinePlanTables : Pass<"trine-plan-tables", "ModuleOp"> {
  let summary = "Give large Engram tables to the table store";
  let description = [{
    A `trine.engram.lookup` in a table of more than `limit` bytes becomes the order to fetch the rows and, right behind it, the wait for them. The table
    is then a file of its own in the package, which the runtime's store serves from memory or from disk. A smaller table stays a weight, and its
    lookup a gather. Remarks say which and why.

    ```mlir
    %e = trine.engram.lookup %rows, %table : tensor<?x?x4xi64>, tensor<890x16xf32> -> tensor<?x?x4x16xf32>
    // becomes
    plan.table @table0 "blocks.1.engram.table" values @table0_values
    %t = plan.prefetch_issue @table0 rows(%rows : tensor<?x?x4xi64>) on @device0 queue 0
    %e = plan.prefetch_await %t outs(%empty : tensor<?x?x4x16xf32>) on @device0 queue 0 -> tensor<?x?x4x16xf32>
    ```
  }];
  let options = [Option<"limit", "limit", "int64_t", "-1", "Tables of more bytes than this are served by the store; -1: none">];
  let statistics = [Statistic<"numTables", "tables", "Tables given to the store">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "tensor::TensorDialect"];
}

def TrinePlanEngramHash : Pass<"trine-plan-engram-hash", "ModuleOp"> {
  let summary = "Give hashes of n-grams to the host's library";
  let description = [{
    A `trine.engram.hash` of the launch sequence becomes a `plan.engram_hash`, which the runtime computes with the vectors of the host; the others become
    kernels like all else. With `which` all every hash does, with fetched those do whose rows a `plan.prefetch_issue` reads, and with none no hash.
    Both ways give the same ids. Remarks say which and why.

    ```mlir
    %rows, %present = trine.engram.hash %ids ... : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
    // becomes
    %rows, %present = plan.engram_hash %ids outs(%r, %p : tensor<?x?x4xi64>, tensor<?x2xi64>) ... on @device0 queue 0
      : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
    ```
  }];
  let options = [Option<"which", "which", "std::string", "\"all\"", "Hashes that the library computes: all, fetched or none">];
  let statistics = [Statistic<"numHashes", "hashes", "Hashes given to the library">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "tensor::TensorDialect", "arith::ArithDialect"];
}
def TrineHoistEngramPrefetch : Pass<"trine-hoist-engram-prefetch", "ModuleOp"> {
  let summary = "Start to fetch table rows before the layers that come first";
  let description = [{
    Works on the launch sequence in tensor form. The wait for rows moves to the first op that reads them. What their row ids are computed from (token ids,
    history, constants: hashes) moves up, and the order to fetch with it: to the last launch after which the launches that are left take
    `margin` times as long as the fetch, or, if there is never so much, to the first launch. Rows that depend on activations, or that are fetched in a branch,
    stay where they are. A launch is taken to move its operands at `memory-rate` and to multiply at `flop-rate`; a fetch takes `latency` and, for each row,
    1 / `row-rate` or its bytes at `table-rate`, whichever is longer. Remarks give the figures.

    Launches that depend on fetched rows, weights and sizes alone (the projection to keys and values, norms of keys) can be computed ahead too: with
    `projection` auto where the time that is hidden (`overlap` of theirs) exceeds the time that the earlier wait no longer hides, with always wherever
    there is a place; never where an operand depends on activations.

    ```mlir
    %h = plan.launch @layer0 ...
    %rows = plan.launch @hash ins(%ids : ...) ...
    %t = plan.prefetch_issue @table0 rows(%rows : ...) ...
    %e = plan.prefetch_await %t ...
    %k = plan.launch @project ins(%h, %e : ...) ...
    // becomes
    %rows = plan.launch @hash ins(%ids : ...) ...
    %t = plan.prefetch_issue @table0 rows(%rows : ...) ...
    %h = plan.launch @layer0 ...
    %e = plan.prefetch_await %t ...
    %k = plan.launch @project ins(%h, %e : ...) ...
    ```
  }];
  let options = [Option<"position", "position", "std::string", "\"auto\"", "Where fetches start: auto (by cost), early (first of all) or inline (where rows are needed)">,
                 Option<"latency", "latency", "double", "200", "Microseconds until a fetch's first row is there">,
                 Option<"rowRate", "row-rate", "double", "200000", "Rows that are fetched in a second">,
                 Option<"tableRate", "table-rate", "double", "2", "Gigabytes of rows that are fetched in a second">,
                 Option<"memoryRate", "memory-rate", "double", "20", "Gigabytes that a launch moves in a second">,
                 Option<"flopRate", "flop-rate", "double", "200", "Billions of operations of products in a second">,
                 Option<"projection", "projection", "std::string", "\"auto\"", "Whether what depends on rows and weights alone is computed ahead: auto (by cost), always or never">,
                 Option<"overlap", "overlap", "double", "0", "Share of a projection's time that other launches hide when it is computed ahead: 0 where the same processor computes both, 1 on one of its own">,
                 Option<"margin", "margin", "double", "2", "Work to hide a fetch behind, as a multiple of its time">,
                 Option<"reportSize", "report-size", "int64_t", "64", "What a symbol without a `size` is taken for">,
                 ListOption<"symbolSizes", "size", "std::string", "What one symbol is taken for, as past=4096">];
  let statistics = [Statistic<"numHoisted", "hoisted", "Fetches that start before other launches">,
                    Statistic<"numProjections", "projections", "Launches on fetched rows that are computed ahead">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "tensor::TensorDialect", "arith::ArithDialect"];
}

def TrineFormKernels : Pass<"trine-form-kernels", "ModuleOp"> {
  let summary = "Group the tensor ops of @main into kernels and launches";
  let description = [{
    Every op of `@main` that computes a tensor ends up in a `plan.kernel`, called by a `plan.launch`; reshapes stay between the
    launches as views, index arithmetic stays as it is, `tensor.extract` for sizes becomes `plan.read`, `trine.require` becomes
    `plan.require`. A kernel is a tree of ops: each op but the root is used only inside. Ops that cost nothing (slices, fills, constants,
    empty tensors) are cloned into the kernels that use them. An `scf.if` on sizes alone becomes a `plan.select`, each of whose regions is
    a sequence of its own. Element-wise consumers join a contraction of the same iteration space;
    reductions and element-wise ops over the same leading rows form one kernel ("row").

    ```mlir
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %y = linalg.generic ... ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) { ... }
    // becomes
    plan.kernel @elementwise_0(%x: tensor<?x64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32>
        attributes {skeleton = "elementwise"} {
      %y = linalg.generic ... ins(%x : tensor<?x64xf32>) outs(%out : tensor<?x64xf32>) { ... }
      plan.return %y : tensor<?x64xf32>
    }
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %y = plan.launch @elementwise_0 on @device0 queue 0 ins(%x : ...) outs(%e : ...) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numKernels", "kernels", "Kernels formed, before equal ones become one">,
                    Statistic<"numFused", "fused-ops", "Ops that joined the kernel of their consumer">,
                    Statistic<"numChoices", "choices", "scf.if on sizes that became plan.select">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "linalg::LinalgDialect", "tensor::TensorDialect", "arith::ArithDialect"];
}

def TrineDeduplicateKernels : Pass<"trine-deduplicate-kernels", "ModuleOp"> {
  let summary = "Make kernels with equal bodies one kernel";
  let description = [{
    Kernels are equal when type, skeleton and body are, up to locations and symbol names. The first one stays; launches keep their own
    locations, so reports still name the nodes of each launch. Linear: bodies are compared only within one hash.

    ```mlir
    plan.kernel @row_0(...) ...   plan.kernel @row_7(...) ...   // same body
    plan.launch @row_7 ...
    // becomes
    plan.kernel @row_0(...) ...
    plan.launch @row_0 ...
    ```
  }];
  let statistics = [Statistic<"numErased", "erased", "Kernels that had an equal one">];
}

def TrinePlanScratch : Pass<"trine-plan-scratch", "ModuleOp"> {
  let summary = "Turn temporaries of loop nests into destinations";
  let description = [{
    A loop nest (a sort, say) may need memory of its own whose size only the step tells. Such a `tensor.empty` becomes one more destination
    of its kernel, with one temporary per iteration if it is made within a `scf.forall`, and every launch one more result, which nothing
    reads. So it is planned, bounded and shared like any other buffer, and a workgroup allocates nothing. Left as they are: static
    temporaries up to 4 KiB, and kernels without loops, whose temporaries are only known once they are tiled.

    ```mlir
    plan.kernel @loop_0(%x: tensor<?xi64>, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "loop"} {
      %e = tensor.empty(%n) : tensor<?xi64>
      %r:2 = scf.for ... iter_args(%a = %out, %b = %e) -> (tensor<?xi64>, tensor<?xi64>) { ... }
      plan.return %r#0 : tensor<?xi64>
    }
    // becomes
    plan.kernel @loop_0(%x: tensor<?xi64>, %out: tensor<?xi64>, %scratch: tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>) {
      %r:2 = scf.for ... iter_args(%a = %out, %b = %scratch) -> (tensor<?xi64>, tensor<?xi64>) { ... }
      plan.return %r#0, %r#1 : tensor<?xi64>, tensor<?xi64>
    }
    ```
  }];
  let statistics = [Statistic<"numScratch", "scratch", "Temporaries that became destinations">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "arith::ArithDialect", "scf::SCFDialect", "tensor::TensorDialect"];
}

def TrineAssignBuffers : Pass<"trine-assign-buffers", "ModuleOp"> {
  let summary = "Give every tensor of the launch sequence memory";
  let description = [{
    The sequence works on row-major memrefs afterwards. Each result of a launch gets a `plan.buffer` of its sizes; when they are only known
    while the step runs, the buffer has `bounds` where the sizes are provably bounded by known ones. Reshapes become memref views. Inputs are
    memref arguments; a result of the model is written by its launch straight into `plan.output`, and one that is an input, a weight or
    another result gets a copy kernel. An element-wise launch works in place when its input is dead afterwards: a form of its kernel that finds
    the input in the destination takes its place, so that arguments of a kernel never overlap. What a `plan.select` yields is written by both
    regions into one buffer. `@main` has no
    results any more; their attributes and types are in `plan.results`.

    ```mlir
    func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x64xf32> {onnx.name = "y"}) {
      %e = tensor.empty(%n) : tensor<?x64xf32>
      %y = plan.launch @scale on @device0 queue 0 ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    // becomes
    func.func @main(%x: memref<?x64xf32>) attributes {plan.results = [{onnx.name = "y", type = tensor<?x64xf32>} ]} {
      %y = plan.output 0(%n) : memref<?x64xf32>
      plan.launch @scale on @device0 queue 0 ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>)
      return
    }
    ```
  }];
  let options = [Option<"inPlace", "in-place", "bool", "true", "Let element-wise launches overwrite an input that is dead afterwards">];
  let statistics = [Statistic<"numBuffers", "buffers", "Buffers made">, Statistic<"numInPlace", "in-place", "Launches that overwrite an input">,
                    Statistic<"numCopies", "copies", "Copy kernels added for results">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "linalg::LinalgDialect", "memref::MemRefDialect", "arith::ArithDialect"];
}

def TrinePlanMemory : Pass<"trine-plan-memory", "ModuleOp"> {
  let summary = "Pack the buffers of the launch sequence into one arena per space";
  let description = [{
    Buffers whose lifetimes (from the op that makes them to their last use) are disjoint share a slot: equal sizes first, then the free slot
    nearest in size. The regions of a `plan.select` count one after the other, so what lives inside one never lives inside the other. A slot is as large as its largest member; slots start at multiples of 64 bytes. Offsets are computed once, at the top of
    `@main`, from the sizes of the inputs. A buffer whose size is neither known there nor bounded gets an arena of its own, where it is made.
    `@main` gets `plan.memory`: per space the number of buffers and slots, and the bytes with and without sharing when every
    symbol is what `size` says, or `report-size`.

    ```mlir
    %b = plan.buffer(%n) on @device0 space <device> : memref<?x64xf32>
    // becomes
    %a = plan.arena(%bytes) on @device0 space <device> : memref<?xi8>
    %b = memref.view %a[%offset][%n] : memref<?xi8> to memref<?x64xf32>
    ```
  }];
  let options = [Option<"reportSize", "report-size", "int64_t", "64",
                        "What a symbol without a `size` is taken for in the report and where sizes are compared">,
                 ListOption<"sizes", "size", "std::string", "What one symbol is taken for, as past=4096">];
  let statistics = [Statistic<"numSlots", "slots", "Slots of all arenas">];
  let dependentDialects = ["mlir::trine::plan::PlanDialect", "memref::MemRefDialect", "arith::ArithDialect"];
}

def TrineCheckLevelPlan : Pass<"trine-check-level-plan", "ModuleOp"> {
  let summary = "Name the first op that may not be at the plan level";
  let description = [{
    Legal: in the module `plan.device`, `plan.symbol`, `plan.weight`, `plan.table`, `plan.constant_program`, `plan.kernel` and one `func.func @main`. In `@main`, which has memref
    arguments and no results: ops of the launch sequence, choices between launch sequences, memref views, arith, math, affine and scf on sizes. In kernels: linalg, tensor, arith, math, scf, affine
    and trine ops on tensors.
  }];
}

#endif
