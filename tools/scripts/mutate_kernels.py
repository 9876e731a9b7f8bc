#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mutation tests of the skeleton kernels: changes the checked-in PTX, one instruction at a time, and runs the kernel's tests on the simulator. A mutant that passes
survived: the tests would not notice the fault.

  mutate_kernels.py --program build/release/unit/KernelTests [--kernel NAME] [--arch sm_80] [--limit N] [--report FILE]
  mutate_kernels.py --program build/release/bin/trine-verify --package PACKAGE --data DIR [...]      the kernels of a compiled model: its data sets are the tests

What is changed: every barrier, fence and commit is dropped; every wait count is raised by one and every wait dropped; arrivals are dropped, expected bytes, barrier counts
and parities changed; comparisons of sizes are moved by one (< to <=); guarded copies lose their guard; swizzles, tile addresses' masks and wgmma descriptors are damaged.
--limit takes that many of each kind and kernel, evenly; without it all are tried.

A bound that was moved changes nothing where both sides are never equal: a column that is always even against an odd bound, or a size that no test has. So a survivor is
run once more, with a trap where the sides are equal; when that is never reached the mutant and the kernel did the same, and it is counted as without effect.
Without effect too: instructions that a run never reaches, guards of copies that are always whole, fence.mbarrier_init within one workgroup, and a proxy fence right behind another one.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "test/unit/kernels"
FILTERS = {"Gemm": "*Gemm*", "Experts": "*Experts.*:*Route.*", "Attention": "*Attention*", "Generic": "*Generic*"}


def entries(text):
    """[header, [(name, text)]] of a PTX module."""
    starts = [match.start() for match in re.finditer(r"^\.(?:visible )?\.?entry |^\.visible \.entry ", text, re.M)]
    header, result = text[:starts[0]], []
    for begin, end in zip(starts, starts[1:] + [len(text)]):
        body = text[begin:end]
        result.append((re.search(r"\.entry (\w+)\(", body)[1], body))
    return header, result


def mutants(body):
    """(kind, line number in the entry, old line, new line) for every change of one line."""
    lines = body.split("\n")
    for number, line in enumerate(lines):
        code = line.strip()

        def change(kind, new):
            return kind, number, line, new

        if re.match(r"(bar\.sync|bar\.warp\.sync|barrier\.sync)\b", code):
            yield change("barrier dropped", "")
        elif re.match(r"fence\.", code) or code.startswith("wgmma.fence"):
            yield change("fence dropped", "")
        elif re.match(r"(cp\.async|wgmma)\.commit_group", code):
            yield change("commit dropped", "")
        elif match := re.match(r"((?:cp\.async|wgmma)\.wait_group(?:\.sync\.aligned)?) (\d+);", code):
            yield change("wait dropped", "")
            yield change("wait count raised", f"{match[1]} {int(match[2]) + 1};")
        elif match := re.match(r"mbarrier\.init\S* (\[.*\]), (\S+);", code):
            yield change("barrier count changed", "{\n.reg .b32 changed;\nadd.s32 changed, " + match[2] + ", 1;\n" + code.replace(f", {match[2]};", ", changed;") + "\n}")
        elif match := re.match(r"mbarrier\.arrive\.expect_tx\S* _, (\[.*\]), (\S+);", code):
            yield change("expected bytes changed", "{\n.reg .b32 changed;\nadd.s32 changed, " + match[2] + ", 16;\n" + code.replace(f", {match[2]};", ", changed;") + "\n}")
        elif re.match(r"mbarrier\.arrive\.shared", code):
            yield change("arrival dropped", "")
        elif match := re.match(r"(mbarrier\.try_wait\.parity\S* done, \[.*\]), (%r\d+);", code):
            yield change("parity flipped", "{\n.reg .b32 changed;\nxor.b32 changed, " + match[2] + ", 1;\n" + f"{match[1]}, changed;" + "\n}")
            yield change("barrier wait dropped", "setp.eq.u32 done, 0, 0;")
        elif match := re.match(r"cp\.async\.cg\.shared\.global (\[.*?\]), (\[.*?\]), 16, (%r\d+);", code):
            yield change("copy's bound dropped", f"cp.async.cg.shared.global {match[1]}, {match[2]}, 16;")
        elif match := re.match(r"((?:@\S+ )?setp)\.(lt|le|gt|ge)\.([su]\d\d)(.*)", code):
            other = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}[match[2]]
            yield change("bound moved", f"{match[1]}.{other}.{match[3]}{match[4]}")
        elif match := re.match(r"xor\.b32(\s+\S+, \S+, %r\d+;)", code):
            yield change("swizzle damaged", f"or.b32{match[1]}")
        elif match := re.match(r"and\.b32(\s+\S+, \S+), (7|56|112|1008);", code):
            yield change("swizzle damaged", f"and.b32{match[1]}, {int(match[2]) & (int(match[2]) >> 1)};")
        elif match := re.match(r"or\.b64(\s+\S+, \S+), (461168\d{13});", code):
            value = int(match[2])
            yield change("descriptor's stride damaged", f"or.b64{match[1]}, {value ^ (64 << 32)};")
            yield change("descriptor's swizzle damaged", f"or.b64{match[1]}, {value ^ (3 << 62)};")


def has_no_effect(fixture, lines, kind, number):
    """Whether a mutant that survived executed nothing else than the kernel."""
    code = lines[number].strip()
    if kind == "fence dropped":
        if code.startswith("fence.mbarrier_init"):
            return True
        # Since the proxy fence before it nothing was copied, waited for or written, and no branch meets here.
        for line in reversed(lines[:number]):
            if line.strip() == code:
                return True
            if re.match(r"\s*(\$\w+:|@|bra|st\.|cp\.async|bar\.)", line):
                return False
    test = None
    if kind == "commit dropped":
        test = "trap;"  # never executed
    elif kind == "copy's bound dropped":
        size = re.search(r", 16, (%r\d+);", code)[1]  # always whole
        test = f"setp.ne.s32 differ, {size}, 16;\n@differ trap;"
    elif kind == "swizzle damaged":
        # Bits that both operands have, or that only the old mask keeps.
        first, second = re.search(r", (\S+), (\S+);", code).groups()
        lost = int(second) ^ (int(second) & (int(second) >> 1)) if second.isdigit() else second
        test = f"and.b32 both, {first}, {lost};\nsetp.ne.u32 differ, both, 0;\n@differ trap;"
    elif kind == "bound moved" and (match := re.match(r"setp\.\w+\.([su]\d\d)\s+%p\d+, (\S+), (\S+);", code)):
        test = f"setp.eq.{match[1]} differ, {match[2]}, {match[3]};\n@differ trap;"
    if not test:
        return False
    declared = "{\n.reg .pred differ;\n.reg .b32 both;\n" + test + "\n}"
    return not fixture.traps("\n".join(lines[:number] + [declared] + lines[number:]))


def evenly(items, limit):
    if limit is None or len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


