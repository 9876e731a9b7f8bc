# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes good.onnx and bad.onnx, with weights in files beside them, and what bad.onnx must not reach. Argument: an empty folder."""
import os
import pathlib
import struct
import sys

from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1])
inside = folder / "model"
(inside / "sub").mkdir(parents=True)
weights = bytes(4096) + struct.pack("<512f", *range(512)) + struct.pack("<2q", 32, 16)
(inside / "weights.bin").write_bytes(weights)
(inside / "sub" / "more.bin").write_bytes(weights)
(folder / "outside.bin").write_bytes(weights)
os.symlink(folder / "outside.bin", inside / "link.bin")
os.symlink(folder, inside / "linked")
os.link(folder / "outside.bin", inside / "hard.bin")
os.mkfifo(inside / "pipe.bin")


def tensor(name, entries, dims=(512,), type=TensorProto.FLOAT):
    result = TensorProto(name=name, data_type=type, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in entries:
        result.external_data.add(key=key, value=value)
    return result


def save(name, initializers, nodes, outputs):
    graph = helper.make_graph(nodes, "g", [], [helper.ValueInfoProto(name=o) for o in outputs], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (inside / name).write_bytes(model.SerializeToString())


save("good.onnx", [
    tensor("big", [("location", "weights.bin"), ("offset", "4096"), ("length", "2048"), ("checksum", "0")]),
    tensor("sub", [("location", "./sub//more.bin"), ("offset", "4096")]),
    tensor("shape", [("location", "weights.bin"), ("offset", "6144")], [2], TensorProto.INT64),
], [helper.make_node("Reshape", ["big", "shape"], ["reshaped"])], ["reshaped", "sub"])

end = str(len(weights) - 2048)
save("bad.onnx", [
    tensor("missing", [("location", "nowhere.bin")]),
    tensor("absolute", [("location", str(folder / "outside.bin"))]),
    tensor("parent", [("location", "sub/../../outside.bin")]),
    tensor("drive", [("location", "C:weights.bin")]),
    tensor("backslash", [("location", "..\\outside.bin")]),
    tensor("zero byte", [("location", "weights.bin\0")]),
    tensor("empty", [("location", "")]),
    tensor("no file", [("location", "sub/")]),
    tensor("no location", [("offset", "0")]),
    tensor("folder", [("location", "sub")]),
    tensor("link", [("location", "link.bin")]),
    tensor("linked folder", [("location", "linked/outside.bin")]),
    tensor("hard link", [("location", "hard.bin")]),
    tensor("pipe", [("location", "pipe.bin")]),
    tensor("past the end", [("location", "weights.bin"), ("offset", str(int(end) + 1))]),
    tensor("far past the end", [("location", "weights.bin"), ("offset", "9223372036854775807")]),
    tensor("too large a number", [("location", "weights.bin"), ("offset", "9223372036854775808")]),
    tensor("negative", [("location", "weights.bin"), ("offset", "-1")]),
    tensor("not decimal", [("location", "weights.bin"), ("length", "0x800")]),
    tensor("wrong length", [("location", "weights.bin"), ("length", "2047")]),
    tensor("unknown key", [("location", "weights.bin"), ("basepath", "/")]),
    tensor("twice", [("location", "weights.bin"), ("location", "sub/more.bin")]),
], [helper.make_node("Constant", [], ["y"], value_int=1)], ["y"])
