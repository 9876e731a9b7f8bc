# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One function per operator. Sizes are those of docs/trine-domain.md; absent operands are None."""
import torch

__all__ = [
    "attention", "engram_conv", "engram_gate", "engram_hash", "engram_lookup", "gated_mlp", "hyper_combine", "hyper_mix", "merge", "mla_attention", "moe_experts", "moe_route",
    "rms_norm", "rope",
]


def _emit(operator, operands, attributes, results):
    """One node. `results` are pairs of a type and a shape; absent attributes are None, absent operands at the end are left out."""
    operands = list(operands)
    while operands and operands[-1] is None:
        operands.pop()
    attributes = {name: int(value) if isinstance(value, bool) else value for name, value in attributes.items() if value is not None and value is not False}
    values = torch.onnx.ops.symbolic_multi_out(f"trine::{operator}", operands, attributes, dtypes=[dtype for dtype, _ in results], shapes=[tuple(shape) for _, shape in results], version=1)
    return values[0] if len(results) == 1 else tuple(values)


def rms_norm(input, weight=None, *, epsilon, compute_type="f32", cast="before_weight"):
    """input · rsqrt(mean(input²) + epsilon) · weight over the last dimension."""
    return _emit("RMSNorm", [input, weight], dict(epsilon=float(epsilon), compute_type=compute_type, cast=cast), [(input.dtype, input.shape)])


def rope(input, cos, sin, *, pairing, layout="in_place", begin=0):
    """Rotates pairs of the last dimension by tables of half its (rotated) width."""
    return _emit("Rope", [input, cos, sin], dict(pairing=pairing, layout=layout, begin=begin), [(input.dtype, input.shape)])


def attention(query, key, value, mask=None, offset=None, partial=None, *, more_queries=(), more_keys=(), scale, mask_kind="none", masked_row="zero", soft_cap=None):
    """query [B,H,S,K], key [B,G,T,K], value [B,G,T,V] -> output [B,H,S,V], lse [B,H,S]; scores of `more_queries` on `more_keys` are added. With `partial` [P,B,H,S,V]:
    parts to be merged, P in front."""
    shape = partial.shape if partial is not None else (*query.shape[:3], value.shape[3])
    dtype = partial.dtype if partial is not None else query.dtype
    operands = [query, key, value, mask, offset]
    if partial is not None or more_queries:
        operands += [partial, *more_queries, *more_keys]
    attributes = dict(scale=float(scale), mask_kind=mask_kind, masked_row=masked_row, soft_cap=soft_cap)
    return _emit("Attention", operands, attributes, [(dtype, shape), (torch.float32, shape[:-1])])


def mla_attention(q_nope, q_rope, latent, k_rope, w_uk, w_uv, mask=None, offset=None, *, scale, mask_kind="causal", masked_row="zero", form="by_shape", soft_cap=None):
    """q_nope [B,H,S,N], q_rope [B,H,S,P], latent [B,T,R], k_rope [B,T,P], w_uk [R,H,N], w_uv [R,H,V] -> output [B,H,S,V], lse [B,H,S]."""
    outer = q_nope.shape[:3]
    attributes = dict(scale=float(scale), mask_kind=mask_kind, masked_row=masked_row, form=form, soft_cap=soft_cap)
    operands = [q_nope, q_rope, latent, k_rope, w_uk, w_uv, mask, offset]
    return _emit("MLAAttention", operands, attributes, [(q_nope.dtype, (*outer, w_uv.shape[2])), (torch.float32, outer)])


def merge(outputs, lses):
    """Joins partial attentions by their log-sum-exp."""
    return _emit("Merge", [*outputs, *lses], {}, [(outputs[0].dtype, outputs[0].shape), (torch.float32, lses[0].shape)])


def moe_route(logits, bias=None, token_ids=None, table=None, *, scoring, k, groups=1, kept_groups=1, group_score="max", masked_score="zero", weights_from_choice=False, renormalize=False,
              epsilon=0.0, scale=1.0, scale_position="after_division", rounded=False):
    """logits [N,E] -> ids [N,k] i64, weights [N,k] f32."""
    shape = (logits.shape[0], k)
    attributes = dict(scoring=scoring, k=k, groups=groups, kept_groups=kept_groups, group_score=group_score, masked_score=masked_score, weights_from_choice=weights_from_choice,
                      renormalize=renormalize, epsilon=float(epsilon), scale=float(scale), scale_position=scale_position, rounded=rounded)
    return _emit("MoERoute", [logits, bias, token_ids, table], attributes, [(torch.int64, shape), (torch.float32, shape)])


