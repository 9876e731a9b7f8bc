# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes model.onnx and data sets into a folder: operators that read and write at computed places, products of odd ranks, and results
whose size depends on data, all over one symbol n. What is expected comes from numpy."""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = sys.argv[1]
rng = np.random.default_rng(5)
V = rng.standard_normal(7).astype(np.float32)
W = rng.standard_normal((7, 1, 4)).astype(np.float32)
nodes, initialisers, outputs = [], [], []


def const(name, array):
    initialisers.append(numpy_helper.from_array(array, name))
    return name


def node(kind, inputs, results, **attributes):
    nodes.append(helper.make_node(kind, inputs, results, **attributes))


def output(name, element, dims):
    outputs.append(helper.make_tensor_value_info(name, element, dims))


F, I = TensorProto.FLOAT, TensorProto.INT64
inputs = [
    helper.make_tensor_value_info("x", F, ["n", 7]),
    helper.make_tensor_value_info("ids", I, ["n"]),
    helper.make_tensor_value_info("columns", I, ["n", 2]),
    helper.make_tensor_value_info("updates", F, ["n", 2]),
    helper.make_tensor_value_info("keys", I, ["n"]),
    helper.make_tensor_value_info("keep", TensorProto.BOOL, ["n"]),
]
const("v", V)
const("w", W)
const("three", np.array([3], np.int64))
const("axis1", np.array([1], np.int64))
const("axis0", np.array([0], np.int64))
node("MatMul", ["v", "v"], ["dot"])
output("dot", F, [])
node("MatMul", ["x", "v"], ["rows"])
output("rows", F, ["n"])
node("Einsum", ["x"], ["sums"], equation="ij->j")
output("sums", F, [7])
node("Einsum", ["x", "x"], ["gram"], equation="ki,kj->ij")
output("gram", F, [7, 7])
node("Einsum", ["gram"], ["diagonal"], equation="ii->i")
output("diagonal", F, [7])
node("Gather", ["x", "ids"], ["gathered"], axis=1)
output("gathered", F, ["n", "n"])
node("GatherElements", ["x", "columns"], ["elements"], axis=1)
output("elements", F, ["n", 2])
node("ScatterElements", ["x", "columns", "updates"], ["added"], axis=1, reduction="add")
output("added", F, ["n", 7])
node("ScatterElements", ["x", "columns", "updates"], ["put"], axis=1)
output("put", F, ["n", 7])
node("TopK", ["x", "three"], ["best", "where"], axis=1)
output("best", F, ["n", 3])
output("where", I, ["n", 3])
node("Shape", ["keys"], ["count"])
node("TopK", ["keys", "count"], ["sorted", "order"], largest=0)
output("sorted", I, ["n"])
output("order", I, ["n"])
node("Unsqueeze", ["order", "axis1"], ["places"])
node("GatherND", ["x", "places"], ["permuted"])
output("permuted", F, ["n", 7])
node("ScatterND", ["x", "places", "permuted"], ["twice"])
output("twice", F, ["n", 7])
node("NonZero", ["keep"], ["kept"])
output("kept", I, [1, "kept"])
node("Compress", ["x", "keep"], ["compressed"], axis=0)
output("compressed", F, ["kept", 7])
node("Transpose", ["x"], ["t"], perm=[1, 0])
node("Unsqueeze", ["t", "axis0"], ["signal"])
node("Conv", ["signal", "w"], ["conv"], group=7, dilations=[3], pads=[9, 0])
output("conv", F, [1, 7, "n"])
# Weights of other weights: two matrices transposed and joined, then used as they are and by halves.
weights = np.random.default_rng(6)
GATE, UP = (weights.standard_normal((7, 45)).astype(np.float32) for _ in range(2))
for name, array in (("gate", GATE), ("up", UP)):
    node("Transpose", [const(name, array)], [name + "T"], perm=[1, 0])
node("Concat", ["gateT", "upT"], ["joined"], axis=0)
node("Reshape", ["joined", const("stack", np.array([2, 45, 7]))], ["stacked"])
node("Transpose", ["stacked"], ["columns_first"], perm=[0, 2, 1])
node("MatMul", ["x", "columns_first"], ["halves"])
output("halves", F, [2, "n", 45])

graph = helper.make_graph(nodes, "operators", inputs, outputs, initialisers)
os.makedirs(folder, exist_ok=True)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), f"{folder}/model.onnx")

for data_set, n in enumerate([5, 1, 70, 0, 5]):
    bad = data_set == 4  # an index that is out of range
    x = rng.standard_normal((n, 7)).astype(np.float32)
    x[rng.random((n, 7)) > 0.7] = 0.5  # ties
    ids = rng.integers(-7, 7, n)
    if bad:
        ids[2] = 0
    columns = rng.integers(-7, 7, (n, 2))
    if n:
        columns[0] = [3, -4]  # the same place twice
    updates = rng.standard_normal((n, 2)).astype(np.float32)
    keys = rng.integers(0, 6, n)
    keep = rng.random(n) > 0.4
    order = np.argsort(keys, kind="stable")
    best = np.argsort(-x, axis=1, kind="stable")[:, :3]
    added, put, padded = x.copy(), x.copy(), np.concatenate([np.zeros((9, 7), np.float32), x])
    for i in range(n):
        for j in range(2):
            added[i, columns[i, j]] += updates[i, j]
            put[i, columns[i, j]] = updates[i, j]
    conv = np.stack([sum(padded[i + 3 * k] * W[:, 0, k] for k in range(4)) for i in range(n)]) if n else np.zeros((0, 7), np.float32)
    permuted, twice = x[order], x.copy()
    twice[order] = permuted
    expected = [np.float32(V @ V), x @ V, x.sum(0), x.T @ x, np.diag(x.T @ x), x[:, ids], np.take_along_axis(x, columns % 7, 1), added, put]
    expected += [np.take_along_axis(x, best, 1), best, keys[order], order, permuted, twice]
    expected += [np.nonzero(keep)[0][None], x[keep], conv.T[None], np.stack([x @ GATE, x @ UP])]
    if bad:
        ids[2] = 7
    path = f"{folder}/bad/test_data_set_0" if bad else f"{folder}/good/test_data_set_{data_set}"
    os.makedirs(path, exist_ok=True)
    for position, array in enumerate([x, ids, columns, updates, keys, keep]):
        with open(f"{path}/input_{position}.pb", "wb") as file:
            file.write(numpy_helper.from_array(np.asarray(array), inputs[position].name).SerializeToString())
    for position, array in enumerate(expected):
        element = np.int64 if outputs[position].type.tensor_type.elem_type == I else np.float32
        with open(f"{path}/output_{position}.pb", "wb") as file:
            file.write(numpy_helper.from_array(np.asarray(array, element), outputs[position].name).SerializeToString())
