# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs for the test program, and a check of its outputs.

usage: tensors.py make FOLDER       writes x.npy past.npy mask.npy command.npy, all.npz and all.safetensors
       tensors.py check FILE...     each .npz, .safetensors or folder of .npy must hold the right outputs
"""

import json
import os
import struct
import sys

import numpy as np

rng = np.random.default_rng(7)
inputs = {
    "x": rng.standard_normal((2, 3, 4)).astype(np.float32),
    "past": np.asfortranarray(rng.standard_normal((2, 4, 4)).astype(np.float32)),
    "mask": (rng.random((2, 7)) < 0.5).astype(np.int64),
    "command": np.array(0, np.int64),
}
weight = np.array([1.5, -2.0, 0.25, 3.0], np.float32)
expected = {
    "y": inputs["x"] * weight + inputs["past"].sum(axis=1, keepdims=True),
    "present": np.concatenate([inputs["past"], inputs["x"]], axis=1),
    "count": np.array(np.count_nonzero(inputs["mask"]), np.int64),
}
names = {"F32": np.float32, "I64": np.int64}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        type_name = next(k for k, v in names.items() if v == tensor.dtype)
        bytes_ = tensor.tobytes()
        header[name] = {"dtype": type_name, "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    if os.path.isdir(path):
        return {name[:-4]: np.load(os.path.join(path, name)) for name in os.listdir(path)}
    if path.endswith(".npz"):
        return dict(np.load(path))
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    return {
        name: np.frombuffer(data[slice(*e["data_offsets"])], names[e["dtype"]]).reshape(e["shape"])
        for name, e in header.items()
    }


if sys.argv[1] == "make":
    folder = sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    for name, tensor in inputs.items():
        np.save(os.path.join(folder, name + ".npy"), tensor)
    np.savez_compressed(os.path.join(folder, "all.npz"), **inputs)
    write_safetensors(os.path.join(folder, "all.safetensors"), inputs)
else:
    for path in sys.argv[2:]:
        found = read(path)
        assert sorted(found) == sorted(expected), f"{path}: {sorted(found)}"
        for name, tensor in expected.items():
            assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, f"{path}: {name}"
            # Sums of four f32 in another order.
            np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=f"{path}: {name}")
        print("right:", os.path.basename(path))
