# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies MLIR text, with 64 disjunctions of a condition with itself behind the line that makes it: repeat-condition.py NAME < TEXT."""

import sys

name = sys.argv[1]
for line in sys.stdin:
    if not line.startswith(f"  %{name} = "):
        print(line, end="")
        continue
    kind = line.rstrip().split("-> ")[1]
    print(line.replace(f"%{name} =", "%chain0 =", 1), end="")
    for i in range(64):
        result = name if i == 63 else f"chain{i + 1}"
        print(f"  %{result} = onnx.Or(%chain{i}, %chain{i}) : ({kind}, {kind}) -> {kind}")
