#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A package that refers to the tables of a model: the bits of one that holds them, and a refusal of every file that is not the one meant.

usage: reference.py BIN MODEL FOLDER
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import inputs
import numpy

BIN, MODEL, FOLDER = (pathlib.Path(argument) for argument in sys.argv[1:])
PACKAGE, DATA = FOLDER / "package", FOLDER / "inputs.npz"


def call(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def check(done, *texts):
    for text in texts:
        if text not in done.stdout + done.stderr:
            sys.exit(f"expected {text!r}, got {done.returncode}:\n{done.stdout}{done.stderr}")


def run(*options, package=PACKAGE):
    results = FOLDER / "outputs.npz"
    results.unlink(missing_ok=True)
    done = call(BIN / "trine-run", package, "--inputs", DATA, "--outputs", results, *options)
    if done.returncode != 0:
        return done, None
    with numpy.load(results) as arrays:
        return done, {name: arrays[name].tobytes() for name in arrays.files}


def refused(*options, text):
    done, outputs = run(*options)
    if outputs is not None:
        sys.exit(f"{options} was not refused: {text}")
    check(done, text)


def main():
    FOLDER.mkdir(parents=True)
    inputs.write(MODEL, DATA)
    models = FOLDER / "models"
    models.mkdir()
    model = models / "model.onnx"
    shutil.copy(MODEL / "model.onnx", model)
    for name, *options in (("plain", "--table-limit", "-1"), ("package", "--table-limit", "0", "--reference-tables")):
        done = call(BIN / "trine-compile", model, "-o", FOLDER / name, "--cpu", "native", *options)
        if done.returncode:
            sys.exit(done.stderr)
    done, expected = run(package=FOLDER / "plain")
    table = json.loads((PACKAGE / "manifest.json").read_text())["tables"][0]
    place, info = table["reference"], model.stat()
    if (table["path"], place["file_bytes"], place["modified_nanoseconds"]) != ("model.onnx", info.st_size, info.st_mtime_ns) or (PACKAGE / "tables").exists():
        sys.exit(f"the manifest says {table}")

    # The bits of the package without a store, from every tier.
    folder = ("--table-folder", models)
    for tier in ("resident", "mapped", "disk"):
        for check_when in ("never", "touch"):
            done, outputs = run(*folder, "--table-tier", tier, "--table-check", check_when, "--stats")
            if outputs != expected:
                sys.exit(f"{tier}, {check_when}: the outputs differ: {done.stderr}")
            if ("checked" in done.stdout) != (check_when == "touch"):
                sys.exit(f"{tier}, {check_when}: {done.stdout}")

    # Nothing is opened but what the user allows.
    refused(text="which is not part of the package: name the folder that it may be opened in (table_folder, --table-folder)")
    refused("--table-folder", FOLDER, text="model.onnx")
    refused("--table-folder", FOLDER / "nowhere", text="nowhere")
    aside = models / "aside.onnx"
    model.rename(aside)
    model.symlink_to(aside)
    refused(*folder, text="must not lead through a link")
    model.unlink()
    aside.rename(model)

    # Checksums of blocks are kept, and found again.
    checksums = FOLDER / "checksums"
    checksums.mkdir()
    done = call(BIN / "trine-run", PACKAGE, *folder, "--table-checksums", checksums, "--verify-tables")
    check(done, "rows have their checksums")
    if not (checksums / "table0.checksums").exists():
        sys.exit("no checksums were written")
    done, outputs = run(*folder, "--table-checksums", checksums, "--table-check", "touch")
    if outputs != expected:
        sys.exit(f"the outputs differ with checksums: {done.stderr}")

    # Other contents with the size, time and header of the file that was meant.
    first = max(place["offset"], 64 << 10)
    last = place["offset"] + table["rows"] * place["stride"]
    if first >= last:
        sys.exit("the table lies in the header alone")
    with open(model, "r+b") as file:
        file.seek(first)
        contents = file.read(last - first)
        file.seek(first)
        file.write(bytes(byte ^ 1 for byte in contents))
    os.utime(model, ns=(info.st_atime_ns, info.st_mtime_ns))
    refused(*folder, "--table-checksums", checksums, "--table-check", "touch", text="do not have the checksum that they had")
    done = call(BIN / "trine-run", PACKAGE, *folder, "--table-checksums", checksums, "--verify-tables")
    check(done, "do not have the checksum that they had")
    if done.returncode != 1:
        sys.exit("--verify-tables did not fail")

    # Another time, another size, another header.
    os.utime(model)
    refused(*folder, text="is not the file that was meant")
    with open(model, "ab") as file:
        file.write(b"x")
    os.utime(model, ns=(info.st_atime_ns, info.st_mtime_ns))
    refused(*folder, text=f"it must have {info.st_size} bytes")
    os.truncate(model, info.st_size)
    with open(model, "r+b") as file:
        file.write(b"\xff")
    os.utime(model, ns=(info.st_atime_ns, info.st_mtime_ns))
    refused(*folder, text="is not the file that was meant")

    # A manifest that leads out of the folder.
    manifest = json.loads((PACKAGE / "manifest.json").read_text())
    for path in ("../models/model.onnx", str(model)):
        manifest["tables"][0]["path"] = path
        (PACKAGE / "manifest.json").write_text(json.dumps(manifest))
        refused(*folder, text=path)
    print(f"{MODEL.name}: the bits of the package without a store, and nothing but the file that was meant")


if __name__ == "__main__":
    main()
