# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes one line of a function that is raised (or nearly), and expects the reason for which it is not raised then.

    near_misses.py CASES FOLDER

A case is a line of CASES: `file.mlir @function | %result | change | reason`. The passes are those of the file's first RUN line. Changes of the
op that makes %result:

    OLD => NEW       this text in its line is replaced, once (\n is a new line)
    used             an op behind it uses the result, too
    given            the op goes, and the function has an argument in its place
    skipped %v       the op goes, and %v stands for its result
    all OLD => NEW   this text is replaced everywhere in the function

For the function's arguments, %result is `arguments`.

Several changes are joined by ` & `; each but the first then begins with its `%result: `.
"""
import bisect
import pathlib
import re
import subprocess
import sys


def function_of(text, name):
    """@name, or the k-th function of that name in the file as @name#k; one line per op."""
    name, _, place = name.partition("#")
    function = re.findall(rf"^func\.func @{name}\(.*?^}}$", text, re.S | re.M)[int(place or 1) - 1]
    return re.sub(r"\n\s{4,}(?=\S)", " ", function)


def type_of(lines, index, result):
    """The type of one of the results of an op: what follows `->`, or else the last type."""
    results = re.match(r"\s*(%[^=]*?) =", lines[index]).group(1).split(", ")
    signature = re.split(r"->", lines[index])[-1] if "->" in lines[index] else lines[index].rsplit(" : ", 1)[1]
    return re.findall(r"tensor<[^>]*>", signature)[results.index(result)]


def change_all(text, result, changes):
    first, *others = changes.split(" & ")
    text = change(text, result, first)
    for other in others:
        name, what = other.split(": ", 1)
        text = change(text, name, what)
    return text


def change(text, result, what):
    if what.startswith("all "):
        old, new = what.removeprefix("all ").split(" => ", 1)
        if old not in text:
            sys.exit(f"'{old}' is not in: {text}")
        return text.replace(old, new)
    lines = text.split("\n")
    made = rf"\s*(%\w+, )*{re.escape(result)}(, %\w+)* ="
    index = next((i for i, line in enumerate(lines) if result == "arguments" or re.match(made, line)), None)
    if index is None:
        sys.exit(f"nothing makes {result} in: {lines[0]}")
    if what == "used":
        kind = type_of(lines, index, result)
        lines.insert(index + 1, f"  %once_more = onnx.Identity({result}) : ({kind}) -> {kind}")
        return "\n".join(lines)
    if what == "given":
        kind = type_of(lines, index, result)
        dims = ", ".join(re.search(r"<(.*)>", kind).group(1).split("x")[:-1])
        del lines[index]
        argument = f'{result}: {kind} {{onnx.name = "given", onnx.dims = [{dims}]}}'
        return re.sub(r"\)(\s*->)", lambda m: f", {argument}){m[1]}", "\n".join(lines), count=1)
    if what.startswith("skipped "):
        del lines[index]
        return re.sub(rf"{re.escape(result)}(?!\w)", what.split()[1], "\n".join(lines))
    old, new = what.replace("\\n", "\n").split(" => ", 1)
    if old not in lines[index]:
        sys.exit(f"'{old}' is not in: {lines[index]}")
    lines[index] = lines[index].replace(old, new, 1)
    return "\n".join(lines)


def main():
    cases, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    groups = {}
    for line in cases.read_text().split("\n"):
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) == 4 and not line.startswith("#"):
            file, function = parts[0].split(" @")
            groups.setdefault(file, []).append((line, function, *parts[1:]))
    wrong = 0
    for file, group in groups.items():
        text = (folder / file).read_text()
        passes = [word for word in re.search(r"RUN: trine-opt %s (.*)", text).group(1).split() if word.startswith("--trine-")]
        chunks = [change_all(function_of(text, function), result, what) for _, function, result, what, _ in group]
        starts, at = [], 1
        for chunk in chunks:
            starts.append(at)
            at += chunk.count("\n") + 2
        command = ["trine-opt", "-", "--split-input-file", "--remark-format=emitRemark", "--remark-policy=all", "--remarks-filter-missed=.*", *passes]
        run = subprocess.run(command, input="\n// -----\n".join(chunks), capture_output=True, text=True)
        remarks = {}
        for number, message in re.findall(r"<stdin>:(\d+):\d+: remark: (.*)", run.stderr):
            remarks.setdefault(bisect.bisect_right(starts, int(number)) - 1, []).append(message)
        for index, (line, _, _, _, reason) in enumerate(group):
            if not any(f"but {reason}" in message for message in remarks.get(index, [])):
                wrong += 1
                print(f"{line}\n    got {remarks.get(index)}")
        if run.returncode < 0 or " error: " in run.stderr:
            wrong += 1
            print(f"{file}: {run.stderr[:2000]}")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
