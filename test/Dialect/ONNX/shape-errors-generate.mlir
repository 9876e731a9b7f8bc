// RUN: trine-opt %s --split-input-file --trine-infer-onnx-shapes --verify-diagnostics -o /dev/null

func.func @main(%x: tensor<2x2xi64>) {
  // expected-error @+1 {{'onnx.ConstantOfShape' op 'input' must have rank 1, got 2}}
  %f0 = onnx.ConstantOfShape(%x) : (tensor<2x2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<?xi64>) {
  // expected-error @+1 {{'onnx.ConstantOfShape' op 'input' must have a known size, at most 256, got d0}}
  %f0 = onnx.ConstantOfShape(%x) : (tensor<?xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.ConstantOfShape' op 'value' must have one element, got 2}}
  %f0 = onnx.ConstantOfShape(%x) {value = dense<[1, 2]> : tensor<2xi64>} : (tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xi64>) {
  %i0 = onnx.Constant dense<[2, -2]> : tensor<2xi64>
  // expected-error @+1 {{'onnx.ConstantOfShape' op 'input' must not hold negative sizes, got [2, -2]}}
  %f0 = onnx.ConstantOfShape(%i0) : (tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{'onnx.EyeLike' op 'input' must have rank 2, got 1}}
  %f0 = onnx.EyeLike(%x) : (tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{'onnx.EyeLike' op 'dtype' must be the number of a supported element type, got 99}}
  %f0 = onnx.EyeLike(%x) {dtype = 99 : i64} : (tensor<2x2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%s: tensor<i64>) {
  %i0 = onnx.Constant dense<0> : tensor<i64>
  // expected-error @+1 {{'onnx.Range' op 'delta' must not be 0}}
  %i1 = onnx.Range(%s, %s, %i0) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}

// -----

func.func @main(%s: tensor<i64>, %v: tensor<2xi64>) {
  // expected-error @+1 {{'onnx.Range' op 'limit' must be a scalar, got shape [2]}}
  %i1 = onnx.Range(%s, %v, %s) : (tensor<i64>, tensor<2xi64>, tensor<i64>) -> tensor<*xi64>
  return
}