class Fixture:
    """Whether the tests of one kernel fail with a text in the place of its PTX."""

    def __init__(self, command, environment, path, prefix="", suffix="", accept=()):
        self.command, self.environment, self.path, self.prefix, self.suffix, self.accept = command, environment, path, prefix, suffix, accept

    def fails(self, text):
        self.path.write_text(self.prefix + text + self.suffix)
        self.accepted()
        try:
            return subprocess.run(self.command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120).returncode != 0
        except subprocess.TimeoutExpired:
            return True

    def traps(self, text):
        """Whether a trap that was put into the text is reached. Anything else that goes wrong is a fault of this script."""
        self.path.write_text(self.prefix + text + self.suffix)
        self.accepted()
        try:
            done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return True
        if done.returncode and "a trap was executed" not in done.stdout + done.stderr:
            sys.exit(f"a trap breaks {self.path.name}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return done.returncode != 0

    def accepted(self):
        """A package says what its files are: it is told of the change."""
        for manifest in self.accept:
            described = json.loads(manifest.read_text())
            data = self.path.read_bytes()
            for file in described["files"]:
                if file["path"] == str(self.path.relative_to(manifest.parent)):
                    file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            manifest.write_text(json.dumps(described))


def unit_kernels(arguments, folder):
    """(name, architecture, PTX of the entry, fixture) of the checked-in kernels."""
    for path in sorted(FOLDER.glob("*.ptx")):
        stem, architecture = path.name.split(".")[0], path.name.split(".")[1]
        if arguments.file and stem != arguments.file:
            continue
        header, kernels = entries(path.read_text())
        for name, body in kernels:
            # A merge is tested with its attention.
            test = name.removesuffix("_merge")
            others = "".join(text for other, text in kernels if other != name and other.removesuffix("_merge") == test)
            environment = dict(os.environ, TRINE_KERNEL_PTX=folder, TRINE_KERNEL_ONLY=test)
            command = [arguments.program, f"--gtest_filter={':'.join(f + '/' + architecture for f in FILTERS[stem].split(':'))}", "--gtest_fail_fast"]
            yield name, architecture, body, Fixture(command, environment, pathlib.Path(folder) / path.name, header, others)


def package_kernels(arguments, folder):
    """The same of a package's kernels."""
    copy = pathlib.Path(folder) / "package"
    shutil.copytree(arguments.package, copy)
    manifest = copy / "manifest.json"
    for kernel in json.loads(manifest.read_text())["kernels"]:
        for code in kernel["code"]:
            path = copy / code["path"]
            text = path.read_text()
            command = [arguments.program, copy, "--device", f"sim:{code['arch']}", "--data", arguments.data, "--quiet"]
            fixture = Fixture(command, None, path, accept=[manifest])
            yield kernel["name"], code["arch"], text, fixture
            path.write_text(text)
            fixture.accepted()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--package", default=None, help="mutate this package's kernels")
    parser.add_argument("--data", default=None, help="data sets that test the package")
    parser.add_argument("--kernel", action="append", default=[], help="only this entry; may be repeated")
    parser.add_argument("--file", default=None, help="only this file's entries (Gemm, Experts, Attention, Generic)")
    parser.add_argument("--arch", action="append", default=[], help="sm_80, sm_90a; both if none")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=None, help="stop after this time")
    parser.add_argument("--least", type=float, default=None, help="fail when fewer percent are caught")
    parser.add_argument("--report", default=None)
    arguments = parser.parse_args()
    if bool(arguments.package) != bool(arguments.data):
        parser.error("--package and --data go together")
    begin = time.monotonic()
    totals = collections.Counter()
    caught = collections.Counter()
    without = collections.Counter()
    out = open(arguments.report, "a") if arguments.report else sys.stdout
    with tempfile.TemporaryDirectory() as folder:
        for name, architecture, body, fixture in (package_kernels if arguments.package else unit_kernels)(arguments, folder):
            if (arguments.kernel and name not in arguments.kernel) or (arguments.arch and architecture not in arguments.arch):
                continue
            lines = body.split("\n")
            kinds = collections.defaultdict(list)
            for mutant in mutants(body):
                kinds[mutant[0]].append(mutant)
            if fixture.fails(body):
                sys.exit(f"{name} {architecture}: fails without a mutation")
            for kind, all_of_kind in sorted(kinds.items()):
                for _, number, old, new in evenly(all_of_kind, arguments.limit):
                    if arguments.seconds and time.monotonic() - begin > arguments.seconds:
                        break
                    totals[kind] += 1
                    if fixture.fails("\n".join(lines[:number] + [new] + lines[number + 1:])):
                        caught[kind] += 1
                    elif has_no_effect(fixture, lines, kind, number):
                        without[kind] += 1
                    else:
                        print(f"survived: {name} {architecture}, {kind}, line {number} of the entry: {old.strip()}  ->  {' '.join(new.split())}", file=out, flush=True)
    print("| mutation | tried | caught | without effect |\n| --- | --- | --- | --- |", file=out)
    for kind in sorted(totals):
        print(f"| {kind} | {totals[kind]} | {caught[kind]} | {without[kind]} |", file=out)
    meaning = sum(totals.values()) - sum(without.values())
    print(f"| all | {sum(totals.values())} | {sum(caught.values())} | {sum(without.values())} |", file=out)
    share = 100 * sum(caught.values()) / max(meaning, 1)
    print(f"{sum(caught.values())} of {meaning} mutants with an effect are caught: {share:.1f} %", file=out, flush=True)
    if arguments.least is not None and share < arguments.least:
        sys.exit(f"less than {arguments.least} %")


main()
