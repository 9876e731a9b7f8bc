# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small model of latent attention, mixture of experts and Engram, written with operators of the domain trine.

    python engram_paper.py OUTPUT.onnx

Weights are drawn in the order of the model that test/models/engram_paper was exported from, so that model's recorded data checks this one.
"""
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

import trine_export as trine

VOCABULARY, COMPRESSED, PAD = 160, 120, 2
WIDTH, LAYERS, HEADS = 64, 3, 4
QUERY_RANK, LATENT_RANK, NOPE, ROPE, VALUE = 24, 32, 16, 8, 16
EXPERTS, EXPERT_WIDTH, CHOSEN = 8, 32, 3
ENGRAM_LAYER, ORDER, HASH_HEADS, ROW_WIDTH, CONV_WIDTH = 1, 3, 2, 16, 4
# Published rules for layer 1 (seed 10007 · layer) and rows of at least 200.
MULTIPLIERS = None  # filled below
MODULI = [211, 223, 227, 229]


class RMSNorm(nn.Module):
    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(1 + 0.2 * torch.randn(width)), epsilon

    def forward(self, x):
        return trine.rms_norm(x, self.weight, epsilon=self.epsilon)


def linear(inner, outer, bias=False):
    layer = nn.Linear(inner, outer, bias=bias)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(inner))
    if bias:
        nn.init.normal_(layer.bias, std=0.1)
    return layer


class Engram(nn.Module):
    def __init__(self):
        super().__init__()
        width = (ORDER - 1) * HASH_HEADS * ROW_WIDTH
        self.table = nn.Parameter(torch.randn(sum(MODULI), ROW_WIDTH) * 0.5)
        self.key, self.value = linear(width, WIDTH, True), linear(width, WIDTH, True)
        self.key_norm, self.query_norm, self.conv_norm = (RMSNorm(WIDTH, 1e-5) for _ in range(3))
        self.conv = nn.Conv1d(WIDTH, WIDTH, CONV_WIDTH, groups=WIDTH, dilation=ORDER, bias=False)
        nn.init.normal_(self.conv.weight, std=0.4)

    def forward(self, h, input_ids, history, token_map, state):
        offsets = [sum(MODULI[:i]) for i in range(len(MODULI))]
        rows, history = trine.engram_hash(input_ids, history, token_map, max_order=ORDER, heads=HASH_HEADS, multipliers=MULTIPLIERS, moduli=MODULI, offsets=offsets, pad=PAD)
        e = trine.engram_lookup(rows, self.table).flatten(-2)
        gated = trine.engram_gate(self.key(e).unsqueeze(2), h.unsqueeze(2), self.value(e), self.key_norm.weight.unsqueeze(0), self.query_norm.weight.unsqueeze(0), epsilon=1e-5).squeeze(2)
        y, state = trine.engram_conv(self.conv_norm(gated), state, self.conv.weight.squeeze(1), dilation=ORDER)
        return h + gated + F.silu(y), history, state


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_a, self.q_norm, self.q_b = linear(WIDTH, QUERY_RANK), RMSNorm(QUERY_RANK), linear(QUERY_RANK, HEADS * (NOPE + ROPE))
        self.kv_a, self.kv_norm, self.kv_b = linear(WIDTH, LATENT_RANK + ROPE), RMSNorm(LATENT_RANK), linear(LATENT_RANK, HEADS * (NOPE + VALUE))
        self.out = linear(HEADS * VALUE, WIDTH)

    def forward(self, x, cos, sin, past_latent, past_rope):
        batch, length, _ = x.shape
        q = self.q_b(self.q_norm(self.q_a(x))).view(batch, length, HEADS, NOPE + ROPE).transpose(1, 2)
        q_nope, q_rope = q.split([NOPE, ROPE], -1)
        latent, k_rope = self.kv_a(x).split([LATENT_RANK, ROPE], -1)
        q_rope, k_rope = (trine.rope(part, cos, sin, pairing="interleaved") for part in (q_rope, k_rope.unsqueeze(1)))
        latent, k_rope = torch.cat([past_latent, self.kv_norm(latent)], 1), torch.cat([past_rope, k_rope], 2)
        w = self.kv_b.weight.view(HEADS, NOPE + VALUE, LATENT_RANK).permute(2, 0, 1)
        o, _ = trine.mla_attention(q_nope, q_rope, latent, k_rope.squeeze(1), w[..., :NOPE], w[..., NOPE:], scale=(NOPE + ROPE) ** -0.5)
        return self.out(o.transpose(1, 2).reshape(batch, length, HEADS * VALUE)), latent, k_rope


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.bias = nn.Parameter(torch.randn(EXPERTS, WIDTH) / math.sqrt(WIDTH)), nn.Parameter(0.05 * torch.randn(EXPERTS))
        self.gate_up = nn.Parameter(torch.randn(EXPERTS, 2 * EXPERT_WIDTH, WIDTH) / math.sqrt(WIDTH))
        self.down = nn.Parameter(torch.randn(EXPERTS, WIDTH, EXPERT_WIDTH) / math.sqrt(EXPERT_WIDTH))
        self.shared = nn.ModuleList([linear(WIDTH, EXPERT_WIDTH), linear(WIDTH, EXPERT_WIDTH), linear(EXPERT_WIDTH, WIDTH)])

    def forward(self, x):
        tokens = x.reshape(-1, WIDTH)
        ids, weights = trine.moe_route(F.linear(tokens, self.gate), self.bias, scoring="sigmoid", k=CHOSEN, renormalize=True, epsilon=1e-20, scale=2.5, scale_position="before_division")
        y = trine.moe_experts(tokens, ids, weights, self.gate_up, self.down)
        gate, up, down = self.shared
        return (y + down(F.silu(gate(tokens)) * up(tokens))).view(x.shape)


class Block(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.engram = Engram() if layer == ENGRAM_LAYER else None
        self.attention_norm, self.experts_norm, self.attention, self.experts = RMSNorm(WIDTH), RMSNorm(WIDTH), Attention(), Experts()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(VOCABULARY, WIDTH) * 0.7)
        extra = torch.randint(0, COMPRESSED, (VOCABULARY - COMPRESSED,), generator=torch.Generator().manual_seed(7))
        self.register_buffer("token_map", torch.cat([torch.arange(COMPRESSED), extra]))
        self.blocks = nn.ModuleList(Block(layer) for layer in range(LAYERS))
        self.norm, self.head = RMSNorm(WIDTH), linear(WIDTH, VOCABULARY)
        self.register_buffer("frequencies", 1.0 / (10000.0 ** (torch.arange(0, ROPE, 2).float() / ROPE)))

    def forward(self, input_ids, position_ids, history, latents, ropes, states):
        h = F.embedding(input_ids, self.embedding)
        angles = (position_ids.unsqueeze(-1).float() * self.frequencies).unsqueeze(1)
        cos, sin, new_latents, new_ropes = angles.cos(), angles.sin(), [], []
        for block, latent, k_rope in zip(self.blocks, latents, ropes):
            if block.engram is not None:
                h, history, state = block.engram(h, input_ids, history, self.token_map, states[0])
            y, latent, k_rope = block.attention(block.attention_norm(h), cos, sin, latent, k_rope)
            h = h + y
            h = h + block.experts(block.experts_norm(h))
            new_latents.append(latent)
            new_ropes.append(k_rope)
        return self.head(self.norm(h)), history, new_latents, new_ropes, [state]


def multipliers(layer):
    import numpy as np

    bound = max(1, ((2**63 - 1) // COMPRESSED) // 2)
    return [int(m) * 2 + 1 for m in np.random.default_rng(10007 * layer).integers(0, bound, size=ORDER, dtype=np.int64)]


if __name__ == "__main__":
    MULTIPLIERS = multipliers(ENGRAM_LAYER)
    torch.manual_seed(0)
    model = Model().eval()
    batch, length, past = 2, 5, 3
    ids = torch.randint(3, VOCABULARY, (batch, length))
    arguments = (
        ids, torch.arange(past, past + length).expand(batch, length).contiguous(), torch.full((batch, ORDER - 1), PAD),
        [torch.randn(batch, past, LATENT_RANK) for _ in range(LAYERS)], [torch.randn(batch, 1, past, ROPE) for _ in range(LAYERS)],
        [torch.zeros(batch, (CONV_WIDTH - 1) * ORDER, WIDTH)],
    )
    b, s, t = torch.export.Dim("batch"), torch.export.Dim("seq"), torch.export.Dim("past")
    shapes = ({0: b, 1: s}, {0: b, 1: s}, {0: b}, [{0: b, 1: t}] * LAYERS, [{0: b, 2: t}] * LAYERS, [{0: b}])
    layers = range(LAYERS)
    inputs = ["input_ids", "position_ids", "history", *(f"past.{i}.latent" for i in layers), *(f"past.{i}.k_rope" for i in layers), f"past.{ENGRAM_LAYER}.conv"]
    outputs = ["logits", "present_history", *(f"present.{i}.latent" for i in layers), *(f"present.{i}.k_rope" for i in layers), f"present.{ENGRAM_LAYER}.conv"]
    program = torch.onnx.export(model, arguments, dynamo=True, opset_version=20, dynamic_shapes=shapes, input_names=inputs, output_names=outputs)
    program.save(sys.argv[1], external_data=False)
