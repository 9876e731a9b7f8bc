# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import torch
import transformers
from transformers import DynamicCache

from .. import inputs, slice_model
from . import Peer


class PyTorchPeer(Peer):
    """PyTorch on the model that the slice was exported from: same seed, same weights. `form`: "eager" (one loop over experts), "grouped_mm", "batched_mm", or
    "compiled" (torch.compile of grouped_mm)."""

    def __init__(self, form, threads):
        torch.set_num_threads(threads)
        self.model = slice_model.build()
        self.model.set_experts_implementation("grouped_mm" if form == "compiled" else form)
        self.call = torch.compile(self.model, dynamic=False) if form == "compiled" else self.model
        self.version = f"{torch.__version__}, transformers {transformers.__version__}"

    def prepare(self, case):
        self.arrays = {name: torch.from_numpy(array) for name, array in inputs.make(case).items()}

    def before(self):
        self.cache = DynamicCache(config=self.model.config)
        for layer in range(self.model.config.num_hidden_layers):
            keys, values = (self.arrays[f"input.past_key_values.layers.{layer}.{part}"] for part in ("keys", "values"))
            if keys.shape[2]:
                self.cache.update(keys.clone(), values.clone(), layer)

    def step(self):
        with torch.no_grad():
            self.logits = self.call(
                input_ids=self.arrays["input_ids"], position_ids=self.arrays["position_ids"], past_key_values=self.cache, use_cache=True
            ).logits

    def outputs(self):
        return {"logits": self.logits.numpy()}
