// RUN: trine-opt %s --trine-deduplicate-kernels | FileCheck %s

// CHECK: plan.kernel @a
// CHECK-NOT: plan.kernel @b
// CHECK: plan.kernel @other_constant
// CHECK: plan.kernel @other_order
// CHECK: plan.kernel @other_form
plan.device @device0
plan.kernel @a(%x: tensor<?xf32>, %y: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c = arith.constant 1.0 : f32
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %s = arith.mulf %d, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  plan.return %z : tensor<?xf32>
}
plan.kernel @b(%x: tensor<?xf32>, %y: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c = arith.constant 1.0 : f32
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %s = arith.mulf %d, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  plan.return %z : tensor<?xf32>
}
plan.kernel @other_constant(%x: tensor<?xf32>, %y: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c = arith.constant 2.0 : f32
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %s = arith.mulf %d, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  plan.return %z : tensor<?xf32>
}
plan.kernel @other_order(%x: tensor<?xf32>, %y: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "elementwise"} {
  %c = arith.constant 1.0 : f32
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %b, %a : f32
    %s = arith.mulf %d, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  plan.return %z : tensor<?xf32>
}
plan.kernel @other_form(%x: tensor<?xf32>, %y: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {skeleton = "row"} {
  %c = arith.constant 1.0 : f32
  %z = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %s = arith.mulf %d, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  plan.return %z : tensor<?xf32>
}

// CHECK-LABEL: func.func @main
// CHECK: plan.launch @a
// CHECK: plan.launch @a
// CHECK: plan.launch @other_order
func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  %0 = plan.launch @a on @device0 queue 0 ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %1 = plan.launch @b on @device0 queue 0 ins(%0, %y : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %2 = plan.launch @other_order on @device0 queue 0 ins(%1, %y : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %2 : tensor<?xf32>
}
