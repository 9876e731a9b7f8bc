# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inputs or the expected outputs of a model's data set as .npz, by the names of the package; a comparison of outputs with the expected ones; or a copy of
tensors with one number changed.

  save_inputs.py MODEL_FOLDER PACKAGE SET FILE
  save_inputs.py --outputs MODEL_FOLDER PACKAGE SET FILE
  save_inputs.py --spoil FILE FILE
  save_inputs.py --compare MODEL_FOLDER PACKAGE SET FILE...
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

if sys.argv[1] == "--spoil":
    tensors = dict(np.load(sys.argv[2]))
    for values in tensors.values():
        values.flat[values.size // 2] += 1
    np.savez(sys.argv[3], **tensors)
    sys.exit()
mode = sys.argv[1] if sys.argv[1].startswith("--") else "--inputs"
model, package, number, *files = [argument for argument in sys.argv[1:] if argument != mode]
data = pathlib.Path(model) / f"test_data_set_{number}"
manifest = json.loads((pathlib.Path(package) / "manifest.json").read_text())


def read(kind):
    return {entry["name"]: numpy_helper.to_array(onnx.load_tensor(data / f"{kind[:-1]}_{i}.pb")) for i, entry in enumerate(manifest[kind])}


if mode != "--compare":
    np.savez(files[0], **read(mode[2:]))
else:
    for file in files:
        found = np.load(file)
        for name, expected in read("outputs").items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=1e-4, err_msg=f"{file}: {name}")
