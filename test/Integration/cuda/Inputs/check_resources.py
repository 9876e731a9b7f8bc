# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads the kernels' resources of a report: products and attention must not spill, and every kernel must fit a multiprocessor.

  check_resources.py REPORT.json
"""
import json
import sys

kernels = json.load(open(sys.argv[1]))["kernel_resources"]
problems = []
for kernel in kernels:
    text = f"{kernel['kernel']} for {kernel['arch']}"
    if kernel["spill_bytes"] and kernel["skeleton"] in ("matmul", "batch_matmul", "attention", "grouped_matmul"):
        problems.append(f"{text}: {kernel['spill_bytes']} bytes spilled")
    if not 0 < kernel["registers"] <= 255 or kernel["registers"] * kernel["threads"] > 65536:
        problems.append(f"{text}: {kernel['registers']} registers, {kernel['threads']} threads")
    if kernel["static_shared_bytes"] + kernel["dynamic_shared_bytes"] > (232448 if kernel["arch"] == "sm_90a" else 166912):
        problems.append(f"{text}: too much shared memory")
print("\n".join(problems) or f"{len(kernels)} kernels, no product or attention spills")
sys.exit(bool(problems))
