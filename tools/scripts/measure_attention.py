#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures latent attention alone, in both forms, beside its bounds.

Models of one operator MLAAttention of the domain trine (sizes of DeepSeek-V2 and V3: latent 512, rotary 64, heads of 128) are compiled and run. For
each form it prints the time of a step, the part of it that the kernel of attention takes, and the share of the nearer bound that the kernel reaches:
reading what it reads once, at the rate of a matrix-vector product on 1 GiB, or its FLOP, at the rate of a product of 2,048 x 2,048 x 2,048. Both
rates are measured before and after, in the same run.

usage: measure_attention.py [--bin build/release/bin] [--threads N] [--heads 16,128] [--queries 1] [--keys 1025,4097,16385] [--repeat 9]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RANK, ROPE, NOPE, VALUE = 512, 64, 128, 128


def save(path, nodes, inputs, output, weights):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()]
    results = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "measured", values, results, [numpy_helper.from_array(array, name) for name, array in weights.items()])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("trine", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.random = arguments, folder, np.random.default_rng(0)

    def normal(self, *shape):
        return self.random.standard_normal(shape, dtype=np.float32)

    def run(self, *command):
        done = subprocess.run([os.path.join(self.arguments.bin, command[0]), *command[1:]], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed: {done.stderr}")

    def compile(self, name):
        package = os.path.join(self.folder, name + ".package")
        if not os.path.exists(package):
            self.run("trine-compile", os.path.join(self.folder, name + ".onnx"), "--cpu", "native", "-o", package)
        return package

    def measure(self, package, inputs, repeat):
        """Milliseconds of the fastest of `repeat` steps, and of the fastest kernel of attention."""
        data, profile = os.path.join(self.folder, "inputs.npz"), os.path.join(self.folder, "profile.json")
        np.savez(data, **inputs)
        self.run("trine-run", package, "--inputs", data, "--threads", str(self.arguments.threads), "--warmup", "2", "--repeat", str(repeat), "--profile", profile, "--no-verify")
        with open(profile) as file:
            events = json.load(file)
        events = [e for e in events["traceEvents"] if e["ph"] == "X"]
        steps, kernels = [e for e in events if e["cat"] == "step"], []
        for step in steps:
            # One event per thread.
            own = [e for e in events if e["cat"] == "attention" and step["ts"] <= e["ts"] < step["ts"] + step["dur"]]
            if own:
                kernels.append(max(e["ts"] + e["dur"] for e in own) - min(e["ts"] for e in own))
        return min(e["dur"] for e in steps) / 1e3, min(kernels, default=0) / 1e3

    def rates(self):
        """FLOP and bytes per millisecond."""
        size = 2048
        if not os.path.exists(f"{self.folder}/product.onnx"):
            product = [helper.make_node("MatMul", ["x", "w"], ["y"])]
            save(f"{self.folder}/product.onnx", product, {"x": ["n", size]}, "y", {"w": self.normal(size, size)})
            save(f"{self.folder}/read.onnx", product, {"x": ["n", 8192]}, "y", {"w": np.zeros((8192, 32768), np.float32)})
        flop = 2 * size**3 / self.measure(self.compile("product"), {"x": self.normal(size, size)}, 5)[0]
        read = 4 * 8192 * 32768 / self.measure(self.compile("read"), {"x": self.normal(1, 8192)}, 5)[0]
        return flop, read

    def attention(self, heads, queries, keys, form):
        """What an attention of this form costs: times, FLOP and bytes of its kernel."""
        name = f"{form}_{heads}"
        if not os.path.exists(f"{self.folder}/{name}.onnx"):
            node = helper.make_node("MLAAttention", ["qn", "qr", "c", "kr", "uk", "uv"], ["o"], domain="trine", scale=0.07, mask_kind="causal", masked_row="zero", form=form)
            inputs = {"qn": ["b", heads, "s", NOPE], "qr": ["b", heads, "s", ROPE], "c": ["b", "t", RANK], "kr": ["b", "t", ROPE]}
            weight = self.normal(RANK, heads, NOPE + VALUE) / 16
            weights = {"uk": np.ascontiguousarray(weight[..., :NOPE]), "uv": np.ascontiguousarray(weight[..., NOPE:])}
            save(f"{self.folder}/{name}.onnx", [node], inputs, "o", weights)
        inputs = {"qn": self.normal(1, heads, queries, NOPE), "qr": self.normal(1, heads, queries, ROPE), "c": self.normal(1, keys, RANK), "kr": self.normal(1, keys, ROPE)}
        step, kernel = self.measure(self.compile(name), inputs, self.arguments.repeat)
        seen = sum(keys - queries + i + 1 for i in range(queries))
        if form == "absorbed":
            flop, read = 2 * heads * seen * (2 * RANK + ROPE), 4 * keys * (RANK + ROPE)
        else:
            flop, read = 2 * heads * seen * (NOPE + ROPE + VALUE), 4 * keys * (heads * (NOPE + VALUE) + ROPE)
        return step, kernel, flop, read


def main():
    parser = argparse.ArgumentParser(description="Measures latent attention alone, in both forms, beside its bounds.")
    numbers = lambda text: [int(word) for word in text.split(",")]
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--heads", type=numbers, default=[16, 128])
    parser.add_argument("--queries", type=numbers, default=[1])
    parser.add_argument("--keys", type=numbers, default=[1025, 4097, 16385])
    parser.add_argument("--repeat", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        flopRate, readRate = bench.rates()
        print(f"{'form':>13} {'heads':>5} {'queries':>7} {'keys':>6} {'step':>10} {'kernel':>10} {'by FLOP':>10} {'by read':>10} {'of bound':>9}")
        for heads in arguments.heads:
            for queries in arguments.queries:
                for keys in arguments.keys:
                    for form in ("absorbed", "decompressed"):
                        step, kernel, flop, read = bench.attention(heads, queries, keys, form)
                        bounds = flop / flopRate, read / readRate
                        print(f"{form:>13} {heads:5} {queries:7} {keys:6} {step:7.2f} ms {kernel:7.2f} ms {bounds[0]:7.2f} ms {bounds[1]:7.2f} ms {max(bounds) / kernel:9.0%}", flush=True)
        after = bench.rates()
        print(f"product {flopRate / 1e6:.0f} GFLOP/s, {after[0] / 1e6:.0f} afterwards; read {readRate / 1e6:.1f} GB/s, {after[1] / 1e6:.1f} afterwards; {arguments.threads} threads")


if __name__ == "__main__":
    main()
