# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two layers of DeepSeek-V2-Lite at their real sizes (one dense, one of 64 experts), a small vocabulary, random weights. Needs torch and transformers.

usage: python -m trine_bench.slice_model FOLDER    writes FOLDER/model.onnx as Transformers' exporter does
"""

import logging
import os
import shutil
import sys
import warnings

LAYERS, HEADS, HIDDEN, VOCABULARY = 2, 16, 2048, 1024
LATENT, ROPE, NOPE, VALUE = 512, 64, 128, 128
DENSE, EXPERT, EXPERTS, CHOSEN, SHARED = 10944, 1408, 64, 6, 2


def build():
    """The model, with the weights of seed 0."""
    import torch
    from transformers import DeepseekV2Config, DeepseekV2ForCausalLM

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    config = DeepseekV2Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        intermediate_size=DENSE,
        moe_intermediate_size=EXPERT,
        n_routed_experts=EXPERTS,
        num_experts_per_tok=CHOSEN,
        n_shared_experts=SHARED,
        first_k_dense_replace=1,
        q_lora_rank=None,
        kv_lora_rank=LATENT,
        qk_nope_head_dim=NOPE,
        qk_rope_head_dim=ROPE,
        v_head_dim=VALUE,
        n_group=1,
        topk_group=1,
        topk_method="greedy",
        routed_scaling_factor=1.0,
        max_position_embeddings=32768,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = DeepseekV2ForCausalLM(config).eval()
    for name, parameter in model.named_parameters():
        ones = "norm" in name
        parameter.data = torch.ones_like(parameter) if ones else torch.randn(parameter.shape) * parameter.shape[-1] ** -0.5
    return model


def export(folder):
    import torch
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    model = build()
    model.set_experts_implementation("grouped_mm")
    ids = torch.randint(3, VOCABULARY, (2, 7))
    exporter = OnnxExporter()
    exported = exporter.export_for_generation(
        model, dict(input_ids=ids, attention_mask=torch.ones_like(ids)), OnnxConfig(dynamic=True), multi_token_decode=True
    )
    aside = folder + ".part"
    shutil.rmtree(aside, ignore_errors=True)
    exported.save_pretrained(aside)
    for name in ("prefill.onnx", "prefill.onnx.data"):
        os.remove(os.path.join(aside, name))
    os.rename(os.path.join(aside, "decode.onnx"), os.path.join(aside, "model.onnx"))
    os.rename(aside, folder)


def inputs(batch, new, past):
    """How the inputs of a step are filled (inputs.py)."""
    specs = [
        {"name": "input_ids", "type": "i8", "sizes": [batch, new], "fill": "tokens", "limit": VOCABULARY},
        {"name": "position_ids", "type": "i8", "sizes": [batch, new], "fill": "positions", "start": past},
    ]
    for layer in range(LAYERS):
        for part, width in (("keys", LATENT), ("values", ROPE)):
            specs.append(
                {
                    "name": f"input.past_key_values.layers.{layer}.{part}",
                    "type": "f4",
                    "sizes": [batch, 1, past, width],
                    "fill": "normal",
                }
            )
    return specs


def bytes_read(batch, new, past, weight_bytes, expert_share):
    """Bytes that a step must read at least: dense weights, the chosen share of experts, the cache (f32)."""
    attention = HIDDEN * (HEADS * (NOPE + ROPE) + LATENT + ROPE) + LATENT * HEADS * (NOPE + VALUE) + HEADS * VALUE * HIDDEN
    dense = LAYERS * attention + 3 * HIDDEN * DENSE + 3 * HIDDEN * SHARED * EXPERT + HIDDEN * (VOCABULARY + EXPERTS)
    experts = expert_share * EXPERTS * 3 * HIDDEN * EXPERT
    return (dense + experts) * weight_bytes + LAYERS * batch * (past + new) * (LATENT + ROPE) * 4


def operations(batch, new, past):
    """Operations of a step: each token through the dense weights and its experts, and attention in the form that needs fewer."""
    projections = HIDDEN * (HEADS * (NOPE + ROPE) + LATENT + ROPE) + HEADS * VALUE * HIDDEN
    dense = LAYERS * projections + 3 * HIDDEN * DENSE + 3 * HIDDEN * SHARED * EXPERT + HIDDEN * (VOCABULARY + EXPERTS)
    experts = CHOSEN * 3 * HIDDEN * EXPERT
    pairs = new * past + new * (new + 1) // 2
    heads = LATENT * HEADS * (NOPE + VALUE)
    absorbed = new * heads + pairs * HEADS * (2 * LATENT + ROPE)
    decompressed = (past + new) * heads + pairs * HEADS * (NOPE + ROPE + VALUE)
    return 2 * batch * (new * (dense + experts) + LAYERS * min(absorbed, decompressed))


if __name__ == "__main__":
    export(sys.argv[1])
