#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the reference interpreter over the ONNX node tests in the pinned onnx package.

    test/Conformance/node_tests.py build/release/bin/trine-verify [--filter TEXT] [--verbose] [--expect-passed N]

Takes the tests whose operators (and those of their subgraphs) are all in tools/scripts/onnx_operators.txt. Each is passed, wrong (the
outputs differ), or refused (the importer or the interpreter gave an error: a type or an old opset that is not supported). Refused is
never counted as passed. Exit code 1 when a test is wrong that EXPECTED_DIFFERENCES does not explain, or fewer passed than expected.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import subprocess
import sys

import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Where the recorded outputs are not what the interpreter promises, and why.
EXPECTED_DIFFERENCES = {}


def accepted_operators():
    accepted = set()
    for line in (ROOT / "tools/scripts/onnx_operators.txt").read_text().splitlines():
        if line.startswith("ai.onnx "):
            accepted.add(("", line.split()[1]))
    accepted.add(("", "Constant"))
    return accepted


def operators(graph):
    for node in graph.node:
        yield ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from operators(attribute.g)


def run(tool, folder):
    command = [tool, "--reference", str(folder / "model.onnx"), "--data", str(folder), "--quiet"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        return folder.name, done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return folder.name, -1, "timed out"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--filter", default="")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--expect-passed", type=int, default=0)
    arguments = parser.parse_args()
    accepted = accepted_operators()
    data = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    folders = []
    for folder in sorted(data.iterdir()):
        if arguments.filter in folder.name and (folder / "model.onnx").exists():
            if set(operators(onnx.load(folder / "model.onnx").graph)) <= accepted:
                folders.append(folder)
    counts = collections.Counter()
    unexplained = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, code, output in pool.map(lambda folder: run(arguments.tool, folder), folders):
            verdict = {0: "passed", 1: "wrong", 2: "refused"}.get(code, "crashed")
            counts[verdict] += 1
            explained = name in EXPECTED_DIFFERENCES and verdict == "wrong"
            unexplained += verdict in ("wrong", "crashed") and not explained
            if verdict != "passed" and (arguments.verbose or verdict in ("wrong", "crashed")):
                print(f"{verdict}: {name}" + (f" ({EXPECTED_DIFFERENCES[name]})" if explained else ""))
                if not explained:
                    print("    " + "\n    ".join(output.strip().splitlines()[:8]))
    print(f"{len(folders)} tests: " + ", ".join(f"{counts[k]} {k}" for k in ("passed", "wrong", "refused", "crashed")))
    if unexplained or counts["passed"] < arguments.expect_passed:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
