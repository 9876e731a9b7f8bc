#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs all tests of a built tree and prints one closing line: N passed, N failed.

Four kinds: checks of the source tree (tools/scripts/check_*.py), lit tests, the lit suite of IR once more with a round-trip check on
every trine-opt call, and GoogleTest programs.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIT = "/usr/lib/llvm-22/bin/lit"


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.left_out = collections.Counter()

    def add(self, name, good, text=""):
        if good:
            self.passed += 1
        else:
            self.failures.append(name)
            print(f"FAILED {name}\n{text}", flush=True)


def run_source_checks(tally):
    for script in sorted((ROOT / "tools/scripts").glob("check_*.py")):
        done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True)
        tally.add(script.name, done.returncode == 0, done.stdout + done.stderr)
    generator = ROOT / "tools/scripts/generate_onnx_operators.py"
    done = subprocess.run([sys.executable, generator, "--check"], cwd=ROOT, capture_output=True, text=True)
    tally.add("generate_onnx_operators.py --check", done.returncode == 0, done.stdout + done.stderr)


def run_lit(tally, build, label, folders, environment=None):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [LIT, "-q", "--output", report.name, "-j", str(os.cpu_count())]
        command += [str(build / "test" / f) for f in folders]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
        try:
            tests = json.load(open(report.name))["tests"]
        except (json.JSONDecodeError, KeyError):
            tally.add(f"{label}: lit did not run", False)
            return
    for test in tests:
        # What this machine or this call has not: NVRTC, ptxas, the long tests. Anything else that is not run is a failure.
        missing = re.search(r"unavailable features: (nvrtc|ptxas|full)\b", test["output"])
        if test["code"] == "UNSUPPORTED" and missing:
            tally.left_out[missing[1]] += 1
            continue
        tally.add(f"{label}: {test['name']}", test["code"] in ("PASS", "XFAIL"), test["output"])


def run_unit_tests(tally, build):
    for program in sorted((build / "unit").iterdir()):
        if not os.access(program, os.X_OK) or program.is_dir() or program.suffix:
            continue
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            done = subprocess.run([program, f"--gtest_output=json:{report.name}", "--gtest_brief=1"], cwd=ROOT, capture_output=True, text=True)
            try:
                suites = json.load(open(report.name))["testsuites"]
            except (json.JSONDecodeError, KeyError):
                tally.add(f"{program.name} ended with {done.returncode}", False, done.stdout + done.stderr)
                continue
        for suite in suites:
            for case in suite["testsuite"]:
                text = "\n".join(f["failure"] for f in case.get("failures", []))
                tally.add(f"{program.name}: {suite['name']}.{case['name']}", not case.get("failures"), text)


def run_fuzzers(tally):
    done = subprocess.run([ROOT / "tools/fuzz.sh", "readers", "60"], cwd=ROOT, capture_output=True, text=True)
    tally.add("tools/fuzz.sh readers 60", done.returncode == 0, done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="release")
    parser.add_argument("--full", action="store_true", help="also what takes longer than the budget of .ci/run")
    arguments = parser.parse_args()
    if arguments.full:
        os.environ["TRINE_FULL"] = "1"
    build = ROOT / "build" / arguments.preset
    tally = Tally()
    for label, step in [
        ("source checks", lambda: run_source_checks(tally)),
        ("lit", lambda: run_lit(tally, build, "lit", ["."])),
        ("lit, round trip", lambda: run_lit(tally, build, "round trip", ["Dialect", "Passes", "Pipeline"], {"TRINE_ROUNDTRIP": "1"})),
        ("unit tests", lambda: run_unit_tests(tally, build)),
    ] + ([("fuzzing", lambda: run_fuzzers(tally))] if arguments.full else []):
        started, before = time.time(), tally.passed + len(tally.failures)
        step()
        print(f"-- {label}: {tally.passed + len(tally.failures) - before} run in {time.time() - started:.0f} s", flush=True)
    for name in tally.failures:
        print(f"FAILED {name}")
    for feature, count in tally.left_out.items():
        print(f"left out: {count} tests that need '{feature}'" + (" (--full)" if feature == "full" else ""))
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
