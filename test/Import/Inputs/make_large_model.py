# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model with as many nodes as the largest exports have, each with its documentation and metadata. Arguments: the file, the count."""
import sys

from onnx import helper
from protobuf_wire import field, varint



count = int(sys.argv[2])
stack = field(1, b"stack") + field(2, b"x" * 500)
parts = []
for i in range(count):
    op = b"Add" if i % 2 else b"Mul"
    node = field(1, b"v%d" % i) + field(1, b"w%d" % (i % 1000)) + field(2, b"v%d" % (i + 1)) + field(3, b"/model/layer/node_%d" % i)
    parts.append(field(1, node + field(4, op) + field(9, stack)))
for i in range(1000):
    parts.append(field(5, varint(1 << 3) + b"\x40" + b"\x10\x01" + field(8, b"w%d" % i) + field(9, bytes(256))))
float_type = helper.make_tensor_value_info("v0", 1, ["n", 64]).SerializeToString()
parts.append(field(11, float_type))
parts.append(field(12, helper.make_tensor_value_info("v%d" % count, 1, ["n", 64]).SerializeToString()))
with open(sys.argv[1], "wb") as file:
    file.write(b"\x08\x0a" + field(8, b"\x0a\x00\x10\x14") + field(7, b"".join(parts)))
