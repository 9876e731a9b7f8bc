# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the features that a manifest requires, and those that the runtime does not know; with a name, adds it to them."""
import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1])
manifest = json.loads(path.read_text())
(variant,) = manifest["target"]["variants"]
if len(sys.argv) > 2:
    variant["features"].append(sys.argv[2])
    path.write_text(json.dumps(manifest))
    sys.exit()
print(*variant["features"])
known = (pathlib.Path(__file__).resolve().parents[4] / "runtime/core/CpuFeatures.cpp").read_text()
print(*(f"unknown: {name}" for name in variant["features"] if f'{{"{name}", ' not in known))
