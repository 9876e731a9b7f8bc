# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models with Engram tables at their real sizes, with operators of the domain trine. Needs numpy, ml_dtypes and onnx.

usage: python -m trine_bench.engram_model paper FOLDER     the paper's 27B dimensions: 4 layers, Engram before layer 1
       python -m trine_bench.engram_model lookup FOLDER    rows of one table by their ids, and nothing else

Both write FOLDER/model.onnx, and the table to FOLDER/table.bin; paper also writes FOLDER/weights.bin and inputs of steps, FOLDER/in_BATCH_SEQ_PAST.npz; lookup makes the table
sparse, writes --known rows at random places, and FOLDER/known.npz with their ids and contents.
"""
import argparse
import math
import os
import pathlib

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper

BF16 = TensorProto.BFLOAT16
WIDTH, LAYERS, HEADS, LATENT, ROPE, NOPE, VALUE = 2560, 4, 32, 512, 64, 128, 128
EXPERTS, CHOSEN, SHARED, EXPERT_WIDTH = 55, 6, 2, 1408
VOCABULARY, COMPRESSED, PAD = 129280, 98627, 2
ENGRAM_LAYER, ORDER, HASH_HEADS, ROW_WIDTH, CONV_WIDTH = 1, 3, 8, 80, 4
TABLE_BASE = 2262400


class Graph:
    """Nodes and weights of a model; weights go to a file as they come."""

    def __init__(self, folder, name):
        self.folder, self.nodes, self.initializers, self.made = folder, [], [], 0
        self.file = open(folder / name, "wb")
        self.random = np.random.default_rng(0)

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"v{self.made + i}" for i in range(outputs)]
        self.made += outputs
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def trine(self, kind, inputs, outputs=1, **attributes):
        return self.op(kind, inputs, outputs, domain="trine", **attributes)

    def integers(self, values):
        name = f"i{len(self.initializers)}"
        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def external(self, name, kind, shape, path, offset, length):
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", path), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self.initializers.append(tensor)
        return name

    def weight(self, name, shape, scale=None, ones=False):
        """Random bf16, drawn once and repeated: what is in a weight does not change how fast it is read."""
        count = math.prod(shape)
        offset = self.file.tell()
        if ones:
            self.file.write(np.ones(count, ml_dtypes.bfloat16).tobytes())
        else:
            block = (self.random.standard_normal(min(count, 1 << 20), np.float32) * (scale or shape[-1] ** -0.5)).astype(ml_dtypes.bfloat16)
            for at in range(0, count, block.size):
                self.file.write(block[: count - at].tobytes())
        self.file.seek((self.file.tell() + 63) // 64 * 64)
        return self.external(name, BF16, shape, os.path.basename(self.file.name), offset, 2 * count)

    def save(self, inputs, outputs):
        self.file.close()
        graph = helper.make_graph(self.nodes, "engram", inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)], ir_version=10)
        onnx.save(model, self.folder / "model.onnx")


def primes(base, count):
    found, number = [], base
    while len(found) < count:
        if number % 2 and all(number % d for d in range(3, math.isqrt(number) + 1, 2)):
            found.append(number)
        number += 1
    return found


def multipliers(layer):
    bound = max(1, ((2**63 - 1) // COMPRESSED) // 2)
    return [int(m) * 2 + 1 for m in np.random.default_rng(10007 * layer).integers(0, bound, size=ORDER, dtype=np.int64)]


def norm(g, name, x, width=WIDTH):
    return g.trine("RMSNorm", [x, g.weight(name, [width], ones=True)], epsilon=1e-6, compute_type="f32", cast="before_weight")


def linear(g, name, x, inner, outer):
    return g.op("MatMul", [x, g.weight(name, [inner, outer], inner**-0.5)])


def engram(g, h, base, table_file, sparse):
    columns = (ORDER - 1) * HASH_HEADS
    moduli = primes(base, columns)
    offsets = [sum(moduli[:i]) for i in range(columns)]
    token_map = g.random.integers(0, COMPRESSED, VOCABULARY)
    name = "token_map"
    g.initializers.append(helper.make_tensor(name, TensorProto.INT64, [VOCABULARY], token_map.tobytes(), raw=True))
    rows, history = g.trine(
        "EngramHash", ["input_ids", "history", name], 2, max_order=ORDER, heads=HASH_HEADS, multipliers=multipliers(ENGRAM_LAYER), moduli=moduli, offsets=offsets, pad=PAD,
        reset="never", wrap="non_negative",
    )
    count, block = sum(moduli), (g.random.standard_normal(1 << 22, np.float32) * 0.5).astype(ml_dtypes.bfloat16).tobytes()
    with open(g.folder / table_file, "wb") as file:
        for at in () if sparse else range(0, 2 * count * ROW_WIDTH, len(block)):
            file.write(block[: 2 * count * ROW_WIDTH - at])
        file.truncate(2 * count * ROW_WIDTH)
    table = g.external("engram.table", BF16, [count, ROW_WIDTH], table_file, 0, 2 * count * ROW_WIDTH)
    e = g.trine("EngramLookup", [rows, table])
    width = columns * ROW_WIDTH
    e = g.op("Reshape", [e, g.integers([0, 0, width])])
    key = norm(g, "engram.key_norm", linear(g, "engram.key", e, width, WIDTH))
    key = g.op("Unsqueeze", [key, g.integers([2])])
    query = g.op("Unsqueeze", [h, g.integers([2])])
    gated = g.trine("EngramGate", [key, query, linear(g, "engram.value", e, width, WIDTH), g.weight("engram.key_weight", [1, WIDTH], ones=True), g.weight("engram.query_weight", [1, WIDTH], ones=True)], epsilon=1e-5, root="sign", floor=1e-6)
    gated = g.op("Squeeze", [gated, g.integers([2])])
    y, conv = g.trine("EngramConv", [norm(g, "engram.conv_norm", gated), "past_conv", g.weight("engram.conv", [WIDTH, CONV_WIDTH], 0.4)], 2, dilation=ORDER)
    y = g.op("Mul", [y, g.op("Sigmoid", [y])])
    return g.op("Add", [g.op("Add", [h, gated]), y]), history, conv


def attention(g, i, x, cos, sin):
    q = g.op("Transpose", [g.op("Reshape", [linear(g, f"{i}.q", x, WIDTH, HEADS * (NOPE + ROPE)), g.integers([0, 0, HEADS, NOPE + ROPE])])], perm=[0, 2, 1, 3])
    q_nope, q_rope = g.op("Split", [q, g.integers([NOPE, ROPE])], 2, axis=-1)
    latent, k_rope = g.op("Split", [linear(g, f"{i}.kv_a", x, WIDTH, LATENT + ROPE), g.integers([LATENT, ROPE])], 2, axis=-1)
    rope = lambda value: g.trine("Rope", [value, cos, sin], pairing="interleaved", layout="in_place", begin=0)
    k_rope = g.op("Squeeze", [rope(g.op("Unsqueeze", [k_rope, g.integers([1])])), g.integers([1])])
    latent = g.op("Concat", [f"past_{i}_latent", norm(g, f"{i}.kv_norm", latent, LATENT)], axis=1)
    k_rope = g.op("Concat", [f"past_{i}_rope", k_rope], axis=1)
    w_uk, w_uv = (g.weight(f"{i}.{n}", [LATENT, HEADS, size], LATENT**-0.5) for n, size in (("w_uk", NOPE), ("w_uv", VALUE)))
    o, _ = g.trine(
        "MLAAttention", [q_nope, rope(q_rope), latent, k_rope, w_uk, w_uv], 2, scale=(NOPE + ROPE) ** -0.5, mask_kind="causal", masked_row="zero", form="by_shape", rope_first=0
    )
    o = g.op("Reshape", [g.op("Transpose", [o], perm=[0, 2, 1, 3]), g.integers([0, 0, HEADS * VALUE])])
    return linear(g, f"{i}.out", o, HEADS * VALUE, WIDTH), latent, k_rope


def experts(g, i, x, count):
    tokens = g.op("Reshape", [x, g.integers([-1, WIDTH])])
    logits = g.op("Cast", [linear(g, f"{i}.route", tokens, WIDTH, count)], to=TensorProto.FLOAT)
    ids, weights = g.trine(
        "MoERoute", [logits], 2, scoring="sigmoid", k=CHOSEN, groups=1, kept_groups=1, group_score="max", masked_score="zero", renormalize=1, epsilon=1e-20, scale=1.0,
        scale_position="after_division",
    )
    routed = g.trine(
        "MoEExperts", [tokens, ids, weights, g.weight(f"{i}.gate_up", [count, 2 * EXPERT_WIDTH, WIDTH]), g.weight(f"{i}.down", [count, WIDTH, EXPERT_WIDTH])],
        activation="silu_gated", gate_up="concatenated",
    )
    wide = SHARED * EXPERT_WIDTH
    gate, up = (linear(g, f"{i}.shared_{n}", tokens, WIDTH, wide) for n in ("gate", "up"))
    hidden = g.op("Mul", [g.op("Mul", [gate, g.op("Sigmoid", [gate])]), up])
    total = g.op("Add", [routed, linear(g, f"{i}.shared_down", hidden, wide, WIDTH)])
    return g.op("Reshape", [total, g.op("Shape", [x])])


def paper(options):
    g = Graph(options.folder, "weights.bin")
    h = g.op("Gather", [g.weight("embedding", [VOCABULARY, WIDTH], 0.7), "input_ids"])
    frequencies = (10000.0 ** -(np.arange(0, ROPE, 2) / ROPE)).astype(np.float32)
    g.initializers.append(helper.make_tensor("frequencies", TensorProto.FLOAT, [ROPE // 2], frequencies))
    positions = g.op("Cast", [g.op("Unsqueeze", ["position_ids", g.integers([1, 3])])], to=TensorProto.FLOAT)
    angles = g.op("Mul", [positions, "frequencies"])
    cos, sin = (g.op("Cast", [g.op(kind, [angles])], to=BF16) for kind in ("Cos", "Sin"))
    value = helper.make_tensor_value_info
    inputs = [value(name, TensorProto.INT64, ["batch", "seq"]) for name in ("input_ids", "position_ids")]
    inputs += [value("history", TensorProto.INT64, ["batch", ORDER - 1]), value("past_conv", BF16, ["batch", (CONV_WIDTH - 1) * ORDER, WIDTH])]
    outputs, presents = [], []
    for i in range(LAYERS):
        if i == ENGRAM_LAYER:
            h, history, conv = engram(g, h, options.base, "table.bin", options.sparse)
        y, latent, k_rope = attention(g, i, norm(g, f"{i}.attention_norm", h), cos, sin)
        h = g.op("Add", [h, y])
        h = g.op("Add", [h, experts(g, i, norm(g, f"{i}.experts_norm", h), options.experts)])
        for kind, name, size in (("latent", latent, LATENT), ("rope", k_rope, ROPE)):
            inputs.append(value(f"past_{i}_{kind}", BF16, ["batch", "past", size]))
            presents.append((name, f"present_{i}_{kind}", BF16, ["batch", "past + seq", size]))
    logits = linear(g, "head", norm(g, "norm", h), WIDTH, 1024)
    for name, wanted, kind, shape in [(logits, "logits", BF16, ["batch", "seq", 1024]), (history, "present_history", TensorProto.INT64, ["batch", ORDER - 1]), (conv, "present_conv", BF16, ["batch", (CONV_WIDTH - 1) * ORDER, WIDTH]), *presents]:
        g.nodes.append(helper.make_node("Identity", [name], [wanted]))
        outputs.append(value(wanted, kind, shape))
    g.save(inputs, outputs)
    for batch, seq, past in ((1, 1, 256), (8, 1, 256), (1, 128, 0)):
        random = np.random.default_rng(1)
        arrays = {"input_ids": random.integers(3, VOCABULARY, (batch, seq)), "position_ids": np.tile(np.arange(past, past + seq), (batch, 1)), "history": random.integers(0, COMPRESSED, (batch, ORDER - 1))}
        arrays["past_conv"] = np.zeros((batch, (CONV_WIDTH - 1) * ORDER, WIDTH), ml_dtypes.bfloat16).view("V2")
        for i in range(LAYERS):
            for kind, size in (("latent", LATENT), ("rope", ROPE)):
                arrays[f"past_{i}_{kind}"] = random.standard_normal((batch, past, size), np.float32).astype(ml_dtypes.bfloat16).view("V2")
        np.savez(options.folder / f"in_{batch}_{seq}_{past}.npz", **arrays)


def lookup(options):
    g = Graph(options.folder, "weights.bin")
    row_bytes = 2 * options.width
    with open(options.folder / "table.bin", "wb") as file:
        file.truncate(options.rows * row_bytes)
        random = np.random.default_rng(options.seed)
        ids = np.unique(random.integers(0, options.rows, options.known + options.known // 50))
        ids = np.sort(random.permutation(ids)[: options.known])
        rows = random.standard_normal((ids.size, options.width), np.float32).astype(ml_dtypes.bfloat16)
        for row, content in zip(ids, rows):
            os.pwrite(file.fileno(), content.tobytes(), int(row) * row_bytes)
    table = g.external("engram.table", BF16, [options.rows, options.width], "table.bin", 0, options.rows * row_bytes)
    g.nodes.append(helper.make_node("EngramLookup", ["rows", table], ["values"], domain="trine"))
    g.save([helper.make_tensor_value_info("rows", TensorProto.INT64, ["count"])], [helper.make_tensor_value_info("values", BF16, ["count", options.width])])
    np.savez(options.folder / "known.npz", ids=ids, rows=rows.view("u2"))


def main():
    parser = argparse.ArgumentParser(prog="engram_model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("paper", "lookup"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--experts", type=int, default=EXPERTS, help="paper: experts of a layer, of which each token takes 6")
    parser.add_argument("--base", type=int, default=TABLE_BASE, help="paper: what the moduli are the next primes above")
    parser.add_argument("--sparse", action="store_true", help="paper: leave the table's rows zero, in a file without blocks; --base 78125000 makes 200 GB of it")
    parser.add_argument("--rows", type=int, default=390625000, help="lookup: rows of the table; with 256 values in bf16: 200 GB")
    parser.add_argument("--width", type=int, default=256, help="lookup: values of a row")
    parser.add_argument("--known", type=int, default=100000, help="lookup: rows that are written")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    {"paper": paper, "lookup": lookup}[options.kind](options)


if __name__ == "__main__":
    main()
