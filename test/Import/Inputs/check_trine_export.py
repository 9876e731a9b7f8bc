# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every function of tools/trine_export with a stand-in for torch and compares what it emits with the domain's table."""
import importlib
import inspect
import sys
import types

root = sys.argv[1]
sys.path[:0] = [f"{root}/tools/scripts", f"{root}/tools/trine_export"]
emitted = []


class Shape(tuple):
    def __getitem__(self, key):
        found = tuple.__getitem__(self, key)
        return Shape(found) if isinstance(key, slice) else found


class Tensor:
    dtype, shape = "f", Shape((2, 3, 4, 6))


def symbolic_multi_out(name, operands, attributes, dtypes, shapes, version):
    assert version == 1 and len(dtypes) == len(shapes)
    emitted.append((name, operands, attributes, dtypes))
    return [Tensor() for _ in dtypes]


torch = types.ModuleType("torch")
torch.float32, torch.int64 = "f32", "i64"
torch.onnx = types.SimpleNamespace(ops=types.SimpleNamespace(symbolic_multi_out=symbolic_multi_out))
sys.modules["torch"] = torch
import generate_trine_domain as domain

records = domain.load()
table = {}
for name in records["!instanceof"]["Trine_TensorOp"]:
    if records[name]["opName"] in domain.NOT_FOR_FILES:
        continue
    operator = domain.Operator(records, name)
    table[operator.type] = operator
functions = importlib.import_module("trine_export")
SAMPLES = {"Number": 0.5, "Integer": 2, "Integers": [1, 2], "Flag": True, "Type": "f32"}
for name in functions.__all__:
    function = getattr(functions, name)
    key = name.replace("_", "")
    operator = next(o for o in table.values() if o.type.lower() == key)
    attributes = {a.name: a.choices[0] if a.choices else SAMPLES[a.kind] for a in operator.attributes}
    signature = inspect.signature(function)
    keywords = {k: v for k, v in attributes.items() if k in signature.parameters}
    missing = [a.name for a in operator.attributes if a.required and a.name not in signature.parameters]
    assert not missing, f"{name} has no argument for {missing}"
    positional = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if name == "engram_hash":
        ids = Tensor()
        ids.shape = Shape((2, 3))
        arguments = [ids, Tensor(), Tensor()]
    elif name == "merge":
        arguments = [[Tensor(), Tensor()], [Tensor(), Tensor()]]
    else:
        arguments = [Tensor() for _ in positional]
    function(*arguments, **keywords)
    emitted_name, operands, given, dtypes = emitted[-1]
    assert emitted_name == f"trine::{operator.type}", emitted_name
    known = {a.name for a in operator.attributes}
    assert set(given) <= known, f"{name} passes {set(given) - known}"
    assert not {a.name for a in operator.attributes if a.required} - set(given), f"{name} leaves out {known - set(given)}"
    in_file = [p for p in operator.operands if p.arity != "Variadic"]
    names = [p.name for p in positional]
    assert name == "merge" or names == [p.name for p in in_file], f"{name} takes {names}"
    fixed = [r for r in operator.results if r.arity != "Variadic"]
    assert len(dtypes) == len(fixed), f"{name} has {len(dtypes)} results"
    for dtype, result in zip(dtypes, fixed):
        assert result.element == "Input" or dtype == result.element.lower(), f"{name} gives {dtype} for {result.name}"
not_for_export = {"MoEGroup", "MoEGroupedMatMul", "MoECombine"}
without = {o.type.lower() for o in table.values()} - {n.replace("_", "") for n in functions.__all__} - {n.lower() for n in not_for_export}
assert not without, f"no function for {without}"
print(f"{len(functions.__all__)} functions agree")
