// RUN: trine-opt %s --trine-convert-onnx-to-linalg --split-input-file --verify-diagnostics

// All ops that cannot be lowered are reported; what depends on them is not.
func.func @all_at_once(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-error @below {{'onnx.Mod' cannot be lowered: 'fmod' must be 1 for floats, got 0}}
  %0 = onnx.Mod(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Exp(%0) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{'onnx.LpNormalization' cannot be lowered: 'p' must be 1 or 2, got 3}}
  %2 = onnx.LpNormalization(%x) {p = 3 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @no_lowering(%x: tensor<1x2x4x8xf32>, %table: tensor<16x4xf32>, %ids: tensor<1x4xi64>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{'onnx.RotaryEmbedding' cannot be lowered: no lowering of this operator exists}}
  %0 = onnx.RotaryEmbedding(%x, %table, %table, %ids) : (tensor<1x2x4x8xf32>, tensor<16x4xf32>, tensor<16x4xf32>, tensor<1x4xi64>) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

// expected-error @below {{'two_blocks' must have one block}}
func.func @two_blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  return %x : tensor<4xf32>
}

// -----

func.func @resource() -> tensor<2xf32> {
  // expected-error @below {{'onnx.Constant' cannot be lowered: its value must be dense elements}}
  %0 = onnx.Constant dense_resource<blob> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      blob: "0x04000000010000000200000000000000"
    }
  }
#-}

// -----

// What the shape analysis refuses is reported together with what has no lowering.
func.func @element_types(%x: tensor<4xf8E4M3FN>, %i: tensor<4xi32>) -> (tensor<4xi1>, tensor<4xi32>, tensor<1xi32>) {
  // expected-error @below {{'onnx.IsNaN' cannot be lowered: element type f8E4M3FN is not supported by this operator}}
  %0 = onnx.IsNaN(%x) : (tensor<4xf8E4M3FN>) -> tensor<4xi1>
  // expected-error @below {{'onnx.Exp' op 'input' must not have element type 'i32'}}
  %1 = onnx.Exp(%i) : (tensor<4xi32>) -> tensor<4xi32>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  // expected-error @below {{'onnx.ReduceL2' cannot be lowered: its elements must be floats}}
  %2 = onnx.ReduceL2(%i, %zero) : (tensor<4xi32>, tensor<1xi64>) -> tensor<1xi32>
  return %0, %1, %2 : tensor<4xi1>, tensor<4xi32>, tensor<1xi32>
}

// -----

