// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TRINE_PASSES_LOWER_PASSES
#define TRINE_PASSES_LOWER_PASSES

include "mlir/Pass/PassBase.td"

def ExpandKernels : Pass<"trine-expand-kernels", "::mlir::trine::plan::KernelOp"> {
  let summary = "Writes the trine ops that kernels hold as loops over tiles, for the host";
  let description = [{
    What has a kernel of its own on some device stays one op until here. `trine.attention` becomes one `scf.forall` over ranges of keys, batch,
    heads and blocks of queries. Inside, a loop over tiles of keys keeps the largest score, the sum and the weighted values of each query and
    corrects them when a larger score comes (online softmax), so that scores are never larger than a tile. Queries are transposed once per
    workgroup: vectors run over queries, keys and values are read as they lie. Keys behind the last that a block's queries see are skipped.

    A route is one workgroup per token, a group a counting sort. A grouped product has a workgroup for each block of rows of an expert that has any and each panel of
    columns, found from the offsets: few rows stream the panel once, many go through it in register tiles; how many there are decides at run time. Its weight is read from
    the stored panels, in place of `linalg.unpack`.

    ```mlir
    // before
    %o, %l = trine.attention query(%q : ...) key(%k : ...) value(%v : ...) partial(%p : ...) ...
    // after
    scf.forall (%range, %batch, %head, %block) in (%P, %B, %G, %blocks) shared_outs(%o = %out, %l = %lse) {
      %t = scf.for ... { queries, transposed and scaled }
      %r:3 = scf.for %key = %begin to %end step %c64 iter_args(%sums, %top, %total) {
        linalg.generic {product} ins(%keys, %t) ...; mask; maximum; exp; linalg.generic {product} ins(%weights, %values) ...
      }
      ...
    }
    ```
  }];
  let statistics = [Statistic<"numExpanded", "expanded", "Trine ops that became loops">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def TileKernels : Pass<"trine-tile-kernels", "::mlir::trine::plan::KernelOp"> {
  let summary = "Cuts the root of each kernel into independent tiles, the kernel's workgroups";
  let description = [{
    Fuses chains of element-wise operations, then tiles the root of a kernel's body over parallel loops into one `scf.forall`, and computes the
    root's producers inside the tile wherever this computes nothing twice. Tile sizes depend on types and sizes alone, never on the number of threads.
    A product's columns are cut so that a tile reads one packed panel of its weight; `linalg.unpack` disappears. A body without a parallel
    root is left whole and runs as one workgroup. Temporaries of a tile that may be too large for a worker's stack (a row whose length only
    the step tells) are not made: their users compute the elements themselves, in pieces where they must.

    ```mlir
    // before
    %y = linalg.generic {iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x64xf32>) outs(%out : tensor<?x64xf32>) { ... }
    // after
    %y = scf.forall (%i) = (0) to (%n) step (16) shared_outs(%o = %out) -> (tensor<?x64xf32>) {
      %t = linalg.generic ... ins(%xs : tensor<?x64xf32>) outs(%os : tensor<?x64xf32>) { ... }
      scf.forall.in_parallel { tensor.parallel_insert_slice %t into %o[%i, 0] [%m, 64] [1, 1] ... }
    }
    ```
  }];
  let statistics = [
    Statistic<"numTiled", "tiled", "Kernels cut into workgroups">,
    Statistic<"numWhole", "whole", "Kernels left as one workgroup">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def LowerLaunches : Pass<"trine-lower-launches", "::mlir::ModuleOp"> {
  let summary = "Turns the launch sequence into calls of the runtime's services";
  let description = [{
    `@main` becomes `@trine_program_run(!llvm.ptr) -> i32`, which takes a `trine_program_call` (include/trine/Runtime/ProgramABI.h): inputs,
    weights, arena and outputs become addresses, `plan.launch` packs 64-bit words and calls the service with the number of workgroups that
    `@KERNEL.workgroups` gives, and every service's status that is not 0 ends the step. A kernel's number is its position in the module.

    ```mlir
    // before
    plan.launch @scale on @device0 queue 0 ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>)
    // after
    llvm.store %address, %words[0] ...
    %count = func.call @scale.workgroups(%words) : (!llvm.ptr) -> i64
    %status = llvm.call %launch(%context, %device, %queue, %kernel, %count, %words, %n) : ...
    cf.cond_br %failed, ^return(%status), ^next
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"];
}

def BufferizeKernels : Pass<"trine-bufferize-kernels", "::mlir::ModuleOp"> {
  let summary = "Turns kernels into functions of contiguous memrefs";
  let description = [{
    Each `plan.kernel` becomes a `func.func` whose tensors are memrefs with the identity layout: inputs are only read, destinations do not overlap
    any other argument. Temporaries have a known bound of at most 64 KiB and live on the stack; a kernel never allocates, so a larger one
    is an error.

    ```mlir
    // before
    plan.kernel @scale(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> { %y = linalg.generic ...  plan.return %y }
    // after
    func.func private @scale(%x: memref<?xf32>, %out: memref<?xf32>) { linalg.generic ins(%x) outs(%out) ...  return }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def DistributeWorkgroups : Pass<"trine-distribute-workgroups", "::mlir::ModuleOp"> {
  let summary = "Makes kernels run a range of workgroups, with the program's calling convention";
  let description = [{
    The one `scf.forall` at the top of a kernel's function becomes a loop over workgroups [begin, end); a function without one has a single
    workgroup. Adds `@NAME.entry(!llvm.ptr, i64, i64)`, the kernel function of the program ABI, and `@NAME.workgroups(!llvm.ptr) -> i64`.

    ```mlir
    // before
    func.func private @scale(%x: memref<?xf32>, %out: memref<?xf32>) { scf.forall (%i) = (0) to (%n) step (4096) { ... } return }
    // after
    func.func private @scale(%x: memref<?xf32>, %out: memref<?xf32>, %begin: index, %end: index) { scf.for %w = %begin to %end { ... } return }
    func.func @scale.entry(%words: !llvm.ptr, %begin: i64, %end: i64)
    func.func @scale.workgroups(%words: !llvm.ptr) -> i64
    ```
  }];
  let options = [Option<"countsOnly", "counts-only", "bool", "false",
                        "Add `@NAME.workgroups` alone and mark the `scf.forall` with `trine.workgroups`: for devices with kernels of their own">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def VectorizeKernels : Pass<"trine-vectorize-kernels", "::mlir::func::FuncOp"> {
  let summary = "Turns products into register-tiled vector code and everything else into loops that LLVM vectorises";
  let description = [{
    A product over memrefs becomes a micro kernel: accumulators in vector registers, one broadcast and fused multiply-adds per step, remainders by
    masks and single rows. Other operations become scalar loops whose reductions may be reassociated (at compile time, so results do not depend on
    threads); exp and its kin become polynomials, which vectorise.

    ```mlir
    // before
    linalg.generic {product} ins(%a, %b : memref<?x64xf32>, memref<64x32xf32>) outs(%c : memref<?x32xf32>)
    // after
    scf.for %i = %c0 to %rows step %c8 { %r:16 = scf.for %k = ... iter_args(...) { ... vector.fma ... } ... }
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "unsigned", "64",
                        "Size of a vector register of the processor: 64 for AVX-512, 32 for AVX2">];
  let statistics = [
    Statistic<"numMicroKernels", "micro-kernels", "Products that became micro kernels">,
    Statistic<"numScalarProducts", "scalar-products", "Products that became scalar loops">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif
