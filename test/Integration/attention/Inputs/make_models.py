# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes models of attentions of the domain trine, and inputs of many sizes for each: make_models.py FOLDER."""
import os
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f32": (TensorProto.FLOAT, np.float32), "f64": (TensorProto.DOUBLE, np.float64), "f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16)}
# Batch, queries and keys: one of each, odd, none, a tile, several tiles, several ranges and blocks of queries.
SIZES = [(1, 1, 1), (2, 3, 5), (1, 4, 0), (1, 0, 3), (0, 2, 3), (1, 17, 64), (2, 33, 129), (1, 1, 700), (1, 40, 300)]


class Model:
    """Attention of `heads` heads on parts of (columns, key heads) and values of `width` columns."""

    def __init__(self, heads, parts, width, element="f32"):
        self.heads, self.parts, self.width, self.element = heads, parts, width, element
        self.nodes, self.outputs = [], []
        self.dims = {f"q{i}": ["b", heads, "s", k] for i, (k, _) in enumerate(parts)}
        self.dims |= {f"k{i}": ["b", groups, "t", k] for i, (k, groups) in enumerate(parts)}
        self.dims["v"] = ["b", parts[0][1], "t", width]

    def add(self, mask=None, offset=None, row="zero", cap=None, value="v", lse=True):
        inputs = ["q0", "k0", value, "", "", ""] + [f"{side}{i}" for side in "qk" for i in range(1, len(self.parts))]
        kind = "none"
        if isinstance(mask, list):
            kind, inputs[3] = "additive", f"mask{len(self.nodes)}"
            self.dims[inputs[3]] = mask
        elif mask:
            kind = mask
        if offset is not None:
            inputs[4] = f"offset{len(self.nodes)}"
            self.nodes.append(helper.make_node("Constant", [], [inputs[4]], value=numpy_helper.from_array(np.array(offset, np.int64))))
        names = [f"o{len(self.nodes)}"] + ([f"l{len(self.nodes)}"] if lse else [])
        attributes = {"soft_cap": float(cap)} if cap else {}
        self.nodes.append(helper.make_node("Attention", inputs, names, domain="trine", scale=0.25, mask_kind=kind, masked_row=row, **attributes))
        self.outputs += [(name, TYPES[self.element][0] if name[0] == "o" else TensorProto.FLOAT) for name in names]
        return self

    def write(self, folder, sizes=SIZES, nan=None):
        """`nan`: "query" or "key", one of whose rows in every other head is no number."""
        element = TYPES[self.element]
        inputs = [helper.make_tensor_value_info(name, element[0], dims) for name, dims in self.dims.items()]
        outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in self.outputs]
        graph = helper.make_graph(self.nodes, "attention", inputs, outputs)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)]
        os.makedirs(folder)
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), f"{folder}/model.onnx")
        random = np.random.default_rng(7)
        for number, (b, s, t) in enumerate(sizes):
            os.makedirs(f"{folder}/test_data_set_{number}")
            for position, (name, dims) in enumerate(self.dims.items()):
                shape = [{"b": b, "s": s, "t": t}.get(dim, dim) for dim in dims]
                array = random.standard_normal(shape).astype(np.float32)
                if name.startswith("mask"):
                    array[random.random(shape) < 0.4] = -np.inf
                    array[..., :1, :] = -np.inf  # a query without keys
                if nan and name == f"{nan[0]}0" and array.size:
                    array[:, ::2, shape[2] // 2, shape[3] // 2] = np.nan
                with open(f"{folder}/test_data_set_{number}/input_{position}.pb", "wb") as file:
                    file.write(numpy_helper.from_array(array.astype(element[1]), name).SerializeToString())


def main(folder):
    plain = Model(4, [(16, 2)], 12)
    plain.add().add("causal").add("causal", row="nan", cap=2).add("causal", lse=False)
    plain.write(f"{folder}/plain")
    offsets = Model(4, [(16, 4)], 20)
    for offset in (0, -2, 70, 2**62, -(2**62)):
        for row in ("zero", "uniform", "nan"):
            offsets.add("causal", offset, row)
    offsets.write(f"{folder}/offsets")
    masks = Model(6, [(8, 2), (4, 1)], 33)
    masks.add(["b", 1, "s", "t"]).add(["b", 6, "s", "t"], row="uniform").add(["s", "t"], row="nan", cap=1.5).add([1, "t"], row="uniform").add(["b", 1, 1, "t"])
    masks.write(f"{folder}/masks")
    parts = Model(6, [(24, 6), (8, 1), (5, 3)], 40)
    parts.add("causal").add("causal", -1, "uniform").add("none")
    parts.write(f"{folder}/parts")
    # The latent is key and value of all heads.
    latent = Model(16, [(512, 1), (64, 1)], 512)
    latent.dims.pop("v")
    latent.add("causal", value="k0")
    latent.write(f"{folder}/latent", [(1, 1, 1), (1, 1, 700), (2, 3, 65)])
    # A query that is no number has no number as a result, whatever its keys; a key that is none spoils the queries that see it.
    for element in ("f32", "bf16"):
        for nan in ("query", "key"):
            several = Model(4, [(16, 2)], 12, element)
            several.add().add("causal").add("causal", row="nan", lse=False)
            several.write(f"{folder}/nan_{element}_{nan}", nan=nan)
        for heads in (16, 64):
            shared = Model(heads, [(64, 1), (16, 1)], 64, element)
            shared.dims.pop("v")
            shared.add("causal", value="k0")
            shared.write(f"{folder}/nan_{element}_{heads}_heads", [(1, 1, 1), (1, 2, 70), (1, 1, 700)], nan="query")
        single = Model(2, [(64, 2)], 64, element)
        single.add("causal")
        single.write(f"{folder}/nan_{element}_single", [(1, 1, 1), (1, 70, 130), (1, 1, 700)], nan="query")
    for element in ("f64", "f16", "bf16"):
        model = Model(4, [(40, 2), (8, 1)], 12, element)
        model.add("causal").add([1, "t"], row="uniform")
        model.write(f"{folder}/{element}")


main(sys.argv[1])
