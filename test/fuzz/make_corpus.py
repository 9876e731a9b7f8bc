#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the seed corpora of the fuzz targets: test/fuzz/make_corpus.py FOLDER.

What is checked in under test/fuzz/corpus was made by this; text seeds that people wrote lie there beside it.
"""
import glob
import io
import json
import os
import re
import struct
import sys
import zipfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

ZEROS = "0" * 64


def manifest():
    state = {"name": "past", "present": "present", "type": "bf16", "dims": ["batch", 2, "past", 4], "axis": 2, "next": "past + seq", "initial": 0}
    last = {"name": "ids", "present": "ids2", "type": "i64", "dims": ["batch", 3], "axis": 0, "initial": -1}
    return {
        "format": {"major": 1, "minor": 0}, "abi": 1, "producer": "trine 0.1.0", "name": "m",
        "target": {"kind": "host", "arch": "x86_64", "variants": [{"name": "x86-64-v3", "features": ["avx2", "fma"]}]},
        "devices": [{"name": "device0", "kind": "host"}],
        "symbols": [{"name": "batch", "input": 0, "dimension": 0, "minimum": 0, "maximum": 64, "divisor": 1},
                    {"name": "seq", "input": 0, "dimension": 1, "minimum": 0, "maximum": None, "divisor": 2}],
        "inputs": [{"name": "x", "type": "f32", "dims": ["batch", "seq", 4]}, {"name": "mask", "type": "i64", "dims": ["batch", "past + seq"]}],
        "outputs": [{"name": "y", "type": "f32", "dims": ["batch", "2*seq - 1"], "tolerance": {"relative": 1e-5}}],
        "states": [state, last],
        "files": [{"path": "program.so", "bytes": 5, "sha256": ZEROS}, {"path": "weights.safetensors", "bytes": 9, "sha256": ZEROS}],
        "weights": {"path": "weights.safetensors", "data_offset": 128},
        "tables": [{"name": "t", "path": "tables/t.engram", "rows": 4, "width": 8, "bytes": 8192}],
        "kernels": [{"name": "k", "skeleton": "matmul", "nodes": ["MatMul_0", 2]}],
    }


def cuda_manifest():
    result = manifest()
    result["target"] = {"kind": "cuda", "architectures": ["sm_90a"]}
    result["kernels"] = [{"name": "k", "skeleton": "gemm", "nodes": [], "workgroups_per_block": 4,
                          "code": [{"arch": "sm_90a", "path": "kernels/k.ptx", "threads": 128, "shared_bytes": 1024,
                                    "maps": [{"type": "bf16", "word": 0, "offset": [16], "sizes": [[96], [1, 2], [4, 0, 5]], "strides": [[256], [256, 2]], "box": [64, 128, 1]}]}]}]
    result["files"].append({"path": "kernels/k.ptx", "bytes": 3, "sha256": ZEROS})
    return result


def small_manifests():
    """The least that is a manifest, with one thing more in each: short inputs run many times as often."""
    least = {"format": {"major": 1, "minor": 0}, "abi": 1, "target": {"kind": "host"}, "inputs": [{"name": "x", "type": "f32", "dims": ["b", 2]}],
             "outputs": [{"name": "y", "type": "i64", "dims": ["2*b"]}], "files": [{"path": "program.so", "bytes": 1, "sha256": ZEROS}], "kernels": []}
    table = {"name": "t", "path": "a/t", "rows": 4, "width": 8, "bytes": 64}
    reference = {"type": "f16", "offset": 8, "stride": 16, "scale_offset": 80, "scale_stride": 2, "file_bytes": 99, "modified_nanoseconds": 1, "header_sha256": ZEROS}
    yield "least", least
    yield "symbols", {**least, "symbols": [{"name": "b", "input": 0, "dimension": 0, "minimum": 1, "maximum": 8, "divisor": 2}]}
    yield "states", {**least, "states": [{"name": "k", "present": "p", "type": "i64", "dims": ["b", "past"], "axis": 1, "next": "past + b", "initial": 3}], "ragged": True}
    yield "weights", {**least, "weights": {"path": "program.so", "data_offset": 64}}
    yield "tables", {**least, "tables": [table, {**table, "path": "b", "reference": reference}]}
    yield "kernels", {**least, "kernels": [{"name": "k", "skeleton": "s", "nodes": ["n", 2], "workgroups_per_block": 1, "code": [
        {"architecture": "sm_90a", "arch": "sm_90a", "path": "program.so", "threads": 32, "shared_bytes": 0}]}]}
    yield "variants", {**least, "target": {"kind": "host", "arch": "x86_64", "variants": [{"name": "v", "features": ["avx2", "-fma"]}]}}


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, payload in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(payload)]}
        data += payload
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def state():
    metadata = {"format": "trine-state", "version": "1", "model": "m", "fingerprint": ZEROS}
    return safetensors([("lengths", "I64", [2], struct.pack("<2q", 1, 0)), ("rows/0/keys", "BF16", [1, 2, 1, 3], bytes(12)),
                        ("rows/1/keys", "BF16", [1, 2, 0, 3], b""), ("value/last", "I64", [2, 2], bytes(32))], metadata)


def npy(array, version=None):
    buffer = io.BytesIO()
    numpy.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def npz(compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("a.npy", npy(numpy.arange(6, dtype=numpy.float32).reshape(2, 3)))
        archive.writestr("b.npy", npy(numpy.array([True, False])))
    return buffer.getvalue()


def engram_table(kind, value_type, rows, width, value_bytes, scale_bytes, records):
    record = value_bytes + scale_bytes + 4
    stride = -(-record // 16) * 16
    rows_per_page = 4096 // stride
    if (4096 - rows_per_page * stride) * 8 > 4096:
        rows_per_page = 0
    data = -(-rows // rows_per_page) * 4096 if rows_per_page else rows * stride
    digest_offset = -(-(4096 + data) // 4096) * 4096
    file_bytes = digest_offset + -(-data // (1 << 20)) * 32
    header = struct.pack("<8sIi7Q", b"TRNENGRM", 1, value_type, rows, width, 4096, stride, 1 << 20, digest_offset, file_bytes) + b"table".ljust(256, b"\0")
    return b"t" + bytes([kind]) + header + records


def external(text):
    return text.encode()


def models():
    """Small models with all that a file can say."""
    weight = numpy_helper.from_array(numpy.ones((4, 4), numpy.float32), "w")
    small = numpy_helper.from_array(numpy.array([1, 2], numpy.int64), "shape")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="n0"), helper.make_node("Relu", ["h"], ["y"], name="n1", doc_string="d")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    plain = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weight, small], value_info=[y]), opset_imports=[helper.make_opsetid("", 21)])
    yield "plain", plain
    then_graph = helper.make_graph([helper.make_node("Neg", ["x"], ["t"])], "then", [], [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)])
    else_graph = helper.make_graph([helper.make_node("Identity", ["x"], ["e"])], "else", [], [helper.make_tensor_value_info("e", TensorProto.FLOAT, None)])
    constant = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("v", TensorProto.BOOL, [], [1]))
    branch = helper.make_node("If", ["c"], ["y"], then_branch=then_graph, else_branch=else_graph)
    yield "branches", helper.make_model(helper.make_graph([constant, branch], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 21)])
    function = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node("LeakyRelu", ["a"], ["b"])], [helper.make_opsetid("", 21)], ["alpha"])
    function.node[0].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT))
    call = helper.make_node("F", ["x"], ["y"], domain="own", alpha=0.5)
    yield "function", helper.make_model(helper.make_graph([call], "g", [x], [y]), functions=[function],
                                        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("own", 1)])
    tensors = [helper.make_tensor("i32", TensorProto.INT32, [2], [1, 2]), helper.make_tensor("f", TensorProto.FLOAT, [8], [1.0] * 8),
               helper.make_tensor("d", TensorProto.DOUBLE, [3], [1.0] * 3), helper.make_tensor("h", TensorProto.FLOAT16, [2], [1.0] * 2),
               helper.make_tensor("b", TensorProto.BFLOAT16, [2], [1.0] * 2), helper.make_tensor("u", TensorProto.UINT64, [1], [7])]
    outside = TensorProto(name="o", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "16")):
        outside.external_data.add(key=key, value=value)
    outputs = [helper.make_tensor_value_info(t.name, t.data_type, None) for t in tensors]
    yield "tensors", helper.make_model(helper.make_graph([], "g", [], outputs, tensors + [outside]), opset_imports=[helper.make_opsetid("", 21)])
    loop_body = helper.make_graph([helper.make_node("Add", ["s", "one"], ["s2"]), helper.make_node("Identity", ["k"], ["k2"])], "body",
                                  [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("k", TensorProto.BOOL, []),
                                   helper.make_tensor_value_info("s", TensorProto.FLOAT, ["batch", 4])],
                                  [helper.make_tensor_value_info("k2", TensorProto.BOOL, []), helper.make_tensor_value_info("s2", TensorProto.FLOAT, None)])
    trip = helper.make_tensor("trip", TensorProto.INT64, [], [3])
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    yield "loop", helper.make_model(helper.make_graph([helper.make_node("Loop", ["trip", "", "x"], ["y"], body=loop_body)], "g", [x], [y], [trip, one]),
                                    opset_imports=[helper.make_opsetid("", 21)])


def ptx():
    """The forms of instructions that the simulator's own tests list, 6 a body ('!', see FuzzPTX.cpp), and a module with every declaration."""
    inputs = os.path.join(os.path.dirname(__file__), "..", "unit", "sim", "Inputs", "forms.ptx")
    with open(inputs) as file:
        lines = file.read().split("\n")
    begin = next(i for i, line in enumerate(lines) if line.startswith(".entry")) + 1
    while lines[begin].startswith("."):
        begin += 1
    end = max(i for i, line in enumerate(lines) if line.strip() == "}")
    for i in range(begin, end, 6):
        yield f"body{(i - begin) // 6:03}", "!" + "\n".join(lines[i:min(i + 6, end)])
    yield "declarations", """.version 9.0
.target sm_90a, debug
.address_size 64
/* over
lines */
.file 1 "a.cu"
.global .align 8 .b8 bytes[5] = {1, 0x10, 0b11, 017};
.global .u32 grid[2][3] = {{1, 2}, {4, 5, 6}};
.global .f32 half = 0.5;
.global .f64 pi = 0d400921FB54442D18;
.global .u64 pointer = grid+4;
.visible .const .f32 c[2] = {0f3F800000, -2.5};
.extern .shared .align 1024 .b8 dynamic[];
.shared .align 16 .b8 buffer[100];
.extern .func  (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);
.func (.param .b32 out) fib(.param .b32 in)
{ .reg .b32 %r<4>; ld.param.u32 %r1, [in]; add.s32 %r2, %r1, -1; st.param.b32 [out], %r2; ret; }
.visible .entry k(.param .u64 p, .param .align 64 .b8 map[128], .param .u8 c8, .param .f64 d)
.maxntid 256, 2, 1
.minnctapersm 1
.reqnctapercluster 2, 1, 1
{
  .reg .b32 %r<4>;
  .reg .pred %p<2>;
  .pragma "nounroll";
  .loc 1 5 0
  mov.u32 %r1, dynamic; mov.u32 %r2, buffer;
L: setp.eq.s32 %p1, %r1, 0;
  @%p1 bra L;
  { .param .b32 a; .param .b32 b; st.param.b32 [a], %r1; call.uni (b), fib, (a); ld.param.b32 %r3, [b]; }
T: .branchtargets L, E;
  brx.idx %r1, T;
E: ret;
}
.section .debug_str { .b8 1, 2
label: .b8 3 }
"""


