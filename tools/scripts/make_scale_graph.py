#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a graph with the node count of DeepSeek-V3 from a small export with unrolled experts, test/models/deepseek_v3_grouped.

The nodes of the last expert and of the last layer are repeated under new names, with their metadata, as an exporter would write them at
tiny sizes. All weights lie at the start of one data file. Such a graph is to be imported and raised, not run.

usage: make_scale_graph.py MODEL.onnx OUT.onnx [--layers 61] [--experts 256]
"""

import argparse
import os

import numpy
import onnx
from onnx import TensorProto, numpy_helper

EXPERTS, GROUPS, LAYERS = 12, 4, 3  # of the small model


def scope(node):
    return next((p.value for p in node.metadata_props if p.key.endswith("name_scopes")), "")


def copy_node(node, suffix, inputs, outputs):
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = node.name + suffix
    copy.input[:] = inputs
    copy.output[:] = outputs
    return copy


def grow_tensors(graph, experts):
    shapes = {
        (-1, GROUPS, EXPERTS // GROUPS): (-1, GROUPS, experts // GROUPS),
        (1, GROUPS, EXPERTS // GROUPS): (1, GROUPS, experts // GROUPS),
        (-1, EXPERTS): (-1, experts),
    }
    for tensor in graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == numpy.float32 and value.shape[:1] == (EXPERTS,):
            value = numpy.resize(value, (experts, *value.shape[1:]))
        elif value.dtype == numpy.int64 and value.shape == () and value == EXPERTS - 1:
            value = numpy.array(experts - 1)
        elif value.dtype == numpy.float32 and value.shape == () and value == numpy.float32((EXPERTS - 1) / EXPERTS):
            value = numpy.array((experts - 1) / experts, numpy.float32)  # the width of the histogram's bins
        elif value.dtype == numpy.int64 and value.ndim == 1 and tuple(value) in shapes:
            value = numpy.array(shapes[tuple(value)])
        else:
            continue
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def grow_experts(graph, experts):
    grow_tensors(graph, experts)
    last = set()  # values of the last expert
    pending, nodes = [], []
    for node in graph.node:
        if node.op_type == "Split" and len(node.output) == EXPERTS:
            last.add(node.output[-1])
            node.output.extend(f"{node.output[EXPERTS - 1]}_expert{k}" for k in range(EXPERTS, experts))
            next(a for a in node.attribute if a.name == "num_outputs").i = experts
        elif node.op_type == "Concat" and len(node.input) == EXPERTS:
            for k in range(EXPERTS, experts):
                for inner in pending:
                    inputs = [f"{name}_expert{k}" if name in last else name for name in inner.input]
                    if inner.op_type == "Range":  # starts where the expert before ends
                        inputs[0] = inner.input[1] + (f"_expert{k - 1}" if k > EXPERTS else "")
                    nodes.append(copy_node(inner, f"_expert{k}", inputs, [f"{name}_expert{k}" for name in inner.output]))
                node.input.append(f"{node.input[EXPERTS - 1]}_expert{k}")
            pending = []
        elif last.intersection(node.input):
            last.update(node.output)
            pending.append(node)
        nodes.append(node)
    nodes = list(nodes)
    del graph.node[:]
    graph.node.extend(nodes)


def grow_layers(graph, layers):
    layer = LAYERS - 1
    inside = [i for i, node in enumerate(graph.node) if f"'model.layers.{layer}'" in scope(node)]
    begin, end = min(inside), max(inside) + 1
    block, rest = list(graph.node[begin:end]), list(graph.node[end:])
    made = {name for node in block for name in node.output}
    before = {name: node for node in graph.node[:begin] for name in node.output}
    # The hidden state comes in from, and goes out by, the last Add of a layer.
    hidden_in = [n for node in block for n in node.input if n in before and before[n].op_type == "Add" and f"'model.layers.{layer - 1}'" in scope(before[n])][-1]
    used = {name for node in rest for name in node.input}
    hidden_out = [node.output[0] for node in block if node.op_type == "Add" and node.output[0] in used][-1]
    weights = {name for node in block for name in node.input}
    weights = [t for t in graph.initializer if t.name in weights and t.data_type == TensorProto.FLOAT and len(t.dims) > 0]
    tag = f"layers.{layer}."
    inputs = [v for v in graph.input if tag in v.name]
    outputs = [v for v in graph.output if tag in v.name]
    nodes, last = [], hidden_out
    for k in range(layer + 1, layers):
        names = {name: f"{name}_layer{k}" for name in made}
        names.update({t.name: f"{t.name}_layer{k}" for t in weights})
        names.update({v.name: v.name.replace(tag, f"layers.{k}.") for v in inputs + outputs})
        names[hidden_in] = last
        for node in block:
            nodes.append(copy_node(node, f"_layer{k}", [names.get(n, n) for n in node.input], [names[n] for n in node.output]))
        for source, target in ((inputs, graph.input), (outputs, graph.output), (weights, graph.initializer)):
            for item in source:
                copy = type(item)()
                copy.CopyFrom(item)
                copy.name = names[item.name]
                target.append(copy)
        last = names[hidden_out]
    for node in rest:
        node.input[:] = [last if name == hidden_out else name for name in node.input]
    del graph.node[end:]
    graph.node.extend(nodes)
    graph.node.extend(rest)
    del graph.value_info[:]


def move_weights(graph, folder, location):
    """Tensors above 1 KiB become references to the start of one file."""
    size = 0
    for tensor in graph.initializer:
        if len(tensor.raw_data) <= 1024:
            continue
        length = len(tensor.raw_data)
        size = max(size, length)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    with open(os.path.join(folder, location), "wb") as file:
        file.truncate(size)


def make_scale_graph(source, target, layers, experts):
    """Returns the number of nodes."""
    model = onnx.load(source)
    grow_experts(model.graph, experts)
    move_weights(model.graph, os.path.dirname(os.path.abspath(target)), os.path.basename(target) + ".data")
    grow_layers(model.graph, layers)
    onnx.save(model, target)
    return len(model.graph.node)


def main():
    parser = argparse.ArgumentParser(description="Makes a graph with the node count of DeepSeek-V3.")
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--layers", type=int, default=61)
    parser.add_argument("--experts", type=int, default=256)
    arguments = parser.parse_args()
    if arguments.layers < LAYERS or arguments.experts < EXPERTS or arguments.experts % GROUPS:
        parser.error(f"--layers must be at least {LAYERS}, --experts at least {EXPERTS} and a multiple of {GROUPS}")
    print(make_scale_graph(arguments.model, arguments.out, arguments.layers, arguments.experts), "nodes")


if __name__ == "__main__":
    main()
