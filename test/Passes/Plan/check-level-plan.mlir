// RUN: trine-opt %s --split-input-file --trine-check-level-plan --verify-diagnostics

plan.device @device0
plan.kernel @f(%x: tensor<4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "elementwise"} {
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%out : tensor<4xf32>) -> tensor<4xf32>
  plan.return %y : tensor<4xf32>
}
func.func @main(%x: memref<4xf32>) {
  %y = plan.output 0() : memref<4xf32>
  plan.launch @f on @device0 queue 0 ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

// expected-error @below {{'func.func' may not be at the plan level in a module}}
func.func private @other()

// -----

plan.kernel @f(%x: tensor<4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> attributes {skeleton = "elementwise"} {
  // expected-error @below {{'trine.weight' may not be at the plan level in a kernel}}
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  plan.return %w : tensor<4xf32>
}

// -----

func.func @main(%x: memref<4xf32>) {
  // expected-error @below {{'memref.alloc' may not be at the plan level in '@main'}}
  %a = memref.alloc() : memref<4xf32>
  return
}

// -----

plan.device @device0
func.func @main() {
  // expected-error @below {{'plan.buffer' may not be at the plan level in '@main'}}
  %a = plan.buffer() on @device0 space <device> : memref<4xf32>
  return
}

// -----

// expected-error @below {{'@main' must take memrefs and have no results at the plan level, got '(tensor<4xf32>) -> ()'}}
func.func @main(%x: tensor<4xf32>) {
  return
}

// -----

// expected-error @below {{module must have a function '@main'}}
module {
}

// -----

plan.constant_program @constants0 {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  plan.computed %w at [64] : tensor<4xf32>
}
plan.weight @w0 "w" from "/computed" at 72 length 8 : tensor<2xf32> permutation [0] outer [] inner [] tiles [] stored tensor<2xf32>
// expected-error @below {{weight 'v' must lie within what a constant program computes}}
plan.weight @w1 "v" from "/computed" at 72 length 16 : tensor<4xf32> permutation [0] outer [] inner [] tiles [] stored tensor<4xf32>
func.func @main() { return }

// -----

// expected-error @below {{weight 'v' must lie within what a constant program computes}}
plan.weight @w1 "v" pieces [#trine.piece<"/computed" at 0 strides [1] into [0] sizes [4]>] : tensor<4xf32> permutation [0] outer [] inner [] tiles [] stored tensor<4xf32>
func.func @main() { return }

// -----

plan.constant_program @constants0 {
  // expected-note @below {{the one before is here}}
  %w = trine.weight "w" from "m" at 0 length 80 : tensor<20xf32>
  plan.computed %w at [64] : tensor<20xf32>
}
plan.constant_program @constants1 {
  // expected-error @below {{computed weight at 128 must begin behind the one before, which ends at 144}}
  %w = trine.weight "w" from "m" at 0 length 80 : tensor<20xf32>
  plan.computed %w at [128] : tensor<20xf32>
}
func.func @main() { return }
