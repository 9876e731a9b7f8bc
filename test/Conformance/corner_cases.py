#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests that the node tests of the standard lack, in their layout: corner_cases.py FOLDER.

Nothing to broadcast, slice, reduce or multiply; sizes beyond either end; integers that overflow; NaN and ties in choices; casts of the largest numbers; loops
without an iteration; names that a body shares with what is around it. What is expected comes from the reference evaluator of the onnx package, or is given here
where that does not follow the specification or lacks something.
"""
import pathlib
import sys
import warnings

import numpy as np
from onnx import helper, numpy_helper, save
from onnx.helper import make_node as node
from onnx.reference import ReferenceEvaluator

warnings.filterwarnings("ignore")
FOLDER = pathlib.Path(sys.argv[1])
F32, F64, I8, I32, I64, U8, U64, BOOL = (np.dtype(name) for name in ("f4", "f8", "i1", "i4", "i8", "u1", "u8", "?"))
nan, inf = np.nan, np.inf


def floats(*shape):
    return np.random.RandomState(sum(shape) + 1).randn(*shape).astype(F32)


def value_info(name, dtype, shape):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def constants(**arrays):
    return [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]


def case(name, nodes, inputs, outputs, initializers=(), expect=None, opset=21):
    """`inputs` are name -> array, `outputs` name -> element type, `expect` the arrays."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            name,
            [value_info(key, array.dtype, array.shape) for key, array in inputs.items()],
            [value_info(key, dtype, None) for key, dtype in outputs.items()],
            initializers,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=10,
    )
    if expect is None:
        expect = ReferenceEvaluator(model).run(None, inputs)
    data = FOLDER / f"test_{name}" / "test_data_set_0"
    data.mkdir(parents=True)
    save(model, data.parent / "model.onnx")
    for i, (key, array) in enumerate(inputs.items()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(array, key).SerializeToString())
    for i, (key, dtype) in enumerate(outputs.items()):
        array = np.asarray(expect[i])
        assert array.dtype == dtype, f"{name}: {array.dtype} is not {dtype}"
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(array, key).SerializeToString())


# Nothing.
case("broadcast_nothing", node("Mul", ["a", "b"], ["y"]), {"a": floats(2, 1, 3), "b": floats(0, 1)}, {"y": F32})
case("product_of_nothing", node("MatMul", ["a", "b"], ["y"]), {"a": floats(2, 0), "b": floats(0, 3)}, {"y": F32})
case("product_with_no_rows", node("MatMul", ["a", "b"], ["y"]), {"a": floats(0, 4), "b": floats(4, 3)}, {"y": F32})
case("gemm_of_nothing", node("Gemm", ["a", "b", "c"], ["y"], beta=2.0), {"a": floats(2, 0), "b": floats(0, 3), "c": floats(3)}, {"y": F32})
case("concat_nothing", node("Concat", ["a", "b"], ["y"], axis=0), {"a": floats(0, 3), "b": floats(2, 3)}, {"y": F32})
case("softmax_of_nothing", node("Softmax", ["a"], ["y"], axis=1), {"a": floats(2, 0)}, {"y": F32})
case("gather_nothing", node("Gather", ["x", "j"], ["y"]), {"x": floats(3, 4), "j": np.zeros((0, 2), I64)}, {"y": F32}, expect=[np.zeros((0, 2, 4), F32)])
case("scatter_nothing", node("ScatterND", ["x", "j", "u"], ["y"]), {"x": floats(4, 2), "j": np.zeros((0, 1), I64), "u": floats(0, 2)}, {"y": F32}, expect=[floats(4, 2)])
case("top_nothing", node("TopK", ["x", "k"], ["v", "j"]), {"x": floats(2, 3)}, {"v": F32, "j": I64}, constants(k=[0]), [np.zeros((2, 0), F32), np.zeros((2, 0), I64)])
case("tile_nothing", node("Tile", ["x", "r"], ["y"]), {"x": floats(2, 3)}, {"y": F32}, constants(r=[0, 1]))
case("expand_to_nothing", node("Expand", ["x", "s"], ["y"]), {"x": floats(1, 3)}, {"y": F32}, constants(s=[0, 3]))
case("cumsum_of_nothing", node("CumSum", ["x", "a"], ["y"]), {"x": floats(3, 0)}, {"y": F32}, constants(a=np.int64(1)))
case("split_nothing_off", node("Split", ["x", "s"], ["a", "b"], axis=1), {"x": floats(2, 3)}, {"a": F32, "b": F32}, constants(s=[3, 0]))
case("nonzero_of_zeros", node("NonZero", ["x"], ["y"]), {"x": np.zeros((2, 3), F32)}, {"y": I64})
case("range_of_nothing", node("Range", ["a", "b", "d"], ["y"]), {}, {"y": I64}, constants(a=np.int64(5), b=np.int64(9), d=np.int64(-2)))
for operator, result in {"Sum": 0, "Prod": 1, "Max": -inf, "Min": inf, "L2": 0, "LogSum": -inf, "LogSumExp": -inf}.items():
    reduction = node(f"Reduce{operator}", ["x", "a"], ["y"], keepdims=0)
    case(f"reduce_{operator.lower()}_of_nothing", reduction, {"x": floats(2, 0, 3)}, {"y": F32}, constants(a=[1]), [np.full((2, 3), result, F32)])
