// RUN: trine-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// symbol_c1
// expected-error @below {{range must be within 0 and its maximum, got [5, 4]}}
plan.symbol @batch = input 0 dimension 0 range [5, 4] divisor 1

// -----

// symbol_c2
// expected-error @below {{divisor must be positive, got 0}}
plan.symbol @batch = input 0 dimension 0 range [0, 4] divisor 0

// -----

// symbol_c3
// expected-error @below {{must be a dimension of an input, got input 0 dimension -1}}
plan.symbol @batch = input 0 dimension -1 range [0, 4] divisor 1

// -----

// weight_c1
// expected-error @below {{must have either a file range, a value or pieces}}
plan.weight @w "w" : tensor<2xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2xf32>

// -----

// weight_c1
// expected-error @below {{pieces must be #trine.piece attributes}}
plan.weight @w "w" pieces [1] : tensor<2xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2xf32>

// -----

// weight_c2
// expected-error @below {{permutation must be one of 2 dimensions}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 0] outer [] inner [] tiles [] stored tensor<2x3xf32>

// -----

// weight_c2
// expected-error @below {{permutation must be one of 2 dimensions}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2x3xf32>

// -----

// weight_c3
// expected-error @below {{stored element type must be 'f32', got 'i32'}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2x3xi32>

// -----

// weight_c4
// expected-error @below {{stored type must be 'tensor<3x2xf32>', got 'tensor<2x3xf32>'}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [1, 0] outer [] inner [] tiles [] stored tensor<2x3xf32>

// -----

// weight_c4
// expected-error @below {{needs one inner tile per inner dimension, got 1 and 2}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 1] outer [] inner [0, 1] tiles [2] stored tensor<2x3xf32>

// -----

// weight_c4
// expected-error @below {{inner dimension 2 with tile 2 is out of range}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 1] outer [] inner [2] tiles [2] stored tensor<2x3xf32>

// -----

// weight_c4
// expected-error @below {{outer permutation must have 2 dimensions}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 1] outer [0] inner [1] tiles [2] stored tensor<2x2x2xf32>

// -----

// weight_c4
// expected-error @below {{outer permutation must be one of 2 dimensions}}
plan.weight @w "w" from "m" at 0 length 24 : tensor<2x3xf32> permutation [0, 1] outer [1, 1] inner [1] tiles [2] stored tensor<2x2x2xf32>

// -----

// weight_c5
// expected-error @below {{range must have the bytes of 'tensor<2x3xf32>', got offset 0 and length 20}}
plan.weight @w "w" from "m" at 0 length 20 : tensor<2x3xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<2x3xf32>

// -----

// weight_c5
// expected-error @below {{value must have the source type 'tensor<2xi64>', got 'tensor<3xi64>'}}
plan.weight @w "w" value dense<[1, 2, 3]> : tensor<3xi64> : tensor<2xi64> permutation [0] outer [] inner [] tiles [] stored tensor<2xi64>

// -----

// kernel_c1
// expected-error @below {{last arguments must be the destinations of its 1 results, with the same types}}
plan.kernel @f(%x: tensor<4xf32>) -> tensor<4xf16> attributes {skeleton = "copy"} {
  %0 = arith.truncf %x : tensor<4xf32> to tensor<4xf16>
  plan.return %0 : tensor<4xf16>
}

// -----

// kernel_c2
// expected-error @below {{arguments must be ranked tensors or index, got 'f32'}}
plan.kernel @f(%s: f32, %x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}

// -----

// kernel_c3
// expected-error @below {{body must return its result types}}
plan.kernel @f(%y: tensor<8xf32>, %x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %y : tensor<8xf32>
}

// -----

// kernel_c3
// expected-error @below {{body must end with 'plan.return'}}
plan.kernel @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  "test.end"() : () -> ()
}

// -----

// launch_c1
func.func @main(%x: memref<4xf32>) {
  // expected-error @below {{kernel 'f' is not defined}}
  plan.launch @f on @device0 queue 0 outs(%x : memref<4xf32>)
  return
}

// -----

