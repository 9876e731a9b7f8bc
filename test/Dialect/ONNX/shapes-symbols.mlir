// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes=print-symbols -o /dev/null 2>&1 | FileCheck %s --implicit-check-not=remark

// Symbols are read where a size names them alone, else where the others of the sum are known; decimal names are numbers.
// CHECK-DAG: [[#@LINE+7]]:{{.*}} remark: symbol batch: argument 0 dimension 0{{$}}
// CHECK-DAG: [[#@LINE+6]]:{{.*}} remark: symbol seq: argument 1 dimension 1{{$}}
// CHECK-DAG: [[#@LINE+5]]:{{.*}} remark: symbol past: argument 0 dimension 1, less seq{{$}}
// CHECK-DAG: [[#@LINE+4]]:{{.*}} remark: symbol a: argument 3 dimension 0, divided by 3{{$}}
// CHECK-DAG: [[#@LINE+3]]:{{.*}} remark: symbol a + b*c: argument 3 dimension 1{{$}}
// CHECK-DAG: [[#@LINE+2]]:{{.*}} remark: symbol d0: argument 2 dimension 0{{$}}
// CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol d1: argument 2 dimension 1{{$}}
func.func @main(%m: tensor<?x?xi64> {onnx.dims = ["batch", "past + seq"]}, %x: tensor<?x?x?xf32> {onnx.dims = ["batch", "seq", "32"]}, %y: tensor<?x?xf32>,
                %z: tensor<?x?xf32> {onnx.dims = ["3*a", "a + b*c"]}) {
  %0 = onnx.Abs(%x) : (tensor<?x?x?xf32>) -> tensor<*xf32>
  %1 = onnx.Abs(%y) : (tensor<?x?xf32>) -> tensor<*xf32>
  %2 = onnx.Abs(%z) : (tensor<?x?xf32>) -> tensor<*xf32>
  %3 = onnx.Shape(%m) : (tensor<?x?xi64>) -> tensor<*xi64>
  return
}

// -----

// Data-dependent sizes have bounds, and equalities that only run time can tell are noted.
// CHECK-DAG: [[#@LINE+2]]:{{.*}} remark: symbol rows: argument 0 dimension 0{{$}}
// CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol m: argument 3 dimension 0{{$}}
func.func @main(%x: tensor<?x64xf32> {onnx.dims = ["rows", 64]}, %s: tensor<i64>, %e: tensor<i64>, %c: tensor<?xi1> {onnx.dims = ["m"]}) {
  %one = onnx.Constant dense<1> : tensor<i64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol u0: result 0 dimension 0, at most 2*rows{{$}}
  %0 = onnx.Range(%s, %e, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %1 = onnx.Gather(%x, %0) : (tensor<?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  %2 = onnx.Max(%s, %zero) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol u1: result 0 dimension 0, at most rows{{$}}
  %3 = onnx.Range(%2, %e, %one) : (tensor<*xi64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %axes = onnx.Constant dense<[-1]> : tensor<1xi64>
  %4 = onnx.Unsqueeze(%3, %axes) : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %5 = onnx.GatherND(%x, %4) : (tensor<?x64xf32>, tensor<*xi64>) -> tensor<*xf32>
  %6 = onnx.Concat(%1, %5) {axis = 0 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: assumes rows == u0 + u1{{$}}
  %7 = onnx.Add(%6, %x) : (tensor<*xf32>, tensor<?x64xf32>) -> tensor<*xf32>
  %8 = onnx.Add(%x, %6) : (tensor<?x64xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol u2: result 0 dimension 1, at most 64*rows{{$}}
  %9 = onnx.NonZero(%x) : (tensor<?x64xf32>) -> tensor<*xi64>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol u3: result 0 dimension 0, at most min(m, rows){{$}}
  %10 = onnx.Compress(%x, %c) {axis = 0 : i64} : (tensor<?x64xf32>, tensor<?xi1>) -> tensor<*xf32>
  %eight = onnx.Constant dense<8> : tensor<i64>
  %11 = onnx.Mod(%e, %eight) : (tensor<i64>, tensor<i64>) -> tensor<*xi64>
  // CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: symbol u4: result 0 dimension 0, at most 7{{$}}
  %12 = onnx.Range(%zero, %11, %one) : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  return
}

// -----

// What a file says about its results is compared, and not believed.
// CHECK-DAG: [[#@LINE+4]]:{{.*}} remark: symbol batch: argument 0 dimension 0{{$}}
// CHECK-DAG: [[#@LINE+3]]:{{.*}} remark: symbol seq: argument 1 dimension 0{{$}}
// CHECK-DAG: [[#@LINE+2]]:{{.*}} remark: symbol past: argument 0 dimension 1, less seq{{$}}
// CHECK-DAG: [[#@LINE+1]]:{{.*}} remark: result 1 is [batch, past + seq] where 'onnx.dims' says [batch, 0]{{$}}
func.func @main(%x: tensor<?x?xf32> {onnx.dims = ["batch", "past + seq"]}, %q: tensor<?xf32> {onnx.dims = ["seq"]}) -> (tensor<*xf32> {onnx.dims = ["batch", "seq + past"]}, tensor<*xf32> {onnx.dims = ["batch", 0]}) {
  %0 = onnx.Abs(%x) : (tensor<?x?xf32>) -> tensor<*xf32>
  return %0, %0 : tensor<*xf32>, tensor<*xf32>
}
