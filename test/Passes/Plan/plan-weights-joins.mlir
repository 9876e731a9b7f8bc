// RUN: trine-opt %s --split-input-file --trine-plan-weights | FileCheck %s

// Rows from files side by side are one weight of pieces; rows of constants one constant. What is left after a join of something else stays.

// CHECK:       plan.weight @w0 "b" pieces [
// CHECK-DAG:   #trine.piece<"m" at 0 strides[1, 1] into[0, 0] sizes[1, 64]>
// CHECK-DAG:   #trine.piece<"m" at 256 strides[64, 1] into[1, 0] sizes[2, 64]>
// CHECK-SAME:  : tensor<3x64xf32>
// CHECK:       plan.weight @w1 "constant_{{[0-9]+}}" value dense<
// CHECK-SAME:  tensor<2x16xf32>
// CHECK-LABEL: func.func @main
// CHECK:       plan.load_weight @w0 : tensor<3x64xf32>
// CHECK:       plan.load_weight @w1 : tensor<2x16xf32>
// CHECK-NOT:   tensor.insert_slice %{{.*}} into %{{.*}} : tensor<64xf32>
// CHECK:       return
func.func @main() -> (tensor<3x64xf32>, tensor<2x16xf32>) {
  %a = trine.weight "a" from "m" at 0 length 256 : tensor<64xf32>
  %b = trine.weight "b" from "m" at 256 length 512 : tensor<2x64xf32>
  %e = tensor.empty() : tensor<3x64xf32>
  %0 = tensor.insert_slice %b into %e[1, 0] [2, 64] [1, 1] : tensor<2x64xf32> into tensor<3x64xf32>
  %1 = tensor.insert_slice %a into %0[0, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<3x64xf32>
  %x = arith.constant dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]]> : tensor<1x16xf32>
  %y = arith.constant dense<1.0> : tensor<1x16xf32>
  %f = tensor.empty() : tensor<2x16xf32>
  %2 = tensor.insert_slice %x into %f[0, 0] [1, 16] [1, 1] : tensor<1x16xf32> into tensor<2x16xf32>
  %3 = tensor.insert_slice %y into %2[1, 0] [1, 16] [1, 1] : tensor<1x16xf32> into tensor<2x16xf32>
  return %1, %3 : tensor<3x64xf32>, tensor<2x16xf32>
}

// -----

// Not all of it is filled, some of it twice, or by what is no weight: these stay.

// CHECK-LABEL:   func.func @main
// CHECK-COUNT-4: tensor.insert_slice
func.func @main(%x: tensor<64xf32>) -> (tensor<2x64xf32>, tensor<2x64xf32>, tensor<2x64xf32>) {
  %a = trine.weight "a" from "m" at 0 length 256 : tensor<64xf32>
  %b = trine.weight "b" from "m" at 256 length 256 : tensor<64xf32>
  %e = tensor.empty() : tensor<2x64xf32>
  %0 = tensor.insert_slice %a into %e[0, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  %1 = tensor.insert_slice %b into %0[0, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  %2 = tensor.insert_slice %b into %e[1, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  %3 = tensor.insert_slice %x into %0[1, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  return %1, %2, %3 : tensor<2x64xf32>, tensor<2x64xf32>, tensor<2x64xf32>
}
