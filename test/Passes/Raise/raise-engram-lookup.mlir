// RUN: trine-opt %s --mlir-disable-threading --trine-raise-engram-lookup --remarks-filter-missed=trine-raise-engram-lookup --remark-format=emitRemark 2>&1 | FileCheck %s

// CHECK: remark: {{.*}}looks like a lookup of hashed rows, but the table is read along axis 1 at
// CHECK: remark: {{.*}}looks like a lookup of hashed rows, but the table is not a matrix of floats at

// CHECK-LABEL: func.func @gather
// CHECK: %[[ROWS:.*]], %{{.*}} = trine.engram.hash
// CHECK: trine.engram.lookup %[[ROWS]], %{{.*}} {trine.form = "engram-lookup"} : tensor<?x?x2xi64>, tensor<24x16xf32> -> tensor<?x?x2x16xf32>
// CHECK-NOT: onnx.Gather
func.func @gather(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x2x16xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %e = onnx.Gather(%t, %rows) : (tensor<24x16xf32>, tensor<?x?x2xi64>) -> tensor<?x?x2x16xf32>
  return %e : tensor<?x?x2x16xf32>
}

// CHECK-LABEL: func.func @tuples
// CHECK: trine.engram.lookup
// CHECK-NOT: onnx.Gather
func.func @tuples(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x2x16xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %tuple = onnx.Constant dense<[0, 0, 2, 1]> : tensor<4xi64>
  %i = onnx.Reshape(%rows, %tuple) : (tensor<?x?x2xi64>, tensor<4xi64>) -> tensor<?x?x2x1xi64>
  %e = onnx.GatherND(%t, %i) : (tensor<24x16xf32>, tensor<?x?x2x1xi64>) -> tensor<?x?x2x16xf32>
  return %e : tensor<?x?x2x16xf32>
}

// A table for each head.
// CHECK-LABEL: func.func @tables
// CHECK: %[[COLUMN:.*]] = onnx.Slice
// CHECK: trine.engram.lookup %[[COLUMN]], %{{.*}} : tensor<?x?x1xi64>, tensor<24x16xf32> -> tensor<?x?x1x16xf32>
func.func @tables(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x1x16xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %i = onnx.Slice(%rows, %c1, %c2, %c2, %c1) : (tensor<?x?x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x1xi64>
  %e = onnx.Gather(%t, %i) : (tensor<24x16xf32>, tensor<?x?x1xi64>) -> tensor<?x?x1x16xf32>
  return %e : tensor<?x?x1x16xf32>
}

// Hashes that are made outside of the model: the rows of a token are joined.
// CHECK-LABEL: func.func @ids
// CHECK: trine.engram.lookup %arg1, %{{.*}} {trine.form = "engram-lookup-ids"}
func.func @ids(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x32xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %joined = onnx.Constant dense<[0, 0, 32]> : tensor<3xi64>
  %g = onnx.Gather(%t, %r) : (tensor<24x16xf32>, tensor<?x?x2xi64>) -> tensor<?x?x2x16xf32>
  %e = onnx.Reshape(%g, %joined) : (tensor<?x?x2x16xf32>, tensor<3xi64>) -> tensor<?x?x32xf32>
  return %e : tensor<?x?x32xf32>
}

// Twins: another axis; rows that stay apart; a table of integers.
// CHECK-LABEL: func.func @axis
// CHECK-NOT: trine.engram.lookup
func.func @axis(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<24x?x?x2xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %e = onnx.Gather(%t, %rows) {axis = 1 : i64} : (tensor<24x16xf32>, tensor<?x?x2xi64>) -> tensor<24x?x?x2xf32>
  return %e : tensor<24x?x?x2xf32>
}

func.func @apart(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x2x16xf32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xf32>
  %e = onnx.Gather(%t, %r) : (tensor<24x16xf32>, tensor<?x?x2xi64>) -> tensor<?x?x2x16xf32>
  return %e : tensor<?x?x2x16xf32>
}

func.func @integers(%ids: tensor<?x?xi64> {onnx.name = "ids_160", onnx.dims = ["b", "s"]}, %r: tensor<?x?x2xi64> {onnx.name = "rows_24", onnx.dims = ["b", "s", 2]}) -> (tensor<?x?x2x16xi32>) {
  %rows, %present = trine.engram.hash %ids order 3 heads 1 multipliers [3, 5, 7] moduli [11, 13] offsets [0, 11] pad 2 reset never wrap twos_complement : tensor<?x?xi64> -> tensor<?x?x2xi64>, tensor<?x2xi64>
  %t = onnx.Initializer "table" from "weights" at 0 length 1536 : tensor<24x16xi32>
  %e = onnx.Gather(%t, %rows) : (tensor<24x16xi32>, tensor<?x?x2xi64>) -> tensor<?x?x2x16xi32>
  return %e : tensor<?x?x2x16xi32>
}
