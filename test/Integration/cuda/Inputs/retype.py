# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model and its data with every float in another type: no exporter writes these, so that the types' kernels meet sizes that only other models have.

  retype.py MODEL_FOLDER FROM TO FOLDER [SET...]      (f32, f16, bf16; expected outputs are cast: the interpreter's must take their place)
"""
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper

source, old_name, new_name, target, *sets = sys.argv[1:]
TYPES = {"f32": (onnx.TensorProto.FLOAT, np.float32), "f16": (onnx.TensorProto.FLOAT16, np.float16), "bf16": (onnx.TensorProto.BFLOAT16, ml_dtypes.bfloat16)}
old, _ = TYPES[old_name]
new, dtype = TYPES[new_name]


def convert(tensor):
    if tensor.data_type == old:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        values = np.clip(values, float(ml_dtypes.finfo(dtype).min), float(ml_dtypes.finfo(dtype).max)).astype(dtype)
        made = onnx.TensorProto(name=tensor.name, data_type=new, dims=tensor.dims, raw_data=values.tobytes())
        tensor.CopyFrom(made)


def convert_type(value):
    if value.type.tensor_type.elem_type == old:
        value.type.tensor_type.elem_type = new


def convert_graph(graph):
    for tensor in graph.initializer:
        convert(tensor)
    for value in [*graph.input, *graph.output, *graph.value_info]:
        convert_type(value)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                convert(attribute.t)
            elif attribute.type == onnx.AttributeProto.GRAPH:
                convert_graph(attribute.g)
            elif attribute.name in ("to", "dtype") and attribute.i == old:
                attribute.i = new


source, target = pathlib.Path(source), pathlib.Path(target)
model = onnx.load(source / "model.onnx")
convert_graph(model.graph)
target.mkdir(parents=True, exist_ok=True)
onnx.save(model, target / "model.onnx")
for folder in sorted(source.glob("test_data_set_*")):
    if sets and folder.name.rsplit("_", 1)[1] not in sets:
        continue
    (target / folder.name).mkdir(exist_ok=True)
    for path in folder.glob("*.pb"):
        tensor = onnx.load_tensor(path)
        convert(tensor)
        onnx.save_tensor(tensor, target / folder.name / path.name)