// launch_c1
plan.kernel @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<4xf32>) {
  // expected-error @below {{device 'device0' is not defined}}
  plan.launch @f on @device0 queue 0 outs(%x : memref<4xf32>)
  return
}

// -----

// launch_c2
plan.device @device0
// expected-note @below {{kernel is '(tensor<4xf32>) -> tensor<4xf32>'}}
plan.kernel @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<5xf32>) {
  // expected-error @below {{operands must have the kernel's types}}
  plan.launch @f on @device0 queue 0 outs(%x : memref<5xf32>)
  return
}

// -----

// launch_c3
plan.device @device0
plan.kernel @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>) {
  // expected-error @below {{needs 1 destinations, got 2}}
  plan.launch @f on @device0 queue 0 outs(%x, %y : memref<4xf32>, memref<4xf32>)
  return
}

// -----

// launch_c4
plan.device @device0
plan.kernel @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<4xf32>, %y: tensor<4xf32>) {
  // expected-error @below {{must work on tensors or on memrefs, not on both}}
  plan.launch @f on @device0 queue 0 ins(%y : tensor<4xf32>) outs(%x : memref<4xf32>)
  return
}

// -----

// launch_c5
plan.device @device0
plan.kernel @f(%x: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<4xf32, strided<[2]>>) {
  // expected-error @below {{memory must be row-major and contiguous, got 'memref<4xf32, strided<[2]>>'}}
  plan.launch @f on @device0 queue 0 outs(%x : memref<4xf32, strided<[2]>>)
  return
}

// -----

// launch_c6
plan.device @device0
plan.kernel @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "copy"} {
  plan.return %x : tensor<4xf32>
}
func.func @main(%x: memref<4xf32>) {
  // expected-error @below {{destinations must not be other operands: a kernel's arguments never overlap what it writes}}
  plan.launch @f on @device0 queue 0 ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}

// -----

// load_weight_c1
func.func @main() {
  // expected-error @below {{weight 'w' is not defined}}
  %w = plan.load_weight @w : memref<4xf32>
  return
}

// -----

// load_weight_c2
// expected-note @below {{weight declared here}}
plan.weight @w "w" from "m" at 0 length 8 : tensor<2xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2xf32>
func.func @main() {
  // expected-error @below {{result must have the stored type 'tensor<2xf32>'}}
  %w = plan.load_weight @w : memref<4xf32>
  return
}

// -----

// load_weight_c3
plan.weight @w "w" from "m" at 0 length 8 : tensor<2xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2xf32>
func.func @main() {
  // expected-error @below {{memory must be row-major and contiguous}}
  %w = plan.load_weight @w : memref<2xf32, strided<[2]>>
  return
}

// -----

// buffer_c1
func.func @main(%n: index) {
  // expected-error @below {{needs 2 sizes for 'memref<?x?xf32>', got 1}}
  %b = plan.buffer(%n) on @device0 space <device> : memref<?x?xf32>
  return
}

// -----

// buffer_c2
func.func @main(%n: index) {
  // expected-error @below {{needs 2 bounds or none, got 1}}
  %b = plan.buffer(%n, %n) bounds(%n) on @device0 space <device> : memref<?x?xf32>
  return
}

// -----

// buffer_c3
func.func @main() {
  // expected-error @below {{memory must be row-major and contiguous}}
  %b = plan.buffer() on @device0 space <device> : memref<4xf32, strided<[2]>>
  return
}

// -----

// buffer_c4
func.func @main() {
  // expected-error @below {{device 'device0' is not defined}}
  %b = plan.buffer() on @device0 space <device> : memref<4xf32>
  return
}

// -----

// arena_c1
func.func @main(%n: index) {
  // expected-error @below {{must be 'memref<?xi8>', got 'memref<?xf32>'}}
  %b = plan.arena(%n) on @device0 space <device> : memref<?xf32>
  return
}

// -----

// arena_c2
func.func @main(%n: index) {
  // expected-error @below {{device 'device0' is not defined}}
  %b = plan.arena(%n) on @device0 space <device> : memref<?xi8>
  return
}

// -----

// output_c1
func.func @main() {
  // expected-error @below {{index must not be negative, got -1}}
  %b = plan.output -1() : memref<4xf32>
  return
}

