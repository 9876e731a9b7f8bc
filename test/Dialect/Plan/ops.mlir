// RUN: trine-opt %s --verify-roundtrip | FileCheck %s

// CHECK: plan.device @device0
plan.device @device0
// CHECK: plan.symbol @batch = input 0 dimension 0 range[0, 64] divisor 1
plan.symbol @batch = input 0 dimension 0 range [0, 64] divisor 1
// CHECK: plan.weight @w "w" from "model.onnx" at 64 length 6144 : tensor<64x24xf32> permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
plan.weight @w "w" from "model.onnx" at 64 length 6144 : tensor<64x24xf32>
  permutation [0, 1] outer [1, 0] inner [1] tiles [32] stored tensor<1x64x32xf32>
// CHECK: plan.weight @pairs "w" {{.*}} tiles [32, 2] stored tensor<2x32x32x2xbf16>
plan.weight @pairs "w" from "model.onnx" at 64 length 5040 : tensor<40x63xbf16>
  permutation [1, 0] outer [1, 0] inner [1, 0] tiles [32, 2] stored tensor<2x32x32x2xbf16>
// CHECK: plan.weight @c "c" value dense<[1, 2]> : tensor<2xi64> : tensor<2xi64> permutation [0] outer [] inner [] tiles [] stored tensor<2xi64>
plan.weight @c "c" value dense<[1, 2]> : tensor<2xi64> : tensor<2xi64> permutation [0] outer [] inner [] tiles [] stored tensor<2xi64>
// CHECK: plan.kernel @negate(%{{.*}}: index, %{{.*}}: tensor<?xf32>, %{{.*}}: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"}
plan.kernel @negate(%n: index, %x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  // CHECK: plan.return %{{.*}} : tensor<?xf32>
  plan.return %x : tensor<?xf32>
}

// CHECK-LABEL: func.func @main
func.func @main(%x: memref<?xf32>, %flag: memref<i1>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  // CHECK: plan.require %{{.*}}, "no" on @device0 queue 0 : memref<i1>
  plan.require %flag, "no" on @device0 queue 0 : memref<i1>
  // CHECK: plan.load_weight @w : memref<1x64x32xf32>
  %w = plan.load_weight @w : memref<1x64x32xf32>
  // CHECK: plan.arena(%{{.*}}) on @device0 space <device> : memref<?xi8>
  %a = plan.arena(%n) on @device0 space <device> : memref<?xi8>
  // CHECK: plan.buffer(%{{.*}}) bounds(%{{.*}}) on @device0 space <host> : memref<?xf32>
  %b = plan.buffer(%n) bounds(%n) on @device0 space <host> : memref<?xf32>
  // CHECK: plan.launch @negate on @device0 queue 1 ins(%{{.*}}, %{{.*}} : index, memref<?xf32>) outs(%{{.*}} : memref<?xf32>)
  plan.launch @negate on @device0 queue 1 ins(%n, %x : index, memref<?xf32>) outs(%b : memref<?xf32>)
  // CHECK: plan.output 0(%{{.*}}) : memref<?xf32>
  %y = plan.output 0(%n) : memref<?xf32>
  plan.launch @negate on @device0 queue 0 ins(%n, %b : index, memref<?xf32>) outs(%y : memref<?xf32>)
  %c = plan.load_weight @c : memref<2xi64>
  // CHECK: plan.read %{{.*}}[%{{.*}}] on @device0 queue 0 : memref<2xi64> -> i64
  %r = plan.read %c[%c0] on @device0 queue 0 : memref<2xi64> -> i64
  return
}

