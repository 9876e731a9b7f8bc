# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imports damaged copies of a model: each must be imported, or refused with a message and exit code 1. Arguments: the importer, the
model, a file for the copies, how many, and the seed."""
import pathlib
import random
import subprocess
import sys

tool, source, target, count, seed = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
original = source.read_bytes()
refused = 0
for i in range(count):
    generator = random.Random(seed * 1000003 + i)
    data = bytearray(original)
    for _ in range(generator.choice([1, 1, 2, 4, 16])):
        position = generator.randrange(len(data))
        kind = generator.randrange(5)
        if kind == 0:
            data[position] ^= 1 << generator.randrange(8)
        elif kind == 1:
            data[position] = generator.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[position : position + generator.randrange(1, 9)]
        elif kind == 3:
            data[position:position] = generator.randbytes(generator.randrange(1, 9))
        else:
            start = generator.randrange(len(data))
            data[position : position + 16] = data[start : start + 16]
    target.write_bytes(data)
    done = subprocess.run([tool, "--import-onnx", str(target), "-o", "/dev/null"], capture_output=True, timeout=60)
    if done.returncode not in (0, 1) or (done.returncode == 1 and b"error: " not in done.stderr):
        sys.exit(f"mutation {i} of seed {seed}: exit code {done.returncode}\n{done.stderr[-2000:].decode(errors='replace')}\nkept in {target}")
    refused += done.returncode
target.unlink()
print(f"{refused} refused, {count - refused} imported")
