// RUN: trine-opt %s --verify-roundtrip | FileCheck %s

plan.device @device0
plan.symbol @batch = input 0 dimension 0 range [0, 64] divisor 1
plan.weight @w "w" from "model.onnx" at 64 length 6144 : tensor<64x24xf32>
  permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
plan.kernel @negate(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  plan.return %x : tensor<?xf32>
}

// CHECK-LABEL: func.func @main
func.func @main(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  // CHECK: plan.load_weight @w : memref<1x64x32xf32>
  %w = plan.load_weight @w : memref<1x64x32xf32>
  // CHECK: plan.output 0(%{{.*}}) : memref<?xf32>
  %y = plan.output 0(%n) : memref<?xf32>
  // CHECK: plan.launch @negate on @device0 queue 0 ins
  plan.launch @negate on @device0 queue 0 ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}
