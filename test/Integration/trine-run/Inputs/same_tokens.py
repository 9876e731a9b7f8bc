# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""same_tokens.py A B: whether two outputs of --generate begin sequence 0 with the same tokens."""
import sys


def tokens(path):
    lines = [line for line in open(path) if line.startswith("sequence 0:")]
    if len(lines) != 1:
        sys.exit(f"{path}: one sequence is expected, got {len(lines)}")
    return lines[0].split(":")[1].split()


a, b = map(tokens, sys.argv[1:])
if not a or a != b:
    sys.exit(f"expected the same tokens, got {a} and {b}")
