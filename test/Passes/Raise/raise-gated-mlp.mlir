// RUN: trine-opt %s --trine-raise-gated-mlp --split-input-file | FileCheck %s
// RUN: sed -n -e '/^func.func @gemm(/,/^}/p' %s | sed -e 's/(%%h, %%wd, %%none)/(%%h, %%v, %%none)/' | trine-opt --trine-raise-gated-mlp --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=WEIGHT
// WEIGHT: looks like a gated network, but one of its matrices is no weight
// WEIGHT-NOT: trine.gated_mlp
// The bias of the last product is the result's.
// RUN: sed -n -e '/^func.func @gemm(/,/^}/p' %s | sed -e 's/(%%h, %%wd, %%none)/(%%h, %%wd, %%bias)/; s/tensor<6x10xf32>, none/tensor<6x10xf32>, tensor<6xf32>/' | trine-opt --trine-raise-gated-mlp --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=BIAS
// BIAS: trine.gated_mlp {{.*}} down_bias(%{{.*}} : tensor<6xf32>) activation silu_gated
// It may be a row; but not one number for all columns, with Gemm or behind the product.
// RUN: sed -n -e '/^func.func @gemm(/,/^}/p' %s | sed -e 's/(%%h, %%wd, %%none)/(%%h, %%wd, %%bias)/; s/tensor<6x10xf32>, none/tensor<6x10xf32>, tensor<1x6xf32>/; s/dense<0.5> : tensor<6xf32>/dense<0.5> : tensor<1x6xf32>/' | trine-opt --trine-raise-gated-mlp | FileCheck %s --check-prefix=ROW
// ROW: %[[ROW:.*]] = onnx.Reshape({{.*}} : (tensor<1x6xf32>, tensor<1xi64>) -> tensor<6xf32>
// ROW: trine.gated_mlp {{.*}} down_bias(%[[ROW]] : tensor<6xf32>) activation silu_gated
// RUN: sed -n -e '/^func.func @gemm(/,/^}/p' %s | sed -e 's/(%%h, %%wd, %%none)/(%%h, %%wd, %%bias)/; s/tensor<6x10xf32>, none/tensor<6x10xf32>, tensor<1xf32>/; s/dense<0.5> : tensor<6xf32>/dense<0.5> : tensor<1xf32>/' | trine-opt --trine-raise-gated-mlp | FileCheck %s --check-prefix=ONE
// ONE-NOT: trine.gated_mlp
// ONE: onnx.Gemm({{.*}} : (tensor<?x10xf32>, tensor<6x10xf32>, tensor<1xf32>) -> tensor<?x6xf32>
// RUN: sed -n -e '/^func.func @biased(/,/^}/p' %s | sed -e 's/tensor<8xf32>/tensor<1xf32>/; s/length 32 : tensor<1xf32>/length 4 : tensor<1xf32>/' | trine-opt --trine-raise-gated-mlp | FileCheck %s --check-prefix=BEHIND
// BEHIND: %[[Y:.*]] = trine.gated_mlp
// BEHIND-NOT: down_bias
// BEHIND: onnx.Add(%[[Y]], {{.*}} : (tensor<?x8xf32>, tensor<1xf32>) -> tensor<?x8xf32>
// RUN: sed -n -e '/^func.func @biased(/,/^}/p' %s | sed -e '/%%bu = /s/length 40 : tensor<10xf32>/length 4 : tensor<1xf32>/; /%%u1 = /s/, tensor<10xf32>/, tensor<1xf32>/' | trine-opt --trine-raise-gated-mlp | FileCheck %s --check-prefix=UPONE
// UPONE-NOT: trine.gated_mlp
// UPONE: return
// RUN: sed -n -e '/^func.func @biased(/,/^}/p' %s | sed -e 's/dense<-7.0>/dense<-6.0>/' | trine-opt --trine-raise-gated-mlp --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=LIMITS
// LIMITS: looks like a gated network, but the limits of gate and up differ
// LIMITS-NOT: trine.gated_mlp
// RUN: sed -n -e '/^func.func @gemm(/,/^}/p' %s | sed -e 's/onnx.Gemm(%%x, %%wu/onnx.Gemm(%%z, %%wu/' | trine-opt --trine-raise-gated-mlp --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=INPUT
// INPUT: looks like a gated network, but gate and up have different inputs
// INPUT-NOT: trine.gated_mlp
// RUN: sed -n -e '/^func.func @fused(/,/^}/p' %s | sed -e 's/return %%y : .*/return %%p : tensor<?x?x12xf16>/; s/-> tensor<?x?x8xf16> {/-> tensor<?x?x12xf16> {/; s/%%y = /%%r = /' | trine-opt --trine-raise-gated-mlp --remark-format=emitRemark --remarks-filter-missed=.* 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: looks like a gated network, but a value inside of it is used here at node {{[0-9]+}} (return)
// OUTSIDE-NOT: trine.gated_mlp