case("least_of_no_bytes", node("ReduceMin", ["x", "a"], ["y"]), {"x": np.zeros((2, 0), U8)}, {"y": U8}, constants(a=[1]), [np.full((2, 1), 255, U8)])
case("all_of_none", node("ReduceMin", ["x", "a"], ["y"], keepdims=0), {"x": np.zeros((2, 0), BOOL)}, {"y": BOOL}, constants(a=[1]), [np.array([True, True])])

# Slices and pads.
for name, starts, ends, axes, steps in (
    ("all_backwards", [-1], [-100], [0], [-1]),
    ("backwards_from_beyond", [100], [0], [1], [-2]),
    ("to_the_least_integer", [4], [-(2**63)], [0], [-3]),
    ("of_nothing", [3], [1], [0], [1]),
    ("of_nothing_backwards", [1], [3], [0], [-1]),
    ("with_a_huge_step", [0], [2**63 - 1], [1], [2**62]),
    ("behind_the_end", [5], [5], [0], [1]),
    ("of_two_axes", [-2, 1], [-6, 100], [-1, -2], [-1, 2]),
):
    slicing = constants(s=np.array(starts), e=np.array(ends), a=np.array(axes), p=np.array(steps))
    case(f"slice_{name}", node("Slice", ["x", "s", "e", "a", "p"], ["y"]), {"x": floats(5, 6)}, {"y": F32}, slicing)
x = floats(3, 4)
negative = np.concatenate([np.zeros((2, 2), F32), x[1:, :3]], 1)
case("pad_negative", node("Pad", ["x", "p"], ["y"]), {"x": x}, {"y": F32}, constants(p=[-1, 2, 0, -1]), [negative])
case("pad_all_away", node("Pad", ["x", "p"], ["y"]), {"x": x}, {"y": F32}, constants(p=[-1, -1, -2, -3]), [np.zeros((0, 0), F32)])
case("pad_nothing", node("Pad", ["x", "p"], ["y"]), {"x": floats(0, 3)}, {"y": F32}, constants(p=[1, 1, 1, 1]))
case("pad_round_and_round", node("Pad", ["x", "p"], ["y"], mode="wrap"), {"x": x}, {"y": F32}, constants(p=[4, 1, 0, 9]))
case("pad_one_axis", node("Pad", ["x", "p", "", "a"], ["y"], mode="reflect"), {"x": x}, {"y": F32}, constants(p=[2, 3], a=[-1]))

