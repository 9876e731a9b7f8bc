#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs what tests need, builds, runs every test and ends with "N passed, N failed". With --full also what takes longer.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== install what tests need"
tools/setup.sh --tests
echo "== build"
tools/build.sh release
echo "== test"
exec .venv/bin/python tools/scripts/run_tests.py "$@"
