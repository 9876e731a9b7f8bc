# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts ops of a module in text form: count_ops.py file.mlir op...; one line each, "number op"."""
import re
import sys

text = open(sys.argv[1]).read()
for name in sys.argv[2:]:
    print(len(re.findall(r"(?<![\w.\"])" + re.escape(name) + r"(?![\w.])", text)), name)
