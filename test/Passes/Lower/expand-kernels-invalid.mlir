// RUN: trine-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(plan.kernel(trine-expand-kernels))'

plan.kernel @other(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {skeleton = "row"} {
  // expected-error@+1 {{'trine.rms_norm' op has no form for the host}}
  %0 = trine.rms_norm %x, %w epsilon 1.0e-6 compute f32 cast after_weight : tensor<?x8xf32>, tensor<8xf32>
  plan.return %0 : tensor<?x8xf32>
}

// -----

plan.kernel @rounded(%q: tensor<?x4x?x16xbf16>, %k: tensor<?x4x?x16xbf16>, %out: tensor<?x4x?x16xbf16>) -> tensor<?x4x?x16xbf16> attributes {skeleton = "attention"} {
  // expected-error@+1 {{needs 'partial' results in a kernel, where sums are 'f32'}}
  %o, %l = trine.attention query(%q : tensor<?x4x?x16xbf16>) key(%k : tensor<?x4x?x16xbf16>) value(%k : tensor<?x4x?x16xbf16>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x16xbf16>, tensor<?x4x?xf32>
  %0 = linalg.copy ins(%o : tensor<?x4x?x16xbf16>) outs(%out : tensor<?x4x?x16xbf16>) -> tensor<?x4x?x16xbf16>
  plan.return %0 : tensor<?x4x?x16xbf16>
}

// -----

plan.kernel @unknown(%q: tensor<?x4x?x?xf32>, %k: tensor<?x4x?x?xf32>, %out: tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32> attributes {skeleton = "attention"} {
  // expected-error@+1 {{needs known numbers of heads and columns in a kernel, got 'tensor<?x4x?x?xf32>' and 'tensor<?x4x?x?xf32>'}}
  %o, %l = trine.attention query(%q : tensor<?x4x?x?xf32>) key(%k : tensor<?x4x?x?xf32>) value(%k : tensor<?x4x?x?xf32>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x?xf32>, tensor<?x4x?xf32>
  %0 = linalg.copy ins(%o : tensor<?x4x?x?xf32>) outs(%out : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  plan.return %0 : tensor<?x4x?x?xf32>
}

// -----

plan.kernel @wide(%q: tensor<?x4x?x1040xf32>, %k: tensor<?x4x?x1040xf32>, %v: tensor<?x4x?x8xf32>, %out: tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32> attributes {skeleton = "attention"} {
  // expected-error@+1 {{has keys of 1040 columns, of which a kernel takes at most 1024}}
  %o, %l = trine.attention query(%q : tensor<?x4x?x1040xf32>) key(%k : tensor<?x4x?x1040xf32>) value(%v : tensor<?x4x?x8xf32>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x8xf32>, tensor<?x4x?xf32>
  %0 = linalg.copy ins(%o : tensor<?x4x?x8xf32>) outs(%out : tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  plan.return %0 : tensor<?x4x?x8xf32>
}

// -----

plan.kernel @returned(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x?x16xf32>, %out: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> attributes {skeleton = "attention"} {
  // expected-error@+1 {{must give its results to destinations of the kernel}}
  %o, %l = trine.attention query(%q : tensor<?x4x?x16xf32>) key(%k : tensor<?x4x?x16xf32>) value(%k : tensor<?x4x?x16xf32>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  plan.return %o : tensor<?x4x?x16xf32>
}

// -----

plan.kernel @lse_alone(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x?x16xf32>, %out: tensor<?x4x?xf32>) -> tensor<?x4x?xf32> attributes {skeleton = "attention"} {
  // expected-error@+1 {{must give its output to a kernel's destination}}
  %o, %l = trine.attention query(%q : tensor<?x4x?x16xf32>) key(%k : tensor<?x4x?x16xf32>) value(%k : tensor<?x4x?x16xf32>) scale 0.1 mask none masked_row zero -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  %0 = linalg.copy ins(%l : tensor<?x4x?xf32>) outs(%out : tensor<?x4x?xf32>) -> tensor<?x4x?xf32>
  plan.return %0 : tensor<?x4x?xf32>
}
