#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""large_models.py FOLDER: inside/model.onnx, 3 GiB of raw_data in one protobuf file, and beside/model.onnx with 64 GiB beside it, of which it uses the last
GiB. Both files are sparse but for their last row, ones, and take x [16] to weight · x. Each has a data set with the results."""
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "Import/Inputs"))
from protobuf_wire import head  # noqa: E402

folder, width = pathlib.Path(sys.argv[1]), 16
ROW = np.ones(width, np.float32).tobytes()


def write_data(name, rows):
    data = folder / name / "test_data_set_0"
    data.mkdir(parents=True)
    x = np.arange(width, dtype=np.float32)
    y = np.zeros(rows, np.float32)
    y[-1] = x.sum()
    # The largest of the results and where it is: all of them would be as large as a weight.
    for kind, key, array in (("input", 0, x), ("output", 0, y.max(keepdims=True)), ("output", 1, np.array([rows - 1]))):
        (data / f"{kind}_{key}.pb").write_bytes(numpy_helper.from_array(array, "").SerializeToString())


def graph(rows, nodes, initializers):
    nodes = nodes + [
        helper.make_node("MatMul", ["used", "x"], ["y"]),
        helper.make_node("ReduceMax", ["y"], ["most"]),
        helper.make_node("ArgMax", ["y"], ["place"]),
    ]
    outputs = [helper.make_tensor_value_info("most", TensorProto.FLOAT, [1]), helper.make_tensor_value_info("place", TensorProto.INT64, [1])]
    return helper.make_graph(nodes, "large", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [width])], outputs, initializers)


def write_inside(gib):
    size = gib << 30
    rows = size // 4 // width
    write_data("inside", rows)
    tensor = TensorProto(name="used", data_type=TensorProto.FLOAT, dims=[rows, width]).SerializeToString()
    model = helper.make_model(graph(rows, [], []), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    rest = model.graph.SerializeToString()
    model.ClearField("graph")
    # Field 9 of a tensor is its raw data, field 5 of a graph an initialiser, field 7 of a model the graph.
    initializer = head(5, len(tensor) + len(head(9, size)) + size) + tensor + head(9, size)
    with open(folder / "inside" / "model.onnx", "wb") as file:
        file.write(model.SerializeToString() + head(7, len(rest) + len(initializer) + size) + rest + initializer)
        file.seek(size - len(ROW), 1)
        file.write(ROW)


def write_beside(gib):
    size = gib << 30
    rows, last = size // 4 // width, (1 << 30) // 4 // width
    write_data("beside", last)
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, width], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "weights.bin"), ("offset", "4096"), ("length", str(size))):
        weight.external_data.add(key=key, value=text)
    bounds = [numpy_helper.from_array(np.array([value]), name) for name, value in (("begin", rows - last), ("end", rows), ("axis", 0))]
    slicing = helper.make_node("Slice", ["w", "begin", "end", "axis"], ["used"])
    model = helper.make_model(graph(last, [slicing], [weight] + bounds), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (folder / "beside" / "model.onnx").write_bytes(model.SerializeToString())
    with open(folder / "beside" / "weights.bin", "wb") as file:
        file.seek(4096 + size - len(ROW))
        file.write(ROW)


write_inside(3)
write_beside(64)
