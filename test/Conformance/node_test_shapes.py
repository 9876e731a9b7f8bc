#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares inferred types with those that the ONNX node tests in the pinned onnx package state.

    test/Conformance/node_test_shapes.py build/release/bin/trine-translate FOLDER [--filter TEXT] [--verbose]

Takes the tests whose operators are all in tools/scripts/onnx_operators.txt, makes constants of their inputs of type int64 or int32 and rank
0 or 1 (shapes, axes, counts), and imports them; the models are written to FOLDER. A result is equal, open (a size that hangs on data is
stated as a number), or different; an import may be refused, for a type or an opset that is not supported. Exit code 1 when a result is
different, or when a test is refused for a reason that REFUSALS does not name.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys

import onnx
from onnx import TensorProto

ROOT = pathlib.Path(__file__).resolve().parents[2]
ELEMENT_TYPES = {
    TensorProto.FLOAT: "f32", TensorProto.UINT8: "ui8", TensorProto.INT8: "i8", TensorProto.UINT16: "ui16", TensorProto.INT16: "i16",
    TensorProto.INT32: "i32", TensorProto.INT64: "i64", TensorProto.BOOL: "i1", TensorProto.FLOAT16: "f16", TensorProto.DOUBLE: "f64",
    TensorProto.UINT32: "ui32", TensorProto.UINT64: "ui64", TensorProto.BFLOAT16: "bf16",
    TensorProto.INT4: "i4", TensorProto.UINT4: "ui4", TensorProto.INT2: "i2", TensorProto.UINT2: "ui2", TensorProto.FLOAT8E4M3FN: "f8E4M3FN",
    TensorProto.FLOAT8E4M3FNUZ: "f8E4M3FNUZ", TensorProto.FLOAT8E5M2: "f8E5M2", TensorProto.FLOAT8E5M2FNUZ: "f8E5M2FNUZ",
    TensorProto.FLOAT8E8M0: "f8E8M0FNU", TensorProto.FLOAT4E2M1: "f4E2M1FN",
}
REFUSALS = re.compile(
    r"opset of 'ai.onnx' must be in|which is not supported|operator '[^']*' is (?:not )?supported|only tensors are supported|"
    r"'to' must be the number of a supported element type|is not supported: it has no shape inference")


def accepted_operators():
    accepted = set()
    for line in (ROOT / "tools/scripts/onnx_operators.txt").read_text().splitlines():
        if line.startswith("ai.onnx "):
            accepted.add(("", line.split()[1]))
    accepted.add(("", "Constant"))
    return accepted


def operators(graph):
    for node in graph.node:
        yield ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from operators(attribute.g)


def bake(folder, out):
    """The model with its small integer inputs as initialisers."""
    model = onnx.load(folder / "model.onnx")
    kept = []
    for index, value in enumerate(model.graph.input):
        data = folder / f"test_data_set_0/input_{index}.pb"
        tensor = value.type.tensor_type
        if tensor.elem_type in (TensorProto.INT64, TensorProto.INT32) and len(tensor.shape.dim) <= 1 and data.exists():
            constant = TensorProto.FromString(data.read_bytes())
            constant.name = value.name
            model.graph.initializer.append(constant)
        else:
            kept.append(value)
    del model.graph.input[:]
    model.graph.input.extend(kept)
    path = out / f"{folder.name}.onnx"
    onnx.save(model, path)
    return model, path


def judge(tool, folder, out):
    model, path = bake(folder, out)
    done = subprocess.run([tool, "--import-onnx", str(path)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        reason = done.stderr.strip()
        return ("refused" if done.returncode == 1 and REFUSALS.search(reason) else "failed"), reason
    returned = re.search(r"^    return .* : (.*)$", done.stdout, re.MULTILINE)
    types = re.findall(r"tensor<[^>]*>", returned.group(1)) if returned else []
    if len(types) != len(model.graph.output):
        return "different", f"{len(types)} results, expected {len(model.graph.output)}"
    verdict = "equal"
    for value, found in zip(model.graph.output, types):
        tensor = value.type.tensor_type
        *sizes, element = found[len("tensor<"):-1].split("x")
        stated = [str(d.dim_value) if d.HasField("dim_value") else "?" for d in tensor.shape.dim]
        fits = len(sizes) == len(stated) and all(a == b or "?" in (a, b) for a, b in zip(sizes, stated))
        if not fits or element != ELEMENT_TYPES.get(tensor.elem_type):
            return "different", f"{value.name}: {found}, expected [{', '.join(stated)}] of {ELEMENT_TYPES.get(tensor.elem_type)}"
        if any(a == "?" and b != "?" for a, b in zip(sizes, stated)):
            verdict = "open"
    return verdict, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--filter", default="")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    accepted = accepted_operators()
    data = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    folders = []
    for folder in sorted(data.iterdir()):
        if arguments.filter in folder.name and (folder / "model.onnx").exists():
            if set(operators(onnx.load(folder / "model.onnx").graph)) <= accepted:
                folders.append(folder)
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for folder, (verdict, text) in zip(folders, pool.map(lambda f: judge(arguments.tool, f, arguments.folder), folders)):
            counts[verdict] += 1
            if verdict in ("different", "failed") or (arguments.verbose and verdict != "equal"):
                print(f"{verdict}: {folder.name} {text}")
    print(", ".join(f"{counts[k]} {k}" for k in ("equal", "open", "refused", "different", "failed")))
    return 1 if counts["different"] or counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
