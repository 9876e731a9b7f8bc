# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inputs of a model's data set as .npz, by the names of the package; or a comparison of outputs with the expected ones, and with each other.

  save_inputs.py MODEL_FOLDER PACKAGE SET FILE
  save_inputs.py --compare MODEL_FOLDER PACKAGE SET FILE...
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

compare = sys.argv[1] == "--compare"
model, package, number, *files = sys.argv[1 + compare:]
data = pathlib.Path(model) / f"test_data_set_{number}"
manifest = json.loads((pathlib.Path(package) / "manifest.json").read_text())


def read(kind):
    return {entry["name"]: numpy_helper.to_array(onnx.load_tensor(data / f"{kind[:-1]}_{i}.pb")) for i, entry in enumerate(manifest[kind])}


if not compare:
    np.savez(files[0], **read("inputs"))
else:
    for file in files:
        found = np.load(file)
        for name, expected in read("outputs").items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=1e-4, err_msg=f"{file}: {name}")