// -----

// output_c2
func.func @main() {
  // expected-error @below {{needs 1 sizes for 'memref<?xf32>', got 0}}
  %b = plan.output 0() : memref<?xf32>
  return
}

// -----

// output_c3
func.func @main() {
  // expected-error @below {{memory must be row-major and contiguous}}
  %b = plan.output 0() : memref<4xf32, strided<[2]>>
  return
}

// -----

// read_c1
plan.device @device0
func.func @main(%x: memref<4xi64>) {
  // expected-error @below {{needs 1 indices for 'memref<4xi64>', got 0}}
  %b = plan.read %x[] on @device0 queue 0 : memref<4xi64> -> i64
  return
}

// -----

// read_c2
plan.device @device0
func.func @main(%x: memref<i32>) {
  // expected-error @below {{result must be an element of 'memref<i32>', got 'i64'}}
  %b = plan.read %x[] on @device0 queue 0 : memref<i32> -> i64
  return
}

// -----

// read_c3
func.func @main(%x: memref<i64>) {
  // expected-error @below {{device 'device0' is not defined}}
  %b = plan.read %x[] on @device0 queue 0 : memref<i64> -> i64
  return
}

// -----

// require_c1
plan.device @device0
func.func @main(%x: memref<2xi1>) {
  // expected-error @below {{condition must be one i1, got 'memref<2xi1>'}}
  plan.require %x, "no" on @device0 queue 0 : memref<2xi1>
  return
}

// -----

// require_c2
func.func @main(%x: memref<i1>) {
  // expected-error @below {{device 'device0' is not defined}}
  plan.require %x, "no" on @device0 queue 0 : memref<i1>
  return
}

// -----

// select_c1
func.func @main(%c: i1, %x: tensor<4xf32>) {
  // expected-error @below {{both regions must yield its result types}}
  %y = plan.select %c -> (tensor<4xf32>) {
    plan.yield %x : tensor<4xf32>
  } else {
    plan.yield
  }
  return
}

// -----

// table_c1
// expected-error @below {{weight 'values' is not defined}}
plan.table @table "t" values @values

// -----

// table_c1
// expected-note @below {{weight declared here}}
plan.weight @values "w" from "m.onnx" at 0 length 2048 : tensor<8x64xf32> permutation [1, 0] outer [] inner [] tiles [] stored tensor<64x8xf32>
// expected-error @below {{weight 'values' must have rank 2 and be stored as it is}}
plan.table @table "t" values @values

// -----

// table_c2
plan.weight @values "w" from "m.onnx" at 0 length 4096 : tensor<8x64xf64> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf64>
// expected-error @below {{values must be f32, f16, bf16 or f8E4M3FN, got 'f64'}}
plan.table @table "t" values @values

// -----

// table_c3
plan.weight @values "w" from "m.onnx" at 0 length 512 : tensor<8x64xf8E4M3FN> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf8E4M3FN>
// expected-error @below {{scales must be given exactly for f8E4M3FN, got 'f8E4M3FN' without scales}}
plan.table @table "t" values @values

// -----

// table_c3
plan.weight @values "w" from "m.onnx" at 0 length 512 : tensor<8x64xf8E4M3FN> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf8E4M3FN>
plan.weight @scales "s" from "m.onnx" at 0 length 32 : tensor<8x4xf8E8M0FNU> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x4xf8E8M0FNU>
// expected-error @below {{scales must be 8 x 2 of f8E8M0FNU, one for 32 values of 'tensor<8x64xf8E4M3FN>', got 'tensor<8x4xf8E8M0FNU>'}}
plan.table @table "t" values @values scales @scales

// -----

// prefetch_issue_c1
plan.device @device0
func.func @main(%rows: memref<3xi64>, %v: memref<3x64xf32>) {
  // expected-error @below {{table 'none' is not defined}}
  %t = plan.prefetch_issue @none rows(%rows : memref<3xi64>) on @device0 queue 0
  plan.prefetch_await %t outs(%v : memref<3x64xf32>) on @device0 queue 0
  return
}

// -----