def moe_experts(input, ids, weights, w_gate_up, w_down, b_gate_up=None, b_down=None, *, activation="silu_gated", gate_up="concatenated", clamp=None, alpha=None, beta=None, identity_experts=0):
    """input [N,D], ids and weights [N,k], w_gate_up [E,G,D], w_down [E,D,I] -> [N,D]."""
    attributes = dict(activation=activation, gate_up=gate_up, clamp=clamp, alpha=alpha, beta=beta, identity_experts=identity_experts)
    return _emit("MoEExperts", [input, ids, weights, w_gate_up, w_down, b_gate_up, b_down], attributes, [(input.dtype, input.shape)])


def gated_mlp(input, w_gate, w_down, w_up=None, b_gate=None, b_up=None, b_down=None, *, activation="silu_gated", gate_up=None, clamp=None, alpha=None, beta=None):
    """A dense MLP with weights as docs/trine-domain.md has them -> input's sizes with the last one that of w_down's second."""
    return _emit("GatedMLP", [input, w_gate, w_down, w_up, b_gate, b_up, b_down], dict(activation=activation, gate_up=gate_up, clamp=clamp, alpha=alpha, beta=beta),
                 [(input.dtype, (*input.shape[:-1], w_down.shape[1]))])


def engram_hash(token_ids, history=None, token_map=None, *, max_order, heads, multipliers, moduli, offsets, pad, reset="never", reset_token=None, wrap="twos_complement"):
    """token_ids [B,S], history [B,N-1], token_map [V] -> rows [B,S,(N-1)·heads], present [B,N-1]."""
    batch, length = token_ids.shape
    attributes = dict(max_order=max_order, heads=heads, multipliers=[int(m) for m in multipliers], moduli=[int(m) for m in moduli], offsets=[int(o) for o in offsets], pad=pad, reset=reset,
                      reset_token=reset_token, wrap=wrap)
    return _emit("EngramHash", [token_ids, history, token_map], attributes,
                 [(torch.int64, (batch, length, (max_order - 1) * heads)), (torch.int64, (batch, max_order - 1))])


def engram_lookup(rows, table, scales=None):
    """rows [...], table [R,W] -> [...,W]."""
    return _emit("EngramLookup", [rows, table, scales], {}, [(table.dtype if scales is None else torch.float32, (*rows.shape, table.shape[1]))])


def engram_gate(key, query, value, key_weight, query_weight, *, epsilon, root="sign", floor=1e-6):
    """key and query [B,S,M,D], value [B,S,D], weights [M,D] -> [B,S,M,D]."""
    return _emit("EngramGate", [key, query, value, key_weight, query_weight], dict(epsilon=float(epsilon), root=root, floor=float(floor)), [(key.dtype, key.shape)])


def engram_conv(input, state, weight, *, dilation):
    """input [B,S,C], state [B,(w-1)·dilation,C], weight [C,w] -> result [B,S,C], present state."""
    return _emit("EngramConv", [input, state, weight], dict(dilation=dilation), [(input.dtype, input.shape), (state.dtype, state.shape)])


def hyper_mix(streams, projection, scale, bias, *, rounds, epsilon, norm_epsilon):
    """streams [B,S,M,D], projection [2M+M²,M·D], scale [3], bias [2M+M²] -> mixed [B,S,D], post [B,S,M], comb [B,S,M,M]."""
    batch, length, count, width = streams.shape
    attributes = dict(rounds=rounds, epsilon=float(epsilon), norm_epsilon=float(norm_epsilon))
    return _emit("HyperMix", [streams, projection, scale, bias], attributes,
                 [(streams.dtype, (batch, length, width)), (streams.dtype, (batch, length, count)), (streams.dtype, (batch, length, count, count))])


def hyper_combine(streams, output, post, comb):
    """The streams after a sub-layer -> [B,S,M,D]."""
    return _emit("HyperCombine", [streams, output, post, comb], {}, [(streams.dtype, streams.shape)])
