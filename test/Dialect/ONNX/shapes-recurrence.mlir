// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-shapes -o /dev/null 2>&1 | FileCheck %s

// States keep their sizes, slices lose the scanned axis, outputs gain it.
func.func @main(%s: tensor<?xf32> {onnx.dims = ["n"]}, %x: tensor<?x?xf32> {onnx.dims = ["n", "t"]}, %y: tensor<?x2xi64> {onnx.dims = ["t", 2]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]; [n, t]; [t, n]; [2, t]{{$}}
  %r:4 = onnx.Scan(%s, %x, %y) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<?xf32>, %c: tensor<2xi64>):
    // CHECK: [[#@LINE+1]]:{{.*}} remark: [n]{{$}}
    %sum = onnx.Add(%a, %b) : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
    onnx.Yield %sum, %sum, %sum, %c : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<2xi64>
  } attributes {num_scan_inputs = 2 : i64, scan_input_axes = array<i64: 1, 0>, scan_output_axes = array<i64: -1, 0, 1>, scan_input_directions = array<i64: 0, 1>, scan_output_directions = array<i64: 0, 1, 0>} : (tensor<?xf32>, tensor<?x?xf32>, tensor<?x2xi64>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

// A state that grows, and an output of its size.
func.func @main(%s: tensor<1xf32>, %x: tensor<?x1xf32> {onnx.dims = ["t", 1]}) {
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [u{{[0-9]+}}]; [t, u{{[0-9]+}}]{{$}}
  %r:2 = onnx.Scan(%s, %x) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<1xf32>):
    %more = onnx.Concat(%a, %b) {axis = 0 : i64} : (tensor<?xf32>, tensor<1xf32>) -> tensor<*xf32>
    onnx.Yield %more, %more : tensor<*xf32>, tensor<*xf32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<1xf32>, tensor<?x1xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

func.func @main(%q: tensor<?x?x12xf16> {onnx.dims = ["b", "t", 12]}, %k: tensor<?x?x6xf16> {onnx.dims = ["b", "t", 6]}, %v: tensor<?x?x8xf16> {onnx.dims = ["b", "t", 8]}, %s: tensor<?x2x3x4xf32> {onnx.dims = ["b", 2, 3, 4]}, %g: tensor<?x?x2xf16> {onnx.dims = ["b", "t", 2]}, %e: tensor<?x?x1xf16> {onnx.dims = ["b", "t", 1]}) {
  %n = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [b, t, 16]; [b, 2, 3, 4]{{$}}
  %0:2 = onnx.LinearAttention(%q, %k, %v, %s, %g, %e) {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<?x?x12xf16>, tensor<?x?x6xf16>, tensor<?x?x8xf16>, tensor<?x2x3x4xf32>, tensor<?x?x2xf16>, tensor<?x?x1xf16>) -> (tensor<*xf16>, tensor<*xf32>)
  return
}

// -----

func.func @main(%x: tensor<?x8x?xf32> {onnx.dims = ["b", 8, "t"]}, %w: tensor<8x1x?xf32> {onnx.dims = [8, 1, "k"]}, %l: tensor<?xi64> {onnx.dims = ["b"]}) {
  %n = onnx.None
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [b, 8, t]; [b, 8, k - 1]{{$}}
  %0:2 = onnx.CausalConvWithState(%x, %w, %n, %n) : (tensor<?x8x?xf32>, tensor<8x1x?xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  // CHECK: [[#@LINE+1]]:{{.*}} remark: [b, 8, t]{{$}}
  %1 = onnx.ReverseSequence(%x, %l) {batch_axis = 0 : i64, time_axis = 1 : i64} : (tensor<?x8x?xf32>, tensor<?xi64>) -> tensor<*xf32>
  return
}
