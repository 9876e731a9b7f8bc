# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Problem sets: what is run, against whom, and which bounds it has.

A set gives its contestants (after making what they load) and its cases. A case has `name`, `inputs` (inputs.py), what peers read from it (`batch`, `new`,
`past`), and where they are known `bytes` that a step must read and `flop` that it must compute, per contestant or for all ("*").
"""

import os
import subprocess
import sys

import numpy as np

from . import slice_model
from .measure import Contestant


class Setting:
    """Where things are, and on how many threads they run."""

    def __init__(self, build, cache, threads, cpu):
        self.compiler = os.path.join(build, "bin", "trine-compile")
        self.runtime = os.path.join(build, "lib", "libtrine.so")
        self.cache, self.threads, self.cpu = cache, threads, cpu
        os.makedirs(cache, exist_ok=True)
        for path in (self.compiler, self.runtime):
            if not os.path.exists(path):
                sys.exit(f"trine-bench: error: '{path}' does not exist; build Trine first, or say where with --build")

    def path(self, name):
        return os.path.join(self.cache, name)

    def compile(self, model, name, options=()):
        """Compiles `model` to the package `name` with this tree's compiler, always: the compiler is what is measured."""
        package = self.path(name)
        command = [self.compiler, model, "-o", package, "--cpu", self.cpu, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"trine-bench: error: {' '.join(command)} failed:\n{done.stderr}")
        return package

    def trine(self, package, name="trine"):
        return Contestant(name, "trine", {"library": self.runtime, "package": package, "threads": self.threads})


class Slice:
    """Decode and prefill of two real-sized layers of DeepSeek-V2-Lite."""

    name = "slice"
    quick = False
    judge = "onnxruntime"

    def contestants(self, setting, peers):
        folder = setting.path("slice")
        if not os.path.exists(folder):
            slice_model.export(folder)
        model = os.path.join(folder, "model.onnx")
        threads = setting.threads
        yield setting.trine(setting.compile(model, "slice.f32"))
        if "bf16" in peers:
            yield setting.trine(setting.compile(model, "slice.bf16", ["--weights", "bf16"]), "trine bf16")
        if "onnxruntime" in peers:
            yield Contestant("onnxruntime", "onnxruntime", {"model": model, "threads": threads})
        if "pytorch" in peers:
            for form in ("eager", "grouped_mm"):
                yield Contestant(f"pytorch {form}", "pytorch", {"form": form, "threads": threads})
        if "pytorch-compiled" in peers:
            yield Contestant("pytorch compiled", "pytorch", {"form": "compiled", "threads": threads})
        if "llama.cpp" in peers:
            for element in ("f32", "bf16") if "bf16" in peers else ("f32",):
                file = setting.path(f"slice.{element}.gguf")
                yield Contestant(f"llama.cpp {element}", "llama.cpp", {"file": file, "element": element, "threads": threads})

    def cases(self, setting):
        for batch, new, past in ((1, 1, 1024), (1, 1, 4096), (8, 1, 1024), (1, 256, 0)):
            tokens = batch * new
            # Expected share of experts that at least one of the tokens chooses.
            share = 1 - (1 - slice_model.CHOSEN / slice_model.EXPERTS) ** tokens
            name = f"decode, batch {batch}, past {past:,}" if new == 1 else f"prefill {new}"
            yield {
                "name": name,
                "batch": batch,
                "new": new,
                "past": past,
                "inputs": slice_model.inputs(batch, new, past),
                "bytes": {
                    "*": slice_model.bytes_read(batch, new, past, 4, share),
                    "trine bf16": slice_model.bytes_read(batch, new, past, 2, share),
                    "llama.cpp bf16": slice_model.bytes_read(batch, new, past, 2, share),
                },
            }


class Products:
    """f32 matrix products with a constant right side, rows known only at run time."""

    name = "products"
    quick = False
    judge = "openblas"
    sizes = ((2816, 2048), (2048, 10944))
    rows = (1, 4, 16, 64, 256, 253, 2048)

    def contestants(self, setting, peers):
        import onnx
        from onnx import TensorProto, helper

        self.models = []
        for inner, columns in self.sizes:
            weight = np.random.default_rng(inner).standard_normal((inner, columns), dtype=np.float32)
            stem = setting.path(f"product_{inner}_{columns}")
            np.save(stem + ".npy", weight)
            graph = helper.make_graph(
                [helper.make_node("MatMul", ["x", "w"], ["y"])],
                "product",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inner])],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", columns])],
                [helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)],
            )
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), stem + ".onnx")
            name = f"{inner} x {columns}"
            yield setting.trine(setting.compile(stem + ".onnx", os.path.basename(stem)), f"trine {name}")
            if "openblas" in peers:
                threads = {"OPENBLAS_NUM_THREADS": str(setting.threads)}
                yield Contestant(f"openblas {name}", "openblas", {"weight": stem + ".npy"}, threads)

    def cases(self, setting):
        for inner, columns in self.sizes:
            for rows in self.rows:
                yield {
                    "name": f"{rows} x {inner} x {columns}",
                    "only": f"{inner} x {columns}",
                    "judge": f"openblas {inner} x {columns}",
                    "inputs": [{"name": "x", "type": "f4", "sizes": [rows, inner], "fill": "normal"}],
                    "bytes": {"*": 4 * (inner * columns + rows * (inner + columns))},
                    "flop": 2 * rows * inner * columns,
                    "steps": max(3, min(50, 400 // rows)),
                }


class Smoke(Products):
    """One small product: shows that everything is in place."""

    name = "smoke"
    quick = True
    sizes = ((48, 72),)
    rows = (1, 5)


SETS = {problem.name: problem for problem in (Slice, Products, Smoke)}