# Integers.
case("add_overflows", node("Add", ["a", "b"], ["y"]), {"a": np.array([127, -128], I8), "b": np.array([1, -1], I8)}, {"y": I8})
case("mul_overflows", node("Mul", ["a", "b"], ["y"]), {"a": np.array([2**62, -(2**63)]), "b": np.array([4, -1])}, {"y": I64})
case("div_overflows", node("Div", ["a", "b"], ["y"]), {"a": np.array([-(2**31), -7], I32), "b": np.array([-1, 2], I32)}, {"y": I32}, expect=[np.array([-(2**31), -3], I32)])
case("mod_of_the_least", node("Mod", ["a", "b"], ["y"]), {"a": np.array([-(2**63), -7]), "b": np.array([-1, 3])}, {"y": I64}, expect=[np.array([0, 2])])
case("shift_all_out", node("BitShift", ["a", "b"], ["y"], direction="LEFT"), {"a": np.array([1, 255], U8), "b": np.array([7, 8], U8)}, {"y": U8}, expect=[np.array([128, 0], U8)])
case("mean_of_integers", node("ReduceMean", ["x", "a"], ["y"], keepdims=0), {"x": np.array([[1, 2], [-3, -4]], I32)}, {"y": I32}, constants(a=[1]), [np.array([1, -3], I32)])

# NaN, infinities, ties.
a, b = np.array([1, nan, 3], F32), np.array([nan, 2, 1], F32)
case("max_with_nan", node("Max", ["a", "b"], ["y"]), {"a": a, "b": b}, {"y": F32})
case("min_with_nan", node("Min", ["a", "b"], ["y"]), {"a": a, "b": b}, {"y": F32})
case("relu_of_nan", node("Relu", ["a"], ["y"]), {"a": a}, {"y": F32}, expect=[a])
case("clip_with_crossed_bounds", node("Clip", ["a", "l", "h"], ["y"]), {"a": floats(5)}, {"y": F32}, constants(l=np.float32(3), h=np.float32(-3)), [np.full(5, -3, F32)])
case("reduce_max_with_nan", node("ReduceMax", ["x", "a"], ["y"], keepdims=0), {"x": np.stack([a, b])}, {"y": F32}, constants(a=[1]))
case("softmax_masked", node("Softmax", ["a"], ["y"]), {"a": np.array([[-inf, 0, 1], [-inf, -inf, 2]], F32)}, {"y": F32})
case("argmax_of_ties", node("ArgMax", ["a"], ["y"], axis=1), {"a": np.array([[1, 3, 3], [-inf, -inf, -inf]], F32)}, {"y": I64})
case("argmin_of_ties_last", node("ArgMin", ["a"], ["y"], axis=1, select_last_index=1), {"a": np.array([[1, 3, 1], [2, 2, 2]], F32)}, {"y": I64})
case("top_of_ties", node("TopK", ["a", "k"], ["v", "j"]), {"a": np.array([[2, 3, 3, 1, 3]], F32)}, {"v": F32, "j": I64}, constants(k=[4]))
case("least_of_ties", node("TopK", ["a", "k"], ["v", "j"], largest=0), {"a": np.array([[2, 1, 3, 1, 1]], F32)}, {"v": F32, "j": I64}, constants(k=[4]))
case("one_hot_out_of_range", node("OneHot", ["j", "d", "v"], ["y"]), {"j": np.array([-1, 4])}, {"y": F32}, constants(d=[3], v=np.array([2, 5], F32)), [np.array([[2, 2, 5], [2, 2, 2]], F32)])

# Casts.
for name, array, dtype in (
    ("uint64_to_float", np.array([2**64 - 1, 2**63, 1], U64), F32),
    ("double_to_uint64", np.array([1.8e19, 9.3e18, 0.9]), U64),
    ("int64_to_uint64", np.array([-1, -(2**63), 5]), U64),
    ("uint64_to_int32", np.array([2**32 - 1, 2**64 - 1], U64), I32),
    ("float_to_bool", np.array([0, -0.0, nan, 0.1], F32), BOOL),
    ("int64_to_bool", np.array([0, 256, 2**32]), BOOL),
    ("double_to_float", np.array([1e300, -1e300, 1e-300]), F32),
    ("int64_to_float", np.array([2**24 + 1, 2**53 + 1]), F32),
):
    case(f"cast_{name}", node("Cast", ["x"], ["y"], to=helper.np_dtype_to_tensor_dtype(dtype)), {"x": array}, {"y": dtype})

