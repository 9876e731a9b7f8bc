# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model that means the same and looks different: other names, other order, no metadata, commuted operands, identities and casts
that change nothing, axes spelled from the other end, shared constants split, Constant nodes for initialisers.

    rewrite.py MODEL SEED OUTPUT
"""
import random
import sys

import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper, shape_inference

COMMUTATIVE = {"Add", "Mul", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Max", "Min"}
AXIS_ATTRIBUTES = {"Concat", "Gather", "GatherElements", "Softmax", "LogSoftmax", "TopK", "Split", "ScatterElements", "ArgMax", "Flatten", "LayerNormalization", "RMSNormalization"}
# Operand that holds axes, and whether a result's rank (an unsqueezed one) counts.
AXIS_OPERANDS = {"ReduceSum": (1, False), "ReduceMean": (1, False), "ReduceMax": (1, False), "ReduceMin": (1, False), "Squeeze": (1, False), "Unsqueeze": (1, True), "Slice": (3, False), "CumSum": (1, False)}


def types_of(model):
    """Element type and rank of each value, as far as the standard's inference knows them."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    types = {}
    for value in [*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output]:
        tensor = value.type.tensor_type
        if tensor.elem_type:
            types[value.name] = (tensor.elem_type, len(tensor.shape.dim) if tensor.HasField("shape") else None)
    for tensor in model.graph.initializer:
        types[tensor.name] = (tensor.data_type, len(tensor.dims))
    return types


def respell_axes(graph, types, rng):
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    constants[node.output[0]] = attribute.t
    for node in list(graph.node):
        if rng.random() < 0.5:
            continue
        rank = types.get(node.input[0], (0, None))[1] if node.input else None
        if node.op_type in AXIS_ATTRIBUTES and rank and node.op_type != "Flatten":
            for attribute in node.attribute:
                if attribute.name == "axis":
                    attribute.i += rank if attribute.i < 0 else -rank
        elif node.op_type in AXIS_OPERANDS:
            operand, of_result = AXIS_OPERANDS[node.op_type]
            if of_result:
                rank = types.get(node.output[0], (0, None))[1]
            if not rank or len(node.input) <= operand or node.input[operand] not in constants:
                continue
            axes = numpy_helper.to_array(constants[node.input[operand]])
            name = f"axes_{len(graph.initializer)}_{rng.getrandbits(32)}"
            other = ((axes + rank) if (axes < 0).all() else (axes - rank) if (axes >= 0).all() else axes).astype(axes.dtype)
            graph.initializer.append(numpy_helper.from_array(other, name))
            node.input[operand] = name


def commute(graph, rng):
    for node in graph.node:
        if node.op_type in COMMUTATIVE and node.domain in ("", "ai.onnx") and len(node.input) == 2 and rng.random() < 0.5:
            first, second = node.input
            node.input[:] = [second, first]


def insert_no_ops(graph, types, rng):
    """After some results an Identity or a Cast to the type they have."""
    outputs = {value.name for value in graph.output}
    nodes = []
    renamed = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in renamed:
                node.input[position] = renamed[name]
        nodes.append(node)
        for name in node.output:
            if not name or name in outputs or rng.random() > 0.15:
                continue
            fresh = f"{name}_same_{rng.getrandbits(32)}"
            known = types.get(name, (None, None))[0]
            if known and rng.random() < 0.5:
                nodes.append(helper.make_node("Cast", [name], [fresh], to=known))
            else:
                nodes.append(helper.make_node("Identity", [name], [fresh]))
            renamed[name] = fresh
    del graph.node[:]
    graph.node.extend(nodes)


def split_constants(graph, rng):
    """Some small initialisers become Constant nodes, some get a copy of their own for one of their users."""
    users = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            users.setdefault(name, []).append((node, position))
    for tensor in list(graph.initializer):
        if tensor.external_data or len(tensor.SerializeToString()) > 512:
            continue
        if len(users.get(tensor.name, [])) > 1 and rng.random() < 0.3:
            copy = TensorProto()
            copy.CopyFrom(tensor)
            copy.name = f"{tensor.name}_copy"
            graph.initializer.append(copy)
            node, position = rng.choice(users[tensor.name])
            node.input[position] = copy.name
        elif rng.random() < 0.3 and tensor.name not in {value.name for value in graph.input}:
            graph.initializer.remove(tensor)
            graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))


def reorder(graph, rng):
    """Another topological order, at random."""
    made = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer} | {""}
    waiting, users = {}, {}
    ready = []

    def needs(node):
        names = set(node.input)
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                inner = {name for n in attribute.g.node for name in n.output}
                for n in attribute.g.node:
                    names |= needs(n) - inner
                names |= {value.name for value in attribute.g.output} - inner
        return names

    for index, node in enumerate(graph.node):
        missing = {name for name in needs(node) if name not in made}
        waiting[index] = len(missing)
        for name in missing:
            users.setdefault(name, []).append(index)
        if not missing:
            ready.append(index)
    nodes = list(graph.node)
    order = []
    while ready:
        index = ready.pop(rng.randrange(len(ready)))
        order.append(nodes[index])
        for name in nodes[index].output:
            for user in users.get(name, []):
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready.append(user)
    assert len(order) == len(nodes), "the graph has values that nobody makes"
    copies = []
    for node in order:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:]
    graph.node.extend(copies)


def rename(graph, rng):
    kept = {value.name for value in [*graph.input, *graph.output]} | {""}
    names = {}

    def new(name):
        if name in kept:
            return name
        if name not in names:
            names[name] = f"v{len(names)}_{rng.getrandbits(24):x}"
        return names[name]

    def walk(inner, top):
        for node in inner.node:
            node.name = f"n{rng.getrandbits(48):x}"
            node.doc_string = ""
            del node.metadata_props[:]
            node.input[:] = [new(name) for name in node.input]
            node.output[:] = [new(name) for name in node.output]
            for attribute in node.attribute:
                if attribute.type == AttributeProto.GRAPH:
                    walk(attribute.g, False)
        for tensor in inner.initializer:
            tensor.name = new(tensor.name)
        if not top:
            for value in [*inner.input, *inner.output]:
                value.name = new(value.name)
        del inner.value_info[:]
        del inner.metadata_props[:]

    walk(graph, True)


def rewrite(model, seed):
    rng = random.Random(seed)
    types = types_of(model)
    graph = model.graph
    respell_axes(graph, types, rng)
    commute(graph, rng)
    split_constants(graph, rng)
    insert_no_ops(graph, types, rng)
    reorder(graph, rng)
    rename(graph, rng)
    del model.metadata_props[:]
    model.producer_name = ""
    return model


if __name__ == "__main__":
    path, seed, output = sys.argv[1:4]
    loaded = onnx.load(path, load_external_data=True)
    onnx.save(rewrite(loaded, int(seed)), output)
