# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
from .. import inputs
from ..runtime import Session
from . import Peer


class TrinePeer(Peer):
    def __init__(self, library, package, threads):
        self.session = Session(library, package, threads)
        self.tolerances = self.session.tolerances
        self.version = "this tree"

    def prepare(self, case):
        self.session.bind(inputs.make(case))

    def step(self):
        self.session.run()

    def outputs(self):
        return self.session.outputs()
