# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""decode.py TRINE_RUN PACKAGE FOLDER IDS COUNT: the most probable tokens after a prompt, with the past handed over between steps. For packages without
state, whose states' names go from past.X to present.X, and history to present_history."""
import json
import subprocess
import sys

import numpy as np

tool, package, folder, ids, count = sys.argv[1:]
manifest = json.load(open(f"{package}/manifest.json"))
ids = [int(i) for i in ids.split(",")]
states = {}
for value in manifest["inputs"]:
    if value["name"] in ("input_ids", "position_ids"):
        continue
    sizes = [{"batch": 1, "past": 0}.get(d, d) for d in value["dims"]]
    is_history = value["name"] == "history"
    states[value["name"]] = np.full(sizes, 2 if is_history else 0, np.int64 if is_history else np.float32)
length, result = 0, []
while len(result) < int(count):
    step = {"input_ids": np.array([ids]), "position_ids": np.arange(length, length + len(ids))[None], **states}
    np.savez(f"{folder}/in.npz", **step)
    subprocess.run([tool, package, "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/out.npz"], check=True, stdout=subprocess.DEVNULL)
    out = dict(np.load(f"{folder}/out.npz"))
    length += len(ids)
    ids = [int(out["logits"][0, -1].argmax())]
    result += ids
    states = {n: out["present_history" if n == "history" else n.replace("past.", "present.")] for n in states}
print("sequence 0:", *result)
