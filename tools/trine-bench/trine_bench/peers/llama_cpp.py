# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import ctypes
import os

import gguf
import llama_cpp
import numpy as np

from .. import slice_model as sizes
from . import Peer

_QUERY_RANK = 1536  # llama.cpp asks for a compressed query in models of few layers


def write_model(path, element):
    """A GGUF of the slice's sizes with random weights, matrices in f32 or bf16. Written aside, then renamed."""
    generator = np.random.default_rng(0)
    kind = {"f32": gguf.GGMLQuantizationType.F32, "bf16": gguf.GGMLQuantizationType.BF16}[element]
    writer = gguf.GGUFWriter(path + ".part", "deepseek2")
    for key, value in {
        "block_count": sizes.LAYERS,
        "context_length": 32768,
        "embedding_length": sizes.HIDDEN,
        "feed_forward_length": sizes.DENSE,
        "head_count": sizes.HEADS,
        "head_count_kv": 1,
        "layer_norm_rms_eps": 1e-6,
        "rope_freq_base": 10000.0,
        "leading_dense_block_count": 1,
        "vocab_size": sizes.VOCABULARY,
        "q_lora_rank": _QUERY_RANK,
        "kv_lora_rank": sizes.LATENT,
        "key_length": sizes.LATENT + sizes.ROPE,
        "value_length": sizes.LATENT,
        "key_length_mla": sizes.NOPE + sizes.ROPE,
        "value_length_mla": sizes.VALUE,
        "expert_feed_forward_length": sizes.EXPERT,
        "expert_count": sizes.EXPERTS,
        "expert_used_count": sizes.CHOSEN,
        "expert_shared_count": sizes.SHARED,
        "expert_weights_scale": 1.0,
        "expert_weights_norm": False,
        "expert_gating_func": gguf.ExpertGatingFuncType.SOFTMAX,
        "rope_dimension_count": sizes.ROPE,
        "tokenizer_model": "none",
    }.items():
        getattr(writer, "add_" + key)(value)

    def matrix(name, *shape):
        values = generator.standard_normal(shape, dtype=np.float32) * shape[-1] ** -0.5
        writer.add_tensor(name + ".weight", gguf.quants.quantize(values, kind), raw_dtype=kind)

    def ones(name, size):
        writer.add_tensor(name + ".weight", np.ones(size, np.float32))

    hidden, heads = sizes.HIDDEN, sizes.HEADS
    matrix("token_embd", sizes.VOCABULARY, hidden)
    ones("output_norm", hidden)
    matrix("output", sizes.VOCABULARY, hidden)
    for layer in range(sizes.LAYERS):
        prefix = f"blk.{layer}."
        for name, size in (("attn_norm", hidden), ("attn_q_a_norm", _QUERY_RANK), ("attn_kv_a_norm", sizes.LATENT), ("ffn_norm", hidden)):
            ones(prefix + name, size)
        matrix(prefix + "attn_q_a", _QUERY_RANK, hidden)
        matrix(prefix + "attn_q_b", heads * (sizes.NOPE + sizes.ROPE), _QUERY_RANK)
        matrix(prefix + "attn_kv_a_mqa", sizes.LATENT + sizes.ROPE, hidden)
        matrix(prefix + "attn_k_b", heads, sizes.LATENT, sizes.NOPE)
        matrix(prefix + "attn_v_b", heads, sizes.VALUE, sizes.LATENT)
        matrix(prefix + "attn_output", hidden, heads * sizes.VALUE)
        if layer == 0:
            blocks = {"": (sizes.DENSE,)}
        else:
            writer.add_tensor(prefix + "ffn_gate_inp.weight", (generator.standard_normal((sizes.EXPERTS, hidden)) * hidden**-0.5).astype(np.float32))
            blocks = {"_exps": (sizes.EXPERTS, sizes.EXPERT), "_shexp": (sizes.SHARED * sizes.EXPERT,)}
        for suffix, (*outer, inner) in blocks.items():
            matrix(prefix + "ffn_gate" + suffix, *outer, inner, hidden)
            matrix(prefix + "ffn_up" + suffix, *outer, inner, hidden)
            matrix(prefix + "ffn_down" + suffix, *outer, hidden, inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.rename(path + ".part", path)


@llama_cpp.llama_log_callback
def _silent(level, text, data):
    pass


class LlamaCppPeer(Peer):
    """llama.cpp through llama-cpp-python on a file of the same sizes, with weights of its own: its results are not compared."""

    def __init__(self, file, element, threads):
        self.threads = threads
        if not os.path.exists(file):
            write_model(file, element)
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(file.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not load '{file}'")
        self.version = f"llama-cpp-python {llama_cpp.__version__}"
        self.context = None
        self.generator = np.random.default_rng(0)

    def prepare(self, case):
        if self.context:
            llama_cpp.llama_free(self.context)
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = (case["past"] + case["new"] + 256) * case["batch"]
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.n_seq_max = case["batch"]
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.sequences = range(case["batch"])
        self.new, self.past = case["new"], case["past"]
        for sequence in self.sequences:
            for position in range(0, self.past, 256):
                self._decode(min(256, self.past - position), position, [sequence])

    def _decode(self, count, position, sequences):
        batch = llama_cpp.llama_batch_init(count * len(sequences), 0, len(sequences))
        batch.n_tokens = count * len(sequences)
        for index in range(batch.n_tokens):
            batch.token[index] = int(self.generator.integers(3, sizes.VOCABULARY))
            batch.pos[index] = position + index % count
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequences[index // count]
            batch.logits[index] = index % count == count - 1
        status = llama_cpp.llama_decode(self.context, batch)
        llama_cpp.llama_synchronize(self.context)
        llama_cpp.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError(f"llama_decode gave {status}")

    def before(self):
        memory = llama_cpp.llama_get_memory(self.context)
        for sequence in self.sequences:
            llama_cpp.llama_memory_seq_rm(memory, sequence, self.past, -1)

    def step(self):
        self._decode(self.new, self.past, list(self.sequences))

    def outputs(self):
        return {}
