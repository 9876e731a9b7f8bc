#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A real model, from ONNX to checked results: installs, builds, compiles examples/engram_paper (an exported MLA + MoE + Engram model), runs it on the CPU
# and compares every output with what another runtime computed. Safe to run again; the second run takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== 1/4 install what building needs"
tools/setup.sh
echo "== 2/4 build the compiler and the runtime (about 7 minutes the first time on two cores)"
tools/build.sh release trine-compile trine-run trine-verify
bin=build/release/bin
package=build/quickstart/engram_paper
mkdir -p build/quickstart
echo "== 3/4 compile examples/engram_paper/model.onnx for this CPU"
$bin/trine-compile examples/engram_paper/model.onnx -o $package --report
echo "== 4/4 run it and compare with the expected outputs"
for data in examples/engram_paper/test_data_set_*; do
  $bin/trine-verify $package --device host --data "$data"
done
echo "quickstart: the package is $package; look at it with $bin/trine-run $package --info"
