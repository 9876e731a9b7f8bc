// RUN: trine-opt %s --split-input-file --trine-promote-state | FileCheck %s
// RUN: trine-opt %s --split-input-file --trine-promote-state --remark-format=emitRemark --remark-policy=all --remarks-filter='.*' 2>&1 >%t | FileCheck %s --check-prefix=REMARK
// RUN: trine-opt %s --split-input-file --trine-promote-state=ragged=false | FileCheck %s --check-prefix=SAME

// Nothing but causal attention reads keys and values: each sequence has its own offset, its entries before the step.
// REMARK: Passed{{.*}}state-lengths{{.*}}slots of a step may have different lengths: 1 attentions read them
// CHECK-LABEL: func.func @causal(
// CHECK-SAME:    attributes {trine.ragged}
// CHECK:         %{{.*}}, %[[LENGTHS:.*]] = trine.state.read %{{.*}} -> tensor<?x2x?x8xf32>, tensor<?xi64>
// CHECK:         trine.attention {{.*}} offset(%[[LENGTHS]] : tensor<?xi64>) scale {{.*}} mask causal
// SAME-LABEL: func.func @causal(
// SAME-NOT:   trine.ragged
// SAME:       trine.attention {{.*}}) scale
// SAME:       return
func.func @causal(%q: tensor<?x4x?x8xf32>, %new: tensor<?x2x?x8xf32>,
                  %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x4x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 4, "s", 8]}) {
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%q : tensor<?x4x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>) scale 1.0 mask causal masked_row zero
    -> tensor<?x4x?x8xf32>, tensor<?x4x?xf32>
  return %0, %o : tensor<?x2x?x8xf32>, tensor<?x4x?x8xf32>
}

// -----

// One new row without a mask sees what it would see with a causal one. Views, casts and transpositions keep entries apart.
// CHECK-LABEL: func.func @one_row(
// CHECK-SAME:    attributes {trine.ragged}
// CHECK:         trine.attention {{.*}} offset(%{{.*}} : tensor<?xi64>) scale {{.*}} mask causal
func.func @one_row(%q: tensor<?x4x1x8xf32>, %new: tensor<?x1x2x16xf32>,
                   %past: tensor<?x?x2x16xf32> {onnx.name = "past", onnx.dims = ["b", "p", 2, 16], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x?x2x16xf32> {onnx.name = "present", onnx.dims = ["b", "p + 1", 2, 16], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x4x1x8xf32> {onnx.name = "y", onnx.dims = ["b", 4, 1, 8]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = tensor.concat dim(1) %past, %new : (tensor<?x?x2x16xf32>, tensor<?x1x2x16xf32>) -> tensor<?x?x2x16xf32>
  %b = tensor.dim %0, %c0 : tensor<?x?x2x16xf32>
  %t = tensor.dim %0, %c1 : tensor<?x?x2x16xf32>
  %half = tensor.extract_slice %0[0, 0, 0, 8] [%b, %t, 2, 8] [1, 1, 1, 1] : tensor<?x?x2x16xf32> to tensor<?x?x2x8xf32>
  %e = tensor.empty(%b, %t) : tensor<?x2x?x8xf32>
  %k = linalg.transpose ins(%half : tensor<?x?x2x8xf32>) outs(%e : tensor<?x2x?x8xf32>) permutation = [0, 2, 1, 3]
  %o, %lse = trine.attention query(%q : tensor<?x4x1x8xf32>) key(%k : tensor<?x2x?x8xf32>) value(%k : tensor<?x2x?x8xf32>) scale 1.0 mask none masked_row zero
    -> tensor<?x4x1x8xf32>, tensor<?x4x1xf32>
  return %0, %o : tensor<?x?x2x16xf32>, tensor<?x4x1x8xf32>
}

// -----

// Latent attention that caches keys and values of all heads: its new rows are appended, and its attention is written out.
// CHECK-LABEL: func.func @expanded(
// CHECK-SAME:    attributes {trine.ragged}
// CHECK-DAG:     %[[K:.*]] = trine.state.open "past.key"
// CHECK-DAG:     %[[V:.*]] = trine.state.open "past.value"
// CHECK:         %[[K1:.*]] = trine.state.append %[[K]], %{{.*}} : {{.*}}, tensor<?x4x?x24xf32>
// CHECK:         %[[KEYS:.*]], %{{.*}} = trine.state.read %[[K1]]
// CHECK:         %[[V1:.*]] = trine.state.append %[[V]], %{{.*}} : {{.*}}, tensor<?x4x?x16xf32>
// CHECK:         %[[VALUES:.*]], %{{.*}} = trine.state.read %[[V1]]
// CHECK:         trine.attention query({{.*}}) key(%[[KEYS]] : {{.*}}) value(%[[VALUES]] : {{.*}}) offset(
func.func @expanded(%qn: tensor<?x4x?x16xf32>, %qr: tensor<?x4x?x8xf32>, %c: tensor<?x?x32xf32>, %kr: tensor<?x?x8xf32>, %uk: tensor<32x4x16xf32>, %uv: tensor<32x4x16xf32>,
    %pk: tensor<?x4x?x24xf32> {onnx.dims = ["batch", 4, "past", 24], onnx.name = "past.key", trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
    %pv: tensor<?x4x?x16xf32> {onnx.dims = ["batch", 4, "past", 16], onnx.name = "past.value", trine.state = {axis = 2 : i64, pair = 1 : i64, rule = "append"}})
    -> (tensor<?x4x?x16xf32> {onnx.name = "o"},
        tensor<?x4x?x24xf32> {onnx.dims = ["batch", 4, "past + seq", 24], onnx.name = "present.key", trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x4x?x16xf32> {onnx.dims = ["batch", 4, "past + seq", 16], onnx.name = "present.value", trine.state = {axis = 2 : i64, pair = 1 : i64, rule = "append"}}) {
  %o, %lse, %k, %v = trine.mla.attention query(%qn, %qr : tensor<?x4x?x16xf32>, tensor<?x4x?x8xf32>) cache(%c, %kr : tensor<?x?x32xf32>, tensor<?x?x8xf32>)
    weights(%uk, %uv : tensor<32x4x16xf32>, tensor<32x4x16xf32>) past(%pk, %pv : tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>)
    scale 2.0e-1 mask causal masked_row zero form decompressed -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32> present(tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>)
  return %o, %k, %v : tensor<?x4x?x16xf32>, tensor<?x4x?x24xf32>, tensor<?x4x?x16xf32>
}

// -----

// REMARK: Missed{{.*}}slots of a step must have one length: 'trine.attention' attends to several new rows without a causal mask
// CHECK-LABEL: func.func @no_mask(
// CHECK-NOT:   trine.ragged
// CHECK:       mask none
func.func @no_mask(%q: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>,
                   %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x2x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 2, "s", 8]}) {
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%q : tensor<?x2x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>) scale 1.0 mask none masked_row zero
    -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %0, %o : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// REMARK: Missed{{.*}}slots of a step must have one length: 'trine.attention' attends with a mask of numbers
// CHECK-LABEL: func.func @additive(
// CHECK-NOT:   trine.ragged
func.func @additive(%q: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %m: tensor<?x?xf32>,
                    %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x2x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 2, "s", 8]}) {
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%q : tensor<?x2x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>) mask_values(%m : tensor<?x?xf32>)
    scale 1.0 mask additive masked_row zero -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %0, %o : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// REMARK: Missed{{.*}}slots of a step must have one length: 'trine.attention' attends with an offset of its own
// CHECK-LABEL: func.func @offset(
// CHECK-NOT:   trine.ragged
func.func @offset(%q: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %f: tensor<i64>,
                  %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x2x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 2, "s", 8]}) {
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%q : tensor<?x2x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>) offset(%f : tensor<i64>)
    scale 1.0 mask causal masked_row zero -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %0, %o : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// REMARK: Missed{{.*}}slots of a step must have one length: 'trine.attention' has them as more than keys and values
