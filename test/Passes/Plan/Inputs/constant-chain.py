# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints a function that returns each value of a chain of constant work: constant-chain.py LENGTH."""

import sys

length = int(sys.argv[1])
tensor = "tensor<64xf32>"
print(f"func.func @main() -> ({', '.join([tensor] * length)}) {{")
print(f'  %0 = trine.weight "w" from "m" at 0 length 256 : {tensor}')
print(f"  %e = tensor.empty() : {tensor}")
for i in range(length):
    print(f"  %{i + 1} = linalg.exp ins(%{i} : {tensor}) outs(%e : {tensor}) -> {tensor}")
print(f"  return {', '.join(f'%{i + 1}' for i in range(length))} : {', '.join([tensor] * length)}")
print("}")
