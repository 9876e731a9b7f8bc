// A choice by shape on its way through the plan passes.
// RUN: trine-opt %s --trine-form-kernels --cse | FileCheck %s --check-prefix=FORM
// RUN: trine-opt %s --trine-form-kernels --canonicalize --cse --trine-deduplicate-kernels --trine-assign-buffers | FileCheck %s --check-prefix=BUFFERS
// RUN: trine-opt %s --trine-form-kernels --canonicalize --cse --trine-deduplicate-kernels --trine-assign-buffers --trine-plan-memory=report-size=16 --trine-check-level-plan | FileCheck %s --check-prefix=MEMORY
// RUN: trine-opt %s --trine-form-kernels --canonicalize --cse --trine-deduplicate-kernels --trine-assign-buffers --trine-plan-memory --trine-lower-launches | FileCheck %s --check-prefix=LOWER

// Each region has kernels of its own; what costs nothing is read within them; sizes stand before.
// FORM-LABEL: func.func @main
// FORM-SAME: (%[[X:.*]]: tensor<?x64xf32>
// FORM: %[[N:.*]] = tensor.dim %[[X]]
// FORM: %[[FEW:.*]] = arith.cmpi slt, %[[N]]
// FORM: %[[TWICE:.*]] = arith.muli %[[N]]
// FORM: %[[Y:.*]] = plan.select %[[FEW]] -> (tensor<?x64xf32>) {
// FORM: plan.launch @{{.*}} ins(%[[X]] : tensor<?x64xf32>)
// FORM: %[[A:.*]] = plan.launch
// FORM-NEXT: plan.yield %[[A]]
// FORM-NEXT: } else {
// FORM: tensor.empty(%[[TWICE]]) : tensor<?x32xf32>
// FORM: %[[B:.*]] = plan.launch
// FORM: %[[V:.*]] = tensor.collapse_shape
// FORM-NEXT: plan.yield %[[V]]
// FORM-NEXT: } {trine.choice = ["few", "many"]}
// FORM: plan.launch @{{.*}} ins(%[[Y]]
// A choice by data is a kernel.
// FORM: plan.launch @loop_0
// FORM-NOT: scf.if
// FORM: return

// Both regions write one buffer, or a result of the model; what is yielded without a launch is copied.
// BUFFERS-LABEL: func.func @main
// BUFFERS: %[[FEW:.*]] = arith.cmpi slt
// BUFFERS: %[[Y:.*]] = plan.buffer(%{{.*}}) on @device0 space <device> : memref<?x64xf32>
// BUFFERS: plan.select %[[FEW]] {
// BUFFERS: %[[T:.*]] = plan.buffer
// BUFFERS: plan.launch {{.*}} outs(%[[T]]
// BUFFERS: plan.launch {{.*}} ins(%[[T]]{{.*}} outs(%[[Y]]
// BUFFERS: } else {
// BUFFERS: %[[E:.*]] = memref.expand_shape %[[Y]]
// BUFFERS: %[[V:.*]] = memref.collapse_shape %[[E]]
// BUFFERS: plan.launch {{.*}} outs(%[[V]]
// BUFFERS: }
// BUFFERS: %[[OUT:.*]] = plan.output 1
// BUFFERS: plan.select %[[FEW]] {
// BUFFERS: plan.launch @copy_choice{{.*}} ins(%[[X:.*]] : memref<?x64xf32>) outs(%[[OUT]]
// BUFFERS: } else {
// BUFFERS: plan.launch {{.*}} outs(%[[OUT]]

// The buffers inside the two regions share one slot.
// MEMORY-LABEL: func.func @main
// MEMORY-SAME: buffers = {{.*}}slots = 2
// MEMORY: plan.select
// MEMORY: memref.view %[[ARENA:[a-z0-9_]+]][%[[PLACE:[a-z0-9_]+]]]
// MEMORY: } else {
// MEMORY: memref.view %[[ARENA]][%[[PLACE]]]
// MEMORY: }

// Branches: launches of one side only.
// LOWER-LABEL: func.func @trine_program_run
// LOWER: %[[FEW:.*]] = arith.cmpi slt
// LOWER: cf.cond_br %[[FEW]], ^[[FIRST:bb[0-9]+]], ^[[SECOND:bb[0-9]+]]
// LOWER: ^[[FIRST]]:
// LOWER: llvm.call
// LOWER-NOT: plan.

#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @main(%x: tensor<?x64xf32> {onnx.name = "x", onnx.dims = ["n", 64]}, %flag: tensor<i1> {onnx.name = "flag", onnx.dims = []})
    -> (tensor<?x64xf32> {onnx.name = "z"}, tensor<?x64xf32> {onnx.name = "w"}, tensor<4xf32> {onnx.name = "d"}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c8 = arith.constant 8 : index
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %few = arith.cmpi slt, %n, %c8 : index
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = scf.if %few -> (tensor<?x64xf32>) {
    %te = tensor.empty(%n) : tensor<64x?xf32>
    %t = linalg.transpose ins(%x : tensor<?x64xf32>) outs(%te : tensor<64x?xf32>) permutation = [1, 0]
    %a = linalg.generic {indexing_maps = [#turned, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%t, %ones : tensor<64x?xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %0 = arith.divf %q, %p : f32
      linalg.yield %0 : f32
    } -> tensor<?x64xf32>
    scf.yield %a : tensor<?x64xf32>
  } else {
    %twice = arith.muli %n, %c2 : index
    %split = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 32] : tensor<?x64xf32> into tensor<?x2x32xf32>
    %rows = tensor.collapse_shape %split [[0, 1], [2]] : tensor<?x2x32xf32> into tensor<?x32xf32>
    %te = tensor.empty(%twice) : tensor<32x?xf32>
    %t = linalg.transpose ins(%rows : tensor<?x32xf32>) outs(%te : tensor<32x?xf32>) permutation = [1, 0]
    %be = tensor.empty(%twice) : tensor<?x32xf32>
    %b = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
        ins(%t : tensor<32x?xf32>) outs(%be : tensor<?x32xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = arith.negf %p : f32
      linalg.yield %0 : f32
    } -> tensor<?x32xf32>
    %s = tensor.expand_shape %b [[0, 1], [2]] output_shape [%n, 2, 32] : tensor<?x32xf32> into tensor<?x2x32xf32>
    %v = tensor.collapse_shape %s [[0], [1, 2]] : tensor<?x2x32xf32> into tensor<?x64xf32>
    scf.yield %v : tensor<?x64xf32>
  } {trine.choice = ["few", "many"]}
  %z = linalg.exp ins(%y : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %w = scf.if %few -> (tensor<?x64xf32>) {
    scf.yield %x : tensor<?x64xf32>
  } else {
    %a = linalg.exp ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
    scf.yield %a : tensor<?x64xf32>
  }
  %f = tensor.extract %flag[] : tensor<i1>
  %de = tensor.empty() : tensor<4xf32>
  %d0 = linalg.fill ins(%one : f32) outs(%de : tensor<4xf32>) -> tensor<4xf32>
  %d = scf.if %f -> (tensor<4xf32>) {
    %a = linalg.exp ins(%d0 : tensor<4xf32>) outs(%de : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    scf.yield %d0 : tensor<4xf32>
  }
  return %z, %w, %d : tensor<?x64xf32>, tensor<?x64xf32>, tensor<4xf32>
}
