#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the modules of this folder again: python export_modules.py FOLDER (torch 2.15, onnx, ml_dtypes).

Each is one layer in a spelling that Hugging Face models have or had; outputs are those of eager PyTorch.
"""
import os
import sys

import ml_dtypes
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import numpy_helper

H, E, K, I = 22, 5, 2, 14  # width, experts, chosen ones, inner width: no two alike


def parameter(*shape):
    return nn.Parameter(torch.randn(*shape) / shape[-1] ** 0.5)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(1 + 0.2 * torch.randn(H))

    def forward(self, x):
        y = x.float()
        return self.w * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


class NarrowNorm(Norm):
    def forward(self, x):
        return self.w * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


class Stacked(nn.Module):
    """gpt-oss of transformers 4.5x: all experts at once."""

    def __init__(self):
        super().__init__()
        self.gu, self.gub, self.d, self.db = parameter(E, H, 2 * I), parameter(E, 2 * I), parameter(E, I, H), parameter(E, H)
        self.w, self.b, self.norm = parameter(E, H), parameter(E), Norm()

    def forward(self, x):
        batch, h = x.shape[0], self.norm(x).reshape(-1, H)
        logits = F.linear(h, self.w, self.b)
        value, ids = torch.topk(logits, K, dim=-1)
        weights = torch.zeros_like(logits).scatter_(1, ids, F.softmax(value, dim=1))
        gu = torch.bmm(h.repeat(E, 1).view(E, -1, H), self.gu) + self.gub[..., None, :]
        gate, up = gu[..., ::2].clamp(min=None, max=7.0), gu[..., 1::2].clamp(min=-7.0, max=7.0)
        out = torch.bmm((up + 1) * (gate * torch.sigmoid(gate * 1.702)), self.d) + self.db[..., None, :]
        out = out.view(E, batch, -1, H) * weights.transpose(0, 1).view(E, batch, -1)[..., None]
        return x + out.sum(dim=0)


class ScaledInput(nn.Module):
    """Llama 4, with more than one expert a token: the weights multiply the input."""

    def __init__(self):
        super().__init__()
        self.gu, self.d, self.w, self.norm = parameter(E, H, 2 * I), parameter(E, I, H), parameter(E, H), Norm()
        self.sg, self.su, self.sd = parameter(I, H), parameter(I, H), parameter(H, I)

    def forward(self, x):
        h = self.norm(x).reshape(-1, H)
        logits = F.linear(h, self.w)
        value, ids = torch.topk(logits, 3, dim=1)
        weights = torch.sigmoid(torch.full_like(logits, float("-inf")).scatter_(1, ids, value).float()).to(logits.dtype)
        rows = (h.repeat(E, 1) * weights.transpose(0, 1).reshape(-1, 1)).view(E, -1, H)
        gate, up = torch.bmm(rows, self.gu).chunk(2, dim=-1)
        out = torch.bmm(up * F.silu(gate), self.d).view(-1, H)
        shared = F.linear(F.silu(F.linear(h, self.sg)) * F.linear(h, self.su), self.sd)
        return x + (shared + out.reshape(E, -1, H).sum(dim=0)).view_as(x)


class Expert(nn.Module):
    def __init__(self, bias, limit=None):
        super().__init__()
        self.g, self.u, self.d, self.limit = nn.Linear(H, I, bias=bias), nn.Linear(H, I, bias=bias), nn.Linear(I, H, bias=bias), limit

    def forward(self, x):
        gate, up = self.g(x), self.u(x)
        if self.limit:
            gate, up = gate.clamp(max=self.limit), up.clamp(-self.limit, self.limit)
        return self.d(F.silu(gate) * up)


class Loop(nn.Module):
    """Mixtral of transformers 4.4x: each expert on the tokens that chose it."""

    def __init__(self, bias=False):
        super().__init__()
        self.e, self.w, self.norm = nn.ModuleList([Expert(bias) for _ in range(E)]), nn.Linear(H, E, bias=False), Norm()

    def forward(self, x):
        b, s, _ = x.shape
        h = self.norm(x).view(-1, H)
        weights, ids = torch.topk(F.softmax(self.w(h), dim=1, dtype=torch.float), K, dim=-1)
        weights = (weights / weights.sum(dim=-1, keepdim=True)).to(h.dtype)
        out = torch.zeros((b * s, H), dtype=h.dtype)
        mask = F.one_hot(ids, num_classes=E).permute(2, 1, 0)
        for j in range(E):
            slot, token = torch.where(mask[j])
            rows = self.e[j](h[None, token].reshape(-1, H)) * weights[token, slot, None]
            out.index_add_(0, token, rows.to(h.dtype))
        return x + out.reshape(b, s, H)


class OverwritingLoop(nn.Module):
    """The router and the limits of DeepSeek-V4, in a loop that reads and writes rows of the sum."""

    def __init__(self):
        super().__init__()
        self.e, self.w, self.b, self.norm = nn.ModuleList([Expert(False, 10.0) for _ in range(E)]), parameter(E, H), parameter(E), Norm()

    def forward(self, x):
        h = self.norm(x).view(-1, H)
        p = F.softplus(F.linear(h.float(), self.w.float())).sqrt()
        ids = torch.topk(p + self.b.float(), K, dim=-1)[1]
        weights = p.gather(1, ids)
        weights = weights / weights.sum(-1, keepdim=True) * 1.5
        out = torch.zeros_like(h)
        for j in range(E):
            token, slot = torch.where(ids == j)
            out[token] += self.e[j](h[token]) * weights[token, slot, None]
        return x + out.view(x.shape)


class Narrow(nn.Module):
    """All in the model's type: norm, router, experts whose weights are gathered."""

    def __init__(self):
        super().__init__()
        self.norm, self.w, self.d, self.gu = NarrowNorm(), nn.Linear(H, E, bias=False), parameter(E, H, I), parameter(E, 2 * I, H)

    def forward(self, x):
        h = self.norm(x).view(-1, H)
        p = torch.sigmoid(F.linear(h, self.w.weight))
        ids = torch.topk(p + self.w.weight[:, 0], K, -1)[1]
        weights = p.gather(1, ids)
        weights = weights / (weights.sum(-1, keepdim=True) + 1e-6) * 2.5
        flat = ids.reshape(-1)
        gate, up = torch.bmm(self.gu[flat], h.repeat_interleave(K, 0).unsqueeze(-1)).squeeze(-1).chunk(2, -1)
        out = torch.bmm(self.d[flat], (F.silu(gate) * up).unsqueeze(-1)).squeeze(-1) * weights.reshape(-1, 1)
        return x + out.view(-1, K, H).sum(1).view(x.shape)