def texts():
    """Pieces of the dialects' own tests: one for each op that no piece before has."""
    folder = os.path.join(os.path.dirname(__file__), "..", "Dialect")
    seen = set()
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.mlir"))):
        with open(path) as file:
            pieces = re.split(r"^// -----.*$|^(?=func\.func)", file.read(), flags=re.M)
        for piece in pieces:
            piece = "\n".join(line for line in piece.split("\n") if not line.lstrip().startswith("//")).strip()
            names = set(re.findall(r"\b(?:onnx|trine|plan)\.[\w.]+|#trine\.\w+", piece))
            if len(piece) <= 4000 and not names <= seen:
                seen |= names
                yield f"{os.path.basename(os.path.dirname(path))}{len(seen):03}", piece + "\n"


def main():
    files = {
        "Manifest/host": json.dumps(manifest()).encode(), "Manifest/cuda": json.dumps(cuda_manifest()).encode(),
        "Safetensors/two": safetensors([("a", "F32", [2, 3], bytes(24)), ("b", "I64", [], bytes(8))]),
        "Safetensors/text": b'{"a":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"__metadata__":{"k":"v"}}    ',
        "State/good": state(), "State/text": state()[8:],
        "Npy/f32": npy(numpy.arange(6, dtype=numpy.float32).reshape(2, 3)), "Npy/fortran": npy(numpy.asfortranarray(numpy.ones((2, 3), numpy.int64))),
        "Npy/version2": npy(numpy.ones(2, numpy.uint8), (2, 0)), "Npy/text": b"{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }",
        "Npz/stored": npz(zipfile.ZIP_STORED), "Npz/deflated": npz(zipfile.ZIP_DEFLATED),
        "Engram/e4m3": engram_table(0, 4, 3, 64, 64, 2, bytes(96)), "Engram/f32": engram_table(1, 1, 5, 8, 32, 0, bytes(64)),
        "Engram/resident": engram_table(6, 3, 2, 80, 160, 0, bytes(64)),
        "Engram/profile": b"ptrine engram profile 1\n3 17\n0 2\n", "Engram/checksums":
        b"c" + struct.pack("<8sIIQqQQQ", b"TRNENGRC", 1, 0, 0, 0, 4096, 4096 + (3 << 20), 2) + struct.pack("<Q", 1) + bytes(32) + struct.pack("<Q", 0) + bytes(32),
        "ExternalEntry/all": external("location=weights.bin\noffset=4096\nlength=16\nchecksum=00"), "ExternalEntry/nested": external("location=a/./b/c.bin\noffset=0"),
        "ExternalEntry/up": external("location=a/../../b"), "ExternalEntry/absolute": external("location=/etc/passwd"),
        "SizeExpression/sum": b"past + seq", "SizeExpression/product": b"3*batch*(seq - 1) + 2", "SizeExpression/other": b"(seq + 3) floordiv 4",
    }
    for name, content in small_manifests():
        files[f"Manifest/{name}"] = json.dumps(content, separators=(",", ":")).encode()
    for name, text in ptx():
        files[f"PTX/{name}"] = text.encode()
    for name, text in texts():
        files[f"Text/{name}"] = text.encode()
    for name, model in models():
        files[f"WireScanner/{name}"] = files[f"Model/{name}"] = model.SerializeToString()
    for name, tensor in (("f32", numpy_helper.from_array(numpy.ones((2, 3), numpy.float32), "a")), ("i64", helper.make_tensor("b", TensorProto.INT64, [2], [1, -2])),
                         ("bf16", helper.make_tensor("c", TensorProto.BFLOAT16, [2], [1.0, 2.0])), ("bool", helper.make_tensor("d", TensorProto.BOOL, [], [1])),
                         ("double", helper.make_tensor("e", TensorProto.DOUBLE, [1], [0.5])), ("uint8", helper.make_tensor("f", TensorProto.UINT8, [2], [1, 255]))):
        files[f"TensorFile/{name}"] = tensor.SerializeToString()
    for name, data in files.items():
        path = os.path.join(sys.argv[1], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
