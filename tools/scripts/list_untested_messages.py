#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lists the error messages of the compiler and the runtime that no test expects: one message, one test.

A message is the string literals of a statement that emits an error. It counts as tested when its longest literal, or a piece of it of at
least 16 characters between quotes and values, stands in a file under test/. Where no input can lead to it (memory that runs out, a defect
upstream), the line above the statement says so, and why: "// No test: REASON". Exits with 1 when a message has neither.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["dialects", "passes", "lib", "runtime", "tools"]
# Refusals of PTX by the simulator, reasons why a graph was not raised (remarks of the report), what CUDA's printer has no form for, and failures of
# a CUDA driver: tested by family, not one by one.
FAMILIES = ["runtime/device/sim/*.cpp", "lib/Codegen/CUDA/*.cpp",
            "runtime/device/cuda/*.cpp"]
EXEMPTION = re.compile(r"//\s*No test: \S")
EMITTERS = r"\b(?:emitError|emitOpError|emitWarning|fail|problem|reportProblem|makeError|setError)\s*\("


def statements(text):
    for match in re.finditer(EMITTERS, text):
        end, depth, quoted = match.start(), 0, False
        while end < len(text):
            character = text[end]
            if character == '"' and text[end - 1] != "\\":
                quoted = not quoted
            elif not quoted:
                depth += character in "({"
                depth -= character in ")}"
                if character == ";" or depth < 0:
                    break
            end += 1
        yield text.count("\n", 0, match.start()) + 1, text[match.start():end]


def is_exempt(text, line):
    """Whether the comment right above a statement (or the condition before it) says that no test can lead there."""
    above = text.split("\n")[max(0, line - 4):line - 1]
    return any(EXEMPTION.search(l) for l in above)


def main():
    tests = " ".join(re.sub(r"\s+", " ", p.read_text(errors="ignore")).replace('" "', "")
                     for p in ROOT.joinpath("test").rglob("*")
                     if p.is_file() and p.suffix in (".mlir", ".test", ".cpp", ".py", ".sh", ".txt", ".onnxtxt"))
    untested = exempt = total = 0
    for folder in SOURCES:
        for path in sorted(ROOT.joinpath(folder).rglob("*.cpp")):
            if any(path.relative_to(ROOT).match(family) for family in FAMILIES):
                continue
            text = path.read_text()
            for line, statement in statements(text):
                literals = [l for l in re.findall(r'"((?:[^"\\]|\\.)*)"', re.sub(r'"\s*\n?\s*"', "", statement)) if len(l) >= 8]
                if not literals:
                    continue
                total += 1
                longest = re.sub(r",? got$", "", max(literals, key=len).strip())
                pieces = [longest] + [p.strip() for p in re.split(r"['\"]", longest) if len(p.strip()) >= 16]
                if any(piece in tests for piece in pieces):
                    continue
                if is_exempt(text, line):
                    exempt += 1
                else:
                    untested += 1
                    print(f"{path.relative_to(ROOT)}:{line}: {longest}")
    print(f"{untested} of {total} messages have no test, and {exempt} need none", file=sys.stderr)
    return untested != 0


if __name__ == "__main__":
    sys.exit(main())
