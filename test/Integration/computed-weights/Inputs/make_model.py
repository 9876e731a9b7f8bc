#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model whose weights are computed from weights, each way in an output of its own, with what numpy computes in double precision.

    make_model.py FOLDER [--dynamic]

FOLDER/model.onnx and FOLDER/data/test_data_set_0.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DYNAMIC = "--dynamic" in sys.argv
ROWS, WIDTH, POSITIONS = 5, 64, 1024
folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(5)
nodes, weights, outputs = [], [], []


def weight(name, values):
    weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def normal(*shape, dtype=np.float32):
    return random.standard_normal(shape).astype(dtype)


def node(op, inputs, output, **attributes):
    nodes.append(helper.make_node(op, inputs.split(), [output], **attributes))


def result(name, values, dtype=np.float32):
    outputs.append((name, values.astype(dtype)))


x32, ids = normal(ROWS, WIDTH), random.integers(0, POSITIONS, ROWS)
x = x32.astype(np.float64)

# A matrix and a scale; its first half alone.
w, s = weight("w", normal(WIDTH, WIDTH)), weight("s", np.array(0.125, np.float32))
node("Mul", "w s", "scaled")
node("MatMul", "x scaled", "y_scaled")
result("y_scaled", x @ (w * s))

# A product of two, which is an output, too.
q, k = weight("q", normal(WIDTH, 32)), weight("k", normal(32, WIDTH))
node("MatMul", "q k", "y_whole")
node("MatMul", "x y_whole", "y_product")
result("y_whole", q @ k)
result("y_product", x @ (q @ k))

# Weight normalisation, transposed.
v, g = weight("v", normal(WIDTH, WIDTH)), weight("g", normal(WIDTH, 1))
weight("one_axis", np.array([1], np.int64))
node("ReduceL2", "v one_axis", "length", keepdims=1)
node("Div", "v length", "unit")
node("Mul", "unit g", "normed")
node("Transpose", "normed", "normed_t", perm=[1, 0])
node("MatMul", "x normed_t", "y_normed")
result("y_normed", x @ (v / np.sqrt((v * v).sum(1, keepdims=True)) * g).T)

# 1 + gamma; where gamma is positive; its running sum.
gamma = weight("gamma", normal(WIDTH))
weight("one", np.array(1, np.float32))
weight("nothing", np.array(0, np.float32))
weight("axis", np.array(0, np.int64))
node("Add", "gamma one", "gain")
node("Mul", "x gain", "y_gain")
result("y_gain", x * (1 + gamma))
node("Greater", "gamma nothing", "positive")
node("Where", "positive x nothing", "y_where")
result("y_where", np.where(gamma > 0, x, 0))
node("CumSum", "gamma axis", "running")
node("Mul", "x running", "y_running")
result("y_running", x * np.cumsum(gamma))

# A table of cosines, of which a step reads some rows.
inverse = weight("inverse", (1 / 10000 ** (np.arange(0, WIDTH, 2) / WIDTH)).astype(np.float32))
for name, value in (("begin", 0), ("end", POSITIONS), ("step", 1)):
    weight(name, np.array(value, np.int64))
node("Range", "begin end step", "positions")
node("Cast", "positions", "positions_f", to=TensorProto.FLOAT)
node("Unsqueeze", "positions_f one_axis", "column")
node("Mul", "column inverse", "half_angles")
node("Concat", "half_angles half_angles", "angles", axis=-1)
node("Cos", "angles", "cosines")
node("Gather", "cosines ids", "rows", axis=0)
node("Mul", "x rows", "y_rope")
angle = (np.arange(POSITIONS, dtype=np.float32)[:, None] * inverse.astype(np.float32)).astype(np.float64)
result("y_rope", x * np.cos(np.concatenate([angle, angle], -1))[ids])

# Integers: a small matrix is kept as numbers, a large one is not; rows that a computed table says.
qs = weight("qs", np.array(0.01, np.float32))
small = weight("small", random.integers(-128, 127, (WIDTH, 16)).astype(np.int8))
large = weight("large", random.integers(-128, 127, (WIDTH, 2048)).astype(np.int8))
for name, values in (("small", small), ("large", large)):
    node("DequantizeLinear", f"{name} qs", f"{name}_f")
    node("MatMul", f"x {name}_f", f"y_{name}")
    result(f"y_{name}", x @ (values * qs))
order = weight("order", random.integers(0, WIDTH // 2, 300))
weight("two", np.array(2, np.int64))
node("Mul", "order two", "even")
node("Gather", "x even", "y_order", axis=1)
result("y_order", x[:, order * 2])

# 16 bits: computed in f32, rounded after each operator.
h16 = normal(WIDTH, 24, dtype=np.float16)
h = weight("h", h16)
weight("t", np.array(0.3, np.float16))
node("Mul", "h t", "h_scaled")
node("Cast", "x", "x_h", to=TensorProto.FLOAT16)
node("MatMul", "x_h h_scaled", "y_h")
scaled_h = (h16.astype(np.float32) * np.float32(np.float16(0.3))).astype(np.float16)
result("y_h", x32.astype(np.float16).astype(np.float64) @ scaled_h.astype(np.float64), np.float16)


def info(name, values):
    shape = list(values.shape)
    if DYNAMIC and shape[0] == ROWS:
        shape[0] = "rows"
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values.dtype), shape)


inputs = [("x", x32), ("ids", ids)]
graph = helper.make_graph(nodes, "computed", [info(*i) for i in inputs], [info(*o) for o in outputs], weights)
data = folder / "data" / "test_data_set_0"
data.mkdir(parents=True)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "model.onnx")
for kind, tensors in (("input", inputs), ("output", outputs)):
    for index, (name, values) in enumerate(tensors):
        (data / f"{kind}_{index}.pb").write_bytes(numpy_helper.from_array(values, name).SerializeToString())
