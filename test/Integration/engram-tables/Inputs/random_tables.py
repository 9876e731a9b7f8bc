#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random hashes and tables, against NumPy: interpreter, packages, tiers, caches, threads and places of the fetch must all give its bits.

usage: random_tables.py BUILD FOLDER COUNT [FIRST]
"""
import math
import os
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BUILD, FOLDER = (pathlib.Path(argument) for argument in sys.argv[1:3])
COUNT, FIRST = int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/trine-bench"))
from trine_bench.runtime import Session  # noqa: E402

I64 = TensorProto.INT64
TYPES = {"f32": (TensorProto.FLOAT, np.float32), "f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16), "fp8": (TensorProto.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn)}
KINDS = {
    "plain": ["--table-limit", "-1"],
    "auto": ["--table-limit", "0"],
    "inline": ["--table-limit", "0", "--prefetch", "inline", "--host-hash", "none"],
    "early": ["--table-limit", "0", "--prefetch", "early", "--reference-tables"],
}


class Model:
    """A graph with one or two hashes, each with lookups in a table that they may share."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers, self.blob, self.made = [], [], bytearray(64), 0
        self.inputs, self.outputs = [], []
        draw = self.draw
        self.kind = draw(["f32", "f16", "bf16", "fp8"])
        self.width = draw([32, 64, 256, 288]) if self.kind == "fp8" else draw([1, 5, 8, 33, 80, 260])
        self.domain = bool(draw([0, 1])) or self.kind == "fp8"  # operators of the domain trine, or those that exporters write
        self.order, self.map_type = draw([2, 3, 4, 5]), draw([None, "i4", "i8", "i8"])
        self.vocabulary, self.pad = draw([7, 64, 5000]), draw([0, 2, 6])
        self.reset = draw([None, None, 3]) if self.domain else None
        self.hashes = [self.make_hash() for _ in range(draw([1, 2]))]
        self.shared = draw([True, False])
        if self.map_type:
            self.map = self.random.integers(0, self.vocabulary, self.vocabulary + 9).astype(self.map_type)
        self.build()

    def draw(self, choices):
        return choices[self.random.integers(len(choices))]

    def make_hash(self):
        draw, random = self.draw, self.random
        heads = draw([1, 2, 3, 8, 16])
        columns = heads * (self.order - 1)
        kind = draw(["one", "small", "small", "composite", "far"])
        if kind == "one":  # a table of one row
            moduli = [1] * columns
        elif kind == "far":  # ids of rows that no table has
            moduli = [int(2**63 - 1 - random.integers(0, 1000)) for _ in range(columns)]
        else:
            moduli = [int(random.integers(2, 300)) for _ in range(columns)] if kind == "composite" else [int(draw([2, 3, 5, 7, 13, 101, 211, 8191, 8209])) for _ in range(columns)]
        offsets = [0] * columns if kind in ("one", "far") else [sum(moduli[:i]) for i in range(columns)]
        wrap = draw(["twos_complement", "non_negative"]) if self.domain else "twos_complement"
        bound = 2**63 // (self.vocabulary + 9) - 1 if wrap == "non_negative" else 2**63 - 1
        multipliers = [int(random.integers(1, bound)) | 1 for _ in range(self.order)]
        return dict(heads=heads, moduli=moduli, offsets=offsets, rows=1 if kind == "one" else 0 if kind == "far" else sum(moduli), wrap=wrap, multipliers=multipliers)

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"v{self.made + i}" for i in range(outputs)]
        self.made += outputs
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values, kind=np.int64):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(values, kind), name))
        return name

    def external(self, array, kind):
        name = f"c{len(self.initializers)}"
        tensor = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "tables.bin"), ("offset", len(self.blob)), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        self.blob += array.tobytes()
        self.blob += bytes(-len(self.blob) % 64)
        self.initializers.append(tensor)
        return name

    def give(self, name, wanted, kind, shape):
        self.nodes.append(helper.make_node("Identity", [name], [wanted]))
        self.outputs.append(helper.make_tensor_value_info(wanted, kind, shape))

    def make_table(self, rows):
        code, kind = TYPES[self.kind]
        if self.kind == "fp8":
            values = self.random.integers(0, 256, (rows, self.width)).astype("u1").view(kind)
            scales = self.random.integers(90, 160, (rows, self.width // 32)).astype("u1")
            wide = values.astype(np.float64) * np.repeat(2.0 ** (scales.astype(np.float64) - 127), 32, axis=1)
            return [self.external(values, code), self.external(scales, TensorProto.FLOAT8E8M0)], wide.astype(np.float32)
        values = self.random.standard_normal((rows, self.width)).astype(kind)
        return [self.external(values, code)], values

    def build(self):
        before, info = self.order - 1, helper.make_tensor_value_info
        self.inputs = [info("ids", I64, ["batch", "seq"]), info("history", I64, ["batch", before])]
        common = None
        tokens = None
        if not self.domain:
            tokens = self.op("Gather", [self.constant(self.map), "ids"]) if self.map_type else "ids"
            if self.map_type == "i4":
                self.initializers[-1].CopyFrom(numpy_helper.from_array(self.map.astype(np.int64), self.initializers[-1].name))
            tokens = self.op("Concat", ["history", tokens], axis=1)
        elif self.map_type:
            common = self.constant(self.map, self.map.dtype)
        for i, rule in enumerate(self.hashes):
            columns = before * rule["heads"]
            if self.domain:
                extra = dict(reset="after_token", reset_token=self.reset) if self.reset is not None else dict(reset="never")
                rows, present = self.op("EngramHash", ["ids", "history"] + ([common] if common else []), 2, "trine", max_order=self.order, heads=rule["heads"], multipliers=rule["multipliers"],
                                        moduli=rule["moduli"], offsets=rule["offsets"], pad=self.pad, wrap=rule["wrap"], **extra)
            else:
                rows, present = self.exported_hash(tokens, rule)
            self.give(rows, f"rows_{i}", I64, ["batch", "seq", columns])
            self.give(present, f"present_{i}", I64, ["batch", before])
            if not rule["rows"]:
                continue
            if i == 0 or not self.shared or not self.hashes[0]["rows"]:
                rule["names"], rule["table"] = self.make_table(max(r["rows"] for r in self.hashes) if self.shared else rule["rows"])
            else:
                rule["names"], rule["table"] = self.hashes[0]["names"], self.hashes[0]["table"]
            if self.domain:
                found = self.op("EngramLookup", [rows, *rule["names"]], domain="trine")
            else:
                found = self.op("Gather", [rule["names"][0], rows])
            found = self.op("Reshape", [found, self.constant([0, 0, columns * self.width])], allowzero=0)
            self.give(found, f"values_{i}", TYPES["f32" if self.kind == "fp8" else self.kind][0], ["batch", "seq", columns * self.width])

    def exported_hash(self, tokens, rule):
        before, parts = self.order - 1, []
        one, end = self.constant([1]), self.constant([2**63 - 1])
        at = lambda s: self.op("Slice", [tokens, self.constant([before - s]), self.constant([-s]) if s else end, one])
        mixed = self.op("Mul", [at(0), self.constant(rule["multipliers"][0])])
        for s in range(1, self.order):
            mixed = self.op("BitwiseXor", [mixed, self.op("Mul", [at(s), self.constant(rule["multipliers"][s])])])
            first = (s - 1) * rule["heads"]
            wide = self.op("Unsqueeze", [mixed, self.constant([-1])])
            parts.append(self.op("Mod", [wide, self.constant(rule["moduli"][first : first + rule["heads"]])]))
        rows = self.op("Concat", parts, axis=-1) if len(parts) > 1 else parts[0]
        rows = self.op("Add", [rows, self.constant(rule["offsets"])])
        return rows, self.op("Slice", [tokens, self.constant([-before]), end, one])

    def save(self, folder):
        folder.mkdir(parents=True)
        (folder / "tables.bin").write_bytes(self.blob)
        graph = helper.make_graph(self.nodes, "random", self.inputs, self.outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)], ir_version=10)
        onnx.save(model, folder / "model.onnx")

    def make_inputs(self, batch, length):
        most = self.vocabulary if not self.map_type else self.map.size
        least = -most if self.map_type else 0
        ids = self.random.integers(least, most, (batch, length))
        return {"ids": ids, "history": self.random.integers(0, self.vocabulary, (batch, self.order - 1))}

    def expect(self, inputs):
        """The rule of docs and paper, in Python integers of 64 bits."""
        ids, expected = inputs["ids"], {}
        mapped = self.map[ids].astype(np.int64) if self.map_type else ids
        sequence = np.concatenate([inputs["history"], mapped], axis=1)
        batch, length, before = ids.shape[0], ids.shape[1], self.order - 1
        for i, rule in enumerate(self.hashes):
            rows = np.zeros((batch, length, before * rule["heads"]), np.int64)
            mixed, hidden = np.zeros((batch, length), np.int64), np.zeros((batch, length), bool)
            for s in range(self.order):
                token = sequence[:, before - s : before - s + length]
                if s and self.reset is not None:
                    hidden |= token == self.reset
                token = np.where(hidden, self.pad, token)
                mixed = mixed ^ (token.astype(np.uint64) * np.uint64(rule["multipliers"][s])).astype(np.int64)
                for h in range(rule["heads"] if s else 0):
                    column = (s - 1) * rule["heads"] + h
                    rows[:, :, column] = np.mod(mixed, rule["moduli"][column]) + rule["offsets"][column]
            expected[f"rows_{i}"], expected[f"present_{i}"] = rows, sequence[:, length:]
            if rule["rows"]:
                expected[f"values_{i}"] = rule["table"][rows].reshape(batch, length, rows.shape[2] * self.width)
        return expected


