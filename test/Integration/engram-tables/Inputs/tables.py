#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a model with its Engram tables in the weights and in the store: every tier, cache size, number of threads and place of the fetch must give the same bits.

usage: tables.py BIN MODEL FOLDER
"""
import itertools
import pathlib
import subprocess
import sys

import inputs
import numpy

BIN, MODEL, FOLDER = (pathlib.Path(argument) for argument in sys.argv[1:])


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = FOLDER / "inputs.npz"
    inputs.write(MODEL, data)

    def outputs(package, *options):
        results = FOLDER / "outputs.npz"
        text = call(BIN / "trine-run", package, "--inputs", data, "--outputs", results, *options)
        with numpy.load(results) as arrays:
            return {name: arrays[name] for name in arrays.files}, text

    call(BIN / "trine-compile", MODEL / "model.onnx", "-o", FOLDER / "weights", "--table-limit", "-1", "--cpu", "native")
    expected, _ = outputs(FOLDER / "weights")
    runs = 0
    for place in ("early", "inline"):
        package = FOLDER / place
        call(BIN / "trine-compile", MODEL / "model.onnx", "-o", package, "--table-limit", "0", "--cpu", "native", "--prefetch", place)
        for tier, threads in itertools.product(("resident", "mapped", "disk"), (1, 3, 8)):
            for cache in ("0", "4096", "1000000") if tier == "disk" else ("0",):
                found, text = outputs(package, "--table-tier", tier, "--table-cache", cache, "--threads", threads, "--repeat", "3", "--stats")
                runs += 1
                for name, array in expected.items():
                    if array.tobytes() != found[name].tobytes():
                        sys.exit(f"{place}, {tier}, {threads} threads, cache {cache}: '{name}' differs")
                if f"({tier}, " not in text or " in 3 fetches" not in text:
                    sys.exit(f"{place}, {tier}: the statistics say something else:\n{text}")
    print(f"{MODEL.name}: {runs} runs give the bits of the package without a store")


if __name__ == "__main__":
    main()
