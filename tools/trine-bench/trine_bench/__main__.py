# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import argparse
import json
import os
import platform
import sys

if "processor" in sys.argv or "--clock=processor" in sys.argv:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy reads it when it is imported

from . import machine, measure, peers, problems, table  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PEERS = ["onnxruntime", "pytorch", "llama.cpp", "openblas"]


def parse():
    parser = argparse.ArgumentParser(
        prog="trine-bench",
        description="Times compiled packages beside other runtimes, in turns, on the same cores, after comparing results. A peer whose Python packages are not "
        "installed is left out, and said so.",
    )
    parser.add_argument("set", choices=sorted(problems.SETS), help="problem set")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated: onnxruntime, pytorch, pytorch-compiled, llama.cpp, openblas, none; default: %(default)s")
    parser.add_argument("--bf16", action="store_true", help="also packages and peers whose weights are bfloat16")
    parser.add_argument("--threads", type=int, default=machine.cores(), help="default: all cores this process may use (%(default)s)")
    parser.add_argument("--cpu", default="native", help="as for trine-compile; default: %(default)s")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="build folder; default: %(default)s")
    parser.add_argument("--cache", default=os.path.join(ROOT, "build", "bench"), help="models and packages; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contestant; default: %(default)s")
    parser.add_argument("--steps", type=int, default=3, help="steps per turn, of which the first is not counted; default: %(default)s")
    parser.add_argument(
        "--clock",
        choices=sorted(machine.CLOCKS),
        default="wall",
        help="processor: the time that a process computes, for a busy machine; with --threads 1 alone; default: %(default)s",
    )
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    parser.add_argument("--spoil", action="store_true", help="gives the judge other inputs than the rest, to see that the comparison works")
    parser.add_argument("--json", metavar="FILE", help="writes everything that was measured")
    options = parser.parse_args()
    if options.clock == "processor" and options.threads != 1:
        parser.error(f"'--clock processor' needs '--threads 1', got {options.threads}")
    return options


def choose_peers(text):
    chosen = set()
    for name in filter(None, text.split(",")):
        if name == "none":
            continue
        base = name.replace("-compiled", "")
        if base not in peers.PEERS or base == "trine":
            sys.exit(f"trine-bench: error: peer '{name}' is not known; expected one of {', '.join(PEERS)}, pytorch-compiled, none")
        missing = peers.missing_packages(base)
        if missing:
            print(f"left out: {name} (Python package {', '.join(missing)} is not installed)")
        else:
            chosen.add(name)
    return chosen


def main():
    options = parse()
    chosen = choose_peers(options.peers)
    if options.bf16:
        chosen.add("bf16")

    def progress(text):
        print(f"\r\033[K{text}" if sys.stderr.isatty() else "", end="", file=sys.stderr, flush=True)

    problem = problems.SETS[options.set]()
    figures = machine.describe(options.threads, problem.quick, options.clock)
    print(table.machine_line(figures), flush=True)
    setting = problems.Setting(options.build, options.cache, options.threads, options.cpu)
    contestants = list(problem.contestants(setting, chosen))
    report = {"machine": figures, "python": platform.python_version(), "set": problem.name, "contestants": {}, "cases": []}
    wrong = False
    try:
        for contestant in list(contestants):
            progress(f"loading {contestant.name}")
            answer = contestant.open()
            report["contestants"][contestant.name] = answer
            if "error" in answer:
                print(f"left out: {contestant.name} ({answer['error']})")
                contestants.remove(contestant)
            else:
                progress("")
                print(f"{contestant.name}: {answer['version']}, loaded in {answer['seconds']:.1f} s", flush=True)
        for case in problem.cases(setting):
            if options.case not in case["name"]:
                continue
            taking = [contestant for contestant in contestants if contestant.name in case.get("only", [contestant.name])]
            judge = case.get("judge", problem.judge)
            results = measure.run_case(taking, case, judge, options.rounds, case.get("steps", options.steps), options.spoil, progress, options.clock)
            results = {contestant.name: results[contestant.name] for contestant in taking}
            progress("")
            print("\n" + table.case_text(case, results, figures), flush=True)
            wrong |= any(name.startswith("trine") and "error" in result for name, result in results.items())
            report["cases"].append({**{key: value for key, value in case.items() if key != "inputs"}, "results": results})
    finally:
        for contestant in contestants:
            contestant.close()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
