// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

// Branches agree on what they have in common.
func.func @main(%c: tensor<i1>, %x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %y: tensor<?x64xf32> {onnx.dims = ["m", 64]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u0, 64]; [n, 64]; [2] range [2, 7]{{$}}
  %r:3 = onnx.If(%c) {
    %i = onnx.Constant dense<[2, 5]> : tensor<2xi64>
    onnx.Yield %y, %x, %i : tensor<?x64xf32>, tensor<?x64xf32>, tensor<2xi64>
  } {
    %i = onnx.Constant dense<[2, 7]> : tensor<2xi64>
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 64]{{$}}
    %a = onnx.Abs(%x) : (tensor<?x64xf32>) -> tensor<*xf32>
    onnx.Yield %x, %a, %i : tensor<?x64xf32>, tensor<*xf32>, tensor<2xi64>
  } : (tensor<i1>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

// A condition that is known decides.
func.func @main(%x: tensor<?x1xf32> {onnx.dims = ["n", 1]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [1]{{$}}
  %s = onnx.Shape(%x) {start = 1 : i64} : (tensor<?x1xf32>) -> tensor<*xi64>
  %one = onnx.Constant dense<[1]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [1]{{$}}
  %c = onnx.Equal(%s, %one) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]{{$}}
  %r = onnx.If(%c) {
    onnx.Yield %x : tensor<?x1xf32>
  } {
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]{{$}}
    %q = onnx.Squeeze(%x, %one) : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<*xf32>
    onnx.Yield %q : tensor<*xf32>
  } : (tensor<*xi1>) -> tensor<*xf32>
  return
}

// -----

// A size of a branch has no meaning outside.
func.func @main(%c: tensor<i1>, %x: tensor<?xf32> {onnx.dims = ["n"]}, %y: tensor<?xf32> {onnx.dims = ["m"]}) {
  %none = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, u2] range [0, max(m - 1, n - 1)]{{$}}
  %r = onnx.If(%c) {
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, u1] range [0, m - 1]{{$}}
    %z = onnx.NonZero(%y) : (tensor<?xf32>) -> tensor<*xi64>
    onnx.Yield %z : tensor<*xi64>
  } {
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [1, u0] range [0, n - 1]{{$}}
    %z = onnx.NonZero(%x) : (tensor<?xf32>) -> tensor<*xi64>
    onnx.Yield %z : tensor<*xi64>
  } : (tensor<i1>) -> tensor<*xi64>
  return
}

// -----

// A carried size that grows becomes a symbol; one that stays, stays. Scans get the trip count in front.
func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["n", 64]}, %p: tensor<0x64xf32>) {
  %trips = onnx.Constant dense<5> : tensor<i64>
  %true = onnx.Constant dense<true> : tensor<i1>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 64]; [u1, 64]; [5, n, 64]{{$}}
  %r:3 = onnx.Loop(%trips, %true, %x, %p) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %a: tensor<*xf32>, %b: tensor<*xf32>):
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [n, 64]{{$}}
    %s = onnx.Neg(%a) : (tensor<*xf32>) -> tensor<*xf32>
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [n + u0, 64]{{$}}
    %t = onnx.Concat(%b, %a) {axis = 0 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [] range [0, 4]{{$}}
    %k = onnx.Identity(%i) : (tensor<i64>) -> tensor<*xi64>
    onnx.Yield %go, %s, %t, %a : tensor<i1>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  } : (tensor<i64>, tensor<i1>, tensor<?x64xf32>, tensor<0x64xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

// A condition from data: any number of iterations up to the limit.
func.func @main(%x: tensor<?xi64> {onnx.dims = ["n"]}, %m: tensor<i64>) {
  %none = onnx.None
  %limit = onnx.Constant dense<8> : tensor<i64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]; [u0, n]{{$}}
  %r:2 = onnx.Loop(%limit, %none, %x) {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %a: tensor<*xi64>):
    // CHECK: [[#@LINE+1]]:{{.*}} remark: []{{$}}
    %c = onnx.Less(%i, %m) : (tensor<i64>, tensor<i64>) -> tensor<*xi1>
    onnx.Yield %c, %a, %a : tensor<*xi1>, tensor<*xi64>, tensor<*xi64>
  } : (tensor<i64>, none, tensor<?xi64>) -> (tensor<*xi64>, tensor<*xi64>)
  return
}

// -----

// The branch that is not taken need not fit.
func.func @main(%x: tensor<5x?xf32> {onnx.dims = [5, "n"]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [5]{{$}}
  %s = onnx.Shape(%x) {end = 1 : i64} : (tensor<5x?xf32>) -> tensor<*xi64>
  %one = onnx.Constant dense<[1]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [1] contents [0]{{$}}
  %c = onnx.Equal(%s, %one) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi1>
  %zero = onnx.Constant dense<[0]> : tensor<1xi64>
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [5, n]{{$}}
  %r = onnx.If(%c) {
    onnx.Yield %x : tensor<5x?xf32>
  } {
    // CHECK: [[#@LINE+1]]:{{.*}} remark: none{{$}}
    %q = onnx.Squeeze(%x, %zero) : (tensor<5x?xf32>, tensor<1xi64>) -> tensor<*xf32>
    onnx.Yield %q : tensor<*xf32>
  } : (tensor<*xi1>) -> tensor<*xf32>
  return
}
