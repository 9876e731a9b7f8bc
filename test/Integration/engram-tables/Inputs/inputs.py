# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inputs of a model's first data set, for trine-run."""
import numpy
import onnx
from onnx import numpy_helper


def write(model, path):
    """Writes them by name to a .npz."""
    names = [value.name for value in onnx.load(model / "model.onnx", load_external_data=False).graph.input]
    arrays = {}
    for file in (model / "test_data_set_0").glob("input_*.pb"):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(file.read_bytes())
        arrays[names[int(file.stem.split("_")[1])]] = numpy_helper.to_array(tensor)
    numpy.savez(path, **arrays)
