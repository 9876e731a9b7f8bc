// RUN: trine-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// expected-error @below {{body must end with 'plan.computed'}}
plan.constant_program @p {
  "x.end"() : () -> ()
}

// -----

// constant_program_c1
// expected-error @below {{body must be pure}}
plan.constant_program @p {
  %true = arith.constant dense<true> : tensor<i1>
  // expected-note @below {{'trine.require' has effects}}
  trine.require %true, "no" : tensor<i1>
  plan.computed at []
}

// -----

// constant_program_c2
plan.constant_program @p {
  // expected-error @below {{a constant program must not read the weights that are computed}}
  %w = trine.weight "w" from "/computed" at 0 length 16 : tensor<4xf32>
  plan.computed %w at [0] : tensor<4xf32>
}

// -----

// constant_program_c2
plan.constant_program @p {
  // expected-error @below {{a constant program must not read the weights that are computed}}
  %w = trine.assembled_weight "w" [#trine.piece<"m" at 0 strides [1] into [0] sizes [2]>, #trine.piece<"/computed" at 0 strides [1] into [2] sizes [2]>] : tensor<4xf32>
  plan.computed %w at [0] : tensor<4xf32>
}

// -----

// computed_c1
plan.constant_program @p {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  // expected-error @below {{must have one offset for each value, got 2 for 1}}
  plan.computed %w at [0, 64] : tensor<4xf32>
}

// -----

// computed_c2
plan.constant_program @p {
  %w = trine.weight "w" from "m" at 0 length 16 : tensor<4xf32>
  // expected-error @below {{offset must be a multiple of 64 from 0 on, got 16}}
  plan.computed %w at [16] : tensor<4xf32>
}

// -----

// computed_c2
plan.constant_program @p {
  %w = trine.weight "w" from "m" at 0 length 80 : tensor<20xf32>
  // expected-error @below {{offset must be a multiple of 64 from 80 on, got 64}}
  plan.computed %w, %w at [0, 64] : tensor<20xf32>, tensor<20xf32>
}

// -----

// computed_c2
plan.constant_program @p {
  %w = trine.weight "w" from "m" at 0 length 400 : tensor<100xf32>
  // expected-error @below {{offset must be a multiple of 64 from 0 on, got 9223372036854775744}}
  plan.computed %w at [9223372036854775744] : tensor<100xf32>
}

// -----

// computed_c3
plan.constant_program @p {
  %w = arith.constant dense<1> : tensor<2xi4>
  // expected-error @below {{values must have elements of whole bytes, got 'tensor<2xi4>'}}
  plan.computed %w at [0] : tensor<2xi4>
}
