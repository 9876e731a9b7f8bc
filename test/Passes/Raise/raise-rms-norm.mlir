// RUN: trine-opt %s --trine-raise-rms-norm --split-input-file | FileCheck %s
// RUN: trine-opt %s --trine-raise-rms-norm --split-input-file --remark-format=emitRemark --remark-policy=all --remarks-filter-missed='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK --implicit-check-not=Missed

// Weight in front; the inverse root; f32.
// CHECK-LABEL: func.func @weightFirst
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK-SAME: %[[W:[^:]*]]: tensor<8xf32>
// CHECK-NEXT: %[[Y:.*]] = trine.rms_norm %[[X]], %[[W]] epsilon 9.{{.*}}E-7 compute f32 cast before_weight {trine.form = "rms-norm-decomposed"}
// CHECK-NEXT: return %[[Y]]
func.func @weightFirst(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%one, %3) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %5 = onnx.Mul(%x, %4) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %6 = onnx.Mul(%w, %5) : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %6 : tensor<?x8xf32>
}

// -----

// A sum over the count; a division by the root; no weight, as the result is used twice.
// CHECK-LABEL: func.func @sumNoWeight
// CHECK: %[[Y:.*]] = trine.rms_norm %{{.*}} epsilon 9.9{{.*}}E-6 compute f32 cast before_weight {{.*}} : tensor<?x7xf32>
// CHECK-NEXT: %[[Z:.*]] = onnx.Mul(%[[Y]], %{{.*}})
// CHECK-NEXT: return %[[Y]], %[[Z]]
func.func @sumNoWeight(%x: tensor<?x7xf32> {onnx.dims = ["n", 7]}, %w: tensor<7xf32>) -> (tensor<?x7xf32>, tensor<?x7xf32>) {
  %last = onnx.Constant dense<1> : tensor<1xi64>
  %axis = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
  %e = onnx.Constant dense<1.0e-5> : tensor<f64>
  %n = onnx.Constant dense<7.0> : tensor<f32>
  %ef = onnx.Cast(%e) {to = 1 : i64} : (tensor<f64>) -> tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  %1 = onnx.ReduceSum(%0, %last) {keepdims = 0 : i64} : (tensor<?x7xf32>, tensor<1xi64>) -> tensor<?xf32>
  %2 = onnx.Div(%1, %n) : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %3 = onnx.Reshape(%2, %axis) {allowzero = 1 : i64} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %4 = onnx.Add(%3, %ef) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %5 = onnx.Sqrt(%4) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %6 = onnx.Div(%x, %5) : (tensor<?x7xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  %7 = onnx.Mul(%6, %w) : (tensor<?x7xf32>, tensor<7xf32>) -> tensor<?x7xf32>
  return %6, %7 : tensor<?x7xf32>, tensor<?x7xf32>
}

// -----

// bf16: rounded before the weight (Llama), and after a weight plus one (Gemma).
// CHECK-LABEL: func.func @casts
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xbf16>
// CHECK-SAME: %[[W:[^:]*]]: tensor<8xbf16>
// CHECK-DAG: trine.rms_norm %[[X]], %[[W]] epsilon {{.*}} compute f32 cast before_weight {{.*}} : tensor<?x8xbf16>, tensor<8xbf16>
// CHECK-DAG: %[[WW:.*]] = onnx.Add(%{{.*}}, %{{.*}}) : (tensor<8xf32>, tensor<f32>)
// CHECK-DAG: trine.rms_norm %[[X]], %[[WW]] epsilon {{.*}} compute f32 cast after_weight {{.*}} : tensor<?x8xbf16>, tensor<8xf32>
func.func @casts(%x: tensor<?x8xbf16> {onnx.dims = ["n", 8]}, %w: tensor<8xbf16>) -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %half = onnx.Constant dense<-0.5> : tensor<f32>
  %f = onnx.Cast(%x) {to = 1 : i64} : (tensor<?x8xbf16>) -> tensor<?x8xf32>
  %0 = onnx.Mul(%f, %f) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%e, %1) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %3 = onnx.Pow(%2, %half) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %4 = onnx.Mul(%3, %f) : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %5 = onnx.Cast(%4) {to = 16 : i64} : (tensor<?x8xf32>) -> tensor<?x8xbf16>
  %6 = onnx.Mul(%5, %w) : (tensor<?x8xbf16>, tensor<8xbf16>) -> tensor<?x8xbf16>
  %wf = onnx.Cast(%w) {to = 1 : i64} : (tensor<8xbf16>) -> tensor<8xf32>
  %w1 = onnx.Add(%wf, %one) : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %b0 = onnx.ReduceSumSquare(%f, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %eighth = onnx.Constant dense<0.125> : tensor<f32>
  %b1 = onnx.Mul(%b0, %eighth) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %b2 = onnx.Add(%b1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %b3 = onnx.Sqrt(%b2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %b4 = onnx.Div(%one, %b3) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %b5 = onnx.Mul(%f, %b4) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %b6 = onnx.Mul(%b5, %w1) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %b7 = onnx.Cast(%b6) {to = 16 : i64} : (tensor<?x8xf32>) -> tensor<?x8xbf16>
  return %6, %b7 : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// -----

// The operators. A sum of two in front of a norm is an Add, and stays a result.
// CHECK-LABEL: func.func @operators
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf16>
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x8xf16>
// CHECK-DAG: trine.rms_norm %[[X]], %{{.*}} epsilon {{.*}} compute f32 cast before_weight {trine.form = "rms-norm-onnx"}
// CHECK-DAG: trine.rms_norm %[[X]], %{{.*}} epsilon {{.*}} compute f32 cast after_weight {trine.form = "rms-norm-simplified"}
// CHECK-DAG: %[[SUM:.*]] = onnx.Add(%[[X]], %[[S]])
// CHECK-DAG: %[[N:.*]] = trine.rms_norm %[[SUM]], %{{.*}} epsilon {{.*}} compute f32 cast after_weight {trine.form = "rms-norm-skip"}
// CHECK: return %{{.*}}, %{{.*}}, %[[N]], %[[SUM]]
func.func @operators(%x: tensor<?x8xf16> {onnx.dims = ["n", 8]}, %s: tensor<?x8xf16> {onnx.dims = ["n", 8]}, %w: tensor<8xf16>) -> (tensor<?x8xf16>, tensor<?x8xf16>, tensor<?x8xf16>, tensor<?x8xf16>) {
  %none = onnx.None
  %0 = onnx.RMSNormalization(%x, %w) {axis = 1 : i64} : (tensor<?x8xf16>, tensor<8xf16>) -> tensor<?x8xf16>
  %1:2 = onnx.SimplifiedLayerNormalization(%x, %w) : (tensor<?x8xf16>, tensor<8xf16>) -> (tensor<?x8xf16>, none)
  %2:4 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %s, %w, %none) {epsilon = 1.0e-5 : f32} : (tensor<?x8xf16>, tensor<?x8xf16>, tensor<8xf16>, none) -> (tensor<?x8xf16>, none, none, tensor<?x8xf16>)
  return %0, %1#0, %2#0, %2#3 : tensor<?x8xf16>, tensor<?x8xf16>, tensor<?x8xf16>, tensor<?x8xf16>
}

// -----

// Another value is scaled than was squared.
// REMARK: Missed{{.*}}looks like rms norm, but the scaled value is not the squared one at node {{[0-9]+}} (Mul)
// CHECK-LABEL: func.func @otherValue
// CHECK-NOT: trine.rms_norm
func.func @otherValue(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}, %y: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> tensor<?x8xf32> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%one, %3) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %5 = onnx.Mul(%y, %4) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %5 : tensor<?x8xf32>
}

