# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rounds over contestants that wait in processes of their own."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np


class Contestant:
    """A worker process (worker.py) and what it is called in tables."""

    def __init__(self, name, peer, options, environment=None):
        self.name, self.peer, self.options = name, peer, options
        self.environment = environment or {}
        self.process = None

    def open(self):
        environment = dict(os.environ, **self.environment)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trine_bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        return self.ask(do="open", peer=self.peer, options=self.options)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            return {"error": f"the process ended with exit code {self.process.wait()}"}
        return json.loads(line)

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def summarize(seconds):
    ordered = sorted(seconds)
    return {"median": statistics.median(ordered), "minimum": ordered[0], "maximum": ordered[-1], "steps": len(ordered)}


def difference(expected, actual):
    """Largest error relative to the largest expected value, or the text of what makes the two incomparable."""
    if expected.shape != actual.shape:
        return f"sizes differ: expected {expected.shape}, got {actual.shape}"
    if expected.size == 0:
        return 0.0
    if not (np.isfinite(actual) == np.isfinite(expected)).all():
        return "one has a value that is not finite where the other has a number"
    scale = np.max(np.abs(expected.astype(np.float64)))
    return float(np.max(np.abs(expected.astype(np.float64) - actual.astype(np.float64))) / max(scale, 1e-30))


def compare(contestants, judge):
    """Compares every contestant's outputs with those of `judge`. Gives {name: text or None}; the tolerance is the package's own (docs/tolerances.md), twice, since
    the judge computes in f32 too and has an error of that size; a contestant that has none gets the judge's or the loosest of all."""
    with tempfile.TemporaryDirectory() as folder:
        results, tolerances, own = {}, {}, {}
        for contestant in contestants:
            file = os.path.join(folder, "outputs.npz")
            answer = contestant.ask(do="outputs", file=file)
            if "error" in answer:
                results[contestant.name] = answer["error"]
                continue
            with np.load(file) as arrays:
                results[contestant.name] = dict(arrays)
            own[contestant.name] = answer["tolerances"]
            for name, tolerance in answer["tolerances"].items():
                tolerances[name] = max(tolerances.get(name, 0.0), tolerance)
        verdicts = {}
        expected = results.get(judge)
        for name, outputs in results.items():
            verdicts[name] = None
            if isinstance(outputs, str):
                verdicts[name] = outputs
            elif isinstance(expected, dict) and name != judge:
                for output in outputs.keys() & expected.keys():
                    error = difference(expected[output], outputs[output])
                    loosest = tolerances.get(output, 1e-5)
                    limit = 2 * max(own[name].get(output, loosest), own[judge].get(output, 0.0))
                    if isinstance(error, str):
                        verdicts[name] = f"'{output}': {error}"
                    elif error > limit:
                        verdicts[name] = f"'{output}' differs from {judge} by {error:.2e}, expected at most {limit:.2e}"
        return verdicts


def run_case(contestants, case, judge, rounds, steps, spoil, progress, clock="wall"):
    """Times all contestants on a case. Gives {name: {"median": ..} or {"error": text}}. With `spoil` the judge gets inputs of another seed."""
    results, active = {}, []
    for contestant in contestants:
        progress(f"{case['name']}: {contestant.name}")
        seed = 1 if spoil and contestant.name == judge else 0
        answer = contestant.ask(do="case", case={**case, "seed": seed})
        if "error" not in answer:
            answer = contestant.ask(do="run", steps=1)  # unmeasured: caches, first allocations
        if "error" in answer:
            results[contestant.name] = {"error": answer["error"]}
        else:
            active.append(contestant)
    for name, problem in compare(active, judge).items():
        if problem:
            results[name] = {"error": "wrong: " + problem}
    active = [contestant for contestant in active if contestant.name not in results]
    seconds = {contestant.name: [] for contestant in active}
    for number in range(rounds):
        # Every second round goes the other way around.
        for contestant in active if number % 2 == 0 else reversed(active):
            answer = contestant.ask(do="run", steps=steps, clock=clock)
            if "error" in answer:
                results[contestant.name] = {"error": answer["error"]}
            else:
                # The first step of a turn finds the caches of another process.
                seconds[contestant.name] += answer["seconds"][1:] if steps > 1 else answer["seconds"]
    for name, times in seconds.items():
        if name not in results:
            results[name] = summarize(times)
    return results
