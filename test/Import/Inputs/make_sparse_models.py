#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes protobuf.onnx (3 GiB of raw_data inside) and external.onnx (64 GiB beside it), both sparse: make_sparse_models.py FOLDER."""
import sys

from protobuf_wire import field, head


def value(name):
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, b"")))


# A scalar of the weight's, so that the weight is used.
NODES = field(1, field(1, "w") + field(2, "y") + field(4, "ReduceSum") + field(5, field(1, "keepdims") + field(20, 2) + field(3, 0)))
OUTPUT = field(12, value("y"))
HEAD = field(1, 10) + field(8, field(2, 20))
folder = sys.argv[1] + "/"

size = 3 << 30
front = field(1, size // 4) + field(2, 1) + field(8, "w")
tensor = len(front) + len(head(9, size)) + size
rest = NODES + OUTPUT
with open(folder + "protobuf.onnx", "wb") as file:
    file.write(HEAD + head(7, len(head(5, tensor)) + tensor + len(rest)) + head(5, tensor) + front + head(9, size))
    file.seek(size, 1)
    file.write(rest)

size = 64 << 30
entries = b"".join(field(13, field(1, k) + field(2, v)) for k, v in (("location", "sparse.bin"), ("offset", "4096"), ("length", str(size))))
tensor = field(1, size // 4 // 64) + field(1, 64) + field(2, 1) + field(8, "w") + entries + field(14, 1)
with open(folder + "external.onnx", "wb") as file:
    file.write(HEAD + field(7, NODES + field(5, tensor) + OUTPUT))
with open(folder + "sparse.bin", "wb") as file:
    file.truncate(4096 + size)