// -----

// The mean is used elsewhere.
// REMARK: Missed{{.*}}looks like rms norm, but an inner value is used outside at node {{[0-9]+}} (Neg)
// CHECK-LABEL: func.func @outsideUse
// CHECK-NOT: trine.rms_norm
func.func @outsideUse(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%x, %3) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %5 = onnx.Neg(%0) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %4, %5 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// The inverse root has another use.
// REMARK: Missed{{.*}}looks like rms norm, but the inverse root has other uses
// CHECK-LABEL: func.func @inverseRootUsed
// CHECK-NOT: trine.rms_norm
func.func @inverseRootUsed(%x: tensor<?x8xf32> {onnx.dims = ["n", 8]}) -> (tensor<?x8xf32>, tensor<?x1xf32>) {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.Div(%one, %3) : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %5 = onnx.Mul(%x, %4) : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %5, %4 : tensor<?x8xf32>, tensor<?x1xf32>
}

// -----

// All in bf16: each step is rounded.
// CHECK-LABEL: func.func @narrow
// CHECK: trine.rms_norm %arg0 epsilon {{.*}} compute bf16 cast before_weight {trine.form = "rms-norm-decomposed"} : tensor<?x8xbf16>
// CHECK-NOT: onnx.Sqrt
func.func @narrow(%x: tensor<?x8xbf16> {onnx.dims = ["n", 8]}) -> tensor<?x8xbf16> {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<bf16>
  %0 = onnx.Mul(%x, %x) : (tensor<?x8xbf16>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  %1 = onnx.ReduceMean(%0, %last) : (tensor<?x8xbf16>, tensor<1xi64>) -> tensor<?x1xbf16>
  %2 = onnx.Add(%1, %e) : (tensor<?x1xbf16>, tensor<bf16>) -> tensor<?x1xbf16>
  %3 = onnx.Sqrt(%2) : (tensor<?x1xbf16>) -> tensor<?x1xbf16>
  %4 = onnx.Div(%x, %3) : (tensor<?x8xbf16>, tensor<?x1xbf16>) -> tensor<?x8xbf16>
  return %4 : tensor<?x8xbf16>
}

// -----

// Other axis; a divisor that is not the count; no root: none of them nearly is one.
// CHECK-LABEL: func.func @others
// CHECK-NOT: trine.rms_norm
func.func @others(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %last = onnx.Constant dense<-1> : tensor<1xi64>
  %first = onnx.Constant dense<0> : tensor<1xi64>
  %e = onnx.Constant dense<1.0e-6> : tensor<f32>
  %n = onnx.Constant dense<7.0> : tensor<f32>
  %0 = onnx.Mul(%x, %x) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = onnx.ReduceMean(%0, %first) : (tensor<8x8xf32>, tensor<1xi64>) -> tensor<1x8xf32>
  %2 = onnx.Add(%1, %e) : (tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
  %3 = onnx.Sqrt(%2) : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %4 = onnx.Div(%x, %3) : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  %a1 = onnx.ReduceSum(%0, %last) : (tensor<8x8xf32>, tensor<1xi64>) -> tensor<8x1xf32>
  %a2 = onnx.Div(%a1, %n) : (tensor<8x1xf32>, tensor<f32>) -> tensor<8x1xf32>
  %a3 = onnx.Add(%a2, %e) : (tensor<8x1xf32>, tensor<f32>) -> tensor<8x1xf32>
  %a4 = onnx.Sqrt(%a3) : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %a5 = onnx.Div(%x, %a4) : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %b1 = onnx.ReduceMean(%0, %last) : (tensor<8x8xf32>, tensor<1xi64>) -> tensor<8x1xf32>
  %b2 = onnx.Add(%b1, %e) : (tensor<8x1xf32>, tensor<f32>) -> tensor<8x1xf32>
  %b3 = onnx.Div(%x, %b2) : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  return %4, %a5, %b3 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}
