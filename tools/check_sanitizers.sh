#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds and runs tests with sanitizers: tools/check_sanitizers.sh runtime|thread|compiler [FOLDER...]
#   runtime   the runtime, the Engram store and the simulated device, AddressSanitizer and UndefinedBehaviorSanitizer; needs no MLIR
#   thread    the runtime and the Engram store, ThreadSanitizer; needs no MLIR
#   compiler  everything, AddressSanitizer and UndefinedBehaviorSanitizer: the whole lit and unit suite (preset asan). On two cores that
#             have nothing else to do: a quarter of an hour to build (600 files), an hour to test. With folders of test/ as further arguments
#             (Import Passes/Raise): these lit tests alone, a few minutes each
set -euo pipefail
cd "$(dirname "$0")/.."
jobs="${TRINE_JOBS:-2}"

run() { # FOLDER PROGRAM...
  local build="$1" status=0
  shift
  ninja -C "$build" -j"$jobs" "$@" | tail -1
  for program in "$@"; do
    echo "== $program"
    "$build/unit/$program" --gtest_brief=1 || status=1
  done
  return $status
}
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}" TSAN_OPTIONS="halt_on_error=1:${TSAN_OPTIONS:-}"
case "${1:-}" in
  runtime)
    cmake --preset asan -B build/asan-runtime -DTRINE_BUILD_COMPILER=OFF >/dev/null
    run build/asan-runtime RuntimeTests CudaDeviceTests EngramTests FuzzCorpusTests $(sed -n 's/^trine_add_unit_test(\(\w*\).*/\1/p' test/unit/sim/CMakeLists.txt)
    ;;
  thread)
    cmake --preset tsan >/dev/null
    run build/tsan RuntimeTests EngramTests
    ;;
  compiler)
    shift
    cmake --preset asan >/dev/null
    ninja -C build/asan -j"$jobs" | tail -1
    if [ $# -gt 0 ]; then
      exec /usr/lib/llvm-22/bin/lit -q -j"$jobs" "${@/#/build/asan/test/}"
    fi
    exec .venv/bin/python tools/scripts/run_tests.py --preset asan
    ;;
  *)
    echo "usage: tools/check_sanitizers.sh runtime|thread|compiler [FOLDER...]" >&2
    exit 2
    ;;
esac
