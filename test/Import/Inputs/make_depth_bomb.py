# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model whose node has a graph whose node has a graph ..., 5,000 deep. Argument: the file."""
import sys


def field(number, content):
    length, size = b"", len(content)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


graph = b""
for _ in range(5000):
    graph = field(1, field(5, field(6, graph)))  # GraphProto.node, NodeProto.attribute, AttributeProto.g
with open(sys.argv[1], "wb") as file:
    file.write(field(7, graph))
