#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random schedules (EngramSchedules.cpp) of a model's packages, and the same with a store that gives other rows, which must fail.

usage: schedules.py BUILD MODEL FOLDER COUNT
"""
import pathlib
import subprocess
import sys

import inputs

BUILD, MODEL, FOLDER = (pathlib.Path(argument) for argument in sys.argv[1:4])
COUNT = sys.argv[4]
KINDS = {
    "plain": ["--table-limit", "-1"],
    "auto": ["--table-limit", "0"],
    "inline": ["--table-limit", "0", "--prefetch", "inline"],
    "early": ["--table-limit", "0", "--prefetch", "early", "--engram-projection", "always"],
    "kernel": ["--table-limit", "0", "--prefetch", "early", "--host-hash", "none"],
    "reference": ["--table-limit", "0", "--reference-tables"],
}


def run(packages, *options, count=COUNT):
    command = [BUILD / "unit/programs/EngramSchedules", count, "1", MODEL, FOLDER / "inputs.npz", FOLDER / "plain", *(FOLDER / name for name in packages), *options]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def main():
    FOLDER.mkdir(parents=True)
    inputs.write(MODEL, FOLDER / "inputs.npz")
    for name, options in KINDS.items():
        done = subprocess.run([BUILD / "bin/trine-compile", MODEL / "model.onnx", "-o", FOLDER / name, "--cpu", "native", *options], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr}")
    done = run([name for name in KINDS if name != "plain"])
    if done.returncode:
        sys.exit(f"{MODEL.name}: {done.stdout}{done.stderr}")
    print(f"{MODEL.name}: {done.stdout.strip()}")
    # Rows that are not right: found by their checksums, or, where there are none, by this comparison.
    for package, text in (("auto", "its checksum is wrong"), ("reference", "differs")):
        done = run([package], "--corrupt", count="20")
        if done.returncode != 1 or text not in done.stderr:
            sys.exit(f"{MODEL.name}, {package}, wrong rows: expected {text!r}, got {done.returncode}: {done.stdout}{done.stderr}")
        print(f"{package}, wrong rows: {text}")


if __name__ == "__main__":
    main()
