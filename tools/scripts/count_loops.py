#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts the PTX instructions of inner loops: what docs/kernels.md says of main loops.

  count_loops.py FILE.ptx ... [--kernel NAME]

For each kernel one line for the innermost loop with matrix instructions, and one for the innermost loop that copies into shared memory where that is another loop: a table of matrix instructions, ldmatrix,
cp.async, tensor copies and all instructions of one trip, before the assembler.
"""
import argparse
import pathlib
import re

KINDS = {"matrix": r"wgmma\.mma_async|mma\.sync", "ldmatrix": r"ldmatrix", "cp.async": r"cp\.async\.c[ag]", "tensor": r"cp\.async\.bulk\.tensor"}


def kernels(text):
    """(name, instructions and labels) of each entry."""
    for match in re.finditer(r"\.entry\s+(\w+)", text):
        end = text.find(".entry", match.end())
        lines = []
        for line in text[match.end():end if end >= 0 else None].splitlines():
            line = re.sub(r"//.*", "", line).strip().lstrip("{}").strip()
            if re.match(r"\$?\w+:$", line) or (line.endswith(";") and not line.startswith(".")):
                lines.append(line)
        yield match[1], lines


def loops(lines):
    """(first, last) of what lies between a label and the last branch back to it."""
    places = {line[:-1]: i for i, line in enumerate(lines) if line.endswith(":")}
    ends = {}
    for i, line in enumerate(lines):
        branch = re.search(r"\bbra(?:\.uni)?\s+([$\w]+)", line)
        if branch and places.get(branch[1], i) < i:
            ends[places[branch[1]]] = i
    return sorted(ends.items(), key=lambda loop: loop[1] - loop[0])


def innermost(lines, pattern):
    return next((loop for loop in loops(lines) if any(re.search(pattern, line) for line in lines[loop[0]:loop[1]])), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--kernel")
    arguments = parser.parse_args()
    print("| kernel | loop | matrix instructions | ldmatrix | cp.async | tensor copies | all |\n| --- | --- | --- | --- | --- | --- | --- |")
    for path in arguments.files:
        for name, lines in kernels(path.read_text()):
            if arguments.kernel and name != arguments.kernel:
                continue
            products = innermost(lines, KINDS["matrix"])
            copies = innermost(lines, KINDS["tensor"]) or innermost(lines, KINDS["cp.async"])
            for what, loop in (("products", products), ("copies", copies if copies != products else None)):
                if loop:
                    body = [line for line in lines[loop[0]:loop[1] + 1] if not line.endswith(":")]
                    counts = [sum(bool(re.search(kind, line)) for line in body) for kind in KINDS.values()]
                    print(f"| {name}, {path.name.split('.')[-2]} | {what} | " + " | ".join(map(str, counts + [len(body)])) + " |")


if __name__ == "__main__":
    main()
