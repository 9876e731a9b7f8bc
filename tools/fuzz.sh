#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds and runs a fuzz target: tools/fuzz.sh TARGET SECONDS [libFuzzer options]. TARGET may be `readers`: each target that needs
# no MLIR at run time, SECONDS all together. docs/fuzzing.md lists the targets.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -lt 2 ]; then
  echo "usage: tools/fuzz.sh TARGET|readers SECONDS [libFuzzer options]" >&2
  exit 2
fi
target="$1" seconds="$2"
shift 2
build=build/fuzz
readers=(Manifest SizeExpression Safetensors State Npy Npz Engram PTX WireScanner ExternalEntry TensorFile)
if [ "$target" = readers ]; then targets=("${readers[@]}") goal=fuzz-readers; else targets=("$target") goal="Fuzz$target"; fi
[ -f $build/build.ninja ] || cmake --preset fuzz >/dev/null
ninja -C $build "$goal" | tail -1

# Longer inputs of these say no more, and cost the executions of many short ones.
declare -A longest=([Safetensors]=512 [State]=1024 [Engram]=512 [PTX]=512 [Manifest]=2048)
each=$((seconds / ${#targets[@]}))
[ $each -gt 0 ] || each=1
for name in "${targets[@]}"; do
  # What is found grows there; what is checked in only seeds it.
  work="$build/runs/$name"
  mkdir -p "$work/corpus" "$work/findings"
  options=(-max_total_time=$each -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=2048 -max_len="${longest[$name]:-4096}" -reload=0 -print_final_stats=1)
  options+=(-artifact_prefix="$work/findings/")
  [ ! -f "test/fuzz/dictionaries/$name.dict" ] || options+=(-dict="test/fuzz/dictionaries/$name.dict")
  seeds=()
  for folder in "test/fuzz/corpus/$name" "test/fuzz/findings/$name"; do [ ! -d "$folder" ] || seeds+=("$folder"); done
  status=0
  # Debian's libMLIR is not instrumented: memory that our code marks as not yet given out by an allocator may be given out by it.
  # Stacks of allocations are short: replay a finding with the target alone (build/fuzz/fuzz/FuzzNAME FILE) for whole ones.
  ASAN_OPTIONS="malloc_context_size=2:quarantine_size_mb=8:detect_leaks=1:allocator_may_return_null=0:allow_user_poisoning=0:${ASAN_OPTIONS:-}" UBSAN_OPTIONS=print_stacktrace=1 \
    "$build/fuzz/Fuzz$name" "${options[@]}" "$@" "$work/corpus" "${seeds[@]}" >"$work/log" 2>&1 || status=$?
  runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")"
  echo "$name: ${runs:-0} executions, $(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$work/log" | tail -1) edges, $(ls "$work/findings" | wc -l) findings"
  if [ $status -ne 0 ]; then
    tail -40 "$work/log"
    echo "tools/fuzz.sh: $name stopped; its input is in $work/findings, its log in $work/log" >&2
    exit 1
  fi
  echo "$(date -u +%F) $(git rev-parse --short HEAD) $name ${runs:-0}" >>"$build/executions.txt"
done