def bits(array):
    array = np.where(np.isnan(array), np.nan, array) if array.dtype == np.float32 else array  # any NaN is one
    return array.view("u2") if array.dtype == ml_dtypes.bfloat16 else array


def compare(where, found, expected):
    for name, array in expected.items():
        if bits(array).tobytes() != bits(found[name]).tobytes():
            sys.exit(f"{where}: '{name}' differs")


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def write_data(folder, model, inputs, expected):
    folder.mkdir()
    for kind, names, arrays in (("input", model.inputs, inputs), ("output", model.outputs, expected)):
        for i, value in enumerate(names):
            (folder / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(arrays[value.name], value.name).SerializeToString())


def main():
    os.environ.pop("LD_PRELOAD", None)  # of a sanitized library: the programs that are started have their own
    runs = 0
    for seed in range(FIRST, FIRST + COUNT):
        model, folder = Model(seed), FOLDER / str(seed)
        model.save(folder)
        shapes = [(1, 1), (3, 7), (0, 4), (2, 0), (256, 1), (1, 300)]
        cases = [(inputs, model.expect(inputs)) for inputs in (model.make_inputs(*shape) for shape in shapes)]
        write_data(folder / "test_data_set_0", model, *cases[1])
        call(BUILD / "bin/trine-verify", "--reference", folder / "model.onnx", "--data", folder, "--quiet")
        for name, options in KINDS.items():
            call(BUILD / "bin/trine-compile", folder / "model.onnx", "-o", folder / name, "--cpu", "native", *options)
            for tier, cache, threads in ((1, 0, 2), (2, 0, 1), (3, 0, 8), (3, 3000, 3), (3, 1 << 20, 1)) if name != "plain" else ((0, 0, 2),):
                session = Session(str(BUILD / "lib/libtrine.so"), str(folder / name), threads, table_tier=tier, table_cache=cache, table_folder=folder)
                for inputs, expected in cases:
                    session.bind(inputs)
                    session.run()
                    compare(f"model {seed}, {name}, tier {tier}, cache {cache}, {inputs['ids'].shape}", session.outputs(), expected)
                    runs += 1
    print(f"{COUNT} models: {runs} runs give the bits of NumPy")


if __name__ == "__main__":
    main()
