# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes one thing in a model and checks that the compiler still computes what the changed model says.

    twins.py BIN MODEL_FOLDER DATA_SET SEEDS FOLDER

A twin is a model with one altered constant, operator, operand order, axis, weight or use. What it means comes from the interpreter on the
graph as it is, node by node; the raised form of the same file must give the same numbers, whether or not something in it is still
recognised. Prints one line per twin that differs, and "N twins agree, M are no models"; exits 1 if one differs.
"""
import os
import random
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(__file__))
import rewrite

OTHER_OPERATOR = {
    "Add": ["Sub", "Mul"], "Sub": ["Add"], "Mul": ["Add"], "Sigmoid": ["Tanh"], "Sin": ["Cos"], "Cos": ["Sin"], "Sqrt": ["Abs"],
    "Reciprocal": ["Neg"], "Neg": ["Abs"], "ReduceSum": ["ReduceMax"], "ReduceMean": ["ReduceSum"], "ReduceMax": ["ReduceMin"], "Less": ["LessOrEqual"],
    "LessOrEqual": ["Less"], "And": ["Or"], "BitwiseXor": ["BitwiseOr"], "Sign": ["Abs"], "Abs": ["Neg"], "Tanh": ["Sigmoid"], "Exp": ["Abs"],
    "Greater": ["Less"], "Softplus": ["Sigmoid"],
}
SWAPPABLE = {"Sub": (0, 1), "Div": (0, 1), "Where": (1, 2), "Concat": (0, 1), "Less": (0, 1)}


def constants_of(graph):
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = node.attribute[0].t
    return found


def other_operator(graph, rng):
    node = rng.choice([node for node in graph.node if node.op_type in OTHER_OPERATOR])
    before = node.op_type
    node.op_type = rng.choice(OTHER_OPERATOR[before])
    return f"{before} became {node.op_type}"


def swap_operands(graph, rng):
    node = rng.choice([node for node in graph.node if node.op_type in SWAPPABLE and len(node.input) > 1])
    first, second = SWAPPABLE[node.op_type]
    node.input[first], node.input[second] = node.input[second], node.input[first]
    return f"operands of {node.op_type} swapped"


def other_constant(graph, rng):
    constants = constants_of(graph)
    uses = [(node, i) for node in graph.node if node.op_type in ("Add", "Mul", "Div", "Sub", "Pow", "Where", "Clip", "Max", "Mod", "BitwiseXor") for i, name in enumerate(node.input)
            if name in constants and numpy_helper.to_array(constants[name]).size <= 16]
    node, position = rng.choice(uses)
    value = numpy_helper.to_array(constants[node.input[position]])
    factor = rng.choice([2, 3, -1, 0])
    name = f"twin_{rng.getrandbits(32)}"
    graph.initializer.append(numpy_helper.from_array((value * factor if value.dtype != bool else ~value).astype(value.dtype), name))
    node.input[position] = name
    return f"a constant of {node.op_type} became {factor} times itself"


def other_axis(graph, rng):
    nodes = [(node, attribute) for node in graph.node for attribute in node.attribute if attribute.name == "axis" and node.op_type in ("Softmax", "TopK", "GatherElements", "ScatterElements")]
    node, attribute = rng.choice(nodes)
    attribute.i = -2 if attribute.i in (-1, 1, 2, 3) else -1
    return f"axis of {node.op_type} is {attribute.i}"


def other_attribute(graph, rng):
    names = {("TopK", "largest"), ("Mod", "fmod"), ("CumSum", "exclusive"), ("Conv", "dilations")}
    node, attribute = rng.choice([(node, attribute) for node in graph.node for attribute in node.attribute if (node.op_type, attribute.name) in names])
    if attribute.ints:
        attribute.ints[0] += 1
    else:
        attribute.i = 1 - attribute.i
    return f"{attribute.name} of {node.op_type} changed"


def swap_weights(graph, rng):
    constants = constants_of(graph)
    uses = [(node, i) for node in graph.node if node.op_type in ("MatMul", "Gemm", "Mul", "Add", "Gather", "GatherND") for i, name in enumerate(node.input)
            if name in constants and numpy_helper.to_array(constants[name]).size > 16]
    groups = {}
    for node, position in uses:
        groups.setdefault(tuple(constants[node.input[position]].dims), []).append((node, position))
    group = rng.choice([group for group in groups.values() if len({node.input[position] for node, position in group}) > 1])
    (a, i), (b, j) = rng.sample(group, 2)
    a.input[i], b.input[j] = b.input[j], a.input[i]
    return f"weights of two {a.op_type} and {b.op_type} swapped"


def extra_use(graph, rng):
    nodes = [node for node in graph.node if node.op_type in ("Mul", "Add", "MatMul", "Softmax", "Sigmoid", "Sub", "Div", "ReduceSum", "Sqrt") and node.output[0]]
    names = {value.name for value in graph.output}
    types = {value.name: value for value in onnx.shape_inference.infer_shapes(helper.make_model(graph)).graph.value_info}
    nodes = [node for node in nodes if node.output[0] not in names and node.output[0] in types and types[node.output[0]].type.tensor_type.elem_type == TensorProto.FLOAT]
    node = rng.choice(nodes)
    value = onnx.ValueInfoProto()
    value.CopyFrom(types[node.output[0]])
    value.type.tensor_type.ClearField("shape")
    graph.output.append(value)
    return f"a result of {node.op_type} is also an output"


KINDS = [other_operator, other_operator, swap_operands, other_constant, other_constant, other_axis, other_attribute, swap_weights, extra_use]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def main():
    tools, model, data_set, seeds, folder = sys.argv[1:6]
    first, _, last = seeds.rpartition("-")
    agree = invalid = differ = 0
    for seed in range(int(first or 0), int(last)):
        rng = random.Random(seed)
        loaded = onnx.load(os.path.join(model, "model.onnx"))
        try:
            what = rng.choice(KINDS)(loaded.graph, rng)
        except IndexError:  # nothing of that kind in this model
            invalid += 1
            continue
        here = os.path.join(folder, f"twin_{seed}")
        shutil.rmtree(here, ignore_errors=True)
        data = os.path.join(here, "test_data_set_0")
        shutil.copytree(os.path.join(model, data_set), data)
        path = os.path.join(here, "model.onnx")
        onnx.save(loaded, path)
        # What it means: exit 1 says that it differs from the model it was made of, or does not even have its outputs.
        plain = run(f"{tools}/trine-verify", "--reference", path, "--data", here, "--dump", f"{here}/plain", "--quiet")
        written = [name for place, _, files in os.walk(f"{here}/plain") for name in files]
        if plain.returncode > 1 or not written:
            invalid += 1
            shutil.rmtree(here)
            continue
        for place, _, files in os.walk(f"{here}/plain"):
            for name in files:
                shutil.copy(os.path.join(place, name), data)
        for form in ("model", "rewritten"):
            if form == "rewritten":
                path = os.path.join(here, "rewritten.onnx")
                onnx.save(rewrite.rewrite(loaded, seed), path)
            raised = f"{here}/{form}.mlir"
            judged = run(f"{tools}/trine-compile", path, "--emit", "trine", "-o", raised)
            if not judged.returncode:
                judged = run(f"{tools}/trine-verify", "--reference", raised, "--weights", here, "--data", here, "--quiet")
            if judged.returncode:
                what += f" ({form})"
                break
        if judged.returncode:
            differ += 1
            lines = (judged.stderr + judged.stdout).strip().splitlines()
            reason = next((line for line in lines if "error:" in line or "FAILED" in line), lines[-1] if lines else f"exit {judged.returncode}")
            print(f"seed {seed}: {what}: {reason}; see {here}", flush=True)
            continue
        agree += 1
        shutil.rmtree(here)
    print(f"{agree} twins agree, {invalid} are no models")
    sys.exit(differ > 0)


main()