// CHECK-LABEL: func.func @tensors
func.func @tensors(%n: index, %x: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: plan.launch @negate on @device0 queue 0 ins(%{{.*}}, %{{.*}} : index, tensor<?xf32>) outs(%{{.*}} : tensor<?xf32>) -> tensor<?xf32>
  %y = plan.launch @negate on @device0 queue 0 ins(%n, %x : index, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// CHECK-LABEL: func.func @select
func.func @select(%n: index, %few: i1, %x: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: %[[Y:.*]] = plan.select %{{.*}} -> (tensor<?xf32>) {
  // CHECK-NEXT: plan.launch @negate
  // CHECK-NEXT: plan.yield %{{.*}} : tensor<?xf32>
  // CHECK-NEXT: } else {
  // CHECK-NEXT: plan.yield %{{.*}} : tensor<?xf32>
  %y = plan.select %few -> (tensor<?xf32>) {
    %a = plan.launch @negate on @device0 queue 0 ins(%n, %x : index, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    plan.yield %a : tensor<?xf32>
  } else {
    plan.yield %x : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// CHECK-LABEL: func.func @select_memory
func.func @select_memory(%n: index, %few: i1, %x: memref<?xf32>, %y: memref<?xf32>) {
  // CHECK: plan.select %{{.*}} {
  // CHECK-NEXT: plan.launch @negate
  // CHECK-NEXT: } else {
  // CHECK-NEXT: }
  plan.select %few {
    plan.launch @negate on @device0 queue 0 ins(%n, %x : index, memref<?xf32>) outs(%y : memref<?xf32>)
  } else {
  }
  return
}

plan.weight @values "table" from "model.onnx" at 0 length 2048 : tensor<8x64xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf32>
plan.weight @values8 "table" from "model.onnx" at 2048 length 512 : tensor<8x64xf8E4M3FN> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf8E4M3FN>
plan.weight @scales8 "scales" from "model.onnx" at 2560 length 16 : tensor<8x2xf8E8M0FNU> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x2xf8E8M0FNU>
// CHECK: plan.table @table "layer1" values @values
plan.table @table "layer1" values @values
// CHECK: plan.table @table8 "layer2" values @values8 scales @scales8
plan.table @table8 "layer2" values @values8 scales @scales8

// CHECK-LABEL: func.func @prefetch
func.func @prefetch(%rows: tensor<?x3xi64>, %e: tensor<?x3x64xf32>) -> tensor<?x3x64xf32> {
  // CHECK: %[[T:.*]] = plan.prefetch_issue @table rows(%{{.*}} : tensor<?x3xi64>) on @device0 queue 0
  // CHECK: plan.prefetch_await %[[T]] outs(%{{.*}} : tensor<?x3x64xf32>) on @device0 queue 0 -> tensor<?x3x64xf32>
  %t = plan.prefetch_issue @table rows(%rows : tensor<?x3xi64>) on @device0 queue 0
  %v = plan.prefetch_await %t outs(%e : tensor<?x3x64xf32>) on @device0 queue 0 -> tensor<?x3x64xf32>
  return %v : tensor<?x3x64xf32>
}

// CHECK-LABEL: func.func @prefetch_memory
func.func @prefetch_memory(%rows: memref<?xi64>, %v: memref<?x64xbf16>) {
  // CHECK: plan.prefetch_await %{{.*}} outs(%{{.*}} : memref<?x64xbf16>) on @device0 queue 0
  %t = plan.prefetch_issue @table8 rows(%rows : memref<?xi64>) on @device0 queue 0
  plan.prefetch_await %t outs(%v : memref<?x64xbf16>) on @device0 queue 0
  return
}

// CHECK-LABEL: func.func @hash
func.func @hash(%ids: tensor<?x?xi64>, %h: tensor<?x2xi64>, %m: tensor<160xi64>, %r: tensor<?x?x4xi64>, %p: tensor<?x2xi64>) -> (tensor<?x?x4xi64>, tensor<?x2xi64>) {
  // CHECK: %[[O:.*]]:2 = plan.engram_hash %{{.*}} history(%{{.*}} : tensor<?x2xi64>) map(%{{.*}} : tensor<160xi64>) outs(%{{.*}}, %{{.*}} : tensor<?x?x4xi64>, tensor<?x2xi64>) order 3 heads 2 multipliers [7, 5, 3] moduli [11, 13, 17, 19] offsets [0, 11, 24, 41] pad 2 reset 1 on @device0 queue 0 : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
  %rows, %present = plan.engram_hash %ids history(%h : tensor<?x2xi64>) map(%m : tensor<160xi64>) outs(%r, %p : tensor<?x?x4xi64>, tensor<?x2xi64>)
    order 3 heads 2 multipliers [7, 5, 3] moduli [11, 13, 17, 19] offsets [0, 11, 24, 41] pad 2 reset 1 on @device0 queue 0
    : tensor<?x?xi64> -> tensor<?x?x4xi64>, tensor<?x2xi64>
  return %rows, %present : tensor<?x?x4xi64>, tensor<?x2xi64>
}

// CHECK-LABEL: func.func @hash_memory
func.func @hash_memory(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // CHECK: plan.engram_hash %{{.*}} outs(%{{.*}}, %{{.*}} : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2
    on @device0 queue 0 : memref<?x?xi64>
  return
}
