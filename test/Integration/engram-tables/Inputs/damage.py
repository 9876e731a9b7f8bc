#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the inputs of a model's first data set, and turns one bit in every record of a table.

usage: damage.py MODEL INPUTS.npz TABLE
"""
import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper

model, inputs, table = (pathlib.Path(argument) for argument in sys.argv[1:])
names = [value.name for value in onnx.load(model / "model.onnx", load_external_data=False).graph.input]
arrays = {}
for path in (model / "test_data_set_0").glob("input_*.pb"):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    arrays[names[int(path.stem.split("_")[1])]] = numpy_helper.to_array(tensor)
numpy.savez(inputs, **arrays)
data = bytearray(table.read_bytes())
# Records come first after the header of a page; the sums behind them stay.
for position in range(4096, len(data) * 9 // 10, 16):
    data[position] ^= 1
table.write_bytes(data)
