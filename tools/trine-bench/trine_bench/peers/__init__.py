# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The contestants. A peer has `version`, prepare(case), before(), step(), outputs(), and may have `tolerances`.

`case` is a dictionary: what the problem set says about the step (problems.py).
"""

import importlib
import importlib.util

# Name -> (module, class, packages that must be installed).
PEERS = {
    "trine": ("trine", "TrinePeer", []),
    "onnxruntime": ("onnx_runtime", "ONNXRuntimePeer", ["onnxruntime"]),
    "pytorch": ("pytorch", "PyTorchPeer", ["torch", "transformers"]),
    "llama.cpp": ("llama_cpp", "LlamaCppPeer", ["llama_cpp", "gguf"]),
    "openblas": ("openblas", "OpenBLASPeer", []),
}


def missing_packages(name):
    """Packages that the peer needs and that are not installed."""
    return [package for package in PEERS[name][2] if importlib.util.find_spec(package) is None]


def load(name):
    module, peer, _ = PEERS[name]
    return getattr(importlib.import_module(f".{module}", __name__), peer)


class Peer:
    """What peers share: nothing happens before a step unless a peer says so."""

    version = ""

    def before(self):
        """Work between steps that is not timed."""
