# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Raises a model and rewritten variants of it (rewrite.py) and compares what was recognised.

    compare_rewrites.py TRINE_COMPILE MODEL VARIANTS FOLDER

Prints how often each raised op occurs in the model as it is, then "N variants agree"; exits 1 at the first variant that differs, whose
file stays in FOLDER.
"""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import onnx
import rewrite

RAISED = re.compile(r"= \"?trine\.([a-z_.]+)")
NOT_RAISED = {"weight", "assembled_weight"}


def count(compiler, path):
    result = subprocess.run([compiler, path, "--emit", "trine", "-o", "-"], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{path} does not compile:\n{result.stderr}")
    found = collections.Counter(name for name in RAISED.findall(result.stdout) if name not in NOT_RAISED)
    found["state pair"] = result.stdout.count("trine.state =") // 2
    return +found


def describe(counts):
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


compiler, path, variants, folder = sys.argv[1:5]
os.makedirs(folder, exist_ok=True)
expected = count(compiler, path)
print(describe(expected))
for seed in range(int(variants)):
    rewritten = os.path.join(folder, f"seed_{seed}.onnx")
    onnx.save(rewrite.rewrite(onnx.load(path), seed), rewritten)
    found = count(compiler, rewritten)
    if found != expected:
        sys.exit(f"seed {seed} gives {describe(found)}; see {rewritten}")
    os.remove(rewritten)
print(f"{variants} variants agree")