// CHECK-LABEL: func.func @queries(
// CHECK-NOT:   trine.ragged
func.func @queries(%new: tensor<?x2x?x8xf32>,
                   %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x2x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 2, "p + s", 8]}) {
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%0 : tensor<?x2x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>)
    scale 1.0 mask causal masked_row zero -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %0, %o : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// A rotary table is read from the length of the past on: the same for all sequences.
// REMARK: Missed{{.*}}slots of a step must have one length: 'tensor.extract_slice' uses the number of entries as a number
// CHECK-LABEL: func.func @position(
// CHECK-NOT:   trine.ragged
func.func @position(%q: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %table: tensor<?x8xf32>,
                    %past: tensor<?x2x?x8xf32> {onnx.name = "past", onnx.dims = ["b", 2, "p", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present", onnx.dims = ["b", 2, "p + s", 8], trine.state = {axis = 2 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x2x?x8xf32> {onnx.name = "y", onnx.dims = ["b", 2, "s", 8]}, tensor<?x8xf32> {onnx.name = "z", onnx.dims = ["s", 8]}) {
  %c2 = arith.constant 2 : index
  %p = tensor.dim %past, %c2 : tensor<?x2x?x8xf32>
  %s = tensor.dim %new, %c2 : tensor<?x2x?x8xf32>
  %rows = tensor.extract_slice %table[%p, 0] [%s, 8] [1, 1] : tensor<?x8xf32> to tensor<?x8xf32>
  %0 = tensor.concat dim(2) %past, %new : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  %o, %lse = trine.attention query(%q : tensor<?x2x?x8xf32>) key(%0 : tensor<?x2x?x8xf32>) value(%0 : tensor<?x2x?x8xf32>)
    scale 1.0 mask causal masked_row zero -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %0, %o, %rows : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x8xf32>
}

// -----

// REMARK: Missed{{.*}}slots of a step must have one length: 'math.exp' uses entries otherwise than as keys and values of attention
// CHECK-LABEL: func.func @otherwise(
// CHECK-NOT:   trine.ragged
func.func @otherwise(%new: tensor<?x?x8xf32>,
                     %past: tensor<?x?x8xf32> {onnx.name = "past", onnx.dims = ["b", "p", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}})
    -> (tensor<?x?x8xf32> {onnx.name = "present", onnx.dims = ["b", "p + s", 8], trine.state = {axis = 1 : i64, pair = 0 : i64, rule = "append"}},
        tensor<?x?x8xf32> {onnx.name = "y", onnx.dims = ["b", "p + s", 8]}) {
  %0 = tensor.concat dim(1) %past, %new : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %y = math.exp %0 : tensor<?x?x8xf32>
  return %0, %y : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}
