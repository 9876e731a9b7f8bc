// What has no CUDA form is named where it stands.

// RUN: not trine-translate --emit-cuda %s 2>&1 | FileCheck %s
// RUN: not trine-translate 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: give either --import-onnx or --emit-cuda

plan.device @device0

// CHECK: invalid.mlir:[[#@LINE+5]]:{{[0-9]+}}: error: 'math.ctpop' op has no CUDA form
plan.kernel @count(%x: tensor<?xi64>, %out: tensor<?xi64>) -> tensor<?xi64> attributes {skeleton = "elementwise"} {
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xi64>) outs(%out : tensor<?xi64>) {
  ^bb0(%a: i64, %o: i64):
    %p = math.ctpop %a : i64
    linalg.yield %p : i64
  } -> tensor<?xi64>
  plan.return %y : tensor<?xi64>
}

// CHECK: error: 'func.func' op kernel has an argument without a CUDA form, of type 'memref<?xi128>'
plan.kernel @wide(%x: tensor<?xi128>, %out: tensor<?xi128>) -> tensor<?xi128> attributes {skeleton = "copy"} {
  %y = linalg.copy ins(%x : tensor<?xi128>) outs(%out : tensor<?xi128>) -> tensor<?xi128>
  plan.return %y : tensor<?xi128>
}

func.func @main(%x: memref<?x64xf32>) attributes {plan.results = []} {
  return
}
