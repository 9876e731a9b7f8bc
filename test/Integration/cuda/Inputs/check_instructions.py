# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads the PTX of a package: products and attention of 16-bit types must be on tensor cores and copy their tiles asynchronously; what the manifest has tensor maps for is
copied by them.

  check_instructions.py PACKAGE ARCHITECTURE

Prints what it found by skeleton: how many kernels, how many by mma.sync, by wgmma, and in f32, and how many operands have tensor maps.
"""
import collections
import json
import pathlib
import re
import sys

package, architecture = pathlib.Path(sys.argv[1]), sys.argv[2]
counts, problems = collections.defaultdict(collections.Counter), []
for kernel in json.loads((package / "manifest.json").read_text())["kernels"]:
    skeleton, name = kernel["skeleton"], kernel["name"]
    if skeleton not in ("matmul", "batch_matmul", "attention", "grouped_matmul"):
        continue
    source = (package / f"kernels/{name}.cu").read_text()
    # Instructions alone: kernels come with headers' comments.
    ptx = re.sub(r"//.*", "", (package / f"kernels/{name}.{architecture}.ptx").read_text())
    counts[skeleton]["kernels"] += 1
    maps = next(len(code.get("maps", [])) for code in kernel["code"] if code["arch"] == architecture)
    counts[skeleton]["maps"] += maps
    parameters = len(re.findall(r"\.param \.align 64 \.b8 \w+\[128\]", ptx))
    if maps != parameters or (maps > 0) != ("cp.async.bulk.tensor" in ptx):
        problems.append(f"{name}: {maps} tensor maps in the manifest, {parameters} parameters, tensor copies: {'cp.async.bulk.tensor' in ptx}")
    if "Element::F32" in source:
        counts[skeleton]["f32"] += 1
        continue
    wgmma, mma = "wgmma.mma_async" in ptx, "mma.sync" in ptx
    counts[skeleton]["wgmma"] += wgmma
    counts[skeleton]["mma.sync"] += mma
    if not (wgmma or mma) or (architecture == "sm_80" and wgmma):
        problems.append(f"{name}: wgmma {wgmma}, mma.sync {mma}")
    # Products on sm_90a are wgmma; attention of few rows is not.
    if architecture == "sm_90a" and skeleton != "attention" and not wgmma:
        problems.append(f"{name}: no wgmma")
    if "Load::Vector" in source and "cp.async." not in ptx:
        problems.append(f"{name}: no cp.async")
print("\n".join(problems))
for skeleton, found in sorted(counts.items()):
    print(f"{skeleton}: {found['kernels']} kernels, {found['mma.sync']} mma.sync, {found['wgmma']} wgmma, {found['f32']} f32, {found['maps']} tensor maps")
sys.exit(bool(problems))