// prefetch_issue_c2
func.func @main(%rows: memref<3xi32>) {
  // expected-error @below {{rows must be i64, got 'i32'}}
  %t = plan.prefetch_issue @table rows(%rows : memref<3xi32>) on @device0 queue 0
  return
}

// -----

// prefetch_await_c1
plan.device @device0
plan.weight @values "w" from "m.onnx" at 0 length 2048 : tensor<8x64xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf32>
plan.table @table "t" values @values
func.func @main(%rows: memref<3xi64>, %v: memref<3x32xf32>) {
  %t = plan.prefetch_issue @table rows(%rows : memref<3xi64>) on @device0 queue 0
  // expected-error @below {{destination must have the sizes of 'memref<3xi64>' and 64 values, got 'memref<3x32xf32>'}}
  plan.prefetch_await %t outs(%v : memref<3x32xf32>) on @device0 queue 0
  return
}

// -----

// prefetch_await_c1
plan.device @device0
plan.weight @values "w" from "m.onnx" at 0 length 2048 : tensor<8x64xf32> permutation [0, 1] outer [] inner [] tiles [] stored tensor<8x64xf32>
plan.table @table "t" values @values
func.func @main(%rows: memref<3xi64>, %v: memref<3x64xf64>) {
  %t = plan.prefetch_issue @table rows(%rows : memref<3xi64>) on @device0 queue 0
  // expected-error @below {{destination must be f32, f16 or bf16, got 'f64'}}
  plan.prefetch_await %t outs(%v : memref<3x64xf64>) on @device0 queue 0
  return
}

// -----

// prefetch_await_c2
func.func @main(%t: !plan.ticket, %v: tensor<3x64xf32>) {
  // expected-error @below {{must have a result of type 'tensor<3x64xf32>'}}
  plan.prefetch_await %t outs(%v : tensor<3x64xf32>) on @device0 queue 0
  return
}

// -----

// prefetch_await_c2
func.func @main(%t: !plan.ticket, %v: memref<3x64xf32>) {
  // expected-error @below {{must have no result for memory 'memref<3x64xf32>'}}
  %e = plan.prefetch_await %t outs(%v : memref<3x64xf32>) on @device0 queue 0 -> tensor<3x64xf32>
  return
}

// -----

// engram_hash_c1
plan.device @device0
func.func @main(%ids: memref<?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{token_ids must be i64 of rank 2, got 'memref<?xi64>'}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?xi64>
  return
}

// -----

// engram_hash_c1
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi32>, %p: memref<?x1xi64>) {
  // expected-error @below {{rows must be i64 of rank 3, got 'memref<?x?x1xi32>'}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi32>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}

// -----

// engram_hash_c2
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{order must be in [2, 64] and heads positive, got 1 and 1}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 1 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}

// -----

// engram_hash_c3
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{must have 2 multipliers and 1 moduli and offsets, at most 65536}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}

// -----

// engram_hash_c4
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{moduli must be positive and offsets not negative, in 63 bits together, got 0 and 0}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [0] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}

// -----

// engram_hash_c5
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x2xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{rows must have 1 columns, got 2}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x2xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}

// -----

// engram_hash_c6
plan.device @device0
func.func @main(%ids: tensor<?x?xi64>, %r: tensor<?x?x1xi64>, %p: tensor<?x1xi64>) {
  // expected-error @below {{must have results of the destinations' types}}
  plan.engram_hash %ids outs(%r, %p : tensor<?x?x1xi64>, tensor<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : tensor<?x?xi64>
  return
}

// -----

// engram_hash_c6
plan.device @device0
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{must have no results for memory}}
  %a, %b = plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64> -> tensor<?x?x1xi64>, tensor<?x1xi64>
  return
}

// -----

// engram_hash_c7
func.func @main(%ids: memref<?x?xi64>, %r: memref<?x?x1xi64>, %p: memref<?x1xi64>) {
  // expected-error @below {{device 'device0' is not defined}}
  plan.engram_hash %ids outs(%r, %p : memref<?x?x1xi64>, memref<?x1xi64>) order 2 heads 1 multipliers [7, 5] moduli [11] offsets [0] pad 2 on @device0 queue 0 : memref<?x?xi64>
  return
}
