# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a package around the hand-written test program (test/unit/runtime/TestProgram.c).

usage: make_package.py PROGRAM.so FOLDER
"""

import hashlib
import json
import os
import shutil
import struct
import sys

program, folder = sys.argv[1:]
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
shutil.copy(program, os.path.join(folder, "program.so"))

header = json.dumps({"weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).ljust(120).encode()
with open(os.path.join(folder, "weights.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + struct.pack("<4f", 1.5, -2.0, 0.25, 3.0))


def describe(path):
    with open(os.path.join(folder, path), "rb") as file:
        data = file.read()
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def symbol(name, input, dimension, maximum=None, divisor=1):
    return {"name": name, "input": input, "dimension": dimension, "minimum": 0, "maximum": maximum, "divisor": divisor}


manifest = {
    "format": {"major": 1, "minor": 0},
    "abi": 1,
    "producer": "test 1",
    "name": "hand-written",
    "target": {"kind": "host", "variants": [{"name": "any", "features": []}]},
    "devices": [{"name": "device0", "kind": "host"}],
    "symbols": [symbol("batch", 0, 0, 64), symbol("seq", 0, 1), symbol("past", 1, 1, divisor=2)],
    "inputs": [
        {"name": "x", "type": "f32", "dims": ["batch", "seq", 4]},
        {"name": "past", "type": "f32", "dims": ["batch", "past", 4]},
        {"name": "mask", "type": "i64", "dims": ["batch", "past + seq"]},
        {"name": "command", "type": "i64", "dims": []},
    ],
    "outputs": [
        {"name": "y", "type": "f32", "dims": ["batch", "seq", 4], "tolerance": {"relative": 1e-5}},
        {"name": "present", "type": "f32", "dims": ["batch", "past + seq", 4]},
        {"name": "count", "type": "i64", "dims": []},
    ],
    "states": [],
    "files": [describe("program.so"), describe("weights.safetensors")],
    "weights": {"path": "weights.safetensors", "data_offset": 128},
    "kernels": [
        {"name": "sum", "skeleton": "reduction", "nodes": ["ReduceSum_0"]},
        {"name": "scale", "skeleton": "elementwise", "nodes": ["Mul_1", "Add \"2\""]},
        {"name": "concat", "skeleton": "copy", "nodes": []},
    ],
}
with open(os.path.join(folder, "manifest.json"), "w") as file:
    json.dump(manifest, file, indent=1)