// Gemm's weights are transposed, at compile time.
// CHECK-LABEL: func.func @gemm
// CHECK-DAG: %[[G:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 1, 0>} : (tensor<10x8xf32>) -> tensor<8x10xf32>
// CHECK-DAG: %[[D:.*]] = onnx.Transpose(%{{.*}}) {perm = array<i64: 1, 0>} : (tensor<6x10xf32>) -> tensor<10x6xf32>
// CHECK: %[[Y:.*]] = trine.gated_mlp %arg0 weights(%[[G]], %[[D]] : tensor<8x10xf32>, tensor<10x6xf32>) up(%{{.*}} : tensor<8x10xf32>) activation silu_gated {trine.form = "gated-mlp"}
// CHECK-NOT: onnx.Gemm
// CHECK: return %[[Y]]
func.func @gemm(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}, %z: tensor<?x8xf32> {onnx.name = "z", onnx.dims = ["n", 8]},
                %v: tensor<6x10xf32> {onnx.name = "v", onnx.dims = [6, 10]}) -> tensor<?x6xf32> {
  %none = onnx.None
  %bias = onnx.Constant dense<0.5> : tensor<6xf32>
  %wg = onnx.Initializer "g" from "m.onnx" at 0 length 320 : tensor<10x8xf32>
  %wu = onnx.Initializer "u" from "m.onnx" at 320 length 320 : tensor<10x8xf32>
  %wd = onnx.Initializer "d" from "m.onnx" at 640 length 240 : tensor<6x10xf32>
  %g = onnx.Gemm(%x, %wg, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<10x8xf32>, none) -> tensor<?x10xf32>
  %u = onnx.Gemm(%x, %wu, %none) {transB = 1 : i64} : (tensor<?x8xf32>, tensor<10x8xf32>, none) -> tensor<?x10xf32>
  %s = onnx.Sigmoid(%g) : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %gu = onnx.Mul(%u, %g) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %h = onnx.Mul(%s, %gu) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %y = onnx.Gemm(%h, %wd, %none) {transB = 1 : i64} : (tensor<?x10xf32>, tensor<6x10xf32>, none) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// One product for gate and up.
// CHECK-LABEL: func.func @fused
// CHECK: trine.gated_mlp %arg0 weights(%{{.*}}, %{{.*}} : tensor<8x12xf16>, tensor<6x8xf16>) activation gelu_gated gate_up concatenated {trine.form = "gated-mlp-fused"}
func.func @fused(%x: tensor<?x?x8xf16> {onnx.name = "x", onnx.dims = ["b", "s", 8]}) -> tensor<?x?x8xf16> {
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %c6 = onnx.Constant dense<6> : tensor<1xi64>
  %c12 = onnx.Constant dense<12> : tensor<1xi64>
  %wg = onnx.Initializer "g" from "m.onnx" at 0 length 192 : tensor<8x12xf16>
  %wd = onnx.Initializer "d" from "m.onnx" at 192 length 96 : tensor<6x8xf16>
  %p = onnx.MatMul(%x, %wg) : (tensor<?x?x8xf16>, tensor<8x12xf16>) -> tensor<?x?x12xf16>
  %g = onnx.Slice(%p, %c0, %c6, %c2, %c1) : (tensor<?x?x12xf16>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x6xf16>
  %u = onnx.Slice(%p, %c6, %c12, %c2, %c1) : (tensor<?x?x12xf16>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x6xf16>
  %a = onnx.Gelu(%g) : (tensor<?x?x6xf16>) -> tensor<?x?x6xf16>
  %h = onnx.Mul(%a, %u) : (tensor<?x?x6xf16>, tensor<?x?x6xf16>) -> tensor<?x?x6xf16>
  %y = onnx.MatMul(%h, %wd) : (tensor<?x?x6xf16>, tensor<6x8xf16>) -> tensor<?x?x8xf16>
  return %y : tensor<?x?x8xf16>
}

// -----

// Biases, limits and constants go into the op.
// CHECK-LABEL: func.func @biased
// CHECK: trine.gated_mlp %arg0 weights(%{{.*}}, %{{.*}} : tensor<8x10xf32>, tensor<10x8xf32>) up(%{{.*}} : tensor<8x10xf32>)
// CHECK-SAME: gate_bias(%{{.*}} : tensor<10xf32>) up_bias(%{{.*}} : tensor<10xf32>) down_bias(%{{.*}} : tensor<8xf32>)
// CHECK-SAME: activation silu_gated clamp 7.0{{.*}} {alpha = 1.70{{.*}} : f64, beta = 1.000000e+00 : f64, trine.form = "gated-mlp"}
// CHECK-NOT: onnx.Add
func.func @biased(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %none = onnx.None
  %wg = onnx.Initializer "g" from "m.onnx" at 0 length 320 : tensor<8x10xf32>
  %wu = onnx.Initializer "u" from "m.onnx" at 320 length 320 : tensor<8x10xf32>
  %wd = onnx.Initializer "d" from "m.onnx" at 640 length 320 : tensor<10x8xf32>
  %bg = onnx.Initializer "bg" from "m.onnx" at 960 length 40 : tensor<10xf32>
  %bu = onnx.Initializer "bu" from "m.onnx" at 1000 length 40 : tensor<10xf32>
  %bd = onnx.Initializer "bd" from "m.onnx" at 1040 length 32 : tensor<8xf32>
  %seven = onnx.Constant dense<7.0> : tensor<f32>
  %low = onnx.Constant dense<-7.0> : tensor<f32>
  %alpha = onnx.Constant dense<1.702> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %g0 = onnx.MatMul(%x, %wg) : (tensor<?x8xf32>, tensor<8x10xf32>) -> tensor<?x10xf32>
  %g1 = onnx.Add(%g0, %bg) : (tensor<?x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  %u0 = onnx.MatMul(%x, %wu) : (tensor<?x8xf32>, tensor<8x10xf32>) -> tensor<?x10xf32>
  %u1 = onnx.Add(%u0, %bu) : (tensor<?x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  %g = onnx.Clip(%g1, %none, %seven) : (tensor<?x10xf32>, none, tensor<f32>) -> tensor<?x10xf32>
  %u2 = onnx.Clip(%u1, %low, %seven) : (tensor<?x10xf32>, tensor<f32>, tensor<f32>) -> tensor<?x10xf32>
  %u = onnx.Add(%u2, %one) : (tensor<?x10xf32>, tensor<f32>) -> tensor<?x10xf32>
  %ga = onnx.Mul(%g, %alpha) : (tensor<?x10xf32>, tensor<f32>) -> tensor<?x10xf32>
  %s = onnx.Sigmoid(%ga) : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %a = onnx.Mul(%g, %s) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %h = onnx.Mul(%a, %u) : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
  %y0 = onnx.MatMul(%h, %wd) : (tensor<?x10xf32>, tensor<10x8xf32>) -> tensor<?x8xf32>
  %y = onnx.Add(%y0, %bd) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Of limits within limits the narrower hold.
// CHECK-LABEL: func.func @nested_limits
// CHECK: trine.gated_mlp %arg0 {{.*}}activation silu_gated clamp 5.0
// CHECK-NOT: onnx.Clip
func.func @nested_limits(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %g = onnx.Initializer "g" from "m.onnx" at 0 length 512 : tensor<8x16xf32>
  %u = onnx.Initializer "u" from "m.onnx" at 512 length 512 : tensor<8x16xf32>
  %d = onnx.Initializer "d" from "m.onnx" at 1024 length 512 : tensor<16x8xf32>
  %five = onnx.Constant dense<5.0> : tensor<f32>
  %seven = onnx.Constant dense<7.0> : tensor<f32>
  %mseven = onnx.Constant dense<-7.0> : tensor<f32>
  %mfive = onnx.Constant dense<-5.0> : tensor<f32>
  %a = onnx.MatMul(%x, %g) : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %b = onnx.MatMul(%x, %u) : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %a1 = onnx.Min(%a, %seven) : (tensor<?x16xf32>, tensor<f32>) -> tensor<?x16xf32>
  %a2 = onnx.Min(%a1, %five) : (tensor<?x16xf32>, tensor<f32>) -> tensor<?x16xf32>
  %b1 = onnx.Clip(%b, %mseven, %seven) : (tensor<?x16xf32>, tensor<f32>, tensor<f32>) -> tensor<?x16xf32>
  %b2 = onnx.Clip(%b1, %mfive, %five) : (tensor<?x16xf32>, tensor<f32>, tensor<f32>) -> tensor<?x16xf32>
  %s = onnx.Sigmoid(%a2) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %p = onnx.Mul(%a2, %s) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = onnx.Mul(%p, %b2) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = onnx.MatMul(%h, %d) : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