MODULES = {
    "expert_loop_torchscript": (Loop, torch.float32, True),
    "expert_loop_overwriting": (OverwritingLoop, torch.float32, False),
    "expert_loop_biased": (lambda: Loop(bias=True), torch.float32, False),
    "experts_stacked": (Stacked, torch.float32, False),
    "experts_scaled_input": (ScaledInput, torch.float32, False),
    "experts_bf16": (Narrow, torch.bfloat16, False),
}


def to_numpy(tensor):
    tensor = tensor.contiguous()
    return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16) if tensor.dtype == torch.bfloat16 else tensor.numpy()


def main():
    for name, (make, dtype, script) in MODULES.items():
        torch.manual_seed(1)
        module, folder = make().eval().to(dtype), os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        path, x = os.path.join(folder, "model.onnx"), torch.randn(2, 7, H).to(dtype)
        if script:
            axes = {0: "batch", 1: "seq"}
            torch.onnx.export(module, (x,), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes={"x": axes, "y": axes})
        else:
            sizes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("seq")},)
            torch.onnx.export(module, (x,), path, dynamo=True, opset_version=20, external_data=False, input_names=["x"], output_names=["y"], dynamic_shapes=sizes)
        model = onnx.load(path)
        for node in model.graph.node:
            del node.metadata_props[:]
        onnx.save(model, path)
        for index, (batch, seq) in enumerate([(1, 6), (2, 5)]):
            x = torch.randn(batch, seq, H).to(dtype)
            with torch.no_grad():
                y = module(x)
            data = os.path.join(folder, f"test_data_set_{index}")
            os.makedirs(data, exist_ok=True)
            for kind, tensor, value in (("input", x, "x"), ("output", y, "y")):
                with open(f"{data}/{kind}_0.pb", "wb") as file:
                    file.write(numpy_helper.from_array(to_numpy(tensor), value).SerializeToString())


if __name__ == "__main__":
    main()
