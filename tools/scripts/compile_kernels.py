#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the kernels of test/unit/kernels with NVRTC, for sm_80 and sm_90a, into the checked-in PTX beside them.

  compile_kernels.py            writes the PTX of all (or of the named) .cu files
  compile_kernels.py --check    compares, and fails when the checked-in PTX is not what this NVRTC makes of the sources; without NVRTC, or with another version than the one
                                that wrote the PTX, it says so and succeeds
  compile_kernels.py --ptxas    assembles the PTX too and prints registers, shared memory and spills as a table of docs/kernels.md

NVRTC is opened at run time: TRINE_NVRTC names the library, else the usual places are tried. Headers are given from memory, as the compiler does.
"""
import argparse
import ctypes
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "test/unit/kernels"
ARCHITECTURES = ["sm_80", "sm_90a"]


def open_nvrtc():
    candidates = [os.environ.get("TRINE_NVRTC", ""), "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]
    candidates += sorted(glob.glob("/usr/local/cuda*/lib*/libnvrtc.so*"))
    for name in candidates:
        if name:
            try:
                return ctypes.CDLL(name)
            except OSError:
                pass
    return None


def headers():
    found = {path.name: path.read_text() for path in sorted((ROOT / "runtime/kernels").glob("*.h"))}
    found["trine/Runtime/KernelConfiguration.h"] = (ROOT / "include/trine/Runtime/KernelConfiguration.h").read_text()
    return found


def compile_text(nvrtc, text, name, architecture):
    """The PTX, or exits with NVRTC's log."""
    included = headers()
    sources = (ctypes.c_char_p * len(included))(*[t.encode() for t in included.values()])
    names = (ctypes.c_char_p * len(included))(*[n.encode() for n in included])
    program = ctypes.c_void_p()
    if nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), name.encode(), len(included), sources, names):
        sys.exit("nvrtcCreateProgram failed")
    options = [b"-std=c++20", b"-default-device", f"-arch={architecture}".encode(), b"-diag-error=20012"]
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if status:
        sys.exit(f"{name} for {architecture}:\n{log.value.decode()}")
    if log.value.strip():
        print(log.value.decode(), file=sys.stderr)
    nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    ptx = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetPTX(program, ptx)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    # NVRTC writes two comments around every inline assembly: a quarter of the text.
    return "\n".join(line for line in ptx.value.decode().splitlines() if line.strip() and not re.match(r"\s*// (begin|end) inline asm", line)) + "\n"


def version(ptx):
    match = re.search(r"Cuda compilation tools, release [^\n]*", ptx)
    return match[0] if match else ""


def assemble(path, architecture):
    """[kernel, registers, static shared bytes, stack and spills] for each entry; exits when ptxas refuses."""
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as target:
        done = subprocess.run([ptxas, "-v", f"-arch={architecture}", "-O3", str(path), "-o", target.name], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    for line in done.stderr.splitlines():
        if "warning" in line.lower() or "potential" in line.lower():
            print(f"{path.name}: {line}", file=sys.stderr)
    rows = []
    pattern = r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)"
    for name, stack, stores, loads, registers, rest in re.findall(pattern, done.stderr, re.S):
        shared = re.search(r"(\d+) bytes smem", rest)
        rows.append([name, architecture, registers, shared[1] if shared else "0", stack, str(int(stores) + int(loads))])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--ptxas", action="store_true")
    parser.add_argument("names", nargs="*", help="stems of .cu files; all if none")
    arguments = parser.parse_args()
    nvrtc = open_nvrtc()
    sources = [path for path in sorted(FOLDER.glob("*.cu")) if not arguments.names or path.stem in arguments.names]
    if nvrtc is None and not arguments.ptxas:
        print("skipped: NVRTC was not found (set TRINE_NVRTC to libnvrtc.so)")
        sys.exit(0 if arguments.check else 1)
    stale, rows = [], []
    for source in sources:
        for architecture in ARCHITECTURES:
            target = source.with_suffix(f".{architecture}.ptx")
            if arguments.ptxas:
                rows += assemble(target, architecture)
                continue
            ptx = compile_text(nvrtc, source.read_text(), source.name, architecture)
            if not arguments.check:
                target.write_text(ptx)
            elif not target.exists() or version(target.read_text()) != version(ptx):
                print(f"skipped: {target.name} was written by another NVRTC")
            elif target.read_text() != ptx:
                stale.append(target.name)
    if rows:
        print("| kernel | architecture | registers | static shared bytes | stack bytes | spill bytes |\n| --- | --- | --- | --- | --- | --- |")
        for row in rows:
            print("| " + " | ".join(row) + " |")
    # GEMM, grouped GEMM and attention at their main configurations.
    spilling = [f"{row[0]} for {row[1]}" for row in rows if int(row[5]) and re.search(r"_main|attention_(prefill|gqa|latent_few|latent_many)$", row[0])]
    if spilling:
        sys.exit("registers spill in " + ", ".join(spilling))
    if stale:
        sys.exit("stale, run tools/scripts/compile_kernels.py: " + ", ".join(stale))


main()
