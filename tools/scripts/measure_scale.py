#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures import and raising of a graph of DeepSeek-V3's node count, at a quarter, half and all of its layers.

Prints nodes, seconds of processor time and peak memory, alone for the import and with the raising up to the trine level; each in a process of its
own, on one core. Graphs come from make_scale_graph.py.

usage: measure_scale.py [--bin build/release/bin] [--layers 61] [--experts 256]
"""

import argparse
import os
import subprocess
import sys
import tempfile

from make_scale_graph import make_scale_graph

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(command):
    """Seconds of processor time and peak bytes of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description="Measures import and raising of a graph of DeepSeek-V3's node count.")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--layers", type=int, default=61)
    parser.add_argument("--experts", type=int, default=256)
    arguments = parser.parse_args()
    source = os.path.join(ROOT, "test/models/deepseek_v3_grouped/model.onnx")
    compiler = os.path.join(arguments.bin, "trine-compile")
    print(f"{'nodes':>8} {'import':>9} {'memory':>10} {'and raise':>10} {'memory':>10}")
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "scale.onnx")
        for part in (4, 2, 1):
            nodes = make_scale_graph(source, model, max(3, round(arguments.layers / part)), arguments.experts)
            seconds, memory = run([compiler, model, "--emit", "onnx", "-o", os.devnull])
            raised, raisedMemory = run([compiler, model, "--emit", "trine", "-o", os.devnull])
            print(f"{nodes:8} {seconds:7.2f} s {memory / 2**20:6.0f} MiB {raised:8.2f} s {raisedMemory / 2**20:6.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
