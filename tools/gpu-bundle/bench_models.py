# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of single layers at published sizes, in f16, whose weights are inputs, so that a package holds kernels alone: numbers are made up where it runs.

  bench_models.py FOLDER      writes FOLDER/NAME.onnx, and FOLDER/NAME.sizes: what 'trine-run --random' is to be given, a line for each run
"""
import pathlib
import sys

import onnx
from onnx import TensorProto, helper

HALF = TensorProto.FLOAT16
ROUTE = dict(scoring="softmax", k=6, groups=1, kept_groups=1, group_score="max", masked_score="zero", epsilon=0.0, scale=1.0, scale_position="after_division")
ATTENTION = dict(scale=0.07, mask_kind="causal", masked_row="zero")


def node(operator, inputs, outputs, domain="", **attributes):
    return helper.make_node(operator, inputs, outputs, name=outputs[0], domain=domain, **attributes)


def latent(heads):
    """MLA on the latent: 512 + 64, the value is the latent."""
    inputs = {"query": [1, heads, "tokens", 512], "latent": [1, 1, "keys", 512], "query_rope": [1, heads, "tokens", 64], "key_rope": [1, 1, "keys", 64]}
    operands = ["query", "latent", "latent", "", "", "", "query_rope", "key_rope"]
    return inputs, {"output": [1, heads, "tokens", 512]}, [node("Attention", operands, ["output", "lse"], "trine", **ATTENTION)], ["tokens=1 keys=1024", "tokens=1 keys=8192"]


def prefill():
    """MLA decompressed: heads of 192 and 128."""
    inputs = {"query": [1, 16, "tokens", 192], "key": [1, 16, "keys", 192], "value": [1, 16, "keys", 128]}
    return inputs, {"output": [1, 16, "tokens", 128]}, [node("Attention", ["query", "key", "value"], ["output", "lse"], "trine", **ATTENTION)], ["tokens=512 keys=512", "tokens=2048 keys=2048"]


def product():
    return {"x": ["tokens", 4096], "weight": [4096, 4096]}, {"output": ["tokens", 4096]}, [node("MatMul", ["x", "weight"], ["output"])], ["tokens=1", "tokens=64", "tokens=4096"]


def experts():
    """DeepSeek-V2-Lite: 64 experts of 1408, six for each token; the router's product, route, group, both grouped products, combine."""
    inputs = {"x": ["tokens", 2048], "router": [2048, 64], "gate_up": [64, 2816, 2048], "down": [64, 2048, 1408]}
    nodes = [node("MatMul", ["x", "router"], ["logits16"]), node("Cast", ["logits16"], ["logits"], to=TensorProto.FLOAT), node("MoERoute", ["logits"], ["ids", "gates"], "trine", **ROUTE),
             node("MoEExperts", ["x", "ids", "gates", "gate_up", "down"], ["output"], "trine", activation="silu_gated", gate_up="concatenated")]
    return inputs, {"output": ["tokens", 2048]}, nodes, ["tokens=1", "tokens=64", "tokens=512"]


MODELS = {"mla_decode_16": latent(16), "mla_decode_128": latent(128), "prefill": prefill(), "gemm": product(), "moe_layer": experts()}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (inputs, outputs, nodes, sizes) in MODELS.items():
        values = [[helper.make_tensor_value_info(key, HALF, shape) for key, shape in group.items()] for group in (inputs, outputs)]
        graph = helper.make_graph(nodes, name, *values)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)], ir_version=10), folder / f"{name}.onnx")
        (folder / f"{name}.sizes").write_text("\n".join(sizes) + "\n")


main()
