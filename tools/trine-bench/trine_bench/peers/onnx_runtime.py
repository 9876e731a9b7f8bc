# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import onnxruntime

from .. import inputs
from . import Peer


class ONNXRuntimePeer(Peer):
    """ONNX Runtime on the file that the exporter wrote."""

    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.version = onnxruntime.__version__

    def prepare(self, case):
        self.inputs = inputs.make(case)

    def step(self):
        self.results = self.session.run(None, self.inputs)

    def outputs(self):
        return dict(zip(self.names, self.results))
