# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A contestant's process. Reads one JSON request per line, answers with one JSON line.

  {"do": "open", "peer": NAME, "options": {...}}   loads the model          -> {"seconds": s, "version": text}
  {"do": "case", "case": {...}}                    makes the case's inputs  -> {}
  {"do": "run", "steps": n, "clock": CLOCK}        runs n steps             -> {"seconds": [s, ...]}
  {"do": "outputs", "file": path}                  writes the last outputs  -> {"tolerances": {name: relative}}

An answer with "error" is a sentence for people; the process goes on.
"""

import json
import os
import sys
import time

import numpy as np

from . import machine, peers


class Worker:
    def open(self, peer, options):
        begin = time.perf_counter()
        self.peer = peers.load(peer)(**options)
        return {"seconds": time.perf_counter() - begin, "version": self.peer.version}

    def case(self, case):
        self.peer.prepare(case)
        return {}

    def run(self, steps, clock="wall"):
        now = machine.CLOCKS[clock]
        seconds = []
        for _ in range(steps):
            self.peer.before()
            begin = now()
            self.peer.step()
            seconds.append(now() - begin)
        return {"seconds": seconds}

    def outputs(self, file):
        np.savez(file, **self.peer.outputs())
        return {"tolerances": getattr(self.peer, "tolerances", {})}


def main():
    # Peers print what they like; answers go to where the standard output was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # whatever a peer raises is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
