#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What surrounds the tools fails: surroundings.py CASE FOLDER. Each case prints a line for each thing that it has shown, and stops at the first
that is not so.

The rules: what was there stays whole, or is replaced by what is whole; the tool ends with a message and a code, not by a signal (but where
memory ends, which stops LLVM); the next call is not hindered.
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHT = (numpy.arange(64 * 256, dtype=numpy.float32).reshape(64, 256) % 7) - 3
INPUT = (numpy.arange(2 * 64, dtype=numpy.float32).reshape(2, 64) % 5) - 2


def make_model(path, scale=1):
    weight = numpy_helper.from_array(WEIGHT * numpy.float32(scale), "w")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", size]) for n, size in (("x", 64), ("y", 256)))
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()
    with open(path, "wb") as file:
        file.write(data)


def start(command, limits=(), **options):
    def limit():
        for kind, value in limits:
            resource.setrlimit(kind, (value, value))

    # Without restore_signals the child ignores SIGXFSZ, as Python does: writes beyond the limit fail then, as on a full disk.
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit, restore_signals=False, **options)


def call(command, limits=(), **options):
    process = start(command, limits, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


def compile_to(output, model, limits=(), **options):
    return call(["trine-compile", model, "-o", output, "--jobs=1"], limits, **options)


def check(condition, text):
    if not condition:
        sys.exit(f"not so: {text}")


def is_whole(package, folder, scale=1):
    """Opens the package with its hashes, and runs it."""
    numpy.save(f"{folder}/x.npy", INPUT)
    results = f"{folder}/results"
    shutil.rmtree(results, ignore_errors=True)
    code, _, err = call(["trine-run", package, "--input", f"x={folder}/x.npy", "--output-dir", results])
    if code:
        print(err)
        return False
    same = numpy.array_equal(numpy.load(f"{results}/y.npy"), INPUT @ (WEIGHT * numpy.float32(scale)))
    shutil.rmtree(results)
    return same


def listing(folder):
    return sorted(os.listdir(folder))


def full(folder):
    model, home = f"{folder}/model.onnx", f"{folder}/home"
    make_model(model)
    os.mkdir(home)

    def compile_full(bytes, where=home):
        preload = {"LD_PRELOAD": os.environ["FULL_DISK"], "FULL_DISK_FOLDER": where, "FULL_DISK_BYTES": str(bytes), "TMPDIR": f"{folder}/temporary"}
        return compile_to(f"{home}/package", model, env={**os.environ, **preload})

    os.mkdir(f"{folder}/temporary")
    for place in ("home", "temporary"):
        for limit in (0, 100, 4096, 16000, 66000):
            code, _, err = compile_full(limit, f"{folder}/{place}")
            if place == "temporary" and code == 0:
                shutil.rmtree(f"{home}/package")  # it needs little
                break
            check(code == 1 and "error: " in err and "No space left on device" in err, f"{limit} bytes in {place} give a message: {code} {err}")
            check(listing(home) == [], f"{limit} bytes in {place} leave nothing behind: {listing(home)}")
        check(limit > 0, "something was too little")
        check(listing(f"{folder}/temporary") == [], "no temporary files stay")
    print("no package on a full disk")
    check(compile_to(f"{home}/package", model)[0] == 0, "it compiles")
    make_model(model, 2)
    for limit in (100, 16000, 66000):
        check(compile_full(limit)[0] == 1, "it fails")
        check(listing(home) == ["package"] and is_whole(f"{home}/package", folder), "the old package stays whole")
    print("the old package on a full disk")
    numpy.save(f"{folder}/in.npy", INPUT)
    for kind in ("--output-dir=results", "--outputs=y.npz", "--outputs=y.safetensors"):
        before = listing(folder)
        option, name = kind.split("=")
        code, _, err = call(["trine-run", f"{home}/package", "--input", f"x={folder}/in.npy", option, f"{folder}/{name}"], [(resource.RLIMIT_FSIZE, 10)])
        check(0 < code < 128 and "cannot be written" in err, f"{kind} gives a message: {code} {err}")
        left = [name for name in listing(folder) if name not in before and name != "results"]
        check(not left and (name != "results" or listing(f"{folder}/results") == []), f"{kind} leaves no half file: {left}")
    print("no results on a full disk")
    for command in (["trine-compile", model, "--emit=onnx", "-o", "/dev/full"], ["trine-translate", "--import-onnx", model, "-o", "/dev/full"],
                    ["trine-compile", model, "-o", f"{home}/package", "--report-json=/dev/full"]):
        code, _, err = call(command)
        check(code == 1 and "No space left on device" in err, f"{command} gives a message: {code} {err}")
    print("no text on a full disk")


def readonly(folder):
    model = f"{folder}/model.onnx"
    make_model(model)
    with open(f"{folder}/file", "w") as file:
        file.write("data")
    for output in ("/proc/package", "/sys/package", "/dev/null/package", f"{folder}/file/package", f"{folder}/file"):
        code, _, err = compile_to(output, model)
        check(code == 1 and "error: " in err and output.split("/")[-1] in err, f"{output} gives a message: {code} {err}")
    with open(f"{folder}/file") as file:
        check(file.read() == "data", "a file in the way stays")
    if os.geteuid() != 0:  # nothing is read-only to root
        os.mkdir(f"{folder}/locked", 0o500)
        code, _, err = compile_to(f"{folder}/locked/package", model)
        check(code == 1 and "ermission denied" in err, f"a folder without permission: {code} {err}")
    check(listing(folder) == ["file", "model.onnx"] + ["locked"] * (os.geteuid() != 0), f"nothing is left: {listing(folder)}")
    print("targets that cannot be written")
    os.chmod(model, 0)
    code, _, err = compile_to(f"{folder}/package", model) if os.geteuid() != 0 else (1, "", "error: Permission denied")
    check(code == 1 and "ermission denied" in err, "a model that cannot be read")
    print("models that cannot be read")


def killed(folder):
    model, home = f"{folder}/model.onnx", f"{folder}/home"
    make_model(model)
    os.mkdir(home)
    begin = time.monotonic()
    check(compile_to(f"{home}/package", model)[0] == 0, "it compiles")
    took = time.monotonic() - begin
    scales = [1]
    kills = 12
    for i in range(kills):
        scale = i + 2
        make_model(model, scale)
        process = start(["trine-compile", model, "-o", f"{home}/package", "--jobs=1"])
        # More of them near the end, where files are written.
        time.sleep(took * (0.5 + 0.6 * i / kills))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        scales.append(scale)
        check(any(is_whole(f"{home}/package", folder, s) for s in reversed(scales)), "the old package or the new one, whole")
    print("whole after each kill")
    # What a killed writer leaves, for certain; and what a living one has.
    os.mkdir(f"{home}/.trine-writing-dead00")
    with open(f"{home}/.trine-writing-dead00/program.so", "w") as file:
        file.write("half")
    make_model(model, 1)
    check(compile_to(f"{home}/package", model)[0] == 0 and is_whole(f"{home}/package", folder), "it compiles again")
    check(listing(home) == ["package"], f"leftovers are gone: {listing(home)}")
    print("leftovers are removed by the next call")


def concurrent(folder):
    home = f"{folder}/home"
    os.mkdir(home)
    for scale in range(4):
        make_model(f"{folder}/{scale}.onnx", scale + 1)
    for round in range(3):
        processes = [start(["trine-compile", f"{folder}/{scale}.onnx", "-o", f"{home}/package", "--jobs=1"]) for scale in range(4)]
        for process in processes:
            _, err = process.communicate(timeout=300)
            check(process.returncode == 0, f"all succeed: {err.decode()}")
        check(any(is_whole(f"{home}/package", folder, scale + 1) for scale in range(4)), "one of them is there, whole")
        check(listing(home) == ["package"], f"nothing is left: {listing(home)}")
    print("several at once")


def memory(folder):
    model, home = f"{folder}/model.onnx", f"{folder}/home"
    make_model(model)
    os.mkdir(home)
    check(compile_to(f"{home}/package", model)[0] == 0, "it compiles")
    make_model(model, 2)
    failed = 0
    for limit in range(200, 1001, 100):
        code, _, err = compile_to(f"{home}/package", model, [(resource.RLIMIT_AS, limit << 20)])
        if code == 0:
            break
        failed += 1
        check(err, f"{limit} MiB: something is said")
        check(is_whole(f"{home}/package", folder), "the old package stays whole")
    check(failed > 0, "some limit is too small")
    make_model(model, 1)
    check(compile_to(f"{home}/package", model)[0] == 0 and listing(home) == ["package"], f"and then it goes on: {listing(home)}")
    print("too little memory to compile")
    numpy.save(f"{folder}/big.npy", numpy.zeros((1 << 20, 64), numpy.float32))
    code, _, err = call(["trine-run", f"{home}/package", "--input", f"x={folder}/big.npy", "--threads=1"], [(resource.RLIMIT_AS, 700 << 20)])
    check(0 < code < 128 and "memory" in err, f"too little memory to run gives a message: {code} {err}")
    print("too little memory to run")


def paths(folder):
    make_model(f"{folder}/model.onnx")
    names = [b"with space", "ünï çødé 模型".encode(), b"quote'\"s", b"line\nbreak", b"tab\tstar*?[", b"-o", b"\xff\xfe not UTF-8", b"x" * 250, b"100%d%s", b"a;b&c|d$(e)`f`"]
    for name in names:
        home = os.path.join(folder.encode(), b"home")
        os.makedirs(os.path.join(home, name))
        model = os.path.join(home, name, name[:240] + b".onnx")
        shutil.copy(f"{folder}/model.onnx", model)
        package = os.path.join(home, name, b"package")
        for output in (package, os.path.join(home, name, name)):
            code, _, err = compile_to(output, model)
            check(code == 0, f"{name} is a good name: {code} {err}")
            check(is_whole(output, folder), f"a package under {name} runs")
            with open(os.path.join(output, b"manifest.json"), encoding="utf-8") as file:
                json.load(file)
        # Relative, from within.
        code, _, err = compile_to(b"./second", b"./" + name[:240] + b".onnx", cwd=os.path.join(home, name))
        check(code == 0 and is_whole(os.path.join(home, name, b"second"), folder), f"relative paths in {name}: {err}")
        shutil.rmtree(home)
    print("names of all kinds")
    too_long = "y" * 256
    code, _, err = compile_to(f"{folder}/{too_long}", f"{folder}/model.onnx")
    check(code == 1 and "File name too long" in err, f"a name that is too long: {code} {err}")
    code, _, err = compile_to(f"{folder}/" + "d/" * 3000 + "p", f"{folder}/model.onnx")
    check(code == 1 and "ile name too long" in err, f"a path that is too long: {code} {err[-300:]}")
    print("names that are too long")


def environment(folder):
    make_model(f"{folder}/model.onnx")
    tools = {name: shutil.which(name) for name in ("trine-compile", "trine-run")}
    for label, variables in (("none", {}), ("no home", {"HOME": "/nonexistent"}), ("an odd locale", {"LC_ALL": "tr_TR.UTF-8", "LANG": "xx"}),
                             ("a decimal comma", {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}), ("no terminal", {"TERM": ""})):
        package = f"{folder}/package"
        code, _, err = call([tools["trine-compile"], f"{folder}/model.onnx", "-o", package, "--jobs=1"], env=variables)
        check(code == 0, f"{label}: {err}")
        check(is_whole(package, folder), f"{label}: it runs")
        shutil.rmtree(package)
        print(f"environment: {label}")
    code, _, err = call([tools["trine-compile"], f"{folder}/model.onnx", "-o", f"{folder}/package"], env={"TMPDIR": "/nonexistent"})
    check(code == 0 and is_whole(f"{folder}/package", folder) or code == 1 and "/nonexistent" in err, f"no folder for temporary files: {code} {err}")
    print("environment: no folder for temporary files")
    # Closed descriptors: what is opened next must not become the standard output.
    code = subprocess.run(["sh", "-c", f"trine-compile {folder}/model.onnx -o {folder}/closed --jobs=1 <&- >&- 2>&-"]).returncode
    check(code == 0 and is_whole(f"{folder}/closed", folder), "closed descriptors")
    print("environment: closed descriptors")


def main():
    case, folder = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    {function.__name__: function for function in (full, readonly, killed, concurrent, memory, paths, environment)}[case](folder)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
