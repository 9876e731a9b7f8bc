#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A table in place, packaged by reference: opened in less than a second, known rows and others bit for bit, memory within cache + 64 MiB.

usage: huge.py SOURCE BIN LIBRARY FOLDER [--rows N] [--known N]
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

CACHE, MORE, STEP = 256 << 20, 64 << 20, 2048


def resident():
    """Bytes of this process that are in memory."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def main():
    os.environ.pop("LD_PRELOAD", None)  # of a sanitized library: the programs that are started have their own
    parser = argparse.ArgumentParser()
    for name in ("source", "bin", "library", "folder"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=390625000)
    parser.add_argument("--known", type=int, default=100000)
    options = parser.parse_args()
    sys.path.insert(0, str(options.source / "tools/trine-bench"))
    from trine_bench.runtime import Session

    model, package = options.folder / "model", options.folder / "package"
    subprocess.run(
        [sys.executable, "-m", "trine_bench.engram_model", "lookup", model, "--rows", str(options.rows), "--known", str(options.known)],
        cwd=options.source / "tools/trine-bench", check=True,
    )
    start = time.monotonic()
    subprocess.run([options.bin / "trine-compile", model / "model.onnx", "-o", package, "--cpu", "native", "--table-limit", "0", "--reference-tables"], check=True)
    compiled = time.monotonic() - start
    with np.load(model / "known.npz") as known:
        ids, rows = known["ids"], known["rows"]
    random = np.random.default_rng(1)
    others = random.integers(0, options.rows, options.known // 5)
    asked = np.concatenate([ids, others])
    order = random.permutation(asked.size)
    place = {int(row): i for i, row in enumerate(ids)}
    zero = np.zeros(rows.shape[1], "u2")

    before = resident()
    start = time.monotonic()
    session = Session(str(options.library), str(package), 1, table_tier=3, table_cache=CACHE, table_folder=model)
    opened = time.monotonic() - start
    most, wrong, steps = 0, 0, 0
    start = time.monotonic()
    for at in range(0, order.size, STEP):
        batch = asked[order[at : at + STEP]]
        session.bind({"rows": batch})
        session.run()
        (found,) = session.outputs().values()
        expected = np.stack([rows[place[int(row)]] if int(row) in place else zero for row in batch])
        wrong += int((found != expected).any(axis=1).sum())
        most = max(most, resident() - before)
        steps += 1
    took = time.monotonic() - start
    print(f"table of {(model / 'table.bin').stat().st_size / 1e9:.0f} GB: compiled in {compiled:.1f} s, opened in {opened * 1e3:.0f} ms")
    print(f"{ids.size} known rows and {others.size} others in {steps} steps of {took / steps * 1e3:.0f} ms: {wrong} wrong; memory grew by {most / 2**20:.0f} MiB")
    good = wrong == 0 and opened < 1 and most <= CACHE + MORE
    print("as promised" if good else "not as promised")
    (model / "table.bin").unlink()
    sys.exit(not good)


if __name__ == "__main__":
    main()
