# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles every model for CUDA, and reads the report's kernel counts by skeleton: no matrix product, attention op of experts, norm or sum may be generic, no loop of threads
that work one after the other is left, and what the model has must be there.

  check_skeletons.py TRINE-COMPILE MODELS ARCHITECTURE
"""
import json
import pathlib
import subprocess
import sys

compiler, models, architecture = sys.argv[1:]
# What only some models have, with the number of kernels.
attention = {"deepseek_v3_prefill": 1, "paper_expanded_cache": 1, "qwen3_moe_grouped": 1}
problems, seen = [], 0
for folder in sorted(path for path in pathlib.Path(models).iterdir() if (path / "model.onnx").exists()):
    done = subprocess.run([compiler, folder / "model.onnx", "--target", "cuda", "--arch", architecture, "--emit", "cuda", "-o", "/dev/null", "--report-json", "-"],
                          capture_output=True, text=True)
    if done.returncode:
        problems.append(f"{folder.name}: {done.stderr}")
        continue
    seen += 1
    skeletons = json.loads(done.stdout)["skeletons"]
    problems += [f"{folder.name}: {count} of '{name}'" for name, count in skeletons.items() if "generic" in name]
    # Sinkhorn steps of hyper-connections are rows that a thread has in registers.
    problems += [f"{folder.name}: {skeletons['loop']} of 'loop'"] if "loop" in skeletons else []
    # The last layer's sum of experts is fused with the norm behind it.
    expected = {"attention": attention.get(folder.name, 2), "group": 1, "grouped_matmul": 2, "combine": 1, "combine_row": 1}
    problems += [f"{folder.name}: {skeletons.get(name, 0)} of '{name}', expected {count}" for name, count in expected.items() if skeletons.get(name, 0) != count]
    problems += [f"{folder.name}: no '{name}'" for name in ("matmul", "route", "row", "reduction") if not skeletons.get(name)]
print("\n".join(problems) or f"{seen} models, nothing is generic")
sys.exit(bool(problems))
