# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small models of one trine.MoEExperts node, and inputs, into a folder.

    make_experts.py FOLDER
"""
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)


def write(name, experts, width, inner, k, tokens, activation="silu_gated", layout="concatenated", bias=False, identities=0, dtype=np.float32, choose=None, **attributes):
    gated = layout != "up_only"
    weights = {
        "gate_up": random.standard_normal((experts, 2 * inner if gated else inner, width)) / width**0.5,
        "down": random.standard_normal((experts, width, inner)) / inner**0.5,
    }
    if bias:
        weights["gate_up_bias"] = random.standard_normal(weights["gate_up"].shape[:2])
        weights["down_bias"] = random.standard_normal((experts, width))
    inputs = ["x", "ids", "w", *weights]
    node = helper.make_node("MoEExperts", inputs, ["y"], name="experts", domain="trine", activation=activation, gate_up=layout, identity_experts=identities, **attributes)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "experts",
        [value("x", element, ["n", width]), value("ids", TensorProto.INT64, ["n", k]), value("w", TensorProto.FLOAT, ["n", k])],
        [value("y", element, ["n", width])],
        [numpy_helper.from_array(array.astype(dtype), key) for key, array in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("trine", 1)], ir_version=10)
    path = folder / name
    for index, count in enumerate(tokens):
        data = path / "data" / f"test_data_set_{index}"
        data.mkdir(parents=True, exist_ok=True)
        ids = np.stack([random.permutation(experts + identities)[:k] for _ in range(count)]) if count else np.zeros((0, k))
        if choose is not None:
            ids[:] = choose
        arrays = [random.standard_normal((count, width)).astype(dtype), ids.astype(np.int64), random.uniform(0.1, 1, (count, k)).astype(np.float32)]
        for number, (key, array) in enumerate(zip(inputs, arrays)):
            (data / f"input_{number}.pb").write_bytes(numpy_helper.from_array(array, key).SerializeToString())
    onnx.save(model, path / "model.onnx")


# A single token, few rows per expert, none at all, and more than one block of rows.
write("odd", experts=5, width=37, inner=19, k=2, tokens=[1, 7, 0, 300])
write("panels", experts=3, width=64, inner=96, k=2, tokens=[1, 9, 64])
write("one_expert", experts=1, width=24, inner=40, k=1, tokens=[133])
write("one_chosen", experts=6, width=32, inner=72, k=1, tokens=[300], choose=4)
write("biased", experts=4, width=40, inner=36, k=2, tokens=[2, 20], layout="interleaved", bias=True, clamp=1.5, alpha=1.702, beta=1.0)
write("identity", experts=3, width=32, inner=8, k=2, tokens=[5, 31], identities=2, bias=True)
write("plain", experts=4, width=33, inner=12, k=3, tokens=[11], activation="relu", layout="up_only", bias=True)
write("narrow", experts=3, width=4, inner=5, k=1, tokens=[6], activation="gelu", layout="up_only")
write("bf16", experts=4, width=48, inner=64, k=2, tokens=[1, 6, 70], dtype=ml_dtypes.bfloat16)
write("f16_odd", experts=3, width=35, inner=41, k=2, tokens=[1, 13], dtype=np.float16, activation="gelu_tanh_gated")
