# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs of a case, the same for every contestant: made from the case's own seed."""

import numpy as np


def _aligned(array):
    """A copy at a multiple of 64 bytes, where runtimes keep tensors; large arrays of NumPy lie 16 bytes behind one, so that each vector is in two lines."""
    memory = np.empty(array.nbytes + 64, dtype=np.uint8)
    begin = -memory.ctypes.data % 64
    copy = memory[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def make(case):
    """NumPy arrays by name, at multiples of 64 bytes. `case["inputs"]` says for each: type, sizes, and how it is filled.

    fill: "normal"; "tokens" (integers in [3, limit)); "positions" (start, start + 1, ... along the last dimension); "ones".
    """
    generator = np.random.default_rng(case.get("seed", 0))
    arrays = {}
    for spec in case["inputs"]:
        sizes, kind = tuple(spec["sizes"]), np.dtype(spec["type"])
        if spec["fill"] == "normal":
            array = generator.standard_normal(sizes, dtype=np.float32).astype(kind)
        elif spec["fill"] == "tokens":
            array = generator.integers(3, spec["limit"], sizes).astype(kind)
        elif spec["fill"] == "positions":
            array = np.broadcast_to(np.arange(spec["start"], spec["start"] + sizes[-1], dtype=kind), sizes).copy()
        else:
            array = np.ones(sizes, kind)
        arrays[spec["name"]] = _aligned(array)
    return arrays
