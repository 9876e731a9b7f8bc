# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sparse_model.py FOLDER GIB [--scaled]: a model of products with matrices of 256 MiB, GIB of them in all, whose weights are a sparse file of zeros. Every fourth
layer multiplies with the transpose of its weight, and every fourth with two halves that are joined, so that bytes are moved, not only copied. --scaled: each matrix is
multiplied by a constant before, so that all of them are computed."""
import pathlib
import sys

from onnx import TensorProto, helper, save

folder, gib = pathlib.Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
width, initializers, nodes, offset, value = 8192, [], [], 0, "x"


def weight(name, rows):
    global offset
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[rows, width], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "weights.bin"), ("offset", str(offset)), ("length", str(rows * width * 4))):
        tensor.external_data.add(key=key, value=text)
    initializers.append(tensor)
    offset += rows * width * 4
    return name


for layer in range(4 * gib):
    if layer % 4 == 3:
        halves = [weight(f"w{layer}.{half}", width // 2) for half in "ab"]
        nodes.append(helper.make_node("Concat", halves, [f"j{layer}"], axis=0))
        matrix = f"j{layer}"
    else:
        matrix = weight(f"w{layer}", width)
    if layer % 4 == 1:
        nodes.append(helper.make_node("Transpose", [matrix], [f"t{layer}"], perm=[1, 0]))
        matrix = f"t{layer}"
    if "--scaled" in sys.argv:
        nodes.append(helper.make_node("Mul", [matrix, "scale"], [f"s{layer}"]))
        matrix = f"s{layer}"
    nodes.append(helper.make_node("MatMul", [value, matrix], [f"y{layer}"]))
    value = f"y{layer}"
if "--scaled" in sys.argv:
    initializers.append(helper.make_tensor("scale", TensorProto.FLOAT, [], [0.125]))
graph = helper.make_graph(nodes, "sparse", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", width])],
                          [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["rows", width])], initializers)
with open(folder / "weights.bin", "wb") as file:
    file.truncate(offset)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / "model.onnx")
