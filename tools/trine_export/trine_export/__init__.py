# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of the ONNX domain `trine` for PyTorch models; see README.md."""
from .operators import *  # noqa: F401,F403
from .operators import __all__  # noqa: F401
