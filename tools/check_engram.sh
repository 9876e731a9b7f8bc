#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds the Engram store and its tests alone, with a sanitizer, and runs them: tools/check_engram.sh thread|address [GoogleTest options].
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizer="${1:-}"
case "$sanitizer" in
  thread) flags=thread ;;
  address) flags=address,undefined ;;
  *) echo "usage: tools/check_engram.sh thread|address [GoogleTest options]" >&2; exit 2 ;;
esac
shift
build="build/engram-$sanitizer"
cmake -S . -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -gline-tables-only -DNDEBUG" -DTRINE_BUILD_COMPILER=OFF -DTRINE_SANITIZE="$flags" >/dev/null
ninja -C "$build" -j2 EngramTests
exec "$build/unit/EngramTests" --gtest_brief=1 "$@"
