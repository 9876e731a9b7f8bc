# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy

from .. import inputs
from . import Peer


class OpenBLASPeer(Peer):
    """NumPy's matrix product, which is OpenBLAS in the wheels of PyPI."""

    def __init__(self, weight):
        self.weight = numpy.load(weight)
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        self.version = f"{blas['name']} {blas['version']}"

    def prepare(self, case):
        self.input = inputs.make(case)["x"]

    def step(self):
        self.result = self.input @ self.weight

    def outputs(self):
        return {"y": self.result}
