#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time of a decoding step against the length of the past, for a package of `trine-compile --state`.

    tools/scripts/measure_steps.py PACKAGE [--lengths 256,1024,4096,16384] [--tokens 24] [--batch 1] [--threads N]

For each length a saved state of that many random entries is written and decoded from with `trine-run --generate`, greedily, so that no time goes into
making the past. Prints the median and the minimum of the steps, the bytes of cache that a step reads, and between neighbours the slope as bytes
of cache per second: that of reading the cache at the memory's rate, when a step costs nothing else that grows with the past. With --processor-time
one thread's processor time per step takes the place of the clock's: two runs of different numbers of tokens are told apart. It says what a step
costs where other programs keep the machine busy."""
import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np

BYTES = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2, "i64": 8, "i32": 4}
NAMES = {"f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16", "i64": "I64", "i32": "I32"}


def random_values(kind, count, generator):
    """Bytes of `count` values of about unit size; integers are 0."""
    if kind in ("i64", "i32"):
        return bytes(count * BYTES[kind])
    values = generator.standard_normal(count, dtype=np.float32)
    if kind == "bf16":
        return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return values.astype({"f64": np.float64, "f32": np.float32, "f16": np.float16}[kind]).tobytes()


def write_state(path, manifest, batch, length, generator):
    """A saved state (docs/state.md). Gives the bytes that grow."""
    hashes = {f["path"]: f["sha256"] for f in manifest["files"]}
    fingerprint = hashes.get(manifest.get("weights", {}).get("path"), manifest["files"][0]["sha256"])
    header = {"__metadata__": {"format": "trine-state", "version": "1", "model": manifest["name"], "fingerprint": fingerprint}}
    pieces, offset, growing = [], 0, 0

    def add(name, kind, sizes, data):
        nonlocal offset
        header[name] = {"dtype": NAMES[kind], "shape": sizes, "data_offsets": [offset, offset + len(data)]}
        pieces.append(data)
        offset += len(data)

    add("lengths", "i64", [batch], np.full(batch, length, np.int64).tobytes())
    for slot in range(batch):
        for state in manifest["states"]:
            if state["axis"] == 0:
                continue
            sizes = [1] + state["dims"][1:]
            sizes[state["axis"]] = length
            data = random_values(state["type"], int(np.prod(sizes)), generator)
            growing += len(data)
            add(f"rows/{slot}/{state['name']}", state["type"], sizes, data)
    for state in manifest["states"]:
        if state["axis"] == 0:
            sizes = [batch] + state["dims"][1:]
            add("value/" + state["name"], state["type"], sizes, random_values(state["type"], int(np.prod(sizes)), generator))
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for piece in pieces:
            file.write(piece)
    return growing


def processor_time(command, tokens):
    """Milliseconds of processor time that a step takes, from runs with few and with many."""

    def run(count):
        process = subprocess.Popen(command + ["--threads", "1", "--max-new-tokens", str(count)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit("measure_steps.py: error: the steps failed")
        return usage.ru_utime

    return (run(tokens + 4) - run(4)) / tokens * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("--lengths", default="256,1024,4096,16384")
    parser.add_argument("--tokens", type=int, default=24, help="steps that are measured")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--processor-time", action="store_true", help="one thread's processor time in place of the clock's")
    parser.add_argument("--trine-run", default=os.path.join(os.path.dirname(__file__), "../../build/release/bin/trine-run"))
    options = parser.parse_args()
    manifest = json.load(open(os.path.join(options.package, "manifest.json")))
    if not manifest["states"]:
        sys.exit(f"measure_steps.py: error: '{options.package}' has no state: compile the model with 'trine-compile --state'")
    generator = np.random.default_rng(1)
    print(f"{'past':>8} {'median ms':>10} {'minimum ms':>10} {'cache MB':>9} {'slope GB/s':>10}")
    before = None
    for length in map(int, options.lengths.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "past.safetensors")
            size = write_state(path, manifest, options.batch, length, generator)
            command = [options.trine_run, options.package, "--no-verify", "--generate", "--load-state", path] + ["--prompt-ids", "1"] * options.batch
            if options.processor_time:
                median = minimum = processor_time(command, options.tokens)
            else:
                command += ["--max-new-tokens", str(options.tokens + 1)] + (["--threads", str(options.threads)] if options.threads else [])
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"measure_steps.py: error: {done.stderr.strip()}")
                median, minimum = map(float, re.search(r"a step: median ([\d.]+) ms, minimum ([\d.]+) ms", done.stdout).groups())
        slope = f"{(size - before[1]) / (minimum - before[0]) / 1e6:10.2f}" if before and minimum > before[0] else " " * 10
        print(f"{length:8} {median:10.3f} {minimum:10.3f} {size / 1e6:9.2f} {slope}", flush=True)
        before = minimum, size


if __name__ == "__main__":
    main()
