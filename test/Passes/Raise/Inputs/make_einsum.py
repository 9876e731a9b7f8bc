# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes model.onnx and a data set into a folder: Einsum over two tensors, one node for each equation. What is expected comes from numpy."""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIZES = dict(b=2, s=3, h=4, d=5, c=6, t=7, e=3, i=5, k=2, o=4, j=3, n=1, m=1)
SYMBOLS = "bst"
EQUATIONS = """bshc,btc->bsht bshd,bthd->bsht bshd,hdc->bshc bsht,btc->bshc bsht,bthd->bshd bshc,hdc->bshd td,eid->tei tei,edi->ted ted,te->td
bsd,hkd->bshk bshd,hdo->bso td,tkid->tki tki,tkdi->tkd tkd,tk->td bsij,bsjd->bsid ki,kj->ij bd,bd->b i,j->ij bi,i->b i,i-> ij,ij-> bnm,bm->bn
hd,bd->bh bshd,bshd->bsh bts,bsd->dbt b,bs->sb""".split()

folder = sys.argv[1]
random = np.random.default_rng(1)
nodes, inputs, outputs, given, expected = [], [], [], [], []
for position, equation in enumerate(EQUATIONS):
    names = [f"{side}{position}" for side in "xyz"]
    letters = [*equation.split("->")[0].split(","), equation.split("->")[1]]
    arrays = [random.standard_normal([SIZES[l] for l in side]).astype(np.float32) for side in letters[:2]]
    arrays.append(np.asarray(np.einsum(equation, *arrays), np.float32))
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [l if l in SYMBOLS else SIZES[l] for l in side]) for n, side in zip(names, letters)]
    nodes.append(helper.make_node("Einsum", names[:2], names[2:], equation=equation))
    inputs += infos[:2]
    outputs += infos[2:]
    given += arrays[:2]
    expected += arrays[2:]
model = helper.make_model(helper.make_graph(nodes, "products", inputs, outputs), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
data = os.path.join(folder, "test_data_set_0")
os.makedirs(data)
save(model, os.path.join(folder, "model.onnx"))
for kind, tensors, infos in (("input", given, inputs), ("output", expected, outputs)):
    for index, (tensor, info) in enumerate(zip(tensors, infos)):
        with open(os.path.join(data, f"{kind}_{index}.pb"), "wb") as file:
            file.write(numpy_helper.from_array(tensor, info.name).SerializeToString())
