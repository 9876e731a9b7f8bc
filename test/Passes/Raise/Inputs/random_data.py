# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes random inputs for the @main of an .mlir file: random_data.py model.mlir folder symbol=size...

Arguments are read from the text: `%name: tensor<...xTYPE> {onnx.name = "...", onnx.dims = [...]}`. Integers are drawn from [0, 40), or
from [0, N) for an argument named `name_N`; a tenth of float masks (arguments named mask) is minus infinity.
"""
import os
import re
import sys

import numpy as np
from onnx import numpy_helper

TYPES = {"f32": np.float32, "f16": np.float16, "i32": np.int32, "i64": np.int64, "i1": np.bool_}


def eval_size(text, symbols):
    """A sum of products of symbols and numbers, such as past + 2*seq."""
    total = 0
    for term in text.split("+"):
        factors = [symbols[f.strip()] if f.strip() in symbols else int(f) for f in term.split("*")]
        total += int(np.prod(factors))
    return total


def main():
    model, folder = sys.argv[1:3]
    symbols = {name: int(size) for name, size in (a.split("=") for a in sys.argv[3:])}
    text = open(model).read()
    signature = text[text.index("@main") : text.index("->")]
    arguments = re.findall(r'tensor<[^>]*?(f32|f16|i32|i64|i1)> \{onnx\.name = "(\w+)", onnx\.dims = \[([^\]]*)\]\}', signature)
    random = np.random.default_rng(1)
    os.makedirs(folder, exist_ok=True)
    for position, (element, name, dims) in enumerate(arguments):
        shape = [eval_size(d.strip().strip("\""), symbols) for d in dims.split(",") if d]
        if element in ("i32", "i64"):
            match = re.search(r"_(\d+)$", name)
            array = random.integers(0, int(match.group(1)) if match else 40, shape, dtype=TYPES[element])
        elif element == "i1":
            array = random.random(shape) > 0.5
        else:
            array = random.standard_normal(shape).astype(TYPES[element])
            if name == "mask":
                array[random.random(shape) > 0.9] = -np.inf
        with open(f"{folder}/input_{position}.pb", "wb") as file:
            file.write(numpy_helper.from_array(array, name).SerializeToString())


main()
