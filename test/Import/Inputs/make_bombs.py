#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes models that are small and want to become large: make_bombs.py FOLDER.

Protobuf by hand: a field is (number << 3 | 2), a length, bytes.
"""
import sys

from protobuf_wire import field


def model(graph, functions=b""):
    imports = field(8, field(2, 20)) + field(8, field(1, "f") + field(2, 1))
    return field(1, 10) + imports + functions + field(7, graph)


def node(kind, inputs, outputs, domain="", name="", attributes=b""):
    return b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, kind) + attributes + field(7, domain)


def value(name, kind=1):
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, b"")))


def nested_ifs(depth, width):
    """Each branch of each If holds `width` Ifs of the next depth; 1: the file that took a runtime a minute to load."""
    body = field(1, node("Neg", ["x"], ["y0"]))
    for level in range(1, depth + 1):
        branch = body + field(12, value(f"y{level - 1}"))
        attributes = field(5, field(1, "then_branch") + field(20, 5) + field(6, branch)) + field(5, field(1, "else_branch") + field(20, 5) + field(6, branch))
        body = field(1, node("If", ["c"], [f"y{level}"], attributes=attributes))
        if width == 1:
            empty = field(1, node("Neg", ["x"], ["e"])) + field(12, value("e"))
            attributes = field(5, field(1, "then_branch") + field(20, 5) + field(6, branch)) + field(5, field(1, "else_branch") + field(20, 5) + field(6, empty))
            body = field(1, node("If", ["c"], [f"y{level}"], attributes=attributes))
    return model(body + field(11, value("x")) + field(11, value("c", 9)) + field(12, value(f"y{depth}")))


def main():
    folder = sys.argv[1] + "/"

    def write(name, data):
        with open(folder + name, "wb") as file:
            file.write(data)

    graph = field(11, value("x")) + field(12, value("x"))
    # Empty nodes: two bytes in the file, hundreds in memory.
    write("empty-nodes.onnx", model(b"\x0a\x00" * 1000000 + graph))
    write("long-name.onnx", model(field(1, node("N" * 5000, ["x"], ["y"])) + graph))
    # Functions that call functions twice, with a large attribute in the last one.
    functions = b""
    for level in range(40):
        calls = field(7, node(f"F{level + 1}", ["x"], ["z"], "f")) + field(7, node(f"F{level + 1}", ["z"], ["y"], "f"))
        functions += field(25, field(1, f"F{level}") + field(4, "x") + field(5, "y") + calls + field(10, "f") + field(9, field(1, "f") + field(2, 1)))
    ints = field(5, field(1, "value_ints") + field(20, 7) + field(8, bytes(100000)))
    last = field(7, node("Constant", [], ["y"], attributes=ints))
    functions += field(25, field(1, "F40") + field(4, "x") + field(5, "y") + last + field(10, "f") + field(9, field(2, 20)))
    call = field(1, node("F0", ["x"], ["w"], "f"))
    write("expansion.onnx", model(call + field(11, value("x")) + field(12, value("w")), functions))
    # Many opset imports, inputs, attributes: what is searched must not be searched one by one.
    many = b"".join(field(8, field(1, f"domain{i}") + field(2, 1)) for i in range(100000))
    write("imports.onnx", many + model(graph))
    write("attributes.onnx", model(field(1, node("Neg", ["x"], ["q"], attributes=b"".join(field(5, field(1, f"a{i}")) for i in range(100000)))) + graph))
    # Problems without end.
    write("problems.onnx", model(field(1, node("Neg", ["nowhere"], ["q"])) * 300000 + graph))
    write("nested-ifs.onnx", nested_ifs(28, 1))
    write("doubling-ifs.onnx", nested_ifs(12, 2))


main()
