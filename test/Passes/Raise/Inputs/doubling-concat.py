# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints functions that join a weight with itself, and what this gives with itself, and so on: doubling-concat.py TIMES..."""

import sys

for number, argument in enumerate(sys.argv[1:]):
    times = int(argument)
    print(f"func.func @f{number}() -> tensor<{8 << times}xf32> {{")
    print('  %0 = onnx.Initializer "w" from "m" at 0 length 32 : tensor<8xf32>')
    for i in range(times):
        part, whole = f"tensor<{8 << i}xf32>", f"tensor<{8 << (i + 1)}xf32>"
        print(f"  %{i + 1} = onnx.Concat(%{i}, %{i}) {{axis = 0 : i64}} : ({part}, {part}) -> {whole}")
    print(f"  return %{times} : tensor<{8 << times}xf32>")
    print("}")
