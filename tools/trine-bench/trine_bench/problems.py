# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Problem sets: what is run, against whom, and which bounds it has.

A set gives its contestants (after making what they load) and its cases. A case has `name`, `inputs` (inputs.py), what peers read from it (`batch`, `new`,
`past`), and where they are known `bytes` that a step must read and `flop` that it must compute, per contestant or for all ("*"). `only`: the contestants of
a case, where it is not for all.
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
                "flop": {"*": slice_model.operations(batch, new, past)},
            }


def save_model(path, nodes, inputs, output, weights, domains=()):
    """Writes an ONNX model; `inputs` and `output` are (name, dims), `weights` arrays by name."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes,
        "problem",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [helper.make_tensor(name, TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True) for name, weight in weights.items()],
    )
    opsets = [helper.make_opsetid("", 21), *(helper.make_opsetid(domain, 1) for domain in domains)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


class Products:
    """f32 matrix products with a constant right side: rows known only at run time, and rows that the compiler knows."""

    name = "products"
    quick = False
    judge = "openblas"
    sizes = ((2816, 2048), (2048, 10944), (10944, 2048))
    rows = (1, 4, 8, 16, 64, 256, 253, 2048)
    known = (8, 64, 256)

    def contestants(self, setting, peers):
        from onnx import helper

        product = [helper.make_node("MatMul", ["x", "w"], ["y"])]
        self.bf16 = "bf16" in peers
        for inner, columns in self.sizes:
            weight = np.random.default_rng(inner).standard_normal((inner, columns), dtype=np.float32)
            stem = setting.path(f"product_{inner}_{columns}")
            np.save(stem + ".npy", weight)
            name = f"{inner} x {columns}"
            for rows in ("rows", *self.known):
                model = f"{stem}_{rows}.onnx"
                save_model(model, product, [("x", [rows, inner])], ("y", [rows, columns]), {"w": weight})
                label = f"trine {name}" if rows == "rows" else f"trine {rows} known x {name}"
                yield setting.trine(setting.compile(model, os.path.basename(model)[:-5]), label)
                if self.bf16 and rows == "rows":
                    package = setting.compile(model, os.path.basename(model)[:-5] + ".bf16", ["--weights", "bf16"])
                    yield setting.trine(package, f"trine bf16 {name}")
            if "openblas" in peers:
                threads = {"OPENBLAS_NUM_THREADS": str(setting.threads)}
                yield Contestant(f"openblas {name}", "openblas", {"weight": stem + ".npy"}, threads)

    def cases(self, setting):
        for inner, columns in self.sizes:
            name = f"{inner} x {columns}"
            for rows in self.rows:
                activations = 4 * rows * (inner + columns)
                yield {
                    "name": f"{rows} x {name}",
                    "only": [f"trine {name}", f"trine {rows} known x {name}", f"trine bf16 {name}", f"openblas {name}"],
                    "judge": f"openblas {name}",
                    "inputs": [{"name": "x", "type": "f4", "sizes": [rows, inner], "fill": "normal"}],
                    "bytes": {"*": 4 * inner * columns + activations, f"trine bf16 {name}": 2 * inner * columns + activations},
                    "flop": {"*": 2 * rows * inner * columns},
                    "steps": max(3, min(50, 400 // rows)),
                }


class Attention:
    """Latent attention alone, one query on a long past, in both forms. Each is judged by the other, and has the bounds of its own form: reading the cache and
    the two matrices of the heads once, and its operations."""

    name = "attention"
    quick = False
    judge = None  # a case names its own
    heads = (16, 128)
    past = (4096, 16384)
    forms = ("absorbed", "decompressed")

    def contestants(self, setting, peers):
        from onnx import helper

        generator = np.random.default_rng(0)
        latent, rope, nope, value = slice_model.LATENT, slice_model.ROPE, slice_model.NOPE, slice_model.VALUE
        for heads in self.heads:
            weight = generator.standard_normal((latent, heads, nope + value), dtype=np.float32) / 16
            weights = {"uk": np.ascontiguousarray(weight[..., :nope]), "uv": np.ascontiguousarray(weight[..., nope:])}
            inputs = [("qn", ["b", heads, "s", nope]), ("qr", ["b", heads, "s", rope]), ("c", ["b", "t", latent]), ("kr", ["b", "t", rope])]
            for form in self.forms:
                attributes = {"scale": 0.07, "mask_kind": "causal", "masked_row": "zero", "form": form}
                node = helper.make_node("MLAAttention", ["qn", "qr", "c", "kr", "uk", "uv"], ["o"], domain="trine", **attributes)
                stem = f"attention_{form}_{heads}"
                save_model(setting.path(stem + ".onnx"), [node], inputs, ("o", None), weights, ["trine"])
                package = setting.compile(setting.path(stem + ".onnx"), stem, ["--latent-attention", form])
                yield setting.trine(package, f"trine {form}, {heads} heads")

    def cases(self, setting):
        latent, rope, nope, value = slice_model.LATENT, slice_model.ROPE, slice_model.NOPE, slice_model.VALUE
        for heads in self.heads:
            names = [f"trine {form}, {heads} heads" for form in self.forms]
            for keys in self.past:
                sizes = {"qn": (1, heads, 1, nope), "qr": (1, heads, 1, rope), "c": (1, keys, latent), "kr": (1, keys, rope)}
                per_head = (keys * (2 * latent + rope) + latent * (nope + value), keys * (latent * (nope + value) + nope + rope + value))
                yield {
                    "name": f"{heads} heads, past {keys:,}",
                    "only": names,
                    "judge": names[-1],
                    "inputs": [{"name": name, "type": "f4", "sizes": shape, "fill": "normal"} for name, shape in sizes.items()],
                    "bytes": {"*": 4 * (keys * (latent + rope) + heads * latent * (nope + value))},
                    "flop": {name: 2 * heads * operations for name, operations in zip(names, per_head)},
                    "steps": 5 if heads < 64 else 2,
                }


class Smoke(Products):
    """One small product: shows that everything is in place."""

    name = "smoke"
    quick = True
    sizes = ((48, 72),)
    rows = (1, 5)
    known = (5,)


class SmokeAttention(Attention):
    """Two heads on a short past: shows that everything is in place."""

    name = "smoke-attention"
    quick = True
    heads = (2,)
    past = (40,)


SETS = {problem.name: problem for problem in (Slice, Products, Attention, Smoke, SmokeAttention)}
