# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes model.onnx and a data set into a folder: Softmax, ReduceMax and ReduceMin of rows of many widths in which one element is a
number and all others are minus or plus infinity. What is expected comes from numpy."""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder, rows = sys.argv[1], 40
widths = (2, 3, 5, 6, 7, 9, 11, 13, 15, 17, 18, 31, 33, 40)
axes = numpy_helper.from_array(np.array([1]), "axes")
nodes, inputs, outputs, given, expected = [], [], [], [], []
for width in widths:
    inputs.append(helper.make_tensor_value_info(f"x{width}", TensorProto.FLOAT, ["n", width]))
    x = np.full((rows, width), -np.inf, np.float32)
    place = np.arange(rows) % width
    x[np.arange(rows), place] = -3 - place
    given.append(x)
    ones = np.zeros_like(x)
    ones[np.arange(rows), place] = 1
    nodes.append(helper.make_node("Neg", [f"x{width}"], [f"negative{width}"]))
    for kind, source, result in (("Softmax", "x", ones), ("ReduceMax", "x", x.max(1)), ("ReduceMin", "negative", (-x).min(1))):
        name = f"{kind}{width}"
        operands = [f"{source}{width}"] + ([] if kind == "Softmax" else ["axes"])
        nodes.append(helper.make_node(kind, operands, [name], **({} if kind == "Softmax" else {"keepdims": 0})))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *result.shape[1:]]))
        expected.append(result)
graph = helper.make_graph(nodes, "rows", inputs, outputs, [axes])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
data = os.path.join(folder, "test_data_set_0")
os.makedirs(data)
save(model, os.path.join(folder, "model.onnx"))
for kind, tensors, infos in (("input", given, inputs), ("output", expected, outputs)):
    for index, (tensor, info) in enumerate(zip(tensors, infos)):
        with open(os.path.join(data, f"{kind}_{index}.pb"), "wb") as file:
            file.write(numpy_helper.from_array(tensor, info.name).SerializeToString())
