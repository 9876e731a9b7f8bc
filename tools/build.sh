#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Configures and builds a preset (default: release). Arguments after the preset go to the build: tools/build.sh release trine-opt
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
build=build/$preset
mkdir -p "$build"
if [[ ! -f $build/build.ninja ]] && ! cmake --preset "$preset" >"$build/configure.log" 2>&1; then
  cat "$build/configure.log" >&2
  exit 1
fi
started=$SECONDS
if ! cmake --build --preset "$preset" --parallel "${TRINE_JOBS:-$(nproc)}" --target "${@:-all}" >"$build/build.log" 2>&1; then
  tail -n 60 "$build/build.log" >&2
  echo "build: failed; the whole log is $build/build.log" >&2
  exit 1
fi
echo "build: $preset is up to date ($((SECONDS - started)) s)"
