# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints, for the first output of each data set of a model, how many rows are no numbers, and how many there are: count_nan.py FOLDER."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

for data in sorted(pathlib.Path(sys.argv[1]).glob("test_data_set_*")):
    array = numpy_helper.to_array(onnx.load_tensor(data / "output_0.pb")).astype(np.float32)
    rows = np.isnan(array).all(axis=-1)
    assert (rows == np.isnan(array).any(axis=-1)).all()
    print(f"{data.name}: {rows.sum()} of {rows.size}")
