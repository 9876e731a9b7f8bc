# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the bytes that onnx.Initializer ops refer to with what the onnx package reads. Arguments: the model, the imported text."""
import pathlib
import re
import sys

import onnx

path = pathlib.Path(sys.argv[1])
weights = {t.name: onnx.numpy_helper.to_array(t).tobytes() for t in onnx.load(path).graph.initializer}
count = 0
pattern = r'onnx\.Initializer "([^"]*)" from "([^"]*)" at (\d+) length (\d+)'
for name, file, offset, length in re.findall(pattern, pathlib.Path(sys.argv[2]).read_text()):
    data = (path.parent / file).read_bytes()[int(offset) : int(offset) + int(length)]
    if data != weights[name]:
        sys.exit(f"{name}: the bytes at {offset} are not its own")
    count += 1
large = sum(len(data) > 1024 for data in weights.values())
if count == 0 or count > large:
    sys.exit(f"{count} references for {large} large weights")