# Bodies, whose values have names of the graph around them.
body = helper.make_graph(
    [node("Identity", ["go"], ["on"]), node("Add", ["v", "one"], ["next"]), node("Identity", ["next"], ["row"])],
    "body",
    [value_info("i", I64, []), value_info("go", BOOL, []), value_info("v", F32, [2])],
    [value_info("on", BOOL, []), value_info("next", F32, [2]), value_info("row", F32, [2])],
    constants(one=np.float32(1)),
)
start = floats(2)
for count in (0, 3, -2):
    rows = np.array([start + i + 1 for i in range(count)], F32).reshape(max(count, 0), 2)
    loop = node("Loop", ["m", "c", "start"], ["v", "row"], body=body)
    known = constants(m=np.int64(count), c=np.array(True))
    case(f"loop_of_{count}".replace("-", "minus_"), loop, {"start": start}, {"v": F32, "row": F32}, known, [start + max(count, 0), rows])
counting = helper.make_graph(
    [node("Add", ["v", "one"], ["next"]), node("Less", ["next", "limit"], ["on"])],
    "counting",
    [value_info("i", I64, []), value_info("go", BOOL, []), value_info("v", F32, [])],
    [value_info("on", BOOL, []), value_info("next", F32, [])],
    constants(one=np.float32(1), limit=np.float32(5.5)),
)
case("loop_without_a_count", node("Loop", ["", "c", "start"], ["v"], body=counting), {"start": np.array(0.25, F32)}, {"v": F32}, constants(c=np.array(True)))
body = helper.make_graph(
    [node("Add", ["s", "x"], ["sum"]), node("Mul", ["sum", "x"], ["row"])],
    "body",
    [value_info("s", F32, [3]), value_info("x", F32, [3])],
    [value_info("sum", F32, [3]), value_info("row", F32, [3])],
)
for count in (0, 4):
    state, rows, scanned = floats(3), floats(count, 3), floats(count, 3)
    for i in reversed(range(count)):
        state = state + rows[i]
        scanned[i] = state * rows[i]
    scan = node("Scan", ["start", "xs"], ["s", "row"], body=body, num_scan_inputs=1, scan_input_directions=[1], scan_output_directions=[1])
    case(f"scan_of_{count}", scan, {"start": floats(3), "xs": rows}, {"s": F32, "row": F32}, expect=[state, scanned])
same, negated = (helper.make_graph([node(name, ["x"], ["o"])], name, [], [value_info("o", F32, None)]) for name in ("Identity", "Neg"))
for condition in (True, False):
    case(f"if_{condition}", node("If", ["c"], ["y"], then_branch=same, else_branch=negated), {"c": np.array(condition)}, {"y": F32}, constants(x=x))

# Words of old versions.
case("slice_1", node("Slice", ["x"], ["y"], starts=[-3], ends=[2**31 - 1], axes=[1]), {"x": floats(5, 6)}, {"y": F32}, opset=9)
case("pad_2", node("Pad", ["x"], ["y"], pads=[0, 1, 0, 1], mode="edge"), {"x": floats(2, 3)}, {"y": F32}, opset=10)
case("unsqueeze_1", node("Unsqueeze", ["x"], ["y"], axes=[-1, 0]), {"x": floats(3)}, {"y": F32}, opset=11)
case("top_k_1", node("TopK", ["x"], ["v", "j"], k=2, axis=0), {"x": floats(3, 2)}, {"v": F32, "j": I64}, opset=9)
print(sum(1 for _ in FOLDER.iterdir()), "tests")
