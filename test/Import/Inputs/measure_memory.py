#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command and fails when it took more resident memory: measure_memory.py MIB COMMAND..."""
import resource
import subprocess
import sys

done = subprocess.run(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
if used > int(sys.argv[1]):
    sys.exit(f"took {used} MiB, at most {sys.argv[1]} are right")
sys.exit(done.returncode)
