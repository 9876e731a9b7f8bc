# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imports models that are well-formed files with a wrong content: other operators, operands, attributes, sizes and types. Each must be
imported, or refused with a message and exit code 1. Arguments: the importer, the model, a file for the copies, how many, and the seed."""
import pathlib
import random
import subprocess
import sys

import onnx

tool, source, target, count, seed = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
NUMBERS = [0, 1, -1, 2, -2, 3, 5, 7, 64, 1 << 31, -(1 << 31), (1 << 32) + 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, -(1 << 63)]
TEXTS = ["", "batch", "batch + 1", "((((((", "-1", "0", "max(a, b", "seq * " * 50 + "seq", "(" * 10000, "9" * 40, "a // 0", "a % 0", "32", "\x01 x"]
operators = sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""})
schemas = {name: onnx.defs.get_schema(name) for name in operators}


def mutate_node(node, names, generator):
    kind = generator.randrange(7)
    if kind == 0 and node.input:
        node.input[generator.randrange(len(node.input))] = generator.choice(names)
    elif kind == 1:
        node.op_type = generator.choice(operators)
        schema = schemas[node.op_type]
        while len(node.input) > len(schema.inputs):
            node.input.pop()
        while len(node.input) < schema.min_input:
            node.input.append(generator.choice(names))
    elif kind == 2 and node.attribute:
        attribute = generator.choice(node.attribute)
        attribute.i = generator.choice(NUMBERS)
        for i in range(len(attribute.ints)):
            attribute.ints[i] = generator.choice(NUMBERS)
        attribute.f = generator.choice([0.0, -1.0, 1e30, float("nan"), float("inf")])
        attribute.s = generator.choice(TEXTS).encode()
    elif kind == 3 and node.attribute:
        del node.attribute[generator.randrange(len(node.attribute))]
    elif kind == 4 and node.input:
        del node.input[generator.randrange(len(node.input))]
    elif kind == 5:
        node.input.append(generator.choice(names))
    else:
        schema = schemas.get(node.op_type)
        for name, attribute in schema.attributes.items() if schema else []:
            if attribute.type.name == "INT" and generator.randrange(2):
                node.attribute.append(onnx.helper.make_attribute(name, generator.choice(NUMBERS)))
            elif attribute.type.name == "INTS" and generator.randrange(2):
                node.attribute.append(onnx.helper.make_attribute(name, generator.choices(NUMBERS, k=generator.randrange(1, 5))))


def mutate(model, generator):
    graph = model.graph
    names = ["", *(v.name for v in graph.input), *(t.name for t in graph.initializer), *(o for n in graph.node for o in n.output)]
    for _ in range(generator.choice([1, 1, 2, 5])):
        kind = generator.randrange(4)
        if kind == 0 and graph.input:
            tensor = generator.choice(graph.input).type.tensor_type
            if generator.randrange(2) and tensor.shape.dim:
                dim = generator.choice(tensor.shape.dim)
                if generator.randrange(2):
                    dim.dim_value = generator.choice(NUMBERS)
                else:
                    dim.dim_param = generator.choice(TEXTS)
            elif generator.randrange(2):
                tensor.elem_type = generator.randrange(27)
            else:
                tensor.shape.dim.add(dim_value=generator.choice(NUMBERS))
        elif kind == 1 and graph.initializer:
            tensor = generator.choice(graph.initializer)
            if tensor.data_type == onnx.TensorProto.INT64 and tensor.raw_data:
                values = [generator.choice(NUMBERS) for _ in range(len(tensor.raw_data) // 8)]
                tensor.raw_data = b"".join(v.to_bytes(8, "little", signed=True) for v in values)
            elif generator.randrange(2):
                tensor.data_type = generator.randrange(27)
            elif tensor.dims:
                tensor.dims[generator.randrange(len(tensor.dims))] = generator.choice(NUMBERS)
        elif graph.node:
            mutate_node(generator.choice(graph.node), names, generator)


refused = 0
original = onnx.load(source, load_external_data=False)
for i in range(count):
    model = onnx.ModelProto()
    model.CopyFrom(original)
    mutate(model, random.Random(seed * 1000003 + i))
    target.write_bytes(model.SerializeToString())
    done = subprocess.run([tool, "--import-onnx", str(target), "-o", "/dev/null"], capture_output=True, timeout=60)
    if done.returncode not in (0, 1) or (done.returncode == 1 and b"error: " not in done.stderr):
        sys.exit(f"mutation {i} of seed {seed}: exit code {done.returncode}\n{done.stderr[-2000:].decode(errors='replace')}\nkept in {target}")
    refused += done.returncode
target.unlink()
print(f"{refused} refused, {count - refused} imported")
