// RUN: trine-opt %s --split-input-file --trine-form-kernels --verify-diagnostics

// expected-error @below {{module must have a function '@main'}}
module {
}

// -----

// expected-error @below {{must have one block}}
func.func @main() {
  cf.br ^next
^next:
  return
}

// -----

func.func @main(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @below {{must have ranked tensors, got 'tensor<*xf32>'}}
  %y = tensor.cast %x : tensor<*xf32> to tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @main(%x: tensor<?xf32>, %c: i1) -> tensor<?xf32> {
  // expected-error @below {{sizes of its result 'tensor<?xf32>' do not follow from its operands, which is not supported}}
  %y = scf.if %c -> tensor<?xf32> {
    scf.yield %x : tensor<?xf32>
  } else {
    scf.yield %x : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// -----

// expected-error @below {{value of type 'f32' cannot be an argument of a kernel}}
func.func @main(%x: tensor<4xf32>, %s: f32, %e: tensor<4xf32>) -> tensor<4xf32> {
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %s : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %n: index) -> (tensor<4xf32>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{must have tensor results only, got 'index'}}
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%t = %x, %k = %c0) -> (tensor<4xf32>, index) {
    scf.yield %t, %i : tensor<4xf32>, index
  }
  return %r#0, %r#1 : tensor<4xf32>, index
}

// -----

func.func @main(%x: tensor<*xf32>) -> tensor<?xf32> {
  // expected-error @below {{sizes of its result 'tensor<?xf32>' do not follow from its operands, which is not supported}}
  %y = tensor.cast %x : tensor<*xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// The rows of one region are counted by data that only that region makes.
func.func @main(%x: tensor<?xi64> {onnx.name = "x", onnx.dims = ["n"]}) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %x, %c0 : tensor<?xi64>
  %few = arith.cmpi slt, %n, %c8 : index
  // expected-error @below {{sizes of its result 'tensor<?xf32>' must be known before the choice is made}}
  %y = scf.if %few -> (tensor<?xf32>) {
    %count = tensor.extract %x[%c0] : tensor<?xi64>
    %rows = arith.index_cast %count : i64 to index
    %e = tensor.empty(%rows) : tensor<?xf32>
    scf.yield %e : tensor<?xf32>
  } else {
    %e = tensor.empty(%n) : tensor<?xf32>
    scf.yield %e : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    // expected-error @below {{a check in each iteration of a loop is not supported: sizes must be equal}}
    trine.require %c, "sizes must be equal" : tensor<i1>
    scf.yield %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
