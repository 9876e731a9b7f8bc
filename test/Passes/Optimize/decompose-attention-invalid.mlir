// RUN: trine-opt %s --split-input-file --verify-diagnostics --trine-decompose-composites

func.func @unknown_heads(%q: tensor<?x?x?x16xf32>, %k: tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32> {
  // expected-error@+1 {{'trine.attention' needs known numbers of heads, got 'tensor<?x?x?x16xf32>' and 'tensor<?x?x?x16xf32>'}}
  %o, %l = trine.attention query(%q : tensor<?x?x?x16xf32>) key(%k : tensor<?x?x?x16xf32>) value(%k : tensor<?x?x?x16xf32>)
    scale 0.25 mask none masked_row zero -> tensor<?x?x?x16xf32>, tensor<?x?x?xf32>
  return %o : tensor<?x?x?x16xf32>
}
