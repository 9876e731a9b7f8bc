# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model in f16 whose products, experts and attention take several tiles in every direction, none of them full, with one data set whose outputs are the interpreter's to
write: kernels of the exported models have one tile, and leave rings and borders untested.

  make_tiles_model.py FOLDER
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

target = pathlib.Path(sys.argv[1])
random = np.random.default_rng(5)
TOKENS, KEYS = 130, 170
initializers, nodes = [], []


def weight(name, *shape, nan=False):
    values = (random.standard_normal(shape) / np.sqrt(shape[-2])).astype(np.float16)
    if nan:
        values[0, 0] = np.nan
    initializers.append(numpy_helper.from_array(values, name))
    return name


def node(operator, inputs, outputs, domain="", **attributes):
    nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], domain=domain, **attributes))


# Ten tiles of k in a ring of four; columns of two tiles; then sizes that are copied element by element.
node("MatMul", ["x", weight("w1", 584, 136)], ["y1"])
node("Relu", ["y1"], ["y1r"])
node("MatMul", ["y1r", weight("w2", 136, 456)], ["y2"])
node("MatMul", ["y2", weight("w3", 456, 587)], ["y3"])
node("MatMul", ["y3", weight("w4", 587, 30, nan=True)], ["dense"])
node("MatMul", ["y2", weight("router", 456, 6)], ["logits16"])
node("Cast", ["logits16"], ["logits"], to=TensorProto.FLOAT)
node("MoERoute", ["logits"], ["ids", "gates"], "trine", scoring="softmax", k=2, groups=1, kept_groups=1, group_score="max", masked_score="zero", epsilon=0.0, scale=1.0,
     scale_position="after_division")
node("MoEExperts", ["y2", "ids", "gates", weight("gate_up", 6, 192, 456), weight("down", 6, 456, 96)], ["experts"], "trine", activation="silu_gated", gate_up="concatenated")
# Grouped queries on shared keys, and a head each: several tiles of rows and of keys.
for name, heads in (("shared", 1), ("own", 4)):
    node("Attention", ["query", f"keys_{name}", f"values_{name}"], [f"attention_{name}", f"lse_{name}"], "trine", scale=0.1, mask_kind="causal", masked_row="zero")
# A weight for each head, whose rows are those of all sequences: blocks of rows lie apart.
node("Einsum", ["heads", weight("absorb", 3, 72, 200)], ["absorbed"], equation="bhsk,hkn->bhsn")

half, tokens, keys = TensorProto.FLOAT16, "tokens", "keys"
inputs = {"x": [tokens, 584], "query": [1, 4, tokens, 72], "keys_shared": [1, 1, keys, 72], "values_shared": [1, 1, keys, 40], "keys_own": [1, 4, keys, 72], "values_own": [1, 4, keys, 40],
          "heads": ["sequences", 3, tokens, 72]}
outputs = {"dense": [tokens, 30], "experts": [tokens, 456], "attention_shared": [1, 4, tokens, 40], "attention_own": [1, 4, tokens, 40], "absorbed": ["sequences", 3, tokens, 200]}
graph = helper.make_graph(nodes, "tiles", [helper.make_tensor_value_info(name, half, shape) for name, shape in inputs.items()],
                          [helper.make_tensor_value_info(name, half, shape) for name, shape in outputs.items()], initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)], ir_version=10)
folder = target / "test_data_set_0"
folder.mkdir(parents=True, exist_ok=True)
onnx.save(model, target / "model.onnx")
sizes = {tokens: TOKENS, keys: KEYS, "sequences": 2}
for kind, values in (("input", inputs), ("output", outputs)):
    for index, (name, shape) in enumerate(values.items()):
        shape = [sizes.get(size, size) for size in shape]
        values = random.standard_normal(shape) if kind == "input" else np.zeros(shape)
        if name == "x":
            # Whoever reads past a row finds a NaN there; as behind the third weight, and behind the last key but one.
            values[7::8, 0] = np.nan
        if name.startswith("keys"):
            values[..., -1, 0] = np.nan
        onnx.save_tensor(numpy_helper.from_array(values.astype(np.float16), name), folder / f"{kind}_{index}.pb")
