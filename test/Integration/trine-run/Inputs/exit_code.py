# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Succeeds when the command ends with the given exit code: exit_code.py CODE COMMAND..."""

import subprocess
import sys

code = subprocess.run(sys.argv[2:]).returncode
if code != int(sys.argv[1]):
    sys.exit(f"exit code must be {sys.argv[1]}, got {code}")
