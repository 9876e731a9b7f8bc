#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs a bundle: every package on its data, then the kernel bench. Without a GPU one data set of each package runs on the simulated device, and
# nothing is measured. run.sh [--sim]: as if there were no GPU. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")"
export LD_LIBRARY_PATH="$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

device=cuda
if [[ "${1:-}" == --sim ]]; then
  device=sim
elif ! problem=$(./trine-run packages/"$(ls packages | head -n 1)" --device cuda --inputs /dev/null/none.safetensors 2>&1) && grep -q "device 'cuda'" <<<"$problem"; then
  echo "no GPU: ${problem#*error: }"
  device=sim
fi
[[ $device == sim ]] && echo "no kernel is measured: packages run on the simulated device"

passed=0 failed=0
check() {
  if output=$(./trine-run "$@" 2>&1); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED trine-run %s\n%s\n' "$*" "$output"
  fi
}
for package in packages/*; do
  name=$(basename "$package")
  for inputs in data/"$name"/*.inputs.safetensors; do
    set=$(basename "$inputs" .inputs.safetensors)
    expect=data/$name/$set.outputs.safetensors
    # The simulated device is slow: one set, on each architecture.
    if [[ $device == cuda ]]; then
      check "$package" --device cuda --inputs "$inputs" --expect "$expect"
      check "$package" --device cuda:direct --inputs "$inputs" --expect "$expect"
      # Twice more on one session: the second replays a graph.
      check "$package" --device cuda --inputs "$inputs" --expect "$expect" --repeat 3
    fi
    if [[ $set == 1 ]]; then
      for arch in sm_80 sm_90a; do
        check "$package" --device "sim:$arch" --inputs "$inputs" --expect "$expect"
      done
    fi
  done
done
if [[ $device == cuda ]]; then
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.total --format=csv
  for package in bench/*.package; do
    name=$(basename "$package" .package)
    while read -r sizes; do
      echo "== $name, $sizes"
      options=()
      for size in $sizes; do options+=(--random "$size"); done
      ./trine-run "$package" --device cuda "${options[@]}" --warmup 3 --repeat 20 --profile "profile-$name-${sizes// /-}.json" || failed=$((failed + 1))
    done <"bench/$name.sizes"
  done
fi
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
