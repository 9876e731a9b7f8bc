#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that convert between element types, with every code of the small types and the borders between them; ml_dtypes computes what comes out.

    make_model.py FOLDER [--dynamic]

to-small: every half-precision number, the f32 numbers in the middle of two neighbours of each small type and beside it, and doubles next to those, become
each of the floats of 8 and 4 bits, saturated and not. from-small: all codes of each type become f32 and f16; packed: initialisers of 4 and 2 bits.
"""
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOATS = {
    TensorProto.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn, TensorProto.FLOAT8E4M3FNUZ: ml_dtypes.float8_e4m3fnuz,
    TensorProto.FLOAT8E5M2: ml_dtypes.float8_e5m2, TensorProto.FLOAT8E5M2FNUZ: ml_dtypes.float8_e5m2fnuz, TensorProto.FLOAT4E2M1: ml_dtypes.float4_e2m1fn,
}
INTEGERS = {
    TensorProto.INT4: ml_dtypes.int4, TensorProto.UINT4: ml_dtypes.uint4, TensorProto.INT2: ml_dtypes.int2, TensorProto.UINT2: ml_dtypes.uint2,
}
DYNAMIC = "--dynamic" in sys.argv


def codes(dtype):
    return np.arange(16 if dtype is ml_dtypes.float4_e2m1fn else 256, dtype=np.uint8).view(dtype)


def borders(wide):
    """Numbers between neighbours of the small types, in a wide type, and those next to them."""
    found = []
    for dtype in FLOATS.values():
        values = np.unique(codes(dtype).astype(np.float64))
        values = values[np.isfinite(values)]
        middle = ((values[:-1] + values[1:]) / 2).astype(wide)
        found += [middle, np.nextafter(middle, wide(np.inf)), np.nextafter(middle, wide(-np.inf)), values.astype(wide)]
    return np.concatenate([*found, np.array([np.inf, -np.inf, np.nan, -0.0, 1e6, -1e6], wide)])


def to_small(x, dtype, saturate):
    """By the tables of ONNX Cast."""
    finite = float(ml_dtypes.finfo(dtype).max)
    if saturate or dtype is ml_dtypes.float4_e2m1fn:
        x = np.clip(x, -finite, finite)
    return from_double(x, dtype) if x.dtype == np.float64 else x.astype(dtype)


def from_double(x, dtype):
    """To the nearest code, the even one in the middle. ml_dtypes rounds doubles to single precision first."""
    table = codes(dtype)[:8 if dtype is ml_dtypes.float4_e2m1fn else 128]
    values = table.astype(np.float64)
    table, values = table[np.isfinite(values)], values[np.isfinite(values)]
    after = 2 * values[-1] - values[-2]  # what would come next
    magnitude = np.minimum(np.nan_to_num(np.abs(x), nan=0.0), after)
    ends = np.append(values, after)
    upper = np.clip(np.searchsorted(ends, magnitude), 1, len(values))
    below, above = magnitude - ends[upper - 1], ends[upper] - magnitude
    index = np.where((above < below) | ((above == below) & (upper % 2 == 0)), upper, upper - 1)
    result = np.copysign(np.append(table, table[:1])[index % len(table)].astype(np.float64), x)
    # What overflows, and what is no number, is the same from any type.
    return np.where(np.isnan(x) | (index == len(values)), np.where(np.isnan(x), x, np.copysign(np.inf, x)), result).astype(np.float32).astype(dtype)


def as_tensor(array, name, code):
    tensor = TensorProto(name=name, data_type=code, dims=array.shape)
    if code in INTEGERS or code == TensorProto.FLOAT4E2M1:
        bits = 2 if code in (TensorProto.INT2, TensorProto.UINT2) else 4
        values = array.view(np.uint8).reshape(-1) & ((1 << bits) - 1)
        values = np.concatenate([values, np.zeros(-len(values) % (8 // bits), np.uint8)]).reshape(-1, 8 // bits)
        packed = np.zeros(len(values), np.uint8)
        for place in range(8 // bits):
            packed |= values[:, place] << (bits * place)
        tensor.raw_data = packed.tobytes()
    else:
        tensor.raw_data = array.tobytes()
    return tensor


def save(folder, name, nodes, inputs, outputs, initializers=()):
    """inputs, outputs: (name, code, array)"""
    def info(entry):
        # A 1 stays one: it is broadcast, and a symbol is taken to be the other operand's size.
        sizes = [f"{entry[0]}{i}" if DYNAMIC and size != 1 else size for i, size in enumerate(entry[2].shape)]
        return helper.make_tensor_value_info(entry[0], entry[1], sizes)

    data = folder / name / "data"
    data.mkdir(parents=True)
    graph = helper.make_graph(nodes, name, [info(i) for i in inputs], [helper.make_tensor_value_info(o[0], o[1], None) for o in outputs], list(initializers))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13), folder / name / "model.onnx")
    for kind, entries in (("input", inputs), ("output", outputs)):
        for i, (key, code, array) in enumerate(entries):
            (data / f"{kind}_{i}.pb").write_bytes(as_tensor(array, key, code).SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1])
    every_half = np.arange(65536, dtype=np.uint16).view(np.float16)
    inputs = [("half", TensorProto.FLOAT16, every_half), ("single", TensorProto.FLOAT, borders(np.float32)), ("double", TensorProto.DOUBLE, borders(np.float64))]
    nodes, outputs = [], []
    for key, _, x in inputs:
        for code, dtype in FLOATS.items():
            for saturate in (0, 1):
                y = f"{key}_{code}_{saturate}"
                nodes.append(helper.make_node("Cast", [key], [y], to=code, saturate=saturate))
                outputs.append((y, code, to_small(x, dtype, saturate)))
    save(folder, "to-small", nodes, inputs, outputs)

    inputs, nodes, outputs = [], [], []
    for code, dtype in {**FLOATS, **INTEGERS, TensorProto.FLOAT8E8M0: ml_dtypes.float8_e8m0fnu}.items():
        x = codes(dtype) if code in FLOATS or code == TensorProto.FLOAT8E8M0 else np.arange(-8, 16).astype(dtype)
        inputs.append((f"x{code}", code, x))
        for to, wide in ((TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16), (TensorProto.INT8, np.int8), (TensorProto.BOOL, np.bool_)):
            if to == TensorProto.INT8 and code not in INTEGERS:
                continue
            if to == TensorProto.BOOL and code == TensorProto.FLOAT8E8M0:
                continue
            y = f"y{code}_{to}"
            nodes.append(helper.make_node("Cast", [f"x{code}"], [y], to=to))
            with np.errstate(over="ignore"):
                outputs.append((y, to, x.astype(np.float32).astype(wide)))
    save(folder, "from-small", nodes, inputs, outputs)

    # More than a kilobyte each, so that they are weights of the package; even and odd numbers of elements.
    random, nodes, outputs, initializers = np.random.default_rng(7), [], [], []
    for code, dtype in {**INTEGERS, TensorProto.FLOAT4E2M1: ml_dtypes.float4_e2m1fn, TensorProto.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn}.items():
        for shape in ((5, 1024), (3, 2731)):
            wide = random.integers(-8, 16, shape).astype(np.float32)
            weight, key = wide.astype(dtype), f"{code}_{shape[0]}"
            initializers.append(as_tensor(weight, f"w{key}", code))
            nodes += [helper.make_node("Cast", [f"w{key}"], [f"f{key}"], to=TensorProto.FLOAT), helper.make_node("Mul", [f"f{key}", "x"], [f"y{key}"])]
            outputs.append((f"y{key}", TensorProto.FLOAT, weight.astype(np.float32) * np.float32(0.5)))
    save(folder, "packed", nodes, [("x", TensorProto.FLOAT, np.array([0.5], np.float32))], outputs, initializers)


if __name__ == "__main__":
    main()