func.func @shift(%x: tensor<4xui8>) -> tensor<4xui8> {
  // expected-error @below {{'onnx.BitShift' cannot be lowered: 'direction' must be LEFT or RIGHT, got 'UP'}}
  %0 = onnx.BitShift(%x, %x) {direction = "UP"} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

func.func @training(%x: tensor<4xf32>, %t: tensor<i1>) -> tensor<4xf32> {
  %none = onnx.None
  // expected-error @below {{'onnx.Dropout' cannot be lowered: 'training_mode' must be constant false}}
  %0:2 = onnx.Dropout(%x, %none, %t) : (tensor<4xf32>, none, tensor<i1>) -> (tensor<4xf32>, none)
  return %0#0 : tensor<4xf32>
}

// -----

func.func @data_axis(%x: tensor<4x4xf32>, %axis: tensor<i64>) -> tensor<4x4xf32> {
  // expected-error @below {{'onnx.CumSum' cannot be lowered: 'axis' must be one constant}}
  %0 = onnx.CumSum(%x, %axis) : (tensor<4x4xf32>, tensor<i64>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @pads(%x: tensor<4xf32>, %pads: tensor<2xi64>) -> tensor<?xf32> {
  %none = onnx.None
  // expected-error @below {{'onnx.Pad' cannot be lowered: 'pads' must be known from sizes}}
  %0 = onnx.Pad(%x, %pads, %none, %none) : (tensor<4xf32>, tensor<2xi64>, none, none) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @skip_mean(%x: tensor<4x8xf32>, %scale: tensor<8xf32>) -> tensor<4x1xf32> {
  %none = onnx.None
  // expected-error @below {{'onnx.com.microsoft.SkipSimplifiedLayerNormalization' cannot be lowered: its result 'mean' has no definition}}
  %0:4 = onnx.com.microsoft.SkipSimplifiedLayerNormalization(%x, %x, %scale, %none) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8xf32>, none) -> (tensor<4x8xf32>, tensor<4x1xf32>, none, none)
  return %0#1 : tensor<4x1xf32>
}

// -----

func.func @growing(%x: tensor<?xf32> {onnx.dims = ["n"]}, %m: tensor<i64>) -> tensor<?xf32> {
  %true = onnx.Constant dense<true> : tensor<i1>
  // expected-error @below {{'onnx.Loop' cannot be lowered: carried value #0 must keep its shape}}
  %0 = onnx.Loop(%m, %true, %x) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<?xf32>):
    %1 = onnx.Concat(%v, %v) {axis = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    onnx.Yield %c, %1 : tensor<i1>, tensor<?xf32>
  } : (tensor<i64>, tensor<i1>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @scan(%x: tensor<i64>) -> tensor<?xi64> {
  %none = onnx.None
  %limit = onnx.Constant dense<100> : tensor<i64>
  %true = onnx.Constant dense<true> : tensor<i1>
  // expected-error @below {{'onnx.Loop' cannot be lowered: scan outputs need a trip count and a constant condition}}
  %0:2 = onnx.Loop(%none, %true, %x) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<i64>):
    %1 = onnx.Add(%v, %v) : (tensor<i64>, tensor<i64>) -> tensor<i64>
    %2 = onnx.Less(%1, %limit) : (tensor<i64>, tensor<i64>) -> tensor<i1>
    onnx.Yield %2, %1, %1 : tensor<i1>, tensor<i64>, tensor<i64>
  } : (none, tensor<i1>, tensor<i64>) -> (tensor<i64>, tensor<?xi64>)
  return %0#1 : tensor<?xi64>
}

// -----

func.func @scan_of_data(%x: tensor<i64>) -> tensor<?x?xi64> {
  %three = onnx.Constant dense<3> : tensor<i64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  %true = onnx.Constant dense<true> : tensor<i1>
  // expected-error @below {{'onnx.Loop' cannot be lowered: the size of scan output #0 must be known before the loop}}
  %0:2 = onnx.Loop(%three, %true, %x) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<i64>):
    %1 = onnx.Range(%zero, %v, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
    onnx.Yield %c, %v, %1 : tensor<i1>, tensor<i64>, tensor<?xi64>
  } : (tensor<i64>, tensor<i1>, tensor<i64>) -> (tensor<i64>, tensor<?x?xi64>)
  return %0#1 : tensor<?x?xi64>
}

// -----

func.func @no_return(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'no_return' must end with func.return}}
  onnx.Yield %x : tensor<4xf32>
}

// -----

// expected-error @below {{argument #0 must be a ranked tensor, got 'i32'}}
func.func @scalar_argument(%x: i32, %y: tensor<4xf32>) -> tensor<4xf32> {
  return %y : tensor<4xf32>
}

// -----

func.func @growing_state(%s: tensor<?xf32> {onnx.dims = ["n"]}, %x: tensor<?x1xf32> {onnx.dims = ["t", 1]}) -> tensor<?xf32> {
  // expected-error @below {{'onnx.Scan' cannot be lowered: state #0 must keep its shape}}
  %0 = onnx.Scan(%s, %x) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<1xf32>):
    %1 = onnx.Concat(%a, %b) {axis = 0 : i64} : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
    onnx.Yield %1 : tensor<?xf32>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<?xf32>, tensor<?x1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @scanned_data(%x: tensor<?xi64> {onnx.dims = ["t"]}) -> tensor<?x?xi64> {
  %zero = onnx.Constant dense<0> : tensor<i64>
  %one = onnx.Constant dense<1> : tensor<i64>
  // expected-error @below {{'onnx.Scan' cannot be lowered: the size of scan output #0 must be known before the loop}}
  %0 = onnx.Scan(%x) {
  ^bb0(%v: tensor<i64>):
    %1 = onnx.Range(%zero, %v, %one) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
    onnx.Yield %1 : tensor<?xi64>
  } attributes {num_scan_inputs = 1 : i64} : (tensor<?xi64>) -> tensor<?x?xi64>
  return %0 : tensor<?x?xi64>
}

// -----

func.func @round_mode(%x: tensor<4xf32>) -> tensor<4xf8E8M0FNU> {
  // expected-error @below {{'onnx.Cast' cannot be lowered: 'round_mode' must be 'up', 'down' or 'nearest', got 'away'}}
  %0 = onnx.Cast(%x) {to = 24 : i64, round_mode = "away"} : (tensor<4xf32>) -> tensor<4xf8E8M0FNU>
  return %0 : tensor<4xf8E8M0FNU>
}
