# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model whose first router gives experts outside of the kept groups the score -1, which no published router does."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper

model = onnx.load(sys.argv[1])
chosen = {node.input[0] for node in model.graph.node if node.op_type == "TopK"}
where = next(node for node in model.graph.node if node.op_type == "Where" and node.output[0] in chosen)
model.graph.initializer.append(numpy_helper.from_array(np.float32(-1), "minus_one"))
constants = {tensor.name for tensor in model.graph.initializer} | {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
position = next(i for i, name in enumerate(where.input) if name in constants)
where.input[position] = "minus_one"
onnx.save(model, sys.argv[2])
