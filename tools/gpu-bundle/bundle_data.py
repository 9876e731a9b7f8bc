# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model's data sets as .safetensors, by the names of the package: set K becomes FOLDER/K.inputs.safetensors and FOLDER/K.outputs.safetensors.

  bundle_data.py MODEL_FOLDER PACKAGE FOLDER
"""
import json
import pathlib
import sys

import onnx
from onnx import numpy_helper

NAMES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "bool": "BOOL", "int8": "I8", "uint8": "U8"}


def write(path, tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        header[name] = {"dtype": NAMES[values.dtype.name], "shape": list(values.shape), "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


model, package, target = map(pathlib.Path, sys.argv[1:])
target.mkdir(parents=True, exist_ok=True)
manifest = json.loads((package / "manifest.json").read_text())
for folder in sorted(model.glob("test_data_set_*")):
    for kind in ("inputs", "outputs"):
        tensors = {entry["name"]: numpy_helper.to_array(onnx.load_tensor(folder / f"{kind[:-1]}_{i}.pb")) for i, entry in enumerate(manifest[kind])}
        write(target / f"{folder.name.rsplit('_', 1)[1]}.{kind}.safetensors", tensors)
