#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the symbolic sizes inferred for the results of test/models with those that the files state.

    test/Conformance/model_shapes.py build/release/bin/trine-translate

Prints a line per model; exit code 1 when one differs or cannot be imported.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import onnx

MODELS = pathlib.Path(__file__).resolve().parents[1] / "models"


def normalise(size):
    """Files write sums in any order."""
    return " + ".join(sorted(part.strip() for part in str(size).split("+")))


def stated(path):
    model = onnx.load(path, load_external_data=False)
    return [[normalise(d.dim_param or d.dim_value) for d in value.type.tensor_type.shape.dim] for value in model.graph.output]


def inferred(text):
    signature = next(line for line in text.splitlines() if "func.func @main" in line)
    results = signature[signature.index(") -> ("):]
    return [[normalise(size.strip().strip('"')) for size in dims.split(",")] for dims in re.findall(r"onnx\.dims = \[([^\]]*)\]", results)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    tool = parser.parse_args().tool
    wrong = 0
    for path in sorted(MODELS.glob("*/model.onnx")):
        done = subprocess.run([tool, "--import-onnx", str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{path.parent.name}: failed {done.stderr}")
            wrong += 1
            continue
        found, expected = inferred(done.stdout), stated(path)
        wrong += found != expected
        print(f"{path.parent.name}: " + (f"{len(found)} results equal" if found == expected else f"{found}, expected {expected}"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
