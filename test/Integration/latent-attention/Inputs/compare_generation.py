# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generates with two packages of one model, one of which caches latents, and compares the outputs of every step.

compare_generation.py TRINE_RUN PACKAGE RECACHED DATA_SET STEPS

The first step takes the inputs of the data set as they are but for the past, which is empty in RECACHED; so the data set must have no past.
The following steps append one token each. Outputs that both packages have must agree within the manifest's tolerance, twice, as both round.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

run, *packages, data, steps = sys.argv[1:]
TYPES = {"f32": np.float32, "i64": np.int64}


def past_of(name):
    """The input that takes what the output `name` gives."""
    return name.replace("present_", "").replace("present", "past")


def load_inputs(manifest):
    """The first inputs: those of the data set, and empty caches."""
    values = {}
    for index, entry in enumerate(manifest["inputs"]):
        path = os.path.join(data, f"input_{index}.pb")
        tensor = onnx.TensorProto()
        with open(path, "rb") as file:
            tensor.ParseFromString(file.read())
        value = numpy_helper.to_array(tensor)
        known = [None if isinstance(dim, str) else dim for dim in entry["dims"]]
        if len(known) != value.ndim:  # cached another way
            assert value.size == 0, entry["name"]
            value = np.zeros([value.shape[0], 0, known[-1]], TYPES[entry["type"]])
        values[entry["name"]] = value
    return values


def step(package, inputs, folder):
    source, target = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
    np.savez(source, **inputs)
    subprocess.run([run, package, "--inputs", source, "--outputs", target], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(target))


manifests = [json.load(open(os.path.join(package, "manifest.json"))) for package in packages]
inputs = [load_inputs(manifest) for manifest in manifests]
random = np.random.default_rng(5)
common = [entry for entry in manifests[0]["outputs"] if any(entry["name"] == other["name"] for other in manifests[1]["outputs"])]
sizes = [sum(value.nbytes for name, value in values.items() if name.startswith("past")) for values in inputs]
worst = 0.0
with tempfile.TemporaryDirectory() as folder:
    for index in range(int(steps)):
        outputs = [step(package, values, folder) for package, values in zip(packages, inputs)]
        for entry in common:
            expected, got = (each[entry["name"]].astype(np.float64) for each in outputs)
            assert expected.shape == got.shape, entry["name"]
            if entry["type"].startswith("i"):
                assert (expected == got).all(), entry["name"]
                continue
            error = np.abs(expected - got).max() / np.abs(expected).max()
            worst = max(worst, error / (2 * entry["tolerance"]["relative"]))
        batch, seq = inputs[0]["input_ids"].shape
        ids = random.integers(0, 100, (batch, 1))
        positions = inputs[0]["position_ids"][:, -1:] + 1
        for values, given in zip(inputs, outputs):
            for name, value in given.items():
                if past_of(name) in values:
                    values[past_of(name)] = value
            values["input_ids"], values["position_ids"] = ids, positions
cached = [sum(value.nbytes for name, value in values.items() if name.startswith("past") and name.count(".") > 1 and "conv" not in name) for values in inputs]
print(f"{steps} steps, {len(common)} common outputs, cache {cached[0]} and {cached[1]} bytes, largest error / tolerance {worst:.3f}")
sys.exit(int(worst > 1))
